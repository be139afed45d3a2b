"""The networks that the unrolled benchmark builds: J, its layers, and small convolutions."""

from __future__ import annotations

import numpy as np

import fpgaq
from fpgaq.graph import Affine, Graph, Relu, check
from fpgaq.integer_graph import IntegerAffine, IntegerArray, IntegerGraph
from fpgaq.passes import standard_passes
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.weights import weight_frac
from fpgaq.reference import run as run_reference

J_SIZES = (16, 64, 32, 32, 5)


def he_normal(sizes: tuple[int, ...] = J_SIZES) -> list[np.ndarray]:
    """Weights (outputs, inputs) of a multi-layer perceptron, drawn in order by `default_rng(0)`."""
    generator = np.random.default_rng(0)
    return [
        generator.normal(0.0, np.sqrt(2.0 / inputs), (outputs, inputs))
        for inputs, outputs in zip(sizes, sizes[1:], strict=False)
    ]


def perceptron(weights: list[np.ndarray], biases: list[np.ndarray] | None = None) -> Graph:
    """A float graph of affine layers with ReLU between them."""
    operators: list[object] = []
    shapes: dict[str, tuple[int, ...]] = {"x": (weights[0].shape[1],)}
    tensor = "x"
    for index, weight in enumerate(weights):
        bias = np.zeros(len(weight)) if biases is None else biases[index]
        result = f"a{index}"
        operators.append(
            Affine(f"affine{index}", (tensor,), result, weight.astype(np.float32), bias.astype(np.float32))
        )
        shapes[result] = (len(weight),)
        tensor = result
        if index + 1 < len(weights):
            operators.append(Relu(f"relu{index}", (tensor,), f"r{index}"))
            tensor = f"r{index}"
            shapes[tensor] = (len(weight),)
    return standard_passes(check(Graph("perceptron", ("x",), (tensor,), tuple(operators), shapes)))


def quantized(graph: Graph, bits: int = 8, frames: int = 512) -> IntegerGraph:
    """The integer network of a perceptron on uniform random bytes."""
    features = graph.shapes[graph.inputs[0]][0]
    samples = np.random.default_rng(1).integers(0, 256, (frames, features)).astype(np.uint8)
    return fpgaq.quantize(graph, samples, QuantizeOptions(weight_bits=bits, per_channel=False))


def integer_matrix(weight: np.ndarray, bits: int) -> IntegerArray:
    """Weights as integers of `bits` bits with a power-of-two step, as the quantizer chooses it."""
    most = 2 ** (bits - 1)
    scaled = np.rint(np.ldexp(weight, weight_frac(weight, bits, False, "mse")))
    return np.clip(scaled, -most, most - 1).astype(np.int64)


def peer_arrays(network: IntegerGraph, frames: IntegerArray) -> dict[str, np.ndarray]:
    """A chain of affine layers as `unrolled_peer.py` reads it; `frames` are (count, features)."""
    arrays: dict[str, np.ndarray] = {"inputs": frames}
    for index, op in enumerate(network.operators):
        assert isinstance(op, IntegerAffine)
        arrays[f"weight_{index}"], arrays[f"bias_{index}"] = op.weight, op.bias
        if op.requantize is not None:
            assert op.requantize.rounding == "half_up" and len(set(op.requantize.shift)) == 1
            fmt = network.tensors[op.output].format
            assert not fmt.signed and fmt.width == 8
            arrays[f"shift_{index}"] = np.asarray(op.requantize.shift[0])
    result = run_reference(network, {network.inputs[0]: frames.reshape(len(frames), 1, 1, -1)})
    arrays["expected"] = result[network.outputs[0]].reshape(len(frames), -1)
    return arrays
