"""Requantizers as staircases: the accumulators at which the result steps, and the cheapest form with the same steps.

A requantizer to few bits is monotone and, over the range that is proved for its accumulator, has at most
``2**bits - 1`` steps. Bisection finds them without listing the range, so two requantizers are proved equal for every
accumulator by comparing their steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..base.formats import Format, IntegerArray, Rounding
from .graph import Requantize
from .requantizers import MAX_PRODUCT_BITS, requantized, requantized_each

MAX_STEPS = (1 << 16) - 1
MAX_MULTIPLIER = (1 << 31) - 1
MAX_SHIFT = 46
"""Shifts that are tried: results of 16 bits times 2**46 stay in 64."""
MAX_THRESHOLD_STEPS = 15
"""Steps of an output of four bits; as many comparisons are cheaper than a multiplier."""
Range = tuple[int, int]


@dataclass(frozen=True)
class Staircase:
    """A monotone function of an accumulator: `first` plus the number of `steps` that are not above it.

    `steps` ascend; where the function jumps by more than one, a step is repeated.
    """

    first: int
    steps: tuple[int, ...]

    @property
    def last(self) -> int:
        """The greatest result."""
        return self.first + len(self.steps)


def staircase(function: Callable[[IntegerArray], IntegerArray], span: Range) -> Staircase:
    """The staircase of a monotone function of integers over ``span[0]..span[1]``, by bisection for all steps at once.

    Raises
    ------
    ValueError
        More than 65,535 steps, or a function that falls between the ends.
    """
    lower, upper = span
    first, last = (int(value) for value in function(np.array([lower, upper], dtype=np.int64)))
    if not 0 <= last - first <= MAX_STEPS:
        raise ValueError(f"results {first} and {last} at the ends have more than {MAX_STEPS} steps between, or fall")
    level = np.arange(first + 1, last + 1, dtype=np.int64)
    below, reached = np.full(level.shape, lower, dtype=np.int64), np.full(level.shape, upper, dtype=np.int64)
    while np.any(reached - below > 1):
        middle = below + (reached - below) // 2
        up = function(middle) >= level
        reached, below = np.where(up, middle, reached), np.where(up, below, middle)
    return Staircase(first, tuple(reached.tolist()))


def channel_rule(rule: Requantize, channel: int) -> Requantize:
    """The requantizer of one output channel."""

    def of(values: tuple[int, ...]) -> tuple[int, ...]:
        return (values[channel if len(values) > 1 else 0],)

    return replace(rule, shift=of(rule.shift), multiplier=of(rule.multiplier), offset=of(rule.offset))


def staircases(rule: Requantize, spans: Sequence[Range], fmt: Format) -> tuple[Staircase, ...]:
    """The staircase of each channel of a requantizer, over the range of that channel's accumulators."""
    return each_staircase(lambda sums, channels: requantized_each(sums, channels, rule, fmt), spans)


def each_staircase(
    function: Callable[[IntegerArray, IntegerArray], IntegerArray], spans: Sequence[Range]
) -> tuple[Staircase, ...]:
    """The staircases of several monotone functions, one for each span, found by one bisection.

    Parameters
    ----------
    function : callable
        ``function(accumulators, channels)`` gives a result for each pair of an accumulator and its channel.
    spans : sequence of (int, int)
        The accumulators of each channel.
    """
    lower, upper = (np.array([span[end] for span in spans], dtype=np.int64) for end in (0, 1))
    numbers = np.arange(len(spans))
    first, last = function(lower, numbers), function(upper, numbers)
    counts = last - first
    if counts.min() < 0 or counts.max() > MAX_STEPS:
        raise ValueError(f"a staircase falls or has more than {MAX_STEPS} steps: {counts.min()} to {counts.max()}")
    channels = np.repeat(numbers, counts)
    ends = np.cumsum(counts)
    level = first[channels] + 1 + np.arange(len(channels)) - np.repeat(ends - counts, counts)
    below, reached = lower[channels], upper[channels]
    while np.any(reached - below > 1):
        middle = below + (reached - below) // 2
        up = function(middle, channels) >= level
        reached, below = np.where(up, middle, reached), np.where(up, below, middle)
    parts = np.split(reached, ends[:-1])
    return tuple(Staircase(int(start), tuple(part.tolist())) for start, part in zip(first, parts, strict=True))


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


def _moved(steps: Staircase, ties: tuple[int, ...], by: int) -> Staircase:
    """Every step at a tie at the tie itself (0) or at the next accumulator (1)."""
    known = {place: place + by for place in ties} | {place + 1: place + by for place in ties}
    return Staircase(steps.first, tuple(known.get(step, step) for step in steps.steps))


def _differences(built: Staircase, wanted: Staircase) -> int:
    """Accumulators whose results differ, each by one: where steps are apart by one."""
    return sum(abs(a - b) for a, b in zip(built.steps, wanted.steps, strict=True))


def without_idle_limits(rule: Requantize, fmt: Format) -> Requantize:
    """Limits that are the format's own are no limits."""
    return replace(
        rule,
        low=None if rule.low is None or rule.low <= fmt.minimum else rule.low,
        high=None if rule.high is None or rule.high >= fmt.maximum else rule.high,
    )


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


@dataclass(frozen=True)
class Form:
    """The cheapest way found to build a requantizer.

    Parameters
    ----------
    kind : {"shift", "thresholds", "multiplier"}
    rule : Requantize
        What is computed; of `thresholds`, the specified one.
    thresholds : tuple of tuple of int
        The steps of each channel, for `thresholds`.
    text : str
        For reports: what was taken and over how many accumulators it was proved equal.
    """

    kind: str
    rule: Requantize
    thresholds: tuple[tuple[int, ...], ...]
    text: str


def cheapest_form(rule: Requantize, spans: Sequence[Range], fmt: Format) -> Form:
    """The cheapest form of a requantizer whose staircase is the specified one: shift, thresholds, least multiplier."""
    values = max(high - low + 1 for low, high in spans)
    if rule.rule == "shift":
        return Form("shift", rule, (), "plain shift")
    wide = max(rule.multiplier).bit_length()
    stairs = staircases(rule, spans, fmt)
    low, high = rule.limits(fmt)
    base = Requantize((0,), "half_up", zero_point=rule.zero_point, low=low, high=high)
    attempts = (narrowest(base, stairs, stairs, offsets, spans) for offsets in _offsets(rule, len(spans)))
    narrow = next((without_idle_limits(found, fmt) for found in attempts if found is not None), None)
    if narrow is not None and staircases(narrow, spans, fmt) != stairs:
        raise AssertionError("the narrowest multiplier has other steps than the specified one; this is a bug")
    proved = f"equal to the specified {wide} bits on all {_count(values)} values"
    if narrow is not None and narrow.rule == "shift":
        return Form("shift", narrow, (), f"plain shift, {proved}")
    most = max(len(steps.steps) for steps in stairs)
    if most <= MAX_THRESHOLD_STEPS:
        return Form("thresholds", rule, tuple(steps.steps for steps in stairs), f"{most} thresholds, {proved}")
    if narrow is None or significant_bits(narrow) >= wide:
        return Form("multiplier", rule, (), f"multiplier of {wide} bits, as specified")
    return Form("multiplier", narrow, (), f"multiplier of {significant_bits(narrow)} bits, {proved}")


def _offsets(rule: Requantize, channels: int) -> list[list[Fraction]]:
    """The offsets of each channel that are tried for a form with one rounding.

    LiteRT's first rounding adds half a unit of the high half. Where results are never below the zero point (a ReLU),
    the two roundings are one with that offset; with results of both signs they are not.
    """
    singles = [channel_rule(rule, channel) for channel in range(channels)]
    given = [Fraction(one.offset[0], 1 << one.shift[0]) for one in singles]
    if rule.rule != "tflite_double":
        return [given]
    return [given, [Fraction(1 << 30, 1 << one.shift[0]) for one in singles]]


def significant_bits(rule: Requantize) -> int:
    """Bits of the widest multiplier without the zeros that all channels end with; 0 for a plain shift."""
    if rule.rule == "shift":
        return 0
    union = int(np.bitwise_or.reduce(np.array(rule.multiplier, dtype=np.int64)))
    return max(rule.multiplier).bit_length() - ((union & -union).bit_length() - 1)


def reached_steps(rule: Requantize, sums: NDArray[np.int64], spans: Sequence[Range], fmt: Format) -> tuple[int, int]:
    """How many results of a requantizer some accumulators (outputs, ...) give, and how many there are."""
    results = requantized(sums, rule, fmt)
    stairs = staircases(rule, spans, fmt)
    reached = sum(len(np.unique(channel)) for channel in results)
    return reached, sum(len(set(steps.steps)) + 1 for steps in stairs)


def _count(values: int) -> str:
    return f"{values:,}" if values < 1_000_000 else f"{values:.1e}".replace("e+0", "e").replace("e+", "e")
