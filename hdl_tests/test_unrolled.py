"""Unrolled networks through their own bench: every beat and every predicted cycle, by equality."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from network_builder import NetworkBuilder
from output_folder import Files, change_text, run_files

from fpgaq.emit.unrolled import emit_unrolled
from fpgaq.formats import ROUNDINGS, Format
from fpgaq.integer_graph import IntegerGraph
from fpgaq.unrolled import Unrolling, plan_network
from fpgaq.verify.bench import bench_files
from fpgaq.verify.lint import lint

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


def unrolled_files(graph: IntegerGraph, unrolling: Unrolling) -> Files:
    files: Files = dict(emit_unrolled(graph, plan_network(graph, unrolling)))
    manifest, interface = (json.loads(files[name]) for name in ("manifest.json", "interface.json"))
    return {**files, **bench_files(graph, manifest, interface)}


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


@pytest.mark.parametrize("name", NETWORKS)
def test_network(name: str, tmp_path: Path) -> None:
    prove(tmp_path, NETWORKS[name]().graph(), Unrolling(levels=1 + len(name) % 3))


@pytest.mark.parametrize("name", ["signed input", "per channel"])
def test_shallow(name: str, tmp_path: Path) -> None:
    prove(tmp_path, NETWORKS[name]().graph(), Unrolling(stages=5, shallow=True))


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


def test_a_lost_carry_is_found(tmp_path: Path) -> None:
    files = unrolled_files(build(7, 6).affine(5).affine(3, requantize=False).graph(), Unrolling())
    broken = change_text(files, {"{plain, carry} -": "{plain, 1'b0 & carry} -"})
    outcome = run_files(tmp_path, broken)
    assert outcome["status"] != 0
    assert "layer" in outcome["message"]


@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="needs pyosys")
@pytest.mark.parametrize("name", ["per channel", "narrow input"])
def test_no_linter_says_anything(name: str, tmp_path: Path) -> None:
    for path, content in unrolled_files(NETWORKS[name]().graph(), Unrolling()).items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    assert lint(tmp_path) == ()
