"""The beat model: when every handshake of a schedule happens, without any simulation of hardware.

A layer's next move depends on counters only, so the time of each event is the latest of a few earlier events plus a
constant (a max-plus recurrence); these constants are read off the cells in ``templates/verilog/cells``:

* a word counts from the cycle after its last beat was taken;
* a group may start in the cycle in which the last step of the one before runs; its steps are the cycles after;
* words freed by a row of windows, and a beat that left the result FIFO, count from the cycle after;
* a beat written into the result FIFO is offered two cycles later.

The source always offers and the sink always takes. Time 0 is the first cycle in which the input may be taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .plans import Plan, Prediction, ReluPlan, WindowPlan
from .walk import window_needs

MAXIMUM_FRAMES = 24


class _WindowProcess:
    """Event times of one window layer."""

    def __init__(self, plan: WindowPlan) -> None:
        self.word_times: list[int] = []
        self.pending: list[int] = []  # when a result beat may leave at the earliest
        self.left: list[int] = []  # when it left
        self._released: list[int] = []  # words freed by the end of each row of windows, summed up
        self._released_times: list[int] = []  # cycle from which they count
        self._release_index = 0
        self._beat = 0
        self._group = 0
        self._last_start = -plan.steps
        self._started_beats = 0
        # Facts of the plan, looked up once: these loops run for every beat.
        self._capacity = plan.capacity
        self._fifo = 1 << plan.fifo_bits
        self._steps = plan.steps
        self._offered = plan.steps + plan.result_latency + 2
        self._group_beats = plan.group_beats
        self._frame_words = plan.frame_words
        self._frame_release = sum(plan.walk.release)
        word_beats = plan.word_elements // plan.lanes_in
        last_beat = plan.beats_per_pixel - 1
        self._completes = [
            beat % word_beats == word_beats - 1 or beat == last_beat for beat in range(plan.beats_per_pixel)
        ]
        # For each group of a frame: words that it waits for, its beats, words freed behind it (-1: none).
        self._groups: list[tuple[int, int, int]] = []
        columns, freed = plan.output_image[1], 0
        for window, need in enumerate(window_needs(plan.walk)):
            row_ends = (window + 1) % columns == 0
            freed += plan.walk.release[window // columns] if row_ends else 0
            self._groups += [(need, plan.group_beats, -1)] * (plan.groups - 1)
            self._groups.append((need, plan.last_group_beats, freed if row_ends else -1))

    def accept_time(self) -> int | None:
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

    def take(self, time: int) -> None:
        """The next beat was taken at `time`."""
        beat = self._beat
        if self._completes[beat]:
            self.word_times.append(time)
        self._beat = beat + 1 if beat + 1 < len(self._completes) else 0

    def advance(self) -> bool:
        """Start all groups whose conditions are known; true if any was."""
        word_times, left, pending, groups = self.word_times, self.left, self.pending, self._groups
        words, leaving, steps, offered = len(word_times), len(left), self._steps, self._offered
        started, last_start, margin = self._started_beats, self._last_start, self._group_beats - self._fifo
        before = self._group
        frame, index = divmod(before, len(groups))
        first_word, first_freed = frame * self._frame_words, frame * self._frame_release
        while True:
            need, beats, freed = groups[index]
            need += first_word
            popped = started + margin
            if need > words or popped > leaving:
                break
            time = last_start + steps
            if word_times[need - 1] >= time:
                time = word_times[need - 1] + 1
            if popped > 0 and left[popped - 1] >= time:
                time = left[popped - 1] + 1
            first = time + offered
            if beats == 1:
                pending.append(first)
            else:
                pending.extend(range(first, first + beats))
            if freed >= 0:
                self._released.append(freed + first_freed)
                self._released_times.append(time + steps + 1)
            started += beats
            last_start = time
            index += 1
            if index == len(groups):
                index = 0
                first_word += self._frame_words
                first_freed += self._frame_release
                frame += 1
        self._started_beats, self._last_start = started, last_start
        self._group = frame * len(groups) + index
        return self._group > before


class _ReluProcess:
    """Event times of a ReLU of its own: two words deep, one cycle behind its input."""

    def __init__(self) -> None:
        self.pending: list[int] = []
        self.left: list[int] = []

    def accept_time(self) -> int | None:
        must_have_left = len(self.pending) - 1
        if must_have_left < 1:
            return 0
        return self.left[must_have_left - 1] + 1 if must_have_left <= len(self.left) else None

    def take(self, time: int) -> None:
        self.pending.append(time + 1)

    def advance(self) -> bool:
        return False


_Process = _WindowProcess | _ReluProcess


def _transfer(pending: list[int], left: list[int], consumer: _Process | None) -> bool:
    """Move all beats over a stream whose times are known; true if any moved."""
    before, available = len(left), len(pending)
    if before == available:
        return False
    time = left[-1] if left else -1
    for index in range(before, available):
        offered = pending[index]
        time = offered if offered > time else time + 1
        if consumer is not None:
            accepted = consumer.accept_time()
            if accepted is None:
                break
            if accepted > time:
                time = accepted
            consumer.take(time)
        left.append(time)
    return len(left) > before


class BeatModel:
    """Handshake times of a chain of layers, computed a frame at a time.

    Parameters
    ----------
    plans : sequence of Plan
        A chain of layers.
    input_beats : int
        Beats of an input frame.
    """

    def __init__(self, plans: Sequence[Plan], input_beats: int) -> None:
        self._processes: list[_Process] = [
            _WindowProcess(plan) if isinstance(plan, WindowPlan) else _ReluProcess() for plan in plans
        ]
        self._input_beats = input_beats
        self._output_beats = frame_beats(plans[-1])
        self._frames = 0
        self._offered: list[int] = []
        self.input_times: list[int] = []
        self.output_times: list[int] = self._processes[-1].left

    def add_frame(self) -> bool:
        """Offer one more frame and follow it as far as it gets; false if the network deadlocks."""
        self._frames += 1
        self._offered.extend([0] * self._input_beats)
        processes = self._processes
        progress = True
        while progress:
            progress = _transfer(self._offered, self.input_times, processes[0])
            for index, process in enumerate(processes):
                consumer = processes[index + 1] if index + 1 < len(processes) else None
                while process.advance() | _transfer(process.pending, process.left, consumer):
                    progress = True
        return len(self.output_times) == self._output_beats * self._frames

    def frame_ends(self) -> list[int]:
        """When the last beat of each frame left."""
        return self.output_times[self._output_beats - 1 :: self._output_beats]


def frame_beats(plan: Plan) -> int:
    """Beats of a frame of the layer's output."""
    if isinstance(plan, ReluPlan):
        height, width, channels = plan.shape
        return height * width * -(-channels // plan.lanes)
    return plan.output_image[0] * plan.output_image[1] * plan.beats_out_per_pixel


def keeps_interval(plans: Sequence[Plan], input_beats: int, interval: float) -> bool:
    """Whether a chain of layers runs without a deadlock and no slower than one frame in `interval` cycles.

    Settles for fewer frames than `predict`: a chain that is slower between any two frames is given up at once.
    """
    model = BeatModel(plans, input_beats)
    steps: list[int] = []
    for _ in range(MAXIMUM_FRAMES):
        if not model.add_frame():
            return False
        ends = model.frame_ends()
        steps = [late - early for early, late in zip(ends, ends[1:], strict=False)]
        if steps and steps[-1] > math.ceil(interval):
            return False
        if len(steps) >= 2 and steps[-1] == steps[-2]:
            return steps[-1] <= interval
    half = steps[len(steps) // 2 :]
    return sum(half) / len(half) <= interval


def predict(plans: Sequence[Plan], input_beats: int) -> Prediction | None:
    """Interval and latency of a chain of layers, None if it deadlocks.

    The interval is the first distance between the last output beats of successive frames that repeats.
    """
    model = BeatModel(plans, input_beats)
    for frames in range(1, MAXIMUM_FRAMES + 1):
        if not model.add_frame():
            return None
        ends = model.frame_ends()
        if frames >= 3 and ends[-1] - ends[-2] == ends[-2] - ends[-3]:
            interval = ends[-1] - ends[-2]
            return Prediction(interval, float(interval), ends[0] - model.input_times[0], frames)
    half = len(ends) // 2
    mean = (ends[-1] - ends[half]) / (len(ends) - 1 - half)
    return Prediction(None, mean, ends[0] - model.input_times[0], MAXIMUM_FRAMES)
