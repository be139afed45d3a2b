"""Shuffles of channels as wires: every beat and every predicted cycle, by equality, with and without stalls."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.integer.graph import IntegerConvolution, IntegerTranspose
from fpgaq.proof.file_bench import run_file_bench
from tests.support.shuffles import between_groups, shuffled

pytestmark = [pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"), pytest.mark.once]

ALONE = [
    # parts, (height, width, channels), bits: whole pixels; blocks, of which a beat has some; blocks of one channel.
    (2, (3, 2, 8), 8), (3, (1, 2, 192), 8), pytest.param(2, (2, 1, 134), 8, marks=pytest.mark.slow),
    pytest.param(4, (1, 1, 12), 16, marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "shape", "bits"), ALONE)
def test_a_shuffle_alone(parts: int, shape: tuple[int, int, int], bits: int, tmp_path: Path) -> None:
    graph = shuffled(parts, shape, Format(bits, 3))
    built, schedule = plan_hardware(graph, Target(multipliers=4))
    for stall_seed in (None, 1):
        folder = tmp_path / str(stall_seed)
        folder.mkdir()
        result = run_file_bench(built, schedule, dict(graph.samples), stall_seed=stall_seed, workdir=folder)
        assert result.mismatch is None
        assert stall_seed is not None or result.interval == schedule.prediction.interval


WITH_MULTIPLIERS = [
    # channels, groups, multipliers
    (8, 2, 64), (24, 3, 64), pytest.param(8, 2, 16, marks=pytest.mark.slow),
    pytest.param(24, 4, 16, marks=pytest.mark.slow),
    pytest.param(192, 3, 256, marks=pytest.mark.slow), pytest.param(134, 2, 64, marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize(("channels", "groups", "multipliers"), WITH_MULTIPLIERS)
def test_between_grouped_convolutions(channels: int, groups: int, multipliers: int, tmp_path: Path) -> None:
    graph = between_groups(channels, groups, (4, 4) if channels < 100 else (2, 1))
    assert sum(isinstance(op, IntegerConvolution) for op in graph.operators) == 2
    built, schedule = plan_hardware(graph, Target(multipliers=multipliers))
    assert any(isinstance(op, IntegerTranspose) and op.view for op in built.operators)
    assert channels > 100 or schedule.efficiency > 0.9
    result = run_file_bench(built, schedule, dict(graph.samples), workdir=tmp_path)
    assert result.mismatch is None and result.interval == schedule.prediction.interval
