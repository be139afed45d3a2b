"""From user data to the integers that the hardware eats, by the formula that is stored with the network.

`run`, `simulate`, golden vectors, `compare`, `search` and `parity` all go through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base.data import fit_shape
from ..base.errors import ModelError
from ..base.formats import Format, quantize_real, round_real
from ..base.preparation import along
from .graph import InputTransform, IntegerArray, IntegerGraph


def transform_data(graph: IntegerGraph, data: Mapping[str, ArrayLike]) -> dict[str, IntegerArray]:
    """Turn user data, (frames, *model shape) for each input, into input integers by the graph's own formula.

    Raises
    ------
    ModelError
        An input without data, or data that do not fit it.
    """
    missing = [name for name in graph.inputs if name not in data]
    if missing:
        raise ModelError(f"the data lack input {missing[0]!r}; found {sorted(data)}")
    return {
        name: apply_transform(graph.transforms[name], graph.tensors[name].format, data[name]) for name in graph.inputs
    }


def apply_transform(transform: InputTransform, fmt: Format, data: ArrayLike) -> IntegerArray:
    """Turn user data into input integers by the formula of the transform's kind.

    Parameters
    ----------
    transform : InputTransform
    fmt : Format
        The input tensor's format.
    data : array_like
        (frames, *model_shape), any real or integer type; axes of length 1 may be missing.

    Returns
    -------
    array of int64
        (frames, height, width, channels).

    Raises
    ------
    ModelError
        A wrong shape or type, a value that is not finite, or an integer of the model that its format does not hold.
    """
    array = fit_shape(np.asarray(data), transform.model_shape, "input data")
    integers = _taken(array, fmt) if transform.kind == "integer" else _quantized(transform, fmt, array)
    channels, height, width = transform.image_shape
    if transform.channels_last:
        return np.ascontiguousarray(integers.reshape(array.shape[0], height, width, channels))
    images = integers.reshape(array.shape[0], channels, height, width)
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def _quantized(transform: InputTransform, fmt: Format, array: NDArray[Any]) -> IntegerArray:
    values = array.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        if transform.kind == "divide":
            values = round_real(values / transform.scale, transform.rounding) + transform.offset
        elif transform.kind == "divide_single":
            quotient = array.astype(np.float32) / np.float32(transform.scale)
            values = round_real(quotient.astype(np.float64), transform.rounding) + transform.offset
        else:
            shape = transform.model_shape
            values = values * along(transform.scales, shape) + along(transform.offsets, shape)
    if not np.isfinite(values).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise ModelError(f"input data: element {index} is not finite; remove NaN and infinite values")
    return quantize_real(values, fmt, transform.rounding)


def _taken(array: NDArray[Any], fmt: Format) -> IntegerArray:
    """Samples of the model's own input type, which may come in a wider type or as whole floats."""
    integers = array.astype(np.int64) if array.dtype.kind in "iub" else _whole(array)
    wrong = (integers != array) | (integers < fmt.minimum) | (integers > fmt.maximum)
    if wrong.any():
        index = [int(i) for i in np.argwhere(wrong)[0]]
        raise ModelError(
            f"input data: element {index} is {array[tuple(index)]}; the model takes integers from {fmt.minimum} to"
            f" {fmt.maximum} as they are"
        )
    return integers


def _whole(array: NDArray[Any]) -> IntegerArray:
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(array) < 2.0**53, array, 0).astype(np.int64)
