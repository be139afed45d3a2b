"""Several operators that amount to one function: clips in a row, x * sigmoid(x), ReLU with an upper bound."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Graph, Multiply, Operator, Pointwise, Relu
from .rewrite import consumer_counts, producers

INFINITY = float("inf")


def recognize(graph: Graph) -> Graph:
    """Replace compositions of pointwise functions by the function that they are; the rest is left to `remove_unused`.

    Only a composition whose inner results nobody else reads is replaced.
    """
    counts = consumer_counts(graph)
    writers = producers(graph)
    operators: list[Operator] = []
    for op in graph.operators:
        found = op
        if isinstance(op, Multiply):
            found = _gated(op, counts, writers)
        elif isinstance(op, Pointwise | Relu) and counts[op.input] == 1 and op.input in writers:
            found = _clipped(op, writers[op.input])
        writers[op.output] = found
        operators.append(found)
    return _without_unread(graph, operators)


def _without_unread(graph: Graph, operators: Sequence[Operator]) -> Graph:
    needed, kept = set(graph.outputs), []
    for op in reversed(operators):
        if op.output in needed:
            needed.update(op.inputs)
            kept.append(op)
    return graph.with_operators(tuple(reversed(kept)))


def _gated(op: Multiply, counts: dict[str, int], writers: dict[str, Operator]) -> Operator:
    """X * sigmoid(x) is Swish, x * clip(x / 6 + 1 / 2, 0, 1) is HardSwish."""
    for gate, x in (op.inputs, op.inputs[::-1]):
        function = writers.get(gate)
        if counts[gate] != 1 or not isinstance(function, Pointwise):
            continue
        if function.function == "sigmoid" and function.input == x:
            return Pointwise(op.name, (x,), op.output, "swish")
        if function.function == "hard_sigmoid" and function.input == x and _is_sixth(function.parameters):
            return Pointwise(op.name, (x,), op.output, "hard_swish")
    return op


def _is_sixth(parameters: Sequence[float]) -> bool:
    return abs(parameters[0] - 1 / 6) < 1e-7 and parameters[1] == 0.5


def _interval(op: Operator) -> tuple[float, float] | None:
    if isinstance(op, Relu):
        return 0.0, INFINITY
    if not isinstance(op, Pointwise):
        return None
    values = op.parameters
    known = {
        "relu6": lambda: (0.0, 6.0),
        "clip": lambda: (values[0], values[1]),
        "maximum": lambda: (values[0], INFINITY),
        "minimum": lambda: (-INFINITY, values[0]),
    }
    return known[op.function]() if op.function in known else None


def _clipped(op: Pointwise | Relu, first: Operator) -> Operator:
    """One clip for two in a row."""
    inner, outer = _interval(first), _interval(op)
    if inner is None or outer is None:
        return op
    low, high = (min(max(bound, outer[0]), outer[1]) for bound in inner)
    if (low, high) == (0.0, 6.0):
        return Pointwise(op.name, first.inputs, op.output, "relu6")
    if (low, high) == (0.0, INFINITY):
        return Relu(op.name, first.inputs, op.output)
    if high == INFINITY:
        return Pointwise(op.name, first.inputs, op.output, "maximum", (low,))
    if low == -INFINITY:
        return Pointwise(op.name, first.inputs, op.output, "minimum", (high,))
    return Pointwise(op.name, first.inputs, op.output, "clip", (low, high))
