"""Weights to integers: the power-of-two step of a tensor or of each output channel, and the integers themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base.choices import WeightDelta, WeightRounding
from ..base.formats import Format, Rounding, dequantize, quantize_real
from ..integer.graph import IntegerArray
from .calibration import MSE_STEPS, fitting_frac
from .config import QuantizeOptions
from .output_error import (
    Factored,
    best_real_weights,
    damped,
    descend_to_output,
    factored,
    float_optimum,
    output_error,
    round_to_output,
    sampled_error,
)
from .trace import Moments

Values = NDArray[np.float64]

NEAREST: Rounding = "half_even"
"""Weights and biases go to the nearest integer, ties to even, whatever the hardware's rounding rule is."""
WORTH = 0.8
"""Steps per channel are taken, where they may be, if they leave at most this part of the error of one step."""
OUTPUT_STEPS = 10
"""How many halvings are tried below the step that clips nothing, where the layer's output decides."""
FAR = 64.0
"""How many times the least error of a row two steps in a row have to reach in every row before none finer is tried."""

MAX_CANDIDATES = 24
"""Steps that are compared for one layer; channels whose weights lie further apart share the last."""


@dataclass(frozen=True, eq=False)
class QuantizedWeights:
    """Integers with output channels first; `format.frac` is that of channel 0, `frac` those of all channels.

    `lost` is what the mean output of each channel lacks in units of the input's step, None without moments.
    """

    integers: IntegerArray
    format: Format
    frac: tuple[int, ...]
    lost: Values | None = None


def quantize_weights(
    weight: Values, options: QuantizeOptions, per_channel: bool | None, zero_frac: int, moments: Moments | None = None
) -> QuantizedWeights:
    """Quantize weights with output channels first.

    Parameters
    ----------
    weight : array of float64
        Finite, any number of axes.
    options : QuantizeOptions
        Those of the layer.
    per_channel : bool or None
        One step for each output channel, or one for all; None decides by the error.
    zero_frac : int
        The frac of a layer whose weights are all zero.
    moments : Moments, optional
        Moments of the layer's inputs and error, for rules that look at its output; other rules look at weights alone.
    """
    rows = weight.reshape(weight.shape[0], -1)
    rules = options.rules
    chooser = _Rows(rows, options.weight_bits, options.narrow, moments, rules.weight_rounding)
    if not rows.any():
        fracs: tuple[int, ...] = (zero_frac,) * len(rows)
    elif rules.weight_delta in ("ceil", "floor"):
        found = [
            weight_frac(row, options.weight_bits, options.narrow, rules.weight_delta)
            for row in _parts(rows, per_channel)
        ]
        fracs = _within_span(found, len(rows), options.max_shift_span)
    else:
        fracs = _least_error_fracs(chooser, options, per_channel)
    chosen = np.array(fracs)
    integers = chooser.integers(chosen)
    lost = None if moments is None else chooser.lost(integers, chosen)
    fmt = Format(options.weight_bits, fracs[0], True, options.narrow)
    return QuantizedWeights(integers.reshape(weight.shape), fmt, fracs, lost)


def _parts(rows: Values, per_channel: bool | None) -> Values:
    """The parts with a step of their own: each row, or all together."""
    return rows.reshape(1, -1) if per_channel is False else rows


def _least_error_fracs(chooser: _Rows, options: QuantizeOptions, per_channel: bool | None) -> tuple[int, ...]:
    fits = [weight_frac(row, options.weight_bits, options.narrow, "ceil") for row in _parts(chooser.rows, per_channel)]
    known = [frac for frac in fits if frac is not None]
    # A large weight of a weak input may be worth more clipping than the weights themselves suggest.
    steps = OUTPUT_STEPS if options.rules.weight_delta == "output" else MSE_STEPS
    candidates = range(min(known), min(max(known) + steps, min(known) + MAX_CANDIDATES))
    # Where the choice is open, only the layer's output shows what separate steps are worth.
    by_output = chooser.moments is not None and (options.rules.weight_delta == "output" or per_channel is None)
    if options.rules.weight_delta == "rounded":
        errors = _errors_of(candidates, chooser.rounded_errors)
    else:
        errors = _errors_of(candidates, lambda frac: chooser.errors(frac, by_output))
    together = errors.sum(axis=1)
    single = (candidates.start + int(np.argmin(together)),) * len(chooser.rows)
    if per_channel is False:
        return single
    fracs, least = _least_in_span(errors, candidates.start, options.max_shift_span)
    if per_channel is None and not least <= WORTH * together.min():
        return single
    # A channel without weights has no scale of its own: it takes that of the coarsest.
    return tuple(min(fracs) if fit is None else frac for fit, frac in zip(fits, fracs, strict=True))


def _errors_of(candidates: range, errors_at: Callable[[int], Values]) -> Values:
    """The errors (candidates, rows) of every row at each frac; endless from where on every row is clipped far too much.

    Each bit more then makes an error about four times as large.
    """
    errors = [errors_at(candidates.start)]
    least = errors[0]
    for frac in candidates[1:]:
        errors.append(errors_at(frac))
        least = np.minimum(least, errors[-1])
        if (np.stack(errors[-2:]) > FAR * least).all():
            break
    return np.stack(errors + [np.full_like(least, np.inf)] * (len(candidates) - len(errors)))


class _Rows:
    """The weights of each output channel, and integers for them at given steps."""

    def __init__(
        self, rows: Values, bits: int, narrow: bool, moments: Moments | None, rounding: WeightRounding
    ) -> None:
        self.rows, self.bits, self.narrow, self.moments = rows, bits, narrow, moments
        self.fmt = Format(bits, 0, True, narrow)
        self.rounding: WeightRounding = "nearest" if moments is None else rounding
        self.magnitude = float(np.abs(rows).max(initial=0.0)) or 1.0
        self.hessian = self.target = None
        self.factors: tuple[Factored, ...] | None = None
        self.first: Values | None = None
        if moments is not None:
            self.groups = len(moments.inputs)
            self.hessian = damped(moments)
            grouped = rows.reshape(self.groups, -1, rows.shape[1])
            self.target = grouped
            if self.rounding != "nearest":
                self.factors = factored(self.hessian)
                self.target = best_real_weights(grouped, moments, self.factors)
                if self.rounding == "qronos":
                    self.first = float_optimum(grouped, moments, self.hessian)

    def integers(self, fracs: NDArray[np.int64]) -> IntegerArray:
        """The integers of every row at its own frac."""
        if self.rounding == "nearest":
            formats = [Format(self.bits, int(frac), True, self.narrow) for frac in fracs]
            return np.stack([quantize_real(row, fmt, NEAREST) for row, fmt in zip(self.rows, formats, strict=True)])
        assert self.target is not None and self.hessian is not None
        steps = np.ldexp(1.0, -fracs).reshape(self.groups, -1)
        ends = (self.fmt.minimum, self.fmt.maximum)
        if self.rounding == "comq":
            found = descend_to_output(self.target, steps, self.hessian, *ends)
        else:
            found = round_to_output(self.target, steps, self.hessian, *ends, self.factors, self.first)
        return found.reshape(self.rows.shape).astype(np.int64)

    def errors(self, frac: int, by_output: bool) -> Values:
        """The squared error of every row at one frac: of the layer's output, or of the weights themselves."""
        fmt = Format(self.bits, frac, True, self.narrow)
        wanted = self.target if by_output and self.target is not None else self.rows
        # Relative to the largest weight, so that squares of huge and denormal weights stay finite.
        difference = (dequantize(quantize_real(wanted, fmt, NEAREST), fmt) - wanted) / self.magnitude
        if by_output and self.moments is not None:
            # Plain rounding fits nothing to the samples: no damping is needed.
            if self.moments.samples is not None:
                return sampled_error(difference, self.moments.samples).reshape(-1)
            return output_error(difference, self.moments.inputs).reshape(-1)
        return np.asarray((difference**2).sum(axis=1))

    def rounded_errors(self, frac: int) -> Values:
        """The squared error of every row's output at one frac, after the rounding that the weights will have."""
        fracs = np.full(len(self.rows), frac)
        wanted = self.rows if self.target is None else self.target
        left = (
            np.ldexp(self.integers(fracs).astype(np.float64), -frac).reshape(wanted.shape) - wanted
        ) / self.magnitude
        if self.hessian is None:
            return np.asarray((left**2).sum(axis=1))
        return output_error(left, self.hessian).reshape(-1)

    def lost(self, integers: IntegerArray, fracs: NDArray[np.int64]) -> Values:
        """The mean of the float network's output over that of these integers, without the bias."""
        assert self.moments is not None
        values = np.ldexp(integers.astype(np.float64), -fracs[:, np.newaxis])
        difference = (self.rows - values).reshape(self.groups, -1, self.rows.shape[1])
        mean: Values = self.moments.error + np.einsum("grk,gk->gr", difference, self.moments.mean)
        return mean.reshape(-1)


def _least_in_span(errors: Values, first: int, span: int) -> tuple[tuple[int, ...], float]:
    """The frac of each row with the least error in sum, and that sum.

    `errors` is (candidates, rows), candidates from `first` on. Fracs of a layer lie at most `span` apart: of all
    ranges that wide, the one with the least sum is taken.
    """
    bases = range(max(1, len(errors) - span))
    sums = [float(errors[base : base + span + 1].min(axis=0).sum()) for base in bases]
    base = int(np.argmin(sums))
    best = np.argmin(errors[base : base + span + 1], axis=0)
    return tuple(first + base + int(index) for index in best), sums[base]


def _within_span(found: list[int | None], rows: int, span: int) -> tuple[int, ...]:
    # A row of zeros has no scale of its own and takes that of the coarsest row, so that it widens no span.
    coarsest = min(frac for frac in found if frac is not None)
    chosen = [coarsest if frac is None else min(frac, coarsest + span) for frac in found]
    return tuple(chosen) if len(chosen) == rows else tuple(chosen) * rows


def weight_frac(values: Values, bits: int, narrow: bool, rule: WeightDelta) -> int | None:
    """The frac of weights that share one step, by themselves, or None if all are zero.

    `ceil` and `floor` are those of nnabla's former FixedPointWeightConverter: the step is 2 to the power of the
    ceiling or floor of ``log2(max|W| / (2**(bits - 1) - 1))``; `mse` is the one of least squared error.
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
    row = _Rows(values.reshape(1, -1), bits, narrow, None, "nearest")
    return min(range(frac, frac + MSE_STEPS), key=lambda candidate: float(row.errors(candidate, False)[0]))
