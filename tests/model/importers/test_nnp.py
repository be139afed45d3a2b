from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from fpgaq.base.errors import FpgaqError, ModelError, UnsupportedError
from fpgaq.model.graph import BatchNormalization, Convolution, Identity, MaxPooling, ScaleOffset
from fpgaq.model.importers.nnp import load_nnp
from tests.support.nnp_builder import (
    Layer,
    add,
    affine,
    batch_normalization,
    build_nnp,
    convolution,
    dropout,
    max_pooling,
    multiply,
    relu,
    reshape,
    shape,
    softmax,
)

GENERATOR = np.random.default_rng(5)
IMAGE = (2, 9, 8)


def kernel(*dims: int) -> np.ndarray:
    return GENERATOR.normal(size=dims).astype(np.float32)


def one(layer: Layer, input_shape: tuple[int, ...] = IMAGE, **options: Any):
    """The only operator of a network of one layer."""
    (operator,) = load_nnp(build_nnp([layer], input_shape, **options)).operators
    return operator


def refused(layer: Layer, error: type[FpgaqError], message: str, input_shape: tuple[int, ...] = IMAGE) -> None:
    with pytest.raises(error, match=message) as caught:
        load_nnp(build_nnp([layer], input_shape))
    assert "\n" not in str(caught.value) and repr(layer.name) in str(caught.value)


def test_a_chain_of_every_supported_function() -> None:
    layers = [
        multiply("m", 1 / 255),
        add("o", -0.5),
        convolution("c", kernel(4, 1, 3, 2), kernel(4), pad=(2, 1), stride=(1, 2), dilation=(2, 1), group=2),
        batch_normalization("b", kernel(4), np.ones(4), kernel(4), kernel(4)),
        relu("r"),
        max_pooling("p", (2, 2)),
        dropout("d"),
        reshape("f", -1, 32),
        affine("a", kernel(32, 3), kernel(3)),
        softmax("s"),
    ]
    for parameter_format in ("h5", "protobuf"):
        graph = load_nnp(build_nnp(layers, IMAGE, parameter_format=parameter_format))
        assert [type(op).__name__ for op in graph.operators] == [
            "ScaleOffset", "ScaleOffset", "Convolution", "BatchNormalization", "Relu", "MaxPooling", "Identity",
            "Reshape", "Affine", "Softmax",
        ]  # fmt: skip
        conv = graph.operators[2]
        assert isinstance(conv, Convolution)
        assert (conv.stride, conv.padding, conv.dilation, conv.groups) == ((1, 2), (2, 2, 1, 1), (2, 1), 2)
        np.testing.assert_array_equal(conv.weight, layers[2].parameters["W"])
        assert graph.shapes["x"] == IMAGE and graph.shapes["y"] == (3,) and graph.shapes["p_out"] == (4, 4, 2)
        assert graph.operators[8].weight.shape == (3, 32)


def test_epsilon_is_float32_and_omitted_arguments_are_zero() -> None:
    layer = batch_normalization("b", np.zeros(2), np.ones(2), np.ones(2), np.ones(2))
    operator = one(layer)
    assert isinstance(operator, BatchNormalization) and operator.epsilon == float(np.float32(1e-5))
    bare = Layer(layer.type, "b", {"axes": [1]}, layer.parameters, layer.section)
    assert one(bare).epsilon == 0.0


def test_batch_statistics_are_replaced_with_a_note_or_refused() -> None:
    data = build_nnp([batch_normalization("b", kernel(2), np.ones(2), batch_stat=True)], IMAGE)
    graph = load_nnp(data)
    assert len(graph.notes) == 1 and "'b'" in graph.notes[0] and "running mean and variance" in graph.notes[0]
    with pytest.raises(UnsupportedError, match="batch_stat is true .* save the network with batch_stat=False"):
        load_nnp(data, refuse_batch_statistics=True)
    assert load_nnp(build_nnp([batch_normalization("b", kernel(2), np.ones(2))], IMAGE)).notes == ()


@pytest.mark.parametrize("given", [(True, True), (True, False), (False, True), (False, False)])
def test_batch_normalization_inputs(given: tuple[bool, bool]) -> None:
    scale, offset = (kernel(2) if present else None for present in given)
    mean, variance = kernel(2), np.array([0.5, 2], np.float32)
    operator = one(batch_normalization("b", mean, variance, scale, offset))
    assert isinstance(operator, BatchNormalization)
    np.testing.assert_array_equal(operator.mean, mean)
    np.testing.assert_array_equal(operator.variance, variance)
    for found, expected in ((operator.scale, scale), (operator.offset, offset)):
        assert (found is None) == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("size", "window", "stride", "pad", "ignore", "after"),
    [
        (5, 2, 2, 0, True, 0),
        (5, 2, 2, 0, False, 1),
        (6, 3, 2, 1, False, 2),
        (4, 1, 3, 0, False, 0),
        (2, 5, 1, 0, False, 4),
    ],
)
def test_overhang_becomes_padding(size: int, window: int, stride: int, pad: int, ignore: bool, after: int) -> None:
    operator = one(max_pooling("p", (window, 1), (stride, 1), (pad, 0), ignore), (1, size, 3))
    assert isinstance(operator, MaxPooling)
    assert operator.padding == (pad, pad + after if ignore else max(pad, 0) + after - pad, 0, 0)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (convolution("c", kernel(2, 2, 3, 3), stride=(0, 1)), "stride"),
        (convolution("c", kernel(2, 2, 3, 3), dilation=(1, 0)), "dilation"),
        (convolution("c", kernel(2, 2, 3, 3), pad=(-1, 0)), "padding"),
        (convolution("c", kernel(2, 2, 10, 3)), "larger than the padded input"),
        (convolution("c", kernel(2, 2, 3, 3), dilation=(5, 1)), "larger than the padded input"),
        (convolution("c", kernel(3, 1, 3, 3), group=2), "2 groups do not divide"),
        (convolution("c", kernel(2, 2, 3, 3), group=0), "0 groups do not divide"),
        (convolution("c", kernel(2, 1, 3, 3)), "does not fit 2 channels"),
        (convolution("c", kernel(2, 2, 3, 3), kernel(3)), r"bias of shape \(3,\)"),
        (max_pooling("p", (10, 2)), "larger than the padded input"),
        (max_pooling("p", (2, 2), (0, 2)), "stride 0"),
        (max_pooling("p", (2, 2), pad=(2, 0)), "lies wholly in the padding"),
        (max_pooling("p", (1, 1), (3, 3), pad=(0, 1), ignore_border=False), "lies wholly in the padding"),
        (affine("a", kernel(143, 2)), "does not fit an input of"),
        (affine("a", kernel(144, 2), kernel(3)), r"bias of shape \(3,\)"),
        (reshape("f", -1, 143), "element counts differ"),
        (reshape("f", -1, 5, -1), "element counts differ"),
        (batch_normalization("b", kernel(3), np.ones(3)), "does not fit 2 channels"),
        (batch_normalization("b", kernel(2), np.array([1, -1]), eps=1e-3), r"variance\[1\] = -1.0"),
        (batch_normalization("b", kernel(2), np.array([0, 1]), eps=0.0), r"variance\[0\] = 0.0"),
        (multiply("m", float("inf")), "expected a finite number"),
        (Layer("MulScalar", "m", {"val": "1"}, {}, "mul_scalar_param"), "field 'val' is '1'; expected a number"),
        (Layer("Softmax", "s", {"axis": 1.5}, {}, "softmax_param"), "field 'axis' is '1.5'; expected a 64-bit integer"),
        (Layer("ReLU", "r", {"slope": 0.1}, {}, "relu_param"), "field 'slope' is not known"),
        (Layer("ReLU", "r", {"alpha": 0.1}, {}, "elu_param"), "field 'elu_param' is not known"),
        (Layer("MulScalar", "m", {"val": [1.0, 2.0]}, {}, "mul_scalar_param"), "given 2 times"),
    ],
)
def test_impossible_arguments(layer: Layer, message: str) -> None:
    refused(layer, ModelError, message)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (affine("a", kernel(144, 2), base_axis=2), "base_axis 2; supported: 1"),
        (affine("a", kernel(144, 2, 2)), "supported: \\(features, outputs\\)"),
        (Layer("Affine", "a", {"base_axis": 1}, {}, "affine_param"), "0 inputs besides the data"),
        (convolution("c", kernel(2, 2, 3)), "supported: 2-D"),
        (batch_normalization("b", kernel(2), np.ones(2), axes=[2]), r"axes \[2\]; supported: \[1\]"),
        (reshape("f", 4, 36), "moves the batch axis"),
        (reshape("f", 0, 144), "shape \\[0, 144\\]"),
        (softmax("s", 0), "axis 0"),
        (softmax("s", -4), "axis -4"),
        (Layer("Sort", "t"), "uses unsupported functions: Sort"),
        (Layer("Transpose", "t", {"axes": [1, 0, 2, 3]}, {}, "transpose_param"), "move the batch"),
        (Layer("Concatenate", "t", {"axis": 0}, {}, "concatenate_param"), "axis 0"),
        (Layer("Slice", "t", {"start": [0, 0], "stop": [9, 8], "step": [1, -1]}, {}, "slice_param"), "step .1, -1."),
        (
            Layer("Slice", "t", {"start": [0, 0, 0], "stop": [2, 9, 8], "step": [2, 1, 1]}, {}, "slice_param"),
            "step .2, 1, 1.; supported: 1, or more along rows",
        ),
        (Layer("Pad", "t", {"pad_width": [1] * 6, "mode": "constant"}, {}, "pad_param"), "pads the batch or the"),
        (Layer("Pad", "t", {"pad_width": [1] * 4, "mode": "wrap"}, {}, "pad_param"), "mode 'wrap'"),
        (Layer("Sum", "t", {"axes": [0]}, {}, "sum_param"), "axes .0. of an input"),
        (Layer("PReLU", "t", {"base_axis": 1}, {"slope": kernel(1, 2)}, "prelu_param"), "slope of shape"),
    ],
)
def test_unsupported_arguments(layer: Layer, message: str) -> None:
    refused(layer, UnsupportedError, message)


@pytest.mark.parametrize("section", ["convolution_param", "max_pooling_param"])
def test_channel_last_is_refused(section: str) -> None:
    layer = convolution("c", kernel(2, 2, 3, 3)) if section.startswith("conv") else max_pooling("c")
    changed = Layer(layer.type, "c", {**layer.arguments, "channel_last": True}, layer.parameters, section)
    refused(changed, UnsupportedError, "channel_last is true; convert the model to channels first")


AT_REST = {
    "shape": shape(*IMAGE), "pad": shape(0, 0), "min_scale": 1.0, "max_scale": 1.0, "aspect_ratio": 1.0,
    "contrast": 1.0, "contrast_center": 0.5, "seed": -1,
}  # fmt: skip


def test_image_augmentation_at_rest() -> None:
    def layer(**changes: Any) -> Layer:
        return Layer("ImageAugmentation", "i", {**AT_REST, **changes}, {}, "image_augmentation_param")

    assert isinstance(one(layer()), Identity)
    for changes in (
        {"pad": shape(0, 1)}, {"min_scale": 0.8}, {"max_scale": 1.5}, {"angle": 0.2},
        {"aspect_ratio": 1.3}, {"distortion": 0.1}, {"flip_lr": True}, {"flip_ud": True}, {"brightness": 0.05},
        {"contrast": 1.1}, {"noise": 0.01},
    ):  # fmt: skip
        graph = load_nnp(build_nnp([layer(**changes)], IMAGE))
        assert isinstance(graph.operators[0], Identity)
        assert re.search(f"augments by {next(iter(changes))}.* left out", graph.notes[0])
    refused(layer(shape=shape(2, 8, 8)), UnsupportedError, r"makes images of \(2, 8, 8\)")
    middle = load_nnp(build_nnp([layer(shape=shape(2, 7, 6))], IMAGE))
    assert middle.operators[0].start == (0, 1, 1) and "their middle is taken" in middle.notes[0]


def test_scalars_keep_double_precision() -> None:
    operator = one(multiply("m", 0.1))
    assert isinstance(operator, ScaleOffset) and operator.scale == 0.1


def test_reshape_forms() -> None:
    for dims, batch in (((-1, 144), -1), ((1, -1), -1), ((-1, 2, 72), 4), ((4, -1, 12), 4), ((1, 144), 1)):
        graph = load_nnp(build_nnp([reshape("f", *dims)], IMAGE, batch=batch))
        assert np.prod(graph.shapes["y"]) == 144
