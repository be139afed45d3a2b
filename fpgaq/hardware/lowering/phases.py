"""A transposed convolution without the products by zero: a plain convolution for each phase of its output.

The integer graph spreads the input with zeros and convolves it with stride 1. Of `factor` neighbouring output pixels
each meets other taps of the kernel with pixels of the input, and the rest with zeros between them. So each of these
phases is a convolution of the input by its own taps, and the phases are interleaved: along columns as channels of one
pixel, along rows as rows of one pixel, since a stream carries (row, column, channel).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...integer.graph import (
    ImageShape,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerReshape,
    IntegerSlice,
    IntegerUpsample,
    Tensor,
)

MOST_PHASES = 9
"""Convolutions that one layer may become: each has controls and a line buffer of its own."""

Piece = tuple[IntegerOperator, Tensor]
"""An operator and the tensor that it writes."""


@dataclass(frozen=True)
class _Axis:
    """One phase along one axis: the taps that meet pixels, how far apart they are, and the padding around."""

    taps: tuple[int, ...]
    dilation: int
    before: int
    after: int


def in_phases(spread: IntegerUpsample, layer: IntegerConvolution, graph: IntegerGraph) -> tuple[Piece, ...]:
    """The operators that compute the same as a convolution of a spread image; none where that saves no products.

    Parameters
    ----------
    spread : IntegerUpsample
        With zeros.
    layer : IntegerConvolution
        The only reader of what `spread` writes.
    graph : IntegerGraph
        Both belong to it.

    Returns
    -------
    tuple of (IntegerOperator, Tensor)
        The last one writes the layer's output.
    """
    source, target = graph.tensors[spread.input], graph.tensors[layer.output]
    if layer.stride != (1, 1) or layer.padding_value or spread.factor[0] * spread.factor[1] > MOST_PHASES:
        return ()
    rows, columns = (_phases(axis, spread, layer, source, target) for axis in (0, 1))
    height, width = (-(-target.shape[axis] // spread.factor[axis]) for axis in (0, 1))
    depth = target.shape[2]
    taps = height * width * sum(len(axis.taps) for axis in rows) * sum(len(axis.taps) for axis in columns)
    if not 0 < taps < target.shape[0] * target.shape[1] * layer.weight.shape[1] * layer.weight.shape[2]:
        return ()
    pieces: list[Piece] = []
    whole = (height * len(rows), width * len(columns), depth)
    written: list[Tensor] = []
    for row, down in enumerate(rows):
        along_row = []
        for column, across in enumerate(columns):
            name = f"{layer.output}.phase{row}{column}"
            tensor = replace(target, name=name, shape=(height, width, depth), label="")
            part = replace(
                layer,
                name=f"{layer.name}.phase{row}{column}",
                inputs=spread.inputs,
                output=name,
                weight=np.ascontiguousarray(layer.weight[:, down.taps][:, :, across.taps]),
                padding=(down.before, down.after, across.before, across.after),
                dilation=(down.dilation, across.dilation),
            )
            pieces.append((part, tensor))
            along_row.append(tensor)
        laid = (height, 1, width * len(columns) * depth) if len(rows) > 1 else whole
        written.append(_interleaved(pieces, layer, f"row{row}", along_row, laid))
    tensor = _interleaved(pieces, layer, "whole", written, whole)
    if whole != target.shape:
        pieces.append((IntegerSlice(f"{layer.name}.inner", (tensor.name,), target.name, (0, 0, 0)), target))
    return _ending_in(pieces, target)


def _phases(
    axis: int, spread: IntegerUpsample, layer: IntegerConvolution, source: Tensor, target: Tensor
) -> tuple[_Axis, ...]:
    """The phases along an axis; none if one of them meets no pixel, or none of the first or last ones."""
    factor, dilation, before = spread.factor[axis], layer.dilation[axis], layer.padding[2 * axis]
    size = -(-target.shape[axis] // factor)
    found = []
    for phase in range(factor):
        taps = [tap for tap in range(layer.weight.shape[1 + axis]) if (phase + dilation * tap - before) % factor == 0]
        places = [(phase + dilation * tap - before) // factor for tap in taps]
        if not places or places[0] > 0 or size - 1 + places[-1] < source.shape[axis] - 1:
            return ()
        apart = places[1] - places[0] if len(places) > 1 else 1
        found.append(_Axis(tuple(taps), apart, -places[0], size + places[-1] - source.shape[axis]))
    return tuple(found)


def _interleaved(
    pieces: list[Piece], layer: IntegerConvolution, part: str, tensors: list[Tensor], shape: ImageShape
) -> Tensor:
    """Tensors joined pixel by pixel and read as an image of another shape; steps that change nothing are left out."""
    tensor = tensors[0]

    def put(kind: str, operator: type[IntegerConcatenate] | type[IntegerReshape], shape: ImageShape) -> Tensor:
        name = f"{layer.output}.{part}{kind}"
        inputs = tuple(each.name for each in tensors) if operator is IntegerConcatenate else (tensor.name,)
        written = replace(tensor, name=name, shape=shape)
        pieces.append((operator(f"{layer.name}.{part}{kind}", inputs, name), written))
        return written

    if len(tensors) > 1:
        height, width, depth = tensor.shape
        tensor = put(".joined", IntegerConcatenate, (height, width, depth * len(tensors)))
    if tensor.shape != shape:
        tensor = put(".laid", IntegerReshape, shape)
    return tensor


def _ending_in(pieces: list[Piece], target: Tensor) -> tuple[Piece, ...]:
    """The pieces, with the layer's own output as the output of the last one."""
    last, _ = pieces[-1]
    return (*pieces[:-1], (replace(last, output=target.name), target))
