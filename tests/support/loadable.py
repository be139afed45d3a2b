"""Networks alike but for their weights, and what their images must be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph


def with_other_weights(graph: IntegerGraph, seed: int, shift: int = 0) -> IntegerGraph:
    """The same network with random weights and biases of all codes; `shift` is added to every requantizer's."""
    chance = np.random.default_rng(seed)
    tensors, operators = dict(graph.tensors), []
    for op in graph.operators:
        if isinstance(op, IntegerConvolution | IntegerAffine):
            fmt, rule = replace(op.weight_format, narrow=False), op.requantize
            weight = chance.integers(fmt.minimum, fmt.maximum + 1, size=op.weight.shape)
            bias = chance.integers(-200, 200, size=op.bias.shape)
            if rule is not None and shift:
                rule = replace(rule, shift=tuple(one + shift for one in rule.shift))
                frac = tuple(one + shift for one in op.weight_frac)
                op = replace(
                    op, requantize=rule, weight_frac=frac, weight_format=replace(op.weight_format, frac=frac[0])
                )
            op = replace(op, weight=weight, bias=bias, weight_format=replace(op.weight_format, narrow=False))
            width = max(2, operator_bounds(op, tensors[op.input].format).width)
            op = replace(op, accumulator_width=width)
            if rule is None:
                tensors[op.output] = replace(tensors[op.output], format=replace(tensors[op.output].format, width=width))
        operators.append(op)
    return replace(graph, operators=tuple(operators), tensors=tensors)
