"""What stands at the end of a model."""

from __future__ import annotations

import numpy as np
import onnx

from tests.support.onnx_models import ints, model

from .drawing import Draw, Member, Net, begun


def _classes(draw, low=7):
    """Scores of classes: a vector, or one for each pixel; (network, name, axis of the classes)."""
    shape = (draw.number(2, 7), *draw.image()[1 : draw.pick(1, 1, 2, 3)])
    net, x = begun(draw, shape, low, layered=True)
    return net, x, 1 if draw.flag() else -len(shape)


def _whole(net):
    """Before opset 13 a softmax takes all axes from its own on, so that it is of a vector here."""
    return len(net.shape) == 1 or net.opset >= 13


def _log_softmax(draw):
    net, x, axis = _classes(draw)
    while not _whole(net):
        net, x, axis = _classes(draw)
    if draw.flag():
        return net.finish(net.emit("LogSoftmax", [x], axis=axis), cut=True)
    return net.finish(net.emit("Log", [net.emit("Softmax", [x], axis=axis)]), cut=True, float_error=2e-5)


def _softmax(draw):
    """Written by hand, as nnabla's exporter writes it, or flattened by an old opset."""
    net, x, axis = _classes(draw)
    if len(net.shape) > 1 and net.opset < 13 and draw.flag():
        return net.finish(net.emit("Softmax", [x], axis=1), cut=True)
    if _whole(net) and draw.flag():
        return net.finish(net.emit("Softmax", [x], axis=axis), cut=True)
    shifted = net.emit("Sub", [x, net.reduce("ReduceMax", x, [axis], True)]) if draw.flag() else x
    powers = net.emit("Exp", [shifted])
    total = net.reduce("ReduceSum", powers, [axis], True)
    if draw.flag():
        return net.finish(net.emit("Div", [powers, total]), cut=True)
    return net.finish(net.emit("Sub", [shifted, net.emit("Log", [total])]), cut=True, float_error=2e-5)


def _arg_max(draw):
    net, x, axis = _classes(draw)
    if _whole(net) and draw.flag():
        x = net.emit(draw.pick("Softmax", "LogSoftmax"), [x], axis=axis)
    keep = int(draw.flag())
    y = net.emit("ArgMax", [x], axis=axis, keepdims=keep)
    if keep and draw.flag():
        y = net.squeeze(y, [axis if axis > 0 else axis])
    elif draw.flag():
        y = net.emit("Cast", [y], to=draw.pick(6, 1, 7))
    return net.finish(y, cut=True)


def _top_one(draw):
    net, x, axis = _classes(draw, 10)
    if _whole(net) and draw.flag():
        x = net.emit("Softmax", [x], axis=axis)
    more = {"largest": 1, "sorted": draw.number(0, 1)} if net.opset >= 11 and draw.flag() else {}
    _, index = net.emit("TopK", [x, net.constant(ints(1))], 2, axis=axis, **more)
    if draw.flag():
        index = net.squeeze(index, [axis])
    return net.finish(index, cut=True)


def _one_number(draw):
    """A regression, or the sigmoid of one score, with or without its axis."""
    net, x = begun(draw, (draw.number(2, 6),), 7)
    y = net.layer(x, 1)
    if draw.flag():
        y = net.emit("Sigmoid", [y])
    form = draw.pick("squeeze", "reshape", "reshape2", "stays", "twice", "flatten")
    if form == "squeeze":
        y = net.squeeze(y, [draw.pick(1, -1)])
    elif form == "reshape":
        y = net.emit("Reshape", [y, net.constant(ints(-1))])
    elif form == "reshape2":
        y = net.emit("Reshape", [y, net.constant(ints(-1, 1))])
    elif form == "twice":
        y = net.unsqueeze(net.squeeze(y, [1]), [1])
    elif form == "flatten":
        y = net.emit("Flatten", [y])
    return net.finish(y)


def _several(draw):
    """Heads of all kinds on one trunk; some of them are answers."""
    net, x = begun(draw, (draw.number(2, 4), draw.number(2, 5), draw.number(2, 5)), 9, layered=True)
    outputs = [x] if draw.flag() else []
    trunk, shape = net.emit("Relu", [x]), net.shape
    for _ in range(draw.number(2, 3)):
        net.shape = shape
        y = net.layer(trunk, draw.number(1, 4))
        form = draw.pick("image", "vector", "sigmoid", "mean")
        if form == "vector":
            y = net.emit("Flatten", [y])
        elif form == "sigmoid":
            y = net.emit("Sigmoid", [y])
        elif form == "mean":
            y = net.emit("Flatten", [net.emit("GlobalAveragePool", [y])])
        outputs.append(y)
    return net.finish(*outputs)


ML = "ai.onnx.ml"


def _ml(net, kind, inputs, count=1, **attributes):
    names = [f"m{len(net.nodes)}_{index}" for index in range(count)]
    net.nodes.append(onnx.helper.make_node(kind, inputs, names, domain=ML, **attributes))
    return names[0] if count == 1 else names


def _learned(draw):
    """scikit-learn's pipelines as skl2onnx writes them, zipmap off."""
    features, classes = draw.number(2, 6), draw.number(2, 5)
    net = Net(draw, (features,), draw.opset(12))
    x = net.input()
    if draw.flag():
        scale = [float(value) for value in np.abs(draw.real(features)) + 0.2]
        x = _ml(net, "Scaler", [x], offset=[float(value) for value in draw.real(features)], scale=scale)
    form = draw.pick("regressor", "classifier", "perceptron", "regressors")
    if form.startswith("regressor"):
        targets = 1 if form == "regressor" else draw.number(2, 4)
        weights = [float(value) for value in draw.real(targets * features)]
        intercepts = [float(value) for value in draw.real(targets)]
        y = _ml(net, "LinearRegressor", [x], coefficients=weights, intercepts=intercepts, targets=targets)
        return _ml_member(net, [y], False)
    if form == "perceptron":
        y = net.layer(x, classes)
        y = net.emit("Softmax", [y], axis=1)
        index = net.emit("ArgMax", [y], axis=1)
        labels = net.constant(np.arange(classes, dtype=np.int64))
        label = _ml(net, "ArrayFeatureExtractor", [labels, index])
        label = net.emit("Cast", [label], to=7)
        return _ml_member(net, [net.emit("Reshape", [label, net.constant(ints(-1))]), y], True)
    weights = [float(value) for value in draw.real(classes * features)]
    intercepts = [float(value) for value in draw.real(classes)]
    transform = draw.pick("SOFTMAX", "NONE", "LOGISTIC")
    label, scores = _ml(
        net, "LinearClassifier", [x], 2, coefficients=weights, intercepts=intercepts,
        classlabels_ints=list(range(classes)), post_transform=transform,
    )  # fmt: skip
    if transform == "SOFTMAX" and draw.flag():
        scores = _ml(net, "Normalizer", [scores], norm="L1")
    return _ml_member(net, [label, scores], True)


def _ml_member(net, outputs, cut):
    proto = model(net.nodes, net.inputs, outputs, net.constants, net.opset)
    proto.opset_import.append(onnx.helper.make_opsetid(ML, 1))
    return Member(proto, cut=cut)


def _softmax_inside(draw: Draw):
    """Over channels in the middle: refused, with what to do."""
    net, x = begun(draw, draw.image(2, 4)[: draw.pick(1, 3)], 13, layered=True)
    y = net.emit("Softmax", [x], axis=1)
    y = net.layer(net.emit("Mul", [y, x]) if draw.flag() else y)
    return net.finish(y, refused="--outputs")


KINDS = {
    "LogSoftmax": _log_softmax,
    "Softmax in every spelling": _softmax,
    "ArgMax": _arg_max,
    "TopK of one": _top_one,
    "one number": _one_number,
    "several outputs": _several,
    "scikit-learn": _learned,
    "softmax in the middle (refused)": _softmax_inside,
}
