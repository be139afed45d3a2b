"""Model files in, `Graph` out: one function that picks the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...base.errors import ModelError, ToolError, UnsupportedError, VerificationError
from ..graph import Graph
from ..passes.remove_unused import remove_unused
from .container import read_file
from .exports import ADVICE
from .nnp import from_nnabla, load_nnp, load_nntxt, load_stream
from .onnx import MAX_MODEL_BYTES, confirmed, load_onnx, prepared
from .tflite import load_tflite, read_tflite, refuse_parameters

__all__ = ["from_nnabla", "load", "load_stream", "shown_path"]

SUPPORTED = "supported: nnabla's .nnp, .nntxt or .prototxt with parameters in the text, .onnx and .tflite"


def load(
    path: str | Path,
    network: str | None = None,
    refuse_batch_statistics: bool = False,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
) -> Graph:
    """Read a model file.

    Parameters
    ----------
    path : str or Path
        An `.nnp` (also under another name, if it is a zip), an `.nntxt` or `.prototxt` that holds its parameters, or
        an `.onnx` or a `.tflite`.
    network : str, optional
        The network or executor of a file with several; by default that of the first executor.
    refuse_batch_statistics : bool
        Refuse batch normalization in training mode; by default its running statistics are used, with a note in
        `Graph.notes`.
    input_shapes : mapping of str to sequence of int, optional
        For an .onnx with open sizes: the whole shape of each input, the batch first.
    outputs : sequence of str, optional
        The outputs to keep, or other tensors, where the network then ends.
    inputs : sequence of str, optional
        Tensors at which the network begins, in place of its inputs.

    Returns
    -------
    Graph
        As the file has it; `fpgaq.model.passes.standard_passes` is the next stage.

    Raises
    ------
    ModelError
        For a file that is not a sound model.
    UnsupportedError
        For another file format, a function or an argument that fpgaq does not carry.
    VerificationError
        For an ONNX model from which onnxruntime, where it is installed, computes other values: a bug of the reader.
    """
    path = Path(path)
    try:
        return _load(path, network, refuse_batch_statistics, input_shapes, outputs, inputs)
    except (ModelError, UnsupportedError, ToolError, VerificationError) as error:
        # The cause lists what is supported, for --debug.
        raise type(error)(f"{shown_path(path)}: {error}") from error.__cause__


def _load(
    path: Path,
    network: str | None,
    refuse: bool,
    input_shapes: Mapping[str, Sequence[int]] | None,
    outputs: Sequence[str] | None,
    inputs: Sequence[str] | None,
) -> Graph:
    suffix = path.suffix.lower()
    if suffix in ADVICE and (path.exists() or path.is_symlink()):
        raise UnsupportedError(ADVICE[suffix])
    if path.is_dir() and (path / "saved_model.pb").exists():
        raise UnsupportedError(ADVICE[".pb"])
    if suffix == ".onnx":
        data = read_file(path, MAX_MODEL_BYTES)
        data = prepared(data, path.parent, input_shapes, outputs, inputs)
        return confirmed(data, load_onnx(data, network))
    data = read_file(path)
    if suffix == ".tflite":
        refuse_parameters(input_shapes, outputs, inputs)
        return load_tflite(read_tflite(data, network))
    if input_shapes:
        raise UnsupportedError("--input-shape is for .onnx files with open sizes; an nnabla model has its own")
    if suffix in (".nntxt", ".prototxt"):
        return _between(load_nntxt(data, network, refuse), inputs, outputs)
    if suffix == ".nnp" or (suffix not in (".fpgaq", ".npz") and data.startswith(b"PK\x03\x04")):
        return _between(load_nnp(data, network, refuse), inputs, outputs)
    raise UnsupportedError(
        f"files of type {suffix or 'without extension'} are not read; {SUPPORTED}: export the model as one of these"
    )


def _between(graph: Graph, inputs: Sequence[str] | None, outputs: Sequence[str] | None) -> Graph:
    """The network from some tensors to others, in place of its inputs and outputs."""
    written = {op.output for op in graph.operators}
    for option, names, own, allowed in (
        ("inputs", inputs, graph.inputs, written | set(graph.inputs)),
        ("outputs", outputs, graph.outputs, written),
    ):
        missing = [name for name in names or () if name not in allowed]
        if missing or len(set(names or ())) < len(names or ()):
            known = ", ".join(repr(name) for name in own)
            raise ModelError(f"--{option}: {missing or list(names or ())}; the model's {option} are {known}")
    if not inputs and not outputs:
        return graph
    begin, end = tuple(inputs or graph.inputs), tuple(outputs or graph.outputs)
    part = remove_unused(
        replace(graph, inputs=begin, outputs=end).with_operators(
            tuple(op for op in graph.operators if op.output not in begin)
        )
    )
    have = {*begin, *(op.output for op in part.operators)}
    lost = [name for op in part.operators for name in op.inputs if name not in have]
    lost += [name for name in end if name not in have]
    if lost:
        raise ModelError(f"--inputs: the outputs also need {lost[0]!r}; name it too, or cut the outputs")
    return part


def shown_path(path: Path) -> str:
    """A path in one line: as it is if printable, else quoted."""
    text = str(path)
    return text if text.isprintable() else repr(text)
