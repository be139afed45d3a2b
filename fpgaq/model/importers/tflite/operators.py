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
    Array,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    ScaleOffset,
    Shape,
    Slice,
    Softmax,
    Upsample,
)
from ...graph import Transpose as TransposeOperator
from .graph import Call, Value, stored_shape
from .ranges import slice_ranges, strided_ranges
from .windows import read_window

ACTIVATIONS: Mapping[str, tuple[type[Operator], dict[str, Any]]] = {
    "RELU": (Relu, {}),
    "RELU6": (Pointwise, {"function": "relu6"}),
    "RELU_N1_TO_1": (Pointwise, {"function": "clip", "parameters": (-1.0, 1.0)}),
    "RELU_0_TO_1": (Pointwise, {"function": "clip", "parameters": (0.0, 1.0)}),
}


def finish(call: Call, name: str, stored: Shape, place: int = 0) -> None:
    """The fused activation, then the output."""
    kind = call.options.activation()
    if kind:
        operator, fields = ACTIVATIONS[kind]
        name = call.put(operator, (name,), stored, ".activation", **fields)
    call.write(name, stored, place)


def _bias(call: Call, place: int, outputs: int) -> Array | None:
    if not call.has(place):
        return None
    bias = call.constant(place).reshape(-1)
    if bias.size != outputs:
        raise ModelError(f"{call.where}: {bias.size} biases for {outputs} outputs")
    return bias


def _image(call: Call, place: int) -> tuple[Value, int, int, int]:
    """A computed image, its channels, rows and columns."""
    value = call.image(place)
    if len(value.stored) != 3:
        raise UnsupportedError(
            f"{call.where}: an input of shape {list(value.shape)}; supported: images; use Reshape before it"
        )
    return value, *value.stored


def convolution(call: Call) -> None:
    """CONV_2D and DEPTHWISE_CONV_2D."""
    value, channels, height, width = _image(call, 0)
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
        Convolution, (value.name,), stored, weight=np.ascontiguousarray(turned), bias=_bias(call, 2, outputs),
        stride=window.stride, padding=window.padding, dilation=window.dilation, groups=channels // depth,
    )  # fmt: skip
    finish(call, made, stored)


def transposed_convolution(call: Call) -> None:
    """TRANSPOSE_CONV: the gradient of a convolution, whose output's size the file states."""
    value, channels, height, width = _image(call, 2)
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
        bias=_bias(call, 3, stored[0]), stride=stride, padding=(*before[0], *before[1]),
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
    bias = _bias(call, 2, outputs)
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
    value, channels, height, width = _image(call, 0)
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
    value, channels, height, width = _image(call, 0)
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


def concatenation(call: Call) -> None:
    """CONCATENATION of channels, rows or columns."""
    rank, axis = len(call.shape), call.options.integer("Axis")
    axis = axis + rank + 1 if axis < 0 else axis
    values = [call.image(place) for place in range(len(call.node.inputs))]
    if not 1 <= axis <= rank:
        raise UnsupportedError(
            f"{call.where}: joins axis {axis}; supported: axes behind the batch; leave the batch as it is"
        )
    stored = stored_shape(call.shape, call.where)
    # (row, column, channel) of the model are axes 1, 2, 0 of what is stored.
    front = {0: 1, 1: 2, 2: 0}[axis - 1 - rank + 3] if len(stored) == 3 else 0
    order = (front, *(place for place in range(len(stored)) if place != front))
    names = tuple(_ordered(call, value.name, value.stored, order, f".part{i}") for i, value in enumerate(values))
    turned = tuple(stored[place] for place in order)
    made = call.put(Concatenate, names, turned)
    back = tuple(order.index(place) for place in range(len(order)))
    finish(call, _ordered(call, made, turned, back, ".back"), stored)


def _ordered(call: Call, name: str, stored: Shape, order: tuple[int, ...], end: str) -> str:
    if order == tuple(range(len(order))):
        return name
    return call.put(TransposeOperator, (name,), tuple(stored[place] for place in order), end, axes=order)


def split(call: Call) -> None:
    """SPLIT into equal parts."""
    parts, (axis,) = call.options.integer("NumSplits"), call.integers(0) or [0]
    value = call.image(1)
    rank = len(value.shape)
    axis = axis + rank + 1 if axis < 0 else axis
    if parts != len(call.node.outputs) or not 1 <= axis <= rank or value.shape[axis - 1] % parts:
        raise UnsupportedError(
            f"{call.where}: {parts} parts of axis {axis} of {list(value.shape)}; supported: equal"
            " parts of an axis behind the batch; use slices"
        )
    size = value.shape[axis - 1] // parts
    for index in range(parts):
        start, shape = [0] * rank, list(value.shape)
        start[axis - 1], shape[axis - 1] = index * size, size
        _take(call, value, start, shape, index)


def _take(call: Call, value: Value, start: list[int], shape: list[int], place: int = 0) -> None:
    """Elements from `start` on, in the model's axes."""
    stored, first = stored_shape(tuple(shape), call.where), stored_shape(tuple(start), call.where)
    if len(start) == 2:
        first = start[1], 0, start[0]
    name = value.name if stored == value.stored else call.put(Slice, (value.name,), stored, f".{place}", start=first)
    call.write(name, stored, place)


def slice_of(call: Call) -> None:
    """SLICE and STRIDED_SLICE."""
    value = call.image(0)
    if call.node.type == "SLICE":
        start, shape = slice_ranges(call.where, value.shape, call.integers(1), call.integers(2))
        stride = [1] * len(start)
    else:
        start, shape, stride = strided_ranges(call.options, value.shape, [call.integers(place) for place in (1, 2, 3)])
    if set(stride) != {1}:
        raise UnsupportedError(f"{call.where}: strides {stride}; supported: 1; use a pooling with that stride")
    _take(call, value, start, shape)


def padding(call: Call) -> None:
    """PAD, PADV2 and MIRROR_PAD of rows and columns."""
    value, channels, height, width = _image(call, 0)
    amounts, mode, number = call.integers(1), "constant", 0.0
    pairs = [(amounts[2 * axis], amounts[2 * axis + 1]) for axis in range(len(amounts) // 2)]
    if len(pairs) != len(value.shape) + 1 or min(amounts) < 0 or pairs[0] != (0, 0) or pairs[-1] != (0, 0):
        raise UnsupportedError(
            f"{call.where}: amounts {pairs}; supported: of rows and columns; use Concatenate for others"
        )
    if call.node.type == "MIRROR_PAD":
        mode = "repeat" if call.options.integer("Mode") == 1 else "reflect"
        if mode == "repeat" and max(amounts) > 1:
            raise UnsupportedError(f"{call.where}: mode SYMMETRIC by more than one pixel; supported: REFLECT; use that")
    elif call.has(2):
        number = float(call.constant(2).reshape(-1)[0])
    rows, columns = (*[(0, 0)] * (3 - len(value.shape)), *pairs[1:-1])
    stored = (channels, height + sum(rows), width + sum(columns))
    made = call.put(Pad, (value.name,), stored, padding=(*rows, *columns), mode=mode, value=number)
    call.write(made, stored)


def resize(call: Call) -> None:
    """RESIZE_NEAREST_NEIGHBOR to whole multiples."""
    value, channels, height, width = _image(call, 0)
    call.options.skip("HalfPixelCenters")
    rows, columns = call.integers(1)
    if call.options.flag("AlignCorners") or rows % height or columns % width:
        raise UnsupportedError(
            f"{call.where}: {height} x {width} to {rows} x {columns}; supported: whole multiples; choose such a size"
        )
    stored = (channels, rows, columns)
    call.write(call.put(Upsample, (value.name,), stored, factor=(rows // height, columns // width)), stored)


def view(call: Call) -> None:
    """RESHAPE, SQUEEZE and EXPAND_DIMS: the elements keep their order."""
    call.options.skip("NewShape", "SqueezeDims")
    value = call.value(0)
    call.write(value.name, value.stored)


def transpose(call: Call) -> None:
    """TRANSPOSE of the axes behind the batch."""
    value, order = call.image(0), call.integers(1)
    rank = len(value.shape)
    if sorted(order) != list(range(rank + 1)) or order[0] != 0 or rank != 3:
        raise UnsupportedError(
            f"{call.where}: order {order}; supported: of images, with the batch in front; leave the batch first"
        )
    place = {1: 1, 2: 2, 3: 0}
    rows, columns, channels = (place[axis] for axis in order[1:])
    axes = (channels, rows, columns)
    stored = tuple(value.stored[axis] for axis in axes)
    call.write(_ordered(call, value.name, value.stored, axes, ""), stored)


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
