"""What is printed on a terminal of some width, and into a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
MODEL = "examples/fashion_residual/model.nnp"


def on_terminal(width: int, *arguments: str) -> list[str]:
    """The lines that a command prints on a terminal of `width` columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "fpgaq", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:
                # So Linux tells that the other side is closed.
                break
            if not part:
                break
            parts.append(part)
        assert process.wait(60) == 0
    os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("arguments", [("summary", MODEL), ("doctor",), ("--help",), ("build", "--help")])
def test_lines_fit_the_terminal(width: int, arguments: tuple[str, ...]) -> None:
    lines = on_terminal(width, *arguments)
    # The example of a command is one line that can be copied.
    assert max(len(line) for line in lines if not line.startswith("    fpgaq ")) <= width


def test_a_pipe_gets_whole_names_in_one_line_a_layer() -> None:
    command = [sys.executable, "-m", "fpgaq", "summary", MODEL]
    piped = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    layers = [line for line in piped if line.startswith("@runtime/")]
    assert len(layers) >= 10 and not any("..." in line for line in piped)
    assert on_terminal(200, "summary", MODEL) == piped
