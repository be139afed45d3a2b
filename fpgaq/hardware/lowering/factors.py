"""Requantizers of imported layers as scales whose form does not depend on the weights, so that they can be loaded.

`fpgaq.hardware.lowering.scales` looks for the cheapest multiplier with the same steps, which depends on the weights.
Here a multiplier has 31 bits, whatever it is: the accumulators leave the layer, and an `IntegerScale` multiplies them,
adds an offset with the output's zero point in it, and shifts. The integers are the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...base.errors import UnsupportedError
from ...base.formats import MAX_WIDTH, Format
from ...integer.graph import (
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerScale,
    Requantize,
    Tensor,
)
from .scales import rounded_once_and_twice

MULTIPLIER_BITS = 31
"""Of every multiplier; a scale has a sign bit more."""


def with_loadable_factors(graph: IntegerGraph) -> IntegerGraph:
    """The same network with a scale after each layer with weights whose requantizer multiplies.

    Returns
    -------
    IntegerGraph
        `graph` itself where nothing changes.

    Raises
    ------
    UnsupportedError
        A requantizer that has no such form, by the name of its layer.
    """
    tensors = {name: graph.tensors[name] for name in graph.inputs}
    operators: list[IntegerOperator] = []
    for op in graph.operators:
        made = _in_two(op, graph) if isinstance(op, IntegerConvolution | IntegerAffine) else None
        if made is not None:
            layer, sums, op = made
            operators.append(layer)
            tensors[sums.name] = sums
        operators.append(op)
        tensors[op.output] = graph.tensors[op.output]
    return (
        graph if len(operators) == len(graph.operators) else replace(graph, operators=tuple(operators), tensors=tensors)
    )


def _in_two(
    op: IntegerConvolution | IntegerAffine, graph: IntegerGraph
) -> tuple[IntegerOperator, Tensor, IntegerOperator] | None:
    """A layer that leaves its accumulators, these, and their scale; None where the layer shifts alone."""
    rule, target, source = op.requantize, graph.tensors[op.output], graph.tensors[op.input]
    if rule is None or (not op.weight_scale and rule.rule == "shift"):
        return None
    channels, name = target.shape[2], f"{op.name}.scale"
    sums = Tensor(f"{op.output}.sums", target.shape, Format(op.accumulator_width, 0), "", source.step)
    if name in {one.name for one in graph.operators} or sums.name in graph.tensors:
        raise UnsupportedError(f"layer {op.name!r}: the names {name!r} and {sums.name!r} are taken; rename a layer")
    multiplier, shift, offset, negative = _factors(op.name, rule, channels)
    layer = replace(op, requantize=None, output=sums.name, weight_scale=op.weight_scale[:1])
    plain = Requantize(tuple(shift.tolist()), rule.rounding, rule.relu, low=rule.low, high=rule.high)
    scale = IntegerScale(
        name, (sums.name,), op.output, multiplier, offset, None, MULTIPLIER_BITS + 1, MAX_WIDTH, plain, negative
    )
    return layer, sums, scale


def _factors(name: str, rule: Requantize, channels: int) -> tuple[IntegerArray, IntegerArray, IntegerArray, int]:
    """Multipliers, shifts and offsets of all channels, and what is added below zero besides."""
    multiplier, shift, offset = (
        np.broadcast_to(np.asarray(values, dtype=np.int64), (channels,)).copy()
        for values in (rule.multiplier, rule.shift, rule.offset)
    )
    negative = 0
    if rule.rule == "tflite_double" and shift.max() > MULTIPLIER_BITS:
        if shift.min() <= MULTIPLIER_BITS:
            raise rounded_once_and_twice(name)
        # The second rounding turns at zero (fpgaq.integer.double_rounding).
        offset += 1 << (MULTIPLIER_BITS - 1)
        negative = -(1 << MULTIPLIER_BITS)
    if not rule.takes_zero_point_first:
        raise UnsupportedError(
            f"layer {name!r}: the zero point {rule.zero_point} cannot be added before a rounding {rule.rounding!r};"
            " leave --weights loadable out"
        )
    offset += rule.zero_point << shift
    up = np.minimum([MULTIPLIER_BITS - int(one).bit_length() for one in multiplier], MAX_WIDTH - 1 - shift)
    return multiplier << up, shift + up, offset << up, negative
