"""Unrolled networks through their own bench: every beat and every predicted cycle, by equality."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.hardware.emit.unrolled import unrolled_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.unrolled import Unrolling, plan_network
from fpgaq.integer.graph import IntegerGraph
from fpgaq.pipeline.hardware_files import with_bench
from fpgaq.proof.lint import lint
from tests.support.network_builder import NetworkBuilder
from tests.support.output_folder import Files, change_text, run_files

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


def unrolled_files(graph: IntegerGraph, unrolling: Unrolling) -> Files:
    return with_bench(graph, unrolled_design(graph, plan_network(graph, unrolling)), graph.samples)


def prove(directory: Path, graph: IntegerGraph, unrolling: Unrolling) -> None:
    outcome = run_files(directory, unrolled_files(graph, unrolling))
    assert outcome["status"] == 0, outcome["message"]


def build(seed: int, size: int, width: int = 8, signed: bool = False) -> NetworkBuilder:
    return NetworkBuilder(seed, (1, 1, size), Format(width, 7, signed))


NETWORKS = {
    "one layer": lambda: build(1, 7).affine(5, requantize=False),
    "one weight": lambda: build(2, 1).affine(1, requantize=False),
    "signed input": lambda: build(3, 5, 8, signed=True).affine(6).affine(3, requantize=False),
    "per channel": lambda: build(4, 6).affine(7, per_channel=True).affine(5, per_channel=True),
    "narrow input": lambda: build(5, 9, 3).affine(6).affine(6).affine(2, requantize=False),
    "requantized at the end": lambda: build(6, 6).affine(4).affine(4, relu=False),
}


ON_EVERY_PYTHON = ("signed input", "per channel", "narrow input")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ON_EVERY_PYTHON else pytest.mark.once) for name in NETWORKS]
)
def test_network(name: str, tmp_path: Path) -> None:
    prove(tmp_path, NETWORKS[name]().graph(), Unrolling(levels=1 + len(name) % 3))


@pytest.mark.once
@pytest.mark.parametrize("name", ["signed input", "per channel"])
def test_shallow(name: str, tmp_path: Path) -> None:
    prove(tmp_path, NETWORKS[name]().graph(), Unrolling(stages=5, shallow=True))


@pytest.mark.once
@pytest.mark.parametrize("name", NETWORKS)
def test_words_for_tables_of_four_inputs(name: str, tmp_path: Path) -> None:
    prove(tmp_path, NETWORKS[name]().graph(), Unrolling(levels=1 + len(name) % 4, tables=4))


@pytest.mark.once
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounding(rounding: str, narrow: bool, tmp_path: Path) -> None:
    builder = build(40, 5).affine(5, relu=False, per_channel=True, rounding=rounding, narrow=narrow)
    prove(tmp_path, builder.affine(4, relu=False, rounding=rounding, narrow=narrow).graph(), Unrolling())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_perceptrons(seed: int, tmp_path: Path) -> None:
    builder = build(100 + seed, 4 + seed, 4 + seed % 6, signed=seed % 2 == 1)
    for size in range(seed % 4):
        builder = builder.affine(3 + 2 * size, relu=seed % 3 > 0)
    prove(tmp_path, builder.affine(3, requantize=seed % 5 > 0).graph(), Unrolling(stages=6 + seed))


CONVOLUTIONS = {
    "convolution": lambda: NetworkBuilder(31, (6, 7, 2), Format(8, 7, False)).convolution(3, padding=(1, 1, 1, 1)),
    "signs": lambda: NetworkBuilder(32, (7, 6, 1)).convolution(4, (2, 3), relu=False, per_channel=True),
    "one tap": lambda: NetworkBuilder(33, (4, 4, 3)).convolution(2, kernel=(1, 1)),
    "two layers": lambda: NetworkBuilder(34, (8, 8, 1)).convolution(4).pool().convolution(3, kernel=(2, 2)),
}


def folded_files(graph: IntegerGraph) -> Files:
    """A frame as fast as its pixels come, adders where all weights are used in every cycle."""
    schedule = make_schedule(graph, Target(multipliers=10_000, sharing=False, adders=True))
    assert any(engine.adders for engine in schedule.engines)
    return with_bench(graph, design_of(graph, schedule), graph.samples)


@pytest.mark.once
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_kernel_of_adders_behind_a_line_buffer(name: str, tmp_path: Path) -> None:
    outcome = run_files(tmp_path, folded_files(CONVOLUTIONS[name]().graph()))
    assert outcome["status"] == 0, outcome["message"]


FAULTS = {
    "lost carry": ("{plain, carry} -", "{plain, 1'b0 & carry} -"),
    "one too many": ("{plain, carry} +", "2'd2 + {plain, carry} +"),
    "wrong parity": (", ^bits}", ", |bits}"),
}


@pytest.mark.mutants
@pytest.mark.once
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_adder_is_found(fault: str, tmp_path: Path) -> None:
    files = unrolled_files(build(7, 6).affine(5).affine(3, requantize=False).graph(), Unrolling())
    outcome = run_files(tmp_path, change_text(files, dict([FAULTS[fault]])))
    assert outcome["status"] != 0
    assert "layer" in outcome["message"]


@pytest.mark.mutants
@pytest.mark.once
def test_a_broken_sum_of_words_is_found(tmp_path: Path) -> None:
    files = unrolled_files(build(7, 6).affine(5).affine(3, requantize=False).graph(), Unrolling(tables=4))
    outcome = run_files(tmp_path, change_text(files, {"first - second": "second - first"}))
    assert outcome["status"] != 0
    assert "layer" in outcome["message"]


@pytest.mark.mutants
@pytest.mark.once
def test_a_broken_adder_behind_a_line_buffer_is_found(tmp_path: Path) -> None:
    files = folded_files(CONVOLUTIONS["convolution"]().graph())
    outcome = run_files(tmp_path, change_text(files, dict([FAULTS["lost carry"]])))
    assert outcome["status"] != 0


@pytest.mark.once
@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="needs pyosys")
@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("per channel", 6),
        ("narrow input", 6),
        ("per channel", 4),
        ("signed input", 4),
        ("convolution", 6),
        ("signs", 6),
    ],
)
def test_no_linter_says_anything(name: str, tables: int, tmp_path: Path) -> None:
    folded = name in CONVOLUTIONS
    graph = (CONVOLUTIONS if folded else NETWORKS)[name]().graph()
    files = folded_files(graph) if folded else unrolled_files(graph, Unrolling(tables=tables))
    for path, content in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    assert lint(tmp_path) == ()
