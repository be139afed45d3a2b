"""Operators that move, choose or average elements: they keep the scale."""

from __future__ import annotations

import math

import numpy as np

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format, round_real
from ...integer.graph import (
    IntegerArgMax,
    IntegerConcatenate,
    IntegerMaxPooling,
    IntegerPad,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTranspose,
    IntegerUpsample,
    Requantize,
)
from ...model.importers.tflite.ranges import slice_ranges, strided_ranges
from ...model.importers.tflite.windows import Window, read_window
from .conversion import Call, Stored, image_of


def reshape(call: Call) -> None:
    """RESHAPE, SQUEEZE and EXPAND_DIMS: the elements keep their order."""
    call.count(1, 2)
    call.options.skip("NewShape", "SqueezeDims")
    call.same_quantization()
    call.write(call.value(0))


def max_pool_2d(call: Call) -> None:
    """MAX_POOL_2D."""
    call.count(1, 1)
    call.same_quantization()
    source, window = call.image(0), _pool(call)
    name = call.name
    op = IntegerMaxPooling(name, (source.tensor,), name, window.kernel, window.stride, window.padding)
    channels = call.owner.tensors[source.tensor].shape[2]
    made = call.owner.put(op, (*window.size, channels), call.stored_quantization(source))
    call.write(call.clipped(made, call.limits()))


def _pool(call: Call) -> Window:
    kernel = call.options.pair("Filter", ("Height", "Width"))
    height, width, _ = image_of(call.image(0).shape, call.where)
    window = read_window(call.options, (height, width), kernel)
    # An overhang that no pixel fills takes part in nothing.
    top, bottom, left, right = window.padding
    if max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]:
        raise UnsupportedError(f"{call.where}: windows of {kernel} that lie outside the image; supported: others")
    return window


def average_pool_2d(call: Call) -> None:
    """AVERAGE_POOL_2D: the mean of the integers inside the image, rounded half away."""
    call.count(1, 1)
    call.same_quantization()
    source, window = call.image(0), _pool(call)
    tensor = call.owner.tensors[source.tensor]
    counts = inside(tensor.shape[:2], window)
    divisor = (counts[0],) if len(set(counts)) == 1 else counts
    name = call.name
    op = IntegerSumPooling(
        name, (tensor.name,), name, window.kernel, window.stride, window.padding, divisor, 2,
        Requantize((0,), "half_away"),
    )  # fmt: skip
    made = call.owner.put(op, (*window.size, tensor.shape[2]), call.stored_quantization(source))
    call.write(call.clipped(made, call.limits()))


def inside(size: tuple[int, int], window: Window) -> tuple[int, ...]:
    """The pixels inside the image of each window, in raster order."""
    along = []
    for axis in range(2):
        starts = np.arange(window.size[axis]) * window.stride[axis] - window.padding[2 * axis]
        along.append(np.minimum(starts + window.kernel[axis], size[axis]) - np.maximum(starts, 0))
    return tuple(int(count) for count in np.outer(along[0], along[1]).ravel())


def concatenation(call: Call) -> None:
    """CONCATENATION: along the channels, or the rows or columns by a transpose."""
    call.count(1, 64)
    if call.options.activation():
        raise UnsupportedError(f"{call.where}: a fused activation; LiteRT refuses it too")
    written = call.written
    rank = len(call.shape)
    axis = call.options.integer("Axis")
    axis = axis + rank + 1 if axis < 0 else axis
    if not 1 <= axis <= rank or rank > 3:
        raise UnsupportedError(f"{call.where}: joins axis {axis}; supported: axes after the batch")
    parts = [_requantized_part(call, place) for place in range(len(call.node.inputs))]
    # The model's axis is one of (row, column, channel), which a transpose makes the last.
    order = {0: (2, 1, 0), 1: (0, 2, 1), 2: (0, 1, 2)}[axis - 1 - rank + 3]
    turned = [_transposed(call, part, order, f".part{place}") for place, part in enumerate(parts)]
    shapes = [call.owner.tensors[part.tensor].shape for part in turned]
    if len({shape[:2] for shape in shapes}) != 1:
        raise ModelError(f"{call.where}: joins shapes {shapes}")
    if len(turned) == 1:
        call.write(parts[0])
        return
    shape = (*shapes[0][:2], sum(shape[2] for shape in shapes))
    op = IntegerConcatenate(call.name, tuple(part.tensor for part in turned), call.name)
    made = call.owner.put(op, shape, written)
    call.write(_transposed(call, made, order, ".back"))


def _requantized_part(call: Call, place: int) -> Stored:
    """An input in the output's scale: LiteRT rescales uint8 alone, in float32."""
    read, written = call.quantization(call.node.inputs[place]), call.written
    source = call.image(place)
    if read == written:
        return source
    if read.format != written.format or read.format != Format(8, 0, False):
        raise UnsupportedError(f"{call.where}: joins different scales or types; LiteRT rescales uint8 alone")
    scale = np.float32(read.scale) * (np.float32(1) / np.float32(written.scale))
    bias = np.float32(-read.zero_point) * scale
    values = np.arange(256, dtype=np.float32)
    table = round_real(values * scale + bias, "half_away").astype(np.int64) + written.zero_point
    return call.table(source, np.clip(table, 0, 255), written, f".part{place}")


def _transposed(call: Call, value: Stored, order: tuple[int, int, int], end: str) -> Stored:
    tensor = call.owner.tensors[value.tensor]
    if order == (0, 1, 2):
        return value
    shape = (tensor.shape[order[0]], tensor.shape[order[1]], tensor.shape[order[2]])
    op = IntegerTranspose(f"{call.name}{end}", (tensor.name,), f"{call.name}{end}", order)
    return call.owner.put(op, shape, call.stored_quantization(value))


def transpose(call: Call) -> None:
    """TRANSPOSE of the axes after the batch."""
    call.count(2, 2)
    call.same_quantization()
    order, rank = call.integers(1), len(call.shape)
    if sorted(order) != list(range(rank + 1)) or order[0] != 0 or rank > 3:
        raise UnsupportedError(f"{call.where}: order {order}; supported: what leaves the batch in front")
    free = 3 - rank
    axes = (*range(free), *(axis - 1 + free for axis in order[1:]))
    call.write(_transposed(call, call.image(0), axes, ""))


def split(call: Call) -> None:
    """SPLIT into equal parts."""
    call.count(2, 2, len(call.node.outputs))
    parts = call.options.integer("NumSplits")
    (axis,) = call.integers(0) or [0]
    source = call.image(1)
    rank = len(source.shape)
    axis = axis + rank + 1 if axis < 0 else axis
    if parts != len(call.node.outputs) or not 1 <= axis <= rank or source.shape[axis - 1] % parts:
        raise UnsupportedError(f"{call.where}: {parts} parts of axis {axis} of {list(source.shape)}")
    size = source.shape[axis - 1] // parts
    for index in range(parts):
        start, shape = [0] * rank, list(source.shape)
        start[axis - 1], shape[axis - 1] = index * size, size
        if call.quantization(call.node.outputs[index]) != call.quantization(call.node.inputs[1]):
            raise UnsupportedError(f"{call.where}: input and outputs have different scales; supported: the same")
        call.write(_slice(call, source, start, shape, f".part{index}"), index)


def _slice(call: Call, source: Stored, start: list[int], shape: list[int], end: str = "") -> Stored:
    """Elements from `start` on, in the model's axes."""
    if list(source.shape) == shape:
        return source
    free = 3 - len(shape)
    first = (*[0] * free, *start)
    op = IntegerSlice(f"{call.name}{end}", (source.tensor,), f"{call.name}{end}", (first[0], first[1], first[2]))
    made = call.owner.put(op, image_of(shape, call.where), call.stored_quantization(source))
    return Stored(made.tensor, tuple(shape))


def slice_of(call: Call) -> None:
    """SLICE."""
    call.count(3, 3)
    call.same_quantization()
    source = call.image(0)
    call.write(_slice(call, source, *slice_ranges(call.where, source.shape, call.integers(1), call.integers(2))))


def strided_slice(call: Call) -> None:
    """STRIDED_SLICE with positive strides, without new axes."""
    call.count(4, 4)
    call.same_quantization()
    source = call.image(0)
    ranges = [call.integers(place) for place in (1, 2, 3)]
    starts, sizes, stride = strided_ranges(call.options, source.shape, ranges)
    call.write(_strided(call, _slice(call, source, starts, sizes), stride))


def _strided(call: Call, source: Stored, stride: list[int]) -> Stored:
    """Every so many rows and columns: the greatest of windows of one pixel."""
    rows, columns, channels = (*[1] * (3 - len(stride)), *stride)
    if channels != 1:
        raise UnsupportedError(f"{call.where}: every {channels} channels; supported: neighbouring channels")
    if (rows, columns) == (1, 1):
        return source
    image = call.as_image(source)
    height, width, depth = call.owner.tensors[image.tensor].shape
    shape = (-(-height // rows), -(-width // columns), depth)
    op = IntegerMaxPooling(
        f"{call.name}.stride", (image.tensor,), f"{call.name}.stride", (1, 1), (rows, columns), (0, 0, 0, 0)
    )
    return call.owner.put(op, shape, call.stored_quantization(image))


def pad(call: Call) -> None:
    """PAD with the zero point, PADV2 with a constant."""
    call.count(2, 3)
    value = call.written.zero_point
    if call.has(2):
        same = call.quantization(call.node.inputs[2]) == call.written
        data = call.constant(2).data
        if not same or data is None or data.size != 1:
            raise UnsupportedError(f"{call.where}: a constant in another scale; supported: the output's")
        value = int(data.reshape(-1)[0])
    _pad(call, "constant", value)


def mirror_pad(call: Call) -> None:
    """MIRROR_PAD: reflected, or repeated by one pixel."""
    call.count(2, 2)
    symmetric = call.options.integer("Mode") == 1
    if symmetric and max(call.integers(1)) > 1:
        raise UnsupportedError(f"{call.where}: mode SYMMETRIC by more than one pixel; supported: REFLECT")
    _pad(call, "repeat" if symmetric else "reflect", 0)


def _pad(call: Call, mode: str, value: int) -> None:
    call.same_quantization()
    source, amounts = call.image(0), call.integers(1)
    rank = len(source.shape) + 1
    pairs = [(amounts[2 * axis], amounts[2 * axis + 1]) for axis in range(len(amounts) // 2)]
    if len(amounts) != 2 * rank or min(amounts) < 0 or pairs[0] != (0, 0):
        raise UnsupportedError(f"{call.where}: amounts {pairs}; supported: of axes after the batch")
    rows, columns, channels = (*[(0, 0)] * (4 - rank), *pairs[1:])
    if channels != (0, 0):
        raise UnsupportedError(f"{call.where}: pads channels by {channels}; supported: rows and columns")
    height, width, depth = call.owner.tensors[source.tensor].shape
    shape = (height + sum(rows), width + sum(columns), depth)
    op = IntegerPad(call.name, (source.tensor,), call.name, (*rows, *columns), mode, value)
    call.write(call.owner.put(op, shape, call.stored_quantization(source)))


def resize_nearest_neighbor(call: Call) -> None:
    """RESIZE_NEAREST_NEIGHBOR to whole multiples, or to every so many pixels."""
    call.count(2, 2)
    call.same_quantization()
    source, sizes = call.image(0), call.integers(1)
    tensor = call.owner.tensors[source.tensor]
    corners, centers = call.options.flag("AlignCorners"), call.options.flag("HalfPixelCenters")
    if len(sizes) != 2 or len(source.shape) != 3 or min(sizes) < 1:
        raise UnsupportedError(f"{call.where}: sizes {sizes}; supported: rows and columns of an image")
    maps = [nearest(have, wanted, corners, centers) for have, wanted in zip(tensor.shape[:2], sizes, strict=True)]
    factors = []
    for have, wanted, places in zip(tensor.shape[:2], sizes, maps, strict=True):
        factor = wanted // have
        if wanted % have or places != [place // factor for place in range(wanted)]:
            raise UnsupportedError(
                f"{call.where}: {have} pixels to {wanted} with this alignment; supported: each pixel repeated equally"
                " often"
            )
        factors.append(factor)
    op = IntegerUpsample(call.name, (tensor.name,), call.name, (factors[0], factors[1]), False)
    shape = (sizes[0], sizes[1], tensor.shape[2])
    call.write(call.owner.put(op, shape, call.stored_quantization(source)))


def nearest(have: int, wanted: int, corners: bool, centers: bool) -> list[int]:
    """The pixel that each of `wanted` pixels shows, as LiteRT computes it in float32."""
    align = corners and wanted > 1
    scale = np.float32(have - 1) / np.float32(wanted - 1) if align else np.float32(have) / np.float32(wanted)
    offset = np.float32(0.5 if centers else 0)
    places = (np.arange(wanted, dtype=np.float32) + offset) * scale
    whole = round_real(places, "half_away") if corners else np.floor(places)
    return [min(max(int(place), 0), have - 1) for place in whole]


def arg_max(call: Call) -> None:
    """ARG_MAX over the channels: the index of the greatest, the lowest on ties."""
    call.count(2, 2)
    call.options.skip("OutputType")
    source = call.image(0)
    rank = len(source.shape)
    (axis,) = call.integers(1) or [0]
    if (axis + rank + 1 if axis < 0 else axis) != rank:
        raise UnsupportedError(f"{call.where}: over axis {axis}; supported: the last one")
    tensor = call.owner.tensors[source.tensor]
    fmt = Format(max(1, (tensor.shape[2] - 1).bit_length()), 0, False)
    op = IntegerArgMax(call.name, (tensor.name,), call.name)
    made = call.owner.put(op, (*tensor.shape[:2], 1), None, fmt)
    shape = call.file(call.node.outputs[0]).shape
    behind = shape[1:] or (1,)
    if math.prod(behind) != tensor.shape[0] * tensor.shape[1]:
        raise ModelError(f"{call.where}: computes {tensor.shape[:2]} indices; the file states shape {list(shape)}")
    call.owner.values[call.node.outputs[0]] = Stored(made.tensor, behind)
