"""External tools as child processes that cannot hang, outlive us or surprise us with an odd path."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError, ToolTimeoutError
from .project import Project

# The name under which a workspace shows the generated folder.
DESIGN = "design"
ROM_DEFINE = f'-DFPGAQ_ROM_DIR="{DESIGN}/rtl"'

# A log beyond this is a tool gone wild.
_MAXIMUM_LOG_BYTES = 1 << 28

_YOSYS_CHILD = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in open(sys.argv[1], encoding="utf-8"):
    libyosys.run_pass(command.strip(), design)
"""


@dataclass(frozen=True)
class Finished:
    """A child that ended by itself: its exit code (negative: the signal) and what it printed, both streams in one."""

    code: int
    output: str


@contextmanager
def workspace(project: Project) -> Iterator[Path]:
    """Yield a temporary folder that shows the project's folder as `design`.

    Tools run inside it see only plain relative paths, whatever blanks or quotes the real path holds.
    """
    with tempfile.TemporaryDirectory(prefix="fpgaq-") as name:
        folder = Path(name)
        (folder / DESIGN).symlink_to(project.folder.resolve(), target_is_directory=True)
        yield folder


def run_tool(
    name: str, command: Sequence[str], folder: Path, timeout: float, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run `command` inside `folder` and wait for at most `timeout` seconds.

    Raises
    ------
    ToolError
        If the program cannot be started or does not end in time (ToolTimeoutError); all its children are ended with it.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as stream:
        try:
            child = subprocess.Popen(
                list(command),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{name}: cannot be started ({error}); see `fpgaq doctor`") from error
        try:
            code = _wait(child, name, log, timeout)
        finally:
            # Also on an interrupt, and also for helpers (abc) that a crashed parent leaves behind.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return Finished(code, log.read_text(encoding="utf-8", errors="replace"))


def _wait(child: subprocess.Popen[bytes], name: str, log: Path, timeout: float) -> int:
    deadline = time.monotonic() + timeout
    while True:
        remaining = deadline - time.monotonic()
        try:
            return child.wait(max(0.0, min(remaining, 1.0)))
        except subprocess.TimeoutExpired as error:
            if remaining <= 0:
                raise ToolTimeoutError(f"{name}: did not end within {timeout:g} s and was stopped") from error
            if log.stat().st_size > _MAXIMUM_LOG_BYTES:
                raise ToolError(f"{name}: printed more than {_MAXIMUM_LOG_BYTES} bytes and was stopped") from error


def yosys_version() -> str:
    """Name and version of the Yosys that `run_yosys` starts; ToolError if there is none."""
    if importlib.util.find_spec("pyosys") is not None:
        return f"pyosys {importlib.metadata.version('pyosys')}"
    path = shutil.which("yosys")
    if path is None:
        raise ToolError("yosys: neither the Python package pyosys nor a yosys on the path; run `pip install pyosys`")
    answer = subprocess.run([path, "-V"], capture_output=True, text=True, check=False, timeout=60)
    return " ".join(answer.stdout.split()[:2])


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
    finished = run_tool(name, command, folder, timeout)
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


def last_line(text: str) -> str:
    """The last line of `text` that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
