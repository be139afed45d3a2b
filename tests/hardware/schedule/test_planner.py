"""Schedules as a whole: every operator has a plan, and the figures of a schedule agree with each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.schedule import PipePlan, Target, WindowPlan, make_schedule, plan_hardware
from fpgaq.hardware.schedule.buffers import report_buffers
from fpgaq.integer import reference
from fpgaq.integer.graph import OPERATORS, IntegerOperator
from fpgaq.proof.file_bench import run_file_bench
from tests.support.fuzz.networks import random_case
from tests.support.integer_networks import small_network
from tests.support.integer_operators import residual_network
from tests.support.known_networks import lenet, scaled_convolutions, spread


class Stranger(IntegerOperator):
    """An operator that no stage knows."""


def test_every_operator_is_handled_by_every_stage() -> None:
    graph = residual_network()
    assert {type(op) for op in graph.operators} == set(OPERATORS)
    values = reference.run(graph, graph.samples, keep=True)
    schedule = make_schedule(graph, Target(multipliers=8))
    files = emit(graph, schedule)
    for index, (op, plan) in enumerate(zip(graph.operators, schedule.plans, strict=True)):
        assert op.output in values
        assert plan.operator == op.name
        assert any(f"rtl/layer_{index:02d}_" in name for name in files)


def test_an_unknown_operator_is_refused_by_every_stage() -> None:
    graph = small_network()
    relu = graph.operators[3]
    stranger = Stranger("stranger", relu.inputs, relu.output)
    strange = replace(graph, operators=(*graph.operators[:3], stranger, *graph.operators[4:]))
    with pytest.raises(TypeError, match="no operator Stranger"):
        reference.run(strange, graph.samples)
    with pytest.raises(UnsupportedError, match="layer 'stranger': Stranger has no schedule"):
        make_schedule(strange, Target(multipliers=8))


@pytest.mark.parametrize("seed", range(40))
def test_figures_agree(seed: int) -> None:
    case = random_case(seed)
    schedule = case.schedule
    assert schedule.multipliers <= schedule.budget
    assert schedule.prediction.mean_interval >= schedule.limit
    assert schedule.efficiency is None or 0 < schedule.efficiency <= 1
    multiplying = [plan for plan in schedule.plans if isinstance(plan, WindowPlan) and plan.multiplies]
    assert [name for engine in schedule.engines for name in engine.layers] == [plan.operator for plan in multiplying]
    for engine in schedule.engines:
        served = [plan for plan in multiplying if plan.operator in engine.layers]
        rows = [plan.output_image[0] for plan in served]
        turns = [engine.order.count(place) for place in range(len(served))]
        assert turns == rows if engine.shared else engine.order == ()
        for plan in served:
            assert plan.fold.taps * (plan.fold.channels if plan.kind == "mac" else 1) <= engine.products
            assert plan.fold.outputs <= engine.outputs and plan.merged == engine.shared
            assert plan.group_beats <= min(other.steps for other in served)
            assert engine.shared or plan.fold.multipliers == engine.multipliers
    for edge in schedule.edges:
        given, fork = schedule.lanes[edge.tensor], sum(other.tensor == edge.tensor for other in schedule.edges) > 1
        assert (edge.queue_bits is not None) == fork
        assert edge.lanes == given if edge.serializer is None else given % edge.lanes == 0 and edge.lanes < given
        assert edge.reader is None or schedule.plans[edge.reader].lanes_in == edge.lanes
    for op, plan in zip(case.graph.operators, schedule.plans, strict=True):
        assert schedule.lanes[op.output] == plan.lanes_out
        slots = {edge.slot for edge in schedule.edges if case.graph.operators[edge.reader or 0] is op}
        assert slots >= set(range(len(op.inputs)))
        if isinstance(plan, PipePlan):
            assert len(plan.uses) == len(plan.pops) == len(plan.emits) and plan.inputs == len(op.inputs)
            continue
        assert plan.word_elements % plan.lanes_in == 0 == plan.word_elements % plan.fold.channels
        assert plan.group_beats <= plan.steps or plan.groups == 1
    assert replace(make_schedule(case.graph, case.target), logic_bits=schedule.logic_bits) == schedule


def test_buffer_report_names_what_rows_buy() -> None:
    graph = lenet()
    schedule = make_schedule(graph, Target(multipliers=64, sharing=False))
    reports = {report.operator: report for report in report_buffers(graph, schedule)}
    assert all(report.kind == "line buffer" for report in reports.values())
    second = reports["conv2"]
    assert second.full_rate_words == 9 * second.row_words
    for report in reports.values():
        intervals = [interval for _, interval in report.intervals]
        assert intervals == sorted(intervals, reverse=True)
        assert intervals[-1] == schedule.prediction.interval
        assert report.live_words <= report.full_rate_words <= report.words


@pytest.mark.parametrize(("multipliers", "interval"), [(16, 1536), (144, 256)])
def test_copies_keep_up(multipliers: int, interval: int) -> None:
    """The output of an upsampling layer has as many lanes as the interval asks for, and no more."""
    schedule = make_schedule(spread(), Target(multipliers=multipliers, sharing=False))
    copy = schedule.plan("up1")
    assert schedule.prediction.interval == interval
    assert copy.cycles <= interval and copy.cycles * 2 > min(interval, 256 * 8)


@pytest.mark.parametrize(("multipliers", "given", "taken"), [(18, 2, 1), (64, 5, 5)])
def test_requantizers_have_as_many_multipliers_as_are_in_time(multipliers: int, given: int, taken: int) -> None:
    """A shared array gives as many results a cycle as its fastest layer; what scales them takes a divisor of these."""
    _, schedule = plan_hardware(scaled_convolutions(), Target(multipliers=multipliers))
    scale = schedule.plan("layer0.scale")
    assert (schedule.plan("layer0").lanes_out, scale.lanes_in) == (given, taken)
    assert scale.cycles <= schedule.prediction.interval


def test_results_that_wait_for_a_multiplier_are_those_of_the_reference(tmp_path: Path) -> None:
    graph, schedule = plan_hardware(scaled_convolutions(), Target(multipliers=18))
    assert run_file_bench(graph, schedule, graph.samples, workdir=tmp_path).mismatch is None
