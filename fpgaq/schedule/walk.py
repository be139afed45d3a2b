"""Where windows lie in the line buffer: what each waits for, what each frees, where its words are.

The line buffer is a circular memory over all words of all frames in raster order, so a word's address is its number
modulo the memory's size and nothing but the size depends on how much is kept. Words are counted within a frame here;
both counts below never fall, which is what lets hardware keep them as running differences:

* a window needs every word up to the last real pixel that it or any window before it covers;
* behind a row of windows, the image rows above the first real row of the next row's windows are free.
"""

from __future__ import annotations

import numpy as np

from .plans import Walk


def _axis(size: int, count: int, kernel: int, stride: int, dilation: int, before: int) -> tuple[list[int], list[int]]:
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


def make_walk(
    image: tuple[int, int, int],
    output: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
    words_per_pixel: int,
) -> Walk:
    """The walk of a layer over an image (height, width, channels) kept as `words_per_pixel` words a pixel."""
    height, width, _ = image
    rows, columns, _ = output
    row_words = width * words_per_pixel
    frame_words = height * row_words
    last_row, rows_inside = _axis(height, rows, kernel[0], stride[0], dilation[0], padding[0])
    last_column, columns_inside = _axis(width, columns, kernel[1], stride[1], dilation[1], padding[2])

    last_y = np.asarray(last_row, dtype=np.int64)[:, None]
    last_x = np.asarray(last_column, dtype=np.int64)[None, :]
    own = last_y * row_words + (last_x + 1) * words_per_pixel
    need = np.maximum.accumulate(own.ravel()).reshape(rows, columns)
    along = np.diff(need, axis=1)
    reaches = along.any(axis=1)
    need_column = along[int(np.argmax(reaches))] if reaches.any() else np.zeros(columns - 1, dtype=np.int64)
    if not all((along[row] == (need_column if reaches[row] else 0)).all() for row in range(rows)):
        raise AssertionError("the rows of a walk differ in more than whether they reach new rows")
    first_of_next = np.append(need[1:, 0], frame_words + need[0, 0])

    # First image row that the next row of windows reads; all of the frame behind the last.
    first_row = [min(max(row * stride[0] - padding[0], 0), height) for row in range(1, rows)] + [height]
    freed = np.diff(np.asarray([0, *first_row], dtype=np.int64)) * row_words
    return Walk(
        need_start=int(need[0, 0]),
        need_column=tuple(int(n) for n in need_column),
        need_row=tuple(int(n) for n in first_of_next - need[:, -1]),
        row_reaches=tuple(bool(r) for r in reaches),
        release=tuple(int(n) for n in freed),
        base_start=-padding[0] * row_words - padding[2] * words_per_pixel,
        base_column=stride[1] * words_per_pixel,
        base_row=stride[0] * row_words - (columns - 1) * stride[1] * words_per_pixel,
        base_frame=frame_words - (rows - 1) * stride[0] * row_words - (columns - 1) * stride[1] * words_per_pixel,
        rows_inside=tuple(rows_inside),
        columns_inside=tuple(columns_inside),
    )


def window_needs(walk: Walk) -> list[int]:
    """Words of the frame that each window waits for, in the order of the walk."""
    needs = []
    need = walk.need_start
    for row, reaches in enumerate(walk.row_reaches):
        needs.append(need)
        for step in walk.need_column:
            need += step if reaches else 0
            needs.append(need)
        need += walk.need_row[row]
    return needs


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
