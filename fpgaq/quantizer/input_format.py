"""The network's input: the integers that the hardware takes, and their meaning in the units of the first layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import FitError
from ..base.formats import Format, Rounding, round_real
from ..model.graph import (
    Affine,
    Convolution,
    Deconvolution,
    MaxPooling,
    Operator,
    Pointwise,
    Relu,
    Reshape,
    Transpose,
)
from .calibration import ActivationStatistics, activation_frac
from .config import QuantizeOptions

BYTE_TOLERANCE = 1e-3
"""How far from a whole number of 255ths a sample may be; float32 images come within 2e-5."""

MIN_INPUT_BITS = 8
MAX_INPUT_BITS = 16
"""Bits that unscaled features may take where no width is asked for."""
FEATURE_BITS = 6
"""Bits that such features have beyond 8 or the activations', where each has a step of its own."""


@dataclass(frozen=True)
class Scale:
    """The real value of a tensor's integers: ``integer * 2**-frac * factor + constant``, frac being its format's."""

    factor: float = 1.0
    constant: float = 0.0

    def integer_of(self, real: float, fmt: Format) -> int | None:
        """The integer that stands for `real` exactly, or None if the format has none."""
        nearest = self.nearest_to(real, fmt)
        if nearest is None:
            return None
        integer = self.exact(real, fmt)
        # A model's constants are float32: 0.4 over 1/255 is meant to be 102 and comes out as 102.00001.
        return nearest if abs(integer - nearest) <= 1e-6 * max(1.0, abs(integer)) else None

    def nearest_to(self, real: float, fmt: Format) -> int | None:
        """The integer nearest to `real`, or None if the format has none within half a step of it."""
        if self.factor == 0.0:
            return None
        nearest = round(self.exact(real, fmt))
        return nearest if fmt.minimum <= nearest <= fmt.maximum else None

    def exact(self, real: float, fmt: Format) -> float:
        """The place of `real` among the format's integers."""
        return float(np.ldexp((real - self.constant) / self.factor, fmt.frac))


@dataclass(frozen=True)
class InputPlan:
    """``integer = saturate(round((x * scale + offset) * 2**frac))``, and what the first layer sees in it."""

    format: Format
    scale: float
    offset: float
    meaning: Scale


def plan_input(
    samples: NDArray[Any],
    leading: tuple[float, float],
    branches: tuple[tuple[Operator, ...], ...],
    options: QuantizeOptions,
) -> InputPlan:
    """Choose the input's format and transform.

    Parameters
    ----------
    samples : array
        Calibration data of the input in the user's units.
    leading : (float, float)
        Scale and offset that the model itself applies to the input before `branches`.
    branches : tuple of tuple of Operator
        What follows, in order, for each reader of the input: up to the first operator that is no maximum, ReLU or
        movement.
    options : QuantizeOptions

    Raises
    ------
    FitError
        The asked scale and offset put the first layers' zero or padding between two integers.
    """
    scale, offset = leading
    if options.input_scale is not None or options.input_offset is not None:
        asked = (1.0 if options.input_scale is None else options.input_scale, options.input_offset or 0.0)
        plan = _fixed_plan(samples, *asked, leading, options)
        trouble = _first_trouble(branches, plan)
        if trouble:
            raise FitError(
                f"--input-scale {asked[0]:g} --input-offset {asked[1]:g}: {trouble}; choose an offset that puts it on"
                f" an integer of {plan.format.minimum}..{plan.format.maximum}, or leave both options out"
            )
        return plan
    plans = [_natural_plan(samples, leading, options)]
    # Where the hardware cannot pad exactly, the host goes on to the value after the model's own scale, and then
    # moves the padding's value to zero.
    padding = next(
        (op.padding_value for chain in branches for op in chain if isinstance(op, Convolution) and _pads(op)), 0.0
    )
    plans.append(real_plan(samples, scale, offset, 0.0, options))
    plans.append(real_plan(samples, scale, offset - padding, padding, options))
    # Bytes as they are, padded with the nearest byte, are wrong by half a step at the border alone.
    nearest = not options.first_edition and plans[0].format.frac == 0 and plans[0].format.width == MIN_INPUT_BITS
    for plan in plans:
        trouble = _first_trouble(branches, plan, nearest and plan is plans[0])
        if not trouble:
            return plan
    raise FitError(f"the network's input: {trouble}; this model cannot be quantized with one input format")


def plan_features(samples: NDArray[Any], options: QuantizeOptions) -> InputPlan:
    """The format of features that were brought to like ranges, in units of the first layer: FEATURE_BITS more bits."""
    values = samples.astype(np.float64)
    bits = min(MAX_INPUT_BITS, max(MIN_INPUT_BITS, options.activation_bits) + FEATURE_BITS)
    statistics = ActivationStatistics(float(values.min()), float(values.max()), values.reshape(-1).astype(np.float32))
    signed = statistics.least < 0
    frac = activation_frac(statistics, bits, signed, False, options.rules.activation_range, options.percentile)
    return InputPlan(Format(bits, 0 if frac is None else frac, signed), 1.0, 0.0, Scale())


def _pads(op: Operator) -> bool:
    return isinstance(op, Convolution) and any(op.padding)


def _natural_plan(samples: NDArray[Any], leading: tuple[float, float], options: QuantizeOptions) -> InputPlan:
    """Raw bytes as they are, bytes that were divided by 255 as bytes again, else a power-of-two format."""
    room = options.input_bits is None or options.input_bits >= 8
    values = samples.astype(np.float64)
    if room and values.min() >= 0:
        whole = bool(np.all(values == np.floor(values)))
        if samples.dtype == np.uint8 or (whole and 1 < values.max() <= 255):
            return _fixed_plan(samples, 1.0, 0.0, leading, options)
        scaled = values * 255.0
        if not whole and values.max() <= 1.0 and float(np.abs(scaled - np.rint(scaled)).max()) < BYTE_TOLERANCE:
            return _fixed_plan(samples, 255.0, 0.0, leading, options)
    plan = real_plan(samples, 1.0, 0.0, 0.0, options)
    return InputPlan(plan.format, 1.0, 0.0, Scale(*leading))


def _fixed_plan(
    samples: NDArray[Any], scale: float, offset: float, leading: tuple[float, float], options: QuantizeOptions
) -> InputPlan:
    """The hardware's integer is ``x * scale + offset``; the model's own scale follows in the first layer."""
    bits = _input_bits(options, raw=True)
    integers = round_real(samples.astype(np.float64) * scale + offset, input_rounding(options))
    fmt = Format(bits, 0, bool(integers.min() < 0))
    factor = leading[0] / scale
    return InputPlan(fmt, scale, offset, Scale(factor, leading[1] - offset * factor))


def real_plan(
    samples: NDArray[Any], scale: float, offset: float, constant: float, options: QuantizeOptions
) -> InputPlan:
    """The host computes ``x * scale + offset`` and quantizes it by a power of two; `constant` is still to add."""
    values = samples.astype(np.float64) * scale + offset
    bits = _input_bits(options, raw=False)
    if options.input_bits is None and values.ndim == 2:
        bits = _bits_for_features(values, bits)
    signed = bool(values.min() < 0)
    count = 1 << 18
    flat = values.reshape(-1)[:: max(1, values.size // count)].astype(np.float32)
    statistics = ActivationStatistics(float(values.min()), float(values.max()), flat)
    frac = activation_frac(statistics, bits, signed, False, options.rules.activation_range, options.percentile)
    fmt = Format(bits, 0 if frac is None else frac, signed)
    return InputPlan(fmt, scale, offset, Scale(1.0, constant))


def _bits_for_features(values: NDArray[np.float64], bits: int) -> int:
    """Features that were never scaled share one step: the additional bits that the smallest needs, to 16 in all."""
    ranges = np.abs(values).max(axis=0)
    ranges = ranges[ranges > 0]
    if not len(ranges):
        return bits
    return min(max(bits, MAX_INPUT_BITS), bits + math.ceil(math.log2(ranges.max() / ranges.min())))


def _input_bits(options: QuantizeOptions, raw: bool) -> int:
    if options.input_bits is not None:
        return options.input_bits
    return MIN_INPUT_BITS if raw else max(MIN_INPUT_BITS, options.activation_bits)


def input_rounding(options: QuantizeOptions) -> Rounding:
    """The host rounds as the hardware does, but never by floor, which would darken every pixel by half a step."""
    return "half_up" if options.rounding == "floor" else options.rounding


def borders(branches: tuple[tuple[Operator, ...], ...], plan: InputPlan) -> dict[str, tuple[float, int]]:
    """The layers that are padded with the nearest integer of the input: its exact place, and the integer."""
    found = {}
    for op in (op for chain in branches for op in chain):
        if isinstance(op, Convolution) and _pads(op) and plan.meaning.integer_of(op.padding_value, plan.format) is None:
            nearest = plan.meaning.nearest_to(op.padding_value, plan.format)
            if nearest is not None:
                found[op.name] = (plan.meaning.exact(op.padding_value, plan.format), nearest)
    return found


def _first_trouble(branches: tuple[tuple[Operator, ...], ...], plan: InputPlan, nearest: bool = False) -> str:
    return next(filter(None, (_trouble(chain, plan, nearest) for chain in branches)), "")


def _trouble(operators: tuple[Operator, ...], plan: InputPlan, nearest: bool) -> str:
    """Why the layers that work on input integers cannot do so exactly, or nothing.

    With `nearest` a padding value may be the nearest integer.
    """
    meaning = plan.meaning
    for op in operators:
        if isinstance(op, MaxPooling) and not meaning.factor > 0:
            return f"layer {op.name!r} pools values whose scale {meaning.factor:g} is not positive"
        if isinstance(op, Relu) and (meaning.constant != 0.0 or not meaning.factor > 0):
            return f"layer {op.name!r} cuts at a zero that is no zero of the input's integers"
        if isinstance(op, Convolution):
            integer_of = meaning.nearest_to if nearest else meaning.integer_of
            if _pads(op) and integer_of(op.padding_value, plan.format) is None:
                return f"the padding value {op.padding_value:g} of layer {op.name!r} is no integer of the input format"
            return ""
        if isinstance(op, Transpose | Reshape):
            continue
        if isinstance(op, Affine | Pointwise) or (isinstance(op, Deconvolution) and meaning.constant == 0.0):
            return ""
        if not isinstance(op, MaxPooling | Relu):
            break
    if meaning != Scale():
        return "no layer with weights is there to take in the input's scale"
    return ""
