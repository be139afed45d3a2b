"""Every nnabla function that is read, through all stages: hardware equals reference, and that is near the float."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.inputs import transform_data
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Graph
from fpgaq.model.importers import from_nnabla
from fpgaq.model.importers.nnp.fixed_point import FIXED_POINT
from fpgaq.model.importers.nnp.functions import CONVERTERS
from fpgaq.model.passes import standard_passes
from fpgaq.pipeline import run
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.nnabla_functions import CASES, make_case, random_graph

pytestmark = [
    pytest.mark.nnabla,
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"),
]

FRAMES = 3
LARGEST_ERROR = 0.02
"""The error of a value, in units of the output's largest: 12 bits everywhere stay below this."""
STEEP = {
    *(
        "pointwise-log",
        "pointwise-reciprocal",
        "pointwise-sign",
        "pointwise-round",
        "pointwise-floor",
        "pointwise-ceil",
    ),
    *("pointwise-binary_sigmoid", "pointwise-binary_tanh"),
}
"""Functions with a pole or a step, where half a step of the input decides."""
EMPTY = {"pointwise-r_sub_scalar", "image-add_one_number", "image-reshape"}
"""Functions that become part of the input's transform, so that nothing is left to compute."""

AT_REST = {"Dropout", "ImageAugmentation", "RandomFlip", "RandomShift"}
"""Functions that are random in nnabla itself; the reader takes them as they are at inference."""

FEW_VALUES = {
    f"{kind}{layer}" for kind in ("BinaryConnect", "BinaryWeight", "INQ") for layer in ("Affine", "Convolution")
}
"""Ordinary layers once their weights are read: tests/nnabla/test_any_step.py holds them against nnabla."""

APART = {"Prune"}
"""Compares all pairs of a frame: tests/support/kinds.py draws networks of it with rates and sizes that pass quickly."""


def prove(graph: Graph, data: dict[str, Any], folder: Path, stall_seed: int | None, steep: bool = False) -> None:
    """Quantize, hold the integers against the float network, and the hardware against the integers."""
    integer = quantize(graph, data, QuantizeOptions(weight_bits=12, activation_bits=12, input_bits=12, table_bits=12))
    expected, found = run_float(graph, data), run(integer, data)
    for name in graph.outputs:
        error = np.abs(found[name][1].reshape(expected[name].shape) - expected[name]).max()
        assert steep or error <= LARGEST_ERROR * max(1e-6, np.abs(expected[name]).max()), name
    frames = transform_data(integer, {name: array[:FRAMES] for name, array in data.items()})
    schedule = make_schedule(integer, Target(multipliers=16))
    result = run_file_bench(integer, schedule, frames, stall_seed=stall_seed, workdir=folder)
    assert result.mismatch is None


@pytest.mark.parametrize("name", CASES)
def test_function(nnabla: Any, tmp_path: Path, name: str) -> None:
    x, y = make_case(nnabla, name)
    data = np.random.default_rng(11).normal(size=(24, *x.shape[1:])).astype(np.float32)
    graph = standard_passes(from_nnabla(y))
    if name in EMPTY:
        with pytest.raises(UnsupportedError, match="has no layer to compute on input 'x'"):
            quantize(graph, {"x": data})
        return
    prove(graph, {"x": data}, tmp_path, None if len(name) % 2 else 5, name in STEEP)


def test_no_function_is_left_out(nnabla: Any) -> None:
    """But for the quantizers, which say how to quantize and are no layers."""
    kinds: set[str] = set()
    for name in CASES:
        make_case(nnabla, name)[1].visit(lambda function: kinds.add(function.info.type_name))
    assert kinds == set(CONVERTERS) - set(FIXED_POINT) - AT_REST - FEW_VALUES - APART


@pytest.mark.parametrize("seed", range(4))
def test_random_networks(nnabla: Any, tmp_path: Path, seed: int) -> None:
    x, outputs = random_graph(nnabla, seed, 8)
    data = np.random.default_rng(seed).normal(size=(24, *x.shape[1:])).astype(np.float32)
    prove(standard_passes(from_nnabla(outputs)), {"x": data}, tmp_path, None)
