"""LUTs and flip-flops of the wrapper on its own, by Yosys, around a core that is a black box.

python benchmarks/wrapper.py [xc7|ecp5-25k ...]
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from fpgaq.hardware.emit.bus import facts
from fpgaq.hardware.emit.cells import CELLS
from fpgaq.hardware.emit.design import Module
from fpgaq.hardware.emit.printer import print_module
from fpgaq.hardware.emit.render import templates_folder
from fpgaq.hardware.schedule.bus import BUS_WIDTHS, Bus, BusPort
from fpgaq.hardware.synth import find_device
from fpgaq.hardware.synth.cells import count_cells
from fpgaq.hardware.synth.yosys import run_yosys

TIMEOUT = 900.0
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


def main() -> None:
    """Print a row of a table for each case, bus and policy."""
    devices = sys.argv[1:] or ["xc7", "ecp5-25k"]
    for label, (source, result) in CASES.items():
        for width in BUS_WIDTHS:
            for buffered in (False, True):
                bus = Bus(width, BusPort("s_axis", *source, width), BusPort("m_axis", *result, width), 2, buffered)
                found = " | ".join(f"{lut:,} | {ff:,}" for lut, ff in (count(bus, device) for device in devices))
                print(f"| {label} | {width} | {'drop' if buffered else 'mark'} | {found} |", flush=True)


if __name__ == "__main__":
    main()
