"""Parts of models: cuts at tensors, and the split around layers that are not carried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import ModelError, UnsupportedError
from fpgaq.model.executor import run_float
from fpgaq.model.importers import load
from tests.support.onnx_models import model, node, runtime, value

CHANCE = np.random.default_rng(4)


def weights(*shape: int) -> np.ndarray:
    return (np.random.default_rng(sum(shape)).normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def norm(source: str, target: str, size: int, kind: str) -> list[onnx.NodeProto]:
    """A layer that is not carried."""
    if kind == "LayerNormalization":
        return [node(kind, f"{source} ln_s ln_b", target, axis=1, name=f"{target}_layer")]
    if kind == "InstanceNormalization":
        return [node(kind, f"{source} in_s in_b", target, name=f"{target}_layer")]
    if kind == "Softmax":
        return [node(kind, source, target, axis=1, name=f"{target}_layer")]
    if kind == "Det-like":
        return [node("CumSum", f"{source} axis", target, name=f"{target}_layer")]
    return [node("Mod", f"{source} modulus", target, fmod=1, name=f"{target}_layer")]


KINDS = ("LayerNormalization", "InstanceNormalization", "Softmax", "Det-like", "Mod")


def network(kind: str, place: str, size: int = 8, depth: int = 3) -> onnx.ModelProto:
    """A few convolutions with a layer that is not carried at the front, at the end or in one of two heads."""
    channels = 4
    constants = {
        "in_s": np.ones(channels, np.float32) * 1.5, "in_b": np.full(channels, 0.1, np.float32),
        "axis": np.array(1), "modulus": np.array(0.7, np.float32),
    }  # fmt: skip
    nodes, tensor = [], "x"
    if place == "front":
        nodes += norm(tensor, "normal", size, kind)
        tensor = "normal"
    for index in range(depth):
        constants[f"w{index}"] = weights(channels, channels, 3, 3)
        nodes += [
            node("Conv", f"{tensor} w{index}", f"c{index}", pads=[1, 1, 1, 1], name=f"conv{index}"),
            node("Relu", f"c{index}", f"r{index}", name=f"relu{index}"),
        ]
        tensor = f"r{index}"
    outputs = []
    if place == "end":
        nodes += norm(tensor, "last", size, kind)
        outputs = ["last"]
    elif place == "head":
        nodes += norm(tensor, "first", size, kind)
        constants["head"] = weights(2, channels, 1, 1)
        nodes.append(node("Conv", f"{tensor} head", "second", name="head"))
        outputs = ["first", "second"]
    elif place == "middle":
        nodes += norm(tensor, "between", size, kind)
        constants["small"] = weights(1, channels, 1, 1)
        nodes.append(node("Conv", "between small", "last", name="small"))
        outputs = ["last"]
    else:
        outputs = [tensor]
    constants["ln_s"] = np.ones((channels, size, size), np.float32)
    constants["ln_b"] = np.full((channels, size, size), 0.2, np.float32)
    return model(nodes, {"x": (1, channels, size, size)}, outputs, constants, opset=17)


def joined(folder: Path, data: dict[str, np.ndarray], *options: str) -> dict[str, np.ndarray]:
    """What the runner of a folder writes."""
    np.savez(folder.parent / "data.npz", **data)
    command = [sys.executable, folder / "run_split.py", "--data", folder.parent / "data.npz", "-o"]
    subprocess.run([*command, folder.parent / "out.npz", *options], check=True, capture_output=True, timeout=120)
    with np.load(folder.parent / "out.npz") as found:
        return dict(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["front", "end", "head", "middle"])
def test_one_layer_too_many_is_left_to_the_host(tmp_path: Path, kind: str, place: str) -> None:
    proto = network(kind, place)
    onnx.save(proto, tmp_path / "net.onnx")
    if (kind, place) not in {("Softmax", "end"), ("Softmax", "head")}:
        # Of those two the reader takes the logits; a split leaves the softmax to the host.
        with pytest.raises(UnsupportedError):
            pipeline.load_model(tmp_path / "net.onnx")
    result = pipeline.split(tmp_path / "net.onnx", tmp_path / "parts")
    assert result.parts.share >= 0.95
    if place in ("front", "end", "head"):
        assert result.parts.share == 1.0
    assert any(kind.removesuffix("-like") in reason or "layer" in reason for reason in result.parts.refused.values())
    assert result.parts.products == 3 * 64 * 4 * 36 + {"head": 512, "middle": 256}.get(place, 0)
    # The hardware's part is a model of its own that comes in, and the parts together are the model.
    graph = pipeline.load_model(tmp_path / "parts" / "hardware.onnx")
    assert set(graph.inputs) == set(result.parts.hardware.inputs)
    data = {"x": CHANCE.normal(size=(1, 4, 8, 8)).astype(np.float32)}
    values, expected = dict(data), runtime(proto, data)
    for part in result.named.values():
        values |= runtime(onnx.ModelProto.FromString(part.model), {name: values[name] for name in part.inputs})
    for name, array in expected.items():
        np.testing.assert_array_equal(values[name], array)


def test_the_runner_joins_the_parts(tmp_path: Path) -> None:
    proto = network("LayerNormalization", "front")
    onnx.save(proto, tmp_path / "net.onnx")
    pipeline.split(tmp_path / "net.onnx", tmp_path / "parts")
    data = {"x": CHANCE.normal(size=(3, 4, 8, 8)).astype(np.float32)}
    found = joined(tmp_path / "parts", data)
    single = [runtime(proto, {"x": data["x"][index : index + 1]}) for index in range(3)]
    for name in single[0]:
        np.testing.assert_allclose(found[name], np.concatenate([one[name] for one in single]), rtol=1e-6, atol=1e-6)
    # Its input is what the hardware's part is quantized with, and the integer network takes its place.
    calibration = joined(tmp_path / "parts", data, "--until", "hardware")
    assert list(calibration) == ["normal"]
    integer = pipeline.quantize(tmp_path / "parts" / "hardware.onnx", calibration, output=tmp_path / "hw.fpgaq")
    exact = joined(tmp_path / "parts", data, "--integer", str(tmp_path / "hw.fpgaq"))
    name = integer.outputs[0]
    np.testing.assert_array_equal(exact[name], pipeline.run(integer, calibration)[name][1].astype(np.float32))


def test_a_model_that_is_carried_is_one_part(tmp_path: Path) -> None:
    onnx.save(network("Mod", "none"), tmp_path / "net.onnx")
    result = pipeline.split(tmp_path / "net.onnx", tmp_path / "parts")
    assert list(result.named) == ["hardware"] and not result.parts.refused
    written = json.loads((tmp_path / "parts" / "split.json").read_text())
    assert [part["file"] for part in written["parts"]] == ["hardware.onnx"] and written["share_in_hardware"] == 1.0


def test_the_greater_side_is_taken(tmp_path: Path) -> None:
    """Two layers that are not carried: of the three pieces between them, that of most products goes in."""
    for sizes in ((2, 8, 4), (8, 2, 4), (2, 4, 8)):
        constants, nodes, tensor = {"modulus": np.array(0.7, np.float32)}, [], "x"
        for index, width in enumerate(sizes):
            constants |= {f"a{index}": weights(width, 4), f"b{index}": weights(4, width)}
            nodes += [
                node("Gemm", f"{tensor} a{index}", f"p{index}", transB=1, name=f"up{index}"),
                node("Gemm", f"p{index} b{index}", f"q{index}", transB=1, name=f"down{index}"),
                node("Mod", f"q{index} modulus", f"m{index}", fmod=1, name=f"mod{index}"),
            ]
            tensor = f"m{index}"
        onnx.save(model(nodes, {"x": (1, 4)}, constants=constants), tmp_path / "net.onnx")
        result = pipeline.split(tmp_path / "net.onnx", tmp_path / "parts")
        assert result.parts.hardware.products == 8 * max(sizes)
        assert f"q{sizes.index(max(sizes))}" in result.parts.hardware.outputs


def test_models_without_a_part(tmp_path: Path) -> None:
    constants = {"modulus": np.array(0.7, np.float32)}
    onnx.save(model(node("Mod", "x modulus", fmod=1), {"x": (1, 4)}, constants=constants), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedError, match="no part with multiplications is carried"):
        pipeline.split(tmp_path / "net.onnx", tmp_path / "parts")
    assert not (tmp_path / "parts").exists()
    (tmp_path / "net.nnp").write_bytes(b"")
    with pytest.raises(UnsupportedError, match="split takes .onnx files"):
        pipeline.split(tmp_path / "net.nnp", tmp_path / "parts")


# Cuts of a chain and of a graph that branches, at every tensor between.


def branching() -> onnx.ModelProto:
    constants = {"w": weights(4, 3, 3, 3), "v": weights(4, 4, 1, 1), "u": weights(5, 64)}
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1], name="conv"), node("Relu", "a", "b", name="relu"),
        node("Conv", "b v", "c", name="point"), node("Add", "b c", "d", name="sum"), node("Relu", "d", "e", name="top"),
        node("Flatten", "e", "f", name="flat"), node("Gemm", "f u", "y", transB=1, name="dense"),
    ]  # fmt: skip
    return model(nodes, {"x": ("N", 3, 4, 4)}, constants=constants)


CUTS = [
    (begin, end)
    for begin, ends in {
        "x": "abcdefy", "a": "bcdefy", "b": "cdefy", "d": "efy", "e": "fy", "f": "y", "b,c": "defy", "c,b": "dy",
    }.items()
    for end in ends
]  # fmt: skip


@pytest.mark.parametrize(("begin", "end"), CUTS)
def test_every_cut_computes_what_the_whole_does(tmp_path: Path, begin: str, end: str) -> None:
    proto = branching()
    onnx.save(proto, tmp_path / "net.onnx")
    graph = load(tmp_path / "net.onnx", inputs=begin.split(","), outputs=[end])
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in "abcdef")
    expected = runtime(proto, {"x": CHANCE.normal(size=(2, 3, 4, 4)).astype(np.float32)})
    data = {name: expected[name] for name in graph.inputs if name != "x"}
    if begin == "x":
        data = {"x": CHANCE.normal(size=(2, 3, 4, 4)).astype(np.float32)}
        expected = runtime(proto, data)
    assert set(graph.inputs) == set(begin.split(",")) and graph.outputs == (end,)
    np.testing.assert_allclose(run_float(graph, data)[end], expected[end], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        (["q"], ["y"], "--inputs: no layer writes 'q'; the model's inputs are 'x'"),
        (["c"], ["y"], "--inputs: the outputs also need 'x'; name it too, or cut the outputs"),
        (["b", "b"], ["y"], "--inputs: a name stands twice"),
        (["b"], ["a"], "--inputs: the outputs also need 'x'"),
    ],
)
def test_cuts_that_make_no_part(tmp_path: Path, inputs: list[str], outputs: list[str], words: str) -> None:
    onnx.save(branching(), tmp_path / "net.onnx")
    with pytest.raises(ModelError, match=words):
        load(tmp_path / "net.onnx", inputs=inputs, outputs=outputs)


def test_a_cut_tensor_of_unknown_shape_takes_one(tmp_path: Path) -> None:
    nodes = [node("Foo", "x", "a", domain="else.where"), node("Relu", "a", "b"), node("Gemm", "b w", "y", transB=1)]
    proto = model(nodes, {"x": (1, 4)}, constants={"w": weights(3, 4)})
    proto.opset_import.append(onnx.helper.make_opsetid("else.where", 1))
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(UnsupportedError, match="--input-shape a="):
        load(tmp_path / "net.onnx", inputs=["a"])
    graph = load(tmp_path / "net.onnx", inputs=["a"], input_shapes={"a": (1, 4)})
    assert graph.inputs == ("a",) and graph.shapes["a"] == (4,)


def test_cuts_of_a_network_of_nnabla(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "examples" / "fashion_cnn" / "model.nnp"
    whole = load(path)
    first, last = whole.operators[1].output, whole.operators[-2].output
    part = load(path, inputs=[first], outputs=[last])
    assert part.inputs == (first,) and part.outputs == (last,)
    data = {whole.inputs[0]: CHANCE.normal(size=(2, *whole.shapes[whole.inputs[0]])).astype(np.float32)}
    values = run_float(whole, data, keep=True)
    np.testing.assert_array_equal(run_float(part, {first: values[first]})[last], values[last])
    with pytest.raises(ModelError, match="--inputs: .*'q'.*; the model's inputs are"):
        load(path, inputs=["q"])
    with pytest.raises(ModelError, match="--inputs: the outputs also need"):
        load(path, inputs=[last], outputs=[first])


def test_open_batches_are_kept(tmp_path: Path) -> None:
    proto = network("Mod", "end")
    proto.graph.input[0].CopyFrom(value("x", ("N", 4, 8, 8)))
    onnx.save(proto, tmp_path / "net.onnx")
    result = pipeline.split(tmp_path / "net.onnx", tmp_path / "parts")
    assert result.parts.share == 1.0
    data = {"x": CHANCE.normal(size=(5, 4, 8, 8)).astype(np.float32)}
    found, expected = joined(tmp_path / "parts", data)["last"], runtime(proto, data)["last"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [1, "N"])
@pytest.mark.parametrize("unit", ["b", "z"])
def test_cuts_after_sizes_that_are_computed_of_sizes(tmp_path: Path, batch: int | str, unit: str) -> None:
    """Halves of the channels as PyTorch writes `x.chunk(2)`: their sizes are computed, one unit's of another's."""
    nodes = [node("Conv", "x w", "a")]
    for source, end in (("a", "b"), ("b", "z"), ("z", "y")):
        own = [
            node("Shape", source, "s"), node("Gather", "s one", "g"), node("Add", "g one", "p"),
            node("Div", "p two", "h"), node("Mul", "h one", "m"), node("Mul", "h two", "n"),
            node("Slice", f"{source} zero m one", "l"), node("Slice", f"{source} m n one", "r"),
            node("Relu", "r", "q"), node("Concat", "l q", end, axis=1),
        ]  # fmt: skip
        names = set("sgphmnlrq")
        for each in own:
            for field in (each.input, each.output):
                field[:] = [f"{name}_{end}" if name in names else name for name in field]
        nodes += own
    constants = {"w": weights(6, 3, 1, 1), "zero": np.array([0]), "one": np.array([1]), "two": np.array([2])}
    proto = model(nodes, {"x": (batch, 3, 4, 5)}, constants=constants)
    onnx.save(proto, tmp_path / "net.onnx")
    whole, part = load(tmp_path / "net.onnx"), load(tmp_path / "net.onnx", inputs=[unit])
    assert part.shapes[unit] == (6, 4, 5)
    values = run_float(whole, {"x": CHANCE.normal(size=(2, 3, 4, 5)).astype(np.float32)}, keep=True)
    cut = load(tmp_path / "net.onnx", outputs=[unit])
    given = run_float(cut, {"x": values["x"]})[unit]
    np.testing.assert_array_equal(run_float(part, {unit: given})["y"], values["y"])
