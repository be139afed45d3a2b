"""Options, their ranges, and the TOML file."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.errors import UsageError
from fpgaq.model.graph import Affine, Graph, Pointwise
from fpgaq.quantizer import quantize, refuse_idle_overrides
from fpgaq.quantizer.config import QuantizeOptions, combine_options
from tests.support.float_networks import samples, small_cnn


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weight_bits": 0}, "weight_bits is 0; an integer from 2 to 16"),
        ({"weight_bits": 1}, "weight_bits"),
        ({"activation_bits": 33}, "activation_bits"),
        ({"input_bits": -3}, "input_bits"),
        ({"weight_bits": 8.5}, "weight_bits is 8.5"),
        ({"weight_bits": True}, "weight_bits is True"),
        ({"rounding": "up"}, "one of half_up, half_away"),
        ({"activation_range": "kl"}, "one of max, percentile, mse"),
        ({"weight_delta": "round"}, "one of ceil, floor, mse"),
        ({"percentile": 50}, "percentile"),
        ({"percentile": float("nan")}, "a finite number"),
        ({"input_scale": 0.0}, "above 0"),
        ({"input_offset": "1"}, "a finite number"),
        ({"narrow": 1}, "true or false"),
        ({"max_shift_span": -1}, "max_shift_span"),
        ({"layers": {"a": {"input_bits": 8}}}, "layer 'a': unknown option 'input_bits'"),
        ({"layers": {"a": {"weight_bits": 17}}}, "layer 'a': option weight_bits is 17"),
        ({"layers": {"a": 3}}, "a table is needed"),
    ],
)
def test_options_out_of_range_are_refused(values, message):
    with pytest.raises(UsageError, match=message):
        QuantizeOptions(**values)


TOML = """
weight_bits = 6
rounding = "half_even"

[layers."c1"]
weight_bits = 4
per_channel = true

[layers.a1]
activation_bits = 12
rounding = "floor"
"""


def test_layers_are_overridden_from_toml(tmp_path):
    path = tmp_path / "quant.toml"
    path.write_text(TOML)
    options = combine_options(path, {"activation_bits": 7})
    integer = quantize(small_cnn(), samples(16, 2, 8, 8), options)
    layers = {op.name: op for op in integer.operators}
    assert [layers[name].weight_format.width for name in ("c1", "c2", "a1", "a2")] == [4, 6, 6, 6]
    assert [integer.tensors[name].format.width for name in ("t2", "t5", "t7")] == [7, 7, 12]
    assert [layers[name].requantize.rounding for name in ("c1", "c2", "a1")] == ["half_even", "half_even", "floor"]
    assert len(set(layers["c1"].weight_frac)) > 1 and len(set(layers["c2"].weight_frac)) == 1


def test_flags_win_over_the_file(tmp_path):
    path = tmp_path / "quant.toml"
    path.write_text(TOML)
    options = combine_options(path, {"weight_bits": 10, "rounding": None, "narrow": True})
    assert (options.weight_bits, options.rounding, options.narrow) == (10, "half_even", True)
    assert options.for_layer("c1").weight_bits == 4
    assert combine_options(None, {"weight_bits": None}) == QuantizeOptions()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weight_bit = 4", "unknown option 'weight_bit'"),
        ("[layers.c1]\nbits = 4", "layer 'c1': unknown option 'bits'"),
        ("[layers]\nc1 = 4", "a table is needed"),
        ("layers = 4", "a table of layer names"),
        ("weight_bits = ", "not sound TOML"),
        ("weight_bits = '8'", "an integer from 2 to 16"),
    ],
)
def test_configurations_that_are_refused(tmp_path, text, message):
    path = tmp_path / "quant.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        combine_options(path, {})
    assert str(caught.value).startswith(str(path))


def test_a_missing_configuration(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        combine_options(tmp_path / "no.toml", {})


def test_overrides_of_layers_without_numbers_of_their_own_are_refused():
    graph = small_cnn()
    followers = [op for op in graph.operators if type(op).__name__ in ("Relu", "MaxPooling")]
    assert followers
    for op in followers:
        (maker,) = (other.name for other in graph.operators if other.output == op.input)
        with pytest.raises(UsageError, match=f"options for layer {op.name!r} would be ignored: .*: {maker!r}$"):
            quantize(graph, samples(4, 2, 8, 8), QuantizeOptions(layers={op.name: {"activation_bits": 4}}))


def test_overrides_for_unknown_layers_are_refused():
    options = QuantizeOptions(layers={"c9": {"weight_bits": 4}})
    with pytest.raises(UsageError, match="options for layer 'c9': no such layer with weights, or .* one of 'c1', 'c2'"):
        quantize(small_cnn(), samples(4, 2, 8, 8), options)


def test_weight_options_of_a_layer_without_weights_are_refused():
    graph = Graph(
        "t",
        ("x",),
        ("z",),
        (Affine("a", ("x",), "y", np.eye(3), None), Pointwise("f", ("y",), "z", "tanh")),
        {"x": (3,), "y": (3,), "z": (3,)},
    )
    options = QuantizeOptions(layers={"f": {"weight_bits": 4, "activation_bits": 6}})
    with pytest.raises(UsageError, match="options for layer 'f': weight_bits would be ignored, for Pointwise"):
        refuse_idle_overrides(graph, options)
