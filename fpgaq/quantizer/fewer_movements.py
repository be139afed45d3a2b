"""Movements of elements in a row as few: each transposition in hardware holds a frame.

A shuffle of channels is a reshape, a transposition and a reshape in the model's order of axes. In the stream's order
that is five transpositions, whose result is one.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..integer.graph import ImageShape, IntegerGraph, IntegerReshape, IntegerTranspose, Tensor
from ..integer.movements import MAX_ELEMENTS, Moving, chains, order_of
from ..model.importers.onnx.moves import MAX_BLOCKS, transposes

Step: TypeAlias = tuple[ImageShape, tuple[int, ...]]
"""A shape, and the order of its axes in the result."""


def merge_movements(graph: IntegerGraph) -> IntegerGraph:
    """Replace chains of transpositions and reshapes by fewer transpositions of the same effect, where that can be."""
    tensors, operators = dict(graph.tensors), list(graph.operators)
    for chain in chains(graph):
        source, target = tensors[chain[0].input], tensors[chain[-1].output]
        if sum(isinstance(op, IntegerTranspose) for op in chain) < 2 or source.size > MAX_ELEMENTS:
            continue
        steps = steps_of(order_of(chain, source, tensors))
        if steps is None or len(steps) >= sum(isinstance(op, IntegerTranspose) for op in chain):
            continue
        place = operators.index(chain[0])
        for op in chain:
            operators.remove(op)
        for op in chain[:-1]:
            del tensors[op.output]
        names = {op.name for op in operators}
        for position, (made, tensor) in enumerate(written(chain[-1], source, target, steps, (names, tensors))):
            operators.insert(place + position, made)
            tensors[made.output] = tensor
    return replace(graph, tensors=tensors, operators=tuple(operators))


def steps_of(order: NDArray[np.int64]) -> list[Step] | None:
    """The fewest transpositions of three axes that put elements into an order; None if there are none."""
    digits = _digits(order)
    if digits is None or len(digits) > MAX_BLOCKS:
        return None
    # Blocks are numbered as they stand in the source: the one of the greatest stride is outermost.
    blocks = sorted(digits, key=lambda digit: -digit[1])
    goal = tuple(blocks.index(digit) for digit in digits)
    steps = []
    for grouping, axes in transposes(goal):
        sizes = [math.prod(blocks[block][0] for block in group) for group in grouping]
        first, second, third = (*sizes, 1, 1)[:3]
        steps.append(((first, second, third), (*axes, *range(len(axes), 3))))
    return steps


def _digits(order: NDArray[np.int64]) -> list[tuple[int, int]] | None:
    """The axes of the result, outermost first, as (size, stride in the source); None where it is no order of axes."""
    digits: list[tuple[int, int]] = []
    count = 1
    while count < len(order):
        stride = int(order[count])
        steps = order[::count]
        expected = np.arange(len(steps)) * stride
        size = len(steps) if np.array_equal(steps, expected) else int(np.argmax(steps != expected))
        while size > 1 and len(order) % (count * size):
            size -= 1
        if size < 2 or stride <= 0:
            return None
        digits.append((size, stride))
        count *= size
    rebuilt = np.zeros(1, np.int64)
    for size, stride in digits:
        rebuilt = (np.arange(size)[:, np.newaxis] * stride + rebuilt).reshape(-1)
    return digits[::-1] if np.array_equal(rebuilt, order) else None


def written(
    last: Moving,
    source: Tensor,
    target: Tensor,
    steps: Sequence[Step],
    taken: tuple[Container[str], Container[str]],
) -> list[tuple[Moving, Tensor]]:
    """The operators in place of a chain, with the tensors that they write; the last one keeps its name.

    `taken` are the names of the other operators and of the tensors.
    """
    names, tensors = taken
    result: list[tuple[Moving, Tensor]] = []
    name, shape = source.name, source.shape

    def put(kind: type[Moving], made: ImageShape, **fields: tuple[int, ...]) -> None:
        nonlocal name, shape
        label = _fresh(f"{last.name}.{len(result) + 1}", names)
        tensor = replace(source, name=_fresh(f"{target.name}.{len(result) + 1}", tensors), shape=made, label="")
        result.append((kind(label, (name,), tensor.name, **fields), tensor))
        name, shape = tensor.name, made

    for sizes, axes in steps:
        if sizes != shape:
            put(IntegerReshape, sizes)
        put(IntegerTranspose, (sizes[axes[0]], sizes[axes[1]], sizes[axes[2]]), axes=axes)
    if shape != target.shape or not result:
        put(IntegerReshape, target.shape)
    final, _ = result[-1]
    result[-1] = (replace(final, name=last.name, output=target.name), target)
    return result


def _fresh(base: str, taken: Container[str]) -> str:
    while base in taken:
        base += "_"
    return base
