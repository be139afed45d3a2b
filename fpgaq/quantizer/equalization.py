"""Cross-layer equalization: channels that share one step get ranges that suit one.

After Nagel et al., Data-Free Quantization (2019). Between two layers with weights, channel c of the first may be
divided by s[c] and the weights that read it multiplied by s[c]: whatever stands between them must only commute with a
positive factor (ReLU, pooling, padding with zeros). The factors are powers of two here, so that the network is the
same in floating point, bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..graph import (
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
from ..passes.rewrite import renamed, sole_consumers

WEIGHTED = (Convolution, Affine, Deconvolution)
Weighted: TypeAlias = Convolution | Affine | Deconvolution
HOMOGENEOUS = (Relu, MaxPooling, AveragePooling, Upsample, Prelu, Reshape)
"""What gives s * f(x) for s * x, channel by channel, if s is positive."""
ROUNDS = 10
"""How often all pairs are gone through; a layer between two pairs takes a few."""
SUFFIX = ".equalized"
"""Tensors whose channels were scaled bear other names: they are no longer those of the model."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Pair:
    """Two layers by name, and the tensors from the first to the second."""

    first: str
    second: str
    tensors: tuple[str, ...]


def equalize(graph: Graph) -> Graph:
    """Balance the ranges of the weights of neighbouring layers.

    Returns
    -------
    Graph
        The same function of the inputs. Tensors between two layers that were balanced have the suffix `SUFFIX`.
    """
    pairs = _pairs(graph)
    layers: dict[str, Weighted] = {op.name: op for op in graph.operators if isinstance(op, WEIGHTED)}
    scaled: set[str] = set()
    for _ in range(ROUNDS):
        moved = False
        for pair in pairs:
            exponents = _exponents(layers[pair.first], layers[pair.second])
            if exponents.any():
                moved = True
                scaled.update(pair.tensors)
                layers[pair.first] = _scale_outputs(layers[pair.first], -exponents)
                layers[pair.second] = _scale_inputs(layers[pair.second], exponents)
        if not moved:
            break
    names = {name: name + SUFFIX for name in scaled}
    operators = tuple(renamed(layers.get(op.name, op), names) for op in graph.operators)
    shapes = {names.get(name, name): shape for name, shape in graph.shapes.items()}
    return check(replace(graph, operators=operators, shapes=shapes))


def _pairs(graph: Graph) -> list[_Pair]:
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
            pairs.append(_Pair(op.name, reader.name, tuple(tensors)))
    return pairs


def _commutes(op: Operator) -> bool:
    if isinstance(op, Pointwise):
        return op.function == "leaky_relu"
    if isinstance(op, Pad):
        return op.mode != "constant" or op.value in (0.0, -np.inf)
    return isinstance(op, HOMOGENEOUS)


def _exponents(first: Weighted, second: Weighted) -> NDArray[np.int64]:
    """The power of two by which each channel between two layers is divided."""
    rows, columns = _output_ranges(first), _input_ranges(second, _outputs(first))
    used = (rows > 0) & (columns > 0)
    ratio = np.where(used, rows, 1.0) / np.where(used, columns, 1.0)
    exponents: NDArray[np.int64] = np.rint(np.log2(ratio) / 2).astype(np.int64)
    return exponents


def _outputs(op: Weighted) -> int:
    return op.weight.shape[1] * op.groups if isinstance(op, Deconvolution) else op.weight.shape[0]


def _by_output(op: Weighted) -> NDArray[np.float32]:
    """Weights as (outputs, everything else); a view where the layout allows."""
    if isinstance(op, Deconvolution):
        channels, outputs = op.weight.shape[:2]
        grouped = op.weight.reshape(op.groups, channels // op.groups, outputs, -1)
        return grouped.transpose(0, 2, 1, 3).reshape(op.groups * outputs, -1)
    return op.weight.reshape(op.weight.shape[0], -1)


def _output_ranges(op: Weighted) -> Values:
    return np.asarray(np.abs(_by_output(op)).max(axis=1).astype(np.float64))


def _input_ranges(op: Weighted, channels: int) -> Values:
    """The greatest weight on each of the channels that `op` reads."""
    if isinstance(op, Deconvolution):
        ranges = np.abs(op.weight).reshape(channels, -1).max(axis=1)
    elif isinstance(op, Affine):
        ranges = np.abs(op.weight).reshape(len(op.weight), channels, -1).max(axis=(0, 2))
    else:
        grouped = np.abs(op.weight).reshape(op.groups, -1, channels // op.groups, *op.weight.shape[2:])
        ranges = grouped.max(axis=(1, 3, 4)).reshape(-1)
    return np.asarray(ranges.astype(np.float64))


def _scale_outputs(op: Weighted, exponents: NDArray[np.int64]) -> Weighted:
    factors = np.ldexp(np.float32(1), exponents.astype(np.int32))
    bias = None if op.bias is None else op.bias * factors
    if isinstance(op, Deconvolution):
        channels, outputs = op.weight.shape[:2]
        grouped = op.weight.reshape(op.groups, channels // op.groups, outputs, *op.weight.shape[2:])
        weight = (grouped * factors.reshape(op.groups, 1, outputs, 1, 1)).reshape(op.weight.shape)
    else:
        weight = op.weight * factors.reshape(-1, *(1,) * (op.weight.ndim - 1))
    return replace(op, weight=weight, bias=bias)


def _scale_inputs(op: Weighted, exponents: NDArray[np.int64]) -> Weighted:
    factors = np.ldexp(np.float32(1), exponents.astype(np.int32))
    if isinstance(op, Deconvolution):
        weight = op.weight * factors.reshape(-1, 1, 1, 1)
    elif isinstance(op, Affine):
        spread = op.weight.reshape(len(op.weight), len(factors), -1) * factors.reshape(1, -1, 1)
        weight = spread.reshape(op.weight.shape)
    else:
        grouped = op.weight.reshape(op.groups, -1, len(factors) // op.groups, *op.weight.shape[2:])
        weight = (grouped * factors.reshape(op.groups, 1, -1, 1, 1)).reshape(op.weight.shape)
    return replace(op, weight=weight)
