"""A child process that can neither hang nor fill the disk."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import ToolError, ToolTimeoutError

MOST_OUTPUT = 64 << 20
POLL_SECONDS = 0.1


def run_limited(command: Sequence[str], directory: Path, timeout: float) -> int:
    """Run `command` in `directory` for at most `timeout` seconds; return its exit status.

    Its output goes to ``output.log`` there. A process that takes longer, or whose logs (also those of its temporary
    folders there) grow past 64 MiB, is ended with all its children.

    Raises
    ------
    ToolError
        It could not be started, took too long or printed too much.
    """
    log = directory / "output.log"
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{command[0]} cannot be started: {error.strerror or error}") from None
        deadline = time.monotonic() + timeout
        try:
            while True:
                try:
                    return process.wait(POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    _check_limits(directory, deadline, timeout)
        finally:
            _end(process)


def _check_limits(directory: Path, deadline: float, timeout: float) -> None:
    if time.monotonic() > deadline:
        text = f"the simulator did not finish in {timeout:.0f} seconds and was ended; --frames takes fewer"
        raise ToolTimeoutError(text)
    for log in (*directory.glob("*.log"), *directory.glob("fpgaq-*/*.log")):
        if log.stat().st_size > MOST_OUTPUT:
            raise ToolError(f"the simulator printed more than {MOST_OUTPUT >> 20} MiB and was ended")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
