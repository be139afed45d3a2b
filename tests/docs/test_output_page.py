"""The page on what `--json` prints is what commands print, and keeps what 0.1.0 had."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fpgaq import cli
from tests.compat.interface import RELEASE, run_json

PAGE = Path(__file__).parents[2] / "docs" / "contracts" / "output.md"
OLD = json.loads((RELEASE / "interface.json").read_text(encoding="utf-8"))["outputs"]


def documented() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `([a-z -]+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", keys)) for name, keys in rows}


def row_of(run: str) -> str:
    return "generate" if run in ("generate small", "generate --target hls") else run


def test_every_command_is_on_the_page() -> None:
    assert {name.split()[0] for name in documented()} == set(cli.COMMANDS)


@pytest.mark.parametrize("run", OLD)
def test_the_keys_of_the_last_release_are_on_the_page(run: str) -> None:
    assert set(OLD[run]["keys"]) <= documented()[row_of(run)]


@pytest.mark.parametrize(
    "run",
    [
        *("summary", "doctor", "quantize", "run", "compare", "cheapen", "prune --groups"),
        *("generate small", "generate --unroll", "simulate"),
    ],
)
def test_the_keys_are_those_that_are_printed(run: str, tmp_path: Path) -> None:
    found = run_json(run, tmp_path)
    assert next(iter(found)) == "schema" and found["schema"] == 1
    assert set(found) - {"schema"} == documented()[row_of(run)]
