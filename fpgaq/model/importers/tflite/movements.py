"""Operators of a float TensorFlow Lite model that move elements: joins, cuts, pads, other shapes and orders."""

from __future__ import annotations

from ....base.errors import UnsupportedError
from ...graph import (
    Concatenate,
    Pad,
    Shape,
    Slice,
    Upsample,
)
from ...graph import Transpose as TransposeOperator
from .graph import Call, Value, stored_shape
from .operands import finish, image_of
from .ranges import slice_ranges, strided_ranges


def concatenation(call: Call) -> None:
    """CONCATENATION of channels, rows or columns."""
    rank, axis = len(call.shape), call.options.integer("Axis")
    axis = axis + rank + 1 if axis < 0 else axis
    values = [call.image(place) for place in range(len(call.node.inputs))]
    if not 1 <= axis <= rank:
        raise UnsupportedError(
            f"{call.where}: joins axis {axis}; supported: axes after the batch; leave the batch as it is"
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
            " parts of an axis after the batch; use slices"
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
    value, channels, height, width = image_of(call, 0)
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
    value, channels, height, width = image_of(call, 0)
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
    """TRANSPOSE of the axes after the batch."""
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
