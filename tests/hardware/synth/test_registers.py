"""Which flip-flops go into the blocks of an ECP5, and which stay where they are."""

import math
from typing import Any

import pytest

from fpgaq.hardware.synth.registers import RAM_MHZ, absorb_registers, clock_limit

CLOCK, OTHER_CLOCK, ENABLE = 2, 3, 4


def flip_flop(data: int, output: int, **changes: Any) -> dict[str, Any]:
    """One of the rising edge without enable and reset, as Yosys maps it; `clk` and parameters may differ."""
    parameters = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET", "GSR": "DISABLED"}
    connections = {"CLK": [changes.pop("clk", CLOCK)], "DI": [data], "LSR": [changes.pop("reset", "0")], "Q": [output]}
    return {
        "type": "TRELLIS_FF",
        "parameters": {**parameters, **changes},
        "attributes": {},
        "port_directions": {"CLK": "input", "DI": "input", "LSR": "input", "Q": "output"},
        "connections": connections,
    }


def block_ram(outputs: list[int], **changes: Any) -> dict[str, Any]:
    """One that reads `outputs` by port A."""
    parameters = {
        f"{name}{side}{end}": value
        for side in "AB"
        for name, end, value in (
            ("REGMODE_", "", "NOREG"),
            ("CLK", "MUX", f"CLK{side}"),
            ("DATA_WIDTH_", "", f"{9:032b}"),
        )
    }
    connections: dict[str, list[Any]] = {f"CLK{side}": [CLOCK] for side in "AB"}
    connections |= {f"{name}{side}": [value] for side in "AB" for name, value in (("OCE", "1"), ("RST", "0"))}
    directions = dict.fromkeys(connections, "input")
    connections |= {f"DOA{place}": [bit] for place, bit in enumerate(outputs)}
    directions |= {f"DOA{place}": "output" for place in range(len(outputs))}
    for name, value in changes.items():
        (parameters if name in parameters else connections)[name] = value
    return {
        "type": "DP16KD",
        "parameters": parameters,
        "attributes": {},
        "port_directions": directions,
        "connections": connections,
    }


def multiplier(outputs: list[int]) -> dict[str, Any]:
    """One that puts out `outputs`."""
    connections = {f"P{place}": [bit] for place, bit in enumerate(outputs)}
    return {
        "type": "MULT18X18D",
        "parameters": {},
        "attributes": {},
        "port_directions": dict.fromkeys(connections, "output"),
        "connections": connections,
    }


def netlist(out: list[int], **cells: dict[str, Any]) -> dict[str, Any]:
    """A module of these cells that puts out the bits `out`."""
    ports = {"out": {"direction": "output", "bits": out}, "clk": {"direction": "input", "bits": [CLOCK]}}
    return {"modules": {"top": {"ports": ports, "cells": cells}}}


def test_block_ram_takes_the_registers_of_all_its_bits():
    ram = block_ram([10, 11, 12])  # nothing reads the third
    design = netlist([20, 21], ram=ram, low=flip_flop(10, 20), high=flip_flop(11, 21))
    assert clock_limit(design, "top") == math.inf
    assert absorb_registers(design, "top") == 2
    assert list(design["modules"]["top"]["cells"]) == ["ram"]
    assert ram["parameters"]["REGMODE_A"] == "OUTREG"
    assert ram["parameters"]["REGMODE_B"] == "NOREG"
    assert [ram["connections"][f"DOA{place}"] for place in range(3)] == [[20], [21], [12]]
    assert clock_limit(design, "top") == RAM_MHZ


def test_multiplier_takes_the_register_of_its_product():
    product = multiplier([10, 11])
    design = netlist([20, 21], product=product, low=flip_flop(10, 20), high=flip_flop(11, 21))
    assert absorb_registers(design, "top") == 2
    assert list(design["modules"]["top"]["cells"]) == ["product"]
    assert product["parameters"]["REG_OUTPUT_CLK"] == "CLK0"
    assert product["connections"] == {"P0": [20], "P1": [21], "CLK0": [CLOCK], "CE0": ["1"], "RST0": ["0"]}
    assert product["port_directions"]["CLK0"] == "input"
    assert clock_limit(design, "top") == math.inf
    assert absorb_registers(design, "top") == 0


STAY = {
    "enable": {"CEMUX": "CE"},
    "reset": {"reset": ENABLE},
    "falling edge": {"CLKMUX": "INV"},
    "starts at one": {"REGSET": "SET"},
    "other clock": {"clk": OTHER_CLOCK},
}


@pytest.mark.parametrize("block", [block_ram, multiplier])
@pytest.mark.parametrize("changes", STAY.values(), ids=STAY)
def test_one_register_of_another_kind_keeps_all_outside(block, changes):
    cells = {"block": block([10, 11]), "low": flip_flop(10, 20), "high": flip_flop(11, 21, **changes)}
    design = netlist([20, 21], **cells)
    assert absorb_registers(design, "top") == 0
    assert set(design["modules"]["top"]["cells"]) == set(cells)


@pytest.mark.parametrize("block", [block_ram, multiplier])
def test_bit_that_something_else_reads_keeps_all_outside(block):
    registers = {"low": flip_flop(10, 20), "high": flip_flop(11, 21)}
    assert absorb_registers(netlist([20, 21, 11], block=block([10, 11]), **registers), "top") == 0
    registers["again"] = flip_flop(11, 22)
    assert absorb_registers(netlist([20, 21, 22], block=block([10, 11]), **registers), "top") == 0
    kept = flip_flop(10, 20)
    kept["attributes"]["keep"] = 1
    assert absorb_registers(netlist([20], block=block([10]), low=kept), "top") == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"RSTA": [ENABLE]},
        {"OCEA": [ENABLE]},
        {"CLKAMUX": "INV"},
        {"CLKA": [OTHER_CLOCK]},
        {"REGMODE_A": "OUTREG"},
        {"DATA_WIDTH_B": f"{36:032b}"},
    ],
)
def test_block_ram_whose_register_is_no_such_one_takes_none(changes):
    design = netlist([20], ram=block_ram([10], **changes), low=flip_flop(10, 20))
    assert absorb_registers(design, "top") == 0
