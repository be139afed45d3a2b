"""What the wrapper costs on its own, by Yosys, around a core that is a black box, and the cycles at its ports.

python benchmarks/wrapper.py     writes wrapper.json beside this script, of which docs/wrapper.md has its tables
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from boards import ROOT, call

from fpgaq.hardware.emit.bus import facts
from fpgaq.hardware.emit.cells import CELLS
from fpgaq.hardware.emit.design import Module
from fpgaq.hardware.emit.printer import print_module
from fpgaq.hardware.emit.render import templates_folder
from fpgaq.hardware.schedule.bus import BUS_WIDTHS, Bus, BusPort
from fpgaq.hardware.synth import find_device
from fpgaq.hardware.synth.cells import count_cells
from fpgaq.hardware.synth.yosys import run_yosys
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
TIMEOUT = 900.0
DEVICES = ("xc7", "ecp5-25k")
EXAMPLE, EXAMPLE_BUS, BUDGETS = "fashion_cnn", 64, (16, 64)
DIGEST = "0" * 64
PARTS = ("fpgaq_shell", "fpgaq_statistics", "fpgaq_registers", "fpgaq_fifo", *CELLS["fpgaq_shell"], "fpgaq_slice")
CASES = {
    "28x28x1 of 8 bits, 1 lane; 10 of 23 bits, 1 lane": ((784, 1, 1, 8, False), (1, 10, 1, 23, True)),
    "32x32x3 of 8 bits, 3 lanes; 10 of 23 bits, 4 lanes": ((1024, 3, 3, 8, False), (1, 10, 4, 23, True)),
}
"""Pixels, channels, lanes, bits and sign of the input and of the output."""
BOX = """(* blackbox *) module core_box (
    input wire clk, input wire rst,
    input wire [{source}:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready, input wire s_axis_tlast,
    output wire [{result}:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready,
    output wire m_axis_tlast, output wire frame_error
);
endmodule
"""


def count(bus: Bus, device: str) -> tuple[int, int]:
    """LUTs, those of LUT RAMs and of the ECP5's carry chains included, and flip-flops."""
    module = Module("wrapped", "verilog/bus_top.v.j2", facts(bus, "a core", "core_box", DIGEST))
    text = print_module(module, DIGEST)["wrapped.v"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "top.v").write_text(text, encoding="ascii")
        box = BOX.format(source=bus.input.core_bits - 1, result=bus.output.core_bits - 1)
        (folder / "box.v").write_text(box, encoding="ascii")
        sources = [templates_folder() / "verilog" / "cells" / f"{name}.v" for name in sorted(set(PARTS))]
        flow = find_device(device).yosys.format(top="wrapped")
        commands = [f"read_verilog {path}" for path in (*sources, "box.v", "top.v")]
        run_yosys([*commands, flow, "tee -o counts.txt stat"], folder, TIMEOUT)
        printed = (folder / "counts.txt").read_text(encoding="ascii")
    cells = {cell: int(number) for number, cell in re.findall(r"(?m)^ +(\d+) +(?:\S+ +)?([A-Z]\w+)$", printed)}
    counts = count_cells(cells, find_device(device).family)
    return counts.lut, counts.ff


def costs() -> list[dict[str, Any]]:
    """LUTs and flip-flops of each case, bus and policy on each device."""
    rows = []
    for label, (source, result) in CASES.items():
        for width in BUS_WIDTHS:
            for buffered in (False, True):
                bus = Bus(width, BusPort("s_axis", *source, width), BusPort("m_axis", *result, width), 2, buffered)
                found = {device: count(bus, device) for device in DEVICES}
                rows.append({"core": label, "bus": width, "damaged": "drop" if buffered else "mark", "counts": found})
                print(rows[-1], flush=True)
    return rows


def cycles() -> list[dict[str, Any]]:
    """Interval and latency of an example at the core's ports and at the wrapper's, with a buffer for a frame."""
    example, rows = ROOT / "examples" / EXAMPLE, []
    with tempfile.TemporaryDirectory() as temporary:
        network = Path(temporary) / "net.fpgaq"
        call("quantize", example / "model.nnp", "--calibration", example / "calibration.npz", "-o", network)
        for budget in BUDGETS:
            made = call("generate", network, "-o", Path(temporary) / str(budget), "--bus", EXAMPLE_BUS, "--damaged",
                        "drop", "--multipliers", budget, "--frames", 1)  # fmt: skip
            rows.append({"multipliers": budget, "interval": made["interval_cycles"], "latency": made["latency_cycles"],
                         "blocks": made["memory"]["blocks"], "wrapper": made["wrapper"]["prediction"]})  # fmt: skip
    return rows


def cost_table(results: dict[str, Any]) -> list[str]:
    """The rows of the page, from what was stored."""
    lines = ["| core | bus | damaged | xc7 LUT | xc7 FF | ECP5 LUT | ECP5 FF |", f"|{' --- |' * 7}"]
    for row in results["cost"]:
        counts = " | ".join(f"{row['counts'][device][kind]:,}" for device in DEVICES for kind in (0, 1))
        lines.append(f"| {row['core']} | {row['bus']} | {row['damaged']} | {counts} |")
    return lines


def cycles_table(results: dict[str, Any]) -> list[str]:
    """The same of the cycles."""
    lines = [
        "| multipliers | core: interval, latency, block RAMs | wrapper: interval, latency |",
        f"|{' --- |' * 3}",
    ]
    for row in results["cycles"]:
        outside = row["wrapper"]
        lines.append(
            f"| {row['multipliers']} | {row['interval']:,}, {row['latency']:,}, {row['blocks']} |"
            f" {outside['interval_cycles']:,}, {outside['latency_cycles']:,} |"
        )
    return lines


def main() -> None:
    """Measure both, store them and print the tables."""
    origin = about("python benchmarks/wrapper.py", [], "pyosys")
    results = {**origin, "cycles": cycles(), "cost": costs()}
    store(RESULTS, results)
    print("\n".join([*cycles_table(results), "", *cost_table(results)]))


if __name__ == "__main__":
    main()
