"""Sums of integers of arbitrary scales: integer factors that give the specified result for every combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from ...base.formats import Rounding
from ...integer.graph import Requantize, Tensor
from ...integer.near_ties import ULPS
from ...integer.requantizers import requantized
from .values import Grid

MAX_BITS = 20
MAX_SHIFT = 30
MOST = 1 << 32
ROUNDINGS: tuple[Rounding, ...] = ("half_up", "half_even")


@dataclass(frozen=True)
class Factors:
    """``offset + sum of factor * input``, its requantizer, and the combinations at a tie where it differs.

    With `near` they are not counted: they lie within four float32 ulps of an operand of a tie.
    """

    factors: tuple[int, ...]
    offset: int
    rule: Requantize
    ties: int
    near: bool = False


def choose_factors(
    scales: Sequence[Fraction],
    tensors: Sequence[Tensor],
    grid: Grid,
    limits: tuple[int, int],
    constant: Fraction = Fraction(0),
) -> Factors | None:
    """The factors of the least shift with which every combination of inputs has the specified result.

    The specified result is ``zero_point + half_even(constant + sum of scale * (input - zero_point))``, in exact
    rationals.
    Where no shift serves, it is the least one that differs at exact ties alone, which it rounds up. Inputs of 16 bits
    have too many combinations to try: factors of 30 bits serve if what they miss is less than float32 operands miss.
    """
    if sum(tensor.format.width for tensor in tensors) > MAX_BITS:
        return _near(scales, tensors, grid, limits, constant)
    inputs = _combinations(tensors)
    wanted, tie = _specified(scales, tensors, inputs, constant)
    fmt = grid.format
    result = np.clip(wanted + grid.zero_point, *limits)
    low, high = _ends(grid, limits)
    fallback: Factors | None = None
    for shift in range(MAX_SHIFT + 1):
        factors = tuple(int(np.floor(scale * 2**shift + Fraction(1, 2))) for scale in scales)
        if sum(abs(factor) << tensor.format.width for factor, tensor in zip(factors, tensors, strict=True)) >> 40:
            break
        offset = int(np.floor(constant * 2**shift + Fraction(1, 2)))
        offset -= sum(factor * tensor.zero_point for factor, tensor in zip(factors, tensors, strict=True))
        sums = offset + sum(factor * values for factor, values in zip(factors, inputs, strict=True))
        for rounding in ROUNDINGS:
            rule = Requantize((shift,), rounding, zero_point=grid.zero_point, low=low, high=high)
            different = requantized(np.asarray(sums)[np.newaxis], rule, fmt)[0] != result
            if not different.any():
                return Factors(factors, offset, rule, 0)
            if fallback is None and not (different & ~tie).any():
                fallback = Factors(factors, offset, rule, int(different.sum()))
    return fallback


def _ends(grid: Grid, limits: tuple[int, int]) -> tuple[int | None, int | None]:
    """The limits that the format does not have anyway."""
    low, high = limits
    return (low if low > grid.format.minimum else None), (high if high < grid.format.maximum else None)


def _near(
    scales: Sequence[Fraction], tensors: Sequence[Tensor], grid: Grid, limits: tuple[int, int], constant: Fraction
) -> Factors | None:
    reaches = [max(abs(end - t.zero_point) for end in (t.format.minimum, t.format.maximum)) for t in tensors]
    for shift in range(MAX_SHIFT, -1, -1):
        factors = tuple(round(scale * 2**shift) for scale in scales)
        if max(map(abs, factors)) < 1 << 30 and all(factors):
            break
    else:
        return None
    plus = round(constant * 2**shift)
    missed = abs(Fraction(plus, 1 << shift) - constant)
    missed += sum(
        reach * abs(Fraction(factor, 1 << shift) - scale)
        for reach, factor, scale in zip(reaches, factors, scales, strict=True)
    )
    operand = max(float(reach * abs(scale)) for reach, scale in zip(reaches, scales, strict=True))
    if missed > ULPS * Fraction(float(np.spacing(np.float32(operand)))):
        return None
    offset = plus - sum(factor * tensor.zero_point for factor, tensor in zip(factors, tensors, strict=True))
    low, high = _ends(grid, limits)
    rule = Requantize((shift,), "half_up", zero_point=grid.zero_point, low=low, high=high)
    return Factors(factors, offset, rule, 0, near=True)


def _combinations(tensors: Sequence[Tensor]) -> list[NDArray[np.int64]]:
    ranges = [np.arange(tensor.format.minimum, tensor.format.maximum + 1, dtype=np.int64) for tensor in tensors]
    return [values.ravel() for values in np.meshgrid(*ranges, indexing="ij")]


def _specified(
    scales: Sequence[Fraction], tensors: Sequence[Tensor], inputs: Sequence[NDArray[np.int64]], constant: Fraction
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The sums rounded half to even, and which of them lie on a tie; Python integers where 64 bits are too few."""
    denominator = lcm(constant.denominator, *(scale.denominator for scale in scales))
    numerators = [int(scale * denominator) for scale in scales]
    reach = sum(abs(n) << tensor.format.width for n, tensor in zip(numerators, tensors, strict=True))
    plus = int(constant * denominator)
    small = max(4 * (reach + abs(plus)), 4 * denominator) < 1 << 62
    total = plus + sum(
        numerator * ((values if small else values.astype(object)) - tensor.zero_point)
        for numerator, values, tensor in zip(numerators, inputs, tensors, strict=True)
    )
    quotient = total // denominator
    twice = 2 * (total - quotient * denominator)
    tie = np.asarray(twice == denominator, dtype=bool)
    up = np.asarray(twice > denominator, dtype=bool) | (tie & np.asarray(quotient % 2 == 1, dtype=bool))
    # Beyond 32 bits everything saturates alike.
    return np.clip(quotient, -MOST, MOST).astype(np.int64) + up, tie
