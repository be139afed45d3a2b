"""Shared parts of the executors of all operators: the working layout, and requantization of accumulators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...base.errors import VerificationError
from ...base.formats import Format, Rounding
from ..graph import IntegerOperator, Requantize
from ..requantizers import requantized

Work: TypeAlias = NDArray[Any]
"""Exact integers in float32, float64 or int64; axes (channels, height, width, frames)."""


NARROW = 24
"""Bits of a format whose every integer float32 holds."""


@dataclass(frozen=True)
class Layer:
    """One operator with its executor (of all its inputs) and the temporary elements that it needs for one frame."""

    operator: IntegerOperator
    execute: Callable[..., Work]
    elements: int


def check_sums(op: IntegerOperator, sums: Work, accumulator_width: int) -> None:
    """Raise VerificationError if a sum does not fit its accumulator."""
    limit = 1 << (accumulator_width - 1)
    if sums.size and (int(sums.min()) < -limit or int(sums.max()) >= limit):
        raise VerificationError(
            f"layer {op.name!r}: a sum lies outside its accumulator of {accumulator_width} bits"
            f" ({int(sums.min())}..{int(sums.max())}); the graph was not made by this quantizer or is damaged"
        )


def requantize(sums: Work, rule: Requantize, fmt: Format) -> Work:
    """Apply a requantizer to accumulators (outputs, pixels) of any working type; floats are changed in place.

    A float accumulator must leave room for the rounding term, as `working_type` sees to.
    """
    if rule.rule != "shift" or sums.dtype.kind == "i" or (rule.zero_point and fmt.width > NARROW):
        return requantized(sums.astype(np.int64, copy=False), rule, fmt)
    shift = np.asarray(rule.shift, dtype=np.int64)[:, np.newaxis]
    if shift.any():
        sums *= np.ldexp(1.0, -shift).astype(sums.dtype)
        _round_in_place(sums, rule.rounding)
    least, greatest = rule.limits(fmt)
    if rule.zero_point:
        # Clip before the addition, which a type of 24 bits then holds.
        least, greatest = least - rule.zero_point, greatest - rule.zero_point
    # A limit beyond the type's exact integers is never reached; rounding it to the type then changes nothing.
    np.clip(sums, sums.dtype.type(least), sums.dtype.type(greatest), out=sums)
    if rule.zero_point:
        sums += sums.dtype.type(rule.zero_point)
    return sums


def _round_in_place(values: Work, rounding: Rounding) -> None:
    """Round exact dyadic floats; `formats.round_shift` states the rules, a test holds the two equal."""
    if rounding == "half_even":
        np.rint(values, out=values)
        return
    if rounding == "half_away":
        values += np.copysign(values.dtype.type(0.5), values)
        np.trunc(values, out=values)
        return
    if rounding == "half_up":
        values += values.dtype.type(0.5)
    np.floor(values, out=values)
