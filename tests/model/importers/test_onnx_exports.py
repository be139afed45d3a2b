"""Models as exporters write them: values in a second file, functions, open sizes, other types, training mode."""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest

from fpgaq.base.errors import FpgaqError, ModelError, UnsupportedError
from fpgaq.model.executor import run_float
from fpgaq.model.importers import load
from tests.support.onnx_models import compare, model, node, real, runtime, value

TENSOR = onnx.TensorProto


def network(opset, shape=("n", 3, 6, 6), **changes):
    """A small network of a convolution and a matrix product, as exporters write one."""
    nodes = [
        node("Conv", "x w b", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        node("GlobalAveragePool", "r", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f v", "y", transB=1),
    ]
    if opset < 11:
        nodes[-1] = node("Gemm", "f v z", "y", transB=1)
    constants = {"w": real(4, 3, 3, 3), "b": real(4), "v": real(5, 4)}
    if opset < 11:
        constants["z"] = np.zeros(5, np.float32)
    return model(nodes, {"x": shape}, constants=constants, opset=opset, **changes)


def outside(proto, folder, name="net.onnx.data", padding=0):
    """Write a model with the values of its initializers in a second file; returns the path of the model."""
    content = bytearray(b"\7" * padding)
    for tensor in proto.graph.initializer:
        raw = onnx.numpy_helper.to_array(tensor).tobytes()
        tensor.ClearField("raw_data")
        tensor.data_location = TENSOR.EXTERNAL
        for key, entry in (("location", name), ("offset", str(len(content))), ("length", str(len(raw)))):
            tensor.external_data.add(key=key, value=entry)
        content += raw
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    path = folder / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


@pytest.mark.parametrize("opset", range(9, onnx.defs.onnx_opset_version() + 1))
@pytest.mark.parametrize(("name", "padding"), [("net.onnx.data", 0), ("weights/net.bin", 64)])
def test_values_in_a_second_file_are_read(tmp_path, opset, name, padding):
    proto = network(opset)
    data = {"x": real(2, 3, 6, 6)}
    expected = runtime(proto, data)["y"]
    graph = load(outside(proto, tmp_path, name, padding))
    np.testing.assert_allclose(run_float(graph, data)["y"], expected, atol=2e-6 * np.abs(expected).max())
    assert not graph.notes


def refused(path, kind, words):
    with pytest.raises(kind, match=words) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_second_file_that_is_not_what_the_model_says_is_refused(tmp_path):
    path = outside(network(13), tmp_path)
    values = tmp_path / "net.onnx.data"
    whole = values.read_bytes()
    values.write_bytes(whole[:-1])
    refused(path, ModelError, "are needed: copy it next to the model again")
    values.unlink()
    refused(path, ModelError, "is not there; copy it next to the model, or export with external_data=False")
    (tmp_path / "elsewhere").write_bytes(whole)
    values.symlink_to(tmp_path / "elsewhere")
    refused(path, ModelError, "is a link")
    values.unlink()
    values.mkdir()
    refused(path, ModelError, "is no regular file")
    values.rmdir()
    os.mkfifo(values)
    refused(path, ModelError, "is no regular file")


def test_a_link_on_the_way_to_the_values_is_refused(tmp_path):
    path = outside(network(13), tmp_path, "folder/values")
    (tmp_path / "folder").rename(tmp_path / "other")
    (tmp_path / "folder").symlink_to(tmp_path / "other")
    refused(path, ModelError, "is a link")


@pytest.mark.parametrize(
    ("key", "entry", "words"),
    [
        ("location", "../net.onnx.data", "outside the model's folder; refused"),
        ("location", "/etc/passwd", "outside the model's folder; refused"),
        ("location", "", "outside the model's folder; refused"),
        ("offset", "-4", "is no place in a file"),
        ("offset", "9" * 15, "are needed"),
        ("offset", "9" * 30, "is no place in a file"),
        ("length", "4", r"needs 432 bytes of 'net.onnx.data'; declares 4"),
        ("length", "x", "is no place in a file"),
        ("basepath", "/", "are not understood"),
    ],
)
def test_entries_that_lie_are_refused(tmp_path, key, entry, words):
    proto = network(13)
    path = outside(proto, tmp_path)
    tensor = proto.graph.initializer[0]
    for item in list(tensor.external_data):
        if item.key == key:
            tensor.external_data.remove(item)
    tensor.external_data.add(key=key, value=entry)
    path.write_bytes(proto.SerializeToString())
    refused(path, ModelError, words)


def with_function(opset, depth=1, calls=1):
    """A network of functions that call one another, the innermost a Relu after a scale."""
    imports = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid("own", 1)]
    bodies = [node("Mul", "a a", "m"), node("Relu", "m", "b")]
    functions = [onnx.helper.make_function("own", "f0", ["a"], ["b"], bodies, imports)]
    for level in range(1, depth):
        names = ["a", *(f"t{index}" for index in range(calls - 1)), "b"]
        bodies = [
            onnx.helper.make_node(f"f{level - 1}", [names[index]], [names[index + 1]], domain="own")
            for index in range(calls)
        ]
        functions.append(onnx.helper.make_function("own", f"f{level}", ["a"], ["b"], bodies, imports))
    nodes = [
        onnx.helper.make_node(f"f{depth - 1}", ["x"], ["h"], domain="own"),
        node("MatMul", "h w", "y"),
    ]
    proto = model(nodes, {"x": (2, 4)}, constants={"w": real(4, 3)}, opset=opset)
    proto.opset_import.append(imports[1])
    proto.functions.extend(functions)
    return proto


@pytest.mark.parametrize("opset", range(13, onnx.defs.onnx_opset_version() + 1))
@pytest.mark.parametrize("depth", [1, 3])
def test_functions_are_put_in_place(tmp_path, opset, depth):
    proto = with_function(opset, depth, calls=2)
    data = {"x": real(2, 4) / 4}
    expected = runtime(proto, data)["y"]
    (tmp_path / "f.onnx").write_bytes(proto.SerializeToString())
    graph = load(tmp_path / "f.onnx")
    np.testing.assert_allclose(run_float(graph, data)["y"], expected, atol=2e-6 * np.abs(expected).max())


def test_functions_that_explode_or_call_themselves_are_refused(tmp_path):
    path = tmp_path / "f.onnx"
    path.write_bytes(with_function(17, 30, calls=2).SerializeToString())
    refused(path, ModelError, "hold more than 100000 nodes")
    proto = with_function(17)
    proto.functions[0].node.append(onnx.helper.make_node("f0", ["b"], ["c"], domain="own"))
    path.write_bytes(proto.SerializeToString())
    refused(path, UnsupportedError, "'f0' calls itself")


@pytest.mark.parametrize("sizes", [(1, 3, 6, 6), (1, 3, 9, 5), (2, 3, 4, 4), (1, 3, 16, 12)])
@pytest.mark.parametrize("opset", [9, 11, 13, 17, 20])
def test_open_sizes_are_given(tmp_path, sizes, opset):
    proto = network(opset, ("n", 3, "h", "w"))
    path = tmp_path / "open.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(UnsupportedError, match=r"--input-shape x=1,3,64,64"):
        load(path)
    data = {"x": real(*sizes)}
    expected = runtime(proto, data)["y"]
    graph = load(path, input_shapes={"x": sizes})
    assert graph.shapes["x"] == sizes[1:]
    np.testing.assert_allclose(run_float(graph, data)["y"], expected, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"z": (1, 3, 4, 4)}, "no input 'z'; the file has 'x'"),
        ({"x": (1, 3, 4)}, "has 4 dimensions with the batch; 3 given"),
        ({"x": (1, 4, 8, 8)}, "dimension 1 is 3 in the file; 4 given"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(tmp_path, shapes, words):
    path = tmp_path / "open.onnx"
    path.write_bytes(network(13, ("n", 3, "h", "w")).SerializeToString())
    with pytest.raises(ModelError, match=words):
        load(path, input_shapes=shapes)


def test_outputs_are_chosen_by_name(tmp_path):
    proto = model(
        [node("Relu", "x", "r"), node("LSTM", "x", "lost"), node("Neg", "r", "n"), node("Abs", "n", "a")],
        {"x": (2, 4)},
        ["lost", "n", "a"],
    )
    path = tmp_path / "several.onnx"
    path.write_bytes(proto.SerializeToString())
    refused(path, UnsupportedError, "LSTM")
    assert load(path, outputs=("a", "n")).outputs == ("a", "n")
    assert load(path, outputs=("r",)).outputs == ("r",)
    with pytest.raises(ModelError, match="no layer writes 'q'; the model's outputs are 'lost', 'n', 'a'"):
        load(path, outputs=("q",))


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 20])
@pytest.mark.parametrize("kind", [TENSOR.FLOAT16, TENSOR.BFLOAT16, TENSOR.DOUBLE, TENSOR.FLOAT])
def test_weights_of_other_real_types_are_read(opset, kind):
    proto = network(opset)
    whole = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    rounded = {}
    for tensor in proto.graph.initializer:
        array = whole[tensor.name]
        tensor.data_type = kind
        if kind == TENSOR.BFLOAT16:
            bits = (array.view(np.uint32) >> 16).astype(np.uint16)
            tensor.raw_data, rounded[tensor.name] = bits.tobytes(), (bits.astype(np.uint32) << 16).view(np.float32)
        else:
            narrow = array.astype(
                {TENSOR.FLOAT16: np.float16, TENSOR.DOUBLE: np.float64, TENSOR.FLOAT: np.float32}[kind]
            )
            tensor.raw_data, rounded[tensor.name] = narrow.tobytes(), narrow.astype(np.float32)
    from fpgaq.model.importers.onnx import load_onnx

    graph = load_onnx(proto.SerializeToString())
    np.testing.assert_array_equal(graph.operators[0].weight, rounded["w"])


@pytest.mark.parametrize("opset", range(9, 23))
def test_initializers_that_are_inputs_too_are_weights(opset):
    proto = network(opset)
    for tensor in proto.graph.initializer:
        proto.graph.input.append(value(tensor.name, list(tensor.dims)))
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    assert compare(proto, data={"x": real(2, 3, 6, 6)}).inputs == ("x",)


@pytest.mark.parametrize("opset", [9, 11, 12, 13, 14, 15, 17, 20])
def test_training_mode_is_refused_with_the_remedy(opset):
    constants = {"s": real(3), "o": real(3), "m": real(3), "v": np.abs(real(3)) + 1, "t": np.array(True)}
    statistics = "y m2 v2" if opset >= 14 else "y m2 v2 m3 v3"
    normal = {"training_mode": 1} if opset >= 14 else {}
    proto = model(
        node("BatchNormalization", "x s o m v", statistics, **normal), {"x": (2, 3, 4, 4)}, ["y"], constants, opset
    )
    with pytest.raises(UnsupportedError, match=r"call model.eval\(\) before exporting"):
        compare(proto)
    if opset >= 12:
        constants["r"] = np.float32(0.5)
        for outputs in ("y", "y mask"):
            proto = model(node("Dropout", "x r t", outputs), {"x": (2, 3)}, ["y"], constants, opset)
            with pytest.raises(UnsupportedError, match=r"call model.eval\(\) before exporting"):
                compare(proto)
    compare(model(node("Dropout", "x", "y mask"), {"x": (2, 3)}, ["y"], opset=opset))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors", ".keras", ".h5", ".pb", ".ckpt"])
def test_files_of_other_kinds_are_refused_with_the_lines_that_export_them(tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"PK\3\4rest")
    refused(path, UnsupportedError, r"export.*(torch\.onnx\.export|tf2onnx)")
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"x")
    refused(folder, UnsupportedError, "tf2onnx.convert --saved-model")


def test_an_unknown_operator_on_the_way_to_no_output_does_no_harm():
    with pytest.raises(FpgaqError):
        compare(model([node("LSTM", "x", "a"), node("Relu", "a", "y")], {"x": (2, 4)}))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(("features", "outputs"), [(2, 1), (8, 3), (5, 5), (3, 8)])
def test_networks_of_column_vectors_get_a_batch(tmp_path, features, outputs, depth, bias):
    chance = np.random.default_rng(depth)
    nodes, constants, tensor, size = [], {}, "x", features
    for layer in range(depth):
        constants[f"w{layer}"] = chance.normal(size=(outputs, size)).astype(np.float32)
        nodes.append(node("MatMul", f"w{layer} {tensor}", f"p{layer}"))
        tensor, size = f"p{layer}", outputs
        if bias:
            constants[f"b{layer}"] = chance.normal(size=(outputs, 1)).astype(np.float32)
            nodes.append(node("Add", f"{tensor} b{layer}", f"s{layer}"))
            tensor = f"s{layer}"
        nodes.append(node("Relu", tensor, f"r{layer}"))
        tensor = f"r{layer}"
    proto = model(nodes, {"x": (features, 1)}, constants=constants)
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    graph = load(path)
    assert graph.shapes["x"] == (features, 1)
    data = chance.normal(size=(3, features, 1)).astype(np.float32)
    found = run_float(graph, {"x": data})[graph.outputs[0]]
    expected = np.stack([runtime(proto, {"x": one})[graph.outputs[0]] for one in data])
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


def test_a_batch_of_rows_times_weights_is_left_alone(tmp_path):
    weights = np.ones((4, 3), np.float32)
    path = tmp_path / "net.onnx"
    path.write_bytes(model(node("MatMul", "x w"), {"x": (2, 4)}, constants={"w": weights}).SerializeToString())
    assert load(path).shapes["x"] == (4,)
