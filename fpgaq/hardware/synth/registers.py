"""Registers after block RAMs and multipliers of the ECP5 go into these blocks, whose own Yosys does not use.

Without its own output register a block RAM takes 5.8 ns from the clock to a word, and a product has to leave the
multiplier before it reaches one. Factors have to be there 3.5 ns before the clock without registers at its inputs.
Sources: Lattice FPGA-TN-02204 (sysMEM), FPGA-TN-02205 (sysDSP); nextpnr's `pack.cc` for the two registers of a word of
36 bits (PDPW16KD).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Cell: TypeAlias = dict[str, Any]
"""A cell of Yosys's JSON netlist."""

RAM_MHZ = 1000 / 5.83
"""The highest clock of a block RAM whose output register is in use. Without the register a word comes 5.83 ns after the
clock, by nextpnr's tables for speed grade 6. With it the tables have the time from the register on (0.95 ns), but not
the read before it, which cannot take longer than the whole did.
"""


PRODUCT_MHZ = 1000 / 3.9
"""The highest clock of a multiplier with registers at its inputs and its output. From input to output without registers
it takes 3.9 ns by nextpnr's tables for speed grade 6; these have no time for a product between two registers, which
cannot take longer.
"""


@dataclass(frozen=True)
class _Port:
    """What a block RAM reads by: its clock's side, and the sides whose data pins and registers the word takes."""

    side: str
    sides: str


_RAM = "DP16KD"
_MULTIPLIER = "MULT18X18D"
_DOUBLE_WIDTH = 36
"""Words so wide take the data pins of both ports; B reads, and the registers of both sides run by its clock."""


def absorb_registers(netlist: Mapping[str, Any], top: str) -> int:
    """Move flip-flops of a flattened ECP5 netlist into the block RAMs and multipliers that alone feed them, in place.

    Moved is what takes every bit that a block's port puts out and reads, at each rising edge of one clock, without
    enable or reset, from 0 on, as the register in the block does. A multiplier whose output has its register takes
    those of both factors too, or none; a register that other cells read as well stays beside it.

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
        for port in _ports(cell):
            outputs = tuple(f"DO{side}" for side in port.sides)
            found = _registers(cell, outputs, readers, cells) if _free(cell, port) else {}
            if found and _clocks(found, cells) == [cell["connections"][f"CLK{port.side}"]]:
                cell["parameters"] |= {f"REGMODE_{side}": "OUTREG" for side in port.sides}
                cell["connections"] |= {f"OCE{side}": ["1"] for side in port.sides}
                moved += _take(cell, found, cells)
        if cell["type"] == _MULTIPLIER and not any(name.startswith("REG_") for name in cell["parameters"]):
            found = _registers(cell, ("P",), readers, cells)
            clocks = _clocks(found, cells)
            if found and len(clocks) == 1:
                cell["parameters"] |= {"REG_OUTPUT_CLK": "CLK0", "REG_OUTPUT_CE": "CE0", "REG_OUTPUT_RST": "RST0"}
                cell["connections"] |= {"CLK0": clocks[0], "CE0": ["1"], "RST0": ["0"]}
                cell["port_directions"] |= {"CLK0": "input", "CE0": "input", "RST0": "input"}
                moved += _take(cell, found, cells)
    return moved + _absorb_factors(module)


def clock_limit(netlist: Mapping[str, Any], top: str) -> float:
    """The clock in MHz that blocks bear whose registers are in use; infinite without such."""
    limit = math.inf
    for cell in netlist["modules"][top]["cells"].values():
        if cell["type"] == _RAM and any(cell["parameters"][f"REGMODE_{side}"] == "OUTREG" for side in "AB"):
            limit = min(limit, RAM_MHZ)
        if cell["type"] == _MULTIPLIER and "REG_INPUTA_CLK" in cell["parameters"]:
            limit = min(limit, PRODUCT_MHZ)
    return limit


def _absorb_factors(module: Mapping[str, Any]) -> int:
    """Move the registers of factors into multipliers; returns how many flip-flops went."""
    cells: dict[str, Cell] = module["cells"]
    holders = {
        bit: name for name, cell in cells.items() if _plain(cell) for bit in cell["connections"]["Q"]
    }  # fmt: skip
    taken: set[str] = set()
    for cell in cells.values():
        if cell["type"] != _MULTIPLIER or "REG_OUTPUT_CLK" not in cell["parameters"]:
            continue
        factors = {
            port: bits[0]
            for port, bits in cell["connections"].items()
            if port[0] in "AB" and port[1:].isdigit() and isinstance(bits[0], int)
        }
        if not factors or any(bit not in holders for bit in factors.values()):
            continue
        found = {port: holders[bit] for port, bit in factors.items()}
        if _clocks(found, cells) != [cell["connections"]["CLK0"]]:
            continue
        for side in "AB":
            cell["parameters"] |= {f"REG_INPUT{side}_{pin}": f"{pin}0" for pin in ("CLK", "CE", "RST")}
        for port, name in found.items():
            cell["connections"][port] = cells[name]["connections"]["DI"]
        taken.update(found.values())
    read = {bit for bit, name, _ in _inputs(module) if name not in taken}
    gone = [name for name in taken if not read.intersection(cells[name]["connections"]["Q"])]
    for name in gone:
        del cells[name]
    return len(gone)


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


def _ports(cell: Cell) -> tuple[_Port, ...]:
    """The ports that a cell reads by, if it is a block RAM."""
    if cell["type"] != _RAM:
        return ()
    double = [int(cell["parameters"][f"DATA_WIDTH_{side}"], 2) == _DOUBLE_WIDTH for side in "AB"]
    if double == [True, True]:
        return (_Port("B", "AB"),)
    return () if any(double) else (_Port("A", "A"), _Port("B", "B"))


def _free(cell: Cell, port: _Port) -> bool:
    """Whether the registers of a block RAM's port are unused and would run at each rising edge."""
    parameters, connections = cell["parameters"], cell["connections"]
    return (
        parameters[f"CLK{port.side}MUX"] == f"CLK{port.side}"
        and connections[f"OCE{port.side}"] == ["1"]
        and all(parameters[f"REGMODE_{side}"] == "NOREG" for side in port.sides)
        and all(connections[f"RST{side}"] == ["0"] for side in port.sides)
    )


def _registers(
    cell: Cell, ports: Sequence[str], readers: Mapping[int, list[tuple[str, str]]], cells: Mapping[str, Cell]
) -> dict[str, str]:
    """For each bit of outputs that is read the flip-flop that it alone feeds; empty if there is another reader."""
    found = {}
    for name, bits in cell["connections"].items():
        if not any(name.startswith(port) and name.removeprefix(port).isdigit() for port in ports):
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
