"""Quant, Trunc and BipolarQuant of QONNX, as Brevitas and QKeras write them: quantizer and dequantizer in one node."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UnsupportedError
from ...base.formats import Format
from ...integer.accumulators import result_ranges
from ...model.importers.onnx.builder import Call, Tensor
from .reading import conversion, scales
from .values import Accumulated, Function, Grid, Quantized, Stored

DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
ROUNDINGS = ("ROUND", "HALF_EVEN")
MAX_WIDTH = 16
MAX_SHIFT = 24


def quant(call: Call) -> None:
    """Quant: ``(clip(round(x / scale + zero point)) - zero point) * scale`` in any number of bits."""
    call.count(4, 4)
    owner, output = conversion(call), call.node.outputs[0]
    fmt = _format(call)
    step, middle = scales(call, 1), _zero_point(call, fmt)
    if call.is_constant(0):
        owner.quantized[output] = _constant(call, step, middle, fmt)
        return
    value, target = call.tensor(0), _grid(call, step, middle, fmt)
    name = owner.quantize(value, target, output, call.where, call.node.name)
    owner.tensors[output] = Stored(output, value.shape, name, True)


def _zero_point(call: Call, fmt: Format) -> int:
    zero = call.constant(2).astype(np.float64)
    if (
        zero.size != 1
        or not np.isfinite(zero).all()
        or (zero % 1).any()
        or not fmt.minimum <= zero.reshape(-1)[0] <= fmt.maximum
    ):
        found = zero.ravel()[:4].tolist()
        raise UnsupportedError(f"{call.where}: zero point {found}; supported: one whole number in range")
    return int(zero.reshape(-1)[0])


def _grid(call: Call, step: np.ndarray, middle: int, fmt: Format) -> Grid:  # type: ignore[type-arg]
    """The grid of a computed tensor."""
    if step.size != 1:
        raise UnsupportedError(f"{call.where}: {step.size} scales of a computed tensor; supported: one for all of it")
    if middle % 2:
        # QONNX adds the zero point before it rounds half to even, which an odd one turns around.
        raise UnsupportedError(
            f"{call.where}: the odd zero point {middle} is added before ties go to even; use even ones"
        )
    return Grid(float(step.reshape(-1)[0]), middle, fmt)


def stated_grid(call: Call) -> Grid:
    """The grid that a Quant of a computed tensor states."""
    call.count(4, 4)
    return _grid(call, scales(call, 1), _zero_point(call, _format(call)), _format(call))


def _format(call: Call) -> Format:
    bits = call.constant(3).astype(np.float64).reshape(-1)
    signed, narrow = call.attributes.flag("signed", 1), call.attributes.flag("narrow")
    rounding = call.attributes.text("rounding_mode", "ROUND")
    if bits.size != 1 or not np.isfinite(bits[0]) or bits[0] % 1 or not 1 + (signed and narrow) <= bits[0] <= MAX_WIDTH:
        raise UnsupportedError(f"{call.where}: {bits[:4].tolist()} bits; supported: one whole number, to {MAX_WIDTH}")
    if rounding.upper() not in ROUNDINGS:
        raise UnsupportedError(f"{call.where}: rounding mode {rounding!r}; supported: {', '.join(ROUNDINGS)}")
    if narrow and not signed:
        raise UnsupportedError(f"{call.where}: a narrow range of unsigned integers; supported: of signed ones")
    return Format(int(bits[0]), 0, signed, narrow)


def _constant(call: Call, step: np.ndarray, zero: int, fmt: Format) -> Quantized:  # type: ignore[type-arg]
    array = call.parameter(0)
    axes = [axis for axis, size in enumerate(step.shape) if size > 1]
    aligned = step.reshape((1,) * (array.ndim - step.ndim) + step.shape) if step.ndim < array.ndim else step
    axis = axes[0] + aligned.ndim - step.ndim if axes else 0
    if len(axes) > 1 or (axes and (aligned.ndim != array.ndim or aligned.shape[axis] != array.shape[axis])):
        raise UnsupportedError(
            f"{call.where}: scales of shape {step.shape} for {array.shape}; supported: along one axis"
        )
    quotient = array.astype(np.float64) / (aligned if axes else step.reshape(-1)[0]).astype(np.float64)
    whole = np.clip(np.rint(quotient + zero), fmt.minimum, fmt.maximum).astype(np.int64)
    return Quantized(whole, step.reshape(-1).astype(np.float32), np.array([zero]), axis, replace(fmt, narrow=False))


def trunc(call: Call) -> None:
    """Trunc: ``round(x / scale) / 2**(bits in - bits out)``, rounded down or half to even, times scale, not clipped."""
    call.count(5, 5)
    step, zero = scales(call, 1), call.constant(2)
    bits = [call.constant(index).astype(np.float64).reshape(-1) for index in (3, 4)]
    rounding = call.attributes.text("rounding_mode", "FLOOR").upper()
    if step.size != 1 or zero.any() or any(part.size != 1 or part[0] % 1 for part in bits):
        raise UnsupportedError(
            f"{call.where}: several scales, a zero point or parts of bits; supported: one scale, zero"
        )
    shift = int(bits[0][0] - bits[1][0])
    if rounding not in ("FLOOR", *ROUNDINGS) or not 0 <= shift <= MAX_SHIFT or not 1 <= bits[1][0] <= MAX_WIDTH:
        raise UnsupportedError(
            f"{call.where}: rounding mode {rounding!r} from {bits[0][0]:g} to {bits[1][0]:g} bits; supported: FLOOR and"
            f" ROUND, to at most {MAX_WIDTH} bits and {MAX_SHIFT} fewer"
        )
    value, scale = call.tensor(0), Fraction(float(step.reshape(-1)[0]))
    if isinstance(value, Accumulated):
        _trunc_sums(call, value, scale, shift, rounding, int(bits[1][0]))
        return
    if not isinstance(value, Stored) or not value.real or conversion(call).grid(value).exact != scale:
        raise UnsupportedError(f"{call.where}: reads values that are no whole multiples of its scale {float(scale):g}")
    fmt, middle = conversion(call).grid(value).format, conversion(call).grid(value).zero_point
    whole = np.floor if rounding == "FLOOR" else np.rint

    def compute(reals: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(whole(np.rint(reals / float(scale)) / (1 << shift)) * float(scale))

    ends = [whole((end - middle) / (1 << shift)) for end in (fmt.minimum, fmt.maximum)]
    _write_trunc(call, Function(value.name, value.shape, value, compute), ends, scale, int(bits[1][0]))


def _trunc_sums(call: Call, value: Accumulated, scale: Fraction, shift: int, rounding: str, bits: int) -> None:
    """Trunc of accumulators in whole steps: rounding down is rounding half to even of half a step less and a bit."""
    owner = conversion(call)
    value = owner.folded(value)
    if set(value.scales) != {scale} or any(value.offsets) or value.low is not None or value.high is not None:
        raise UnsupportedError(f"{call.where}: reads values that are no whole multiples of its scale {float(scale):g}")
    spans = result_ranges(value.operator, *(owner.stored[name].format for name in value.operator.inputs))
    down = Fraction(1, 2 << shift) - Fraction(1, 2) if rounding == "FLOOR" else Fraction(0)
    whole = math.floor if rounding == "FLOOR" else round
    ends = [whole(Fraction(end, 1 << shift)) for span in spans for end in span]
    made = replace(value, scales=(scale / (1 << shift),), offsets=(down * scale,))
    _write_trunc(call, made, ends, scale, bits)


def _write_trunc(call: Call, value: Tensor, ends: Sequence[float], scale: Fraction, bits: int) -> None:
    fmt = Format(bits, 0, min(ends) < 0)
    if min(ends) < fmt.minimum or max(ends) > fmt.maximum:
        raise UnsupportedError(
            f"{call.where}: results from {int(min(ends))} to {int(max(ends))} where it states {bits} bits, and it does"
            " not clip; put a Quant after it"
        )
    owner, output = conversion(call), call.node.outputs[0]
    name = owner.quantize(value, Grid(float(scale), 0, fmt), output, call.where, call.node.name)
    owner.tensors[output] = Stored(output, value.shape, name, True)


def bipolar_quant(call: Call) -> None:
    """BipolarQuant of constants: weights of plus and minus one scale."""
    call.count(2, 2)
    step = scales(call, 1)
    if not call.is_constant(0):
        raise UnsupportedError(f"{call.where}: on computed values; supported: on weights; use a Quant of 2 bits")
    whole = np.where(call.parameter(0) >= 0, 1, -1).astype(np.int64)
    if step.size != 1:
        raise UnsupportedError(f"{call.where}: {step.size} scales; supported: one")
    quantized = Quantized(whole, step.reshape(-1), np.zeros(1, np.int64), 0, Format(2, 0))
    conversion(call).quantized[call.node.outputs[0]] = quantized
