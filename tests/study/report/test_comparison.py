"""The comparison's figures against plain computations."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.data import Dataset
from fpgaq.base.errors import ModelError
from fpgaq.base.formats import dequantize
from fpgaq.integer import reference
from fpgaq.integer.inputs import apply_transform
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Deconvolution, Pointwise, Prelu
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.study.report import comparison, comparison_table
from fpgaq.study.report.sizes import count_operators, float_bytes, integer_bytes
from tests.support.float_networks import affine, chain, convolution, pooling, relu, samples


@pytest.fixture(scope="module")
def pair():
    graph = chain((2, 8, 8), convolution(4, 2, 1, "c1"), relu("r1"), pooling("p1"), affine(7, 36, 3, "a1"))
    data = samples(50, 2, 8, 8, seed=3)["t0"]
    integer = quantize(graph, {"t0": data[:20]}, QuantizeOptions(4, 4))
    labels = np.random.default_rng(0).integers(0, 7, size=50)
    return graph, integer, Dataset({"t0": data}, labels)


def test_accuracy_and_agreement(pair):
    graph, integer, dataset = pair
    found = comparison.compare(graph, integer, dataset, timed=False)
    scores = run_float(graph, {"t0": dataset.inputs["t0"]})["t4"]
    transform = integer.transforms["t0"]
    integers = apply_transform(transform, integer.tensors["t0"].format, dataset.inputs["t0"])
    whole = reference.run(integer, {"t0": integers})["t4"].reshape(50, 7)
    assert found.samples == 50
    assert found.agreement == np.mean(scores.argmax(1) == whole.argmax(1)) < 1
    for prefix, values in (("float", scores), ("integer", whole)):
        order = np.argsort(-values, axis=1, kind="stable")
        assert getattr(found, f"{prefix}_top1") == np.mean(order[:, 0] == dataset.labels)
        assert getattr(found, f"{prefix}_top5") == np.mean((order[:, :5] == dataset.labels[:, None]).any(axis=1))


def test_figures_of_each_tensor(pair):
    graph, integer, dataset = pair
    found = {layer.name: layer for layer in comparison.compare(graph, integer, dataset, timed=False).layers}
    assert list(found) == ["t0", "t2", "t3", "t4"]
    assert [found[name].layer for name in found] == ["input", "c1", "p1", "a1"]
    reals = run_float(graph, {"t0": dataset.inputs["t0"]}, keep=True)
    transform, fmt = integer.transforms["t0"], integer.tensors["t0"].format
    integers = apply_transform(transform, fmt, dataset.inputs["t0"])
    integers = reference.run(integer, {"t0": integers}, keep=True)
    for name in ("t2", "t3", "t4"):
        fmt = integer.tensors[name].format
        real = reals[name].reshape(50, *np.roll(integer.tensors[name].shape, 1)).transpose(0, 2, 3, 1).astype(float)
        noise = np.sum((dequantize(integers[name], fmt) - real) ** 2)
        assert found[name].signal_to_noise == pytest.approx(10 * math.log10(np.sum(real**2) / noise), abs=1e-9)
    values = integers["t2"]
    assert found["t2"].saturation == np.mean(values == 15) and found["t2"].format.startswith("u4.")
    assert found["t2"].unused_bits == 4 - int(values.max()).bit_length()
    assert found["t4"].accumulator_width == integer.operators[-1].accumulator_width


@pytest.mark.parametrize("step", [1, 7, 10**9])
def test_batches_do_not_change_the_figures(pair, monkeypatch, step):
    graph, integer, dataset = pair
    whole = comparison.compare(graph, integer, dataset, timed=False)
    size = sum(tensor.size for tensor in integer.tensors.values())
    monkeypatch.setattr(comparison, "BATCH_ELEMENTS", step * size)
    parts = comparison.compare(graph, integer, dataset, timed=False)
    assert parts.agreement == whole.agreement and parts.float_top5 == whole.float_top5
    for left, right in zip(parts.layers, whole.layers, strict=True):
        assert left.signal_to_noise == pytest.approx(right.signal_to_noise, abs=1e-6)
        assert (left.saturation, left.unused_bits) == (right.saturation, right.unused_bits)


def test_a_lossless_input_is_infinite_and_none_in_json():
    data = {"t0": np.random.default_rng(1).integers(0, 256, size=(9, 4)).astype(np.uint8)}
    graph = chain((4,), affine(3, 4))
    found = comparison.compare(graph, quantize(graph, data), Dataset(data, None))
    assert found.layers[0].signal_to_noise == math.inf
    values = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert values["layers"][0]["signal_to_noise"] is None
    assert values["float_top1"] is None and values["float_top5"] is None and 0 <= values["agreement"] <= 1
    assert found.float_seconds > 0 and found.integer_seconds > 0 and "numpy" in found.engine and found.threads >= 1


def test_bytes_of_parameters(pair):
    graph, integer, dataset = pair
    found = comparison.compare(graph, integer, dataset, timed=False)
    weights, biases = 4 * 2 * 9 + 7 * 36, 4 + 7
    assert found.float_bytes == 4 * (weights + biases)
    widths = [op.accumulator_width for op in (integer.operators[0], integer.operators[2])]
    assert found.integer_bytes == math.ceil((weights * 4 + 4 * widths[0] + 7 * widths[1]) / 8)


def test_ranks_break_ties_towards_the_lower_index():
    scores = np.array([[3, 3, 1], [3, 3, 1], [0, 5, 5]])
    assert comparison.rank(scores, np.array([0, 1, 2])).tolist() == [0, 1, 1]
    assert (comparison.rank(scores, scores.argmax(axis=1)) == 0).all()


def test_table_shows_every_tensor_and_no_control_characters(pair):
    graph, integer, dataset = pair
    first = replace(integer.operators[0], name="evil\x1b[2J\nname")
    named = replace(integer, operators=(first, *integer.operators[1:]))
    text = comparison_table.table(comparison.compare(graph, named, dataset, timed=False))
    assert "\\x1b[2J" in text and "\x1b" not in text
    kinds = len({*count_operators(graph), *count_operators(integer)})
    assert "50 images" in text and len(text.splitlines()) == 6 + 1 + 1 + (1 + kinds + 1) + 1 + 1 + 4


def test_operators_before_and_after(pair):
    graph, integer, dataset = pair
    found = comparison.compare(graph, integer, dataset, timed=False)
    assert found.float_operators == {"Convolution": 1, "Relu": 1, "MaxPooling": 1, "Affine": 1}
    assert found.integer_operators == {"Convolution": 1, "MaxPooling": 1, "Affine": 1}
    lines = [line.split() for line in comparison_table.table(found).splitlines()]
    assert ["Relu", "1", "-"] in lines and ["Affine", "1", "1"] in lines and ["all", "4", "3"] in lines
    source = replace(graph, operators=(*graph.operators[:2], graph.operators[1], *graph.operators[2:]))
    assert comparison.compare(graph, integer, dataset, timed=False, source=source).float_operators["Relu"] == 2


def test_bytes_of_all_parameters():
    slope = Prelu("p", ("",), "", np.full(4, 0.25, np.float32))
    up = Deconvolution("d", ("",), "", np.ones((4, 2, 2, 2), np.float32), np.ones(2, np.float32), stride=(2, 2))
    sigmoid = Pointwise("s", ("",), "", "sigmoid", ())
    graph = chain((1, 6, 6), convolution(4, 1), slope, up, sigmoid)
    integer = quantize(graph, {"t0": np.random.default_rng(0).normal(size=(8, 1, 6, 6)).astype(np.float32)})
    assert float_bytes(graph) == 4 * (36 + 4 + 4 + 32 + 2)
    bits = 0
    for op in integer.operators:
        if hasattr(op, "weight"):
            bits += 8 * op.weight.size + op.bias.size * op.accumulator_width
        elif hasattr(op, "scale"):
            bits += 16 * 8 + op.accumulator_width * 4
        elif hasattr(op, "table"):
            bits += 8 * op.table.size
    assert integer_bytes(integer) == -(-bits // 8)


def test_labels_beyond_the_classes_are_refused(pair):
    graph, integer, dataset = pair
    with pytest.raises(ModelError, match="labels go up to 7, but network 'net' has 7 outputs"):
        comparison.compare(graph, integer, Dataset(dataset.inputs, np.full(50, 7)))


def test_networks_that_do_not_belong_together_are_refused(pair):
    graph, integer, dataset = pair
    other = chain((2, 8, 8), convolution(4, 2, 1, "c1"), relu("r1"))
    with pytest.raises(ModelError, match="compare a model with what was quantized from it"):
        comparison.compare(other, integer, dataset)


def test_losses_against_targets(pair):
    """Mean squared errors of both networks, over batches, against plain ones."""
    graph, integer, dataset = pair
    targets = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "BATCH_ELEMENTS", 7 * sum(tensor.size for tensor in integer.tensors.values()))
        found = comparison.compare(graph, integer, Dataset(dataset.inputs, None, {"t4": targets}), timed=False)
    scores = run_float(graph, {"t0": dataset.inputs["t0"]})["t4"].astype(np.float64)
    integers = apply_transform(integer.transforms["t0"], integer.tensors["t0"].format, dataset.inputs["t0"])
    whole = dequantize(reference.run(integer, {"t0": integers})["t4"], integer.tensors["t4"].format).reshape(50, 7)
    (loss,) = found.losses
    assert loss.output == "t4"
    # The order of float32 sums depends on the batch; the integers do not.
    assert loss.float_error == pytest.approx(np.mean((scores - targets) ** 2), rel=1e-6)
    assert loss.integer_error == pytest.approx(np.mean((whole - targets) ** 2), rel=1e-12)
    assert loss.change == loss.integer_error / loss.float_error - 1
    assert found.agreement is None and found.float_top1 is None
    lines = comparison_table.table(found).splitlines()
    assert f"{loss.float_error:.6g}" in lines[1] and lines[1].startswith("mean squared error")
    assert found.as_json()["losses"][0]["change"] == loss.change
    assert not any(line.startswith("top-1") for line in lines)
    classifier = replace(graph, classifier=True)
    assert comparison.compare(classifier, integer, Dataset(dataset.inputs, None, {"t4": targets})).losses == ()


def test_an_image_as_target_keeps_its_order():
    """Integer outputs come channels last, targets channels first."""
    graph = chain((2, 4, 4), convolution(3, 2, 1, "c1"))
    data = samples(20, 2, 4, 4, seed=5)["t0"]
    integer = quantize(graph, {"t0": data})
    targets = run_float(graph, {"t0": data})["t1"]
    (loss,) = comparison.compare(graph, integer, Dataset({"t0": data}, None, {"t1": targets}), timed=False).losses
    assert loss.float_error == 0 and loss.change is None
    assert 0 < loss.integer_error < 1e-3 * np.mean(targets**2)
