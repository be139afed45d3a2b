"""What the weights of a layer multiply: rows of inputs, one for each of its sums, and what they are like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..integer_graph import IntegerAffine, IntegerArray, IntegerConvolution, Tensor

Matrix: TypeAlias = NDArray[np.float64]

MOST_ELEMENTS = 1 << 24
"""Of rows that are there at once."""


@dataclass(frozen=True)
class Moments:
    """Mean (features,) and covariance (features, features) of the rows that some output channels of a layer see.

    `outputs` are these channels; an affine layer has one such set, a convolution one for each group.
    """

    outputs: slice
    mean: Matrix
    covariance: Matrix


def layer_moments(op: IntegerAffine | IntegerConvolution, frames: IntegerArray, target: Tensor) -> Iterator[Moments]:
    """The moments of a layer's inputs, set by set.

    Parameters
    ----------
    op : IntegerAffine or IntegerConvolution
    frames : array of int64
        What the layer reads, (frames, height, width, channels).
    target : Tensor
        What it writes.
    """
    if isinstance(op, IntegerAffine):
        yield _moments(slice(None), lambda: iter([frames.reshape(len(frames), -1).astype(np.float64)]))
        return
    outputs, depth = len(op.weight) // op.groups, op.weight.shape[3]
    for group in range(op.groups):
        channels = frames[..., group * depth : (group + 1) * depth]
        chosen = slice(group * outputs, (group + 1) * outputs)
        yield _moments(chosen, lambda channels=channels: _windows(op, channels, target))  # type: ignore[misc]


def _moments(outputs: slice, rows: Callable[[], Iterator[Matrix]]) -> Moments:
    """Two passes over the rows: what is large is the mean, and it is taken off first."""
    count = sum(len(part) for part in rows())
    mean = sum(part.sum(axis=0) for part in rows()) / count
    covariance = sum((part - mean).T @ (part - mean) for part in rows()) / count
    return Moments(outputs, np.asarray(mean), np.asarray(covariance))


def _windows(op: IntegerConvolution, frames: IntegerArray, target: Tensor) -> Iterator[Matrix]:
    """The windows of all output pixels, (pixels, kernel height * kernel width * channels), some frames at a time."""
    top, bottom, left, right = op.padding
    (height, width, _), (_, rows, columns, depth) = target.shape, op.weight.shape
    most = max(1, MOST_ELEMENTS // (height * width * rows * columns * depth))
    for first in range(0, len(frames), most):
        part = frames[first : first + most]
        padded = np.pad(
            part, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=op.padding_value
        ).astype(np.float64)  # fmt: skip
        windows = np.empty((len(part), height, width, rows, columns, depth))
        for row in range(rows):
            for column in range(columns):
                y, x = row * op.dilation[0], column * op.dilation[1]
                down, across = op.stride
                taken = padded[:, y : y + down * (height - 1) + 1 : down, x : x + across * (width - 1) + 1 : across]
                windows[:, :, :, row, column] = taken
        yield windows.reshape(-1, rows * columns * depth)
