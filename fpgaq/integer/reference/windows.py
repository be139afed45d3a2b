"""Operators that read windows of pixels or move pixels and channels; all of them work in the layout `layers.Work`."""

from __future__ import annotations

import numpy as np

from ...base.formats import Format, round_divide
from ..graph import (
    IntegerMaxPooling,
    IntegerPad,
    IntegerReshape,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTranspose,
    IntegerUpsample,
    Tensor,
)
from .layout import Work, check_sums


def window(x: Work, top: int, left: int, stride: tuple[int, int], height: int, width: int) -> Work:
    """The pixel that one kernel tap reads for each of height * width output pixels."""
    bottom, right = top + stride[0] * (height - 1) + 1, left + stride[1] * (width - 1) + 1
    return x[:, top : bottom : stride[0], left : right : stride[1]]


def pad_constant(x: Work, padding: tuple[int, int, int, int], value: int, kind: type[np.generic]) -> Work:
    """The image in another type with a frame of one value around it."""
    if not any(padding):
        return x.astype(kind, copy=False)
    top, bottom, left, right = padding
    channels, height, width, frames = x.shape
    padded = np.full((channels, height + top + bottom, width + left + right, frames), value, dtype=kind)
    padded[:, top : top + height, left : left + width] = x
    return padded


def window_columns(
    x: Work,
    kernel: tuple[int, int],
    groups: int,
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int],
    padding_value: int,
) -> Work:
    """The pixels that each tap of a group reads for every output pixel: (groups, taps, pixels of a frame, frames).

    Taps are in the order of an integer convolution's weights: kernel height, kernel width, channels of the group.
    """
    channels, frames = x.shape[0] // groups, x.shape[3]
    padded = pad_constant(x, padding, padding_value, x.dtype.type)
    reach = [1 + step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
    height, width = ((padded.shape[1 + axis] - reach[axis]) // stride[axis] + 1 for axis in (0, 1))
    columns = np.empty((groups, *kernel, channels, height * width, frames), dtype=x.dtype)
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            view = window(padded, row * dilation[0], column * dilation[1], stride, height, width)
            columns[:, row, column] = view.reshape(groups, channels, -1, frames)
    return columns.reshape(groups, -1, height * width, frames)


def max_pooling(op: IntegerMaxPooling, fmt: Format, target: Tensor, x: Work) -> Work:
    """Maximum over windows."""
    height, width, _ = target.shape
    padded = pad_constant(x, op.padding, fmt.minimum, x.dtype.type)
    result: Work | None = None
    for row in range(op.kernel[0]):
        for column in range(op.kernel[1]):
            view = window(padded, row, column, op.stride, height, width)
            result = view.copy() if result is None else np.maximum(result, view, out=result)
    assert result is not None
    return result


def sum_pooling(op: IntegerSumPooling, target: Tensor, x: Work) -> Work:
    """Sums over windows, divided and rounded once."""
    height, width, channels = target.shape
    padded = pad_constant(x, op.padding, 0, np.int64)
    sums = np.zeros((channels, height, width, x.shape[3]), dtype=np.int64)
    for row in range(op.kernel[0]):
        for column in range(op.kernel[1]):
            sums += window(padded, row, column, op.stride, height, width)
    check_sums(op, sums, op.accumulator_width)
    divisor = np.asarray(op.divisor, dtype=np.int64) << op.requantize.shift[0]
    if divisor.size > 1:
        divisor = divisor.reshape(height, width, 1)
    rule = op.requantize
    return np.clip(round_divide(sums, divisor, rule.rounding) + rule.zero_point, *rule.limits(target.format))


def pad(op: IntegerPad, x: Work) -> Work:
    """Rows and columns around the image by the operator's mode."""
    if op.mode == "constant":
        return pad_constant(x, op.padding, op.value, x.dtype.type)
    top, bottom, left, right = op.padding
    widths = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, widths, mode="reflect" if op.mode == "reflect" else "edge")


def upsample(op: IntegerUpsample, target: Tensor, x: Work) -> Work:
    """Blocks of equal pixels, or of one pixel and zeros."""
    rows, columns = op.factor
    if not op.zeros:
        return x.repeat(rows, axis=1).repeat(columns, axis=2)
    height, width, channels = target.shape
    spread = np.zeros((channels, height, width, x.shape[3]), dtype=x.dtype)
    spread[:, ::rows, ::columns] = x
    return spread


def take(op: IntegerSlice, target: Tensor, x: Work) -> Work:
    """The elements from `start` to the extent of the output."""
    (row, column, channel), (height, width, channels) = op.start, target.shape
    return x[channel : channel + channels, row : row + height, column : column + width].copy()


def reshape(op: IntegerReshape, target: Tensor, x: Work) -> Work:
    """The same elements, in the stream's order, as an image of another shape."""
    height, width, channels = target.shape
    stream = x.transpose(1, 2, 0, 3).reshape(height, width, channels, x.shape[3])
    return np.ascontiguousarray(stream.transpose(2, 0, 1, 3))


def concatenate(*inputs: Work) -> Work:
    """All channels one after another."""
    if len({x.dtype for x in inputs}) > 1:
        # numpy would meet in float64, which does not hold every 64-bit integer.
        return np.concatenate([x.astype(np.int64) for x in inputs])
    return np.concatenate(inputs)


def transpose(op: IntegerTranspose, target: Tensor, x: Work) -> Work:
    """Axes of (height, width, channels), or of a view of the stream, in another order."""
    if op.view:
        height, width, channels = target.shape
        stream = x.transpose(1, 2, 0, 3).reshape(*op.view, x.shape[3]).transpose(*op.axes, len(op.view))
        return np.ascontiguousarray(stream.reshape(height, width, channels, x.shape[3]).transpose(2, 0, 1, 3))
    axes = (1, 2, 0)  # where the working layout has height, width and channels
    height, width, channels = (axes[axis] for axis in op.axes)
    return np.ascontiguousarray(x.transpose(channels, height, width, 3))
