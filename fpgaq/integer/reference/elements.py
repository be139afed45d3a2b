"""Operators that work element by element, in 64-bit integers."""

from __future__ import annotations

import numpy as np

from ...base.formats import Format
from ..graph import (
    IntegerAdd,
    IntegerArgMax,
    IntegerMultiply,
    IntegerScale,
    IntegerTable,
    Requantize,
    Tensor,
)
from .layout import Work, check_sums, requantize


def _finish(sums: Work, rule: Requantize, fmt: Format) -> Work:
    """Requantize an image."""
    return requantize(sums.reshape(sums.shape[0], -1), rule, fmt).reshape(sums.shape)


def table(op: IntegerTable, x: Work) -> Work:
    """A function of one integer by its table."""
    index = _finish(x.astype(np.int64), op.requantize, op.index_format) - op.index_format.minimum
    values: Work = op.table[index]
    return values


def add(op: IntegerAdd, target: Tensor, *inputs: Work) -> Work:
    """The sum of inputs, aligned or by their factors, rounded once."""
    sums = np.full(inputs[0].shape, op.offset, dtype=np.int64)
    for x, coefficient in zip(inputs, op.coefficients, strict=True):
        sums += x.astype(np.int64) * coefficient
    check_sums(op, sums, op.accumulator_width)
    return _finish(sums, op.requantize, target.format)


def multiply(op: IntegerMultiply, target: Tensor, first: Work, second: Work) -> Work:
    """The product of two inputs, rounded once."""
    products = (first.astype(np.int64) - op.zero_points[0]) * (second.astype(np.int64) - op.zero_points[1])
    check_sums(op, products, op.accumulator_width)
    return _finish(products, op.requantize, target.format)


def scale(op: IntegerScale, target: Tensor, x: Work) -> Work:
    """A factor and an offset for each channel, another factor below zero if there is one."""

    def per_channel(values: Work) -> Work:
        return values[:, np.newaxis, np.newaxis, np.newaxis]

    value = x.astype(np.int64)
    factor = per_channel(op.scale)
    if op.negative_scale is not None:
        factor = np.where(value < 0, per_channel(op.negative_scale), factor)
    sums = value * factor + per_channel(op.offset)
    if op.negative_offset:
        sums += np.where(value < 0, np.int64(op.negative_offset), 0)
    check_sums(op, sums, op.accumulator_width)
    return _finish(sums, op.requantize, target.format)


def argmax(op: IntegerArgMax, x: Work) -> Work:
    """The index of the greatest channel, the lowest on ties."""
    index: Work = x.argmax(axis=0).astype(np.int64)[np.newaxis]
    return index
