"""Pooling functions of nnabla, whose windows may hang over the image's edge."""

from __future__ import annotations

from ....base.errors import ModelError, UnsupportedError
from ...graph import AveragePooling, MaxPooling, Operator, Pad, Pair, Reshape, Shape, Upsample, infer_shape
from .function import (
    Converted,
    Converter,
    Function,
    check_channel_first,
    from_image,
    image_of,
    pair,
    parameter_count,
)
from .moves import reduction
from .proto_fields import Fields


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
            f"{function.where}: kernel {kernel} is larger than the padded input of {size + 2 * pad} pixels;"
            " feed larger images, or use a smaller kernel"
        )
    if pad >= kernel or (count - 1) * stride - pad >= size:
        raise ModelError(
            f"{function.where}: with kernel {kernel}, stride {stride}, pad {pad} on {size} pixels a window lies wholly"
            " in the padding and has no maximum; reduce the padding"
        )
    return pad, max(0, (count - 1) * stride + kernel - size - pad) if keep else pad


def _windows(function: Function, arguments: Fields) -> tuple[Function, Pair, Pair, Pair, tuple[int, int, int, int]]:
    """The function on an image, kernel, stride, nnabla's padding and the padding with the overhang."""
    check_channel_first(function, arguments)
    parameter_count(function, 0, 0)
    image = image_of(function)
    # Two numbers pool a (channels, length) tensor too, over both of its axes: with 1 for the channels, a 1-D pooling.
    kernel, stride = (pair(image, arguments, name, 1) for name in ("kernel", "stride"))
    pad = pair(image, arguments, "pad", 0)
    if image is not function and (kernel[0], stride[0], pad[0]) != (1, 1, 0):
        raise UnsupportedError(
            f"{function.where}: kernel {kernel}, stride {stride}, pad {pad} pool over the channels of"
            f" {function.shape}; supported: kernel 1, stride 1, pad 0 there; make it so, or use F.max over"
            " the channels"
        )
    keep = not arguments.boolean("ignore_border")
    rows = _pooling_padding(image, 1, kernel[0], stride[0], pad[0], keep)
    columns = _pooling_padding(image, 2, kernel[1], stride[1], pad[1], keep)
    return image, kernel, stride, pad, rows + columns


def _max_pooling(function: Function, arguments: Fields) -> Converted:
    image, kernel, stride, _, padding = _windows(function, arguments)
    operator = MaxPooling(function.name, image.inputs, function.output, kernel, stride, padding)
    return from_image(function, image, [operator], infer_shape(operator, image.shape, ()))


def _sum_pooling(function: Function, arguments: Fields) -> Converted:
    image, kernel, stride, _, padding = _windows(function, arguments)
    operator = AveragePooling(function.name, image.inputs, function.output, kernel, stride, padding, sum_only=True)
    return from_image(function, image, [operator], infer_shape(operator, image.shape, ()))


def _average_pooling(function: Function, arguments: Fields) -> Converted:
    """The padding counts if `including_pad`, what hangs over the padded image never does."""
    counts = arguments.boolean("including_pad")
    image, kernel, stride, pad, padding = _windows(function, arguments)
    inputs, shape = image.inputs, image.shape
    operators: list[Operator] = []
    overhang = (0, max(0, padding[1] - pad[0]), 0, max(0, padding[3] - pad[1]))
    if counts and any(overhang):
        counts = False
        if any(pad):
            border = Pad(f"{function.name}/pad", inputs, function.fresh("padded"), (pad[0], pad[0], pad[1], pad[1]))
            operators.append(border)
            inputs, shape = (border.output,), infer_shape(border, shape, ())
            padding = overhang
    operator = AveragePooling(function.name, inputs, function.output, kernel, stride, padding, counts)
    return from_image(function, image, [*operators, operator], infer_shape(operator, shape, ()))


def _global(function: Function, name: str, sum_only: bool) -> tuple[list[tuple[Operator, Shape | None]], str, Shape]:
    """Pooling over the whole image; returns the converted operators, their output and its shape."""
    image = image_of(function)
    size = image.shape[1:]
    operator = AveragePooling(function.name, image.inputs, name, (size[0], size[1]), (1, 1), sum_only=sum_only)
    converted: Converted = [(operator, None)]
    if image is not function:
        converted.insert(0, (Reshape(f"{function.name}/row", function.inputs, image.data), image.shape))
    return converted, name, (image.shape[0], 1, 1)


def _global_average_pooling(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    if len(function.shape) == 3:
        return _global(function, function.output, False)[0]
    converted, name, _ = _global(function, function.fresh("mean"), False)
    return [*converted, (Reshape(f"{function.name}/result", (name,), function.output), (function.shape[0], 1))]


def _reduction(function: Function, arguments: Fields, sum_only: bool) -> Converted:
    """Mean or Sum; over the whole image it is global pooling."""
    parameter_count(function, 0, 0)
    rank = len(function.shape) + 1
    axes = sorted(axis + rank if axis < 0 else axis for axis in arguments.integers("axes"))
    keep = arguments.boolean("keep_dims")
    if axes != list(range(2, rank)) or rank < 3:
        return reduction(function, axes, keep, "Sum" if sum_only else "Mean")
    shape = (function.shape[0], *(1,) * (rank - 2)) if keep else function.shape[:1]
    name = function.output if shape == (function.shape[0], 1, 1) else function.fresh("pooled")
    converted, name, _ = _global(function, name, sum_only)
    if name != function.output:
        converted.append((Reshape(f"{function.name}/result", (name,), function.output), shape))
    return converted


def _unpooling(function: Function, arguments: Fields) -> Converted:
    check_channel_first(function, arguments)
    parameter_count(function, 0, 0)
    image = image_of(function)
    operator = Upsample(function.name, image.inputs, function.output, pair(function, arguments, "kernel", 1))
    return from_image(function, image, [operator], infer_shape(operator, image.shape, ()))


POOLING: dict[str, tuple[str, Converter]] = {
    "AveragePooling": ("average_pooling_param", _average_pooling),
    "GlobalAveragePooling": ("global_average_pooling_param", _global_average_pooling),
    "MaxPooling": ("max_pooling_param", _max_pooling),
    "Mean": ("mean_param", lambda function, arguments: _reduction(function, arguments, False)),
    "Sum": ("sum_param", lambda function, arguments: _reduction(function, arguments, True)),
    "SumPooling": ("sum_pooling_param", _sum_pooling),
    "Unpooling": ("unpooling_param", _unpooling),
}
