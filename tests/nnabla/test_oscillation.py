"""Weights that oscillate while they are trained are frozen; others are left alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fpgaq.model.exporters import parameter_names, parameters_of
from fpgaq.model.graph import Affine
from tests.nnabla.test_finetune import TABULAR, trainable

pytestmark = pytest.mark.nnabla
STEP = 0.25


@pytest.fixture
def layer(nnabla):
    """The weight variable of a layer on a grid of 3 bits and steps of a quarter, and what makes a freezer for it."""
    from fpgaq.nnabla.oscillation import OscillationFreezer

    graph, _ = trainable(TABULAR / "model.nnp", 3, 4)
    changed = [
        replace(op, weight_grid=replace(op.weight_grid, frac=(2,))) if isinstance(op, Affine) else op
        for op in graph.operators
    ]
    graph = graph.with_operators(tuple(changed))
    first = next(op for op in graph.operators if isinstance(op, Affine))
    known = {name: SimpleNamespace(d=np.zeros_like(array)) for name, array in parameters_of(graph).items()}

    def make(exponents=None):
        return OscillationFreezer(graph, known, exponents or {})

    return SimpleNamespace(weight=known[parameter_names(graph)[first.output, "W"]], make=make, output=first.output)


def test_a_weight_that_turns_back_and_forth_is_frozen_where_it_was_mostly(layer) -> None:
    values = layer.weight.d
    values[0, 0] = 1.4 * STEP
    freezer = layer.make()
    for step in range(40):
        values[0, 0] = (1.6 if step % 4 == 3 else 1.4) * STEP
        values[0, 1] += STEP / 32
        freezer(step)
    assert freezer.frozen == 1
    assert values[0, 0] == STEP
    assert values[0, 1] == 1.25 * STEP
    values[0, 0] = 3 * STEP
    freezer(40)
    assert values[0, 0] == STEP


def test_a_weight_out_of_its_range_is_brought_back_to_its_end(layer) -> None:
    layer.weight.d[0, :2] = 9, -9
    freezer = layer.make()
    assert layer.weight.d[0, :2].tolist() == [3 * STEP, -4 * STEP]
    layer.weight.d[0, :2] += 0.3, -0.01
    freezer(0)
    assert layer.weight.d[0, :2].tolist() == [3 * STEP, -4 * STEP]
    assert freezer.frozen == 0


def test_a_step_that_moves_starts_its_layer_anew(layer) -> None:
    exponent = SimpleNamespace(d=np.array([-2.0], np.float32))
    freezer = layer.make({f"{layer.output}/W_fixed": exponent})
    for step in range(40):
        layer.weight.d[0, 0] = (1.6 if step % 2 else 1.4) * STEP
        freezer(step)
    assert freezer.frozen == 1
    exponent.d[0] = -0.8
    layer.weight.d[0, 1] = 9
    freezer(40)
    assert freezer.frozen == 0
    assert layer.weight.d[0, 1] == 3 * 2 * STEP
