"""The numbers with which LiteRT's kernels rescale integers, and requantizers that compute what these kernels do.

LiteRT keeps a scale as a multiplier of 31 bits and a shift. Most kernels round twice (`tflite_double`); those of 16-bit
activations reduce the multiplier to 15 bits and round once; FULLY_CONNECTED multiplies in float64 and rounds half away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ...base.formats import Format, IntegerArray, multiply_double, round_real
from ...integer.graph import Requantize
from ...integer.least_multipliers import narrowest, without_idle_limits
from ...integer.specified_scales import Specified, dyadic
from ...integer.staircase import Range, each_staircase, staircases
from ...integer.wide_multipliers import WideMultiplier, wide_multiplier

Multiplier = tuple[int, int]
"""A multiplier of 31 bits and the power of two that it is multiplied by, ``multiplier * 2**(shift - 31)``."""


def quantize_multiplier(real: float) -> Multiplier:
    """QuantizeMultiplier: (0, 0) for what is below ``2**-32``."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    # Exact: a fraction of 53 bits times 2**31, and a half.
    multiplier = int(math.copysign(math.floor(abs(fraction) * (1 << 31) + 0.5), fraction))
    if abs(multiplier) == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def rescaled(values: IntegerArray, multiplier: Multiplier) -> IntegerArray:
    """MultiplyByQuantizedMultiplier of 32-bit values, with its two roundings."""
    return multiply_double(values, multiplier[0], 31 - multiplier[1])


def double_rule(multipliers: Sequence[Multiplier], zero_point: int, limits: tuple[int, int], fmt: Format) -> Requantize:
    """The requantizer of 32-bit accumulators."""
    rule = Requantize(
        same([31 - shift for _, shift in multipliers]), "half_up", rule="tflite_double",
        multiplier=same([multiplier for multiplier, _ in multipliers]), zero_point=zero_point, low=limits[0],
        high=limits[1],
    )  # fmt: skip
    return without_idle_limits(rule, fmt)


def single_rule(
    multipliers: Sequence[Multiplier], zero_point: int, limits: tuple[int, int], fmt: Format
) -> Requantize | None:
    """The requantizer of 64-bit accumulators: a multiplier of 15 bits, rounded once; None for a left shift."""
    reduced = [0x7FFF if value >= 0x7FFF0000 else (value + (1 << 15)) >> 16 for value, _ in multipliers]
    shifts = [15 - shift for _, shift in multipliers]
    if min(shifts) < 1:
        return None
    rule = Requantize(
        same(shifts), "half_up", rule="multiply_shift", multiplier=same(reduced), zero_point=zero_point,
        low=limits[0], high=limits[1],
    )  # fmt: skip
    return without_idle_limits(rule, fmt)


def float_rule(
    scales: Sequence[float], spans: Sequence[Range], zero_point: int, limits: tuple[int, int], fmt: Format
) -> Requantize | WideMultiplier | None:
    """The narrowest requantizer that is ``round(float64(accumulator) * scale)``, half away, over each channel's range.

    Where no multiplier of 31 bits has these steps, one of up to 62; None where none has.
    """
    if len(set(scales)) == 1:
        scales, spans = scales[:1], [(min(low for low, _ in spans), max(high for _, high in spans))]

    each = np.array(scales)

    def compute(sums: IntegerArray, channels: IntegerArray) -> IntegerArray:
        rounded = round_real(sums.astype(np.float64) * each[channels], "half_away")
        return np.clip(np.clip(rounded, -(2.0**40), 2.0**40).astype(np.int64) + zero_point, *limits)

    stairs = list(each_staircase(compute, spans))
    base = Requantize((0,), "half_up", zero_point=zero_point, low=limits[0], high=limits[1])
    rule = narrowest(base, stairs, stairs, [Fraction(0)] * len(scales), spans)
    if rule is None:
        exact = [Specified(Fraction(scale), Fraction(0), zero_point, *limits) for scale in scales]
        away = Requantize((0,), "half_away", zero_point=zero_point, low=limits[0], high=limits[1])
        rule = dyadic(away, exact, spans)
    if rule is None:
        return wide_multiplier(base, stairs, spans)
    if list(staircases(rule, spans, fmt)) != stairs:
        return None
    return without_idle_limits(rule, fmt)


def same(values: Sequence[int]) -> tuple[int, ...]:
    """One value in place of equal ones."""
    return (values[0],) if len(set(values)) == 1 else tuple(values)


def activation_limits(activation: str, scale: np.float32, zero_point: int, fmt: Format) -> tuple[int, int]:
    """CalculateActivationRangeQuantized: the least and greatest result of a fused activation."""

    def quantize(value: float) -> int:
        return zero_point + int(round_real(np.float32(value) / scale, "half_away"))

    low, high = {
        "": (fmt.minimum, fmt.maximum),
        "RELU": (quantize(0.0), fmt.maximum),
        "RELU6": (quantize(0.0), quantize(6.0)),
        "RELU_N1_TO_1": (quantize(-1.0), quantize(1.0)),
        "RELU_0_TO_1": (quantize(0.0), quantize(1.0)),
    }[activation]
    return max(low, fmt.minimum), min(high, fmt.maximum)


def function_table(
    function: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    read: tuple[np.float32, int, Format],
    written: tuple[np.float32, int, Format],
) -> IntegerArray:
    """LUTPopulate: a function of each 8-bit integer, computed in float32 and rounded half away."""
    scale, zero_point, fmt = read
    values = np.arange(fmt.minimum, fmt.maximum + 1, dtype=np.int64)
    reals = np.float32(scale) * (values - zero_point).astype(np.float32)
    inverse = np.float32(1) / np.float32(written[0])
    rounded = round_real(function(reals).astype(np.float32) * inverse, "half_away")
    target = written[2]
    return np.clip(rounded + written[1], target.minimum, target.maximum).astype(np.int64)
