"""HLS C++ of a network: a static header library, a short generated kernel, its bench, and how to build them."""

from __future__ import annotations

from collections.abc import Mapping

from ....integer.graph import IntegerArray, IntegerGraph
from ...schedule.schedule import Schedule
from ..design import Design, Kernel
from ..printer import as_json
from ..render import render, static_text
from ..top import ports_of, streams_of
from .network import HlsNetwork, describe, sources
from .wiring import Wiring, scheduled, widest

__all__ = ["HlsNetwork", "Wiring", "describe", "emit", "scheduled", "sources", "widest"]

SOURCES = "src"


def emit(graph: IntegerGraph, schedule: Schedule, vectors: Mapping[str, IntegerArray]) -> dict[str, str | bytes]:
    """All files of an output folder but the network itself, by path.

    Parameters
    ----------
    graph : IntegerGraph
    schedule : Schedule
        Only its folds and lanes are read.
    vectors : mapping of str to array of int64
        Golden values, (frames, height, width, channels), of every input and output.

    Returns
    -------
    dict of str to str or bytes
        The same arguments give the same bytes.
    """
    network = describe(graph, scheduled(schedule))
    files: dict[str, str | bytes] = {f"{SOURCES}/{name}": text for name, text in sources(network).items()}
    files["bench.cpp"] = render("hls/bench.cpp.j2", {"network": network})
    files["fpgaq_host.h"] = static_text("hls/fpgaq_host.h")
    files["fpgaq_bench.h"] = static_text("hls/fpgaq_bench.h")
    files["Makefile"] = static_text("hls/Makefile")
    files["run_hls.tcl"] = render("hls/run_hls.tcl.j2", {"network": network})
    tensors = (*graph.inputs, *graph.outputs)
    for port, name in zip((*network.inputs, *network.outputs), tensors, strict=True):
        files[f"vectors/{port.variable}.txt"] = vector_text(vectors[name])
    kernel = Kernel(
        sources=tuple(sorted(path for path in files if path.startswith(f"{SOURCES}/"))),
        bench=("bench.cpp", "fpgaq_host.h", "fpgaq_bench.h"),
        frames=len(vectors[tensors[0]]),
    )
    design = _design(graph, schedule, network, kernel)
    files["interface.json"] = as_json(design.interface())
    files["manifest.json"] = as_json(design.as_json())
    return dict(sorted(files.items()))


def vector_text(values: IntegerArray) -> str:
    """Golden vectors: a frame a line, elements in the order of the stream."""
    frames = values.reshape(len(values), -1).tolist()
    return "".join(" ".join(map(str, frame)) + "\n" for frame in frames)


def _design(graph: IntegerGraph, schedule: Schedule, network: HlsNetwork, kernel: Kernel) -> Design:
    """The ports as for Verilog; the vendor's tool makes modules of its own."""
    inputs, outputs = ports_of(graph, schedule.lanes)
    return Design(
        top=network.top,
        digest=network.digest,
        inputs=inputs,
        outputs=outputs,
        streams=streams_of(graph, schedule.lanes),
        classifier=graph.classifier,
        estimate_only=graph.estimate_only,
        modules=(),
        cells=(),
        layers=(),
        engines=(),
        prediction=None,
        kernel=kernel,
    )
