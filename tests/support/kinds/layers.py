"""Layers along any axis, resizing, pools and extremes."""

from __future__ import annotations

import numpy as np

from tests.support.onnx_models import ints

from .drawing import begun


def _dense(draw):
    """A matrix product along the last axis of (T, F) or (H, W, C), or from the left."""
    shape = draw.image()[draw.pick(0, 0, 1) :]
    net, x = begun(draw, shape)
    outputs = draw.number(1, 5)
    if draw.number(0, 3) == 0:
        weight = draw.real(*((1,) if draw.flag() else ()), outputs, shape[-2])
        y, net.shape = net.emit("MatMul", [net.constant(weight), x]), (*shape[:-2], outputs, shape[-1])
    else:
        weight = draw.real(*((1,) if draw.flag() else ()), shape[-1], outputs)
        y, net.shape = net.emit("MatMul", [x, net.constant(weight)]), (*shape[:-1], outputs)
        if draw.flag():
            bias = net.constant(draw.real(outputs))
            y = net.emit("Add", [y, bias] if draw.flag() else [bias, y])
    if draw.flag():
        y = net.emit("Relu", [y])
        y = net.emit("MatMul", [y, net.constant(draw.real(net.shape[-1], 3))])
    return net.finish(y)


_HALVES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


def _resize(net, x, scales, sizes, **attributes):
    """By scales or by sizes, as the opset has it."""
    draw = net.draw
    if net.opset < 10:
        return net.emit("Upsample", [x, net.constant(np.float32([1, 1, *scales]))], mode=attributes["mode"])
    if net.opset < 11:
        return net.emit("Resize", [x, net.constant(np.float32([1, 1, *scales]))], mode=attributes["mode"])
    region = "" if net.opset >= 13 else net.constant(np.float32([]))
    if draw.flag() and net.inputs["x"][0] is not None:
        empty = "" if net.opset >= 13 else net.constant(np.float32([]))
        given = net.constant(ints(net.inputs["x"][0], net.shape[0], *sizes))
        return net.emit("Resize", [x, region, empty, given], **attributes)
    if net.opset >= 18 and draw.flag():
        axes = list(range(2, 2 + len(scales)))
        return net.emit("Resize", [x, "", net.constant(np.float32(scales))], axes=axes, **attributes)
    return net.emit("Resize", [x, region, net.constant(np.float32([1, 1, *scales]))], **attributes)


def _bilinear(draw):
    shape = (draw.number(1, 4), *(draw.number(1, 5) for _ in range(draw.pick(1, 2, 2))))
    net, x = begun(draw, shape, 9)
    factors = [draw.pick(1, 2, 2, 3, 4) for _ in shape[1:]]
    mode = {"coordinate_transformation_mode": draw.pick(*_HALVES)} if net.opset >= 11 else {}
    sizes = [size * factor for size, factor in zip(shape[1:], factors, strict=True)]
    y = _resize(net, x, factors, sizes, mode="linear", **mode)
    net.shape = (shape[0], *sizes)
    return net.finish(net.maybe_layer(y))


def _nearest(draw):
    """By any rational factor."""
    shape = (draw.number(1, 4), *(draw.number(2, 6) for _ in range(draw.pick(1, 2, 2))))
    net, x = begun(draw, shape, 9)
    # A factor that keeps the number of pixels is refused: runtimes differ there.
    factors = [
        draw.pick(*(f for f in (1, 2, 1.5, 0.5, 3, 2.5, 1.25) if f == 1 or int(size * f) != size)) for size in shape[1:]
    ]
    mode = {}
    if net.opset >= 11:
        mode["coordinate_transformation_mode"] = draw.pick("asymmetric", "half_pixel", "pytorch_half_pixel")
        mode["nearest_mode"] = draw.pick("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    if net.opset < 10:
        factors = [max(1, int(factor)) for factor in factors]
    sizes = [int(size * factor) for size, factor in zip(shape[1:], factors, strict=True)]
    y = _resize(net, x, factors, sizes, mode="nearest", **mode)
    net.shape = (shape[0], *sizes)
    return net.finish(net.maybe_layer(y))


def _over_channels(draw):
    shape = draw.image()[: draw.pick(2, 3, 3)]
    net, x = begun(draw, shape)
    keep = draw.flag()
    rank = len(shape)
    axes = draw.pick([1], [1], [-rank], [1, rank])
    kinds = ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceL1"]
    y = net.reduce(draw.pick(*kinds), x, axes, keep)
    if keep and axes in ([1], [-rank]) and draw.flag():
        # Spatial attention of CBAM.
        other = net.reduce("ReduceMax", x, axes, True)
        joint = net.emit("Concat", [y, other], axis=1)
        net.shape = (2, *shape[1:])
        gate = net.emit("Sigmoid", [net.layer(joint, 1)])
        y = net.emit("Mul", [x, gate])
    return net.finish(y)


def _dilated(draw):
    """MaxPool with dilations, any stride, padding and rounding of the size."""
    shape = draw.image(4, 9)[: draw.pick(2, 3, 3)]
    net, x = begun(draw, shape, 10)
    spatial = len(shape) - 1
    dilation = [draw.pick(1, 2, 2, 3) for _ in range(spatial)]
    fitting = [min(3, (size - 1) // d + 1) for size, d in zip(shape[1:], dilation, strict=True)]
    kernel = [draw.number(min(2, most), most) for most in fitting]
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    stride = [draw.pick(1, 1, 2, 3) for _ in range(spatial)]
    pads = [draw.number(0, k // 2) for k in kernel] * 2 if draw.flag() else [0] * (2 * spatial)
    ceil = int(draw.flag() and all(size >= e for size, e in zip(shape[1:], extent, strict=True)))
    y = net.emit("MaxPool", [x], kernel_shape=kernel, dilations=dilation, strides=stride, pads=pads, ceil_mode=ceil)
    return net.finish(net.emit("Relu", [y]) if draw.flag() else y)


def _extremes(draw):
    shape = draw.tensor()
    net, x = begun(draw, shape)
    parts = [x]
    for _ in range(draw.number(1, 3)):
        form = draw.pick("input", "function", "number", "channels", "map")
        if form == "input" and "z" not in net.inputs:
            parts.append(net.input("z", shape))
        elif form == "number":
            parts.append(net.number(draw.pick(0, 0.5, -1)))
        elif form == "channels":
            parts.append(net.constant(draw.real(shape[0], *(1 for _ in shape[1:]))))
        elif form == "map":
            parts.append(net.constant(draw.real(*shape)))
        else:
            parts.append(net.emit("Neg" if draw.flag() else "Tanh", [x]))
    kind = draw.pick("Max", "Min")
    return net.finish(net.emit(kind, [parts[place] for place in draw.order(len(parts))]))


def _chosen(draw):
    """Where of computed tensors and constants, by a comparison or by a constant mask."""
    shape = draw.tensor()
    net, x = begun(draw, shape)
    z = net.input("z", shape)
    if draw.number(0, 2) == 0:
        values = draw.random.integers(0, 2, shape).astype(bool)
        values.flat[0] = True
        mask = net.constant(values)
    else:
        kinds = ["Greater", "Less", *(["GreaterOrEqual", "LessOrEqual"] if net.opset >= 16 else [])]
        other = draw.pick(z, net.number(0.25), net.constant(draw.real(shape[0], *(1 for _ in shape[1:]))))
        mask = net.emit(draw.pick(*kinds), [x, other])
    options = [x, z, net.number(0.5), net.emit("Tanh", [x])]
    first, second = (options[place] for place in draw.order(4)[:2])
    # Every input is read, whatever was chosen.
    y = net.emit("Sum", [net.emit("Where", [mask, first, second]), x, z])
    return net.finish(y, error=3.5)


KINDS = {
    "Dense on (T, F) and (H, W, C)": _dense,
    "bilinear resizing": _bilinear,
    "nearest resizing": _nearest,
    "reductions over channels": _over_channels,
    "dilated pooling": _dilated,
    "Max, Min of several": _extremes,
    "Where": _chosen,
}
