"""Which engines get adders instead of multipliers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import Target, make_schedule
from tests.support.network_builder import NetworkBuilder


def builder() -> NetworkBuilder:
    return NetworkBuilder(5, (8, 8, 2), Format(8, 7, signed=False)).convolution(3).pool().affine(4)


def test_layers_that_use_all_weights_in_every_cycle() -> None:
    graph = builder().graph()
    target = Target(multipliers=10_000, sharing=False)
    schedule, adders = make_schedule(graph, target), make_schedule(graph, replace(target, adders=True))
    assert adders.prediction == schedule.prediction
    assert adders.plans == schedule.plans
    for engine, other in zip(schedule.engines, adders.engines, strict=True):
        (plan,) = (plan for plan in schedule.plans if plan.operator == engine.layers[0])
        assert other.adders == (plan.steps * plan.groups == 1)
        assert other.multipliers == (0 if other.adders else engine.multipliers)
    assert adders.engines[0].adders
    assert adders.multipliers < schedule.multipliers


@pytest.mark.parametrize("multipliers", [1, 8])
def test_layers_with_several_steps_keep_their_multipliers(multipliers: int) -> None:
    target = Target(multipliers=multipliers, adders=True)
    schedule = make_schedule(builder().graph(), target)
    assert not any(engine.adders for engine in schedule.engines)
    assert schedule.multipliers
