"""Small float networks for tests: operators with random weights, put in a row."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fpgaq.base.formats import dequantize
from fpgaq.integer import reference
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.inputs import apply_transform
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Affine, Convolution, Graph, MaxPooling, Operator, Relu, check, infer_shape


def chain(shape: tuple[int, ...], *operators: Operator, shapes: dict[str, tuple[int, ...]] | None = None) -> Graph:
    """A graph of operators in a row; their inputs and outputs are named t0, t1, ..., and names are made unique."""
    known, linked = {"t0": shape}, []
    for index, op in enumerate(operators):
        name = f"{op.name}_{index}" if op.name in [before.name for before in linked] else op.name
        named = replace(op, name=name, inputs=(f"t{index}",), output=f"t{index + 1}")
        shape = infer_shape(named, shape, (shapes or {}).get(f"t{index + 1}", shape))
        known[f"t{index + 1}"] = shape
        linked.append(named)
    return check(Graph("net", ("t0",), (f"t{len(operators)}",), tuple(linked), known))


def affine(outputs: int, features: int, seed: int = 0, name: str = "affine", scale: float = 1.0) -> Affine:
    generator = np.random.default_rng(seed)
    weight = (generator.normal(size=(outputs, features)) * scale).astype(np.float32)
    return Affine(name, ("",), "", weight, generator.normal(size=outputs).astype(np.float32))


def convolution(outputs: int, channels: int, seed: int = 0, name: str = "conv", **geometry) -> Convolution:
    generator = np.random.default_rng(seed)
    weight = generator.normal(size=(outputs, channels // geometry.get("groups", 1), 3, 3)).astype(np.float32) / 3
    return Convolution(name, ("",), "", weight, generator.normal(size=outputs).astype(np.float32), **geometry)


def pooling(name: str = "pool") -> MaxPooling:
    return MaxPooling(name, ("",), "", (2, 2), (2, 2))


def relu(name: str = "relu") -> Relu:
    return Relu(name, ("",), "")


def samples(*shape: int, seed: int = 1) -> dict[str, np.ndarray]:
    return {"t0": np.random.default_rng(seed).normal(size=shape).astype(np.float32)}


def small_cnn() -> Graph:
    return chain(
        (2, 8, 8),
        convolution(4, 2, 1, "c1", padding=(1, 1, 1, 1)),
        relu("r1"),
        pooling("p1"),
        convolution(6, 4, 2, "c2", groups=2),
        relu("r2"),
        affine(5, 24, 3, "a1"),
        relu("r3"),
        affine(3, 5, 4, "a2"),
    )


def real_outputs(integer: IntegerGraph, data: np.ndarray) -> np.ndarray:
    """The results of the integer network, in the model's layout and units."""
    name, output = integer.inputs[0], integer.outputs[0]
    integers = apply_transform(integer.transforms[name], integer.tensors[name].format, data)
    values = reference.run(integer, {name: integers})[output]
    return reference.to_model_layout(integer, output, dequantize(values, integer.tensors[output].format))


def signal_to_noise(graph: Graph, integer: IntegerGraph, data: np.ndarray) -> float:
    expected = run_float(graph, {"t0": data.astype(np.float32)})[graph.outputs[0]].astype(np.float64)
    difference = real_outputs(integer, data) - expected
    return 10 * math.log10(np.sum(expected**2) / max(np.sum(difference**2), 1e-300))
