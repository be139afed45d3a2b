from __future__ import annotations

import math

import numpy as np
import pytest

from fpgaq.base.errors import UsageError
from tests.nnabla.networks import NAMES, build, kinds, values

pytestmark = pytest.mark.nnabla


def calibrate(x, count: int = 6):
    return np.concatenate([x.d, x.d * 0.9, x.d * 0.5])[:count]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["fixed_point", "min_max"])
def test_networks_keep_what_they_compute_through_a_file(nnabla, tmp_path, name, method) -> None:
    from fpgaq.nnabla import Network, listing, load_network, quantize_activations, save_network

    x, y = build(nnabla, name)
    before, old = values(y), listing(y)
    bits = 14 if name == "mobilenet" else 8  # 28 layers in a row add noise
    new = quantize_activations(y, calibrate(x), method=method, bits=bits)
    kind = "FixedPointQuantize" if method == "fixed_point" else "MinMaxQuantize"
    assert [k for k in kinds(new) if k != kind] == kinds(y)
    assert kinds(new).count(kind) >= {"mobilenet": 28, "lenet": 4, "mlp": 3}.get(name, 4)
    assert listing(y) == old
    assert len(listing(new)) > len(old)
    after, data = values(new), x.d.copy()
    assert 0 < np.abs(after - before).max() < 0.15 * np.abs(before).max()
    save_network(tmp_path / "a.nnp", Network("net", {"x": x}, {"y": new}))
    nnabla.clear_parameters()
    network = load_network(tmp_path / "a.nnp", batch_size=2)
    network.inputs["x"].d = data
    np.testing.assert_array_equal(values(network.outputs["y"]), after)


@pytest.mark.parametrize("method", ["fixed_point", "min_max"])
def test_ranges_are_frozen(nnabla, method) -> None:
    from fpgaq.nnabla import quantize_activations

    x, y = build(nnabla, "batch_normalized")
    new = quantize_activations(y, calibrate(x), method=method)
    data = x.d.copy()
    together = values(new)
    x.d = np.stack([data[0], data[1] * 50])  # another sample in the batch must not matter
    np.testing.assert_array_equal(values(new)[0], together[0])


def test_steps_are_powers_of_two_and_unsigned_behind_relu(nnabla) -> None:
    from fpgaq.nnabla import functions, quantize_activations

    x, y = build(nnabla, "batch_normalized")
    new = quantize_activations(y, calibrate(x), bits=6, activation_range="max")
    found = [f for f in functions(new) if f.info.type_name == "FixedPointQuantize"]
    assert [f.info.args["sign"] for f in found] == [True, False, False, False]
    for f in found:
        assert math.frexp(f.info.args["delta"])[0] == 0.5
        assert f.info.args["n"] == 6
        values(new)
        greatest = (2 ** (6 - f.info.args["sign"]) - 1) * f.info.args["delta"]
        if f.inputs[0].parent is not None:
            f.inputs[0].forward()
        assert np.abs(f.inputs[0].d).max() * f.info.args["sign"] <= greatest


def test_where_the_quantizers_stand(nnabla) -> None:
    from fpgaq.nnabla import quantize_activations

    x, y = build(nnabla, "residual")
    before = [
        "FixedPointQuantize" if k == "FixedPointQuantize" else k for k in kinds(quantize_activations(y, calibrate(x)))
    ]
    for position, k in enumerate(before):
        if k in ("Convolution", "Add2") and before[position + 1] in ("BatchNormalization", "ReLU"):
            assert before[position + 1] != "FixedPointQuantize"
        if k == "ReLU":
            assert before[position + 1] == "FixedPointQuantize"
    assert before[-2:] == ["Affine", "Softmax"]


def test_chosen_kinds_only(nnabla) -> None:
    from fpgaq.nnabla import quantize_activations

    x, y = build(nnabla, "mobilenet")
    types = ("ReLU", "AveragePooling", "Affine")
    new = kinds(quantize_activations(y, calibrate(x), types=types, method="min_max", inputs=False))
    assert new.count("MinMaxQuantize") == 29
    for position, k in enumerate(new):
        assert (k == "MinMaxQuantize") == (position > 0 and new[position - 1] in types)


def test_min_max_holds_data_away_from_zero(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import quantize_activations

    for data in ([0.5, 0.7, 2.55], [-2.0, -1.0, -0.5], [-0.001, 0.0005, 0.0]):
        x = nnabla.Variable((1, 3))
        y = f.add_scalar(x, 0.0)
        samples = np.array([data], np.float32)
        new = quantize_activations(y, samples, types=["AddScalar"], method="min_max", inputs=False)
        x.d = samples
        # Half a step of rounding, and half for moving the zero onto a step.
        step = (max(*data, 0) - min(*data, 0)) / 255
        assert np.abs(values(new) - samples).max() <= 1.01 * step


def test_training_mode_statistics_are_kept(nnabla) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import quantize_activations

    x = nnabla.Variable((4, 3))
    y = pf.affine(pf.batch_normalization(pf.affine(x, 4, name="a"), batch_stat=True, name="n"), 2, name="b")
    quantize_activations(y, np.random.default_rng(0).normal(size=(10, 3)))
    assert (nnabla.get_parameters(grad_only=False)["n/bn/mean"].d == 0).all()


def test_a_kind_that_is_absent_is_a_warning_as_long_as_another_is_there(nnabla) -> None:
    from fpgaq.nnabla import functions, quantize_activations

    x, y = build(nnabla, "mlp")
    with pytest.warns(UserWarning, match="types: the graph has no Tanh, Swish; it has Affine, ReLU"):
        found = quantize_activations(y, calibrate(x), types=["ReLU", "Tanh", "Swish"])
    expected = quantize_activations(y, calibrate(x), types=["ReLU"])
    kinds = [[function.info.type_name for function in functions(root)] for root in (found, expected)]
    assert kinds[0] == kinds[1] and "FixedPointQuantize" in kinds[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"types": ["Tanh"]}, "types: the graph has no Tanh; it has Affine, ReLU"),
        ({"bits": 1}, "bits is 1"),
        ({"method": "pow2"}, "method is 'pow2'; one of fixed_point, min_max"),
        ({"activation_range": "least"}, "activation_range is 'least'"),
        ({"calibration": np.zeros((4, 21))}, "input 0: samples of shape (4, 21)"),
        ({"calibration": np.full((4, 20), np.nan)}, "must be finite"),
    ],
)
def test_unsound_arguments_are_refused(nnabla, arguments, words) -> None:
    from fpgaq.nnabla import quantize_activations

    x, y = build(nnabla, "mlp")
    given = {"calibration": calibrate(x), **arguments}
    with pytest.raises(UsageError) as caught:
        quantize_activations(y, given.pop("calibration"), **given)
    assert words in str(caught.value)
