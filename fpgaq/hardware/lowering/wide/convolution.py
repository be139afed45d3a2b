"""A convolution over wide pixels: one that makes several pixels a step of the wide pixels that they reach into.

Weights between an output and a pixel outside its own window are zero. An array multiplies by them all the same; adders
leave them out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ....integer.graph import ImageShape, IntegerArray, IntegerConvolution


@dataclass(frozen=True)
class WideConvolution:
    """A convolution over wide pixels, the pixels of each of its own, and whether its groups have equal weights."""

    op: IntegerConvolution
    pixels: int
    repeated: bool = False


@dataclass(frozen=True)
class _Axis:
    """An axis along which `together` input positions and `made` output positions each are one.

    `places` are, for each output position and tap, where its input stands, counted from the first wide position.
    """

    together: int
    made: int
    before: int
    stride: int
    kernel: int
    places: IntegerArray


def widen_convolution(
    op: IntegerConvolution, source: ImageShape, target: ImageShape, pixels: int, repeat: bool
) -> WideConvolution | None:
    """The convolution that reads `pixels` a beat; None where there is none.

    Parameters
    ----------
    op : IntegerConvolution
    source, target : tuple of int
        (height, width, channels) of its own input and output.
    pixels : int
    repeat : bool
        One window after another, with the same weights, where windows of a row share no pixel.
    """
    if op.groups != 1:
        return None
    height, width, _ = source
    if repeat:
        return _repeated(op, source, target, pixels)
    if pixels % width == 0:
        return _over_rows(op, source, target, pixels // width)
    return _over_columns(op, source, target, pixels) if width % pixels == 0 else None


def _axis(op: IntegerConvolution, axis: int, together: int, positions: int) -> _Axis | None:
    """The geometry along an axis with so many output positions; None if they are no multiple of those of a step."""
    stride, dilation, kernel = op.stride[axis], op.dilation[axis], op.weight.shape[1 + axis]
    made = together // math.gcd(together, stride)
    if positions % made:
        return None
    before = -(-op.padding[2 * axis] // together)
    first = before * together - op.padding[2 * axis]
    places = first + np.arange(made)[:, None] * stride + np.arange(kernel)[None, :] * dilation
    return _Axis(together, made, before, made * stride // together, int(places.max()) // together + 1, places)


def _after(axis: _Axis, size: int, positions: int) -> int:
    """Wide positions of padding after the last of `size`."""
    return max(0, (positions // axis.made - 1) * axis.stride + axis.kernel - axis.before - size)


def _over_rows(op: IntegerConvolution, source: ImageShape, target: ImageShape, together: int) -> WideConvolution | None:
    """Wide pixels of whole rows: columns outside the image are known, and go into the bias."""
    height, width, channels = source
    rows, columns, outputs = target
    axis = _axis(op, 0, together, rows)
    if axis is None:
        return None
    reached = (rows - 1) * op.stride[0] - op.padding[0] + (op.weight.shape[1] - 1) * op.dilation[0]
    if height % together and reached >= height:
        # The last beat is partial, and its surplus lanes stand where padding should.
        return None
    shape = (axis.made, columns, outputs, axis.kernel, together, width, channels)
    weight, bias = np.zeros(shape, dtype=np.int64), np.tile(op.bias, (axis.made, columns, 1))
    for row, column in np.ndindex(axis.made, columns):
        for y, x in np.ndindex(op.weight.shape[1:3]):
            wide, place = divmod(int(axis.places[row, y]), together)
            at = column * op.stride[1] - op.padding[2] + x * op.dilation[1]
            if 0 <= at < width:
                weight[row, column, :, wide, place, at] = op.weight[:, y, x]
            else:
                bias[row, column] += op.padding_value * op.weight[:, y, x].sum(axis=1)
    after = _after(axis, -(-height // together), rows)
    made = axis.made * columns
    wide_op = replace(
        _tiled(op, made),
        weight=weight.reshape(made * outputs, axis.kernel, 1, together * width * channels),
        bias=bias.reshape(-1),
        stride=(axis.stride, 1),
        padding=(axis.before, after, 0, 0),
        dilation=(1, 1),
    )
    return WideConvolution(wide_op, made)


def _over_columns(
    op: IntegerConvolution, source: ImageShape, target: ImageShape, together: int
) -> WideConvolution | None:
    """Wide pixels of a part of a row."""
    _, width, channels = source
    _, columns, outputs = target
    axis = _axis(op, 1, together, columns)
    if axis is None:
        return None
    weight = np.zeros((axis.made, outputs, op.weight.shape[1], axis.kernel, together, channels), dtype=np.int64)
    for column in range(axis.made):
        for x in range(op.weight.shape[2]):
            wide, place = divmod(int(axis.places[column, x]), together)
            weight[column, :, :, wide, place] = op.weight[:, :, x]
    top, bottom, _, _ = op.padding
    wide_op = replace(
        _tiled(op, axis.made),
        weight=weight.reshape(axis.made * outputs, op.weight.shape[1], axis.kernel, together * channels),
        bias=np.tile(op.bias, axis.made),
        stride=(op.stride[0], axis.stride),
        padding=(top, bottom, axis.before, _after(axis, width // together, columns)),
        dilation=(op.dilation[0], 1),
    )
    return WideConvolution(wide_op, axis.made)


def _repeated(op: IntegerConvolution, source: ImageShape, target: ImageShape, together: int) -> WideConvolution | None:
    """Windows of one column each: the pixels of a wide pixel are groups of channels, one after another."""
    if op.weight.shape[2] != 1 or op.stride[1] != 1 or any(op.padding[2:]) or source[1] % together:
        return None
    wide_op = replace(
        _tiled(op, together),
        weight=np.tile(op.weight, (together, 1, 1, 1)),
        bias=np.tile(op.bias, together),
        dilation=(op.dilation[0], 1),
        groups=together,
    )
    return WideConvolution(wide_op, together, repeated=True)


def _tiled(op: IntegerConvolution, count: int) -> IntegerConvolution:
    """What an operator has for each output, so many times."""
    rule = op.requantize
    if rule is not None and len(rule.shift) > 1:
        rule = replace(rule, shift=rule.shift * count)
    return replace(
        op,
        weight_frac=op.weight_frac * count,
        weight_scale=op.weight_scale * (count if len(op.weight_scale) > 1 else 1),
        requantize=rule,
    )
