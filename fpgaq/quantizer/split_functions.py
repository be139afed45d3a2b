"""Functions of features whose ranges are far apart, as straight lines and what is left of them.

A table has at most 12 bits of index, and one step for all features: next to one that reaches 500, one of 0 and 1
is lost. But most functions are straight on either side, and bend only near zero. The lines keep all bits of the input;
what is left is bounded, so that its table needs a short range alone. The two are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ..model.functions import COMPOSED, compose, evaluate
from ..model.graph import Add, Graph, Operator, Pointwise, Prelu, Relu, Reshape, ScaleOffset, check
from ..model.passes.rewrite import fresh_name
from .elements import table_is_nonnegative

FAR = 2.0**20
"""Where a function is as straight as it gets."""
CLOSE = 1e-6
"""Two slopes that differ by no more than this part are the same."""


def split_functions(graph: Graph, wide: Mapping[str, bool]) -> Graph:
    """Split the functions that read one of the tensors `wide` (inputs, or inputs after reshapes).

    Parameters
    ----------
    graph : Graph
    wide : mapping of str to bool
        For each tensor whether it can be negative.

    Returns
    -------
    Graph
        The same function of the inputs; `graph` itself if nothing changes.
    """
    known = dict(wide)
    operators: list[Operator] = []
    shapes = dict(graph.shapes)
    for op in graph.operators:
        lines = _lines(op) if isinstance(op, Pointwise) and op.input in known else None
        if isinstance(op, Reshape) and op.input in known:
            known[op.output] = known[op.input]
        if lines is None:
            operators.append(op)
            continue
        assert isinstance(op, Pointwise)
        for new in _split(replace(graph, shapes=shapes), op, lines, known[op.input]):
            operators.append(new)
            shapes[new.output] = graph.shapes[op.output]
    if len(operators) == len(graph.operators):
        return graph
    return check(replace(graph, operators=tuple(operators), shapes=shapes))


def _lines(op: Pointwise) -> tuple[float, float] | None:
    """The slopes of a function far below and far above zero; None if it has none or is level at the upper side."""
    slopes = []
    for side in (-1.0, 1.0):
        ends = evaluate(op.function, op.parameters, side * FAR * np.array([1.0, 2.0, 4.0]))
        if not np.isfinite(ends).all():
            return None
        first, second = (side * np.diff(ends) / (FAR * np.array([1.0, 2.0]))).tolist()
        if abs(first - second) > CLOSE * max(abs(first), abs(second)):
            return None
        slopes.append(first if abs(first) > CLOSE else 0.0)
    below, above = slopes
    return (below, above) if above > 0 else None


def _split(graph: Graph, op: Pointwise, lines: tuple[float, float], signed: bool) -> list[Operator]:
    """The lines, their factor, what is left, and the sum, with a ReLU where it can't be negative."""
    below, above = lines
    bent, left = (fresh_name(graph, f"{op.output}.{part}") for part in ("lines", "rest"))
    slope = below / above
    operators: list[Operator] = [
        Prelu(f"{op.name}.lines", op.inputs, bent, np.array([slope], np.float32))
        if slope
        else Relu(f"{op.name}.lines", op.inputs, bent)
    ]
    if above != 1.0:
        scaled = fresh_name(graph, f"{op.output}.scaled")
        operators.append(ScaleOffset(f"{op.name}.scaled", (bent,), scaled, above, 0.0))
        bent = scaled
    if op.function.startswith(COMPOSED):
        words = op.function[len(COMPOSED) :].split(" ")
    else:
        words = ["x", f"{op.function}({','.join(repr(float(value)) for value in op.parameters)})"]
    rest = compose([*words, "x", f"leaky_relu({float(np.float32(slope))!r})", repr(-above), "*", "+"])
    operators.append(Pointwise(f"{op.name}.rest", op.inputs, left, rest, ()))
    if table_is_nonnegative(partial(evaluate, op.function, op.parameters), everywhere=signed):
        total = fresh_name(graph, f"{op.output}.sum")
        operators += [Add(op.name, (bent, left), total, (1, 1)), Relu(f"{op.name}.relu", (total,), op.output)]
    else:
        operators.append(Add(op.name, (bent, left), op.output, (1, 1)))
    return operators
