"""Registers after block RAMs and multipliers of the ECP5 go into these blocks, whose own Yosys does not use.

Without its own output register a block RAM takes 5.8 ns from the clock to a word, and a product has to leave the
multiplier before it reaches one. Sources: Lattice FPGA-TN-02204 (sysMEM), FPGA-TN-02205 (sysDSP).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Cell: TypeAlias = dict[str, Any]
"""A cell of Yosys's JSON netlist."""

RAM_MHZ = 1000 / 5.83
"""The highest clock of a block RAM whose output register is in use. Without the register a word comes 5.83 ns after the
clock, by nextpnr's tables for speed grade 6. With it the tables have the time from the register on (0.95 ns), but not
the read before it, which cannot take longer than the whole did.
"""


@dataclass(frozen=True)
class _Port:
    """The names of what a block RAM reads by: its output's bits, and the properties of the register after them."""

    output: str
    clock: str
    enable: str
    reset: str
    mode: str


_RAMS = {
    "DP16KD": tuple(_Port(f"DO{side}", f"CLK{side}", f"OCE{side}", f"RST{side}", f"REGMODE_{side}") for side in "AB"),
}
_DOUBLE_WIDTH = 36
"""Words so wide take the data pins of both ports."""


def absorb_registers(netlist: Mapping[str, Any], top: str) -> int:
    """Move flip-flops of a flattened ECP5 netlist into the block RAMs and multipliers that alone feed them, in place.

    Moved is what takes every bit that a block's port puts out and reads, at each rising edge of one clock, without
    enable or reset, from 0 on, as the register in the block does. What a multiplier's inputs come from stays where it
    is: nextpnr knows no time for a product between two registers of the block.

    Parameters
    ----------
    netlist : mapping
        As `write_json` writes it.
    top : str
        The module.

    Returns
    -------
    int
        Flip-flops that went.
    """
    module = netlist["modules"][top]
    cells: dict[str, Cell] = module["cells"]
    readers = _readers(module)
    moved = 0
    for cell in [*cells.values()]:
        for port in _RAMS.get(cell["type"], ()):
            found = _registers(cell, port.output, readers, cells) if _free(cell, port) else {}
            if found and _clocks(found, cells) == [cell["connections"][port.clock]]:
                cell["parameters"][port.mode] = "OUTREG"
                moved += _take(cell, found, cells)
        if cell["type"] == "MULT18X18D" and not any(name.startswith("REG_") for name in cell["parameters"]):
            found = _registers(cell, "P", readers, cells)
            clocks = _clocks(found, cells)
            if found and len(clocks) == 1:
                cell["parameters"] |= {"REG_OUTPUT_CLK": "CLK0", "REG_OUTPUT_CE": "CE0", "REG_OUTPUT_RST": "RST0"}
                cell["connections"] |= {"CLK0": clocks[0], "CE0": ["1"], "RST0": ["0"]}
                cell["port_directions"] |= {"CLK0": "input", "CE0": "input", "RST0": "input"}
                moved += _take(cell, found, cells)
    return moved


def clock_limit(netlist: Mapping[str, Any], top: str) -> float:
    """The clock in MHz that block RAMs bear whose output register is in use; infinite without such."""
    for cell in netlist["modules"][top]["cells"].values():
        if any(cell["parameters"].get(port.mode) == "OUTREG" for port in _RAMS.get(cell["type"], ())):
            return RAM_MHZ
    return math.inf


def _readers(module: Mapping[str, Any]) -> dict[int, list[tuple[str, str]]]:
    """For each bit the cells and ports that read it; a port of the module reads as a cell without a name."""
    readers: dict[int, list[tuple[str, str]]] = {}
    for bit, name, port in _inputs(module):
        readers.setdefault(bit, []).append((name, port))
    return readers


def _inputs(module: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    for name, port in module["ports"].items():
        if port["direction"] != "input":
            yield from ((bit, "", name) for bit in port["bits"] if isinstance(bit, int))
    for name, cell in module["cells"].items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) != "output":
                yield from ((bit, name, port) for bit in bits if isinstance(bit, int))


def _free(cell: Cell, port: _Port) -> bool:
    """Whether the register of a block RAM's port is unused and would run at each rising edge."""
    parameters, connections = cell["parameters"], cell["connections"]
    return (
        parameters[port.mode] == "NOREG"
        and all(int(parameters[f"DATA_WIDTH_{side}"], 2) != _DOUBLE_WIDTH for side in "AB")
        and parameters[f"{port.clock}MUX"] == port.clock
        and connections[port.enable] == ["1"]
        and connections[port.reset] == ["0"]
    )


def _registers(
    cell: Cell, port: str, readers: Mapping[int, list[tuple[str, str]]], cells: Mapping[str, Cell]
) -> dict[str, str]:
    """For each bit of an output that is read the flip-flop that it alone feeds; empty if there is another reader."""
    found = {}
    for name, bits in cell["connections"].items():
        if not (name.startswith(port) and name.removeprefix(port).isdigit()):
            continue
        for bit in bits:
            reading = readers.get(bit, [])
            if not reading:
                continue
            reader, entry = reading[0]
            if len(reading) > 1 or not reader or entry != "DI" or not _plain(cells[reader]):
                return {}
            found[name] = reader
    return found


def _plain(cell: Cell) -> bool:
    """Whether a cell is a flip-flop of the rising edge that starts at 0 and has neither enable nor reset."""
    if cell["type"] != "TRELLIS_FF" or cell["attributes"].get("keep"):
        return False
    parameters, connections = cell["parameters"], cell["connections"]
    return bool(
        # Yosys separates the text 1 from the bits 1 by a blank.
        parameters["CEMUX"].strip() == "1"
        and parameters["CLKMUX"] == "CLK"
        and parameters["LSRMUX"] == "LSR"
        and connections.get("LSR", ["0"]) == ["0"]
        and parameters["REGSET"] == "RESET"
    )


def _clocks(registers: Mapping[str, str], cells: Mapping[str, Cell]) -> list[Any]:
    """Each clock once."""
    clocks: list[Any] = []
    for name in registers.values():
        if (clock := cells[name]["connections"]["CLK"]) not in clocks:
            clocks.append(clock)
    return clocks


def _take(cell: Cell, registers: Mapping[str, str], cells: dict[str, Cell]) -> int:
    """Let a block put out what its registers did, and drop them."""
    for port, name in registers.items():
        cell["connections"][port] = cells.pop(name)["connections"]["Q"]
    return len(registers)
