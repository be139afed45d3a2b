"""Windows of convolutions and pools, whose padding TensorFlow Lite states as SAME or VALID."""

from __future__ import annotations

from dataclasses import dataclass

from ....base.errors import ModelError
from .options import Options

SAME = 0
Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """Kernel, stride and dilation as (rows, columns), padding (top, bottom, left, right), and the output's size."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: tuple[int, int, int, int]
    size: Pair


def read_window(options: Options, image: Pair, kernel: Pair) -> Window:
    """The window of an operator's options on an image of (rows, columns)."""
    stride = options.pair("Stride")
    # Convolutions of old files leave the dilation out, which then is 1.
    rows, columns = (options.integer(f"Dilation{axis}Factor", 1) for axis in "HW")
    dilation = max(rows, 1), max(columns, 1)
    if min(rows, columns) < 0:
        raise ModelError(f"{options.where}: dilation {(rows, columns)}; it is at least 1")
    same = options.integer("Padding") == SAME
    top, bottom, height = _along(options, image[0], kernel[0], stride[0], dilation[0], same)
    left, right, width = _along(options, image[1], kernel[1], stride[1], dilation[1], same)
    return Window(kernel, stride, dilation, (top, bottom, left, right), (height, width))


def _along(options: Options, size: int, kernel: int, stride: int, dilation: int, same: bool) -> tuple[int, int, int]:
    """Padding before and after, and the number of outputs, along one axis."""
    reach = (kernel - 1) * dilation + 1
    if not same:
        if reach > size:
            raise ModelError(f"{options.where}: a window of {reach} on {size} pixels without padding")
        return 0, 0, (size - reach) // stride + 1
    count = -(-size // stride)
    total = max((count - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2, count
