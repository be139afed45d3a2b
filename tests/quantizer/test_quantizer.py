"""The crossing from float: scales, folding, widths, options, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq import pipeline
from fpgaq.base.errors import FitError, ModelError, UnsupportedError
from fpgaq.base.formats import Format, dequantize
from fpgaq.integer import reference
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, IntegerRelu
from fpgaq.integer.inputs import apply_transform
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Affine, Graph, Reshape, Softmax
from fpgaq.quantizer import quantize
from fpgaq.quantizer.calibration import ActivationStatistics, activation_frac, fitting_frac
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.weights import weight_frac
from tests.support.float_networks import (
    affine,
    chain,
    convolution,
    pooling,
    real_outputs,
    relu,
    samples,
    signal_to_noise,
    small_cnn,
)

# The whole network.


@pytest.mark.parametrize("per_channel", [False, True])
def test_error_shrinks_by_six_decibels_a_bit(per_channel):
    graph, data = small_cnn(), samples(64, 2, 8, 8)
    ratios = [
        signal_to_noise(
            graph, quantize(graph, data, QuantizeOptions(bits, bits, per_channel, input_bits=bits)), data["t0"]
        )
        for bits in (6, 8, 10, 12, 14, 16)
    ]
    assert ratios[1] > 28 and ratios[-1] > 70, ratios
    assert all(later - earlier > 7 for earlier, later in zip(ratios, ratios[1:], strict=False)), ratios


def test_relu_makes_unsigned_tensors_and_is_taken_in():
    integer = quantize(small_cnn(), samples(16, 2, 8, 8))
    signs = [(name, tensor.format.signed) for name, tensor in integer.tensors.items()]
    assert signs == [("t0", True), ("t2", False), ("t3", False), ("t5", False), ("t7", False), ("t8", True)]
    assert not any(isinstance(op, IntegerRelu) for op in integer.operators)
    assert integer.tensors["t2"].format == integer.tensors["t3"].format


def test_relu_behind_pooling_stays_an_operator():
    graph = chain((1, 6, 6), convolution(2, 1), pooling(), relu(), affine(2, 8))
    integer = quantize(graph, samples(16, 1, 6, 6))
    source, target = integer.tensors["t2"].format, integer.tensors["t3"].format
    assert isinstance(integer.operators[2], IntegerRelu)
    assert (source.signed, target.signed, target.maximum, target.frac) == (True, False, source.maximum, source.frac)
    assert signal_to_noise(graph, integer, samples(16, 1, 6, 6)["t0"]) > 25


def test_affine_behind_an_image_reads_channels_last():
    graph = chain((3, 2, 2), convolution(3, 3, padding=(1, 1, 1, 1)), affine(2, 12))
    integer = quantize(graph, samples(32, 3, 2, 2), QuantizeOptions(16, 16))
    assert signal_to_noise(graph, integer, samples(32, 3, 2, 2)["t0"]) > 60


def test_affine_on_an_image_input_takes_one_wide_pixel():
    integer = quantize(chain((3, 4, 5), affine(2, 60)), samples(4, 3, 4, 5))
    assert integer.tensors["t0"].shape == (1, 1, 60) and integer.transforms["t0"].image_shape == (60, 1, 1)


def test_reshapes_around_the_network():
    first = Reshape("in", ("",), "")
    last = Reshape("out", ("",), "")
    graph = chain(
        (64,), first, convolution(2, 1), Reshape("flat", ("",), ""), affine(6, 72), last,
        shapes={"t1": (1, 8, 8), "t3": (72,), "t5": (2, 3)},
    )  # fmt: skip
    integer = quantize(graph, samples(32, 64), QuantizeOptions(16, 16))
    assert integer.output_shapes == {"t5": (2, 3)} and integer.tensors["t0"].shape == (8, 8, 1)
    assert real_outputs(integer, samples(32, 64)["t0"]).shape == (32, 2, 3)
    assert signal_to_noise(graph, integer, samples(32, 64)["t0"]) > 60


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 6, 4), ["Reshape"]),
        ((4, 3, 2), ["Reshape", "Transpose"]),
        ((2, 12), ["Reshape", "Transpose"]),
    ],
)
def test_a_vector_becomes_an_image(shape: tuple[int, ...], expected: list[str]) -> None:
    """The decoder of an autoencoder: reshaping keeps the model's order of elements, the stream has another."""
    image = (shape[0], 1, shape[1]) if len(shape) == 2 else shape
    graph = chain(
        (16,), affine(24, 16), relu(), Reshape("r", ("",), ""), convolution(3, image[0], padding=(1, 1, 1, 1)),
        shapes={"t3": image},
    )  # fmt: skip
    integer = quantize(graph, samples(64, 16), QuantizeOptions(16, 16))
    assert [type(op).__name__.removeprefix("Integer") for op in integer.operators][1:-1] == expected
    assert signal_to_noise(graph, integer, samples(64, 16)["t0"]) > 60


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 1, 30), ["Reshape"]),
        ((1, 12, 10), ["Transpose", "Reshape"]),
        ((2, 10, 6), ["Reshape", "Transpose", "Reshape"]),
        ((120, 1, 1), ["Transpose", "Reshape"]),
    ],
)
def test_an_image_becomes_another(shape: tuple[int, int, int], expected: list[str]) -> None:
    """Both with an Affine that reads the reshaped tensor too, in its own order of elements."""
    reshape, layer = Reshape("r", ("",), ""), convolution(3, shape[0], name="second", padding=(1, 1, 1, 1))
    first = convolution(4, 2, padding=(1, 1, 1, 1))
    graph = chain((2, 6, 5), first, reshape, layer, shapes={"t2": shape})
    both = replace(
        graph,
        operators=(*graph.operators, replace(affine(5, 120), inputs=("t2",), output="y")),
        outputs=("t3", "y"),
        shapes={**graph.shapes, "y": (5,)},
    )
    data = samples(64, 2, 6, 5)
    integer = quantize(both, data, QuantizeOptions(16, 16))
    kinds = [type(op).__name__.removeprefix("Integer") for op in integer.operators]
    assert kinds[: len(expected) + 1] == ["Convolution", *expected]
    exact, found = run_float(both, data), pipeline.run(integer, data)
    for name in both.outputs:
        wrong = found[name][1].reshape(exact[name].shape) - exact[name]
        assert np.abs(wrong).max() <= 1e-3 * np.abs(exact[name]).max()


def test_last_layer_leaves_at_accumulator_width_with_one_step():
    integer = quantize(small_cnn(), samples(16, 2, 8, 8), QuantizeOptions(per_channel=True))
    last = integer.operators[-1]
    assert isinstance(last, IntegerAffine) and last.requantize is None and len(set(last.weight_frac)) == 1
    assert integer.tensors["t8"].format.width == last.accumulator_width
    narrow = quantize(small_cnn(), samples(16, 2, 8, 8), QuantizeOptions(output_bits=8))
    assert narrow.tensors["t8"].format.width == 8 and narrow.operators[-1].requantize is not None


def test_samples_are_kept_as_input_integers():
    data = samples(20, 2, 8, 8)
    integer = quantize(small_cnn(), data)
    transform, fmt = integer.transforms["t0"], integer.tensors["t0"].format
    assert np.array_equal(integer.samples["t0"], apply_transform(transform, fmt, data["t0"][:8]))


def test_a_chain_of_a_thousand_layers():
    layers = [replace(affine(4, 4, seed, f"a{seed}"), bias=None) for seed in range(1000)]
    for layer in layers:
        layer.weight[:] = np.eye(4, dtype=np.float32) * 0.99
    graph = chain((4,), *layers)
    integer = quantize(graph, samples(64, 4), QuantizeOptions(16, 16))
    assert signal_to_noise(graph, integer, samples(64, 4)["t0"]) > 15


def test_quantizing_twice_gives_the_same_file():
    from fpgaq.integer.file import dump

    data = samples(20, 2, 8, 8)
    assert dump(quantize(small_cnn(), data)) == dump(quantize(small_cnn(), data))


# Steps.


@given(st.floats(1e-30, 1e30), st.integers(2, 16))
def test_ceil_and_floor_are_those_of_the_old_converter(magnitude, bits):
    values = np.array([magnitude, -magnitude / 3])
    exponent = math.log2(magnitude / (2 ** (bits - 1) - 1))
    if abs(exponent - round(exponent)) > 1e-9:
        assert weight_frac(values, bits, False, "ceil") == -math.ceil(exponent)
        assert weight_frac(values, bits, False, "floor") == -math.floor(exponent)


@pytest.mark.parametrize("bits", [2, 8, 16])
@pytest.mark.parametrize("exponent", [-140, -7, 0, 3, 90])
def test_exact_powers_of_two(bits, exponent):
    values = np.array([math.ldexp(2 ** (bits - 1) - 1, exponent)])
    assert weight_frac(values, bits, False, "ceil") == weight_frac(values, bits, False, "floor") == -exponent


@given(st.integers(2, 12), st.integers(0, 1 << 30))
@settings(max_examples=30)
def test_mse_is_never_worse_than_ceil_or_floor(bits, seed):
    values = np.random.default_rng(seed).standard_t(3, size=50)

    def error(rule):
        fmt = Format(bits, weight_frac(values, bits, False, rule))
        from fpgaq.base.formats import quantize_real

        return np.sum((dequantize(quantize_real(values, fmt, "half_even"), fmt) - values) ** 2)

    assert error("mse") <= min(error("ceil"), error("floor")) * (1 + 1e-12)


@given(st.floats(1e-40, 1e38), st.integers(1, 1 << 16))
def test_fitting_frac_is_the_largest_that_fits(magnitude, greatest):
    frac = fitting_frac(magnitude, greatest)
    assert math.ldexp(greatest, -frac) >= magnitude > math.ldexp(greatest, -frac - 1)


def test_activation_rules():
    values = np.linspace(0, 1, 1001, dtype=np.float32)
    values[-1] = 100.0
    statistics = ActivationStatistics(0.0, 100.0, values)

    def frac(rule, percentile=99.8):
        return activation_frac(statistics, 8, False, False, rule, percentile)

    assert (frac("max"), frac("percentile"), frac("percentile", 100.0)) == (1, 7, 1)
    assert activation_frac(ActivationStatistics(0.0, 0.0, np.zeros(4, np.float32)), 8, True, False, "mse", 99) is None


def test_per_channel_shifts_span_at_most_what_is_allowed():
    layer = convolution(6, 2, 5)
    layer = replace(layer, weight=layer.weight * (2.0 ** -np.arange(0, 12, 2))[:, None, None, None].astype(np.float32))
    graph = chain((2, 6, 6), layer, relu(), affine(2, 96))
    for span in (0, 2, 5, 16):
        operator = quantize(
            graph, samples(8, 2, 6, 6), QuantizeOptions(per_channel=True, max_shift_span=span)
        ).operators[0]
        assert isinstance(operator, IntegerConvolution) and operator.requantize is not None
        shift = operator.requantize.shift
        assert max(shift) - min(shift) == min(span, max(shift) - min(shift)) and min(shift) >= 0
        assert max(operator.weight_frac) - min(operator.weight_frac) == (span if span <= 5 else 10)


def test_a_shift_is_never_negative():
    # Two weight bits and a finely resolved output: the wish for fractional bits exceeds the accumulator's.
    graph = chain((4,), replace(affine(3, 4), weight=np.eye(3, 4, dtype=np.float32) / 64), relu(), affine(2, 3))
    integer = quantize(graph, samples(8, 4), QuantizeOptions(weight_bits=2, activation_bits=16, input_bits=2))
    requantize = integer.operators[0].requantize
    assert requantize is not None and min(requantize.shift) == 0


# Weights and samples that are out of the ordinary.


def run_with(first: Affine, options: QuantizeOptions | None = None):
    graph = chain((4,), first, relu(), affine(2, first.weight.shape[0], 7))
    return graph, quantize(graph, samples(32, 4), options)


@pytest.mark.parametrize("per_channel", [False, True])
def test_zero_weights_leave_the_bias(per_channel):
    layer = replace(affine(3, 4), weight=np.zeros((3, 4), np.float32), bias=np.array([0.5, 1e-5, 3.0], np.float32))
    graph, integer = run_with(layer, QuantizeOptions(per_channel=per_channel))
    assert signal_to_noise(graph, integer, samples(32, 4)["t0"]) > 30


def test_zero_channels_take_the_scale_of_the_others():
    layer = affine(3, 4)
    layer.weight[1] = 0
    graph, integer = run_with(layer, QuantizeOptions(per_channel=True))
    operator = integer.operators[0]
    assert isinstance(operator, IntegerAffine) and operator.weight_frac[1] == min(operator.weight_frac)
    assert signal_to_noise(graph, integer, samples(32, 4)["t0"]) > 25


def test_a_dead_layer_works():
    layer = replace(affine(3, 4), bias=np.full(3, -1e3, np.float32))
    graph, integer = run_with(layer)
    values = reference.run(integer, integer.samples, keep=True)
    assert not values["t2"].any()


@pytest.mark.parametrize("per_channel", [False, True])
def test_an_outlier_of_1e30(per_channel):
    layer = affine(3, 4)
    layer.weight[0, 0] = 1e30
    graph, integer = run_with(replace(layer, bias=None), QuantizeOptions(per_channel=per_channel))
    assert signal_to_noise(graph, integer, samples(32, 4)["t0"]) > 25


def test_denormal_weights():
    layer = replace(affine(3, 4, scale=1e-41), bias=None)
    graph = chain((4,), layer)
    integer = quantize(graph, samples(32, 4))
    assert integer.operators[0].weight.any()


def test_a_bias_beyond_64_bits_is_refused():
    layer = replace(affine(3, 4), bias=np.array([0, 1e30, 0], np.float32))
    with pytest.raises(FitError, match=r"layer 'affine': bias\[1\] = 1e\+30 .* more than 64 bits"):
        run_with(layer)


def test_a_large_bias_widens_the_accumulator_and_is_kept():
    layer = replace(affine(3, 4), bias=np.array([0, 1e6, 0], np.float32))
    # The float network's own rounding at 1e6 is no error to correct.
    graph, integer = run_with(layer, QuantizeOptions(bias_correction=False))
    operator = integer.operators[0]
    assert isinstance(operator, IntegerAffine)
    frac = integer.tensors["t0"].format.frac + operator.weight_frac[1]
    assert operator.bias[1] == round(1e6 * 2**frac) and operator.accumulator_width > 30


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("field", ["weight", "bias"])
def test_parameters_that_are_not_finite_are_refused(value, field):
    layer = affine(3, 4)
    array = getattr(layer, field)
    array[(1, 2) if field == "weight" else 1] = value
    graph = Graph(
        "net", ("t0",), ("t1",), (replace(layer, inputs=("t0",), output="t1"),), {"t0": (4,), "t1": (3,)}
    )  # fmt: skip
    with pytest.raises(ModelError, match=rf"layer 'affine': {field}\[1"):
        quantize(graph, samples(8, 4))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"t0": np.zeros((0, 4))}, "holds no samples"),
        ({"t0": np.zeros((3, 5))}, "does not fit"),
        ({"t0": np.ones((3, 4))}, "every value is 1.0"),
        ({"t0": np.array([[1, 2, np.nan, 3]])}, r"element \[0, 2\] is nan"),
        ({"x": np.ones((3, 4))}, "calibration data for"),
        ({"t0": np.array([["a"] * 4])}, "not a number"),
    ],
)
def test_calibration_data_that_do_not_serve_are_refused(data, message):
    with pytest.raises(ModelError, match=message):
        quantize(chain((4,), affine(2, 4)), data)


def test_what_has_no_integer_form():
    graph = chain((4,), affine(2, 4), Softmax("s", ("",), "", 0))
    with pytest.raises(UnsupportedError, match="Softmax is not resolved"):
        quantize(graph, samples(4, 4))


def test_narrow_never_uses_the_most_negative_code():
    data = samples(64, 2, 8, 8)
    graph = chain((2, 8, 8), convolution(4, 2), convolution(4, 4, 3), affine(2, 64))
    integer = quantize(graph, data, QuantizeOptions(3, 3, narrow=True, activation_range="percentile", percentile=60.0))
    values = reference.run(integer, integer.samples, keep=True)
    assert values["t1"].min() == -3 and values["t1"].max() == 3
    assert all(op.weight.min() >= -3 for op in integer.operators)
    assert integer.tensors["t1"].format.narrow
