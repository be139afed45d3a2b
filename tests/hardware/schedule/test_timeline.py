"""Busy and waiting cycles of a steady frame against what schedules and intervals say."""

from __future__ import annotations

import pytest

from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.schedule.memories import describe
from fpgaq.hardware.schedule.plans import WindowPlan
from fpgaq.hardware.schedule.timeline import PARTS, follow_frame
from tests.support.integer_networks import small_network
from tests.support.integer_operators import residual_network
from tests.support.known_networks import lenet

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("graph", "multipliers"),
    [(small_network(), 6), (residual_network(), 2), (lenet(), 64)],
    ids=["small", "shared", "filling memories"],
)
def test_cycles_add_up_to_the_interval(graph, multipliers) -> None:
    schedule = make_schedule(graph, Target(multipliers=multipliers))
    beats = describe(graph, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)
    timeline = follow_frame(beats, schedule.prediction.frames)
    assert timeline.cycles == schedule.prediction.interval
    for layer, plan in zip(timeline.layers, schedule.plans, strict=True):
        assert layer.layer == plan.operator and len(layer.busy) == PARTS
        assert all(0 <= share <= 1 for share in layer.busy)
        assert sum(layer.busy) * timeline.cycles / PARTS == pytest.approx(layer.busy_cycles, abs=0.51)
        if isinstance(plan, WindowPlan):
            # In one interval every layer does the work of one frame.
            rows, columns, _ = plan.output_image
            assert layer.kind == "window" and layer.busy_cycles == rows * columns * plan.groups * plan.steps
            waits = (layer.input_cycles, layer.room_cycles, layer.turn_cycles)
            assert min(waits) >= 0 and layer.busy_cycles + sum(waits) <= timeline.cycles
    assert timeline.layers[0].sources == ("input",)
    assert timeline.layers[-1].readers == ("output",)
