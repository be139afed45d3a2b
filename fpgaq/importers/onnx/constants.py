"""Nodes on constants alone, computed at import: what exporters write around a reshape, and constants themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelError, UnsupportedError
from .builder import Call
from .tensors import BOOL, FLOAT, INT32, INT64, MAX_ELEMENTS, check_dimensions, type_name

Constant = NDArray[Any]


def constant(call: Call) -> Constant:
    """Constant, of whatever kind it has."""
    call.count(0, 0)
    attributes = call.attributes
    found: Constant | None = attributes.tensor("value")
    for name, read, dtype in (
        ("value_float", attributes.real, np.float32),
        ("value_int", attributes.integer, np.int64),
        ("value_floats", attributes.reals, np.float32),
        ("value_ints", attributes.integers, np.int64),
    ):
        if name in attributes:
            found = np.array(read(name), dtype)
    if found is None:
        raise UnsupportedError(f"{call.where}: has none of value, value_float, value_floats, value_int, value_ints")
    return found


def shape_of(call: Call) -> Constant:
    """Shape, the batch included: 1 where the model leaves it open."""
    call.count(1, 1)
    tensor = call.node.inputs[0]
    builder = call.builder
    shape = builder.constants[tensor].shape if tensor in builder.constants else (builder.batch, *call.tensor().shape)
    start, end = 0, len(shape)
    if call.opset >= 15:
        start, end = call.attributes.integer("start"), call.attributes.integer("end", end)
    return np.array(shape[start:end], np.int64)


def _filled(call: Call) -> Constant:
    call.count(1, 1)
    shape = check_dimensions(call.integers(0), f"{call.where}: output")
    value = call.attributes.tensor("value")
    value = np.zeros(1, np.float32) if value is None else value
    if value.size != 1:
        raise ModelError(f"{call.where}: value of shape {value.shape}; expected one number")
    return np.full(shape, value.reshape(-1)[0])


def _identity(call: Call) -> Constant:
    call.count(1, 1)
    return call.constant(0)


def _cast(call: Call) -> Constant:
    call.count(1, 1)
    call.attributes.skip("saturate")
    types = {FLOAT: np.float32, INT32: np.int32, INT64: np.int64, BOOL: np.bool_}
    kind = call.attributes.integer("to")
    if kind not in types:
        allowed = ", ".join(type_name(number) for number in types)
        raise UnsupportedError(f"{call.where}: to {type_name(kind)}; supported: {allowed}")
    array = call.constant(0)
    if array.dtype.kind == "f" and kind in (INT32, INT64) and not (np.abs(array) < 2**31).all():
        raise ModelError(f"{call.where}: values do not fit {type_name(kind)}")
    return array.astype(types[kind])


def _gather(call: Call) -> Constant:
    call.count(2, 2)
    data, indices = call.constant(0), call.constant(1)
    axis = call.attributes.integer("axis")
    if indices.dtype.kind != "i" or not -data.ndim <= axis < data.ndim:
        raise ModelError(f"{call.where}: axis {axis} of shape {data.shape}, indices of type {indices.dtype}")
    if math.prod(data.shape) * max(1, indices.size) > MAX_ELEMENTS:
        raise ModelError(f"{call.where}: gathers more than {MAX_ELEMENTS} elements")
    try:
        return np.take(data, indices, axis)
    except IndexError:
        raise ModelError(f"{call.where}: an index is outside shape {data.shape}") from None


def _axes(call: Call) -> list[int]:
    if call.opset < 13:
        call.count(1, 1)
        return call.attributes.integers("axes") or []
    call.count(1, 2)
    return call.integers(1) if call.has(1) else []


def _unsqueeze(call: Call) -> Constant:
    axes, array = _axes(call), call.constant(0)
    if array.ndim + len(axes) > 8:
        raise ModelError(f"{call.where}: makes {array.ndim + len(axes)} axes; at most 8")
    return np.expand_dims(array, tuple(axes))


def _squeeze(call: Call) -> Constant:
    axes = _axes(call)
    return np.squeeze(call.constant(0), tuple(axes) if axes else None)


def _concatenate(call: Call) -> Constant:
    arrays = [call.constant(index) for index in range(call.count(1, 256))]
    if sum(array.size for array in arrays) > MAX_ELEMENTS:
        raise ModelError(f"{call.where}: makes more than {MAX_ELEMENTS} elements")
    return np.concatenate(arrays, call.attributes.integer("axis", 1 if call.opset < 4 else 0))


def _reshape(call: Call) -> Constant:
    if call.opset < 5:
        call.count(1, 1)
        call.attributes.skip("consumed_inputs")
        sizes = call.attributes.integers("shape") or []
    else:
        call.count(2, 2)
        sizes = call.integers(1)
    array = call.constant(0)
    if call.opset >= 14 and call.attributes.flag("allowzero"):
        return array.reshape(sizes)
    return array.reshape([array.shape[index] if size == 0 else size for index, size in enumerate(sizes)])


def _transpose(call: Call) -> Constant:
    call.count(1, 1)
    return np.transpose(call.constant(0), call.attributes.integers("perm"))


def _slice(call: Call) -> Constant:
    array = call.constant(0)
    if call.opset < 10:
        call.count(1, 1)
        starts, ends = call.attributes.integers("starts") or [], call.attributes.integers("ends") or []
        axes, steps = call.attributes.integers("axes"), None
    else:
        call.count(3, 5)
        starts, ends = call.integers(1), call.integers(2)
        axes = call.integers(3) if call.has(3) else None
        steps = call.integers(4) if call.has(4) else None
    where = [slice(None)] * array.ndim
    steps = steps or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes or range(len(starts)), steps, strict=True):
        if step < 1:
            raise UnsupportedError(f"{call.where}: steps {steps}; supported: at least 1")
        where[axis] = slice(start, end, step)
    return array[tuple(where)]


def _arithmetic(call: Call) -> Constant:
    call.count(2, 2)
    if call.opset < 7:
        raise UnsupportedError(f"{call.where}: two constants with the broadcasting of opset {call.opset}; fold them")
    left, right = call.constant(0), call.constant(1)
    if left.dtype != right.dtype or left.dtype.kind not in "fi":
        raise ModelError(f"{call.where}: types {left.dtype} and {right.dtype}; expected two numbers of one type")
    if math.prod(np.broadcast_shapes(left.shape, right.shape)) > MAX_ELEMENTS:
        raise ModelError(f"{call.where}: makes more than {MAX_ELEMENTS} elements")
    kind = call.node.type
    if kind == "Div" and left.dtype.kind == "i":
        if not right.all():
            raise ModelError(f"{call.where}: divides by zero")
        # Towards zero, as C does.
        quotient = np.abs(left) // np.abs(right) * np.sign(left) * np.sign(right)
        truncated: Constant = quotient.astype(left.dtype)
        return truncated
    functions: dict[str, Any] = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    result: Constant = functions[kind](left, right)
    return result


def _unary(call: Call) -> Constant:
    call.count(1, 1)
    functions: dict[str, Any] = {"Neg": np.negative, "Sqrt": np.sqrt, "Abs": np.abs}
    result: Constant = functions[call.node.type](call.constant(0))
    return result


FOLDERS: Mapping[str, Callable[[Call], Constant]] = {
    "Abs": _unary,
    "Add": _arithmetic,
    "Cast": _cast,
    "Concat": _concatenate,
    "Constant": constant,
    "ConstantOfShape": _filled,
    "Div": _arithmetic,
    "Gather": _gather,
    "Identity": _identity,
    "Mul": _arithmetic,
    "Neg": _unary,
    "Reshape": _reshape,
    "Shape": shape_of,
    "Slice": _slice,
    "Sqrt": _unary,
    "Squeeze": _squeeze,
    "Sub": _arithmetic,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}


def fold(call: Call) -> None:
    """Compute a node all of whose inputs are constants (of a Shape, whose input's shape is known)."""
    node = call.node
    if node.type not in FOLDERS:
        raise UnsupportedError(f"{call.where}: computes on constants alone; fold it before saving (onnxsim)")
    try:
        with np.errstate(all="ignore"):
            result = FOLDERS[node.type](call)
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise ModelError(f"{call.where}: cannot be computed ({' '.join(str(error).split())})") from None
    if result.size > MAX_ELEMENTS:
        raise ModelError(f"{call.where}: makes {result.size} elements; at most {MAX_ELEMENTS}")
    call.builder.constants[node.outputs[0]] = np.asarray(result)
