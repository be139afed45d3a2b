"""Functions that are a factor on all that the input can be: at or above zero a PReLU, SELU or ELU is one.

An input whose samples are never negative has an unsigned format, so that nothing below zero reaches the function. As a
constant factor it goes into the first weights, exactly, where a table would have rounded every element to its output's
step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..model.functions import evaluate
from ..model.graph import Graph, Operator, Pointwise, Prelu, Relu, Reshape, ScaleOffset, check
from ..model.passes.rewrite import bypass
from .plan import count_reads

GRID = np.concatenate([[0.0], np.exp2(np.linspace(-20, 20, 81))])
"""Where a function is compared with a factor."""
TOLERANCE = 1e-12


def without_idle_functions(graph: Graph, samples: Mapping[str, Any]) -> Graph:
    """Replace the functions directly after inputs that are a factor at or above zero, where samples are not negative.

    Returns
    -------
    Graph
        The same function of inputs that are not negative; `graph` itself if nothing changes.
    """
    reads = count_reads(graph)
    factors: dict[str, float] = {}
    for name in graph.inputs:
        if np.min(samples[name]) < 0:
            continue
        tensor = name
        while reads[tensor] == 1 and tensor not in graph.outputs:
            op = graph.consumers(tensor)[0]
            factor = factor_above_zero(op)
            if factor is not None:
                factors[op.output] = factor
            elif not isinstance(op, Reshape) and not (isinstance(op, ScaleOffset) and min(op.scale, op.offset) >= 0):
                break
            tensor = op.output
    if not factors or any(name in graph.outputs for name in factors):
        return graph
    operators = tuple(
        ScaleOffset(op.name, op.inputs, op.output, factors[op.output], 0.0) if op.output in factors else op
        for op in graph.operators
    )
    changed = replace(graph, operators=operators)
    return check(bypass(changed, lambda op: op.output in factors and factors[op.output] == 1.0))


def factor_above_zero(op: Operator) -> float | None:
    """The positive factor that an operator is at and above zero, or None if it is anything else there."""
    if isinstance(op, Relu | Prelu):
        return 1.0
    if not isinstance(op, Pointwise):
        return None
    values = evaluate(op.function, op.parameters, GRID)
    factor = float(values[-1] / GRID[-1])
    with np.errstate(all="ignore"):
        sound = bool(np.all(np.abs(values - factor * GRID) <= TOLERANCE * np.maximum(np.abs(factor) * GRID, 1e-300)))
    return factor if sound and factor > 0 else None
