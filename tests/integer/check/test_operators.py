"""Refusals of the integer graph's check, for each operator beyond plain layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.base.formats import Format
from fpgaq.integer.check import check
from fpgaq.integer.graph import Requantize
from tests.support.integer_operators import BUILDERS, residual_network


def broken(kind: str, **changes):
    """The network of every operator with fields of one operator changed."""
    graph = residual_network()
    return replace(
        graph,
        operators=tuple(replace(op, **changes) if op.name == kind else op for op in graph.operators),
    )


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("add", {"inputs": ("a",)}, "reads 1 tensors; IntegerAdd reads 2 to 64"),
        ("add", {"align": (0,)}, "has 1 alignments and 2 signs for 2 inputs"),
        ("add", {"align": (0, 1)}, "aligns its inputs to different scales"),
        ("add", {"signs": (1, 2)}, "alignments .* or signs"),
        ("add", {"accumulator_width": 8}, "has an accumulator of 8 bits where 9 are needed"),
        ("add", {"requantize": Requantize((1,), "half_up")}, "has shifts that do not lead"),
        ("add", {"requantize": None}, "lacks its requantizer"),
        ("multiply", {"inputs": ("d", "x")}, "computes"),
        ("multiply", {"inputs": ("d", "c", "c")}, "IntegerMultiply reads 2"),
        ("multiply", {"requantize": Requantize((5,), "up")}, "rounds by"),
        ("scale", {"scale": np.ones(3, np.int64)}, "not one int64 for each of 4 channels"),
        ("scale", {"scale": np.full(4, 128)}, "has scales beyond the range of s8.0"),
        ("scale", {"negative_scale": np.full(4, -129)}, "has negative scales beyond"),
        ("scale", {"offset": np.full(4, 1 << 40)}, "has an accumulator of"),
        ("scale", {"requantize": Requantize((1, 2), "half_up")}, "has 2 shifts for 4 outputs"),
        ("table", {"table": np.zeros(63, np.int64)}, "has a table of shape"),
        ("table", {"table": np.full(64, 128)}, "has entries beyond the range of s8.5"),
        ("table", {"index_format": Format(13, 4)}, "has an index of 13 bits"),
        ("table", {"requantize": Requantize((2,), "half_up")}, "has shifts that do not lead"),
        ("concatenate", {"inputs": ("h", "e")}, "computes"),
        ("concatenate", {"inputs": ("h", "g", "z")}, "joins images"),
        ("concatenate", {"inputs": ("h", "f", "z")}, "formats must be equal"),
        ("slice", {"start": (2, 0, 2)}, "which .* does not hold"),
        ("slice", {"start": (-1, 0, 2)}, "which .* does not hold"),
        ("pad", {"mode": "mirror"}, "pads by 'mirror'"),
        ("pad", {"padding": (3, 1, 0, 0)}, "reflects"),
        ("pad", {"padding": (1, 1, 0, -1)}, "at least 0 are needed"),
        ("pad", {"mode": "constant", "value": 128}, "pads with 128"),
        ("upsample", {"factor": (2, 1)}, "computes"),
        ("upsample", {"factor": (4, 2), "zeros": True}, "spreads"),
        ("upsample", {"factor": (0, 2)}, "at least 1 are needed"),
        ("transpose", {"axes": (0, 0, 2)}, "has axes"),
        ("transpose", {"axes": (0, 1, 2)}, "computes"),
        ("transpose", {"view": (1, 2, 3)}, "must be as many"),
        ("transpose", {"view": (0, 0, 0)}, "must be as many"),
        ("mean", {"divisor": (30, 30)}, "has 2 divisors for 1 output pixels"),
        ("mean", {"divisor": (0,)}, "has divisors 0..0"),
        ("mean", {"accumulator_width": 12}, "has an accumulator of 12 bits where 13 are needed"),
        ("argmax", {"inputs": ("a",)}, "computes"),
    ],
)
def test_refusals(kind, changes, message):
    graph = broken(kind, **changes)
    with pytest.raises(ModelError, match=f"integer network: layer {kind!r} .*{message}"):
        check(graph)


def test_an_index_that_is_too_narrow_or_signed():
    for fmt in (Format(2, 0, False), Format(4, 0), Format(3, 1, False)):
        graph = residual_network()
        tensors = {**graph.tensors, "o": replace(graph.tensors["o"], format=fmt)}
        with pytest.raises(ModelError, match="unsigned indices to 4"):
            check(replace(graph, tensors=tensors))


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_random_networks_are_sound(kind):
    for seed in range(50):
        BUILDERS[kind](seed)


def test_layers_of_one_name() -> None:
    graph = residual_network()
    first, second = graph.operators[:2]
    operators = (first, replace(second, name=first.name), *graph.operators[2:])
    with pytest.raises(ModelError, match=f"layer {first.name!r} has the name of another layer"):
        check(replace(graph, operators=operators))
