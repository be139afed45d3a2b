"""The resources that each primitive cell of a device occupies.

A LUT is a site: logic, a shift register, a LUT RAM and an inverter each take their sites. Two small functions
that a placer may later pack into one six-input site are counted as two. Wide multiplexers (MUXF7, PFUMX) and buffers
take no LUT. Sources: Xilinx UG474 (table 2-3 for LUT RAM), UG953, UG574 and UG974; Lattice FPGA-TN-02204 for the ECP5
and FPGA-DS-02008 for the iCE40; Gowin UG288, UG285 and UG287.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass

from ...base.errors import ToolError


@dataclass(frozen=True)
class Counts:
    """The resources that a design takes, or that a part holds.

    Parameters
    ----------
    lut : int
        LUT sites, those of `lutram` among them.
    ff : int
        Flip-flops, latches too.
    carry : int
        Carry cells: CARRY4, CCU2C, SB_CARRY, or an ALU bit of Gowin's.
    dsp : int
        DSP48, MULT18X18D, SB_MAC16; on Gowin's parts halves of an 18x18 multiplier, each a 9x9.
    bram : int
        Block RAMs: of 18 kbit (a RAMB36 is two), on the iCE40 of 4 kbit.
    lutram : int
        LUT sites that are memory or shift registers.
    """

    lut: int = 0
    ff: int = 0
    carry: int = 0
    dsp: int = 0
    bram: int = 0
    lutram: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def times(self, count: int) -> Counts:
        """The resources of `count` such cells."""
        return Counts(*(value * count for value in astuple(self)))

    def as_json(self) -> dict[str, int]:
        """The counts under the keys that `fpgaq synth --json` prints."""
        return asdict(self)


def _logic(sites: Mapping[str, int]) -> dict[str, Counts]:
    return {name: Counts(lut=count) for name, count in sites.items()}


def _memory(sites: Mapping[str, int]) -> dict[str, Counts]:
    return {name: Counts(lut=count, lutram=count) for name, count in sites.items()}


def _nothing(*names: str) -> dict[str, Counts]:
    return dict.fromkeys(names, Counts())


_XILINX: dict[str, Counts] = {
    **_logic({**{f"LUT{inputs}": 1 for inputs in range(1, 7)}, "LUT6_2": 1, "INV": 1, "CFGLUT5": 1}),
    **_memory({name: 1 for name in ("SRL16", "SRL16E", "SRLC16", "SRLC16E", "SRLC32E")}),
    **_memory({name: 1 for name in ("RAM32X1S", "RAM32X1S_1", "RAM64X1S", "RAM64X1S_1")}),
    **_memory({"RAM32X2S": 2, "RAM128X1S": 2, "RAM128X1S_1": 2, "RAM256X1S": 4}),
    **_memory({"RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM256X1D": 8, "RAM512X1S": 8}),
    **_memory({"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8}),
    **{f"FD{kind}E{edge}": Counts(ff=1) for kind in "RSCP" for edge in ("", "_1")},
    **{name: Counts(ff=1) for name in ("LDCE", "LDPE")},
    **_nothing("MUXF7", "MUXF8", "MUXF9", "BUFG", "IBUF", "OBUF", "VCC", "GND"),
}

_XC7 = {
    **_XILINX,
    "CARRY4": Counts(carry=1),
    "DSP48E1": Counts(dsp=1),
    "RAMB18E1": Counts(bram=1),
    "RAMB36E1": Counts(bram=2),
}

_XCUP = {
    **_XILINX,
    "CARRY4": Counts(carry=1),
    "CARRY8": Counts(carry=2),
    "DSP48E2": Counts(dsp=1),
    "RAMB18E2": Counts(bram=1),
    "RAMB36E2": Counts(bram=2),
}

_ECP5: dict[str, Counts] = {
    **_logic({"LUT4": 1, "INV": 1}),
    # A ripple-carry pair is a slice: both of its LUTs are taken.
    "CCU2C": Counts(lut=2, carry=1),
    # Four bits wide on two slices (four LUTs); the write port takes the two LUT sites of a third.
    **_memory({"TRELLIS_DPR16X4": 6}),
    "TRELLIS_FF": Counts(ff=1),
    "MULT18X18D": Counts(dsp=1),
    "DP16KD": Counts(bram=1),
    "PDPW16KD": Counts(bram=1),
    **_nothing("PFUMX", "L6MUX21", "VLO", "VHI", "GSR"),
}

_ICE40_FLIPFLOPS = ("", "E", "SR", "R", "SS", "S", "ESR", "ER", "ESS", "ES")
_ICE40: dict[str, Counts] = {
    **_logic({"SB_LUT4": 1}),
    # In the same cell as a LUT, which most often is in use.
    "SB_CARRY": Counts(carry=1),
    **{f"SB_DFF{edge}{kind}": Counts(ff=1) for edge in ("", "N") for kind in _ICE40_FLIPFLOPS},
    "SB_MAC16": Counts(dsp=1),
    **{f"SB_RAM40_4K{ports}": Counts(bram=1) for ports in ("", "NR", "NW", "NRNW")},
    **_nothing("SB_GB", "SB_IO"),
}

_GOWIN_FLIPFLOPS = ("", "E", "S", "SE", "R", "RE", "P", "PE", "C", "CE")
_GOWIN: dict[str, Counts] = {
    **_logic({**{f"LUT{inputs}": 1 for inputs in range(1, 5)}, "INV": 1}),
    "ALU": Counts(lut=1, carry=1),
    # 16 words of four bits take the eight LUTs of two slices of four.
    **_memory({"RAM16SDP1": 2, "RAM16SDP2": 4, "RAM16SDP4": 8, "RAM16S1": 2, "RAM16S2": 4, "RAM16S4": 8}),
    **{f"DFF{edge}{kind}": Counts(ff=1) for edge in ("", "N") for kind in _GOWIN_FLIPFLOPS},
    "MULT9X9": Counts(dsp=1),
    "MULT18X18": Counts(dsp=2),
    "MULT36X36": Counts(dsp=8),
    **{name: Counts(bram=1) for name in ("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9")},
    **_nothing("MUX2_LUT5", "MUX2_LUT6", "MUX2_LUT7", "MUX2_LUT8", "IBUF", "OBUF", "VCC", "GND", "GSR"),
}

TABLES: Mapping[str, Mapping[str, Counts]] = {
    "xc7": _XC7,
    "xcup": _XCUP,
    "ecp5": _ECP5,
    "ice40": _ICE40,
    "ice40up": _ICE40,
    "gowin": _GOWIN,
}

# Yosys's own cells that remain in a mapped netlist and stand for no hardware.
_NO_HARDWARE = frozenset({"$scopeinfo", "$print", "$check", "$assert", "$assume", "$cover", "$meminit", "$meminit_v2"})


def count_cells(cells: Mapping[str, int], family: str) -> Counts:
    """Sum what the cells, type to number, occupy on a device of `family`.

    Raises
    ------
    ToolError
        If a type is in no table: a count that silently lacks it would be wrong.
    """
    total = Counts()
    for name, number in cells.items():
        if name in _NO_HARDWARE:
            continue
        cost = TABLES[family].get(name)
        if cost is None:
            raise ToolError(f"yosys: mapped {number} cells to {name!r}, whose cost on {family} fpgaq does not know")
        total += cost.times(number)
    return total
