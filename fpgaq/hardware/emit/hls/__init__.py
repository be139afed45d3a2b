"""HLS C++ of a network: a static header library, a short generated kernel, its bench, and how to build them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ....integer.graph import IntegerArray, IntegerGraph
from ...schedule.bus import BusPort
from ...schedule.schedule import Schedule
from ..design import Design, Kernel
from ..names import slug
from ..printer import as_json
from ..render import render, static_text
from ..top import ports_of, streams_of
from ..wrap import bus_json
from .bus import BENCH, bus_bench, bus_sources, vector_text, wrapped
from .network import HlsNetwork, describe, sources
from .wiring import Wiring, scheduled, widest

__all__ = ["HlsNetwork", "WrappedFrames", "Wiring", "describe", "emit", "scheduled", "sources", "widest"]

SOURCES = "src"


@dataclass(frozen=True)
class WrappedFrames:
    """How frames stand on a bus, and those of its bench (`bus.bus_bench`)."""

    source: BusPort
    result: BusPort
    frames: Mapping[str, IntegerArray]


def emit(
    graph: IntegerGraph,
    schedule: Schedule,
    vectors: Mapping[str, IntegerArray],
    top: str | None = None,
    bus: WrappedFrames | None = None,
) -> dict[str, str | bytes]:
    """All files of an output folder but the network itself, by path.

    Parameters
    ----------
    graph : IntegerGraph
    schedule : Schedule
        Only its folds and lanes are read.
    vectors : mapping of str to array of int64
        Golden values, (frames, height, width, channels), of every input and output.
    top : str, optional
        Name of the top function; by default made of the network's.
    bus : WrappedFrames, optional
        The wrapper that takes the place of the network's own ports, with the frames of its bench.

    Returns
    -------
    dict of str to str or bytes
        The same arguments give the same bytes.
    """
    name = top if bus is None or top else f"network_{slug(graph.name)}_bus"
    network = describe(graph, scheduled(schedule), name)
    files: dict[str, str | bytes] = {}
    if bus is None:
        files.update(_native(graph, network, vectors))
        bench: tuple[str, ...] = ("bench.cpp", "fpgaq_host.h", "fpgaq_bench.h")
        frames = len(vectors[graph.inputs[0]])
    else:
        outside = wrapped(network, bus.source, bus.result)
        files.update({f"{SOURCES}/{path}": text for path, text in bus_sources(network, outside).items()})
        files.update(bus_bench(network, outside, bus.frames))
        bench, frames = BENCH, len(bus.frames["damage"])
    files["Makefile"] = static_text("hls/Makefile")
    files["run_hls.tcl"] = render("hls/run_hls.tcl.j2", {"network": network})
    kernel = Kernel(
        sources=tuple(sorted(path for path in files if path.startswith(f"{SOURCES}/"))), bench=bench, frames=frames
    )
    design = _design(graph, schedule, network, kernel)
    interface = design.interface()
    if bus is not None:
        interface["wrapper"] = {
            "top": network.top,
            "clock": interface["clock"],
            "reset": interface["reset"],
            "reset_active": interface["reset_active"],
            **bus_json(bus.source, bus.result),
            "registers": "s_axi_control",
            "damaged_frames": "marked",
        }
    files["interface.json"] = as_json(interface)
    files["manifest.json"] = as_json(design.as_json())
    return dict(sorted(files.items()))


def _native(graph: IntegerGraph, network: HlsNetwork, vectors: Mapping[str, IntegerArray]) -> Iterator[tuple[str, str]]:
    """Kernel, bench and vectors of a network with its own ports."""
    for name, text in sources(network).items():
        yield f"{SOURCES}/{name}", text
    yield "bench.cpp", render("hls/bench.cpp.j2", {"network": network})
    for name in ("fpgaq_host.h", "fpgaq_bench.h"):
        yield name, static_text(f"hls/{name}")
    for port, name in zip(network.ports, (*graph.inputs, *graph.outputs), strict=True):
        yield f"vectors/{port.variable}.txt", vector_text(vectors[name])


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
