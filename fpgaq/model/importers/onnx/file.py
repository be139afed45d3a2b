"""The container of an ONNX model: sizes bounded before anything is parsed, versions checked.

Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), which never change.
"""

from __future__ import annotations

from typing import Any

from ....base.errors import ModelError, UnsupportedError
from ..nnp.wire import _BYTES, _Counter, _fields

MAX_MODEL_BYTES = 640 << 20
"""VGG-11 has 507 MiB. No FPGA holds it, but a part of it."""
OLDEST_OPSET = 2
MAX_DEPTH = 32
MAX_FIELDS = 150_000
"""Of the whole file: a network of a thousand layers has some 50,000."""

MAX_PACKED_BYTES = 16 << 20
"""Numbers of one byte each become eight when parsed; no network needs so many integers."""

_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "leaf", 14: "leaf", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 14: "annotation", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        14: "type",
        15: "type",
        22: "sparse",
        23: "sparse",
    },
    "tensor": {3: "leaf", 13: "leaf"},
    "sparse": {1: "tensor", 2: "tensor"},
    "annotation": {2: "leaf"},
    "value": {2: "type"},
    "type": {1: "tensor type", 8: "tensor type", 4: "element", 5: "element", 7: "element", 9: "element"},
    "tensor type": {2: "shape"},
    "shape": {1: "leaf"},
    "element": {1: "type", 2: "type"},
    "function": {7: "node", 9: "leaf", 11: "attribute", 12: "value", 14: "leaf"},
    "leaf": {},
}
_PACKED = {("tensor", 1), ("tensor", 5), ("tensor", 7), ("tensor", 11), ("attribute", 8), ("sparse", 3)}
_TEXT = {
    "model": (2, 3, 5, 6),
    "graph": (2, 10),
    "node": (1, 2, 3, 4, 6, 7, 8),
    "attribute": (1, 13, 21),
    "tensor": (8, 12),
    "value": (1, 3),
    "function": (1, 4, 5, 6, 8, 10, 13),
    "leaf": (1, 2, 3),
}
_REFUSED = {"training": "training information"}


def read_model(data: bytes) -> Any:
    """Parse a model of at most `MAX_MODEL_BYTES` that keeps all its values inside.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ModelError
        For damaged or oversized content, and for values kept in files outside the model's folder.
    UnsupportedError
        For an IR version that the onnx package does not know, training information; where that package is missing.
    """
    if len(data) > MAX_MODEL_BYTES:
        raise ModelError(
            f"is larger than {MAX_MODEL_BYTES >> 20} MiB; models of that size do not fit an FPGA: make it smaller"
        )
    _scan(memoryview(data), "model", _Budget(), 0)
    onnx = _onnx()
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception as error:  # protobuf's own classes differ between its implementations
        raise ModelError(f"is not a sound ONNX model ({type(error).__name__}); save it again") from None
    if not model.HasField("graph"):
        raise ModelError("holds no graph; expected an ONNX model: export it again")
    if model.ir_version > int(onnx.IR_VERSION):
        raise UnsupportedError(
            f"has IR version {model.ir_version}; supported: up to {int(onnx.IR_VERSION)}; update the onnx"
            " package (pip install -U onnx), or save with a smaller model.ir_version"
        )
    return model


def opset_range() -> tuple[int, int]:
    """The oldest and newest operator set that are read: the newest is that of the installed onnx package."""
    return OLDEST_OPSET, int(_onnx().defs.onnx_opset_version())


def read_opset(model: Any) -> int:
    """The version of the standard operators, checked."""
    versions = {entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")}
    if len(versions) != 1:
        raise ModelError(f"imports versions {sorted(versions)} of the standard operators; expected one")
    version = int(versions.pop())
    oldest, newest = opset_range()
    if not oldest <= version <= newest:
        raise UnsupportedError(
            f"uses opset {version}; supported: {oldest} to {newest}; convert it with onnx.version_converter"
        )
    return version


def _onnx() -> Any:
    try:
        import onnx
        import onnx.defs
    except ImportError:
        raise UnsupportedError("reading .onnx needs the onnx package: pip install onnx") from None
    return onnx


class _Budget(_Counter):
    """Bounds on the number of fields and on packed integers, which grow when parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.left = MAX_FIELDS
        self.packed = MAX_PACKED_BYTES

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ModelError(f"holds more than {MAX_FIELDS} fields; save it with weights as raw data")

    def pack(self, size: int) -> None:
        self.packed -= size
        if self.packed < 0:
            raise ModelError(f"holds more than {MAX_PACKED_BYTES >> 20} MiB of integers; networks have real weights")


def _scan(data: memoryview, kind: str, budget: _Budget, depth: int) -> None:
    """Walk the messages without building anything, so that no small file can become a large model."""
    if depth > MAX_DEPTH:
        raise ModelError(f"is nested more than {MAX_DEPTH} deep; expected an ONNX model")
    for field, wire_type, value in _fields(data, budget):
        if wire_type != _BYTES or isinstance(value, int):
            continue
        if field in _TEXT.get(kind, ()):
            _check_text(value)
        if (kind, field) in _PACKED:
            budget.pack(len(value))
        child = _CHILDREN[kind].get(field)
        if child in _REFUSED:
            raise UnsupportedError(f"holds {_REFUSED[child]}, which are not read; export plain operators")
        if child is not None:
            _scan(value, child, budget, depth + 1)


def _check_text(value: memoryview) -> None:
    """Refuse what the parser would complain of on the standard error stream by itself."""
    try:
        bytes(value).decode()
    except UnicodeDecodeError:
        raise ModelError(f"holds the name {bytes(value[:40])!r}, which is not valid UTF-8; save it again") from None
