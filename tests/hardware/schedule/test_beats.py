"""The beat model: deadlocks, the worth of every word of memory, and its own consistency.

That its cycles are those of the hardware is what the benches in hdl_tests hold it to.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest

from fpgaq.hardware.schedule import (
    PipePlan,
    Schedule,
    Target,
    WindowPlan,
    make_schedule,
    pipe_processes,
    times,
    window_processes,
)
from fpgaq.hardware.schedule.beats import BeatModel, BeatNetwork, keeps_interval, predict_cycles
from fpgaq.hardware.schedule.memories import describe
from fpgaq.hardware.schedule.pipe_processes import PipeProcess
from fpgaq.hardware.schedule.processes import SourceProcess
from fpgaq.hardware.schedule.times import Patience
from fpgaq.hardware.schedule.walk import least_words
from fpgaq.integer.graph import IntegerGraph
from tests.support.fuzz.networks import random_case
from tests.support.integer_networks import convolution_network
from tests.support.known_networks import lenet, same_padded, skip
from tests.support.network_shapes import Shape

SEEDS = range(40)


def network_of(graph: IntegerGraph, schedule: Schedule) -> BeatNetwork:
    return describe(graph, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)


def with_plan(network: BeatNetwork, index: int, **changes: object) -> BeatNetwork:
    plans = list(network.plans)
    plans[index] = replace(plans[index], **changes)  # type: ignore[arg-type]
    return replace(network, plans=tuple(plans))


def with_queue(network: BeatNetwork, index: int, bits: int) -> BeatNetwork:
    edges = list(network.edges)
    edges[index] = replace(edges[index], queue_bits=bits)
    return replace(network, edges=tuple(edges))


@pytest.mark.parametrize("seed", SEEDS)
def test_memories_are_the_least(seed: int) -> None:
    """Half of any memory deadlocks or costs cycles; the least that is live never deadlocks."""
    case = random_case(seed)
    network, interval = network_of(case.graph, case.schedule), case.schedule.prediction.mean_interval
    assert keeps_interval(network, interval)
    for index, plan in enumerate(network.plans):
        if isinstance(plan, WindowPlan):
            live = least_words(plan.walk)
            assert predict_cycles(with_plan(network, index, capacity_words=live)) is not None
            if live > 1:
                assert predict_cycles(with_plan(network, index, capacity_words=live - 1)) is None
            if plan.address_bits > 1 and 1 << (plan.address_bits - 1) >= live:
                assert not keeps_interval(with_plan(network, index, address_bits=plan.address_bits - 1), interval)
        least = plan.group_beats if isinstance(plan, WindowPlan) else 1
        if plan.fifo_bits > 1 and 1 << (plan.fifo_bits - 1) >= least:
            assert not keeps_interval(with_plan(network, index, fifo_bits=plan.fifo_bits - 1), interval)
    for index, edge in enumerate(network.edges):
        if edge.queue_bits is not None and edge.queue_bits > 1:
            assert not keeps_interval(with_queue(network, index, edge.queue_bits - 1), interval)


@pytest.mark.parametrize("seed", SEEDS)
def test_times_are_those_of_handshakes(seed: int) -> None:
    """Every frame ends after the one before, and the prediction is what the times say."""
    case = random_case(seed)
    schedule, network = case.schedule, network_of(case.graph, case.schedule)
    model, prediction = BeatModel(network), schedule.prediction
    for count in range(1, prediction.frames + 1):
        assert model.add_frame()
        assert len(model.frame_ends()) == count
    ends = model.frame_ends()
    assert all(early < late for early, late in zip(ends, ends[1:], strict=False))
    assert ends[0] - model.first_input == prediction.latency
    if prediction.interval is not None:
        assert ends[-1] - ends[-2] == ends[-2] - ends[-3] == prediction.interval == prediction.mean_interval
        busy = [plan.cycles if isinstance(plan, WindowPlan) else 0 for plan in schedule.plans]
        assert prediction.interval >= max(*busy, *network.input_beats.values(), *network.output_beats.values())


@pytest.mark.parametrize("seed", range(12))
def test_times_by_arrays_and_by_loops_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every beat leaves every producer at the same time, however many events are computed at once."""
    case = random_case(seed)
    network, found = network_of(case.graph, case.schedule), []
    for long in (2, 16, 1 << 60):
        monkeypatch.setattr(window_processes, "LONG", long)
        model = BeatModel(network)
        for _ in range(3):
            assert model.add_frame()
        found.append(model.departures)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("fewer", [0, 1])
def test_looking_ahead_changes_no_time(fewer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups and phases that start as if there was room start when they do one by one; deadlocks too."""
    monkeypatch.setattr(times, "SHORT", 1)
    enough, kept = Patience.enough, []

    def counted(patience: Patience, found: int) -> bool:
        kept.append(enough(patience, found))
        return kept[-1]

    monkeypatch.setattr(Patience, "enough", counted)
    for seed in range(12, 24):
        case = random_case(seed)
        network, found = network_of(case.graph, case.schedule), []
        smaller = tuple(replace(plan, fifo_bits=max(1, plan.fifo_bits - fewer)) for plan in network.plans)
        for long in (2, 5, 1 << 60):
            monkeypatch.setattr(window_processes, "LONG", long)
            model = BeatModel(replace(network, plans=smaller))
            ended = [model.add_frame() for _ in range(3)]
            found.append((ended, model.departures))
        assert found[0] == found[1] == found[2], seed
    assert sum(kept) > 100


@pytest.mark.parametrize("long", [2, 1 << 60])
def test_results_before_their_room_is_known_change_no_time(long: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a FIFO delays that passes a beat a cycle would only have waited in it, as phase by phase."""
    for seed in range(6):
        case = random_case(seed)
        network, found = network_of(case.graph, case.schedule), []
        for index, edge in enumerate(network.edges):
            network = network if edge.queue_bits is None else with_queue(network, index, edge.queue_bits + seed % 2)
        for free in (pipe_processes.FREE_FIFO, 1 << 60):
            monkeypatch.setattr(pipe_processes, "FREE_FIFO", free)
            monkeypatch.setattr(window_processes, "LONG", long if free == 1 else 1 << 60)
            model = BeatModel(network)
            for _ in range(4):
                assert model.add_frame()
            found.append(model.departures)
        monkeypatch.setattr(pipe_processes, "FREE_FIFO", 1)
        assert found[0] == found[1], seed


def test_tight_queues_pass_beats_as_if_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues of one, two and more words, in whose reader's room forks look ahead."""
    tried = 0
    for seed in range(12):
        case = random_case(seed)
        network = network_of(case.graph, case.schedule)
        for index, edge in enumerate(network.edges):
            if edge.queue_bits is None or network.events > 2000:
                continue
            for words in (1, 2, 3):
                edges = list(network.edges)
                edges[index] = replace(edge, queue_words=words)
                found = []
                for long in (2, 1 << 60):
                    monkeypatch.setattr(window_processes, "LONG", long)
                    model = BeatModel(replace(network, edges=tuple(edges)))
                    ended = [model.add_frame() for _ in range(3)]
                    found.append((ended, model.departures if all(ended) else []))
                assert found[0] == found[1], (seed, index, words)
                tried += all(found[0][0])
    assert tried > 2


def test_one_more_frame_per_interval_is_refused() -> None:
    graph = same_padded()
    network = network_of(graph, make_schedule(graph, Target(multipliers=64, sharing=False)))
    assert keeps_interval(network, 4704)
    assert not keeps_interval(network, 4703)


def test_a_skip_waits_in_its_queue() -> None:
    """The queue of the short way holds what the long way still works on: less deadlocks, half of it costs the rate."""
    graph = skip()
    schedule = make_schedule(graph, Target(multipliers=20, sharing=False))
    network = network_of(graph, schedule)
    short = next(i for i, edge in enumerate(network.edges) if edge.tensor == "t1" and edge.reader == 3)
    bits = network.edges[short].queue_bits
    assert bits is not None and bits > 4
    interval = schedule.prediction.mean_interval
    assert keeps_interval(network, interval)
    outcomes = [predict_cycles(with_queue(network, short, less)) for less in range(1, bits)]
    assert outcomes[0] is None
    assert all(found is None or found.mean_interval > interval for found in outcomes)
    # A way without any window in between needs next to nothing.
    assert max(edge.queue_bits or 0 for edge in network.edges if edge.reader != 3) <= 2


def test_a_single_window_by_hand() -> None:
    """A 1x1 convolution on one pixel: a word, a step, the pipeline, the FIFO; each end counted by hand."""
    graph = convolution_network(size=(1, 1), channels=1, outputs=1, kernel=(1, 1), padding=(0, 0, 0, 0))
    schedule = make_schedule(graph, Target(multipliers=1))
    plan = schedule.plans[0]
    assert isinstance(plan, WindowPlan) and plan.steps == 1 and plan.result_latency == 4 + 2 + 1 + 1 + 2
    # Taken in cycle 0, started in 1, the step in 2, its result written after the pipeline, offered two later.
    assert schedule.prediction.latency == 1 + 1 + plan.result_latency + 2
    assert schedule.prediction.interval == 1


def test_rows_of_the_second_buffer_buy_the_rate() -> None:
    """An unpadded 5x5 after a pool: nine of its twelve rows for the full rate, six cost a fifth of it."""
    graph = lenet()
    schedule = make_schedule(graph, Target(multipliers=64, sharing=False))
    network, plan = network_of(graph, schedule), schedule.plans[2]
    assert isinstance(plan, WindowPlan) and plan.image == (12, 12, 8)
    row = plan.image[1] * plan.words_per_pixel

    def interval(rows: int) -> float:
        prediction = predict_cycles(with_plan(network, 2, capacity_words=rows * row))
        assert prediction is not None
        return prediction.mean_interval

    assert interval(9) == interval(10) == interval(12) == 5760
    assert interval(8) > 5760
    assert 1.15 < interval(6) / 5760 < 1.3


@dataclass(frozen=True)
class _Played:
    """When each beat came in, was offered and left."""

    taken: list[int]
    offered: list[int]
    left: list[int]


def _play(plan: PipePlan, frames: int, seed: int, in_turn: bool) -> _Played:
    """A layer without a line buffer between a source with gaps and a sink that stalls, whose beats come in bursts."""
    chance = random.Random(seed)
    process, source = PipeProcess(plan), SourceProcess()
    work = process._work_in_turn if in_turn else process.advance
    gap, stall = chance.choice([0, 0, 2, 5]), chance.choice([0, 1, 20])
    offers = np.cumsum([chance.randint(0, gap) for _ in range(frames * plan.period)]).tolist()
    stalls = [chance.randint(0, stall) for _ in range(frames * len(plan.uses))]
    while offers:
        burst = chance.choice([1, 7, 90, 400])
        source.pending.extend(offers[:burst])
        del offers[:burst]
        while process.drain(0, source) | work():
            for index in range(len(process.left), len(process.pending)):
                before = process.left[-1] + 1 if process.left else 0
                process.left.append(max(process.pending[index], before) + stalls[index])
    return _Played(list(source.left), list(process.pending), list(process.left))


@pytest.mark.parametrize("long", [1, 48])
def test_sums_over_the_image_by_stretches_are_as_if_phase_by_phase(long: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many phases at once, under gaps, stalls and short result FIFOs, to the cycle."""
    monkeypatch.setattr(window_processes, "LONG", long)
    for seed in range(60):
        chance = random.Random(seed)
        beats, pixels = chance.choice([1, 2, 3, 20, 130]), chance.choice([2, 3, 9, 60])
        uses = ((0,),) * beats
        always = (True,) * beats
        plan = PipePlan(
            "sums", "mean", (1, 1, beats), 1, 1, uses, always, always, 4, chance.randint(1, 5), (pixels - 1) * beats
        )
        frames = 3 if beats * pixels < 2000 else 2
        played = _play(plan, frames, seed, False)
        assert len(played.taken) == frames * plan.period and len(played.left) == frames * beats
        assert played == _play(plan, frames, seed, True)


@pytest.mark.parametrize(("channels", "multipliers"), [(3, 2), (24, 8), (60, 4)])
def test_means_hold_up_what_comes_before_them_at_the_same_times(
    channels: int, multipliers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers look ahead through a sum over the image whose result FIFO, like theirs, is as short as can be."""
    net = Shape((5, 4, 2))
    graph = net.graph(net.affine(net.mean(net.convolution("x", channels, 1)), 7))
    schedule = make_schedule(graph, Target(multipliers=multipliers))
    assert [plan.kind for plan in schedule.plans] == ["mac", "mean", "mac"]
    network, found = network_of(graph, schedule), []
    monkeypatch.setattr(times, "SHORT", 1)
    network = with_plan(with_plan(network, 1, fifo_bits=1), 0, fifo_bits=max(1, schedule.plans[0].fifo_bits - 1))
    for long in (2, 16, 1 << 60):
        monkeypatch.setattr(window_processes, "LONG", long)
        model = BeatModel(network)
        for _ in range(4):
            assert model.add_frame()
        found.append(model.departures)
    assert found[0] == found[1] == found[2]
