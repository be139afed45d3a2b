"""What the hardware computes only in a lowered form, refused by name before anything is built of it as it is."""

from __future__ import annotations

from ...base.errors import UnsupportedError
from ..graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
)

CLIPPED = (IntegerConvolution, IntegerAffine, IntegerAdd, IntegerMultiply, IntegerScale)
"""Operators whose requantizer may hold its results to limits."""


def check_carried(graph: IntegerGraph) -> None:
    """Raise UnsupportedError for the first layer that `fpgaq.hardware.lowering.lower` should have brought into another
    form.

    These are the requantizers, factors and zero points of models that were integers before fpgaq saw them.
    """
    for op in graph.operators:
        reason = _reason(op)
        if reason:
            raise UnsupportedError(
                f"layer {op.name!r} {reason}, which hardware and HLS C++ do not carry yet; `fpgaq run` computes it, and"
                " `fpgaq quantize` of the float model gives a network of plain shifts"
            )


def _reason(op: IntegerOperator) -> str:
    rule = getattr(op, "requantize", None)
    if rule is not None and not (rule.plain or (rule.carried and isinstance(op, CLIPPED))):
        return f"requantizes by {rule.rule!r} with a multiplier, zero point or clip"
    if (isinstance(op, IntegerAdd) and (op.factors or op.offset)) or (
        isinstance(op, IntegerMultiply) and any(op.zero_points)
    ):
        return "has factors or zero points"
    return ""
