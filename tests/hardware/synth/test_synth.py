"""Synthesis of small designs whose resources are known."""

import importlib.metadata
import importlib.util
import json
from pathlib import Path

import pytest

from fpgaq.base.errors import ModelError, ToolError, ToolTimeoutError, UsageError
from fpgaq.hardware.synth import DEVICES, Counts, SynthResult, describe_excess, synthesize, used_shares, yosys
from fpgaq.hardware.synth.cells import TABLES, count_cells
from fpgaq.hardware.synth.place import place
from fpgaq.hardware.synth.project import read_project

needs_yosys = pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that ran before answers for a test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_design(folder: Path, top: str, files: dict[str, str]) -> Path:
    """A generated folder: names ending in .v are modules in compile order, others ROM contents, all in rtl."""
    for name, text in files.items():
        path = folder / "rtl" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    listed = [f"rtl/{name}" for name in files if name.endswith(".v")]
    memories = [f"rtl/{name}" for name in files if not name.endswith(".v")]
    manifest = {"top": top, "files": listed, "memory_files": memories}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def framed(text: str) -> str:
    """The text between the nettype lines that every emitted file has."""
    return f"`default_nettype none\n{text}`default_nettype wire\n"


# 1,024 words of 16 bits, 16 kbit: one block RAM of 18 kbit, and its output register.
ROM = framed(
    """\
module rom (
    input  wire        clk,
    input  wire [9:0]  address,
    output reg  [15:0] word
);
    reg [15:0] words [0:1023];
    reg [15:0] fetched;
    initial $readmemh({`FPGAQ_ROM_DIR, "/rom.hex"}, words);
    always @(posedge clk) begin
        fetched <= words[address];
        word <= fetched;
    end
endmodule
"""
)
ROM_CONTENT = "".join(f"{(index * 40503 + 977) % 65536:04x}\n" for index in range(1024))

# Too large for LUTs under Yosys's rules, small enough for one block.
MULTIPLIER = framed(
    """\
module multiplier (
    input  wire               clk,
    input  wire signed [17:0] a,
    input  wire signed [17:0] b,
    output reg  signed [35:0] product
);
    always @(posedge clk) product <= a * b;
endmodule
"""
)

# One bit delayed by 16: a single shift-register LUT.
SHIFT = framed(
    """\
module shift (
    input  wire clk,
    input  wire in,
    output wire out
);
    reg [15:0] stages;
    always @(posedge clk) stages <= {stages[14:0], in};
    assign out = stages[15];
endmodule
"""
)

# 32 words of 6 bits with one write and one asynchronous read port.
LUT_RAM = framed(
    """\
module lut_ram (
    input  wire       clk,
    input  wire       write,
    input  wire [4:0] write_address,
    input  wire [5:0] write_data,
    input  wire [4:0] read_address,
    output wire [5:0] read_data
);
    reg [5:0] words [0:31];
    always @(posedge clk) if (write) words[write_address] <= write_data;
    assign read_data = words[read_address];
endmodule
"""
)

# One parameterised cell, used three times.
REGISTER = framed(
    """\
module register #(
    parameter WIDTH = 4
) (
    input  wire             clk,
    input  wire [WIDTH-1:0] in,
    output reg  [WIDTH-1:0] out
);
    always @(posedge clk) out <= in;
endmodule
"""
)

# A path from register to register whose clock can be measured.
ACCUMULATE = framed(
    """\
module accumulate (
    input  wire        clk,
    input  wire        rst,
    input  wire [15:0] in,
    output reg  [15:0] sum
);
    always @(posedge clk) sum <= rst ? 16'd0 : sum + in;
endmodule
"""
)

TOP = framed(
    """\
module network (
    input  wire        clk,
    input  wire [15:0] a,
    input  wire        write,
    output wire [15:0] word,
    output wire [35:0] product,
    output wire        late,
    output wire [5:0]  read,
    output wire [3:0]  third,
    output reg         flag
);
    wire [15:0] b;
    wire [15:0] c;
    register #(.WIDTH(16)) first (.clk(clk), .in(a), .out(b));
    register #(.WIDTH(16)) second (.clk(clk), .in(b), .out(c));
    register small (.clk(clk), .in(c[3:0]), .out(third));
    rom weights (.clk(clk), .address(a[9:0]), .word(word));
    multiplier products (.clk(clk), .a({a, b[1:0]}), .b({c, b[3:2]}), .product(product));
    shift delay (.clk(clk), .in(write), .out(late));
    lut_ram buffer (
        .clk(clk), .write(write), .write_address(a[4:0]), .write_data(a[10:5]), .read_address(c[4:0]), .read_data(read)
    );
    always @(posedge clk) flag <= a[0] & a[1] & a[2];
endmodule
"""
)

FILES = {
    "rom.v": ROM,
    "rom.hex": ROM_CONTENT,
    "multiplier.v": MULTIPLIER,
    "shift.v": SHIFT,
    "lut_ram.v": LUT_RAM,
    "register.v": REGISTER,
    "network.v": TOP,
}


@pytest.fixture(scope="module", params=["xc7", "ecp5-25k"])
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SynthResult:
    """The example design, in a folder whose name needs quoting, on each device."""
    folder = tmp_path_factory.mktemp("design") / 'with "quotes" and blanks'
    return synthesize(write_design(folder, "network", FILES), request.param, seeds=0)


# The ECP5 has no shift-register LUT. Its LUT RAM is 16x4, so 32x6 takes four cells of 6 sites, 6 multiplexers and
# 2 write decoders; its multiplier keeps the output register outside.
EXPECTED = {
    "xc7": {
        "register (first)": Counts(ff=16),
        "register (second)": Counts(ff=16),
        "register (small)": Counts(ff=4),
        "rom": Counts(ff=16, bram=1),
        "multiplier": Counts(dsp=1),
        "shift": Counts(lut=1, lutram=1),
        "lut_ram": Counts(lut=4, lutram=4),
        "(top level)": Counts(lut=1, ff=1),
    },
    "ecp5-25k": {
        "register (first)": Counts(ff=16),
        "register (second)": Counts(ff=16),
        "register (small)": Counts(ff=4),
        "rom": Counts(ff=16, bram=1),
        "multiplier": Counts(ff=36, dsp=1),
        "shift": Counts(ff=16),
        "lut_ram": Counts(lut=4 * 6 + 6 + 2, lutram=4 * 6),
        "(top level)": Counts(lut=1, ff=1),
    },
}


@needs_yosys
def test_each_layer_takes_what_is_known(result: SynthResult) -> None:
    assert dict(result.layers) == EXPECTED[result.device]
    assert len(result.layers) == len(EXPECTED[result.device])


@needs_yosys
def test_the_whole_is_the_sum_where_nothing_crosses_a_boundary(result: SynthResult) -> None:
    total = sum(EXPECTED[result.device].values(), Counts())
    assert result.counts == total


@needs_yosys
def test_json_has_the_documented_keys(result: SynthResult) -> None:
    values = json.loads(json.dumps(result.as_json()))
    assert values["lut"] == result.counts.lut
    assert (values["bram"], values["bram_bits"]) == (1, 18432)
    assert values["layers"][0] == {
        "module": "register (first)", "lut": 0, "ff": 16, "carry": 0, "dsp": 0, "bram": 0, "lutram": 0
    }  # fmt: skip
    assert values["tools"] == [f"pyosys {importlib.metadata.version('pyosys')}"]
    assert values["fmax_mhz"] is None
    assert values["seconds"] > 0
    if result.device == "xc7":
        assert values["capacity"] is None and values["shares"] == {}
    else:
        assert values["shares"]["dsp"] == 1 / 28


@needs_yosys
def test_a_missing_rom_is_an_error(tmp_path: Path) -> None:
    folder = write_design(tmp_path, "rom", {"rom.v": ROM})
    with pytest.raises(ToolError, match="rom.hex"):
        synthesize(folder, "ecp5-25k", seeds=0)


@needs_yosys
def test_an_error_of_yosys_is_one_line(tmp_path: Path) -> None:
    folder = write_design(tmp_path, "bad", {"bad.v": "module bad (output wire a);\n  absent x (a);\nendmodule\n"})
    with pytest.raises(ToolError, match="absent") as caught:
        synthesize(folder, "ecp5-25k", seeds=0)
    assert "\n" not in str(caught.value)


@needs_yosys
def test_a_hang_ends_at_the_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yosys, "_YOSYS_CHILD", "import time\ntime.sleep(60)\n")
    folder = write_design(tmp_path, "shift", {"shift.v": SHIFT})
    with pytest.raises(ToolTimeoutError, match="^yosys did not finish in 0.5 s and was ended; --timeout gives"):
        synthesize(folder, "ecp5-25k", seeds=0, timeout=0.5)


@needs_yosys
def test_endless_printing_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yosys, "_YOSYS_CHILD", "while True:\n    print('again' * 100, flush=True)\n")
    monkeypatch.setattr(yosys, "_MOST_OUTPUT", 1 << 20)
    folder = write_design(tmp_path, "shift", {"shift.v": SHIFT})
    with pytest.raises(ToolError, match="^yosys printed more than 1 MiB and was ended$"):
        synthesize(folder, "ecp5-25k", seeds=0)


@needs_yosys
def test_a_crash_is_a_tool_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    monkeypatch.setattr(yosys, "_YOSYS_CHILD", child)
    folder = write_design(tmp_path, "shift", {"shift.v": SHIFT})
    with pytest.raises(ToolError, match="died of signal 11"):
        synthesize(folder, "ecp5-25k", seeds=0)


def test_without_any_yosys_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = write_design(tmp_path, "shift", {"shift.v": SHIFT})
    with pytest.raises(ToolError, match=r"pip install 'fpgaq\[synth\]'"):
        synthesize(folder, "ecp5-25k", seeds=0)


def test_lut_ram_and_wide_multiplexers_are_counted_in_sites() -> None:
    cells = {"RAM32M": 2, "RAM64X1D": 1, "RAM256X1S": 1, "SRLC32E": 3, "INV": 1, "LUT6": 5, "MUXF7": 9, "CARRY4": 2}
    assert count_cells(cells, "xc7") == Counts(8 + 2 + 4 + 3 + 1 + 5, carry=2, lutram=8 + 2 + 4 + 3)
    assert count_cells({"RAMB36E1": 3, "RAMB18E1": 1, "$scopeinfo": 4}, "xc7") == Counts(bram=7)
    assert count_cells({"CCU2C": 3, "PFUMX": 5, "LUT4": 1}, "ecp5") == Counts(lut=7, carry=3)


def test_an_unknown_cell_is_refused() -> None:
    with pytest.raises(ToolError, match="MYSTERY"):
        count_cells({"MYSTERY": 2}, "xc7")


def test_an_unknown_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="xc7, .*ecp5-25k"):
        synthesize(tmp_path, "virtex2")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "no manifest.json"),
        ("{", "cannot be read"),
        ("[]", "`top` is None"),
        ('{"top": "x; shell rm", "files": ["a.v"]}', "Verilog identifier"),
        ('{"top": "a", "files": []}', "expected a list"),
        ('{"top": "a", "files": ["../a.v"]}', "plain path"),
        ('{"top": "a", "files": ["a.v; shell"]}', "plain path"),
        ('{"top": "a", "files": ["-a.v"]}', "plain path"),
        ('{"top": "a", "files": ["a.v"]}', "missing"),
        ('{"top": "a", "files": ["manifest.json"], "memory_files": 3}', "expected a list"),
        ('{"top": "a", "files": ["manifest.json"], "memory_files": ["a.hex"]}', "missing"),
    ],
)
def test_a_bad_manifest_is_refused(tmp_path: Path, manifest: str | None, message: str) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        synthesize(tmp_path, "ecp5-25k")


def test_instances_are_those_that_the_manifest_lists(tmp_path: Path) -> None:
    folder = write_design(tmp_path, "shift", {"shift.v": SHIFT})
    assert read_project(folder).instances == {}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for modules in ([{"module": "shift", "instances": {"first": "shift_cell"}}], 3, ["shift"]):
        (folder / "manifest.json").write_text(json.dumps({**manifest, "modules": modules}), encoding="utf-8")
        if isinstance(modules, list) and isinstance(modules[0], dict):
            assert read_project(folder).instances == {"first": "shift_cell"}
            continue
        with pytest.raises(ModelError, match="`modules` is not a list of modules; generate the folder again"):
            read_project(folder)


@needs_yosys
def test_what_ran_before_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_design(tmp_path / "one", "shift", {"shift.v": SHIFT})
    first = synthesize(folder, "ecp5-25k", seeds=0)

    def refuse(*arguments: object) -> None:
        raise AssertionError("a tool was run")

    monkeypatch.setattr(yosys, "run_yosys", refuse)
    again = synthesize(folder, "ecp5-45k", seeds=0)
    assert (again.counts, again.layers) == (first.counts, first.layers)
    # One changed byte, or another family, is another design.
    with pytest.raises(AssertionError):
        synthesize(write_design(tmp_path / "two", "shift", {"shift.v": SHIFT + "\n"}), "ecp5-25k", seeds=0)
    with pytest.raises(AssertionError):
        synthesize(folder, "xc7", seeds=0)


def test_capacities_bound_what_fits() -> None:
    assert describe_excess(Counts(lut=100, dsp=30, bram=57), "ecp5-25k") == "30 of 28 DSP, 57 of 56 block RAM"
    assert describe_excess(Counts(lut=24_288, ff=24_288, dsp=28, bram=56), "ecp5-25k") == ""
    assert describe_excess(Counts(lut=10**9), "xc7") == ""
    assert used_shares(Counts(lut=768), "ice40-hx8k") == {"lut": 0.1, "ff": 0.0, "bram": 0.0}
    assert used_shares(Counts(dsp=1), "ice40-hx8k")["dsp"] == float("inf")


def test_every_device_has_a_table_and_a_capacity_in_its_terms() -> None:
    assert {device.family for device in DEVICES.values()} == set(TABLES)
    assert [name for name, device in DEVICES.items() if device.capacity is None] == ["xc7", "xcup"]


@needs_yosys
@pytest.mark.slow
@pytest.mark.parametrize("device", [name for name, device in DEVICES.items() if device.placer])
def test_every_placer_routes_a_design_and_tells_its_clock(tmp_path: Path, device: str) -> None:
    folder = write_design(tmp_path / "design", "accumulate", {"accumulate.v": ACCUMULATE})
    stages: list[str] = []
    result = synthesize(folder, device, seeds=2, layers=False, progress=stages.append)
    assert [seed for seed, _ in result.fmax] == [1, 2]
    assert result.fmax_mhz is not None and 10 < result.fmax_mhz < 2000
    assert stages[-1] == f"placing and routing on {device}: 2 of 2 seeds"
    assert result.counts.ff == 16


def test_only_slow_tests_place(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="only tests that are marked slow place"):
        place(DEVICES["ecp5-25k"], 1, tmp_path, 60)


@needs_yosys
def test_netlist_is_written_for_nextpnr(tmp_path):
    folder = write_design(tmp_path / "out", "rom", {"rom.v": ROM, "rom.hex": ROM_CONTENT})
    path = tmp_path / "rom.json"
    result = synthesize(folder, "ecp5-25k", seeds=0, layers=False, netlist=path)
    cells = json.loads(path.read_text())["modules"]["rom"]["cells"].values()
    (ram,) = (cell for cell in cells if cell["type"] == "DP16KD")
    assert "OUTREG" in (ram["parameters"]["REGMODE_A"], ram["parameters"]["REGMODE_B"])
    # Counted are the flip-flops before they were moved.
    assert result.counts.ff == 16
    assert not [cell for cell in cells if cell["type"] == "TRELLIS_FF"]
    with pytest.raises(UsageError, match="missing"):
        synthesize(folder, "ecp5-25k", seeds=0, layers=False, netlist=tmp_path / "missing" / "rom.json")
