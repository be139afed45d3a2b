"""An output folder with hostile names and its report, for the tests of pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fpgaq import pipeline
from fpgaq.model.graph import Graph
from fpgaq.proof.verification import Run, manifest_digest, record_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_cnn"
HOSTILE = '<script>alert(1)</script>"&|`$x_1$ \u202e{{ 7 * 7 }}\n'


def hostile_model() -> Graph:
    """The network of the demo; its own name and that of its first layer are made to break a page."""
    graph = pipeline.load_model(EXAMPLE / "model.nnp")
    first, *others = graph.operators
    return replace(graph, name=HOSTILE, operators=(replace(first, name=HOSTILE), *others))


def write_folder_of(graph: Graph, folder: Path) -> Path:
    """An output folder for the network."""
    integer = pipeline.quantize(graph, EXAMPLE / "calibration.npz")
    pipeline.generate(integer, folder, pipeline.hardware.Target(multipliers=20), device="ecp5-25k", frames=1)
    return folder


def record(folder: Path, **changes: object) -> Run:
    """Note a simulation of the folder that passed, but for some changes."""
    run = Run(
        simulator="icarus", version="11.0", manifest=manifest_digest(folder), fpgaq="0.2.0", outcome="equal",
        message="every beat of 17 frames is equal in 4 tests", compared="every beat", frames=17, mismatches=0,
        interval_cycles=384, latency_cycles=1013,
    )  # fmt: skip
    run = replace(run, **changes)  # type: ignore[arg-type]
    record_run(folder, run)
    return run


def gather_report(folder: Path, graph: Graph) -> pipeline.Report:
    """The report with all of its sections."""
    return pipeline.gather(folder, graph, EXAMPLE / "test.npz", clock=50.0)
