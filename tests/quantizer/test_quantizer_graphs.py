"""Forks, joins and every operator beyond plain layers: quantized at many bits, they come close to the float network."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from fpgaq.base.data import Dataset
from fpgaq.base.errors import UsageError
from fpgaq.base.formats import dequantize
from fpgaq.integer import reference
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerArgMax,
    IntegerConvolution,
    IntegerGraph,
    IntegerScale,
    IntegerSlice,
    IntegerTable,
    IntegerUpsample,
)
from fpgaq.integer.inputs import transform_data
from fpgaq.model.executor import run_float
from fpgaq.model.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    MaxPooling,
    Multiply,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Slice,
    Transpose,
    Upsample,
    check,
)
from fpgaq.model.graph.shapes import infer_shape
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.study.report.comparison import compare

WIDE = QuantizeOptions(16, 16, table_bits=12, scale_bits=24)


def build(inputs: dict[str, tuple[int, ...]], operators, outputs=None, declared=None) -> Graph:
    """A graph with inferred shapes; its last operator's output is the network's unless stated."""
    shapes = dict(inputs)
    for op in operators:
        first, *others = (shapes[name] for name in op.inputs)
        shapes[op.output] = infer_shape(op, first, (declared or {}).get(op.output, first), others)
    return check(Graph("net", tuple(inputs), tuple(outputs or (operators[-1].output,)), tuple(operators), shapes))


def conv(
    source: str, target: str, outputs: int, channels: int, seed: int = 0, kernel=(3, 3), **geometry
) -> Convolution:
    generator = np.random.default_rng(seed)
    shape = (outputs, channels // geometry.get("groups", 1), *kernel)
    weight = generator.normal(size=shape).astype(np.float32) / math.sqrt(math.prod(shape[1:]))
    bias = generator.normal(size=outputs).astype(np.float32) / 4
    padding = geometry.pop("padding", (kernel[0] // 2, kernel[0] // 2, kernel[1] // 2, kernel[1] // 2))
    return Convolution(f"conv {target}", (source,), target, weight, bias, padding=padding, **geometry)


def data_for(graph: Graph, frames: int = 24, seed: int = 1) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=(frames, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}


def outputs_of(integer: IntegerGraph, data) -> dict[str, np.ndarray]:
    found = reference.run(integer, transform_data(integer, data))
    return {
        name: reference.to_model_layout(integer, name, dequantize(value, integer.tensors[name].format))
        for name, value in found.items()
    }


def ratios(graph: Graph, options: QuantizeOptions = WIDE, data=None) -> tuple[IntegerGraph, dict[str, float]]:
    """The integer network and the signal to noise of each output in dB."""
    data = data or data_for(graph)
    integer = quantize(graph, data, options)
    expected, found = run_float(graph, data), outputs_of(integer, data)
    result = {}
    for name in graph.outputs:
        real = expected[name].astype(np.float64)
        assert found[name].shape == real.shape
        noise = np.sum((found[name] - real) ** 2)
        result[name] = 10 * math.log10(np.sum(real**2) / max(float(noise), 1e-30))
    return integer, result


def assert_close(graph: Graph, least: float = 60, options: QuantizeOptions = WIDE, data=None) -> IntegerGraph:
    integer, found = ratios(graph, options, data)
    assert min(found.values()) > least, found
    return integer


FUNCTIONS = [
    *(("sigmoid", ()), ("tanh", ()), ("swish", ()), ("gelu_exact", ()), ("gelu_tanh", ()), ("softplus", (1.0,))),
    *(("elu", (1.0,)), ("selu", (1.0507, 1.67326)), ("hard_swish", ()), ("hard_sigmoid", (0.2, 0.5))),
    *(("abs", ()), ("leaky_relu", (0.1,)), ("square", ()), ("mish", ())),
]


@pytest.mark.parametrize(("function", "parameters"), FUNCTIONS)
def test_functions_become_tables_on_the_layers_own_integers(function, parameters):
    layers = [conv("x", "a", 4, 2), Pointwise("f", ("a",), "b", function, parameters), conv("b", "y", 3, 4, 1)]
    integer = assert_close(build({"x": (2, 6, 5)}, layers), 45)
    table = integer.operators[1]
    assert isinstance(table, IntegerTable) and table.requantize.shift == (0,)
    assert table.index_format == integer.tensors["a"].format and table.index_format.width == 12


def test_a_table_behind_a_fork_requantizes_by_itself():
    layers = [
        conv("x", "a", 4, 2), Pointwise("f", ("a",), "b", "sigmoid"), Multiply("m", ("a", "b"), "c"),
        conv("c", "y", 3, 4, 1),
    ]  # fmt: skip
    integer = assert_close(build({"x": (2, 6, 5)}, layers), 50)
    table = integer.operators[1]
    assert table.requantize.shift[0] > 0 and table.index_format.width == 12


def test_a_function_of_the_input_takes_in_its_scale():
    layers = [
        ScaleOffset("s", ("x",), "a", 1 / 255, -0.5),
        Pointwise("f", ("a",), "b", "tanh"),
        conv("b", "y", 3, 2, 1),
    ]
    graph = build({"x": (2, 6, 5)}, layers)
    data = {"x": np.random.default_rng(0).integers(0, 256, size=(20, 2, 6, 5)).astype(np.uint8)}
    integer = quantize(graph, data, WIDE)
    assert integer.tensors["x"].format.describe() == "u8.0"
    expected = run_float(graph, {"x": data["x"].astype(np.float32)})["y"]
    assert np.abs(outputs_of(integer, data)["y"] - expected).max() < 2e-3


def test_undefined_entries_of_a_table_are_those_of_the_nearest_index():
    layers = [
        conv("x", "a", 4, 2),
        Relu("r", ("a",), "b"),
        Pointwise("f", ("b",), "c", "sqrt"),
        conv("c", "y", 3, 4, 1),
    ]
    assert_close(build({"x": (2, 6, 5)}, layers), 40)
    layers = [Pointwise("f", ("x",), "a", "sqrt"), conv("a", "y", 3, 2, 1)]
    graph = build({"x": (2, 6, 5)}, layers)
    data = {"x": np.abs(data_for(graph)["x"])}
    data["x"][0, 0, 0, 0] = -0.0
    assert_close(graph, 40, data=data)


@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1, 1)])
@pytest.mark.parametrize("relu", [False, True])
def test_a_residual_block(signs, relu):
    layers = [conv("x", "a", 4, 4), Relu("r", ("a",), "a2"), conv("a2", "b", 4, 4, 1)]
    names = ["a2", "b", "x"][: len(signs)]
    layers.append(Add("add", tuple(names), "c", signs))
    if relu:
        layers.append(Relu("r2", ("c",), "d"))
    layers.append(conv(layers[-1].output, "y", 3, 4, 2))
    integer = assert_close(build({"x": (4, 6, 5)}, layers))
    add = next(op for op in integer.operators if isinstance(op, IntegerAdd))
    assert min(add.align) == 0 and add.output == ("d" if relu else "c")
    assert integer.tensors[add.output].format.signed != relu


def test_a_sum_at_the_end_is_exact():
    layers = [conv("x", "a", 4, 4), Add("add", ("a", "x"), "y", (1, 1))]
    integer = assert_close(build({"x": (4, 6, 5)}, layers), 70)
    assert integer.operators[-1].requantize.shift == (0,)


def test_joined_tensors_share_the_planned_format():
    layers = [
        conv("x", "a", 4, 2), Relu("r", ("a",), "b"), conv("x", "c", 3, 2, 1),
        MaxPooling("p", ("b",), "d", (1, 1), (1, 1)),
        Concatenate("cat", ("d", "c"), "e"), conv("e", "y", 3, 7, 2),
    ]  # fmt: skip
    integer = assert_close(build({"x": (2, 6, 5)}, layers))
    formats = {integer.tensors[name].format for name in ("b", "c", "d", "e")}
    assert len(formats) == 1 and formats.pop().signed
    assert not any(isinstance(op, IntegerScale) for op in integer.operators)


def test_a_joined_format_holds_what_a_maximum_hides():
    """Of `a` a maximum is joined; the sum reads `a` itself, whose smallest values the maximum never lets through."""
    window = ((3, 3), (1, 1), (1, 1, 1, 1))
    layers = [
        conv("x", "a", 4, 2), conv("x", "c", 4, 2, 1), MaxPooling("p", ("a",), "b", *window),
        MaxPooling("q", ("c",), "d", *window), Concatenate("cat", ("b", "d"), "e"), conv("e", "f", 4, 8, 2),
        Add("sum", ("a", "f"), "y", (1, 1)),
    ]  # fmt: skip
    # All far below zero, the least of each window as far again.
    layers[0] = replace(layers[0], bias=np.full(4, -5, np.float32))
    assert_close(build({"x": (2, 6, 5)}, layers))


def test_an_input_that_is_joined_is_requantized():
    layers = [conv("x", "a", 4, 2), Concatenate("cat", ("a", "x", "x"), "e"), conv("e", "y", 3, 8, 2)]
    data = {"x": np.random.default_rng(0).integers(0, 256, size=(20, 2, 6, 5)).astype(np.float32)}
    integer = assert_close(build({"x": (2, 6, 5)}, layers), 40, data=data)
    assert sum(isinstance(op, IntegerScale) for op in integer.operators) == 1


@pytest.mark.parametrize("seed", range(20))
def test_transposed_convolutions_of_any_geometry(seed):
    chance, generator = Random(seed), np.random.default_rng(seed)
    groups, kernel = chance.choice((1, 2)), (chance.randint(1, 4), chance.randint(1, 4))
    stride, dilation = (chance.randint(1, 3), chance.randint(1, 3)), (chance.randint(1, 2), chance.randint(1, 2))
    padding = tuple(chance.randint(0, 2) for _ in range(4))
    extra = tuple(chance.randint(0, s - 1) for s in stride)
    weight = generator.normal(size=(4, 6 // groups, *kernel)).astype(np.float32)
    layer = Deconvolution(
        "up", ("a",), "b", weight, generator.normal(size=6).astype(np.float32), stride, padding, dilation, groups, extra
    )
    layers = [conv("x", "a", 4, 2), Relu("r", ("a",), "a2"), layer, Relu("r2", ("b",), "b2"), conv("b2", "y", 2, 6, 3)]
    layers[2] = Deconvolution(**{**layer.__dict__, "inputs": ("a2",)})
    integer = assert_close(build({"x": (2, 5, 6)}, layers))
    kinds = [type(op) for op in integer.operators]
    assert kinds.count(IntegerConvolution) == 3 and (IntegerUpsample in kinds) == (stride != (1, 1))


@pytest.mark.parametrize("count_padding", [False, True])
@pytest.mark.parametrize("sum_only", [False, True])
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 0, 1, 2)])
def test_average_pooling(count_padding, sum_only, padding):
    layers = [
        conv("x", "a", 4, 2), AveragePooling("p", ("a",), "b", (3, 3), (2, 2), padding, count_padding, sum_only),
        conv("b", "y", 3, 4, 1),
    ]  # fmt: skip
    assert_close(build({"x": (2, 8, 7)}, layers))


def test_global_average_and_affine():
    generator = np.random.default_rng(0)
    layers = [
        conv("x", "a", 4, 4, groups=4), Relu("r", ("a",), "b"), AveragePooling("p", ("b",), "c", (6, 5), (1, 1)),
        Affine("fc", ("c",), "y", generator.normal(size=(3, 4)).astype(np.float32), None),
    ]  # fmt: skip
    assert_close(build({"x": (4, 6, 5)}, layers))


def test_factors_per_channel():
    generator = np.random.default_rng(0)
    slope = generator.uniform(-0.5, 0.5, size=4).astype(np.float32)
    mean, variance, scale, offset = (generator.uniform(0.1, 2, size=4).astype(np.float32) for _ in range(4))
    layers = [
        conv("x", "a", 4, 2), Prelu("p", ("a",), "b", slope),
        BatchNormalization("n", ("b",), "c", mean, variance, scale, offset, 1e-5),
        Relu("r", ("c",), "d"), ScaleOffset("s", ("d",), "e", -0.7, 0.3), conv("e", "y", 3, 4, 1),
    ]  # fmt: skip
    integer = assert_close(build({"x": (2, 6, 5)}, layers))
    scales = [op for op in integer.operators if isinstance(op, IntegerScale)]
    assert [op.negative_scale is None for op in scales] == [False, True, True]
    assert_close(build({"x": (2, 6, 5)}, layers), 25, QuantizeOptions())


def test_movements():
    layers = [
        conv("x", "a", 4, 2), Upsample("u", ("a",), "b", (2, 3)), Pad("p", ("b",), "c", (1, 2, 0, 3), "reflect"),
        Slice("s", ("c",), "d", (1, 2, 3)), Transpose("t", ("d",), "e", (2, 0, 1)),
        Pad("q", ("e",), "f", (1, 0, 0, 1), "constant", 0.25), Pad("z", ("f",), "g", (0, 1, 1, 0), "repeat"),
        conv("g", "y", 2, 8, 1),
    ]  # fmt: skip
    graph = build({"x": (2, 4, 5)}, layers, declared={"d": (3, 5, 8)})
    assert_close(graph)


def test_rows_and_vectors():
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(6, 3 * 9)).astype(np.float32)
    layers = [
        Transpose("t", ("x",), "a", (1, 0)), Transpose("t2", ("a",), "b", (1, 0)), Slice("s", ("b",), "c", (1, 1)),
        Affine("fc", ("c",), "d", weight, None), Slice("s2", ("d",), "e", (2,)), Slice("s3", ("d",), "f", (0,)),
        Multiply("m", ("e", "f"), "g"), Concatenate("cat", ("g", "d"), "h"),
        Affine("fc2", ("h",), "y", weight[:, :9], None),
    ]  # fmt: skip
    integer = assert_close(build({"x": (4, 10)}, layers, declared={"c": (3, 9), "e": (3,), "f": (3,)}))
    assert integer.transforms["x"].model_shape == (4, 10) and integer.transforms["x"].image_shape == (4, 1, 10)


def test_a_row_through_a_reshape_is_an_image():
    layers = [Reshape("r", ("x",), "a"), conv("a", "b", 4, 3, kernel=(1, 3)), Reshape("r2", ("b",), "y")]
    integer = assert_close(build({"x": (3, 9)}, layers, declared={"a": (3, 1, 9), "y": (4, 9)}))
    assert integer.transforms["x"].image_shape == (3, 1, 9) and integer.output_shapes["y"] == (4, 9)


def test_several_inputs_and_outputs():
    layers = [
        conv("x", "a", 4, 2), Relu("r", ("a",), "b"), conv("z", "c", 4, 3, 1), Add("add", ("b", "c"), "d", (1, 1)),
        conv("d", "y", 3, 4, 2), Pointwise("f", ("d",), "w", "tanh"),
    ]  # fmt: skip
    graph = build({"x": (2, 6, 5), "z": (3, 6, 5)}, layers, ("y", "w", "b"))
    integer = assert_close(graph, 45)
    assert integer.outputs == ("y", "w", "b") and integer.inputs == ("x", "z")
    found = compare(graph, integer, Dataset(data_for(graph), None), timed=False)
    assert found.outputs == ("y", "w", "b") and found.float_top1 is None
    errors = {layer.name: layer for layer in found.layers}
    assert errors["y"].mean_squared_error < 1e-4 and errors["y"].signal_to_noise > 45


def test_two_outputs_of_one_tensor():
    layers = [conv("x", "a", 4, 2), Reshape("r", ("a",), "y")]
    integer = assert_close(build({"x": (2, 6, 5)}, layers, ("a", "y"), {"y": (120,)}))
    assert isinstance(integer.operators[-1], IntegerSlice)


def test_argmax_as_the_last_stage():
    generator = np.random.default_rng(0)
    layers = [conv("x", "a", 4, 2), Affine("fc", ("a",), "y", generator.normal(size=(7, 120)).astype(np.float32), None)]
    graph = build({"x": (2, 6, 5)}, layers)
    data = data_for(graph, 50)
    plain, decided = quantize(graph, data), quantize(graph, data, QuantizeOptions(argmax=True))
    assert isinstance(decided.operators[-1], IntegerArgMax) and decided.output_shapes[decided.outputs[0]] == (1,)
    assert np.array_equal(
        outputs_of(plain, data)["y"].argmax(axis=1), outputs_of(decided, data)[decided.outputs[0]][:, 0]
    )
    labels = np.arange(50) % 7
    left, right = (compare(graph, net, Dataset(data, labels), timed=False) for net in (plain, decided))
    assert (left.agreement, left.integer_top1) == (right.agreement, right.integer_top1)
    two = build({"x": (2, 6, 5)}, layers, ("a", "y"))
    with pytest.raises(UsageError, match="--argmax: network 'net' has 2 outputs"):
        quantize(two, data, QuantizeOptions(argmax=True))


def test_a_probability_is_held_against_one_half():
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(1, 60)).astype(np.float32)
    graph = build({"x": (60,)}, [Affine("fc", ("x",), "a", weight, None), Pointwise("s", ("a",), "y", "sigmoid")])
    data = data_for(graph, 60)
    labels = (run_float(graph, data)["y"][:, 0] > 0.5).astype(np.int64)
    found = compare(graph, quantize(graph, data), Dataset(data, labels), timed=False)
    assert found.float_top1 == 1.0 and found.integer_top1 > 0.9


def test_an_encoder_decoder_at_eight_bits():
    generator = np.random.default_rng(0)
    deconvolution = Deconvolution(
        "up", ("d",), "e", generator.normal(size=(6, 4, 2, 2)).astype(np.float32) / 4, None, (2, 2)
    )
    layers = [
        conv("x", "a", 4, 1), Relu("r", ("a",), "b"), MaxPooling("p", ("b",), "c", (2, 2), (2, 2)),
        conv("c", "c2", 6, 4, 1),
        Relu("r1", ("c2",), "d"), deconvolution, Relu("r2", ("e",), "f"), Concatenate("skip", ("f", "b"), "g"),
        conv("g", "h", 1, 8, 2), Pointwise("s", ("h",), "y", "sigmoid"),
    ]  # fmt: skip
    integer = assert_close(build({"x": (1, 8, 8)}, layers), 30, QuantizeOptions())
    assert integer.tensors["f"].format == integer.tensors["b"].format and not integer.tensors["b"].format.signed
