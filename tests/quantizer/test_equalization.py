"""Cross-layer equalization changes no float output by a single bit."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.data import Dataset
from fpgaq.model.executor import run_float
from fpgaq.model.graph import AveragePooling, Deconvolution, Graph, Pointwise, Prelu, Reshape
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.equalization import SUFFIX, equalize
from fpgaq.study.report.comparison import compare
from tests.support.float_networks import affine, chain, convolution, relu, samples, signal_to_noise, small_cnn


def uneven(graph: Graph, seed: int = 4) -> Graph:
    """The same network with channels of very different ranges."""
    generator = np.random.default_rng(seed)
    for op in graph.operators:
        if hasattr(op, "weight"):
            spread = np.exp2(generator.integers(-5, 6, op.weight.shape[0])).astype(np.float32)
            op.weight[...] = op.weight * spread.reshape(-1, *(1,) * (op.weight.ndim - 1))
    return graph


def prelu(channels: int) -> Prelu:
    return Prelu("prelu", ("",), "", np.linspace(0.1, 0.4, channels).astype(np.float32))


def mean() -> AveragePooling:
    return AveragePooling("mean", ("",), "", (2, 2), (2, 2))


def leaky() -> Pointwise:
    return Pointwise("leaky", ("",), "", "leaky_relu", (0.25,))


def up(groups: int = 1) -> Deconvolution:
    weight = np.random.default_rng(8).normal(size=(4, 6 // groups, 2, 2)).astype(np.float32)
    return Deconvolution("up", ("",), "", weight, np.ones(6, np.float32), stride=(2, 2), groups=groups)


NETWORKS = {
    "small cnn": lambda: small_cnn(),
    "depthwise": lambda: chain(
        (2, 8, 8),
        convolution(4, 2, 1, "c1", padding=(1, 1, 1, 1)),
        relu("r1"),
        convolution(4, 4, 2, "dw", groups=4),
        prelu(4),
        convolution(3, 4, 3, "c2"),
    ),
    "leaky, means, flattened": lambda: chain(
        (2, 8, 8),
        convolution(4, 2, 1, "c1", padding=(1, 1, 1, 1)),
        leaky(),
        mean(),
        Reshape("flat", ("",), ""),
        affine(5, 64, 2, "a1"),
        relu(),
        affine(3, 5, 3, "a2"),
        shapes={"t4": (64,)},
    ),
    "transposed": lambda: chain(
        (2, 6, 6), convolution(4, 2, 1, "c1"), relu("r1"), up(2), relu("r2"), convolution(2, 6, 2, "c2")
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_float_network_stays_the_same_bit_by_bit(name: str):
    graph = uneven(NETWORKS[name]())
    balanced = equalize(graph)
    data = samples(16, *graph.shapes["t0"])
    before, after = (run_float(network, data)[graph.outputs[0]] for network in (graph, balanced))
    assert np.array_equal(before, after)
    assert any(tensor.endswith(SUFFIX) for tensor in balanced.shapes)
    assert graph.inputs == balanced.inputs and graph.outputs == balanced.outputs


@pytest.mark.parametrize("name", NETWORKS)
def test_steps_per_tensor_gain(name: str):
    graph = uneven(NETWORKS[name]())
    data = samples(64, *graph.shapes["t0"])
    plain, balanced = (
        signal_to_noise(graph, quantize(graph, data, QuantizeOptions(6, 10, method="mse", equalize=on)), data["t0"])
        for on in (False, True)
    )
    assert balanced > plain, (plain, balanced)


def test_what_does_not_commute_is_left_alone():
    sigmoid = Pointwise("sigmoid", ("",), "", "sigmoid", ())
    graph = uneven(chain((2, 6, 6), convolution(4, 2, 1, "c1"), sigmoid, convolution(2, 4, 2, "c2")))
    assert set(equalize(graph).shapes) == set(graph.shapes)


def test_scaled_tensors_have_no_equal_in_the_comparison():
    graph = uneven(small_cnn())
    data = samples(16, 2, 8, 8)
    integer = quantize(graph, data, QuantizeOptions(equalize=True))
    found = compare(graph, integer, Dataset(data, None), timed=False)
    assert {layer.name for layer in found.layers} < set(integer.tensors)
    assert all(layer.signal_to_noise > 20 for layer in found.layers)
