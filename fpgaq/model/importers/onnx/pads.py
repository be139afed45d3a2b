"""ONNX Pad."""

from __future__ import annotations

import math

from ....base.errors import ModelError, UnsupportedError
from ...graph import Pad
from .builder import Call, graph_shape
from .windows import model_shape, spatial


def pad(call: Call) -> None:
    """Pad, of the spatial axes."""
    image, attributes = call.image(), call.attributes
    rank = len(image.shape)
    mode = attributes.text("mode", "constant")
    modes = {"constant": "constant", "reflect": "reflect", "edge": "repeat"}
    if mode not in modes:
        raise UnsupportedError(f"{call.where}: mode {mode!r}; supported: {', '.join(modes)}")
    value, axes = 0.0, list(range(rank + 1))
    if call.opset < 11:
        call.count(1, 1)
        amounts = attributes.integers("pads")
        if amounts is None:
            raise ModelError(f"{call.where}: pads is missing")
        value = attributes.real("value")
    else:
        call.count(2, 4)
        amounts = call.integers(1)
        if call.has(2):
            constant = call.parameter(2)
            if constant.size != 1:
                raise ModelError(f"{call.where}: the value has shape {constant.shape}; expected one number")
            value = float(constant.reshape(-1)[0])
        if call.has(3):
            axes = [axis + rank + 1 if axis < 0 else axis for axis in call.integers(3)]
    if len(amounts) != 2 * len(axes) or len(set(axes)) != len(axes) or any(not 0 <= axis <= rank for axis in axes):
        raise ModelError(f"{call.where}: pads {amounts} of axes {axes} do not fit an input of {rank + 1} axes")
    before, after = [0] * (rank + 1), [0] * (rank + 1)
    for index, axis in enumerate(axes):
        before[axis], after[axis] = amounts[index], amounts[index + len(axes)]
    if any(before[:2] + after[:2]) or min(before + after) < 0:
        raise UnsupportedError(
            f"{call.where}: pads {amounts}; supported: spatial axes and amounts of at least 0 (cut with Slice)"
        )
    top, left = spatial(call, before[2:], rank - 1, 0, "pads")
    bottom, right = spatial(call, after[2:], rank - 1, 0, "pads")
    _, height, width = graph_shape(image.shape)
    if mode == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
        raise ModelError(f"{call.where}: reflects {(top, bottom, left, right)} pixels of an image of {(height, width)}")
    shape = model_shape(image, image.shape[0], height + top + bottom, width + left + right)
    if math.prod(shape) == math.prod(image.shape):
        call.reshape(image, shape)
        return
    call.emit(Pad, (image,), shape, padding=(top, bottom, left, right), mode=modes[mode], value=value)
