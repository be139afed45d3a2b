"""The fastest schedule that a part holds: no budget that fits by its own estimate is faster."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pytest

from fpgaq.base.errors import FitError
from fpgaq.hardware.estimate import adapt, excess_of, fit_device, measure_storage
from fpgaq.hardware.schedule import Target, least_interval, plan_hardware
from fpgaq.hardware.synth import find_device
from fpgaq.integer.graph import IntegerGraph
from tests.support.known_networks import lenet, same_padded, skip
from tests.support.network_shapes import Shape, chain, ds_cnn, mobilenet, resnet8, resnet18

LARGE = 20_000
"""Elements of all tensors from which on a schedule takes seconds."""

PARTS = ("xc7a35t", "ecp5-25k", "ice40-hx8k")


def wide() -> IntegerGraph:
    """Two layers of many products over few pixels."""
    net = Shape((6, 6, 8))
    return net.graph(net.convolution(net.convolution("x", 24), 12, 1))


def beaten_by(graph: IntegerGraph, device: str, budgets: Iterable[int]) -> list[tuple[int, float]]:
    """Budgets that fit by their own estimate and are faster than what the device is said to hold.

    Of large networks those that no schedule can make faster are left out, to save minutes.
    """
    try:
        best = fit_device(graph, device).schedule.prediction.mean_interval
    except FitError:
        # Then none may fit.
        best = math.inf
    large = sum(tensor.size for tensor in graph.tensors.values()) > LARGE
    faster = []
    for budget in budgets:
        if large and least_interval(graph, Target(multipliers=budget)) >= best:
            continue
        lowered, schedule = plan_hardware(graph, Target(multipliers=budget))
        if schedule.prediction.mean_interval < best and not excess_of(adapt(lowered, schedule, device)[1]):
            faster.append((budget, schedule.prediction.mean_interval))
    return faster


@pytest.mark.once
@pytest.mark.parametrize("device", PARTS)
def test_no_budget_is_faster_than_the_device(device: str) -> None:
    assert beaten_by(wide(), device, range(4, 120, 7)) == []


def test_more_multipliers_fit_where_outputs_share_them() -> None:
    fitted, capacity = fit_device(wide(), "xc7s50"), find_device("xc7s50").capacity
    assert capacity is not None
    assert fitted.estimate.counts.dsp <= capacity.dsp < sum(engine.multipliers for engine in fitted.schedule.engines)
    assert fitted.schedule.factor_bits == 25 and fitted.schedule.prediction.mean_interval == 324
    assert beaten_by(wide(), "xc7s50", range(capacity.dsp, 2 * capacity.dsp, 11)) == []


@pytest.mark.once
def test_the_last_multipliers_of_a_part_are_tried() -> None:
    """No budget between 124 and 180 is faster than 124, so that steps of the search see nothing to gain."""
    schedule = fit_device(skip(), "xc7a35t").schedule
    assert schedule.prediction.mean_interval == 288 and schedule.multipliers == 180
    assert beaten_by(skip(), "xc7a35t", (120, 180)) == []


@pytest.mark.once
def test_a_layer_on_two_arrays_may_be_the_fastest_that_a_part_holds() -> None:
    fitted = fit_device(wide(), "ecp5-85k")
    assert {"conv1.first", "conv1.second", "conv1.joined"} <= {op.name for op in fitted.network.operators}
    assert fitted.schedule.prediction.mean_interval == 468 and not excess_of(fitted.estimate)
    assert beaten_by(wide(), "ecp5-85k", (148, 152, 156)) == []


@pytest.mark.slow
@pytest.mark.parametrize("device", ["xc7a35t", "xc7z020", "ecp5-85k"])
@pytest.mark.parametrize(
    "build",
    [lenet, same_padded, skip, wide, lambda: chain(12, 12, 4, 3), resnet8, ds_cnn, mobilenet,
     lambda: mobilenet(32, 4, 10), lambda: resnet18(32, 4)],
)  # fmt: skip
def test_no_budget_beats_a_part(build: Callable[[], IntegerGraph], device: str) -> None:
    """Budgets to beyond what the largest of the parts has, each with its own estimate."""
    assert beaten_by(build(), device, range(20, 440, 28)) == []


def test_storage_counts_what_the_estimate_counts() -> None:
    graph = same_padded()
    lowered, schedule = plan_hardware(graph, Target(multipliers=16))
    storage = measure_storage(lowered, schedule, "xc7a35t")
    estimated = adapt(lowered, schedule, "xc7a35t")[1].counts.bram
    assert abs(storage.blocks - estimated) <= 3
    assert storage.bits > 0 and not storage.too_large
    for part in ("xc7a35t", "ecp5-25k", "ice40-hx1k", "ice40-hx8k"):
        capacity = find_device(part).capacity
        assert capacity is not None
        assert (part in storage.parts) == (measure_storage(lowered, schedule, part).blocks <= capacity.bram)
    assert "xc7a35t" in storage.parts and "xc7" not in storage.parts
