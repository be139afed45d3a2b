"""The stated error of scales that were not folded, against plain computations."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.integer.graph import IntegerScale
from fpgaq.model.graph import BatchNormalization, Graph, Prelu
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.study.report.scales import unfolded_scales


@pytest.mark.parametrize("bits", [6, 16])
def test_errors_of_factors_and_offsets(bits):
    chance = np.random.default_rng(bits)
    mean, variance, scale, offset, slope = (chance.uniform(0.3, 1.7, 4).astype(np.float32) for _ in range(5))
    norm = BatchNormalization("norm", ("x",), "a", mean, variance, scale, offset, 1e-5)
    graph = Graph("g", ("x",), ("y",), (norm, Prelu("prelu", ("a",), "y", slope)), dict.fromkeys("xay", (4, 3, 3)))
    integer = quantize(graph, {"x": chance.normal(size=(20, 4, 3, 3))}, QuantizeOptions(scale_bits=bits))
    found = unfolded_scales(graph, integer)
    assert [(one.layer, one.operator, one.bits) for one in found] == [
        ("norm", "BatchNormalization", bits),
        ("prelu", "Prelu", bits),
    ]
    op = next(op for op in integer.operators if isinstance(op, IntegerScale) and op.name == "norm")
    source, target = integer.tensors[op.input].format, integer.tensors[op.output].format
    factors = scale / np.sqrt(variance.astype(np.float64) + 1e-5)
    errors, steps = [], []
    for channel in range(4):
        shift = op.requantize.shift[channel if len(op.requantize.shift) > 1 else 0]
        real = int(op.scale[channel]) * 2.0 ** (source.frac - target.frac - shift)
        errors.append(abs(real - factors[channel]) / factors[channel])
        wanted = float(offset[channel]) - float(mean[channel]) * factors[channel]
        steps.append(abs(int(op.offset[channel]) * 2.0**-shift - wanted * 2.0**target.frac))
    assert found[0].factor_error == pytest.approx(max(errors), rel=1e-9)
    assert found[0].offset_error == pytest.approx(max(steps), rel=1e-6, abs=1e-9)
    assert 0 < found[0].factor_error < 2.0 ** (3 - bits)
    assert "'norm' (BatchNormalization) is not folded" in found[0].line() and f"{bits}-bit" in found[0].line()


def test_what_is_folded_is_not_listed():
    from tests.support.float_networks import affine, chain, samples

    graph = chain((6,), affine(3, 6, 1, "a"))
    assert unfolded_scales(graph, quantize(graph, {"t0": samples(20, 6, seed=1)["t0"]})) == ()
