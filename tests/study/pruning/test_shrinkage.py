"""Rebuilt networks are the masked ones: on random graphs, and with the check itself put to the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fpgaq.study.pruning.shrinkage as room
from fpgaq.base.errors import UsageError, VerificationError
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Convolution
from fpgaq.study.pruning.masked import run_masked
from fpgaq.study.pruning.shrinkage import TOLERANCE, rebuild
from fpgaq.study.pruning.units import Mask, Units, find_units
from fpgaq.study.report.summary import summarize
from tests.support.float_networks import small_cnn
from tests.support.random_graphs import random_graph, random_inputs

GRAPHS = 240
MASKS = 2


def random_mask(units: Units, random: np.random.Generator) -> Mask:
    """About half of the units that can go, but never all of a tensor."""
    keep = units.everything()
    free = [unit for unit in range(units.count) if unit not in units.fixed]
    keep[[unit for unit in free if random.random() < 0.5]] = False
    for labels in units.labels.values():
        if not keep[labels].any():
            keep[random.choice(labels.ravel())] = True
    return keep


def test_random_masks_on_random_graphs() -> None:
    done = 0
    for seed in range(GRAPHS):
        graph = random_graph(seed)
        units, random = find_units(graph), np.random.default_rng(seed)
        for _ in range(MASKS):
            keep = random_mask(units, random)
            if keep.all():
                continue
            inputs = random_inputs(graph, seed=seed)
            pruned = rebuild(units, keep, inputs)
            for kind, tolerance in ((np.float64, TOLERANCE), (np.float32, 2e-6)):
                found = run_float(pruned, inputs, kind=kind)
                for name, array in run_masked(units, keep, inputs, kind).items():
                    assert found[name].dtype == array.dtype == kind
                    assert np.abs(found[name] - array).max() <= tolerance * np.abs(array).max(), (seed, name)
            done += 1
    assert done >= 300


def test_weights_really_shrink_and_the_source_stays() -> None:
    graph = small_cnn()
    units = find_units(graph)
    keep = units.everything()
    # One of the two units of c1, each two of its four channels.
    keep[units.channels("t1")[0]] = False
    pruned = rebuild(units, keep)
    first, second = pruned.operators[0], pruned.operators[3]
    assert isinstance(first, Convolution) and isinstance(second, Convolution)
    assert first.weight.shape == (2, 2, 3, 3) and first.bias.shape == (2,)
    assert second.weight.shape == (6, 1, 3, 3) and second.groups == 2
    assert pruned.shapes["t1"] == (2, 8, 8) and pruned.inputs == graph.inputs and pruned.outputs == graph.outputs
    assert graph.operators[0].weight.shape == (4, 2, 3, 3)
    assert summarize(pruned).macs < summarize(graph).macs


def test_the_check_finds_a_wrong_rebuild(monkeypatch) -> None:
    units = find_units(small_cnn())
    keep = units.everything()
    keep[units.channels("t1")[0]] = False
    shrink = dict(room._SHRINK)

    def shifted(op, kept):
        smaller = shrink[Convolution](op, kept)
        return replace(smaller, bias=np.roll(smaller.bias, 1))

    monkeypatch.setattr(room, "_SHRINK", {**shrink, Convolution: shifted})
    with pytest.raises(VerificationError, match="differs from the masked one"):
        rebuild(units, keep)


def test_illegal_masks_are_refused() -> None:
    units = find_units(small_cnn())
    with pytest.raises(UsageError, match="cannot be pruned so: unit"):
        rebuild(units, np.zeros(units.count, bool))


def test_a_mask_that_keeps_everything_changes_nothing() -> None:
    graph = random_graph(3)
    units = find_units(graph)
    inputs = random_inputs(graph, count=8)
    expected = run_float(graph, inputs)
    found = run_masked(units, units.everything(), inputs)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
