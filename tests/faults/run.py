"""Running a row: the files of one place, a command, and what has to hold of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.place import Place
from tests.faults.table import Row

ROOT = Path(__file__).parents[2]
WALL_SECONDS = 300.0
"""After which a process is taken to hang: far above its limit, since the machine may be loaded."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, what it printed as errors, and what its process took."""

    code: int
    error: str
    seconds: float
    megabytes: float
    output: str = ""


def words_of(row: Row, place: Place) -> list[str]:
    """Build the bad file; returns the words of the command line."""
    names = place.names(row.build(place.own) if row.build is not None else None)
    return [word.format(**names) for word in row.command.split()] + list(row.more)


def faults_of(row: Row, ended: Ended, words: Sequence[str]) -> list[str]:
    """What is not as the row says."""
    found = []
    if ended.code != row.code:
        found.append(f"exit code {ended.code}, expected {row.code}")
    # On a machine that is busy a command may take long enough to tell how far it is.
    told = ("fpgaq: note: ", "fpgaq: [")
    lines = [line for line in ended.error.splitlines() if not line.startswith(told)]
    if row.code and (len(lines) != 1 or not lines[0].startswith("fpgaq: error: ")):
        found.append("not one line that begins with 'fpgaq: error: '")
    if not row.code and any(not line.startswith("fpgaq: warning: ") for line in lines):
        found.append("errors although it works")
    if row.words not in (ended.error if row.code else ended.error + ended.output):
        found.append(f"the words {row.words!r} are missing")
    return [f"{fault}: `fpgaq {' '.join(words)}` said {ended.error[:500]!r}" for fault in found]


def run_alone(words: Sequence[str], folder: Path) -> Ended:
    """Run a command in a process of its own, and measure that process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    errors, output = (folder.with_name(f"{folder.name}.{name}") for name in ("stderr", "stdout"))
    command = [sys.executable, "-m", "fpgaq", *words]
    with errors.open("wb") as stderr, output.open("wb") as stdout:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=folder, env=environment)
    ending = time.monotonic() + WALL_SECONDS
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > ending:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = [path.read_text(encoding="utf-8", errors="replace") for path in (errors, output)]
    errors.unlink()
    output.unlink()
    return Ended(process.returncode, said[0], usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said[1])


def empty(folder: Path) -> None:
    """Take away what a fault left in its own folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
