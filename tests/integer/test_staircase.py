"""Requantizers as staircases: their steps, found by bisection."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.base.formats import Format
from fpgaq.integer.graph import Requantize
from fpgaq.integer.staircase import Staircase, each_staircase, staircases
from tests.support.staircases import climbed, every_result

BYTE = Format(8, 0)


def any_rule(chance: Random) -> Requantize:
    rounding = chance.choice(("half_up", "half_away", "half_even", "floor"))
    zero = chance.randint(-20, 20)
    kind = chance.randint(0, 2)
    if kind == 0:
        return Requantize((chance.randint(0, 6),), rounding, zero_point=zero)
    if kind == 1:
        offset = (chance.randint(-500, 500),)
        multiplier = (chance.randint(1, 200),)
        return Requantize(
            (chance.randint(0, 12),), rounding, False, "multiply_shift", multiplier, offset, zero, -30, 90
        )
    multiplier = (chance.randint(1 << 30, (1 << 31) - 1),)
    return Requantize((31 + chance.randint(-2, 6),), "half_up", False, "tflite_double", multiplier, (0,), zero)


@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_steps_tell_every_result(seed: int) -> None:
    chance = Random(seed)
    rule, span = any_rule(chance), (-chance.randint(0, 900), chance.randint(0, 900))
    (steps,) = staircases(rule, [span], BYTE)
    assert climbed(steps, span) == every_result(rule, span, BYTE)


def test_ranges_are_bisected_and_not_listed() -> None:
    asked = 0

    def function(sums, channels):
        nonlocal asked
        asked += sums.size
        return sums // (1 << 40)

    (steps,) = each_staircase(function, [(-(1 << 45), (1 << 45) - 1)])
    assert steps == Staircase(-32, tuple(place << 40 for place in range(-31, 32)))
    assert asked < 64 * 64


def test_a_falling_function_or_too_many_steps_are_refused() -> None:
    for function in (lambda sums, channels: -sums, lambda sums, channels: sums):
        with pytest.raises(ValueError, match="a staircase falls or has more than 65535 steps"):
            each_staircase(function, [(0, 1 << 16)])
