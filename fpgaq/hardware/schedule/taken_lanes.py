"""At how many lanes an operator takes its inputs, where its fold does not say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...integer.graph import (
    IntegerAdd,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
)
from ..lowering.wide import Gather, LaneMaximum
from .operator_plans import is_wired


def copying_lanes(graph: IntegerGraph, op: IntegerOperator, taken: int, interval: int) -> int:
    """Lanes of an operator that copies: those that it takes, or more where it makes so many pixels that it must."""
    rows, columns, depth = graph.tensors[op.output].shape
    if isinstance(op, IntegerTranspose) and op.view:
        return op.view[3]
    if not isinstance(op, IntegerPad | IntegerUpsample):
        return taken
    whole = [lanes for lanes in range(taken, depth + 1, taken) if depth % lanes == 0]
    return next((lanes for lanes in whole if rows * columns * depth // lanes <= interval), max([taken, *whole]))


def multiplying_lanes(graph: IntegerGraph, op: IntegerOperator, given: int, interval: int, fewest: int) -> int:
    """Lanes of an operator with a multiplier in each: the fewest, of the divisors of those given, that are in time."""
    rows, columns, depth = graph.tensors[op.output].shape
    divisors = [lanes for lanes in range(1, given) if given % lanes == 0 and lanes >= fewest]
    return next((lanes for lanes in divisors if rows * columns * -(-depth // lanes) <= interval), given)


def common_lanes(graph: IntegerGraph, op: IntegerOperator, lanes: Sequence[int]) -> int:
    """Lanes at which an operator can take its inputs: what divides them all, and where beats must end at a channel."""
    depth = graph.tensors[op.input].shape[2]
    if isinstance(op, IntegerTranspose) and op.view:
        return math.gcd(*lanes, math.prod(op.view[1:]) if is_wired(op) else op.view[3])
    if isinstance(op, IntegerArgMax) or (isinstance(op, IntegerTranspose) and op.axes[2] != 2):
        return 1
    common = math.gcd(*lanes)
    if isinstance(op, IntegerConcatenate):
        return math.gcd(common, *(graph.tensors[name].shape[2] for name in op.inputs[:-1]))
    if isinstance(op, IntegerSlice) and graph.tensors[op.output].shape[2] != depth:
        return math.gcd(common, op.start[2], graph.tensors[op.output].shape[2])
    if isinstance(op, IntegerReshape):
        return math.gcd(common, depth, graph.tensors[op.output].shape[2])
    if isinstance(op, Gather | LaneMaximum):
        return math.gcd(common, depth)
    # A constant or a table's value must not stand in lanes that no channel fills, and which hold zeros.
    if isinstance(op, IntegerAdd | IntegerMultiply | IntegerScale):
        return common if op.requantize.holds_zero(graph.tensors[op.output].format) else math.gcd(common, depth)
    zero = -op.index_format.minimum if isinstance(op, IntegerTable) else 0
    if (isinstance(op, IntegerTable) and op.table[zero]) or (isinstance(op, IntegerPad) and op.value):
        return math.gcd(common, depth)
    return common
