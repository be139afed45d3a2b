"""What the staircase check saves: requantizers as they are built against multipliers of 32 bits.

    python benchmarks/requantizers.py FILE...     # quantized .tflite files; measures, stores, prints the table
    python benchmarks/requantizers.py             # prints the stored table again

Each network is lowered and scheduled three times for the same multipliers, and estimated for an XC7Z020:

- as it is built, each requantizer in the cheapest form that is proved equal to what the file specifies;
- with the file's own multipliers of 31 bits (32 with their sign) in the same places, one rounding each;
- the same with a requantizer of its own for each result lane of a MAC array, where the built one takes the results of
  several lanes in turn.

The estimate's errors are those of docs/cost.md. The results are stored beside this script.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))

from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.estimate.inventory import take_inventory
from fpgaq.hardware.estimate.model import estimate
from fpgaq.hardware.estimate.multipliers import dsp_blocks
from fpgaq.hardware.lowering import scales
from fpgaq.hardware.lowering.scales import with_plain_requantizers
from fpgaq.hardware.schedule import Schedule, Target, make_schedule
from fpgaq.integer.double_rounding import HIGH, Split
from fpgaq.integer.graph import IntegerGraph, IntegerScale, Requantize
from fpgaq.quantizer.tflite_integers import load_integers
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_name("requantizers.json")
DEVICE, FAMILY, MULTIPLIERS = "xc7z020", "xc7", 64
WIDTH = 32


def specified(rule: Requantize, spans: Any, fmt: Any) -> Split:
    """The file's own multipliers, rounded as LiteRT does, in the form of one rounding."""
    count = len(spans)
    multiplier = rule.multiplier * count if len(rule.multiplier) == 1 else rule.multiplier
    shift = rule.shift * count if len(rule.shift) == 1 else rule.shift
    return Split(multiplier, tuple(shift), 1 << (HIGH - 1), -(1 << HIGH))


def lowered(graph: IntegerGraph, *, narrow: bool) -> IntegerGraph:
    """The form for hardware, with the narrowest multipliers or the file's own."""
    if narrow:
        return with_plain_requantizers(graph)
    with (
        mock.patch.object(scales, "one_rounding", lambda *_: None),
        mock.patch.object(scales, "split_rounding", specified),
    ):
        return with_plain_requantizers(graph)


def scale_blocks(schedule: Schedule, graph: IntegerGraph) -> int:
    """DSP blocks of all products outside of MAC arrays."""
    items = [item for found in take_inventory(design_of(graph, schedule)).values() for item in found]
    return sum(dsp_blocks(item.kind, item.facts, FAMILY)[0] * item.count for item in items if item.kind == "own")


def own_for_each_lane(graph: IntegerGraph, schedule: Schedule) -> int:
    """DSP blocks of requantizers of 32 bits if every result lane of the arrays had one."""
    lanes = {layer: engine.outputs for engine in schedule.engines for layer in engine.layers}
    total = 0
    for op in graph.operators:
        if isinstance(op, IntegerScale):
            facts = {"products": 1, "first": graph.tensors[op.input].format.width, "second": WIDTH}
            writers = [other.name for other in graph.operators if other.output == op.input]
            total += dsp_blocks("own", facts, FAMILY)[0] * lanes.get(writers[0] if writers else "", 1)
    return total


def measure(path: Path) -> dict[str, Any]:
    """All figures of one file."""
    found = load_integers(path)
    assert found is not None
    entry: dict[str, Any] = {}
    for name, narrow in (("built", True), ("wide", False)):
        graph = lowered(found[0], narrow=narrow)
        schedule = make_schedule(graph, Target(multipliers=MULTIPLIERS))
        taken = estimate(design_of(graph, schedule), DEVICE).counts
        widths = sorted(op.scale_width for op in graph.operators if isinstance(op, IntegerScale))
        entry[name] = {
            "scale_blocks": scale_blocks(schedule, graph), "dsp": taken.dsp, "lut": taken.lut, "ff": taken.ff,
            "requantizers": len(widths), "widths": widths, "interval_cycles": schedule.prediction.interval,
        }  # fmt: skip
        if name == "wide":
            entry["lane_blocks"] = own_for_each_lane(graph, schedule)
    return entry


def table(results: dict[str, Any]) -> str:
    """The stored rows."""
    lines = [
        "| network | requantizers that multiply | bits of their factors | DSP of them | with 32 bits |"
        " with 32 bits, one a result lane | LUT of the network | with 32 bits |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, entry in results["networks"].items():
        built, wide = entry["built"], entry["wide"]
        ends = f"{built['widths'][0]} to {built['widths'][-1]}" if built["widths"] else "none"
        lines.append(
            f"| {name} | {built['requantizers']} | {ends} | {built['scale_blocks']} | {wide['scale_blocks']} |"
            f" {entry['lane_blocks']:,} | {built['lut']:,} | {wide['lut']:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure the files that were named and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {"networks": {}}
    for path in options.files:
        results["networks"][path.stem] = measure(path)
        origin = about("python benchmarks/requantizers.py", [path.name for path in options.files], "pyosys")
        store(RESULTS, {**results, **origin, "device": DEVICE, "multipliers": MULTIPLIERS})
    print(table(results))


if __name__ == "__main__":
    main()
