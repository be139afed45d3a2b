"""Model files in, `Graph` out: one function that picks the reader."""

from __future__ import annotations

from pathlib import Path

from ..errors import ModelError, UnsupportedError, VerificationError
from ..graph import Graph
from .container import read_file
from .nnp import from_nnabla, load_nnp, load_nntxt, load_stream
from .onnx import confirmed, load_onnx

__all__ = ["from_nnabla", "load", "load_stream"]

SUPPORTED = "supported: nnabla's .nnp, .nntxt or .prototxt with parameters in the text, and .onnx"


def load(path: str | Path, network: str | None = None, refuse_batch_statistics: bool = False) -> Graph:
    """Read a model file.

    Parameters
    ----------
    path : str or Path
        An `.nnp` (also under another name, if it is a zip), an `.nntxt` or `.prototxt` that holds its parameters, or
        an `.onnx`.
    network : str, optional
        The network or executor of a file with several; by default that of the first executor.
    refuse_batch_statistics : bool
        Refuse batch normalization in training mode; by default its running statistics are used, with a note in
        `Graph.notes`.

    Returns
    -------
    Graph
        As the file has it; `fpgaq.passes.standard_passes` is the next stage.

    Raises
    ------
    ModelError
        For anything in place of a sound model.
    UnsupportedError
        For another file format, a function or an argument that fpgaq does not carry.
    VerificationError
        For an ONNX model of which onnxruntime, where it is installed, computes something else: a bug of a reader.
    """
    path = Path(path)
    try:
        return _load(path, network, refuse_batch_statistics)
    except (ModelError, UnsupportedError, VerificationError) as error:
        raise type(error)(f"{_shown(path)}: {error}") from None


def _load(path: Path, network: str | None, refuse: bool) -> Graph:
    data = read_file(path)
    suffix = path.suffix.lower()
    if suffix in (".nntxt", ".prototxt"):
        return load_nntxt(data, network, refuse)
    if suffix == ".nnp":
        return load_nnp(data, network, refuse)
    if suffix == ".onnx":
        return confirmed(data, load_onnx(data, network))
    if suffix not in (".fpgaq", ".npz", ".keras", ".pt", ".pth", ".h5") and data.startswith(b"PK\x03\x04"):
        return load_nnp(data, network, refuse)
    raise UnsupportedError(f"files of type {suffix or 'without extension'} are not read; {SUPPORTED}")


def _shown(path: Path) -> str:
    """A path in one line: as it is if printable, else quoted."""
    text = str(path)
    return text if text.isprintable() else repr(text)
