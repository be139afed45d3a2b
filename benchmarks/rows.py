"""Measures the cycles of the benchmark's folded networks: schedule, Verilog, and a simulation that holds both.

    python benchmarks/rows.py w1 w2 w3 resnet8   # some networks' rows, kept in benchmarks/rows.json
    python benchmarks/rows.py --print            # print the table of docs/engines.md

Of each row the time to schedule and to write the Verilog, its lines, and the simulator's processor time a frame (its
compiler's included) are taken. Every beat of every frame is compared with the reference, interval and latency with the
prediction, all by equality: with Icarus Verilog, for ResNet-8 with a program of Verilator.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from workloads import WORKLOADS

from fpgaq.hardware.emit.verilog import design_of, emit
from fpgaq.hardware.estimate import measure_storage
from fpgaq.hardware.schedule import Schedule, Target, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.proof.harness import check_cycles, drive
from fpgaq.proof.harness_build import compile_designs, flat_design
from tests.support.provenance import commit

RESULTS = Path(__file__).with_name("rows.json")

ROWS = (
    ("w1", Target(16), 3_400),
    ("w1", Target(1), None),
    ("w2", Target(9, sharing=False), 37_632),
    ("w2", Target(9), 34_000),
    ("w2", Target(144), 2_352),
    ("w3", Target(144), 16_384),
    ("resnet8", Target(220, sharing=False), 65_536),
    ("resnet8", Target(220), 59_400),
)
"""Network, target and the cycles that it aims at."""

FRAMES = 3
TIMEOUT = 3600


def icarus(graph: IntegerGraph, schedule: Schedule, inputs: dict[str, np.ndarray], folder: Path) -> None:
    """Every beat of every stream, and the cycles."""
    result = run_file_bench(graph, schedule, inputs, workdir=folder)
    assert result.mismatch is None, result.mismatch
    assert (result.interval, result.latency) == (schedule.prediction.interval, schedule.prediction.latency)


def verilator(graph: IntegerGraph, schedule: Schedule, inputs: dict[str, np.ndarray], folder: Path) -> None:
    """Every beat of the outputs, and the cycles."""
    design = flat_design(design_of(graph, schedule), folder)
    program = compile_designs([design], folder / "build", TIMEOUT, "-O1")
    golden = {name: values for name, values in run(graph, inputs).items() if name in graph.outputs}
    latency, ends = drive(program, 0, design, inputs, golden, FRAMES, 0, TIMEOUT)
    check_cycles(design.manifest["prediction"], latency, ends)


def budget_of(target: Target) -> str:
    """Multipliers, and whether layers share them."""
    return f"{target.multipliers} {'shared' if target.sharing else 'dedicated'}"


def measure(name: str, graph: IntegerGraph, target: Target, aim: int | None) -> dict[str, Any]:
    """A row."""
    started = time.process_time()
    graph, schedule = plan_hardware(graph, target)
    scheduled = time.process_time()
    files = emit(graph, schedule)
    written = time.process_time()
    (tensor,) = graph.inputs
    drawn = np.random.default_rng(2).integers(0, 256, (FRAMES, *graph.tensors[tensor].shape))
    simulate = verilator if name == "resnet8" else icarus
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        simulate(graph, schedule, {tensor: drawn}, Path(folder))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    prediction, storage = schedule.prediction, measure_storage(graph, schedule)
    assert prediction.interval is not None and prediction.frames <= FRAMES
    return {
        "network": name,
        "budget": budget_of(target),
        "multipliers": schedule.multipliers,
        "arrays": len(schedule.engines),
        "aim": aim,
        "interval": prediction.interval,
        "latency": prediction.latency,
        "limit": schedule.limit,
        "buffer_bits": sum(kept.bits for kind, kept in storage.kinds.items() if kind != "weights"),
        "blocks": sum(kept.blocks for kept in storage.kinds.values()),
        "lines": sum(text.count("\n") for path, text in files.items() if isinstance(text, str) and path.endswith(".v")),
        "schedule_seconds": round(scheduled - started, 2),
        "verilog_seconds": round(written - scheduled, 2),
        "simulator": simulate.__name__,
        "simulation_seconds": round((after.ru_utime - before.ru_utime) / FRAMES, 2),
    }


def table(stored: dict[str, Any]) -> Iterator[str]:
    """The table; a row that misses its aim says so."""
    yield (
        "| network | budget | multipliers | arrays | aim | interval | latency | efficiency | buffers, kbit |"
        " block RAMs | lines | schedule s | write s | simulation, s a frame |"
    )
    yield "| --- " * 14 + "|"
    known = (stored["rows"].get(f"{name} {budget_of(target)}") for name, target, _ in ROWS)
    for row in filter(None, known):
        missed = " (misses)" if row["aim"] is not None and row["interval"] > row["aim"] else ""
        aim = "-" if row["aim"] is None else f"{row['aim']:,}"
        yield (
            f"| {row['network']} | {row['budget']} | {row['multipliers']} | {row['arrays']} | {aim} |"
            f" {row['interval']:,}{missed} | {row['latency']:,} | {row['limit'] / row['interval']:.3f} |"
            f" {row['buffer_bits'] / 1000:,.0f} | {row['blocks']:,} | {row['lines']:,} |"
            f" {row['schedule_seconds']:.1f} | {row['verilog_seconds']:.1f} |"
            f" {row['simulator']} {row['simulation_seconds']:.1f} |"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and keep rows, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=[*WORKLOADS], help=f"of {', '.join(WORKLOADS)}; default all")
    parser.add_argument("--print", action="store_true", help="print the stored results")
    options = parser.parse_args(arguments)
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
    for name, target, aim in () if options.print else ROWS:
        if name in options.networks:
            row = measure(name, WORKLOADS[name](), target, aim)
            stored["rows"][f"{name} {row['budget']}"] = row
            stored["versions"] = {"python": platform.python_version(), "numpy": np.__version__}
            stored["commit"] = commit()
            stored["command"] = "python benchmarks/rows.py"
            RESULTS.write_text(json.dumps(stored, indent=1) + "\n")
    print("\n".join(table(stored)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
