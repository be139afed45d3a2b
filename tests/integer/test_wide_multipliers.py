"""Multipliers of more than 31 bits against the product in float64 that they stand for."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from fpgaq.base.formats import round_real
from fpgaq.integer.graph import Requantize
from fpgaq.integer.staircase import each_staircase
from fpgaq.integer.wide_multipliers import MAX_BITS, wide_multiplier

LIMITS = (-(1 << 15), (1 << 15) - 1)
pytestmark = pytest.mark.once


def steps_of(scales: list[float], spans: list[tuple[int, int]], zero: int) -> list:
    each = np.array(scales)

    def compute(sums: np.ndarray, channels: np.ndarray) -> np.ndarray:
        return np.clip(round_real(sums * each[channels], "half_away").astype(np.int64) + zero, *LIMITS)

    return list(each_staircase(compute, spans))


@pytest.mark.parametrize("seed", range(4))
def test_every_step_and_the_accumulator_before_it_are_those_of_the_product(seed: int) -> None:
    chance = Random(seed)
    spans = [(-chance.randint(1 << 24, 1 << 32), chance.randint(1 << 24, 1 << 32)) for _ in range(2)]
    scales = [chance.uniform(0.5, 2) * 2.0**15 / max(-low, high) for low, high in spans]
    zero = chance.choice((0, 77, -900))
    stairs = steps_of(scales, spans, zero)
    base = Requantize((0,), "half_up", zero_point=zero, low=LIMITS[0], high=LIMITS[1])
    wide = wide_multiplier(base, stairs, spans)
    assert wide is not None
    assert 16 < wide.bits <= MAX_BITS
    for channel, steps in enumerate(stairs):
        multiplier = wide.multiplier[channel]
        assert multiplier == wide.high[channel] << wide.low_bits | wide.low[channel]
        for level, step in list(enumerate(steps.steps, steps.first + 1))[:: 1 if seed == 0 else 50]:
            reached, before = (
                ((accumulator * multiplier + (1 << wide.shift >> 1)) >> wide.shift) + zero
                for accumulator in (step, step - 1)
            )
            assert reached >= level > before


def test_steps_that_no_multiplier_has_give_none() -> None:
    stairs = steps_of([0.001], [(-100_000, 100_000)], 0)
    moved = [type(stairs[0])(stairs[0].first, (*stairs[0].steps[:-1], stairs[0].steps[-1] + 400))]
    base = Requantize((0,), "half_up", low=LIMITS[0], high=LIMITS[1])
    assert wide_multiplier(base, stairs, [(-100_000, 100_000)]) is not None
    assert wide_multiplier(base, moved, [(-100_000, 100_000)]) is None
