"""Which words of a network's memories no input whatever can exercise, proved from the range of every element.

Ranges are propagated through the integer network element by element, so they know what formats alone do not: a channel
that a rectifier always holds at 0, a result that always saturates, padding. A word is unreachable if all elements that
it multiplies are 0 or if no sum that it is part of can leave the step of its result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from ..integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerArray,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Tensor,
)
from ..integer.reference import requantize, run_operator, working_layout
from .exercise import (
    PRODUCTS_A_COMPARISON,
    Budget,
    Flags,
    Words,
    count_products,
    factor_rows,
    find_exercised,
    requantizer_of,
    slack,
    weighted_sums,
)

Range = tuple[IntegerArray, IntegerArray]
"""The least and the greatest value of every element, (height, width, channels) each."""

MONOTONE = (
    IntegerMaxPooling,
    IntegerRelu,
    IntegerSumPooling,
    IntegerConcatenate,
    IntegerSlice,
    IntegerPad,
    IntegerUpsample,
    IntegerTranspose,
    IntegerReshape,
)
"""Operators that never lower an output when an input rises."""


def find_reachable(graph: IntegerGraph, words: Sequence[Words], budget: Budget) -> tuple[Flags, ...]:
    """For each operator, which of its `words` some input might exercise; where the budget ends, all might.

    Parameters
    ----------
    graph : IntegerGraph
    words : sequence of Words
        For each operator, those in question.
    budget : Budget
    """
    ranges: dict[str, Range] = {}
    cost = sum(count_products(op, graph.tensors) for op in graph.operators) * 8 // PRODUCTS_A_COMPARISON
    if not budget.spend(cost):
        return tuple(np.ones(len(some), dtype=bool) for some in words)
    for name in graph.inputs:
        tensor = graph.tensors[name]
        ranges[name] = (
            np.full(tensor.shape, tensor.format.minimum, dtype=np.int64),
            np.full(tensor.shape, tensor.format.maximum, dtype=np.int64),
        )
    reachable = []
    for op, some in zip(graph.operators, words, strict=True):
        reachable.append(_reachable(op, graph.tensors, ranges, some, budget))
        ranges[op.output] = output_range(op, graph.tensors, ranges)
    return tuple(reachable)


def output_range(op: IntegerOperator, tensors: Mapping[str, Tensor], ranges: Mapping[str, Range]) -> Range:
    """The range of an operator's output, given those of its inputs."""
    if isinstance(op, MONOTONE):
        low, high = (_run(op, tensors, [ranges[name][end] for name in op.inputs]) for end in (0, 1))
        return low, high
    if isinstance(op, IntegerConvolution | IntegerAffine | IntegerScale):
        return _weighted_range(op, tensors, ranges[op.input])
    if isinstance(op, IntegerAdd):
        pairs = zip(op.inputs, op.signs, strict=True)
        ends = [ranges[name] if sign > 0 else ranges[name][::-1] for name, sign in pairs]
        low, high = (_run(op, tensors, [pair[end] for pair in ends]) for end in (0, 1))
        return low, high
    if isinstance(op, IntegerMultiply):
        corners = [_run(op, tensors, list(pair)) for pair in product(*(ranges[name] for name in op.inputs))]
        return np.minimum.reduce(corners), np.maximum.reduce(corners)
    shape = tensors[op.output].shape
    if isinstance(op, IntegerTable):
        least, greatest = _index_range(op, ranges[op.input])
        reached = op.table[least : greatest + 1]
        return np.full(shape, reached.min()), np.full(shape, reached.max())
    if isinstance(op, IntegerArgMax):
        return np.zeros(shape, dtype=np.int64), np.full(shape, tensors[op.input].shape[2] - 1)
    raise TypeError(f"no range is known for the output of {type(op).__name__}")


def _run(op: IntegerOperator, tensors: Mapping[str, Tensor], values: Sequence[IntegerArray]) -> IntegerArray:
    """One operator on one frame."""
    # A tensor may stand at two inputs, with another end of its range at each: every input gets a name of its own.
    names = tuple(f"{place} {name}" for place, name in enumerate(op.inputs))
    own = {**tensors, **{new: tensors[name] for new, name in zip(names, op.inputs, strict=True)}}
    pairs = zip(names, values, strict=True)
    works = {name: working_layout(value[np.newaxis], own[name].format) for name, value in pairs}
    result = run_operator(replace(op, inputs=names), own, works)
    moved: IntegerArray = result[..., 0].transpose(1, 2, 0).astype(np.int64)
    return moved


def _weighted_range(
    op: IntegerConvolution | IntegerAffine | IntegerScale, tensors: Mapping[str, Tensor], source: Range
) -> Range:
    target = tensors[op.output]
    ends = []
    for sums in sum_range(op, tensors, source):
        rule = requantizer_of(op)
        result = sums if rule is None else requantize(sums.copy(), rule, target.format)
        height, width, channels = target.shape
        ends.append(result.reshape(channels, height, width).transpose(1, 2, 0))
    return ends[0], ends[1]


def sum_range(op: IntegerOperator, tensors: Mapping[str, Tensor], source: Range) -> Range:
    """The least and the greatest accumulators (channels, pixels) of an operator with weights."""
    low, high = (factor_rows(op, tensors, end) for end in source)
    fmt = tensors[op.input].format
    return weighted_sums(op, fmt, low, high), weighted_sums(op, fmt, high, low)


def _index_range(op: IntegerTable, source: Range) -> tuple[int, int]:
    ends = (int(source[0].min()), int(source[1].max()))
    index = requantize(np.array([ends]), op.requantize, op.index_format) - op.index_format.minimum
    return int(index[0, 0]), int(index[0, 1])


def _reachable(
    op: IntegerOperator, tensors: Mapping[str, Tensor], ranges: Mapping[str, Range], words: Words, budget: Budget
) -> Flags:
    if len(words) == 0:
        return np.zeros(0, dtype=bool)
    if isinstance(op, IntegerTable):
        least, greatest = _index_range(op, ranges[op.input])
        return (words.row >= least) & (words.row <= greatest)
    low, high = sum_range(op, tensors, ranges[op.input])
    rule, fmt = requantizer_of(op), tensors[op.output].format
    ends = [factor_rows(op, tensors, end) for end in ranges[op.input]]
    factors = np.maximum(abs(ends[0]), abs(ends[1]))
    factors = np.concatenate([factors, np.ones((1, factors.shape[1]), dtype=factors.dtype)])
    room = np.zeros_like(low)
    if rule is not None:
        # Only a result that is the same at both ends of its range leaves room for a change that does not show.
        same = requantize(low.copy(), rule, fmt) == requantize(high.copy(), rule, fmt)
        room = np.where(same, np.minimum(slack(high, rule, fmt)[0], slack(low, rule, fmt)[1]), 0)
    found = find_exercised(factors, (room, room), words, budget)
    # What was not looked at for want of budget counts as reachable.
    return found if budget.left >= 0 else np.ones(len(words), dtype=bool)
