"""The other processes of the beat model: when each of their events happens, as soon as all that it needs is known."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .cells import latency
from .pipe_processes import PipeProcess
from .times import Times, extend, no_times, one_a_cycle, part
from .window_processes import WindowProcess

ENDLESS_BITS = 40
"""Address bits of a result FIFO that never holds anything up."""

QUEUE_LATENCY = latency("fpgaq_queue")
"""Cycles from taking a beat into a queue to offering it."""


class QueueProcess:
    """Event times of a queue: a beat taken is offered two cycles later; its place is free a cycle after it left."""

    def __init__(self, words: int, reader: WindowProcess | None = None) -> None:
        self.pending = no_times()
        self.left = no_times()
        self.words = words
        self._reader = reader
        self._passed_on = 0

    def accept_time(self, slot: int) -> int | None:
        """When there is room for the next beat at the earliest; None if not known yet."""
        index = len(self.pending) - self.words
        if index < 0:
            return 0
        return self.left[index] + 1 if index < len(self.left) or self.make_room(index) else None

    def make_room(self, index: int) -> bool:
        """Let its reader take what it has room for; whether the beat of this number has left then."""
        if self._reader is not None:
            self._reader.receive(self.pending, self.left)
        return index < len(self.left)

    @property
    def tight(self) -> bool:
        """Whether it passes fewer beats than one a cycle to a layer whose room is known."""
        return self.words <= QUEUE_LATENCY and self._reader is not None

    def room_behind(self, count: int) -> NDArray[np.int64]:
        """When its reader has room for each of the next `count` beats, as far as known, if that took all others."""
        assert self._reader is not None
        self._reader.receive(self.pending, self.left)
        return self._reader.room_times(count if len(self.left) == len(self.pending) else 0)

    def last_left(self) -> list[int]:
        """When the last beats left, as many as it has words."""
        return [-1] * (self.words - len(self.left)) + list(self.left[-self.words :])

    def accept_many(self, count: int) -> NDArray[np.int64]:
        """The same for the next `count` beats, as far as known.

        A queue of more words than its latency passes a beat a cycle, so that beyond the beats that it has only the
        room of its reader counts.
        """
        if self._reader is not None and len(self.left) < len(self.pending):
            self._reader.receive(self.pending, self.left)
        index = len(self.pending) - self.words
        free = min(count, max(0, -index))
        first = index + free
        known = part(self.left, first, first + count - free) + 1
        parts = [np.zeros(free, dtype=np.int64), known]
        beyond = count - free - len(known)
        if beyond and self._reader is not None and self.words > QUEUE_LATENCY and len(self.left) == len(self.pending):
            room = self._reader.room_times(beyond)
            parts.append(one_a_cycle(room, self.left[-1] + 1 if self.left else 0) + 1)
        return np.concatenate(parts)

    def take(self, slot: int, time: int) -> None:
        """The next beat was taken at `time`."""
        self.pending.append(time + QUEUE_LATENCY)

    def take_many(self, slot: int, times: NDArray[np.int64]) -> None:
        """The next beats were taken."""
        extend(self.pending, times + QUEUE_LATENCY)

    def advance(self) -> bool:
        """Whether beats went on to the reader since the last time, which may happen when there is need for room."""
        before, self._passed_on = self._passed_on, len(self.left)
        return self._passed_on > before

    def longest_stay(self, frames: int) -> int:
        """Cycles that a beat of the last of so many frames waited at most."""
        first, end = len(self.left) - len(self.left) // frames, len(self.left)
        return int((part(self.left, first, end) - part(self.pending, first, end)).max(initial=0))

    def words_needed(self) -> int:
        """Places with which every beat would have been taken when it was."""
        times = np.array(self.pending) - QUEUE_LATENCY
        return int((np.arange(1, len(times) + 1) - np.searchsorted(self.left, times)).max())


class SourceProcess:
    """An input of the network, which always offers the next beat."""

    def __init__(self) -> None:
        self.pending = no_times()
        self.left = no_times()

    def advance(self) -> bool:
        """Nothing of its own to do."""
        return False


class Stage(Protocol):
    """What stands between two streams, such as a wrapper's gearbox; see `QueueProcess` for what each method gives."""

    pending: Times
    left: Times

    def accept_time(self, slot: int) -> int | None:
        """When the next beat may be taken."""

    def accept_many(self, count: int) -> NDArray[np.int64] | None:
        """When the next `count` beats may be taken."""

    def take(self, slot: int, time: int) -> None:
        """The next beat was taken."""

    def take_many(self, slot: int, times: NDArray[np.int64]) -> None:
        """The next beats were taken."""

    def advance(self) -> bool:
        """Work off what is known."""


Consumer: TypeAlias = "WindowProcess | PipeProcess | QueueProcess | Stage"
Producer: TypeAlias = "Consumer | SourceProcess"
