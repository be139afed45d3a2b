"""Unsigned codes with an offset: what they hold, where they are taken, and that nothing but codes changes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.hardware.schedule import Target
from fpgaq.integer.file import load, save
from fpgaq.integer.graph import IntegerConvolution, IntegerGraph, IntegerTable
from fpgaq.model.graph import Graph, Operator, Pointwise, Prelu
from fpgaq.proof.simulate import simulate
from fpgaq.quantizer import quantize
from fpgaq.quantizer.calibration import ActivationStatistics
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.zero_points import best_offset
from tests.support.float_networks import affine, chain, convolution, pooling, relu, samples, signal_to_noise

SILU = Pointwise("curve", ("",), "", "swish")
PRELU = Prelu("curve", ("",), "", np.full(4, 0.05, np.float32))


def network(curve: Operator, *after: Operator) -> Graph:
    first = convolution(4, 2, 1, "first", padding=(1, 1, 1, 1))
    last = convolution(3, 4, 2, "last", padding=(1, 1, 1, 1))
    return chain((2, 6, 6), first, curve, *after, last, relu("r"), affine(3, 108 if not after else 27, 3, "end"))


def data() -> dict[str, np.ndarray]:
    return samples(64, 2, 6, 6)


def offset_of(integer: IntegerGraph, name: str = "t2") -> int:
    return integer.tensors[name].zero_point


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("curve", [SILU, PRELU], ids=["silu", "prelu"])
def test_a_small_negative_lobe_leaves_no_code_empty(curve: Operator, bits: int) -> None:
    graph = network(curve)
    found, before = (quantize(graph, data(), QuantizeOptions(bits, bits, edition=e)) for e in ("0.2", "0.1"))
    tensor = found.tensors["t2"]
    assert not tensor.format.signed and tensor.format.width == bits and offset_of(found) > 0
    assert before.tensors["t2"].format.signed and offset_of(before) == 0
    last = next(op for op in found.operators if op.name == "last")
    assert isinstance(last, IntegerConvolution) and last.padding_value == offset_of(found)
    assert signal_to_noise(graph, found, data()["t0"]) > signal_to_noise(graph, before, data()["t0"])


def test_the_offset_goes_through_what_moves_codes() -> None:
    found = quantize(network(SILU, pooling()), data(), QuantizeOptions(4, 4))
    assert offset_of(found) == offset_of(found, "t3") > 0


@pytest.mark.parametrize("correction", [True, False])
def test_the_bias_takes_the_offset_away_exactly(correction: bool) -> None:
    """A constant real input of zero, which is the offset's code everywhere, gives the bias alone."""
    graph = network(SILU)
    options = QuantizeOptions(method="mse", weight_rounding="nearest", bias_correction=correction, per_channel=False)
    found = quantize(graph, data(), options)
    zero, last = offset_of(found), next(op for op in found.operators if op.name == "last")
    assert zero > 0 and isinstance(last, IntegerConvolution)
    sums = zero * last.weight.reshape(3, -1).sum(axis=1) + last.bias
    step = 2.0 ** -(found.tensors["t2"].format.frac + last.weight_frac[0])
    expected = graph.operators[2].bias
    if not correction:
        np.testing.assert_allclose(sums * step, expected, atol=step)
    else:
        assert np.abs(sums * step - expected).max() < 0.2


@pytest.mark.parametrize(
    "options",
    [
        QuantizeOptions(edition="0.1"),
        QuantizeOptions(narrow=True),
        QuantizeOptions(rounding="half_even"),
        QuantizeOptions(method="max"),
    ],
    ids=["rules", "narrow", "rounding", "method"],
)
def test_where_no_offset_is_taken(options: QuantizeOptions) -> None:
    assert offset_of(quantize(network(SILU), data(), options)) == 0


def test_other_readers_want_signed_codes() -> None:
    graph = chain((2, 6, 6), convolution(4, 2, 1, "first"), SILU, Pointwise("f", ("",), "", "tanh"), affine(3, 64, 3))
    assert offset_of(quantize(graph, data())) == 0
    last = chain((2, 6, 6), convolution(4, 2, 1, "first"), SILU)
    assert offset_of(quantize(last, data())) == 0


def test_the_best_offset() -> None:
    values = np.linspace(-0.25, 7.0, 1000, dtype=np.float32)
    found = best_offset(ActivationStatistics(-0.25, 7.0, values), 8, QuantizeOptions())
    assert found is not None and found.format.frac == 5 and 8 <= found.zero <= 31
    assert found.constant == -found.zero / 32
    even = np.linspace(-1, 1, 1000, dtype=np.float32)
    assert best_offset(ActivationStatistics(-1.0, 1.0, even), 8, QuantizeOptions()) is None
    assert best_offset(ActivationStatistics(0.0, 1.0, np.abs(even)), 8, QuantizeOptions()) is None


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
def test_the_file_and_the_hardware_carry_it(tmp_path: Path) -> None:
    found = quantize(network(SILU), data())
    save(found, tmp_path / "net.fpgaq")
    again = load(tmp_path / "net.fpgaq")
    assert offset_of(again) == offset_of(found) > 0
    assert any(isinstance(op, IntegerTable) for op in again.operators)
    fpgaq.generate(again, tmp_path / "out", Target(multipliers=16))
    assert simulate(tmp_path / "out").mismatches == 0
