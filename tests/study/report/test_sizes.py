"""The ways of counting a network's bits, by hand on small networks."""

from __future__ import annotations

from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution
from fpgaq.quantizer import quantize
from fpgaq.study.report.sizes import (
    expected_parameter_bits,
    integer_bytes,
    products_of_layers,
    scheduled_rom_bits,
    weights_of_layers,
)
from tests.support.float_networks import affine, chain, relu, samples


def test_before_quantization() -> None:
    assert expected_parameter_bits(weights=100, biases=3, weight_bits=4) == 400 + 3 * 24


def test_weights_and_products_of_layers() -> None:
    graph = chain((5,), affine(7, 5, name="a"), relu("r"), affine(2, 7, name="b"))
    assert weights_of_layers(graph) == products_of_layers(graph) == {"a": 35, "b": 14}


def test_rom_words_are_filled_up_where_lanes_do_not_divide_a_layer() -> None:
    graph = chain((5,), affine(7, 5, name="a"))
    integer = quantize(graph, samples(16, 5))
    (layer,) = (op for op in integer.operators if isinstance(op, IntegerAffine | IntegerConvolution))
    found = {}
    for multipliers in (1, 7, 3):
        lowered, schedule = plan_hardware(integer, Target(multipliers=multipliers))
        found[multipliers] = scheduled_rom_bits(lowered, schedule)
    width = layer.weight_format.width
    biases = 7 * layer.accumulator_width
    exact = 35 * width + biases
    assert found[1] == exact == found[7] and integer_bytes(integer) == -(-exact // 8)
    # Three lanes take 15 steps of three weights, or 5 inputs by 3 groups of three outputs: 45 words either way at most.
    assert exact < found[3] <= 45 * width + biases
