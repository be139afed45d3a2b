"""A convolution that computes two neighbouring columns as more outputs of one window.

The window reaches one stride further, and half of what each output adds there is zero: of a kernel of three columns a
quarter of the products is lost. What is won are sizes between those that the layer's own taps and outputs allow, such
as three steps for two columns where one takes a step of all multipliers, or two of half of them. A stream carries (row,
column, channel), so the outputs of two columns in one pixel are the same elements in the same order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...integer.check import check
from ...integer.graph import IntegerConvolution, IntegerGraph, IntegerOperator, IntegerReshape, Tensor

TOGETHER = 2
"""Columns that become one."""


def can_merge(op: IntegerOperator, graph: IntegerGraph) -> bool:
    """Whether an operator is a convolution of all its channels over an even number of columns."""
    if not isinstance(op, IntegerConvolution) or op.groups != 1 or op.dilation[1] != 1:
        return False
    columns = graph.tensors[op.output].shape[1]
    return columns % TOGETHER == 0 and not {f"{op.output}.pairs"} & set(graph.tensors)


def merged_kernel(op: IntegerConvolution) -> tuple[int, int]:
    """Rows and columns of the kernel that reaches two columns of the output."""
    return op.weight.shape[1], op.weight.shape[2] + (TOGETHER - 1) * op.stride[1]


def with_merged_columns(graph: IntegerGraph, name: str) -> IntegerGraph:
    """The network with the layer of this name, for which `can_merge` holds, computing two columns at a time."""
    tensors: dict[str, Tensor] = {each: graph.tensors[each] for each in graph.inputs}
    operators: list[IntegerOperator] = []
    for op in graph.operators:
        target = graph.tensors[op.output]
        if op.name == name and isinstance(op, IntegerConvolution):
            height, width, depth = target.shape
            pairs = replace(
                target, name=f"{target.name}.pairs", shape=(height, width // TOGETHER, depth * TOGETHER), label=""
            )
            operators.append(replace(_merged(op, graph.tensors[op.input], target), output=pairs.name))
            tensors[pairs.name] = pairs
            op = IntegerReshape(f"{op.name}.columns", (pairs.name,), target.name)
        operators.append(op)
        tensors[target.name] = target
    return check(replace(graph, operators=tuple(operators), tensors=tensors))


def _merged(op: IntegerConvolution, source: Tensor, target: Tensor) -> IntegerConvolution:
    """The convolution whose outputs are those of two columns, the left one first."""
    outputs, rows, columns, channels = op.weight.shape
    stride = op.stride[1]
    weight = np.zeros((TOGETHER, outputs, *merged_kernel(op), channels), dtype=np.int64)
    for place in range(TOGETHER):
        weight[place, :, :, place * stride : place * stride + columns] = op.weight
    top, bottom, left, _ = op.padding
    right = (target.shape[1] - 1) * stride + columns - left - source.shape[1]
    rule = op.requantize
    if rule is not None and len(rule.shift) > 1:
        rule = replace(rule, shift=rule.shift * TOGETHER)
    return replace(
        op,
        weight=weight.reshape(TOGETHER * outputs, rows, -1, channels),
        bias=np.tile(op.bias, TOGETHER),
        weight_frac=op.weight_frac * TOGETHER,
        weight_scale=op.weight_scale * (TOGETHER if len(op.weight_scale) > 1 else 1),
        stride=(op.stride[0], TOGETHER * stride),
        padding=(top, bottom, left, max(right, 0)),
        requantize=rule,
    )
