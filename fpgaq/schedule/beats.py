"""The beat model: when every handshake of a schedule happens, without any simulation of hardware.

A layer's next move depends on counters only, so the time of each event is the latest of a few earlier events plus a
constant (a max-plus recurrence); these constants are read off the cells in ``templates/verilog/cells``:

* a word counts from the cycle after its last beat was taken;
* a group may start in the cycle in which the last step of the one before runs (of an engine: of whichever of its
  layers that was); its steps are the cycles after;
* words freed by a row of windows, and a beat that left the result FIFO, count from the cycle after;
* a beat written into the result FIFO is offered two cycles later.

The source always offers and the sink always takes. Time 0 is the first cycle in which the input may be taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .plans import PipePlan, Plan, WindowPlan
from .structure import Edge, Engine, Prediction
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
        self.engine: _EngineProcess | None = None  # whose turns it waits for, if it is not the only layer
        self.free = 0  # when its next group may start as far as the one before is concerned
        self._started_beats = 0
        # Facts of the plan, looked up once: these loops run for every beat.
        self._capacity = plan.capacity
        self._fifo = 1 << plan.fifo_bits
        self._steps = plan.steps
        self._offered = plan.steps + plan.result_latency + 2
        self._group_beats = plan.group_beats
        self._frame_words = plan.frame_words
        self._frame_release = sum(plan.walk.release)
        self._row_groups = plan.output_image[1] * plan.groups
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
        if self._completes[beat]:
            self.word_times.append(time)
        self._beat = beat + 1 if beat + 1 < len(self._completes) else 0

    def advance(self) -> bool:
        """Start all groups whose conditions are known; true if any was."""
        return self.start_groups(None) if self.engine is None else self.engine.advance()

    def row_of(self) -> int:
        """The number of the row of windows, over all frames, that its next group belongs to."""
        return self._group // self._row_groups

    def start_groups(self, row: int | None) -> bool:
        """Start groups whose conditions are known, those of one row or all; true if any was."""
        word_times, left, pending, groups = self.word_times, self.left, self.pending, self._groups
        words, leaving, steps, offered = len(word_times), len(left), self._steps, self._offered
        started, free, margin = self._started_beats, self.free, self._group_beats - self._fifo
        before = self._group
        end = 1 << 60 if row is None else (row + 1) * self._row_groups
        frame, index = divmod(before, len(groups))
        left_over = end - before
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
            if index == len(groups):
                index = 0
                first_word += self._frame_words
                first_freed += self._frame_release
                frame += 1
        self._started_beats, self.free = started, free
        self._group = frame * len(groups) + index
        return self._group > before


class _EngineProcess:
    """The turns of the layers that share an engine."""

    def __init__(self, members: Sequence[_WindowProcess], order: Sequence[int]) -> None:
        self._members = members
        self._order = order
        self._turn = 0
        for member in members:
            member.engine = self

    def advance(self) -> bool:
        """Start all groups whose conditions are known, in the order of the turns; true if any was."""
        moved = False
        while True:
            member = self._members[self._order[self._turn]]
            row = member.row_of()
            moved |= member.start_groups(row)
            if member.row_of() == row:
                return moved
            self._turn = self._turn + 1 if self._turn + 1 < len(self._order) else 0
            following = self._members[self._order[self._turn]]
            following.free = member.free


class _PipeProcess:
    """Event times of a layer without a line buffer: its inputs stand in registers two beats deep."""

    def __init__(self, plan: PipePlan) -> None:
        self.pending: list[int] = []
        self.left: list[int] = []
        self._plan = plan
        self._taken: list[list[int]] = [[] for _ in range(plan.inputs)]
        self._popped: list[list[int]] = [[] for _ in range(plan.inputs)]
        self._phase = 0
        self._last = -1
        self._fifo = 1 << plan.fifo_bits
        self._offered = plan.latency + 2

    def accept_time(self, slot: int) -> int | None:
        """When the register of an input has room at the earliest; None if not known yet."""
        index = len(self._taken[slot]) - 2
        if index < 0:
            return 0
        popped = self._popped[slot]
        return popped[index] + 1 if index < len(popped) else None

    def take(self, slot: int, time: int) -> None:
        """The next beat of an input was taken at `time`."""
        self._taken[slot].append(time)

    def advance(self) -> bool:
        """Work off all phases whose conditions are known; true if any was."""
        plan, period = self._plan, len(self._plan.uses)
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


class _QueueProcess:
    """Event times of a queue: a beat taken is offered two cycles later; its place is free a cycle after it left."""

    def __init__(self, words: int) -> None:
        self.pending: list[int] = []
        self.left: list[int] = []
        self._words = words

    def accept_time(self, slot: int) -> int | None:
        """When there is room for the next beat at the earliest; None if not known yet."""
        index = len(self.pending) - self._words
        if index < 0:
            return 0
        return self.left[index] + 1 if index < len(self.left) else None

    def take(self, slot: int, time: int) -> None:
        """The next beat was taken at `time`."""
        self.pending.append(time + 2)

    def advance(self) -> bool:
        """Nothing of its own to do."""
        return False


class _SourceProcess:
    """An input of the network, which always offers the next beat."""

    def __init__(self) -> None:
        self.pending: list[int] = []
        self.left: list[int] = []

    def advance(self) -> bool:
        """Nothing of its own to do."""
        return False


_Consumer = _WindowProcess | _PipeProcess | _QueueProcess
_Producer = _Consumer | _SourceProcess


def _transfer(producer: _Producer, readers: Sequence[tuple[_Consumer, int]]) -> bool:
    """Move all beats of a stream whose times are known; true if any moved.

    Several readers are the queues of a fork, which takes a beat when all of them have room.
    """
    pending, left = producer.pending, producer.left
    before, available = len(left), len(pending)
    if before == available:
        return False
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


@dataclass(frozen=True)
class Network:
    """What the beat model needs of a network: its plans, the ways between them and the beats at its ports.

    Parameters
    ----------
    outputs_of : tuple of str
        The tensor that each plan writes.
    plans : tuple of Plan
    edges : tuple of Edge
    input_beats, output_beats : mapping of str to int
        Beats of a frame of each input and output.
    engines : tuple of Engine
        Those that serve several layers matter.
    """

    outputs_of: tuple[str, ...]
    plans: tuple[Plan, ...]
    edges: tuple[Edge, ...]
    input_beats: Mapping[str, int]
    output_beats: Mapping[str, int]
    engines: tuple[Engine, ...] = ()


class BeatModel:
    """Handshake times of a network, computed a frame at a time."""

    def __init__(self, network: Network) -> None:
        self._network = network
        readers: list[_WindowProcess | _PipeProcess] = [
            _WindowProcess(plan) if isinstance(plan, WindowPlan) else _PipeProcess(plan) for plan in network.plans
        ]
        _join_engines(network, readers)
        self._sources = {name: _SourceProcess() for name in network.input_beats}
        producers: dict[str, _Producer] = {**self._sources}
        producers.update(zip(network.outputs_of, readers, strict=True))
        self._outputs: dict[str, list[int]] = {}
        self._work: list[tuple[_Producer, list[tuple[_Consumer, int]]]] = []
        self._frames = 0
        for tensor, producer in producers.items():
            ends: list[tuple[_Consumer, int]] = []
            stages: list[tuple[_Producer, list[tuple[_Consumer, int]]]] = []
            for edge in network.edges:
                if edge.tensor == tensor:
                    end, chain = self._follow(edge, readers, producer)
                    ends += end
                    stages += chain
            self._work += [(producer, ends), *stages]

    def _follow(
        self, edge: Edge, readers: Sequence[_WindowProcess | _PipeProcess], producer: _Producer
    ) -> tuple[list[tuple[_Consumer, int]], list[tuple[_Producer, list[tuple[_Consumer, int]]]]]:
        """What takes the beats of an edge first, and the stages behind it: queue, serializer, reader."""
        end: list[tuple[_Consumer, int]] = [] if edge.reader is None else [(readers[edge.reader], edge.slot)]
        last: _Producer = producer
        stages: list[tuple[_Producer, list[tuple[_Consumer, int]]]] = []
        if edge.serializer is not None:
            serializer = _PipeProcess(edge.serializer)
            stages.insert(0, (serializer, end))
            end, last = [(serializer, 0)], serializer
        if edge.queue_bits is not None:
            queue = _QueueProcess(edge.queue_capacity)
            stages.insert(0, (queue, end))
            end, last = [(queue, 0)], queue if last is producer else last
        if edge.reader is None:
            self._outputs[edge.tensor] = last.left
        return end, stages

    @property
    def first_input(self) -> int:
        """When the first beat of the network's first input was taken."""
        return min(source.left[0] for source in self._sources.values())

    def add_frame(self) -> bool:
        """Offer one more frame and follow it as far as it gets; false if the network deadlocks."""
        self._frames += 1
        for name, beats in self._network.input_beats.items():
            self._sources[name].pending.extend([0] * beats)
        progress = True
        while progress:
            progress = False
            for producer, ends in self._work:
                while producer.advance() | _transfer(producer, ends):
                    progress = True
        beats_out = self._network.output_beats
        return all(len(self._outputs[name]) == beats * self._frames for name, beats in beats_out.items())

    def frame_ends(self) -> list[int]:
        """When each frame's last beat left, over all outputs."""
        ends = [self._outputs[name][beats - 1 :: beats] for name, beats in self._network.output_beats.items()]
        return [max(together) for together in zip(*ends, strict=True)]


def _join_engines(network: Network, processes: Sequence[_WindowProcess | _PipeProcess]) -> None:
    """Let the layers of each shared engine take turns."""
    # A serializer is a pipe that bears the name of its reader, but is no plan of the network.
    by_name = {plan.operator: process for plan, process in zip(network.plans, processes, strict=True)}
    for engine in network.engines:
        if engine.shared:
            members = [by_name[name] for name in engine.layers]
            _EngineProcess([member for member in members if isinstance(member, _WindowProcess)], engine.order)


def keeps_interval(network: Network, interval: float) -> bool:
    """Whether a network runs without a deadlock and no slower than one frame in `interval` cycles.

    Settles for fewer frames than `predict`: a network that is slower between any two frames is given up at once.
    """
    model = BeatModel(network)
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


def predict(network: Network) -> Prediction | None:
    """Interval and latency of a network, None if it deadlocks.

    The interval is the first distance between the last output beats of successive frames that repeats.
    """
    model = BeatModel(network)
    for frames in range(1, MAXIMUM_FRAMES + 1):
        if not model.add_frame():
            return None
        ends = model.frame_ends()
        latency = ends[0] - model.first_input
        if frames >= 3 and ends[-1] - ends[-2] == ends[-2] - ends[-3]:
            interval = ends[-1] - ends[-2]
            return Prediction(interval, float(interval), latency, frames)
    half = len(ends) // 2
    mean = (ends[-1] - ends[half]) / (len(ends) - 1 - half)
    return Prediction(None, mean, latency, MAXIMUM_FRAMES)
