"""Which flip-flops go into the blocks of an ECP5, and which stay where they are."""

import math
from typing import Any

import pytest

from fpgaq.hardware.synth.registers import PRODUCT_MHZ, RAM_MHZ, absorb_registers, clock_limit

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


def wide_ram(outputs: list[int], **changes: Any) -> dict[str, Any]:
    """A ROM of words of 36 bits as Yosys maps it: B reads, the low half of a word at A's pins."""
    half = len(outputs) // 2
    widths = {f"DATA_WIDTH_{side}": f"{36:032b}" for side in "AB"}
    ram = block_ram(outputs[:half], **{**widths, "CLKA": ["0"], "OCEA": ["0"], **changes})
    for place, bit in enumerate(outputs[half:]):
        ram["connections"][f"DOB{place}"] = [bit]
        ram["port_directions"][f"DOB{place}"] = "output"
    return ram


def test_words_of_both_ports_take_the_registers_of_both():
    ram = wide_ram([10, 11])
    design = netlist([20, 21], ram=ram, low=flip_flop(10, 20), high=flip_flop(11, 21))
    assert absorb_registers(design, "top") == 2
    assert list(design["modules"]["top"]["cells"]) == ["ram"]
    assert [ram["parameters"][f"REGMODE_{side}"] for side in "AB"] == ["OUTREG", "OUTREG"]
    assert [ram["connections"][f"OCE{side}"] for side in "AB"] == [["1"], ["1"]]
    assert (ram["connections"]["DOA0"], ram["connections"]["DOB0"]) == ([20], [21])
    assert clock_limit(design, "top") == RAM_MHZ


@pytest.mark.parametrize("changes", [{"OCEB": [ENABLE]}, {"RSTA": [ENABLE]}, {"CLKB": [OTHER_CLOCK]}])
def test_words_of_both_ports_stay_whole(changes):
    cells = {"low": flip_flop(10, 20), "high": flip_flop(11, 21)}
    assert absorb_registers(netlist([20, 21], ram=wide_ram([10, 11], **changes), **cells), "top") == 0
    # A bit that something else reads keeps the other half outside too.
    assert absorb_registers(netlist([20, 21, 11], ram=wide_ram([10, 11]), **cells), "top") == 0


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


def factors(product: dict[str, Any], first: list[Any], second: list[Any]) -> dict[str, Any]:
    """The multiplier with these bits as its factors."""
    for side, bits in (("A", first), ("B", second)):
        for place, bit in enumerate(bits):
            product["connections"][f"{side}{place}"] = [bit]
            product["port_directions"][f"{side}{place}"] = "input"
    return product


def test_multipliers_take_the_registers_of_their_factors():
    """Two that share a factor, of which a constant is a part; one register that something else reads stays as well."""
    one, two = factors(multiplier([10]), [30, "1"], [31]), factors(multiplier([11]), [30], [32])
    cells = {"low": flip_flop(10, 20), "high": flip_flop(11, 21)}
    cells |= {"shared": flip_flop(40, 30), "first": flip_flop(41, 31), "second": flip_flop(42, 32)}
    design = netlist([20, 21, 32], one=one, two=two, **cells)
    assert absorb_registers(design, "top") == 4
    assert set(design["modules"]["top"]["cells"]) == {"one", "two", "second"}
    assert [one["connections"][port] for port in ("A0", "A1", "B0")] == [[40], ["1"], [41]]
    assert [two["connections"][port] for port in ("A0", "B0")] == [[40], [42]]
    for product in (one, two):
        assert product["parameters"]["REG_INPUTA_CLK"] == product["parameters"]["REG_INPUTB_CLK"] == "CLK0"
    assert clock_limit(design, "top") == PRODUCT_MHZ


@pytest.mark.parametrize("changes", [{"CEMUX": "CE"}, {"reset": ENABLE}, {"clk": OTHER_CLOCK}])
def test_factors_without_registers_both_keep_theirs(changes):
    product = factors(multiplier([10]), [30], [31])
    cells = {"low": flip_flop(10, 20), "first": flip_flop(40, 30), "second": flip_flop(41, 31, **changes)}
    assert absorb_registers(netlist([20], product=product, **cells), "top") == 1
    assert "REG_INPUTA_CLK" not in product["parameters"]
    bare = factors(multiplier([10]), [30], [31])
    registers = {"first": flip_flop(40, 30), "second": flip_flop(41, 31)}
    assert absorb_registers(netlist([10], product=bare, **registers), "top") == 0


def test_a_register_before_that_of_a_factor_stays():
    product = factors(multiplier([10]), [30], [31])
    cells = {"low": flip_flop(10, 20), "first": flip_flop(40, 30), "second": flip_flop(30, 31)}
    design = netlist([20], product=product, **cells)
    assert absorb_registers(design, "top") == 2
    assert (product["connections"]["A0"], product["connections"]["B0"]) == ([40], [30])
    assert set(design["modules"]["top"]["cells"]) == {"product", "first"}


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
