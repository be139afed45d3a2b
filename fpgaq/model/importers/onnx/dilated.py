"""Pools with dilation, by pools and layers without.

A maximum over a window is one over its rows and then over its columns. Along an axis of size L with dilation d the
elements (L / d, d) are rows of an image: every d-th element is in one column, so that a window without dilation takes
every d-th. An axis that d does not divide is filled up with copies of the elements d places before: a window that
takes a copy takes the element too, or begins after the end and is cut off.
"""

from __future__ import annotations

import numpy as np

from ....base.errors import UnsupportedError
from ...graph import Convolution, MaxPooling, Pair
from .builder import Call, Tensor
from .moves import cut, joined, permuted, strided
from .windows import Window


def dilated_maximum(call: Call, image: Tensor, window: Window, counts: Pair) -> Tensor:
    """MaxPool with dilations; `counts` is the size of the output, whose last windows may reach over the end."""
    rank, first = len(image.shape), 3 - len(image.shape)
    for place in range(first, 2):
        axis, before = place + rank - 2, window.padding[2 * place]
        sizes = window.kernel[place], window.stride[place], window.dilation[place]
        image = _along(call, image, axis, sizes, before, counts[place])
    return image


def _along(call: Call, image: Tensor, axis: int, window: tuple[int, int, int], before: int, count: int) -> Tensor:
    kernel, stride, dilation = window
    if kernel == 1:
        kept = cut(call, image, axis, 0, (count - 1) * stride + 1)
        return strided(call, kept, axis, stride)
    order = list(range(len(image.shape)))
    if axis == 2:
        order = [0, 2, 1]
    turned = permuted(call, image, order)
    size = turned.shape[1]
    missing = -size % dilation
    if missing:
        if size < dilation:
            raise UnsupportedError(
                f"{call.where}: dilation {dilation} over {size} pixels; supported: at most the image; use a smaller one"
            )
        turned = joined(call, [turned, cut(call, turned, 1, size - dilation, missing)], 1)
    channels, long, *rest = turned.shape
    width = rest[0] if rest else 1
    rows, above = long // dilation, -(-before // dilation)
    last = (count - 1) * stride - before + (kernel - 1) * dilation
    below = max(0, -(-(last + 1 - long) // dilation))
    high = rows + above + below - kernel + 1
    pooled = call.emit(
        MaxPooling,
        (call.view(turned, (channels, rows, dilation * width)),),
        (channels, high, dilation * width),
        -1,
        kernel=(kernel, 1),
        stride=(1, 1),
        padding=(above, below, 0, 0),
    )
    found = call.view(pooled, (channels, high * dilation, *rest))
    found = cut(call, found, 1, above * dilation - before, (count - 1) * stride + 1)
    return permuted(call, strided(call, found, 1, stride), order)


def dilated_mean(call: Call, image: Tensor, window: Window, counts: Pair, count_padding: bool) -> None:
    """AveragePool with dilations: a convolution of each channel with equal weights."""
    if any(window.padding) and not count_padding:
        raise UnsupportedError(
            f"{call.where}: dilations {window.dilation} with padding that does not count; supported:"
            " count_include_pad=1; use it, or no padding"
        )
    channels = image.shape[0]
    weight = np.full((channels, 1, *window.kernel), 1 / (window.kernel[0] * window.kernel[1]), np.float32)
    shape = (channels, *counts[3 - len(image.shape) :])
    call.emit(
        Convolution, (image,), shape, weight=weight, bias=None, stride=window.stride, padding=window.padding,
        dilation=window.dilation, groups=channels,
    )  # fmt: skip
