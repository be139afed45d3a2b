"""QONNX models against a direct evaluation of their operators in float64."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import UnsupportedError, UsageError
from fpgaq.integer import reference
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.onnx_integers import confirm, load_integer_onnx, states_integers
from tests.support.quantized_models import Writer

DOMAIN = "qonnx.custom_op.general"


def quant(x, scale, zero, bits, signed, narrow):
    """The operator's definition: round half to even of x / scale + zero, clipped."""
    low, high = (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return (np.clip(np.round(x / scale + zero), low, high) - zero) * scale


class QonnxWriter(Writer):
    def quant(self, tensor, scale, zero=0, bits=8, signed=1, narrow=0, **attributes) -> str:
        parts = [self.constant(np.asarray(value, np.float32)) for value in (scale, zero, bits)]
        return self.node("Quant", (tensor, *parts), DOMAIN, signed=signed, narrow=narrow, **attributes)

    def truncated(self, scale=0.5, zero=0, bits=4, taken=8, **attributes) -> bytes:
        """A Quant of 8 bits and a Trunc of its integers."""
        tensor = self.quant(self.input((4,)), 0.5)
        parts = [self.constant(np.float32(value)) for value in (scale, zero, taken, bits)]
        return self.bytes(self.node("Trunc", (tensor, *parts), DOMAIN, **attributes))


@pytest.mark.parametrize("rounding", ["FLOOR", "ROUND"])
def test_trunc_of_integers_and_of_sums(rounding: str) -> None:
    """As Brevitas writes the mean of a pooling: the mean times the number of its pixels, then Trunc."""
    whole = {"FLOOR": np.floor, "ROUND": np.rint}[rounding]
    x = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32) * 30
    ((_, real),) = pipeline.run(
        load_integer_onnx(QonnxWriter().truncated(bits=5, taken=9, rounding_mode=rounding))[0], x
    ).values()
    assert np.array_equal(real, whole(quant(x.astype(float), 0.5, 0, 8, True, 0) / 0.5 / 16) * 0.5)
    writer = QonnxWriter()
    tensor = writer.quant(writer.input((2, 4, 4)), 0.5, 0, 4)
    tensor = writer.node("AveragePool", (tensor,), kernel_shape=[4, 4])
    tensor = writer.node("Mul", (tensor, writer.constant(np.float32(16))))
    parts = [writer.constant(np.float32(value)) for value in (0.5, 0, 8, 4)]
    tensor = writer.node("Trunc", (tensor, *parts), DOMAIN, rounding_mode=rounding)
    graph, _ = load_integer_onnx(writer.bytes(tensor))
    x = np.random.default_rng(1).normal(size=(200, 2, 4, 4)).astype(np.float32) * 2
    ((_, real),) = pipeline.run(graph, x).values()
    sums = quant(x.astype(float), 0.5, 0, 4, True, 0).sum(axis=(2, 3), keepdims=True)
    assert np.array_equal(real, whole(sums / 0.5 / 16) * 0.5)
    assert len(np.unique(real)) > 4


def network(seed: int):
    """A model and the function that it computes: per-channel weights, batch normalization of both signs, few bits."""
    writer, random = QonnxWriter(seed), np.random.default_rng(seed)
    weight = random.normal(size=(6, 5)).astype(np.float32)
    steps = (2.0 ** random.uniform(-3, -1, size=(1, 5))).astype(np.float32)
    factor = random.choice([-1, 1], size=5) * random.uniform(0.3, 1, size=5)
    gamma, beta, mean = (np.asarray(v, np.float32) for v in (factor, random.normal(size=5), random.normal(size=5)))
    variance = random.uniform(0.5, 2, size=5).astype(np.float32)
    signs = random.normal(size=(5, 3)).astype(np.float32)
    tensor = writer.quant(writer.input((6,)), 0.13, 0, 6)
    first = writer.quant(writer.constant(weight), steps, 0, 4, 1, 1)
    tensor = writer.node("MatMul", (tensor, first))
    parts = [writer.constant(value) for value in (gamma, beta, mean, variance)]
    tensor = writer.node("BatchNormalization", (tensor, *parts), epsilon=0.01)
    tensor = writer.quant(tensor, 0.41, 0, 2, 1, 1)
    bipolar = writer.node("BipolarQuant", (writer.constant(signs), writer.constant(np.float32(0.5))), DOMAIN)
    tensor = writer.node("Add", (writer.node("MatMul", (tensor, bipolar)), writer.constant(np.float32([0.3]))))

    def compute(x):
        hidden = quant(x, np.float64(np.float32(0.13)), 0, 6, True, 0)
        hidden = hidden @ quant(weight.astype(float), steps.astype(float), 0, 4, True, 1)
        by = gamma.astype(float) / np.sqrt(variance.astype(float) + np.float64(np.float32(0.01)))
        hidden = hidden * by + (beta - mean * by)
        hidden = quant(hidden, np.float64(np.float32(0.41)), 0, 2, True, 1)
        return hidden @ np.where(signs >= 0, 0.5, -0.5) + np.float64(np.float32(0.3))

    return writer.bytes(tensor), compute


@pytest.mark.parametrize("seed", range(8))
def test_outputs_are_those_of_the_operators(seed: int) -> None:
    data, compute = network(seed)
    assert states_integers(data)
    graph, _ = load_integer_onnx(data)
    assert "operators of QONNX" in confirm(data, graph)
    x = np.random.default_rng(seed).normal(size=(300, 6)).astype(np.float32)
    ((_, real),) = pipeline.run(graph, x).values()
    assert np.abs(real - compute(x.astype(float))).max() < 1e-12
    hidden = reference.run(graph, graph.samples, keep=True)[graph.operators[0].output]
    assert len(np.unique(hidden)) == 3
    assert graph.tensors[graph.outputs[0]].offset == pytest.approx(0.3)


def refused_models():
    def one(**options) -> bytes:
        writer = QonnxWriter()
        return writer.bytes(writer.quant(writer.input((4,)), **options))

    yield one(scale=0.5, zero=1), "the odd zero point 1 is added before"
    yield one(scale=0.5, zero=0.5), "supported: one whole number in range"
    yield one(scale=0.5, bits=3.5), "supported: one whole number, to 16"
    yield one(scale=0.5, rounding_mode="CEIL"), "rounding mode 'CEIL'; supported: ROUND, HALF_EVEN"
    yield one(scale=0.5, signed=0, narrow=1), "a narrow range of unsigned"
    yield one(scale=[0.5, 0.25, 0.5, 0.5]), "4 scales of a computed tensor"
    writer = QonnxWriter()
    step = writer.constant(np.float32(1))
    yield writer.bytes(writer.node("BipolarQuant", (writer.input((4,)), step), DOMAIN)), "on computed values"
    writer = QonnxWriter()
    parts = [writer.constant(np.float32(1)) for _ in range(4)]
    yield writer.bytes(writer.node("Trunc", (writer.input((4,)), *parts), DOMAIN)), "a zero point or parts of bits"
    for changed, message in (
        ({"rounding_mode": "CEIL"}, "rounding mode 'CEIL' from 8 to 4 bits"),
        ({"zero": 2}, "several scales, a zero point or parts of bits"),
        ({"scale": 0.25}, "no whole multiples of its scale 0.25"),
        ({"taken": 5}, "results from -64 to 63 where it states 4 bits"),
    ):
        yield QonnxWriter().truncated(**changed), message


@pytest.mark.parametrize(("data", "message"), list(refused_models()))
def test_each_is_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        load_integer_onnx(data)


def open_input(seed: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """A dense layer of quantized weights and biases on an input that nothing quantizes, as QKeras leaves it."""
    writer, random = QonnxWriter(seed), np.random.default_rng(seed)
    weight, bias = random.normal(size=(6, 4)).astype(np.float32), random.normal(size=4).astype(np.float32)
    first = writer.quant(writer.constant(weight), 1 / 32, 0, 6)
    second = writer.quant(writer.constant(bias), 1 / 32, 0, 6)
    tensor = writer.node("Add", (writer.node("MatMul", (writer.input((6,)), first)), second))
    stated = [quant(values.astype(np.float64), 1 / 32, 0, 6, True, 0) for values in (weight, bias)]
    return writer.bytes(tensor), stated[0], stated[1]


def test_the_user_states_the_grid_of_an_input_that_the_file_leaves_open(tmp_path) -> None:
    data, weight, bias = open_input(0)
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(UnsupportedError, match=r"say how the host quantizes it \(--input-scale and --input-bits"):
        pipeline.quantize(path)
    network = pipeline.quantize(path, options=QuantizeOptions(input_scale=64.0, input_bits=12))
    samples = np.random.default_rng(1).normal(size=(50, 6))
    ((_, found),) = pipeline.run(network, samples).values()
    on_grid = np.floor(samples * 64 + 0.5) / 64
    assert np.array_equal(found, on_grid @ weight + bias)


def test_a_grid_is_refused_where_the_file_quantizes_its_inputs(tmp_path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(network(0)[0])
    with pytest.raises(UsageError, match="quantizes its inputs itself; leave --input-scale"):
        pipeline.quantize(path, options=QuantizeOptions(input_scale=64.0))
    with pytest.raises(UsageError, match="leave the options of quantizing out"):
        pipeline.quantize(path, options=QuantizeOptions(weight_bits=4))
