"""Yosys in a child process, inside a folder without an odd path."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...base.child import Finished, Limits, ask_tool, last_line, run_tool
from ...base.errors import ToolError
from ...base.extras import install_command
from .project import Project

LONGER = "--timeout gives it longer"

# The name under which a workspace shows the generated folder.
DESIGN = "design"
ROM_DEFINE = f'-DFPGAQ_ROM_DIR="{DESIGN}/rtl"'

# Its log of a large design is long; beyond this it has gone wild.
_MOST_OUTPUT = 256 << 20

_YOSYS_CHILD = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in open(sys.argv[1], encoding="utf-8"):
    libyosys.run_pass(command.strip(), design)
"""


@contextmanager
def workspace(project: Project) -> Iterator[Path]:
    """Yield a temporary folder that shows the project's folder as `design`.

    Tools run inside it see only plain relative paths, whatever blanks or quotes the real path holds.
    """
    with tempfile.TemporaryDirectory(prefix="fpgaq-") as name:
        folder = Path(name)
        (folder / DESIGN).symlink_to(project.folder.resolve(), target_is_directory=True)
        yield folder


def yosys_version() -> str:
    """Name and version of the Yosys that `run_yosys` starts; ToolError if there is none."""
    if importlib.util.find_spec("pyosys") is not None:
        return f"pyosys {importlib.metadata.version('pyosys')}"
    path = shutil.which("yosys")
    if path is None:
        raise ToolError(
            f"yosys: neither the Python package pyosys nor a yosys on the path; run {install_command('synth')}"
        )
    return " ".join(ask_tool("yosys", [path, "-V"]).output.split()[:2])


def run_yosys(commands: Sequence[str], folder: Path, timeout: float, name: str = "yosys") -> Finished:
    """Run Yosys commands, one a line, in a child process inside `folder`: pyosys, or a yosys on the path.

    Raises
    ------
    ToolError
        If there is no Yosys, or it dies of a signal or does not end in time. An error that Yosys itself reports is
        left to the caller: it is the exit code 1 and a line with ERROR.
    """
    yosys_version()
    script = f"{name}.ys"
    (folder / script).write_text("".join(f"{command}\n" for command in commands), encoding="utf-8")
    if importlib.util.find_spec("pyosys") is not None:
        command = [sys.executable, "-I", "-c", _YOSYS_CHILD, script]
    else:
        command = ["yosys", "-s", script]
    limits = Limits(timeout, _MOST_OUTPUT, remedy=LONGER)
    finished = run_tool("yosys", command, folder, limits, log=f"{name}.log")
    if finished.code < 0:
        raise ToolError(f"yosys: died of signal {-finished.code} after {last_line(finished.output)!r}")
    return finished


def read_sources(project: Project) -> list[str]:
    """The Yosys commands that read the project's files in order."""
    return [f"read_verilog {ROM_DEFINE} {DESIGN}/{name}" for name in project.files]


def complete_yosys(commands: Sequence[str], folder: Path, timeout: float) -> None:
    """`run_yosys`, whose own errors are ToolErrors too."""
    finished = run_yosys(commands, folder, timeout)
    if finished.code != 0:
        errors = [line.strip() for line in finished.output.splitlines() if "ERROR" in line]
        reason = errors[0] if errors else last_line(finished.output)
        raise ToolError(f"yosys: ended with code {finished.code}: {reason}")
