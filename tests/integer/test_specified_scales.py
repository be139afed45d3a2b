"""Requantizers for scales that a file states: equal over whole ranges, by the fewest bits."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.base.formats import Format
from fpgaq.integer.graph import Requantize
from fpgaq.integer.requantizers import requantized
from fpgaq.integer.specified_scales import Specified, choose
from fpgaq.integer.staircase import staircases
from tests.support.staircases import climbed, every_result

BYTE = Format(8, 0)


@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=40, deadline=None)
def test_specified_steps_are_those_of_every_accumulator(seed: int) -> None:
    chance = Random(seed)
    scale = Fraction(chance.randint(1, 40), chance.choice((1, 2, 8, 10, 64, 77)))
    offset = Fraction(chance.randint(-30, 30), chance.choice((1, 2, 3)))
    one = Specified(scale, offset, chance.randint(-9, 9), -128, 127)
    span = (-chance.randint(0, 400), chance.randint(0, 400))
    steps, ties = one.steps(span)
    assert climbed(steps, span) == [one(value) for value in range(span[0], span[1] + 1)]
    halves = [v for v in range(span[0], span[1] + 1) if (v * scale + offset - Fraction(1, 2)).denominator == 1]
    inside = [v for v in halves if one.low <= one.zero_point + v * scale + offset <= one.high]
    assert set(ties) >= set(inside[1:-1])


@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_the_chosen_multiplier_equals_the_file_over_the_whole_range(seed: int) -> None:
    chance = Random(seed)
    channels = chance.choice((1, 3))
    low, high = (-128, 127) if chance.randint(0, 1) else (3, 60)
    zero = chance.randint(low, high)
    offsets = [Fraction(chance.uniform(-20, 20)) if chance.randint(0, 1) else Fraction(0) for _ in range(channels)]
    specified = [
        Specified(Fraction(float(np.float32(2 ** chance.uniform(-9, 1)))), offset, zero, low, high)
        for offset in offsets
    ]
    spans = [(-chance.randint(1, 3000), chance.randint(1, 3000)) for _ in range(channels)]
    found = choose(specified, spans, BYTE)
    assert found is not None and found.ties == 0
    for channel, (one, span) in enumerate(zip(specified, spans, strict=True)):
        sums = np.arange(span[0], span[1] + 1)
        every = np.zeros((channels, sums.size), np.int64) + sums
        results = requantized(every, found.rule, BYTE)[channel]
        assert results.tolist() == [one(int(value)) for value in sums]


def test_a_narrower_multiplier_has_other_steps() -> None:
    one = Specified(Fraction(float(np.float32(0.0123))), Fraction(0), 0, -128, 127)
    span = (-20000, 20000)
    found = choose([one], [span], BYTE)
    assert found is not None
    (multiplier,), (shift,) = found.rule.multiplier, found.rule.shift
    wanted = one.steps(span)[0]
    for smaller in range(max(1, multiplier // 2 - 2), multiplier // 2 + 3):
        rule = Requantize((shift - 1,), "half_up", False, "multiply_shift", (smaller,))
        assert staircases(rule, [span], BYTE)[0] != wanted


def test_dyadic_scales_round_ties_to_even() -> None:
    found = choose([Specified(Fraction(1, 8), Fraction(0), 5, -128, 127)], [(-500, 500)], BYTE)
    assert found is not None and found.ties == 0
    assert found.rule == Requantize((3,), "half_even", zero_point=5)
    found = choose([Specified(Fraction(3, 8), Fraction(1, 2), 0, -128, 127)], [(-500, 500)], BYTE)
    assert found is not None and found.ties == 0
    assert found.rule == Requantize((3,), "half_even", False, "multiply_shift", (3,), (4,))


def test_ties_that_no_multiplier_takes_to_even_are_counted() -> None:
    one = Specified(Fraction(3, 10), Fraction(0), 0, -128, 127)
    found = choose([one], [(-400, 400)], BYTE)
    assert found is not None and found.rule.rounding == "half_up"
    sums = range(-400, 401)
    results = every_result(found.rule, (-400, 400), BYTE)
    different = [value for value, result in zip(sums, results, strict=True) if result != one(value)]
    assert len(different) == found.ties > 0
    assert all((value * Fraction(3, 10) - Fraction(1, 2)).denominator == 1 for value in different)


def test_all_channels_share_one_shift() -> None:
    specified = [Specified(Fraction(value), Fraction(0), 0, -128, 127) for value in (0.0371, 0.00113, 0.25)]
    found = choose(specified, [(-5000, 5000)] * 3, BYTE)
    assert found is not None
    assert len(found.rule.shift) == 1 and len(found.rule.multiplier) == 3
