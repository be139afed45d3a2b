"""Float TensorFlow Lite models against LiteRT, and the files that are refused."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import ToolError, UnsupportedError
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Graph
from fpgaq.model.importers import load
from fpgaq.model.importers.tflite import load_tflite, read_tflite
from tests.support.tflite_builder import TfliteBuilder
from tests.support.tflite_operators import OPERATORS, build_float

NONE = ("QUANTIZE", "QUANTIZE and DEQUANTIZE")
CASES = [operator for operator in OPERATORS if operator not in NONE]


def litert(data: bytes, samples: list[np.ndarray]) -> list[np.ndarray]:
    """LiteRT's outputs of one frame."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    for entry, sample in zip(interpreter.get_input_details(), samples, strict=True):
        interpreter.set_tensor(entry["index"], sample.reshape(entry["shape"]))
    interpreter.invoke()
    return [interpreter.get_tensor(entry["index"]) for entry in interpreter.get_output_details()]


def computed(graph: Graph, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A random frame and the float network's outputs."""
    random = np.random.default_rng(seed)
    samples = {name: random.normal(size=(1, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
    results = run_float(graph, samples)
    return [samples[name][0] for name in graph.inputs], [results[name][0] for name in graph.outputs]


@pytest.mark.parametrize("operator", CASES)
def test_a_float_operator_is_that_of_litert(operator: str) -> None:
    pytest.importorskip("ai_edge_litert")
    refused = 0
    for seed in range(6):
        data = build_float(operator, seed)
        try:
            graph = load_tflite(read_tflite(data))
        except UnsupportedError as error:
            assert "supported: " in str(error)
            refused += 1
            continue
        samples, found = computed(graph, seed)
        for ours, wanted in zip(found, litert(data, samples), strict=True):
            assert ours.size == wanted.size
            scale = max(float(np.abs(wanted).max()), 1e-3)
            assert np.abs(ours.reshape(wanted.shape) - wanted).max() <= 1e-5 * scale
    assert refused < 6


def network(batch: int = 1) -> bytes:
    """A convolution with weights of 16-bit floats, and a dense layer behind a flattening reshape."""
    random, model = np.random.default_rng(0), TfliteBuilder()
    x = model.input((batch, 4, 5, 3), "float32", name="picture")
    half = model.tensor((6, 3, 3, 3), "float16", data=random.normal(size=(6, 3, 3, 3)))
    weights = model.tensor((6, 3, 3, 3), "float32")
    model.node("DEQUANTIZE", (half,), (weights,), "DequantizeOptions")
    bias = model.tensor((6,), "float32", data=random.normal(size=6))
    y = model.tensor((batch, 4, 5, 6), "float32")
    model.node("CONV_2D", (x, weights, bias), (y,), "Conv2DOptions", StrideH=1, StrideW=1, FusedActivationFunction=1)
    flat = model.tensor((batch, 120), "float32")
    model.node("RESHAPE", (y, model.tensor((2,), "int32", data=[batch, 120])), (flat,), "ReshapeOptions")
    dense = model.tensor((4, 120), "float32", data=random.normal(size=(4, 120)))
    scores = model.tensor((batch, 4), "float32")
    model.node("FULLY_CONNECTED", (flat, dense, -1), (scores,), "FullyConnectedOptions")
    model.outputs = [model.tensor((batch, 4), "float32", name="scores")]
    model.node("SOFTMAX", (scores,), model.outputs, "SoftmaxOptions", Beta=1.0)
    return model.build()


def test_a_float_model_is_quantized_by_calibration_and_built(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(network())
    graph = pipeline.load_model(path)
    assert graph.shapes["picture"] == (4, 5, 3)
    assert graph.classifier
    samples = np.random.default_rng(1).normal(size=(40, 4, 5, 3)).astype(np.float32)
    integer = pipeline.quantize(graph, samples)
    real = run_float(graph, {"picture": samples})[graph.outputs[0]].reshape(40, 4)
    ((_, found),) = pipeline.run(integer, samples).values()
    assert np.mean(real.argmax(axis=1) == found.reshape(40, 4).argmax(axis=1)) > 0.9
    folder = tmp_path / "out"
    pipeline.generate(integer, folder, frames=3)
    assert pipeline.simulate(folder).mismatches == 0


def test_a_batch_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(network(2))
    with pytest.raises(UnsupportedError, match="has a batch of 2; convert the model with a batch of 1"):
        load(path)
    with pytest.raises(UnsupportedError, match="--outputs is for"):
        load(path, outputs=["scores"])


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(network())
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(ToolError, match=r"pip install 'fpgaq\[tflite\]'"):
        load(path)
