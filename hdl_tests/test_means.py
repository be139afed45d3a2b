"""Sums over the whole image, layer by layer: every beat and every predicted cycle, by equality."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.hardware.emit.hls import describe as describe_hls
from fpgaq.hardware.emit.hls import scheduled
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.schedule import Schedule, Target
from fpgaq.hardware.schedule.beats import predict_cycles
from fpgaq.hardware.schedule.memories import describe
from fpgaq.hardware.schedule.operator_plans import pipe_plan
from fpgaq.hardware.schedule.schedule import Edge
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import IntegerGraph, IntegerSumPooling, Requantize, Tensor
from fpgaq.proof.bench import bench_files
from fpgaq.proof.file_bench import run_file_bench
from hdl_tests.fuzz.ways import hls
from tests.support.fuzz.case import Case, connect, frames
from tests.support.output_folder import run_files

pytestmark = [pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"), pytest.mark.once]


def mean_network(shape: tuple[int, int, int], seed: int) -> IntegerGraph:
    """A sum over the whole image alone, formats and divisor by the seed."""
    chance = random.Random(seed)
    pixels, shift = shape[0] * shape[1], seed % 2
    source = Tensor("t0", shape, Format(chance.randint(2, 9), 7, signed=seed % 2 == 0))
    divisor = (pixels, 1, chance.randrange(3, 12, 2), chance.randrange(2, 12, 2))[seed // 2 % 4]
    rule = Requantize((shift,), ROUNDINGS[seed % 4], relu=seed % 5 == 0)
    op = IntegerSumPooling("sums", ("t0",), "t1", shape[:2], (1, 1), (0, 0, 0, 0), (divisor,), 64, rule)
    bounds = operator_bounds(op, source.format)
    op = replace(op, accumulator_width=bounds.width)
    # Most results tell a wrong sum, some saturate.
    fmt = Format(chance.choice([bounds.width, bounds.width, 4]), 7 - shift, signed=seed % 3 > 0)
    return connect(f"mean {seed}", [source, Tensor("t1", (1, 1, shape[2]), fmt)], [op])


def mean_schedule(graph: IntegerGraph, lanes: int, fifo_bits: int) -> Schedule:
    """Its hardware with so many lanes."""
    plan = replace(pipe_plan(graph, graph.operators[0], lanes), fifo_bits=fifo_bits)
    assert plan.kind == "mean"
    height, width, depth = graph.tensors["t0"].shape
    edges = (Edge("t0", 0, 0, lanes), Edge("t1", None, 0, lanes))
    beats = {"t0": height * width * -(-depth // lanes)}
    prediction = predict_cycles(describe(graph, [plan], edges, beats, ()))
    assert prediction is not None
    return Schedule((plan,), edges, {"t0": lanes, "t1": lanes}, (), beats, 1, 0, 1, prediction)


CASES = (
    # (shape, lanes): one to many beats a pixel, channels below, equal to and no multiple of the lanes
    ((1, 1, 1), 1), ((1, 1, 5), 2), ((1, 1, 4), 4), ((1, 7, 3), 3), ((6, 1, 2), 1), ((1, 2, 5), 2),
    ((3, 3, 7), 2), ((2, 3, 5), 1), ((3, 2, 13), 2), ((4, 4, 9), 1), ((2, 2, 3), 4), ((5, 3, 8), 4),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(CASES)))
def test_mean(number: int, tmp_path: Path) -> None:
    """Without gaps frame after frame in the predicted cycles; with gaps and stalls every beat, room always short."""
    shape, lanes = CASES[number]
    graph = mean_network(shape, number)
    inputs = {"t0": frames(graph.tensors["t0"], 4, number)}
    for seed, fifo_bits in ((None, 3 - number % 3), (number, 1)):
        schedule = mean_schedule(graph, lanes, fifo_bits)
        found = run_file_bench(graph, schedule, inputs, stall_seed=seed, workdir=tmp_path / str(seed))
        assert found.mismatch is None


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_means_in_hls(tmp_path: Path) -> None:
    """The same sums as beats come, without a line buffer, in C++."""
    cases = []
    for number, (shape, lanes) in enumerate(CASES):
        graph = mean_network(shape, number)
        cases.append(Case(graph, Target(multipliers=1), mean_schedule(graph, lanes, 2), number))
    several = next(case for case in cases if case.graph.tensors["t0"].shape[:2] != (1, 1))
    assert "total_of_image" in "".join(describe_hls(several.graph, scheduled(several.schedule)).calls)
    assert hls(cases, tmp_path) == [None] * len(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(64))
def test_means_of_any_kind(seed: int, tmp_path: Path) -> None:
    """Each rounding with each kind of divisor, signed and not, of random shapes."""
    chance = random.Random(seed)
    shape = (chance.randint(1, 5), chance.randint(1, 5), chance.randint(1, 12))
    graph = mean_network(shape, seed)
    schedule = mean_schedule(graph, chance.randint(1, shape[2] + 1), chance.randint(1, 4))
    stalls = seed if seed % 3 == 0 else None
    inputs = {"t0": frames(graph.tensors["t0"], 4, seed)}
    assert run_file_bench(graph, schedule, inputs, stall_seed=stalls, workdir=tmp_path).mismatch is None


@pytest.mark.parametrize(("shape", "lanes"), [((3, 2, 11), 2), pytest.param((2, 3, 4), 2, marks=pytest.mark.slow)])
def test_mean_after_a_reset_in_mid_frame(shape: tuple[int, int, int], lanes: int, tmp_path: Path) -> None:
    """The bench of a user resets in mid-frame and compares the frames after it: sums start anew."""
    graph = mean_network(shape, 8)
    design = design_of(graph, mean_schedule(graph, lanes, 2))
    outcome = run_files(tmp_path, {**print_design(design), **bench_files(graph, design.as_json(), design.interface())})
    assert outcome["status"] == 0, outcome["message"]
