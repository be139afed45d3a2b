from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from fpgaq.hardware.emit.printer import print_rom
from fpgaq.hardware.emit.roms import BANK_WORDS, CASE_LIMIT, Rom
from fpgaq.hardware.synth.yosys import run_yosys

BENCH = """module bench;
reg clk; reg [{address}:0] address; wire [{data}:0] data; integer i;
{module} rom (.clk(clk), .address(address), .data(data));
initial begin clk = 0;
for (i = 0; i < {words} + {latency} - 1; i = i + 1) begin
address = i; #1 clk = 1; #1 clk = 0; if (i + 1 >= {latency}) $display("%h", data); end
$finish; end
endmodule
"""


def rom_of(count: int, width: int = 13) -> Rom:
    chance = random.Random(count)
    return Rom("rom_00_a_weights", "weights", tuple(chance.randrange(1 << width) for _ in range(count)), width)


def test_large_ones_are_memory_files() -> None:
    assert list(print_rom(rom_of(CASE_LIMIT))) == ["rom_00_a_weights.v"]
    files = print_rom(rom_of(CASE_LIMIT + 1))
    assert list(files) == ["rom_00_a_weights.v", "rom_00_a_weights.hex"]
    assert len(files["rom_00_a_weights.hex"].split()) == CASE_LIMIT + 1
    assert "initial" not in print_rom(rom_of(CASE_LIMIT))["rom_00_a_weights.v"]


def test_deep_ones_are_a_memory_file_for_each_bank() -> None:
    for kept in (rom_of(BANK_WORDS[0], 8), rom_of(BANK_WORDS[0] + 1, 9)):
        assert list(print_rom(kept)) == ["rom_00_a_weights.v", "rom_00_a_weights.hex"]
    rom = rom_of(2 * 16384 + 8192 + 3, 8)
    files = print_rom(rom)
    banks = [files.pop(f"rom_00_a_weights_{place}.hex").split() for place in range(4)]
    assert list(files) == ["rom_00_a_weights.v"]
    assert [len(bank) for bank in banks] == [16384, 16384, 8192, 3]
    assert [int(word, 16) for bank in banks for word in bank] == list(rom.words)


def test_repeated_words_are_kept() -> None:
    files = print_rom(Rom("rom_00_a_weights", "weights", (7,) * 300, 4))
    assert files["rom_00_a_weights.hex"] == "7\n" * 300


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("count", [1, 2, 3, 255, 256, 257, 300, 16385, 16384 + 8192 + 4096 + 1099, 32768, 50000])
def test_every_word_is_read_back(count: int, tmp_path: Path) -> None:
    rom = rom_of(count, 13 if count < 16384 else 8)
    for name, text in print_rom(rom).items():
        (tmp_path / name).write_text(text, encoding="ascii")
    assert rom.latency == (2 if count > 16384 else 1)
    bench = BENCH.format(
        address=rom.address_width - 1, data=rom.width - 1, module=rom.module, words=count, latency=rom.latency
    )
    (tmp_path / "bench.v").write_text(bench, encoding="ascii")
    subprocess.run(
        ["iverilog", "-g2005", "-o", "bench.vvp", "bench.v", f"{rom.module}.v"], cwd=tmp_path, check=True, timeout=600
    )
    ran = subprocess.run(
        ["vvp", "-n", "bench.vvp"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=600
    )
    assert [int(word, 16) for word in ran.stdout.split()] == list(rom.words)


FILE_FAULTS: dict[str, Callable[[list[str]], list[str] | None]] = {
    "none": lambda lines: lines,
    "missing": lambda lines: None,
    "empty": lambda lines: [],
    "short": lambda lines: lines[:-1],
    "a digit too many": lambda lines: [*lines[:5], f"1{lines[5]}", *lines[6:]],
    "a bit too many": lambda lines: [*lines[:5], f"{1 << 13:x}", *lines[6:]],
    "undefined bits": lambda lines: [*lines[:-1], "x" * len(lines[-1])],
}


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("fault", FILE_FAULTS)
@pytest.mark.parametrize("bank", ["", "_1"])
def test_a_file_that_does_not_fit_ends_the_simulation(bank: str, fault: str, tmp_path: Path) -> None:
    """Icarus alone warns and ends with 0."""
    rom = rom_of(16384 + 300, 8) if bank else rom_of(300)
    files = print_rom(rom)
    name = f"{rom.module}{bank}.hex"
    lines = FILE_FAULTS[fault](files[name].splitlines())
    del files[name]
    if lines is not None:
        files[name] = "".join(f"{line}\n" for line in lines)
    for path, text in files.items():
        (tmp_path / path).write_text(text, encoding="ascii")
    compile_rom = ["iverilog", "-g2005", "-Wall", "-o", "rom.vvp", f"{rom.module}.v"]
    compiled = subprocess.run(compile_rom, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    assert compiled.stdout + compiled.stderr == ""
    ran = subprocess.run(["vvp", "-n", "rom.vvp"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    said = f"fpgaq: {name} is missing, short or too wide: see word "
    assert (ran.returncode != 0, said in ran.stdout) == (fault != "none",) * 2, ran.stdout


@pytest.mark.parametrize("count", [CASE_LIMIT, 300, 16384 + 300])
def test_synthesis_sees_no_check(count: int) -> None:
    """All of it is for Icarus, by the name that only Icarus defines."""
    text = print_rom(rom_of(count, 8))["rom_00_a_weights.v"]
    guard = re.compile(r"`ifdef __ICARUS__\n.*?`endif\n", re.DOTALL)
    seen = guard.sub("", text)
    assert len(guard.findall(text)) == (0 if count <= CASE_LIMIT else 2 if count > 16384 else 1)
    assert seen.count("$readmemh") == len(guard.findall(text)) and "fatal" not in seen and "check" not in seen


@pytest.mark.once
@pytest.mark.skipif(find_spec("pyosys") is None, reason="needs pyosys")
@pytest.mark.parametrize("macro", [False, True], ids=["bare name", "folder"])
@pytest.mark.parametrize("count", [CASE_LIMIT + 1, BANK_WORDS[0] + 1])
def test_yosys_reads_the_words(count: int, macro: bool, tmp_path: Path) -> None:
    rom = rom_of(count, 8 if count > CASE_LIMIT + 1 else 13)
    (tmp_path / "rtl").mkdir()
    for name, text in print_rom(rom).items():
        (tmp_path / "rtl" / name).write_text(text, encoding="ascii")
    define = f'-DFPGAQ_ROM_DIR="{tmp_path}/rtl" ' if macro else ""
    commands = [f"read_verilog {define}rtl/{rom.module}.v", "proc", "memory_collect", "write_json rom.json"]
    finished = run_yosys(commands, tmp_path, 60)
    assert finished.code == 0, finished.output
    (module,) = json.loads((tmp_path / "rom.json").read_text())["modules"].values()
    memories = {name: cell["parameters"] for name, cell in module["cells"].items() if "INIT" in cell["parameters"]}
    found = []
    for name in sorted(memories):
        bits = memories[name]["INIT"]
        found += [int(bits[len(bits) - end - rom.width : len(bits) - end], 2) for end in range(0, len(bits), rom.width)]
    assert tuple(found) == rom.words


@pytest.mark.once
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
def test_the_folder_of_the_macro_is_read_from_anywhere(tmp_path: Path) -> None:
    rom = rom_of(CASE_LIMIT + 1)
    (tmp_path / "rtl").mkdir()
    for name, text in print_rom(rom).items():
        (tmp_path / "rtl" / name).write_text(text, encoding="ascii")
    for defines, code in (([], 1), ([f'-DFPGAQ_ROM_DIR="{tmp_path}/rtl"'], 0)):
        command = ["iverilog", "-g2005", "-Wall", *defines, "-o", "rom.vvp", f"rtl/{rom.module}.v"]
        built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert built.stdout + built.stderr == ""
        assert subprocess.run(["vvp", "-n", "rom.vvp"], cwd=tmp_path, capture_output=True).returncode == code
