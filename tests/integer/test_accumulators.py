"""The width proof: adversarial inputs reach the bounds, and no order of addition leaves them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.base.formats import Format
from fpgaq.integer.accumulators import Bounds, channel_bounds, input_interval, layer_bounds, signed_width


def partial_sums(products: tuple[int, ...], bias: int) -> set[int]:
    """Every sum over a subset of products, with and without the bias: all that any order can show."""
    sums = {0}
    for product in products:
        sums |= {total + product for total in sums}
    return sums | {total + bias for total in sums}


@pytest.mark.parametrize("seed", range(20))
def test_bounds_are_reached_and_never_left(seed):
    generator = np.random.default_rng(seed)
    fmt = Format(2, 0, signed=bool(seed % 2))
    padding = int(generator.integers(fmt.minimum, fmt.maximum + 1))
    weight = generator.integers(-8, 8, size=(1, 4))
    bias = int(generator.integers(-40, 40))
    lower, upper = channel_bounds(weight, np.array([bias]), input_interval(fmt, padding))[0]
    seen: set[int] = set()
    for inputs in itertools.product(range(fmt.minimum, fmt.maximum + 1), repeat=4):
        seen |= partial_sums(tuple(int(w) * x for w, x in zip(weight[0], inputs, strict=True)), bias)
    assert (min(seen), max(seen)) == (lower, upper)


@given(st.integers(-(1 << 70), 0), st.integers(0, 1 << 70))
def test_signed_width_is_the_least(lower, upper):
    width = signed_width(lower, upper)
    assert -(1 << (width - 1)) <= lower and upper < 1 << (width - 1)
    assert width == 1 or lower < -(1 << (width - 2)) or upper >= 1 << (width - 2)


@pytest.mark.parametrize(
    ("lower", "upper", "width"), [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-128, 127, 8), (-129, 0, 9), (0, 128, 9)]
)
def test_signed_width_at_the_boundaries(lower, upper, width):
    assert Bounds(lower, upper).width == width


def test_interval_holds_zero_and_the_padding():
    assert input_interval(Format(4, 0, False)) == (0, 15)
    assert input_interval(Format(4, 0), padding_value=-8) == (-8, 7)
    assert input_interval(Format(4, 0, False), padding_value=20) == (0, 20)


@given(st.integers(1, 6), st.integers(1, 8), st.integers(0, 1 << 32))
@settings(max_examples=30)
def test_layer_bounds_are_those_of_the_worst_channel(outputs, taps, seed):
    generator = np.random.default_rng(seed)
    weight = generator.integers(-128, 128, size=(outputs, taps))
    bias = generator.integers(-1000, 1000, size=outputs)
    fmt = Format(8, 0)
    channels = channel_bounds(weight, bias, input_interval(fmt))
    bounds = layer_bounds(weight, bias, fmt)
    assert (bounds.lower, bounds.upper) == (min(c[0] for c in channels), max(c[1] for c in channels))
    for row, start, (low, high) in zip(weight.tolist(), bias.tolist(), channels, strict=True):
        worst = [max(w * fmt.minimum, w * fmt.maximum, 0) for w in row]
        least = [min(w * fmt.minimum, w * fmt.maximum, 0) for w in row]
        assert (low, high) == (sum(least) + min(start, 0), sum(worst) + max(start, 0))


def test_bounds_beyond_64_bits_do_not_wrap():
    weight = np.full((1, 1000), 1 << 40)
    assert layer_bounds(weight, np.array([0]), Format(32, 0)).upper == 1000 * (1 << 40) * ((1 << 31) - 1)
