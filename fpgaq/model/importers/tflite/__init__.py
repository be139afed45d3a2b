"""TensorFlow Lite files (.tflite), float and quantized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....base.errors import UnsupportedError
from .file import read_tflite
from .graph import load_tflite

__all__ = ["load_tflite", "read_tflite", "refuse_parameters"]


def refuse_parameters(
    input_shapes: Mapping[str, Sequence[int]] | None, outputs: Sequence[str] | None, inputs: Sequence[str] | None = None
) -> None:
    """Refuse options of reading that are for other files."""
    if input_shapes:
        raise UnsupportedError("--input-shape is for .onnx files with open sizes; a TensorFlow Lite model has its own")
    for option, found in (("--outputs", outputs), ("--inputs", inputs)):
        if found:
            raise UnsupportedError(f"{option} is for .onnx and .nnp files; convert the part of the model that you want")
