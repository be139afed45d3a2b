"""What is chosen among candidates: speed, unless memory is large; latency where it is asked for; what is kept where."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from fpgaq.base.errors import FitError
from fpgaq.hardware.schedule import Target, WindowPlan, candidates, make_schedule, plan_hardware
from fpgaq.hardware.schedule.storage import buffer_bits, memories
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph
from tests.support.known_networks import lenet, same_padded, skip
from tests.support.network_shapes import Shape, chain, mobilenet, resnet8, resnet18


def residual() -> Shape:
    net = Shape((6, 6, 3))
    tensor = net.convolution("x", 4)
    way = net.convolution(net.convolution(tensor, 4), 4)
    net.output = net.affine(net.mean(net.add(way, tensor)), 4)  # type: ignore[attr-defined]
    return net


def test_memories_hold_every_weight_and_every_row() -> None:
    graph = lenet()
    schedule = make_schedule(graph, Target(multipliers=64))
    found = memories(graph, schedule.plans, schedule.edges, schedule.engines)
    weights = sum(memory.bits for memory in found if memory.kind == "weights")
    needed = sum(
        op.weight.size * op.weight_format.width
        for op in graph.operators
        if isinstance(op, IntegerConvolution | IntegerAffine)
    )
    # Lanes beyond a layer's outputs or taps hold zeros.
    assert needed <= weights <= 2 * needed
    for plan in schedule.plans:
        if isinstance(plan, WindowPlan):
            (rows,) = (each for each in found if each.kind == "line buffers" and each.owner == plan.operator)
            assert (rows.words, rows.copies, rows.width) == (plan.capacity, plan.fold.taps, 8 * plan.word_elements)


def test_queues_of_branches_are_counted() -> None:
    graph = skip()
    schedule = make_schedule(graph, Target(multipliers=20, sharing=False))
    found = memories(graph, schedule.plans, schedule.edges, schedule.engines)
    queues = [each for each in found if each.kind == "queues"]
    branches = [edge for edge in schedule.edges if edge.queue_bits is not None]
    assert len(queues) == len(schedule.plans) + len(branches)
    assert buffer_bits(graph, schedule.plans, schedule.edges) == sum(
        each.bits for each in found if each.kind != "weights"
    )


def test_memory_counts_where_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every memory counts as large, what is chosen is nearly as fast and takes no more of it."""
    net = residual()
    graph = net.graph(net.output)  # type: ignore[attr-defined]
    saved = 0
    for budget in (24, 56):
        fast = make_schedule(graph, Target(multipliers=budget))
        with monkeypatch.context() as patch:
            patch.setattr(candidates, "LARGE_MEMORY", 0)
            small = make_schedule(graph, Target(multipliers=budget))
        bits = [buffer_bits(graph, each.plans, each.edges) for each in (fast, small)]
        assert small.prediction.mean_interval <= candidates.NEARLY * fast.prediction.mean_interval
        assert bits[1] <= bits[0] or small.prediction.mean_interval <= fast.prediction.mean_interval
        saved += bits[0] - bits[1]
    assert saved >= 0


def test_a_latency_is_kept_to() -> None:
    net = residual()
    graph = net.graph(net.output)  # type: ignore[attr-defined]
    free = make_schedule(graph, Target(multipliers=64, sharing=False))
    most = int(0.8 * free.prediction.latency)
    _, alone = plan_hardware(graph, Target(latency=most))
    assert alone.prediction.latency <= most
    _, both = plan_hardware(graph, Target(multipliers=2 * alone.budget, latency=most))
    assert both.prediction.latency <= most
    assert both.prediction.mean_interval <= alone.prediction.mean_interval


def test_a_latency_out_of_reach_is_refused() -> None:
    net = residual()
    graph = net.graph(net.output)  # type: ignore[attr-defined]
    with pytest.raises(FitError, match=r"a latency of 20 cycles was not reached: \d+ take the products"):
        plan_hardware(graph, Target(multipliers=16, latency=20))
    least = make_schedule(graph, Target(multipliers=16)).prediction.interval
    assert least is not None
    with pytest.raises(FitError, match=r"was not reached: the least that was found is \d+; ask for more multipliers"):
        plan_hardware(graph, Target(multipliers=16, latency=least + 2))


def test_deep_networks_end() -> None:
    """The work grows with the layers, not with the divisions that they allow."""
    _, schedule = plan_hardware(chain(37, 4), Target(multipliers=64))
    assert len(schedule.plans) == 37 and schedule.multipliers <= 64
    assert schedule.prediction.mean_interval == 64


def wasteful(graph: IntegerGraph, budgets: Iterable[int]) -> list[tuple[int, int]]:
    """Budgets that take more than 1.2 times the memory of a smaller one that is at most 5 % slower."""
    rows = []
    for budget in budgets:
        lowered, schedule = plan_hardware(graph, Target(multipliers=budget))
        bits = buffer_bits(lowered, schedule.plans, schedule.edges)
        rows.append((budget, schedule.prediction.mean_interval, bits))
    return [
        (budget, fewer)
        for budget, interval, bits in rows
        for fewer, other, least in rows
        if fewer < budget and other <= candidates.NEARLY * interval and bits > candidates.MUCH * least
    ]


def test_no_smaller_budget_saves_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted everywhere as where it is large; without the weight of smaller budgets 44 takes 1.55 times that of 40."""
    graph = same_padded()
    assert wasteful(graph, (40, 44)) == [(44, 40)]
    monkeypatch.setattr(candidates, "LARGE_MEMORY", 0)
    assert wasteful(graph, (40, 44)) == []


@pytest.mark.slow
def test_no_smaller_budget_saves_much_memory_of_large_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from 32 block RAMs on, of which ResNet-8 takes up to 48; by default from 64 on."""
    monkeypatch.setattr(candidates, "LARGE_MEMORY", 32 * 18_432)
    assert wasteful(resnet8(), (200, 208, 212, 220, 224)) == []
    assert wasteful(mobilenet(), (880, 930, 980, 1024)) == []


def test_a_queue_before_a_serializer_holds_what_waits() -> None:
    """A branch that is cut into narrower beats needs no queue of whole frames."""
    graph = resnet18(32)
    lowered, schedule = plan_hardware(graph, Target(multipliers=256))
    queues = [edge for edge in schedule.edges if edge.queue_bits is not None]
    assert any(edge.serializer is not None for edge in queues)
    for edge in queues:
        if edge.serializer is not None:
            assert edge.queue_capacity * edge.lanes < lowered.tensors[edge.tensor].size
    assert buffer_bits(lowered, schedule.plans, schedule.edges) < 300_000
