"""The operators of a float TensorFlow Lite model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import (
    Add,
    Affine,
    ArgMax,
    AveragePooling,
    BatchNormalization,
    Convolution,
    Deconvolution,
    MaxPooling,
    Multiply,
    Operator,
    Pointwise,
    Prelu,
    ScaleOffset,
    Shape,
    Softmax,
    Upsample,
)
from .graph import Call, Value, stored_shape
from .movements import concatenation, padding, resize, slice_of, split, transpose, view
from .operands import ACTIVATIONS, bias_of, finish, image_of
from .windows import read_window


def convolution(call: Call) -> None:
    """CONV_2D and DEPTHWISE_CONV_2D."""
    value, channels, height, width = image_of(call, 0)
    weight = call.constant(1)
    call.options.skip("QuantizedBiasType", "DepthMultiplier")
    if weight.ndim != 4:
        raise ModelError(f"{call.where}: weights of shape {list(weight.shape)}; four axes are needed")
    turned = weight.transpose((0, 3, 1, 2) if call.node.type == "CONV_2D" else (3, 0, 1, 2))
    outputs, depth, rows, columns = turned.shape
    if channels % depth or outputs % (channels // depth):
        raise ModelError(f"{call.where}: weights of shape {list(weight.shape)} for {channels} channels")
    window = read_window(call.options, (height, width), (rows, columns))
    stored = (outputs, *window.size)
    made = call.put(
        Convolution, (value.name,), stored, weight=np.ascontiguousarray(turned), bias=bias_of(call, 2, outputs),
        stride=window.stride, padding=window.padding, dilation=window.dilation, groups=channels // depth,
    )  # fmt: skip
    finish(call, made, stored)


def transposed_convolution(call: Call) -> None:
    """TRANSPOSE_CONV: the gradient of a convolution, whose output's size the file states."""
    value, channels, height, width = image_of(call, 2)
    weight, stride = call.constant(1), call.options.pair("Stride")
    call.options.skip("QuantizedBiasType")
    stored = stored_shape(call.shape, call.where)
    if weight.ndim != 4 or weight.shape[3] != channels or len(stored) != 3:
        raise ModelError(f"{call.where}: weights of shape {list(weight.shape)} for {channels} channels")
    same, before, extra = call.options.integer("Padding") == 0, [], []
    for have, out, taps, step in zip((height, width), stored[1:], weight.shape[1:3], stride, strict=True):
        count = -(-out // step) if same else (out + step - taps) // step
        if count != have:
            raise UnsupportedError(
                f"{call.where}: an output of {out} from an input of {have}; sizes do not fit: convert the model again"
            )
        front = max((count - 1) * step + taps - out, 0) // 2
        rest = (have - 1) * step + taps - front - out
        before.append((front, max(rest, 0)))
        extra.append(max(-rest, 0))
    made = call.put(
        Deconvolution, (value.name,), stored, weight=np.ascontiguousarray(weight.transpose(3, 0, 1, 2)),
        bias=bias_of(call, 3, stored[0]), stride=stride, padding=(*before[0], *before[1]),
        output_padding=(extra[0], extra[1]),
    )  # fmt: skip
    finish(call, made, stored)


def fully_connected(call: Call) -> None:
    """FULLY_CONNECTED on the whole frame, or on each pixel."""
    call.options.skip("AsymmetricQuantizeInputs", "KeepNumDims", "QuantizedBiasType")
    if call.options.integer("WeightsFormat"):
        raise UnsupportedError(
            f"{call.where}: shuffled weights; supported: weights in their plain order; convert"
            " without that optimization"
        )
    value, weight = call.value(0), call.constant(1)
    total = int(np.prod(value.shape))
    if weight.ndim != 2 or total % weight.shape[1]:
        raise ModelError(f"{call.where}: weights of shape {list(weight.shape)} for an input of {list(value.shape)}")
    outputs, features = weight.shape
    bias = bias_of(call, 2, outputs)
    if total == features:
        if len(value.stored) == 3:
            channels, height, width = value.stored
            weight = weight.reshape(outputs, height, width, channels).transpose(0, 3, 1, 2).reshape(outputs, features)
        made = call.put(Affine, (value.name,), (outputs,), weight=np.ascontiguousarray(weight), bias=bias)
        finish(call, made, (outputs,))
        return
    rows = call.viewed(Value(value.name, value.stored, (1, total // features, features)))
    stored = (outputs, 1, total // features)
    made = call.put(Convolution, (rows.name,), stored, weight=weight[:, :, np.newaxis, np.newaxis], bias=bias)
    finish(call, made, stored)


def pooling(call: Call) -> None:
    """MAX_POOL_2D and AVERAGE_POOL_2D, whose mean is over the pixels inside the image."""
    value, channels, height, width = image_of(call, 0)
    window = read_window(call.options, (height, width), call.options.pair("Filter", ("Height", "Width")))
    kind: type[Operator] = MaxPooling
    fields: dict[str, Any] = {}
    if call.node.type == "AVERAGE_POOL_2D":
        kind, fields = AveragePooling, {"count_padding": False}
    stored = (channels, *window.size)
    made = call.put(
        kind, (value.name,), stored, kernel=window.kernel, stride=window.stride, padding=window.padding, **fields
    )
    finish(call, made, stored)


def mean(call: Call) -> None:
    """MEAN over rows, columns or both."""
    value, channels, height, width = image_of(call, 0)
    call.options.flag("KeepDims")
    rank = len(value.shape) + 1
    axes = {axis + rank if axis < 0 else axis for axis in call.integers(1)}
    places = {axis - rank + 3 for axis in axes}
    if not axes or min(axes) < 1 or not places <= {0, 1}:
        raise UnsupportedError(
            f"{call.where}: means over axes {sorted(axes)}; supported: rows and columns; use GlobalAveragePooling2D"
        )
    kernel = height if 0 in places else 1, width if 1 in places else 1
    stored = (channels, height // kernel[0], width // kernel[1])
    call.write(call.put(AveragePooling, (value.name,), stored, kernel=kernel, stride=kernel), stored)


def join(call: Call) -> None:
    """ADD, SUB and MUL of tensors, or with a constant for all or for each channel."""
    call.options.skip("PotScaleInt16")
    constants = [call.is_constant(place) for place in (0, 1)]
    if any(constants):
        _with_constant(call, constants.index(True))
        return
    wanted = stored_shape(call.shape, call.where)
    names = tuple(_spread(call, place, wanted) for place in (0, 1))
    if call.node.type == "MUL":
        made = call.put(Multiply, names, wanted)
    else:
        made = call.put(Add, names, wanted, signs=(1, 1 if call.node.type == "ADD" else -1))
    finish(call, made, wanted)


def _spread(call: Call, place: int, wanted: Shape) -> str:
    """A tensor of one pixel repeated over an image."""
    value = call.value(place)
    if len(wanted) == 3 and len(value.shape) < 3:
        value = Value(value.name, value.stored, (*[1] * (3 - len(value.shape)), *value.shape))
    image = call.viewed(value)
    if image.stored == wanted:
        return image.name
    fits = len(image.stored) == len(wanted) == 3 and image.stored[0] == wanted[0] and image.stored[1:] == (1, 1)
    if not fits:
        raise UnsupportedError(
            f"{call.where}: joins {list(value.shape)} and {list(call.shape)}; supported: equal shapes: reshape or"
            " repeat before it"
        )
    return call.put(Upsample, (image.name,), wanted, ".spread", factor=wanted[1:])


def _with_constant(call: Call, place: int) -> None:
    value, array = call.image(1 - place), call.constant(place)
    channels = value.stored[0]
    flat = array.reshape(-1)
    if flat.size not in (1, channels) or (flat.size > 1 and array.shape[-1] != channels):
        raise UnsupportedError(
            f"{call.where}: a constant of shape {list(array.shape)}; supported: one, or one a channel; give one"
            " a channel"
        )
    kind = call.node.type
    factor = flat if kind == "MUL" else np.full(flat.size, -1.0 if kind == "SUB" and place == 0 else 1.0)
    plus = np.zeros(flat.size) if kind == "MUL" else -flat if kind == "SUB" and place == 1 else flat
    if flat.size == 1:
        made = call.put(ScaleOffset, (value.name,), value.stored, scale=float(factor[0]), offset=float(plus[0]))
    else:
        ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        made = call.put(
            BatchNormalization, (value.name,), value.stored, mean=zeros, variance=ones,
            scale=factor.astype(np.float32), offset=plus.astype(np.float32), epsilon=0.0,
        )  # fmt: skip
    finish(call, made, value.stored)


def activation(kind: type[Operator], **fields: Any) -> Callable[[Call], None]:
    """A function of each element."""

    def convert(call: Call) -> None:
        value = call.value(0)
        call.write(call.put(kind, (value.name,), value.stored, **fields), value.stored)

    return convert


def leaky_relu(call: Call) -> None:
    """LEAKY_RELU."""
    value, alpha = call.value(0), call.options.real("Alpha")
    made = call.put(Pointwise, (value.name,), value.stored, function="leaky_relu", parameters=(alpha,))
    call.write(made, value.stored)


def prelu(call: Call) -> None:
    """PRELU with one slope, or one for each channel."""
    value, slope = call.image(0), call.constant(1)
    if slope.size not in (1, value.stored[0]):
        raise UnsupportedError(
            f"{call.where}: slopes of shape {list(slope.shape)}; supported: one, or one a channel;"
            " use PReLU(shared_axes=[1, 2])"
        )
    call.write(call.put(Prelu, (value.name,), value.stored, slope=slope.reshape(-1)), value.stored)


def softmax(call: Call) -> None:
    """SOFTMAX of the channels."""
    value = call.image(0)
    beta = call.options.real("Beta")
    if beta != 1.0:
        raise UnsupportedError(f"{call.where}: beta {beta:g}; supported: 1; scale the input by it instead")
    call.write(call.put(Softmax, (value.name,), value.stored, axis=0), value.stored)


def arg_max(call: Call) -> None:
    """ARG_MAX of the channels."""
    value, (axis,) = call.image(0), call.integers(1) or [0]
    call.options.skip("OutputType")
    rank = len(value.shape)
    if (axis + rank + 1 if axis < 0 else axis) != rank:
        raise UnsupportedError(f"{call.where}: over axis {axis}; supported: the last one; use Permute before it")
    stored = (1, *value.stored[1:])
    call.write(call.put(ArgMax, (value.name,), stored, axis=0), stored)


def dequantize(call: Call) -> None:
    """DEQUANTIZE of a constant, as converters write weights of 16-bit floats."""
    if not call.is_constant(0):
        raise UnsupportedError(
            f"{call.where}: of a computed tensor in a model of real numbers; quantize the whole"
            " model, or leave it in float"
        )
    call.builder.constants[call.node.outputs[0]] = call.constant(0)


CONVERTERS: Mapping[str, Callable[[Call], None]] = {
    **dict.fromkeys(("ADD", "SUB", "MUL"), join),
    "ARG_MAX": arg_max,
    "AVERAGE_POOL_2D": pooling,
    "CONCATENATION": concatenation,
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": convolution,
    "DEQUANTIZE": dequantize,
    "ELU": activation(Pointwise, function="elu", parameters=(1.0,)),
    "EXPAND_DIMS": view,
    "FULLY_CONNECTED": fully_connected,
    "HARD_SWISH": activation(Pointwise, function="hard_swish"),
    "LEAKY_RELU": leaky_relu,
    "LOGISTIC": activation(Pointwise, function="sigmoid"),
    "MAX_POOL_2D": pooling,
    "MEAN": mean,
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), padding),
    "PRELU": prelu,
    **{name: activation(kind, **fields) for name, (kind, fields) in ACTIVATIONS.items()},
    "RESHAPE": view,
    "RESIZE_NEAREST_NEIGHBOR": resize,
    "SLICE": slice_of,
    "SOFTMAX": softmax,
    "SPLIT": split,
    "SQUEEZE": view,
    "STRIDED_SLICE": slice_of,
    "TANH": activation(Pointwise, function="tanh"),
    "TRANSPOSE": transpose,
    "TRANSPOSE_CONV": transposed_convolution,
}
