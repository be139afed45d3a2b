"""nnabla functions of several tensors, and those that move elements: sums, products, concatenation, slices, shapes."""

from __future__ import annotations

import math

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import (
    Add,
    Affine,
    Array,
    BatchNormalization,
    Concatenate,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Relu,
    Reshape,
    ScaleOffset,
    Shape,
    Slice,
    Transpose,
    Upsample,
    infer_shape,
)
from ..onnx.moves import blocks_of, transposes
from .chain import Chain
from .function import Converted, Converter, Function, from_image, image_of, parameter_count
from .proto_fields import Fields


def _constant(function: Function, array: Array) -> Array:
    """A constant operand as one number or one for each channel."""
    try:
        spread = np.broadcast_to(array, (1, *function.shape))[0]
    except ValueError:
        raise UnsupportedError(
            f"{function.where}: a constant of shape {array.shape} does not fit a tensor of {function.shape}; supported:"
            " shapes that broadcast: reshape it"
        ) from None
    vector = spread.reshape(len(spread), -1)
    if (vector != vector[:, :1]).any():
        raise UnsupportedError(
            f"{function.where}: the constant of shape {array.shape} differs within a channel; supported: one number, or"
            " one for each channel; train with one a channel"
        )
    result: Array = vector[:, 0]
    return result[:1] if (result == result[0]).all() else result


def _over_space(function: Function, array: Array) -> bool:
    """Whether a constant of one sample differs within a channel."""
    try:
        vector = np.broadcast_to(array, (1, *function.shape))[0].reshape(function.shape[0], -1)
    except ValueError:
        return False
    return bool((vector != vector[:, :1]).any())


def _constant_map(function: Function, array: Array) -> tuple[Converted, str]:
    """A tensor of constant elements: the bias of an affine layer without weights, on one element of the data."""
    bias = np.ascontiguousarray(np.broadcast_to(array, (1, *function.shape))[0], np.float32).reshape(-1)
    element, flat, name = (function.fresh(suffix) for suffix in ("element", "constants", "map"))
    start, weight = (0,) * len(function.shape), np.zeros((bias.size, 1), np.float32)
    return [
        (Slice(f"{function.name}/element", function.inputs, element, start), (1,) * len(function.shape)),
        (Affine(f"{function.name}/constants", (element,), flat, weight, bias), None),
        (Reshape(f"{function.name}/map", (flat,), name), function.shape),
    ], name


def _affine_of(function: Function, scale: Array, offset: Array) -> Converted:
    """``x * scale + offset``, each one number or one for each channel."""
    if scale.size == offset.size == 1:
        operator: Operator = ScaleOffset(
            function.name, function.inputs, function.output, float(scale[0]), float(offset[0])
        )
        return [(operator, None)]
    channels = function.shape[0]
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    scales, offsets = (np.broadcast_to(array, channels).copy() for array in (scale, offset))
    return [
        (BatchNormalization(function.name, function.inputs, function.output, zeros, ones, scales, offsets, 0.0), None)
    ]


def _aligned(function: Function) -> tuple[Converted, tuple[str, ...]]:
    """The inputs in one shape: a tensor of one pixel is spread over the image of the others, as nnabla broadcasts."""
    whole = max(function.shapes, key=math.prod)
    added: Converted = []
    names = []
    for index, (name, shape) in enumerate(zip(function.inputs, function.shapes, strict=True)):
        if shape != whole:
            if len(shape) != 3 or len(whole) != 3 or shape != (whole[0], 1, 1):
                raise UnsupportedError(
                    f"{function.where}: inputs of shapes {', '.join(map(str, function.shapes))}; supported: one shape,"
                    " or (channels, 1, 1) with an image; reshape before it"
                )
            spread = function.fresh(f"spread{index}")
            added.append((Upsample(f"{function.name}/spread{index}", (name,), spread, (whole[1], whole[2])), None))
            name = spread
        names.append(name)
    return added, tuple(names)


def _sum(function: Function, arguments: Fields) -> Converted:
    """Add2, AddN and Sub2; constants among the operands are collected into an offset."""
    arguments.skip(("inplace",))
    count = len(function.computed)
    if function.type != "AddN" and count != 2:
        raise ModelError(f"{function.where}: {count} inputs; it has 2")
    signs = [-1 if function.type == "Sub2" and index else 1 for index in range(count)]
    tensors = [sign for sign, computed in zip(signs, function.computed, strict=True) if computed]
    constants = [sign for sign, computed in zip(signs, function.computed, strict=True) if not computed]
    if constants and len(tensors) > 1:
        raise UnsupportedError(f"{function.where}: constants among {count} inputs; add them apart")
    if constants and len(function.parameters) == 1 and _over_space(function, function.parameters[0]):
        added, terms = _constant_map(function, function.parameters[0])
        total = Add(function.name, (function.data, terms), function.output, (tensors[0], constants[0]))
        return [*added, (total, None)]
    if constants:
        values = [sign * _constant(function, array) for sign, array in zip(constants, function.parameters, strict=True)]
        offset = np.asarray(sum(values[1:], start=values[0]), np.float32)
        return _affine_of(function, np.array([tensors[0]], np.float32), offset)
    added, names = _aligned(function)
    if len(names) == 1:
        return [(ScaleOffset(function.name, names, function.output, 1.0, 0.0), None)]
    return [*added, (Add(function.name, names, function.output, tuple(tensors)), None)]


def _product(function: Function, arguments: Fields) -> Converted:
    arguments.skip(("inplace",))
    if len(function.computed) != 2:
        raise UnsupportedError(f"{function.where}: {len(function.computed)} inputs; supported: 2; apply it twice")
    if function.parameters and _over_space(function, function.parameters[0]):
        added, factors = _constant_map(function, function.parameters[0])
        return [*added, (Multiply(function.name, (function.data, factors), function.output), None)]
    if function.parameters:
        return _affine_of(function, _constant(function, function.parameters[0]), np.zeros(1, np.float32))
    added, names = _aligned(function)
    return [*added, (Multiply(function.name, names, function.output), None)]


def _extreme(function: Function, arguments: Fields) -> Converted:
    """max(a, b) = b + relu(a - b) and min(a, b) = a - relu(a - b)."""
    if len(function.inputs) != 2 or function.shapes[0] != function.shapes[1]:
        raise UnsupportedError(
            f"{function.where}: shapes {', '.join(map(str, function.shapes))}; supported: two computed tensors of one"
            " shape; broadcast or slice before it"
        )
    (a, b), difference, positive = function.inputs, function.fresh("difference"), function.fresh("positive")
    ends = ((b, positive), (1, 1)) if function.type == "Maximum2" else ((a, positive), (1, -1))
    return [
        (Add(f"{function.name}/difference", (a, b), difference, (1, -1)), None),
        (Relu(f"{function.name}/positive", (difference,), positive), None),
        (Add(function.name, ends[0], function.output, ends[1]), None),
    ]


def _axis(function: Function, axis: int) -> int:
    """An axis of the shape without the batch."""
    position = axis + len(function.shape) + 1 if axis < 0 else axis
    if not 1 <= position <= len(function.shape):
        raise UnsupportedError(
            f"{function.where}: axis {axis} of an input {function.shape}; supported: axes after the batch: leave the"
            " batch as it is"
        )
    return position - 1


def _concatenate(function: Function, arguments: Fields) -> Converted:
    if function.parameters:
        raise UnsupportedError(
            f"{function.where}: concatenates a parameter; supported: computed tensors; use F.pad, or add it"
            " to the next layer's bias"
        )
    axis = _axis(function, arguments.integer("axis"))
    if len(function.inputs) == 1:
        return [(ScaleOffset(function.name, function.inputs, function.output, 1.0, 0.0), None)]
    if axis:
        raise UnsupportedError(f"{function.where}: axis {axis + 1}; supported: 1 (the channels); transpose before it")
    return [(Concatenate(function.name, function.inputs, function.output), None)]


def _split(function: Function, arguments: Fields) -> Converted:
    """One slice for each output, then without the axis."""
    parameter_count(function, 0, 0)
    axis = _axis(function, arguments.integer("axis"))
    if function.shape[axis] != len(function.outputs) or len(function.shape) < 2:
        raise UnsupportedError(
            f"{function.where}: axis {axis + 1} of {function.shape} into {len(function.outputs)} outputs; supported:"
            " as many as the axis is long, at least one axis staying; use F.slice"
        )
    converted: Converted = []
    piece = tuple(1 if other == axis else size for other, size in enumerate(function.shape))
    rest = tuple(size for other, size in enumerate(function.shape) if other != axis)
    for index, output in enumerate(function.outputs):
        name = function.fresh(f"piece{index}")
        start = tuple(index if other == axis else 0 for other in range(len(function.shape)))
        converted.append((Slice(f"{function.name}/{index}", function.inputs, name, start), piece))
        converted.append((Reshape(f"{function.name}/{index}/result", (name,), output), rest))
    return converted


def _slice(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    rank = len(function.shape) + 1
    start, stop, step = (arguments.integers(name) for name in ("start", "stop", "step"))
    if not len(start) == len(stop) == len(step) or len(start) > rank:
        raise ModelError(f"{function.where}: start {start}, stop {stop}, step {step} for {rank} axes")
    leading = rank - len(start)
    steps = [1] * leading + step
    if min(steps) < 1 or any(value != 1 for value in steps[: max(1, rank - 2)]):
        raise UnsupportedError(
            f"{function.where}: step {step}; supported: 1, or more along rows and columns; take such channels by"
            " weights"
        )
    sizes = (function.batch, *function.shape)
    starts, extents = [0] * leading, list(sizes[:leading])
    for axis, (first, last) in enumerate(zip(start, stop, strict=True), leading):
        size = sizes[axis]
        if axis == 0:
            if first != 0 or last not in {0, function.batch, function.network_batch}:
                raise UnsupportedError(
                    f"{function.where}: slices the batch, {first} to {last}; supported: all of it; leave the"
                    " batch as it is"
                )
            starts.append(0)
            extents.append(size)
            continue
        begin, end, _ = slice(first, last).indices(size)
        if end <= begin:
            raise ModelError(f"{function.where}: {first} to {last} of {size} is empty")
        starts.append(begin)
        extents.append(end - begin)
    if max(steps) == 1:
        operator = Slice(function.name, function.inputs, function.output, tuple(starts[1:]))
        return [(operator, tuple(extents[1:]))]
    # Every second pixel is the maximum over windows of one.
    chain, kept = Chain(function), (*extents[1:-2], *extents[-2:]) if rank > 2 else tuple(extents[1:])
    chain.add(Slice, kept, start=tuple(starts[1:]))
    rows, columns = (steps[-2], steps[-1]) if rank > 3 else (1, steps[-1])
    shape = (
        (*kept[:-2], -(-kept[-2] // rows), -(-kept[-1] // columns)) if rank > 3 else (kept[0], -(-kept[-1] // columns))
    )
    if rank == 3:
        chain.view((kept[0], 1, kept[1]))
    chain.add(MaxPooling, shape if rank > 3 else (shape[0], 1, shape[1]), kernel=(1, 1), stride=(rows, columns))
    return chain.finish(shape)


def _pad(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    widths, mode = arguments.integers("pad_width"), arguments.string("mode") or "constant"
    value = arguments.any_real("constant_value")
    if mode not in ("constant", "reflect", "repeat"):
        raise UnsupportedError(
            f"{function.where}: mode {mode!r}; supported: constant, reflect, repeat; use one of these"
        )
    if len(widths) % 2 or len(widths) > 2 * len(function.shape) + 2 or any(not 0 <= width < 2**31 for width in widths):
        raise ModelError(f"{function.where}: pad_width {widths} for an input {function.shape}")
    spatial = 2 * (len(function.shape) - 1)
    if any(widths[: max(0, len(widths) - spatial)]):
        raise UnsupportedError(
            f"{function.where}: pad_width {widths} pads the batch or the channels; supported: 0 there;"
            " concatenate instead"
        )
    if not (math.isfinite(value) or value == -math.inf):
        raise UnsupportedError(
            f"{function.where}: constant_value {value}; supported: a number, or -inf before a maximum; use a finite one"
        )
    used = widths[-spatial:] if spatial else []
    top, bottom, left, right = [0] * (4 - len(used)) + used
    image = image_of(function)
    padding = (top, bottom, left, right)
    operator = Pad(function.name, image.inputs, function.output, padding, mode, value if mode == "constant" else 0.0)
    return from_image(function, image, [operator], infer_shape(operator, image.shape, ()))


def _transpose(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    axes = arguments.integers("axes")
    if sorted(axes) != list(range(len(function.shape) + 1)):
        raise ModelError(f"{function.where}: axes {axes} are no order of {len(function.shape) + 1} axes")
    if axes[0] != 0:
        raise UnsupportedError(
            f"{function.where}: axes {axes} move the batch; supported: 0 in front; leave the batch first"
        )
    order = tuple(axis - 1 for axis in axes[1:])
    if len(order) > 3:
        return _transposed_blocks(function, order)
    return [(Transpose(function.name, function.inputs, function.output, order), None)]


def _transposed_blocks(function: Function, order: Shape) -> Converted:
    """Four to six axes, as in shuffles of channels and pixels: by the fewest transpositions of three."""
    sizes, places = blocks_of(function.shape, order)
    chain = Chain(function)
    for grouping, axes in transposes(places):
        sides = [math.prod(sizes[block] for block in group) for group in grouping]
        sides += [1] * (3 - len(sides))
        axes = (*axes, *range(len(axes), 3))
        chain.view((sides[0], sides[1], sides[2]))
        chain.add(Transpose, tuple(sides[axis] for axis in axes), axes=axes)
    return chain.finish(tuple(function.shape[axis] for axis in order))


def _reshape(function: Function, arguments: Fields) -> Converted:
    arguments.skip(("inplace",))
    parameter_count(function, 0, 0)
    dims = arguments.shape("shape") or []
    if len(dims) < 2 or dims.count(-1) > 2 or any(dim < 1 and dim != -1 for dim in dims):
        raise UnsupportedError(
            f"{function.where}: shape {dims}; supported: the batch and sizes, at most one of them -1; give the sizes"
        )
    if dims[0] not in {-1, 1, function.batch, function.network_batch}:
        raise UnsupportedError(
            f"{function.where}: shape {dims} moves the batch axis; supported: -1 or 1 in front; leave the batch first"
        )
    sizes, count = dims[1:], math.prod(function.shape)
    known = math.prod(size for size in sizes if size != -1)
    if (-1 in sizes and count % known) or (-1 not in sizes and count != known) or sizes.count(-1) > 1:
        raise ModelError(f"{function.where}: cannot reshape {function.shape} to {tuple(sizes)}: element counts differ")
    shape: Shape = tuple(count // known if size == -1 else size for size in sizes)
    return [(Reshape(function.name, function.inputs, function.output), shape)]


JOINS: dict[str, tuple[str, Converter]] = {
    "Add2": ("add2_param", _sum),
    "AddN": ("", _sum),
    "Concatenate": ("concatenate_param", _concatenate),
    "Maximum2": ("", _extreme),
    "Minimum2": ("", _extreme),
    "Mul2": ("mul2_param", _product),
    "MulN": ("", _product),
    "Pad": ("pad_param", _pad),
    "Reshape": ("reshape_param", _reshape),
    "Slice": ("slice_param", _slice),
    "Split": ("split_param", _split),
    "Sub2": ("sub2_param", _sum),
    "Transpose": ("transpose_param", _transpose),
}

OF_SEVERAL_TENSORS = frozenset({"Add2", "AddN", "Concatenate", "Maximum2", "Minimum2", "Mul2", "MulN", "Sub2"})
"""Functions whose inputs are all data; of other functions the inputs after the first are parameters."""
