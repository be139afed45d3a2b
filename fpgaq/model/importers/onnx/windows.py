"""What ONNX operators with windows share: kernel, strides, dilations, padding, the latter also by auto_pad.

One spatial axis counts as the width of an image of one row.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....base.errors import ModelError, UnsupportedError
from ...graph import Padding, Pair, Shape
from .builder import Call, Tensor, graph_shape

_LIMIT = 1 << 24


def spatial(call: Call, values: list[int] | None, count: int, default: int, name: str) -> Pair:
    """One number for each of the `count` spatial axes, as (height, width)."""
    if values is None:
        values = [default] * count
    if len(values) != count:
        raise ModelError(f"{call.where}: {name} is {values}; the input has {count} spatial axes")
    if any(not 0 <= value < _LIMIT for value in values):
        raise ModelError(f"{call.where}: {name} is {values}; supported: 0 to {_LIMIT - 1}")
    return (values[0], values[1]) if count == 2 else (1 if default == 1 else 0, values[0])


@dataclass(frozen=True)
class Window:
    """How a window moves over an image."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: Padding


def _automatic(size: int, kernel: int, stride: int, upper: bool) -> Pair:
    """The padding for ceil(size / stride) windows, the odd pixel after (`upper`) or before the image."""
    total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return (total // 2, total - total // 2) if upper else (total - total // 2, total // 2)


def read_pads(call: Call, count: int) -> Padding:
    """The explicit padding."""
    values = call.attributes.integers("pads")
    values = [0] * (2 * count) if values is None else values
    if len(values) != 2 * count:
        raise ModelError(f"{call.where}: pads is {values}; expected {2 * count} numbers")
    top, left = spatial(call, values[:count], count, 0, "pads")
    bottom, right = spatial(call, values[count:], count, 0, "pads")
    return top, bottom, left, right


def auto_pad(call: Call) -> str:
    """The mode of automatic padding."""
    mode = call.attributes.text("auto_pad", "NOTSET")
    if mode not in ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"):
        raise ModelError(f"{call.where}: auto_pad is {mode!r}; expected NOTSET, SAME_UPPER, SAME_LOWER or VALID")
    return mode


def read_window(call: Call, image: Tensor, kernel: Pair | None) -> Window:
    """The window attributes; `kernel` is that of the weights, if there are any."""
    attributes, count = call.attributes, len(image.shape) - 1
    declared = attributes.integers("kernel_shape")
    if declared is not None:
        given = spatial(call, declared, count, 1, "kernel_shape")
        if kernel is not None and given != kernel:
            raise ModelError(f"{call.where}: kernel_shape is {declared}; the weights have {kernel}")
        kernel = given
    if kernel is None:
        raise ModelError(f"{call.where}: kernel_shape is missing")
    stride = spatial(call, attributes.integers("strides"), count, 1, "strides")
    dilation = spatial(call, attributes.integers("dilations"), count, 1, "dilations")
    if min(*kernel, *stride, *dilation) < 1:
        raise ModelError(f"{call.where}: kernel {kernel}, strides {stride}, dilations {dilation}; each is at least 1")
    mode, padding = auto_pad(call), read_pads(call, count)
    if mode != "NOTSET" and any(padding):
        raise UnsupportedError(f"{call.where}: both auto_pad {mode} and pads are set; keep one")
    if mode.startswith("SAME"):
        _, height, width = graph_shape(image.shape)
        extent = [dilation[i] * (kernel[i] - 1) + 1 for i in range(2)]
        rows = _automatic(height, extent[0], stride[0], mode == "SAME_UPPER")
        columns = _automatic(width, extent[1], stride[1], mode == "SAME_UPPER")
        padding = (*rows, *columns)
    return Window(kernel, stride, dilation, padding)


def model_shape(image: Tensor, channels: int, height: int, width: int) -> Shape:
    """The shape of an image in the model, whose rank is that of another."""
    return (channels, width) if len(image.shape) == 2 else (channels, height, width)
