"""8-bit accuracy of real trained networks: within half a point of float, at least 98.5 % agreement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.data import Dataset, load_data
from fpgaq.pipeline import load_model
from fpgaq.pipeline import quantize as quantize_model
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.study.report.comparison import Comparison, compare

EXAMPLES = Path(__file__).parents[1] / "examples"


def assert_close_to_float(found: Comparison) -> None:
    assert found.float_top1 is not None and found.integer_top1 is not None and found.agreement is not None
    samples = round(abs(found.integer_top1 - found.float_top1) * found.samples)
    assert samples <= 0.005 * found.samples, found
    assert found.agreement >= 0.985, found


@pytest.mark.parametrize(
    "name", ["fashion_mlp", "fashion_cnn", "fashion_residual", "fashion_mobile", "series_conv", "digits_tabular"]
)
def test_examples(name):
    folder = EXAMPLES / name
    graph = load_model(folder / "model.nnp")
    calibration = load_data(folder / "calibration.npz", graph.inputs, outputs=graph.outputs)
    integer = quantize(graph, calibration.inputs)
    assert_close_to_float(compare(graph, integer, load_data(folder / "test.npz", graph.inputs), timed=False))


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("lenet_010000.nnp", 1),
        ("nnc_mnist/20210411_000744.nnp", 255),
        ("nnc_mnist/20210411_024134.nnp", 255),
        ("nnc_mnist/20210411_001550.nnp", 255),
        ("nnc_mnist/20210411_071553.nnp", 255),
        ("nnc_lenet_goofmint_result2.nnp", 255),
    ],
)
def test_trained_elsewhere(shared_models, name, scale, per_channel):
    """The first 100 images calibrate, the other 900 are reported."""
    with np.load(shared_models / "mnist_t10k_even1000.npz") as archive:
        images, labels = archive["x"], archive["y"].astype(np.int64)
    if scale != 1:
        images = (images / scale).astype(np.float32)
    graph = load_model(shared_models / name)
    source = graph.inputs[0]
    images = images.reshape(len(images), *graph.shapes[source])
    integer = quantize(graph, {source: images[:100]}, QuantizeOptions(per_channel=per_channel))
    assert not integer.tensors[source].format.signed and integer.tensors[source].format.width == 8
    assert_close_to_float(compare(graph, integer, Dataset({source: images[100:]}, labels[100:]), timed=False))


def test_two_digits_apart(shared_models):
    """A network with one probability as its output, of 9 against 4."""
    with np.load(shared_models / "mnist_t10k_even1000.npz") as archive:
        images, labels = archive["x"], archive["y"].astype(np.int64)
    chosen = (labels == 4) | (labels == 9)
    images, labels = (images[chosen] / 255).astype(np.float32), (labels[chosen] == 9).astype(np.int64)
    graph = load_model(shared_models / "nnc_4v9_goofmint_result.nnp")
    source = graph.inputs[0]
    images = images.reshape(len(images), *graph.shapes[source])
    integer = quantize(graph, {source: images[:100]})
    assert_close_to_float(compare(graph, integer, Dataset({source: images[100:]}, labels[100:]), timed=False))


@pytest.mark.parametrize("name", ["20210410_155606", "20210410_155640", "20210410_155748"])
def test_unscaled_tables(shared_models, name):
    """Features from 0..1 to 0..512 in one input, at the default, and one row of 123 of tolerance."""
    rows = np.loadtxt(shared_models / "nnc_titanic" / "validation.csv", delimiter=",", skiprows=1, dtype=np.float32)
    graph = load_model(shared_models / "nnc_titanic" / f"{name}.nnp")
    source, labels = graph.inputs[0], rows[:, 0].astype(np.int64)
    integer = quantize_model(graph, {source: rows[:100, 1:]})
    found = compare(graph, integer, Dataset({source: rows[100:, 1:]}, labels[100:]), timed=False)
    assert found.float_top1 is not None and found.integer_top1 is not None and found.agreement is not None
    assert found.integer_top1 >= found.float_top1 - 1.5 / found.samples, found
    assert found.agreement >= 0.98, found
