"""Movements of elements along any axis of any tensor, by the operators on images that there are.

A tensor of any rank is looked at as (before, axis, after); what is in between carries no name of the model.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import permutations

import numpy as np

from ....base.errors import UnsupportedError
from ...graph import Array, Concatenate, Convolution, MaxPooling, Shape, Slice, Transpose, Upsample
from .builder import Call, Tensor

MAX_BLOCKS = 7
MAX_PIECES = 32
"""Slices for one gather; beyond them a convolution of zeros and ones picks the elements."""
MAX_PICKED = 1 << 20


def permuted(call: Call, tensor: Tensor, order: Sequence[int]) -> Tensor:
    """The tensor with its axes in another order, by the fewest transposes of three axes."""
    shape = tuple(tensor.shape[axis] for axis in order)
    blocks, places = blocks_of(tensor.shape, order)
    for grouping, axes in transposes(places):
        sizes = [math.prod(blocks[block] for block in group) for group in grouping]
        sizes += [1] * (3 - len(sizes))
        source = call.view(tensor, tuple(sizes))
        axes = (*axes, *range(len(axes), 3))
        tensor = call.emit(Transpose, (source,), tuple(sizes[axis] for axis in axes), -1, axes=axes)
    return call.view(tensor, shape)


def blocks_of(shape: Shape, order: Sequence[int]) -> tuple[list[int], tuple[int, ...]]:
    """Axes that stay side by side as one, those of one element left out: sizes, and the order of the blocks."""
    kept = [axis for axis in order if shape[axis] != 1]
    previous = {axis: max((other for other in kept if other < axis), default=None) for axis in kept}
    runs: list[list[int]] = []
    for axis in kept:
        if runs and runs[-1][-1] == previous[axis]:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    ranked = sorted(runs)
    return [math.prod(shape[axis] for axis in run) for run in ranked], tuple(ranked.index(run) for run in runs)


def transposes(goal: tuple[int, ...]) -> list[tuple[list[tuple[int, ...]], tuple[int, ...]]]:
    """The shortest way from 0, 1, 2, ... to another order of blocks, in permutations of at most three groups."""
    if len(goal) > MAX_BLOCKS:
        raise UnsupportedError(
            f"a transposition of {len(goal)} axes in the order {goal}; supported: {MAX_BLOCKS}; merge axes before it"
        )
    start = tuple(range(len(goal)))
    came: dict[tuple[int, ...], tuple[tuple[int, ...], list[tuple[int, ...]], tuple[int, ...]]] = {}
    seen, queue = {start}, deque([start])
    while goal not in seen:
        state = queue.popleft()
        for grouping in _groupings(state):
            for axes in permutations(range(len(grouping))):
                found = tuple(block for axis in axes for block in grouping[axis])
                if found not in seen:
                    seen.add(found)
                    came[found] = (state, grouping, axes)
                    queue.append(found)
    steps = []
    while goal != start:
        goal, grouping, axes = came[goal]
        steps.append((grouping, axes))
    return steps[::-1]


def _groupings(state: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    count = len(state)
    two = [[state[:i], state[i:]] for i in range(1, count)]
    three = [[state[:i], state[i:j], state[j:]] for i in range(1, count) for j in range(i + 1, count)]
    return two + three


def _sides(shape: Shape, axis: int) -> tuple[Shape, int]:
    """(channels, height, width) and the place of the axis in it, the channels as they are where that can be."""
    before, size, after = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    if axis == 0 and len(shape) == 3:
        return shape, 0
    if before == 1:
        return (size, 1, after), 0
    if after == 1:
        return (shape[0], before // shape[0], size), 2
    return (before, size, after), 1


def _on_rows(shape: Shape, axis: int) -> tuple[Shape, int]:
    """The same with the axis as rows or columns."""
    sides, place = _sides(shape, axis)
    return ((1, sides[0], sides[1] * sides[2]), 1) if place == 0 else (sides, place)


def _resized(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])


def cut(call: Call, tensor: Tensor, axis: int, start: int, size: int) -> Tensor:
    """Some successive elements of an axis."""
    if size == tensor.shape[axis]:
        return tensor
    sides, place = _sides(tensor.shape, axis)
    begin = tuple(start if position == place else 0 for position in range(3))
    result = call.emit(Slice, (call.view(tensor, sides),), _resized(sides, place, size), -1, start=begin)
    return call.view(result, _resized(tensor.shape, axis, size))


def strided(call: Call, tensor: Tensor, axis: int, step: int) -> Tensor:
    """Every `step`-th element of an axis, from the first: the maximum over windows of one."""
    if step == 1:
        return tensor
    sides, place = _on_rows(tensor.shape, axis)
    size = -(-tensor.shape[axis] // step)
    stride = (step, 1) if place == 1 else (1, step)
    result = call.emit(
        MaxPooling, (call.view(tensor, sides),), _resized(sides, place, size), -1, kernel=(1, 1), stride=stride
    )
    return call.view(result, _resized(tensor.shape, axis, size))


def repeated(call: Call, tensor: Tensor, axis: int, times: int) -> Tensor:
    """Each element of an axis `times` times in a row."""
    if times == 1:
        return tensor
    sides, place = _on_rows(tensor.shape, axis)
    size = tensor.shape[axis] * times
    factor = (times, 1) if place == 1 else (1, times)
    result = call.emit(Upsample, (call.view(tensor, sides),), _resized(sides, place, size), -1, factor=factor)
    return call.view(result, _resized(tensor.shape, axis, size))


def tiled(call: Call, tensor: Tensor, axis: int, times: int) -> Tensor:
    """The whole axis `times` times in a row."""
    shape = tensor.shape
    apart = call.view(tensor, (*shape[:axis], 1, *shape[axis:]))
    return call.view(repeated(call, apart, axis, times), _resized(shape, axis, shape[axis] * times))


def joined(call: Call, tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors one after another along an axis."""
    if len(tensors) == 1:
        return tensors[0]
    shape = tensors[0].shape
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    total = sum(tensor.shape[axis] for tensor in tensors)
    fronts = [call.view(tensor, (before, tensor.shape[axis], after)) for tensor in tensors]
    fronts = [permuted(call, tensor, (1, 0, 2)) for tensor in fronts]
    joint = call.emit(Concatenate, tuple(fronts), (total, before, after), -1)
    return call.view(permuted(call, joint, (1, 0, 2)), _resized(shape, axis, total))


def gathered(call: Call, tensor: Tensor, axis: int, indices: Sequence[int]) -> Tensor:
    """The elements of an axis at constant places, each 0 or more."""
    size, count = tensor.shape[axis], len(indices)
    repeats = _repeats(indices, size)
    if repeats is not None:
        times, start, step = repeats
        longer = repeated(call, tensor, axis, times)
        begun = cut(call, longer, axis, start, (count - 1) * step + 1)
        return strided(call, begun, axis, step)
    runs = _runs(indices)
    if len(runs) > MAX_PIECES and size * count <= MAX_PICKED:
        return picked(call, tensor, axis, np.eye(size, dtype=np.float32)[list(indices)])
    if len(runs) > 4 * MAX_PIECES:
        raise UnsupportedError(
            f"{call.where}: gathers {count} of {size} elements in no order; too many to carry:"
            " slice instead, or end the model before it (--outputs NAME)"
        )
    pieces = []
    for first, length, step in runs:
        piece = cut(call, tensor, axis, first, (length - 1) * step + 1)
        pieces.append(strided(call, piece, axis, step))
    return joined(call, pieces, axis)


def picked(
    call: Call,
    tensor: Tensor,
    axis: int,
    matrix: np.ndarray,  # type: ignore[type-arg]
    bias: Array | None = None,
) -> Tensor:
    """Each output along an axis a sum of its elements by one row of a constant matrix: a convolution of one pixel."""
    shape = tensor.shape
    order = [axis, *(other for other in range(len(shape)) if other != axis)]
    front = permuted(call, tensor, order)
    image = call.view(front, (shape[axis], 1, math.prod(front.shape[1:])))
    weight = np.ascontiguousarray(matrix, np.float32)[:, :, None, None]
    result = call.emit(Convolution, (image,), (len(matrix), 1, image.shape[2]), -1, weight=weight, bias=bias)
    result = call.view(result, (len(matrix), *front.shape[1:]))
    return permuted(call, result, [order.index(place) for place in range(len(shape))])


def _repeats(indices: Sequence[int], size: int) -> tuple[int, int, int] | None:
    """(times, start, step) so that each index is (start + step * place) // times, if there are such."""
    count = len(indices)
    if count == 1:
        return 1, indices[0], 1
    span = indices[-1] - indices[0]
    if span < 0:
        return None
    for times in range(1, min(64, count) + 1):
        least = max(1, (span - 1) * times // (count - 1))
        for step in range(least, (span + 1) * times // (count - 1) + 2):
            for offset in range(times):
                start = indices[0] * times + offset
                if start + step * (count - 1) < size * times and all(
                    (start + step * place) // times == index for place, index in enumerate(indices)
                ):
                    return times, start, step
    return None


def _runs(indices: Sequence[int]) -> list[tuple[int, int, int]]:
    """(first, length, step) of arithmetic rows, the longest first."""
    runs, place = [], 0
    while place < len(indices):
        length, step = 1, 1
        if place + 1 < len(indices) and indices[place + 1] > indices[place]:
            step = indices[place + 1] - indices[place]
            length = 2
            while place + length < len(indices) and indices[place + length] - indices[place + length - 1] == step:
                length += 1
            if length == 2 and step > 1:
                length, step = 1, 1
        runs.append((indices[place], length, step))
        place += length
    return runs
