"""Quantizers and operators element by element: what they make of values that are not rounded yet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError, UnsupportedError
from ...integer.graph import IntegerAffine, IntegerConvolution, IntegerMultiply
from ...model.functions import evaluate
from ...model.importers.onnx.builder import Call, Tensor
from .conversion import MAX_TABLE_WIDTH, image_of, proved_multiply
from .reading import (
    DTYPES,
    FORMATS,
    conversion,
    dequantized,
    grid,
    integers,
    make_quantized,
    quantized,
    rational,
    real,
    scales,
    zero_points,
)
from .values import Accumulated, Data, Function, Grid, Joined, Quantized, Stored, Sum

Real = NDArray[np.float64]


def quantize_linear(call: Call) -> None:
    """QuantizeLinear, of constants too."""
    call.count(2, 3)
    axis, output = call.attributes.integer("axis", 1), call.node.outputs[0]
    call.attributes.skip("saturate")
    if call.is_constant(0):
        call.builder.constants[output] = _quantized_constant(call, axis)
        return
    target, owner = grid(call, 1, 2, FORMATS["uint8"]), conversion(call)
    value = call.tensor(0)
    tensor = owner.quantize(value, target, output, call.where, call.node.name)
    owner.tensors[output] = Stored(output, value.shape, tensor, False)


def _quantized_constant(call: Call, axis: int) -> NDArray[Any]:
    """Weights that the file keeps as real numbers: divided and rounded half to even, as exact rationals."""
    array, step, zero = call.parameter(0), scales(call, 1), zero_points(call, 2)
    zeros, fmt = zero if zero is not None else (np.zeros(1, np.int64), FORMATS["uint8"])
    shape = [1] * array.ndim
    if step.size > 1:
        axis += array.ndim if axis < 0 else 0
        if array.shape[axis : axis + 1] != step.shape:
            raise ModelError(f"{call.where}: {step.size} scales for axis {axis} of shape {array.shape}")
        shape[axis] = -1
    # The quotient of two float32 is never so near to a tie that float64 could not tell the side.
    quotient = array.astype(np.float64) / step.astype(np.float64).reshape(shape if step.size > 1 else [1] * array.ndim)
    whole = np.rint(quotient) + (zeros.reshape(shape) if zeros.size > 1 else zeros.reshape(-1)[0])
    name = next(name for name, known in FORMATS.items() if known == fmt)
    clipped: NDArray[Any] = np.clip(whole, fmt.minimum, fmt.maximum).astype(DTYPES[name].str)
    return clipped.view(DTYPES[name])


def dequantize_linear(call: Call) -> None:
    """DequantizeLinear, of constants too."""
    call.count(2, 3)
    axis, output = call.attributes.integer("axis", 1), call.node.outputs[0]
    owner = conversion(call)
    if call.is_constant(0):
        rank = call.constant(0).ndim
        owner.quantized[output] = make_quantized(call, 0, axis + rank if axis < 0 else axis)
        return
    value = call.tensor(0)
    if isinstance(value, Accumulated) and value.integers:
        _dequantize_sums(call, value)
        return
    if not isinstance(value, Stored) or value.real:
        raise UnsupportedError(f"{call.where}: input 0 is no tensor of integers; put a QuantizeLinear before it")
    stated = grid(call, 1, 2, owner.grid(value).format)
    owner.tensors[output] = replace(dequantized(call, value, stated), name=output)


def _dequantize_sums(call: Call, value: Accumulated) -> None:
    step, zero = scales(call, 1), zero_points(call, 2)
    if zero is not None and zero[0].any():
        raise UnsupportedError(f"{call.where}: a zero point of accumulators; supported: 0")
    _set(call, replace(value, scales=rational(step), integers=False))


def _set(call: Call, value: Tensor) -> None:
    call.builder.tensors[call.node.outputs[0]] = replace(value, name=call.node.outputs[0])


def unary(function: str, *parameters: tuple[str, float]) -> Callable[[Call], None]:
    """A function of one number by its name in `fpgaq.model.functions`, with attributes and their defaults."""

    def convert(call: Call) -> None:
        call.count(1, 1)
        values = tuple(call.attributes.real(name, default) for name, default in parameters)
        _apply(call, lambda x: evaluate(function, values, x))

    return convert


def _apply(call: Call, compute: Callable[[Real], NDArray[Any]]) -> None:
    """A function of the real values of a stored tensor, or of another function of them."""
    value = call.tensor(0)
    if isinstance(value, Function):
        inner = value.compute
        _set(call, replace(value, compute=lambda x: compute(np.asarray(inner(x), np.float64))))
        return
    source = real(call, 0)
    _set(call, Function(source.name, source.shape, source, compute))


def relu(call: Call) -> None:
    """Relu: a lower limit of what is not rounded yet, else a table."""
    call.count(1, 1)
    _clip(call, Fraction(0), None)


def clip(call: Call) -> None:
    """Clip at constants."""
    if call.opset < 11:
        call.count(1, 1)
        ends = [call.attributes.real(name, math.nan) if name in call.attributes else None for name in ("min", "max")]
    else:
        call.count(1, 3)
        ends = [float(_real_constant(call, index)[0].reshape(-1)[0]) if call.has(index) else None for index in (1, 2)]
    low, high = (None if end is None else Fraction(end) for end in ends)
    _clip(call, low, high)


def _clip(call: Call, low: Fraction | None, high: Fraction | None) -> None:
    value = call.tensor(0)
    owner = conversion(call)
    if isinstance(value, Stored) and value.real and owner.stored[value.tensor].format.width > MAX_TABLE_WIDTH:
        value = owner.as_sums(value, call.node.name)
    if isinstance(value, Accumulated | Sum) and not (isinstance(value, Accumulated) and value.integers):
        if low is not None:
            low = low if value.low is None else max(low, value.low)
            value = replace(value, low=low, high=None if value.high is None else max(value.high, low))
        if high is not None:
            high = high if value.high is None else min(high, value.high)
            value = replace(value, high=high, low=None if value.low is None else min(value.low, high))
        _set(call, value)
        return
    least, greatest = (-math.inf if low is None else float(low)), (math.inf if high is None else float(high))
    _apply(call, lambda x: np.clip(x, least, greatest))


def _real_constant(call: Call, index: int) -> tuple[NDArray[np.float64], Quantized | None]:
    constant = quantized(call, index)
    if constant is None:
        return call.parameter(index).astype(np.float64), None
    shape = [1] * constant.integers.ndim
    if constant.axis < len(shape):
        shape[constant.axis] = -1
    step, zero = (
        values.reshape(shape) if values.size > 1 else values.reshape(-1)[0]
        for values in (constant.scale.astype(np.float64), constant.zero_point)
    )
    return (constant.integers - zero) * step, constant


def _is_constant(call: Call, index: int) -> bool:
    return call.is_constant(index) or quantized(call, index) is not None


def _per_channel(call: Call, index: int, value: Tensor) -> tuple[Fraction, ...]:
    """A constant operand as one number for all or one for each channel."""
    array = _real_constant(call, index)[0]
    if array.size == 1:
        return rational(array)
    channels, rank = value.shape[0], len(value.shape) + 1
    full = (1,) * (rank - array.ndim) + array.shape
    if len(full) != rank or full[1] != channels or array.size != channels:
        raise UnsupportedError(
            f"{call.where}: a constant of shape {array.shape} on a tensor of shape {value.shape}; supported: one"
            " number, or one for each channel"
        )
    return rational(array)


def _spread(left: tuple[Fraction, ...], right: tuple[Fraction, ...]) -> zip[tuple[Fraction, Fraction]]:
    count = max(len(left), len(right))
    return zip(left * (count // len(left)), right * (count // len(right)), strict=True)


def _affine(call: Call, value: Tensor, factor: tuple[Fraction, ...], constant: tuple[Fraction, ...]) -> None:
    """A factor and a constant on a value."""
    if isinstance(value, Data) and len(factor) == len(constant) == 1:
        _set(
            call,
            replace(value, factor=value.factor * factor[0], offset=value.offset * factor[0] + constant[0]),
        )
    elif isinstance(value, Accumulated) and value.low is None and value.high is None:
        _set(call, _scaled(call, value, factor, constant))
    elif (
        isinstance(value, Sum)
        and set(factor) == {Fraction(1)}
        and len(constant) == 1
        and value.low is None is value.high
    ):
        _set(call, replace(value, offset=value.offset + constant[0]))
    elif len(factor) == len(constant) == 1:
        by, plus = float(factor[0]), float(constant[0])
        _apply(call, lambda x: x * by + plus)
    else:
        raise UnsupportedError(f"{call.where}: a factor or constant for each channel of a rounded tensor; fold it")


def _scaled(
    call: Call, value: Accumulated, factor: tuple[Fraction, ...], constant: tuple[Fraction, ...]
) -> Accumulated:
    """Accumulators with other scales and offsets; a negative factor turns the signs of its weights."""
    if any(one == 0 for one in factor):
        raise UnsupportedError(f"{call.where}: multiplies by 0; remove what it makes constant")
    signs = [1 if one > 0 else -1 for one in factor]
    op = value.operator
    if -1 in signs:
        if isinstance(op, IntegerMultiply):
            raise UnsupportedError(f"{call.where}: a product of tensors times a negative constant; supported: positive")
        turned = np.array(signs * (len(op.bias) // len(signs)), np.int64)
        weight = op.weight * turned.reshape(-1, *(1,) * (op.weight.ndim - 1))
        op = _turned(op, weight, op.bias * turned)
    scaled = tuple(abs(scale * by) for scale, by in _spread(value.scales, factor))
    moved = [offset * by for offset, by in _spread(value.offsets, factor)]
    offsets = tuple(offset + plus for offset, plus in _spread(tuple(moved), constant))
    return replace(value, operator=op, scales=scaled, offsets=offsets)


def _turned(
    op: IntegerConvolution | IntegerAffine, weight: NDArray[np.int64], bias: NDArray[np.int64]
) -> IntegerConvolution | IntegerAffine:
    """Turned weights of the least value need a bit more, accumulators of the least sum too."""
    fmt = op.weight_format
    wide = replace(fmt, width=fmt.width + 1) if weight.max() > fmt.maximum else fmt
    return replace(op, weight=weight, bias=bias, weight_format=wide, accumulator_width=op.accumulator_width + 1)


def add(call: Call) -> None:
    """Add: of two tensors a sum, of a constant an offset."""
    _add(call, 1)


def subtract(call: Call) -> None:
    """Sub."""
    _add(call, -1)


def _add(call: Call, sign: int) -> None:
    call.count(2, 2)
    for index in (0, 1):
        if _is_constant(call, 1 - index):
            value = call.tensor(index)
            constant = _per_channel(call, 1 - index, value)
            factor = Fraction(sign if index == 1 else 1)
            plus = tuple(one * (sign if index == 0 else 1) for one in constant)
            _affine(call, value, (factor,), plus)
            return
    sources = tuple(real(call, index) for index in (0, 1))
    if sources[0].shape != sources[1].shape:
        raise UnsupportedError(
            f"{call.where}: adds shapes {sources[0].shape} and {sources[1].shape}; equal ones needed"
        )
    _set(call, Sum("", sources[0].shape, sources, (1, sign)))


def multiply(call: Call) -> None:
    """Mul: of two tensors a product, of a constant a factor."""
    call.count(2, 2)
    for index in (0, 1):
        if _is_constant(call, 1 - index):
            value = call.tensor(index)
            _affine(call, value, _per_channel(call, 1 - index, value), (Fraction(0),))
            return
    _set(call, _product(call, (real(call, 0), real(call, 1))))


def divide(call: Call) -> None:
    """Div by a constant."""
    call.count(2, 2)
    value = call.tensor(0)
    by = _per_channel(call, 1, value)
    if not all(by):
        raise ModelError(f"{call.where}: divides by 0")
    _affine(call, value, tuple(1 / one for one in by), (Fraction(0),))


def batch_normalization(call: Call) -> None:
    """BatchNormalization at inference, its factor and offset as float64 has them."""
    call.count(5, 5)
    call.attributes.skip("momentum", "spatial")
    epsilon, value = call.attributes.real("epsilon", 1e-5), call.tensor(0)
    if call.opset >= 14:
        call.attributes.only("training_mode", 0, 0)
    scale, offset, mean, variance = (call.parameter(index).astype(np.float64) for index in range(1, 5))
    if any(array.shape != value.shape[:1] for array in (scale, offset, mean, variance)):
        raise ModelError(f"{call.where}: parameters of {scale.shape}; expected one for each of {value.shape[:1]}")
    if not (variance + epsilon > 0).all():
        raise ModelError(f"{call.where}: a variance is negative")
    by, middle, constant = rational(scale / np.sqrt(variance + epsilon)), rational(mean), rational(offset)
    _affine(call, value, by, tuple(b - m * f for b, m, f in zip(constant, middle, by, strict=True)))


def _product(call: Call, sources: tuple[Stored, Stored]) -> Accumulated:
    owner = conversion(call)
    first, second = (owner.image(source, call.node.name) for source in sources)
    if first.shape != second.shape:
        raise UnsupportedError(f"{call.where}: multiplies shapes {first.shape} and {second.shape}; equal ones needed")
    grids = owner.grid(first), owner.grid(second)
    zeros = grids[0].zero_point, grids[1].zero_point
    op = IntegerMultiply(call.node.name, (first.tensor, second.tensor), "", 2, None, zeros)  # type: ignore[arg-type]
    op = proved_multiply(op, [one.format for one in grids])
    unit = grids[0].exact * grids[1].exact
    return Accumulated(call.node.outputs[0], first.shape, op, image_of(first.shape), (unit,), (Fraction(0),))


def _emit(call: Call, value: Tensor, target: Grid) -> None:
    owner, output = conversion(call), call.node.outputs[0]
    tensor = owner.quantize(value, target, output, call.where, call.node.name)
    owner.tensors[output] = Stored(output, value.shape, tensor, False)


def qlinear_add(call: Call) -> None:
    """QLinearAdd of onnxruntime."""
    call.count(7, 8)
    sources = tuple(integers(call, index, grid(call, index + 1, index + 2, FORMATS["uint8"])) for index in (0, 3))
    if sources[0].shape != sources[1].shape:
        raise UnsupportedError(
            f"{call.where}: adds shapes {sources[0].shape} and {sources[1].shape}; equal ones needed"
        )
    _emit(call, Sum("", sources[0].shape, sources, (1, 1)), grid(call, 6, 7, FORMATS["uint8"]))


def qlinear_multiply(call: Call) -> None:
    """QLinearMul of onnxruntime."""
    call.count(7, 8)
    first, second = (integers(call, index, grid(call, index + 1, index + 2, FORMATS["uint8"])) for index in (0, 3))
    _emit(call, _product(call, (first, second)), grid(call, 6, 7, FORMATS["uint8"]))


def qlinear_function(function: str, *parameters: tuple[str, float]) -> Callable[[Call], None]:
    """QLinearSigmoid and QLinearLeakyRelu of onnxruntime: tables."""

    def convert(call: Call) -> None:
        call.count(4, 5)
        values = tuple(call.attributes.real(name, default) for name, default in parameters)
        source = integers(call, 0, grid(call, 1, 2, FORMATS["uint8"]))
        value = Function("", source.shape, source, lambda x: evaluate(function, values, x))
        _emit(call, value, grid(call, 3, 4, FORMATS["uint8"]))

    return convert


def qlinear_concatenate(call: Call) -> None:
    """QLinearConcat of onnxruntime: inputs of different scales through tables."""
    if len(call.node.inputs) < 5 or len(call.node.inputs) % 3 != 2:
        raise ModelError(f"{call.where}: {len(call.node.inputs)} inputs; expected 2 and 3 for each tensor")
    parts = tuple(
        integers(call, index, grid(call, index + 1, index + 2)) for index in range(2, len(call.node.inputs), 3)
    )
    _emit(call, _joined(call, parts), grid(call, 0, 1))


def concatenate(call: Call) -> None:
    """Concat of dequantized tensors."""
    parts = tuple(real(call, index) for index in range(len(call.node.inputs)))
    _set(call, _joined(call, parts))


def _joined(call: Call, parts: tuple[Stored, ...]) -> Joined:
    owner = conversion(call)
    parts = tuple(owner.image(part, call.node.name) for part in parts)
    rank = len(parts[0].shape)
    axis = call.axis(call.attributes.integer("axis", 1), rank)
    if axis != 0 or len({part.shape[1:] for part in parts}) != 1:
        raise UnsupportedError(
            f"{call.where}: joins axis {axis + 1} of {[part.shape for part in parts]}; supported: channels"
        )
    return Joined("", (sum(part.shape[0] for part in parts), *parts[0].shape[1:]), parts)
