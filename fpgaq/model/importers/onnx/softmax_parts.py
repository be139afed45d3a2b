"""Softmax and its logarithm as exporters and people spell them: exponentials, their sum, a quotient."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from ...graph import Concatenate, Identity, Pointwise, Reshape, Shape, Slice, Softmax
from .builder import Builder, Call, Node, Tensor

POSITIVE = frozenset(("Exp", "Sigmoid", "Softmax", "Softplus"))
"""Operators whose results are above zero."""
PASSING = frozenset(("Concat", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceSum", "Reshape", "Slice", "Sum"))
"""Operators whose results are above zero if all their inputs are."""
LOGISTIC = "ai.onnx.ml.LinearClassifier"


def emit_softmax(call: Call, tensor: Tensor, axis: int, log: bool = False) -> None:
    """Append a Softmax over an axis of a tensor."""
    rank = len(tensor.shape)
    if rank > 3:
        shape = tensor.shape
        sides = (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))
        done = call.emit(Softmax, (call.view(tensor, sides),), sides, -1, axis=1, log=log)
        call.reshape(done, shape)
        return
    call.emit(Softmax, (tensor,), tensor.shape, axis=2 if rank == 2 and axis == 1 else axis, log=log)


def softmax_of_parts(call: Call) -> bool:
    """Div(Exp(x), ReduceSum(Exp(x))), x less its maximum or not."""
    powers, total = call.writer(0, "Exp"), call.writer(1, "ReduceSum")
    if powers is None or total is None or total.inputs[0] != call.node.inputs[0]:
        return False
    return _emit_of_parts(call, _shifted(call, powers.inputs[0], total), total, False)


def is_positive(builder: Builder, name: str) -> bool:
    """Whether a tensor's elements are above zero by the way they are computed."""
    queue, seen = [name], set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        node = builder.writers.get(name)
        if node is None:
            return False
        computed = [source for source in node.inputs if source and source not in builder.constants]
        constants = [builder.constants[source] for source in node.inputs if source in builder.constants]
        if node.type in POSITIVE:
            continue
        if node.type == LOGISTIC:
            transform = next((proto.s for proto in node.attributes if proto.name == "post_transform"), b"NONE")
            if transform not in (b"LOGISTIC", b"SOFTMAX") or name != node.outputs[1]:
                return False
        elif node.type in PASSING or _keeps_positive(node.type, constants):
            queue += computed
        else:
            return False
    return True


def _keeps_positive(kind: str, constants: list[Any]) -> bool:
    """Whether what is added to, multiplied by or divided by these constants is above zero if all the rest is."""
    least = min((float(array.min()) for array in constants if array.size), default=math.inf)
    return least >= 0 if kind == "Add" else kind in ("Mul", "Div") and least > 0


def emit_normalized(call: Call, tensor: Tensor, axis: int) -> None:
    """The quotient x / sum(x) of what is positive: the softmax of its logarithm."""
    if any(isinstance(op, Softmax) and op.output == tensor.name and not op.log for op in call.builder.operators):
        # Its sum is one already.
        call.emit(Identity, (tensor,), tensor.shape, kind=call.node.type)
        return
    logarithm = _logarithm(call, tensor.name, tensor.shape)
    emit_softmax(call, Tensor(logarithm.name, tensor.shape), axis)


def _logarithm(call: Call, name: str, shape: Shape) -> Tensor:
    """The logarithm of a tensor: of scores of which a sigmoid was joined, in one step each, which keeps small ones."""
    op = next((op for op in call.builder.operators if op.output == name), None)
    if isinstance(op, Pointwise) and op.function == "sigmoid":
        return call.emit(Pointwise, (Tensor(op.input, shape),), shape, -1, function="log_sigmoid")
    if not isinstance(op, Concatenate | Identity | Reshape | Slice):
        return call.emit(Pointwise, (Tensor(name, shape),), shape, -1, function="log")
    parts = tuple(_logarithm(call, source, call.builder.shapes[source]) for source in op.inputs)
    own = {
        field.name: getattr(op, field.name) for field in fields(op) if field.name not in ("name", "inputs", "output")
    }
    return call.emit(type(op), parts, call.builder.shapes[name], -1, **own)


def normalized_of_parts(call: Call) -> bool:
    """Div(x, ReduceSum(x)) of what is positive, as scikit-learn normalizes the scores of one class against the rest."""
    name, total = _without_zeros(call, call.node.inputs[0]), _without_zeros(call, call.node.inputs[1])
    node = call.builder.writers.get(total)
    if node is None or node.type != "ReduceSum" or node.inputs[0] != name or not is_positive(call.builder, name):
        return False
    axes, keep = _axes_of(call, node), next((proto.i for proto in node.attributes if proto.name == "keepdims"), 1)
    if len(axes) != 1 or not keep or name not in call.builder.tensors:
        return False
    tensor = call.builder.tensors[name]
    emit_normalized(call, tensor, call.axis(axes[0], len(tensor.shape)))
    return True


def _without_zeros(call: Call, name: str) -> str:
    """The tensor to which only zeros were added."""
    constants = call.builder.constants
    while (node := call.builder.writers.get(name)) is not None and node.type == "Add":
        rest = [source for source in node.inputs if source not in constants or constants[source].any()]
        if len(rest) != 1:
            break
        name = rest[0]
    return name


def log_softmax_of_parts(call: Call) -> bool:
    """Sub(x, ReduceLogSumExp(x)), or Sub(x, Log(ReduceSum(Exp(x)))), x less its maximum or not."""
    name = call.node.inputs[0]
    reshaped = call.writer(1, "Reshape")
    if reshaped is not None and _vector_total(call, name, reshaped):
        emit_softmax(call, call.builder.tensors[name], 0, True)
        return True
    total = call.writer(1, "ReduceLogSumExp")
    if total is None:
        logarithm = call.writer(1, "Log")
        total = logarithm and call.builder.writers.get(logarithm.inputs[0])
        powers = call.builder.writers.get(total.inputs[0]) if total else None
        if total is None or total.type != "ReduceSum" or powers is None or powers.type != "Exp":
            return False
        if powers.inputs[0] != name:
            return False
    elif total.inputs[0] != name:
        return False
    return _emit_of_parts(call, _shifted(call, name, total), total, True)


def _vector_total(call: Call, name: str, reshaped: Node) -> bool:
    """Whether a Reshape gives the ReduceLogSumExp of a vector its axis back, as scikit-learn's naive Bayes does."""
    total = call.builder.writers.get(reshaped.inputs[0])
    shape = call.builder.constants.get(reshaped.inputs[1]) if len(reshaped.inputs) > 1 else None
    if total is None or total.type != "ReduceLogSumExp" or total.inputs[0] != name or shape is None:
        return False
    tensor = call.builder.tensors.get(name)
    vector = tensor is not None and len(tensor.shape) == 1 and _axes_of(call, total) in ([1], [-1])
    return vector and shape.reshape(-1).tolist() == [-1, 1]


def _shifted(call: Call, name: str, total: Node) -> str:
    """The tensor from which its own maximum along the same axes was taken off, if one was."""
    node = call.builder.writers.get(name)
    if node is None or node.type != "Sub":
        return name
    greatest = call.builder.writers.get(node.inputs[1])
    same = greatest is not None and greatest.type == "ReduceMax" and greatest.inputs[0] == node.inputs[0]
    return node.inputs[0] if same and greatest and _axes_of(call, greatest) == _axes_of(call, total) else name


def _axes_of(call: Call, node: Node) -> list[int]:
    for proto in node.attributes:
        if proto.name == "axes":
            return list(proto.ints)
    if len(node.inputs) > 1 and node.inputs[1] in call.builder.constants:
        return [int(axis) for axis in call.builder.constants[node.inputs[1]].reshape(-1)]
    return []


def _emit_of_parts(call: Call, name: str, total: Node, log: bool) -> bool:
    axes = _axes_of(call, total)
    keep = next((proto.i for proto in total.attributes if proto.name == "keepdims"), 1)
    if len(axes) != 1 or not keep or name not in call.builder.tensors:
        return False
    tensor = call.builder.tensors[name]
    emit_softmax(call, tensor, call.axis(axes[0], len(tensor.shape)), log)
    return True
