"""Floors: no schedule of a budget takes fewer multipliers or block RAMs than are known before it is predicted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fpgaq.hardware.estimate.floors import Floors, with_least_memories
from fpgaq.hardware.estimate.parts import adapt, capacity_of, shortage
from fpgaq.hardware.lowering import lower
from fpgaq.hardware.schedule import Target, auxiliary_multipliers, make_schedule
from fpgaq.hardware.schedule.beats import BeatNetwork
from fpgaq.hardware.schedule.memories import describe
from fpgaq.hardware.schedule.planner import candidates
from fpgaq.integer.graph import IntegerGraph
from tests.support.known_networks import lenet, scaled_convolutions, skip
from tests.support.network_shapes import Shape

PARTS = ("xc7z020", "ecp5-85k", "gowin-gw2a18")


def mixed() -> IntegerGraph:
    """A depthwise layer, whose channels share nothing, between two that may share multipliers."""
    net = Shape((6, 6, 8))
    return net.graph(net.convolution(net.depthwise(net.convolution("x", 24)), 12, 1))


@pytest.mark.once
@pytest.mark.parametrize("device", PARTS)
@pytest.mark.parametrize("build", [lenet, skip, mixed, scaled_convolutions])
def test_no_schedule_is_below_its_floor(build: Callable[[], IntegerGraph], device: str) -> None:
    graph = lower(build())
    floors = Floors(graph, device)
    for budget in (5, 60):
        schedule = make_schedule(graph, Target(multipliers=budget))
        counts = adapt(graph, schedule, device)[1].counts
        network = describe(graph, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)
        floor, bare = floors.of(network), floors.of(with_least_memories(network))
        assert (floor.dsp, floor.bram) == (bare.dsp, bare.bram)
        assert floor.bram <= counts.bram and floor.dsp <= counts.dsp
        if build is scaled_convolutions and device != "xc7z020":  # where outputs may share multipliers
            assert floor.dsp == counts.dsp  # requantizers included
        if counts.dsp <= capacity_of(device).dsp and not auxiliary_multipliers(schedule.plans):
            assert floors.most_multipliers(counts.dsp) >= schedule.multipliers


@pytest.mark.once
def test_multipliers_are_shared_where_that_takes_fewer() -> None:
    graph = lower(mixed())
    (network, _), *_ = candidates(graph, Target(multipliers=120, sharing=False)).networks
    first, depthwise, last = network.engines
    halves = sum(each.products * -(-each.outputs // 2) for each in (first, last))
    assert Floors(graph, "xc7z020").of(network).dsp == halves + depthwise.multipliers
    assert Floors(graph, "ecp5-85k").of(network).dsp == sum(each.multipliers for each in network.engines)


@pytest.mark.once
def test_only_networks_that_may_fit_are_candidates() -> None:
    graph = lower(mixed())
    every, floors = candidates(graph, Target(multipliers=200)), Floors(graph, "ecp5-25k")

    def may_fit(network: BeatNetwork) -> bool:
        return not shortage(floors.of(network), "ecp5-25k")

    some = candidates(graph, Target(multipliers=28), may_fit)
    assert not candidates(graph, Target(multipliers=200), may_fit).busy and len(every.busy) > 0
    found = [candidate.prediction.mean_interval for candidate in some.by_interval()]
    assert found == sorted(found) and len(found) == len(some.busy) > 0
    assert found[0] == min(found) >= min(some.busy)
