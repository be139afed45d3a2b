"""Quantized TensorFlow Lite models: equal to LiteRT's reference kernels in every element."""

import glob
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import FpgaqError, ModelError, UnsupportedError, UsageError
from fpgaq.hardware.lowering import lower
from fpgaq.integer.file import load, save
from fpgaq.integer.host_functions import model_outputs
from fpgaq.integer.inputs import transform_data
from fpgaq.integer.reference import run
from fpgaq.model.importers.tflite import read_tflite
from fpgaq.quantizer.tflite_integers import load_integer_tflite, load_integers
from fpgaq.quantizer.tflite_integers.check import compare_with_litert, random_samples
from tests.conftest import SHARED_MODELS
from tests.support.tflite_builder import TfliteBuilder
from tests.support.tflite_operators import OPERATORS, build

LOWERED = ("CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "MEAN", "TRANSPOSE_CONV", "PRELU")
CASES = [(operator, kind) for operator, (_, kinds) in OPERATORS.items() for kind in kinds]


def held(data: bytes, seed: int, frames: int = 4) -> tuple[int, int]:
    """The elements compared with LiteRT, and how many of them stand at a limit of their format."""
    graph, _ = load_integer_tflite(read_tflite(data))
    samples = random_samples(graph, frames, seed)
    results = run(graph, transform_data(graph, samples))
    at_limit = sum(
        int(
            np.sum(
                (results[name] == graph.tensors[name].format.minimum)
                | (results[name] == graph.tensors[name].format.maximum)
            )
        )
        for name in graph.outputs
    )
    return compare_with_litert(data, graph, samples), at_limit


def sweep(operator: str, kind: str, seeds: range) -> None:
    elements = limits = 0
    for seed in seeds:
        found, at_limit = held(build(operator, kind, seed), seed)
        elements, limits = elements + found, limits + at_limit
    if operator not in ("ARG_MAX", "SOFTMAX", "MAX_POOL_2D") and elements:
        assert limits < elements / 2, "most results stand at a limit, where a fault would not show"


@pytest.mark.parametrize(("operator", "kind"), CASES, ids=lambda value: value.replace(" ", "_"))
def test_an_operator_is_equal_to_litert(operator: str, kind: str) -> None:
    pytest.importorskip("ai_edge_litert")
    sweep(operator, kind, range(3))


@pytest.mark.slow
@pytest.mark.parametrize(("operator", "kind"), CASES, ids=lambda value: value.replace(" ", "_"))
def test_an_operator_is_equal_to_litert_on_many_models(operator: str, kind: str) -> None:
    pytest.importorskip("ai_edge_litert")
    sweep(operator, kind, range(100, 125))


@pytest.mark.parametrize(("operator", "kind"), [case for case in CASES if case[0] in LOWERED])
def test_the_form_for_hardware_gives_the_same_integers(operator: str, kind: str) -> None:
    for seed in range(2 if kind == "int16" else 4):
        graph, _ = load_integer_tflite(read_tflite(build(operator, kind, seed)))
        try:
            lowered = lower(graph)
        except UnsupportedError as error:
            assert "and others are multiplied by 1/2" in str(error)
            continue
        data = {name: graph.samples[name] for name in graph.inputs}
        wanted, found = run(graph, data), run(lowered, data)
        assert all(np.array_equal(found[name], wanted[name]) for name in graph.outputs)


def small_model(last: int = 0) -> TfliteBuilder:
    """A convolution, a mean of the pixels, and a softmax."""
    model = TfliteBuilder()
    x = model.input((1, 5, 4, 2), "int8", 0.5, 3, name="picture")
    random = np.random.default_rng(0)
    weights = model.tensor((3, 3, 3, 2), "int8", [0.01], [0], random.integers(-127, 128, (3, 3, 3, 2)))
    bias = model.tensor((3,), "int32", [0.005], [0], random.integers(-900, 900, 3))
    y = model.tensor((1, 5, 4, 3), "int8", 0.08, -10)
    model.node("CONV_2D", (x, weights, bias), (y,), "Conv2DOptions", StrideH=1, StrideW=1, FusedActivationFunction=last)
    pooled = model.tensor((1, 1, 1, 3), "int8", 0.08, -10)
    model.node(
        "AVERAGE_POOL_2D", (y,), (pooled,), "Pool2DOptions", Padding=1, StrideH=5, StrideW=4, FilterHeight=5,
        FilterWidth=4,
    )  # fmt: skip
    flat = model.tensor((1, 3), "int8", 0.08, -10)
    model.node("RESHAPE", (pooled,), (flat,), "ReshapeOptions", NewShape=[1, 3])
    model.outputs = [model.tensor((1, 3), "int8", 1 / 256, -128, name="scores")]
    model.node("SOFTMAX", (flat,), model.outputs, "SoftmaxOptions", Beta=1.0)
    return model


def test_a_model_goes_from_the_file_to_hardware(tmp_path: Path) -> None:
    data = small_model().build()
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    network = pipeline.quantize(path, output=tmp_path / "model.fpgaq")
    read = load(tmp_path / "model.fpgaq")
    assert read.host_outputs == network.host_outputs != {}
    assert read.channels_last
    assert read.transforms["picture"].channels_last
    samples = np.random.default_rng(1).integers(-128, 128, (20, 5, 4, 2))
    integers, real = pipeline.run(read, samples)["scores"]
    assert integers.shape == (20, 3)
    assert integers.min() >= -128
    assert np.array_equal(real, (integers + 128) / 256)
    assert abs(real.sum(axis=1) - 1).max() < 0.02
    if pytest.importorskip("ai_edge_litert"):
        assert compare_with_litert(data, read, {"picture": samples}) == 60
    folder = tmp_path / "out"
    pipeline.generate(read, folder, frames=4)
    assert pipeline.simulate(folder).mismatches == 0


def test_a_copy_of_the_network_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    graph, _ = load_integer_tflite(read_tflite(small_model().build()))
    save(graph, tmp_path / "a.fpgaq")
    save(load(tmp_path / "a.fpgaq"), tmp_path / "b.fpgaq")
    assert (tmp_path / "a.fpgaq").read_bytes() == (tmp_path / "b.fpgaq").read_bytes()


def test_calibration_and_other_files_options_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(small_model().build())
    with pytest.raises(UsageError, match="states its own scales"):
        pipeline.quantize(path, np.zeros((1, 5, 4, 2)))
    with pytest.raises(UnsupportedError, match="--input-shape is for"):
        load_integers(path, input_shapes={"picture": (1, 5, 4, 2)})
    with pytest.raises(UnsupportedError, match="--outputs is for"):
        load_integers(path, outputs=["scores"])
    with pytest.raises(ModelError, match="no network 'other'; the file has 'main'"):
        load_integers(path, network="other")


def changed(change) -> bytes:
    model = small_model()
    change(model)
    return model.build()


def set_tensor(index: int, **fields):
    return lambda model: model.tensors[index].update(fields)


def set_option(index: int, **values):
    return lambda model: model.nodes[index]["values"].update(values)


REFUSED = [
    (set_tensor(0, scale=np.zeros(0, np.float32), zero=np.zeros(0)), UnsupportedError, "has 0 scales"),
    (set_tensor(0, zero=np.array([300])), ModelError, "of type int8 has zero point 300"),
    (set_tensor(0, kind="float32"), UnsupportedError, "which is no computed tensor of integers"),
    (set_tensor(0, kind="bool"), UnsupportedError, "is of type bool; supported: int8, uint8, int16, int32"),
    (set_tensor(0, shape=(2, 5, 4, 2)), UnsupportedError, "has a batch of 2; convert the model with a batch of 1"),
    (set_tensor(0, signature=(1, -1, 4, 2)), UnsupportedError, "open sizes"),
    (set_tensor(3, variable=True), UnsupportedError, "keeps its value from frame to frame"),
    (set_tensor(1, scale=np.array([np.nan], np.float32)), ModelError, "must be finite"),
    (set_tensor(1, scale=np.ones(2, np.float32), zero=np.zeros(2)), UnsupportedError, "2 scales of weights"),
    (set_tensor(1, data=np.zeros((3, 3, 3, 1))), ModelError, "needs 54 bytes; its buffer has 27"),
    (set_tensor(2, kind="float32"), UnsupportedError, "a bias of type float32"),
    (set_tensor(5, zero=np.array([7])), UnsupportedError, "different scales, zero points or types"),
    (set_tensor(6, scale=np.array([0.01], np.float32)), UnsupportedError, "LiteRT takes 1/256"),
    (set_tensor(3, shape=(1, 5, 4, 4)), ModelError, "computes 60 elements; the file states shape"),
    (set_option(0, FusedActivationFunction=4), UnsupportedError, "fused activation TANH"),
    (set_option(0, StrideH=0), ModelError, r"Stride \(0, 1\); sizes are at least 1"),
    (set_option(0, DilationHFactor=-1), ModelError, "dilation"),
    (set_option(3, Beta=-1.0), UnsupportedError, "beta -1"),
    (lambda model: model.nodes[0].update(kind="LSTM"), UnsupportedError, "recurrent layers and attention"),
    (lambda model: model.nodes[0].update(kind="MyOperator"), UnsupportedError, "left a custom operator"),
    (lambda model: model.nodes[0].update(inputs=(0, 1, 99)), ModelError, "names tensor 99"),
    (lambda model: model.nodes[0].update(inputs=(3, 1, 2)), ModelError, "reads before anything writes it"),
    (lambda model: model.nodes[1].update(outputs=(3,)), ModelError, "writes a second time"),
    (lambda model: model.nodes.pop(), ModelError, "ends with a value that nothing writes"),
    (lambda model: model.outputs.clear(), ModelError, "1 inputs and 0 outputs"),
    (lambda model: setattr(model, "version", 2), UnsupportedError, "schema version 2"),
    (lambda model: setattr(model, "identifier", b"ABCD"), ModelError, "the bytes 'TFL3' are missing"),
]


@pytest.mark.parametrize(("change", "kind", "message"), REFUSED, ids=range(len(REFUSED)))
def test_each_fault_is_refused_in_one_line(change, kind, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(changed(change))
    with pytest.raises(kind, match=message) as caught:
        load_integers(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def model_of_16_bits(bias: int, outputs: int = 3) -> bytes:
    """A convolution and a matrix product of 16-bit activations, whose accumulators LiteRT keeps in 64 bits."""
    model, random = TfliteBuilder(), np.random.default_rng(4)
    x = model.input((1, 3, 3, 2), "int16", 0.01, 0)
    weights = model.tensor((4, 2, 2, 2), "int8", [0.02], [0], random.integers(-127, 128, (4, 2, 2, 2)))
    biases = model.tensor((4,), "int64", [0.0002], [0], np.array([bias, 100, -5000, 3]))
    y = model.tensor((1, 2, 2, 4), "int16", 0.05, 0)
    model.node("CONV_2D", (x, weights, biases), (y,), "Conv2DOptions", Padding=1, StrideH=1, StrideW=1)
    scales = [0.013, 0.0217, 0.0071]
    matrix = model.tensor((3, 16), "int8", scales, [0, 0, 0], random.integers(-127, 128, (3, 16)))
    model.outputs = [model.tensor((1, 3), "int16", 0.37, 0)]
    model.node("FULLY_CONNECTED", (y, matrix, -1), model.outputs, "FullyConnectedOptions")
    return model.build()


def test_16_bits_go_to_hardware_with_a_multiplier_in_two_parts(tmp_path: Path) -> None:
    data = model_of_16_bits(700)
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    graph, remarks = load_integer_tflite(read_tflite(data))
    assert any("bits, in two parts" in line for line in remarks)
    if pytest.importorskip("ai_edge_litert"):
        assert compare_with_litert(data, graph, random_samples(graph, 200)) == 600
    pipeline.generate(pipeline.quantize(path), tmp_path / "out", frames=4)
    assert pipeline.simulate(tmp_path / "out").mismatches == 0


def test_results_that_litert_cuts_to_32_bits_are_refused() -> None:
    """A bias of 43 bits reaches 2**33 output steps, which LiteRT's kernel casts to 32 bits before it saturates."""
    with pytest.raises(UnsupportedError, match=r"operator 0 \(CONV_2D\): .* output steps, of which LiteRT's kernel"):
        load_integer_tflite(read_tflite(model_of_16_bits(1 << 43)))


def test_damaged_files_end_in_an_error_of_ours() -> None:
    data = small_model().build()
    random = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(data)
        for place in random.integers(0, len(data), 3):
            changed[place] = random.integers(0, 256)
        try:
            load_integer_tflite(read_tflite(bytes(changed)))
        except FpgaqError as error:
            assert "\n" not in str(error)  # noqa: PT017
    for end in range(0, len(data), 37):
        with pytest.raises(FpgaqError):
            load_integer_tflite(read_tflite(data[:end]))


def names_of(pattern: str) -> list[str]:
    return [str(Path(path).relative_to(SHARED_MODELS)) for path in sorted(glob.glob(str(SHARED_MODELS / pattern)))]


@pytest.mark.parametrize("name", names_of("seanet_int16/*/*.tflite") or ["none"])
def test_goldens_of_16_bit_operators(name: str, shared_models: Path) -> None:
    path = shared_models / name
    graph, _ = load_integers(path)
    model, stem = read_tflite(path.read_bytes()), str(path.with_suffix(""))
    data = {}
    for place, index in enumerate(model.inputs):
        if model.tensors[index].name in graph.inputs:
            (file,) = glob.glob(f"{stem}_input{place}_*.csv")
            shape = graph.transforms[model.tensors[index].name].model_shape
            data[model.tensors[index].name] = np.loadtxt(file, delimiter=",", dtype=np.int64).reshape(1, *shape)
    (golden,) = glob.glob(f"{stem}_golden_*.csv")
    wanted = np.loadtxt(golden, delimiter=",", dtype=np.int64).ravel()
    ((found, _),) = model_outputs(graph, run(graph, transform_data(graph, data))).values()
    assert np.array_equal(found.ravel(), wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws_ref_model", "pretrainedResnet_quant", "ad01_int8", "hello_world_int8"])
def test_real_models_on_a_thousand_inputs(name: str, shared_models: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    path = shared_models / f"{name}.tflite"
    graph, _ = load_integers(path)
    samples = random_samples(graph, 1000, 1)
    assert compare_with_litert(path.read_bytes(), graph, samples) == 1000 * np.prod(
        graph.output_shapes[graph.outputs[0]]
    )
