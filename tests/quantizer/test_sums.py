"""Means that become sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.integer.graph import IntegerSumPooling
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Add, AveragePooling, Graph, Operator
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.sums import SUFFIX, sums_for_means
from tests.support.float_networks import affine, chain, convolution, relu, samples, signal_to_noise


def mean(size: int = 8, padding: tuple[int, int, int, int] = (0, 0, 0, 0), counted: bool = True) -> AveragePooling:
    return AveragePooling("mean", ("",), "", (size, size), (size, size), padding, count_padding=counted)


def network(*after: Operator, pool: AveragePooling | None = None) -> Graph:
    return chain((2, 8, 8), convolution(6, 2, 1, "c1", padding=(1, 1, 1, 1)), relu(), pool or mean(), *after)


FEW = QuantizeOptions(4, 4)
AFTER = {
    "affine": lambda: (affine(3, 6, 2),),
    "convolution": lambda: (convolution(4, 6, 2, padding=(1, 1, 1, 1), padding_value=0.75),),
    "groups": lambda: (convolution(4, 6, 2, padding=(1, 1, 1, 1), groups=2),),
}


@pytest.mark.parametrize("after", AFTER)
def test_the_network_stays_the_same(after: str) -> None:
    graph, data = network(*AFTER[after]()), samples(5, 2, 8, 8)
    changed = sums_for_means(graph, FEW)
    assert changed.operators[2].sum_only and changed.operators[2].output == "t3" + SUFFIX
    (old,), (new,) = run_float(graph, data).values(), run_float(changed, data).values()
    np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-6)
    assert sums_for_means(changed, FEW) is changed


def test_a_sum_keeps_what_a_mean_drops() -> None:
    graph, data = network(affine(3, 6, 2)), samples(64, 2, 8, 8)
    found = quantize(graph, data, QuantizeOptions(4, 4, sum_bits=4))
    pool = next(op for op in found.operators if isinstance(op, IntegerSumPooling))
    assert pool.divisor == (1,) and found.tensors[pool.output].format.width == 4
    # The same function, but a mean, since no layer with weights reads it.
    divided = network(relu("r2"), affine(3, 6, 2))
    kept = quantize(divided, data, QuantizeOptions(4, 4, sum_bits=4))
    assert next(op for op in kept.operators if isinstance(op, IntegerSumPooling)).divisor == (64,)
    assert signal_to_noise(graph, found, data["t0"]) > signal_to_noise(divided, kept, data["t0"]) + 2


def test_what_a_mean_is_over_decides() -> None:
    graph, data = network(affine(3, 6, 2)), samples(64, 2, 8, 8)

    def pool(options: QuantizeOptions) -> tuple[tuple[int, ...], int]:
        found = quantize(graph, data, options)
        (op,) = (op for op in found.operators if isinstance(op, IntegerSumPooling))
        return op.divisor, found.tensors[op.output].format.width

    assert pool(QuantizeOptions(4, 4, layers={"mean": {"activation_bits": 12}})) == ((1,), 12)
    assert pool(QuantizeOptions(4, 8, layers={"mean": {"activation_bits": 4}}, edition="0.1")) == ((64,), 4)
    assert pool(QuantizeOptions()) == ((1,), 8)
    assert pool(QuantizeOptions(4, 8, layers={"c1": {"activation_bits": 4}})) == ((1,), 8)


@pytest.mark.parametrize(
    ("graph", "options"),
    [
        (network(affine(3, 6, 2)), QuantizeOptions(edition="0.1")),  # bits enough
        (network(), FEW),  # the mean is the output
        (network(relu("r2"), affine(3, 6, 2)), FEW),  # another reader
        (network(affine(3, 24, 2), pool=mean(5, (1, 1, 1, 1), counted=False)), FEW),  # means of unlike counts
    ],
    ids=["8 bits", "output", "relu", "border"],
)
def test_what_stays_a_mean(graph: Graph, options: QuantizeOptions) -> None:
    assert sums_for_means(graph, options) is graph


def test_what_only_additions_read_has_more_bits() -> None:
    same = {"padding": (1, 1, 1, 1)}
    plain = chain((2, 8, 8), convolution(2, 2, 1, "c1", **same), relu(), convolution(2, 2, 1, "c2", **same))
    first, second = plain.operators[1].output, plain.operators[2].output
    sums = (Add("sum", (first, second), "sum", (1, 1)), Add("more", ("sum", second), "more", (1, 1)))
    shapes = {**plain.shapes, "sum": (2, 8, 8), "more": (2, 8, 8)}
    graph = replace(plain, outputs=("more",), shapes=shapes).with_operators((*plain.operators, *sums))
    data = samples(32, 2, 8, 8)
    found = quantize(graph, data, FEW)
    # The second convolution and the first sum are read by additions alone, the first convolution is not.
    widths = {name: found.tensors[name].format.width for name in (first, second, "sum")}
    assert widths == {first: 4, second: 8, "sum": 8}
    own = quantize(graph, data, QuantizeOptions(4, 4, layers={"c2": {"activation_bits": 5}}))
    assert own.tensors[second].format.width == 5
    assert signal_to_noise(graph, found, data["t0"]) > signal_to_noise(graph, own, data["t0"])
    narrow = quantize(graph, data, QuantizeOptions(4, 4, sum_bits=4))
    assert narrow.tensors[second].format.width == 4


def test_a_mean_of_a_narrow_range_gets_the_step_that_it_needs() -> None:
    """Means lie far below their values' maximum: at the values' own step few of their codes are in use."""
    graph, data = network(affine(3, 6, 2)), samples(96, 2, 8, 8)
    found, before = (quantize(graph, data, QuantizeOptions(edition=edition)) for edition in ("0.2", "0.1"))
    assert signal_to_noise(graph, found, data["t0"]) > signal_to_noise(graph, before, data["t0"]) + 3
