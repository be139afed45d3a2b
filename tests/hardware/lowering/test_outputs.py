"""A layer divided into two of some of its outputs each computes the same."""

from __future__ import annotations

import numpy as np

from fpgaq.hardware.lowering import can_divide, lower, with_divided_outputs
from fpgaq.integer.graph import IntegerAffine, IntegerConcatenate, IntegerConvolution
from fpgaq.integer.reference import run
from tests.support.fuzz.case import random_inputs
from tests.support.fuzz.networks import imported_network, imported_seed, random_chain


def test_random_networks_compute_the_same() -> None:
    seeds = [imported_seed(number) for number in range(40)]
    networks = [(seed, random_chain(seed)) for seed in range(200)]
    networks += [(seed, lower(imported_network(seed))) for seed in seeds]
    divided, kinds = 0, set()
    for seed, graph in networks:
        inputs = random_inputs(graph, seed)
        wanted = run(graph, inputs, keep=True)
        for op in graph.operators:
            if not can_divide(op, graph):
                continue
            assert isinstance(op, IntegerConvolution | IntegerAffine)
            kinds.add((type(op), op.requantize is None, len(set(op.weight_frac)) > 1))
            first = 1 + seed % (op.weight.shape[0] - 1)
            other = with_divided_outputs(graph, op.name, first)
            found = run(other, inputs, keep=True)
            for name, values in wanted.items():
                assert np.array_equal(values, found[name]), (seed, name)
            (joined,) = (each for each in other.operators if each.name == f"{op.name}.joined")
            assert isinstance(joined, IntegerConcatenate) and joined.output == op.output
            assert [other.tensors[name].shape[2] for name in joined.inputs] == [first, op.weight.shape[0] - first]
            divided += 1
    assert divided > 200 and len(kinds) >= 6


def test_what_cannot_be_divided() -> None:
    reasons = set()
    for seed in range(200):
        graph = random_chain(seed)
        for op in graph.operators:
            if isinstance(op, IntegerConvolution | IntegerAffine) and not can_divide(op, graph):
                alone = op.weight.shape[0] == 1
                assert alone or (isinstance(op, IntegerConvolution) and op.groups > 1)
                reasons |= {"one output"} if alone else {"groups"}
            elif can_divide(op, graph) and op.weight.shape[0] > 2:  # type: ignore[attr-defined]
                # Divided once, its names are taken, and neither part is divided under them again.
                other = with_divided_outputs(graph, op.name, 1)
                assert not can_divide(op, other)
    assert reasons == {"one output", "groups"}
