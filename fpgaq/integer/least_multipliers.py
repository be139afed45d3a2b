"""The requantizer of the fewest bits whose steps are given ones: a multiplier, an offset and a shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ..base.formats import Format
from .graph import Requantize
from .requantizers import MAX_PRODUCT_BITS
from .staircase import Range, Staircase

MAX_MULTIPLIER = (1 << 31) - 1
MAX_SHIFT = 46
"""Shifts that are tried: results of 16 bits times 2**46 stay in 64."""


def narrowest(
    base: Requantize,
    earliest: Sequence[Staircase],
    latest: Sequence[Staircase],
    offsets: Sequence[Fraction],
    spans: Sequence[Range],
) -> Requantize | None:
    """The multipliers of the least common shift whose steps lie between two staircases, for each channel.

    With `earliest` equal to `latest` the result has exactly these steps. Each step bounds the multiplier from both
    sides: ``m * step`` reaches the half below its level and ``m * (step - 1)`` does not. So the multipliers that serve
    at one shift are an interval, and the first shift at which every channel's interval holds an integer is the least.

    Returns
    -------
    Requantize or None
        `base` with rule, shift, multiplier and offset; a plain shift where all multipliers are powers of two.
    """
    bounds = [Bounds(base, early, late, span) for early, late, span in zip(earliest, latest, spans, strict=True)]
    ratios = [(value.numerator, value.denominator) for value in offsets]
    for shift in range(MAX_SHIFT + 1):
        offset = tuple((2 * (up << shift) + down) // (2 * down) for up, down in ratios)
        if max(abs(value) for value in offset) >= 1 << 60:
            return None
        multiplier = []
        for bound, constant in zip(bounds, offset, strict=True):
            least, greatest = bound.interval(shift, constant)
            if least > greatest:
                break
            multiplier.append(roundest(least, greatest))
        if len(multiplier) == len(bounds):
            if not fits(multiplier, offset, spans):
                return None
            return multiplied(base, tuple(multiplier), shift, offset)
    return None


class Bounds:
    """The multipliers with which one channel's steps lie between `earliest` and `latest`, and no others."""

    def __init__(self, base: Requantize, earliest: Staircase, latest: Staircase, span: Range) -> None:
        levels = range(latest.first + 1, latest.last + 1)
        reaches, stays = [*zip(levels, latest.steps, strict=True)], [*zip(levels, earliest.steps, strict=True)]
        if base.low is None or latest.first > base.low:
            reaches.append((latest.first, span[0]))
        if base.high is None or latest.last < base.high:
            stays.append((latest.last + 1, span[1] + 1))
        # m * place >= the half below the level where it is reached; one place lower m * place < it stays below, which
        # is m * -place >= 1 - half.
        self.level = np.array([level - base.zero_point for level, _ in (*reaches, *stays)], dtype=np.int64)
        self.place = np.array([place for _, place in reaches] + [1 - place for _, place in stays], dtype=np.int64)
        self.reached = np.arange(len(self.level)) < len(reaches)

    def interval(self, shift: int, offset: int, negative_offset: int = 0) -> Range:
        """The least and greatest multiplier at a shift; empty if the first is above the second.

        `negative_offset` is added for accumulators below zero.
        """
        if self.level.size and int(np.abs(self.level).max() + 1) << shift >= 1 << 62:
            return 1, 0
        half = (self.level << shift) - (1 << shift >> 1) - offset
        if negative_offset:
            half = half - np.where(np.where(self.reached, self.place, -self.place) < 0, negative_offset, 0)
        limit = np.where(self.reached, half, 1 - half)
        if np.any((self.place == 0) & (limit > 0)):
            return 1, 0
        positive, negative = self.place > 0, self.place < 0
        least = int((-(-limit[positive] // self.place[positive])).max(initial=1))
        greatest = int((limit[negative] // self.place[negative]).min(initial=MAX_MULTIPLIER))
        return max(least, 1), greatest


def roundest(least: int, greatest: int) -> int:
    """The integer of the fewest significant bits in an interval of positive integers."""
    value = least
    for zeros in range(1, greatest.bit_length()):
        candidate = -(-least >> zeros) << zeros
        if candidate > greatest:
            break
        value = candidate
    return value


def fits(multiplier: Sequence[int], offset: Sequence[int], spans: Sequence[Range]) -> bool:
    """Whether products of these accumulators stay within 63 bits."""
    reach = max(max(abs(low), abs(high)) for low, high in spans)
    # Partial sums may reach twice as far as results; the check of the graph bounds them exactly.
    widest = 2 * reach * max(multiplier) + max(abs(value) for value in offset)
    return max(multiplier) <= MAX_MULTIPLIER and widest < 1 << (MAX_PRODUCT_BITS - 1)


def multiplied(base: Requantize, multiplier: tuple[int, ...], shift: int, offset: tuple[int, ...]) -> Requantize:
    """The rule `shift` if that is what the multipliers do, else `multiply_shift`; equal channels become one."""

    def same(values: tuple[int, ...]) -> tuple[int, ...]:
        return values[:1] if len(set(values)) == 1 else values

    zeros = [value.bit_length() - 1 for value in multiplier]
    powers = all(value == 1 << bits for value, bits in zip(multiplier, zeros, strict=True))
    if powers and not any(offset) and max(zeros) <= shift:
        return replace(base, rule="shift", shift=same(tuple(shift - bits for bits in zeros)))
    return replace(base, rule="multiply_shift", shift=(shift,), multiplier=same(multiplier), offset=same(offset))


def significant_bits(rule: Requantize) -> int:
    """Bits of the widest multiplier without the zeros that all channels end with; 0 for a plain shift."""
    if rule.rule == "shift":
        return 0
    union = int(np.bitwise_or.reduce(np.array(rule.multiplier, dtype=np.int64)))
    return max(rule.multiplier).bit_length() - ((union & -union).bit_length() - 1)


def without_idle_limits(rule: Requantize, fmt: Format) -> Requantize:
    """Limits that are the format's own are no limits."""
    return replace(
        rule,
        low=None if rule.low is None or rule.low <= fmt.minimum else rule.low,
        high=None if rule.high is None or rule.high >= fmt.maximum else rule.high,
    )
