"""The beat model: deadlocks, the worth of every word of memory, and its own consistency.

That its cycles are those of the hardware is what the benches in hdl_tests hold it to.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgaq.schedule import Schedule, Target, WindowPlan, make_schedule
from fpgaq.schedule.beats import BeatModel, frame_beats, keeps_interval, predict
from fpgaq.schedule.walk import least_words
from hdl_tests.fuzz_networks import random_case
from tests.integer_networks import convolution_network
from tests.schedule.known_networks import lenet, same_padded

SEEDS = range(40)


def with_plan(schedule: Schedule, index: int, **changes: object) -> list[object]:
    plans = list(schedule.plans)
    plans[index] = replace(plans[index], **changes)  # type: ignore[type-var]
    return plans


@pytest.mark.parametrize("seed", SEEDS)
def test_memories_are_the_least(seed: int) -> None:
    """Half of any memory deadlocks or costs cycles; the least that is live never deadlocks."""
    schedule = random_case(seed).schedule
    beats, interval = schedule.input_beats, schedule.prediction.mean_interval
    assert keeps_interval(schedule.plans, beats, interval)
    for index, plan in enumerate(schedule.plans):
        if not isinstance(plan, WindowPlan):
            continue
        live = least_words(plan.walk)
        assert predict(with_plan(schedule, index, capacity_words=live), beats) is not None
        if live > 1:
            assert predict(with_plan(schedule, index, capacity_words=live - 1), beats) is None
        if plan.address_bits > 1 and 1 << (plan.address_bits - 1) >= live:
            assert not keeps_interval(with_plan(schedule, index, address_bits=plan.address_bits - 1), beats, interval)
        if plan.fifo_bits > 1 and 1 << (plan.fifo_bits - 1) >= plan.group_beats:
            assert not keeps_interval(with_plan(schedule, index, fifo_bits=plan.fifo_bits - 1), beats, interval)


@pytest.mark.parametrize("seed", SEEDS)
def test_times_are_those_of_handshakes(seed: int) -> None:
    """At most a beat a cycle, every frame complete, and the prediction is what the times say."""
    schedule = random_case(seed).schedule
    model = BeatModel(schedule.plans, schedule.input_beats)
    prediction = schedule.prediction
    for count in range(1, prediction.frames + 1):
        assert model.add_frame()
        assert len(model.output_times) == count * frame_beats(schedule.plans[-1])
        assert len(model.input_times) == count * schedule.input_beats
    for times in (model.input_times, model.output_times):
        assert all(early < late for early, late in zip(times, times[1:], strict=False))
    ends = model.frame_ends()
    assert ends[0] - model.input_times[0] == prediction.latency
    if prediction.interval is not None:
        assert ends[-1] - ends[-2] == ends[-2] - ends[-3] == prediction.interval == prediction.mean_interval
        busy = max([plan.cycles for plan in schedule.plans if isinstance(plan, WindowPlan)], default=0)
        assert prediction.interval >= max(busy, schedule.input_beats, frame_beats(schedule.plans[-1]))


def test_one_more_frame_per_interval_is_refused() -> None:
    schedule = make_schedule(same_padded(), Target(multipliers=64))
    assert keeps_interval(schedule.plans, schedule.input_beats, 4704)
    assert not keeps_interval(schedule.plans, schedule.input_beats, 4703)


def test_a_single_window_by_hand() -> None:
    """A 1x1 convolution on one pixel: a word, a step, the pipeline, the FIFO; each end counted by hand."""
    graph = convolution_network(size=(1, 1), channels=1, outputs=1, kernel=(1, 1), padding=(0, 0, 0, 0))
    schedule = make_schedule(graph, Target(multipliers=1))
    plan = schedule.plans[0]
    assert isinstance(plan, WindowPlan) and plan.steps == 1 and plan.result_latency == 5 + 2 + 1
    # Taken in cycle 0, started in 1, the step in 2, its result written after the pipeline, offered two later.
    assert schedule.prediction.latency == 1 + 1 + plan.result_latency + 2
    assert schedule.prediction.interval == 1


def test_rows_of_the_second_buffer_buy_the_rate() -> None:
    """An unpadded 5x5 behind a pool: nine of its twelve rows for the full rate, six cost a fifth of it."""
    schedule = make_schedule(lenet(), Target(multipliers=64))
    plan = schedule.plans[2]
    assert isinstance(plan, WindowPlan) and plan.image == (12, 12, 8)
    row = plan.image[1] * plan.words_per_pixel

    def interval(rows: int) -> float:
        prediction = predict(with_plan(schedule, 2, capacity_words=rows * row), schedule.input_beats)
        assert prediction is not None
        return prediction.mean_interval

    assert interval(9) == interval(10) == interval(12) == 5760
    assert interval(8) > 5760
    assert 1.15 < interval(6) / 5760 < 1.3
