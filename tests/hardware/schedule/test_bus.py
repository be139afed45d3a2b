"""The beat model of a wrapper: the words of a gearbox, and that a wrapper slows no core that its bus can feed."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.emit.wrap import Wish, bus_of
from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.hardware.schedule.bus_processes import Side, predict_bus
from fpgaq.hardware.schedule.memories import describe
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_builder import NetworkBuilder


def pictures() -> IntegerGraph:
    return NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(3, relu=False).graph()


def vector() -> IntegerGraph:
    return NetworkBuilder(9, (1, 1, 7), Format(12, 4)).affine(30).affine(5, relu=False).graph()


def test_units_of_words() -> None:
    chance = random.Random(4)
    for _ in range(200):
        units, period = chance.randint(1, 6), chance.randint(1, 5)
        side = Side(units, chance.randint(1, units), period)
        words = [side.last if word % period == period - 1 else units for word in range(40)]
        assert [side.total(word) for word in range(40)] == [sum(words[:word]) for word in range(40)]
        for wanted in range(-2, side.total(30)):
            assert side.least(wanted) == next(word for word in range(40) if side.total(word) >= wanted)


@pytest.mark.parametrize("buffered", [False, True], ids=["mark", "drop"])
@pytest.mark.parametrize("width", [32, 64, 128])
@pytest.mark.parametrize("budget", [1, 12, 60, 1000])
@pytest.mark.parametrize("network", [pictures, vector])
def test_a_frame_takes_no_longer_than_the_core_or_its_beats(
    network: Callable[[], IntegerGraph], budget: int, width: int, buffered: bool
) -> None:
    graph, schedule = plan_hardware(network(), Target(multipliers=budget))
    bus = bus_of(design_of(graph, schedule), Wish(width, buffered))
    model = describe(graph, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)
    prediction, core = predict_bus(model, bus), schedule.prediction
    assert prediction is not None and core.interval is not None
    assert prediction.interval == max(core.interval, bus.input.beats, bus.output.beats)
