"""ONNX activations: functions of single elements, and PRelu."""

from __future__ import annotations

import numpy as np

from ...errors import ModelError, UnsupportedError
from ...graph import Add, Identity, Pointwise, Prelu, Relu
from .arithmetic import per_channel
from .builder import Call, Tensor


def _pointwise(call: Call, function: str, *parameters: float) -> None:
    call.count(1, 1)
    call.attributes.skip(*(("consumed_inputs",) if call.opset < 6 else ()))
    tensor = call.tensor()
    call.emit(Pointwise, (tensor,), tensor.shape, function=function, parameters=parameters)


def named(call: Call) -> None:
    """The activations without parameters."""
    _pointwise(call, NAMED[call.node.type])


NAMED = {
    "Abs": "abs",
    "Exp": "exp",
    "HardSwish": "hard_swish",
    "Mish": "mish",
    "Sigmoid": "sigmoid",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Tanh": "tanh",
}


def relu(call: Call) -> None:
    """Relu."""
    call.count(1, 1)
    tensor = call.tensor()
    call.emit(Relu, (tensor,), tensor.shape)


def leaky_relu(call: Call) -> None:
    """LeakyRelu."""
    _pointwise(call, "leaky_relu", call.attributes.real("alpha", 0.01))


def elu(call: Call) -> None:
    """Elu."""
    _pointwise(call, "elu", call.attributes.real("alpha", 1.0))


def selu(call: Call) -> None:
    """Selu, whose defaults opset 6 made more exact."""
    old = call.opset < 6
    alpha = call.attributes.real("alpha", 1.6732 if old else 1.67326319217681884765625)
    gamma = call.attributes.real("gamma", 1.0507 if old else 1.05070102214813232421875)
    _pointwise(call, "selu", gamma, alpha)


def hard_sigmoid(call: Call) -> None:
    """HardSigmoid."""
    _pointwise(call, "hard_sigmoid", call.attributes.real("alpha", 0.2), call.attributes.real("beta", 0.5))


def softplus(call: Call) -> None:
    """Softplus."""
    _pointwise(call, "softplus", 1.0)


def reciprocal(call: Call) -> None:
    """Reciprocal."""
    _pointwise(call, "reciprocal", 1.0)


def gelu(call: Call) -> None:
    """Gelu, exact or by tanh."""
    form = call.attributes.text("approximate", "none")
    if form not in ("none", "tanh"):
        raise UnsupportedError(f"{call.where}: approximate is {form!r}; supported: none, tanh")
    _pointwise(call, "gelu_tanh" if form == "tanh" else "gelu_exact")


def clip(call: Call) -> None:
    """Clip, its limits attributes before opset 11 and constants since; a missing one is infinite."""
    limits: list[float | None] = [None, None]
    if call.opset < 11:
        call.count(1, 1)
        limits = [call.attributes.real(name) if name in call.attributes else None for name in ("min", "max")]
    else:
        call.count(1, 3)
        limits = [_scalar(call, index) if call.has(index) else None for index in (1, 2)]
    _limit(call, call.tensor(), *limits)


def _scalar(call: Call, index: int) -> float:
    array = call.parameter(index)
    if array.size != 1:
        raise UnsupportedError(f"{call.where}: input {index} of shape {array.shape}; supported: one number")
    return float(array.reshape(-1)[0])


def _limit(call: Call, tensor: Tensor, least: float | None, most: float | None) -> None:
    # Exporters write the largest float32 for "no limit".
    least = None if least is not None and least <= float(np.finfo(np.float32).min) else least
    most = None if most is not None and most >= float(np.finfo(np.float32).max) else most
    function, parameters = "clip", tuple(value for value in (least, most) if value is not None)
    if not parameters:
        call.emit(Identity, (tensor,), tensor.shape, kind=call.node.type)
        return
    if least == 0.0 and most is None:
        call.emit(Relu, (tensor,), tensor.shape)
        return
    if len(parameters) == 1:
        function = "maximum" if least is not None else "minimum"
    elif parameters[0] > parameters[1]:
        raise ModelError(f"{call.where}: limits {parameters}; the minimum is above the maximum")
    call.emit(Pointwise, (tensor,), tensor.shape, function=function, parameters=parameters)


def extreme(call: Call) -> None:
    """Max and Min of a tensor and one number, or of two tensors: max(a, b) = b + relu(a - b), min(a, b) = a - that."""
    count, largest = call.count(1, 64), call.node.type == "Max"
    constants = [index for index in range(count) if call.is_constant(index)]
    if count != 2 or len(constants) > 1:
        raise UnsupportedError(f"{call.where}: of {count} inputs; supported: two tensors, or a tensor and one number")
    if constants:
        value, tensor = _scalar(call, constants[0]), call.tensor(1 - constants[0])
        _limit(call, tensor, value if largest else None, None if largest else value)
        return
    left, right = call.tensor(0), call.tensor(1)
    if left.shape != right.shape:
        raise UnsupportedError(f"{call.where}: shapes {left.shape} and {right.shape}; supported: equal ones")
    difference = call.emit(Add, (left, right), left.shape, -1, signs=(1, -1))
    positive = call.emit(Relu, (difference,), left.shape, -1)
    call.emit(Add, (right if largest else left, positive), left.shape, signs=(1, 1 if largest else -1))


def power(call: Call) -> None:
    """Pow with one constant exponent."""
    call.count(2, 2)
    if call.opset < 7:
        raise UnsupportedError(f"{call.where}: of opset {call.opset}; supported: from opset 7 on")
    tensor, exponent = call.tensor(), _scalar(call, 1)
    function, parameters = ("square", ()) if exponent == 2 else ("power", (exponent,))
    call.emit(Pointwise, (tensor,), tensor.shape, function=function, parameters=parameters)


def prelu(call: Call) -> None:
    """PRelu; before opset 7 a slope with one number for each channel needs no spatial axes."""
    call.count(2, 2)
    tensor, slope = call.tensor(), call.parameter(1)
    if call.opset < 7 and slope.ndim == 1:
        slope = slope.reshape(-1, *(1,) * (len(tensor.shape) - 1))
    vector = per_channel(call, 1, slope, tensor.shape)
    call.emit(Prelu, (tensor,), tensor.shape, slope=vector)
