"""Movements of elements that go into the weights of the layer after or before them, so that no hardware moves them.

A matrix product takes its inputs in any order. A convolution takes its channels in any order, and gives them so, as
long as the pixels stay where they are: a shuffle of channels between two convolutions is free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph, IntegerOperator, Requantize, Tensor
from .fewer_movements import MAX_ELEMENTS, Moving, chains, order_of

T = TypeVar("T")


def absorb_permutations(graph: IntegerGraph) -> IntegerGraph:
    """Remove chains of movements that one layer with weights after or before them can take in."""
    for chain in chains(graph):
        source, target = graph.tensors[chain[0].input], graph.tensors[chain[-1].output]
        if source.size > MAX_ELEMENTS:
            continue
        reads = Counter((*graph.outputs, *(name for op in graph.operators for name in op.inputs)))
        order = order_of(chain, source, graph.tensors)
        readers = [op for op in graph.operators if target.name in op.inputs]
        writer = next((op for op in graph.operators if op.output == source.name), None)
        alone = len(readers) == reads[target.name] == 1
        replaced = _reading(readers[0], source, target, order) if alone else None
        if replaced is not None:
            graph = _without(graph, chain, readers[0], replaced)
            continue
        if writer is not None and reads[source.name] == 1:
            replaced = _writing(writer, source, target, order)
            if replaced is not None:
                graph = _without(graph, chain, writer, replaced)
    return graph


def _without(graph: IntegerGraph, chain: Sequence[Moving], old: IntegerOperator, new: IntegerOperator) -> IntegerGraph:
    """The graph without a chain, and with another layer."""
    operators = tuple(new if op is old else op for op in graph.operators if op not in chain)
    used = {*graph.inputs, *graph.outputs, *(name for op in operators for name in (*op.inputs, op.output))}
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in used}
    return replace(graph, operators=operators, tensors=tensors)


def _channels(source: Tensor, target: Tensor, order: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Which channel of the source each of the target is, if every pixel keeps its place and all do the same."""
    if source.shape != target.shape:
        return None
    count = source.shape[2]
    pixels = order.reshape(-1, count)
    same = pixels[0] + np.arange(len(pixels))[:, np.newaxis] * count
    return pixels[0] if np.array_equal(pixels, same) and pixels[0].max() < count else None


def _reading(op: IntegerOperator, source: Tensor, target: Tensor, order: NDArray[np.int64]) -> IntegerOperator | None:
    """The layer after the movements, on what is before them."""
    if isinstance(op, IntegerAffine):
        return replace(op, inputs=(source.name,), weight=_back(op.weight, order))
    channels = _channels(source, target, order)
    if channels is None or not isinstance(op, IntegerConvolution) or op.groups != 1:
        return None
    return replace(op, inputs=(source.name,), weight=_back(op.weight, channels))


def _back(weight: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Weights whose last axis follows the source, from those that follow the result."""
    moved = np.empty_like(weight)
    moved[..., order] = weight
    return moved


def _writing(op: IntegerOperator, source: Tensor, target: Tensor, order: NDArray[np.int64]) -> IntegerOperator | None:
    """The layer before the movements, writing what is after them."""
    channels = _channels(source, target, order)
    if channels is None or not isinstance(op, IntegerConvolution) or op.groups != 1:
        return None
    weight_frac = _each(op.weight_frac, channels)
    return replace(
        op,
        output=target.name,
        weight=op.weight[channels],
        bias=op.bias[channels],
        weight_frac=weight_frac,
        weight_format=replace(op.weight_format, frac=weight_frac[0]),
        weight_scale=_each(op.weight_scale, channels),
        requantize=_turned(op.requantize, channels),
    )


def _turned(requantize: Requantize | None, channels: NDArray[np.int64]) -> Requantize | None:
    if requantize is None:
        return None
    return replace(
        requantize,
        shift=_each(requantize.shift, channels),
        multiplier=_each(requantize.multiplier, channels),
        offset=_each(requantize.offset, channels),
    )


def _each(values: tuple[T, ...], channels: NDArray[np.int64]) -> tuple[T, ...]:
    """Values of the channels in their new order; one for all stays."""
    return tuple(values[channel] for channel in channels) if len(values) > 1 else values
