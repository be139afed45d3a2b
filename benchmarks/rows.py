"""Measures the cycles of the benchmark's folded networks: schedule, Verilog, and a simulation that holds both.

    python benchmarks/rows.py w1 w2 w3 resnet8

Of each row the time to schedule and to write the Verilog, its lines, and the simulator's processor time a frame (its
compiler's included) are taken. Every beat of every frame is compared with the reference, interval and latency with the
prediction, all by equality: with Icarus Verilog, for ResNet-8 with a program of Verilator. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from workloads import WORKLOADS

from fpgaq.hardware.emit.verilog import design_of, emit
from fpgaq.hardware.schedule import Schedule, Target, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.proof.harness import check_cycles, drive
from fpgaq.proof.harness_build import compile_designs, flat_design

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


def row(name: str, graph: IntegerGraph, target: Target, aim: int | None) -> str:
    """The line of the table."""
    started = time.process_time()
    graph, schedule = plan_hardware(graph, target)
    scheduled = time.process_time()
    files = emit(graph, schedule)
    written = time.process_time()
    lines = sum(text.count("\n") for path, text in files.items() if isinstance(text, str) and path.endswith(".v"))
    (tensor,) = graph.inputs
    drawn = np.random.default_rng(2).integers(0, 256, (FRAMES, *graph.tensors[tensor].shape))
    simulate = verilator if name == "resnet8" else icarus
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        simulate(graph, schedule, {tensor: drawn}, Path(folder))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime - before.ru_utime) / FRAMES
    prediction = schedule.prediction
    assert prediction.interval is not None and prediction.frames <= FRAMES
    return (
        f"| {name} | {target.multipliers} {'shared' if target.sharing else 'dedicated'} | {schedule.multipliers} |"
        f" {len(schedule.engines)} | {aim or '-'} | {prediction.interval:,} | {prediction.latency:,} |"
        f" {schedule.limit / prediction.interval:.3f} | {lines:,} | {scheduled - started:.1f} |"
        f" {written - scheduled:.1f} | {simulate.__name__} {seconds:.1f} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=[*WORKLOADS], help=f"of {', '.join(WORKLOADS)}; default all")
    options = parser.parse_args(arguments)
    print(
        "| network | budget | multipliers | arrays | aim | interval | latency | efficiency | lines |"
        " schedule s | write s | simulation, s a frame |\n" + "| --- " * 12 + "|"
    )
    graphs = {name: WORKLOADS[name]() for name in options.networks}
    for name, target, aim in ROWS:
        if name in graphs:
            print(row(name, graphs[name], target, aim), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
