"""When beats would leave that are only thought of yet, as far as the state of what reads them tells.

A result FIFO lets only a few beats be known at a time, and its layer and its readers would be looked at in turn for
every few of them. Mostly it holds nothing up. So layers start many groups as if there was room, what is known here
says when their results leave then, and those are kept before which the FIFO had room indeed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .pipe_processes import INPUT_BEATS, PipeProcess
from .processes import QUEUE_LATENCY, Consumer, QueueProcess
from .times import Times, one_a_cycle, part
from .window_processes import WindowProcess

Cycles = NDArray[np.int64]


class Readers:
    """The readers of a stream whose beats stand in `pending` and, once they left, in `left`."""

    def __init__(self, pending: Times, left: Times, readers: Sequence[tuple[Consumer, int]]) -> None:
        self._pending, self._left, self._readers = pending, left, readers
        self._queues = [reader for reader, _ in readers if isinstance(reader, QueueProcess)]

    def leaving(self, offers: Cycles) -> Cycles:
        """When beats leave that are offered at these times after those in `pending`; of all that have not left yet."""
        every = np.concatenate([part(self._pending, len(self._left), len(self._pending)), offers])
        first = self._left[-1] + 1 if self._left else 0
        if not self._readers:
            return one_a_cycle(every, first)
        if len(self._queues) == len(self._readers):
            return self._into_queues(every, first)
        reader, slot = self._readers[0]
        if len(self._readers) == 1 and isinstance(reader, WindowProcess):
            room = reader.room_times(len(every))
            return one_a_cycle(np.maximum(every[: len(room)], room), first)
        if len(self._readers) == 1 and isinstance(reader, PipeProcess):
            popped, count = reader.popped_ahead(slot, every, len(self._left))
            return _into_registers(every, len(self._left), popped, count, first)
        nothing: Cycles = every[:0]
        return nothing

    def _into_queues(self, offers: Cycles, first: int) -> Cycles:
        tight = [queue for queue in self._queues if queue.tight]
        behind = []
        for queue in self._queues:
            room = queue.room_behind(len(offers)) if queue.tight else queue.accept_many(len(offers))
            offers = offers[: len(room)] if queue.tight else np.maximum(offers[: len(room)], room)
            behind.append(room)
        taken = one_a_cycle(offers, first)
        for queue in tight:
            room = behind[self._queues.index(queue)][: len(taken)]
            gone = queue.last_left()
            passed = one_a_cycle(np.maximum(taken + QUEUE_LATENCY, room), gone[-1] + 1)
            before = np.concatenate([gone[-queue.words :], passed])[: len(taken)]
            taken = taken[: _prefix(taken > before)]
        return taken


def _into_registers(offers: Cycles, number: int, popped: Cycles, count: int, first: int) -> Cycles:
    """When the beats from `number` on enter two registers, of which `count` beats so far are done with at `popped`.

    Those times are of the last beats of these.
    """
    offers = offers[: max(0, count + INPUT_BEATS - number)]
    waits = min(len(offers), max(0, INPUT_BEATS - number))
    start = number + waits - INPUT_BEATS - (count - len(popped))
    earliest = offers.copy()
    earliest[waits:] = np.maximum(earliest[waits:], popped[start : start + len(offers) - waits] + 1)
    return one_a_cycle(earliest, first)


def _prefix(holds: NDArray[np.bool_]) -> int:
    """How many hold before the first that does not."""
    return len(holds) if holds.all() else int(np.argmin(holds))
