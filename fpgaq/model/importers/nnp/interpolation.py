"""nnabla's Interpolate: each output along an axis is a constant sum of at most two pixels."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ....base.errors import UnsupportedError
from ...graph import Convolution, Transpose, Upsample
from .chain import Chain
from .function import Converted, Function, check_channel_first, parameter_count
from .proto_fields import Fields

MAX_SIZE = 1 << 14


def interpolate(function: Function, arguments: Fields) -> Converted:
    """Interpolate to the nearest pixel or linearly, to any size."""
    parameter_count(function, 0, 0)
    check_channel_first(function, arguments)
    sizes, mode = arguments.integers("output_size"), arguments.string("mode")
    aligned, half, nearest = (arguments.boolean(name) for name in ("align_corners", "half_pixel", "half_pixel_for_nn"))
    shape = function.shape
    if len(sizes) != len(shape) - 1 or len(shape) not in (2, 3) or mode not in ("nearest", "linear"):
        raise UnsupportedError(
            f"{function.where}: mode {mode!r}, output_size {sizes} of an input {shape}; supported: 'nearest' and"
            " 'linear' of (channels, height, width) and (channels, length); use one of these modes"
        )
    if not all(1 <= size <= MAX_SIZE for size in sizes):
        raise UnsupportedError(
            f"{function.where}: output_size {sizes}; supported: 1 to {MAX_SIZE}; choose smaller images"
        )
    chain = Chain(function)
    chain.view(shape if len(shape) == 3 else (shape[0], 1, shape[1]))
    for axis, wanted in enumerate(sizes, 3 - len(sizes)):
        size = chain.shape[axis]
        if mode == "nearest":
            matrix = _nearest(size, wanted, aligned, half, nearest)
        else:
            matrix = _linear(size, wanted, aligned, half)
        _resize(chain, axis, matrix)
    return chain.finish((shape[0], *sizes))


def _step(size: int, wanted: int, aligned: bool) -> Fraction:
    """Pixels of the input for one of the output; an output of one pixel takes the first, as nnabla 1.39 has it."""
    if wanted == 1:
        return Fraction(0)
    return Fraction(size - 1, wanted - 1) if aligned else Fraction(size, wanted)


def _place(step: Fraction, place: int, half: bool) -> Fraction:
    return max(Fraction(0), step * (place + Fraction(1, 2)) - Fraction(1, 2)) if half else step * place


def _nearest(size: int, wanted: int, aligned: bool, half: bool, nearest: bool) -> NDArray[np.float32]:
    step = _step(size, wanted, aligned)
    matrix = np.zeros((wanted, size), np.float32)
    for row in range(wanted):
        # With `half_pixel_for_nn` the one pixel of an output is the middle.
        place = Fraction(size, wanted) * (row + Fraction(1, 2)) if nearest else _place(step, row, half)
        matrix[row, min(math.floor(place), size - 1)] = 1
    return matrix


def _linear(size: int, wanted: int, aligned: bool, half: bool) -> NDArray[np.float32]:
    step = _step(size, wanted, aligned)
    matrix = np.zeros((wanted, size), np.float32)
    for row in range(wanted):
        place = min(_place(step, row, half), Fraction(size - 1))
        low = math.floor(place)
        matrix[row, low] += float(1 - (place - low))
        matrix[row, min(low + 1, size - 1)] += float(place - low)
    return matrix


def _resize(chain: Chain, axis: int, matrix: NDArray[np.float32]) -> None:
    """Repeat pixels, or take sums of them by a convolution of the axis as channels."""
    wanted, size = matrix.shape
    shape = chain.shape
    if np.array_equal(matrix, np.eye(size, dtype=np.float32)):
        return
    result = (*shape[:axis], wanted, *shape[axis + 1 :])
    if wanted % size == 0 and np.array_equal(matrix, np.repeat(np.eye(size, dtype=np.float32), wanted // size, axis=0)):
        times = wanted // size
        chain.add(Upsample, result, factor=(times, 1) if axis == 1 else (1, times))
        return
    axes = (1, 0, 2) if axis == 1 else (2, 1, 0)
    chain.add(Transpose, tuple(shape[place] for place in axes), axes=axes)
    chain.add(Convolution, (wanted, *chain.shape[1:]), weight=matrix[:, :, None, None].copy(), bias=None)
    chain.add(Transpose, result, axes=axes)
