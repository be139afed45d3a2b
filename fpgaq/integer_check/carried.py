"""What the hardware does not carry yet of an integer graph, refused by name before anything is built of it."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..integer_graph import IntegerAdd, IntegerGraph, IntegerMultiply, IntegerOperator


def check_carried(graph: IntegerGraph) -> None:
    """Raise UnsupportedError for the first layer or input that only the reference computes.

    These are the requantizers, zero points and input formulas of models that were integers before fpgaq saw them.
    """
    for op in graph.operators:
        reason = _reason(graph, op)
        if reason:
            raise UnsupportedError(
                f"layer {op.name!r} {reason}, which hardware and HLS C++ do not carry yet; `fpgaq run` computes it, and"
                " `fpgaq quantize` of the float model gives a network of plain shifts"
            )
    for name in graph.inputs:
        if graph.transforms[name].kind != "real":
            raise UnsupportedError(
                f"input {name!r} has a transform of kind {graph.transforms[name].kind!r}, which hosts of hardware do"
                " not apply yet; `fpgaq run` does"
            )


def _reason(graph: IntegerGraph, op: IntegerOperator) -> str:
    rule = getattr(op, "requantize", None)
    if rule is not None and not rule.plain:
        return f"requantizes by {rule.rule!r} with a multiplier, zero point or clip"
    tensors = [graph.tensors[name] for name in (*op.inputs, op.output)]
    if any(tensor.scale is not None for tensor in tensors):
        return "has scales that are no powers of two"
    if any(tensor.zero_point for tensor in tensors):
        return "has zero points"
    if (isinstance(op, IntegerAdd) and (op.factors or op.offset)) or (
        isinstance(op, IntegerMultiply) and any(op.zero_points)
    ):
        return "has factors or zero points"
    return ""
