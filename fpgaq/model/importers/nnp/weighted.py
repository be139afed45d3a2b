"""Layers with weights: affine, convolutions and batch normalization of nnabla."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError
from ...graph import Affine, Array, BatchNormalization, Convolution, Deconvolution, Grid, Prelu, infer_shape
from ...graph.fixed import by_channel
from .coarse_weights import layers_of
from .function import (
    Converted,
    Converter,
    Function,
    check_base_axis,
    check_channel_first,
    from_image,
    image_of,
    pair,
    parameter_count,
)
from .proto_fields import Fields


def _bias(function: Function, outputs: int) -> Array | None:
    if len(function.parameters) < 2:
        return None
    bias = function.parameters[1]
    if bias.shape != (outputs,):
        raise ModelError(f"{function.where}: bias of shape {bias.shape}; {outputs} outputs need ({outputs},)")
    return bias


def _grid(function: Function, position: int, rows: Callable[[NDArray[Any]], NDArray[Any]]) -> Grid | None:
    """The grid of a parameter; `rows` brings an array of its shape to (outputs, taps)."""
    found = function.grids[position] if position < len(function.grids) else None
    if found is None:
        return None
    steps = np.broadcast_to(found.frac, function.parameters[position].shape)
    return found.by_channel(rows(steps), function.where)


def _bias_grid(function: Function) -> Grid | None:
    return _grid(function, 1, lambda steps: steps.reshape(-1, 1))


def _affine(function: Function, arguments: Fields) -> Converted:
    check_base_axis(function, arguments)
    parameter_count(function, 1, 2)
    weight = function.parameters[0]
    if weight.ndim < 2:
        raise UnsupportedError(
            f"{function.where}: weight of shape {weight.shape}; supported: (features, outputs); save the affine"
            " layer so"
        )
    if weight.shape[0] != math.prod(function.shape):
        raise ModelError(f"{function.where}: weight of shape {weight.shape} does not fit an input of {function.shape}")
    if weight.ndim > 2:
        raise UnsupportedError(
            f"{function.where}: weight of shape {weight.shape}; supported: (features, outputs); save the affine"
            " layer so"
        )
    bias = _bias(function, weight.shape[1])
    return [
        (
            Affine(
                function.name,
                function.inputs,
                function.output,
                np.ascontiguousarray(weight.T),
                bias,
                _grid(function, 0, lambda steps: steps.T),
                _bias_grid(function),
            ),
            None,
        )
    ]


def _kernel(function: Function, leading: int) -> Array:
    """The weight with `leading` axes before a height and a width; 1-D kernels get a height of 1."""
    parameter_count(function, 1, 2)
    weight = function.parameters[0]
    axes = len(function.shape) - 1
    if weight.ndim != leading + axes:
        raise UnsupportedError(
            f"{function.where}: weight of shape {weight.shape}; supported: {axes}-D ({leading + axes} dimensions);"
            " use such a convolution"
        )
    return weight.reshape(*weight.shape[:leading], 1, weight.shape[-1]) if axes == 1 else weight


def _convolution(function: Function, arguments: Fields) -> Converted:
    check_channel_first(function, arguments)
    return _any_convolution(function, arguments, 2, arguments.integer("group"))


def _plain_convolution(function: Function, arguments: Fields) -> Converted:
    """A convolution of the functions that have channels first alone."""
    return _any_convolution(function, arguments, 2, arguments.integer("group"))


def _depthwise_convolution(function: Function, arguments: Fields) -> Converted:
    """A grouped convolution: output channel ``c * multiplier + m`` reads channel c."""
    multiplier, channels = arguments.integer("multiplier"), function.shape[0]
    outputs = function.parameters[0].shape[0] if function.parameters and function.parameters[0].ndim else 0
    if multiplier < 1 or outputs != channels * multiplier:
        raise ModelError(
            f"{function.where}: multiplier {multiplier} and {channels} channels need {channels * multiplier} kernels;"
            f" the weight has {outputs}"
        )
    return _any_convolution(function, arguments, 1, channels)


def _any_convolution(function: Function, arguments: Fields, leading: int, groups: int) -> Converted:
    check_base_axis(function, arguments)
    image = image_of(function)
    weight = _kernel(function, leading)
    weight = weight[:, None] if leading == 1 else weight
    pad, stride = pair(function, arguments, "pad", 0), pair(function, arguments, "stride", 1)
    dilation = pair(function, arguments, "dilation", 1)
    bias = _bias(function, weight.shape[0])
    padding = (pad[0], pad[0], pad[1], pad[1])
    operator = Convolution(
        function.name,
        image.inputs,
        function.output,
        weight,
        bias,
        stride,
        padding,
        dilation,
        groups,
        weight_grid=_grid(function, 0, lambda steps: steps.reshape(len(steps), -1)),
        bias_grid=_bias_grid(function),
    )
    return from_image(function, image, [operator], infer_shape(operator, image.shape, ()))


def _deconvolution(function: Function, arguments: Fields) -> Converted:
    check_base_axis(function, arguments)
    check_channel_first(function, arguments)
    image = image_of(function)
    weight, groups = _kernel(function, 2), arguments.integer("group")
    pad, stride = pair(function, arguments, "pad", 0), pair(function, arguments, "stride", 1)
    dilation = pair(function, arguments, "dilation", 1)
    # Files of nnabla before 1.20 do not have it, and an absent shape means none.
    extra = pair(function, arguments, "output_padding", 0) if "output_padding" in arguments.names() else (0, 0)
    bias = _bias(function, weight.shape[1] * groups)
    padding = (pad[0], pad[0], pad[1], pad[1])

    def rows(steps: NDArray[Any]) -> NDArray[Any]:
        return by_channel(Deconvolution("", (), "", steps.reshape(weight.shape), None, groups=groups))

    operator = Deconvolution(
        function.name,
        image.inputs,
        function.output,
        weight,
        bias,
        stride,
        padding,
        dilation,
        groups,
        extra,
        _grid(function, 0, rows),
        _bias_grid(function),
    )
    return from_image(function, image, [operator], infer_shape(operator, image.shape, ()))


def _batch_normalization(function: Function, arguments: Fields) -> Converted:
    arguments.skip(("decay_rate",))
    if arguments.boolean("batch_stat"):
        if function.refuse_batch_statistics:
            raise UnsupportedError(
                f"{function.where}: batch_stat is true (training mode); save the network with batch_stat=False"
            )
        function.note(
            f"{function.where}: batch_stat is true (training mode); the running mean and variance of the file are used"
        )
    axes = arguments.integers("axes")
    if axes != [1]:
        raise UnsupportedError(f"{function.where}: axes {axes}; supported: [1] (the channels); transpose before it")
    no_scale, no_offset = arguments.boolean("no_scale"), arguments.boolean("no_bias")
    epsilon = float(np.float32(arguments.real("eps")))
    expected = 4 - no_scale - no_offset
    parameter_count(function, expected, expected)
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
        function.name, function.inputs, function.output, mean, variance, scale, offset, epsilon
    )
    return [(operator, None)]


def _prelu(function: Function, arguments: Fields) -> Converted:
    check_base_axis(function, arguments)
    parameter_count(function, 1, 1)
    slope = function.parameters[0]
    if slope.shape not in {(1,), (), (function.shape[0],)}:
        raise UnsupportedError(
            f"{function.where}: slope of shape {slope.shape}; supported: one, or one for each of {function.shape[0]}"
            " channels; train with one a channel"
        )
    return [(Prelu(function.name, function.inputs, function.output, slope.reshape(-1)), None)]


LAYERS: dict[str, tuple[str, Converter]] = {
    **layers_of(_affine, _plain_convolution),
    "Affine": ("affine_param", _affine),
    "BatchNormalization": ("batch_normalization_param", _batch_normalization),
    "Convolution": ("convolution_param", _convolution),
    "Deconvolution": ("deconvolution_param", _deconvolution),
    "DepthwiseConvolution": ("depthwise_convolution_param", _depthwise_convolution),
    "PReLU": ("prelu_param", _prelu),
}
