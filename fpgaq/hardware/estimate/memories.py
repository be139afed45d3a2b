"""The form of a memory on each device family: block RAM, LUT RAM, or logic.

The rule is that of Yosys's pass `memory_libmap`: of all ways to lay the words out the one of least cost. Costs are
those of its libraries of memories (share/*/brams*.txt and lutrams*.txt). It was held against Yosys 0.70 at 858 widths,
depths and kinds for each of xc7, ECP5, iCE40 and Gowin, and at 228 sizes again since memories that are written say that
no word is read in that cycle, without a difference. Every memory here has at most one writing
port, with one enable for the whole word, and a registered port for reading at other addresses than are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

ROM_COSTS: Mapping[str, float] = {
    **dict.fromkeys(("xc7", "xcup"), 1 / 64),
    **dict.fromkeys(("ecp5", "ice40", "ice40up", "gowin"), 1 / 16),
}
"""Cost of a bit of a ROM that is left to logic; a bit that can be written costs 1."""


@dataclass(frozen=True)
class Ram:
    """A memory cell of a family.

    Parameters
    ----------
    block : bool
        Block RAM; else LUT RAM.
    address_bits : int
        At the least width; twice the width takes one fewer.
    widths : tuple of int
    cost : float
        Cost of a cell.
    scaled : float
        The part of the cost that falls with the bits of a cell that stay unused.
    byte : int
        Bits that have an enable of their own; 0: all of the width.
    units : int
        How many of these cells count as one block RAM.
    sites, bit_sites : int
        LUT sites of a LUT RAM cell, or of each bit that is used.
    rom, ram : bool
        Whether it takes memories that are only read, and memories that are written.
    least_written : int
        The least width that can be written at once.
    """

    block: bool
    address_bits: int
    widths: tuple[int, ...]
    cost: float
    scaled: float = 0.0
    byte: int = 0
    units: int = 1
    sites: int = 0
    bit_sites: int = 0
    rom: bool = True
    ram: bool = True
    least_written: int = 0


@dataclass(frozen=True)
class Memory:
    """Where the words are.

    Parameters
    ----------
    kind : str
        "block", "lutram" or "logic".
    blocks, sites : int
        Block RAMs, LUT RAM sites.
    deep : int
        Banks in the direction of the addresses; a multiplexer chooses among them.
    """

    kind: str
    blocks: int = 0
    sites: int = 0
    deep: int = 1


def _lutram(address_bits: int, width: int, cost: float, scaled: float, sites: int = 0, bit_sites: int = 0) -> Ram:
    return Ram(False, address_bits, (width,), cost, scaled, sites=sites, bit_sites=bit_sites, rom=False)


_NINTHS = (1, 2, 4, 9, 18, 36, 72)

_XILINX_BLOCKS = (
    Ram(True, 14, _NINTHS[:5], 129, byte=9),
    Ram(True, 15, _NINTHS[:6], 257, byte=9, units=2),
    Ram(True, 16, _NINTHS[:4], 513, byte=9, units=4),
    Ram(True, 14, _NINTHS[:6], 129, byte=9),
    Ram(True, 15, _NINTHS, 257, byte=9, units=2),
)

_ICE40_BLOCKS = (
    Ram(True, 11, (2, 4, 8), 64),
    Ram(True, 11, (2, 4, 8, 16), 64, byte=1, least_written=16),
)

RAMS: Mapping[str, tuple[Ram, ...]] = {
    "xc7": (
        _lutram(5, 4, 8, 8, bit_sites=2),
        _lutram(6, 2, 8, 8, bit_sites=2),
        _lutram(7, 1, 8, 8, bit_sites=4),
        _lutram(5, 6, 8, 7, sites=4),
        _lutram(6, 3, 8, 7, sites=4),
        *_XILINX_BLOCKS,
    ),
    "xcup": (
        _lutram(5, 8, 16, 16, bit_sites=2),
        _lutram(6, 4, 16, 16, bit_sites=2),
        _lutram(7, 2, 16, 16, bit_sites=4),
        _lutram(8, 1, 16, 16, bit_sites=8),
        _lutram(5, 14, 16, 16, sites=8),
        _lutram(6, 7, 16, 16, sites=8),
        *_XILINX_BLOCKS,
    ),
    "ecp5": (
        _lutram(4, 4, 4, 0, sites=6),
        Ram(True, 14, _NINTHS[:5], 128, byte=9),
        Ram(True, 14, _NINTHS[:6], 128, byte=9, least_written=36),
    ),
    "ice40": _ICE40_BLOCKS,
    "ice40up": _ICE40_BLOCKS,
    "gowin": (
        _lutram(4, 4, 4, 4, sites=8),
        Ram(True, 14, _NINTHS[:6], 128, byte=9, ram=False),
        Ram(True, 14, _NINTHS[:5], 128, byte=9),
        Ram(True, 14, _NINTHS[:6], 128, byte=9),
    ),
}
"""In the order in which Yosys meets them: of equal costs the first wins."""


@lru_cache(maxsize=65_536)
def map_memory(family: str, width: int, words: int, rom: bool, in_block: bool = False) -> Memory:
    """Where a memory of `words` words of `width` bits ends up.

    Parameters
    ----------
    family : str
        Of `fpgaq.hardware.synth.devices.Device`.
    width, words : int
        Bits that differ from word to word, and words.
    rom : bool
        Whether nothing writes it.
    in_block : bool
        Whether its text asks for block RAM, whatever that costs.
    """
    if width == 0 or words <= 1:
        return Memory("logic")
    best, least = Memory("logic"), int(width * words * (ROM_COSTS[family] if rom else 1.0))
    for block in (True,) if in_block else (False, True):
        options = [
            _lay_out(ram, width, words, rom)
            for ram in RAMS[family]
            if ram.block == block and (ram.rom if rom else ram.ram)
        ]
        if options:
            cost, memory = min(options, key=lambda option: option[0])
            if cost < least or in_block:
                best, least = memory, int(cost)
    return best


def _lay_out(ram: Ram, width: int, words: int, rom: bool) -> tuple[float, Memory]:
    """The cheapest use of a kind of cell, and its cost."""
    best, least = Memory("logic"), -1
    best_cost = 0.0
    for cost, memory in _geometries(ram, width, words, rom):
        # Yosys compares with the best so far less its fraction.
        if least < 0 or cost < least:
            best, best_cost, least = memory, cost, int(cost)
    return best_cost, best


def _geometries(ram: Ram, width: int, words: int, rom: bool) -> Iterator[tuple[float, Memory]]:
    for halvings, unit in enumerate(ram.widths):
        if not rom and unit < min(ram.least_written, ram.byte):
            continue
        byte = min(ram.byte or unit, unit)
        padded = width if rom else ceil(width / byte) * byte
        deep = ceil(words / (1 << (ram.address_bits - halvings)))
        # A cell that is wide enough holds several banks.
        cells = ceil(deep * padded / unit)
        choosing = (deep - 1) * width + (0 if rom or deep == 1 else deep)
        cost = (ram.cost - ram.scaled) * cells + ram.scaled * deep * width / unit + choosing / 2 + 2
        if ram.block:
            yield cost, Memory("block", blocks=cells * ram.units, deep=deep)
        else:
            yield cost, Memory("lutram", sites=cells * ram.sites + deep * width * ram.bit_sites, deep=deep)
