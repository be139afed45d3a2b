"""The processes of layers without a line buffer in the beat model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from . import window_processes
from .cells import latency
from .plans import PipePlan
from .times import Leaving, Patience, Times, extend, no_times, one_a_cycle, part

INPUT_BEATS = 2
"""Beats that the registers of an input hold."""

FREE_FIFO = 1
"""Beats by which a result FIFO exceeds the cycles to its output if it passes a beat a cycle."""


class Source(Protocol):
    """What offers beats to a process."""

    pending: Times
    left: Times


class PipeProcess:
    """Event times of a layer without a line buffer: its inputs stand in registers two beats deep.

    What it works off follows from when beats are offered to it, since two registers pass a beat a cycle. Where its
    result FIFO passes one a cycle too, that FIFO delays no beat that leaves it either: a beat that waits for room would
    only have waited in it. So results are computed as far as inputs are known, and when inputs were done with once it
    is known when results left.
    """

    def __init__(self, plan: PipePlan) -> None:
        self.pending = no_times()
        self.left = no_times()
        self._plan = plan
        self._period = plan.period
        self._sources: list[Source | None] = [None] * plan.inputs
        self._offers = [0] * plan.inputs  # beats that sources had offered when they were last looked at
        self._read = [0] * plan.inputs  # beats that phases have used up
        # When beats of each input were done with: all of a phase are at once.
        self._popped = [no_times()] * plan.inputs if self._period == 1 else [no_times() for _ in range(plan.inputs)]
        self._phase = 0
        self._last = -1
        self._worked, self._last_worked = 0, -1
        self._fifo = 1 << plan.fifo_bits
        self._offered = plan.latency + latency("fpgaq_fifo")
        self._free = not plan.silent and all(plan.emits) and self._fifo >= self._offered + FREE_FIFO
        self._plain = self._period == 1 and all(plan.emits) and all(plan.pops)
        self._pops = np.array(plan.pops)
        self.leaving: Leaving | None = None
        self._patience = Patience()
        # In which phases beats of each row of times are done with.
        self._popping = [
            (popped, np.array([slot in used and pops for used, pops in zip(plan.uses, plan.pops, strict=True)]))
            for slot, popped in enumerate(self._popped[: 1 if self._period == 1 else None])
        ]

    def drain(self, slot: int, source: Source) -> bool:
        """Take the beats of an input as far as it's known when; true if any were, or if more are offered."""
        self._sources[slot] = source
        pending, left, popped = source.pending, source.left, self._popped[slot]
        more = len(pending) > self._offers[slot]
        self._offers[slot] = len(pending)
        first, end = len(left), min(len(pending), len(popped) + INPUT_BEATS)
        if end - first >= window_processes.LONG:
            earliest = part(pending, first, end)
            waits = max(0, INPUT_BEATS - first)
            room = part(popped, first + waits - INPUT_BEATS, end - INPUT_BEATS) + 1
            earliest[waits:] = np.maximum(earliest[waits:], room)
            extend(left, one_a_cycle(earliest, left[-1] + 1 if left else 0))
        elif end > first:
            time = left[-1] if left else -1
            for index in range(first, end):
                time += 1
                if pending[index] > time:
                    time = pending[index]
                if index >= INPUT_BEATS and popped[index - INPUT_BEATS] >= time:
                    time = popped[index - INPUT_BEATS] + 1
                left.append(time)
        return more or end > first

    def advance(self) -> bool:
        """Work off all phases whose conditions are known; true if any was."""
        if not self._free:
            return self._work_in_stretches() if self._plan.silent else self._work_in_turn()
        before = len(self.pending)
        if None not in self._sources:
            self._look_ahead()
        return self._work_off() or len(self.pending) > before

    def _look_ahead(self) -> None:
        """Offer the results of all beats that inputs offer, as if the result FIFO had room."""
        sources = [source.pending for source in self._sources if source is not None]
        beats = min(len(pending) - read for pending, read in zip(sources, self._read, strict=True))
        if self._period == 1:
            if beats >= window_processes.LONG:
                self._look_far(sources, beats)
            elif beats:
                pending, time, offered = self.pending, self._last, self._offered
                for index in range(beats):
                    time += 1
                    for known, read in zip(sources, self._read, strict=True):
                        if known[read + index] >= time:
                            time = known[read + index] + 1
                    pending.append(time + offered)
                self._last = time
                self._read = [read + beats for read in self._read]
        elif len(sources) == 1 and beats >= window_processes.LONG:
            self._look_far(sources, beats)
        else:
            self._look_in_turn(sources)

    def _look_far(self, sources: Sequence[Times], beats: int) -> None:
        """The same for many beats at once, of every input as many."""
        period = self._period
        place: slice | NDArray[np.int64] = slice(None)
        phases = beats
        if period > 1:
            place, phases = self._phases_of(beats)
        earliest = np.zeros(phases, dtype=np.int64)
        for known, read in zip(sources, self._read, strict=True):
            earliest = np.maximum(earliest, part(known, read, read + beats)[place] + 1)
        times = one_a_cycle(earliest, self._last + 1)
        extend(self.pending, times + self._offered)
        self._read = [read + beats for read in self._read]
        self._last = int(times[-1])
        self._phase = (self._phase + phases) % period

    def _phases_of(self, beats: int) -> tuple[NDArray[np.int64], int]:
        """The beat that each phase needs of so many beats of the only input, and how many phases these are."""
        each = int(self._pops.sum())  # beats of the input in a period
        order = (np.arange((beats // each + 2) * self._period) + self._phase) % self._period
        taken_by = np.cumsum(self._pops[order])
        phases = int(np.searchsorted(taken_by, beats)) + 1 if beats else 0
        return (taken_by - self._pops[order])[:phases], phases

    def _look_in_turn(self, sources: Sequence[Times]) -> None:
        """The same for a pattern in which inputs take turns."""
        plan, read, phase, time = self._plan, self._read, self._phase, self._last
        while True:
            slots = plan.uses[phase]
            if any(read[slot] >= len(sources[slot]) for slot in slots):
                break
            time = max(time, *(sources[slot][read[slot]] for slot in slots)) + 1
            self.pending.append(time + self._offered)
            if plan.pops[phase]:
                for slot in slots:
                    read[slot] += 1
            phase = phase + 1 if phase + 1 < self._period else 0
        self._phase, self._last = phase, time

    def _work_off(self) -> bool:
        """Find out when phases were worked off, as far as there was room for their results; true if any was."""
        first, end = self._worked, min(len(self.pending), len(self.left) + self._fifo)
        count = end - first
        if count <= 0:
            return False
        if count >= window_processes.LONG:
            earliest = part(self.pending, first, end) - self._offered
            waits = max(0, self._fifo - first)
            if waits < count:
                room = part(self.left, first + waits - self._fifo, end - self._fifo) + 1
                earliest[waits:] = np.maximum(earliest[waits:], room)
            times = one_a_cycle(earliest, self._last_worked + 1)
            phases = np.arange(first, end) % self._period
            for popped, done in self._popping:
                extend(popped, times[done[phases]])
            self._last_worked = int(times[-1])
        else:
            pending, left, time, fifo = self.pending, self.left, self._last_worked, self._fifo
            offered, period = self._offered, self._period
            for index in range(first, end):
                time += 1
                if pending[index] - offered > time:
                    time = pending[index] - offered
                if index >= fifo and left[index - fifo] >= time:
                    time = left[index - fifo] + 1
                for popped, done in self._popping:
                    if done[index % period]:
                        popped.append(time)
            self._last_worked = time
        self._worked = end
        return True

    def popped_ahead(self, slot: int, offers: NDArray[np.int64], number: int) -> tuple[NDArray[np.int64], int]:
        """When the last beats of an input are done with, as far as known, and how many are so far.

        `offers` are the times of all beats of the input from `number` on, those that are only thought of among them.
        """
        popped = self._popped[slot]
        ahead = self._popped_by(slot, offers, number)
        last = part(popped, max(0, number - INPUT_BEATS), len(popped))
        return np.concatenate([last, ahead]), len(popped) + len(ahead)

    def _popped_by(self, slot: int, offers: NDArray[np.int64], number: int) -> NDArray[np.int64]:
        """The same for the beats after those known to be done with."""
        silent = self._plan.silent
        if self.leaving is None or None in self._sources or not (self._free or self._plain or silent):
            return offers[:0]
        if self._period > 1 and len(self._sources) > 1:
            return offers[:0]
        read = self._read[slot]
        own = self._sources[slot]
        assert own is not None
        inputs = [np.concatenate([part(own.pending, read, max(read, number)), offers[max(0, read - number) :]])]
        if silent:
            # Phases that give nothing wait for no room.
            return one_a_cycle(inputs[0][: max(0, silent - self._phase)] + 1, self._last + 1)
        for other, source in enumerate(self._sources):
            if other != slot and source is not None:
                inputs.append(part(source.pending, self._read[other], len(source.pending)))
        beats = min(map(len, inputs))
        place: slice | NDArray[np.int64] = slice(None)
        if self._period > 1:
            place, _ = self._phases_of(beats)
        earliest = np.max([each[:beats] for each in inputs], axis=0)[place] + 1
        times = one_a_cycle(earliest, self._last + 1)
        if not self._free:
            return times[: self._room_ahead(times)]
        known, left, leaving = len(self.pending), len(self.left), self.leaving(times + self._offered)
        first, end = self._worked, min(known + len(times), left + len(leaving) + self._fifo)
        earliest = np.concatenate([part(self.pending, first, known) - self._offered, times])[: max(0, end - first)]
        waits = min(len(earliest), max(0, self._fifo - first))
        gone = np.concatenate([part(self.left, first + waits - self._fifo, left), leaving])
        earliest[waits:] = np.maximum(earliest[waits:], gone[: len(earliest) - waits] + 1)
        worked = one_a_cycle(earliest, self._last_worked + 1)
        ((_, done),) = self._popping
        found: NDArray[np.int64] = worked[done[np.arange(first, first + len(worked)) % self._period]]
        return found

    def _room_ahead(self, times: NDArray[np.int64]) -> int:
        """How many phases may be worked off at these times since their results have room then, as far as known."""
        assert self.leaving is not None
        known, left, leaving = len(self.pending), len(self.left), self.leaving(times + self._offered)
        count = min(len(times), max(0, left + len(leaving) + self._fifo - known))
        waits = min(count, max(0, self._fifo - known))
        gone = np.concatenate([part(self.left, known + waits - self._fifo, left), leaving])
        late = np.flatnonzero(times[waits:count] <= gone[: count - waits])
        return waits + int(late[0]) if len(late) else count

    def _work_ahead(self) -> bool:
        """Work off many phases of all inputs, as far as their results have room; false if too few have."""
        sources = [source.pending for source in self._sources if source is not None]
        beats = min(len(pending) - read for pending, read in zip(sources, self._read, strict=True))
        if beats < window_processes.LONG or self.leaving is None or not self._patience.is_there():
            return False
        inputs = [part(pending, read, read + beats) for pending, read in zip(sources, self._read, strict=True)]
        times = one_a_cycle(np.max(inputs, axis=0) + 1, self._last + 1)
        count = self._room_ahead(times)
        if not self._patience.enough(count):
            return False
        extend(self._popped[0], times[:count])
        extend(self.pending, times[:count] + self._offered)
        self._read = [read + count for read in self._read]
        self._last = int(times[count - 1])
        return True

    def _work_in_turn(self) -> bool:
        """Work off all phases for whose results there is room; true if any was."""
        before = self._last
        if self._plain and None not in self._sources and self._work_ahead():
            return True
        while self._work_phase():
            pass
        return self._last > before

    def _work_phase(self) -> bool:
        """Work off the next phase; false if it is not known yet when there is all that it needs."""
        plan, listed = self._plan, max(0, self._phase - self._plan.silent)
        slots, emits = plan.uses[listed], self._phase >= plan.silent and plan.emits[listed]
        time = self._last + 1
        for slot in slots:
            source, index = self._sources[slot], self._read[slot]
            if source is None or index >= len(source.pending):
                return False
            time = max(time, source.pending[index] + 1)
        if emits:
            freed = len(self.pending) - self._fifo
            if freed >= len(self.left):
                return False
            if freed >= 0:
                time = max(time, self.left[freed] + 1)
            self.pending.append(time + self._offered)
        if plan.pops[listed]:
            for slot in slots:
                self._read[slot] += 1
            for popped in {id(self._popped[slot]): self._popped[slot] for slot in slots}.values():
                popped.append(time)
        self._last = time
        self._phase = self._phase + 1 if self._phase + 1 < self._period else 0
        return True

    def _work_in_stretches(self) -> bool:
        """The same for phases that each take a beat of the only input: first those that give nothing, then the others.

        Many of either are worked off at once.
        """
        (source,) = self._sources
        before = self._last
        while source is not None:
            emits = self._phase >= self._plan.silent
            end = self._period if emits else self._plan.silent
            count = min(end - self._phase, len(source.pending) - self._read[0])
            if emits:
                count = min(count, self._fifo + len(self.left) - len(self.pending))
            if count <= 0:
                break
            if count >= window_processes.LONG:
                self._work_stretch(source.pending, count, emits)
            else:
                for _ in range(count):
                    self._work_phase()
        return self._last > before

    def _work_stretch(self, offers: Times, count: int, emits: bool) -> None:
        """Work off so many phases for which there is all that they need."""
        earliest = part(offers, self._read[0], self._read[0] + count) + 1
        if emits:
            first, waits = len(self.pending), max(0, self._fifo - len(self.pending))
            if waits < count:
                room = part(self.left, first + waits - self._fifo, first + count - self._fifo) + 1
                earliest[waits:] = np.maximum(earliest[waits:], room)
        times = one_a_cycle(earliest, self._last + 1)
        extend(self._popped[0], times)
        if emits:
            extend(self.pending, times + self._offered)
        self._read[0] += count
        self._last = int(times[-1])
        self._phase = (self._phase + count) % self._period

    def beats_needed(self) -> int:
        """Beats of a result FIFO with which every phase would have been worked off when it was."""
        times = np.array(self.pending) - self._offered
        return int((np.arange(1, len(times) + 1) - np.searchsorted(self.left, times)).max())
