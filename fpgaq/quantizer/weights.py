"""Weights to integers: the power-of-two step of a tensor or of each output channel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..formats import Format, Rounding, dequantize, quantize_real
from ..integer_graph import IntegerArray
from .calibration import MSE_STEPS, fitting_frac
from .config import QuantizeOptions, WeightDelta

NEAREST: Rounding = "half_even"
"""Weights and biases go to the nearest integer, ties to even, whatever the hardware's rounding rule is."""


@dataclass(frozen=True, eq=False)
class QuantizedWeights:
    """Integers with output channels first; `format.frac` is that of channel 0, `frac` those of all channels."""

    integers: IntegerArray
    format: Format
    frac: tuple[int, ...]


def quantize_weights(
    weight: NDArray[np.float64], options: QuantizeOptions, per_channel: bool, zero_frac: int
) -> QuantizedWeights:
    """Quantize weights with output channels first.

    Parameters
    ----------
    weight : array of float64
        Finite, any number of axes.
    options : QuantizeOptions
        Those of the layer.
    per_channel : bool
        One step for each output channel, else one for all.
    zero_frac : int
        The frac of a layer of which all weights are zero.
    """
    channels = weight.reshape(weight.shape[0], -1)
    rows = channels if per_channel else channels.reshape(1, -1)
    found = [weight_frac(row, options.weight_bits, options.narrow, options.weight_delta) for row in rows]
    # A row of zeros has no scale of its own and takes that of the coarsest row, so that it widens no span.
    coarsest = min((frac for frac in found if frac is not None), default=zero_frac)
    finest = coarsest + options.max_shift_span
    chosen = [coarsest if frac is None else min(frac, finest) for frac in found]
    fracs = tuple(chosen) if per_channel else tuple(chosen) * weight.shape[0]
    formats = [Format(options.weight_bits, frac, True, options.narrow) for frac in fracs]
    integers = np.stack([quantize_real(row, fmt, NEAREST) for row, fmt in zip(channels, formats, strict=True)])
    return QuantizedWeights(integers.reshape(weight.shape), formats[0], fracs)


def weight_frac(values: NDArray[np.float64], bits: int, narrow: bool, rule: WeightDelta) -> int | None:
    """The frac of one row of weights under a rule, or None if all are zero.

    `ceil` and `floor` are those of nnabla's former FixedPointWeightConverter: the step is 2 to the power of the
    ceiling or floor of ``log2(max|W| / (2**(bits - 1) - 1))``.
    """
    magnitude = float(np.abs(values).max(initial=0.0))
    if magnitude == 0.0:
        return None
    greatest = (1 << (bits - 1)) - 1
    frac = fitting_frac(magnitude, greatest)
    if rule == "ceil":
        return frac
    if rule == "floor":
        exact = math.ldexp(float(greatest), -frac) == magnitude
        return frac if exact else frac + 1

    def squared_error(candidate: int) -> float:
        fmt = Format(bits, candidate, True, narrow)
        # Relative to the largest weight, so that squares of huge and denormal weights stay finite.
        return float(np.sum(((dequantize(quantize_real(values, fmt, NEAREST), fmt) - values) / magnitude) ** 2))

    return min(range(frac, frac + MSE_STEPS), key=squared_error)
