"""ONNX tensors to numpy arrays: types, dimensions and lengths checked before anything is allocated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError

MAX_DIMENSIONS = 8
MAX_ELEMENTS = 1 << 25
"""Of what is computed of constants: 128 MiB in float32."""
MAX_STORED_ELEMENTS = 1 << 27
"""Of a tensor in the file, which holds all of them; a layer of VGG-11 has 103 million."""

TYPE_NAMES = (
    ("undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "double")
    + ("uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2")
    + ("float8e5m2fnuz", "uint4", "int4", "float4e2m1")
)
FLOAT, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, BFLOAT16 = 1, 6, 7, 8, 9, 10, 11, 16
REAL_TYPES = (FLOAT, FLOAT16, DOUBLE, BFLOAT16)
INTEGER_TYPES = {2: "u1", 3: "i1", 4: "u2", 5: "i2", INT32: "i4", INT64: "i8", 12: "u4", 13: "u8"}
"""The numpy type of each."""

# The numpy type of the raw bytes and the field that holds the values otherwise.
_STORAGE = {
    FLOAT: ("<f4", "float_data"),
    2: ("u1", "int32_data"),
    3: ("i1", "int32_data"),
    4: ("<u2", "int32_data"),
    5: ("<i2", "int32_data"),
    INT32: ("<i4", "int32_data"),
    INT64: ("<i8", "int64_data"),
    12: ("<u4", "uint64_data"),
    BOOL: ("u1", "int32_data"),
    FLOAT16: ("<u2", "int32_data"),
    DOUBLE: ("<f8", "double_data"),
    BFLOAT16: ("<u2", "int32_data"),
}
FOUR_BITS = {21: np.dtype("u1", metadata={"bits": 4}), 22: np.dtype("i1", metadata={"bits": 4})}
"""Two integers a byte in the file, each in a byte of its own here; the metadata tells them from others."""
EXTERNAL = 1


def type_name(number: int) -> str:
    """What ONNX calls an element type."""
    return TYPE_NAMES[number] if 0 <= number < len(TYPE_NAMES) else f"type {number}"


def check_dimensions(dims: Sequence[int], where: str) -> tuple[int, ...]:
    """Dimensions that are positive and small, and whose product is too; zero only for an empty list of numbers."""
    if len(dims) > MAX_DIMENSIONS:
        raise ModelError(f"{where} has {len(dims)} dimensions; at most {MAX_DIMENSIONS}")
    for dim in dims:
        if not 0 <= dim < 2**31:
            raise ModelError(f"{where} has shape {list(dims)}; dimensions are 0 to {2**31 - 1}")
    if math.prod(dims) > MAX_STORED_ELEMENTS:
        raise ModelError(f"{where} of shape {list(dims)} has {math.prod(dims)} elements; at most {MAX_STORED_ELEMENTS}")
    return tuple(int(dim) for dim in dims)


def check_internal(tensor: Any, where: str) -> None:
    """Refuse values that are kept in another file, which `prepare` has taken in where the model has a folder."""
    if tensor.data_location != EXTERNAL and not tensor.external_data:
        return
    location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    path = PurePosixPath(location.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or location[1:2] == ":":
        raise ModelError(f"{where} keeps its values in {location[:200]!r}, outside the model's folder; refused")
    raise UnsupportedError(
        f"{where} keeps its values in another file, {location[:200]!r}; save the model in one file"
        " (onnx.save with save_as_external_data=False)"
    )


def storage_bytes(tensor: Any, where: str) -> int:
    """How many bytes of raw data the tensor has by its type and dimensions."""
    kind = int(tensor.data_type)
    if kind in FOUR_BITS:
        return (math.prod(check_dimensions(list(tensor.dims), where)) + 1) // 2
    if kind not in _STORAGE:
        allowed = ", ".join(type_name(number) for number in (*_STORAGE, *FOUR_BITS))
        raise UnsupportedError(f"{where} is of type {type_name(kind)}; supported: {allowed}; export with such a type")
    return math.prod(check_dimensions(list(tensor.dims), where)) * np.dtype(_STORAGE[kind][0]).itemsize


def to_array(tensor: Any, where: str) -> NDArray[Any]:
    """The values: float32 (float16, bfloat16 and double converted), integers, bool, or strings as objects (labels).

    Raises
    ------
    ModelError
        For dimensions or a number of values that do not fit.
    UnsupportedError
        For other types, named, and for values outside the file.
    """
    check_internal(tensor, where)
    kind = int(tensor.data_type)
    if kind == STRING and len(tensor.string_data) == math.prod(check_dimensions(list(tensor.dims), where)):
        texts = [bytes(text).decode("utf-8", "backslashreplace") for text in tensor.string_data]
        return np.array(texts, object).reshape(list(tensor.dims))
    if kind not in _STORAGE and kind not in FOUR_BITS:
        allowed = ", ".join(type_name(number) for number in (*_STORAGE, *FOUR_BITS))
        raise UnsupportedError(f"{where} is of type {type_name(kind)}; supported: {allowed}; export with such a type")
    if tensor.HasField("segment"):
        raise UnsupportedError(f"{where} is a segment of a larger tensor; save the model in one piece")
    if kind in FOUR_BITS:
        return _four_bits(tensor, kind, where)
    shape = check_dimensions(list(tensor.dims), where)
    code, field = _STORAGE[kind]
    dtype, count = np.dtype(code), math.prod(shape)
    values = getattr(tensor, field)
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * dtype.itemsize or len(values):
            raise ModelError(
                f"{where} of shape {list(shape)} and type {type_name(kind)} has {len(tensor.raw_data)} bytes"
                f" of raw data and {len(values)} other values; expected {count * dtype.itemsize} bytes"
            )
        array = np.frombuffer(tensor.raw_data, dtype)
    else:
        if len(values) != count:
            raise ModelError(f"{where} of shape {list(shape)} needs {count} values; has {len(values)}")
        wide = np.array(values, np.float64 if kind == DOUBLE else np.float32 if kind == FLOAT else np.int64)
        array = wide.astype(dtype)
        if kind not in (FLOAT, DOUBLE) and not np.array_equal(array, wide):
            raise ModelError(f"{where} has values outside the range of {type_name(kind)}")
    return _decoded(array, kind).reshape(shape)


def _four_bits(tensor: Any, kind: int, where: str) -> NDArray[Any]:
    """Integers of four bits, the first of each pair in the low half of its byte."""
    shape, wanted = check_dimensions(list(tensor.dims), where), storage_bytes(tensor, where)
    if tensor.HasField("raw_data"):
        packed = np.frombuffer(tensor.raw_data, np.uint8)
    else:
        values = np.array(tensor.int32_data, np.int64)
        packed = (values & 255).astype(np.uint8)
    if len(packed) != wanted:
        raise ModelError(
            f"{where} of shape {list(shape)} and type {type_name(kind)} needs {wanted} bytes; has {len(packed)};"
            " export the model again"
        )
    halves = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)[: math.prod(shape)].astype(np.int8)
    dtype = FOUR_BITS[kind]
    signed: NDArray[Any] = np.where(halves > 7, halves - 16, halves) if dtype.kind == "i" else halves
    return signed.astype(dtype.str).view(dtype).reshape(shape)


def _decoded(array: NDArray[Any], kind: int) -> NDArray[Any]:
    if kind == FLOAT16:
        return array.view("<f2").astype(np.float32)
    if kind == BFLOAT16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    if kind == BOOL:
        true: NDArray[Any] = array != 0
        return true
    with np.errstate(over="ignore"):
        plain: NDArray[Any] = array.astype(np.float32 if kind in REAL_TYPES else array.dtype.newbyteorder("="))
    return plain
