"""Pixels inside the model: uint8 inputs, casts, scales, means and deviations, channels last or in another order."""

from __future__ import annotations

import numpy as np

from tests.support.onnx_models import ints, model

from .drawing import Member, Net

MEAN, DEVIATION = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def _pixels(draw):
    net = Net(draw, draw.image(2, 6), draw.opset())
    channels, height, width = net.shape
    last = draw.flag()
    kind = draw.pick(2, 2, 2, 3)
    batch = draw.pick(None, 1, 2)
    shape = (height, width, channels) if last else net.shape
    net.inputs["x"] = (batch, *shape)
    x = "x"
    place = draw.pick("before", "after") if last else ""
    if place == "before":
        x = net.emit("Transpose", [x], perm=[0, 3, 1, 2])
    x = net.emit("Cast", [x], to=1)
    if draw.flag():
        x = net.emit("Div", [x, net.number(255)]) if draw.flag() else net.emit("Mul", [x, net.number(1 / 255)])
    if draw.flag():
        vector = (channels,) if place == "after" else (channels, 1, 1)
        mean = np.resize(MEAN, channels).reshape(vector)
        deviation = np.resize(DEVIATION, channels).reshape(vector)
        x = net.emit("Sub", [x, net.constant(mean)])
        x = net.emit("Div", [x, net.constant(deviation)])
    if place == "after":
        x = net.emit("Transpose", [x], perm=[0, 3, 1, 2])
    if draw.flag() and channels > 1:
        x = net.emit("Gather", [x, net.constant(ints(*range(channels))[::-1].copy())], axis=1)
    y = net.layer(x)
    proto = model(net.nodes, net.inputs, [y], net.constants, net.opset)
    proto.graph.input[0].type.tensor_type.elem_type = kind
    return Member(proto, float_error=2e-5)


KINDS = {"uint8 and int8 inputs": _pixels}
