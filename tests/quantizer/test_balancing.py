"""Balanced activations: the same function, and more of it left at few bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.model.executor import run_float
from fpgaq.model.graph import AveragePooling, Graph, Pointwise, Relu, Reshape
from fpgaq.quantizer import quantize
from fpgaq.quantizer.balancing import SUFFIX, balance
from fpgaq.quantizer.config import QuantizeOptions
from tests.quantizer.test_equalization import uneven
from tests.support.float_networks import affine, chain, convolution, relu, samples, signal_to_noise, small_cnn

FEW = QuantizeOptions(8, 4, per_channel=True, balance=True)


def relu6(name: str) -> Pointwise:
    return Pointwise(name, ("",), "", "relu6", ())


def depthwise(make=relu) -> Graph:
    return chain(
        (2, 8, 8),
        convolution(4, 2, 1, "c1", padding=(1, 1, 1, 1)),
        make("r1"),
        convolution(4, 4, 2, "dw", groups=4),
        make("r2"),
        convolution(3, 4, 3, "c2"),
    )


NETWORKS = {
    "small cnn": lambda: uneven(small_cnn()),
    "depthwise": lambda: uneven(depthwise()),
    "mean, flattened": lambda: uneven(
        chain(
            (2, 8, 8),
            convolution(4, 2, 1, "c1", padding=(1, 1, 1, 1)),
            relu("r1"),
            AveragePooling("mean", ("",), "", (2, 2), (2, 2)),
            Reshape("flat", ("",), ""),
            affine(5, 64, 2, "a1"),
            relu("r2"),
            affine(3, 5, 3, "a2"),
            shapes={"t4": (64,)},
        )
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_float_network_stays_the_same(name):
    graph = NETWORKS[name]()
    data = samples(16, *graph.shapes["t0"])
    balanced = balance(graph, data, FEW)
    before, after = (run_float(network, data)[graph.outputs[0]] for network in (graph, balanced))
    # Factors are no powers of two: sums of floats are rounded elsewhere.
    assert np.abs(after - before).max() <= 2e-6 * np.abs(before).max()
    assert any(tensor.endswith(SUFFIX) for tensor in balanced.shapes)
    assert (graph.inputs, graph.outputs) == (balanced.inputs, balanced.outputs)


@pytest.mark.parametrize("name", NETWORKS)
def test_activations_of_few_bits_gain(name):
    graph = NETWORKS[name]()
    data = samples(64, *graph.shapes["t0"])
    plain, balanced = (
        signal_to_noise(graph, quantize(graph, data, QuantizeOptions(8, 4, balance=on)), data["t0"])
        for on in (False, True)
    )
    assert balanced > plain, (plain, balanced)


def test_channels_of_one_size_are_scaled_alike():
    graph = depthwise()
    for op in graph.operators:
        if getattr(op, "name", "") == "c1":
            op.weight[...] = op.weight[:1]
            op.bias[...] = op.bias[:1]
    data = samples(16, *graph.shapes["t0"])
    first = next(op for op in balance(graph, data, FEW).operators if op.name == "c1")
    assert np.array_equal(first.weight, np.broadcast_to(first.weight[:1], first.weight.shape))


def reached(graph: Graph, level: float) -> Graph:
    """The network with a first layer whose greatest value on the samples is `level`."""
    data = samples(16, *graph.shapes["t0"])
    first = graph.operators[0]
    top = run_float(replace(graph, outputs=(first.output,)), data)[first.output].max()
    first.weight[...] *= level / top
    first.bias[...] *= level / top
    return graph


def test_relu6_that_no_sample_ends_becomes_a_relu():
    graph = reached(uneven(depthwise(relu6)), 5.0)
    data = samples(16, *graph.shapes["t0"])
    balanced = balance(graph, data, FEW)
    assert isinstance(balanced.operators[1], Relu)
    before, after = (run_float(network, data)[graph.outputs[0]] for network in (graph, balanced))
    assert np.abs(after - before).max() <= 2e-6 * np.abs(before).max()


def test_relu6_whose_end_is_in_use_stays():
    graph = reached(uneven(depthwise(relu6)), 60.0)
    data = samples(16, *graph.shapes["t0"])
    # At 8 bits the values reach to the end of the ReLU6, where the scaled ones would end elsewhere.
    balanced = balance(graph, data, QuantizeOptions(8, 8, balance=True))
    assert isinstance(balanced.operators[1], Pointwise)
    assert np.array_equal(balanced.operators[0].weight, graph.operators[0].weight)
