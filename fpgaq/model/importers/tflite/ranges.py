"""The ranges that SLICE and STRIDED_SLICE take, in the model's axes without the batch."""

from __future__ import annotations

from collections.abc import Sequence

from ....base.errors import UnsupportedError
from .options import Options


def slice_ranges(
    where: str, shape: Sequence[int], begin: Sequence[int], sizes: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Starts and sizes of SLICE; a size of -1 takes the rest."""
    starts, wanted = list(begin[1:]), list(sizes[1:])
    wanted = [n - b if s == -1 else s for n, b, s in zip(shape, starts, wanted, strict=False)]
    fits = len(begin) == len(sizes) == len(shape) + 1 and begin[0] == 0 and sizes[0] in (1, -1)
    if not fits or any(b < 0 or s < 1 or b + s > n for b, s, n in zip(starts, wanted, shape, strict=True)):
        raise UnsupportedError(
            f"{where}: takes {list(sizes)} from {list(begin)} of {list(shape)} after the batch;"
            " supported: what lies inside; convert the model again"
        )
    return starts, wanted


def strided_ranges(
    options: Options, shape: Sequence[int], constants: Sequence[Sequence[int]]
) -> tuple[list[int], list[int], list[int]]:
    """Starts, sizes before the stride, and strides of STRIDED_SLICE."""
    begin, end, stride = constants
    begin_mask, end_mask, shrink = (options.integer(f"{name}Mask") for name in ("Begin", "End", "ShrinkAxis"))
    full = (1, *shape)
    if not len(begin) == len(end) == len(stride) == len(full) or options.flag("Offset") or stride[0] != 1:
        raise UnsupportedError(
            f"{options.where}: ranges of {len(begin)} axes with strides {list(stride)} on {list(full)};"
            " supported: one range an axis; write all axes out"
        )
    starts, sizes = [], []
    for axis, size in enumerate(full):
        first = 0 if begin_mask >> axis & 1 else _place(begin[axis], size)
        last = size if end_mask >> axis & 1 else _place(end[axis], size)
        last = first + 1 if shrink >> axis & 1 else last
        if stride[axis] < 1 or first >= last or (axis == 0 and (first, last) != (0, 1)):
            raise UnsupportedError(
                f"{options.where}: takes {first} to {last} by {stride[axis]} of axis {axis}; supported: forwards, not"
                " empty, and the whole batch; slice so"
            )
        starts.append(first)
        sizes.append(last - first)
    return starts[1:], sizes[1:], list(stride[1:])


def _place(value: int, size: int) -> int:
    return min(max(value + size if value < 0 else value, 0), size)
