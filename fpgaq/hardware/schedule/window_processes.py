"""The processes of layers with a line buffer in the beat model, and of the engines whose turns they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from .cells import latency
from .plans import Walk, WindowPlan
from .times import Leaving, Patience, Times, extend, no_times, one_a_cycle, part
from .walk import window_needs

NEVER = 1 << 60

LONG = 48
"""Events that are known at once from which on arrays compute them faster than a loop."""

AHEAD = 4096
"""Groups that are looked at ahead at most."""


@dataclass(frozen=True, eq=False)
class Groups:
    """For each group of a frame: words that it waits for, its beats, words freed after it (-1: none)."""

    needs: NDArray[np.int64]
    beats: NDArray[np.int64]
    frees: NDArray[np.int64]

    @cached_property
    def each(self) -> list[tuple[int, int, int]]:
        """Group by group, for a loop."""
        return list(zip(self.needs.tolist(), self.beats.tolist(), self.frees.tolist(), strict=True))

    @cached_property
    def beats_before(self) -> NDArray[np.int64]:
        """Beats of the frame before each group."""
        return np.asarray(np.cumsum(self.beats) - self.beats)


@lru_cache(maxsize=512)
def _groups_of(walk: Walk, columns: int, groups: int, group_beats: int, last_group_beats: int) -> Groups:
    needs = np.repeat(np.array(window_needs(walk), dtype=np.int64), groups)
    beats = np.full(len(needs), group_beats, dtype=np.int64)
    beats[groups - 1 :: groups] = last_group_beats
    frees = np.full(len(needs), -1, dtype=np.int64)
    frees[columns * groups - 1 :: columns * groups] = np.cumsum(walk.release)
    return Groups(needs, beats, frees)


class WindowProcess:
    """Event times of one window layer."""

    def __init__(self, plan: WindowPlan) -> None:
        self.beat_times = no_times()  # when each beat was taken
        self.word_times = no_times()
        self.starts = no_times()  # of the groups
        self.pending = no_times()  # when a result beat may leave at the earliest
        self.left = no_times()  # when it left
        self._released = no_times()  # words freed by the end of each row of windows, summed up
        self._released_times = no_times()  # cycle from which they count
        self._release_index = 0
        self._beat = 0
        self._group = 0
        self.engine: EngineProcess | None = None  # whose turns it waits for, if it is not the only layer
        self.free = 0  # when its next group may start as far as the one before is concerned
        self._started_beats = 0
        self.leaving: Leaving | None = None
        self._patience = Patience()
        # Facts of the plan, looked up once: these loops run for every beat.
        self._capacity = plan.capacity
        self._fifo = 1 << plan.fifo_bits
        self._steps = plan.steps
        self._offered = plan.steps + plan.result_latency + latency("fpgaq_fifo")
        self._group_beats = plan.group_beats
        self._frame_words = plan.frame_words
        self._frame_release = sum(plan.walk.release)
        self._row_groups = plan.output_image[1] * plan.groups
        word_beats = self._word_beats = plan.word_elements // plan.lanes_in
        last_beat = plan.beats_per_pixel - 1
        self._completes = [
            beat % word_beats == word_beats - 1 or beat == last_beat for beat in range(plan.beats_per_pixel)
        ]
        columns = plan.output_image[1]
        self._groups = _groups_of(plan.walk, columns, plan.groups, plan.group_beats, plan.last_group_beats)
        self._frame_groups = len(self._groups.needs)
        self._frame_beats = int(self._groups.beats.sum())
        self._word_ends = np.array(self._completes)
        self._whole_words = all(self._completes)

    def accept_time(self, slot: int) -> int | None:
        """When there is room for the next beat at the earliest; None if not known yet."""
        must_be_free = len(self.word_times) - self._capacity + 1
        if must_be_free <= 0:
            return 0
        released, index = self._released, self._release_index
        count = len(released)
        while index < count and released[index] < must_be_free:
            index += 1
        self._release_index = index
        return self._released_times[index] if index < count else None

    def take(self, slot: int, time: int) -> None:
        """The next beat was taken at `time`."""
        beat = self._beat
        self.beat_times.append(time)
        if self._completes[beat]:
            self.word_times.append(time)
        self._beat = beat + 1 if beat + 1 < len(self._completes) else 0

    def receive(self, pending: Times, left: Times) -> None:
        """Take the beats of the only stream that it reads, as far as there is room: `transfer` without a detour."""
        room = self._capacity - len(self.word_times) + (self._released[-1] if self._released else 0)
        count = min(len(pending) - len(left), room * self._word_beats)
        if count >= LONG:
            self._receive_many(part(pending, len(left), len(left) + count), left)
            return
        words, released, released_times = self.word_times, self._released, self._released_times
        completes, beat, beat_times = self._completes, self._beat, self.beat_times
        index, count, capacity = self._release_index, len(released), self._capacity
        time = left[-1] if left else -1
        must_be_free, last = len(words) - capacity + 1, len(completes)
        for place in range(len(left), len(pending)):
            offered = pending[place]
            time = offered if offered > time else time + 1
            if must_be_free > 0:
                while index < count and released[index] < must_be_free:
                    index += 1
                if index == count:
                    break
                if released_times[index] > time:
                    time = released_times[index]
            left.append(time)
            beat_times.append(time)
            if completes[beat]:
                words.append(time)
                must_be_free += 1
            beat += 1
            if beat == last:
                beat = 0
        self._beat, self._release_index = beat, index

    def _receive_many(self, offered: NDArray[np.int64], left: Times) -> None:
        """The same for many beats at once, from when they are offered."""
        room = self.room_times(len(offered))
        if not len(room):
            return
        times = one_a_cycle(np.maximum(offered[: len(room)], room), left[-1] + 1 if left else 0)
        extend(left, times)
        extend(self.beat_times, times)
        ends = slice(None) if self._whole_words else self._ends(len(times))
        extend(self.word_times, times[ends])
        self._beat = (self._beat + len(times)) % len(self._word_ends)

    def _ends(self, count: int) -> NDArray[np.bool_]:
        """Which of the next beats complete a word."""
        ends: NDArray[np.bool_] = self._word_ends[(np.arange(count) + self._beat) % len(self._word_ends)]
        return ends

    def room_times(self, count: int) -> NDArray[np.int64]:
        """When there is room for each of the next `count` beats, as far as known."""
        if self._whole_words:
            before = np.arange(count)
        else:
            ends = self._ends(count)
            before = np.cumsum(ends) - ends
        must_be_free = before + (len(self.word_times) - self._capacity + 1)
        if not count or must_be_free[-1] <= 0:
            return np.zeros(count, dtype=np.int64)
        first, known = self._release_index, len(self._released)
        # Beats with room from the start have the last place, after all that is known.
        place = np.searchsorted(part(self._released, first, known), must_be_free)
        place[must_be_free <= 0] = -1
        place = place[: int(np.searchsorted(place, known - first))]
        return np.append(part(self._released_times, first, known), 0)[place]

    def advance(self) -> bool:
        """Start all groups whose conditions are known; true if any was."""
        return self.start_groups(None) if self.engine is None else self.engine.advance()

    def row_of(self) -> int:
        """The number of the row of windows, over all frames, that its next group belongs to."""
        return self._group // self._row_groups

    def start_groups(self, row: int | None) -> bool:
        """Start groups whose conditions are known, those of one row or all; true if any was."""
        word_times, left, pending = self.word_times, self.left, self.pending
        starts, count = self.starts, self._frame_groups
        words, leaving, steps, offered = len(word_times), len(left), self._steps, self._offered
        started, free, margin = self._started_beats, self.free, self._group_beats - self._fifo
        before = self._group
        end = 1 << 60 if row is None else (row + 1) * self._row_groups
        frame, index = divmod(before, count)
        left_over = end - before
        most = min(left_over, count - index)
        if self._start_many(frame, index, most) or self._start_ahead(frame, index, most):
            return True
        groups = self._groups.each
        first_word, first_freed = frame * self._frame_words, frame * self._frame_release
        while left_over:
            need, beats, freed = groups[index]
            need += first_word
            popped = started + margin
            if need > words or popped > leaving:
                break
            time = free
            if word_times[need - 1] >= time:
                time = word_times[need - 1] + 1
            if popped > 0 and left[popped - 1] >= time:
                time = left[popped - 1] + 1
            starts.append(time)
            first = time + offered
            if beats == 1:
                pending.append(first)
            else:
                pending.extend(range(first, first + beats))
            if freed >= 0:
                self._released.append(freed + first_freed)
                self._released_times.append(time + steps + 1)
            started += beats
            free = time + steps
            left_over -= 1
            index += 1
            if index == count:
                index = 0
                first_word += self._frame_words
                first_freed += self._frame_release
                frame += 1
        self._started_beats, self.free = started, free
        self._group = frame * count + index
        return self._group > before

    def _start_many(self, frame: int, index: int, most: int) -> bool:
        """Start the groups whose conditions are known if they are many, at most to the end of the frame."""
        first_word, margin = frame * self._frame_words, self._group_beats - self._fifo
        popped = frame * self._frame_beats + margin  # beats that must have left, beyond those before in the frame
        all_needs, all_before = self._groups.needs, self._groups.beats_before
        if most < LONG or all_needs[index + LONG - 1] + first_word > len(self.word_times):
            return False
        if all_before[index + LONG - 1] + popped > len(self.left):
            return False
        needs, before = all_needs[index : index + most], all_before[index : index + most]
        count = int(np.searchsorted(needs, len(self.word_times) - first_word, side="right"))
        count = min(count, int(np.searchsorted(before, len(self.left) - popped, side="right")))
        needs, before = needs[:count], before[:count]
        low = int(needs[0]) - 1
        times = part(self.word_times, first_word + low, first_word + int(needs[-1]))
        earliest = times[needs - 1 - low] + 1
        if before[-1] + popped > 0:
            low = max(0, int(before[0]) + popped - 1)
            times = part(self.left, low, int(before[-1]) + popped)
            waits = before + popped > 0
            earliest[waits] = np.maximum(earliest[waits], times[before[waits] + popped - 1 - low] + 1)
        order = np.arange(count) * self._steps
        self._started(frame, index, np.maximum.accumulate(np.maximum(earliest - order, self.free)) + order)
        return True

    def _start_ahead(self, frame: int, index: int, most: int) -> bool:
        """Start groups as if the result FIFO had room, as far as it turns out that it has; at most to the frame's end.

        Where the readers' room is known, so is when the results of these groups leave.
        """
        first_word = frame * self._frame_words
        needs = self._groups.needs[index : index + min(most, AHEAD)]
        count = int(np.searchsorted(needs, len(self.word_times) - first_word, side="right"))
        if count < LONG or self.leaving is None or not self._patience.is_there():
            return False
        needs, before = needs[:count], self._groups.beats_before[index : index + count]
        low = int(needs[0]) - 1
        earliest = part(self.word_times, first_word + low, first_word + int(needs[-1]))[needs - 1 - low] + 1
        # Beats that must have left before each group.
        popped = before + (frame * self._frame_beats + self._group_beats - self._fifo)
        known = len(self.left)
        certain = int(np.searchsorted(popped, known, side="right"))
        low = int(np.searchsorted(popped, 1))
        if low < certain:
            start = int(popped[low]) - 1
            times = part(self.left, start, int(popped[certain - 1]))[popped[low:certain] - 1 - start]
            earliest[low:certain] = np.maximum(earliest[low:certain], times + 1)
        order = np.arange(count) * self._steps
        starts = np.maximum.accumulate(np.maximum(earliest - order, self.free)) + order
        leaving = self.leaving(self._offers(index, starts))
        places = popped[certain:] - 1 - known
        reached = int(np.searchsorted(places, len(leaving)))
        late = np.flatnonzero(starts[certain : certain + reached] <= leaving[places[:reached]])
        count = certain + (int(late[0]) if len(late) else reached)
        if not self._patience.enough(count):
            return False
        self._started(frame, index, starts[:count])
        return True

    def _offers(self, index: int, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """When the beats of groups may leave at the earliest."""
        if self._group_beats == 1:
            return starts + self._offered
        beats, before = (each[index : index + len(starts)] for each in (self._groups.beats, self._groups.beats_before))
        within = np.arange(int(beats.sum())) - np.repeat(before - before[0], beats)
        offers: NDArray[np.int64] = np.repeat(starts + self._offered, beats) + within
        return offers

    def _started(self, frame: int, index: int, starts: NDArray[np.int64]) -> None:
        """Groups of a frame from `index` on start."""
        count = len(starts)
        extend(self.starts, starts)
        extend(self.pending, self._offers(index, starts))
        freed = self._groups.frees[index : index + count]
        ends = np.flatnonzero(freed >= 0)
        extend(self._released, freed[ends] + frame * self._frame_release)
        extend(self._released_times, starts[ends] + self._steps + 1)
        self._started_beats += int(self._groups.beats[index : index + count].sum())
        self.free = int(starts[-1]) + self._steps
        self._group += count

    @property
    def steps(self) -> int:
        """Cycles that a group takes."""
        return self._steps

    def conditions(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """For each group so far when it started, and since when its words were there and its results had room."""
        starts = part(self.starts, 0, len(self.starts))
        frame, index = np.divmod(np.arange(len(starts)), self._frame_groups)
        words = part(self.word_times, 0, len(self.word_times))[
            self._groups.needs[index] + frame * self._frame_words - 1
        ]
        popped = self._groups.beats_before[index] + frame * self._frame_beats + self._group_beats - self._fifo
        room = np.append(part(self.left, 0, len(self.left)), -1)[np.where(popped > 0, popped - 1, -1)]
        return starts, words + 1, room + 1

    def longest_stay(self, frames: int) -> int:
        """Cycles from the first beat of the last of so many frames to the last result of that frame."""
        return self.left[-1] - self.beat_times[len(self.beat_times) - len(self.beat_times) // frames]

    def words_needed(self) -> int:
        """Words of a line buffer with which every beat would have been taken when it was."""
        complete = np.cumsum(self._completes * (len(self.beat_times) // len(self._completes) + 1))
        before = np.append(0, complete)[: len(self.beat_times)]
        freed = np.append(0, self._released)[np.searchsorted(self._released_times, self.beat_times, side="right")]
        return int((before + 1 - freed).max())

    def beats_needed(self) -> int:
        """Beats of a result FIFO with which every group would have started when it did."""
        frame = self._groups.beats
        started = np.append(0, np.cumsum(np.tile(frame, len(self.starts) // len(frame) + 1)))[: len(self.starts)]
        return int((started + self._group_beats - np.searchsorted(self.left, self.starts)).max())

    def latest_beats(self) -> NDArray[np.int64]:
        """When each beat had to be taken at the latest for every group to start when it did."""
        complete = np.flatnonzero(self._completes * (len(self.beat_times) // len(self._completes) + 1))
        latest = np.full(len(self.beat_times), NEVER)
        frames = len(self.starts) // self._frame_groups + 1
        for frame in range(frames):
            starts = part(self.starts, frame * self._frame_groups, (frame + 1) * self._frame_groups)
            beats = complete[self._groups.needs[: len(starts)] + frame * self._frame_words - 1]
            np.minimum.at(latest, beats, starts - 1)
        # A beat comes at least a cycle before the next one.
        order = np.arange(len(latest))
        earliest: NDArray[np.int64] = np.minimum.accumulate((latest - order)[::-1])[::-1] + order
        return earliest


class EngineProcess:
    """The turns of the layers that share an engine."""

    def __init__(self, members: Sequence[WindowProcess], order: Sequence[int]) -> None:
        self.members = members
        self._order = order
        self._turn = 0
        for member in members:
            member.engine = self

    def advance(self) -> bool:
        """Start all groups whose conditions are known, in the order of the turns; true if any was."""
        moved = False
        while True:
            member = self.members[self._order[self._turn]]
            row = member.row_of()
            moved |= member.start_groups(row)
            if member.row_of() == row:
                return moved
            self._turn = self._turn + 1 if self._turn + 1 < len(self._order) else 0
            following = self.members[self._order[self._turn]]
            following.free = member.free
