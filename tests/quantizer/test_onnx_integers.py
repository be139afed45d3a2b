"""Quantized ONNX models: equal to onnxruntime but for ties, exact where nothing ties, refused by name elsewhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fpgaq import pipeline
from fpgaq.base.errors import ModelError, UnsupportedError, UsageError, VerificationError
from fpgaq.cli import invoke
from fpgaq.integer import file as integer_file
from fpgaq.integer import reference
from fpgaq.integer.graph import IntegerAdd, IntegerConvolution, IntegerTable
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.onnx_integers import compare_with_onnxruntime, load_integer_onnx, load_integers, states_integers
from tests.support.quantized_models import MICROSOFT, Writer, convolution, elements, qoperators, whole_numbers

BUILDERS = {"convolution": convolution, "elements": elements, "qoperators": qoperators}


@pytest.mark.parametrize("kind", ["uint8", "int8"])
@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_layers_equal_onnxruntime_but_for_ties(name: str, kind: str) -> None:
    elements_seen = differing = 0
    for seed in range(4):
        data = BUILDERS[name](seed, kind)
        assert states_integers(data)
        graph, _ = load_integer_onnx(data)
        found = compare_with_onnxruntime(data, graph, 10, seed)
        elements_seen, differing = elements_seen + found.elements, differing + found.differing
    assert elements_seen > 3000
    assert differing < elements_seen / 500


def test_few_results_of_these_models_saturate() -> None:
    for build in BUILDERS.values():
        graph, _ = load_integer_onnx(build(0))
        values = reference.run(graph, graph.samples, keep=True)
        for name, tensor in graph.tensors.items():
            fmt = tensor.format
            # Where the least integer stands for 0, it is what a ReLU leaves.
            least = fmt.minimum if tensor.zero_point != fmt.minimum else None
            saturated = (values[name] == least) | (values[name] == fmt.maximum)
            assert saturated.mean() < 0.5, (build.__name__, name)


def test_a_changed_layer_is_noticed_by_name() -> None:
    data = convolution(0)
    graph, _ = load_integer_onnx(data)
    for index, op in enumerate(graph.operators):
        if isinstance(op, IntegerConvolution):
            bias = op.bias.copy()
            bias[0] += 400
            changed = replace(graph, operators=tuple(replace(o, bias=bias) if o is op else o for o in graph.operators))
            with pytest.raises(VerificationError, match=f"layer {op.name!r}: .* differ from onnxruntime.* no tie"):
                compare_with_onnxruntime(data, changed, 4)
            assert index >= 0


def test_accumulators_are_the_output_of_integer_operators() -> None:
    import onnxruntime

    data = whole_numbers()
    graph, _ = load_integer_onnx(data)
    (op,) = graph.operators
    assert (op.weight_format.width, op.padding_value, graph.transforms["x"].kind) == (9, 3, "integer")
    images = np.random.default_rng(0).integers(0, 256, size=(20, 2, 5, 5)).astype(np.uint8)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"x": images})[0]
    (values, real), *_ = pipeline.run(graph, images).values()
    assert np.array_equal(values, wanted) and np.array_equal(real, wanted)


def test_sums_of_all_pairs_are_the_exact_rational() -> None:
    from fractions import Fraction

    writer = Writer(1)
    grids = [writer.grid(0.021, 7), writer.grid(0.034, 200), writer.grid(0.05, 100)]
    first, second = (writer.quantize(writer.input((1, 1), name=n), g)[0] for n, g in zip("ab", grids, strict=False))
    total = writer.node("QLinearAdd", (first, *grids[0], second, *grids[1], *grids[2]), MICROSOFT)
    graph, _ = load_integer_onnx(writer.bytes(writer.node("DequantizeLinear", (total, *grids[2]))))
    (op,) = graph.operators
    assert isinstance(op, IntegerAdd)
    left, right = (values.reshape(-1, 1, 1, 1) for values in np.meshgrid(np.arange(256), np.arange(256)))
    found = reference.run(graph, {"a": left, "b": right})[graph.outputs[0]].ravel()
    scales = [Fraction(float(np.float32(scale))) for scale in (0.021, 0.034, 0.05)]
    chosen = np.random.default_rng(0).choice(65536, 3000, replace=False)
    for index in chosen:
        value = (int(left.flat[index]) - 7) * scales[0] + (int(right.flat[index]) - 200) * scales[1]
        assert found[index] == min(max(100 + round(value / scales[2]), 0), 255)


class SixteenBits(Writer):
    """Quantizers of 16 bits, which are onnxruntime's own before opset 21."""

    def qdq(self, tensor: str, grid=None) -> str:
        return self.node(
            "DequantizeLinear", (self.node("QuantizeLinear", (tensor, *grid), MICROSOFT), *grid), MICROSOFT
        )


def test_sixteen_bits_with_a_sum_and_relus_go_to_hardware(tmp_path: Path) -> None:
    writer = SixteenBits(0, "int16")
    tensor = writer.qdq(writer.input((2, 4, 4)), writer.grid(0.00013, 0))
    first = writer.node("Conv", (tensor, writer.weight((2, 2, 1, 1), 0)))
    first = writer.qdq(writer.node("Relu", (first,)), writer.grid(0.000171, -300))
    second = writer.qdq(writer.node("Relu", (tensor,)), writer.grid(0.00009, 0))
    data = writer.bytes(writer.qdq(writer.node("Add", (first, second)), writer.grid(0.00021, 5)))
    graph, remarks = load_integer_onnx(data)
    assert "within 4 float32 ulps of a tie" in remarks[0] and "of an operand of a tie" in remarks[-1]
    assert compare_with_onnxruntime(data, graph, 20, optimized=False).differing <= 2
    pipeline.generate(graph, tmp_path / "hw", frames=2)
    assert pipeline.simulate(tmp_path / "hw").mismatches == 0


def test_a_sign_compares_accumulators() -> None:
    """Weights and biases of whole steps meet zero exactly; others do not."""
    for bias in (np.array([0.0, 0.5, -1.0], np.float32), np.array([0.013, -0.77, 0.1], np.float32)):
        writer = Writer(3, "int8")
        weight = (
            writer.constant(writer.random.integers(-3, 4, (4, 3)).astype(np.int8)),
            writer.constant(np.float32(0.25)),
        )
        tensor = writer.qdq(writer.input((4,)), writer.grid(0.5, 0))
        weights = writer.node("DequantizeLinear", (*weight, writer.constant(np.int8(0))))
        tensor = writer.node("Sign", (writer.node("Gemm", (tensor, weights, writer.constant(bias))),))
        graph, _ = load_integer_onnx(writer.bytes(writer.node("MatMul", (tensor, writer.weight((3, 2))))))
        first = graph.operators[0]
        assert graph.tensors[first.output].format.width == 2
        images = np.random.default_rng(0).integers(-4, 5, (300, 4)).astype(np.float32)
        found = reference.run(graph, {"x": images.reshape(300, 1, 1, 4).astype(np.int64)}, keep=True)[first.output]
        values = numpy_helper.to_array(next(one for one in writer.constants if one.name == weight[0]))
        exact = images * 0.5 @ (values.astype(np.float64) * 0.25) + bias
        assert np.array_equal(found.reshape(300, 3), np.sign(exact))
        assert (exact == 0).any() == (bias[1] == 0.5)


def test_weights_of_four_bits_are_unpacked() -> None:
    for kind, values in ((TensorProto.INT4, [-8, 7, -1, 3, 2]), (TensorProto.UINT4, [0, 15, 9, 3, 8])):
        writer = Writer(0, opset=21)
        weight, zero = (
            helper.make_tensor(name, kind, shape, value)
            for name, shape, value in (("w", (5, 1), values), ("o", (), [1]))
        )
        writer.constants += [weight, zero]
        tensor = writer.node("DequantizeLinear", ("w", writer.constant(np.float32(0.25)), "o"))
        tensor = writer.node("MatMul", (writer.qdq(writer.input((5,)), writer.grid(0.5, 3)), tensor))
        graph, _ = load_integer_onnx(writer.bytes(writer.qdq(tensor, writer.grid(0.4, 3))))
        (op,) = graph.operators
        assert op.weight.ravel().tolist() == [value - 1 for value in values]
        assert op.weight_format.width == 5


def test_a_softmax_at_the_end_is_the_hosts_and_nowhere_else() -> None:
    writer = Writer(6)
    tensor = writer.qdq(writer.input((4,)))
    scores = writer.qdq(writer.node("MatMul", (tensor, writer.weight((4, 3)))), writer.grid(0.1))
    softmax = writer.node("Softmax", (scores,), axis=-1)
    graph, remarks = load_integer_onnx(writer.bytes(softmax))
    assert graph.classifier and any("is left out: the outputs are scores" in remark for remark in remarks)
    with pytest.raises(UnsupportedError, match="in the midst or of another axis"):
        load_integer_onnx(writer.bytes(writer.qdq(softmax)))


def test_a_function_is_its_table() -> None:
    writer = Writer(2)
    tensor = writer.qdq(
        writer.node("Sigmoid", (writer.qdq(writer.input((3,)), writer.grid(0.05, 128)),)), writer.grid(1 / 256, 0)
    )
    graph, _ = load_integer_onnx(writer.bytes(tensor))
    (op,) = graph.operators
    assert isinstance(op, IntegerTable)
    reals = (np.arange(256) - 128) * float(np.float32(0.05))
    assert np.array_equal(op.table, np.minimum(np.rint(256 / (1 + np.exp(-reals))), 255))


def test_weights_kept_as_real_numbers_are_quantized_as_the_file_states() -> None:
    writer = Writer(3)
    tensor = writer.qdq(writer.input((4,)))
    real = writer.constant(np.array([[0.5, -1.5, 2.5, 1.25]], np.float32).T)
    grid = writer.constant(np.float32(1.0)), writer.constant(np.array(0, np.int8))
    weight = writer.node("DequantizeLinear", (writer.node("QuantizeLinear", (real, *grid)), *grid))
    graph, _ = load_integer_onnx(writer.bytes(writer.qdq(writer.node("MatMul", (tensor, weight)), writer.grid(0.4))))
    assert graph.operators[0].weight.tolist() == [[0, -2, 2, 1]]


def test_the_command_needs_no_calibration(tmp_path: Path, capsys) -> None:
    model, network, result = tmp_path / "m.onnx", tmp_path / "m.fpgaq", tmp_path / "y.npz"
    model.write_bytes(convolution(1))
    assert invoke(["quantize", str(model), "-o", str(network)]) == 0
    shown = capsys.readouterr().out
    assert "equal to the file's scales on all" in shown and "held against onnxruntime on 4 random samples" in shown
    graph = integer_file.load(network)
    data = np.random.default_rng(0).normal(size=(5, 2, 8, 7)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=data)
    assert invoke(["run", str(network), "--data", str(tmp_path / "x.npz"), "-o", str(result)]) == 0
    with np.load(result) as arrays:
        tensor = graph.tensors[graph.outputs[0]]
        assert np.array_equal(arrays["y_float"], (arrays["y"] - tensor.zero_point) * tensor.scale)
        assert arrays["y"].shape == (5, 5)
    assert invoke(["generate", str(network), "-o", str(tmp_path / "hw")]) == 0


def test_calibration_and_options_have_no_place(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(convolution(1))
    with pytest.raises(UsageError, match="leave the calibration samples out"):
        pipeline.quantize(model, np.zeros((2, 2, 8, 7), np.float32))
    with pytest.raises(UsageError, match="leave the options of quantizing out"):
        pipeline.quantize(model, None, QuantizeOptions(weight_bits=4))
    assert pipeline.quantize(model).operators
    with pytest.raises(UnsupportedError, match="`fpgaq quantize MODEL -o MODEL.fpgaq` takes a quantized"):
        pipeline.load_model(model)


def test_other_files_are_none_of_this(tmp_path: Path) -> None:
    assert load_integers(tmp_path / "missing.nnp") is None
    with pytest.raises(ModelError):
        load_integers(tmp_path / "missing.onnx")


def refused_models():
    def writer() -> tuple[Writer, str]:
        made = Writer(0)
        return made, made.qdq(made.input((2, 6, 6)))

    made, tensor = writer()
    yield (
        made.bytes(made.qdq(made.node("MatMul", (tensor, tensor)))),
        "is computed or data; supported: a constant",
    )
    made, tensor = writer()
    hidden = made.node("Conv", (tensor, made.weight((2, 2, 1, 1))))
    yield made.bytes(made.qdq(made.node("Conv", (hidden, made.weight((2, 2, 1, 1)))))), "which nothing quantizes"
    made = Writer(0)
    yield (
        made.bytes(made.node("Conv", (made.input((2, 6, 6)), made.weight((2, 2, 1, 1))))),
        "say how the host",
    )
    made, tensor = writer()
    yield made.bytes(made.qdq(made.node("InstanceNormalization", (tensor,)))), "not carried in a quantized model"
    made = Writer(0)
    made.nodes.append(helper.make_node("DynamicQuantizeLinear", [made.input((4,))], ["q", "s", "z"], name="d"))
    yield made.bytes("q", kind=TensorProto.UINT8), "layer 'd' .*chooses its scale anew for each input.*quantize_static"
    made, tensor = writer()
    pads = made.node("AveragePool", (tensor,), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    yield made.bytes(made.qdq(pads)), "means over the pixels inside the image"
    made = Writer(0)
    integers, _ = made.quantize(made.input((4,)), made.grid(0.5, 3))
    yield (
        made.bytes(made.node("DequantizeLinear", (integers, *made.grid(0.25, 3)))),
        "must be those that it was written",
    )
    made = Writer(0)
    scale = made.constant(np.float32([0.5, 0.25])), made.constant(np.zeros(2, np.uint8))
    yield made.bytes(made.node("QuantizeLinear", (made.input((2, 4)), *scale))), "2 scales of a computed tensor"
    made = Writer(0)
    scale = made.constant(np.float32(-0.5)), made.constant(np.uint8(0))
    yield made.bytes(made.node("QuantizeLinear", (made.input((4,)), *scale))), "positive needed"


@pytest.mark.parametrize(("data", "message"), list(refused_models()))
def test_each_is_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        load_integer_onnx(data)
    assert "\n" not in str(caught.value)


def test_damaged_files_end_in_one_line(tmp_path: Path) -> None:
    content, random = qoperators(0), np.random.default_rng(1)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
        (tmp_path / "m.onnx").write_bytes(bytes(damaged))
        try:
            pipeline.quantize(tmp_path / "m.onnx")
        except (ModelError, UnsupportedError, VerificationError) as error:
            assert "\n" not in str(error)


def _changed(model: onnx.ModelProto, chance: Random) -> None:
    """One change that keeps the file a sound ONNX model, though seldom a sound network."""
    graph = model.graph
    tensor, node = chance.choice(graph.initializer), chance.choice(graph.node)
    array = numpy_helper.to_array(tensor)
    kind = chance.choice(("shape", "zero", "extreme", "type", "swap", "drop", "attribute", "operator"))
    if kind == "shape":
        array = array.reshape(-1) if chance.random() < 0.5 else np.stack([array, array])
    elif kind == "zero":
        array = np.zeros_like(array)
    elif kind == "extreme" and array.dtype == np.float32:
        array = np.full_like(array, chance.choice((np.nan, np.inf, -1, 1e-38, 3e38, 1e-45)))
    elif kind == "type":
        with np.errstate(invalid="ignore"):
            array = array.astype(chance.choice((np.int8, np.uint8, np.int32, np.float32, np.int64, np.int16)))
    elif kind == "swap" and len(node.input) > 1:
        one, other = chance.sample(range(len(node.input)), 2)
        node.input[one], node.input[other] = node.input[other], node.input[one]
    elif kind == "drop" and node.input:
        del node.input[chance.randrange(len(node.input)) :]
    elif kind == "attribute" and node.attribute:
        attribute = chance.choice(node.attribute)
        if attribute.ints:
            attribute.ints[chance.randrange(len(attribute.ints))] = chance.choice((-1, 0, 1, 5, 1 << 40))
        attribute.i = chance.choice((-3, -1, 0, 1, 2, 99))
    elif kind == "operator":
        node.op_type = chance.choice(
            [other.op_type for other in graph.node] + ["Softmax", "ArgMax", "Transpose", "Pad"]
        )
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


@pytest.mark.parametrize("seed", [4, 5])
def test_changed_models_are_refused_in_one_line_or_sound(seed: int) -> None:
    chance, outcomes = Random(seed), Counter()
    sources = [build(0) for build in BUILDERS.values()] + [whole_numbers()]
    for index in range(150):
        model = onnx.ModelProto.FromString(sources[index % len(sources)])
        _changed(model, chance)
        try:
            load_integer_onnx(model.SerializeToString())
            outcomes["read"] += 1
        except (ModelError, UnsupportedError) as error:
            assert "\n" not in str(error)
            outcomes["refused"] += 1
    assert min(outcomes["read"], outcomes["refused"]) > 25
