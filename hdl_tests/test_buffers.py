"""The two least sizes of line buffers and queues, by the beat model and in simulation: one word less stops or slows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from fpgaq.hardware.schedule import Schedule, Target, WindowPlan, make_schedule
from fpgaq.hardware.schedule.beats import BeatNetwork, keeps_interval, predict_cycles
from fpgaq.hardware.schedule.buffers import least_size, report_buffers, with_line_buffer, with_queue
from fpgaq.hardware.schedule.memories import describe
from fpgaq.hardware.schedule.walk import least_words
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.file_bench import run_file_bench
from tests.support.fuzz.case import frames
from tests.support.known_networks import build, skip

pytestmark = [
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"),
    pytest.mark.once,
]

Resize = Callable[[BeatNetwork, int], BeatNetwork]


def simulated(graph: IntegerGraph, schedule: Schedule, network: BeatNetwork, folder: Path) -> str | None:
    """The fault of a schedule's hardware with the memories of `network`, compared with its cycles; None without one."""
    predicted = predict_cycles(network)
    smaller = replace(
        schedule,
        plans=network.plans,
        edges=network.edges,
        # A network that stops has no cycles of its own: the simulation waits for those of the whole one.
        prediction=predicted or schedule.prediction,
    )
    inputs = {"t0": frames(graph.tensors["t0"], 3, 5)}
    return run_file_bench(graph, smaller, inputs, workdir=folder).mismatch


def prove_sizes(graph: IntegerGraph, schedule: Schedule, resized: Resize, live: int, built: int, folder: Path) -> None:
    """Live and full-rate sizes of one memory, both as predicted; one word less stops, or slows to what is predicted."""
    network = describe(graph, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)
    interval = schedule.prediction.mean_interval
    full = least_size(lambda words: keeps_interval(resized(network, words), interval), live, built)
    for words in sorted({live, full}):
        assert simulated(graph, schedule, resized(network, words), folder / f"words_{words}") is None
    if live > 1:
        assert predict_cycles(resized(network, live - 1)) is None
        found = simulated(graph, schedule, resized(network, live - 1), folder / "stopped")
        assert found is not None and "stuck" in found
    if full > live:
        slower = predict_cycles(resized(network, full - 1))
        assert slower is not None and slower.mean_interval > interval
        assert simulated(graph, schedule, resized(network, full - 1), folder / "slower") is None


@cache
def network_of(name: str) -> tuple[IntegerGraph, Schedule]:
    """A padded chain with a pool, or a skip connection over two convolutions."""
    graph = skip() if name == "skip" else build((12, 12, 1), [("conv", 3, 4, 1), ("pool", 2), ("conv", 5, 4, 0)])
    return graph, make_schedule(graph, Target(multipliers=20, sharing=False))


@pytest.mark.parametrize(("name", "layer"), [("chain", 0), ("chain", 1), ("chain", 2), ("skip", 1)])
def test_least_line_buffers(name: str, layer: int, tmp_path: Path) -> None:
    graph, schedule = network_of(name)
    plan = schedule.plans[layer]
    assert isinstance(plan, WindowPlan)
    prove_sizes(
        graph,
        schedule,
        lambda network, words: with_line_buffer(network, layer, words),
        least_words(plan.walk),
        plan.capacity,
        tmp_path,
    )


QUEUES = ("conv1", "add")


@pytest.mark.parametrize("queue", [0, pytest.param(1, marks=pytest.mark.slow)], ids=QUEUES)
def test_least_queues(queue: int, tmp_path: Path) -> None:
    """The queue parallel to two convolutions must hold what they have in them, or nothing moves any more."""
    graph, schedule = network_of("skip")
    reports = [report for report in report_buffers(graph, schedule) if report.kind == "queue"]
    places = [place for place, edge in enumerate(schedule.edges) if edge.queue_bits is not None]
    assert [report.operator for report in reports] == list(QUEUES) and len(places) == len(QUEUES)
    assert reports[1].live_words > 10, "the skip connection's queue is what this test is about"
    place, report = places[queue], reports[queue]
    assert report.live_words <= report.full_rate_words <= report.words
    prove_sizes(
        graph,
        schedule,
        lambda network, words: with_queue(network, place, words),
        report.live_words,
        report.words,
        tmp_path,
    )
