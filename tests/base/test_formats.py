"""The arithmetic rules against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fpgaq.base.formats import ROUNDINGS, Format, dequantize, quantize_real, round_real, round_shift, saturate
from tests.support.slow_interpreter import exact_round


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", range(0, 9))
def test_round_shift_is_exact_for_every_small_value(rounding, shift):
    values = np.arange(-1200, 1201)
    expected = [exact_round(Fraction(int(v), 1 << shift), rounding) for v in values]
    assert round_shift(values, shift, rounding).tolist() == expected


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 63), st.sampled_from(ROUNDINGS))
def test_round_shift_is_exact_over_all_of_64_bits(value, shift, rounding):
    assert int(round_shift(value, shift, rounding)) == exact_round(Fraction(value, 1 << shift), rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", [0, 1, 62, 63])
def test_round_shift_at_the_ends_of_64_bits(rounding, shift):
    ends = [-(1 << 63), -(1 << 63) + 1, -(1 << 62) - 1, -(1 << 62), -1, 0, 1, (1 << 62), (1 << 62) + 1, (1 << 63) - 1]
    expected = [exact_round(Fraction(v, 1 << shift), rounding) for v in ends]
    assert round_shift(ends, shift, rounding).tolist() == expected


@pytest.mark.parametrize("shift", [-1, 64])
def test_shifts_out_of_range_are_refused(shift):
    with pytest.raises(ValueError, match="between 0 and 63"):
        round_shift(1, shift, "half_up")


@pytest.mark.parametrize("function", [lambda: round_shift(1, 1, "up"), lambda: round_real(1.5, "up")])
def test_unknown_rules_are_refused(function):
    with pytest.raises(ValueError, match="unknown rounding rule"):
        function()


@given(st.floats(-1e15, 1e15), st.sampled_from(ROUNDINGS))
def test_round_real_agrees_with_fractions(value, rounding):
    assert int(round_real(value, rounding)) == exact_round(Fraction(value), rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_round_real_just_below_one_half(rounding):
    below = np.nextafter(0.5, 0.0)
    assert round_real([below, -below], rounding).tolist() == ([0, -1] if rounding == "floor" else [0, 0])


@pytest.mark.parametrize(
    ("fmt", "minimum", "maximum"),
    [
        (Format(8, 0), -128, 127),
        (Format(8, 3, narrow=True), -127, 127),
        (Format(8, 0, False), 0, 255),
        (Format(1, 0), -1, 0),
        (Format(1, 0, False), 0, 1),
        (Format(64, 0), -(1 << 63), (1 << 63) - 1),
        (Format(2, 0, narrow=True), -1, 1),
    ],
)
def test_ranges(fmt, minimum, maximum):
    assert (fmt.minimum, fmt.maximum) == (minimum, maximum)
    wide = [minimum - 1, minimum, 0, maximum, maximum + 1] if fmt.width < 64 else [minimum, 0, maximum]
    assert saturate(wide, fmt).tolist() == [min(max(v, minimum), maximum) for v in wide]


@pytest.mark.parametrize("width", [0, 65, -1])
def test_widths_out_of_range_are_refused(width):
    with pytest.raises(ValueError, match="outside 1..64"):
        Format(width, 0)


def test_narrow_needs_two_bits():
    with pytest.raises(ValueError, match="at least 2 bits"):
        Format(1, 0, True, True)


@given(
    st.floats(allow_nan=False, width=32), st.integers(2, 16), st.integers(-20, 40), st.booleans(), st.booleans(),
    st.sampled_from(ROUNDINGS),
)  # fmt: skip
def test_quantize_real_saturates_everything(value, width, frac, signed, narrow, rounding):
    fmt = Format(width, frac, signed, narrow)
    if math.isinf(value):
        expected = fmt.maximum if value > 0 else fmt.minimum
    else:
        rounded = exact_round(Fraction(value) * Fraction(2) ** frac, rounding)
        expected = min(max(rounded, fmt.minimum), fmt.maximum)
    assert int(quantize_real(value, fmt, rounding)) == expected


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        quantize_real([0.0, math.nan], Format(8, 0))


def test_dequantize_inverts_quantize_on_the_grid():
    fmt = Format(9, 5)
    integers = np.arange(fmt.minimum, fmt.maximum + 1)
    assert np.array_equal(quantize_real(dequantize(integers, fmt), fmt), integers)


def test_describe():
    assert (Format(8, 5).describe(), Format(12, -3, False).describe()) == ("s8.5", "u12.-3")


@pytest.mark.nnabla
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8, 16])
@pytest.mark.parametrize("frac", [-2, 0, 5, 12])
def test_half_away_and_narrow_are_nnablas_fixed_point(nnabla, signed, bits, frac):
    from nnabla import functions

    generator = np.random.default_rng(bits + frac)
    limit = 2.0 ** (bits - frac)
    values = generator.uniform(-limit, limit, size=2000).astype(np.float32)
    ties = (np.arange(-500, 500) + 0.5).astype(np.float32) * np.float32(2.0**-frac)
    data = np.concatenate([values, ties])
    x = nnabla.Variable.from_numpy_array(data)
    y = functions.fixed_point_quantize(x, sign=signed, n=bits, delta=2.0**-frac)
    y.forward()
    fmt = Format(bits, frac, signed, narrow=signed)
    assert np.array_equal(dequantize(quantize_real(data, fmt, "half_away"), fmt), y.d)
