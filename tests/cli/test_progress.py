"""Progress of long commands: counts, time that passed and time that is left."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fpgaq.base.progress import Step
from fpgaq.cli import progress
from fpgaq.cli.progress import Lines, duration
from fpgaq.cli.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(steps: list[tuple[float, str]]) -> list[str]:
    """The lines that come of texts at their times; a timer looks on after `PATIENCE`."""
    clock, lines = Clock(), []
    shown = Lines("starting", clock, lines.append)
    for seconds, text in steps:
        clock.now = seconds
        shown(text) if text else shown.show()
    return lines


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (61.2, "1:01"), (3725, "1:02:05")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_short_command_prints_nothing() -> None:
    assert told([(0.1, "reading"), (1.9, Step("quantizing", 1, 2))]) == []


def test_a_long_one_prints_a_line_a_step_with_what_is_left() -> None:
    steps = [
        (0.5, "reading"),
        (2.0, ""),
        (5.0, Step("fit", 0, 10)),
        (6.0, Step("fit", 1, 10)),
        (15.0, Step("fit", 5, 10)),
        (16, "end"),
    ]
    assert told(steps) == [
        "fpgaq: [0:02] reading",
        "fpgaq: [0:05] fit: 0 of 10",
        "fpgaq: [0:15] fit: 5 of 10, about 0:10 left",
        "fpgaq: [0:16] end",
    ]


def test_the_rate_of_one_step_is_not_that_of_the_next() -> None:
    steps = [(10.0, Step("one", 3, 4)), (100.0, Step("two", 1, 3)), (120.0, Step("two", 2, 3))]
    assert told(steps)[-1] == "fpgaq: [2:00] two: 2 of 3, about 0:20 left"


def test_names_from_files_cannot_steer_the_terminal() -> None:
    assert told([(3.0, "reading a\x1b[31m")]) == [r"fpgaq: [0:03] reading a\x1b[31m"]


def test_a_step_that_says_nothing_is_told_by_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Settings().progress("waiting"):
        deadline = time.monotonic() + 20
        while not sys.stderr.getvalue() and time.monotonic() < deadline:  # type: ignore[attr-defined]
            time.sleep(0.01)
    assert sys.stderr.getvalue() == "fpgaq: [0:00] waiting\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["quiet", "json"])
def test_quiet_and_json_print_no_progress(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    settings = Settings()
    setattr(settings, name, True)
    with settings.progress("waiting") as tell:
        tell("more")
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_on_a_terminal_there_is_a_bar_of_which_nothing_stays() -> None:
    code = (
        "import time\n"
        "from fpgaq.base.progress import Step\n"
        "from fpgaq.cli.settings import Settings\n"
        "with Settings().progress('first') as tell:\n"
        "    for count in range(5):\n"
        "        tell(Step('placing', count, 4, ' seeds'))\n"
        "        time.sleep(0.2)\n"
        "    tell('last')\n"
        "    time.sleep(0.3)\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "90"}
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stderr=theirs) as process:
        os.close(theirs)
        text = read_all(lambda: os.read(ours, 1 << 16))
        assert process.wait(60) == 0
    os.close(ours)
    assert "placing: 3 of 4 seeds" in text and "0:00:0" in text and "last" in text and "\u2501" in text
    # The last thing written clears the line.
    assert text.rstrip().endswith("\x1b[2K")


def read_all(read: Callable[[], bytes]) -> str:
    parts = []
    while True:
        try:
            part = read()
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()
