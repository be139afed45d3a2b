"""ONNX models that are quantized already: an integer graph that computes what the file states, without calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...base.errors import ModelError, UnsupportedError, VerificationError
from ...integer.graph import IntegerGraph
from ...model.importers import shown_path
from ...model.importers.container import read_file
from ...model.importers.onnx import MAX_MODEL_BYTES, prepared
from ..completion import Completion
from .check import compare_with_onnxruntime, confirm
from .network import load_integer_onnx, read_integer_onnx, states_integers
from .values import Grid

__all__ = [
    "Grid",
    "compare_with_onnxruntime",
    "confirm",
    "load_integer_onnx",
    "load_integers",
    "read_integer_onnx",
    "states_integers",
]


def load_integers(
    path: str | Path,
    network: str | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    completion: Completion | None = None,
) -> tuple[IntegerGraph, tuple[str, ...]] | None:
    """Read a model file that is quantized already; None for any other file, which `importers.load` reads.

    Parameters are those of `load`, and what quantizes where the file does not.

    Returns
    -------
    (IntegerGraph, tuple of str) or None
        What the file states, and lines that tell how.

    Raises
    ------
    ModelError, UnsupportedError
        As `load` does.
    """
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        return None
    try:
        data = prepared(read_file(path, MAX_MODEL_BYTES), path.parent, input_shapes, outputs, inputs)
        if not states_integers(data):
            return None
        found = read_integer_onnx(data, network, completion)
        return found.graph, (*found.remarks, confirm(found.model, found.graph))
    except (ModelError, UnsupportedError, VerificationError) as error:
        raise type(error)(f"{shown_path(path)}: {error}") from error.__cause__
