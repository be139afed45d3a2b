r"""Measures networks from model to synthesis and keeps the facts in a JSON file; a second call makes tables from it.

    python benchmarks/measure.py run fashion_cnn examples/fashion_cnn/model.nnp \
        examples/fashion_cnn/calibration.npz build/fashion/fashion_test.npz
    python benchmarks/measure.py tables         # prints the tables of docs/measurements.md

Each call of `run` measures one network; the steps that the file already holds are left out, so that a long series
can be interrupted. At 64 multipliers the cocotb bench runs, at the other budgets the plain Icarus bench: both compare
every beat of every stream and the cycles by equality.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measured_tables import accuracy_table, cycles_table, speed_table, synthesis_table

from fpgaq import pipeline
from fpgaq.base.data import Dataset, load_data
from fpgaq.base.tools import find_tools
from fpgaq.hardware.schedule import Schedule, Target, make_schedule
from fpgaq.integer import reference
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.inputs import transform_data
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Affine, Convolution, Graph
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.proof.lint import lint
from fpgaq.study.report.timing import best_seconds, engine, threads
from tests.support.provenance import SECONDS, about, store

RESULTS = Path(__file__).with_name("measurements.json")
BUDGETS = (16, 64, 256)
BENCH_BUDGET = 64
DEVICES = ("xc7", "ecp5-85k")
TIMED_FRAMES = 1000


def accuracy(graph: Graph, integer: IntegerGraph, data: Dataset) -> dict[str, Any]:
    """Float against integer on all of the data."""
    compared = pipeline.compare(graph, integer, data)
    keys = ("samples", "float_top1", "integer_top1", "agreement", "float_bytes", "integer_bytes")
    return {key: getattr(compared, key) for key in keys}


def rates(graph: Graph, integer: IntegerGraph, data: Dataset) -> dict[str, Any]:
    """Images per second of the float executor and of the reference, the best of 5 runs."""
    name = graph.inputs[0]
    samples = np.resize(data.inputs[name], (TIMED_FRAMES, *graph.shapes[name]))
    integers, floats = transform_data(integer, {name: samples}), samples.astype(np.float32)
    return {
        "float": TIMED_FRAMES / best_seconds(partial(run_float, graph, {name: floats}, keep=False), 5),
        "integer": TIMED_FRAMES / best_seconds(partial(reference.run, integer, integers), 5),
    }


def best_interval(graph: Graph, schedule: Schedule) -> int:
    """The least interval that dedicated lanes can have within the budget, by trying every fold of every layer.

    Independent of `fpgaq.hardware.schedule.folding`, which it checks; for networks without convolution groups.
    """
    costs: list[dict[int, int]] = []
    for op in graph.operators:
        if not isinstance(op, Convolution | Affine):
            continue
        convolution = isinstance(op, Convolution)
        taps = int(np.prod(op.weight.shape[2:])) if convolution else 1
        shape = graph.shapes[op.output]
        windows = shape[1] * shape[2] if convolution else 1
        outputs, channels = op.weight.shape[:2]
        steps: dict[int, int] = {}
        for tap_lanes in range(1, taps + 1):
            for lanes in range(1, channels + 1):
                rounds = -(-taps // tap_lanes) * -(-channels // lanes)
                steps[rounds] = min(steps.get(rounds, 1 << 62), tap_lanes * lanes)
        cost: dict[int, int] = {}
        for rounds, products in steps.items():
            for lanes in range(1, outputs + 1):
                cycles = windows * rounds * -(-outputs // lanes)
                cost[cycles] = min(cost.get(cycles, 1 << 62), products * lanes)
        costs.append(cost)

    def needed(interval: int) -> int:
        return sum(min((m for c, m in cost.items() if c <= interval), default=1 << 62) for cost in costs)

    floor = max(schedule.input_beats.values())
    candidates = sorted({max(cycles, floor) for cost in costs for cycles in cost})
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if needed(candidates[middle]) <= schedule.budget else (middle + 1, high)
    return candidates[low]


def prediction(schedule: Schedule, optimum: int) -> dict[str, Any]:
    """The predictions of the schedule."""
    return {
        "multipliers": schedule.multipliers,
        "limit": schedule.limit,
        "macs": schedule.macs,
        "optimum": optimum,
        "interval": schedule.prediction.interval,
        "latency": schedule.prediction.latency,
        "efficiency": schedule.efficiency,
    }


def plain_bench(integer: IntegerGraph, schedule: Schedule, inputs: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The plain Icarus bench on the frames."""
    started = time.monotonic()
    result = run_file_bench(integer, schedule, inputs, workdir=folder)
    return {
        "bench": "plain",
        "frames": len(next(iter(inputs.values()))),
        "mismatch": result.mismatch,
        "interval": result.interval,
        "latency": result.latency,
        "seconds": time.monotonic() - started,
    }


def cocotb_bench(folder: Path, frames: int) -> dict[str, Any]:
    """The bench of the output folder: all of its tests."""
    whole = pipeline.simulate(folder)
    return {
        "bench": "cocotb",
        "frames": frames,
        "mismatch": None,
        "interval": whole.interval_cycles,
        "latency": whole.latency_cycles,
        "seconds": whole.seconds,
        "all_frames": whole.frames,
    }


def measure(options: argparse.Namespace, facts: dict[str, Any], keep: Callable[[], None]) -> None:
    """Every step of one network that `facts` does not hold yet; `keep` writes them down after each."""
    graph = pipeline.load_model(options.model)
    integer = pipeline.quantize(graph, options.calibration)
    data = load_data(options.data, graph.inputs, outputs=graph.outputs, shapes=graph.shapes)

    def step(key: str, make: Callable[[], Any]) -> None:
        if key not in facts:
            print(f"{options.name}: {key}", file=sys.stderr, flush=True)
            facts[key] = make()
            keep()

    step("accuracy", lambda: accuracy(graph, integer, data))
    step("rates", lambda: rates(graph, integer, data))
    frames = data.slice(0, options.frames)
    with tempfile.TemporaryDirectory(prefix="fpgaq-measure-") as temporary:
        for budget in options.budgets:
            schedule = make_schedule(integer, Target(multipliers=budget))
            step(f"predicted {budget}", lambda s=schedule: prediction(s, best_interval(graph, s)))
            if options.plain or budget != BENCH_BUDGET:
                inputs, folder = transform_data(integer, frames.inputs), Path(temporary) / f"plain{budget}"
                step(f"simulated {budget}", lambda s=schedule, i=inputs, f=folder: plain_bench(integer, s, i, f))
        folder = Path(temporary) / "out"
        started = time.monotonic()
        pipeline.generate(integer, folder, Target(multipliers=BENCH_BUDGET), data=data, frames=options.frames)
        facts.setdefault("generate seconds", time.monotonic() - started)
        step("lint", lambda: lint(folder))
        for device in DEVICES:
            step(device, lambda d=device: pipeline.synthesize(folder, d, seeds=0).as_json())
        if not options.plain:
            step(f"simulated {BENCH_BUDGET}", lambda: cocotb_bench(folder, options.frames))


def machine() -> dict[str, Any]:
    """The machine and versions that the figures hold for."""
    tools = {tool.name: tool.version for tool in find_tools() if tool.version and tool.name != "nnabla"}
    return {"tools": tools, "engine": engine(), "threads": threads(), "processors": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}"}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one network, or print the tables of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=Path, default=RESULTS, help="default: %(default)s")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure one network")
    run.add_argument("name", help="of the row in the tables")
    for name in ("model", "calibration", "data"):
        run.add_argument(name, type=Path)
    run.add_argument("--frames", type=int, default=8, help="real images to simulate (default 8)")
    run.add_argument("--budgets", type=int, nargs="+", default=BUDGETS, help="multipliers (default 16 64 256)")
    run.add_argument("--plain", action="store_true", help="the plain Icarus bench at 64 multipliers too: it is faster")
    run.add_argument("--again", action="store_true", help="forget what the file holds of this network")
    commands.add_parser("tables", help="print the tables as Markdown")
    options = parser.parse_args(arguments)
    known = json.loads(options.facts.read_text()) if options.facts.is_file() else {}
    if options.command == "tables":
        for table in (accuracy_table, cycles_table, synthesis_table, speed_table):
            print("\n".join(table(known)), end="\n\n")
        return 0
    options.facts.parent.mkdir(parents=True, exist_ok=True)
    facts = {} if options.again else known.get("networks", {}).get(options.name, {})

    facts.setdefault("origin", about("python benchmarks/measure.py run", [options.name, "MODEL CALIBRATION DATA"]))

    def keep() -> None:
        # Read again: another run may have added its network.
        latest = json.loads(options.facts.read_text()) if options.facts.is_file() else {}
        latest |= {"machine": machine(), "seconds": SECONDS}
        latest.setdefault("networks", {})[options.name] = facts
        store(options.facts, latest)

    measure(options, facts, keep)
    keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
