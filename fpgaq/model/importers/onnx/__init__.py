"""The ONNX door: a file becomes a `Graph`; every attribute is consumed or refused by name."""

from .check import confirmed
from .graph import load_onnx
from .prepare import prepared

__all__ = ["confirmed", "load_onnx", "prepared"]
