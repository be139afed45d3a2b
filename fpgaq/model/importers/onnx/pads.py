"""ONNX Pad: borders of images, and of any other axes."""

from __future__ import annotations

import math

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Pad
from .builder import Call, Tensor, graph_shape
from .moves import cut, permuted, picked
from .windows import model_shape, spatial


def pad(call: Call) -> None:
    """Pad, of any axes but the batch; amounts below 0 cut."""
    tensor, attributes = call.tensor(), call.attributes
    rank = len(tensor.shape)
    mode = attributes.text("mode", "constant")
    modes = {"constant": "constant", "reflect": "reflect", "edge": "repeat"}
    if mode not in modes:
        raise UnsupportedError(f"{call.where}: mode {mode!r}; supported: {', '.join(modes)}; use one of them")
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
    if before[0] or after[0]:
        raise UnsupportedError(f"{call.where}: pads {amounts} pad the batch; supported: 0 there; leave it as it is")
    _pad_axes(call, tensor, before[1:], after[1:], modes[mode], value)


def _pad_axes(call: Call, tensor: Tensor, before: list[int], after: list[int], mode: str, value: float) -> None:
    """Pad any axes after the batch; negative amounts cut."""
    for axis, (first, last) in enumerate(zip(before, after, strict=True)):
        cut_off = max(0, -first) + max(0, -last)
        if cut_off >= tensor.shape[axis]:
            raise ModelError(f"{call.where}: pads {before}, {after} of (batch, *{tensor.shape}) leave nothing")
        tensor = cut(call, tensor, axis, max(0, -first), tensor.shape[axis] - cut_off)
    before, after = ([max(0, amount) for amount in amounts] for amounts in (before, after))
    rank = len(tensor.shape)
    padded = [axis for axis in range(rank) if before[axis] or after[axis]]
    if rank in (2, 3) and 0 not in padded:
        _pad_image(call, tensor, before, after, mode, value)
        return
    for axis in padded:
        if mode == "constant" and value == 0 and axis == 0 and rank == 3:
            # Channels of zeros: rows of zeros in the weights of a convolution of one pixel.
            rows = np.pad(np.eye(tensor.shape[0], dtype=np.float32), ((before[0], after[0]), (0, 0)))
            tensor = picked(call, tensor, 0, rows)
        else:
            tensor = _pad_axis(call, tensor, axis, before[axis], after[axis], mode, value)
    call.reshape(tensor, tensor.shape)


def _pad_axis(call: Call, tensor: Tensor, axis: int, first: int, last: int, mode: str, value: float) -> Tensor:
    """The axis becomes the rows of an image."""
    rank, size = len(tensor.shape), tensor.shape[axis]
    if mode == "reflect" and max(first, last) >= size:
        raise ModelError(f"{call.where}: reflects {(first, last)} elements of {size}")
    others = [other for other in range(rank) if other != axis]
    order = [*others[-1:], axis, *others[:-1]]
    front = permuted(call, tensor, order)
    sides = (front.shape[0] if others else 1, size, math.prod(front.shape[2:]))
    shape = (sides[0], size + first + last, sides[2])
    done = call.emit(Pad, (call.view(front, sides),), shape, -1, padding=(first, last, 0, 0), mode=mode, value=value)
    done = call.view(done, (*front.shape[:1], shape[1], *front.shape[2:]) if others else (shape[1],))
    return permuted(call, done, [order.index(place) for place in range(rank)])


def _pad_image(call: Call, image: Tensor, before: list[int], after: list[int], mode: str, value: float) -> None:
    rank = len(image.shape)
    top, left = spatial(call, before[1:], rank - 1, 0, "pads")
    bottom, right = spatial(call, after[1:], rank - 1, 0, "pads")
    _, height, width = graph_shape(image.shape)
    if mode == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
        raise ModelError(f"{call.where}: reflects {(top, bottom, left, right)} pixels of an image of {(height, width)}")
    shape = model_shape(image, image.shape[0], height + top + bottom, width + left + right)
    if math.prod(shape) == math.prod(image.shape):
        call.reshape(image, shape)
        return
    call.emit(Pad, (image,), shape, padding=(top, bottom, left, right), mode=mode, value=value)
