"""Shape inference for the operators of the float graph: one function per kind of geometry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...base.errors import ModelError
from .operators import (
    Add,
    Affine,
    ArgMax,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    FixedPointQuantize,
    Identity,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pair,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Shape,
    Slice,
    Softmax,
    Transpose,
    Upsample,
)

PAD_MODES = ("constant", "reflect", "repeat")


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """(channels, height, width) of a tensor: a vector is one pixel, a (channels, length) tensor one row.

    Raises
    ------
    ModelError
        For more than three dimensions, or none.
    """
    if not 1 <= len(shape) <= 3:
        raise ModelError(f"shape {shape} is not (features,), (channels, length) or (channels, height, width)")
    channels, rest = shape[0], (1, 1, *shape[1:])
    return channels, rest[-2], rest[-1]


def window_count(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """How many windows fit along one axis; zero or less if none does."""
    return (size + before + after - (dilation * (kernel - 1) + 1)) // stride + 1


def infer_shape(op: Operator, shape: Shape, declared: Shape, others: Sequence[Shape] = ()) -> Shape:
    """The output shape of an operator.

    Parameters
    ----------
    op : Operator
    shape : tuple of int
        Shape of the first input.
    declared : tuple of int
        Shape of the output in the graph: a Reshape and the extent of a Slice keep it.
    others : sequence of tuple of int
        The shapes of the inputs after the first.

    Raises
    ------
    ModelError
        If the operator does not fit its inputs, or is none that the graph knows.
    """
    infer = SHAPES.get(type(op))
    if infer is None:
        raise ModelError(
            f"layer {op.name!r}: operators of type {type(op).__name__} are unknown; known are"
            f" {', '.join(kind.__name__ for kind in SHAPES)}"
        )
    return infer(op, shape, declared, others)


def _same_shape(op: Operator, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    return shape


def _affine_shape(op: Affine, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    if math.prod(shape) != op.weight.shape[1]:
        raise ModelError(f"layer {op.name!r}: weight {op.weight.shape} does not fit an input of shape {shape}")
    return (op.weight.shape[0],)


def _reshape_shape(op: Reshape, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    if math.prod(shape) != math.prod(declared):
        raise ModelError(f"layer {op.name!r}: cannot reshape {shape} to {declared}: the element counts differ")
    return declared


def _upsample_shape(op: Upsample, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    channels, height, width = _image(op, shape)
    if min(op.factor) < 1:
        raise ModelError(f"layer {op.name!r}: factor {op.factor}; factors are at least 1")
    return channels, height * op.factor[0], width * op.factor[1]


def _transpose_shape(op: Transpose, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    if sorted(op.axes) != list(range(len(shape))):
        raise ModelError(f"layer {op.name!r}: axes {op.axes} are no order of the axes of {shape}")
    return tuple(shape[axis] for axis in op.axes)


def _image(op: Operator, shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ModelError(f"layer {op.name!r}: input shape {shape} is not (channels, height, width)")
    return shape


def _check_groups(op: Convolution | Deconvolution, channels: int, outputs: int) -> None:
    if op.groups < 1 or channels % op.groups or outputs % op.groups:
        raise ModelError(
            f"layer {op.name!r}: {op.groups} groups do not divide {channels} input and {outputs} output channels"
        )


def _check_window(op: Operator, kernel: Pair, stride: Pair, dilation: Pair, padding: tuple[int, ...]) -> None:
    if min(stride) < 1 or min(dilation) < 1 or min(kernel) < 1 or min(padding) < 0:
        raise ModelError(
            f"layer {op.name!r}: kernel {tuple(kernel)}, stride {stride}, dilation {dilation},"
            f" padding {padding}; kernel, stride and dilation are at least 1, padding at least 0"
        )


def _window_shape(
    op: Convolution | MaxPooling | AveragePooling, shape: Shape, declared: Shape, others: Sequence[Shape]
) -> Shape:
    channels, rows, columns = _image(op, shape)
    kernel, dilation = (1, 1), (1, 1)
    if isinstance(op, Convolution):
        kernel, dilation = (op.weight.shape[2], op.weight.shape[3]), op.dilation
        _check_groups(op, channels, op.weight.shape[0])
        if op.weight.shape[1] * op.groups != channels:
            raise ModelError(
                f"layer {op.name!r}: weight {op.weight.shape} with {op.groups} groups does not fit {channels} channels"
            )
        channels = op.weight.shape[0]
    else:
        kernel = op.kernel
    _check_window(op, kernel, op.stride, dilation, op.padding)
    top, bottom, left, right = op.padding
    height = window_count(rows, kernel[0], op.stride[0], dilation[0], top, bottom)
    width = window_count(columns, kernel[1], op.stride[1], dilation[1], left, right)
    if height < 1 or width < 1:
        raise ModelError(
            f"layer {op.name!r}: kernel {tuple(kernel)} with dilation {dilation} is larger than the padded input"
            f" {shape[1:]} + {op.padding}"
        )
    if isinstance(op, AveragePooling) and not op.count_padding and not op.sum_only:
        _check_no_empty_window(op, (rows, columns), (height, width))
    return channels, height, width


def _check_no_empty_window(op: AveragePooling, size: Pair, count: Pair) -> None:
    for axis in (0, 1):
        before = op.padding[2 * axis]
        if before >= op.kernel[axis] or (count[axis] - 1) * op.stride[axis] - before >= size[axis]:
            raise ModelError(f"layer {op.name!r}: a window lies wholly in the padding {op.padding} and has no mean")


def _deconvolution_shape(op: Deconvolution, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    channels, rows, columns = _image(op, shape)
    kernel, outputs = (op.weight.shape[2], op.weight.shape[3]), op.weight.shape[1] * op.groups
    _check_groups(op, channels, outputs)
    if op.weight.shape[0] != channels:
        raise ModelError(f"layer {op.name!r}: weight {op.weight.shape} does not fit {channels} channels")
    _check_window(op, kernel, op.stride, op.dilation, (*op.padding, *op.output_padding))
    top, bottom, left, right = op.padding
    height = (rows - 1) * op.stride[0] + op.dilation[0] * (kernel[0] - 1) + 1 - top - bottom + op.output_padding[0]
    width = (columns - 1) * op.stride[1] + op.dilation[1] * (kernel[1] - 1) + 1 - left - right + op.output_padding[1]
    if height < 1 or width < 1:
        raise ModelError(f"layer {op.name!r}: padding {op.padding} leaves nothing of the output")
    return outputs, height, width


def _joined_shape(op: Add | Multiply | Concatenate, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    shapes = (shape, *others)
    if isinstance(op, Add) and (len(op.signs) != len(shapes) or not set(op.signs) <= {1, -1}):
        raise ModelError(f"layer {op.name!r}: signs {op.signs} for {len(shapes)} inputs; each is 1 or -1")
    if isinstance(op, Multiply) and len(shapes) != 2:
        raise ModelError(f"layer {op.name!r}: {len(shapes)} inputs; a product has 2")
    first = 1 if isinstance(op, Concatenate) else 0
    for other in shapes[1:]:
        if len(other) != len(shapes[0]) or other[first:] != shapes[0][first:]:
            raise ModelError(f"layer {op.name!r}: inputs of shapes {', '.join(map(str, shapes))} do not fit together")
    return (sum(other[0] for other in shapes), *shapes[0][1:]) if first else shapes[0]


def _slice_shape(op: Slice, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    fits = len(op.start) == len(declared) == len(shape) and all(
        start >= 0 and size > 0 and start + size <= extent
        for start, size, extent in zip(op.start, declared, shape, strict=True)
    )
    if not fits:
        raise ModelError(f"layer {op.name!r}: a slice {declared} from {op.start} does not fit {shape}")
    return declared


def _pad_shape(op: Pad, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    channels, height, width = _image(op, shape)
    top, bottom, left, right = op.padding
    if op.mode not in PAD_MODES or min(op.padding) < 0:
        raise ModelError(
            f"layer {op.name!r}: mode {op.mode!r}, padding {op.padding}; modes are {', '.join(PAD_MODES)},"
            " padding at least 0"
        )
    if op.mode == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
        raise ModelError(f"layer {op.name!r}: cannot reflect {op.padding} pixels of an image of {height} x {width}")
    return channels, height + top + bottom, width + left + right


def _argmax_shape(op: ArgMax, shape: Shape, declared: Shape, others: Sequence[Shape]) -> Shape:
    return tuple(1 if axis == op.axis else size for axis, size in enumerate(shape))


SHAPES: Mapping[type[Operator], Callable[[Any, Shape, Shape, Sequence[Shape]], Shape]] = {
    Convolution: _window_shape,
    Affine: _affine_shape,
    MaxPooling: _window_shape,
    Deconvolution: _deconvolution_shape,
    AveragePooling: _window_shape,
    Upsample: _upsample_shape,
    Add: _joined_shape,
    Multiply: _joined_shape,
    Concatenate: _joined_shape,
    Slice: _slice_shape,
    Pad: _pad_shape,
    Transpose: _transpose_shape,
    Pointwise: _same_shape,
    Prelu: _same_shape,
    Relu: _same_shape,
    BatchNormalization: _same_shape,
    ScaleOffset: _same_shape,
    Reshape: _reshape_shape,
    Softmax: _same_shape,
    ArgMax: _argmax_shape,
    FixedPointQuantize: _same_shape,
    Identity: _same_shape,
}
"""For every operator of the float graph: (operator, first input, declared output, other inputs) to the output."""
