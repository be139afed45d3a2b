"""Convolutions and pooling of the float executor: im2col as a strided view, copied in blocks, and matrix products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..graph.operators import Array, AveragePooling, Convolution, Deconvolution, MaxPooling, Pad, Padding, Shape

COLUMN_ELEMENTS = 1 << 22
"""Elements of one block of im2col columns: 16 MiB, which stays near the cache and bounds the memory."""


def with_bias(product: Array, bias: Array | None) -> Array:
    """Add a bias in place."""
    if bias is not None:
        product += bias
    return product


def padded(x: Array, padding: Padding, value: float) -> Array:
    """(batch, channels, height, width) with rows and columns of a constant around."""
    if not any(padding):
        return x
    top, bottom, left, right = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=np.float32(value))


def pad(x: Array, op: Pad) -> Array:
    """The image with its border."""
    if op.mode == "constant":
        return padded(x, op.padding, op.value)
    top, bottom, left, right = op.padding
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(x, widths, mode="reflect") if op.mode == "reflect" else np.pad(x, widths, mode="edge")


def column_blocks(x: Array, op: Convolution, pixels: int) -> Iterator[tuple[slice, Array]]:
    """Values that each tap reads for every output pixel, a block of samples at a time: (samples, groups, taps, pixels).

    Taps are in the order of the weights: channels of the group, kernel height, kernel width.
    """
    kernel_height, kernel_width = op.weight.shape[2:]
    down, across = op.dilation
    image = padded(x, op.padding, op.padding_value)
    window = (down * (kernel_height - 1) + 1, across * (kernel_width - 1) + 1)
    view = np.lib.stride_tricks.sliding_window_view(image, (1, 1, *window))
    view = view[:, :, :: op.stride[0], :: op.stride[1], 0, 0, ::down, ::across].transpose(0, 1, 4, 5, 2, 3)
    taps = op.weight[0].size
    block = max(1, COLUMN_ELEMENTS // (op.groups * taps * pixels))
    for start in range(0, len(x), block):
        samples = slice(start, start + block)
        yield samples, view[samples].reshape(-1, op.groups, taps, pixels)


def convolve(x: Array, op: Convolution, shape: Shape) -> Array:
    """Cross-correlation of (batch, channels, height, width) into (batch, *shape)."""
    outputs, height, width = shape
    weight = op.weight.reshape(op.groups, outputs // op.groups, -1)
    result = np.empty((len(x), op.groups, outputs // op.groups, height * width), x.dtype)
    for samples, columns in column_blocks(x, op, height * width):
        np.matmul(weight, columns, out=result[samples])
    result = result.reshape(len(x), *shape)
    return with_bias(result, None if op.bias is None else op.bias[:, None, None])


def deconvolve(x: Array, op: Deconvolution, shape: Shape) -> Array:
    """Transposed convolution: each tap's product added where it lands, the padding cut off at the end."""
    batch, channels, rows, columns = x.shape
    outputs, height, width = shape
    per_group, (top, _, left, _) = outputs // op.groups, op.padding
    image = x.reshape(batch, op.groups, channels // op.groups, rows * columns)
    weight = op.weight.reshape(op.groups, channels // op.groups, per_group, *op.weight.shape[2:])
    spread = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(
        (rows, columns), op.stride, op.dilation, op.weight.shape[2:], strict=True)]  # fmt: skip
    canvas = np.zeros((batch, outputs, max(spread[0], top + height), max(spread[1], left + width)), x.dtype)
    for row in range(op.weight.shape[2]):
        for column in range(op.weight.shape[3]):
            product = np.matmul(weight[..., row, column].transpose(0, 2, 1), image)
            first, start = row * op.dilation[0], column * op.dilation[1]
            canvas[
                :,
                :,
                first : first + (rows - 1) * op.stride[0] + 1 : op.stride[0],
                start : start + (columns - 1) * op.stride[1] + 1 : op.stride[1],
            ] += product.reshape(batch, outputs, rows, columns)
    result = np.ascontiguousarray(canvas[:, :, top : top + height, left : left + width])
    return with_bias(result, None if op.bias is None else op.bias[:, None, None])


def max_pool(x: Array, op: MaxPooling, shape: Shape) -> Array:
    """Maximum over windows."""
    image = padded(x, op.padding, -np.inf)
    result = np.full((len(x), *shape), -np.inf, x.dtype)
    for taps in _taps(image, op, shape):
        np.maximum(result, taps, out=result)
    return result


def average_pool(x: Array, op: AveragePooling, shape: Shape) -> Array:
    """Sum over windows in the input's type, divided by the kernel's size or by the count of pixels inside the image."""
    result = np.zeros((len(x), *shape), x.dtype)
    for taps in _taps(padded(x, op.padding, 0), op, shape):
        result += taps
    if op.sum_only:
        return result
    return result / window_divisors(op, (x.shape[2], x.shape[3]), shape)


def window_divisors(op: AveragePooling, size: tuple[int, int], shape: Shape) -> Array:
    """The divisor of each window's sum, (height, width) of the output, for an image of `size`."""
    if op.sum_only or op.count_padding:
        return np.full(shape[1:], 1 if op.sum_only else op.kernel[0] * op.kernel[1], np.float32)
    counts = []
    for axis in (0, 1):
        starts = np.arange(shape[1 + axis]) * op.stride[axis] - op.padding[2 * axis]
        counts.append(np.minimum(starts + op.kernel[axis], size[axis]) - np.maximum(starts, 0))
    divisors: Array = np.outer(counts[0], counts[1]).astype(np.float32)
    return divisors


def _taps(image: Array, op: MaxPooling | AveragePooling, shape: Shape) -> list[Array]:
    """For each position in the kernel, the pixels that stand there in all windows, as views."""
    (down, across), (height, width) = op.stride, shape[1:]
    return [
        image[:, :, row : row + down * (height - 1) + 1 : down, column : column + across * (width - 1) + 1 : across]
        for row in range(op.kernel[0])
        for column in range(op.kernel[1])
    ]
