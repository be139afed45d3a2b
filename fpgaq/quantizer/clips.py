"""Clips at constants (ReLU6, hard tanh) as limits of the requantizer before them: no table, and one rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..base.formats import Format, round_real
from ..integer.check.carried import CLIPPED
from ..integer.graph import IntegerOperator, Requantize
from ..model.graph import Operator, Pointwise


@dataclass(frozen=True)
class Clip:
    """The real limits of a clip; infinite where it has none."""

    low: float
    high: float


def clip_of(op: Operator) -> Clip | None:
    """The clip that an operator is, if it is one that a requantizer can be; its lower limit is at most 0."""
    if not isinstance(op, Pointwise):
        return None
    low, high = -math.inf, math.inf
    if op.function == "relu6":
        low, high = 0.0, 6.0
    elif op.function == "clip":
        low, high = op.parameters
    elif op.function == "minimum":
        (high,) = op.parameters
    else:
        return None
    return Clip(low, high) if low <= 0 < high else None


def with_clip(op: IntegerOperator, fmt: Format, clip: Clip | None) -> IntegerOperator:
    """The operator whose results, in format `fmt`, are held to a clip's limits, rounded as its results are."""
    if clip is None:
        return op
    assert isinstance(op, CLIPPED) and op.requantize is not None
    return replace(op, requantize=limited(op.requantize, fmt, clip))


def limited(rule: Requantize, fmt: Format, clip: Clip) -> Requantize:
    """The requantizer with the limits that its format and its ReLU do not have anyway.

    Rounding keeps order: the rounded value held to the rounded limit is the value held to the limit, rounded.
    """
    low, high = (_integer(end, fmt, rule) for end in (clip.low, clip.high))
    least, greatest = rule.limits(fmt)
    return replace(
        rule,
        low=low if low is not None and low > least else None,
        high=high if high is not None and high < greatest else None,
    )


def _integer(end: float, fmt: Format, rule: Requantize) -> int | None:
    scaled = float(np.ldexp(end, fmt.frac))
    return int(round_real(scaled, rule.rounding)) if abs(scaled) < 2.0**62 else None
