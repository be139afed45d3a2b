"""TensorFlow Lite models that are quantized already: an integer graph of what LiteRT's reference kernels compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...base.errors import ModelError, ToolError, UnsupportedError, VerificationError
from ...integer.graph import IntegerGraph
from ...model.importers import shown_path
from ...model.importers.container import read_file
from ...model.importers.tflite import read_tflite, refuse_parameters
from .check import confirm
from .network import load_integer_tflite, states_integers

__all__ = ["load_integer_tflite", "load_integers", "states_integers"]


def load_integers(
    path: str | Path,
    network: str | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
) -> tuple[IntegerGraph, tuple[str, ...]] | None:
    """Read a .tflite file that is quantized already; None for any other file, which `importers.load` reads.

    Parameters are those of `load`; the last three are refused, for such a file has its sizes and outputs.

    Returns
    -------
    (IntegerGraph, tuple of str) or None
        What LiteRT computes, and lines that tell how.

    Raises
    ------
    ModelError, UnsupportedError
        As `load` does.
    ToolError
        If the package `tflite` is not installed.
    VerificationError
        If LiteRT, where it is installed, computes another integer.
    """
    path = Path(path)
    if path.suffix.lower() != ".tflite":
        return None
    try:
        data = read_file(path)
        model = read_tflite(data, network)
        if not states_integers(model):
            return None
        refuse_parameters(input_shapes, outputs, inputs)
        graph, remarks = load_integer_tflite(model)
        return graph, (*remarks, confirm(data, graph))
    except (ModelError, UnsupportedError, ToolError, VerificationError) as error:
        raise type(error)(f"{shown_path(path)}: {error}") from error.__cause__
