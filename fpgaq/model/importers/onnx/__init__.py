"""The ONNX door: a file becomes a `Graph`; every attribute is consumed or refused by name."""

from .check import confirmed
from .file import MAX_MODEL_BYTES
from .graph import load_onnx, refused_layers
from .parts import Part, Parts, find_parts
from .prepare import prepared

__all__ = ["MAX_MODEL_BYTES", "Part", "Parts", "confirmed", "find_parts", "load_onnx", "prepared", "refused_layers"]
