"""Models of which a part is quantized: what the file states is kept, the rest is named, all equals onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import UnsupportedError, UsageError
from fpgaq.cli import invoke
from fpgaq.integer import file as integer_file
from fpgaq.integer import reference
from fpgaq.quantizer.completion import Completion, Given
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.onnx_integers import compare_with_onnxruntime, load_integer_onnx, read_integer_onnx
from tests.support.part_quantized import Part, part_quantized, samples
from tests.support.quantized_models import Writer

from .test_onnx_qonnx import QonnxWriter, quant


def completed(part: Part, **options):
    source = lambda inputs, shapes: Given(samples(part.data, 100, 5))  # noqa: E731
    return read_integer_onnx(part.data, None, Completion(QuantizeOptions(**options), source))


def whole(seed: int, options: dict) -> tuple[int, int]:
    """Elements compared and differing of one model, with the completed model that the test itself writes."""
    part = part_quantized(seed)
    loaded = completed(part, **options)
    told = {(one["kind"], one["name"]) for one in loaded.graph.options.get("completed", [])}
    assert {name for kind, name in told if kind == "weights"} == set(part.weights)
    assert {name for kind, name in told if kind in ("values", "input")} <= {*part.values, "flat"}
    own = part_quantized(seed, whole=loaded.graph).data
    found = [compare_with_onnxruntime(data, loaded.graph, 4, optimized=False) for data in (own, loaded.model)]
    return found[0].elements, found[0].differing


@pytest.mark.once
@pytest.mark.parametrize("bits", [{}, {"weight_bits": 4, "activation_bits": 6, "per_channel": True}])
def test_random_parts_equal_onnxruntime_but_for_ties(bits: dict) -> None:
    found = np.array([whole(seed, bits if _has_both(seed) else {}) for seed in range(24)])
    elements, differing = found.sum(axis=0)
    assert elements > 20_000
    assert differing < elements / 500


def _has_both(seed: int) -> bool:
    part = part_quantized(seed)
    return bool(part.weights and part.values)


def test_what_the_file_states_is_kept() -> None:
    """A grid of each quantizer of the file, by the name of the tensor that it writes."""
    for seed in range(6):
        part = part_quantized(seed)
        graph = completed(part).graph
        full, _ = load_integer_onnx(part_quantized(seed, stated=1.0).data)
        shared = [name for name in full.tensors if name.endswith(".integers") and name in graph.tensors]
        assert shared or seed
        for name in shared:
            assert graph.tensors[name] == full.tensors[name]


def test_without_samples_a_value_is_refused_and_weights_are_not() -> None:
    refused = 0
    for seed in range(24):
        part = part_quantized(seed)
        try:
            graph, _ = load_integer_onnx(part.data)
        except UnsupportedError as error:
            assert "which nothing quantizes; give calibration samples (--calibration)" in str(error)
            refused += 1
        else:
            told = graph.options.get("completed", [])
            assert {one["kind"] for one in told} <= {"weights", "bias", "output"}
    assert 10 < refused < 24


def fake_quantized() -> bytes:
    """A dense layer of float weights on a float input, before a quantizer of 2**-4: torch.fake_quantize."""
    writer = Writer(1, "int8")
    weight = writer.constant((writer.random.normal(size=(4, 8)) * 0.3).astype(np.float32))
    bias = writer.constant(writer.random.normal(size=4).astype(np.float32))
    tensor = writer.node("Gemm", (writer.input((8,)), weight, bias), transB=1)
    return writer.bytes(writer.qdq(tensor, writer.grid(2.0**-4, 0)))


def test_the_command_names_in_one_line_what_the_file_does_not_state(tmp_path: Path, capsys) -> None:
    model, network, data = (str(tmp_path / name) for name in ("m.onnx", "m.fpgaq", "x.npz"))
    Path(model).write_bytes(fake_quantized())
    np.savez(data, x=np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32))
    assert invoke(["quantize", model, "-o", network]) == 4
    assert "--input-scale and --input-bits, or --input-range" in capsys.readouterr().err
    for given in (["--calibration", data], ["--input-scale", "32"], ["--input-range=-3,3"]):
        assert invoke(["quantize", model, "-o", network, *given]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("quantized by fpgaq")]
        assert "for the file does not state it: input 'x' (s" in line and "weights of 'Gemm_gemm3' (8 bits" in line
        stored = integer_file.load(network)
        assert [one["kind"] for one in stored.options["completed"]] == ["input", "weights"]
        output = stored.tensors[stored.outputs[0]]
        assert (output.scale, output.zero_point, output.format.width) == (2.0**-4, 0, 8)
    assert not stored.estimate_only
    assert invoke(["quantize", model, "-o", network, "--input-scale", "32", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["completed"]) == 2
    assert invoke(["quantize", model, "-o", network, "--input-scale", "32", "--activation-bits", "5"]) == 2
    assert "option activation_bits would change nothing" in capsys.readouterr().err
    assert invoke(["quantize", model, "-o", network, "--input-scale", "32", "--calibration", data]) == 0
    assert invoke(["generate", network, "-o", str(tmp_path / "hw"), "--frames", "2"]) == 0
    assert pipeline.simulate(tmp_path / "hw").mismatches == 0


def test_a_range_makes_values_an_estimate_and_samples_do_not(tmp_path: Path) -> None:
    part = next(part for part in map(part_quantized, range(24)) if "x" in part.values and len(part.values) > 1)
    path = tmp_path / "m.onnx"
    path.write_bytes(part.data)
    assert pipeline.quantize(path, input_range=(-3.0, 3.0)).estimate_only
    taken = samples(part.data, 40)
    network = pipeline.quantize(path, taken)
    assert not network.estimate_only
    assert np.array_equal(
        network.samples["x"],
        reference.apply_transform(network.transforms["x"], network.tensors["x"].format, taken["x"][:8]),
    )
    with pytest.raises(UsageError, match="leave one of them out"):
        pipeline.quantize(path, taken, input_range=(-3.0, 3.0))


def test_samples_are_refused_where_weights_alone_are_left(tmp_path: Path) -> None:
    writer = Writer(3)
    weight = writer.constant(writer.random.normal(size=(8, 3)).astype(np.float32))
    tensor = writer.node("MatMul", (writer.qdq(writer.input((8,))), weight))
    path = tmp_path / "m.onnx"
    path.write_bytes(writer.bytes(writer.qdq(tensor, writer.grid(0.4))))
    with pytest.raises(UsageError, match="leave the calibration samples out"):
        pipeline.quantize(path, np.random.default_rng(0).normal(size=(9, 8)))
    with pytest.raises(UsageError, match="options for layer 'other', of which the file leaves nothing"):
        pipeline.quantize(path, layers={"other": {"weight_bits": 4}})
    with pytest.raises(UsageError, match="quantizes its inputs itself; leave --input-scale"):
        pipeline.quantize(path, input_scale=4.0)
    network = pipeline.quantize(path, layers={"MatMul_matmul6": {"weight_bits": 3}})
    assert network.operators[0].weight_format.width == 3


def test_a_quantizer_after_a_pooling_is_taken_in_front_of_it() -> None:
    """Rounding keeps order, so the greatest of rounded values is the rounded greatest value."""
    writer = Writer(2, "int8")
    tensor = writer.node(
        "Conv", (writer.qdq(writer.input((2, 6, 6)), writer.grid(0.02, 3)), writer.weight((4, 2, 3, 3)))
    )
    tensor = writer.node("MaxPool", (tensor,), kernel_shape=[2, 2], strides=[2, 2])
    tensor = writer.node("Flatten", (writer.node("Relu", (tensor,)),))
    data = writer.bytes(writer.qdq(tensor, writer.grid(0.011, -7)))
    loaded = read_integer_onnx(data)
    assert "completed" not in loaded.graph.options
    assert compare_with_onnxruntime(loaded.model, loaded.graph, 10, optimized=False).differing == 0
    import onnxruntime

    x = np.random.default_rng(0).normal(size=(50, 2, 6, 6)).astype(np.float32)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"x": x})[0]
    ((_, found),) = pipeline.run(loaded.graph, x).values()
    assert np.array_equal(found.astype(np.float32), wanted)


@pytest.mark.parametrize("missing", ["weights", "input", "both"])
def test_qonnx_with_float_weights_or_a_float_input_is_what_its_operators_define(missing: str) -> None:
    writer, random = QonnxWriter(0), np.random.default_rng(0)
    weight, bias = random.normal(size=(6, 4)).astype(np.float32), random.normal(size=4).astype(np.float32)
    x = random.normal(size=(200, 6)).astype(np.float32)
    tensor, first = writer.input((6,)), writer.constant(weight)
    tensor = tensor if missing != "weights" else writer.quant(tensor, 0.125)
    first = first if missing != "input" else writer.quant(first, 0.07, 0, 5)
    tensor = writer.node("Add", (writer.node("MatMul", (tensor, first)), writer.constant(bias)))
    data = writer.bytes(writer.quant(tensor, 0.23, 2, 6))
    graph, _ = load_integer_onnx(data, None, Completion(source=lambda inputs, shapes: Given({"x": x})))
    (op,) = graph.operators
    assert {one["kind"] for one in graph.options["completed"]} == {"weights": {"weights"}, "input": {"input"}}.get(
        missing, {"weights", "input"}
    )
    stated = (op.weight * np.array(op.weight_scale).reshape(-1, 1)).T
    if missing == "input":
        assert np.array_equal(stated, quant(weight.astype(float), float(np.float32(0.07)), 0, 5, True, 0))
    else:
        assert np.abs(stated - weight).max() <= max(op.weight_scale)
    source = graph.tensors["x"]
    seen = quant(x.astype(float), source.step, source.zero_point, source.format.width, source.format.signed, 0)
    wanted = quant(seen @ stated + bias, float(np.float32(0.23)), 2, 6, True, 0)
    ((_, found),) = pipeline.run(graph, x).values()
    # A sample half way between two integers of an open input goes up, as the host's formula has it.
    assert (np.abs(found - wanted) < 1e-9).mean() > 0.99


def test_an_output_of_several_scales_is_rounded_over_its_whole_range() -> None:
    writer = Writer(4)
    tensor = writer.node("Conv", (writer.qdq(writer.input((2, 5, 5))), writer.weight((3, 2, 3, 3), 0)))
    data = writer.bytes(tensor)
    graph, _ = load_integer_onnx(data)
    (told,) = graph.options["completed"]
    assert told["kind"] == "output" and graph.tensors[graph.outputs[0]].format.width == 12
    wide, _ = load_integer_onnx(data, None, Completion(QuantizeOptions(output_bits=14)))
    x = samples(data, 30)
    import onnxruntime

    wanted = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, x)[0]
    for network in (graph, wide):
        tensor = network.tensors[network.outputs[0]]
        ((_, found),) = pipeline.run(network, x).values()
        assert np.abs(found - wanted).max() <= 0.501 * tensor.step
    with pytest.raises(UsageError, match="to 16 bits"):
        load_integer_onnx(data, None, Completion(QuantizeOptions(output_bits=20)))
