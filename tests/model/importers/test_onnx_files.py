from __future__ import annotations

import resource
import time

import numpy as np
import onnx
import pytest

from fpgaq.base.errors import FpgaqError, ModelError, UnsupportedError
from fpgaq.model.executor import run_float
from fpgaq.model.importers import load
from fpgaq.model.importers.onnx.file import opset_range
from fpgaq.model.importers.onnx.graph import load_onnx
from tests.support.onnx_models import compare, load_model, model, node, value

TENSOR = onnx.TensorProto
WEIGHT = np.arange(12, dtype=np.float32).reshape(3, 4)


def gemm(shape=(1, 4), **changes):
    return model(node("Gemm", "x w", transB=1), {"x": shape}, constants={"w": WEIGHT}, **changes)


def with_weight(**fields):
    """A Gemm whose weight is a TensorProto with these fields."""
    proto = gemm()
    proto.graph.initializer[0].CopyFrom(TENSOR(name="w", **fields))
    return proto


def refused(proto, kind, words):
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    with pytest.raises(kind, match=words) as caught:
        load_onnx(data)
    assert "\n" not in str(caught.value)
    assert type(caught.value) is kind


def test_the_command_line_loader_reads_onnx(tmp_path):
    path = tmp_path / "a model.onnx"
    path.write_bytes(gemm().SerializeToString())
    assert load(path).name == "network"
    assert load(path, "network").name == "network"
    with pytest.raises(ModelError, match="a model.onnx: no network 'other'; the file has 'network'"):
        load(path, "other")


@pytest.mark.parametrize("content", [b"", b"\x00", b"\xff" * 50, b"PK\x03\x04" + b"x" * 99, b"not a model at all\n"])
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="m.onnx"):
        load(path)


def test_every_truncation_and_every_flipped_byte_is_met_with_an_error_of_ours():
    data = gemm().SerializeToString()
    for length in range(len(data)):
        with pytest.raises(FpgaqError):
            load_onnx(data[:length])
    for index in range(len(data)):
        for mask in (0x01, 0x80, 0xFF):
            damaged = bytearray(data)
            damaged[index] ^= mask
            try:
                load_onnx(bytes(damaged))
            except FpgaqError as error:
                assert "\n" not in str(error)


def test_opsets_outside_the_range_are_refused():
    oldest, newest = opset_range()
    assert oldest == 2
    assert newest >= 22
    for version in (0, 1, newest + 1, 2**40):
        proto = gemm()
        proto.opset_import[0].version = version
        refused(proto, UnsupportedError, f"uses opset {version}; supported: 2 to {newest}")
    proto = gemm()
    del proto.opset_import[:]
    refused(proto, ModelError, "imports versions")
    proto = gemm()
    proto.ir_version = 1000
    refused(proto, UnsupportedError, "IR version 1000")


def test_all_unsupported_operators_stand_in_one_line():
    nodes = [
        node("LSTM", "x w", "a", name="first"),
        onnx.helper.make_node("Quant", ["a"], ["b"], domain="qonnx.custom_op.general"),
        node("LSTM", "b w", "c", name="third"),
        node("Relu", "c"),
    ]
    proto = model(nodes, {"x": (1, 4)}, constants={"w": WEIGHT})
    refused(
        proto, UnsupportedError, r"LSTM \(layer 'first', 'third'\); qonnx.custom_op.general.Quant \(layer 'Quant_1'\)"
    )
    refused(proto, UnsupportedError, r"use convolutions over time \(Conv1d\); `fpgaq quantize MODEL")
    with pytest.raises(UnsupportedError) as caught:
        load_model(proto)
    assert "supported: Abs, Add" not in str(caught.value)
    # Which --debug shows.
    assert "supported: Abs, Add, And, ArgMax" in str(caught.value.__cause__)


def test_what_the_outputs_do_not_need_is_left_out():
    nodes = [node("LSTM", "x", "unused"), node("Relu", "x")]
    assert len(load_model(model(nodes, {"x": (1, 4)}, ["y"])).operators) == 1


@pytest.mark.parametrize("location", ["/etc/passwd", "../../secret", "a/../../b", "C:\\x", "..\\x"])
def test_values_outside_the_folder_are_refused_and_never_opened(location):
    tensor = {"dims": [3, 4], "data_type": 1, "data_location": TENSOR.EXTERNAL}
    proto = with_weight(**tensor)
    proto.graph.initializer[0].external_data.add(key="location", value=location)
    refused(proto, ModelError, "outside the model's folder; refused")


def test_values_in_another_file_are_refused(tmp_path):
    proto = with_weight(dims=[3, 4], data_type=1, data_location=TENSOR.EXTERNAL)
    proto.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    refused(proto, UnsupportedError, "keeps its values in another file, 'weights.bin'; save the model in one file")
    proto.graph.initializer[0].data_location = TENSOR.DEFAULT
    refused(proto, UnsupportedError, "another file")
    # One that nothing reads, too.
    proto = gemm()
    proto.graph.initializer.add(name="z", dims=[1], data_type=1, data_location=TENSOR.EXTERNAL)
    refused(proto, UnsupportedError, "initializer 'z' keeps its values in another file")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dims": [3, 4], "raw_data": b"\0" * 47}, "has 47 bytes of raw data and 0 other values; expected 48 bytes"),
        ({"dims": [3, 4], "raw_data": b"\0" * 52}, "expected 48 bytes"),
        ({"dims": [3, 4], "float_data": [1.0] * 11}, "needs 12 values; has 11"),
        ({"dims": [3, 4], "raw_data": b"\0" * 48, "float_data": [1.0] * 12}, "and 12 other values"),
        ({"dims": [-1, 4], "raw_data": b""}, r"shape \[-1, 4\]; dimensions are 0"),
        ({"dims": [2**31, 4], "raw_data": b""}, "dimensions are 0"),
        ({"dims": [2**62, 4], "raw_data": b""}, "dimensions are 0"),
        ({"dims": [2**30, 2**30, 2**30], "raw_data": b""}, "elements; at most"),
        ({"dims": [100_000, 100_000], "raw_data": b"\0" * 48}, "elements; at most"),
        ({"dims": [1] * 9, "raw_data": b"\0" * 4}, "9 dimensions; at most 8"),
        ({"dims": [0, 4], "raw_data": b""}, "weights for 4 features|output would have shape"),
        ({"dims": [3, 4], "raw_data": np.full(12, np.nan, np.float32).tobytes()}, "must be finite"),
    ],
)
def test_tensors_that_lie_are_refused(fields, words):
    refused(with_weight(data_type=1, **fields), ModelError, words)


def test_tensors_of_other_types_are_read_or_refused_by_name():
    exact = np.array([[0.5, 1.0, -2.0, 0.25]] * 3)
    half = exact.astype(np.float16)
    for fields in (
        {"data_type": TENSOR.FLOAT16, "raw_data": half.tobytes()},
        {"data_type": TENSOR.FLOAT16, "int32_data": half.view(np.uint16).reshape(-1).tolist()},
        {"data_type": TENSOR.DOUBLE, "raw_data": exact.tobytes()},
        {"data_type": TENSOR.DOUBLE, "double_data": exact.reshape(-1).tolist()},
        {"data_type": TENSOR.BFLOAT16, "raw_data": (exact.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()},
        {"data_type": TENSOR.FLOAT, "float_data": exact.reshape(-1).tolist()},
    ):
        graph = load_model(with_weight(dims=[3, 4], **fields))
        np.testing.assert_array_equal(graph.operators[0].weight, exact.astype(np.float32))
    for kind, name in (
        (TENSOR.STRING, "string"),
        (TENSOR.COMPLEX64, "complex64"),
        (99, "type 99"),
    ):
        refused(with_weight(dims=[3, 4], data_type=kind, raw_data=b"\0" * 12), UnsupportedError, f"of type {name};")
    refused(with_weight(dims=[3, 4], data_type=7, raw_data=b"\0" * 96), UnsupportedError, "supported: real numbers")
    huge = with_weight(dims=[3, 4], data_type=TENSOR.DOUBLE, raw_data=np.full(12, 1e300).tobytes())
    refused(huge, ModelError, "is inf; parameters must be finite")
    refused(with_weight(dims=[3, 4], data_type=9, int32_data=[300] * 12), ModelError, "outside the range of bool")


@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        (("n", "length", 4), UnsupportedError, r"dimension 1 is open \('length'\)"),
        ((1, -1), ModelError, "dimensions are 0"),
        ((1, 0), ModelError, "sizes are at least 1"),
        ((1, 2**31), ModelError, "dimensions are 0"),
        ((1, 2**30, 2**30), ModelError, "elements; at most"),
        ((0, 4), ModelError, "batches of"),
        ((-3, 4), ModelError, "batches of"),
        ((4,), UnsupportedError, "1 dimensions; supported: a batch"),
        ((), UnsupportedError, "0 dimensions"),
    ],
)
def test_input_shapes_that_do_not_work_are_refused(shape, kind, words):
    refused(gemm(shape), kind, words)


def test_an_open_batch_is_left_open():
    graph = load_model(gemm(("batch", 4)))
    assert graph.shapes == {"x": (4,), "y": (3,)}
    data = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(run_float(graph, {"x": data})["y"], data @ WEIGHT.T, rtol=1e-5)
    assert load_model(gemm((None, 4))).shapes["x"] == (4,)


def test_inputs_of_other_types_are_refused():
    for kind, name in ((8, "string"), (9, "bool"), (14, "complex64")):
        proto = gemm()
        proto.graph.input[0].CopyFrom(value("x", (1, 4), kind))
        refused(proto, UnsupportedError, f"input 'x' is of type {name}; supported: float")
    proto = gemm()
    proto.graph.input[0].CopyFrom(onnx.helper.make_tensor_sequence_value_info("x", 1, (1, 4)))
    refused(proto, UnsupportedError, "is no tensor")


def test_broken_graphs_are_refused():
    refused(model([node("Relu", "b", "a"), node("Relu", "a", "b")], {"x": (1, 2)}, ["b"]), ModelError, "has a cycle: ")
    refused(model(node("Relu", "z"), {"x": (1, 2)}), ModelError, "reads 'z', which no layer writes")
    refused(model(node("Relu", "x"), {"x": (1, 2)}, ["q"]), ModelError, "output 'q' of network 'network' is written by")
    refused(model([node("Relu", "x"), node("Abs", "x")], {"x": (1, 2)}), ModelError, "already there")
    proto = gemm()
    del proto.graph.node[:]
    refused(proto, ModelError, "is empty: it has no layer")
    proto = gemm()
    del proto.graph.output[:]
    refused(proto, ModelError, "has no output")
    proto = gemm()
    proto.graph.initializer.append(proto.graph.initializer[0])
    refused(proto, ModelError, "initializer 'w' is in the file twice")
    proto = gemm()
    proto.graph.output[0].CopyFrom(value("y", (1, 5)))
    refused(proto, ModelError, r"output 'y' is declared \[1, 5\] but computes \(batch, \*\(3,\)\)")
    proto = gemm()
    del proto.graph.input[:]
    refused(proto, ModelError, "reads 'x', which no layer writes")
    refused(b"\x08\x08", ModelError, "holds no graph")


def test_a_constant_output_is_refused():
    proto = model([node("Add", "w w", "y"), node("Relu", "x", "z")], {"x": (1, 4)}, ["y", "z"], {"w": WEIGHT})
    refused(proto, ModelError, "output 'y' is a constant")


def test_attributes_that_lie_are_refused():
    proto = gemm()
    proto.graph.node[0].attribute.append(onnx.helper.make_attribute("transB", 1))
    refused(proto, ModelError, "attribute 'transB' is there twice")
    proto = model(node("Gemm", "x w", transB=1.0), {"x": (1, 4)}, constants={"w": WEIGHT})
    refused(proto, ModelError, "attribute 'transB' is a number; expected an integer")
    proto = model(node("LeakyRelu", "x", alpha=float("nan")), {"x": (1, 4)})
    refused(proto, ModelError, "alpha is nan; expected a finite number")
    proto = model(node("Relu", "x"), {"x": (1, 4)})
    attribute = proto.graph.node[0].attribute.add(name="axis", type=2)
    attribute.ref_attr_name = "outer"
    refused(proto, UnsupportedError, "attribute 'axis' is not supported")


def test_functions_and_sparse_initializers_are_refused():
    proto = gemm()
    proto.functions.add(name="f", domain="d")
    refused(proto, UnsupportedError, "functions of its own")
    proto = gemm()
    proto.graph.sparse_initializer.add(dims=[3, 4])
    refused(proto, UnsupportedError, "sparse initializers")


def test_a_small_file_never_becomes_a_large_model():
    """Fields by the million, nesting, packed numbers, and constants that multiply, in bounded time and memory."""

    def field(number, content):
        size, length = len(content), bytearray()
        while size >= 128:
            length.append(size & 127 | 128)
            size >>= 7
        return bytes([number << 3 | 2]) + bytes(length) + bytes([size]) + content

    nested = b""
    for _ in range(5000):
        nested = field(1, field(5, field(6, nested)))[: 1 << 20]
    ones = {"a": np.ones((1, 100_000), np.float32), "b": np.ones((100_000, 1), np.float32)}
    nodes = [node("Mul", "a b", "c"), node("MatMul", "x c")]
    filled = [node("ConstantOfShape", "s", "c"), node("MatMul", "x c")]
    many = np.zeros(1 << 12, np.int64)
    gathers = [node("Gather", "a s", "c"), node("MatMul", "x c")]
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    refused(field(7, b"\x0a\x00" * 20_000_000), ModelError, "more than 150000 fields")
    refused(field(7, nested), ModelError, "deep")
    refused(field(7, field(5, field(7, b"\1" * (17 << 20)))), ModelError, "MiB of integers")
    refused(model(nodes, {"x": (1, 4)}, constants=ones), ModelError, "makes more than")
    sizes = {"s": np.array([1 << 30, 1 << 30], np.int64)}
    refused(model(filled, {"x": (1, 4)}, constants=sizes), ModelError, "makes more than")
    refused(model(gathers, {"x": (1, 4)}, constants={"a": ones["a"], "s": many}), ModelError, "makes more than")
    assert time.process_time() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000


def test_a_model_of_too_many_bytes_is_refused(monkeypatch):
    monkeypatch.setattr("fpgaq.model.importers.onnx.file.MAX_MODEL_BYTES", 1 << 20)
    refused(b"\0" * ((1 << 20) + 1), ModelError, "is larger than 1 MiB")


def test_a_chain_of_5000_layers_is_read():
    nodes = [node("Relu", f"t{index}", f"t{index + 1}") for index in range(5000)]
    assert len(load_model(model(nodes, {"t0": (1, 4)})).operators) == 5000


def test_odd_names_are_kept_and_unique():
    names = ["x; initial $system('touch owned')", "a*/ b", "\u202e", "{{7*7}}", "../../x"]
    nodes, source = [], "x"
    for name in names:
        nodes.append(onnx.helper.make_node("Relu", [source], [name], name="same"))
        source = name
    graph = load_model(model(nodes, {"x": (1, 3)}))
    assert [op.output for op in graph.operators] == names
    assert len({op.name for op in graph.operators}) == len(names)


def test_invented_tensor_names_never_meet_the_models_own():
    nodes = [node("Relu", "x", "x.image"), node("Add", "x x.image", "y.image"), node("Relu", "y.image", "y")]
    graph = compare(model(nodes, {"x": (2, 3, 4)}))
    assert graph.inputs == ("x",)
    assert graph.outputs == ("y",)


def test_a_file_of_many_small_things_is_read_in_time():
    nodes = [onnx.helper.make_node("Add", [f"t{i}", f"c{i}"], [f"t{i + 1}"], name="same") for i in range(3_000)]
    constants = {f"c{i}": np.float32(i) for i in range(3_000)}
    outputs = [f"t{i + 1}" for i in range(3_000)]
    data = model(nodes, {"t0": (1, 2, 3)}, outputs, constants).SerializeToString()
    start = time.process_time()
    assert len(load_onnx(data).operators) == 1 + 3_000 + 3_000
    assert time.process_time() - start < 5


def test_names_that_would_break_the_message_or_the_parser_are_refused_quietly(capfd):
    proto = model(onnx.helper.make_node("Relu\nLSTM" + "x" * 5000, ["x"], ["y"]), {"x": (1, 2)})
    refused(proto, UnsupportedError, r"'Relu\\nLSTMx{91}'")
    data = gemm().SerializeToString()
    refused(data.replace(b"network", b"net\xff\xfe__"), ModelError, "is not valid UTF-8")
    assert capfd.readouterr() == ("", "")
