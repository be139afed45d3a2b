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

from collections.abc import Sequence

from .plans import Plan, Prediction, ReluPlan, WindowPlan
from .walk import window_needs

MAXIMUM_FRAMES = 24


class _WindowProcess:
    """Event times of one window layer."""

    def __init__(self, plan: WindowPlan, frames: int) -> None:
        self.plan = plan
        self.word_times: list[int] = []
        self.pending: list[int] = []  # when a result beat may leave at the earliest
        self.left: list[int] = []  # when it left
        self.group = 0
        self.last_start = -plan.steps
        self.started_beats = 0
        self.released: list[tuple[int, int]] = []  # (words freed so far, cycle from which they count)
        self.released_words = 0
        self.release_index = 0
        self.taken = 0
        pixel_beats, word_beats = plan.beats_per_pixel, plan.word_elements // plan.lanes_in
        # For each beat of a pixel whether it completes a word.
        self.completes = [
            (beat % word_beats) == word_beats - 1 or beat == pixel_beats - 1 for beat in range(pixel_beats)
        ]
        self.needs = window_needs(plan.walk)
        self.columns = plan.output_image[1]
        self.groups_total = len(self.needs) * plan.groups * frames

    def accept_time(self) -> int | None:
        """When there is room for the next beat at the earliest; None if not known yet."""
        must_be_free = len(self.word_times) - self.plan.capacity + 1
        if must_be_free <= 0:
            return 0
        released = self.released
        index = self.release_index
        while index < len(released) and released[index][0] < must_be_free:
            index += 1
        self.release_index = index
        return released[index][1] if index < len(released) else None

    def take(self, time: int) -> None:
        """The next beat was taken at `time`."""
        if self.completes[self.taken]:
            self.word_times.append(time)
        self.taken += 1
        if self.taken == len(self.completes):
            self.taken = 0

    def advance(self) -> bool:
        """Start all groups whose conditions are known; true if any was."""
        plan, needs = self.plan, self.needs
        groups, steps, latency = plan.groups, plan.steps, plan.result_latency
        fifo = 1 << plan.fifo_bits
        word_times, left, pending = self.word_times, self.left, self.pending
        windows, frame_words = len(needs), plan.frame_words
        before = self.group
        while self.group < self.groups_total:
            window, group = divmod(self.group, groups)
            frame, window = divmod(window, windows)
            time = self.last_start + steps
            need = needs[window] + frame * frame_words
            if need:
                if need > len(word_times):
                    break
                time = max(time, word_times[need - 1] + 1)
            popped = self.started_beats + plan.group_beats - fifo
            if popped > 0:
                if popped > len(left):
                    break
                time = max(time, left[popped - 1] + 1)
            beats = plan.last_group_beats if group == groups - 1 else plan.group_beats
            first = time + steps + latency + 2
            pending.extend(range(first, first + beats))
            self.started_beats += beats
            self.last_start = time
            self.group += 1
            if group == groups - 1 and (window + 1) % self.columns == 0:
                self.released_words += plan.walk.release[window // self.columns]
                self.released.append((self.released_words, time + steps + 1))
        return self.group > before


class _ReluProcess:
    """Event times of a ReLU of its own: two words deep, one cycle behind its input."""

    def __init__(self, plan: ReluPlan) -> None:
        self.pending: list[int] = []
        self.left: list[int] = []

    def accept_time(self) -> int | None:
        held = len(self.pending) - 1
        if held < 1:
            return 0
        return self.left[held - 1] + 1 if held - 1 < len(self.left) else None

    def take(self, time: int) -> None:
        self.pending.append(time + 1)

    def advance(self) -> bool:
        return False


_Process = _WindowProcess | _ReluProcess


def _transfer(pending: Sequence[int] | None, left: list[int], total: int, consumer: _Process | None) -> bool:
    """Move all beats over a stream whose times are known; `pending` None is a source that always offers."""
    before = len(left)
    last = left[-1] if left else -1
    available = total if pending is None else len(pending)
    while len(left) < available:
        time = last + 1
        if pending is not None:
            offered = pending[len(left)]
            time = max(time, offered)
        if consumer is not None:
            accepted = consumer.accept_time()
            if accepted is None:
                break
            time = max(time, accepted)
            consumer.take(time)
        left.append(time)
        last = time
    return len(left) > before


def output_times(plans: Sequence[Plan], input_beats: int, frames: int) -> tuple[list[int], list[int]] | None:
    """Handshake times of the input and of the output over `frames` frames; None if the network deadlocks.

    Parameters
    ----------
    plans : sequence of Plan
        A chain of layers.
    input_beats : int
        Beats of an input frame.
    frames : int
    """
    processes: list[_Process] = [
        _WindowProcess(plan, frames) if isinstance(plan, WindowPlan) else _ReluProcess(plan) for plan in plans
    ]
    source: list[int] = []
    progress = True
    while progress:
        progress = _transfer(None, source, input_beats * frames, processes[0])
        for index, process in enumerate(processes):
            progress |= process.advance()
            consumer = processes[index + 1] if index + 1 < len(processes) else None
            progress |= _transfer(process.pending, process.left, 0, consumer)
    output = processes[-1].left
    expected = frame_beats(plans[-1]) * frames
    return (source, output) if len(output) == expected else None


def frame_beats(plan: Plan) -> int:
    """Beats of a frame of the layer's output."""
    if isinstance(plan, ReluPlan):
        height, width, channels = plan.shape
        return height * width * -(-channels // plan.lanes)
    return plan.output_image[0] * plan.output_image[1] * plan.beats_out_per_pixel


def predict(plans: Sequence[Plan], input_beats: int) -> Prediction | None:
    """Interval and latency of a chain of layers, None if it deadlocks.

    The interval is the first distance between the last output beats of successive frames that repeats.
    """
    frames = 4
    while True:
        times = output_times(plans, input_beats, frames)
        if times is None:
            return None
        source, output = times
        beats = frame_beats(plans[-1])
        ends = output[beats - 1 :: beats]
        intervals = [late - early for early, late in zip(ends, ends[1:], strict=False)]
        latency = ends[0] - source[0]
        for index, (first, second) in enumerate(zip(intervals, intervals[1:], strict=False)):
            if first == second:
                return Prediction(interval=first, mean_interval=first, latency=latency, frames=index + 3)
        if frames >= MAXIMUM_FRAMES:
            half = intervals[frames // 2 :]
            return Prediction(interval=None, mean_interval=sum(half) / len(half), latency=latency, frames=frames)
        frames *= 2
