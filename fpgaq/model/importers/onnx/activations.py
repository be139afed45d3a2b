"""ONNX activations: functions of single elements, and PRelu."""

from __future__ import annotations

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Add, Array, Identity, Multiply, Pointwise, Prelu, Relu, ScaleOffset
from .arithmetic import broadcast
from .builder import Call, Tensor
from .constant_operands import along, as_map, axis_of, combined, constant_map, per_channel, widened, with_constant


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
    "Asinh": "arcsinh",
    "Atan": "arctan",
    "Ceil": "ceil",
    "Cos": "cos",
    "Erf": "erf",
    "Floor": "floor",
    "Round": "round",
    "Sin": "sin",
    "Sinh": "sinh",
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


def complementary_error(call: Call) -> None:
    """Erfc, which ONNX has not but tf2onnx writes for Keras's GELU: 1 - erf(x)."""
    call.count(1, 1)
    tensor = call.tensor()
    found = call.emit(Pointwise, (tensor,), tensor.shape, -1, function="erf")
    call.emit(ScaleOffset, (found,), tensor.shape, scale=-1.0, offset=1.0)


def softplus(call: Call) -> None:
    """Softplus."""
    _pointwise(call, "softplus", 1.0)


def reciprocal(call: Call) -> None:
    """Reciprocal."""
    _pointwise(call, "reciprocal", 1.0)


def sign(call: Call) -> None:
    """Sign, 0 at zero."""
    _pointwise(call, "sign", 0.0)


def thresholded_relu(call: Call) -> None:
    """ThresholdedRelu."""
    _pointwise(call, "thresholded_relu", call.attributes.real("alpha", 1.0))


def celu(call: Call) -> None:
    """Celu."""
    _pointwise(call, "celu", call.attributes.real("alpha", 1.0))


def shrink(call: Call) -> None:
    """Shrink, hard (bias 0) or soft."""
    _pointwise(call, "shrink", call.attributes.real("lambd", 0.5), call.attributes.real("bias", 0.0))


def microsoft_gelu(call: Call) -> None:
    """Onnxruntime's own Gelu, as its optimizer writes it."""
    _pointwise(call, "gelu_exact")


def comparison(call: Call) -> None:
    """Greater, Less and their closed forms: 1 where true, else 0."""
    call.count(2, 2)
    kind = call.node.type
    turned, closed = kind.startswith("Less"), kind.endswith("OrEqual")
    if call.is_constant(0) or call.is_constant(1):
        index = 0 if call.is_constant(0) else 1
        tensor, array = call.tensor(1 - index), call.parameter(index)
        # The difference that must be above zero, a constant of one number left to the function.
        positive = turned == (index == 0)
        if array.size == 1 and positive:
            difference, value = tensor, float(array.reshape(-1)[0])
        else:
            difference, value = combined(call, "Sub", tensor, int(positive), array, -1), 0.0
    else:
        left, right = broadcast(call, call.tensor(0), call.tensor(1))
        difference = call.emit(Add, (left, right), left.shape, -1, signs=(-1, 1) if turned else (1, -1))
        value = 0.0
    function = "at_least" if closed else "above"
    call.emit(Pointwise, (difference,), difference.shape, function=function, parameters=(value,))
    call.builder.integers.add(call.node.outputs[0])


def negation(call: Call) -> None:
    """Not, of 1 and 0."""
    call.count(1, 1)
    tensor = call.tensor()
    call.emit(ScaleOffset, (tensor,), tensor.shape, scale=-1.0, offset=1.0)


def conjunction(call: Call) -> None:
    """And, of 1 and 0."""
    call.count(2, 2)
    left, right = broadcast(call, call.tensor(0), call.tensor(1))
    call.emit(Multiply, (left, right), left.shape)


def where(call: Call) -> None:
    """Where: b + condition * (a - b)."""
    call.count(3, 3)
    if call.is_constant(0):
        _masked(call)
        return
    condition, constants = call.tensor(0), [call.is_constant(index) for index in (1, 2)]
    if all(constants):
        high, low = call.parameter(1), call.parameter(2)
        scaled = combined(call, "Mul", condition, 1, high - low, -1)
        combined(call, "Add", scaled, 2, low)
        return
    if constants[0]:
        other = call.tensor(2)
        difference = combined(call, "Sub", other, 0, call.parameter(1), -1)
    elif constants[1]:
        difference = combined(call, "Sub", call.tensor(1), 1, call.parameter(2), -1)
    else:
        first, other = broadcast(call, call.tensor(1), call.tensor(2))
        difference = call.emit(Add, (first, other), other.shape, -1, signs=(1, -1))
    condition, difference = broadcast(call, condition, difference)
    chosen = call.emit(Multiply, (condition, difference), difference.shape, -1)
    if constants[1]:
        combined(call, "Add", chosen, 2, call.parameter(2))
        return
    chosen, other = broadcast(call, chosen, other)
    call.emit(Add, (other, chosen), chosen.shape, signs=(1, 1))


def _masked(call: Call) -> None:
    """Where with a constant condition: each side times its part of the mask."""
    mask = call.constant(0).astype(np.float32)
    offset: Array = np.zeros((), np.float32)
    parts: list[Tensor] = []
    for index, share in ((1, mask), (2, 1 - mask)):
        if call.is_constant(index):
            offset = offset + call.parameter(index) * share
        else:
            parts.append(combined(call, "Mul", call.tensor(index), index, share, -1))
    total = parts[0]
    if len(parts) == 2:
        left, right = broadcast(call, *parts)
        total = call.emit(Add, (left, right), left.shape, -1, signs=(1, 1))
    if offset.any():
        total = combined(call, "Add", total, 1, offset, -1)
    call.reshape(total, total.shape)


def gelu(call: Call) -> None:
    """Gelu, exact or by tanh."""
    form = call.attributes.text("approximate", "none")
    if form not in ("none", "tanh"):
        raise UnsupportedError(f"{call.where}: approximate is {form!r}; supported: none, tanh; use one of them")
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
        raise UnsupportedError(
            f"{call.where}: input {index} of shape {array.shape}; supported: one number; give one for the whole tensor"
        )
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
    """Max and Min of tensors and constants: max(a, b) = b + relu(a - b), min(a, b) = a - that."""
    count, largest = call.count(1, 64), call.node.type == "Max"
    constants = [index for index in range(count) if call.is_constant(index)]
    if count != 2 or len(constants) > 1:
        _extreme_of_many(call, count, constants, largest)
        return
    if constants and call.constant(constants[0]).size != 1:
        tensor = call.tensor(1 - constants[0])
        call.reshape(_limited(call, tensor, constants[0], largest), tensor.shape)
        return
    if constants:
        value, tensor = _scalar(call, constants[0]), call.tensor(1 - constants[0])
        _limit(call, tensor, value if largest else None, None if largest else value)
        return
    _greater(call, call.tensor(0), call.tensor(1), largest, 0)


def _extreme_of_many(call: Call, count: int, constants: list[int], largest: bool) -> None:
    tensors = [call.tensor(index) for index in range(count) if index not in constants]
    if not tensors:
        raise UnsupportedError(f"{call.where}: of {count} constants; fold them")
    found = tensors[0]
    for tensor in tensors[1:]:
        found = _greater(call, found, tensor, largest, -1)
    numbers = [float(call.parameter(index).reshape(-1)[0]) for index in constants if call.constant(index).size == 1]
    if numbers:
        value = max(numbers) if largest else min(numbers)
        function = "maximum" if largest else "minimum"
        found = call.emit(Pointwise, (found,), found.shape, -1, function=function, parameters=(value,))
    for index in constants:
        if call.constant(index).size > 1:
            found = _limited(call, found, index, largest)
    call.reshape(found, found.shape)


def _limited(call: Call, tensor: Tensor, index: int, largest: bool) -> Tensor:
    """The extreme of a tensor and a constant: the constant and the positive part of the difference."""
    array = call.parameter(index)
    tensor = widened(call, tensor, array)
    axis = axis_of(array, tensor.shape)

    def of_channels(front: Tensor, vector: Array) -> Tensor:
        sign = np.full(1, 1.0 if largest else -1.0, np.float32)
        difference = with_constant(call, front, index, sign, -sign * vector, -1)
        positive = call.emit(Relu, (difference,), front.shape, -1)
        return with_constant(call, positive, index, sign, vector, -1)

    if axis == 0:
        return of_channels(tensor, per_channel(call, index, array, tensor.shape))
    if axis > 0:
        return along(call, tensor, axis, index, array, of_channels)
    return _greater(call, tensor, constant_map(call, tensor, as_map(array, tensor.shape)), largest, -1)


def _greater(call: Call, left: Tensor, right: Tensor, largest: bool, last: int) -> Tensor:
    """The greater of two tensors, or the smaller one, element by element."""
    left, right = broadcast(call, left, right)
    difference = call.emit(Add, (left, right), left.shape, -1, signs=(1, -1))
    positive = call.emit(Relu, (difference,), left.shape, -1)
    signs = (1, 1 if largest else -1)
    return call.emit(Add, (right if largest else left, positive), left.shape, last, signs=signs)


def power(call: Call) -> None:
    """Pow with one constant exponent."""
    call.count(2, 2)
    if call.opset < 7:
        raise UnsupportedError(
            f"{call.where}: of opset {call.opset}; supported: from opset 7 on; export with a newer opset_version"
        )
    tensor, exponent = call.tensor(), _scalar(call, 1)
    function, parameters = ("square", ()) if exponent == 2 else ("power", (exponent,))
    call.emit(Pointwise, (tensor,), tensor.shape, function=function, parameters=parameters)


def prelu(call: Call) -> None:
    """PRelu; before opset 7 a slope with one number for each channel needs no spatial axes."""
    call.count(2, 2)
    tensor, slope = call.tensor(), call.parameter(1)
    if call.opset < 7 and slope.ndim == 1:
        slope = slope.reshape(-1, *(1,) * (len(tensor.shape) - 1))
    axis = axis_of(slope, tensor.shape)
    if axis == 0:
        call.emit(Prelu, (tensor,), tensor.shape, slope=per_channel(call, 1, slope, tensor.shape))
        return
    if axis > 0:

        def of_channels(front: Tensor, vector: Array) -> Tensor:
            return call.emit(Prelu, (front,), front.shape, -1, slope=vector)

        call.reshape(along(call, tensor, axis, 1, slope, of_channels), tensor.shape)
        return
    positive = call.emit(Relu, (tensor,), tensor.shape, -1)
    below = call.emit(Pointwise, (tensor,), tensor.shape, -1, function="minimum", parameters=(0.0,))
    scaled = combined(call, "Mul", below, 1, slope, -1)
    call.emit(Add, (positive, scaled), tensor.shape, signs=(1, 1))
