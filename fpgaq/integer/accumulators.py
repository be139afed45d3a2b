"""Proofs of accumulator widths: bounds on every partial sum of products, in exact integers.

For one output channel with weights w and an input x whose elements each lie in [least, greatest] with
``least <= 0 <= greatest``, every sum over any subset of the products, in any order, lies between the sum of all
negative products at their worst and the sum of all positive ones at theirs. The bias may come first or last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.formats import Format
from .graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
    IntegerSumPooling,
)


@dataclass(frozen=True)
class Bounds:
    """Inclusive bounds on every partial sum of a layer; `lower` is at most 0 and `upper` at least 0."""

    lower: int
    upper: int

    @property
    def magnitude(self) -> int:
        """The greatest absolute value within the bounds."""
        return max(-self.lower, self.upper)

    @property
    def width(self) -> int:
        """The least number of signed bits that hold both bounds."""
        return signed_width(self.lower, self.upper)


def signed_width(lower: int, upper: int) -> int:
    """The least width of a two's complement number that holds `lower` and `upper`."""
    return max(upper.bit_length(), (-lower - 1).bit_length() if lower < 0 else 0) + 1


def input_interval(fmt: Format, padding_value: int = 0) -> tuple[int, int]:
    """The least and greatest integer that a multiplier can see: the format's range, the padding value and zero."""
    return min(fmt.minimum, padding_value, 0), max(fmt.maximum, padding_value, 0)


def channel_bounds(
    weight: NDArray[np.int64], bias: NDArray[np.int64], interval: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    """Bounds (lower, upper) on the partial sums of each output channel, as Python integers.

    Parameters
    ----------
    weight : array of int64
        Output channels first; the other axes are the taps.
    bias : array of int64
        (outputs,).
    interval : (int, int)
        The result of `input_interval`.
    """
    least, greatest = interval
    taps = weight.reshape(weight.shape[0], -1)
    # Sums of weights stay far inside int64; their products with the interval need not, hence Python integers.
    positive = np.maximum(taps, 0).sum(axis=1).tolist()
    negative = np.minimum(taps, 0).sum(axis=1).tolist()
    return tuple(
        (plus * least + minus * greatest + min(int(start), 0), plus * greatest + minus * least + max(int(start), 0))
        for plus, minus, start in zip(positive, negative, bias.tolist(), strict=True)
    )


def layer_bounds(weight: NDArray[np.int64], bias: NDArray[np.int64], fmt: Format, padding_value: int = 0) -> Bounds:
    """Bounds on the partial sums of all output channels of a layer whose input has format `fmt`."""
    channels = channel_bounds(weight, bias, input_interval(fmt, padding_value))
    return Bounds(min(low for low, _ in channels), max(high for _, high in channels))


def operator_bounds(op: IntegerOperator, *formats: Format) -> Bounds:
    """Bounds on the partial sums and products of one operator of an integer graph, given its inputs' formats."""
    bounds = BOUNDS.get(type(op))
    if bounds is None:
        raise TypeError(f"{type(op).__name__} has no accumulator")
    return bounds(op, *formats)


def _convolution_bounds(op: IntegerConvolution, fmt: Format) -> Bounds:
    return layer_bounds(op.weight, op.bias, fmt, op.padding_value)


def _affine_bounds(op: IntegerAffine, fmt: Format) -> Bounds:
    return layer_bounds(op.weight, op.bias, fmt)


def _sum_bounds(op: IntegerSumPooling, fmt: Format) -> Bounds:
    taps = op.kernel[0] * op.kernel[1]
    return _spanned((taps * fmt.minimum, taps * fmt.maximum))


def _add_bounds(op: IntegerAdd, *formats: Format) -> Bounds:
    ends = [
        sorted((coefficient * fmt.minimum, coefficient * fmt.maximum))
        for coefficient, fmt in zip(op.coefficients, formats, strict=True)
    ]
    return Bounds(
        sum(min(low, 0) for low, _ in ends) + min(op.offset, 0),
        sum(max(high, 0) for _, high in ends) + max(op.offset, 0),
    )


def _multiply_bounds(op: IntegerMultiply, *formats: Format) -> Bounds:
    first, second = (
        (fmt.minimum - zero, fmt.maximum - zero) for fmt, zero in zip(formats, op.zero_points, strict=True)
    )
    return _spanned([a * b for a in first for b in second])


def result_ranges(op: IntegerOperator, *formats: Format) -> tuple[tuple[int, int], ...]:
    """The least and greatest accumulator that reaches the requantizer, for each output channel or one for all.

    Partial sums go further: this is the range over which two requantizers must agree.
    """
    if isinstance(op, IntegerConvolution | IntegerAffine):
        fmt, padding = formats[0], getattr(op, "padding_value", 0)
        least, greatest = min(fmt.minimum, padding), max(fmt.maximum, padding)
        taps = op.weight.reshape(op.weight.shape[0], -1)
        positive, negative = np.maximum(taps, 0).sum(axis=1).tolist(), np.minimum(taps, 0).sum(axis=1).tolist()
        return tuple(
            (plus * least + minus * greatest + bias, plus * greatest + minus * least + bias)
            for plus, minus, bias in zip(positive, negative, op.bias.tolist(), strict=True)
        )
    bounds = operator_bounds(op, *formats)
    return ((bounds.lower, bounds.upper),)


def _scale_bounds(op: IntegerScale, fmt: Format) -> Bounds:
    """Bounds with and without the offset, element by element, as Python integers."""
    negative = op.scale if op.negative_scale is None else op.negative_scale
    reached = [0]
    for above, below, offset in zip(op.scale.tolist(), negative.tolist(), op.offset.tolist(), strict=True):
        for product, extra in ((above * fmt.maximum, 0), (below * fmt.minimum, op.negative_offset)):
            reached += [offset + extra, product, product + offset + extra]
    return _spanned(reached)


def _spanned(values: Sequence[int]) -> Bounds:
    return Bounds(min(*values, 0), max(*values, 0))


BOUNDS: Mapping[type[IntegerOperator], Callable[..., Bounds]] = {
    IntegerConvolution: _convolution_bounds,
    IntegerAffine: _affine_bounds,
    IntegerSumPooling: _sum_bounds,
    IntegerAdd: _add_bounds,
    IntegerMultiply: _multiply_bounds,
    IntegerScale: _scale_bounds,
}
"""Every operator with an accumulator."""
