"""What the host computes of the hardware's outputs: the softmax that ends a model of 8-bit integers.

The arithmetic is that of LiteRT's reference kernel: differences to the greatest element, exponentials in fixed point
by gemmlowp's polynomial, their sum, and its reciprocal by three steps of Newton and Raphson.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.formats import IntegerArray, round_shift
from .graph import HostSoftmax, IntegerGraph
from .reference import to_model_layout

ACCUMULATION_BITS = 12
"""Integer bits of the sum of exponentials."""
FACTORS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
"""The exponential of minus a power of two, in 31 fractional bits, by its exponent."""


def apply_softmax(integers: IntegerArray, host: HostSoftmax) -> IntegerArray:
    """The softmax of integers (frames, ..., classes) over the last axis, as integers of the host's format."""
    values = np.asarray(integers, np.int64)
    rows = values.reshape(-1, values.shape[-1])
    differences = rows - rows.max(axis=1, keepdims=True)
    counted = differences >= host.least
    scaled = _high(np.maximum(differences, host.least) << host.shift, host.multiplier)
    powers = np.where(counted, _exponential(scaled), 0)
    total = np.where(counted, round_shift(powers, ACCUMULATION_BITS, "half_away"), 0).sum(axis=1, keepdims=True)
    reciprocal, over = _reciprocal(total)
    result = round_shift(_high(powers, reciprocal), over + 31 - 8, "half_away") + host.format.minimum
    limited = np.clip(result, host.format.minimum, host.format.maximum)
    return np.where(counted, limited, host.format.minimum).reshape(values.shape)


def model_outputs(
    graph: IntegerGraph, results: Mapping[str, NDArray[Any]]
) -> dict[str, tuple[IntegerArray, NDArray[np.float64]]]:
    """The model's own outputs of the network's results: integers in the model's shape, and what they stand for.

    Parameters
    ----------
    graph : IntegerGraph
    results : mapping of str to array
        (frames, height, width, channels) of each output.
    """
    outputs = {}
    for name in graph.outputs:
        values = to_model_layout(graph, name, results[name])
        host = graph.host_outputs.get(name)
        if host is None:
            outputs[name] = (values, graph.tensors[name].real(values))
            continue
        computed = apply_softmax(values, host)
        outputs[name] = (computed, (computed - host.zero_point) * host.scale)
    return outputs


def _high(first: IntegerArray, second: IntegerArray | int) -> IntegerArray:
    """SaturatingRoundingDoublingHighMul; its only saturating case, the least value squared, does not occur here."""
    return round_shift(first * np.asarray(second, np.int64), 31, "half_up")


def _exponential(scaled: IntegerArray) -> IntegerArray:
    """The exponential of numbers up to 0 with 26 fractional bits, in 31."""
    quarter = 1 << 24
    inside = (scaled & (quarter - 1)) - quarter
    result = _exponential_of_quarter(inside << 5)
    remainder = inside - scaled
    for exponent, factor in FACTORS:
        result = np.where(remainder & (1 << (26 + exponent)) != 0, _high(result, factor), result)
    return np.where(scaled == 0, (1 << 31) - 1, result)


def _exponential_of_quarter(value: IntegerArray) -> IntegerArray:
    """The exponential of numbers from -1/4 up to 0, in 31 fractional bits: a polynomial of degree 4 around -1/8."""
    shifted = value + (1 << 28)
    square = _high(shifted, shifted)
    cube, fourth = _high(square, shifted), _high(square, square)
    quarter = round_shift(fourth, 2, "half_away")
    higher = round_shift(_high(quarter + cube, 715827883) + square, 1, "half_away")
    return 1895147668 + _high(np.full_like(value, 1895147668), shifted + higher)


def _reciprocal(total: IntegerArray) -> tuple[IntegerArray, IntegerArray]:
    """1 / total in 31 fractional bits, and the bits of the total above 1."""
    headroom = 32 - np.floor(np.log2(total.astype(np.float64))).astype(np.int64) - 1
    above = (total << headroom) - (1 << 31)
    # Both operands are positive: half the sum of 1 and the fraction, rounded up.
    half = (above + ((1 << 31) - 1) + 1) >> 1
    two, forty_eight, thirty_two = 1 << 29, 1515870810, -1010580540
    estimate = forty_eight + _high(half, thirty_two)
    for _ in range(3):
        rest = two - _high(half, estimate)
        estimate = estimate + (_high(estimate, rest) << 2)
    return np.clip(estimate << 1, -(1 << 31), (1 << 31) - 1), ACCUMULATION_BITS - headroom
