"""What a requantizer computes, in 64-bit integers: the definition that reference, proofs and hardware share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base.formats import Format, IntegerArray, multiply_double, round_shift
from .graph import Requantize

MAX_PRODUCT_BITS = 63
"""Signed bits of the product of accumulator and multiplier; one is left for its rounding term."""


def requantized(sums: IntegerArray, rule: Requantize, fmt: Format) -> IntegerArray:
    """Apply a requantizer to accumulators (outputs, ...), in its own axis order: channels first."""
    rounded = rounded_values(sums, rule)
    if rule.zero_point:
        rounded = rounded + rule.zero_point
    return np.clip(rounded, *rule.limits(fmt))


def rounded_values(sums: IntegerArray, rule: Requantize) -> IntegerArray:
    """The rounded values before zero point and saturation; `integer_check` has proved that no product overflows."""

    def per_channel(values: tuple[int, ...]) -> NDArray[np.int64]:
        return np.asarray(values, dtype=np.int64).reshape(-1, *(1,) * (sums.ndim - 1))

    return _rounded(sums, rule, *(per_channel(values) for values in (rule.shift, rule.multiplier, rule.offset)))


def requantized_each(sums: IntegerArray, channels: IntegerArray, rule: Requantize, fmt: Format) -> IntegerArray:
    """Apply a requantizer to accumulators of any shape, each of which belongs to a channel of its own."""

    def of(values: tuple[int, ...]) -> NDArray[np.int64]:
        array = np.asarray(values, dtype=np.int64)
        return array if len(values) == 1 else array[channels]

    rounded = _rounded(sums, rule, of(rule.shift), of(rule.multiplier), of(rule.offset))
    return np.clip(rounded + rule.zero_point, *rule.limits(fmt))


def _rounded(
    sums: IntegerArray, rule: Requantize, shift: IntegerArray, multiplier: IntegerArray, offset: IntegerArray
) -> IntegerArray:
    if rule.rule == "shift":
        return round_shift(sums, shift, rule.rounding)
    if rule.rule == "tflite_double":
        return multiply_double(sums, multiplier, shift)
    return round_shift(sums * multiplier + offset, shift, rule.rounding)


def product_bits(rule: Requantize, lower: int, upper: int) -> int:
    """Signed bits of the largest intermediate value of a requantizer whose accumulators lie in [lower, upper]."""
    reached = [lower, upper, 0]
    if rule.rule != "shift":
        left = 1 << max(31 - min(rule.shift), 0) if rule.rule == "tflite_double" else 1
        reached += [end * multiplier * left for end in (lower, upper) for multiplier in rule.multiplier]
        reached += [value + offset for value in tuple(reached) for offset in (min(rule.offset), max(rule.offset))]
    return max(max(value, -value - 1).bit_length() for value in (min(reached), max(reached))) + 1
