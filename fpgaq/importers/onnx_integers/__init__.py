"""ONNX models that are quantized already: an integer graph that computes what the file states, without calibration."""

from .check import compare_with_onnxruntime, confirm
from .network import load_integer_onnx, states_integers

__all__ = ["compare_with_onnxruntime", "confirm", "load_integer_onnx", "states_integers"]
