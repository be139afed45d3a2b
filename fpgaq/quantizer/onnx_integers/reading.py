"""Inputs of a node by what they are: grids, stored tensors, quantized constants."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format
from ...model.importers.onnx.builder import Call
from ...model.importers.onnx.tensors import FOUR_BITS, type_name
from .completing import rounded
from .conversion import Conversion
from .values import Grid, Quantized, Stored

FORMATS = {
    "uint8": Format(8, 0, False),
    "int8": Format(8, 0),
    "uint16": Format(16, 0, False),
    "int16": Format(16, 0),
    "int32": Format(32, 0),
    "uint4": Format(4, 0, False),
    "int4": Format(4, 0),
}
"""Types of integers that quantizers write."""
DTYPES = {name: np.dtype(name) for name in FORMATS if not name.endswith("int4")}
DTYPES |= {type_name(kind): dtype for kind, dtype in FOUR_BITS.items()}


def format_of(array: NDArray[Any]) -> Format | None:
    """The format of integers of a type of ONNX."""
    if "bits" in (array.dtype.metadata or ()):
        return FORMATS["int4" if array.dtype.kind == "i" else "uint4"]
    return FORMATS.get(array.dtype.name)


def conversion(call: Call) -> Conversion:
    """The graph under construction."""
    assert isinstance(call.builder, Conversion)
    return call.builder


def scales(call: Call, index: int) -> NDArray[np.float32]:
    """A constant of positive finite scales."""
    array = call.parameter(index)
    if array.size == 0 or not (array > 0).all():
        raise UnsupportedError(f"{call.where}: input {index} has scales {array.ravel()[:4].tolist()}; positive needed")
    return array


def zero_points(call: Call, index: int) -> tuple[NDArray[np.int64], Format] | None:
    """Constant zero points and the format of their type; None where the input is left out."""
    if not call.has(index):
        return None
    array = call.constant(index)
    fmt = format_of(array)
    if fmt is None:
        raise UnsupportedError(
            f"{call.where}: zero point of type {array.dtype}; supported: {', '.join(FORMATS)}; quantize to one of them"
        )
    return array.astype(np.int64), fmt


def grid(call: Call, scale: int, zero_point: int, default: Format | None = None) -> Grid:
    """The one scale and zero point of a whole tensor."""
    step, zero = scales(call, scale), zero_points(call, zero_point)
    if step.size != 1 or (zero is not None and zero[0].size != 1):
        raise UnsupportedError(f"{call.where}: {step.size} scales of a computed tensor; supported: one for all of it")
    if zero is None and default is None:
        raise UnsupportedError(f"{call.where}: has no zero point, which states the type of its integers")
    fmt = zero[1] if zero is not None else default
    assert fmt is not None
    return Grid(float(step.reshape(-1)[0]), 0 if zero is None else int(zero[0].reshape(-1)[0]), fmt)


def real(call: Call, index: int) -> Stored:
    """A computed input of real numbers that stand for integers."""
    value = rounded(call, index, conversion(call))
    if not value.real:
        raise UnsupportedError(f"{call.where}: computes real numbers on integers; put a DequantizeLinear before it")
    return value


def integers(call: Call, index: int, stated: Grid) -> Stored:
    """A computed input of integers as the real numbers that a node's scale and zero point make of them."""
    value = call.tensor(index)
    if not isinstance(value, Stored) or value.real:
        raise UnsupportedError(f"{call.where}: input {index} is no tensor of integers; put a QuantizeLinear before it")
    return dequantized(call, value, stated)


def dequantized(call: Call, value: Stored, stated: Grid) -> Stored:
    """The real view of integers, whose grid must be that which wrote them."""
    owner = conversion(call)
    tensor = owner.stored[value.tensor]
    known = owner.grid(value)
    if tensor.scale is None and value.tensor in owner.transforms:
        # An input of integers gets its grid from its first reader.
        owner.stored[value.tensor] = type(tensor)(
            tensor.name, tensor.shape, tensor.format, tensor.label, stated.scale, stated.zero_point
        )
        known = owner.grid(value)
    if (known.scale, known.zero_point) != (stated.scale, stated.zero_point):
        raise UnsupportedError(
            f"{call.where}: reads {value.name!r}, {known.describe()}, with scale {stated.scale:g} and zero point"
            f" {stated.zero_point}; they must be those that it was written with"
        )
    return Stored(value.name, value.shape, value.tensor, True)


def quantized(call: Call, index: int) -> Quantized | None:
    """A constant that was dequantized."""
    name = call.node.inputs[index] if call.has(index) else ""
    return conversion(call).quantized.get(name)


def make_quantized(call: Call, first: int, axis: int) -> Quantized:
    """A constant of integers with its scale and zero point, inputs `first` to `first` + 2 of the node."""
    array = call.constant(first)
    fmt = format_of(array)
    if fmt is None:
        raise UnsupportedError(f"{call.where}: input {first} is of type {array.dtype}; supported: {', '.join(FORMATS)}")
    step, zero = scales(call, first + 1), zero_points(call, first + 2)
    zeros = np.zeros(1, np.int64) if zero is None else zero[0]
    for values in (step, zeros):
        if values.size != 1 and (array.ndim == 0 or values.shape != array.shape[axis : axis + 1]):
            raise ModelError(
                f"{call.where}: {values.size} scales or zero points for axis {axis} of shape {array.shape}"
            )
    return Quantized(array.astype(np.int64), step.reshape(-1), zeros.reshape(-1), axis, fmt)


def rational(values: NDArray[Any]) -> tuple[Fraction, ...]:
    """Floats as the rationals that they are."""
    return tuple(Fraction(float(value)) for value in np.ravel(values))
