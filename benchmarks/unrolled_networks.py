"""The networks that the unrolled benchmark builds: J, its layers, and small convolutions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from unrolled_trained import load_features, train

import fpgaq
from fpgaq.base.formats import Format
from fpgaq.hardware.unrolled.cheapen import cheapen
from fpgaq.integer.accumulators import layer_bounds
from fpgaq.integer.check import check as check_integers
from fpgaq.integer.graph import InputTransform, IntegerAffine, IntegerArray, IntegerGraph, Tensor
from fpgaq.integer.reference import run as run_reference
from fpgaq.model.graph import Affine, Graph, Relu, check
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.weights import weight_frac

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
    """The integer network of a perceptron on uniform random bytes, each weight the nearest integer."""
    features = graph.shapes[graph.inputs[0]][0]
    samples = np.random.default_rng(1).integers(0, 256, (frames, features)).astype(np.uint8)
    options = QuantizeOptions(
        weight_bits=bits, per_channel=False, weight_delta="mse", weight_rounding="nearest", bias_correction=False
    )
    return fpgaq.quantize(graph, samples, options)


def integer_matrix(weight: np.ndarray, bits: int) -> IntegerArray:
    """Weights as integers of `bits` bits with a power-of-two step, as the quantizer chooses it."""
    most = 2 ** (bits - 1)
    scaled = np.rint(np.ldexp(weight, weight_frac(weight, bits, False, "mse")))
    return np.clip(scaled, -most, most - 1).astype(np.int64)


def layer_network(index: int, bits: int) -> IntegerGraph:
    """One layer of J alone, of bytes, all bits of its sums kept."""
    weight = integer_matrix(he_normal()[index], bits)
    outputs, inputs = weight.shape
    bias = np.zeros(outputs, dtype=np.int64)
    source = Format(8, 0, signed=False)
    width = layer_bounds(weight, bias, source).width
    result = Tensor("y", (1, 1, outputs), Format(width, 0))
    tensors = {"x": Tensor("x", (1, 1, inputs), source), "y": result}
    op = IntegerAffine("affine", ("x",), "y", weight, bias, Format(bits, 0), (0,) * outputs, width, None)
    transform = InputTransform(1.0, 0.0, "half_up", (inputs,), (inputs, 1, 1))
    samples = np.random.default_rng(0).integers(0, 256, (4, 1, 1, inputs))
    return check_integers(
        IntegerGraph(
            f"layer{index}_{bits}",
            ("x",),
            ("y",),
            tensors,
            (op,),
            {"x": transform},
            {"y": (outputs,)},
            {"x": samples},
            False,
        )
    )


@lru_cache
def trained_network() -> IntegerGraph:
    """The perceptron of `unrolled_trained` with its weights rounded to 8 bits."""
    return fpgaq.quantize(perceptron(*train()), load_features()[0], QuantizeOptions(per_channel=False))


@lru_cache
def cheap_network(bound: float) -> IntegerGraph:
    """`trained_network` with weights chosen for cheap adders."""
    network = trained_network()
    frames = load_features()[0].astype(np.int64).reshape(-1, 1, 1, 16)
    return cheapen(network, {network.inputs[0]: frames}, bound)


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
