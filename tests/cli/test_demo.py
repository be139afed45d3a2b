"""The demo, in a folder with a blank in its name: what it writes, and that the commands it names run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from fpgaq.cli.demo import FILES, example_folder, next_commands


@pytest.mark.once
def test_the_demo(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call("demo", "-o", "my demo")
    assert (code, err) == (0, "")
    folder = tmp_path / "my demo"
    lines = out.splitlines()
    assert "every beat of 9 frames is equal in 4 tests; 0 mismatches" in lines
    assert (folder / "report.txt").read_text("utf-8").splitlines() == lines[
        : lines.index("report: my demo/report.txt") - 1
    ]
    assert {path.name for path in folder.iterdir()} == {*FILES, "hardware", "model.fpgaq", "report.txt"}
    named = [line.strip() for line in lines[lines.index("go on with:") + 1 :]]
    assert len(named) == 3
    for line in named[1:]:
        assert call(*shlex.split(line)[1:], "--quiet")[::2] == (0, ""), line


@pytest.mark.slow
def test_all_that_it_names_runs_and_a_second_demo_replaces_the_first(call: Any, tmp_path: Path) -> None:
    code, out, _ = call("demo", "-o", tmp_path / "demo", "--json")
    told = json.loads(out)
    assert code == 0 and told["simulate"]["mismatches"] == 0 and told["compare"]["integer_top1"] > 0.95
    assert tuple(told["next"]) == next_commands(tmp_path / "demo")
    for line in told["next"]:
        assert call(*shlex.split(line)[1:])[0] == 0
    assert call("demo", "-o", tmp_path / "demo", "--quiet")[0] == 0


def test_the_example_is_there() -> None:
    assert all((example_folder() / name).is_file() for name in FILES)
