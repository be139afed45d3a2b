"""Parameters in the protobuf wire format, the `.protobuf` member of an .nnp file.

Only the Parameter message is read, whose field numbers never changed; those of functions did between nnabla versions,
so that a binary network is refused. Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError

MAX_ELEMENTARY_FIELDS = 500_000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_NETWORK, _PARAMETER = 100, 200
_NAME, _SHAPE, _DATA, _NEED_GRADIENT = 1, 20, 100, 101
_DIM = 1

Parameters = list[tuple[str, NDArray[np.float32]]]


def decode_parameters(data: bytes) -> Parameters:
    """The (name, array) pairs of a NNablaProtoBuf message, in file order; the caller refuses repeated names."""
    parameters: Parameters = []
    counter = _Counter()
    for field, wire_type, value in _fields(memoryview(data), counter):
        if field == _NETWORK:
            raise ModelError("holds a binary network, whose numbering differs between nnabla versions; save it as .nnp")
        if field != _PARAMETER:
            continue
        if wire_type != _BYTES or isinstance(value, int):
            raise ModelError(f"field {field} has wire type {wire_type}; expected a message")
        parameters.append(_parameter(value, counter))
    return parameters


class _Counter:
    """How many fields have been read: a bound on the time that any input can cost."""

    def __init__(self) -> None:
        self.left = MAX_ELEMENTARY_FIELDS

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ModelError(
                f"holds more than {MAX_ELEMENTARY_FIELDS} fields; save the parameters with a current nnabla"
            )


def _varint(data: memoryview, offset: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if offset + index >= len(data):
            raise ModelError("is truncated in the middle of a number; save the model again")
        byte = data[offset + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, offset + index + 1
    raise ModelError("is damaged: a number of more than 10 bytes; save the model again")


def _fields(data: memoryview, counter: _Counter) -> Iterator[tuple[int, int, int | memoryview]]:
    offset = 0
    while offset < len(data):
        counter.step()
        key, offset = _varint(data, offset)
        field, wire_type = key >> 3, key & 7
        if field == 0:
            raise ModelError("is damaged: field number 0; save the model again")
        if wire_type == _VARINT:
            value, offset = _varint(data, offset)
            yield field, wire_type, value
            continue
        if wire_type == _BYTES:
            size, offset = _varint(data, offset)
        elif wire_type in (_FIXED64, _FIXED32):
            size = 8 if wire_type == _FIXED64 else 4
        else:
            raise ModelError(f"is damaged: wire type {wire_type} of field {field}; save the model again")
        if size > len(data) - offset:
            raise ModelError(f"is truncated: field {field} declares {size} bytes, {len(data) - offset} are left")
        yield field, wire_type, data[offset : offset + size]
        offset += size


def _parameter(data: memoryview, counter: _Counter) -> tuple[str, NDArray[np.float32]]:
    name, shape, chunks = "", [], []
    for field, wire_type, value in _fields(data, counter):
        if field == _NEED_GRADIENT and wire_type == _VARINT:
            continue
        if isinstance(value, int) or field not in (_NAME, _SHAPE, _DATA):
            raise ModelError(f"parameter {name!r} has field {field} of wire type {wire_type}, which is not known")
        if field == _NAME and wire_type == _BYTES:
            name = _text(value)
        elif field == _SHAPE and wire_type == _BYTES:
            shape += _shape(value, counter)
        elif field == _DATA and wire_type in (_BYTES, _FIXED32) and len(value) % 4 == 0:
            chunks.append(value)
        else:
            raise ModelError(
                f"parameter {name!r}: field {field} of wire type {wire_type} and {len(value)} bytes is damaged"
            )
    array = np.frombuffer(b"".join(chunks), "<f4").astype(np.float32)
    count = 1
    for dim in shape:
        if dim < 0:
            raise ModelError(f"parameter {name!r} declares shape {shape}; dimensions are not negative")
        count *= dim
    if count != array.size:
        raise ModelError(f"parameter {name!r} declares shape {shape}, {count} values, but holds {array.size}")
    return name, array.reshape(shape)


def _text(value: memoryview) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise ModelError(f"parameter name {bytes(value)[:40]!r} is not valid UTF-8") from None


def _shape(data: memoryview, counter: _Counter) -> list[int]:
    dims = []
    for field, _wire_type, value in _fields(data, counter):
        if field != _DIM:
            raise ModelError(f"a shape has field {field}, which is not known")
        if isinstance(value, int):
            dims.append(value)
            continue
        offset = 0
        while offset < len(value):
            counter.step()
            dim, offset = _varint(value, offset)
            dims.append(dim)
    if len(dims) > 32:
        raise ModelError(f"a shape has {len(dims)} dimensions; at most 32")
    return [dim - (1 << 64) if dim >= 1 << 63 else dim for dim in dims]
