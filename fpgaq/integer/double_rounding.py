"""LiteRT's two roundings as one, for hardware.

``half_away(half_up(accumulator * multiplier / 2**31) / 2**right)`` steps a little later below zero than above: the
second rounding turns at zero. One rounding does the same with an offset that depends on the accumulator's sign,

    half_up((accumulator * multiplier + 2**(high - 1) - (accumulator < 0) * 2**high) / 2**(high + right)),

where `high` is 31. With fewer high bits and a multiplier as much narrower most requantizers still have the same steps,
which is proved for each by comparing staircases. Results of more than 16 bits have too many steps for that: they keep
the 31 bits, with which the two forms are equal by their definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..base.formats import Format, IntegerArray, round_shift
from .graph import Requantize
from .least_multipliers import Bounds, narrowest, roundest, without_idle_limits
from .staircase import MAX_STEPS, Range, Staircase, each_staircase, staircases

HIGH = 31


@dataclass(frozen=True)
class Split:
    """A requantizer with one rounding and an offset by sign: ``multiplier`` and ``shift`` have one entry a channel."""

    multiplier: tuple[int, ...]
    shift: tuple[int, ...]
    offset: int
    negative_offset: int


def one_rounding(rule: Requantize, spans: Sequence[Range], fmt: Format) -> Requantize | None:
    """The narrowest multiplier with one rounding, half up, that has the steps of a `tflite_double`; None without one.

    There is one where results never turn sign (after a ReLU), or where nothing is rounded twice.
    """
    # Nothing is rounded twice where no bits are left after the high half.
    plain = replace(rule, rule="multiply_shift") if max(rule.shift) <= HIGH else None
    if _many_steps(rule, fmt):
        return plain
    stairs = staircases(rule, spans, fmt)
    low, high = rule.limits(fmt)
    base = Requantize((0,), "half_up", zero_point=rule.zero_point, low=low, high=high)
    shifts = rule.shift * len(spans) if len(rule.shift) == 1 else rule.shift
    for offsets in ([Fraction(0)] * len(spans), [Fraction(1 << 30, 1 << shift) for shift in shifts]):
        found = narrowest(base, stairs, stairs, offsets, spans)
        if found is not None and staircases(found, spans, fmt) == stairs:
            return without_idle_limits(found, fmt)
    return plain


def split_rounding(rule: Requantize, spans: Sequence[Range], fmt: Format) -> Split | None:
    """The narrowest split form of a `tflite_double`; None where a channel is not rounded a second time."""
    count = len(spans)
    shifts = rule.shift * count if len(rule.shift) == 1 else rule.shift
    rights = [shift - HIGH for shift in shifts]
    if min(rights) < 1:
        return None
    if _many_steps(rule, fmt):
        multiplier = rule.multiplier * count if len(rule.multiplier) == 1 else rule.multiplier
        return Split(multiplier, tuple(shifts), 1 << (HIGH - 1), -(1 << HIGH))
    stairs = staircases(rule, spans, fmt)
    low, high = rule.limits(fmt)
    base = Requantize((0,), "half_up", zero_point=rule.zero_point, low=low, high=high)
    bounds = [Bounds(base, steps, steps, span) for steps, span in zip(stairs, spans, strict=True)]
    for bits in range(1, HIGH + 1):
        offset, negative = (1 << bits) >> 1, -(1 << bits)
        intervals = [
            bound.interval(bits + right, offset, negative) for bound, right in zip(bounds, rights, strict=True)
        ]
        if all(least <= greatest for least, greatest in intervals):
            multiplier = tuple(roundest(least, greatest) for least, greatest in intervals)
            found = Split(multiplier, tuple(bits + right for right in rights), offset, negative)
            if _stairs(found, rule, spans, fmt) == stairs:
                return found
    return None


def _many_steps(rule: Requantize, fmt: Format) -> bool:
    """Whether a requantizer may have more results than a staircase holds."""
    low, high = rule.limits(fmt)
    return high - low > MAX_STEPS


def _stairs(split: Split, rule: Requantize, spans: Sequence[Range], fmt: Format) -> tuple[Staircase, ...]:
    multiplier, shift = (np.array(values, np.int64) for values in (split.multiplier, split.shift))

    def compute(sums: IntegerArray, channels: IntegerArray) -> IntegerArray:
        totals = sums * multiplier[channels] + split.offset + np.where(sums < 0, split.negative_offset, 0)
        return np.clip(round_shift(totals, shift[channels], "half_up") + rule.zero_point, *rule.limits(fmt))

    return each_staircase(compute, spans)
