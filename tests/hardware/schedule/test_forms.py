"""Which form of a network is built."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from fpgaq import pipeline
from fpgaq.base.errors import FitError
from fpgaq.hardware.schedule import Target, auxiliary_multipliers, candidates, make_schedule, plan_hardware
from fpgaq.hardware.schedule.candidates import LITTLE_MEMORY, most_bits
from fpgaq.hardware.schedule.storage import buffer_bits
from fpgaq.integer.graph import IntegerConcatenate, IntegerConvolution, IntegerGraph, IntegerReshape
from tests.support.network_shapes import Shape

FOLDER = Path(__file__).parents[3] / "examples" / "fashion_cnn"


@cache
def network() -> IntegerGraph:
    """The example, quantized with the default options."""
    return pipeline.quantize(pipeline.load_model(FOLDER / "model.nnp"), FOLDER / "calibration.npz")


def test_a_first_layer_between_one_step_and_two_computes_two_columns_at_a_time() -> None:
    graph, target = network(), Target(multipliers=256)
    built, schedule = plan_hardware(graph, target)
    plain = make_schedule(graph, target)
    assert plain.prediction.interval == 1568
    assert schedule.prediction.interval == 1274
    assert (schedule.macs, schedule.limit, schedule.budget) == (plain.macs, plain.limit, 256)
    assert schedule.multipliers <= 256
    first, columns = built.operators[:2]
    assert isinstance(first, IntegerConvolution)
    assert isinstance(columns, IntegerReshape)
    assert built.tensors[first.output].shape == (28, 14, 16)


def test_a_network_that_keeps_its_multipliers_busy_stays_as_it_is() -> None:
    graph = network()
    built, schedule = plan_hardware(graph, Target(multipliers=64))
    assert built is graph
    assert schedule.prediction.interval == 4704
    assert plan_hardware(graph, Target(cycles=1568))[0] is graph


def test_two_arrays_divide_a_layer_where_no_shape_of_one_uses_the_multipliers() -> None:
    graph, target = network(), Target(multipliers=7)
    built, schedule = plan_hardware(graph, target)
    plain = make_schedule(graph, target)
    assert (schedule.macs, schedule.limit, schedule.budget) == (plain.macs, plain.limit, 7)
    assert plain.prediction.interval == 47_040 and schedule.prediction.interval == 42_336
    assert schedule.multipliers <= 7
    first, second, joined = (op for op in built.operators if op.name.startswith("@runtime/Convolution_1"))
    assert isinstance(joined, IntegerConcatenate) and joined.inputs == (first.output, second.output)
    assert not any({first.name, second.name} <= {*engine.layers} for engine in schedule.engines)
    bits = [buffer_bits(form, each.plans, each.edges) for form, each in ((graph, plain), (built, schedule))]
    assert bits[1] <= most_bits(bits[0])


def test_no_layer_is_divided_for_little_or_for_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = network()
    # The best division of 13 multipliers is 2.6 % faster than the network's own.
    assert plan_hardware(graph, Target(multipliers=13))[0] is graph
    # That of 11 is 5.9 % faster and takes 3.7 times the memory.
    assert plan_hardware(graph, Target(multipliers=11))[0] is graph
    monkeypatch.setattr(candidates, "LITTLE_MEMORY", 4 * LITTLE_MEMORY)
    built, schedule = plan_hardware(graph, Target(multipliers=11))
    assert built is not graph and schedule.prediction.interval == 26_656


def test_a_budget_may_hold_every_multiplier() -> None:
    """Those of means are among the budget then, and one that cannot hold them is refused."""
    net = Shape((7, 7, 4))
    graph = net.graph(net.mean(net.convolution("x", 8, 1)))
    alone = plan_hardware(graph, Target(multipliers=8))[1]
    assert auxiliary_multipliers(alone.plans) > 0 and alone.multipliers == 8
    schedule = plan_hardware(graph, Target(multipliers=8, every=True))[1]
    assert schedule.multipliers + auxiliary_multipliers(schedule.plans) <= schedule.budget == 8
    assert schedule.limit == alone.limit
    with pytest.raises(FitError, match=r"1 multipliers do not hold .* give --multipliers 2 or more"):
        plan_hardware(graph, Target(multipliers=1, every=True))
