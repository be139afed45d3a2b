"""Completion by the shell: commands, options, choices, files and folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fpgaq import cli
from fpgaq.base.choices import DEVICES

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]


def complete(*words: str, instruction: str = "bash_complete") -> list[str]:
    """The lines that a shell gets for the last of the words."""
    environment = {
        **os.environ,
        "_FPGAQ_COMPLETE": instruction,
        "COMP_WORDS": " ".join(("fpgaq", *words)),
        "COMP_CWORD": str(len(words)),
    }
    code = "import sys; sys.argv = ['fpgaq']; from fpgaq.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("ge",), ["plain,generate"]),
        (("generate", "--mult"), ["plain,--multipliers"]),
        (("generate", "x.fpgaq", "--language", "h"), ["plain,hls"]),
        (("synth", "out", "--device", "ecp5"), [f"plain,{name}" for name in DEVICES if name.startswith("ecp5")]),
        (("quantize", "some"), ["file,some"]),
        (("quantize", "m.nnp", "--calibration", "tr"), ["file,tr"]),
        (("generate", "x.fpgaq", "-o", "ou"), ["dir,ou"]),
        (("simulate", "ou"), ["dir,ou"]),
        (("explore", "a.nnp", "b"), ["file,b"]),
    ],
)
def test_words(words: tuple[str, ...], lines: list[str]) -> None:
    assert complete(*words) == lines


def test_all_commands_in_their_order() -> None:
    assert complete("") == [f"plain,{name}" for name in cli.COMMANDS]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_line_of_the_readme_works_in_bash(tmp_path: Path) -> None:
    line = 'eval "$(_FPGAQ_COMPLETE=bash_source fpgaq)"'
    assert f"    {line}" in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    program = tmp_path / "fpgaq"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m fpgaq "$@"\n')
    program.chmod(0o755)
    script = f"""{line}
complete -p fpgaq
COMP_WORDS=(fpgaq sim); COMP_CWORD=1
_fpgaq_completion fpgaq
echo "${{COMPREPLY[@]}}"
"""
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["complete -o nosort -F _fpgaq_completion fpgaq", "simulate"]
