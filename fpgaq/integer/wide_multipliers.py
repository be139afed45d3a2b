"""Multipliers of more than 31 bits, for staircases of 16 bits whose steps no narrower one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .graph import Requantize
from .least_multipliers import Bounds, roundest
from .staircase import Range, Staircase

MAX_BITS = 62
"""Two factors of 31 bits."""
NEAR = 2.0**-50
"""Float64 quotients of integers of 53 bits are nearer than this, relatively."""


@dataclass(frozen=True)
class WideMultiplier:
    """``floor((accumulator * multiplier + 2**(shift - 1)) / 2**shift)``, a multiplier for each output."""

    multiplier: tuple[int, ...]
    shift: int

    @property
    def bits(self) -> int:
        """Bits of the widest."""
        return max(self.multiplier).bit_length()

    @property
    def low_bits(self) -> int:
        """Bits of the lower of two parts."""
        return self.bits // 2

    @property
    def low(self) -> tuple[int, ...]:
        """The lower parts."""
        return tuple(value & ((1 << self.low_bits) - 1) for value in self.multiplier)

    @property
    def high(self) -> tuple[int, ...]:
        """The upper parts."""
        return tuple(value >> self.low_bits for value in self.multiplier)


def wide_multiplier(base: Requantize, stairs: Sequence[Staircase], spans: Sequence[Range]) -> WideMultiplier | None:
    """The multipliers of the least common shift with exactly these steps; None where 62 bits do not suffice.

    Each step bounds the multiplier from both sides, as in `fpgaq.integer.least_multipliers.narrowest`; here the bounds
    are rationals, since products pass 64 bits.
    """
    intervals = []
    for steps, span in zip(stairs, spans, strict=True):
        found = _interval(Bounds(base, steps, steps, span))
        if found is None:
            return None
        intervals.append(found)
    for shift in range(1, 2 * MAX_BITS):
        ranges = []
        for least, greatest in intervals:
            # Both ends stay out: at one of them a step may lie on a tie.
            low = (least.numerator << shift) // least.denominator + 1
            high = -((-greatest.numerator << shift) // greatest.denominator) - 1
            if low > high:
                break
            ranges.append((low, high))
        if len(ranges) == len(intervals):
            made = WideMultiplier(tuple(roundest(low, high) for low, high in ranges), shift)
            return made if made.bits <= MAX_BITS and made.low_bits < shift else None
    return None


def _interval(bounds: Bounds) -> tuple[Fraction, Fraction] | None:
    """The real multipliers, between the first and the second, with which a channel has its steps."""
    level, place, reached = bounds.level, bounds.place, bounds.reached
    # Where the step below is bounded, `place` is 1 less the step.
    turned = np.where(reached, place, -place)
    if np.any((turned == 0) & (reached == (2 * level - 1 > 0))):
        return None
    least = [Fraction(1, 1 << MAX_BITS)]
    greatest = [Fraction(1 << MAX_BITS)]
    for chosen, ends, largest in (
        (reached & (turned > 0), least, True),
        (~reached & (turned > 0), greatest, False),
        (~reached & (turned < 0), least, True),
        (reached & (turned < 0), greatest, False),
    ):
        ends += _extreme(2 * level[chosen] - 1, 2 * turned[chosen], largest)
    low, high = max(least), min(greatest)
    return (low, high) if low < high else None


def _extreme(above: NDArray[np.int64], below: NDArray[np.int64], largest: bool) -> list[Fraction]:
    """The quotients that may be the largest, or the smallest, as exact rationals."""
    if not above.size:
        return []
    quotients = above / below
    end = quotients.max() if largest else quotients.min()
    near = np.abs(quotients - end) <= NEAR * abs(end)
    return [Fraction(int(up), int(down)) for up, down in zip(above[near], below[near], strict=True)]
