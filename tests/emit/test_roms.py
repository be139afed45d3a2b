from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from fpgaq.emit.roms import BANK_WORDS, CASE_LIMIT, Rom

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
    assert list(rom_of(CASE_LIMIT).files()) == ["rom_00_a_weights.v"]
    files = rom_of(CASE_LIMIT + 1).files()
    assert list(files) == ["rom_00_a_weights.v", "rom_00_a_weights.hex"]
    assert len(files["rom_00_a_weights.hex"].split()) == CASE_LIMIT + 1
    assert "initial" not in rom_of(CASE_LIMIT).files()["rom_00_a_weights.v"]


def test_deep_ones_are_a_memory_file_for_each_bank() -> None:
    for kept in (rom_of(BANK_WORDS[0], 8), rom_of(BANK_WORDS[0] + 1, 9)):
        assert list(kept.files()) == ["rom_00_a_weights.v", "rom_00_a_weights.hex"]
    rom = rom_of(2 * 16384 + 8192 + 3, 8)
    files = rom.files()
    banks = [files.pop(f"rom_00_a_weights_{place}.hex").split() for place in range(4)]
    assert list(files) == ["rom_00_a_weights.v"]
    assert [len(bank) for bank in banks] == [16384, 16384, 8192, 3]
    assert [int(word, 16) for bank in banks for word in bank] == list(rom.words)


def test_repeated_words_are_kept() -> None:
    files = Rom("rom_00_a_weights", "weights", (7,) * 300, 4).files()
    assert files["rom_00_a_weights.hex"] == "7\n" * 300


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("count", [1, 2, 3, 255, 256, 257, 300, 16385, 16384 + 8192 + 4096 + 1099, 32768, 50000])
def test_every_word_is_read_back(count: int, tmp_path: Path) -> None:
    rom = rom_of(count, 13 if count < 16384 else 8)
    for name, text in rom.files().items():
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
