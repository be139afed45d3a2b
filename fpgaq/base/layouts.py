"""Samples in the orders of axes in which people keep them, brought into the model's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .choices import Layout
from .errors import ModelError
from .remarks import note

IMAGE_CHANNELS = (1, 3, 4)
"""Grey, RGB, and RGB with one more."""
LEAST_IMAGE = 16
"""Rows and columns from which on (rows, columns, 1) is an image and no series of so many channels."""


def arranged(array: NDArray[Any], shape: Sequence[int], layout: Layout, where: str) -> NDArray[Any]:
    """Samples as (frames, *shape), shape being the model's own without the batch.

    Taken are the model's own order; channels last, or first where the model has them last; all elements of a sample in
    one row; one sample without a batch. Axes of length 1 may be missing or more. With layout "auto" the model's own
    order goes first, and rows of several channels, whose order cannot be seen, are refused.

    Raises
    ------
    ModelError
        Samples that fit no order, or rows whose order is not known.
    """
    shape = tuple(shape)
    if array.dtype.kind not in "fiub":
        raise ModelError(f"{where}: type {array.dtype} is not a number; floats or integers are needed")
    found = _batch(array, shape, layout, where)
    if found is None:
        found = _batch(array[np.newaxis], shape, layout, where)
        if found is None:
            raise ModelError(f"{where}: {_misfit(array.shape, shape, layout)}")
        note(f"{where}: shape {array.shape} is one sample")
    return found


def has_channels_last(shape: Sequence[int]) -> bool:
    """Whether a model's shape is (height, width, channels), as those of Keras and TensorFlow Lite are.

    Images have 1, 3 or 4 channels: only where the last size alone is such a number is it taken for the channels. A last
    size of 1 may also be the width of a series, (channels, length, 1), unless the shape is square or both sizes large.
    """
    if len(shape) != 3 or shape[-1] not in IMAGE_CHANNELS or shape[0] in IMAGE_CHANNELS:
        return False
    return shape[-1] > 1 or shape[0] == shape[1] or min(shape[:2]) >= LEAST_IMAGE


def image_size(shape: Sequence[int]) -> tuple[int, int, int]:
    """(channels, height, width) of a model's shape; features are a row of one channel."""
    # A picture of one column has no use: (rows, columns, 1) is grey.
    if has_channels_last(shape) or (len(shape) == 3 and shape[-1] == 1 and shape[0] not in IMAGE_CHANNELS):
        return int(shape[2]), int(shape[0]), int(shape[1])
    channels = int(shape[0]) if len(shape) == 3 else 1
    return (channels, int(shape[-2]), int(shape[-1])) if len(shape) > 1 else (channels, 1, int(shape[0]))


def fits(array: NDArray[Any], shape: Sequence[int]) -> bool:
    """Whether an array holds samples of the model's shape in any order of axes."""
    own = _sizes(shape)
    other = _first(shape) if has_channels_last(shape) else _last(shape)
    return array.ndim > 1 and (_sizes(array.shape[1:]) in (own, _sizes(other)) or _is_rows(array, tuple(shape)))


def _batch(array: NDArray[Any], shape: tuple[int, ...], layout: Layout, where: str) -> NDArray[Any] | None:
    if array.ndim < 1:
        return None
    last = has_channels_last(shape)
    found = _ordered(array, shape, layout, where, last)
    if found is None and len(shape) == 3 and shape[-1] == 1:
        # Of a last size of 1 the samples' own axes may tell more than the shape.
        found = _ordered(array, shape, layout, where, not last)
    return found


def _ordered(
    array: NDArray[Any], shape: tuple[int, ...], layout: Layout, where: str, last: bool
) -> NDArray[Any] | None:
    """Samples in the model's order, whose channels are `last` or first; None if they do not fit."""
    other, own_layout, other_layout = (_first(shape), "nhwc", "nchw") if last else (_last(shape), "nchw", "nhwc")
    channels, pixels = math.prod(shape[-1:] if last else shape[:1]), math.prod(shape[:-1] if last else shape[1:])
    sizes = _sizes(array.shape[1:])
    # Of one channel, or of one pixel, both orders are the same.
    one_order = not shape or channels == 1 or pixels == 1
    if sizes == _sizes(shape) and (layout != other_layout or one_order):
        return array.reshape(len(array), *shape)
    if sizes == _sizes(other) and layout != own_layout:
        if layout == "auto":
            place = "first" if last else "last"
            note(f"{where}: shape {array.shape} was taken as channels {place} (--layout {other_layout} says so)")
        return _moved(array, other, last)
    if not _is_rows(array, shape):
        return None
    if layout == other_layout:
        return _moved(array, other, last)
    if layout == "auto" and not one_order:
        raise ModelError(
            f"{where}: a row of {array.shape[1]} numbers does not tell the order of {channels} channels; give"
            " --layout nchw (channels first) or nhwc"
        )
    return array.reshape(len(array), *shape)


def _is_rows(array: NDArray[Any], shape: tuple[int, ...]) -> bool:
    return array.ndim == 2 and len(_sizes(shape)) > 1 and array.shape[1] == math.prod(shape)


def _moved(array: NDArray[Any], shape: tuple[int, ...], last: bool) -> NDArray[Any]:
    """Samples of a shape of the other order, in the model's order: channels last or first."""
    array = array.reshape(len(array), *shape)
    return np.moveaxis(array, 1, -1) if last else np.moveaxis(array, -1, 1)


def _first(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape with its channels, which are last, first."""
    return (*shape[-1:], *shape[:-1])


def _last(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape with its channels last."""
    return (*shape[1:], *shape[:1])


def _sizes(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _misfit(found: tuple[int, ...], shape: tuple[int, ...], layout: Layout) -> str:
    last = has_channels_last(shape)
    channels_first, channels_last = (_first(shape), shape) if last else (shape, _last(shape))
    orders = [] if layout == "nhwc" else [f"(samples, {', '.join(map(str, channels_first))})"]
    if layout != "nchw" and len(shape) > 1:
        orders.append(f"(samples, {', '.join(map(str, channels_last))})")
    rows = f" or rows of {math.prod(shape)}" if len(shape) > 1 else ""
    return f"shape {found} does not fit the input's shape {' or '.join(orders)}{rows}"
