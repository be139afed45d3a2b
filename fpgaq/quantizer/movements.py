"""Operators that keep values: maxima and movements. Both quantizers convert them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ..integer.graph import (
    IntegerMaxPooling,
    IntegerOperator,
    IntegerPad,
    IntegerSlice,
    IntegerTranspose,
    IntegerUpsample,
    Tensor,
)
from ..model.graph import MaxPooling, Operator, Pad, Slice, Transpose, Upsample

ToInteger: TypeAlias = Callable[[float], int]
"""From the real value of a constant border to the integer in the format of the image."""


def movement(op: Operator, source: Tensor, to_integer: ToInteger) -> IntegerOperator:
    """The integer form of one of `MOVEMENTS`; it writes the format that it reads."""
    return MOVEMENTS[type(op)](op, source, to_integer)


def _maxima(op: MaxPooling, source: Tensor, to_integer: ToInteger) -> IntegerOperator:
    return IntegerMaxPooling(op.name, (source.name,), op.output, op.kernel, op.stride, op.padding)


def _upsample(op: Upsample, source: Tensor, to_integer: ToInteger) -> IntegerOperator:
    return IntegerUpsample(op.name, (source.name,), op.output, op.factor, False)


def _slice(op: Slice, source: Tensor, to_integer: ToInteger) -> IntegerOperator:
    channel, row, column = (op.start[0], *(0, 0, *op.start[1:])[-2:])
    return IntegerSlice(op.name, (source.name,), op.output, (row, column, channel))


def _transpose(op: Transpose, source: Tensor, to_integer: ToInteger) -> IntegerOperator:
    return IntegerTranspose(op.name, (source.name,), op.output, stream_axes(op.axes))


def stream_axes(axes: tuple[int, ...]) -> tuple[int, int, int]:
    """Axes of (channels, height, width), (channels, length) or (features,) as axes of (height, width, channels)."""
    if len(axes) == 1:
        axes = (0, 1, 2)
    elif len(axes) == 2:
        axes = (2 * axes[0], 1, 2 * axes[1])
    place = (2, 0, 1)  # where the stream has channels, height and width
    return place[axes[1]], place[axes[2]], place[axes[0]]


def _pad(op: Pad, source: Tensor, to_integer: ToInteger) -> IntegerOperator:
    value = to_integer(op.value) if op.mode == "constant" else 0
    return IntegerPad(op.name, (source.name,), op.output, op.padding, op.mode, value)


MOVEMENTS: Mapping[type[Operator], Callable[[Any, Tensor, ToInteger], IntegerOperator]] = {
    MaxPooling: _maxima,
    Upsample: _upsample,
    Slice: _slice,
    Transpose: _transpose,
    Pad: _pad,
}
