"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and MEAN, as LiteRT's reference kernels compute them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format
from ...integer.accumulators import result_ranges, signed_width
from ...integer.graph import (
    ImageShape,
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerScale,
    IntegerUpsample,
    Pair,
    Requantize,
)
from ...integer.staircase import Range, channel_rule
from ...model.importers.tflite.windows import Window, read_window
from .conversion import PLAIN, Call, Quantization, Stored, image_of
from .multipliers import Multiplier, double_rule, quantize_multiplier, single_rule

WEIGHTS = ("int8", "uint8", "int16")
MAX_ACCUMULATOR = 1 << 47
"""LiteRT's kernels of 16-bit activations take accumulators below this."""


@dataclass(frozen=True)
class Weights:
    """Constant weights less their zero point, in the file's layout; `scale` is one or one for each output."""

    integers: IntegerArray
    scale: np.ndarray  # type: ignore[type-arg]
    per_channel: bool


def read_weights(call: Call, place: int, axis: int) -> Weights:
    """Weights whose scales lie along `axis`."""
    tensor = call.constant(place)
    assert tensor.data is not None
    if tensor.type not in WEIGHTS:
        raise UnsupportedError(f"{call.where}: weights of type {tensor.type}; supported: {', '.join(WEIGHTS)}")
    outputs = tensor.shape[axis] if len(tensor.shape) > axis else 0
    if tensor.scale.size not in (1, outputs) or outputs < 1:
        raise UnsupportedError(
            f"{call.where}: {tensor.scale.size} scales of weights of shape {list(tensor.shape)}; supported: one, or one"
            " for each output"
        )
    if tensor.scale.size > 1 and (tensor.axis != axis or tensor.zero_point.any()):
        raise UnsupportedError(
            f"{call.where}: weights with scales along axis {tensor.axis} or zero points; supported: along axis {axis},"
            " without"
        )
    integers = tensor.data.astype(np.int64) - int(tensor.zero_point[0])
    return Weights(integers, tensor.scale, tensor.scale.size > 1)


def read_bias(call: Call, place: int, outputs: int) -> tuple[IntegerArray, str]:
    """The bias and its type; zeros where it is left out."""
    if not call.has(place):
        return np.zeros(outputs, np.int64), ""
    tensor = call.constant(place)
    assert tensor.data is not None
    if tensor.type not in ("int32", "int64") or tensor.data.size != outputs or tensor.zero_point.any():
        raise UnsupportedError(
            f"{call.where}: a bias of type {tensor.type}, shape {list(tensor.shape)}; supported: int32 or int64, one"
            f" for each of {outputs} outputs, without zero points"
        )
    bias: IntegerArray = tensor.data.astype(np.int64).reshape(-1)
    if np.abs(bias).max(initial=0) >= MAX_ACCUMULATOR:
        raise UnsupportedError(f"{call.where}: biases beyond 47 bits; LiteRT takes no such accumulators")
    return bias, tensor.type


def multipliers_of(call: Call, weights: Weights, written: Quantization) -> list[Multiplier]:
    """PopulateConvolutionQuantizationParams: the multiplier of each scale."""
    read = call.quantization(_input_of(call))
    if read.format == Format(8, 0, False):
        # The older kernels of uint8 multiply the two scales in float32.
        product = float(np.float32(read.scale) * np.float32(weights.scale[0]))
        return [quantize_multiplier(product / written.step)]
    return [quantize_multiplier(read.step * float(scale) / written.step) for scale in weights.scale]


def _input_of(call: Call) -> int:
    return call.node.inputs[2 if call.node.type == "TRANSPOSE_CONV" else 0]


def window_rule(
    call: Call, weights: Weights, outputs: int, bias_type: str, limits: tuple[int, int]
) -> tuple[Requantize, IntegerArray]:
    """The requantizer of a convolution, and 0 for the outputs whose scale LiteRT takes as 0, else 1."""
    read, written = call.quantization(_input_of(call)), call.written
    found = multipliers_of(call, weights, written)
    alive = np.array([multiplier != 0 for multiplier, _ in found] * (outputs if len(found) == 1 else 1), np.int64)
    found = [(multiplier, shift) if multiplier else (1 << 30, 0) for multiplier, shift in found]
    stated = call.options.integer("QuantizedBiasType")
    if read.format.width == 16 and not (bias_type == "int32" and stated == 2):
        rule = single_rule(found, written.zero_point, limits, written.format)
        if rule is None:
            raise UnsupportedError(f"{call.where}: an output scale far below that of its accumulators")
        return rule, alive
    return double_rule(found, written.zero_point, limits, written.format), alive


def weight_format(values: IntegerArray) -> Format:
    """The least signed format of 8 bits or more that holds the weights."""
    return Format(max(8, signed_width(min(int(values.min()), 0), max(int(values.max()), 0))), 0)


def weight_steps(scale: NDArray[Any]) -> tuple[float, ...]:
    """The weights' steps for reports; a channel without a scale has the step 1."""
    steps = tuple(float(one) if one > 0 else 1.0 for one in scale)
    return steps[:1] if len(set(steps)) == 1 else steps


def proved_spans(call: Call, op: IntegerConvolution | IntegerAffine, fmt: Format) -> tuple[Range, ...]:
    """The accumulators of each output: LiteRT's of 64 bits are below 2**47, those of 32 are checked with the graph."""
    spans = result_ranges(op, fmt)
    if max(max(abs(low), abs(high)) for low, high in spans) >= MAX_ACCUMULATOR:
        raise UnsupportedError(f"{call.where}: accumulators beyond 47 bits, which LiteRT's kernel does not take")
    return spans


def check_results(call: Call, results: Iterable[int], zero_point: int) -> None:
    """LiteRT's kernels of 64-bit accumulators cut a rescaled one to 32 bits, whatever it saturates to afterwards."""
    reach = max(max(value, -1 - value) for result in results for value in (result, result + zero_point))
    if reach >= 1 << 31:
        raise UnsupportedError(
            f"{call.where}: its biases or weights reach {reach:,} output steps, of which LiteRT's kernel keeps 32 bits;"
            " choose a larger output scale or convert the model anew"
        )


def _check_single(call: Call, rule: Requantize, spans: tuple[Range, ...]) -> None:
    """The results of a requantizer of 64-bit accumulators, at both ends of each output's range."""
    if rule.rule != "multiply_shift":
        return
    for channel, span in enumerate(spans):
        one = channel_rule(rule, channel)
        half = (1 << one.shift[0]) >> 1
        check_results(call, ((end * one.multiplier[0] + half) >> one.shift[0] for end in span), rule.zero_point)


def _window_layer(
    call: Call, source: Stored, weights: Weights, bias: IntegerArray, rule: Requantize, window: Window, groups: int
) -> Stored:
    """A convolution of weights (outputs, rows, columns, channels of a group), its padding the input's zero point."""
    owner = call.owner
    tensor = owner.tensors[source.tensor]
    values = weights.integers
    zero = tensor.zero_point
    op = IntegerConvolution(
        call.name, (tensor.name,), call.name, np.ascontiguousarray(values),
        bias - zero * values.sum(axis=(1, 2, 3)), weight_format(values), (0,) * len(values), window.stride,
        window.padding, window.dilation, groups, zero, 2, rule, weight_steps(weights.scale),
    )  # fmt: skip
    _check_single(call, rule, proved_spans(call, op, tensor.format))
    return owner.put(op, (*window.size, len(values)), call.written)


def conv_2d(call: Call) -> None:
    """CONV_2D."""
    call.count(2, 3)
    source, weights = call.image(0), read_weights(call, 1, 0)
    height, width, channels = image_of(source.shape, call.where)
    if weights.integers.ndim != 4 or len(source.shape) != 3:
        raise ModelError(f"{call.where}: weights of shape {list(weights.integers.shape)}; four axes are needed")
    outputs, rows, columns, depth = weights.integers.shape
    if depth < 1 or channels % depth or outputs % (channels // depth):
        raise ModelError(f"{call.where}: weights of shape {list(weights.integers.shape)} for {channels} channels")
    window = read_window(call.options, (height, width), (rows, columns))
    _finish_window(call, source, weights, window, channels // depth, 2)


def _finish_window(call: Call, source: Stored, weights: Weights, window: Window, groups: int, bias_place: int) -> None:
    outputs = len(weights.integers)
    bias, bias_type = read_bias(call, bias_place, outputs)
    rule, alive = window_rule(call, weights, outputs, bias_type, call.limits())
    dead = replace(weights, integers=weights.integers * alive.reshape(-1, 1, 1, 1))
    call.write(_window_layer(call, source, dead, bias * alive, rule, window, groups))


def depthwise_conv_2d(call: Call) -> None:
    """DEPTHWISE_CONV_2D: weights (1, rows, columns, outputs)."""
    call.count(2, 3)
    source, weights = call.image(0), read_weights(call, 1, 3)
    height, width, channels = image_of(source.shape, call.where)
    shape = weights.integers.shape
    multiplier = call.options.integer("DepthMultiplier")
    if len(shape) != 4 or shape[0] != 1 or shape[3] % channels or len(source.shape) != 3:
        raise ModelError(f"{call.where}: weights of shape {list(shape)} for {channels} channels")
    if multiplier not in (0, shape[3] // channels):
        raise ModelError(f"{call.where}: depth multiplier {multiplier} for {shape[3]} outputs of {channels} channels")
    window = read_window(call.options, (height, width), (shape[1], shape[2]))
    turned = replace(weights, integers=weights.integers[0].transpose(2, 0, 1)[..., np.newaxis])
    _finish_window(call, source, turned, window, channels, 2)


def mean(call: Call) -> None:
    """MEAN over rows, columns or channels: sums by weights of one, their number in the multiplier."""
    call.count(2, 2)
    call.options.flag("KeepDims")
    source = call.image(0)
    rank = len(call.file(call.node.inputs[0]).shape)
    axes = {axis + rank if axis < 0 else axis for axis in call.integers(1)}
    if not axes or min(axes) < 1 or max(axes) >= rank:
        raise UnsupportedError(f"{call.where}: means over axes {sorted(axes)}; supported: axes after the batch")
    height, width, channels = image_of(source.shape, call.where)
    # Axes of the image (row, column, channel) are the last of the model's.
    places = {axis - rank + 3 for axis in axes}
    kernel = height if 0 in places else 1, width if 1 in places else 1
    count = kernel[0] * kernel[1] * (channels if 2 in places else 1)
    if count == 1 and call.read == call.written:
        call.write(source)
        return
    read, written = call.read, call.written
    multiplier, shift = quantize_multiplier(read.step / written.step)
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    found = ((multiplier << extra) // count, shift - extra)
    if found[0] < 1:
        raise UnsupportedError(f"{call.where}: a scale that LiteRT's kernel takes as 0")
    rule = double_rule([found], written.zero_point, (written.format.minimum, written.format.maximum), written.format)
    outputs, groups = (1, 1) if 2 in places else (channels, channels)
    ones = np.ones((outputs, *kernel, channels // groups), np.int64)
    window = Window(kernel, (1, 1), (1, 1), (0, 0, 0, 0), (height - kernel[0] + 1, width - kernel[1] + 1))
    weights = Weights(ones, np.array([1 / count], np.float32), False)
    made = _window_layer(call, source, weights, np.zeros(outputs, np.int64), rule, window, groups)
    call.write(made)


def transpose_conv(call: Call) -> None:
    """TRANSPOSE_CONV: zeros between the pixels, then a convolution with turned weights."""
    call.count(3, 4)
    weights = read_weights(call, 1, 0)
    source = _without_zero_point(call, call.image(2))
    height, width, channels = image_of(source.shape, call.where)
    shape = weights.integers.shape
    if len(shape) != 4 or shape[3] != channels:
        raise ModelError(f"{call.where}: weights of shape {list(shape)} for {channels} channels")
    if not call.is_constant(0):
        call.owner.remarks.append(f"{call.where}: the output has the size that the file states for it")
    wanted = image_of(call.shape, call.where)
    stride, kernel = call.options.pair("Stride"), (shape[1], shape[2])
    before = _before(call, (height, width), wanted, kernel, stride)
    spread, padding = _spread(call, source, kernel, stride, before, wanted)
    turned = replace(weights, integers=np.ascontiguousarray(weights.integers[:, ::-1, ::-1, :]))
    window = Window(kernel, (1, 1), (1, 1), padding, wanted[:2])
    _finish_window(call, spread, turned, window, 1, 3)


def _without_zero_point(call: Call, source: Stored) -> Stored:
    """Integers less their zero point: what stands between the pixels is 0."""
    tensor = call.owner.tensors[source.tensor]
    if tensor.zero_point == 0:
        return source
    fmt = Format(tensor.format.width + 1, 0)
    ones = np.ones(tensor.shape[2], np.int64)
    op = IntegerScale(
        f"{call.name}.shifted", (tensor.name,), f"{call.name}.shifted", ones, -tensor.zero_point * ones, None, 2, 2,
        PLAIN,
    )  # fmt: skip
    made = call.owner.put(op, tensor.shape, Quantization(np.float32(tensor.step), 0, fmt))
    return Stored(made.tensor, source.shape)


def _before(call: Call, size: Pair, wanted: ImageShape, kernel: Pair, stride: Pair) -> Pair:
    """Rows and columns of the whole result that are cut at the top and left."""
    found = []
    same = call.options.integer("Padding") == 0
    for have, out, taps, step in zip(size, wanted, kernel, stride, strict=False):
        # ComputePaddingHeightWidth takes the output as the image: it is the gradient of a convolution.
        count = -(-out // step) if same else (out + step - taps) // step
        if count != have:
            raise UnsupportedError(f"{call.where}: an output of {wanted[:2]} from an input of {size}; sizes do not fit")
        found.append(max((count - 1) * step + taps - out, 0) // 2)
    return found[0], found[1]


def _spread(
    call: Call, source: Stored, kernel: Pair, stride: Pair, before: Pair, wanted: ImageShape
) -> tuple[Stored, tuple[int, int, int, int]]:
    """The pixels with zeros between them, and the padding with which a convolution of stride 1 gives the result."""
    tensor = call.owner.tensors[source.tensor]
    place, size, padding = source, [], []
    for axis in range(2):
        front = kernel[axis] - 1 - before[axis]
        spread = (tensor.shape[axis] - 1) * stride[axis] + 1
        back = wanted[axis] + kernel[axis] - 1 - spread - front
        # Zeros after the last pixel that the stride makes anyway.
        extra = min(max(back, 0), stride[axis] - 1)
        if front < 0 or back < 0:
            raise UnsupportedError(f"{call.where}: cuts more than its weights reach; supported: less")
        size.append(spread + extra)
        padding.append((front, back - extra))
    if stride != (1, 1):
        op = IntegerUpsample(f"{call.name}.spread", (tensor.name,), f"{call.name}.spread", stride, True)
        place = call.owner.put(op, (size[0], size[1], tensor.shape[2]), call.stored_quantization(source))
    return place, (padding[0][0], padding[0][1], padding[1][0], padding[1][1])
