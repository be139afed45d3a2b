from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.errors import ToolError, UnsupportedError, VerificationError
from fpgaq.model.executor import run_float
from fpgaq.model.importers import load
from fpgaq.model.importers.onnx import check
from fpgaq.model.importers.onnx.check import TOLERANCE, check_with_onnxruntime
from fpgaq.model.importers.onnx.graph import load_onnx
from fpgaq.model.passes import standard_passes
from tests.support.onnx_models import load_model, model, node, runtime

pytest.importorskip("onnxruntime", reason="onnxruntime is the yardstick of this test")


def small():
    weight = np.random.default_rng(1).normal(size=(3, 2, 3, 3)).astype(np.float32)
    return model(node("Conv", "x w"), {"x": ("batch", 2, 5, 5)}, constants={"w": weight})


def test_a_sound_import_passes_and_a_changed_weight_fails():
    proto = small()
    graph = load_model(proto)
    assert 0 <= check_with_onnxruntime(proto.SerializeToString(), graph) <= TOLERANCE
    (op,) = graph.operators
    weight = op.weight.copy()
    weight[0, 0, 0, 0] += 1e-3
    changed = replace(graph, operators=(replace(op, weight=weight),))
    with pytest.raises(VerificationError, match="output 'y' deviates from onnxruntime by"):
        check_with_onnxruntime(proto.SerializeToString(), changed)


def test_importing_asks_onnxruntime(tmp_path, monkeypatch):
    """A reader that misunderstood would be found; too large a model, or one that onnxruntime refuses, gets a note."""
    path = tmp_path / "small.onnx"
    path.write_bytes(small().SerializeToString())
    assert load(path).notes == ()
    asked = []
    original = check._session
    monkeypatch.setattr(check, "_session", lambda data: asked.append(data) or original(data))
    assert load(path).notes == () and len(asked) == 1
    with monkeypatch.context() as patch:
        patch.setattr(check, "run_float", lambda graph, data: {"y": run_float(graph, data)["y"] * 1.001})
        with pytest.raises(VerificationError, match=r"small\.onnx: output 'y' deviates from onnxruntime by 1\.0e-03"):
            load(path)
    with monkeypatch.context() as patch:
        patch.setattr(check, "MOST_PRODUCTS", 100)
        assert load(path).notes == ("not held against onnxruntime: a sample takes too many products",)
    with monkeypatch.context() as patch:
        patch.setattr(check, "_session", lambda data: original(b"nothing"))
        assert load(path).notes[0].startswith("not held against onnxruntime: onnxruntime does not take the model")
    with monkeypatch.context() as patch:
        patch.setattr(check.importlib.util, "find_spec", lambda name: None)
        assert load(path).notes == () and len(asked) == 2


def test_undefined_values_are_equal_only_to_themselves(monkeypatch):
    proto = model(node("Log", "x"), {"x": (1, 2, 5, 5)})
    graph = load_model(proto)
    assert check_with_onnxruntime(proto.SerializeToString(), graph) <= TOLERANCE
    monkeypatch.setattr(check, "run_float", lambda graph, data: {"y": np.nan_to_num(run_float(graph, data)["y"])})
    with pytest.raises(VerificationError, match="deviates from onnxruntime by inf"):
        check_with_onnxruntime(proto.SerializeToString(), graph)


def test_what_onnxruntime_does_not_take_is_said():
    with pytest.raises(ToolError, match="onnxruntime does not take the model"):
        check_with_onnxruntime(b"nothing", load_model(small()))


def test_mnist_8_agrees_and_recognises_digits(shared_models):
    path = shared_models / "mnist-8.onnx"
    graph = load(path)
    assert check_with_onnxruntime(path.read_bytes(), graph) <= TOLERANCE
    digits = np.load(shared_models / "mnist_t10k_even1000.npz")
    x, y = digits["x"].reshape(-1, 1, 28, 28).astype(np.float32), digits["y"].reshape(-1)
    (logits,) = run_float(graph, {"Input3": x}).values()
    assert np.mean(logits.argmax(1) == y) >= 0.985
    kinds = [type(op).__name__ for op in standard_passes(graph).operators]
    assert kinds.count("Convolution") == 2
    assert kinds.count("Affine") == 1
    assert "BatchNormalization" not in kinds


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mnist8_qdq_s8.onnx", "DequantizeLinear"),
        ("mnist8_qop_u8.onnx", "QLinearConv"),
        ("TFC_2W2A.onnx", "qonnx.custom_op.general|BipolarQuant|Quant|MultiThreshold"),
        ("qkeras_jettagging.onnx", "Quant"),
    ],
)
def test_quantized_models_are_refused_by_their_operators(shared_models, name, words):
    with pytest.raises(UnsupportedError, match=words):
        load(shared_models / name)


def test_a_graph_is_independent_of_the_batch_in_the_file():
    proto = small()
    graph = load_onnx(proto.SerializeToString())
    x = np.random.default_rng(2).normal(size=(4, 2, 5, 5)).astype(np.float32)
    np.testing.assert_allclose(run_float(graph, {"x": x})["y"], runtime(proto, {"x": x})["y"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [-8, -10, -12, -14, -20, 10])
@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "Softmax"])
def test_rounding_of_a_small_result_is_no_deviation(bias, kind):
    """A detector that says "nothing there" to noise: its outputs are small, but not the numbers that they come from."""
    weight = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    nodes = [node("Gemm", "x w b", ("h",)), node(kind, "h", ("s",)), node("Mul", "s h", ("y",))]
    constants = {"w": weight, "b": np.full(3, bias, np.float32)}
    for outputs in (["s"], ["y"]):
        proto = model(nodes if outputs == ["y"] else nodes[:2], {"x": (1, 4)}, outputs=outputs, constants=constants)
        check_with_onnxruntime(proto.SerializeToString(), load_model(proto), samples=20)


def test_a_wrong_sigmoid_is_still_found():
    """Half of a small output, and a weight of a layer before it."""
    weight = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    nodes = [node("Gemm", "x w b", ("h",)), node("Sigmoid", "h", ("y",))]
    proto = model(nodes, {"x": (1, 4)}, constants={"w": weight, "b": np.full(3, -10, np.float32)})
    graph = load_model(proto)
    (gemm, sigmoid) = graph.operators
    changed = weight.T.copy()
    changed[0, 0] += 0.1
    for operators in (
        (replace(gemm, weight=changed), sigmoid),
        (replace(gemm, bias=gemm.bias - np.float32(0.1)), sigmoid),
    ):
        with pytest.raises(VerificationError, match="deviates from onnxruntime"):
            check_with_onnxruntime(proto.SerializeToString(), replace(graph, operators=operators), tolerance=1e-4)
