"""Elements that move: shuffles, reshapes, gathers, broadcasts, concatenations."""

from __future__ import annotations

import math

import numpy as np

from tests.support.onnx_models import ints

from .drawing import begun


def _shuffled(draw):
    groups, each = draw.number(2, 4), draw.number(2, 4)
    shape = (groups * each, *draw.image()[1 : draw.pick(2, 3, 3)])
    net, x = begun(draw, shape)
    apart = net.reshape(x, groups, each, *shape[1:])
    order = [0, 2, 1, *range(3, len(shape) + 2)]
    together = net.emit("Transpose", [apart], perm=order)
    last = net.reshape(together, *shape)
    return net.finish(net.maybe_layer(last) if draw.flag() else net.emit("Relu", [last]))


def _pixel_shuffle(draw):
    """As PyTorch writes it: six axes, or DepthToSpace in CRD."""
    block = draw.pick(2, 2, 3)
    depth, height, width = draw.number(1, 3), draw.number(1, 4), draw.number(1, 4)
    net, x = begun(draw, (depth * block * block, height, width))
    apart = net.reshape(x, depth, block, block, height, width)
    moved = net.emit("Transpose", [apart], perm=[0, 1, 4, 2, 5, 3])
    y = net.reshape(moved, depth, height * block, width * block)
    net.shape = (depth, height * block, width * block)
    return net.finish(net.maybe_layer(y))


def _pixel_unshuffle(draw):
    block = draw.pick(2, 2, 3)
    depth, height, width = draw.number(1, 3), draw.number(1, 3), draw.number(1, 3)
    net, x = begun(draw, (depth, height * block, width * block))
    apart = net.reshape(x, depth, height, block, width, block)
    moved = net.emit("Transpose", [apart], perm=[0, 1, 3, 5, 2, 4])
    y = net.reshape(moved, depth * block * block, height, width)
    net.shape = (depth * block * block, height, width)
    return net.finish(net.maybe_layer(y))


def _depth_to_space(draw):
    block = draw.pick(1, 2, 2, 3, 4)
    depth, height, width = draw.number(1, 3), draw.number(1, 4), draw.number(1, 4)
    net, x = begun(draw, (depth * block * block, height, width))
    attributes = {"mode": draw.pick("DCR", "CRD")} if net.opset >= 11 and draw.flag() else {}
    y = net.emit("DepthToSpace", [x], blocksize=block, **attributes)
    net.shape = (depth, height * block, width * block)
    return net.finish(net.maybe_layer(y))


def _space_to_depth(draw):
    block = draw.pick(1, 2, 2, 3, 4)
    depth, height, width = draw.number(1, 3), draw.number(1, 3), draw.number(1, 3)
    net, x = begun(draw, (depth, height * block, width * block))
    y = net.emit("SpaceToDepth", [x], blocksize=block)
    net.shape = (depth * block * block, height, width)
    return net.finish(net.maybe_layer(y))


def _focus(draw):
    step = draw.pick(2, 2, 3)
    depth, height, width = draw.number(1, 3), draw.number(1, 3) * step, draw.number(1, 3) * step
    net, x = begun(draw, (depth, height, width), 10)
    places = [(row, column) for row in range(step) for column in range(step)]
    parts = []
    for place in draw.order(len(places)):
        row, column = places[place]
        if draw.flag():
            rows = net.slice(x, [row], [2**31 - 1], [2], [step])
            parts.append(net.slice(rows, [column], [2**63 - 1], [3], [step]))
        else:
            parts.append(net.slice(x, [row, column], [height, width], [2, 3], [step, step]))
    y = net.emit("Concat", parts, axis=1)
    net.shape = (depth * step * step, height // step, width // step)
    return net.finish(net.layer(y))


def _reshaped(draw):
    """Four to six axes that are permuted, and back to an image."""
    rank = draw.number(3, 5)
    sizes = [draw.pick(1, 2, 2, 3) for _ in range(rank)]
    first, second = sorted(draw.random.choice(np.arange(1, rank), 2, replace=False))
    shape = tuple(math.prod(part) for part in (sizes[:first], sizes[first:second], sizes[second:]))
    net, x = begun(draw, shape)
    apart = net.reshape(x, *sizes)
    order = draw.order(rank)
    moved = net.emit("Transpose", [apart], perm=[0, *(axis + 1 for axis in order)])
    if draw.flag():
        moved = net.emit("Relu", [moved])
    sizes = [sizes[axis] for axis in order]
    first, second = sorted(draw.random.choice(np.arange(1, rank), 2, replace=False))
    shape = tuple(math.prod(part) for part in (sizes[:first], sizes[first:second], sizes[second:]))
    net.shape = shape
    return net.finish(net.maybe_layer(net.reshape(moved, *shape)))


def _gathered(draw):
    shape = draw.tensor()
    net, x = begun(draw, shape)
    axis = draw.number(0, len(shape) - 1)
    size = shape[axis]
    form = draw.pick("one", "list", "list", "reversed", "table", "negative")
    if form == "one" and len(shape) > 1:
        indices = np.array(draw.number(0, size - 1), np.int64)
    elif form == "reversed":
        indices = np.arange(size, dtype=np.int64)[::-1].copy()
    elif form == "table":
        indices = draw.random.integers(0, size, (2, draw.number(1, 3)))
    else:
        low = -size if form == "negative" else 0
        indices = draw.random.integers(low, size, draw.number(1, 7))
    if draw.flag():
        indices = indices.astype(np.int32)
    y = net.emit("Gather", [x, net.constant(indices)], axis=axis + 1 if draw.flag() else axis - len(shape))
    return net.finish(net.emit("Relu", [y]))


def _expanded(draw):
    shape = tuple(draw.pick(size, 1, 1) for size in draw.image())
    net, x = begun(draw, shape)
    sizes = [size if size > 1 else draw.number(1, 4) for size in shape]
    given = [1, *(draw.pick(want, 1) if want == have else want for want, have in zip(sizes, shape, strict=True))]
    first = next((place for place, size in enumerate(given) if size != 1), 0)
    y = net.emit("Expand", [x, net.constant(ints(*given[draw.number(0, first) :]))])
    net.shape = tuple(sizes)
    return net.finish(net.maybe_layer(y))


def _broadcast(draw):
    """Two computed tensors, each with some axes of one element."""
    full = draw.image(2)
    left = tuple(draw.pick(size, size, 1) for size in full)
    right = tuple(draw.pick(size, 1) if have == size else size for size, have in zip(full, left, strict=True))
    if math.prod(right) == 1:
        # One number alone has no range.
        right = (*left[:2], full[2])
    net, x = begun(draw, left, layered=True)
    z = net.input("z", right)
    kind = draw.pick("Add", "Sub", "Mul", "Max", "Min", "Sum")
    y = net.emit(kind, [x, z] if draw.flag() else [z, x])
    net.shape = tuple(max(pair) for pair in zip(left, right, strict=True))
    return net.finish(net.maybe_layer(y))


def _gated(draw):
    """Squeeze and excitation: one number for each channel times its image, by Expand, views or neither."""
    shape = (draw.number(2, 5), draw.number(2, 5), draw.number(2, 5))
    net, x = begun(draw, shape, layered=True)
    form = draw.pick("global", "mean", "flat")
    mean = net.emit("GlobalAveragePool", [x]) if form != "mean" else net.reduce("ReduceMean", x, [2, 3], True)
    if form == "flat":
        flat = net.emit("Flatten", [mean])
        net.shape = shape[:1]
        gate = net.reshape(net.emit("Sigmoid", [net.layer(flat, shape[0])]), shape[0], 1, 1)
    else:
        net.shape = (shape[0], 1, 1)
        gate = net.emit("Sigmoid", [net.layer(mean, shape[0])])
    if draw.flag():
        gate = net.emit("Expand", [gate, net.constant(ints(1, *shape))])
    net.shape = shape
    return net.finish(net.maybe_layer(net.emit("Mul", [x, gate] if draw.flag() else [gate, x])))


def _tiled(draw):
    shape = draw.tensor()
    net, x = begun(draw, shape)
    times = [draw.pick(1, 2, 3) for _ in shape]
    y = net.emit("Tile", [x, net.constant(ints(1, *times))])
    return net.finish(net.emit("Relu", [y]))


def _joined(draw):
    """Concatenation along any axis: of computed tensors, and of constants."""
    shape = draw.tensor()
    net, x = begun(draw, shape)
    axis = draw.number(0, len(shape) - 1)
    parts = [x]
    for _ in range(draw.number(1, 3)):
        form = draw.pick("same", "function", "input", "constant")
        size = draw.number(1, 4)
        other = (*shape[:axis], size, *shape[axis + 1 :])
        if form == "input" and "z" not in net.inputs:
            parts.append(net.input("z", other))
        elif form == "constant" and None not in [dims[0] for dims in net.inputs.values()]:
            batch = next(iter(net.inputs.values()))[0]
            row = draw.real(1, *other)
            parts.append(net.constant(np.repeat(row, batch, 0)))
        else:
            parts.append(x if form == "same" else net.emit("Tanh", [x]))
    order = draw.order(len(parts))
    position = axis + 1 if draw.flag() else axis - len(shape)
    return net.finish(net.emit("Concat", [parts[place] for place in order], axis=position))


def _mapped(draw):
    """A constant added or multiplied that varies along any axes."""
    shape = draw.tensor()
    net, x = begun(draw, shape)
    sizes = [draw.pick(size, size, 1) if size > 1 else draw.pick(1, 1, 3) for size in shape]
    array = draw.real(*((1,) if draw.flag() else ()), *sizes)
    while array.ndim > 1 and array.shape[0] == 1 and draw.flag():
        array = array[0]
    kind = draw.pick("Add", "Sub", "Mul", "Div")
    if kind == "Div":
        array = np.sign(array) * (np.abs(array) + 0.5)
    front = draw.flag() and kind != "Div"
    y = net.emit(kind, [net.constant(array), x] if front else [x, net.constant(array)])
    net.shape = tuple(max(pair) for pair in zip(shape, sizes, strict=True))
    return net.finish(net.maybe_layer(y))


def _channels_last(draw):
    """Layers of Keras: a bias, a scale or a batch normalization written out after a Transpose to channels-last."""
    shape = draw.image()[: draw.pick(2, 3, 3)]
    channels = shape[0]
    net, x = begun(draw, shape, layered=True)
    rank = len(shape) + 1
    last = net.emit("Transpose", [x], perm=[0, *range(2, rank), 1])
    for _ in range(draw.number(1, 3)):
        form = draw.pick("add", "scale", "relu", "concat", "clip", "slope")
        if form == "add":
            last = net.emit("Add", [last, net.constant(draw.real(channels))])
        elif form == "scale":
            last = net.emit("Mul", [last, net.constant(draw.real(channels))])
        elif form == "slope":
            last = net.emit("PRelu", [last, net.constant(np.abs(draw.real(channels)))])
        elif form == "concat":
            last = net.emit("Concat", [last, last], axis=rank - 1)
            channels *= 2
        else:
            last = net.emit("Relu", [last]) if form == "relu" else net.clip(last, -1, 1)
    net.shape = (channels, *shape[1:])
    if draw.number(0, 3) == 0:
        return net.finish(net.emit("Relu", [last]))
    back = net.emit("Transpose", [last], perm=[0, rank - 1, *range(1, rank - 1)])
    return net.finish(net.maybe_layer(back))


KINDS = {
    "channel shuffle": _shuffled,
    "PixelShuffle": _pixel_shuffle,
    "PixelUnshuffle": _pixel_unshuffle,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Focus": _focus,
    "reshapes of 4 to 6 axes": _reshaped,
    "Gather and indexing": _gathered,
    "Expand": _expanded,
    "broadcast of tensors": _broadcast,
    "squeeze and excitation": _gated,
    "Tile": _tiled,
    "Concat along any axis": _joined,
    "constant maps": _mapped,
    "channels-last constants": _channels_last,
}
