"""Inputs that the hardware takes: raw bytes, scaled bytes, asked scales and offsets, padding values."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.errors import FitError
from fpgaq.base.formats import Format
from fpgaq.integer.graph import IntegerConvolution
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Convolution, Graph, Operator, ScaleOffset
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.trainable import trainable_graph
from tests.support.float_networks import (
    affine,
    chain,
    convolution,
    pooling,
    real_outputs,
    relu,
    samples,
    signal_to_noise,
)


def padded_net(padding_value: float = 0.0, lead: tuple[Operator, ...] = ()) -> Graph:
    layer = convolution(3, 1, 2, padding=(1, 1, 1, 1), padding_value=padding_value)
    return chain((1, 6, 6), *lead, layer, relu(), affine(2, 108, 1, scale=0.2))


def bytes_of(count: int = 32) -> dict[str, np.ndarray]:
    return {"t0": np.random.default_rng(4).integers(0, 256, size=(count, 1, 6, 6)).astype(np.uint8)}


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_raw_bytes_are_taken_as_they_are(kind):
    data = {"t0": bytes_of()["t0"].astype(kind)}
    graph = padded_net(lead=(ScaleOffset("scale", ("",), "", 1 / 255, 0.0),))
    integer = quantize(graph, data)
    assert integer.tensors["t0"].format == Format(8, 0, False)
    assert np.array_equal(integer.samples["t0"], data["t0"][:8].transpose(0, 2, 3, 1))
    assert signal_to_noise(graph, integer, data["t0"]) > 30


def test_bytes_divided_by_255_become_bytes_again():
    data = {"t0": (bytes_of()["t0"] / 255).astype(np.float32)}
    graph = padded_net()
    integer = quantize(graph, data)
    assert integer.tensors["t0"].format == Format(8, 0, False)
    assert integer.transforms["t0"].scale == 255.0
    assert np.array_equal(integer.samples["t0"], bytes_of()["t0"][:8].transpose(0, 2, 3, 1))
    assert signal_to_noise(graph, integer, data["t0"]) > 30


def test_other_reals_get_a_power_of_two_format():
    data = samples(16, 1, 6, 6)
    assert quantize(padded_net(), data).tensors["t0"].format.signed
    positive = {"t0": np.abs(data["t0"])}
    integer = quantize(padded_net(), positive, QuantizeOptions(input_bits=6))
    assert integer.tensors["t0"].format.width == 6 and not integer.tensors["t0"].format.signed


def test_fewer_input_bits_than_bytes_have():
    integer = quantize(padded_net(), bytes_of(), QuantizeOptions(input_bits=4))
    fmt = integer.tensors["t0"].format
    assert (fmt.width, fmt.frac, fmt.signed) == (4, -4, False)


def test_asked_scale_and_offset_are_folded_exactly():
    """Where every quantity is a power of two, the integer network is the float network."""
    weight = np.array([[[[1, 2, 3], [4, -5, 6], [7, 8, -9]]]], dtype=np.float32)
    layer = Convolution("c", ("",), "", weight, np.array([0.5], np.float32), padding=(1, 1, 1, 1))
    graph = chain((1, 6, 6), layer)
    data = {"t0": np.random.default_rng(0).integers(-64, 64, size=(8, 1, 6, 6)).astype(np.float32) / 64}
    integer = quantize(graph, data, QuantizeOptions(input_scale=64.0, input_offset=100.0, input_bits=9))
    operator = integer.operators[0]
    assert isinstance(operator, IntegerConvolution) and operator.padding_value == 100
    assert integer.tensors["t0"].format == Format(9, 0, False)
    expected = run_float(graph, {"t0": data["t0"]})["t1"].astype(np.float64)
    assert np.array_equal(real_outputs(integer, data["t0"]), expected)


def test_an_offset_between_integers_is_refused_for_padded_layers_only():
    data = samples(8, 1, 6, 6)
    options = QuantizeOptions(input_scale=16.0, input_offset=100.5)
    with pytest.raises(FitError, match=r"--input-scale 16 --input-offset 100.5: the padding value 0 of layer 'conv'"):
        quantize(padded_net(), data, options)
    graph = chain((1, 6, 6), convolution(2, 1))
    assert signal_to_noise(graph, quantize(graph, data, options), data["t0"]) > 20


def test_a_padding_value_on_an_integer_stays_in_the_hardware():
    graph = padded_net(padding_value=128.0)
    integer = quantize(graph, bytes_of())
    operator = integer.operators[0]
    assert isinstance(operator, IntegerConvolution) and operator.padding_value == 128
    assert signal_to_noise(graph, integer, bytes_of()["t0"]) > 30


def test_a_padding_value_off_the_integers_moves_to_the_host():
    graph = padded_net(padding_value=127.3)
    integer = quantize(graph, bytes_of(), QuantizeOptions(edition="0.1"))
    operator = integer.operators[0]
    assert isinstance(operator, IntegerConvolution) and operator.padding_value == 0
    assert integer.transforms["t0"].offset == -127.3 and integer.tensors["t0"].format.signed
    assert signal_to_noise(graph, integer, bytes_of()["t0"]) > 30


def test_a_leading_constant_before_padding_moves_to_the_host():
    graph = padded_net(lead=(ScaleOffset("scale", ("",), "", 1 / 255, -0.41),))
    integer = quantize(graph, bytes_of(), QuantizeOptions(edition="0.1"))
    assert (integer.transforms["t0"].scale, integer.transforms["t0"].offset) == (1 / 255, -0.41)
    assert signal_to_noise(graph, integer, bytes_of()["t0"]) > 30


def test_bytes_stay_bytes_where_the_padding_is_no_byte() -> None:
    """Normalization inside the model: half a step off at the border alone, where all codes but the border were off."""
    graph = padded_net(lead=(ScaleOffset("scale", ("",), "", 1 / (255 * 0.353), -0.286 / 0.353),))
    data = bytes_of(96)
    integer = quantize(graph, data)
    operator, exact = integer.operators[0], 0.286 * 255
    assert isinstance(operator, IntegerConvolution) and operator.padding_value == round(exact) == 73
    assert (integer.transforms["t0"].scale, integer.transforms["t0"].offset) == (1.0, 0.0)
    assert integer.tensors["t0"].format == Format(8, 0, False)
    assert integer.options == {"borders": {"conv": {"place": pytest.approx(exact), "integer": 73}}}
    before = quantize(graph, data, QuantizeOptions(edition="0.1"))
    assert signal_to_noise(graph, integer, data["t0"]) > signal_to_noise(graph, before, data["t0"]) - 1
    # Training in fixed point pads with the same integer.
    trained = trainable_graph(graph, integer).operators
    assert next(op for op in trained if isinstance(op, Convolution)).padding_value == 73
    assert not quantize(padded_net(), data).options


def test_a_leading_constant_whose_zero_is_a_byte_stays_in_the_hardware():
    graph = padded_net(lead=(ScaleOffset("scale", ("",), "", float(np.float32(1 / 255)), float(np.float32(-0.4))),))
    integer = quantize(graph, bytes_of())
    operator = integer.operators[0]
    assert isinstance(operator, IntegerConvolution) and operator.padding_value == 102
    assert (integer.transforms["t0"].scale, integer.transforms["t0"].offset) == (1.0, 0.0)
    assert signal_to_noise(graph, integer, bytes_of()["t0"]) > 30


def test_a_leading_constant_without_padding_goes_into_the_bias():
    graph = chain((1, 6, 6), ScaleOffset("s", ("",), "", 1 / 255, -0.4), convolution(2, 1), relu(), affine(2, 32))
    integer = quantize(graph, bytes_of())
    assert (integer.transforms["t0"].scale, integer.transforms["t0"].offset) == (1.0, 0.0)
    assert signal_to_noise(graph, integer, bytes_of()["t0"]) > 30


def test_pooling_first_carries_the_scale_on():
    graph = chain((1, 6, 6), pooling(), convolution(2, 1, padding=(1, 1, 1, 1)), relu(), affine(2, 18))
    data = {"t0": (bytes_of()["t0"] / 255).astype(np.float32)}
    integer = quantize(graph, data)
    assert integer.transforms["t0"].scale == 255.0
    assert signal_to_noise(graph, integer, data["t0"]) > 30


def test_no_layer_to_take_the_scale_in():
    integer = quantize(chain((1, 6, 6), pooling()), {"t0": (bytes_of()["t0"] / 255).astype(np.float32)})
    assert integer.transforms["t0"].scale == 1.0 and integer.tensors["t1"].format == integer.tensors["t0"].format
    with pytest.raises(FitError, match="no layer with weights"):
        quantize(chain((1, 6, 6), pooling()), samples(4, 1, 6, 6), QuantizeOptions(input_scale=3.0))
