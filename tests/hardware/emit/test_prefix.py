"""Names of a user's choice: which are refused, and what of a text and of a manifest they change."""

from __future__ import annotations

import re

import pytest

from fpgaq.base.errors import UsageError
from fpgaq.hardware.emit.prefix import check_top, rename_text
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.emit.wrap import Wish, print_wrapped
from fpgaq.hardware.schedule import Target, plan_hardware
from tests.support.network_builder import NetworkBuilder

TEXT = """module rom_00 (
    fpgaq_fifo #(
        .WIDTH(8)
    ) fpgaq_fifo (
    layer_00 layer_00 (
    wire fpgaq_fifo_data; // fpgaq_fifo
`ifdef FPGAQ_ROM_DIR
    localparam FILE = {`FPGAQ_ROM_DIR, "/rom_00.hex"};
`else
    localparam FILE = "rom_00.hex";
`endif
    initial $readmemh(FILE, memory);
"""
RENAMED = """`ifndef a_FPGAQ_ROM_DIR
`ifdef FPGAQ_ROM_DIR
`define a_FPGAQ_ROM_DIR `FPGAQ_ROM_DIR
`endif
`endif
module a_rom_00 (
    a_fpgaq_fifo #(
        .WIDTH(8)
    ) fpgaq_fifo (
    a_layer_00 layer_00 (
    wire fpgaq_fifo_data; // fpgaq_fifo
`ifdef a_FPGAQ_ROM_DIR
    localparam FILE = {`a_FPGAQ_ROM_DIR, "/a_rom_00.hex"};
`else
    localparam FILE = "a_rom_00.hex";
`endif
    initial $readmemh(FILE, memory);
"""


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "module", "logic", "fpgaq_fifo", "FPGAQ", "a" * 65, "\u00e4"])
def test_refuses_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="--top"):
        check_top(name)


def test_renames_definitions_instances_files_and_the_macro_alone() -> None:
    names = {name: f"a_{name}" for name in ("rom_00", "fpgaq_fifo", "layer_00", "rom_00.hex")}
    assert rename_text(TEXT, names, "a") == RENAMED


def test_every_name_bears_the_prefix() -> None:
    graph = NetworkBuilder(5, (6, 6, 4)).convolution(8).affine(20, relu=False).graph()
    lowered, schedule = plan_hardware(graph, Target(multipliers=1))
    design = design_of(lowered, schedule)
    assert design.memory_files
    printed = print_wrapped(design, Wish(top="mine"), None, "x")
    texts = {path: str(text) for path, text in printed.files.items() if path.startswith("rtl/")}
    assert all(path.startswith(("rtl/mine.", "rtl/mine_")) for path in texts)
    defined = [name for text in texts.values() for name in re.findall(r"(?m)^module (\w+)", text)]
    assert len(defined) == len(set(defined)) and all(name == "mine" or name.startswith("mine_") for name in defined)
    macros = {name for text in texts.values() for name in re.findall(r"`define (\w+)", text)}
    assert macros == {"mine_FPGAQ_ROM_DIR"}
    listed = {*printed.manifest["files"], *printed.manifest["memory_files"]}
    assert listed == set(texts)
    assert {module["module"] for module in printed.manifest["modules"]} <= set(defined)
    assert {cell for module in printed.manifest["modules"] for cell in module["cells"]} <= set(defined)
    assert printed.manifest["top"] == printed.interface["top"] == "mine"
    assert set(printed.manifest["memory_digests"]) == set(printed.manifest["memory_files"])


def test_without_a_wish_nothing_changes() -> None:
    graph = NetworkBuilder(5, (6, 6, 4)).convolution(8).affine(20, relu=False).graph()
    design = design_of(*plan_hardware(graph, Target(multipliers=1)))
    assert print_wrapped(design, Wish(), None, "x").files == print_design(design)
