"""Every function that is read computes what nnabla computes, before and after the passes."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.model.executor import run_float
from fpgaq.model.importers import from_nnabla
from fpgaq.model.passes import standard_passes
from tests.support.nnabla_functions import CASES, make_case, random_graph

pytestmark = pytest.mark.nnabla


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("name", CASES)
def test_function_agrees_with_nnabla(nnabla, name: str) -> None:
    x, y = make_case(nnabla, name)
    y.forward()
    graph = from_nnabla(y)
    found = run_float(graph, {"x": x.d})["y"]
    assert found.shape == y.shape
    assert relative(found, y.d) < 2e-6


@pytest.mark.parametrize("name", CASES)
def test_passes_keep_the_result(nnabla, name: str) -> None:
    x, y = make_case(nnabla, name)
    graph = from_nnabla(y)
    folded = standard_passes(graph)
    before = run_float(graph, {"x": x.d}, keep=True)
    expected = before[graph.operators[-1].input if folded.classifier else "y"]
    found = run_float(folded, {"x": x.d})[folded.outputs[0]]
    assert relative(found.reshape(expected.shape), expected) < 5e-6


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_agree_with_nnabla(nnabla, seed: int) -> None:
    """Forks, joins and two outputs, before and after the passes."""
    import nnabla.functions as f

    x, outputs = random_graph(nnabla, seed)
    graph = from_nnabla(outputs)
    found = run_float(graph, {"x": x.d}, keep=True)
    f.sink(*outputs).forward(clear_buffer=False)
    for name, variable in zip(graph.outputs, outputs, strict=True):
        assert relative(found[name], variable.d) < 2e-6
    folded = standard_passes(graph)
    after = run_float(folded, {"x": x.d})
    for name in graph.outputs:
        assert relative(after[name], found[name]) < 2e-5
