"""Layers with weights, pools and reductions, against onnxruntime."""

from __future__ import annotations

import pytest

from fpgaq.model import graph as fg
from tests.support.onnx_models import compare, ints, one, real

CONVOLUTIONS = {
    "plain": (real(3, 4, 3, 3), {}),
    "bias-stride": (real(3, 4, 3, 2), {"strides": [2, 1], "kernel_shape": [3, 2]}),
    "unequal pads": (real(3, 4, 2, 3), {"pads": [0, 2, 1, 3]}),
    "dilation": (real(3, 4, 2, 2), {"dilations": [3, 2]}),
    "groups": (real(6, 2, 3, 3), {"group": 2}),
    "depthwise": (real(8, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "same upper": (real(3, 4, 2, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    "same lower": (real(3, 4, 2, 4), {"auto_pad": "SAME_LOWER", "strides": [1, 2]}),
    "valid": (real(3, 4, 2, 2), {"auto_pad": "VALID"}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_a_convolution_agrees_with_onnxruntime(case, bias):
    weight, attributes = CONVOLUTIONS[case]
    constants = [weight, real(len(weight))] if bias else [weight]
    graph = compare(one("Conv", constants=constants, **attributes))
    assert [type(op) for op in graph.operators] == [fg.Convolution]


@pytest.mark.parametrize("opset", [7, 11, 22])
def test_convolutions_of_every_opset_agree(opset):
    compare(one("Conv", constants=[real(3, 4, 3, 3)], opset=opset, pads=[1, 1, 1, 1]))


@pytest.mark.parametrize(
    "attributes", [{}, {"strides": [2], "pads": [1, 2]}, {"auto_pad": "SAME_UPPER"}, {"dilations": [2], "group": 2}]
)
def test_a_1d_convolution_is_an_image_of_one_row_inside(attributes):
    weight = real(4, 4 // attributes.get("group", 1), 3)
    graph = compare(one("Conv", (2, 4, 9), [weight, real(4)], **attributes))
    assert graph.shapes["x"] == (4, 9)
    assert len(graph.shapes["y"]) == 2
    assert [type(op) for op in graph.operators] == [fg.Reshape, fg.Convolution, fg.Reshape]


DECONVOLUTIONS = {
    "plain": {},
    "stride": {"strides": [2, 3]},
    "pads": {"strides": [2, 2], "pads": [1, 0, 2, 1]},
    "output padding": {"strides": [3, 2], "output_padding": [2, 1]},
    "dilation": {"dilations": [2, 3]},
    "same upper": {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "same lower": {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
    "output shape": {"strides": [2, 2], "output_shape": [12, 9]},
    "output shape, same upper": {"strides": [2, 2], "output_shape": [12, 9], "auto_pad": "SAME_UPPER"},
    "same, stride over kernel": {"strides": [4, 3], "auto_pad": "SAME_UPPER"},
    "groups": {"group": 2, "strides": [2, 2]},
}


@pytest.mark.parametrize("case", DECONVOLUTIONS)
def test_a_transposed_convolution_agrees_with_onnxruntime(case):
    groups = DECONVOLUTIONS[case].get("group", 1)
    compare(one("ConvTranspose", constants=[real(4, 3, 3, 2), real(3 * groups)], **DECONVOLUTIONS[case]))


def test_a_1d_transposed_convolution_agrees():
    compare(one("ConvTranspose", (2, 4, 7), [real(4, 3, 3)], strides=[2], pads=[1, 1], output_padding=[1]))


POOLS = {
    "plain": {"kernel_shape": [2, 2]},
    "stride": {"kernel_shape": [3, 2], "strides": [2, 2]},
    "pads": {"kernel_shape": [3, 3], "strides": [2, 1], "pads": [1, 0, 1, 2]},
    "ceil": {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1},
    "ceil and pads": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 0], "ceil_mode": 1},
    "ceil stride over kernel": {"kernel_shape": [2, 2], "strides": [3, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    "same": {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "same lower": {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"},
    "whole": {"kernel_shape": [6, 5]},
}


@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("case", POOLS)
def test_a_pool_agrees_with_onnxruntime(case, kind):
    compare(one(kind, **POOLS[case]))


@pytest.mark.parametrize("case", [case for case in POOLS if not case.startswith("ceil")])
def test_an_average_that_counts_its_padding_agrees(case):
    compare(one("AveragePool", count_include_pad=1, **POOLS[case]))


@pytest.mark.parametrize("kind", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(2, 3, 7, 7), (1, 3, 4, 5), (2, 3, 8)])
def test_global_pools_agree(kind, shape):
    compare(one(kind, shape))


@pytest.mark.parametrize("kind", ["ReduceMean", "ReduceSum", "ReduceMax"])
@pytest.mark.parametrize("axes", [[2, 3], [-1], [2]])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("opset", [11, 18])
def test_reductions_over_space_agree(kind, axes, keep, opset):
    if opset == 11:
        compare(one(kind, opset=opset, axes=axes, keepdims=keep))
    else:
        compare(one(kind, constants=[ints(*axes)], opset=opset, keepdims=keep))
