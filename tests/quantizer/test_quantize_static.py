"""Models of onnxruntime.quantization over its options: each is equal to onnxruntime, or refused in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.quantizer.completion import Completion, Given
from fpgaq.quantizer.onnx_integers import compare_with_onnxruntime, confirm, read_integer_onnx
from tests.support.quantized_models import Writer

quantization = pytest.importorskip("onnxruntime.quantization", reason="onnxruntime's quantizer is not installed")
pytestmark = pytest.mark.once
FORMATS = {"QDQ": quantization.QuantFormat.QDQ, "QOperator": quantization.QuantFormat.QOperator}
TYPES = {
    name: getattr(quantization.QuantType, name) for name in ("QUInt8", "QInt8", "QUInt16", "QInt16", "QInt4", "QUInt4")
}


def float_model() -> bytes:
    """Convolutions with a ReLU and a residual sum, two poolings and a dense layer."""
    writer, random = Writer(0, opset=17), np.random.default_rng(0)

    def weight(*shape: int) -> str:
        return writer.constant((random.normal(size=shape) * 0.3).astype(np.float32), "w")

    first = writer.node("Conv", (writer.input((2, 8, 8)), weight(4, 2, 3, 3), weight(4)), pads=[1, 1, 1, 1])
    first = writer.node("Relu", (first,))
    second = writer.node("Conv", (first, weight(4, 4, 3, 3), weight(4)), pads=[1, 1, 1, 1])
    total = writer.node("Relu", (writer.node("Add", (second, first)),))
    pooled = writer.node("MaxPool", (total,), kernel_shape=[2, 2], strides=[2, 2])
    flat = writer.node("Flatten", (writer.node("GlobalAveragePool", (pooled,)),))
    return writer.bytes(writer.node("Gemm", (flat, weight(5, 4), weight(5)), transB=1))


class Reader(quantization.CalibrationDataReader):
    """Some batches of samples."""

    def __init__(self) -> None:
        self.batches = iter(np.split(samples(40), 10))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"x": batch}


def samples(frames: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(frames, 2, 8, 8)).astype(np.float32)


def members() -> Iterator[dict[str, Any]]:
    """The options, as names."""
    for form in FORMATS:
        for types in (("QUInt8", "QInt8"), ("QInt8", "QInt8"), ("QUInt8", "QUInt8")):
            for per_channel in (False, True):
                yield {"form": form, "types": types, "per_channel": per_channel}
        yield {"form": form, "reduce_range": True}
        for extra in (
            {"ActivationSymmetric": True},
            {"WeightSymmetric": False},
            {"ActivationSymmetric": True, "WeightSymmetric": True},
        ):
            yield {"form": form, "extra_options": extra}
        for some in (
            ["Conv"],
            ["Gemm"],
            ["Add"],
            ["MaxPool"],
            ["GlobalAveragePool"],
            ["Conv", "Relu"],
            ["Conv", "Gemm"],
        ):
            yield {"form": form, "op_types_to_quantize": some}
        for kind in ("Conv", "Gemm", "Add", "Relu", "MaxPool", "GlobalAveragePool"):
            yield {"form": form, "exclude": kind}
    for extra in (
        *({name: True} for name in ("AddQDQPairToWeight", "DedicatedQDQPair", "QDQKeepRemovableActivations")),
        {"QuantizeBias": False},
        {"OpTypesToExcludeOutputQuantization": ["Conv"]},
        {"OpTypesToExcludeOutputQuantization": ["Conv", "Gemm"]},
    ):
        for per_channel in (False, True):
            yield {"form": "QDQ", "per_channel": per_channel, "extra_options": extra}
    for types in (
        ("QUInt8", "QInt4"),
        ("QUInt8", "QUInt4"),
        ("QUInt16", "QInt8"),
        ("QInt16", "QInt8"),
        ("QInt16", "QInt16"),
    ):
        yield {"form": "QDQ", "types": types}
    for method in ("Percentile", "Entropy"):
        yield {"form": "QDQ", "calibrate_method": getattr(quantization.CalibrationMethod, method)}


def quantized(folder: Path, member: dict[str, Any]) -> bytes:
    """The model with the options of a member."""
    options = dict(member)
    activation, weight = options.pop("types", ("QUInt8", "QInt8"))
    excluded, source = options.pop("exclude", None), folder / "float.onnx"
    source.write_bytes(float_model())
    nodes = [node.name for node in onnx.load(source).graph.node if node.op_type == excluded][:1]
    quantization.quantize_static(
        str(source), str(folder / "q.onnx"), Reader(), quant_format=FORMATS[options.pop("form")],
        activation_type=TYPES[activation], weight_type=TYPES[weight], nodes_to_exclude=nodes, **options,
    )  # fmt: skip
    return (folder / "q.onnx").read_bytes()


def outcome(data: bytes) -> str:
    """How a model comes in, and that it equals onnxruntime."""
    kind = "as it is"
    try:
        loaded = read_integer_onnx(data)
    except UnsupportedError as error:
        assert "give calibration samples (--calibration)" in str(error)
        loaded = read_integer_onnx(data, None, Completion(source=lambda *_: Given({"x": samples(40)})))
        kind = "with samples"
    if "completed" in loaded.graph.options and kind == "as it is":
        kind = "weights completed"
    found = compare_with_onnxruntime(loaded.model, loaded.graph, 10, optimized=False)
    assert found.elements > 600
    assert found.differing <= found.elements / 500
    assert "random samples" in confirm(loaded.model, loaded.graph)
    return kind


def test_some_members_equal_onnxruntime(tmp_path: Path) -> None:
    every = list(members())
    counts = Counter(outcome(quantized(tmp_path, member)) for member in every[5::11])
    assert sum(counts.values()) >= 6 and len(counts) > 1


@pytest.mark.slow
def test_all_members_equal_onnxruntime(tmp_path: Path) -> None:
    counts = Counter(outcome(quantized(tmp_path, member)) for member in members())
    assert counts == {"as it is": 43, "with samples": 19, "weights completed": 3}
