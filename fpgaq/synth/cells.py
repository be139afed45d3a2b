"""What each primitive cell of a device occupies.

A LUT is a site: logic, a shift register, a LUT RAM and an inverter each take their sites. Two small functions
that a placer may later pack into one six-input site are counted as two. Wide multiplexers (MUXF7, PFUMX) and buffers
take no LUT. Sources: Xilinx UG474 (table 2-3 for LUT RAM) and UG953; Lattice FPGA-TN-02204 for the ECP5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ToolError


@dataclass(frozen=True)
class Counts:
    """Resources: LUT sites, flip-flops (latches too), carry cells, DSP blocks and block RAMs of 18 kbit."""

    lut: int = 0
    ff: int = 0
    carry: int = 0
    dsp: int = 0
    bram18: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.lut + other.lut,
            self.ff + other.ff,
            self.carry + other.carry,
            self.dsp + other.dsp,
            self.bram18 + other.bram18,
        )

    def times(self, count: int) -> Counts:
        """The resources of `count` such cells."""
        return Counts(self.lut * count, self.ff * count, self.carry * count, self.dsp * count, self.bram18 * count)

    def as_json(self) -> dict[str, int]:
        """The counts under the keys that `fpgaq synth --json` prints."""
        return {"lut": self.lut, "ff": self.ff, "carry": self.carry, "dsp": self.dsp, "bram18": self.bram18}


_XC7_LUTS = {
    **{f"LUT{inputs}": 1 for inputs in range(1, 7)},
    "LUT6_2": 1,
    "INV": 1,
    "CFGLUT5": 1,
    "SRL16": 1,
    "SRL16E": 1,
    "SRLC16": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "RAM32X1S": 1,
    "RAM32X1S_1": 1,
    "RAM64X1S": 1,
    "RAM64X1S_1": 1,
    "RAM32X2S": 2,
    "RAM128X1S": 2,
    "RAM128X1S_1": 2,
    "RAM256X1S": 4,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32M": 4,
    "RAM64M": 4,
}
_XC7_FLIPFLOPS = ("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1", "LDCE", "LDPE")

_XC7: dict[str, Counts] = {
    **{name: Counts(lut=sites) for name, sites in _XC7_LUTS.items()},
    **{name: Counts(ff=1) for name in _XC7_FLIPFLOPS},
    "CARRY4": Counts(carry=1),
    "DSP48E1": Counts(dsp=1),
    "RAMB18E1": Counts(bram18=1),
    "RAMB36E1": Counts(bram18=2),
    "MUXF7": Counts(),
    "MUXF8": Counts(),
    "BUFG": Counts(),
    "IBUF": Counts(),
    "OBUF": Counts(),
    "VCC": Counts(),
    "GND": Counts(),
}

_ECP5: dict[str, Counts] = {
    "LUT4": Counts(lut=1),
    "INV": Counts(lut=1),
    # A ripple-carry pair is a slice: both of its LUTs are taken.
    "CCU2C": Counts(lut=2, carry=1),
    # Four bits wide on two slices (four LUTs); the write port takes the two LUT sites of a third.
    "TRELLIS_DPR16X4": Counts(lut=6),
    "TRELLIS_FF": Counts(ff=1),
    "MULT18X18D": Counts(dsp=1),
    "DP16KD": Counts(bram18=1),
    "PDPW16KD": Counts(bram18=1),
    "PFUMX": Counts(),
    "L6MUX21": Counts(),
    "VLO": Counts(),
    "VHI": Counts(),
    "GSR": Counts(),
}

TABLES: Mapping[str, Mapping[str, Counts]] = {"xc7": _XC7, "ecp5": _ECP5}

# Yosys's own cells that remain in a mapped netlist and stand for no hardware.
_NO_HARDWARE = frozenset({"$scopeinfo", "$print", "$check", "$assert", "$assume", "$cover", "$meminit", "$meminit_v2"})


def count_cells(cells: Mapping[str, int], device: str) -> Counts:
    """Sum what the cells, type to number, occupy on `device`.

    Raises
    ------
    ToolError
        If a type is in no table: a count that silently lacks it would be wrong.
    """
    total = Counts()
    for name, number in cells.items():
        if name in _NO_HARDWARE:
            continue
        cost = TABLES[device].get(name)
        if cost is None:
            raise ToolError(f"yosys: mapped {number} cells to {name!r}, whose cost on {device} fpgaq does not know")
        total += cost.times(number)
    return total
