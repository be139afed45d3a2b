"""DSP blocks of products of many widths, held against what Yosys makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fpgaq.hardware.estimate.multipliers import dsp_blocks

COUNTED = {
    (8, 8): {"ecp5": 1, "xc7": 1, "xcup": 1, "gowin": 1},
    (18, 18): {"ecp5": 1, "xc7": 1, "xcup": 1, "gowin": 2},
    (19, 18): {"ecp5": 1, "xc7": 1, "xcup": 1, "gowin": 2},
    (21, 17): {"ecp5": 2, "xc7": 1, "xcup": 1, "gowin": 2},
    (25, 18): {"ecp5": 2, "xc7": 1, "xcup": 1, "gowin": 4},
    (26, 18): {"ecp5": 2, "xc7": 2, "xcup": 1, "gowin": 4},
    (31, 20): {"ecp5": 4, "xc7": 4, "xcup": 4, "gowin": 4},
    (36, 18): {"ecp5": 2, "xc7": 2, "xcup": 2, "gowin": 4},
    (36, 19): {"ecp5": 2, "xc7": 4, "xcup": 4, "gowin": 4},
}
"""Blocks by Yosys 0.70; of Gowin's those of 9 by 9 bits, of which one of 18 by 18 takes the place of two."""
SYNTHESIS = {
    "ecp5": "synth_ecp5",
    "xc7": "synth_xilinx",
    "xcup": "synth_xilinx -family xcup",
    "gowin": "synth_gowin",
}
UNITS = {"MULT18X18D": 1, "DSP48E1": 1, "DSP48E2": 1, "MULT9X9": 1, "MULT18X18": 2}


@pytest.mark.parametrize("widths", COUNTED)
@pytest.mark.parametrize("family", SYNTHESIS)
def test_blocks_are_those_that_were_counted(widths: tuple[int, int], family: str) -> None:
    facts = {"products": 3, "first": widths[1], "second": widths[0]}
    assert dsp_blocks("own", facts, family)[0] == 3 * COUNTED[widths][family]


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("widths", COUNTED)
@pytest.mark.parametrize("family", SYNTHESIS)
def test_yosys_takes_as_many(widths: tuple[int, int], family: str, tmp_path: Path) -> None:
    libyosys = pytest.importorskip("pyosys.libyosys")
    first, second = widths
    source, netlist = tmp_path / "product.v", tmp_path / "product.json"
    source.write_text(
        f"module product(input clk, input signed [{first - 1}:0] a, input signed [{second - 1}:0] b,"
        f" output reg signed [{first + second - 1}:0] y);\nalways @(posedge clk) y <= a * b;\nendmodule\n"
    )
    design = libyosys.Design()
    for command in (f"read_verilog {source}", f"{SYNTHESIS[family]} -top product", f"write_json {netlist}"):
        libyosys.run_pass(command, design)
    cells = json.loads(netlist.read_text())["modules"]["product"]["cells"].values()
    assert sum(UNITS.get(cell["type"], 0) for cell in cells) == COUNTED[widths][family]
