"""ADD, SUB and MUL: LiteRT rescales each operand, rounds, joins them and rounds again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.errors import UnsupportedError
from ...base.formats import Format, IntegerArray
from ...integer.graph import (
    ImageShape,
    IntegerAdd,
    IntegerMultiply,
    IntegerScale,
    Pair,
    Requantize,
)
from ...integer.least_multipliers import without_idle_limits
from ...integer.requantizers import requantized
from .conversion import Call, Quantization, Stored, image_of
from .multipliers import Multiplier, double_rule, quantize_multiplier, rescaled

MAX_SHIFT = 30


@dataclass(frozen=True)
class Rescale:
    """The kernel of ADD and SUB: each operand times ``2**left`` and its multiplier, then the sum by another."""

    left: int
    inputs: tuple[Multiplier, Multiplier]
    output: Multiplier
    sign: int
    step: float
    """What one unit of the rescaled operands is worth."""

    def operand(self, values: IntegerArray, place: int, zero_point: int) -> IntegerArray:
        """A rescaled operand."""
        return rescaled((values - zero_point) << self.left, self.inputs[place])


def _rescale(call: Call, first: Quantization, second: Quantization, sign: int) -> Rescale:
    left = 15 if first.format.width == 16 else 20
    twice = 2 * max(first.step, second.step)
    inputs = quantize_multiplier(first.step / twice), quantize_multiplier(second.step / twice)
    output = quantize_multiplier(twice / (float(1 << left) * call.written.step))
    if min(inputs[0][0], inputs[1][0], output[0]) == 0 or output[1] > 0:
        raise UnsupportedError(
            f"{call.where}: scales that LiteRT's kernel does not take: {first.step:g}, {second.step:g}"
        )
    return Rescale(left, inputs, output, sign, twice / (1 << left))


def add(call: Call) -> None:
    """ADD."""
    _join(call, 1)


def subtract(call: Call) -> None:
    """SUB."""
    _join(call, -1)


def _operands(call: Call) -> tuple[Quantization, Quantization]:
    call.count(2, 2)
    first, second = (call.quantization(call.node.inputs[place]) for place in (0, 1))
    if first.format != second.format or first.format != call.written.format or first.format.width > 16:
        raise UnsupportedError(f"{call.where}: operands and result of different types; supported: one of 8 or 16 bits")
    return first, second


def _join(call: Call, sign: int) -> None:
    first, second = _operands(call)
    power = call.options.flag("PotScaleInt16")
    if power and first.format.width == 16 and not (first.zero_point or second.zero_point or call.written.zero_point):
        powers = [np.frexp(q.scale)[0] == 0.5 for q in (first, second, call.written)]
        if all(powers):
            raise UnsupportedError(f"{call.where}: the older kernel of powers of two; convert the model anew")
    rescale = _rescale(call, first, second, sign)
    limits = call.limits()
    constants = [call.is_constant(place) for place in (0, 1)]
    if all(constants):
        raise UnsupportedError(f"{call.where}: joins two constants; convert the model with its constants folded")
    if any(constants):
        call.write(_with_constant(call, rescale, (first, second), limits, constants.index(True)))
        return
    sources = _together(call)
    if first.format.width == 8:
        call.write(_joined_bytes(call, rescale, (first, second), limits, sources))
        return
    scaled = [_scaled(call, source, rescale, place) for place, source in enumerate(sources)]
    call.write(_summed(call, scaled[0], scaled[1], rescale, limits))


def _together(call: Call) -> tuple[Stored, Stored]:
    """Both operands in the output's shape."""
    shape = image_of(call.shape, call.where)
    first, second = (call.spread(call.value(place), shape) for place in (0, 1))
    return first, second


def _scaled(call: Call, source: Stored, rescale: Rescale, place: int) -> Stored:
    """A rescaled operand of 16 bits."""
    tensor = call.owner.tensors[source.tensor]
    ones = np.ones(tensor.shape[2], np.int64)
    ends = np.array([tensor.format.minimum, tensor.format.maximum])
    least, greatest = (int(value) for value in rescale.operand(ends, place, tensor.zero_point))
    fmt = Format(max(2, max(abs(least), abs(greatest)).bit_length() + 1), 0)
    rule = double_rule([rescale.inputs[place]], 0, (fmt.minimum, fmt.maximum), fmt)
    op = IntegerScale(
        f"{call.name}.input{place}", (tensor.name,), f"{call.name}.input{place}", ones << rescale.left,
        -(tensor.zero_point << rescale.left) * ones, None, rescale.left + 2, 2, rule,
    )  # fmt: skip
    made = call.owner.put(op, tensor.shape, Quantization(np.float32(rescale.step), 0, fmt))
    return Stored(made.tensor, source.shape)


def _summed(call: Call, first: Stored, second: Stored, rescale: Rescale, limits: Pair) -> Stored:
    written = call.written
    rule = double_rule([rescale.output], written.zero_point, limits, written.format)
    op = IntegerAdd(call.name, (first.tensor, second.tensor), call.name, (0, 0), (1, 1), 2, rule, (1, rescale.sign), 0)
    return call.owner.put(op, call.owner.tensors[first.tensor].shape, written)


def _joined_bytes(
    call: Call, rescale: Rescale, read: tuple[Quantization, Quantization], limits: Pair, sources: tuple[Stored, Stored]
) -> Stored:
    """Two operands of 8 bits: integer factors that are proved on all pairs, else tables of the rescaled operands."""
    ranges = [np.arange(q.format.minimum, q.format.maximum + 1, dtype=np.int64) for q in read]
    tables = [rescale.operand(values, place, read[place].zero_point) for place, values in enumerate(ranges)]
    written = call.written
    sums = tables[0][:, np.newaxis] + rescale.sign * tables[1][np.newaxis, :]
    rule = double_rule([rescale.output], written.zero_point, limits, written.format)
    wanted = requantized(sums.reshape(1, -1), rule, written.format).reshape(sums.shape)
    found = _factors(call, rescale, read, limits, wanted)
    if found is None:
        scaled = [call.inner_table(source, tables[place], f".input{place}") for place, source in enumerate(sources)]
        return _summed(call, scaled[0], scaled[1], rescale, limits)
    factors, offset, plain = found
    op = IntegerAdd(
        call.name, (sources[0].tensor, sources[1].tensor), call.name, (0, 0), (1, 1), 2, plain, factors, offset
    )
    return call.owner.put(op, call.owner.tensors[sources[0].tensor].shape, written)


def _factors(
    call: Call, rescale: Rescale, read: tuple[Quantization, Quantization], limits: Pair, wanted: IntegerArray
) -> tuple[Pair, int, Requantize] | None:
    """Factors of the least shift whose rounded sum is the kernel's result for every pair."""
    written = call.written
    scales = [q.step / written.step for q in read]
    values = [np.arange(q.format.minimum, q.format.maximum + 1, dtype=np.int64) - q.zero_point for q in read]
    for shift in range(MAX_SHIFT + 1):
        factors = round(scales[0] * 2**shift), rescale.sign * round(scales[1] * 2**shift)
        if not all(factors) or max(abs(factor) for factor in factors) >= 1 << 30:
            continue
        sums = factors[0] * values[0][:, np.newaxis] + factors[1] * values[1][np.newaxis, :]
        for rounding in ("half_up", "half_away"):
            rule = Requantize((shift,), rounding, zero_point=written.zero_point, low=limits[0], high=limits[1])
            rule = without_idle_limits(rule, written.format)
            result = requantized(sums.reshape(1, -1), rule, written.format).reshape(sums.shape)
            if np.array_equal(result, wanted):
                offset = -sum(factor * q.zero_point for factor, q in zip(factors, read, strict=True))
                return factors, offset, rule
    return None


def _with_constant(
    call: Call, rescale: Rescale, read: tuple[Quantization, Quantization], limits: Pair, place: int
) -> Stored:
    """One operand is a constant: one number, or one for each channel."""
    other = 1 - place
    source, written = call.image(other), call.written
    shape = call.owner.tensors[source.tensor].shape
    data = _channels(call, place, shape)
    constant = rescale.operand(data, place, read[place].zero_point)
    signs = (1, rescale.sign)
    rule = double_rule([rescale.output], written.zero_point, limits, written.format)
    if read[0].format.width == 8 and constant.size == 1:
        values = np.arange(read[other].format.minimum, read[other].format.maximum + 1, dtype=np.int64)
        sums = signs[other] * rescale.operand(values, other, read[other].zero_point) + signs[place] * constant
        return call.table(source, requantized(sums.reshape(1, -1), rule, written.format)[0], written)
    if read[0].format.width == 8:
        values = np.arange(read[other].format.minimum, read[other].format.maximum + 1, dtype=np.int64)
        scaled = call.inner_table(source, rescale.operand(values, other, read[other].zero_point), f".input{other}")
    else:
        scaled = _scaled(call, source, rescale, other)
    factors = np.full(shape[2], signs[other], np.int64)
    offsets = np.broadcast_to(signs[place] * constant, (shape[2],)).astype(np.int64)
    op = IntegerScale(call.name, (scaled.tensor,), call.name, factors, offsets, None, 2, 2, rule)
    return Stored(call.owner.put(op, shape, written).tensor, source.shape)


def _channels(call: Call, place: int, shape: ImageShape) -> IntegerArray:
    """A constant operand as one number or one for each channel."""
    tensor = call.constant(place)
    assert tensor.data is not None
    values: IntegerArray = tensor.data.astype(np.int64)
    if values.size == 1:
        return values.reshape(1)
    if values.size != shape[2] or (values.ndim and values.shape[-1] != shape[2]):
        raise UnsupportedError(
            f"{call.where}: a constant of shape {list(values.shape)}; supported: one number, or one for each of"
            f" {shape[2]} channels"
        )
    return values.reshape(-1)


def multiply(call: Call) -> None:
    """MUL."""
    first, second = _operands(call)
    written, limits = call.written, call.limits()
    product = np.float32(first.scale) * np.float32(second.scale)
    found = quantize_multiplier(float(product / np.float32(written.scale)))
    if found[0] == 0:
        raise UnsupportedError(f"{call.where}: a scale that LiteRT's kernel takes as 0")
    rule = double_rule([found], written.zero_point, limits, written.format)
    constants = [call.is_constant(place) for place in (0, 1)]
    if all(constants):
        raise UnsupportedError(f"{call.where}: joins two constants; convert the model with its constants folded")
    if any(constants):
        call.write(_times_constant(call, (first, second), rule, constants.index(True)))
        return
    sources = _together(call)
    op = IntegerMultiply(
        call.name, (sources[0].tensor, sources[1].tensor), call.name, 2, rule, (first.zero_point, second.zero_point)
    )
    call.write(call.owner.put(op, call.owner.tensors[sources[0].tensor].shape, written))


def _times_constant(call: Call, read: tuple[Quantization, Quantization], rule: Requantize, place: int) -> Stored:
    other = 1 - place
    source, written = call.image(other), call.written
    shape = call.owner.tensors[source.tensor].shape
    factors = _channels(call, place, shape) - read[place].zero_point
    zero, fmt = read[other].zero_point, read[other].format
    if factors.size == 1 and fmt.width == 8:
        values = (np.arange(fmt.minimum, fmt.maximum + 1, dtype=np.int64) - zero) * factors
        return call.table(source, requantized(values.reshape(1, -1), rule, written.format)[0], written)
    scale = np.broadcast_to(factors, (shape[2],)).astype(np.int64)
    width = max(2, int(np.abs(scale).max()).bit_length() + 1)
    op = IntegerScale(call.name, (source.tensor,), call.name, scale, -zero * scale, None, width, 2, rule)
    return Stored(call.owner.put(op, shape, written).tensor, source.shape)


def rescale_plain(call: Call, source: Stored, rule: Requantize, end: str = "") -> Stored:
    """Integers less their zero point through one requantizer: QUANTIZE and ReLUs of 16 bits."""
    tensor = call.owner.tensors[source.tensor]
    ones = np.ones(tensor.shape[2], np.int64)
    op = IntegerScale(
        f"{call.name}{end}", (tensor.name,), f"{call.name}{end}", ones, -tensor.zero_point * ones, None, 2, 2, rule
    )
    return Stored(call.owner.put(op, tensor.shape, call.written).tensor, source.shape)
