"""What a long command shows of how far it is, on stderr.

The stages tell it as text, or as a `Step` that counts. On a terminal that is a line with a bar, the time that passed
and the time that is left, of which nothing stays. Elsewhere each step is a line, once the command has taken longer than
`PATIENCE`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..base.progress import count_of, name_of
from ..base.text import printable

PATIENCE = 2.0
"""Seconds that a command may take without a word where nobody watches a terminal."""
EVERY = 10.0
"""Seconds between two lines about counts of the same step."""


def duration(seconds: float) -> str:
    """Seconds as minutes and seconds, or as hours too."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Lines:
    """Steps as lines; a timer prints the first one if it takes long.

    Parameters
    ----------
    stage : str
        What is done at first.
    clock : callable
        Seconds of a clock that does not go back.
    write : callable
        Takes a line.
    """

    def __init__(self, stage: str, clock: Callable[[], float], write: Callable[[str], None]) -> None:
        self._clock, self._write = clock, write
        self._text, self._shown = stage, ""
        self._begun = self._step_begun = clock()
        self._last = float("-inf")
        self._counted = 0
        self._lock = threading.RLock()

    def __call__(self, text: str) -> None:
        """Tell what is done now."""
        with self._lock:
            if name_of(text) != name_of(self._text):
                self._step_begun, self._counted, self._last = self._clock(), 0, float("-inf")
                found = count_of(text)
                self._counted = found[0] if found else 0
            self._text = text
            self.show()

    def show(self) -> None:
        """Print the step, if it is time for that."""
        with self._lock:
            now = self._clock()
            if now - self._begun < PATIENCE or self._text == self._shown or now - self._last < EVERY:
                return
            self._last, self._shown = now, self._text
            self._write(f"fpgaq: [{duration(now - self._begun)}] {printable(self._text)}{self._left(now)}")

    def _left(self, now: float) -> str:
        found = count_of(self._text)
        if found is None or found[0] <= self._counted or found[0] == found[1]:
            return ""
        each = (now - self._step_begun) / (found[0] - self._counted)
        return f", about {duration(each * (found[1] - found[0]))} left"


@contextmanager
def lines(stage: str) -> Iterator[Callable[[str], None]]:
    """Steps as lines on stderr."""
    told = Lines(stage, time.monotonic, lambda line: print(line, file=sys.stderr, flush=True))
    timer = threading.Timer(PATIENCE, told.show)
    timer.daemon = True
    timer.start()
    try:
        yield told
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def bar(stage: str) -> Iterator[Callable[[str], None]]:
    """One line on the terminal that stderr is, gone at the end."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    counted = (BarColumn(bar_width=20), TimeRemainingColumn())
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        *counted,
        console=Console(stderr=True),
        transient=True,
    ) as shown:
        task = shown.add_task(escape(stage), total=None)
        begun, step = shown.tasks[0].start_time, name_of(stage)

        def tell(text: str) -> None:
            nonlocal step
            found = count_of(text)
            if name_of(text) != step:
                step = name_of(text)
                # The rate of one step says nothing of the next; the time that passed is that of the command.
                shown.reset(task, total=None)
                shown.tasks[0].start_time = begun
            done, total = found or (0, None)
            shown.update(task, description=escape(printable(text)), completed=done, total=total)

        yield tell
