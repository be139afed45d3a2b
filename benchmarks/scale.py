"""Measures what scheduling and generating costs as networks get deeper, larger and faster, kept as JSON.

    python benchmarks/scale.py                 # every curve that is not in benchmarks/scale.json yet
    python benchmarks/scale.py layers pixels   # some of them, measured anew
    python benchmarks/scale.py known           # networks of well-known shapes
    python benchmarks/scale.py --print         # print the table of docs/schedules.md

Processor seconds and peak memory of one process each, so that no case profits from what another has kept.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_shapes import chain, ds_cnn, mobilenet, resnet8, resnet18
from tests.support.provenance import commit

RESULTS = Path(__file__).with_name("scale.json")

Case = tuple[str, Callable[[], IntegerGraph], int]

CURVES: dict[str, list[Case]] = {
    "layers": [(f"{layers} layers 3x3 4 to 4, 8x8", lambda n=layers: chain(n, 8, 4, 3), 64) for layers in  # type: ignore[misc]
               (8, 16, 32, 64, 128, 256)],
    "narrow layers": [(f"{layers} layers 1x1 2 to 2, 4x4", lambda n=layers: chain(n, 4), 64) for layers in  # type: ignore[misc]
               (25, 50, 100, 200)],
    "pixels": [(f"ResNet-18, 16 channels, {size}x{size}", lambda n=size: resnet18(n), 256) for size in  # type: ignore[misc]
               (16, 32, 64, 128, 224)],
    "multipliers": [("ResNet-8, 32x32", resnet8, count) for count in (16, 64, 256, 1024, 4096)],
    "known": [("37 layers 1x1 2 to 2, 4x4", lambda: chain(37, 4), 64), ("DS-CNN", ds_cnn, 216),
              ("MobileNetV1-0.25, 96x96", mobilenet, 216),
              ("ResNet-18, 64 channels, 64x64", lambda: resnet18(64, 64, 1000), 64)],
}  # fmt: skip
HEAD = (
    "| network | multipliers | interval | efficiency | schedule, s | Verilog, s | MB |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def measure(build: Callable[[], IntegerGraph], multipliers: int) -> dict[str, Any]:
    """A row."""
    graph = build()
    started = time.process_time()
    lowered, schedule = plan_hardware(graph, Target(multipliers=multipliers))
    scheduled = time.process_time()
    emit(lowered, schedule)
    written = time.process_time()
    return {
        "multipliers": multipliers,
        "interval": schedule.prediction.mean_interval,
        "limit": schedule.limit,
        "schedule_seconds": round(scheduled - started, 2),
        "verilog_seconds": round(written - scheduled, 2),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def table(stored: dict[str, Any]) -> Iterator[str]:
    """The table, curve after curve."""
    yield HEAD
    for curve, cases in CURVES.items():
        for (name, _, multipliers), row in zip(cases, stored["curves"].get(curve, ()), strict=False):
            yield (
                f"| {name} | {multipliers:,} | {row['interval']:,.10g} | {row['limit'] / row['interval']:.3f} |"
                f" {row['schedule_seconds']:.1f} | {row['verilog_seconds']:.1f} | {row['megabytes']:,} |"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the curves that are missing or named, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", nargs="*", choices=[*CURVES, []], help=f"of {', '.join(CURVES)}; by default all")
    parser.add_argument("--print", action="store_true", help="print the stored results")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case is not None:
        print(json.dumps(measure(*CURVES[options.curves[0]][options.case][1:])))
        return 0
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"curves": {}}
    missing = [curve for curve in CURVES if curve not in stored["curves"]]
    for curve in () if options.print else options.curves or missing:
        commands = ([sys.executable, __file__, curve, "--case", str(place)] for place in range(len(CURVES[curve])))
        runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for command in commands]
        stored["curves"][curve] = [json.loads(run) for run in runs]
        stored["versions"] = {"python": platform.python_version(), "numpy": np.__version__}
        stored["commit"] = commit()
        stored["command"] = "python benchmarks/scale.py"
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n")
    print("\n".join(table(stored)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
