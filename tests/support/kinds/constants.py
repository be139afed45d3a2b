"""Weights, shapes and pads that the model computes from constants."""

from __future__ import annotations

import numpy as np

from tests.support.onnx_models import ints

from .drawing import Net, begun


def _weight(draw):
    """Convolution weights by weight_norm, spectral_norm, masks, tiles, standardization and the like."""
    net = Net(draw, draw.image(3, 5), draw.opset(11))
    outputs, channels = draw.number(1, 4), net.shape[0]
    shape = (outputs, channels, 3, 3)
    given = net.constant(draw.real(*shape))
    forms = "norm norm spectral mask where tile expand standard scatter reversed sum concat"
    form = draw.pick(*forms.split())
    if form == "norm":
        axes = draw.pick([1, 2, 3], [0, 2, 3], [0, 1, 2, 3])
        norm = net.reduce("ReduceL2", given, axes, True)
        gain = net.constant(np.abs(draw.real(*(1 if axis in axes else size for axis, size in enumerate(shape)))))
        weight = net.emit("Mul", [net.emit("Div", [given, norm]), gain])
    elif form == "spectral":
        rows = net.emit("Reshape", [given, net.constant(ints(outputs, -1))])
        left, right = net.constant(draw.real(outputs)), net.constant(draw.real(channels * 9))
        sigma = net.emit("MatMul", [left, net.emit("MatMul", [rows, right])])
        weight = net.emit("Div", [given, sigma])
    elif form == "mask":
        weight = net.emit("Mul", [given, net.constant(draw.random.integers(0, 2, shape).astype(np.float32))])
    elif form == "where":
        level = net.emit("Greater", [net.emit("Abs", [given]), net.constant(np.float32(0.5))])
        weight = net.emit("Where", [level, given, net.constant(np.float32(0))])
    elif form == "tile":
        small = net.constant(draw.real(outputs, channels, 1, 1))
        weight = net.emit("Tile", [small, net.constant(ints(1, 1, 3, 3))])
    elif form == "expand":
        small = net.constant(draw.real(outputs, 1, 3, 3))
        weight = net.emit("Expand", [small, net.constant(ints(*shape))])
    elif form == "standard":
        mean = net.reduce("ReduceMean", given, [1, 2, 3], True)
        apart = net.emit("Sub", [given, mean])
        square = net.reduce("ReduceMean", net.emit("Mul", [apart, apart]), [1, 2, 3], True)
        weight = net.emit("Div", [apart, net.emit("Sqrt", [net.emit("Add", [square, net.constant(np.float32(1e-3))])])])
    elif form == "scatter":
        places = net.constant(np.array([[0, 0]], np.int64))
        weight = net.emit("ScatterND", [given, places, net.constant(np.zeros((1, 3, 3), np.float32))])
    elif form == "reversed":
        weight = net.slice(given, [-1, -1], [-(2**31), -(2**31)], [2, 3], [-1, -1])
    elif form == "sum":
        weight = net.emit("Sum", [given, net.constant(draw.real(*shape)), net.constant(draw.real(1))])
    else:
        halves = [net.constant(draw.real(1, *shape[1:])) for _ in range(outputs)]
        weight = net.emit("Concat", halves, axis=0)
    y = net.emit("Conv", [net.input(), weight], pads=[1, 1, 1, 1])
    return net.finish(y)


def _pads(draw):
    """Pads as PyTorch writes them: reversed pairs, through slices, transposes and casts."""
    shape = draw.image(3, 5)
    net, x = begun(draw, shape, 11)
    pairs = [draw.number(0, 2) for _ in range(4)]
    given = net.constant(ints(*pairs))
    size = net.emit("Shape", [net.constant(ints(*range(4)))])
    missing = net.emit("Sub", [net.emit("Mul", [net.constant(ints(4)), net.constant(ints(2))]), size])
    zeros = net.emit("ConstantOfShape", [missing], value=_int_zero())
    joint = net.emit("Concat", [given, zeros], axis=0)
    rows = net.emit("Reshape", [joint, net.constant(ints(-1, 2))])
    turned = net.slice(rows, [-1], [-(2**63) + 1], [0], [-1])
    flat = net.emit("Reshape", [net.emit("Transpose", [turned], perm=[1, 0]), net.constant(ints(-1))])
    pads = net.emit("Cast", [flat], to=7)
    mode = draw.pick("constant", "reflect", "edge")
    value = [net.constant(np.float32(draw.pick(0, 0.5)))] if mode == "constant" and draw.flag() else []
    y = net.emit("Pad", [x, pads, *value], mode=mode)
    net.shape = (shape[0], shape[1] + pairs[2] + pairs[3], shape[2] + pairs[0] + pairs[1])
    return net.finish(net.layer(y))


def _int_zero():
    import onnx

    return onnx.helper.make_tensor("zero", onnx.TensorProto.INT64, [1], [0])


def _shapes(draw):
    """Views whose sizes the model works out from a Shape, a Range or a product."""
    shape = draw.image(2, 5)
    net, x = begun(draw, shape, 11)
    form = draw.pick("flatten", "rows", "range", "size", "split")
    whole = net.emit("Shape", [x])
    batch = net.emit("Gather", [whole, net.constant(ints(0) if draw.flag() else np.array(0, np.int64))], axis=0)
    if draw.flag() and form != "range":
        batch = net.emit("Cast", [batch], to=7)
    batch = net.emit("Reshape", [batch, net.constant(ints(1))])
    if form == "flatten":
        sizes = net.emit("Concat", [batch, net.constant(ints(-1))], axis=0)
        net.shape = (int(np.prod(shape)),)
    elif form == "rows":
        first = net.slice(whole, [1], [2], [0])
        sizes = net.emit("Concat", [batch, first, net.constant(ints(-1))], axis=0)
        net.shape = (shape[0], shape[1] * shape[2])
    elif form == "size":
        sides = net.slice(whole, [1], [4], [0])
        count = net.listed("ReduceProd", sides, "axes", [0], 18, keepdims=1)
        sizes = net.emit("Concat", [batch, count], axis=0)
        net.shape = (int(np.prod(shape)),)
    elif form == "range":
        numbers = [net.constant(np.array(value, np.int64)) for value in (shape[0] - 1, -1, -1)]
        indices = net.emit("Range", numbers)
        return net.finish(net.layer(net.emit("Gather", [x, indices], axis=1)))
    else:
        sides = net.slice(whole, [2], [4], [0])
        first, second = net.emit("Split", [sides], 2, axis=0, **({"num_outputs": 2} if net.opset >= 18 else {}))
        both = net.emit("Mul", [first, second])
        sizes = net.emit("Concat", [batch, net.slice(whole, [1], [2], [0]), both], axis=0)
        net.shape = (shape[0], shape[1] * shape[2])
    y = net.emit("Reshape", [x, sizes])
    return net.finish(net.layer(y))


KINDS = {
    "computed weights": _weight,
    "computed pads": _pads,
    "computed shapes": _shapes,
}
