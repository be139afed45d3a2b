"""Tables what scheduling and generating costs as networks get deeper, larger and faster.

    python benchmarks/scale.py                 # every curve
    python benchmarks/scale.py layers pixels   # some of them
    python benchmarks/scale.py known           # networks of well-known shapes

Processor seconds and peak memory of one process each, so that no case profits from what another has kept.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_shapes import chain, ds_cnn, mobilenet, resnet8, resnet18

Case = tuple[str, Callable[[], IntegerGraph], int]

CURVES: dict[str, list[Case]] = {
    "layers": [(f"{layers} layers 3x3 4 to 4, 8x8", lambda n=layers: chain(n, 8, 4, 3), 64) for layers in  # type: ignore[misc]
               (8, 16, 32, 64, 128, 256)],
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


def row(name: str, build: Callable[[], IntegerGraph], multipliers: int) -> str:
    """A line of the table."""
    graph = build()
    started = time.process_time()
    lowered, schedule = plan_hardware(graph, Target(multipliers=multipliers))
    scheduled = time.process_time()
    emit(lowered, schedule)
    written = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    interval = schedule.prediction.mean_interval
    return (
        f"| {name} | {multipliers:,} | {interval:,.10g} | {schedule.limit / interval:.3f} |"
        f" {scheduled - started:.1f} | {written - scheduled:.1f} | {memory:,} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", nargs="*", choices=[*CURVES, []], help=f"of {', '.join(CURVES)}; by default all")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    curves = options.curves or list(CURVES)
    if options.case is not None:
        print(row(*CURVES[curves[0]][options.case]))
        return 0
    print(HEAD)
    for curve in curves:
        for place in range(len(CURVES[curve])):
            command = [sys.executable, __file__, curve, "--case", str(place)]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
