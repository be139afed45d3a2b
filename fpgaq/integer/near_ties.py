"""Multipliers that miss the specified result only where the runtime of the file may miss it too: near a tie.

onnxruntime multiplies accumulators by float32 scales. A result of 16 bits has up to 65,535 steps, and a multiplier of
31 bits may stand on the other side of some of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..base.formats import Format
from .graph import Requantize
from .least_multipliers import MAX_MULTIPLIER, MAX_SHIFT, fits, multiplied, without_idle_limits
from .specified_scales import Chosen, Specified
from .staircase import Range, Staircase, staircases

ULPS = 4
"""Of float32: how far from a tie a result may go the other way."""


def near_tie(value: Fraction, least: float = 0.0) -> bool:
    """Whether a value lies within four float32 ulps of a half; the ulps of `least` if that is more."""
    distance = abs(value - (value.numerator // value.denominator) - Fraction(1, 2))
    magnitude = max(abs(float(value)), least, float(np.finfo(np.float32).tiny))
    return distance <= ULPS * Fraction(float(np.spacing(np.float32(magnitude))))


def nearest(specified: Sequence[Specified], spans: Sequence[Range], fmt: Format) -> Chosen | None:
    """The multiplier of 31 bits nearest to each scale, if all results that differ lie near a tie; else None."""
    for shift in range(MAX_SHIFT, 0, -1):
        multiplier, offset = (
            tuple(round(getattr(one, name) * 2**shift) for one in specified) for name in ("scale", "offset")
        )
        if max(multiplier) <= MAX_MULTIPLIER and max(map(abs, offset)) < 1 << 60 and fits(multiplier, offset, spans):
            break
    else:
        return None
    first = specified[0]
    base = Requantize((0,), "half_up", zero_point=first.zero_point, low=first.low, high=first.high)
    rule = without_idle_limits(multiplied(base, multiplier, shift, offset), fmt)
    differing = 0
    for one, span, built in zip(specified, spans, staircases(rule, spans, fmt), strict=True):
        wanted, _ = one.steps(span)
        found = _differing(one, built, wanted)
        if found is None:
            return None
        differing += found
    return Chosen(rule, differing, near=True)


def _differing(one: Specified, built: Staircase, wanted: Staircase) -> int | None:
    """The accumulators with another result, or None if one of them is not near a tie."""
    if built.first != wanted.first or len(built.steps) != len(wanted.steps):
        return None
    found = 0
    for a, b in zip(built.steps, wanted.steps, strict=True):
        if a != b:
            found += abs(a - b)
            ends = min(a, b), max(a, b) - 1
            if not all(near_tie(accumulator * one.scale + one.offset) for accumulator in ends):
                return None
    return found
