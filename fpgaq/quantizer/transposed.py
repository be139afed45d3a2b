"""A transposed convolution as zeros between the pixels and then a plain convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ..base.formats import Format
from ..integer.graph import IntegerOperator, IntegerSlice, IntegerUpsample, Tensor
from ..model.graph import Convolution, Deconvolution, Padding

Piece: TypeAlias = tuple[IntegerOperator, tuple[int, int, int], Format]
"""An operator with the shape (height, width, channels) and the format of its output."""


def spread(
    op: Deconvolution, source: Tensor, fresh: Callable[[str], str]
) -> tuple[Convolution, Tensor, tuple[Piece, ...]]:
    """A transposed convolution as a plain one, the tensor that this one reads, and the operators that write that.

    Parameters
    ----------
    op : Deconvolution
    source : Tensor
    fresh : callable
        A name that no tensor has, made of the given one.
    """
    pieces: list[Piece] = []

    def put(operator: IntegerOperator, shape: tuple[int, int, int]) -> Tensor:
        pieces.append((operator, shape, source.format))
        return Tensor(operator.output, shape, source.format, operator.output)

    tensor = source
    if op.stride != (1, 1):
        output = fresh(f"{op.output}.spread")
        zeros = IntegerUpsample(f"{op.name}.spread", (tensor.name,), output, op.stride, True)
        tensor = put(zeros, spread_shape(tensor.shape, op.stride))
    convolution, cut = as_convolution(op)
    if any(cut):
        top, bottom, left, right = cut
        height, width, channels = tensor.shape
        inner = IntegerSlice(f"{op.name}.cut", (tensor.name,), fresh(f"{op.output}.cut"), (top, left, 0))
        tensor = put(inner, (height - top - bottom, width - left - right, channels))
    return convolution, tensor, tuple(pieces)


def spread_shape(shape: tuple[int, int, int], stride: tuple[int, int]) -> tuple[int, int, int]:
    """(height, width, channels) with stride - 1 zeros between neighbours, none after the last."""
    height, width, channels = shape
    return (height - 1) * stride[0] + 1, (width - 1) * stride[1] + 1, channels


def as_convolution(op: Deconvolution) -> tuple[Convolution, Padding]:
    """The convolution of stride 1 on the spread image, and what to cut from that image first.

    The kernel is turned by half a turn and its channel axes change places. Padding p of the transposed convolution
    leaves ``dilation * (kernel - 1) - p`` pixels of padding; where that is negative, rows or columns are cut instead.
    """
    channels, group_outputs, height, width = op.weight.shape
    depth = channels // op.groups
    weight = op.weight.reshape(op.groups, depth, group_outputs, height, width).transpose(0, 2, 1, 3, 4)
    weight = weight.reshape(op.groups * group_outputs, depth, height, width)[:, :, ::-1, ::-1]
    reach = [dilation * (kernel - 1) for dilation, kernel in zip(op.dilation, (height, width), strict=True)]
    top, bottom, left, right = op.padding
    ends = (
        reach[0] - top,
        reach[0] - bottom + op.output_padding[0],
        reach[1] - left,
        reach[1] - right + op.output_padding[1],
    )
    padding = (max(ends[0], 0), max(ends[1], 0), max(ends[2], 0), max(ends[3], 0))
    cut = (max(-ends[0], 0), max(-ends[1], 0), max(-ends[2], 0), max(-ends[3], 0))
    convolution = Convolution(
        op.name,
        op.inputs,
        op.output,
        np.ascontiguousarray(weight),
        op.bias,
        padding=padding,
        dilation=op.dilation,
        groups=op.groups,
    )
    return convolution, cut
