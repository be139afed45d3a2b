"""Convolutions, matrix products and means of quantized tensors, as accumulators that wait for their quantizer."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format
from ...integer.accumulators import operator_bounds
from ...integer.graph import IntegerAffine, IntegerConvolution, Pair
from ...model.importers.onnx.builder import Call, graph_shape
from ...model.importers.onnx.convolutions import _extents
from ...model.importers.onnx.pools import _overhang
from ...model.importers.onnx.windows import Window, model_shape, read_window
from .completing import weights
from .conversion import image_of
from .reading import FORMATS, conversion, format_of, grid, integers, make_quantized, quantized, rational, real, scales
from .values import Accumulated, Grid, Quantized, Stored

BIAS_TOLERANCE = Fraction(1, 1 << 22)
"""How far the float32 scale of a bias may be from the exact product of the other two: it was rounded once."""


def _weight(call: Call, index: int, axis: int) -> Quantized:
    """Constant weights with their output channels along `axis`."""
    found = quantized(call, index)
    if found is not None:
        return found
    rank = call.parameter(index).ndim
    if rank <= axis:
        raise ModelError(f"{call.where}: weights of {rank} axes; at least {axis + 1} are needed")
    return weights(call, index, axis, conversion(call))


def _shifted(call: Call, weight: Quantized) -> NDArray[np.int64]:
    """The weights less their zero points: an asymmetric weight of 8 bits takes 9."""
    extent = weight.integers.shape[weight.axis : weight.axis + 1]
    if any(values.size != 1 and values.shape != extent for values in (weight.zero_point, weight.scale)):
        raise ModelError(f"{call.where}: scales or zero points do not fit weights of shape {weight.integers.shape}")
    if weight.integers.size == 0:
        raise ModelError(f"{call.where}: weights of shape {weight.integers.shape} are empty")
    if weight.zero_point.size == 1:
        return weight.integers - int(weight.zero_point[0])
    shape = [1] * weight.integers.ndim
    shape[weight.axis] = -1
    shifted: NDArray[np.int64] = weight.integers - weight.zero_point.reshape(shape)
    return shifted


def _format(values: NDArray[np.int64], declared: int) -> Format:
    """The signed format of weights: as many bits as the file declares, or as they need without their zero point."""
    least, greatest = int(values.min()), int(values.max())
    width = max(greatest.bit_length(), (-least - 1).bit_length() if least < 0 else 0) + 1
    return Format(max(2, declared, width), 0)


def _bias(
    call: Call, index: int, outputs: int, unit: tuple[Fraction, ...], exact: bool
) -> tuple[NDArray[np.int64], tuple[Fraction, ...]]:
    """The bias in whole accumulator steps, and what is left of it as real numbers.

    With `exact` the input holds the integers themselves, as QLinearConv has them.
    """
    none = np.zeros(outputs, np.int64), (Fraction(0),)
    if not call.has(index):
        return none
    constant = quantized(call, index)
    if exact or (constant is not None and _same_scale(constant, unit)):
        values = constant.integers if constant is not None else call.constant(index).astype(np.int64)
        if values.size not in (1, outputs):
            raise ModelError(f"{call.where}: {values.size} biases for {outputs} outputs")
        return np.broadcast_to(values.reshape(-1), (outputs,)).copy(), none[1]
    if constant is not None:
        steps = rational(constant.scale)
        flat = (constant.integers - constant.zero_point).reshape(-1).tolist()
        reals = [value * steps[i if len(steps) > 1 else 0] for i, value in enumerate(flat)]
    else:
        reals = list(rational(call.parameter(index)))
    if len(reals) not in (1, outputs):
        raise ModelError(f"{call.where}: {len(reals)} biases for {outputs} outputs")
    reals, units = (values * outputs if len(values) == 1 else values for values in (reals, list(unit)))
    whole = [round(value / step) for value, step in zip(reals, units, strict=True)]
    if max(abs(value) for value in whole) >= 1 << 40:
        raise UnsupportedError(f"{call.where}: a bias is more than 2**40 accumulator steps")
    rest = tuple(value - count * step for value, count, step in zip(reals, whole, units, strict=True))
    return np.array(whole, np.int64), rest


def _same_scale(bias: Quantized, unit: tuple[Fraction, ...]) -> bool:
    steps = rational(bias.scale)
    if bias.zero_point.any() or (len(steps) > 1 and len(unit) not in (1, len(steps))):
        return False
    pairs = zip(steps * max(1, len(unit) // len(steps)), unit * max(1, len(steps) // len(unit)), strict=False)
    return all(abs(step / one - 1) <= BIAS_TOLERANCE for step, one in pairs)


def _proved(call: Call, op: IntegerConvolution | IntegerAffine, fmt: Format) -> IntegerConvolution | IntegerAffine:
    width = max(2, operator_bounds(op, fmt).width)
    if width > 64:
        raise UnsupportedError(f"{call.where}: needs accumulators of {width} bits; to 64")
    return replace(op, accumulator_width=width)


def _convolve(call: Call, source: Stored, weight: Quantized, bias_index: int, exact: bool) -> Accumulated:
    owner = conversion(call)
    source = owner.image(source, call.node.name)
    values = _shifted(call, weight)
    if values.ndim != len(source.shape) + 1 or values.ndim not in (3, 4):
        raise ModelError(f"{call.where}: weights of shape {values.shape} do not fit an input of shape {source.shape}")
    if weight.axis != 0 and weight.scale.size > 1:
        raise UnsupportedError(f"{call.where}: scales along axis {weight.axis} of the weights; supported: 0")
    values = values if values.ndim == 4 else values[:, :, None, :]
    window = read_window(call, source, (values.shape[2], values.shape[3]))
    groups = call.attributes.integer("group", 1)
    outputs, channels = values.shape[0], source.shape[0]
    if groups < 1 or channels % groups or outputs % groups or values.shape[1] * groups != channels:
        raise ModelError(
            f"{call.where}: weights of shape {values.shape} with {groups} groups do not fit {channels} channels"
        )
    return _window_sums(
        call,
        source,
        values,
        weight.scale,
        window,
        groups,
        _extents(call, source, window),
        weight.format.width,
        bias_index,
        exact,
    )


def _window_sums(
    call: Call,
    source: Stored,
    values: NDArray[np.int64],
    steps: NDArray[np.float32],
    window: Window,
    groups: int,
    sizes: Pair,
    bits: int,
    bias_index: int,
    exact: bool,
) -> Accumulated:
    """A convolution whose padding is the input's zero point, which its bias takes away from every tap."""
    read, outputs = conversion(call).grid(source), values.shape[0]
    unit = tuple(read.exact * step for step in rational(steps))
    bias, rest = _bias(call, bias_index, outputs, unit, exact)
    bias = bias - read.zero_point * values.sum(axis=(1, 2, 3))
    op = IntegerConvolution(
        call.node.name, (source.tensor,), "", np.ascontiguousarray(values.transpose(0, 2, 3, 1)), bias,
        _format(values, bits), (0,) * outputs, window.stride, window.padding, window.dilation, groups,
        read.zero_point, 2, None, tuple(float(step) for step in steps),
    )  # fmt: skip
    shape = model_shape(source, outputs, *sizes)
    return Accumulated(
        call.node.outputs[0],
        shape,
        _proved(call, op, read.format),
        image_of(shape),
        unit,
        rest,
    )


def _multiply_matrix(
    call: Call, source: Stored, weight: Quantized, outputs_axis: int, bias_index: int, exact: bool
) -> Accumulated:
    """A matrix product with weights of two axes."""
    owner, values = conversion(call), _shifted(call, weight)
    if values.ndim != 2 or len(source.shape) != 1:
        raise UnsupportedError(
            f"{call.where}: weights of shape {values.shape} on an input of shape {source.shape}; supported: two axes on"
            " a vector; put Flatten before"
        )
    if weight.scale.size > 1 and weight.axis != outputs_axis:
        raise UnsupportedError(f"{call.where}: scales along the inputs of the weights; supported: along the outputs")
    values = values if outputs_axis == 0 else values.T
    tensor, read = owner.stored[source.tensor], owner.grid(source)
    outputs = values.shape[0]
    if values.shape[1] != source.shape[0]:
        raise ModelError(f"{call.where}: weights for {values.shape[1]} features; the input has {source.shape[0]}")
    unit = tuple(read.exact * step for step in rational(weight.scale))
    bias, rest = _bias(call, bias_index, outputs, unit, exact)
    height, width, channels = tensor.shape
    ordered = values.reshape(outputs, channels, height, width).transpose(0, 2, 3, 1).reshape(outputs, -1)
    op = IntegerAffine(
        call.node.name, (tensor.name,), "", np.ascontiguousarray(ordered), bias - read.zero_point * values.sum(axis=1),
        _format(values, weight.format.width), (0,) * outputs, 2, None, tuple(float(step) for step in weight.scale),
    )  # fmt: skip
    return Accumulated(
        call.node.outputs[0],
        (outputs,),
        _proved(call, op, read.format),
        (1, 1, outputs),
        unit,
        rest,
    )


def _set(call: Call, value: Accumulated) -> None:
    call.builder.tensors[call.node.outputs[0]] = value


def _finish(call: Call, value: Accumulated, target: Grid) -> None:
    """Round the accumulators of a node that has its output's scale and zero point in itself."""
    owner, output = conversion(call), call.node.outputs[0]
    tensor = owner.quantize(value, target, output, call.where, call.node.name)
    owner.tensors[output] = Stored(output, value.shape, tensor, False)


def conv(call: Call) -> None:
    """Conv between DequantizeLinear and QuantizeLinear."""
    call.count(2, 3)
    _set(call, _convolve(call, real(call, 0), _weight(call, 1, 0), 2, False))


def gemm(call: Call) -> None:
    """Gemm between DequantizeLinear and QuantizeLinear."""
    call.count(2, 3)
    _plain_gemm(call)
    axis = 0 if call.attributes.flag("transB") else 1
    _set(call, _multiply_matrix(call, real(call, 0), _weight(call, 1, axis), axis, 2, False))


def _plain_gemm(call: Call) -> None:
    attributes = call.attributes
    if attributes.flag("transA") or attributes.real("alpha", 1.0) != 1.0 or attributes.real("beta", 1.0) != 1.0:
        raise UnsupportedError(f"{call.where}: transA, alpha or beta is set; supported: 0, 1 and 1")


def matrix_product(call: Call) -> None:
    """MatMul between DequantizeLinear and QuantizeLinear."""
    call.count(2, 2)
    _set(call, _multiply_matrix(call, real(call, 0), _weight(call, 1, 1), 1, 2, False))


def qlinear_conv(call: Call) -> None:
    """QLinearConv."""
    call.count(8, 9)
    read = grid(call, 1, 2)
    value = _convolve(call, integers(call, 0, read), make_quantized(call, 3, 0), 8, True)
    _finish(call, value, grid(call, 6, 7))


def qlinear_matrix_product(call: Call) -> None:
    """QLinearMatMul with constant weights."""
    call.count(8, 8)
    read = grid(call, 1, 2)
    value = _multiply_matrix(call, integers(call, 0, read), make_quantized(call, 3, 1), 1, 8, True)
    _finish(call, value, grid(call, 6, 7))


def qgemm(call: Call) -> None:
    """QGemm of onnxruntime; without a scale of the output it leaves real numbers."""
    call.count(6, 9)
    _plain_gemm(call)
    transposed = call.attributes.flag("transB")
    read, axis = grid(call, 1, 2), 0 if transposed else 1
    value = _multiply_matrix(call, integers(call, 0, read), make_quantized(call, 3, axis), axis, 6, True)
    if call.has(7):
        _finish(call, value, grid(call, 7, 8))
    else:
        _set(call, value)


def _integer_input(call: Call, zero_index: int) -> Stored:
    """The input of ConvInteger or MatMulInteger, which has a zero point and no scale: a scale of 1."""
    value = call.tensor(0)
    zero = int(call.constant(zero_index).reshape(-1)[0]) if call.has(zero_index) else 0
    if call.has(zero_index) and call.constant(zero_index).size != 1:
        raise UnsupportedError(f"{call.where}: several zero points of the input; supported: one")
    if not isinstance(value, Stored) or value.real:
        raise UnsupportedError(f"{call.where}: input 0 is no tensor of integers; put a QuantizeLinear before it")
    known = conversion(call).grid(value)
    scale = 1.0 if conversion(call).stored[value.tensor].scale is None else known.scale
    return integers(call, 0, Grid(scale, zero, known.format))


def _integer_weight(call: Call, zero_index: int, axis: int) -> Quantized:
    array = call.constant(1)
    fmt = format_of(array)
    if fmt is None:
        raise UnsupportedError(f"{call.where}: weights of type {array.dtype}; supported: {', '.join(FORMATS)}")
    zero = call.constant(zero_index).astype(np.int64).reshape(-1) if call.has(zero_index) else np.zeros(1, np.int64)
    return Quantized(array.astype(np.int64), np.ones(1, np.float32), zero, axis, fmt)


def conv_integer(call: Call) -> None:
    """ConvInteger: the accumulators themselves."""
    call.count(2, 4)
    value = _convolve(call, _integer_input(call, 2), _integer_weight(call, 3, 0), 4, True)
    _set(call, replace(value, integers=True))


def matrix_product_integer(call: Call) -> None:
    """MatMulInteger: the accumulators themselves."""
    call.count(2, 4)
    value = _multiply_matrix(call, _integer_input(call, 2), _integer_weight(call, 3, 1), 1, 4, True)
    _set(call, replace(value, integers=True))


def _mean(call: Call, source: Stored, window: Window, sizes: Pair) -> Accumulated:
    """A mean as a convolution of ones for each channel, its divisor in the scale."""
    count = source.shape[0]
    ones = np.ones((count, 1, *window.kernel), np.int64)
    value = _window_sums(
        call, source, ones, np.ones(1, np.float32), window, count, sizes, 2, len(call.node.inputs), True
    )
    taps = math.prod(window.kernel)
    # The step of the ones tells readers of the graph what the sums are worth.
    assert isinstance(value.operator, IntegerConvolution)
    op = replace(value.operator, weight_scale=(1 / taps,))
    return replace(value, operator=op, scales=tuple(scale / taps for scale in value.scales))


def average(call: Call, source: Stored) -> Accumulated:
    """AveragePool; without the padding in the count only where there is none."""
    source = conversion(call).image(source, call.node.name)
    window = read_window(call, source, None)
    padding, sizes = _overhang(call, source, window, call.attributes.flag("ceil_mode"))
    if any(padding) and (not call.attributes.flag("count_include_pad") or padding != window.padding):
        raise UnsupportedError(
            f"{call.where}: means over the pixels inside the image of windows that overlap its border; pad with Pad, or"
            " use count_include_pad"
        )
    call.attributes.skip("count_include_pad")
    return _mean(call, source, window, sizes)


def whole_average(call: Call, source: Stored) -> Accumulated:
    """GlobalAveragePool."""
    source = conversion(call).image(source, call.node.name)
    _, height, width = graph_shape(source.shape)
    window = Window((height, width), (1, 1), (1, 1), (0, 0, 0, 0))
    return _mean(call, source, window, (1, 1))


def average_pooling(call: Call) -> None:
    """AveragePool between DequantizeLinear and QuantizeLinear."""
    call.count(1, 1)
    _set(call, average(call, real(call, 0)))


def global_average(call: Call) -> None:
    """GlobalAveragePool between DequantizeLinear and QuantizeLinear."""
    call.count(1, 1)
    _set(call, whole_average(call, real(call, 0)))


def qlinear_average(call: Call) -> None:
    """QLinearAveragePool of onnxruntime."""
    _channels_first(call)
    call.count(4, 5)
    _finish(call, average(call, integers(call, 0, grid(call, 1, 2, FORMATS["uint8"]))), _target(call))


def qlinear_global_average(call: Call) -> None:
    """QLinearGlobalAveragePool of onnxruntime."""
    _channels_first(call)
    call.count(4, 5)
    _finish(call, whole_average(call, integers(call, 0, grid(call, 1, 2, FORMATS["uint8"]))), _target(call))


def _target(call: Call) -> Grid:
    """The grid of the output in inputs 3 and 4; without a zero point the type is the input's."""
    value = call.tensor(0)
    assert isinstance(value, Stored)
    scales(call, 3)
    return grid(call, 3, 4, conversion(call).grid(value).format)


def _channels_first(call: Call) -> None:
    if call.attributes.integer("channels_last"):
        raise UnsupportedError(f"{call.where}: channels_last is 1; supported: 0, as QDQ models have it")
