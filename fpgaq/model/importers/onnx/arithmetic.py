"""ONNX arithmetic: tensors with constants (one number, or one per channel) and tensors with tensors."""

from __future__ import annotations

import math

from ....base.errors import ModelError, UnsupportedError
from ...graph import Add, Array, Identity, Multiply, Pointwise, ScaleOffset, Shape
from .builder import Call, Tensor, graph_shape
from .constant_operands import combined
from .moves import repeated
from .resize import spread
from .softmax_parts import log_softmax_of_parts, normalized_of_parts, softmax_of_parts


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
        if kind == "Div" and index == 0:
            _divided(call, tensor, array)
        else:
            combined(call, kind, tensor, index, array)
        return
    if (kind == "Div" and (softmax_of_parts(call) or normalized_of_parts(call))) or (
        kind == "Sub" and log_softmax_of_parts(call)
    ):
        return
    left, right = _same_shape(call, call.tensor(0), call.tensor(1))
    if kind == "Div" and not (_ancestors(call, 0) & _ancestors(call, 1)):
        raise UnsupportedError(
            f"{call.where}: divides by a computed tensor; supported: by a constant, or a function of the same tensor;"
            " end the model before it (--outputs NAME) and divide on the host"
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


def _divided(call: Call, tensor: Tensor, array: Array) -> None:
    """A constant divided by a tensor."""
    if array.size == 1 and array.all():
        value = float(array.reshape(-1)[0])
        call.emit(Pointwise, (tensor,), tensor.shape, function="reciprocal", parameters=(value,))
        return
    inverse = call.emit(Pointwise, (tensor,), tensor.shape, -1, function="reciprocal", parameters=(1.0,))
    combined(call, "Mul", inverse, 0, array)


def _same_shape(call: Call, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors of one shape; one of a single pixel for each channel is repeated over the other's image."""
    if left.shape == right.shape:
        return left, right
    if call.opset < 7:
        raise UnsupportedError(
            f"{call.where}: shapes {left.shape} and {right.shape}; supported: equal ones; give"
            " both one shape (expand, slice)"
        )
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


def negate(call: Call) -> None:
    """Neg."""
    call.count(1, 1)
    tensor = call.tensor()
    call.emit(ScaleOffset, (tensor,), tensor.shape, scale=-1.0, offset=0.0)


def add_all(call: Call) -> None:
    """Sum of tensors and constants that broadcast."""
    count = call.count(1, 64)
    constants = [index for index in range(count) if call.is_constant(index)]
    tensors = [call.tensor(index) for index in range(count) if index not in constants]
    for index in range(1, len(tensors)):
        tensors[0], tensors[index] = broadcast(call, tensors[0], tensors[index])
    tensors = [broadcast(call, tensors[0], tensor)[1] for tensor in tensors]
    last = 0 if not constants else -1
    if len(tensors) == 1:
        total = tensors[0] if constants else call.emit(Identity, tuple(tensors), tensors[0].shape, kind="Sum")
    else:
        total = call.emit(Add, tuple(tensors), tensors[0].shape, last, signs=(1,) * len(tensors))
    for index in constants:
        total = combined(call, "Add", total, index, call.parameter(index), 0 if index == constants[-1] else -1)
