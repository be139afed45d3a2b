"""The inputs that the weights of a layer multiply, and their statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...integer.graph import IntegerAffine, IntegerArray, IntegerConvolution, Tensor
from ...integer.reference import working_layout
from ...integer.reference.windows import window_columns

Values: TypeAlias = NDArray[np.float64]

MOST_ELEMENTS = 1 << 24
"""Inputs of windows that are there at once."""


def layer_moments(
    op: IntegerAffine | IntegerConvolution, frames: IntegerArray, source: Tensor
) -> tuple[Values, Values]:
    """Mean (groups, taps) and covariance (groups, taps, taps) of the inputs that each weight of an output multiplies.

    Parameters
    ----------
    op : IntegerAffine or IntegerConvolution
        An affine layer is one group of all its features.
    frames : array of int64
        Inputs of the layer, (frames, height, width, channels).
    source : Tensor
        The tensor that it reads.
    """
    count = sum(part.shape[2] for part in _parts(op, frames, source))
    mean = np.asarray(sum(part.sum(axis=2) for part in _parts(op, frames, source)) / count)
    # The mean is large; it is taken off first.
    centred = (part - mean[:, :, np.newaxis] for part in _parts(op, frames, source))
    return mean, np.asarray(sum(part @ part.transpose(0, 2, 1) for part in centred) / count)


def _parts(op: IntegerAffine | IntegerConvolution, frames: IntegerArray, source: Tensor) -> Iterator[Values]:
    """The inputs of all sums, (groups, taps, sums), some frames at a time."""
    if isinstance(op, IntegerAffine):
        yield frames.reshape(len(frames), -1).T[np.newaxis].astype(np.float64)
        return
    taps = op.weight[0].size
    most = max(1, MOST_ELEMENTS // (op.groups * taps * source.shape[0] * source.shape[1]))
    for first in range(0, len(frames), most):
        images = working_layout(frames[first : first + most], source.format)
        kernel = (op.weight.shape[1], op.weight.shape[2])
        columns = window_columns(images, kernel, op.groups, op.stride, op.padding, op.dilation, op.padding_value)
        yield columns.reshape(op.groups, taps, -1).astype(np.float64)
