"""Tables what wider ports buy: every example with ports of 8, 64 and 512 bits, as predicted.

    python benchmarks/pixels.py [NETWORK ...] [--multipliers 16 64 256 1024 4096] [-o benchmarks/pixels.json]

A port of B bits carries as many whole pixels a beat as it holds, one at least. The limit counts products and the beats
of both ports. Every prediction of a schedule is what its bench measures.
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from efficiency import EXAMPLES, network

from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from tests.support.provenance import commit

BUDGETS = (16, 64, 256, 1024, 4096)
PORTS = (8, 64, 512)


def pixels_of(graph: IntegerGraph, names: tuple[str, ...], bits: int) -> int:
    """Whole pixels of a beat of so many bits, at every one of some ports."""
    counts = []
    for name in names:
        height, width, channels = graph.tensors[name].shape
        slot = -(-graph.tensors[name].format.width // 8) * 8
        counts.append(min(height * width, max(1, bits // (slot * channels))))
    return min(counts)


def measure(graph: IntegerGraph, multipliers: int, bits: int) -> dict[str, Any]:
    """The facts of one schedule."""
    pixels, output_pixels = pixels_of(graph, graph.inputs, bits), pixels_of(graph, graph.outputs, bits)
    target = Target(multipliers=multipliers, pixels=pixels, output_pixels=output_pixels)
    _, schedule = plan_hardware(graph, target)
    return {
        "multipliers": multipliers,
        "port": bits,
        "pixels": [pixels, output_pixels],
        "used": schedule.multipliers,
        "limit": schedule.limit,
        "interval": schedule.prediction.mean_interval,
        "efficiency": round(schedule.limit / schedule.prediction.mean_interval, 3),
    }


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--multipliers", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    rows = []
    for name in given.networks or sorted(path.parent.name for path in EXAMPLES.glob("*/model.nnp")):
        graph = network(name)
        for multipliers in given.multipliers:
            for bits in PORTS:
                facts = {"network": name, **measure(graph, multipliers, bits)}
                rows.append(facts)
                print(*facts.values(), sep=" | ", flush=True)
    if given.output:
        versions = {"python": platform.python_version(), "numpy": version("numpy")}
        command = {"command": "python benchmarks/pixels.py", "commit": commit()}
        content = {**command, "versions": versions, "rows": rows}
        given.output.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
