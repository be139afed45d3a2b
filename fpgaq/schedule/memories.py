"""The sizes of all memories: each the least that keeps the network's interval with the rest held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..integer_graph import IntegerGraph
from .beats import Network, keeps_interval, predict
from .plans import Plan, WindowPlan
from .structure import Edge, Engine, Prediction
from .walk import least_words

LEAST_QUEUE_BITS = 1


def size_memories(network: Network, best: Prediction) -> tuple[list[Plan], list[Edge], Prediction]:
    """Size line buffers in topological order, then the queues of branches, then result FIFOs; predict the cycles.

    `best` is the prediction of the network as it is, all its memories generous.
    """
    for memories in (_line_buffers(network), _queues(network), _fifos(network)):
        network = _shrink(network, memories, best.mean_interval)
    prediction = predict(network)
    assert prediction is not None, "sizes that kept the interval do not deadlock"
    return list(network.plans), list(network.edges), prediction


@dataclass(frozen=True)
class _Memory:
    """One memory of a network: the field of a plan or of an edge that holds its bits, and the least that it may be."""

    kind: str
    place: int
    least: int

    def bits(self, network: Network) -> int:
        """Bits of its size in `network`."""
        owner = network.edges[self.place] if self.kind == "queue_bits" else network.plans[self.place]
        return int(getattr(owner, self.kind))

    def resized(self, network: Network, bits: int) -> Network:
        """The network with this memory of ``2**bits`` words."""
        if self.kind == "queue_bits":
            edge = replace(network.edges[self.place], queue_bits=bits)
            edges = (*network.edges[: self.place], edge, *network.edges[self.place + 1 :])
            return replace(network, edges=edges)
        plan = replace(network.plans[self.place], **{self.kind: bits})  # type: ignore[arg-type]
        return replace(network, plans=(*network.plans[: self.place], plan, *network.plans[self.place + 1 :]))


def _shrink(network: Network, memories: Sequence[_Memory], interval: float) -> Network:
    """Make each memory, in this order, the least that keeps the interval while those behind it are as they were.

    More room never slows a network down. So if all memories of a group may have their least sizes at once, each of
    them ends at its least; else the halves of the group are tried on their own, and a single one by bisection.
    """
    if not memories:
        return network
    smallest = network
    for memory in memories:
        smallest = memory.resized(smallest, min(memory.least, memory.bits(network)))
    if keeps_interval(smallest, interval):
        return smallest
    if len(memories) > 1:
        half = len(memories) // 2
        network = _shrink(network, memories[:half], interval)
        return _shrink(network, memories[half:], interval)
    (memory,) = memories
    too_small, enough = memory.least, memory.bits(network)
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        if keeps_interval(memory.resized(network, middle), interval):
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
) -> Network:
    """What the beat model needs of a network."""
    lanes = {edge.tensor: edge.lanes for edge in edges if edge.reader is None}
    output_beats = {}
    for name in graph.outputs:
        height, width, depth = graph.tensors[name].shape
        output_beats[name] = height * width * -(-depth // lanes[name])
    outputs_of = tuple(op.output for op in graph.operators)
    return Network(outputs_of, tuple(plans), tuple(edges), input_beats, output_beats, tuple(engines))


def with_generous_queue(graph: IntegerGraph, edge: Edge, edges: Sequence[Edge]) -> Edge:
    """A queue of more than a frame on every branch of a fork."""
    if sum(other.tensor == edge.tensor for other in edges) == 1:
        return edge
    return replace(edge, queue_bits=(2 * graph.tensors[edge.tensor].size + 64).bit_length())


def _line_buffers(network: Network) -> list[_Memory]:
    return [
        _Memory("address_bits", place, max(1, (least_words(plan.walk) - 1).bit_length()))
        for place, plan in enumerate(network.plans)
        if isinstance(plan, WindowPlan)
    ]


def _queues(network: Network) -> list[_Memory]:
    return [
        _Memory("queue_bits", place, LEAST_QUEUE_BITS)
        for place, edge in enumerate(network.edges)
        if edge.queue_bits is not None
    ]


def _fifos(network: Network) -> list[_Memory]:
    """Result FIFOs, which hold at least the beats of one group."""
    return [
        _Memory("fifo_bits", place, max(1, (plan.group_beats - 1).bit_length()) if isinstance(plan, WindowPlan) else 1)
        for place, plan in enumerate(network.plans)
    ]
