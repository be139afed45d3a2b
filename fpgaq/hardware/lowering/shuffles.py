"""Shuffles of channels inside a pixel: wires where a beat holds what is shuffled.

A shuffle sees the channels of a pixel as `parts` parts, and puts the like channels of all parts side by side. The
registers that hold a whole pixel for that cost a few flip-flops a bit. Where a pixel is long they hold a piece of it:
first the like blocks of all parts come together, which a memory of two pixels does, a block a cycle; the blocks that
stand together then are short enough for wires. Neither holds a frame, as a transposition does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...integer.graph import IntegerGraph, IntegerOperator, IntegerTranspose, Tensor
from ...integer.movements import MAX_ELEMENTS, Moving, chains, order_of

HELD_BITS = 256
"""Of the elements that registers hold at a time. A bit costs about eight flip-flops."""

FEWEST_BITS, MOST_BITS = 64, 1024
"""The same where that is as fast, and where fewer make the network slower."""


def with_wired_shuffles(graph: IntegerGraph, bits: int = HELD_BITS) -> IntegerGraph:
    """Replace chains of movements that are a shuffle of channels; `graph` itself where there is none.

    Registers hold at most so many `bits` of elements.
    """
    for chain in chains(graph):
        source, target = graph.tensors[chain[0].input], graph.tensors[chain[-1].output]
        if source.shape != target.shape or source.size > MAX_ELEMENTS or any(getattr(op, "view", ()) for op in chain):
            continue
        parts = _parts(order_of(chain, source, graph.tensors), source.shape[2])
        if parts is not None:
            graph = _replaced(graph, chain, parts, bits)
    return graph


def _parts(order: NDArray[np.int64], channels: int) -> int | None:
    """In how many parts a shuffle of `channels` channels sees a pixel, if an order is one that all pixels share."""
    length = int(order[1]) if channels > 1 else 0
    if length < 2 or channels % length or channels == length:
        return None
    parts = channels // length
    pixel = np.arange(channels).reshape(parts, length).T.reshape(-1)
    wanted = np.arange(0, len(order), channels)[:, np.newaxis] + pixel
    return parts if np.array_equal(order.reshape(-1, channels), wanted) else None


def _replaced(graph: IntegerGraph, chain: list[Moving], parts: int, bits: int) -> IntegerGraph:
    """The graph with one or two transpositions of a view in place of a chain."""
    made = _shuffle(graph, chain, parts, bits)
    tensors = {name: graph.tensors[name] for name in graph.inputs}
    operators: list[IntegerOperator] = []
    for op in graph.operators:
        if op not in chain:
            operators.append(op)
            tensors[op.output] = graph.tensors[op.output]
        elif op is chain[-1]:
            operators += (shuffle for shuffle, _ in made)
            tensors |= {tensor.name: tensor for _, tensor in made}
    return replace(graph, operators=tuple(operators), tensors=tensors)


def _shuffle(graph: IntegerGraph, chain: list[Moving], parts: int, bits: int) -> list[tuple[IntegerTranspose, Tensor]]:
    """The transpositions with the tensors that they write: of blocks, and of the elements of blocks."""
    source, target = graph.tensors[chain[0].input], graph.tensors[chain[-1].output]
    height, width, channels = source.shape
    length = channels // parts
    block = _block(length, parts * source.format.width, bits)
    vectors = height * width * length // block
    name = chain[-1].name
    if block == length:
        return [(IntegerTranspose(name, (source.name,), target.name, (0, 2, 1), (vectors, parts, block)), target)]
    blocks = (height * width, parts, length // block, block)
    if block == 1:
        # Single elements are in order once they stand together.
        return [(IntegerTranspose(name, (source.name,), target.name, (0, 2, 1, 3), blocks), target)]
    between = _between(target, graph)
    return [
        (IntegerTranspose(between.name, (source.name,), between.name, (0, 2, 1, 3), blocks), between),
        (IntegerTranspose(name, (between.name,), target.name, (0, 2, 1), (vectors, parts, block)), target),
    ]


def _block(length: int, each: int, bits: int) -> int:
    """Of a part's channels a divisor that `bits` bits hold of all parts, where one takes `each` bits.

    Of those at least half as large as the largest the one with most factors of two: beats of layers before it, which
    are mostly powers of two, then fit it.
    """
    held = [size for size in range(1, length + 1) if length % size == 0 and (size == 1 or size * each <= bits)]
    return max((size for size in held if 2 * size >= held[-1]), key=lambda size: (size & -size, size))


def _between(target: Tensor, graph: IntegerGraph) -> Tensor:
    """The tensor of blocks that stand together, before `target`."""
    name = f"{target.name}.blocks"
    while name in graph.tensors:
        name += "_"
    return replace(target, name=name, label="")
