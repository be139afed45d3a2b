"""Requantizers as staircases: the accumulators at which the result steps.

A requantizer to few bits is monotone and, over the range that is proved for its accumulator, has at most
``2**bits - 1`` steps. Bisection finds them without listing the range, so two requantizers are proved equal for every
accumulator by comparing their steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..base.formats import Format, IntegerArray
from .graph import Requantize
from .requantizers import requantized_each

MAX_STEPS = (1 << 16) - 1
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

    Raises
    ------
    ValueError
        More than 65,535 steps, or a function that falls between the ends.
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
