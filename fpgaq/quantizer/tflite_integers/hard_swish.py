"""HARD_SWISH of 8-bit integers as LiteRT's reference kernel computes it, in 16-bit fixed point."""

from __future__ import annotations

import numpy as np

from ...base.formats import Format, IntegerArray
from .multipliers import quantize_multiplier

LIMIT = 1 << 15
Grid = tuple[np.float32, int, Format]
"""Scale, zero point and format of a tensor."""


def _saturate(value: int) -> int:
    return min(max(value, -LIMIT), LIMIT - 1)


def _high(first: int, second: int, rounding: bool) -> int:
    """The high half of twice a product of 16 bits, rounded half away or cut towards zero."""
    if first == second == -LIMIT:
        return LIMIT - 1
    product = first * second
    if rounding:
        product += (1 << 14) if product >= 0 else 1 - (1 << 14)
    return abs(product) // LIMIT * (1 if product >= 0 else -1)


def _divide(value: int, exponent: int) -> int:
    """RoundingDivideByPOT: half away from zero."""
    half = (1 << exponent) >> 1
    return (abs(value) + half >> exponent) * (1 if value >= 0 else -1)


def _reduced(real: np.float32) -> tuple[int, int]:
    """A multiplier of 15 bits and its exponent."""
    multiplier, exponent = quantize_multiplier(float(real))
    most = (1 << 31) - 1
    return (LIMIT - 1 if multiplier >= most - LIMIT else (multiplier + LIMIT) >> 16), exponent


def hard_swish_table(read: Grid, written: Grid) -> IntegerArray | None:
    """The result for each integer; None for scales that LiteRT's kernel refuses."""
    hires = np.float32(1 / 128) * np.float32(read[0])
    output, output_exponent = _reduced(hires / np.float32(written[0]))
    reluish, exponent = _reduced(hires / np.float32(np.float32(3) / np.float32(32768)))
    if output_exponent > 0:
        return None
    fmt, target = read[2], written[2]
    results = []
    for integer in range(fmt.minimum, fmt.maximum + 1):
        value = (integer - read[1]) * (1 << 7)
        gate = value
        if exponent > 0:
            gate = _saturate(gate << exponent - 1)
        gate = _high(gate, reluish, True)
        if exponent > 0:
            gate = _saturate(gate << 1)
        elif exponent < 0:
            gate = _divide(gate, -exponent)
        gate = (gate + LIMIT) >> 1
        result = _divide(_high(gate, _high(value, output, True), False), -output_exponent) + written[1]
        results.append(min(max(result, target.minimum), target.maximum))
    return np.array(results, np.int64)
