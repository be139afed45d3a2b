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

import numpy as np
from numpy.typing import NDArray

from .lookahead import Readers
from .pipe_processes import PipeProcess
from .plans import Plan, WindowPlan
from .processes import Consumer, Producer, QueueProcess, SourceProcess
from .schedule import Edge, Engine, Prediction
from .times import Times, extend
from .transfers import transfer
from .window_processes import EngineProcess, WindowProcess

MAXIMUM_FRAMES = 24

LEAST_FRAMES = 3
"""Frames after which two intervals can agree."""


@dataclass(frozen=True)
class BeatNetwork:
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

    @property
    def events(self) -> int:
        """About how many beats move and groups start in a frame."""
        return sum(2 * _beats_out(plan) for plan in self.plans) + sum(self.input_beats.values())


class BeatModel:
    """Handshake times of a network, computed a frame at a time."""

    def __init__(self, network: BeatNetwork) -> None:
        self._network = network
        self.layers: list[WindowProcess | PipeProcess] = [
            WindowProcess(plan) if isinstance(plan, WindowPlan) else PipeProcess(plan) for plan in network.plans
        ]
        self.queues: dict[int, QueueProcess] = {}  # by the place of their edge
        readers = self.layers
        _join_engines(network, readers)
        self._sources = {name: SourceProcess() for name in network.input_beats}
        producers: dict[str, Producer] = {**self._sources}
        producers.update(zip(network.outputs_of, readers, strict=True))
        self._outputs: dict[str, Times] = {}
        self._work: list[tuple[Producer, list[tuple[Consumer, int]]]] = []
        self._frames = 0
        ways: dict[str, list[int]] = {tensor: [] for tensor in producers}
        for place, edge in enumerate(network.edges):
            ways[edge.tensor].append(place)
        for tensor, producer in producers.items():
            ends: list[tuple[Consumer, int]] = []
            stages: list[tuple[Producer, list[tuple[Consumer, int]]]] = []
            for place in ways[tensor]:
                end, chain = self._follow(place, network.edges[place], readers, producer)
                ends += end
                stages += chain
            self._work += [(producer, ends), *stages]
        for producer, ends in self._work:
            if isinstance(producer, WindowProcess | PipeProcess):
                producer.leaving = Readers(producer.pending, producer.left, ends).leaving
        self._affected = self._who_is_affected()

    def _who_is_affected(self) -> list[list[int]]:
        """For each of the work those that may go on once it moved: its readers, its sources, who shares its engine."""
        places = {id(producer): place for place, (producer, _) in enumerate(self._work)}
        readers = [[places[id(reader)] for reader, _ in ends] for _, ends in self._work]
        sources: list[list[int]] = [[] for _ in self._work]
        for place, ends in enumerate(readers):
            for reader in ends:
                sources[reader].append(place)
        affected = []
        for place, (producer, _) in enumerate(self._work):
            engine = producer.engine if isinstance(producer, WindowProcess) else None
            together = [place] if engine is None else [places[id(member)] for member in engine.members]
            others = {other for member in together for other in (member, *readers[member], *sources[member])}
            affected.append(sorted(others - {place}))
        return affected

    def _follow(
        self, place: int, edge: Edge, readers: Sequence[WindowProcess | PipeProcess], producer: Producer
    ) -> tuple[list[tuple[Consumer, int]], list[tuple[Producer, list[tuple[Consumer, int]]]]]:
        """What takes the beats of an edge first, and the stages after it: queue, serializer, reader."""
        end: list[tuple[Consumer, int]] = [] if edge.reader is None else [(readers[edge.reader], edge.slot)]
        last: Producer = producer
        stages: list[tuple[Producer, list[tuple[Consumer, int]]]] = []
        if edge.serializer is not None:
            serializer = PipeProcess(edge.serializer)
            stages.insert(0, (serializer, end))
            end, last = [(serializer, 0)], serializer
        if edge.queue_bits is not None:
            reader = end[0][0] if end and isinstance(end[0][0], WindowProcess) else None
            queue = self.queues[place] = QueueProcess(edge.queue_capacity, reader)
            stages.insert(0, (queue, end))
            end, last = [(queue, 0)], queue if last is producer else last
        if edge.reader is None:
            self._outputs[edge.tensor] = last.left
        return end, stages

    def window_behind(self, name: str) -> WindowProcess | None:
        """The layer with a line buffer that takes an input's beats itself, if there is no other reader."""
        (ends,) = (ends for producer, ends in self._work if producer is self._sources[name])
        return ends[0][0] if len(ends) == 1 and isinstance(ends[0][0], WindowProcess) else None

    def longest_stay(self) -> int:
        """About how long a beat of the last frame waited at most in one place, in cycles."""
        windows = [layer.longest_stay(self._frames) for layer in self.layers if isinstance(layer, WindowProcess)]
        return max([0, *windows, *(queue.longest_stay(self._frames) for queue in self.queues.values())])

    @property
    def departures(self) -> list[list[int]]:
        """When each beat so far left each input, layer, serializer and queue."""
        return [list(producer.left) for producer, _ in self._work]

    @property
    def events(self) -> int:
        """How many beats moved and groups started so far."""
        layers = sum(len(layer.starts if isinstance(layer, WindowProcess) else layer.pending) for layer in self.layers)
        return layers + sum(len(producer.left) for producer, _ in self._work)

    @property
    def first_input(self) -> int:
        """When the first beat of the network's first input was taken."""
        return min(source.left[0] for source in self._sources.values())

    def add_frame(self, offers: Mapping[str, NDArray[np.int64]] | None = None) -> bool:
        """Offer one more frame and follow it as far as it gets; false if the network deadlocks.

        `offers` are the cycles from which on the beats of an input are offered; by default all are at once.
        """
        self._frames += 1
        for name, beats in self._network.input_beats.items():
            times = np.zeros(beats, dtype=np.int64) if offers is None else offers[name]
            extend(self._sources[name].pending, times)
        waiting = [True] * len(self._work)
        while True in waiting:
            for place, (producer, ends) in enumerate(self._work):
                if not waiting[place]:
                    continue
                waiting[place] = False
                moved = False
                while producer.advance() | transfer(producer, ends):
                    moved = True
                if moved:
                    for other in self._affected[place]:
                        waiting[other] = True
        beats_out = self._network.output_beats
        return all(len(self._outputs[name]) == beats * self._frames for name, beats in beats_out.items())

    def frame_ends(self) -> list[int]:
        """When each frame's last beat left, over all outputs."""
        ends = [self._outputs[name][beats - 1 :: beats] for name, beats in self._network.output_beats.items()]
        return [max(together) for together in zip(*ends, strict=True)]


def _beats_out(plan: Plan) -> int:
    """Beats of a frame that a layer puts out."""
    rows, columns, channels = plan.output_image if isinstance(plan, WindowPlan) else plan.image
    return rows * columns * -(-channels // plan.lanes_out)


def _join_engines(network: BeatNetwork, processes: Sequence[WindowProcess | PipeProcess]) -> None:
    """Let the layers of each shared engine take turns."""
    # A serializer is a pipe that bears the name of its reader, but is no plan of the network.
    by_name = {plan.operator: process for plan, process in zip(network.plans, processes, strict=True)}
    for engine in network.engines:
        if engine.shared:
            members = [by_name[name] for name in engine.layers]
            EngineProcess([member for member in members if isinstance(member, WindowProcess)], engine.order)


def keeps_interval(network: BeatNetwork, interval: float) -> bool:
    """Whether a network runs without a deadlock and no slower than one frame in `interval` cycles.

    Settles for fewer frames than `predict_cycles`: a network that is slower between any two frames is given up at once.
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


def predict_cycles(network: BeatNetwork, most: float = math.inf) -> Prediction | None:
    """Interval and latency of a network, None if it deadlocks, or if two frames in a row take more than `most` cycles.

    One frame may take longer than most of them do. The interval is the first distance between the last output beats of
    successive frames that repeats.
    """
    return settle(BeatModel(network), most)


def settle(model: BeatModel, most: float = math.inf) -> Prediction | None:
    """The same for a model that has followed no frame yet."""
    for frames in range(1, MAXIMUM_FRAMES + 1):
        if not model.add_frame():
            return None
        ends = model.frame_ends()
        latency = ends[0] - model.first_input
        if frames >= LEAST_FRAMES and min(ends[-1] - ends[-2], ends[-2] - ends[-3]) > most:
            return None
        if frames >= LEAST_FRAMES and ends[-1] - ends[-2] == ends[-2] - ends[-3]:
            interval = ends[-1] - ends[-2]
            return Prediction(interval, float(interval), latency, frames)
    half = len(ends) // 2
    mean = (ends[-1] - ends[half]) / (len(ends) - 1 - half)
    return Prediction(None, mean, latency, MAXIMUM_FRAMES)
