"""Reading and writing networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..base.kinds import expect
from ..integer.graph import IntegerGraph
from ..model.graph import Graph


def load_model(
    path: str | Path,
    network: str | None = None,
    *,
    passes: bool = True,
    refuse_batch_statistics: bool = False,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
) -> Graph:
    """Read a trained network and bring it into the form that the quantizer takes.

    Parameters
    ----------
    path : str or Path
        A .nnp or .onnx file.
    network : str, optional
        Which network of the file; by default the one that its executor names.
    passes : bool
        Fold batch normalization, fuse ReLU and so on; if false, the network as it stands in the file.
    refuse_batch_statistics : bool
        Refuse a batch normalization that was saved in training mode; by default its running statistics are used, and
        `Graph.notes` says so.
    input_shapes : mapping of str to sequence of int, optional
        Sizes of inputs that an .onnx leaves open, the batch in front: ``{"x": (1, 3, 64, 64)}``.
    outputs : sequence of str, optional
        The outputs to keep, or other tensors at which the network ends.
    inputs : sequence of str, optional
        Tensors at which the network begins.

    Raises
    ------
    ModelError
        A file that is damaged, unsafe or incomplete.
    UnsupportedError
        An operator or a feature that fpgaq does not carry.
    """
    from ..model.importers import load
    from ..model.passes import standard_passes

    expect(path, "model")
    graph = load(path, network, refuse_batch_statistics, input_shapes, outputs, inputs)
    return standard_passes(graph) if passes else graph


def save_model(graph: Graph, path: str | Path) -> None:
    """Write a float network as .nnp, for nnabla or for later.

    Raises
    ------
    UnsupportedError
        An operator that nnabla does not have, by name.
    UsageError
        A file that cannot be written, or whose name does not end in .nnp.
    """
    from ..model.exporters import save_nnp

    save_nnp(graph, path)


def save_integer(integer: IntegerGraph, path: str | Path) -> None:
    """Write an integer network as a .fpgaq file; UsageError for a place that cannot be written."""
    from ..base.output import check_file
    from ..integer.file import save

    check_file(path)
    save(integer, path)


def load_integer(path: str | Path) -> IntegerGraph:
    """Read a .fpgaq file, all of it checked; ModelError if it is unsound."""
    from ..integer.file import load

    expect(path, "integer")
    return load(path)
