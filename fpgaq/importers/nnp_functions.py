"""nnabla functions to float operators: every argument of every function is consumed or refused by name.

Arguments that a file omits are 0, false or empty, as proto3 prescribes and nnabla reads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import ModelError, UnsupportedError
from ..graph import (
    Affine,
    Array,
    BatchNormalization,
    Convolution,
    Identity,
    MaxPooling,
    Operator,
    Pair,
    Relu,
    Reshape,
    ScaleOffset,
    Shape,
    Softmax,
)
from .proto_fields import Fields


@dataclass(frozen=True)
class Function:
    """One function of the file and what its conversion needs.

    Parameters
    ----------
    name, type : str
    data : str
        The tensor at the first input.
    output : str
    shape : tuple of int
        Of the data, batch left out.
    batch : int
        The batch that the file declares for the data, -1 if variable.
    network_batch : int
        The batch size of the network.
    parameters : tuple of array
        The inputs behind the first.
    """

    name: str
    type: str
    data: str
    output: str
    shape: Shape
    batch: int
    network_batch: int
    parameters: tuple[Array, ...]

    @property
    def where(self) -> str:
        """What errors call it."""
        return f"layer {self.name!r} ({self.type})"


Converter = Callable[[Function, Fields], tuple[Operator, Shape | None]]
"""Returns the operator and, where the input's shape does not determine it, the output's shape."""


def _parameter_count(function: Function, least: int, most: int) -> None:
    count = len(function.parameters)
    if not least <= count <= most:
        allowed = str(least) if least == most else f"{least} to {most}"
        raise UnsupportedError(f"{function.where}: {count} inputs besides the data; supported: {allowed}")


def _pair(function: Function, arguments: Fields, name: str) -> Pair:
    dims = arguments.shape(name) or []
    if len(dims) != 2:
        raise UnsupportedError(f"{function.where}: {name} is {dims}; supported: two numbers (height, width)")
    if any(not -(2**31) < dim < 2**31 for dim in dims):
        raise ModelError(f"{function.where}: {name} is {dims}; expected small numbers")
    return dims[0], dims[1]


def _check_base_axis(function: Function, arguments: Fields) -> None:
    axis = arguments.integer("base_axis")
    if axis != 1:
        raise UnsupportedError(f"{function.where}: base_axis {axis}; supported: 1 (one batch axis); reshape before it")


def _check_channel_first(function: Function, arguments: Fields) -> None:
    if arguments.boolean("channel_last"):
        raise UnsupportedError(f"{function.where}: channel_last is true; convert the model to channels first")


def _check_image(function: Function) -> None:
    if len(function.shape) != 3:
        raise UnsupportedError(
            f"{function.where}: input shape {function.shape}; supported: images (channels, height, width)"
        )


def _check_bias(function: Function, outputs: int) -> Array | None:
    if len(function.parameters) < 2:
        return None
    bias = function.parameters[1]
    if bias.shape != (outputs,):
        raise ModelError(f"{function.where}: bias of shape {bias.shape}; {outputs} outputs need ({outputs},)")
    return bias


def _affine(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    _check_base_axis(function, arguments)
    _parameter_count(function, 1, 2)
    weight = function.parameters[0]
    if weight.ndim != 2:
        raise UnsupportedError(f"{function.where}: weight of shape {weight.shape}; supported: (features, outputs)")
    if weight.shape[0] != math.prod(function.shape):
        raise ModelError(f"{function.where}: weight of shape {weight.shape} does not fit an input of {function.shape}")
    bias = _check_bias(function, weight.shape[1])
    operator = Affine(function.name, (function.data,), function.output, np.ascontiguousarray(weight.T), bias)
    return operator, (weight.shape[1],)


def _convolution(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    _check_base_axis(function, arguments)
    _check_channel_first(function, arguments)
    _parameter_count(function, 1, 2)
    weight = function.parameters[0]
    if weight.ndim != 4:
        raise UnsupportedError(f"{function.where}: weight of shape {weight.shape}; supported: 2-D (4 dimensions)")
    _check_image(function)
    pad, stride = _pair(function, arguments, "pad"), _pair(function, arguments, "stride")
    dilation = _pair(function, arguments, "dilation")
    operator = Convolution(
        function.name,
        (function.data,),
        function.output,
        weight,
        _check_bias(function, weight.shape[0]),
        stride,
        (pad[0], pad[0], pad[1], pad[1]),
        dilation,
        arguments.integer("group"),
    )
    return operator, None


def _pooling_padding(function: Function, axis: int, kernel: int, stride: int, pad: int, keep: bool) -> Pair:
    """(before, after) along one axis; `keep` is ignore_border=False, whose last window may hang over the edge.

    nnabla then makes ceil((size + pad) / stride) windows. One that lies wholly in the padding has no maximum (nnabla
    reads outside the image), so it is refused.
    """
    size = function.shape[axis]
    if min(kernel, stride) < 1 or pad < 0:
        raise ModelError(
            f"{function.where}: kernel {kernel}, stride {stride}, pad {pad}; kernel and stride are at least 1, pad 0"
        )
    count = -((size + pad) // -stride) if keep else (size + 2 * pad - kernel) // stride + 1
    if count < 1:
        raise ModelError(
            f"{function.where}: kernel {kernel} is larger than the padded input of {size + 2 * pad} pixels"
        )
    if pad >= kernel or (count - 1) * stride - pad >= size:
        raise ModelError(
            f"{function.where}: with kernel {kernel}, stride {stride}, pad {pad} on {size} pixels a window lies wholly"
            " in the padding and has no maximum; reduce the padding"
        )
    return pad, max(0, (count - 1) * stride + kernel - size - pad) if keep else pad


def _max_pooling(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    _check_channel_first(function, arguments)
    _parameter_count(function, 0, 0)
    _check_image(function)
    kernel, stride = _pair(function, arguments, "kernel"), _pair(function, arguments, "stride")
    pad = _pair(function, arguments, "pad")
    keep = not arguments.boolean("ignore_border")
    rows = _pooling_padding(function, 1, kernel[0], stride[0], pad[0], keep)
    columns = _pooling_padding(function, 2, kernel[1], stride[1], pad[1], keep)
    return MaxPooling(function.name, (function.data,), function.output, kernel, stride, rows + columns), None


def _relu(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    arguments.skip(("inplace",))
    _parameter_count(function, 0, 0)
    return Relu(function.name, (function.data,), function.output), None


def _batch_normalization(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    arguments.skip(("decay_rate",))
    if arguments.boolean("batch_stat"):
        raise UnsupportedError(
            f"{function.where}: batch_stat is true (training mode); save the network with batch_stat=False"
        )
    axes = arguments.integers("axes")
    if axes != [1]:
        raise UnsupportedError(f"{function.where}: axes {axes}; supported: [1] (the channels)")
    no_scale, no_offset = arguments.boolean("no_scale"), arguments.boolean("no_bias")
    epsilon = float(np.float32(arguments.real("eps")))
    expected = 4 - no_scale - no_offset
    _parameter_count(function, expected, expected)
    channels = function.shape[0] if function.shape else 0
    vectors = []
    for index, array in enumerate(function.parameters):
        if array.size != channels or array.ndim < 2 or array.shape[1] != channels:
            raise ModelError(
                f"{function.where}: input {index + 1} of shape {array.shape} does not fit {channels} channels"
            )
        vectors.append(array.reshape(-1))
    variance, mean = vectors.pop(), vectors.pop()
    scale = None if no_scale else vectors.pop()
    offset = None if no_offset else vectors.pop()
    operator = BatchNormalization(
        function.name, (function.data,), function.output, mean, variance, scale, offset, epsilon
    )
    return operator, None


def _reshape(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    arguments.skip(("inplace",))
    _parameter_count(function, 0, 0)
    dims = arguments.shape("shape") or []
    if len(dims) < 2 or dims.count(-1) > 2 or any(dim < 1 and dim != -1 for dim in dims):
        raise UnsupportedError(
            f"{function.where}: shape {dims}; supported: the batch and sizes, at most one of them -1"
        )
    if dims[0] not in {-1, 1, function.batch, function.network_batch}:
        raise UnsupportedError(f"{function.where}: shape {dims} moves the batch axis; supported: -1 or 1 in front")
    sizes, count = dims[1:], math.prod(function.shape)
    known = math.prod(size for size in sizes if size != -1)
    if (-1 in sizes and count % known) or (-1 not in sizes and count != known) or sizes.count(-1) > 1:
        raise ModelError(f"{function.where}: cannot reshape {function.shape} to {tuple(sizes)}: element counts differ")
    shape = tuple(count // known if size == -1 else size for size in sizes)
    return Reshape(function.name, (function.data,), function.output), shape


def _softmax(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    _parameter_count(function, 0, 0)
    axis = arguments.integer("axis")
    position = axis + len(function.shape) + 1 if axis < 0 else axis
    if not 1 <= position <= len(function.shape):
        raise UnsupportedError(f"{function.where}: axis {axis} of an input {function.shape}; supported: 1 or the last")
    return Softmax(function.name, (function.data,), function.output, position - 1), None


def _identity(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    _parameter_count(function, 0, 0)
    return Identity(function.name, (function.data,), function.output, function.type), None


def _dropout(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    arguments.skip(("p", "seed", "output_mask"))
    return _identity(function, arguments)


def _multiply(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    arguments.skip(("inplace",))
    _parameter_count(function, 0, 0)
    return ScaleOffset(function.name, (function.data,), function.output, arguments.real("val"), 0.0), None


def _add(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    arguments.skip(("inplace",))
    _parameter_count(function, 0, 0)
    return ScaleOffset(function.name, (function.data,), function.output, 1.0, arguments.real("val")), None


def _image_augmentation(function: Function, arguments: Fields) -> tuple[Operator, Shape | None]:
    """Only at rest: with contrast 1 its centre, and with no noise its seed, do not matter."""
    arguments.skip(("contrast_center", "contrast_each", "brightness_each", "seed"))
    moving = []
    shape = arguments.shape("shape")
    if shape and tuple(shape) != function.shape and tuple(shape[1:]) != function.shape:
        moving.append(f"shape {shape}")
    if any(arguments.shape("pad") or []):
        moving.append("pad")
    for name in ("min_scale", "max_scale", "aspect_ratio", "contrast"):
        if (value := arguments.real(name)) != 1.0:
            moving.append(f"{name} {value}")
    for name in ("angle", "distortion", "brightness", "noise"):
        if (value := arguments.real(name)) != 0.0:
            moving.append(f"{name} {value}")
    moving += [name for name in ("flip_lr", "flip_ud") if arguments.boolean(name)]
    if moving:
        raise UnsupportedError(
            f"{function.where}: augments by {', '.join(moving)}; only one that changes nothing is supported: remove it"
        )
    return _identity(function, arguments)


CONVERTERS: Mapping[str, tuple[str, Converter]] = {
    "AddScalar": ("add_scalar_param", _add),
    "Affine": ("affine_param", _affine),
    "BatchNormalization": ("batch_normalization_param", _batch_normalization),
    "Convolution": ("convolution_param", _convolution),
    "Dropout": ("dropout_param", _dropout),
    "Identity": ("identity_param", _identity),
    "ImageAugmentation": ("image_augmentation_param", _image_augmentation),
    "MaxPooling": ("max_pooling_param", _max_pooling),
    "MulScalar": ("mul_scalar_param", _multiply),
    "ReLU": ("relu_param", _relu),
    "Reshape": ("reshape_param", _reshape),
    "Softmax": ("softmax_param", _softmax),
}
"""For each supported function type: the field that holds its arguments, and the conversion."""
