"""Savings and costs of sharing a multiplier among outputs: one convolution, with and without, counted by Yosys.

    python benchmarks/packed_multipliers.py                 # counts, stores, prints the table of docs/cost.md
    python benchmarks/packed_multipliers.py --estimates     # estimates alone anew, by today's coefficients: seconds

Estimates rest on coefficients that are fitted anew now and then; counts do not.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from fpgaq.base.formats import Format
from fpgaq.base.output import write_folder
from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.estimate import estimate_schedule
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.synth import synthesize
from fpgaq.integer.graph import IntegerConvolution, IntegerGraph
from tests.support.network_builder import NetworkBuilder
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")

# Device, bits of the wider factor, bits of elements and of weights.
CASES = (("xc7", 25, 8, 8), ("xcup", 27, 8, 8), ("xc7", 25, 4, 4), ("ecp5-85k", 18, 4, 4), ("ecp5-85k", 18, 8, 4))


def network(element_bits: int, weight_bits: int) -> IntegerGraph:
    """A convolution 3x3 of 4 to 8 channels on 8x8 pixels: the first random one whose weights have that many bits."""
    for seed in count():
        builder = NetworkBuilder(seed, (8, 8, 4), Format(element_bits, 0, False))
        graph = builder.convolution(8, (3, 3), padding=(1, 1, 1, 1)).graph()
        operator = graph.operators[0]
        if isinstance(operator, IntegerConvolution) and operator.weight_format.width == weight_bits:
            return graph
    raise AssertionError("seeds do not end")


def measure(case: tuple[str, int, int, int], known: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """What a case takes without and with shared multipliers; counted anew unless its rows are known."""
    device, wide, element_bits, weight_bits = case
    graph = network(element_bits, weight_bits)
    schedule = make_schedule(graph, Target(multipliers=72))
    rows = []
    for place, factor_bits in enumerate((0, wide)):
        chosen = replace(schedule, factor_bits=factor_bits)
        guess = estimate_schedule(graph, chosen, device).counts
        if known is None:
            with tempfile.TemporaryDirectory() as parent:
                folder = Path(parent) / "design"
                write_folder(folder, emit(graph, chosen))
                counts = synthesize(folder, device, seeds=0, layers=False).counts
            row = {"device": device, "element_bits": element_bits, "weight_bits": weight_bits,
                   "multipliers": schedule.multipliers, "factor_bits": factor_bits, "dsp": counts.dsp,
                   "lut": counts.lut, "ff": counts.ff}  # fmt: skip
        else:
            row = known[place]
        rows.append({**row, "estimated": {"lut": guess.lut, "ff": guess.ff}})
    return rows


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    lines = [
        "| device | element x weight bits | products a cycle | a factor of | DSP | LUT | estimated | FF | estimated |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in results["rows"]:
        shared = f"{row['factor_bits']} bits" if row["factor_bits"] else "its own"
        guess = row["estimated"]
        lines.append(
            f"| {row['device']} | {row['element_bits']} x {row['weight_bits']} | {row['multipliers']} | {shared} |"
            f" {row['dsp']} | {row['lut']:,} | {guess['lut']:,} | {row['ff']:,} | {guess['ff']:,} |"
        )
    return lines


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--estimates", action="store_true", help="keep the counts")
    again = parser.parse_args().estimates
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if again else {}
    origin = about("python benchmarks/packed_multipliers.py", ["--estimates"] * again, "pyosys")
    rows = []
    for place, case in enumerate(CASES):
        rows += measure(case, results["rows"][2 * place :] if again else None)
    results |= {"estimates": origin} if again else {**origin, "estimates": origin}
    store(RESULTS, {**results, "rows": rows})
    print("\n".join(table({"rows": rows})))


if __name__ == "__main__":
    main()
