"""ONNX models that are quantized already: an integer graph that computes what the file states, without calibration."""

from .network import load_integer_onnx, states_integers

__all__ = ["load_integer_onnx", "states_integers"]
