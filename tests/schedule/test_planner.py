"""Schedules as a whole: every operator has a plan, and the figures of a schedule agree with each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgaq import reference
from fpgaq.emit.verilog import emit
from fpgaq.errors import UnsupportedError
from fpgaq.integer_graph import OPERATORS, IntegerOperator
from fpgaq.schedule import ReluPlan, Target, WindowPlan, make_schedule
from fpgaq.schedule.buffers import report_buffers
from hdl_tests.fuzz_networks import random_case
from tests.integer_networks import small_network
from tests.schedule.known_networks import lenet


class Stranger(IntegerOperator):
    """An operator that no stage knows."""


def test_every_operator_is_handled_by_every_stage() -> None:
    graph = small_network()
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
    schedule = make_schedule(graph, Target(multipliers=8))
    relu = graph.operators[3]
    stranger = Stranger("stranger", relu.inputs, relu.output)
    strange = replace(graph, operators=(*graph.operators[:3], stranger, *graph.operators[4:]))
    with pytest.raises(TypeError, match="no operator Stranger"):
        reference.run(strange, graph.samples)
    with pytest.raises(UnsupportedError, match="layer 'stranger': Stranger has no schedule"):
        make_schedule(strange, Target(multipliers=8))
    with pytest.raises(UnsupportedError, match="layer 'stranger': Stranger has no Verilog"):
        emit(strange, schedule)


@pytest.mark.parametrize("seed", range(40))
def test_figures_agree(seed: int) -> None:
    case = random_case(seed)
    schedule = case.schedule
    assert schedule.multipliers <= schedule.budget
    assert schedule.prediction.mean_interval >= schedule.limit
    assert schedule.efficiency is None or 0 < schedule.efficiency <= 1
    assert [engine.multipliers for engine in schedule.engines] == [
        plan.fold.multipliers for plan in schedule.plans if isinstance(plan, WindowPlan) and plan.kind == "mac"
    ]
    lanes = schedule.input_lanes
    for plan in schedule.plans:
        if isinstance(plan, ReluPlan):
            assert plan.lanes == lanes
            continue
        assert plan.lanes_in == lanes
        assert plan.word_elements % plan.lanes_in == 0 == plan.word_elements % plan.fold.channels
        assert plan.serial == (plan.fold.outputs > plan.lanes_out)
        assert plan.group_beats <= plan.steps or plan.groups == 1
        lanes = plan.lanes_out
    assert make_schedule(case.graph, case.target) == schedule


def test_buffer_report_names_what_rows_buy() -> None:
    schedule = make_schedule(lenet(), Target(multipliers=64))
    reports = {report.operator: report for report in report_buffers(schedule)}
    second = reports["conv2"]
    assert second.full_rate_words == 9 * second.row_words
    for report in reports.values():
        intervals = [interval for _, interval in report.intervals]
        assert intervals == sorted(intervals, reverse=True)
        assert intervals[-1] == schedule.prediction.interval
        assert report.live_words <= report.full_rate_words <= report.words
