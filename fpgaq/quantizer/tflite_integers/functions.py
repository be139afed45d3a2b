"""Functions of one integer: tables of 8 bits by an exact model of LiteRT's kernel, rescales of 16 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UnsupportedError
from ...base.formats import Format, IntegerArray
from ...integer.accumulators import signed_width
from ...integer.graph import IntegerAdd, IntegerScale, Requantize
from .conversion import PLAIN, Call, Quantization, Stored
from .hard_swish import hard_swish_table
from .multipliers import activation_limits, double_rule, function_table, quantize_multiplier, rescaled
from .sums import rescale_plain

Single = NDArray[np.float32]


def _values(fmt: Format) -> IntegerArray:
    return np.arange(fmt.minimum, fmt.maximum + 1, dtype=np.int64)


def _bytes(call: Call) -> None:
    """Refuse what is not of 8 bits, or whose types differ."""
    call.count(1, 1)
    if call.read.format != call.written.format:
        raise UnsupportedError(f"{call.where}: input and output of different types; supported: one type")
    if call.read.format.width != 8:
        raise UnsupportedError(
            f"{call.where}: of {call.read.format.width} bits, which LiteRT computes by interpolation; supported: 8 bits"
        )


def looked_up(function: Callable[[Single], Single]) -> Callable[[Call], None]:
    """LOGISTIC, TANH and ELU, which LiteRT computes in float32 for each of 256 integers."""

    def convert(call: Call) -> None:
        _bytes(call)
        read, written = call.read, call.written
        if call.node.type == "LOGISTIC" and float(written.scale) != 1 / 256:
            raise UnsupportedError(f"{call.where}: an output of scale {written.step:g}; LiteRT takes 1/256")
        table = function_table(
            function, (read.scale, read.zero_point, read.format), (written.scale, written.zero_point, written.format)
        )
        call.write(call.table(call.value(0), table, written))

    return convert


def _single(compute: Callable[[NDArray[np.float64]], NDArray[Any]]) -> Callable[[Single], Single]:
    """A function of the C library in float32: float64 rounded once."""

    def rounded(x: Single) -> Single:
        with np.errstate(over="ignore"):
            return np.asarray(compute(x.astype(np.float64)), np.float64).astype(np.float32)

    return rounded


def _logistic(x: Single) -> Single:
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + _single(np.exp)(-x))


def _elu(x: Single) -> Single:
    return np.where(x < 0, _single(np.expm1)(x), x).astype(np.float32)


logistic = looked_up(_logistic)
hyperbolic_tangent = looked_up(_single(np.tanh))
elu = looked_up(_elu)


def hard_swish(call: Call) -> None:
    """HARD_SWISH."""
    _bytes(call)
    read, written = call.read, call.written
    table = hard_swish_table(
        (read.scale, read.zero_point, read.format), (written.scale, written.zero_point, written.format)
    )
    if table is None:
        raise UnsupportedError(f"{call.where}: an output scale below that of the input; LiteRT refuses it too")
    call.write(call.table(call.value(0), table, written))


def relu(activation: str) -> Callable[[Call], None]:
    """RELU, RELU6 and RELU_N1_TO_1 as operators of their own, which rescale too."""

    def convert(call: Call) -> None:
        call.count(1, 1)
        read, written = call.read, call.written
        if read.format != written.format:
            raise UnsupportedError(f"{call.where}: input and output of different types; supported: one type")
        # The kernels divide in float32: 1 / scale of a ratio of float32.
        found = quantize_multiplier(float(np.float32(read.scale) / np.float32(written.scale)))
        limits = activation_limits(activation, written.scale, written.zero_point, written.format)
        rule = double_rule([found], written.zero_point, limits, written.format)
        _write_rescaled(call, rule)

    return convert


def _write_rescaled(call: Call, rule: Requantize) -> None:
    read, written = call.read, call.written
    if min(rule.multiplier) < 1:
        raise UnsupportedError(f"{call.where}: a scale that LiteRT's kernel takes as 0")
    if read.format.width == 8:
        from ...integer.requantizers import requantized

        values = (_values(read.format) - read.zero_point).reshape(1, -1)
        call.write(call.table(call.value(0), requantized(values, rule, written.format)[0], written))
        return
    call.write(rescale_plain(call, call.image(0), rule))


def requantize(call: Call) -> None:
    """QUANTIZE of integers: another scale, zero point or type."""
    call.count(1, 1)
    found = quantize_multiplier(call.read.step / call.written.step)
    written = call.written
    limits = (written.format.minimum, written.format.maximum)
    _write_rescaled(call, double_rule([found], written.zero_point, limits, written.format))


def leaky_relu(call: Call) -> None:
    """LEAKY_RELU: one multiplier for each sign."""
    call.count(1, 1)
    read, written = call.read, call.written
    alpha = np.float32(call.options.real("Alpha"))
    if read.format != written.format:
        raise UnsupportedError(f"{call.where}: input and output of different types; supported: one type")
    identity = quantize_multiplier(float(np.float32(read.scale) / np.float32(written.scale)))
    slope = quantize_multiplier(float(np.float32(read.scale) * alpha / np.float32(written.scale)))
    sign = -1 if slope[0] < 0 else 1
    slope = abs(slope[0]), slope[1]
    fmt = written.format
    if read.format.width == 8:
        values = _values(read.format) - read.zero_point
        table = np.where(values >= 0, rescaled(values, identity), sign * rescaled(values, slope)) + written.zero_point
        call.write(call.table(call.value(0), np.clip(table, fmt.minimum, fmt.maximum), written))
        return
    if read.zero_point or written.zero_point or sign < 0 or min(identity[0], slope[0]) < 1:
        raise UnsupportedError(f"{call.where}: a zero point or a negative slope of 16 bits; supported: neither")
    source = call.image(0)
    above = rescale_plain(call, source, double_rule([identity], 0, (0, fmt.maximum), fmt), ".above")
    below = rescale_plain(call, source, double_rule([slope], 0, (fmt.minimum, 0), fmt), ".below")
    call.write(_sum(call, above, below, PLAIN))


def _sum(call: Call, above: Stored, below: Stored, rule: Requantize) -> Stored:
    op = IntegerAdd(call.name, (above.tensor, below.tensor), call.name, (0, 0), (1, 1), 2, rule, (1, 1), 0)
    return call.owner.put(op, call.owner.tensors[above.tensor].shape, call.written)


def prelu(call: Call) -> None:
    """PRELU with one slope or one for each channel."""
    call.count(2, 2)
    read, written = call.read, call.written
    if read.format.width != 8 or read.format != written.format:
        raise UnsupportedError(
            f"{call.where}: of {read.format.width} bits or of two types; supported: 8 bits of one type"
        )
    source = call.image(0)
    shape = call.owner.tensors[source.tensor].shape
    slopes = _slopes(call, shape[2])
    alpha = call.quantization(call.node.inputs[1])
    scale, out = np.float32(read.scale), np.float32(written.scale)
    identity = quantize_multiplier(float(scale / out))
    slope = quantize_multiplier(float(scale * np.float32(alpha.scale) / out))
    if min(identity[0], slope[0]) < 1:
        raise UnsupportedError(f"{call.where}: a scale that LiteRT's kernel takes as 0")
    values, fmt = _values(read.format) - read.zero_point, written.format
    positive = rescaled(np.maximum(values, 0), identity)
    if len(set(slopes.tolist())) == 1:
        table = np.where(values >= 0, positive, rescaled(values * slopes[0], slope)) + written.zero_point
        call.write(call.table(source, np.clip(table, fmt.minimum, fmt.maximum), written))
        return
    above = call.inner_table(source, np.minimum(positive, 1 << 16), ".above")
    negative = call.inner_table(source, np.minimum(values, 0), ".negative")
    width = max(2, int(np.abs(slopes).max()).bit_length() + 1)
    reach = int(np.abs(rescaled(np.abs(slopes).max(keepdims=True) * -256, slope)).max()) + 1
    inner = Format(min(24, signed_width(-reach, reach)), 0)
    rule = double_rule([slope], 0, (inner.minimum, inner.maximum), inner)
    op = IntegerScale(
        f"{call.name}.below",
        (negative.tensor,),
        f"{call.name}.below",
        slopes,
        np.zeros_like(slopes),
        None,
        width,
        2,
        rule,
    )
    below = call.owner.put(op, shape, Quantization(np.float32(1), 0, inner))
    last = Requantize((0,), "half_up", zero_point=written.zero_point)
    call.write(_sum(call, above, Stored(below.tensor, source.shape), last))


def _slopes(call: Call, channels: int) -> IntegerArray:
    tensor = call.constant(1)
    assert tensor.data is not None
    slopes: IntegerArray = tensor.data.astype(np.int64) - call.quantization(call.node.inputs[1]).zero_point
    if slopes.size not in (1, channels) or (slopes.size > 1 and slopes.shape[-1] != channels):
        raise UnsupportedError(f"{call.where}: slopes of shape {list(slopes.shape)}; supported: one, or one a channel")
    return np.broadcast_to(slopes.reshape(-1), (channels,)).copy()
