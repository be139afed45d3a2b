"""A layer as two, each of some of its outputs, so that two arrays divide its work.

Where no shape of an array divides a budget, such as 7 multipliers for layers of 9 taps and 16 outputs, a layer on one
array leaves multipliers idle. Its first outputs on one array and the others on another one use them. Both read the same
input, each with a line buffer of its own, and a concatenation brings their results together, channel after channel.
"""

from __future__ import annotations

from dataclasses import replace

from ...integer.check import check
from ...integer.graph import (
    IntegerAffine,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    Tensor,
)

PARTS = ("first", "second")


def can_divide(op: IntegerOperator, graph: IntegerGraph) -> bool:
    """Whether an operator multiplies all its inputs for each of several outputs, and its parts' names are free."""
    if not isinstance(op, IntegerConvolution | IntegerAffine) or getattr(op, "groups", 1) != 1:
        return False
    layers = {each.name for each in graph.operators}
    names = {f"{op.name}.{part}" for part in (*PARTS, "joined")}
    tensors = {f"{op.output}.{part}" for part in PARTS}
    return op.weight.shape[0] > 1 and not names & layers and not tensors & set(graph.tensors)


def with_divided_outputs(graph: IntegerGraph, name: str, first: int) -> IntegerGraph:
    """The network with the layer of this name, for which `can_divide` holds, as its `first` outputs and the others."""
    tensors: dict[str, Tensor] = {each: graph.tensors[each] for each in graph.inputs}
    operators: list[IntegerOperator] = []
    for op in graph.operators:
        target = graph.tensors[op.output]
        if op.name == name and isinstance(op, IntegerConvolution | IntegerAffine):
            height, width, depth = target.shape
            parts = []
            for part, start, stop in zip(PARTS, (0, first), (first, depth), strict=True):
                tensor = replace(target, name=f"{target.name}.{part}", shape=(height, width, stop - start), label="")
                operators.append(replace(_part(op, start, stop), name=f"{op.name}.{part}", output=tensor.name))
                tensors[tensor.name] = tensor
                parts.append(tensor.name)
            op = IntegerConcatenate(f"{op.name}.joined", tuple(parts), target.name)
        operators.append(op)
        tensors[target.name] = target
    return check(replace(graph, operators=tuple(operators), tensors=tensors))


def _part(op: IntegerConvolution | IntegerAffine, start: int, stop: int) -> IntegerConvolution | IntegerAffine:
    """The layer of the outputs from `start` to before `stop`."""
    rule = op.requantize
    if rule is not None and len(rule.shift) > 1:
        rule = replace(rule, shift=rule.shift[start:stop])
    if rule is not None and len(rule.multiplier) > 1:
        rule = replace(rule, multiplier=rule.multiplier[start:stop])
    if rule is not None and len(rule.offset) > 1:
        rule = replace(rule, offset=rule.offset[start:stop])
    return replace(
        op,
        weight=op.weight[start:stop],
        bias=op.bias[start:stop],
        weight_format=replace(op.weight_format, frac=op.weight_frac[start]),
        weight_frac=op.weight_frac[start:stop],
        weight_scale=op.weight_scale[start:stop] if len(op.weight_scale) > 1 else op.weight_scale,
        requantize=rule,
    )
