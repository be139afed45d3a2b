"""Plans of unrolled networks: registers, exact ranges, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import FitError, UnsupportedError, UsageError
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.unrolled import emit_unrolled
from fpgaq.hardware.unrolled import Unrolling, plan_network
from fpgaq.integer.reference import run
from tests.support.integer_networks import small_network
from tests.support.network_builder import NetworkBuilder


def perceptron(seed: int = 1, sizes: tuple[int, ...] = (6, 7, 4), **options: object) -> NetworkBuilder:
    builder = NetworkBuilder(seed, (1, 1, sizes[0]), Format(8, 7, signed=False))
    for size in sizes[1:-1]:
        builder = builder.affine(size, **options)
    return builder.affine(sizes[-1], requantize=False)


def test_layers_compute_the_reference_within_their_ranges() -> None:
    graph = perceptron().graph()
    plan = plan_network(graph, Unrolling())
    frames = np.random.default_rng(0).integers(0, 256, (500, 1, 1, 6))
    values = run(graph, {graph.inputs[0]: frames})
    last = values[graph.outputs[0]].reshape(500, -1)
    for index, interval in enumerate(plan.layers[-1].results):
        assert interval.lower <= last[:, index].min() and last[:, index].max() <= interval.upper


def test_stages_and_levels() -> None:
    graph = perceptron().graph()
    one = plan_network(graph, Unrolling(levels=1))
    two = plan_network(graph, Unrolling(levels=2))
    assert one.stages > two.stages
    assert two.stages == plan_network(graph, Unrolling()).stages
    for stages in range(3, one.stages + 1):
        plan = plan_network(graph, Unrolling(stages=stages))
        assert plan.stages == stages
        assert 1 << plan.fifo_bits > plan.latency == plan.stages + 2


def test_what_is_refused() -> None:
    graph = perceptron().graph()
    with pytest.raises(UsageError, match="0 levels were asked for; give 1 or more"):
        plan_network(graph, Unrolling(levels=0))
    with pytest.raises(FitError, match="ask for --stages 3 or more"):
        plan_network(graph, Unrolling(stages=2))
    with pytest.raises(UnsupportedError, match="cannot be unrolled"):
        plan_network(small_network(0), Unrolling())


def test_the_same_network_gives_the_same_files() -> None:
    graph = perceptron().graph()
    first, second = (emit_unrolled(graph, plan_network(graph, Unrolling())) for _ in range(2))
    assert first == second
    manifest = json.loads(first["manifest.json"])
    assert manifest["prediction"]["interval_cycles"] == 1
    assert {f"rtl/{Path(name).name}" for name in manifest["files"]} <= set(first)
