"""Memories that are written, of many sizes at once, held against where Yosys puts them."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from fpgaq.hardware.emit.render import static_text
from fpgaq.hardware.estimate.memories import map_memory
from fpgaq.hardware.synth.yosys import run_yosys

SIZES = [
    (width, address_bits)
    for width in (1, 2, 3, 4, 5, 8, 9, 10, 12, 16, 18, 19, 24, 32, 36, 40, 64, 72, 100)
    for address_bits in range(1, 13)
]
SYNTHESIS = {
    "xc7": "synth_xilinx -family xc7 -run begin:map_ffs -top top",
    "ecp5": "synth_ecp5 -noflatten -run begin:map_gates -top top",
    "ice40": "synth_ice40 -noflatten -device hx -run begin:map_gates -top top",
    "gowin": "synth_gowin -noflatten -family gw1n -run begin:map_gates -top top",
}
BLOCK = re.compile(r"DP16KD|PDPW16KD|SB_RAM40|S?DPX?9?B$|RAMB(18|36)")
SPREAD = re.compile(r"DPR16X4|RAM16SDP|RAM(32|64|128)[MX]")


def memories() -> str:
    """A module for each size, and one that has them all."""
    top = ["module top(input clk, input we, input [11:0] wa, input [11:0] ra, input [99:0] wd, output [99:0] rd);"]
    modules = []
    for width, bits in SIZES:
        name = f"m_{width}_{bits}"
        top.append(f"wire [{width - 1}:0] r_{name};")
        top.append(
            f"(* keep *) {name} i_{name}(clk, we, wa[{bits - 1}:0], ra[{bits - 1}:0], wd[{width - 1}:0], r_{name});"
        )
        modules.append(
            f"module {name}(input clk, input we, input [{bits - 1}:0] wa, input [{bits - 1}:0] ra,"
            f" input [{width - 1}:0] wd, output [{width - 1}:0] rd);"
            f" fpgaq_ram #(.WIDTH({width}), .ADDRESS_WIDTH({bits})) ram(clk, we, wa, wd, ra, rd); endmodule"
        )
    return "\n".join([*top, "endmodule", *modules])


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
@pytest.mark.parametrize("family", SYNTHESIS)
def test_written_memories_go_where_yosys_puts_them(family: str, tmp_path: Path) -> None:
    (tmp_path / "top.v").write_text(memories(), encoding="ascii")
    (tmp_path / "fpgaq_ram.v").write_text(static_text("verilog/cells/fpgaq_ram.v"), encoding="ascii")
    finished = run_yosys(
        ["read_verilog top.v fpgaq_ram.v", SYNTHESIS[family], "tee -q -o stat.json stat -json"], tmp_path, 600
    )
    assert finished.code == 0, finished.output[-500:]
    found = json.loads((tmp_path / "stat.json").read_text())["modules"]
    modules = {name.removeprefix("\\"): module["num_cells_by_type"] for name, module in found.items()}

    def cells(module: str) -> dict[str, int]:
        inner = {cell.removeprefix("\\"): number for cell, number in modules[module].items()}
        whole = {cell: number for cell, number in inner.items() if cell not in modules}
        for cell in set(inner) & set(modules):
            whole |= cells(cell)  # one memory in each
        return whole

    for width, bits in SIZES:
        taken = cells(f"m_{width}_{bits}")
        blocks = sum((2 if "RAMB36" in cell else 1) * taken[cell] for cell in taken if BLOCK.search(cell))
        kind = "block" if blocks else "lutram" if any(map(SPREAD.search, taken)) else "logic"
        expected = map_memory(family, width, 1 << bits, rom=False)
        assert (kind, blocks) == (expected.kind, expected.blocks), (width, bits)
