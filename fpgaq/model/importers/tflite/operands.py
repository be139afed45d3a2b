"""What the converters share: images and biases as operands, and the activation fused into a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....base.errors import ModelError, UnsupportedError
from ...graph import (
    Array,
    Operator,
    Pointwise,
    Relu,
    Shape,
)
from .graph import Call, Value

ACTIVATIONS: Mapping[str, tuple[type[Operator], dict[str, Any]]] = {
    "RELU": (Relu, {}),
    "RELU6": (Pointwise, {"function": "relu6"}),
    "RELU_N1_TO_1": (Pointwise, {"function": "clip", "parameters": (-1.0, 1.0)}),
    "RELU_0_TO_1": (Pointwise, {"function": "clip", "parameters": (0.0, 1.0)}),
}


def finish(call: Call, name: str, stored: Shape, place: int = 0) -> None:
    """The fused activation, then the output."""
    kind = call.options.activation()
    if kind:
        operator, fields = ACTIVATIONS[kind]
        name = call.put(operator, (name,), stored, ".activation", **fields)
    call.write(name, stored, place)


def bias_of(call: Call, place: int, outputs: int) -> Array | None:
    """The bias of so many outputs at an input; None where there is none."""
    if not call.has(place):
        return None
    bias = call.constant(place).reshape(-1)
    if bias.size != outputs:
        raise ModelError(f"{call.where}: {bias.size} biases for {outputs} outputs")
    return bias


def image_of(call: Call, place: int) -> tuple[Value, int, int, int]:
    """A computed image, its channels, rows and columns."""
    value = call.image(place)
    if len(value.stored) != 3:
        raise UnsupportedError(
            f"{call.where}: an input of shape {list(value.shape)}; supported: images; use Reshape before it"
        )
    return value, *value.stored
