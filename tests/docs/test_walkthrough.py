"""The commands of docs/walkthrough.md run, on a network of 64 inputs instead of an image."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fpgaq.cli import invoke

ROOT = Path(__file__).parents[2]
SHORT = (
    ("build/walk/fashion_test.npz", "build/walk/digits_tabular/test.npz"),
    ("build/walk/fashion_train.npz", "build/walk/digits_tabular/test.npz"),
    ("fashion_cnn", "digits_tabular"),
    ("--budget 55%", "--budget 55% --widths 3,8"),
)


def commands() -> list[str]:
    """Indented lines that start like commands, joined where a backslash ends them."""
    text = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"^    ((?:fpgaq|python) .*)$", text, flags=re.MULTILINE)


@pytest.mark.slow
@pytest.mark.nnabla
def test_the_walk(nnabla, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = commands()
    assert len(lines) >= 15
    for line in lines:
        for long, short in SHORT:
            line = line.replace(long, short)
        arguments = shlex.split(line.replace("build/walk", str(tmp_path)))
        if "fashion_data.py" in line or any(f"fpgaq {name}" in line for name in ("bitstream", "infer")):
            # One reads a package of the operating system, the others take minutes: test_blocks.py runs them.
            continue
        if arguments[0] == "python":
            arguments[1] = str(ROOT / arguments[1])
            subprocess.run([sys.executable, *arguments[1:]], check=True, capture_output=True, timeout=900)
        else:
            assert invoke(arguments[1:]) == 0, line + capsys.readouterr().err
    assert "0 mismatches" in capsys.readouterr().out
