"""A package for LiteX: elaborated in a SoC, and between two memories as fixture.v. Run by test_tools.py.

Arguments: the package's folder, the name of the top module, a folder to work in.
"""

import importlib
import os
import sys
from pathlib import Path

from litex.build.generic_platform import Pins
from litex.build.sim import SimPlatform
from litex.gen import LiteXModule
from litex.gen.fhdl.verilog import convert
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone
from migen import ClockDomain, Constant, Signal

FOLDER, TOP, WORK = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]).resolve()
sys.path.insert(0, str(FOLDER))
network = importlib.import_module(TOP)
DMA = getattr(network, f"{TOP.capitalize()}DMA")


def words(name):
    mask = (1 << network.BUS_BITS) - 1
    return [int(line, 16) & mask for line in (FOLDER / "sim" / name).read_text(encoding="ascii").split()]


class Fixture(LiteXModule):
    """Reader and writer, each on a memory of its own, with all golden frames as one transfer."""

    def __init__(self):
        self.done = Signal(name="done")
        self.cd_sys = ClockDomain()
        self.dma = dma = DMA()
        step, given, expected = network.BUS_BITS // 8, words("input.hex"), words("output.hex")
        for name, one, init, count in (
            ("source", dma.reader, given, len(given)),
            ("result", dma.writer, None, len(expected)),
        ):
            bus = wishbone.Interface(data_width=network.BUS_BITS)
            setattr(self, name, wishbone.SRAM(count * step, init=init, bus=bus, name=name))
            self.comb += getattr(dma, "reader_bus" if one is dma.reader else "writer_bus").connect(bus)
            one._length.storage.reset = Constant(count * step, 32)
            one._enable.storage.reset = Constant(1, 1)
        self.comb += self.done.eq(dma.writer.done)
        self.place = Signal(16, name="place")
        self.word = Signal(network.BUS_BITS, name="word")
        port = self.result.mem.get_port(async_read=True)
        self.specials += port
        self.comb += [port.adr.eq(self.place), self.word.eq(port.dat_r)]


def convert_fixture():
    fixture = Fixture()
    ios = {fixture.done, fixture.place, fixture.word, fixture.cd_sys.clk, fixture.cd_sys.rst}
    os.chdir(WORK)
    convert(fixture, ios=ios, name="fixture").write(str(WORK / "fixture.v"))


def elaborate():
    platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1)), ("sys_rst", 0, Pins(1))])
    soc = SoCMini(platform, clk_freq=int(1e6), integrated_main_ram_size=0x1000)
    soc.cd_sys = ClockDomain()
    soc.comb += [soc.cd_sys.clk.eq(platform.request("sys_clk")), soc.cd_sys.rst.eq(platform.request("sys_rst"))]
    network.add_to_soc(soc, origin=0x30000000)
    soc.finalize()
    platform.get_verilog(soc, name="soc").write(str(WORK / "soc.v"))
    assert f"\n{TOP} " in (WORK / "soc.v").read_text(encoding="utf-8")
    registers = set(soc.csr_regions)
    assert TOP in registers, registers
    assert TOP in soc.bus.slaves and {f"{TOP}_reader", f"{TOP}_writer"} <= set(soc.bus.masters)


convert_fixture()
elaborate()
print("PASS")
