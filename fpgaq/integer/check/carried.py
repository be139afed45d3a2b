"""What the hardware computes only in a lowered form, refused by name before anything is built of it as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...base.errors import UnsupportedError
from ..graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
    IntegerTranspose,
    Tensor,
)

CLIPPED = (IntegerConvolution, IntegerAffine, IntegerAdd, IntegerMultiply, IntegerScale)
"""Operators whose requantizer may hold its results to limits."""


def check_carried(graph: IntegerGraph) -> None:
    """Raise UnsupportedError for the first layer that `fpgaq.hardware.lowering.lower` should have brought into another
    form.

    These are the requantizers, factors and zero points of models that were integers before fpgaq saw them.
    """
    for op in graph.operators:
        reason = _reason(op, graph.tensors)
        if reason:
            raise UnsupportedError(
                f"layer {op.name!r} {reason}, which hardware and HLS C++ do not carry yet; `fpgaq run` computes it, and"
                " `fpgaq quantize` of the float model gives a network of plain shifts"
            )


def _reason(op: IntegerOperator, tensors: Mapping[str, Tensor]) -> str:
    rule = getattr(op, "requantize", None)
    if rule is not None and not (rule.plain or (rule.carried and isinstance(op, CLIPPED))):
        return f"requantizes by {rule.rule!r} with a multiplier, zero point or clip"
    if (isinstance(op, IntegerAdd) and (op.factors or op.offset)) or (
        isinstance(op, IntegerMultiply) and any(op.zero_points)
    ):
        return "has factors or zero points"
    if isinstance(op, IntegerTranspose) and op.view and not _shuffles(op, tensors):
        return f"turns axes {op.axes} of a view {op.view}, which is no shuffle of channels inside a pixel"
    return ""


def _shuffles(op: IntegerTranspose, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a view has the axes of a shuffle: like elements, or like blocks of them, of all parts come together."""
    source, target = tensors[op.input], tensors[op.output]
    whole = source.shape == target.shape and source.shape[2] % math.prod(op.view[1:]) == 0
    return whole and op.axes in ((0, 2, 1), (0, 2, 1, 3))
