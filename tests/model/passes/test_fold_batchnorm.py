"""Batch normalization goes into the layer before or after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.model.graph import (
    Affine,
    AveragePooling,
    BatchNormalization,
    Convolution,
    Deconvolution,
    MaxPooling,
    Relu,
)
from fpgaq.model.passes import standard_passes
from fpgaq.model.passes.fold_batchnorm import fold_batchnorm
from tests.model.passes.networks import graph_of, kernel, norm, passed, types
from tests.support.nnp_builder import (
    Layer,
    affine,
    batch_normalization,
    convolution,
    max_pooling,
    relu,
    reshape,
    shape,
)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_batchnorm_behind(scale: bool, offset: bool, bias: bool) -> None:
    conv = convolution("c", kernel(4, 1, 3, 3), kernel(4) if bias else None, pad=(1, 1), group=2)
    full = affine("a", kernel(192, 3), kernel(3) if bias else None)
    layers = [conv, norm("b", 4, scale, offset), full, norm("n", 3, scale, offset, dimensions=2)]
    passed(layers, [Convolution, Affine])


def test_batchnorm_before() -> None:
    passed([norm("b", 2), convolution("c", kernel(4, 1, 3, 3), kernel(4), group=2)], [Convolution])
    passed([norm("b", 2), norm("d", 2), convolution("c", kernel(3, 2, 3, 3), stride=(2, 1))], [Convolution])
    passed([norm("b", 2), affine("a", kernel(96, 3))], [Affine])
    passed([norm("b", 2), reshape("f", -1, 96), affine("a", kernel(96, 3))], [Affine])
    passed([relu("r"), norm("b", 2), convolution("c", kernel(4, 2, 1, 1))], [Relu, Convolution])


def test_batchnorm_between_takes_the_layer_before() -> None:
    layers = [convolution("c", kernel(4, 2, 1, 1)), norm("b", 4), convolution("d", kernel(2, 4, 3, 3), pad=(1, 1))]
    passed(layers, [Convolution, Convolution])


def test_batchnorm_across_pooling() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3))
    pool = max_pooling("p", (2, 2), pad=(1, 1))
    passed([conv, pool, norm("b", 4, sign=1), relu("r")], [Convolution, Relu, MaxPooling])
    mixed = [conv, pool, norm("b", 4, sign=0), relu("r")]
    passed(mixed, [Convolution, MaxPooling, BatchNormalization, Relu])
    passed([conv, pool, norm("b", 4, sign=0), affine("a", kernel(48, 2))], [Convolution, MaxPooling, Affine])


def test_batchnorm_across_average_pooling() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3))
    arguments = {"kernel": shape(2, 2), "stride": shape(2, 2), "pad": shape(0, 0), "ignore_border": True}
    pool = Layer("AveragePooling", "p", {**arguments, "including_pad": True}, {}, "average_pooling_param")
    passed([conv, pool, norm("b", 4, sign=0)], [Convolution, AveragePooling])
    padded = replace(pool, arguments={**pool.arguments, "pad": shape(1, 1)})
    passed([conv, padded, norm("b", 4)], [Convolution, AveragePooling, BatchNormalization])
    uncounted = replace(padded, arguments={**padded.arguments, "including_pad": False})
    passed([conv, uncounted, norm("b", 4)], [Convolution, AveragePooling])


def test_batchnorm_that_would_be_inexact_stays() -> None:
    padded = convolution("c", kernel(4, 2, 3, 3), pad=(0, 1))
    passed([norm("b", 2), padded], [BatchNormalization, Convolution])
    passed([norm("b", 2), relu("r"), padded], [BatchNormalization, Relu, Convolution])
    passed([padded, relu("r"), norm("b", 4)], [Convolution, Relu, BatchNormalization])


def deconvolution(name: str, weight: np.ndarray, bias: np.ndarray | None, stride: tuple[int, int], group: int) -> Layer:
    arguments = {"base_axis": 1, "pad": shape(1, 0), "stride": shape(*stride), "dilation": shape(1, 1), "group": group}
    parameters = {"W": weight} if bias is None else {"W": weight, "b": bias}
    return Layer("Deconvolution", name, arguments, parameters, "deconvolution_param")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("group", [1, 2])
def test_batchnorm_behind_a_transposed_convolution(bias: bool, group: int) -> None:
    layer = deconvolution("d", kernel(2, 6 // group, 3, 2), kernel(6) if bias else None, (2, 3), group)
    passed([layer, norm("b", 6)], [Deconvolution])


def test_batchnorm_before_a_transposed_convolution() -> None:
    layer = deconvolution("d", kernel(2, 6, 3, 2), kernel(6), (2, 3), 1)
    passed([norm("b", 2), layer], [BatchNormalization, Deconvolution])
    centred = batch_normalization("b", np.zeros(2), np.full(2, 4.0), np.array([2.0, -3.0]), None, eps=0.0)
    passed([centred, layer], [Deconvolution])


@pytest.mark.parametrize("multiplier", [1, 3])
def test_batchnorm_behind_a_depthwise_convolution(multiplier: int) -> None:
    arguments = {"base_axis": 1, "pad": shape(1, 1), "stride": shape(1, 1), "dilation": shape(1, 1)}
    parameters = {"W": kernel(2 * multiplier, 3, 3)}
    layer = Layer(
        "DepthwiseConvolution", "d", {**arguments, "multiplier": multiplier}, parameters, "depthwise_convolution_param"
    )
    after = passed([layer, norm("b", 2 * multiplier)], [Convolution])
    assert after.operators[0].groups == 2


def test_batchnorm_before_padding_with_one_border_value() -> None:
    """All channels have the same numbers: the border has one value, so that the fold is exact."""
    equal = batch_normalization("b", [0.5, 0.5], [4.0, 4.0], [2.0, 2.0], [0.25, 0.25], eps=0.0)
    after = passed([equal, convolution("c", kernel(4, 2, 3, 3), kernel(4), pad=(1, 2))], [Convolution])
    assert after.operators[0].padding_value == 0.25


def test_batchnorm_behind_a_fork_stays() -> None:
    graph = graph_of([convolution("c", kernel(4, 2, 1, 1)), norm("b", 4), relu("r")])
    after = standard_passes(replace(graph, outputs=("y", "c_out")))
    assert types(after) == [Convolution, BatchNormalization, Relu]


def test_folding_rounds_once() -> None:
    layers = [convolution("c", kernel(4, 2, 3, 3), kernel(4)), norm("b", 4)]
    before, after = graph_of(layers), fold_batchnorm(graph_of(layers))
    conv, bn = before.operators
    assert isinstance(conv, Convolution) and isinstance(after.operators[0], Convolution)
    scale = bn.scale.astype(np.float64) / np.sqrt(bn.variance.astype(np.float64) + bn.epsilon)
    expected = conv.weight * scale[:, None, None, None]
    np.testing.assert_array_equal(after.operators[0].weight, expected.astype(np.float32))
    bias = bn.offset + (conv.bias.astype(np.float64) - bn.mean) * scale
    np.testing.assert_allclose(after.operators[0].bias, bias, rtol=6e-8, atol=1e-12)


def test_a_fold_that_overflows_is_an_error() -> None:
    tiny = batch_normalization("b", np.zeros(4), np.full(4, 1e-38), np.full(4, 1e30), eps=0.0)
    with pytest.raises(ModelError, match=r"layer 'c': weight\[0, 0, 0, 0\]"):
        standard_passes(graph_of([convolution("c", np.full((4, 2, 1, 1), 1e20)), tiny]))
