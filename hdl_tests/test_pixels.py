"""Networks that take and give several pixels a beat: every beat and every predicted cycle, by equality."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fpgaq import pipeline
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.lowering.wide import WideGraph
from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.proof.file_bench import run_file_bench
from hdl_tests.fuzz.pixels import prove, random_case
from tests.support.network_builder import NetworkBuilder

pytestmark = [pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"), pytest.mark.once]

QUICK, ALL = 4, 60
SEEDS = [seed if seed < QUICK else pytest.param(seed, marks=pytest.mark.slow) for seed in range(ALL)]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks(seed: int, tmp_path: Path) -> None:
    case = random_case(seed)
    assert not case.refused or "multipliers" in case.refused, case.refused
    if not case.refused:
        assert prove(case, seed, tmp_path) is None


def chain() -> NetworkBuilder:
    """Rows of four pixels: a convolution with stride, a pooling, one more window after the other, and a matrix."""
    builder = NetworkBuilder(3, (64, 4, 1), Format(6, 3)).convolution(3, (5, 1), (3, 1)).pool((2, 1), (2, 1))
    return builder.convolution(2, (3, 1), (3, 1)).affine(2, relu=False)


def test_a_frame_is_as_fast_as_its_pixels_come(tmp_path: Path) -> None:
    graph = chain().graph()
    narrow = plan_hardware(graph, Target(multipliers=1 << 20, sharing=False, adders=True))[1]
    assert narrow.prediction.interval == narrow.limit == 256
    target = Target(multipliers=1 << 20, sharing=False, adders=True, pixels=24)
    built, schedule = plan_hardware(graph, target)
    # 256 pixels in beats of 24, the last one of 16.
    assert schedule.limit == schedule.input_beats["t0"] == 11
    assert schedule.prediction.interval is not None and schedule.prediction.interval <= 14
    assert isinstance(built, WideGraph) and built.maxima
    result = run_file_bench(built, schedule, dict(graph.samples), workdir=tmp_path)
    assert result.mismatch is None and result.interval == schedule.prediction.interval


def test_windows_one_after_another_share_their_adders(tmp_path: Path) -> None:
    graph = chain().graph()
    built, schedule = plan_hardware(graph, Target(cycles=14, sharing=False, adders=True, pixels=24))
    assert isinstance(built, WideGraph) and built.repeated == ("layer2",)
    engine = next(engine for engine in schedule.engines if engine.layers == ("layer2",))
    assert engine.adders and (engine.products, engine.outputs) == (9, 2)
    assert run_file_bench(built, schedule, dict(graph.samples), workdir=tmp_path).mismatch is None


@pytest.mark.slow
def test_a_folder_behind_a_bus(tmp_path: Path) -> None:
    graph = NetworkBuilder(4, (5, 3, 2), Format(6, 3)).convolution(2, padding=(1, 1, 1, 1)).graph()
    target = Target(multipliers=64, pixels=4, output_pixels=2)
    result = pipeline.generate(graph, tmp_path / "out", target, wish=Wish(64, False, None))
    interface = json.loads((tmp_path / "out" / "interface.json").read_text())
    ports = [interface["inputs"][0], interface["outputs"][0]]
    assert [(port["shape"], port["pixels"], port["lanes"], port["beats_per_frame"]) for port in ports] == [
        ([5, 3, 2], 4, 8, 4), ([5, 3, 2], 2, 4, 8),
    ]  # fmt: skip
    found = pipeline.simulate(tmp_path / "out")
    assert found.interval_cycles == result.schedule.prediction.interval
    assert found.wrapper is not None
