"""TensorFlow Lite files (.tflite), float and quantized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....base.errors import UnsupportedError
from .file import read_tflite
from .graph import load_tflite

__all__ = ["load_tflite", "read_tflite", "refuse_parameters"]


def refuse_parameters(
    input_shapes: Mapping[str, Sequence[int]] | None, outputs: Sequence[str] | None, inputs: Sequence[str] | None
) -> None:
    """Refuse options of reading that are for other files."""
    if input_shapes:
        raise UnsupportedError("--input-shape is for .onnx files with open sizes; a TensorFlow Lite model has its own")
    if outputs:
        raise UnsupportedError(
            "--outputs is for .onnx and .nnp files; convert the model with the outputs that you want"
        )
    if inputs:
        raise UnsupportedError("--inputs is for .onnx and .nnp files; convert the part of the model that you want")
