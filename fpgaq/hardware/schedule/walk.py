"""Where windows lie in the line buffer: what each waits for, what each frees, where its words are.

The line buffer is a circular memory over all words of all frames in raster order, so a word's address is its number
modulo the memory's size and nothing but the size depends on how much is kept. Words are counted within a frame here;
both counts below never fall, which is what lets hardware keep them as running differences:

* a window needs every word up to the last real pixel that it or any window before it covers;
* after a row of windows, the image rows above the first real row of the next row's windows are free.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .plans import Walk


@lru_cache(maxsize=512)
def make_walk(
    image: tuple[int, int, int],
    output: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
    words_per_pixel: int,
) -> Walk:
    """The walk of windows over an image (height, width, channels) kept as `words_per_pixel` words a pixel."""
    height, width, _ = image
    rows, columns, _ = output
    last_row, rows_inside = _reach(height, rows, kernel[0], stride[0], dilation[0], padding[0])
    last_column, columns_inside = _reach(width, columns, kernel[1], stride[1], dilation[1], padding[2])
    first_row = [min(max(row * stride[0] - padding[0], 0), height) for row in range(rows)]
    row_words = width * words_per_pixel
    origins = (np.arange(rows) * stride[0] - padding[0])[:, None] * row_words + (
        np.arange(columns) * stride[1] - padding[2]
    )[None, :] * words_per_pixel
    return _assemble(
        image,
        words_per_pixel,
        origins,
        np.asarray(last_row),
        np.asarray(last_column),
        first_row,
        rows_inside,
        columns_inside,
    )


def make_map_walk(
    image: tuple[int, int, int], rows: Sequence[int | None], columns: Sequence[int | None], words_per_pixel: int
) -> Walk:
    """The walk of a layer whose output pixel (y, x) is input pixel (rows[y], columns[x]), or a constant if None."""
    row_words = image[1] * words_per_pixel
    real_rows, real_columns = _filled(rows), _filled(columns)
    origins = real_rows[:, None] * row_words + real_columns[None, :] * words_per_pixel
    inside = [[int(index is not None) for index in axis] for axis in (rows, columns)]
    first_row = [int(row) for row in np.minimum.accumulate(real_rows[::-1])[::-1]]
    return _assemble(image, words_per_pixel, origins, real_rows, real_columns, first_row, inside[0], inside[1])


def _filled(positions: Sequence[int | None]) -> NDArray[np.int64]:
    """Positions with the one before in place of None, so that constants neither wait nor hold anything back."""
    filled, last = [], next((position for position in positions if position is not None), 0)
    for position in positions:
        last = last if position is None else position
        filled.append(last)
    return np.asarray(filled, dtype=np.int64)


def make_frame_walk(frame_words: int, origins: NDArray[np.int64]) -> Walk:
    """The walk of a layer that waits for the whole frame and then reads it in any order, `origins` (rows, columns)."""
    rows, columns = origins.shape
    steps = np.diff(origins.ravel(), append=frame_words + origins[0, 0]).reshape(rows, columns)
    return Walk(
        need_start=frame_words,
        need_column=(0,) * (columns - 1),
        need_row=(0,) * (rows - 1) + (frame_words,),
        row_reaches=(False,) * rows,
        release=(0,) * (rows - 1) + (frame_words,),
        base_start=int(origins[0, 0]),
        base_column=tuple(int(step) for step in steps[0, :-1]),
        base_row=tuple(int(step) for step in steps[:, -1]),
        rows_inside=(1,) * rows,
        columns_inside=(1,) * columns,
    )


@lru_cache(maxsize=512)
def make_turned_walk(pixels: int, parts: int, words: int) -> Walk:
    """The walk of a layer that reads each pixel's `parts` parts of `words` words side by side: word 0 of each, word 1
    of each, and so on; an output "column" is the like words of all parts.
    """
    pixel, first = parts * words, (parts - 1) * words
    return Walk(
        need_start=first + 1,
        need_column=(1,) * (words - 1),
        need_row=(first + 1,) * pixels,
        row_reaches=(True,) * pixels,
        release=(pixel,) * pixels,
        base_start=0,
        base_column=(1,) * (words - 1),
        base_row=(first + 1,) * pixels,
        rows_inside=(1,) * pixels,
        columns_inside=(1,) * words,
    )


def _reach(size: int, count: int, kernel: int, stride: int, dilation: int, before: int) -> tuple[list[int], list[int]]:
    """Per window along one axis: position of its last real pixel, and a mask of the taps inside.

    A window that lies in the padding altogether counts as reaching pixel 0, so that no layer runs ahead of its input
    into the next frame.
    """
    last, inside = [], []
    for index in range(count):
        positions = [index * stride + tap * dilation - before for tap in range(kernel)]
        mask = sum(1 << tap for tap, position in enumerate(positions) if 0 <= position < size)
        last.append(max((position for position in positions if 0 <= position < size), default=0))
        inside.append(mask)
    return last, inside


def _assemble(
    image: tuple[int, int, int],
    words_per_pixel: int,
    origins: NDArray[np.int64],
    last_row: NDArray[np.int64],
    last_column: NDArray[np.int64],
    first_row: Sequence[int],
    rows_inside: Sequence[int],
    columns_inside: Sequence[int],
) -> Walk:
    """The walk of windows by their origins, the last pixels that they reach and the first image row of each row."""
    height, width, _ = image
    rows, columns = origins.shape
    row_words = width * words_per_pixel
    frame_words = height * row_words
    own = last_row[:, None] * row_words + (last_column[None, :] + 1) * words_per_pixel
    need = np.maximum.accumulate(own.ravel()).reshape(rows, columns)
    along = np.diff(need, axis=1)
    reaches = along.any(axis=1)
    need_column = along[int(np.argmax(reaches))] if reaches.any() else np.zeros(columns - 1, dtype=np.int64)
    if not all((along[row] == (need_column if reaches[row] else 0)).all() for row in range(rows)):
        raise AssertionError("the rows of a walk differ in more than whether they reach new rows")
    first_of_next = np.append(need[1:, 0], frame_words + need[0, 0])
    # First image row that the rows of windows after each row read; all of the frame after the last.
    freed = np.diff(np.asarray([0, *first_row[1:], height], dtype=np.int64)) * row_words
    steps = np.diff(origins.ravel(), append=frame_words + origins[0, 0]).reshape(rows, columns)
    return Walk(
        need_start=int(need[0, 0]),
        need_column=tuple(int(n) for n in need_column),
        need_row=tuple(int(n) for n in first_of_next - need[:, -1]),
        row_reaches=tuple(bool(r) for r in reaches),
        release=tuple(int(n) for n in freed),
        base_start=int(origins[0, 0]),
        base_column=tuple(int(step) for step in steps[0, :-1]),
        base_row=tuple(int(step) for step in steps[:, -1]),
        rows_inside=tuple(rows_inside),
        columns_inside=tuple(columns_inside),
    )


@lru_cache(maxsize=512)
def window_needs(walk: Walk) -> tuple[int, ...]:
    """Words of the frame that each window waits for, in the order of the walk."""
    needs = []
    need = walk.need_start
    for row, reaches in enumerate(walk.row_reaches):
        needs.append(need)
        for step in walk.need_column:
            need += step if reaches else 0
            needs.append(need)
        need += walk.need_row[row]
    return tuple(needs)


@lru_cache(maxsize=512)
def least_words(walk: Walk) -> int:
    """The least size of a line buffer, in words, with which the layer can finish: the widest span that it holds."""
    columns = len(walk.need_column) + 1
    needs = window_needs(walk)
    freed = 0
    span = 1
    for row, release in enumerate(walk.release):
        span = max(span, needs[(row + 1) * columns - 1] - freed)
        freed += release
    return span
