"""Networks of nnabla of which a part is quantized, held against nnabla with what was completed in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import UnsupportedError, UsageError
from fpgaq.integer.graph import IntegerGraph
from fpgaq.pipeline import load_model
from tests.support.nnabla_files import saved, step

nnabla = pytest.importorskip("nnabla", reason="nnabla runs on CPython 3.8 to 3.10 alone")
F = pytest.importorskip("nnabla.functions")
PF = pytest.importorskip("nnabla.parametric_functions")
pytestmark = pytest.mark.nnabla
FRAMES = 1000
Values = Iterator[np.ndarray]


class Parts:
    """Functions that quantize or not, by chance; what `whole` was completed with takes the place of the others."""

    def __init__(self, seed: int, share: dict[str, float], any_step: bool, whole: IntegerGraph | None) -> None:
        self.choice, self.share, self.any_step, self.whole = Random(seed), share, any_step, whole
        self.random = np.random.default_rng(seed)
        told = whole.options["completed"] if whole else ()
        self.values = [one["name"] for one in told if one["kind"] == "values"]
        self.layers = [op for op in whole.operators if hasattr(op, "weight")] if whole else []

    def states(self, kind: str) -> bool:
        return self.choice.random() < self.share[kind]

    def delta(self) -> float:
        return step(self.random) if self.any_step else 2.0 ** self.random.integers(-6, -4)

    def value(self, x, signed: bool, kind: str = "values"):
        delta = self.delta()
        if self.states(kind):
            return F.fixed_point_quantize(x, signed, 8, delta)
        if self.whole is None or (kind == "values" and not self.values):
            return x
        tensor = self.whole.tensors["x" if kind == "input" else f"{self.values.pop(0)}.rounded"]
        return F.fixed_point_quantize(x, tensor.format.signed, tensor.format.width, tensor.step)

    def layer(self, x, shape: tuple[int, ...], outputs_last: bool):
        real = (self.random.normal(size=shape) * 0.2).astype(np.float32)
        bias = (self.random.normal(size=shape[-1] if outputs_last else shape[0]) * 0.1).astype(np.float32)
        delta, states = self.delta() / 4, self.states("weights")
        if self.whole is not None:
            real, bias = self.completed(real, bias, states, outputs_last)
        weight = nnabla.parameter.get_parameter_or_create(f"p{len(nnabla.get_parameters())}", shape, real)
        offset = nnabla.parameter.get_parameter_or_create(f"p{len(nnabla.get_parameters())}", bias.shape, bias)
        weight = F.fixed_point_quantize(weight, True, 6, delta) if states else weight
        return F.affine(x, weight, offset) if outputs_last else F.convolution(x, weight, offset)

    def completed(self, real: np.ndarray, bias: np.ndarray, states: bool, outputs_last: bool):
        assert self.whole is not None
        op = self.layers.pop(0)
        source = self.whole.tensors[op.input]
        scales = np.array(op.weight_scale or [2.0**-frac for frac in op.weight_frac])
        scales = scales.reshape(-1, *(1,) * (op.weight.ndim - 1))
        taps = op.weight * scales
        if op.weight.ndim == 2:
            height, width, channels = source.shape
            taps = taps.reshape(-1, height, width, channels)
        taps = taps.transpose(0, 3, 1, 2)
        rounded = (taps.reshape(len(taps), -1).T if outputs_last else taps.reshape(real.shape)).astype(np.float32)
        unit = scales.reshape(-1) * source.step
        exact = op.requantize is not None and op.weight_scale
        return real if states else rounded, bias if exact else (np.rint(bias / unit) * unit).astype(np.float32)


def network(seed: int, share: dict[str, float], any_step: bool, whole: IntegerGraph | None = None) -> Callable:
    def build(x, _):
        parts = Parts(seed, share, any_step, whole)
        h = parts.value(x, True, "input")
        h = parts.layer(h, (4, 2, 3, 3), False)
        h = parts.value(F.relu(h), False)
        if parts.choice.random() < 0.5:
            h = F.max_pooling(h, (2, 2))
        h = parts.layer(h, (int(np.prod(h.shape[1:])), 3), True)
        # A quantizer somewhere, so that the file states something.
        return F.fixed_point_quantize(h, True, 8, parts.delta()) if parts.choice.random() < 0.5 else h

    return build


SHARES = {
    "values alone": {"input": 1, "values": 1, "weights": 0},
    "weights alone": {"input": 0, "values": 0, "weights": 1},
    "input alone": {"input": 1, "values": 0, "weights": 0},
    "some": {"input": 0.5, "values": 0.5, "weights": 0.5},
}


@pytest.mark.parametrize("any_step", [False, True])
@pytest.mark.parametrize("shares", sorted(SHARES))
def test_parts_equal_nnabla_up_to_counted_ties(shares: str, any_step: bool, tmp_path: Path) -> None:
    different = total = 0
    for seed in range(3):
        build = network(seed, SHARES[shares], any_step)
        path, _ = saved(tmp_path / "n.nnp", build)
        samples = np.random.default_rng(seed).uniform(-1, 1, (FRAMES // 5, 2, 6, 6)).astype(np.float32)
        given = {"activation_range": "max", "narrow": True} if shares != "values alone" else {}
        try:
            found = pipeline.quantize(path, None)
        except (UnsupportedError, UsageError):
            found = pipeline.quantize(path, samples, **given)
        if "completed" not in found.options:
            continue
        _, compute = saved(tmp_path / "whole.nnp", network(seed, SHARES[shares], any_step, found))
        steps = np.abs(pipeline.run(found, samples)["y"][1] - compute(samples)) / found.tensors["y"].step
        assert steps.max() < 1.01 or found.tensors["y"].format.width > 8
        different += int((steps > 0.5).sum())
        total += steps.size
    assert total
    assert different <= total / 1000, f"{different} of {total} elements differ"


def test_layers_of_batch_normalization_keep_stated_weights(tmp_path: Path) -> None:
    def build(x, random):
        h = PF.fixed_point_quantized_convolution(x, 4, (3, 3), n_w=4, delta_w=0.25, with_bias=False)
        return PF.affine(F.relu(PF.batch_normalization(h, batch_stat=False)), 3)

    path, _ = saved(tmp_path / "n.nnp", build)
    samples = np.random.default_rng(0).normal(size=(60, 2, 6, 6)).astype(np.float32)
    found = pipeline.quantize(path, samples)
    first = next(op for op in found.operators if hasattr(op, "weight"))
    assert first.weight_scale == (0.25,) and first.weight_format.width == 4
    assert {one["kind"] for one in found.options["completed"]} >= {"input", "weights", "values"}


def test_a_binary_network_keeps_its_signs(tmp_path: Path) -> None:
    """Weights of 2 bits, a normalization and BinaryTanh as one comparison, the same signs as nnabla's."""

    def build(x, random):
        h = F.fixed_point_quantize(x, True, 6, 0.25)
        h = PF.binary_connect_convolution(h, 4, (3, 3), with_bias=False)
        h = F.binary_tanh(PF.batch_normalization(h, batch_stat=False))
        for name, value in nnabla.get_parameters(grad_only=False).items():
            if name.endswith("/W"):
                value.d = random.normal(size=value.shape)
            elif name.endswith(("beta", "mean")):
                value.d = random.normal(size=value.shape) * 2
        return PF.binary_connect_affine(h, 3, with_bias=False)

    path, compute = saved(tmp_path / "n.nnp", build)
    samples = np.random.default_rng(0).normal(size=(FRAMES, 2, 6, 6)).astype(np.float32) * 3
    found = pipeline.quantize(path)
    assert "completed" not in found.options
    layers = [op for op in found.operators if hasattr(op, "weight")]
    assert [op.weight_format.width for op in layers] == [2, 2]
    assert found.tensors[layers[0].output].format.width == 2
    assert np.array_equal(pipeline.run(found, samples)["y"][1], compute(samples))


def test_a_range_that_is_not_in_the_file_is_left_to_samples(tmp_path: Path) -> None:
    def build(x, random):
        ends = [nnabla.Variable((1, 1)) for _ in range(4)]
        return F.min_max_quantize(PF.affine(x, 3), *ends)

    path, _ = saved(tmp_path / "n.nnp", build)
    graph = load_model(path)
    assert any("its range is not in the file, so that calibration samples decide it" in note for note in graph.notes)
    with pytest.raises(UsageError, match="give calibration samples"):
        pipeline.quantize(path)
    samples = np.random.default_rng(0).normal(size=(60, 2, 6, 6)).astype(np.float32)
    assert pipeline.quantize(path, samples).operators


def test_a_range_of_each_batch_is_that_of_a_parameter_and_left_to_samples_elsewhere(tmp_path: Path) -> None:
    def ranged(x, name):
        return PF.min_max_quantize(x, x_min_max=True, name=name)

    def build(x, random):
        h = PF.min_max_quantized_affine(F.fixed_point_quantize(x, True, 8, 2.0**-6), 3, with_bias=False, name="a")
        return ranged(h, "q")

    path, compute = saved(tmp_path / "n.nnp", build)
    assert any("takes its range anew from each batch" in note for note in load_model(path).notes)
