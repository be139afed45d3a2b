"""ONNX arithmetic: tensors with constants (one number, or one per channel) and tensors with tensors."""

from __future__ import annotations

import math

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Add, Affine, Array, BatchNormalization, Identity, Multiply, Pointwise, ScaleOffset, Shape
from .builder import Call, Tensor, graph_shape
from .moves import cut, permuted, repeated
from .resize import spread
from .softmax_parts import log_softmax_of_parts, softmax_of_parts


def per_channel(call: Call, index: int, array: Array, shape: Shape) -> Array:
    """A constant that broadcasts to (batch, *shape) as (1,) or (channels,), if it does not vary otherwise."""
    where = f"{call.where}: input {index}, a constant of shape {array.shape},"
    if not shape and array.size == 1:
        return array.reshape(1)
    lead = max(0, array.ndim - len(shape))
    if math.prod(array.shape[:lead]) != 1 or lead > 1:
        raise UnsupportedError(f"{where} has values for the samples of a batch or adds axes to {shape}")
    array = array.reshape((1,) * (len(shape) - array.ndim + lead) + array.shape[lead:])
    for have, want in zip(array.shape, shape, strict=True):
        if have not in (1, want):
            raise UnsupportedError(f"{where} does not broadcast to {shape}; supported: one number, or one per channel")
    first = array.reshape(len(array), -1)[:, :1].reshape(-1, *(1,) * (len(shape) - 1))
    if not np.array_equal(np.broadcast_to(first, array.shape), array):
        raise UnsupportedError(f"{where} varies over space; supported: one number, or one per channel")
    vector: Array = first.reshape(-1)
    return vector[:1] if np.all(vector == vector[0]) else vector


def with_constant(call: Call, tensor: Tensor, index: int, scale: Array, offset: Array, last: int = 0) -> Tensor:
    """Tensor * scale + offset, each (1,) or (channels,)."""
    if scale.size == 1 and offset.size == 1:
        return call.emit(ScaleOffset, (tensor,), tensor.shape, last, scale=float(scale[0]), offset=float(offset[0]))
    channels = tensor.shape[0]
    one = np.ones(channels, np.float32)
    return call.emit(
        BatchNormalization,
        (tensor,),
        tensor.shape,
        last,
        mean=np.zeros(channels, np.float32),
        variance=one,
        scale=None if np.all(scale == 1) else one * scale,
        offset=None if np.all(offset == 0) else one * offset,
        epsilon=0.0,
    )


def arithmetic(call: Call) -> None:
    """Add, Sub, Mul and Div of two inputs, at least one of them a tensor."""
    call.count(2, 2)
    call.attributes.skip(*(("consumed_inputs",) if call.opset < 6 else ()))
    broadcast = call.opset >= 7 or call.attributes.flag("broadcast")
    axis = call.attributes.integer("axis", -1) if call.opset < 7 else -1
    kind = call.node.type
    if call.is_constant(0) or call.is_constant(1):
        index = 0 if call.is_constant(0) else 1
        tensor, array = call.tensor(1 - index), call.parameter(index)
        if index == 1:
            array = _legacy(call, array, tensor.shape, broadcast, axis)
        if axis_of(array, tensor.shape) == 0 or (kind == "Div" and index == 0):
            _constant_arithmetic(call, kind, tensor, index, per_channel(call, index, array, tensor.shape))
        else:
            _over_space(call, kind, tensor, index, array)
        return
    if (kind == "Div" and softmax_of_parts(call)) or (kind == "Sub" and log_softmax_of_parts(call)):
        return
    left, right = _same_shape(call, call.tensor(0), call.tensor(1))
    if kind == "Div" and not (_ancestors(call, 0) & _ancestors(call, 1)):
        raise UnsupportedError(
            f"{call.where}: divides by a computed tensor; supported: by a constant, or a function of the same tensor"
        )
    if kind == "Div":
        inverse = call.emit(Pointwise, (right,), right.shape, -1, function="reciprocal", parameters=(1.0,))
        call.emit(Multiply, (left, inverse), left.shape)
        return
    if kind == "Mul":
        call.emit(Multiply, (left, right), left.shape)
    else:
        call.emit(Add, (left, right), left.shape, signs=(1, -1 if kind == "Sub" else 1))


ELEMENTWISE = frozenset(
    ("Abs", "Add", "Cast", "Clip", "Div", "Erf", "Exp", "Identity", "Log", "Max", "Min", "Mul", "Neg", "Pow", "Relu")
    + ("Reciprocal", "Sigmoid", "Softplus", "Sqrt", "Sub", "Tanh")
)


def _ancestors(call: Call, index: int) -> set[str]:
    """An input and the tensors of which it is a function element by element."""
    found, queue = set(), [call.node.inputs[index]]
    while queue:
        name = queue.pop()
        if name not in found and name not in call.builder.constants:
            found.add(name)
            node = call.builder.writers.get(name)
            if node is not None and node.type in ELEMENTWISE:
                queue += [source for source in node.inputs if source]
    return found


def _legacy(call: Call, array: Array, shape: Shape, broadcast: bool, axis: int) -> Array:
    """Before opset 7 the second input's shape is matched from `axis` on, and only if `broadcast` is set."""
    if call.opset >= 7 or (broadcast and axis < 0):
        return array
    if not broadcast:
        if array.size != math.prod(array.shape[:1]) * math.prod(shape) or array.ndim != len(shape) + 1:
            raise ModelError(f"{call.where}: shapes {array.shape} and (batch, *{shape}) differ and broadcast is 0")
        return array
    if axis + array.ndim > len(shape) + 1:
        raise ModelError(f"{call.where}: axis {axis} of shape {array.shape} does not fit (batch, *{shape})")
    return array.reshape((1,) * axis + array.shape + (1,) * (len(shape) + 1 - axis - array.ndim))


def _constant_arithmetic(call: Call, kind: str, tensor: Tensor, index: int, value: Array) -> None:
    if kind != "Div" or index == 1:
        with_constant(call, tensor, index, *_scale_offset(call, kind, index, value))
    elif value.size == 1:
        call.emit(Pointwise, (tensor,), tensor.shape, function="reciprocal", parameters=(float(value[0]),))
    else:
        raise UnsupportedError(f"{call.where}: divides constants by a tensor; supported: one number by a tensor")


def _scale_offset(call: Call, kind: str, index: int, value: Array) -> tuple[Array, Array]:
    """(scale, offset) of arithmetic with a constant at input `index`."""
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    if kind == "Add":
        return one, value
    if kind == "Sub":
        return (one, -value) if index else (-one, value)
    if kind == "Mul":
        return value, zero
    if not value.all():
        raise ModelError(f"{call.where}: divides by zero")
    return one / value, zero


def _same_shape(call: Call, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors of one shape; one of a single pixel for each channel is repeated over the other's image."""
    if left.shape == right.shape:
        return left, right
    if call.opset < 7:
        raise UnsupportedError(f"{call.where}: shapes {left.shape} and {right.shape}; supported: equal ones")
    one_pixel = len(left.shape) == len(right.shape) in (2, 3) and left.shape[0] == right.shape[0]
    if one_pixel and call.opset >= 7:
        small, large = sorted((left, right), key=lambda tensor: math.prod(tensor.shape))
        if math.prod(small.shape) == small.shape[0]:
            _, height, width = graph_shape(large.shape)
            wide = spread(call, small, (height, width), last=-1)
            return (wide, right) if small is left else (left, wide)
    return broadcast(call, left, right)


def broadcast(call: Call, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors, the axes of one element repeated over those of the other. The batch stands in front of both."""
    rank = max(len(left.shape), len(right.shape))
    if len(left.shape) != len(right.shape):
        raise UnsupportedError(
            f"{call.where}: shapes (batch, *{left.shape}) and (batch, *{right.shape}); supported: equally many axes"
            " (unsqueeze the smaller one)"
        )
    shape = tuple(max(pair) for pair in zip(left.shape, right.shape, strict=True))
    found = []
    for tensor in (left, right):
        if any(size not in (1, want) for size, want in zip(tensor.shape, shape, strict=True)):
            raise ModelError(f"{call.where}: shapes {left.shape} and {right.shape} do not broadcast")
        for axis in range(rank):
            if tensor.shape[axis] != shape[axis]:
                tensor = repeated(call, tensor, axis, shape[axis])
        found.append(tensor)
    return found[0], found[1]


def axis_of(array: Array, shape: Shape) -> int:
    """The only axis of a tensor of this shape along which a constant varies; 0 for none, -1 for several."""
    fitted = _fitted(array, shape)
    if fitted is None:
        return 0
    varying = [
        axis
        for axis in range(len(shape))
        if not np.array_equal(np.broadcast_to(fitted.take([0], axis), fitted.shape), fitted)
    ]
    return 0 if not varying else varying[0] if len(varying) == 1 else -1


def _fitted(array: Array, shape: Shape) -> Array | None:
    """A constant that broadcasts to the tensor of every sample, with as many axes; None for any other."""
    lead = max(0, array.ndim - len(shape))
    if lead > 1 or math.prod(array.shape[:lead]) != 1:
        return None
    fitted = array.reshape((1,) * (len(shape) - array.ndim + lead) + array.shape[lead:])
    fits = all(have in (1, want) for have, want in zip(fitted.shape, shape, strict=True))
    return fitted if fits else None


def _over_space(call: Call, kind: str, tensor: Tensor, index: int, array: Array) -> None:
    """Arithmetic with a constant along another axis than the channels, or along several."""
    fitted = _fitted(array, tensor.shape)
    assert fitted is not None
    axis = axis_of(array, tensor.shape)
    if axis > 0:
        order = [axis, *(other for other in range(len(tensor.shape)) if other != axis)]
        front = permuted(call, tensor, order)
        index_of = [order.index(place) for place in range(len(order))]
        vector = per_channel(call, index, fitted.transpose(order), front.shape)
        scale, offset = _scale_offset(call, kind, index, vector)
        done = permuted(call, with_constant(call, front, index, scale, offset, -1), index_of)
        call.reshape(done, tensor.shape)
        return
    whole = np.broadcast_to(fitted, tensor.shape).astype(np.float32)
    if kind == "Div" and not whole.all():
        raise ModelError(f"{call.where}: divides by zero")
    if kind in ("Mul", "Div"):
        factors = constant_map(call, tensor, 1 / whole if kind == "Div" else whole)
        call.emit(Multiply, (tensor, factors), tensor.shape)
        return
    terms = constant_map(call, tensor, -whole if kind == "Sub" and index else whole)
    call.emit(Add, (tensor, terms), tensor.shape, signs=(-1 if kind == "Sub" and not index else 1, 1))


def constant_map(call: Call, beside: Tensor, array: Array) -> Tensor:
    """A tensor of constant elements: the bias of a matrix product whose weights are zero, on one element of another."""
    element = beside
    for axis in range(len(beside.shape)):
        element = cut(call, element, axis, 0, 1)
    bias = np.ascontiguousarray(array, np.float32).reshape(-1)
    weight = np.zeros((bias.size, 1), np.float32)
    flat = call.emit(Affine, (call.view(element, (1,)),), (bias.size,), -1, weight=weight, bias=bias)
    return call.view(flat, array.shape)


def negate(call: Call) -> None:
    """Neg."""
    call.count(1, 1)
    tensor = call.tensor()
    call.emit(ScaleOffset, (tensor,), tensor.shape, scale=-1.0, offset=0.0)


def add_all(call: Call) -> None:
    """Sum of tensors of one shape."""
    tensors = tuple(call.tensor(index) for index in range(call.count(1, 64)))
    for tensor in tensors:
        if tensor.shape != tensors[0].shape:
            raise UnsupportedError(f"{call.where}: shapes {tensors[0].shape} and {tensor.shape}; supported: equal ones")
    if len(tensors) == 1:
        call.emit(Identity, tensors, tensors[0].shape, kind="Sum")
    else:
        call.emit(Add, tensors, tensors[0].shape, signs=(1,) * len(tensors))
