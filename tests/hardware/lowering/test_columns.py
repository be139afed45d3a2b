"""A convolution that computes two columns at a time computes the same."""

from __future__ import annotations

import numpy as np

from fpgaq.hardware.lowering import can_merge, with_merged_columns
from fpgaq.integer.graph import IntegerConvolution
from fpgaq.integer.reference import run
from tests.support.fuzz.case import random_inputs
from tests.support.fuzz.networks import random_chain


def test_random_networks_compute_the_same() -> None:
    merged = 0
    for seed in range(400):
        graph = random_chain(seed)
        inputs = random_inputs(graph, seed)
        for op in graph.operators:
            if not can_merge(op, graph):
                continue
            merged += 1
            other = with_merged_columns(graph, op.name)
            wanted, found = run(graph, inputs, keep=True), run(other, inputs, keep=True)
            for name, values in wanted.items():
                assert np.array_equal(values, found[name]), (seed, name)
            (pairs,) = set(other.tensors) - set(graph.tensors)
            assert np.array_equal(found[pairs].ravel(), wanted[op.output].ravel())
    assert merged > 60


def test_what_cannot_be_merged() -> None:
    reasons = set()
    for seed in range(200):
        graph = random_chain(seed)
        for op in graph.operators:
            if isinstance(op, IntegerConvolution) and not can_merge(op, graph):
                odd = graph.tensors[op.output].shape[1] % 2 == 1
                assert odd or op.groups > 1 or op.dilation[1] > 1
                reasons |= {"odd"} if odd else {"other"}
    assert reasons == {"odd", "other"}
