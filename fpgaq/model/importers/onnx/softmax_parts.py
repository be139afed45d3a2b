"""Softmax and its logarithm as exporters and people spell them: exponentials, their sum, a quotient."""

from __future__ import annotations

import math

from ...graph import Softmax
from .builder import Call, Node, Tensor


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


def log_softmax_of_parts(call: Call) -> bool:
    """Sub(x, ReduceLogSumExp(x)), or Sub(x, Log(ReduceSum(Exp(x)))), x less its maximum or not."""
    total = call.writer(1, "ReduceLogSumExp")
    name = call.node.inputs[0]
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
