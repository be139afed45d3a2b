"""Layers that read windows of pixels: convolution, affine, pooling."""

from __future__ import annotations

import math

import numpy as np

from ....integer.graph import (
    ImageShape,
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerSumPooling,
    Tensor,
)
from ...schedule.operator_plans import is_depthwise, is_global
from .layer import Layer
from .text import LayerText, StreamText, array, constants, list_member, rule_members, sum_bits, truth


def _divide_up(a: int, b: int) -> int:
    return -(-a // b)


def _geometry(
    layer: Layer,
    image: tuple[int, int, int],
    output: ImageShape,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    corner: tuple[int, int],
    outside: int,
) -> list[str]:
    """Members that place the windows; `image` is (height, width, beats of a pixel) as the layer sees it."""
    fold = layer.fold
    return [
        constants({"height": image[0], "width": image[1], "pixel_beats": image[2]}),
        constants({"output_height": output[0], "output_width": output[1]}),
        constants({"kernel_height": kernel[0], "kernel_width": kernel[1]}),
        constants({"stride_y": stride[0], "stride_x": stride[1]}),
        constants({"dilation_y": dilation[0], "dilation_x": dilation[1]}),
        constants({"top": corner[0], "left": corner[1]}),
        f"static constexpr long long outside = {outside};",
        constants({"taps": fold.taps, "channels": fold.channels, "outputs": fold.outputs}) + "  // lanes of a step",
    ]


def _groups(layer: Layer, taps: int, counts: dict[str, int], reach: int) -> list[str]:
    """Members that count the steps; `reach` is the channel after the last that a step reads."""
    fold = layer.fold
    stored = counts.pop("stored")
    return [
        constants({"tap_groups": _divide_up(taps, fold.taps), **counts}),
        constants({"word": math.lcm(fold.lanes_in, fold.channels)}),
        truth("whole", reach <= stored),
    ]


def _sums(layer: Layer, rows: int, columns: int, channels: int, lanes: int, width: int) -> StreamText:
    """The stream from the multipliers to the requantizers."""
    return StreamText(
        variable=f"sums_{layer.index:02d}",
        kind=f"Sums{layer.index:02d}",
        element=f"fpgaq::Sum<{width}>",
        shape=(rows, columns, channels),
        lanes=lanes,
        comment=f"{layer.label}: sums before bias and requantization",
    )


def _product(
    layer: Layer,
    op: IntegerConvolution | IntegerAffine,
    target: Tensor,
    members: list[str],
    weights: IntegerArray,
    groups: int,
    function: str,
) -> LayerText:
    """The two processes of a layer with weights."""
    number = f"{layer.index:02d}"
    rows, columns, outputs = target.shape
    lanes = layer.fold.outputs
    sums = _sums(layer, rows, columns, groups * lanes, lanes, op.accumulator_width)
    return LayerText(
        struct=layer.struct,
        members=(*members, *rule_members(op.requantize, target.format, op.accumulator_width)),
        calls=(
            f"{function}<{layer.struct}>({layer.sources[0]}, {sums.variable}, weights_{number});",
            f"fpgaq::finish<{layer.struct}>({sums.variable}, {layer.sink}, biases_{number});",
        ),
        arrays=(
            array(f"weights_{number}", op.weight_format.width, weights),
            array(f"biases_{number}", op.accumulator_width, op.bias.reshape(outputs)),
        ),
        streams=(sums,),
    )


def convolution(layer: Layer, op: IntegerConvolution) -> LayerText:
    """Multiply-accumulate over windows, then bias and requantization."""
    source, target = layer.tensors[op.input], layer.tensors[op.output]
    fold, (outputs, height, width, depth) = layer.fold, op.weight.shape
    beats = _divide_up(source.shape[2], fold.lanes_in)
    image = (source.shape[0], source.shape[1], beats)
    members = _geometry(
        layer, image, target.shape, (height, width), op.stride, op.dilation, op.padding[::2], op.padding_value
    )
    taps, stored = height * width, beats * fold.lanes_in
    dense = op.weight.reshape(outputs, taps, depth)
    if is_depthwise(op):
        groups = _divide_up(outputs, fold.channels)
        counts = {"channel_groups": 1, "groups": groups, "stored": stored}
        members += _groups(layer, taps, counts, groups * fold.channels)
        weights = _lanewise_weights(dense[:, :, 0], fold.taps, fold.channels)
        return _product(layer, op, target, members, weights, groups, "fpgaq::multiply_lanewise")
    sharing = _divide_up(outputs // op.groups, fold.outputs)
    channel_groups = _divide_up(depth, fold.channels)
    counts = {
        "channel_groups": channel_groups,
        "groups": sharing * op.groups,
        "groups_sharing": sharing,
        "depth": depth,
        "stored": stored,
    }
    members += _groups(layer, taps, counts, (op.groups - 1) * depth + channel_groups * fold.channels)
    weights = _step_weights(dense, op.groups, (fold.taps, fold.channels, fold.outputs))
    return _product(layer, op, target, members, weights, sharing * op.groups, "fpgaq::multiply")


def affine(layer: Layer, op: IntegerAffine) -> LayerText:
    """A convolution over an image of one pixel that holds the whole frame."""
    source, target = layer.tensors[op.input], layer.tensors[op.output]
    fold, (outputs, _) = layer.fold, op.weight.shape
    beats = _divide_up(source.shape[2], fold.lanes_in)
    pixels, depth = source.shape[0] * source.shape[1], beats * fold.lanes_in
    members = _geometry(layer, (1, 1, pixels * beats), target.shape, (1, 1), (1, 1), (1, 1), (0, 0), 0)
    # Lanes that no channel of a pixel's last beat fills count as elements of weight zero.
    spread = np.zeros((outputs, pixels, depth), dtype=np.int64)
    spread[:, :, : source.shape[2]] = op.weight.reshape(outputs, pixels, source.shape[2])
    dense = spread.reshape(outputs, 1, pixels * depth)
    groups, channel_groups = _divide_up(outputs, fold.outputs), _divide_up(pixels * depth, fold.channels)
    counts = {
        "channel_groups": channel_groups,
        "groups": groups,
        "groups_sharing": groups,
        "depth": pixels * depth,
        "stored": pixels * depth,
    }
    members += _groups(layer, 1, counts, channel_groups * fold.channels)
    weights = _step_weights(dense, 1, (1, fold.channels, fold.outputs))
    return _product(layer, op, target, members, weights, groups, "fpgaq::multiply")


def _step_weights(dense: IntegerArray, conv_groups: int, lanes: tuple[int, int, int]) -> IntegerArray:
    """Weights (outputs, taps, channels) in the order of the steps: (steps, output lanes, tap and channel lanes).

    Lanes beyond the outputs, taps or channels of a group multiply by zero.
    """
    outputs, taps, channels = dense.shape
    tap_lanes, channel_lanes, output_lanes = lanes
    own = outputs // conv_groups
    sizes = [_divide_up(own, output_lanes), _divide_up(taps, tap_lanes), _divide_up(channels, channel_lanes)]
    padded = np.zeros(
        (conv_groups, sizes[0] * output_lanes, sizes[1] * tap_lanes, sizes[2] * channel_lanes), dtype=np.int64
    )
    padded[:, :own, :taps, :channels] = dense.reshape(conv_groups, own, taps, channels)
    split = padded.reshape(
        conv_groups * sizes[0], output_lanes, sizes[1], tap_lanes, sizes[2], channel_lanes
    ).transpose(0, 2, 4, 1, 3, 5)
    return split.reshape(-1, output_lanes, tap_lanes * channel_lanes)


def _lanewise_weights(dense: IntegerArray, tap_lanes: int, channel_lanes: int) -> IntegerArray:
    """Weights (channels, taps) in the order of the steps: (steps, tap lanes, channel lanes)."""
    channels, taps = dense.shape
    groups, tap_groups = _divide_up(channels, channel_lanes), _divide_up(taps, tap_lanes)
    padded = np.zeros((groups * channel_lanes, tap_groups * tap_lanes), dtype=np.int64)
    padded[:channels, :taps] = dense
    split = padded.reshape(groups, channel_lanes, tap_groups, tap_lanes).transpose(0, 2, 3, 1)
    return split.reshape(-1, tap_lanes, channel_lanes)


def max_pooling(layer: Layer, op: IntegerMaxPooling) -> LayerText:
    """The greatest element of each window."""
    fmt = layer.tensors[op.input].format
    members = [constants({"sum_bits": sum_bits(fmt)})]
    return _pooling(layer, op, "Greatest", fmt.minimum, members)


def sum_pooling(layer: Layer, op: IntegerSumPooling) -> LayerText:
    """Sums of windows, divided and rounded once."""
    fmt = layer.tensors[op.output].format
    divisors = [divisor << op.requantize.shift[0] for divisor in op.divisor]
    if len(set(divisors)) == 1:
        divisors = divisors[:1]
    # A rest and its divisor are added.
    width = max(op.accumulator_width, max(divisors).bit_length() + 2)
    members = [
        *rule_members(op.requantize, fmt, op.accumulator_width, shifts=False),
        constants({"sum_bits": width}),
        *list_member("long long", "divisors", divisors),
    ]
    source, fold = layer.tensors[op.input], layer.fold
    if is_global(layer.tensors, op) and fold.taps == 1 and fold.lanes_in == fold.lanes_out:
        height, width, channels = source.shape
        sizes = constants({"height": height, "width": width, "pixel_beats": _divide_up(channels, fold.lanes_in)})
        call = f"fpgaq::total_of_image<{layer.struct}>({layer.sources[0]}, {layer.sink});"
        return LayerText(struct=layer.struct, members=(sizes, *members), calls=(call,))
    return _pooling(layer, op, "Total", 0, members)


def _pooling(
    layer: Layer, op: IntegerMaxPooling | IntegerSumPooling, rule: str, outside: int, arithmetic: list[str]
) -> LayerText:
    source, target, fold = layer.tensors[op.input], layer.tensors[op.output], layer.fold
    beats = _divide_up(source.shape[2], fold.lanes_in)
    image = (source.shape[0], source.shape[1], beats)
    members = _geometry(layer, image, target.shape, op.kernel, op.stride, (1, 1), op.padding[::2], outside)
    groups = _divide_up(source.shape[2], fold.channels)
    counts = {"channel_groups": 1, "groups": groups, "stored": beats * fold.lanes_in}
    members += _groups(layer, op.kernel[0] * op.kernel[1], counts, groups * fold.channels)
    return LayerText(
        struct=layer.struct,
        members=(*members, *arithmetic),
        calls=(f"fpgaq::pool<{layer.struct}, fpgaq::{rule}>({layer.sources[0]}, {layer.sink});",),
    )
