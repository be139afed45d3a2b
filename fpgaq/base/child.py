"""External tools as child processes that can neither hang, nor outlive us, nor fill the disk."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .errors import ToolError, ToolTimeoutError

MOST_OUTPUT = 64 << 20
"""Bytes that a child may print."""
POLL_SECONDS = 0.1
ANSWER_SECONDS = 60.0
"""For tools that are only asked for their version or a setting."""


@dataclass(frozen=True)
class Finished:
    """A child that ended by itself: its exit code (negative: the signal) and its output, both streams in one."""

    code: int
    output: str


@dataclass(frozen=True)
class Limits:
    """The limits of a child.

    Parameters
    ----------
    seconds : float
    output : int
        Bytes of its own log, and of each file that `logs` matches.
    logs : tuple of str
        Patterns of files below the folder that it works in, to which it writes on its own.
    remedy : str
        What the user can do if the time is too short.
    """

    seconds: float
    output: int = MOST_OUTPUT
    logs: tuple[str, ...] = ()
    remedy: str = ""


def run_tool(
    tool: str,
    command: Sequence[str],
    folder: Path,
    limits: Limits,
    environment: Mapping[str, str] | None = None,
    log: str = "output.log",
    watch: Callable[[], None] = lambda: None,
) -> Finished:
    """Run `command` inside `folder`, without input, until it ends.

    Parameters
    ----------
    tool : str
        What messages call it.
    command : sequence of str
    folder : Path
    limits : Limits
    environment : mapping of str to str, optional
        Variables in addition to those of this process.
    log : str
        The file in `folder` for its output; children that run at the same time need one each.
    watch : callable
        Called about ten times a second while it runs.

    Raises
    ------
    ToolTimeoutError
        It took too long.
    ToolError
        It could not be started or printed too much. However it ends, all its children are ended with it.
    """
    with (folder / log).open("w+b") as stream:
        return _run(tool, command, folder, limits, environment, stream, watch)


def ask_tool(
    tool: str,
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    seconds: float = ANSWER_SECONDS,
) -> Finished:
    """Run a command that answers at once and writes no files, such as one for a version; raises as `run_tool` does."""
    with tempfile.TemporaryFile() as stream:
        return _run(tool, command, None, Limits(seconds), environment, stream)


def _run(
    tool: str,
    command: Sequence[str],
    folder: Path | None,
    limits: Limits,
    environment: Mapping[str, str] | None,
    stream: BinaryIO,
    watch: Callable[[], None] = lambda: None,
) -> Finished:
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
        reason = error.strerror or error
        raise ToolError(f"{tool} cannot be started: {reason}; `fpgaq doctor` shows which tools are there") from None
    try:
        code = _wait(child, tool, folder, limits, stream, watch)
    finally:
        # Also on an interrupt, and also for helpers that a crashed parent left running.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    # The child wrote through the same open file, so the position is at the end.
    stream.seek(0)
    return Finished(code, stream.read().decode("utf-8", errors="replace"))


def _wait(
    child: subprocess.Popen[bytes],
    tool: str,
    folder: Path | None,
    limits: Limits,
    stream: BinaryIO,
    watch: Callable[[], None],
) -> int:
    deadline = time.monotonic() + limits.seconds
    while True:
        remaining = deadline - time.monotonic()
        try:
            code = child.wait(max(0.0, min(remaining, POLL_SECONDS)))
        except subprocess.TimeoutExpired:
            if remaining <= 0:
                remedy = f"; {limits.remedy}" if limits.remedy else ""
                message = f"{tool} did not finish in {limits.seconds:g} s and was ended{remedy}"
                raise ToolTimeoutError(message) from None
            code = None
        if _printed(stream, folder, limits.logs) > limits.output:
            raise ToolError(f"{tool} printed more than {limits.output >> 20} MiB and was ended")
        if code is not None:
            return code
        watch()


def _printed(stream: BinaryIO, folder: Path | None, logs: Sequence[str]) -> int:
    """Bytes of the longest log."""
    sizes = [os.fstat(stream.fileno()).st_size]
    if folder is not None:
        for path in (path for pattern in logs for path in folder.glob(pattern)):
            with contextlib.suppress(FileNotFoundError):
                sizes.append(path.stat().st_size)
    return max(sizes)


def last_line(text: str) -> str:
    """The last line of `text` that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def first_error(text: str) -> str:
    """The first line of `text` that speaks of an error, or else the last that is not blank."""
    return next((line.strip() for line in text.splitlines() if "rror" in line), last_line(text))
