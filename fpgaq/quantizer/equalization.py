"""Cross-layer equalization: channels that share one step get ranges that suit one.

After Nagel et al., Data-Free Quantization (2019). Between two layers with weights, channel c of the first may be
divided by s[c] and the weights that read it multiplied by s[c]: whatever stands between them must only commute with a
positive factor (ReLU, pooling, padding with zeros). The factors are powers of two here, so that the network is the
same in floating point, bit by bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.graph import Affine, Deconvolution, Graph
from .channel_pairs import WEIGHTED, Factors, Weighted, count_outputs, find_pairs, scale_inputs, scale_outputs, scaled

ROUNDS = 10
"""How often all pairs are gone through; a layer between two pairs takes a few."""
SUFFIX = ".equalized"
"""Tensors whose channels were scaled bear other names: they are no longer those of the model."""

Values = NDArray[np.float64]


def equalize(graph: Graph) -> Graph:
    """Balance the ranges of the weights of neighbouring layers.

    Returns
    -------
    Graph
        The same function of the inputs. Tensors between two layers that were balanced have the suffix `SUFFIX`.
    """
    pairs = find_pairs(graph)
    layers: dict[str, Weighted] = {op.name: op for op in graph.operators if isinstance(op, WEIGHTED)}
    tensors: set[str] = set()
    for _ in range(ROUNDS):
        moved = False
        for pair in pairs:
            exponents = _exponents(layers[pair.first], layers[pair.second])
            if exponents.any():
                moved = True
                tensors.update(pair.tensors)
                layers[pair.first] = scale_outputs(layers[pair.first], _factors(-exponents))
                layers[pair.second] = scale_inputs(layers[pair.second], _factors(exponents))
        if not moved:
            break
    return scaled(graph, layers, tensors, SUFFIX)


def _factors(exponents: NDArray[np.int64]) -> Factors:
    factors: Factors = np.ldexp(np.float32(1), exponents.astype(np.int32))
    return factors


def _exponents(first: Weighted, second: Weighted) -> NDArray[np.int64]:
    """The power of two by which each channel between two layers is divided."""
    rows, columns = _output_ranges(first), _input_ranges(second, count_outputs(first))
    used = (rows > 0) & (columns > 0)
    ratio = np.where(used, rows, 1.0) / np.where(used, columns, 1.0)
    exponents: NDArray[np.int64] = np.rint(np.log2(ratio) / 2).astype(np.int64)
    return exponents


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
