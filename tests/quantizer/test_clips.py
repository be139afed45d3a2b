"""Clips at constants as limits of the requantizer before them: from float networks and from trained ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import IntegerConvolution, IntegerGraph, IntegerScale, IntegerTable, Requantize
from fpgaq.integer.inputs import apply_transform
from fpgaq.integer.reference import run
from fpgaq.model.graph import AveragePooling, Graph, Operator, Pointwise, ScaleOffset
from fpgaq.proof.lint import lint
from fpgaq.quantizer import quantize
from fpgaq.quantizer.clips import Clip, clip_of, limited
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.fixed import quantize_fixed
from fpgaq.quantizer.trainable import trainable_graph
from tests.support.float_networks import affine, chain, convolution, relu, samples, signal_to_noise

CLIPS = {
    "relu6": Pointwise("clip", ("",), "", "relu6"),
    "clip": Pointwise("clip", ("",), "", "clip", (0.0, 0.7)),
    "hard tanh": Pointwise("clip", ("",), "", "clip", (-1.0, 1.0)),
    "minimum": Pointwise("clip", ("",), "", "minimum", (0.3,)),
}


def network(clip: Operator, *between: Operator, gain: float = 4.0) -> Graph:
    first = convolution(4, 2, 1, "first", padding=(1, 1, 1, 1))
    first = type(first)("first", ("",), "", first.weight * np.float32(gain), first.bias, padding=(1, 1, 1, 1))
    return chain((2, 6, 6), first, *between, clip, affine(3, 144, 2, "last"))


def data() -> dict[str, np.ndarray]:
    return samples(48, 2, 6, 6)


def tables(integer: IntegerGraph) -> list[IntegerTable]:
    return [op for op in integer.operators if isinstance(op, IntegerTable)]


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_is_the_limit_of_the_layer_before(name: str) -> None:
    graph = network(CLIPS[name])
    found = quantize(graph, data())
    first = found.operators[0]
    assert isinstance(first, IntegerConvolution) and first.requantize is not None and not tables(found)
    tensor, clip = found.tensors[first.output], clip_of(CLIPS[name])
    assert clip is not None
    values = run(
        found, {"t0": apply_transform(found.transforms["t0"], found.tensors["t0"].format, data()["t0"])}, keep=True
    )
    integers = values[first.output]
    limits = first.requantize.limits(tensor.format)
    wanted = np.clip([clip.low, clip.high], tensor.format.minimum * tensor.step, tensor.format.maximum * tensor.step)
    np.testing.assert_allclose(np.array(limits) * tensor.step, wanted, atol=tensor.step / 2)
    assert integers.max() == limits[1] and (clip.low == -np.inf or integers.min() == limits[0])
    before = quantize(graph, data(), QuantizeOptions(edition="0.1"))
    assert len(tables(before)) == 1
    assert signal_to_noise(graph, found, data()["t0"]) > signal_to_noise(graph, before, data()["t0"]) - 0.5


def test_a_constant_is_rounded_to_the_step() -> None:
    rule = Requantize((3,), "half_up")
    assert limited(rule, Format(8, 2), Clip(-1.0, 6.1)) == Requantize((3,), "half_up", low=-4, high=24)
    assert limited(rule, Format(8, 0), Clip(-1.5, 6.5)) == Requantize((3,), "half_up", low=-1, high=7)
    relu6 = Requantize((3,), "half_up", relu=True)
    assert limited(relu6, Format(8, 5, False), Clip(0.0, 6.0)) == Requantize((3,), "half_up", True, high=192)
    # Beyond the format nothing is left to hold.
    assert limited(relu6, Format(8, 6, False), Clip(0.0, 6.0)) == relu6


@pytest.mark.parametrize(
    "op",
    [
        Pointwise("f", ("",), "", "clip", (0.5, 2.0)),
        Pointwise("f", ("",), "", "clip", (-2.0, -1.0)),
        Pointwise("f", ("",), "", "hard_sigmoid", (0.2, 0.5)),
        relu(),
    ],
)
def test_what_is_no_clip(op: Operator) -> None:
    assert clip_of(op) is None


def test_a_clip_stays_a_table_where_no_requantizer_can_be_it() -> None:
    mean = AveragePooling("mean", ("",), "", (1, 1), (1, 1))
    assert len(tables(quantize(network(CLIPS["relu6"], mean), data()))) == 1
    last = chain((2, 6, 6), convolution(4, 2, 1), CLIPS["relu6"])
    assert len(tables(quantize(last, data()))) == 1


def test_a_factor_takes_a_clip_too() -> None:
    graph = network(CLIPS["hard tanh"], Pointwise("f", ("",), "", "tanh"), ScaleOffset("s", ("",), "", 1.7, 0.1))
    found = quantize(graph, data())
    (scale,) = (op for op in found.operators if isinstance(op, IntegerScale))
    assert scale.requantize.high is not None and len(tables(found)) == 1


STARTS = {
    **CLIPS,
    "silu": Pointwise("curve", ("",), "", "swish"),
    "tanh": Pointwise("curve", ("",), "", "tanh"),
    "hard swish": Pointwise("curve", ("",), "", "hard_swish"),
}


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("bits", [8, 4])
def test_training_starts_at_the_same_integers(name: str, bits: int) -> None:
    graph = network(STARTS[name])
    options = QuantizeOptions(bits, bits, rounding="half_away", narrow=True)
    start = quantize(graph, data(), options)
    trained = quantize_fixed(trainable_graph(graph, start))
    inputs = {"t0": apply_transform(start.transforms["t0"], start.tensors["t0"].format, data()["t0"])}
    (old,), (new,) = run(start, inputs).values(), run(trained, inputs).values()
    assert old.size > 100 and np.array_equal(old, new)


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("name", ["relu6", "hard tanh"])
def test_the_text_is_clean(name: str, tmp_path: Path) -> None:
    fpgaq.generate(quantize(network(CLIPS[name]), data()), tmp_path / "out", Target(multipliers=4))
    text = "".join(path.read_text() for path in sorted((tmp_path / "out").rglob("*.v")))
    assert ".CLIP(1)" in text
    assert lint(tmp_path / "out") == ()
