"""Look-up tables a product where no DSP block multiplies: an array of multipliers, and one of rows of digits.

    python benchmarks/logic_products.py             # counts arrays by Yosys, stores, prints the tables of docs/cost.md
    python benchmarks/logic_products.py --networks  # a whole network, and its estimates; arrays as they are stored

Minutes each. Arrays stand alone, two outputs of the same elements. An accumulator is counted as a module of its own,
and so is a multiplier; what the whole takes beyond them is the sum. In the array of digits, products are rows of it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packed_multipliers import network

from fpgaq.base.output import write_folder
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.render import templates_folder
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.estimate import estimate
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.synth import synthesize
from fpgaq.hardware.synth.cells import Counts, count_cells
from fpgaq.hardware.synth.devices import find_device
from fpgaq.hardware.synth.yosys import complete_yosys
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
OUTPUTS = 2
GROWTH = 3
"""Bits that an accumulator has beyond the sum of a step: of eight steps."""

PARTS = """
module accumulator #(parameter WIDTH = 8) (input clk, input first, input valid, input [WIDTH-1:0] step,
                                           output reg [WIDTH-1:0] sum);
    always @(posedge clk) if (valid) sum <= (first ? {WIDTH{1'b0}} : sum) + step;
endmodule
module product #(parameter FIRST = 4, SECOND = 4) (input clk, input [FIRST-1:0] element,
                                                   input signed [SECOND-1:0] weight,
                                                   output reg signed [FIRST+SECOND-1:0] product);
    always @(posedge clk) product <= $signed({1'b0, element}) * weight;
endmodule
"""


@dataclass(frozen=True)
class Case:
    """Bits of unsigned elements and of weights, and products of a step."""

    device: str
    element_bits: int
    weight_bits: int
    terms: int


CASES = (
    *(Case("xc7", *widths, 8) for widths in ((2, 2), (3, 3), (5, 3), (4, 4))),
    *(Case("xc7", 4, 4, terms) for terms in (1, 2, 4, 16)),
    Case("xcup", 4, 4, 8),
    *(Case(device, *widths, 8) for device in ("ice40-hx8k", "ecp5-85k", "gowin-gw2a18") for widths in ((4, 4), (8, 8))),
)


def counted(device: str, top: str, parameters: Mapping[str, int]) -> Counts:
    """What Yosys makes of a module; DSP blocks are refused."""
    known = find_device(device)
    refused = "synth_ice40" in known.yosys
    synthesis = known.yosys if refused else known.yosys.replace("-top", "-nodsp -top")
    cells = templates_folder() / "verilog" / "cells"
    names = ("fpgaq_chain", "fpgaq_digit_sum", "fpgaq_digits", "fpgaq_mac")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        (folder / "parts.v").write_text(PARTS, encoding="utf-8")
        for name in names:
            (folder / f"{name}.v").write_text((cells / f"{name}.v").read_text(encoding="utf-8"), encoding="utf-8")
        given = " ".join(f"-chparam {name} {value}" for name, value in parameters.items())
        commands = [
            *(f"read_verilog {path.name}" for path in sorted(folder.glob("*.v"))),
            f"hierarchy -top {top} {given}",
            "rename -top whole",
            synthesis.format(top="whole"),
            "tee -q -o stat.json stat -json",
        ]
        complete_yosys(commands, folder, 600)
        found = json.loads((folder / "stat.json").read_text(encoding="utf-8"))["modules"]["\\whole"]
    return count_cells(found["num_cells_by_type"], known.family)


def measure(case: Case) -> dict[str, Any]:
    """LUTs of one product of each form, parts apart, and flip-flops."""
    levels = (case.terms - 1).bit_length()
    width = case.element_bits + case.weight_bits + levels + GROWTH
    array = {
        **{"PRODUCTS": case.terms, "OUTPUTS": OUTPUTS, "ELEMENT_WIDTH": case.element_bits},
        **{"WEIGHT_WIDTH": case.weight_bits, "SUM_WIDTH": width, "LEVELS": levels},
    }
    product = counted(case.device, "product", {"FIRST": case.element_bits, "SECOND": case.weight_bits})
    accumulator = counted(case.device, "accumulator", {"WIDTH": width})
    row: dict[str, Any] = {**vars(case), "product": product.lut, "accumulator": accumulator.lut / case.terms}
    for form in ("fpgaq_mac", "fpgaq_digits"):
        whole = counted(case.device, form, array)
        count = case.terms * OUTPUTS
        row[form] = {"lut": whole.lut / count, "ff": whole.ff / count, "dsp": whole.dsp}
    return row


NETWORKS = ("xc7", "ice40-hx8k")


def measure_network(device: str) -> list[dict[str, Any]]:
    """A convolution 3x3 of 4 to 8 channels, elements and weights of 4 bits, 72 products a cycle: counts, estimates."""
    graph = network(4, 4)
    schedule = make_schedule(graph, Target(multipliers=72))
    rows = []
    for bits in (0, 8):
        design = design_of(graph, replace(schedule, logic_bits=bits))
        guess = estimate(design, device).counts
        with tempfile.TemporaryDirectory() as parent:
            write_folder(Path(parent) / "design", print_design(design))
            counts = synthesize(Path(parent) / "design", device, seeds=0, layers=False).counts
        rows.append(
            {
                **{"device": device, "logic_bits": bits, "lut": counts.lut, "ff": counts.ff, "dsp": counts.dsp},
                "estimated": {"lut": guess.lut, "ff": guess.ff},
            }
        )
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def network_table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page about a whole network."""
    lines = [
        "| device | products | DSP | LUT | estimated | FF | estimated |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in results["networks"]["rows"]:
        form, guess = "digits" if row["logic_bits"] else "multipliers", row["estimated"]
        lines.append(
            f"| {row['device']} | {form} | {row['dsp']} | {row['lut']:,} | {guess['lut']:,} | {row['ff']:,} |"
            f" {guess['ff']:,} |"
        )
    return lines


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    lines = [
        "| device | element x weight bits | products of a step | multipliers: LUT a product | of it product, sum,"
        " accumulator | digits: LUT a product | of it rows and sum, accumulator | FF, multipliers and digits |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in results["rows"]:
        before, after, held = row["fpgaq_mac"], row["fpgaq_digits"], row["accumulator"]
        rest = before["lut"] - row["product"] - held
        lines.append(
            f"| {row['device']} | {row['element_bits']} x {row['weight_bits']} | {row['terms']} | {before['lut']:.1f} |"
            f" {row['product']}, {rest:.1f}, {held:.1f} | {after['lut']:.1f} | {after['lut'] - held:.1f}, {held:.1f} |"
            f" {before['ff']:.1f}, {after['ff']:.1f} |"
        )
    return lines


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", action="store_true", help="a whole network, in place of arrays")
    networks = parser.parse_args().networks
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    origin = about("python benchmarks/logic_products.py", ["--networks"] * networks, "pyosys")
    if networks:
        results["networks"] = {**origin, "rows": [row for device in NETWORKS for row in measure_network(device)]}
    else:
        rows = []
        for case in CASES:
            rows.append(measure(case))
            print(rows[-1], file=sys.stderr, flush=True)
        results |= {**origin, "rows": rows}
    store(RESULTS, results)
    print("\n".join((network_table if networks else table)(results)))


if __name__ == "__main__":
    main()
