"""The ONNX door: a file becomes a `Graph`; every attribute is consumed or refused by name."""

from .graph import load_onnx

__all__ = ["load_onnx"]
