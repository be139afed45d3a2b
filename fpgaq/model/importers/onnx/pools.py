"""ONNX pools and reductions."""

from __future__ import annotations

import math

from ....base.errors import UnsupportedError
from ...graph import AveragePooling, MaxPooling, Operator, Pad, Padding, Pair, Pointwise, ScaleOffset
from .builder import Call, Tensor, graph_shape
from .dilated import dilated_maximum, dilated_mean
from .moves import permuted
from .windows import Window, model_shape, read_window


def _overhang(call: Call, image: Tensor, window: Window, keep: bool) -> tuple[Padding, Pair]:
    """The padding with the overhang of partial windows (`keep`: ceil_mode) at the end, and the output's size."""
    sizes, padding, counts = graph_shape(image.shape)[1:], list(window.padding), []
    for axis in range(2):
        stride = window.stride[axis]
        kernel = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        before, after = padding[2 * axis], padding[2 * axis + 1]
        room = sizes[axis] + before + after - kernel
        if room < 0:
            raise UnsupportedError(
                f"{call.where}: kernel {window.kernel} is larger than the padded input {tuple(sizes)}; the model was"
                " made for larger images: pool over all of it (AdaptiveAvgPool2d(1)), or export for that size"
            )
        count = room // stride + 1
        # A partial window counts only if it begins inside the image or the padding before it.
        if keep and room % stride and count * stride < sizes[axis] + before:
            count += 1
            padding[2 * axis + 1] = (count - 1) * stride + kernel - sizes[axis] - before
        if before >= kernel or (count - 1) * stride - before >= sizes[axis]:
            raise UnsupportedError(
                f"{call.where}: with kernel {kernel}, stride {stride}, padding {(before, after)} on {sizes[axis]}"
                " pixels a window lies wholly in the padding; reduce the padding"
            )
        counts.append(count)
    return (padding[0], padding[1], padding[2], padding[3]), (counts[0], counts[1])


def _pool(call: Call, kind: type[Operator]) -> None:
    call.count(1, 1)
    image, attributes = call.image(), call.attributes
    window = read_window(call, image, None)
    keep = attributes.flag("ceil_mode")
    padding, sizes = _overhang(call, image, window, keep)
    if any(taps > 1 and step > 1 for taps, step in zip(window.kernel, window.dilation, strict=True)):
        _dilated(call, kind, image, window, padding, sizes)
        return
    fields: dict[str, bool] = {}
    if kind is AveragePooling:
        fields["count_padding"] = attributes.flag("count_include_pad")
        # Before opset 19 the overhang counts with the padding, as onnx's reference and onnxruntime have it.
        if call.opset >= 19 and fields["count_padding"] and padding != window.padding:
            # The padding counts and the overhang does not: the one becomes a border of zeros, the other stays padding.
            fields["count_padding"] = False
            overhang = [whole - given for whole, given in zip(padding, window.padding, strict=True)]
            _, height, width = graph_shape(image.shape)
            top, bottom, left, right = window.padding
            if any(window.padding):
                wide = model_shape(image, image.shape[0], height + top + bottom, width + left + right)
                image = call.emit(Pad, (image,), wide, -1, padding=window.padding)
            padding = (overhang[0], overhang[1], overhang[2], overhang[3])
    shape = model_shape(image, image.shape[0], *sizes)
    call.emit(kind, (image,), shape, kernel=window.kernel, stride=window.stride, padding=padding, **fields)


def _dilated(call: Call, kind: type[Operator], image: Tensor, window: Window, padding: Padding, sizes: Pair) -> None:
    if kind is MaxPooling:
        result = dilated_maximum(call, image, window, sizes)
        call.reshape(result, result.shape)
        return
    if padding != window.padding:
        raise UnsupportedError(
            f"{call.where}: dilations {window.dilation} with ceil_mode 1; supported: ceil_mode 0; pad before it instead"
        )
    dilated_mean(call, image, window, sizes, call.attributes.flag("count_include_pad"))


def max_pooling(call: Call) -> None:
    """MaxPool, its second output (the indices) refused by the caller."""
    call.attributes.skip("storage_order")
    _pool(call, MaxPooling)


def average_pooling(call: Call) -> None:
    """AveragePool."""
    _pool(call, AveragePooling)


def _reduce(call: Call, axes: set[int], keep: bool, kind: type[Operator], **fields: bool) -> None:
    image = call.tensor()
    rank, sizes = len(image.shape), graph_shape(image.shape)[1:]
    if 0 in axes or rank not in (2, 3):
        reduced = reduced_along(call, image, axes, kind, **fields)
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(image.shape) if keep or axis not in axes)
        call.reshape(reduced, kept)
        return
    kernel = (sizes[0] if rank == 3 and 1 in axes else 1, sizes[1] if rank - 1 in axes else 1)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(image.shape))
    result = call.emit(kind, (image,), shape, 0 if keep else -1, kernel=kernel, stride=kernel, **fields)
    if not keep:
        call.reshape(result, tuple(size for axis, size in enumerate(image.shape) if axis not in axes))


def reduced_along(call: Call, tensor: Tensor, axes: set[int], kind: type[Operator], **fields: bool) -> Tensor:
    """A pool over any axes, which become rows of an image; the result has one element along each."""
    shape, rank = tensor.shape, len(tensor.shape)
    order = list(range(rank))
    if sorted(axes) != list(range(min(axes), max(axes) + 1)):
        order = [axis for axis in order if axis not in axes] + sorted(axes)
    moved = permuted(call, tensor, order)
    first = order.index(min(axes))
    before, size = math.prod(moved.shape[:first]), math.prod(shape[axis] for axis in axes)
    sides = (before, size, math.prod(moved.shape[first + len(axes) :]))
    pooled = call.emit(
        kind, (call.view(moved, sides),), (sides[0], 1, sides[2]), -1, kernel=(size, 1), stride=(size, 1), **fields
    )
    # The axes of one element can stand anywhere.
    return call.view(pooled, tuple(1 if axis in axes else extent for axis, extent in enumerate(shape)))


def _global(call: Call, kind: type[Operator]) -> None:
    call.count(1, 1)
    _reduce(call, set(range(1, len(call.image().shape))), True, kind)


def global_average(call: Call) -> None:
    """GlobalAveragePool."""
    _global(call, AveragePooling)


def global_maximum(call: Call) -> None:
    """GlobalMaxPool."""
    _global(call, MaxPooling)


def _reduction(call: Call, since: int, kind: type[Operator], **fields: bool) -> None:
    """ReduceMean, ReduceSum, ReduceMax over spatial axes; the axes are an input from opset `since` on."""
    rank = len(call.tensor().shape)
    axes, keep = _axes(call, since, rank)
    _reduce(call, axes, keep, kind, **fields)


def _axes(call: Call, since: int, rank: int) -> tuple[set[int], bool]:
    """The axes that are reduced, after the batch, and whether they stay as ones."""
    if call.opset >= since:
        call.count(1, 2)
        axes = call.integers(1) if call.has(1) else []
        if axes:
            call.attributes.skip("noop_with_empty_axes")
        else:
            call.attributes.only("noop_with_empty_axes", 0, 0)
    else:
        call.count(1, 1)
        axes = call.attributes.integers("axes") or []
    if not axes:
        raise UnsupportedError(f"{call.where}: reduces all axes, the batch too; name the others")
    places, keep = {call.axis(axis, rank) for axis in axes}, call.attributes.flag("keepdims", 1)
    call.stacked = call.stacked and (keep or 0 not in places)
    return places, keep


def reduce_mean(call: Call) -> None:
    """ReduceMean."""
    _reduction(call, 18, AveragePooling)


def reduce_sum(call: Call) -> None:
    """ReduceSum."""
    _reduction(call, 13, AveragePooling, sum_only=True)


def reduce_max(call: Call) -> None:
    """ReduceMax."""
    _reduction(call, 18, MaxPooling)


def reduce_min(call: Call) -> None:
    """ReduceMin: the greatest of the negative values, turned again."""
    tensor = call.tensor()
    turned = call.emit(ScaleOffset, (tensor,), tensor.shape, -1, scale=-1.0, offset=0.0)
    least = _pooled(call, turned, 18, MaxPooling)
    call.emit(ScaleOffset, (least,), least.shape, scale=-1.0, offset=0.0)


def reduce_norm(call: Call) -> None:
    """ReduceL1, ReduceL2 and ReduceSumSquare: sums of a function of each element."""
    tensor, kind = call.tensor(), call.node.type
    function = "abs" if kind == "ReduceL1" else "square"
    parts = call.emit(Pointwise, (tensor,), tensor.shape, -1, function=function)
    total = _pooled(call, parts, 18, AveragePooling, sum_only=True)
    if kind == "ReduceL2":
        call.emit(Pointwise, (total,), total.shape, function="sqrt")
    else:
        call.reshape(total, total.shape)


def _pooled(call: Call, tensor: Tensor, since: int, kind: type[Operator], **fields: bool) -> Tensor:
    axes, keep = _axes(call, since, len(tensor.shape))
    reduced = reduced_along(call, tensor, axes, kind, **fields)
    kept = tuple(size for axis, size in enumerate(reduced.shape) if keep or axis not in axes)
    return call.view(reduced, kept)
