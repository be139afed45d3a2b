"""Operators that move or choose elements: they keep the grid, on integers and on dequantized values alike."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format
from ...integer.graph import IntegerArgMax, IntegerMaxPooling, IntegerPad, IntegerTranspose
from ...model.importers.onnx.builder import Call, Tensor, graph_shape
from ...model.importers.onnx.pools import _overhang
from ...model.importers.onnx.windows import model_shape, read_window, spatial
from .completing import rounded
from .conversion import image_of
from .reading import conversion
from .values import Accumulated, Grid, Stored


def keep(call: Call) -> None:
    """Identity, and Dropout at rest."""
    call.attributes.skip("ratio", "seed", "is_test")
    _set(call, call.tensor(0))


def _set(call: Call, value: Tensor) -> None:
    call.builder.tensors[call.node.outputs[0]] = replace(value, name=call.node.outputs[0])


def _stored(call: Call) -> Stored:
    return rounded(call, 0, conversion(call))


def _viewed(call: Call, shape: tuple[int, ...]) -> None:
    value: Tensor = call.tensor(0)
    if math.prod(shape) != math.prod(value.shape):
        raise ModelError(f"{call.where}: cannot reshape {value.shape} to {shape}: element counts differ")
    if isinstance(value, Accumulated):
        value = rounded(call, 0, conversion(call))
    _set(call, replace(value, shape=shape))


def reshape(call: Call) -> None:
    """Reshape that leaves the batch."""
    call.count(1, 2)
    value = call.tensor(0)
    wanted = call.attributes.integers("shape") or [] if call.opset < 5 else call.integers(1)
    if call.attributes.integer("allowzero"):
        raise UnsupportedError(f"{call.where}: allowzero is 1; supported: 0")
    batch, full = call.builder.batch, (call.builder.batch, *value.shape)
    sizes = [full[i] if size == 0 and i < len(full) else size for i, size in enumerate(wanted)]
    if sizes.count(-1) > 1 or any(size < -1 or size == 0 for size in sizes) or not sizes:
        raise ModelError(f"{call.where}: reshapes {full} to {wanted}")
    known = math.prod(size for size in sizes if size != -1)
    whole = math.prod(full)
    if sizes.count(-1) and whole % known == 0:
        sizes[sizes.index(-1)] = whole // known
    if math.prod(sizes) != whole or sizes[0] != batch:
        raise UnsupportedError(f"{call.where}: reshapes {full} to {wanted}; supported: what leaves the batch in front")
    _viewed(call, tuple(sizes[1:]))


def flatten(call: Call) -> None:
    """Flatten to (batch, features)."""
    call.count(1, 1)
    if call.attributes.integer("axis", 1) != 1:
        raise UnsupportedError(f"{call.where}: axis is not 1; supported: 1")
    _viewed(call, (math.prod(call.tensor(0).shape),))


def _axes(call: Call) -> list[int] | None:
    return call.attributes.integers("axes") if call.opset < 13 else call.integers(1) if call.has(1) else None


def squeeze(call: Call) -> None:
    """Squeeze of axes of one element."""
    shape, axes = call.tensor(0).shape, _axes(call)
    gone = (
        {i for i, size in enumerate(shape) if size == 1} if axes is None else {call.axis(a, len(shape)) for a in axes}
    )
    if any(shape[axis] != 1 for axis in gone):
        raise ModelError(f"{call.where}: squeezes axes of {shape} that have more than one element")
    _viewed(call, tuple(size for axis, size in enumerate(shape) if axis not in gone))


def unsqueeze(call: Call) -> None:
    """Unsqueeze."""
    axes = _axes(call) or []
    shape = list(call.tensor(0).shape)
    for axis in sorted(call.axis(axis, len(shape) + len(axes)) for axis in axes):
        shape.insert(axis, 1)
    _viewed(call, tuple(shape))


def transpose(call: Call) -> None:
    """Transpose of the axes after the batch; of a quantized constant any."""
    permutation = call.attributes.integers("perm")
    owner = conversion(call)
    constant = owner.quantized.get(call.node.inputs[0])
    if constant is not None:
        order = permutation or list(range(constant.integers.ndim))[::-1]
        moved = np.ascontiguousarray(constant.integers.transpose(order))
        axis = order.index(constant.axis) if constant.axis in order else constant.axis
        owner.quantized[call.node.outputs[0]] = replace(constant, integers=moved, axis=axis)
        return
    value = _stored(call)
    rank = len(value.shape)
    order = permutation or list(range(rank + 1))[::-1]
    if sorted(order) != list(range(rank + 1)) or order[0] != 0:
        raise UnsupportedError(f"{call.where}: perm {order}; supported: orders that leave the batch in front")
    shape = tuple(value.shape[axis - 1] for axis in order[1:])
    if [size for size in shape if size > 1] == [size for size in value.shape if size > 1] and rank < 3:
        _viewed(call, shape)
        return
    if rank != 3:
        raise UnsupportedError(f"{call.where}: perm {order} of {rank + 1} axes; supported: 4 axes")
    value = owner.image(value, call.node.name)
    # Channels, height, width are axes 2, 0, 1 of the stream.
    place = {1: 2, 2: 0, 3: 1}
    channels, height, width = (place[axis] for axis in order[1:])
    op = IntegerTranspose(call.node.name, (value.tensor,), call.node.outputs[0], (height, width, channels))
    written = owner.put(op, image_of(shape), owner.grid(value))
    _set(call, Stored("", shape, written, value.real))


def max_pooling(call: Call) -> None:
    """MaxPool."""
    call.attributes.skip("storage_order")
    owner = conversion(call)
    image = owner.image(_stored(call), call.node.name)
    window = read_window(call, image, None)
    if window.dilation != (1, 1):
        raise UnsupportedError(f"{call.where}: dilations {window.dilation}; supported: 1")
    padding, sizes = _overhang(call, image, window, call.attributes.flag("ceil_mode"))
    shape = model_shape(image, image.shape[0], *sizes)
    op = IntegerMaxPooling(call.node.name, (image.tensor,), call.node.outputs[0], window.kernel, window.stride, padding)
    _set(call, Stored("", shape, owner.put(op, image_of(shape), owner.grid(image)), image.real))


def global_maximum(call: Call) -> None:
    """GlobalMaxPool."""
    owner = conversion(call)
    image = owner.image(_stored(call), call.node.name)
    _, height, width = graph_shape(image.shape)
    shape = (image.shape[0], *(1,) * (len(image.shape) - 1))
    op = IntegerMaxPooling(
        call.node.name, (image.tensor,), call.node.outputs[0], (height, width), (height, width), (0, 0, 0, 0)
    )
    _set(call, Stored("", shape, owner.put(op, image_of(shape), owner.grid(image)), image.real))


def pad(call: Call) -> None:
    """Pad of the spatial axes, with a constant that the grid holds."""
    owner = conversion(call)
    image = owner.image(_stored(call), call.node.name)
    count, rank = len(image.shape) - 1, len(image.shape) + 1
    mode = call.attributes.text("mode", "constant")
    modes = {"constant": "constant", "reflect": "reflect", "edge": "repeat"}
    amounts = call.attributes.integers("pads") or [] if call.opset < 11 else call.integers(1)
    if mode not in modes or len(amounts) != 2 * rank or any(amounts[:2] + amounts[rank : rank + 2]) or min(amounts) < 0:
        raise UnsupportedError(
            f"{call.where}: mode {mode!r}, pads {amounts}; supported: spatial axes, {', '.join(modes)}"
        )
    value = Fraction(0)
    if call.opset < 11:
        value = Fraction(call.attributes.real("value"))
    elif call.has(2):
        value = Fraction(float(call.constant(2).reshape(-1)[0]))
    read = owner.grid(image)
    place = value / read.exact + read.zero_point if image.real else value
    if mode == "constant" and (place.denominator != 1 or not read.format.minimum <= place <= read.format.maximum):
        raise UnsupportedError(f"{call.where}: pads with {float(value):g}, which is no integer of {read.describe()}")
    top, left = spatial(call, amounts[2:rank], count, 0, "pads")
    bottom, right = spatial(call, amounts[rank + 2 :], count, 0, "pads")
    _, height, width = graph_shape(image.shape)
    shape = model_shape(image, image.shape[0], height + top + bottom, width + left + right)
    number = int(place) if mode == "constant" else 0
    op = IntegerPad(
        call.node.name, (image.tensor,), call.node.outputs[0], (top, bottom, left, right), modes[mode], number
    )
    _set(call, Stored("", shape, owner.put(op, image_of(shape), read), image.real))


def arg_max(call: Call) -> None:
    """ArgMax over the channels: of integers as of the real numbers that they stand for."""
    owner = conversion(call)
    value = _stored(call)
    if call.attributes.flag("select_last_index"):
        raise UnsupportedError(f"{call.where}: select_last_index is 1; supported: 0, the lowest index on ties")
    axis, kept = call.axis(call.attributes.integer("axis"), len(value.shape)), call.attributes.flag("keepdims", 1)
    image = owner.image(value, call.node.name)
    if axis != 0:
        raise UnsupportedError(f"{call.where}: axis {axis + 1}; supported: 1, the channels")
    height, width, channels = image_of(image.shape)
    shape = ((1,) if kept else ()) + image.shape[1:]
    fmt = Format(max(1, (channels - 1).bit_length()), 0, False)
    op = IntegerArgMax(call.node.name, (image.tensor,), call.node.outputs[0])
    written = owner.put(op, (height, width, 1), Grid(1.0, 0, fmt))
    owner.stored[written] = replace(owner.stored[written], scale=None)
    _set(call, Stored("", shape or (1,), written, False))


def softmax(call: Call) -> None:
    """Softmax or LogSoftmax of the channels at the end: the host's, who needs the greatest score alone."""
    call.count(1, 1)
    value = call.tensor(0)
    axis = call.axis(call.attributes.integer("axis", 1 if call.opset < 13 else -1), len(value.shape))
    if axis != 0 or call.node.outputs[0] in conversion(call).inner:
        raise UnsupportedError(f"{call.where}: in the midst or of another axis; supported: of the channels, at the end")
    conversion(call).remarks.append(f"{call.where} is left out: the outputs are scores, the greatest is the class")
    _set(call, value)


def cast(call: Call) -> None:
    """Cast of integers to real numbers, which then are their own values; of real numbers to real numbers."""
    kind, value = call.attributes.integer("to"), call.tensor(0)
    call.attributes.skip("saturate")
    if kind != 1:
        raise UnsupportedError(f"{call.where}: casts to another type than float; supported: float")
    if isinstance(value, Accumulated) and value.integers:
        _set(call, replace(value, integers=False))
        return
    if isinstance(value, Stored) and not value.real:
        raise UnsupportedError(f"{call.where}: casts integers to float; put a DequantizeLinear in its place")
    _set(call, value)
