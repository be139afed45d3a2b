"""The reference against Python integers, by equality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.base.errors import ModelError, UsageError, VerificationError
from fpgaq.base.formats import ROUNDINGS, Format, round_shift
from fpgaq.integer import reference
from fpgaq.integer.accumulators import layer_bounds
from fpgaq.integer.graph import (
    IntegerAffine,
    IntegerMaxPooling,
    Requantize,
    Tensor,
)
from tests.support.integer_networks import convolution_network, network, one_layer, small_network
from tests.support.slow_interpreter import slow_run


def assert_equal_to_slow(graph, **options):
    frames = graph.samples[graph.inputs[0]]
    expected = slow_run(graph, frames)
    found = reference.run(graph, {graph.inputs[0]: frames}, keep=True, **options)
    assert set(found) == set(graph.tensors)
    for name, value in found.items():
        assert value.dtype == np.int64
        assert np.array_equal(value, expected[name]), name


@st.composite
def geometries(draw):
    groups = draw(st.sampled_from([1, 2, 4]))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 4)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = (
        draw(st.integers(max(1, span[0] - padding[0] - padding[1]), 7)),
        draw(st.integers(max(1, span[1] - padding[2] - padding[3]), 10)),
    )
    return {
        "seed": draw(st.integers(0, 1 << 30)),
        "size": size,
        "channels": groups * draw(st.integers(1, 3)),
        "outputs": groups * draw(st.integers(1, 3)),
        "kernel": kernel,
        "stride": draw(st.tuples(st.integers(1, 4), st.integers(1, 3))),
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "bits": draw(st.sampled_from([2, 4, 8, 16])),
        "weight_bits": draw(st.sampled_from([2, 5, 8, 16])),
        "signed": draw(st.booleans()),
        "rounding": draw(st.sampled_from(ROUNDINGS)),
        "shifts": draw(st.sampled_from([(0,), (1,), (5,), (3, 4, 5), (20,)])),
        "relu": draw(st.booleans()),
        "final": draw(st.booleans()),
    }


@given(geometries())
@settings(max_examples=60, deadline=None)
def test_convolutions_of_any_geometry(geometry):
    assert_equal_to_slow(convolution_network(**geometry))


@given(
    st.integers(0, 1 << 30),
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 4)),
    st.tuples(st.integers(1, 4), st.integers(1, 3)),
    st.booleans(),
    st.data(),
)
@settings(max_examples=40, deadline=None)
def test_pooling_of_any_geometry(seed, shape, kernel, stride, signed, data):
    rows = [data.draw(st.integers(0, kernel[0] - 1)) for _ in range(2)]
    columns = [data.draw(st.integers(0, kernel[1] - 1)) for _ in range(2)]
    height = (shape[0] + sum(rows) - kernel[0]) // stride[0] + 1
    width = (shape[1] + sum(columns) - kernel[1]) // stride[1] + 1
    if height < 1 or width < 1:
        return
    fmt = Format(5, 0, signed)
    op = IntegerMaxPooling("p", ("x",), "y", kernel, stride, (*rows, *columns))
    target = Tensor("y", (height, width, shape[2]), fmt)
    assert_equal_to_slow(one_layer(op, Tensor("x", shape, fmt), target, seed))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("batch_size", [None, 1, 2])
def test_a_chain_of_layers(rounding, batch_size):
    graph = small_network(3, rounding)
    assert_equal_to_slow(graph, batch_size=batch_size)


def affine_network(features: int, bits: int, weight_bits: int, extreme: str):
    """An Affine whose inputs and weights stand at the limits of their formats."""
    fmt, weight_format = Format(bits, 0, signed=False), Format(weight_bits, 0)
    value = weight_format.maximum if extreme == "upper" else weight_format.minimum
    weight = np.full((2, features), value)
    # The second channel alternates, so that cancellation meets large partial sums.
    weight[1, ::2] = weight_format.minimum
    weight[1, 1::2] = weight_format.maximum
    bias = np.array([1, -1])
    width = layer_bounds(weight, bias, fmt).width
    op = IntegerAffine("a", ("x",), "y", weight, bias, weight_format, (0, 0), width, None)
    graph = one_layer(op, Tensor("x", (1, 1, features), fmt), Tensor("y", (1, 1, 2), Format(width, 0)))
    frames = np.stack([np.full((1, 1, features), fmt.maximum), np.full((1, 1, features), fmt.maximum - 1)])
    return replace(graph, samples={"x": frames})


@pytest.mark.parametrize("extreme", ["upper", "lower"])
@pytest.mark.parametrize(
    ("features", "bits", "weight_bits", "kind"),
    [
        (515, 8, 8, np.float32),
        (520, 8, 8, np.float64),
        (4000, 16, 16, np.float64),
    ],
)
def test_sums_at_the_edge_of_each_working_type(features, bits, weight_bits, extreme, kind):
    graph = affine_network(features, bits, weight_bits, extreme)
    if extreme == "upper" or kind is np.float64:
        assert reference.working_type(graph.operators[0], graph.tensors["x"].format) is kind
    assert_equal_to_slow(graph)


@pytest.mark.parametrize("bias", [(1 << 53) + 1, -(1 << 62) - 1, (1 << 63) - 200_000])
def test_integers_serve_where_no_float_is_exact(bias):
    weight = np.array([[127, -128, 3]])
    fmt = Format(8, 0)
    biases = np.array([bias])
    width = layer_bounds(weight, biases, fmt).width
    op = IntegerAffine("a", ("x",), "y", weight, biases, Format(8, 0), (0,), width, Requantize((50,), "half_up"))
    graph = one_layer(op, Tensor("x", (1, 1, 3), fmt), Tensor("y", (1, 1, 1), Format(16, -50)))
    assert reference.working_type(op, fmt) is np.int64
    assert_equal_to_slow(graph)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shift", [0, 1, 2, 7, 11])
def test_requantize_is_the_same_in_every_working_type(rounding, kind, shift):
    sums = np.arange(-5000, 5001)
    fmt = Format(9, 0)
    expected = np.clip(round_shift(sums, shift, rounding), fmt.minimum, fmt.maximum)
    found = reference.requantize(sums[np.newaxis].astype(kind), Requantize((shift,), rounding), fmt)
    assert np.array_equal(found[0].astype(np.int64), expected)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounding_term_at_the_limit_of_float32(rounding):
    # 2**24 - 2**7 is the largest sum that a shift of 8 leaves to float32.
    sums = np.array([[(1 << 24) - (1 << 7), -(1 << 24) + (1 << 7), (1 << 24) - (1 << 7) - 1, 128, -128, 129, -129]])
    fmt = Format(32, 0)
    found = reference.requantize(sums.astype(np.float32), Requantize((8,), rounding), fmt)
    assert found.astype(np.int64).tolist() == round_shift(sums, 8, rounding).tolist()


def test_an_accumulator_that_is_too_narrow_is_noticed():
    graph = convolution_network(final=False)
    broken = replace(graph.operators[0], accumulator_width=6)
    with pytest.raises(VerificationError, match="outside its accumulator of 6 bits"):
        reference.run(replace(graph, operators=(broken,)), graph.samples)


def test_outputs_alone_by_default():
    graph = small_network()
    assert set(reference.run(graph, graph.samples)) == {"t5"}


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_results_in_arrays_that_are_there(kind):
    graph = small_network()
    expected = reference.run(graph, graph.samples, keep=True)
    out = {name: np.full(expected[name].shape, -7, dtype=kind) for name in ("t5", "t2")}
    found = reference.run(graph, graph.samples, keep=True, out=out)
    for name, value in found.items():
        assert value is out.get(name, value)
        assert np.array_equal(value, expected[name])


def test_arrays_that_cannot_take_the_results_are_refused():
    graph = small_network()
    shape = reference.run(graph, graph.samples)["t5"].shape
    for bad in (np.zeros(shape), np.zeros(shape, np.int8), np.zeros((1, *shape), np.int64)):
        with pytest.raises(UsageError, match="a writable integer array of shape"):
            reference.run(graph, graph.samples, out={"t5": bad})
    with pytest.raises(UsageError, match="out has an array for 't2'; results are 't5'"):
        reference.run(graph, graph.samples, out={"t2": np.zeros(shape, np.int64)})


def test_no_frames_give_no_results():
    graph = small_network()
    result = reference.run(graph, {"t0": np.zeros((0, 8, 7, 1), dtype=np.int64)})
    assert result["t5"].shape == (0, 1, 1, 5)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "has inputs"),
        ({"t0": np.zeros((1, 8, 7, 1))}, "integers of shape"),
        ({"t0": np.zeros((1, 8, 7), dtype=int)}, "integers of shape"),
        ({"t0": np.full((1, 8, 7, 1), 256)}, "leave the range"),
        ({"t0": np.full((1, 8, 7, 1), -1)}, "leave the range"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, message):
    with pytest.raises(ModelError, match=message):
        reference.run(small_network(), inputs)


def test_model_layout_puts_channels_first():
    graph = convolution_network()
    values = reference.run(graph, graph.samples)["y"]
    assert np.array_equal(reference.to_model_layout(graph, "y", values), values.transpose(0, 3, 1, 2))


def test_two_relus_of_a_chain_are_kept_apart():
    graph = small_network(9)
    kept = reference.run(graph, graph.samples, keep=True)
    assert (kept["t3"] < 0).any() and np.array_equal(kept["t4"], np.maximum(kept["t3"], 0))


def test_network_helper_refuses_unsound_graphs():
    graph = small_network()
    with pytest.raises(ModelError, match="not exactly those in use"):
        network(graph.operators[:1], tuple(graph.tensors.values())[:3])
