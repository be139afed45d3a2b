"""The registers of a wrapper, one by one and under load, by cocotbext-axi; printed anew they are equal."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from fpgaq.hardware.emit.bus import facts
from fpgaq.hardware.emit.design import Module
from fpgaq.hardware.emit.printer import print_module
from fpgaq.hardware.emit.render import templates_folder
from fpgaq.hardware.schedule.bus import Bus, BusPort
from fpgaq.proof.lint import lint

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import make_registers

HERE = Path(__file__).parent
CELLS = ("slice", "fifo", "queue", "gearbox", "guard", "release", "frame_buffer", "close", "slots", "shell",
         "statistics", "registers", "source", "sink")  # fmt: skip
DIGEST = hashlib.sha256(b"a network").hexdigest()
TESTS = 5


def loop_core() -> str:
    """A core of 7 pixels of 3 channels of 8 bits, 2 a beat, that gives back what it gets."""
    return (HERE / "loop_core.v").read_text(encoding="ascii")


def wrapper(buffered: bool) -> Bus:
    port = BusPort("s_axis", pixels=7, channels=3, lanes=2, width=8, signed=False, bus=32)
    return Bus(32, port, BusPort("m_axis", 7, 3, 2, 8, False, 32), mark_bits=2, buffered=buffered)


def wrapper_text(bus: Bus) -> str:
    module = Module("wrapped", "verilog/bus_top.v.j2", facts(bus, "a loop", "loop_core", DIGEST))
    return print_module(module, DIGEST)["wrapped.v"]


def test_printing_anew_gives_the_same_bytes() -> None:
    for path, text in make_registers.products().items():
        assert (make_registers.ROOT / path).read_text(encoding="utf-8") == text, f"{path}: run `make registers`"


def test_lists_every_offset_once() -> None:
    words = [word for register in make_registers.read_registers() for word in register.words]
    assert words == sorted(set(words))


@pytest.mark.parametrize("buffered", [False, True], ids=["mark", "drop"])
def test_no_line_of_lint(buffered: bool, tmp_path: Path) -> None:
    files = [f"fpgaq_{name}.v" for name in CELLS]
    for name in files:
        shutil.copyfile(templates_folder() / "verilog" / "cells" / name, tmp_path / name)
    (tmp_path / "loop_core.v").write_text(loop_core(), encoding="ascii")
    (tmp_path / "wrapped.v").write_text(wrapper_text(wrapper(buffered)), encoding="ascii")
    manifest = {"top": "wrapped", "files": [*files, "loop_core.v", "wrapped.v"]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="ascii")
    assert lint(tmp_path) == ()


@pytest.mark.once
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("buffered", [False, True], ids=["mark", "drop"])
def test_registers(buffered: bool, tmp_path: Path) -> None:
    (tmp_path / "wrapped.v").write_text(wrapper_text(wrapper(buffered)), encoding="ascii")
    (tmp_path / "loop_core.v").write_text(loop_core(), encoding="ascii")
    folder = templates_folder() / "verilog" / "cells"
    sources = [*(folder / f"fpgaq_{name}.v" for name in CELLS), tmp_path / "loop_core.v", tmp_path / "wrapped.v"]
    runner = get_runner("icarus")
    runner.build(sources=sources, hdl_toplevel="wrapped", build_dir=tmp_path / "build", build_args=["-g2005", "-Wall"],
                 timescale=("1ns", "1ps"))  # fmt: skip
    offsets = {}
    for register in make_registers.constant_registers():
        for index, word in enumerate(register.words):
            offsets[register.name if register.count == 1 else f"{register.name}{index}"] = 4 * word
    settings = {"FPGAQ_OFFSETS": json.dumps(offsets), "FPGAQ_DIGEST": DIGEST, "FPGAQ_BUFFERED": str(int(buffered))}
    results = runner.test(hdl_toplevel="wrapped", test_module="registers_bench", build_dir=tmp_path / "build",
                          test_dir=HERE, results_xml=str(tmp_path / "results.xml"),
                          extra_env=settings | {"PYTHONPATH": f"{HERE}:{HERE.parents[1]}"})  # fmt: skip
    assert get_results(results) == (TESTS, 0)
