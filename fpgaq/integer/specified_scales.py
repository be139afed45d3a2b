"""The requantizer of a layer whose file states its scales: equal to them over each accumulator's whole range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..base.formats import Format, Rounding
from .graph import Requantize
from .least_multipliers import MAX_SHIFT, fits, multiplied, narrowest, without_idle_limits
from .staircase import Range, Staircase, staircases


@dataclass(frozen=True)
class Specified:
    """What a file states of one channel: ``clip(zero_point + half_even(accumulator * scale + offset), low, high)``.

    Exact rationals; `scale` is positive.
    """

    scale: Fraction
    offset: Fraction
    zero_point: int
    low: int
    high: int

    def __call__(self, accumulator: int) -> int:
        """The specified result of one accumulator."""
        return min(max(self.zero_point + round(accumulator * self.scale + self.offset), self.low), self.high)

    def steps(self, span: Range) -> tuple[Staircase, tuple[int, ...]]:
        """The staircase, and the accumulators within it that lie on a tie, where halves go to the even result."""
        first, last = self(span[0]), self(span[1])
        steps, ties = [], []
        # Plain integers: fractions of 65,535 levels would take seconds.
        (up, down), (plus, below) = ((value.numerator, value.denominator) for value in (self.scale, self.offset))
        whole = 2 * below * up
        for value in range(first + 1 - self.zero_point, last + 1 - self.zero_point):
            half, rest = divmod(((2 * value - 1) * below - 2 * plus) * down, whole)
            if rest:
                steps.append(half + 1)
            else:
                ties.append(half)
                steps.append(half + value % 2)
        return Staircase(first, tuple(steps)), tuple(ties)


@dataclass(frozen=True)
class Chosen:
    """A requantizer for all channels of a layer, and the number of accumulators at a tie, or near one, that differ."""

    rule: Requantize
    ties: int
    near: bool = False


def choose(specified: Sequence[Specified], spans: Sequence[Range], fmt: Format) -> Chosen | None:
    """The narrowest requantizer with the specified results over each channel's range; None where there is none.

    Multipliers round half up and files half to even, which differ at exact ties alone. Where no multiplier goes the
    even way at all ties in the range, one that rounds half to even and is exact serves (scales that are dyadic);
    where there is none, ties may go either way, and `Chosen.ties` counts the accumulators where they go the other.
    """
    if len(set(specified)) == 1 and len(spans) > 1:
        # One scale for all channels: one multiplier, which must serve over all of their ranges.
        specified, spans = specified[:1], [(min(low for low, _ in spans), max(high for _, high in spans))]
    found = [one.steps(span) for one, span in zip(specified, spans, strict=True)]
    stairs, ties = [steps for steps, _ in found], [places for _, places in found]
    base = Requantize((0,), "half_up", zero_point=specified[0].zero_point, low=specified[0].low, high=specified[0].high)
    offsets = [one.offset for one in specified]
    plain = _plain_shift(base, specified, stairs, spans, fmt)
    if plain is not None:
        return Chosen(plain, 0)
    for rule in (
        narrowest(base, stairs, stairs, offsets, spans),
        dyadic(replace(base, rounding="half_even"), specified, spans),
        narrowest(
            base,
            [_moved(steps, places, 0) for steps, places in zip(stairs, ties, strict=True)],
            [_moved(steps, places, 1) for steps, places in zip(stairs, ties, strict=True)],
            offsets,
            spans,
        ),
    ):
        if rule is not None:
            rule = without_idle_limits(rule, fmt)
            built = staircases(rule, spans, fmt)
            return Chosen(rule, sum(_differences(a, b) for a, b in zip(built, stairs, strict=True)))
    return None


def _plain_shift(
    base: Requantize, specified: Sequence[Specified], stairs: Sequence[Staircase], spans: Sequence[Range], fmt: Format
) -> Requantize | None:
    """A shift for each channel with these steps, by any rounding, where all scales are powers of two of 1 or less."""
    scales = [one.scale for one in specified]
    if any(scale.numerator != 1 or scale.denominator & (scale.denominator - 1) for scale in scales):
        return None
    shifts = [scale.denominator.bit_length() - 1 for scale in scales]
    if max(shifts) > MAX_SHIFT:
        return None
    shift = tuple(shifts[:1] if len(set(shifts)) == 1 else shifts)
    roundings: tuple[Rounding, ...] = ("half_up", "half_even", "floor")
    for rounding in roundings:
        rule = without_idle_limits(replace(base, shift=shift, rounding=rounding), fmt)
        if list(staircases(rule, spans, fmt)) == list(stairs):
            return rule
    return None


def dyadic(base: Requantize, specified: Sequence[Specified], spans: Sequence[Range]) -> Requantize | None:
    """Scales and offsets that are integers over powers of two, as they are."""
    shift = 0
    for one in specified:
        for value in (one.scale, one.offset):
            if value.denominator & (value.denominator - 1):
                return None
            shift = max(shift, value.denominator.bit_length() - 1)
    if shift > MAX_SHIFT:
        return None
    multiplier = tuple(int(one.scale * 2**shift) for one in specified)
    offset = tuple(int(one.offset * 2**shift) for one in specified)
    if not fits(multiplier, offset, spans):
        return None
    return multiplied(base, multiplier, shift, offset)


def _moved(steps: Staircase, ties: tuple[int, ...], by: int) -> Staircase:
    """Every step at a tie at the tie itself (0) or at the next accumulator (1)."""
    known = {place: place + by for place in ties} | {place + 1: place + by for place in ties}
    return Staircase(steps.first, tuple(known.get(step, step) for step in steps.steps))


def _differences(built: Staircase, wanted: Staircase) -> int:
    """Accumulators whose results differ, each by one: where steps are apart by one."""
    return sum(abs(a - b) for a, b in zip(built.steps, wanted.steps, strict=True))
