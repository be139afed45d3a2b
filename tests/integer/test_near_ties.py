"""Multipliers of 31 bits for results of 16 bits: what differs from the exact rationals lies near a tie."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.integer.near_ties import ULPS, near_tie, nearest
from fpgaq.integer.requantizers import requantized
from fpgaq.integer.specified_scales import Specified, choose

WIDE = Format(16, 0)


def specified(scale: float, offset: float = 0.0) -> Specified:
    # The scale of an accumulator over that of the output, as files have them.
    exact = Fraction(float(np.float32(scale * 0.013))) / Fraction(float(np.float32(0.013)))
    return Specified(exact, Fraction(float(np.float32(offset))), 0, WIDE.minimum, WIDE.maximum)


def test_results_that_differ_are_counted_and_near_a_tie() -> None:
    some = [specified(0.0012345 * (1 + index / 7), 0.3 * index) for index in range(2)]
    spans = [(-25_000_000, 25_000_000)] * 2
    assert choose(some, spans, WIDE) is None
    found = nearest(some, spans, WIDE)
    assert found is not None and found.near and max(found.rule.multiplier) < 1 << 31
    random = np.random.default_rng(0)
    differing = 0
    for channel, one in enumerate(some):
        # Around every step, where alone a result can differ, and anywhere.
        steps = np.array(one.steps(spans[channel])[0].steps)
        places = np.concatenate([steps - 1, steps, random.integers(*spans[channel], 2000)])
        sums = np.zeros((2, len(places)), np.int64)
        sums[channel] = places
        built = requantized(sums, found.rule, WIDE)[channel]
        for place, result in zip(places.tolist(), built.tolist(), strict=True):
            if result != one(place):
                differing += 1
                assert abs(result - one(place)) == 1 and near_tie(place * one.scale + one.offset)
    assert differing == found.ties


def test_a_scale_that_31_bits_miss_by_far_is_none() -> None:
    # Of two scales that lie 2**40 apart, the lesser gets no bits of a common shift.
    some = [specified(0.7), specified(0.7 * 2.0**-40)]
    assert nearest(some, [(-30_000, 30_000), (-(1 << 52), 1 << 52)], WIDE) is None


def test_near_means_four_ulps_of_float32() -> None:
    ulp = Fraction(float(np.spacing(np.float32(1000.5))))
    half = Fraction(2001, 2)
    assert near_tie(half + ULPS * ulp) and not near_tie(half + (ULPS + 1) * ulp)
    assert near_tie(half + (ULPS + 1) * ulp, 4000.0)
