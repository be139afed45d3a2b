"""Samples from the command line: their units and orders, none at all, and the warnings about them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fpgaq import pipeline
from fpgaq.base.data import Dataset, DataSource
from fpgaq.base.errors import UsageError
from fpgaq.base.preparation import make_preparation
from fpgaq.base.remarks import FpgaqNote, FpgaqWarning
from fpgaq.integer.file import load
from fpgaq.model.graph import Affine, Convolution, Graph, Relu
from fpgaq.pipeline.simulating import note_estimate
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.onnx_models import model, node

CHANCE = np.random.default_rng(11)
SHAPE = (3, 6, 5)
PIXELS = CHANCE.integers(0, 256, (16, *SHAPE), dtype=np.uint8)


def weights(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A model that takes (3, 6, 5), in a file."""
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1], name="conv"), node("Relu", "a", "b"),
        node("Flatten", "b", "c"), node("Gemm", "c v u", "y", transB=1, name="dense"),
    ]  # fmt: skip
    constants = {"w": weights(4, 3, 3, 3), "v": weights(3, 120), "u": weights(3)}
    path = tmp_path / "colours.onnx"
    path.write_bytes(model(nodes, {"x": (1, *SHAPE)}, constants=constants).SerializeToString())
    return path


IMAGENET = ("--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--scale", "1/255")


def test_units_and_order_are_kept_in_the_file(call: Any, colours: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "raw.npz", images=np.moveaxis(PIXELS, 1, -1))
    output = tmp_path / "net.fpgaq"
    arguments = ("--calibration", tmp_path / "raw.npz", "--x", "images", "--layout", "nhwc", *IMAGENET, "-o", output)
    assert call("quantize", colours, *arguments)[0] == 0
    network = load(output)
    transform = network.transforms["x"]
    assert transform.preparation.layout == "nhwc" and len(transform.scales) == 3
    mean, std = (np.array(v).reshape(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    ready = (PIXELS / 255.0 - mean) / std
    # What the model would have been given by hand is what it is given.
    by_hand = pipeline.quantize(colours, {"x": ready})
    plain = by_hand.transforms["x"]
    assert (plain.scale, plain.offset) == (transform.scale, transform.offset)
    assert np.array_equal(network.samples["x"], by_hand.samples["x"])
    code, out, _ = call("run", output, "--data", tmp_path / "raw.npz", "-o", tmp_path / "y.npz")
    assert code == 0 and "images" in out
    expected = pipeline.run(by_hand, {"x": ready})["y"][0]
    assert np.array_equal(np.load(tmp_path / "y.npz")["y"], expected)
    # The float model gets its own units.
    code, out, _ = call("compare", colours, output, "--data", tmp_path / "raw.npz", "--json")
    assert code == 0 and json.loads(out)["layers"][-1]["signal_to_noise"] > 25


def test_the_interface_tells_the_formula_of_each_channel(call: Any, colours: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "raw.npy", np.moveaxis(PIXELS, 1, -1))
    output = tmp_path / "net.fpgaq"
    arguments = ("--calibration", tmp_path / "raw.npy", "--layout", "nhwc", *IMAGENET, "-o", output)
    assert call("quantize", colours, *arguments)[0] == 0
    assert call("generate", output, "-o", tmp_path / "hw")[0] == 0
    port = json.loads((tmp_path / "hw" / "interface.json").read_text())["inputs"][0]
    transform, network = port["transform"], load(output)
    assert transform["layout"] == "nhwc"
    scale, offset = (np.array(transform[key]).reshape(3, 1, 1) for key in ("scale", "offset"))
    # The page's formula, computed by who only has interface.json.
    values = np.floor((PIXELS * scale + offset) * 2.0 ** port["frac"] + 0.5)
    most = 2 ** (port["width"] - port["signed"]) - 1
    integers = np.clip(values, -most - 1 if port["signed"] else 0, most).astype(np.int64)
    assert np.array_equal(integers.transpose(0, 2, 3, 1)[:8], network.samples["x"])


@pytest.fixture
def keras_like(tmp_path: Path) -> Path:
    """A model that takes (6, 5, 3), channels last, in a file."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w", "a", pads=[1, 1, 1, 1], name="conv"),
        node("Relu", "a", "b"), node("Flatten", "b", "c"), node("Gemm", "c v u", "y", transB=1, name="dense"),
    ]  # fmt: skip
    constants = {"w": weights(4, 3, 3, 3), "v": weights(3, 120), "u": weights(3)}
    path = tmp_path / "keras.onnx"
    path.write_bytes(model(nodes, {"x": (1, 6, 5, 3)}, constants=constants).SerializeToString())
    return path


@pytest.mark.parametrize("layout", [pytest.param("auto", marks=pytest.mark.slow), "nhwc"])
def test_a_mean_for_each_channel_of_pictures_where_the_model_has_them_last(
    call: Any, keras_like: Path, tmp_path: Path, layout: str
) -> None:
    last = np.moveaxis(PIXELS, 1, -1)
    (tmp_path / "photos").mkdir()
    for index, picture in enumerate(last):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{index:02d}.png")
    output = tmp_path / "net.fpgaq"
    arguments = ("--calibration", tmp_path / "photos", "--layout", layout, *IMAGENET, "-o", output)
    code, _, err = call("quantize", keras_like, *arguments)
    assert code == 0, err
    network = load(output)
    ready = (last / 255.0 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    by_hand = pipeline.quantize(keras_like, {"x": ready})
    assert np.array_equal(network.samples["x"], by_hand.samples["x"])
    assert call("run", output, "--data", tmp_path / "photos", "-o", tmp_path / "y.npz")[0] == 0
    assert np.array_equal(np.load(tmp_path / "y.npz")["y"], pipeline.run(by_hand, {"x": ready})["y"][0])
    code, out, _ = call("compare", keras_like, output, "--data", tmp_path / "photos", "--json")
    assert code == 0 and json.loads(out)["layers"][-1]["signal_to_noise"] > 25
    wrong = ("--calibration", tmp_path / "photos", "--mean", "1,2,3,4,5,6", "-o", output)
    code, _, err = call("quantize", keras_like, *wrong)
    assert code == 2 and "has 3 channels or features" in err


@pytest.mark.parametrize(
    ("mean", "std", "scale"), [*itertools.product((0.0, 0.5, 120.0), (1.0, 0.25), (1.0, 1 / 255, 3.0))]
)
def test_bytes_stay_bytes_under_one_scale(mean: float, std: float, scale: float) -> None:
    operators = (
        Convolution("conv", ("x",), "a", weights(4, 3, 3, 3), weights(4), (1, 1), (0, 0, 0, 0), (1, 1), 1),
        Relu("relu", ("a",), "y"),
    )
    graph = Graph("net", ("x",), ("y",), operators, {"x": SHAPE, "a": (4, 4, 3), "y": (4, 4, 3)})
    prepared = make_preparation((mean,), (std,), (scale,))
    network = quantize(graph, {"x": PIXELS}, None, prepared)
    assert np.array_equal(network.samples["x"], PIXELS[:8].transpose(0, 2, 3, 1))
    result = pipeline.compare(graph, network, Dataset({"x": PIXELS}, None, preparation=prepared))
    assert result.layers[-1].signal_to_noise > 30


def test_a_preparation_needs_one_input_and_its_channels(call: Any, colours: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "raw.npy", PIXELS)
    arguments = ("--calibration", tmp_path / "raw.npy", "-o", tmp_path / "net.fpgaq")
    code, _, err = call("quantize", colours, *arguments, "--mean", "1,2")
    assert code == 2 and "has 3 channels or features" in err
    for option, text in (("--mean", "a"), ("--std", "1/0"), ("--scale", "")):
        code, _, err = call("quantize", colours, *arguments, option, text)
        assert code == 2 and f"{option} '{text}': numbers" in err and err.count("\n") == 1


def test_hardware_without_data(call: Any, colours: Path, tmp_path: Path) -> None:
    output = tmp_path / "net.fpgaq"
    code, out, _ = call("quantize", colours, "--input-range", "0,255", "-o", output)
    assert code == 0 and "estimate only" in out
    network = load(output)
    assert network.estimate_only and network.transforms["x"].scale == 1.0 and network.samples["x"].max() == 255
    code, out, _ = call("generate", output, "-o", tmp_path / "hw", "--device", "xc7")
    assert code == 0 and "estimate only" in out and "predicted: a frame every" in out
    for name in ("interface.json", "manifest.json"):
        assert json.loads((tmp_path / "hw" / name).read_text())["estimate_only"] is True
    assert json.loads(call("quantize", colours, "--input-range", "0,255", "-o", output, "--json")[1])["estimate_only"]
    np.save(tmp_path / "raw.npy", PIXELS)
    for command in (("compare", colours, output), ("run", output, "-o", tmp_path / "y.npz")):
        assert "estimate only" in call(*command, "--data", tmp_path / "raw.npy")[1]
    # What `simulate` and `synth` say of such a folder.
    with pytest.warns(FpgaqNote, match="estimate only"):
        note_estimate(tmp_path / "hw")
    code, out, _ = call("generate", output, "-o", tmp_path / "unrolled", "--unroll")
    assert "note: estimate only" in out if code == 0 else code == 4
    # With data, the same network has no mark, and its hardware the same size.
    call("quantize", colours, "--calibration", tmp_path / "raw.npy", "-o", tmp_path / "real.fpgaq")
    real = load(tmp_path / "real.fpgaq")
    assert not real.estimate_only and real.tensors["x"].format == network.tensors["x"].format


@pytest.mark.parametrize("text", ["1", "1,2,3", "2,1", "1,1", "0,inf", "a,b", ""])
def test_ranges_that_are_none(call: Any, colours: Path, tmp_path: Path, text: str) -> None:
    code, _, err = call("quantize", colours, "--input-range", text, "-o", tmp_path / "net.fpgaq")
    assert code == 2 and "--input-range" in err and err.count("\n") == 1


def test_a_range_is_in_place_of_samples(call: Any, colours: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "raw.npy", PIXELS)
    arguments = ("--input-range", "0,1", "--calibration", tmp_path / "raw.npy", "-o", tmp_path / "net.fpgaq")
    code, _, err = call("quantize", colours, *arguments)
    assert code == 2 and "in place of calibration samples" in err


@pytest.mark.parametrize(
    ("factor", "words"),
    [(1 / 255, "leave 7 of 8 bits unused"), (1 / 20, "bits unused"), (3, "% of the data lie beyond")],
)
def test_data_in_other_units(call: Any, colours: Path, tmp_path: Path, factor: float, words: str) -> None:
    np.save(tmp_path / "raw.npy", PIXELS)
    np.save(tmp_path / "other.npy", PIXELS.astype(float) * factor)
    output = tmp_path / "net.fpgaq"
    call("quantize", colours, "--calibration", tmp_path / "raw.npy", "-o", output)
    call("generate", output, "-o", tmp_path / "hw")
    for command in (
        ("compare", colours, output), ("run", output, "-o", tmp_path / "y.npz"),
        ("generate", output, "-o", tmp_path / "hw"),
    ):  # fmt: skip
        code, out, _ = call(*command, "--data", tmp_path / "other.npy")
        lines = [line for line in out.splitlines() if line.startswith("warning: input x") and words in line]
        assert code == 0 and len(lines) == 1 and "same units" in lines[0]
        assert "warning: input" not in call(*command, "--data", tmp_path / "raw.npy")[1]
    values = json.loads(call("compare", colours, output, "--data", tmp_path / "other.npy", "--json")[1])
    assert any(words in remark["text"] for remark in values["remarks"])


def test_a_comparison_of_nothing_says_so(call: Any, tmp_path: Path) -> None:
    nodes = [node("Gemm", "x w", "y", transB=1)]
    path, output = tmp_path / "one.onnx", tmp_path / "one.fpgaq"
    path.write_bytes(model(nodes, {"x": (1, 4)}, constants={"w": weights(1, 4)}).SerializeToString())
    samples = CHANCE.normal(size=(32, 4))
    np.savez(tmp_path / "x.npz", x=samples)
    np.savez(tmp_path / "xy.npz", x=samples, y=CHANCE.normal(size=(32, 1)))
    call("quantize", path, "--calibration", tmp_path / "x.npz", "-o", output)
    assert "no accuracy and no loss was measured" in call("compare", path, output, "--data", tmp_path / "x.npz")[1]
    assert "no accuracy" not in call("compare", path, output, "--data", tmp_path / "xy.npz")[1]


def unbalanced(small: float) -> Graph:
    """Two layers, a channel between which is smaller than the others but counts as much."""
    first, second = weights(4, 6), weights(3, 4)
    first[1] *= small
    second[:, 1] /= small
    operators = (
        Affine("first", ("x",), "a", first, None), Relu("relu", ("a",), "b"),
        Affine("second", ("b",), "y", second, None),
    )  # fmt: skip
    return Graph("net", ("x",), ("y",), operators, {"x": (6,), "a": (4,), "b": (4,), "y": (3,)})


@pytest.mark.parametrize("small", [2.0**-power for power in range(6, 16)])
def test_channels_of_very_different_size(small: float) -> None:
    samples = {"x": np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)}
    if small < 2.0**-8:
        # Plain rules, for the better ones even such channels out by themselves.
        with pytest.warns(FpgaqWarning, match="layer second: 1 of the 4 channels .* --equalize evens them out"):
            pipeline.quantize(unbalanced(small), samples, QuantizeOptions(method="max"))


@pytest.mark.parametrize("small", [1.0, 0.5, 0.25, 0.1])
def test_channels_of_like_size_are_no_matter(recwarn: pytest.WarningsRecorder, small: float) -> None:
    samples = {"x": np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)}
    pipeline.quantize(unbalanced(small), samples, QuantizeOptions(method="max"))
    pipeline.quantize(unbalanced(2.0**-12), samples)
    assert not [one for one in recwarn if issubclass(one.category, FpgaqWarning)]


def test_searches_take_prepared_samples(call: Any, colours: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "raw.npy", np.moveaxis(PIXELS, 1, -1))
    arguments = ("--calibration", tmp_path / "raw.npy", "--layout", "nhwc", *IMAGENET, "--jobs", "1", "--json")
    found = json.loads(call("sensitivity", colours, *arguments)[1])
    ready = DataSource(str(tmp_path / "raw.npy"), preparation=make_preparation(
        (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), (1 / 255,), "nhwc"
    ))  # fmt: skip
    expected = pipeline.sensitivity(colours, ready, jobs=1)
    assert found["quality"]["noise"] == expected.quality.noise


@pytest.mark.once
def test_a_build_without_data(call: Any, colours: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.onnx"
    small.write_bytes(
        model(node("Gemm", "x w", "y"), {"x": (1, 4)}, constants={"w": weights(4, 3)}).SerializeToString()
    )
    code, out, _ = call("build", small, "--input-range", "0,255", "-o", tmp_path / "hw", "--frames", "1")
    assert code == 0 and "estimate only" in out and "Integer against float" not in out and "0 mismatches" in out
    np.save(tmp_path / "raw.npy", PIXELS)
    for option in ("--calibration", "--test"):
        arguments = ("--input-range", "0,1", option, tmp_path / "raw.npy", "-o", tmp_path / "hw")
        code, _, err = call("build", colours, *arguments)
        assert code == 2 and f"--input-range is in place of {option}" in err and err.count("\n") == 1
    code, _, err = call("build", colours, "-o", tmp_path / "hw")
    assert code == 2 and "Missing option '--calibration'" in err and err.count("\n") == 1
    with pytest.raises(UsageError, match="in place of both"):
        pipeline.build(colours, None, None, tmp_path / "hw")


def test_training_and_parity_take_samples_in_other_units(nnabla: Any, call: Any, colours: Path, tmp_path: Path) -> None:
    """Bytes with a scale, and the same in the model's units, train the same network."""
    labels = np.arange(len(PIXELS)) % 2
    np.savez(tmp_path / "bytes.npz", pictures=PIXELS, names=labels)
    np.savez(tmp_path / "units.npz", x=(PIXELS / np.float32(255)).astype(np.float32), y=labels)
    options = ("--x", "pictures", "--y", "names", "--scale", "1/255")
    for name, more in (("bytes", options), ("units", ())):
        trained = tmp_path / f"{name}.nnp"
        data = ("--train", tmp_path / f"{name}.npz", "--batch-size", "4", *more)
        code, _, err = call("finetune", colours, *data, "-o", trained)
        assert code == 0, err
        code, out, err = call("parity", trained, "--data", tmp_path / f"{name}.npz", *more)
        assert code == 0 and "0 of" in out, err
    first, second = (pipeline.load_model(tmp_path / f"{name}.nnp") for name in ("bytes", "units"))
    weights = [[op.weight for op in graph.operators if hasattr(op, "weight")] for graph in (first, second)]
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(*weights, strict=True)) and weights[0]
