"""Neighbouring layers between which channels may be scaled: divided in the first layer, multiplied in the second.

Whatever stands between the two must only commute with a positive factor: ReLU, pooling, padding with zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..model.graph import (
    Affine,
    AveragePooling,
    Convolution,
    Deconvolution,
    Graph,
    MaxPooling,
    Operator,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    Upsample,
    check,
)
from ..model.passes.rewrite import renamed, sole_consumers

WEIGHTED = (Convolution, Affine, Deconvolution)
Weighted: TypeAlias = Convolution | Affine | Deconvolution
HOMOGENEOUS = (Relu, MaxPooling, AveragePooling, Upsample, Prelu, Reshape)
"""Operators that give s * f(x) for s * x, channel by channel, if s is positive."""

Factors: TypeAlias = NDArray[np.float32]
"""One for each channel between two layers."""


@dataclass(frozen=True)
class Pair:
    """Two layers by name, and the tensors from the first to the second."""

    first: str
    second: str
    tensors: tuple[str, ...]


def find_pairs(graph: Graph) -> list[Pair]:
    """The pairs of a graph, in the order of their first layers."""
    following = sole_consumers(graph)
    names = [op.name for op in graph.operators]
    pairs = []
    for op in graph.operators:
        if not isinstance(op, WEIGHTED) or names.count(op.name) > 1:
            continue
        tensors, reader = [op.output], following.get(op.output)
        while reader is not None and _commutes(reader):
            tensors.append(reader.output)
            reader = following.get(reader.output)
        sound = isinstance(reader, WEIGHTED) and names.count(reader.name) == 1
        if reader is not None and sound and getattr(reader, "padding_value", 0.0) == 0.0:
            pairs.append(Pair(op.name, reader.name, tuple(tensors)))
    return pairs


def _commutes(op: Operator) -> bool:
    if isinstance(op, Pointwise):
        return op.function == "leaky_relu"
    if isinstance(op, Pad):
        return op.mode != "constant" or op.value in (0.0, -np.inf)
    return isinstance(op, HOMOGENEOUS)


def scaled(graph: Graph, layers: dict[str, Weighted], tensors: set[str], suffix: str) -> Graph:
    """The graph with other weights; `tensors`, whose channels were scaled, get the suffix."""
    names = {name: name + suffix for name in tensors}
    operators = tuple(renamed(layers.get(op.name, op), names) for op in graph.operators)
    shapes = {names.get(name, name): shape for name, shape in graph.shapes.items()}
    return check(replace(graph, operators=operators, shapes=shapes))


def count_outputs(op: Weighted) -> int:
    """The channels that a layer puts out."""
    return op.weight.shape[1] * op.groups if isinstance(op, Deconvolution) else op.weight.shape[0]


def _by_output(op: Weighted) -> NDArray[np.float32]:
    """Weights as (outputs, everything else); a view where the layout allows."""
    if isinstance(op, Deconvolution):
        channels, outputs = op.weight.shape[:2]
        grouped = op.weight.reshape(op.groups, channels // op.groups, outputs, -1)
        return grouped.transpose(0, 2, 1, 3).reshape(op.groups * outputs, -1)
    return op.weight.reshape(op.weight.shape[0], -1)


def scale_outputs(op: Weighted, factors: Factors) -> Weighted:
    """The layer whose output channels are `factors` times as large."""
    bias = None if op.bias is None else op.bias * factors
    if isinstance(op, Deconvolution):
        channels, outputs = op.weight.shape[:2]
        grouped = op.weight.reshape(op.groups, channels // op.groups, outputs, *op.weight.shape[2:])
        weight = (grouped * factors.reshape(op.groups, 1, outputs, 1, 1)).reshape(op.weight.shape)
    else:
        weight = op.weight * factors.reshape(-1, *(1,) * (op.weight.ndim - 1))
    return replace(op, weight=weight, bias=bias)


def scale_inputs(op: Weighted, factors: Factors) -> Weighted:
    """The layer whose outputs stay the same if its input channels are divided by `factors`."""
    if isinstance(op, Deconvolution):
        weight = op.weight * factors.reshape(-1, 1, 1, 1)
    elif isinstance(op, Affine):
        spread = op.weight.reshape(len(op.weight), len(factors), -1) * factors.reshape(1, -1, 1)
        weight = spread.reshape(op.weight.shape)
    else:
        grouped = op.weight.reshape(op.groups, -1, len(factors) // op.groups, *op.weight.shape[2:])
        weight = (grouped * factors.reshape(op.groups, 1, -1, 1, 1)).reshape(op.weight.shape)
    return replace(op, weight=weight)
