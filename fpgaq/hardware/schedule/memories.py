"""The sizes of all memories: each the least that keeps the network's interval with the rest held."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...integer.graph import IntegerGraph
from .beats import MAXIMUM_FRAMES, BeatModel, BeatNetwork, keeps_interval, predict_cycles
from .plans import Plan, WindowPlan
from .processes import ENDLESS_BITS
from .schedule import Edge, Engine, Prediction
from .walk import least_words
from .window_processes import NEVER, WindowProcess

LEAST_QUEUE_BITS = 1

STEADY_FRAMES = 4
"""Frames that show what a memory holds, beside those that wait in it."""


PROBE_EVENTS = 2_000_000
"""Events of the beat model that the search for the least sizes may take: all that it needs for most networks that are
searched at all."""

GROWN_BITS = (2, 4, 6, 30)
"""Powers of two by which result FIFOs grow that do not keep the interval as a steady input needs them."""

SEARCHED_EVENTS = 100_000
"""Networks with more events keep the sizes that were needed with a steady input."""


@dataclass(frozen=True)
class Sized:
    """A network with memories that serve a steady input, its cycles, and the events of the model that found them."""

    network: BeatNetwork
    prediction: Prediction
    events: int


@dataclass(frozen=True)
class Needed:
    """A network with what its memories hold at most for a steady input; whether they keep the interval is open yet.

    Parameters
    ----------
    sizes : tuple of BeatNetwork
        Result FIFOs no larger than planned, which mostly do; as large as needed, for layers that wait for others'
        results in turn; larger and larger, since an input that comes early fills those of the first layers, and an
        engine waits in the turn of a layer whose FIFO is full; last all memories generous.
    prediction : Prediction
        Of the network with generous memories.
    events : int
        Of the model that found them.
    """

    sizes: tuple[BeatNetwork, ...]
    prediction: Prediction
    events: int


def needed_memories(network: BeatNetwork, best: Prediction) -> Needed:
    """Sizes of line buffers, the queues of branches and result FIFOs.

    Each is what a memory holds at most when the input comes no earlier than it is needed for this interval.

    Parameters
    ----------
    network : BeatNetwork
        With generous memories.
    best : Prediction
        Its cycles.
    """
    needed, events = _as_needed(network, best)
    larger = tuple(_with_grown_fifos(needed, network, bits) for bits in GROWN_BITS)
    sizes = (_with_planned_fifos(needed, network), needed, *larger, network)
    different = {(each.plans, each.edges): each for each in sizes}
    return Needed(tuple(different.values()), best, events)


def _with_grown_fifos(network: BeatNetwork, most: BeatNetwork, bits: int) -> BeatNetwork:
    """The network with result FIFOs of ``2**bits`` times the size, up to those of another one."""
    plans = (
        replace(plan, fifo_bits=max(plan.fifo_bits, min(plan.fifo_bits + bits, other.fifo_bits)))
        for plan, other in zip(network.plans, most.plans, strict=True)
    )
    return replace(network, plans=tuple(plans))


def shrink_memories(sized: Sized) -> tuple[BeatNetwork, Prediction]:
    """Shrink memories one by one as far as the interval allows: line buffers in topological order, queues, FIFOs."""
    needed, prediction = sized.network, sized.prediction
    probes = PROBE_EVENTS // sized.events if sized.events <= SEARCHED_EVENTS else 0
    search = _Search(prediction.mean_interval, probes)
    smaller = needed
    for memories in (_line_buffers(needed), _queues(needed), _fifos(needed)):
        smaller = search.shrink(smaller, memories)
    if smaller is not needed:
        found = predict_cycles(smaller)
        assert found is not None, "sizes that kept the interval do not deadlock"
        prediction = found
    return smaller, prediction


def _with_planned_fifos(network: BeatNetwork, planned: BeatNetwork) -> BeatNetwork:
    """The network with no result FIFO larger than it was planned."""
    plans = (
        replace(plan, fifo_bits=min(plan.fifo_bits, other.fifo_bits))
        for plan, other in zip(network.plans, planned.plans, strict=True)
    )
    return replace(network, plans=tuple(plans))


def _as_needed(network: BeatNetwork, best: Prediction) -> tuple[BeatNetwork, int]:
    """The network with each memory as large as it has to be for a steady input, and the events of its frames."""
    interval = math.ceil(best.mean_interval)
    steady = {
        name: np.add.outer(np.arange(MAXIMUM_FRAMES) * interval, np.arange(beats) * interval // beats).ravel()
        for name, beats in network.input_beats.items()
    }
    planned, network = network, with_endless_fifos(network)
    model, frames = BeatModel(network), 0
    # Of a deep network many frames are on their way at once, but few of them in any one memory.
    while frames < STEADY_FRAMES or frames < min(MAXIMUM_FRAMES, model.longest_stay() // interval + STEADY_FRAMES):
        _add_frame(model, network, steady, frames)
        frames += 1
    steady = {name: times[: frames * network.input_beats[name]] for name, times in steady.items()}
    offers = dict(steady)
    for name in network.input_beats:
        window = model.window_behind(name)
        # A layer that has its turns may need nothing for a long time, and then much.
        if window is not None and window.engine is not None:
            # Nothing waits for what comes after the last window of the last frame.
            latest = window.latest_beats()
            offers[name] = np.where(latest < NEVER // 2, np.maximum(latest, 0), steady[name])
    if any(offers[name] is not steady[name] for name in steady):
        model = BeatModel(network)
        for frame in range(frames):
            _add_frame(model, network, offers, frame)
    plans, edges = list(network.plans), list(planned.edges)
    for place, (plan, layer) in enumerate(zip(network.plans, model.layers, strict=True)):
        fifo = max(1, (layer.beats_needed() - 1).bit_length())
        if isinstance(plan, WindowPlan) and isinstance(layer, WindowProcess):
            bits = max(1, (max(least_words(plan.walk), layer.words_needed()) - 1).bit_length())
            plan = replace(plan, address_bits=min(plan.address_bits, bits))
        plans[place] = replace(plan, fifo_bits=fifo)
    for place, queue in model.queues.items():
        bits = max(LEAST_QUEUE_BITS, (queue.words_needed() - 1).bit_length())
        edges[place] = replace(edges[place], queue_bits=min(edges[place].queue_bits or bits, bits))
    return replace(network, plans=tuple(plans), edges=tuple(edges)), model.events


def _add_frame(model: BeatModel, network: BeatNetwork, offers: Mapping[str, NDArray[np.int64]], frame: int) -> None:
    beats = {name: offers[name][frame * count : (frame + 1) * count] for name, count in network.input_beats.items()}
    finished = model.add_frame(beats)
    assert finished, "generous memories do not deadlock"


@dataclass(frozen=True)
class _Memory:
    """One memory of a network: the field of a plan or of an edge that holds its bits, and the least that it may be."""

    kind: str
    place: int
    least: int

    def bits(self, network: BeatNetwork) -> int:
        """Bits of its size in `network`."""
        owner = network.edges[self.place] if self.kind == "queue_bits" else network.plans[self.place]
        return int(getattr(owner, self.kind))

    def resized(self, network: BeatNetwork, bits: int) -> BeatNetwork:
        """The network with this memory of ``2**bits`` words."""
        if self.kind == "queue_bits":
            edge = replace(network.edges[self.place], queue_bits=bits)
            edges = (*network.edges[: self.place], edge, *network.edges[self.place + 1 :])
            return replace(network, edges=edges)
        plan = replace(network.plans[self.place], **{self.kind: bits})  # type: ignore[arg-type]
        return replace(network, plans=(*network.plans[: self.place], plan, *network.plans[self.place + 1 :]))


@dataclass
class _Search:
    """The search for the least sizes that keep an interval, as long as there are probes left."""

    interval: float
    probes: int

    def keeps(self, network: BeatNetwork) -> bool:
        """Whether the interval is kept; no, if there is no probe left to tell."""
        self.probes -= 1
        return self.probes >= 0 and keeps_interval(network, self.interval)

    def shrink(self, network: BeatNetwork, memories: Sequence[_Memory]) -> BeatNetwork:
        """Make each memory, in this order, the least that keeps the interval while those after it are as they were.

        More room never slows a network down. So if all memories of a group may have their least sizes at once, each of
        them ends at its least; else the halves of the group are tried on their own, and a single one by bisection.
        """
        memories = [memory for memory in memories if memory.bits(network) > memory.least]
        if not memories or self.probes <= 0:
            return network
        smallest = network
        for memory in memories:
            smallest = memory.resized(smallest, memory.least)
        if self.keeps(smallest):
            return smallest
        if len(memories) > 1:
            half = len(memories) // 2
            network = self.shrink(network, memories[:half])
            return self.shrink(network, memories[half:])
        (memory,) = memories
        too_small, enough = memory.least, memory.bits(network)
        while enough - too_small > 1:
            middle = (too_small + enough) // 2
            if self.keeps(memory.resized(network, middle)):
                enough = middle
            else:
                too_small = middle
        return memory.resized(network, enough)


def describe(
    graph: IntegerGraph,
    plans: Sequence[Plan],
    edges: Sequence[Edge],
    input_beats: Mapping[str, int],
    engines: Sequence[Engine],
) -> BeatNetwork:
    """What the beat model needs of a network."""
    lanes = {edge.tensor: edge.lanes for edge in edges if edge.reader is None}
    output_beats = {}
    for name in graph.outputs:
        height, width, depth = graph.tensors[name].shape
        output_beats[name] = height * width * -(-depth // lanes[name])
    outputs_of = tuple(op.output for op in graph.operators)
    return BeatNetwork(outputs_of, tuple(plans), tuple(edges), input_beats, output_beats, tuple(engines))


def with_generous_queue(graph: IntegerGraph, edge: Edge) -> Edge:
    """The branch of a fork with a queue of more than a frame."""
    return replace(edge, queue_bits=(2 * graph.tensors[edge.tensor].size + 64).bit_length())


def with_endless_fifos(network: BeatNetwork) -> BeatNetwork:
    """Result FIFOs that never hold anything up: what a network can reach at most, sooner known.

    Those of serializers make no difference to what leaves them.
    """
    return replace(network, plans=tuple(replace(plan, fifo_bits=ENDLESS_BITS) for plan in network.plans))


def _line_buffers(network: BeatNetwork) -> list[_Memory]:
    return [
        _Memory("address_bits", place, max(1, (least_words(plan.walk) - 1).bit_length()))
        for place, plan in enumerate(network.plans)
        if isinstance(plan, WindowPlan)
    ]


def _queues(network: BeatNetwork) -> list[_Memory]:
    return [
        _Memory("queue_bits", place, LEAST_QUEUE_BITS)
        for place, edge in enumerate(network.edges)
        if edge.queue_bits is not None
    ]


def _fifos(network: BeatNetwork) -> list[_Memory]:
    """Result FIFOs, which hold at least the beats of one group."""
    return [
        _Memory("fifo_bits", place, max(1, (plan.group_beats - 1).bit_length()) if isinstance(plan, WindowPlan) else 1)
        for place, plan in enumerate(network.plans)
    ]
