"""The inventory of a design has the parts of its printed text, and is made without the text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.emit.design import Design
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.unrolled import unrolled_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.estimate.inventory import take_inventory
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.unrolled import Unrolling, plan_network
from tests.hardware.estimate import text_inventory
from tests.support.fuzz.networks import random_case
from tests.support.network_builder import NetworkBuilder


def read_back(design: Design):
    texts = {path.removeprefix("rtl/"): str(text) for path, text in print_design(design).items() if "rtl/" in path}
    return text_inventory.take_inventory(texts, design.top)


@pytest.mark.parametrize("first", range(0, 16, 4))
def test_a_design_is_what_its_text_says(first: int) -> None:
    for seed in range(first, first + 4):
        case = random_case(seed)
        for built in ({}, {"factor_bits": 18}, {"logic_bits": 32}):
            design = design_of(case.graph, replace(case.schedule, **built))
            assert take_inventory(design) == read_back(design), seed


def test_adders_and_unrolled_networks_too() -> None:
    network = NetworkBuilder(5, (8, 8, 2), Format(8, 7, False)).convolution(3).pool().affine(4).graph()
    schedule = make_schedule(network, Target(multipliers=10_000, sharing=False, adders=True))
    perceptron = NetworkBuilder(4, (1, 1, 6), Format(8, 7, False)).affine(7, per_channel=True).affine(3).graph()
    plans = [plan_network(perceptron, Unrolling(tables=tables)) for tables in (4, 6)]
    for design in (design_of(network, schedule), *(unrolled_design(perceptron, plan) for plan in plans)):
        assert take_inventory(design) == read_back(design)


def test_deep_roms_too() -> None:
    network = NetworkBuilder(5, (1, 1, 1100), Format(8, 0, False)).affine(27).graph()
    design = design_of(network, make_schedule(network, Target(multipliers=1)))
    assert len(design.roms[0].banks) == 4
    assert take_inventory(design) == read_back(design)
