"""Convolutions and matrix products, on BLAS in the fastest type that is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...base.formats import Format
from ..accumulators import operator_bounds
from ..graph import IntegerAffine, IntegerConvolution, Tensor
from .layout import Layer, Work, check_sums, requantize
from .windows import pad_constant, window


def working_type(op: IntegerConvolution | IntegerAffine, input_format: Format) -> type[np.generic]:
    """The fastest type in which the layer's sums and its rounding term are exact: float32, float64 or int64."""
    shifts = op.requantize.shift if op.requantize is not None and op.requantize.rule == "shift" else (0,)
    magnitude = operator_bounds(op, input_format).magnitude + (1 << max(shifts) >> 1)
    if magnitude <= 1 << 24:
        return np.float32
    return np.float64 if magnitude <= 1 << 53 else np.int64


def prepare_convolution(op: IntegerConvolution, source: Tensor, target: Tensor) -> Layer:
    """A convolution as one matrix product a group on im2col columns."""
    kind = working_type(op, source.format)
    outputs, kernel_height, kernel_width, depth = op.weight.shape
    taps = depth * kernel_height * kernel_width
    weight = op.weight.transpose(0, 3, 1, 2).reshape(op.groups, outputs // op.groups, taps).astype(kind)
    finish = _finisher(op, target.format, kind)
    height, width, _ = target.shape

    def execute(x: Work) -> Work:
        columns = _gather(op, pad_constant(x, op.padding, op.padding_value, kind), target)
        sums = np.matmul(weight, columns.reshape(op.groups, taps, -1))
        return finish(sums.reshape(outputs, -1)).reshape(outputs, height, width, x.shape[3])

    return Layer(op, execute, height * width * taps * op.groups)


def _gather(op: IntegerConvolution, padded: Work, target: Tensor) -> Work:
    """The im2col matrix (channels, kernel height, kernel width, height, width, frames)."""
    channels, frames = padded.shape[0], padded.shape[3]
    height, width, _ = target.shape
    _, kernel_height, kernel_width, _ = op.weight.shape
    columns = np.empty((channels, kernel_height, kernel_width, height, width, frames), dtype=padded.dtype)
    for row in range(kernel_height):
        for column in range(kernel_width):
            columns[:, row, column] = window(
                padded, row * op.dilation[0], column * op.dilation[1], op.stride, height, width
            )
    return columns


def prepare_affine(op: IntegerAffine, source: Tensor, target: Tensor) -> Layer:
    """A matrix product on the flattened frame."""
    kind = working_type(op, source.format)
    height, width, channels = source.shape
    # The working layout has channels first: bring the weights' columns from (h, w, c) to (c, h, w) once.
    weight = op.weight.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(op.weight.shape).astype(kind)
    finish = _finisher(op, target.format, kind)

    def execute(x: Work) -> Work:
        frames = x.shape[3]
        return finish(np.matmul(weight, x.reshape(-1, frames).astype(kind, copy=False))).reshape(-1, 1, 1, frames)

    return Layer(op, execute, source.size)


def _finisher(op: IntegerConvolution | IntegerAffine, fmt: Format, kind: type[np.generic]) -> Callable[[Work], Work]:
    """Bias, the check of the accumulator, and requantization of sums (outputs, pixels), in place where possible."""
    bias = op.bias[:, np.newaxis].astype(kind)

    def finish(sums: Work) -> Work:
        sums += bias
        check_sums(op, sums, op.accumulator_width)
        if op.requantize is None:
            return sums
        return requantize(sums, op.requantize, fmt)

    return finish
