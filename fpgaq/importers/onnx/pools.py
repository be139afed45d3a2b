"""ONNX pools and reductions over space."""

from __future__ import annotations

from ...errors import ModelError, UnsupportedError
from ...graph import AveragePooling, MaxPooling, Operator, Padding, Pair
from .builder import Call, Tensor, graph_shape
from .windows import Window, model_shape, read_window


def _overhang(call: Call, image: Tensor, window: Window, keep: bool) -> tuple[Padding, Pair]:
    """The padding with the overhang of kept partial windows (`keep`: ceil_mode) added behind, and the output's size."""
    sizes, padding, counts = graph_shape(image.shape)[1:], list(window.padding), []
    for axis in range(2):
        kernel, stride = window.kernel[axis], window.stride[axis]
        before, after = padding[2 * axis], padding[2 * axis + 1]
        room = sizes[axis] + before + after - kernel
        if room < 0:
            raise ModelError(f"{call.where}: kernel {window.kernel} is larger than the padded input {tuple(sizes)}")
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
    if window.dilation != (1, 1):
        raise UnsupportedError(f"{call.where}: dilations {window.dilation}; supported: 1")
    keep = attributes.flag("ceil_mode")
    padding, sizes = _overhang(call, image, window, keep)
    fields: dict[str, bool] = {}
    if kind is AveragePooling:
        fields["count_padding"] = attributes.flag("count_include_pad")
        if fields["count_padding"] and padding != window.padding:
            raise UnsupportedError(
                f"{call.where}: count_include_pad with ceil_mode and a partial window; set one of them to 0"
            )
    shape = model_shape(image, image.shape[0], *sizes)
    call.emit(kind, (image,), shape, kernel=window.kernel, stride=window.stride, padding=padding, **fields)


def max_pooling(call: Call) -> None:
    """MaxPool, its second output (the indices) refused by the caller."""
    call.attributes.skip("storage_order")
    _pool(call, MaxPooling)


def average_pooling(call: Call) -> None:
    """AveragePool."""
    _pool(call, AveragePooling)


def _reduce(call: Call, axes: set[int], keep: bool, kind: type[Operator], **fields: bool) -> None:
    image = call.image()
    rank, sizes = len(image.shape), graph_shape(image.shape)[1:]
    if not axes or 0 in axes or max(axes) >= rank:
        raise UnsupportedError(
            f"{call.where}: reduces axes {sorted(axis + 1 for axis in axes)} of {rank + 1}; supported: spatial axes"
        )
    kernel = (sizes[0] if rank == 3 and 1 in axes else 1, sizes[1] if rank - 1 in axes else 1)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(image.shape))
    result = call.emit(kind, (image,), shape, 0 if keep else -1, kernel=kernel, stride=kernel, **fields)
    if not keep:
        call.reshape(result, tuple(size for axis, size in enumerate(image.shape) if axis not in axes))


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
    rank = len(call.image().shape)
    if call.opset >= since:
        call.count(1, 2)
        call.attributes.only("noop_with_empty_axes", 0, 0)
        axes = call.integers(1) if call.has(1) else []
    else:
        call.count(1, 1)
        axes = call.attributes.integers("axes") or []
    if not axes:
        raise UnsupportedError(f"{call.where}: reduces all axes, the batch too; supported: spatial axes")
    _reduce(call, {call.axis(axis, rank) for axis in axes}, call.attributes.flag("keepdims", 1), kind, **fields)


def reduce_mean(call: Call) -> None:
    """ReduceMean."""
    _reduction(call, 18, AveragePooling)


def reduce_sum(call: Call) -> None:
    """ReduceSum."""
    _reduction(call, 13, AveragePooling, sum_only=True)


def reduce_max(call: Call) -> None:
    """ReduceMax."""
    _reduction(call, 18, MaxPooling)
