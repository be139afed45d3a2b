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


def arranged(array: NDArray[Any], shape: Sequence[int], layout: Layout, where: str) -> NDArray[Any]:
    """Samples as (frames, *shape), shape being the model's own: channels first, no batch.

    Taken are the model's own order; channels last; all elements of a sample in one row; one sample without a batch.
    Axes of length 1 may be missing or more. With layout "auto" the model's own order goes first, and rows of several
    channels, whose order cannot be seen, are refused.

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


def fits(array: NDArray[Any], shape: Sequence[int]) -> bool:
    """Whether an array holds samples of the model's shape in any order of axes."""
    own = _sizes(shape)
    return array.ndim > 1 and (_sizes(array.shape[1:]) in (own, _sizes(_last(shape))) or _is_rows(array, tuple(shape)))


def _batch(array: NDArray[Any], shape: tuple[int, ...], layout: Layout, where: str) -> NDArray[Any] | None:
    if array.ndim < 1:
        return None
    sizes, own, last = _sizes(array.shape[1:]), _sizes(shape), _sizes(_last(shape))
    # Of one channel, or of one pixel, both orders are the same.
    one_order = not shape or shape[0] == 1 or math.prod(shape[1:]) == 1
    if sizes == own and (layout != "nhwc" or one_order):
        return array.reshape(len(array), *shape)
    if sizes == last and layout != "nchw":
        if layout == "auto":
            note(f"{where}: shape {array.shape} was taken as channels last (--layout nhwc says so)")
        return _channels_first(array, shape)
    if not _is_rows(array, shape):
        return None
    if layout == "nhwc":
        return _channels_first(array, shape)
    if layout == "auto" and not one_order:
        raise ModelError(
            f"{where}: a row of {array.shape[1]} numbers does not tell the order of {shape[0]} channels; give"
            " --layout nchw (channels first) or nhwc"
        )
    return array.reshape(len(array), *shape)


def _is_rows(array: NDArray[Any], shape: tuple[int, ...]) -> bool:
    return array.ndim == 2 and len(_sizes(shape)) > 1 and array.shape[1] == math.prod(shape)


def _channels_first(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    return np.moveaxis(array.reshape(len(array), *_last(shape)), -1, 1)


def _last(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape with its channels last."""
    return (*shape[1:], *shape[:1])


def _sizes(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _misfit(found: tuple[int, ...], shape: tuple[int, ...], layout: Layout) -> str:
    wanted = ", ".join(map(str, shape))
    orders = [] if layout == "nhwc" else [f"(samples, {wanted})"]
    if layout != "nchw" and len(shape) > 1:
        orders.append(f"(samples, {', '.join(map(str, _last(shape)))})")
    rows = f" or rows of {math.prod(shape)}" if len(shape) > 1 else ""
    return f"shape {found} does not fit the input's shape {' or '.join(orders)}{rows}"
