"""What a schedule keeps on the chip: every memory of weights, line buffers and queues with its width and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ...integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph, IntegerSumPooling
from .plans import Plan, WindowPlan
from .schedule import Edge, Engine
from .widths import index_width, total_width

Kind = Literal["weights", "line buffers", "queues", "running sums"]

KINDS: tuple[Kind, ...] = ("weights", "line buffers", "queues", "running sums")
"""What is kept apart; a queue is every FIFO: of a branch, of results, of a serializer."""


@dataclass(frozen=True)
class Memory:
    """`copies` memories of `words` words of `width` bits each, which `owner` reads."""

    kind: Kind
    owner: str
    width: int
    words: int
    copies: int = 1

    @property
    def bits(self) -> int:
        """Bits of all copies, unused words and lanes included."""
        return self.width * self.words * self.copies


def memories(
    graph: IntegerGraph, plans: Sequence[Plan], edges: Sequence[Edge], engines: Sequence[Engine]
) -> tuple[Memory, ...]:
    """The memories of a network's hardware: those of engines first, then those of layers and of ways between them."""
    return (*_weights(graph, plans, engines), *_buffers(graph, plans, edges))


def buffer_bits(graph: IntegerGraph, plans: Sequence[Plan], edges: Sequence[Edge]) -> int:
    """Bits of all memories but those of weights: what depends on lanes, and on when things happen."""
    return sum(memory.bits for memory in _buffers(graph, plans, edges))


def _weights(graph: IntegerGraph, plans: Sequence[Plan], engines: Sequence[Engine]) -> Iterator[Memory]:
    """A word of an engine holds a weight for each of its products; every layer has a word for each of its steps."""
    places = {plan.operator: place for place, plan in enumerate(plans)}
    for engine in engines:
        if engine.adders:
            continue
        words = bits = 0
        for name in engine.layers:
            plan, op = plans[places[name]], graph.operators[places[name]]
            assert isinstance(plan, WindowPlan) and isinstance(op, IntegerConvolution | IntegerAffine)
            words += plan.groups * plan.steps
            bits = max(bits, op.weight_format.width)
        yield Memory("weights", engine.layers[0], engine.products * engine.outputs * bits, words)


def _buffers(graph: IntegerGraph, plans: Sequence[Plan], edges: Sequence[Edge]) -> Iterator[Memory]:
    for op, plan in zip(graph.operators, plans, strict=True):
        if isinstance(plan, WindowPlan):
            width = plan.word_elements * graph.tensors[op.input].format.width
            yield Memory("line buffers", op.name, width, 1 << plan.address_bits, plan.fold.taps)
        elif plan.sum_words:
            assert isinstance(op, IntegerSumPooling)
            width = plan.lanes_in * total_width(op, graph.tensors[op.input].format)
            yield Memory("running sums", op.name, width, 1 << index_width(plan.sum_words))
        yield Memory("queues", op.name, plan.lanes_out * graph.tensors[op.output].format.width, 1 << plan.fifo_bits)
    for edge in edges:
        reader = edge.tensor if edge.reader is None else graph.operators[edge.reader].name
        element, given = graph.tensors[edge.tensor].format.width, edge.lanes
        if edge.serializer is not None:
            given = edge.serializer.lanes_in
            yield Memory("queues", reader, edge.lanes * element, 1 << edge.serializer.fifo_bits)
        if edge.queue_bits is not None:
            yield Memory("queues", reader, given * element, 1 << edge.queue_bits)
