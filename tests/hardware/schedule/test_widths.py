"""Widths hold their values, and one bit less would not."""

from __future__ import annotations

import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import Target, WindowPlan, make_schedule
from fpgaq.hardware.schedule.widths import engine_widths, index_width, lifts_of, signed_width, window_widths
from tests.support.network_builder import NetworkBuilder


@pytest.mark.parametrize(("count", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)])
def test_an_index_reaches_every_thing(count: int, bits: int) -> None:
    assert index_width(count) == bits


def test_signed_widths_are_the_least() -> None:
    for least in range(-17, 18):
        for greatest in range(least, 18):
            bits = signed_width(least, greatest)
            assert -(1 << bits - 1) <= least and greatest < 1 << bits - 1
            assert bits == 1 or least < -(1 << bits - 2) or greatest >= 1 << bits - 2


def test_widths_of_a_layer_and_its_engine() -> None:
    builder = NetworkBuilder(3, (6, 6, 2), Format(8, 0, False)).convolution(8, padding=(1, 1, 1, 1), per_channel=True)
    graph = builder.convolution(4, kernel=(1, 1)).graph()
    schedule = make_schedule(graph, Target(multipliers=2))
    plans = [plan for plan in schedule.plans if isinstance(plan, WindowPlan)]
    padded, plain = (window_widths(plan) for plan in plans)
    assert [plan.padded for plan in plans] == [True, False]
    assert (padded.row, padded.column, padded.row_mask, padded.column_mask) == (3, 3, 3, 3)
    assert (plain.row_mask, plain.column_mask, plain.address) == (1, 1, plans[1].address_bits)
    (engine,) = schedule.engines
    assert engine.layers == tuple(op.name for op in graph.operators)
    widths = engine_widths(graph, engine, graph.operators, plans)  # type: ignore[arg-type]
    assert widths.owner == 1 and widths.sum == max(op.accumulator_width for op in graph.operators)
    assert widths.lift == max(lift for op in graph.operators for lift in lifts_of(op)).bit_length()
    assert widths.beat_index == max(index_width(plan.beats_out_per_pixel) for plan in plans)
