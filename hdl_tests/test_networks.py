"""Chosen networks through schedule, Verilog and bench: every beat and every predicted cycle, by equality."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.hardware.emit import roms
from fpgaq.integer.graph import IntegerGraph
from tests.support.integer_operators import residual_network
from tests.support.network_builder import NetworkBuilder
from tests.support.output_folder import make_files, run_files

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


def prove(directory: Path, graph: IntegerGraph, multipliers: int) -> None:
    outcome = run_files(directory, make_files(graph, multipliers))
    assert outcome["status"] == 0, outcome["message"]


def build(seed: int, shape: tuple[int, int, int], width: int = 8, signed: bool = True) -> NetworkBuilder:
    return NetworkBuilder(seed, shape, Format(width, 7, signed))


NETWORKS = {
    "one affine layer": lambda: build(1, (1, 1, 7)).affine(5, requantize=False),
    "one element": lambda: build(2, (1, 1, 1)).affine(1, requantize=False),
    "1x1 image, padded": lambda: build(3, (1, 1, 2)).convolution(3, (3, 3), padding=(1, 1, 1, 1)),
    "one row": lambda: build(4, (1, 9, 2)).convolution(3, (1, 3), padding=(0, 0, 1, 1)),
    "one column": lambda: build(5, (9, 1, 2)).convolution(3, (3, 1), padding=(1, 1, 0, 0)),
    "dilation": lambda: build(6, (9, 8, 2)).convolution(3, (3, 2), dilation=(2, 3)),
    "dilation, padded": lambda: build(7, (7, 7, 2)).convolution(3, (3, 3), dilation=(2, 2), padding=(2, 2, 2, 2)),
    "stride over kernel": lambda: build(8, (9, 9, 2)).convolution(3, (2, 2), stride=(4, 3)),
    "unequal padding": lambda: build(9, (6, 5, 2)).convolution(3, (4, 3), padding=(2, 1, 0, 2)),
    "even kernel, same size": lambda: build(10, (6, 6, 2)).convolution(3, (2, 4), padding=(0, 1, 1, 2)),
    "depthwise": lambda: build(11, (6, 6, 5)).convolution(5, groups=5, padding=(1, 1, 1, 1)).affine(3),
    "depthwise, two each": lambda: build(12, (6, 6, 3)).convolution(6, groups=3, padding=(1, 1, 1, 1)),
    "groups": lambda: build(13, (6, 6, 6)).convolution(4, groups=2).convolution(6, groups=2),
    "pool, padded, strided": lambda: build(14, (9, 9, 3)).pool((3, 3), (2, 2), (1, 1, 1, 1)).pool((2, 3), (1, 2)),
    "relu alone": lambda: build(15, (3, 4, 3)).relu(),
    "relu between": lambda: build(16, (5, 5, 2)).convolution(3, relu=False).relu().affine(4, requantize=False),
    "per channel": lambda: build(17, (6, 6, 3)).convolution(7, per_channel=True).affine(9, per_channel=True),
    "unsigned input": lambda: build(18, (6, 6, 1), 8, signed=False).convolution(4).affine(3),
    "wide": lambda: build(19, (4, 4, 3), 16).convolution(4, relu=False).affine(3, requantize=False),
    "like LeNet": lambda: build(20, (12, 12, 1)).convolution(4, (5, 5)).pool().convolution(6, (3, 3)).pool().affine(8)
    .affine(10, requantize=False),
}  # fmt: skip


ON_EVERY_PYTHON = ("depthwise, two each", "unsigned input")
"""The bench that a user gets runs inside the simulator: two networks on each Python, the others on the first."""


def marks_of(name: str) -> tuple[pytest.MarkDecorator, ...]:
    if name == "like LeNet":
        return (pytest.mark.once, pytest.mark.slow)
    return () if name in ON_EVERY_PYTHON else (pytest.mark.once,)


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks_of(name)) for name in NETWORKS])
def test_network(name: str, tmp_path: Path) -> None:
    prove(tmp_path, NETWORKS[name]().graph(), 40 if len(name) % 2 else 8)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "factor_bits"), [("unsigned input", 25), ("per channel", 27), ("like LeNet", 18), ("groups", 48)]
)
def test_packed_multipliers(name: str, factor_bits: int, tmp_path: Path) -> None:
    """Outputs that share multipliers compute the same in the same cycles."""
    files = make_files(NETWORKS[name]().graph(), 40, factor_bits=factor_bits)
    packed = [int(part) for text in files.values() for part in re.findall(r"\.PACKED\((\d+)\)", str(text))]
    assert max(packed) > 1 or factor_bits == 18
    outcome = run_files(tmp_path, files)
    assert outcome["status"] == 0, outcome["message"]


@pytest.mark.once
@pytest.mark.parametrize("name", [pytest.param("per channel", marks=pytest.mark.slow), "groups"])
def test_products_in_logic(name: str, tmp_path: Path) -> None:
    """Sums of digits are what multipliers compute, in the same cycles."""
    files = make_files(NETWORKS[name]().graph(), 40, logic_bits=32)
    assert "rtl/fpgaq_digits.v" in files and "rtl/fpgaq_mac.v" not in files
    outcome = run_files(tmp_path, files)
    assert outcome["status"] == 0, outcome["message"]


@pytest.mark.once
@pytest.mark.parametrize(
    "layers", [pytest.param("two convolutions and an affine layer", marks=pytest.mark.slow), "a convolution"]
)
def test_weights_in_banks(layers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Banks give a word a cycle later; no schedule differs for that, whether layers share the multiplier or not."""
    monkeypatch.setattr(roms, "CASE_LIMIT", 8)
    monkeypatch.setattr(roms, "BANK_WORDS", (64, 32, 16))
    monkeypatch.setattr(roms, "BANK_WIDTH", 9)
    builder = build(22, (6, 5, 3)).convolution(7, per_channel=True)
    if layers != "a convolution":
        builder = builder.convolution(4, (2, 2)).affine(3)
    files = make_files(builder.graph(), 1)
    (rom,) = (text for path, text in files.items() if path.endswith("_weights.v"))
    assert "is in `data` in t + 2" in str(rom)
    assert run_files(tmp_path, files)["status"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("multipliers", [6, 50])
def test_branches(multipliers: int, tmp_path: Path) -> None:
    """Every operator, two inputs, three outputs."""
    prove(tmp_path, residual_network(multipliers), multipliers)


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("multipliers", [1, 4, 100])
@pytest.mark.parametrize("name", NETWORKS)
def test_network_at_other_budgets(name: str, multipliers: int, tmp_path: Path) -> None:
    prove(tmp_path, NETWORKS[name]().graph(), multipliers)


@pytest.mark.once
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounding(rounding: str, narrow: bool, tmp_path: Path) -> None:
    builder = build(40, (5, 5, 3)).convolution(6, relu=False, per_channel=True, rounding=rounding, narrow=narrow)
    prove(tmp_path, builder.affine(20, relu=False, rounding=rounding, narrow=narrow).graph(), 30)
