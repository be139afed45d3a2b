"""The table of boards, and what is made of it for the tools."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from fpgaq import pipeline
from fpgaq.base.choices import BOARD_NAMES
from fpgaq.base.errors import FitError, ToolError, UsageError
from fpgaq.cli.boards import bitstream_lines
from fpgaq.hardware.board.bitstream import Bitstream, placing_of
from fpgaq.hardware.board.boards import BAUD, find_board
from fpgaq.hardware.board.table import BOARDS
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.synth.cells import Counts
from fpgaq.hardware.synth.devices import DEVICES
from fpgaq.pipeline import BitstreamResult
from fpgaq.pipeline.boards import _difference
from tests.support.network_builder import NetworkBuilder

ROOT = Path(__file__).parents[3]


def test_the_command_line_knows_every_board() -> None:
    assert set(BOARD_NAMES) == set(BOARDS)


@pytest.mark.parametrize("name", BOARD_NAMES)
def test_every_board_can_be_placed(name: str) -> None:
    board = find_board(name)
    assert DEVICES[board.device].placer is not None and DEVICES[board.device].capacity is not None
    assert board.clock_hz % BAUD == 0 and board.divider(BAUD) == board.clock_hz // BAUD
    assert set(board.pins) == {"clk", "rx", "tx"} and len(set(board.pins.values())) == 3
    assert placing_of(board).suffix in ("bit", "bin", "fs")


def test_the_line_of_a_board_without_a_usb_bridge_is_on_its_header() -> None:
    for name in BOARD_NAMES:
        board = find_board(name)
        made = Bitstream(b"bits", b"{}", "bit", Counts(), {}, 60.0, 1, (), 1.0)
        lines = bitstream_lines(BitstreamResult(Path("out"), board, "eye.bit", BAUD, made, 10, 1.0, 1.0))
        told = "join an adapter of 3.3 V to the header pins 0 (rx, to the FPGA) and 1 (tx)" in "\n".join(lines)
        assert told == bool(board.header) == name.startswith("orangecrab")
    assert "CSFBGA285" in placing_of(find_board("orangecrab")).arguments
    assert "CABGA381" in placing_of(find_board("ulx3s-12f")).arguments


@pytest.mark.skipif(
    importlib.util.find_spec("amaranth_boards") is None or importlib.util.find_spec("litex_boards") is None,
    reason="amaranth-boards and litex-boards are needed to print the table of boards anew",
)
def test_printing_anew_gives_the_same_bytes() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    import make_boards

    assert make_boards.table() == make_boards.TABLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("baud", [0, -1, 4_000_000, 5_000_000])
def test_rates_that_the_clock_cannot_give(baud: int) -> None:
    with pytest.raises(UsageError, match=f"--baud {baud}.*1000000 is the default"):
        find_board("icebreaker").divider(baud)


def test_boards_and_cores_that_do_not_match(tmp_path: Path) -> None:
    network = NetworkBuilder(9, (1, 1, 7)).affine(5, relu=False).graph()
    pipeline.generate(network, tmp_path / "wide", Target(multipliers=1), frames=1, wish=Wish(64))
    with pytest.raises(UsageError, match="--bus 32"):
        pipeline.bitstream(tmp_path / "wide", "icebreaker")
    with pytest.raises(UsageError, match="--board de10: icebreaker, "):
        pipeline.bitstream(tmp_path / "wide", "de10")
    with pytest.raises(UsageError, match="is no folder for a board"):
        pipeline.infer(tmp_path / "wide", "sim")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
def test_a_core_that_is_too_large_is_refused_before_it_is_placed(tmp_path: Path) -> None:
    network = NetworkBuilder(9, (1, 1, 40)).affine(40, relu=False).graph()
    pipeline.generate(network, tmp_path / "out", Target(multipliers=20), frames=1, wish=Wish(32))
    with pytest.raises(FitError, match=r"iCEBreaker: .* of 8 DSP.*; generate it with fewer --multipliers"):
        pipeline.bitstream(tmp_path / "out", "icebreaker")
    assert not (tmp_path / "out-icebreaker").exists()


LOADER = """#!/bin/sh
echo "$@" > "$CALLED"
test -f "$3" || { echo "Error: no such file"; exit 1; }
test -z "$REFUSE" || { echo "Error: no cable found"; exit 1; }
"""


def test_loading_runs_the_line_that_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Bitstream(b"bits", b"{}", "bin", Counts(), {}, 30.0, 1, (), 1.0)
    (tmp_path / "eye.bin").write_bytes(b"bits")
    result = BitstreamResult(tmp_path, find_board("icebreaker"), "eye.bin", BAUD, made, 10, 1.0, 1.0)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(
        ToolError, match="openFPGALoader: not found; install it, then run openFPGALoader -b ice40_generic"
    ):
        pipeline.load_board(result)
    (tmp_path / "bin").mkdir()
    loader = tmp_path / "bin" / "openFPGALoader"
    loader.write_text(LOADER, encoding="ascii")
    loader.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("CALLED", str(tmp_path / "called"))
    pipeline.load_board(result)
    assert (tmp_path / "called").read_text().split() == result.load_command[1:]
    monkeypatch.setenv("REFUSE", "1")
    with pytest.raises(ToolError, match="the board was not loaded: Error: no cable found"):
        pipeline.load_board(result)


def test_the_first_element_that_differs_is_named() -> None:
    interface = {"wrapper": {"output": {"slot_bits": 32}}, "outputs": [{"signed": True}]}
    expected, found = (b"".join(value.to_bytes(4, "little", signed=True) for value in values)
                       for values in ((1, -12, 3), (1, 7, 4)))  # fmt: skip
    assert _difference(2, expected, found, interface) == "frame 2: element 1: expected -12, the board computed 7"
