"""The other processes of the beat model: when each of their events happens, as soon as all that it needs is known."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import window_processes
from .cells import latency
from .plans import PipePlan
from .window_processes import Times, WindowProcess, extend, no_times, part

ENDLESS_BITS = 40
"""Address bits of a result FIFO that never holds anything up."""

QUEUE_LATENCY = latency("fpgaq_queue")
"""Cycles from taking a beat into a queue to offering it."""


class PipeProcess:
    """Event times of a layer without a line buffer: its inputs stand in registers two beats deep."""

    def __init__(self, plan: PipePlan) -> None:
        self.pending = no_times()
        self.left = no_times()
        self._plan = plan
        self._taken = [no_times() for _ in range(plan.inputs)]
        self._popped = [no_times() for _ in range(plan.inputs)]
        self._phase = 0
        self._last = -1
        self._fifo = 1 << plan.fifo_bits
        self._offered = plan.latency + latency("fpgaq_fifo")
        # Behind a FIFO without end it's all the same whether beats wait before a register or in it.
        self._endless = plan.fifo_bits == ENDLESS_BITS
        self._pops, self._emits = np.array(plan.pops), np.array(plan.emits)

    def accept_time(self, slot: int) -> int | None:
        """When the register of an input has room at the earliest; None if not known yet."""
        index = len(self._taken[slot]) - 2
        if index < 0 or self._endless:
            return 0
        popped = self._popped[slot]
        return popped[index] + 1 if index < len(popped) else None

    def hold_back(self, slot: int, left: Times) -> None:
        """Correct when the beats of an input left their producer if the register's two places were endless so far."""
        count = min(len(self._popped[slot]), len(left) - 2)
        if count > 0:
            later = np.maximum(part(left, 2, count + 2), part(self._popped[slot], 0, count) + 1)
            left[2 : count + 2] = array("q", later.tobytes())

    def accept_many(self, count: int) -> NDArray[np.int64] | None:
        """The same for the next `count` beats, as far as known; None if a loop has to find out."""
        return np.zeros(count, dtype=np.int64) if self._endless else None

    def take_many(self, slot: int, times: NDArray[np.int64]) -> None:
        """The next beats of an input were taken."""
        extend(self._taken[slot], times)

    def take(self, slot: int, time: int) -> None:
        """The next beat of an input was taken at `time`."""
        self._taken[slot].append(time)

    def advance(self) -> bool:
        """Work off all phases whose conditions are known; true if any was."""
        plan, period = self._plan, len(self._plan.uses)
        if self._endless and (period == 1 or plan.inputs == 1):
            count = min(len(taken) - len(popped) for taken, popped in zip(self._taken, self._popped, strict=True))
            if count >= window_processes.LONG:
                self._advance_many(count)
                return True
        before = self._last
        while True:
            phase = self._phase
            time = self._last + 1
            known = True
            for slot in plan.uses[phase]:
                index = len(self._popped[slot])
                if index >= len(self._taken[slot]):
                    known = False
                    break
                time = max(time, self._taken[slot][index] + 1)
            if plan.emits[phase]:
                freed = len(self.pending) - self._fifo
                if freed >= len(self.left):
                    known = False
                elif freed >= 0:
                    time = max(time, self.left[freed] + 1)
            if not known:
                break
            if plan.pops[phase]:
                for slot in plan.uses[phase]:
                    self._popped[slot].append(time)
            if plan.emits[phase]:
                self.pending.append(time + self._offered)
            self._last = time
            self._phase = phase + 1 if phase + 1 < period else 0
        return self._last > before

    def _advance_many(self, beats: int) -> None:
        """Work off all phases of the next `beats` beats of every input, which the result FIFO does not hold up."""
        period = len(self._pops)
        if period == 1:
            phases, place, pops, emits = beats, slice(None), slice(None), slice(None)
        else:
            each = int(self._pops.sum())  # beats of an input in a period
            order = (np.arange((beats // each + 2) * period) + self._phase) % period
            taken_by = np.cumsum(self._pops[order])
            phases = int(np.searchsorted(taken_by, beats)) + 1
            order, taken_by = order[:phases], taken_by[:phases]
            pops, emits = self._pops[order], self._emits[order]
            place = taken_by - pops
        earliest = np.full(phases, self._last + 1, dtype=np.int64)
        for taken, popped in zip(self._taken, self._popped, strict=True):
            arrived = part(taken, len(popped), len(popped) + beats)
            earliest = np.maximum(earliest, arrived[place] + 1)
        order = np.arange(phases)
        times = np.maximum.accumulate(earliest - order) + order
        for popped in self._popped:
            extend(popped, times[pops])
        extend(self.pending, times[emits] + self._offered)
        self._last = int(times[-1])
        self._phase = (self._phase + phases) % period

    def beats_needed(self) -> int:
        """Beats of a result FIFO with which every phase would have been worked off when it was."""
        times = np.array(self.pending) - self._offered
        return int((np.arange(1, len(times) + 1) - np.searchsorted(self.left, times)).max())


class QueueProcess:
    """Event times of a queue: a beat taken is offered two cycles later; its place is free a cycle after it left."""

    def __init__(self, words: int) -> None:
        self.pending = no_times()
        self.left = no_times()
        self._words = words

    def accept_time(self, slot: int) -> int | None:
        """When there is room for the next beat at the earliest; None if not known yet."""
        index = len(self.pending) - self._words
        if index < 0:
            return 0
        return self.left[index] + 1 if index < len(self.left) else None

    def accept_many(self, count: int) -> NDArray[np.int64]:
        """The same for the next `count` beats, as far as known."""
        index = len(self.pending) - self._words
        free = min(count, max(0, -index))
        first = index + free
        known = part(self.left, first, first + count - free) + 1
        return np.append(np.zeros(free, dtype=np.int64), known)

    def take(self, slot: int, time: int) -> None:
        """The next beat was taken at `time`."""
        self.pending.append(time + QUEUE_LATENCY)

    def take_many(self, slot: int, times: NDArray[np.int64]) -> None:
        """The next beats were taken."""
        extend(self.pending, times + QUEUE_LATENCY)

    def advance(self) -> bool:
        """Nothing of its own to do."""
        return False

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


Consumer: TypeAlias = WindowProcess | PipeProcess | QueueProcess | Stage
Producer: TypeAlias = Consumer | SourceProcess


def transfer(producer: Producer, readers: Sequence[tuple[Consumer, int]]) -> bool:
    """Move all beats of a stream whose times are known; true if any moved.

    Several readers are the queues of a fork, which takes a beat when all of them have room.
    """
    pending, left = producer.pending, producer.left
    before, available = len(left), len(pending)
    if before == available:
        return False
    if len(readers) == 1 and isinstance(readers[0][0], WindowProcess):
        readers[0][0].receive(pending, left)
        return len(left) > before
    if available - before >= window_processes.LONG and _transfer_many(pending, left, readers):
        return True
    time = left[-1] if left else -1
    for index in range(before, available):
        offered = pending[index]
        time = offered if offered > time else time + 1
        for consumer, slot in readers:
            accepted = consumer.accept_time(slot)
            if accepted is None:
                return len(left) > before
            if accepted > time:
                time = accepted
        for consumer, slot in readers:
            consumer.take(slot, time)
        left.append(time)
    return True


def _transfer_many(pending: Times, left: Times, readers: Sequence[tuple[Consumer, int]]) -> bool:
    """The same for many beats at once; false if too few are known to be taken, or not without a loop."""
    count, known = len(pending) - len(left), []
    for consumer, _ in readers:
        accepted = None if isinstance(consumer, WindowProcess) else consumer.accept_many(count)
        if accepted is None or len(accepted) < window_processes.LONG:
            return False
        count = len(accepted)
        known.append(accepted)
    earliest = part(pending, len(left), len(left) + count)
    for accepted in known:
        earliest = np.maximum(earliest, accepted[:count])
    order = np.arange(count)
    times = np.maximum.accumulate(np.maximum(earliest - order, left[-1] + 1 if left else 0)) + order
    for consumer, slot in readers:
        assert not isinstance(consumer, WindowProcess)
        consumer.take_many(slot, times)
    extend(left, times)
    return True
