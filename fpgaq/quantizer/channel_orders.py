"""Layers whose channels come, or leave, in another order, and those that an order of channels passes.

`channels` says for each channel of the wanted order which one it is of the order that is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..integer.graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerScale,
    IntegerSumPooling,
    IntegerTable,
    IntegerUpsample,
    Requantize,
)

T = TypeVar("T")
Changes: TypeAlias = list[tuple[IntegerOperator, IntegerOperator]]
"""Operators, and what stands in their place."""

ALIKE = (IntegerRelu, IntegerTable, IntegerMaxPooling, IntegerSumPooling, IntegerPad, IntegerUpsample)
"""Operators that do the same to each channel."""


def after(
    graph: IntegerGraph, name: str, op: IntegerOperator, channels: NDArray[np.int64], reads: Mapping[str, int]
) -> Changes | None:
    """The layers from the reader `op` on that take channels as tensor `name` has them, up to one that ends the order.

    None if the order meets a layer that neither lets it pass nor ends it.
    """
    changes: Changes = []
    inverse = np.argsort(channels)
    while True:
        ended = _ending(graph, op, name, channels)
        if ended is not None:
            return [*changes, (op, ended)]
        passing = _alone(op, inverse)
        if passing is None or reads[op.output] != 1 or op.output in graph.outputs:
            return None
        changed = replace(passing, inputs=(name,), output=_fresh(op.output, graph))
        changes.append((op, changed))
        name = changed.output
        op = next(reader for reader in graph.operators if op.output in reader.inputs)


def _ending(graph: IntegerGraph, op: IntegerOperator, name: str, channels: NDArray[np.int64]) -> IntegerOperator | None:
    """A layer with weights that takes its channels from `name`, in whose order they are."""
    if isinstance(op, IntegerAffine):
        pixels = np.arange(graph.tensors[op.input].size // len(channels))[:, np.newaxis]
        return replace(op, inputs=(name,), weight=back(op.weight, (pixels * len(channels) + channels).reshape(-1)))
    return taking(op, name, channels)


def before(
    graph: IntegerGraph, op: IntegerOperator, name: str, channels: NDArray[np.int64], reads: Mapping[str, int]
) -> Changes | None:
    """The layers up to the writer `op` that give their channels in the wanted order to tensor `name`.

    None if the order meets a layer that neither lets it pass nor begins it.
    """
    changes: Changes = []
    while True:
        begun = giving(op, channels, name)
        if begun is not None:
            return [*changes, (op, begun)]
        passing = _alone(op, channels)
        writer = next((other for other in graph.operators if other.output == op.input), None)
        if passing is None or writer is None or reads[op.input] != 1:
            return None
        changed = replace(passing, inputs=(_fresh(op.input, graph),), output=name)
        changes.append((op, changed))
        name, op = changed.input, writer


def _fresh(name: str, graph: IntegerGraph) -> str:
    name += ".order"
    while name in graph.tensors:
        name += "_"
    return name


def taking(op: IntegerOperator, name: str, channels: NDArray[np.int64]) -> IntegerOperator | None:
    """A convolution that takes its channels from tensor `name`, in whose order they are."""
    if not isinstance(op, IntegerConvolution):
        return None
    length = op.weight.shape[3]
    if not _in_groups(channels, length) or length == 1 < op.groups:
        return None
    weight, count = np.empty_like(op.weight), len(op.weight) // op.groups
    for group in range(op.groups):
        own, part = slice(group * count, (group + 1) * count), channels[group * length : (group + 1) * length]
        weight[own] = back(op.weight[own], part - group * length)
    return replace(op, inputs=(name,), weight=weight)


def back(weight: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Weights whose last axis follows the source, from those that follow the result."""
    moved = np.empty_like(weight)
    moved[..., order] = weight
    return moved


def giving(op: IntegerOperator, channels: NDArray[np.int64], output: str) -> IntegerOperator | None:
    """A convolution with its outputs in another order, if each stays in its group."""
    if not isinstance(op, IntegerConvolution) or not _in_groups(channels, len(op.weight) // op.groups):
        return None
    return replace(_turned_convolution(op, channels), output=output)


def _in_groups(channels: NDArray[np.int64], length: int) -> bool:
    """Whether an order keeps each channel in its group of so many."""
    return np.array_equal(channels // length, np.arange(len(channels)) // length)


def _alone(op: IntegerOperator, channels: NDArray[np.int64]) -> IntegerOperator | None:
    """A layer that works on each channel alone, on channels in another order; None if it is no such layer."""
    if isinstance(op, ALIKE):
        return op
    if isinstance(op, IntegerConvolution) and op.groups == len(op.weight) == len(channels):
        return _turned_convolution(op, channels)
    if isinstance(op, IntegerScale) and len(op.scale) == len(channels):
        negative = None if op.negative_scale is None else op.negative_scale[channels]
        requantize = _turned(op.requantize, channels)
        assert requantize is not None
        return replace(
            op, scale=op.scale[channels], offset=op.offset[channels], negative_scale=negative, requantize=requantize
        )
    return None


def _turned_convolution(op: IntegerConvolution, channels: NDArray[np.int64]) -> IntegerConvolution:
    weight_frac = _each(op.weight_frac, channels)
    return replace(
        op,
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
