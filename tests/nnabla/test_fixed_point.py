from __future__ import annotations

import math

import numpy as np
import pytest

from fpgaq.base.errors import UsageError
from tests.nnabla.networks import NAMES, build, kinds, values

pytestmark = pytest.mark.nnabla


def quantizers(root):
    from fpgaq.nnabla import functions

    return [f for f in functions(root) if f.info.type_name == "FixedPointQuantize"]


def layers(root):
    from fpgaq.nnabla import functions
    from fpgaq.nnabla.parameters import LINEAR

    return [f for f in functions(root) if f.info.type_name in LINEAR]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("per_channel", [False, True])
def test_every_layer_is_converted_and_the_rest_stays(nnabla, name, per_channel) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, name)
    names = list(nnabla.get_parameters(grad_only=False))
    before, old = values(y), kinds(y)
    bits = 14 if name == "mobilenet" else 8  # 28 layers in a row add noise
    new = convert_fixed_point(y, per_channel=per_channel, args_fpq={"n_w": bits})
    helpers = ("FixedPointQuantize", "Mul2", "Div2")
    assert [k for k in kinds(new) if k not in helpers] == [k for k in old if k not in helpers]
    assert len(quantizers(new)) == sum(len(f.inputs) - 1 for f in layers(y))
    assert [n for n in nnabla.get_parameters(grad_only=False) if "fixed_point" not in n] == names
    after = values(new)
    assert 0 < np.abs(after - before).max() < 0.2 * np.abs(before).max()
    assert kinds(y) == old
    for f in quantizers(new):
        assert math.frexp(f.info.args["delta"])[0] == 0.5


def test_per_channel_is_finer_than_per_tensor(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "batch_normalized")
    before, args = values(y), {"n_w": 5}
    errors = [
        np.abs(values(convert_fixed_point(y, per_channel=flag, args_fpq=args)) - before).mean() for flag in (0, 1)
    ]
    assert errors[1] < errors[0]


def test_deltas_are_those_of_the_rule(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "lenet")
    for floor, rounding in ((False, math.ceil), (True, math.floor)):
        new = convert_fixed_point(y, floor=floor)
        for layer in layers(new):
            weight, bias = (variable.parent for variable in layer.inputs[1:])
            for f, bits in ((weight, 8), (bias, 16)):
                greatest = float(np.abs(f.inputs[0].d).max())
                wanted = 2.0 ** rounding(math.log2(greatest / (2 ** (bits - 1) - 1)))
                assert (f.info.args["sign"], f.info.args["n"], f.info.args["delta"]) == (True, bits, wanted)


def test_delta_at_a_power_of_two(nnabla) -> None:
    from fpgaq.nnabla.fixed_point import adaptive_delta

    for floor in (False, True):
        assert adaptive_delta(127 * 2.0**-5, True, 8, floor) == 2.0**-5
        assert adaptive_delta(255.0, False, 8, floor) == 1.0
        assert adaptive_delta(0.0, True, 8, floor) == 1.0
    assert adaptive_delta(np.nextafter(127.0, 200), True, 8, False) == 2.0
    assert adaptive_delta(np.nextafter(127.0, 0), True, 8, True) == 0.5


def test_a_vector_of_deltas_is_a_scale_around_delta_one(nnabla) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable((1, 3))
    y = pf.affine(x, 2, name="a", with_bias=False)
    weight = nnabla.get_parameters()["a/affine/W"]
    weight.d = np.array([[0.3, 30.0], [-0.6, -60.0], [0.12, 100.0]])
    x.d = np.ones((1, 3))
    new = convert_fixed_point(y, args_fpq={"n_w": 4, "delta_w": [2.0**-3, 2.0**4]})
    assert kinds(new) == ["Mul2", "FixedPointQuantize", "Div2", "Affine"]
    assert quantizers(new)[0].info.args["delta"] == 1.0
    # 0.3 / 0.125 = 2.4, -4.8, 0.96; 30 / 16 = 1.875, -3.75, 6.25
    assert values(new).tolist() == [[(2 - 5 + 1) / 8, (2 - 4 + 6) * 16.0]]


# What the former converter got wrong, one test for each.


def test_adaptive_deltas_need_no_key_and_keep_the_accuracy(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "lenet")
    before = values(y)
    assert np.abs(values(convert_fixed_point(y, args_fpq={"n_w": 8})) - before).max() < 0.02


def test_each_layer_has_its_own_delta(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "mlp")
    nnabla.get_parameters()["b/affine/W"].d *= 100
    deltas = [f.info.args["delta"] for f in quantizers(convert_fixed_point(y, args_fpq={"quantize_b": False}))]
    assert len(deltas) == 3
    assert deltas[1] > 16 * max(deltas[0], deltas[2])


@pytest.mark.parametrize(("w", "b"), [(True, False), (False, True), (False, False)])
def test_quantize_flags_are_obeyed(nnabla, w, b) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "mlp")
    new = convert_fixed_point(y, args_fpq={"quantize_w": w, "quantize_b": b})
    for layer in layers(new):
        assert [v.parent is not None for v in layer.inputs[1:]] == [w, b]
    if not w and not b:
        np.testing.assert_array_equal(values(new), values(y))


def test_black_list_by_kind_and_by_layer(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "lenet")
    new = convert_fixed_point(y, black_list=["Affine"])
    assert [f.inputs[1].parent is None for f in layers(new)] == [False, False, True, True]
    new = convert_fixed_point(y, black_list=["c2/conv"])
    assert [f.inputs[1].parent is None for f in layers(new)] == [False, True, False, False]
    with pytest.raises(UsageError, match="black_list: 'c3' is neither .* layers: c1/conv, c2/conv, a1/affine"):
        convert_fixed_point(y, black_list=["c3"])


def test_inner_prod_functions(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "lenet")
    new = convert_fixed_point(y, inner_prod_functions=["Convolution"])
    assert [f.inputs[1].parent is None for f in layers(new)] == [False, False, True, True]
    with pytest.raises(UsageError, match="'BatchNormalization' has no fixed-point form"):
        convert_fixed_point(y, inner_prod_functions=["BatchNormalization"])


@pytest.mark.parametrize("group", [1, 2])
def test_deconvolution_per_tensor_and_per_channel(nnabla, group) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable((2, 4, 5, 5))
    x.d = np.random.default_rng(0).normal(size=x.shape)
    y = pf.deconvolution(x, 6, (3, 2), stride=(2, 2), group=group, name="d")
    before = values(y)
    for flag in (False, True):
        assert np.abs(values(convert_fixed_point(y, per_channel=flag)) - before).max() < 0.1
    scale = nnabla.get_parameters(grad_only=False)["fixed_point/d/deconv/W/scale"]
    assert scale.shape == (1, 6 // group, 1, 1)


def test_channels_last_are_converted(nnabla) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable((2, 5, 5, 4))
    y = pf.convolution(x, 6, (3, 3), channel_last=True, name="c")
    new = convert_fixed_point(y, per_channel=True)
    assert kinds(new)[-1] == "Convolution"
    assert nnabla.get_parameters(grad_only=False)["fixed_point/c/conv/W/scale"].shape == (6, 1, 1, 1)


def test_names_that_end_in_w_do_not_collide(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable((1, 2))
    x.d = np.ones((1, 2))
    h = x
    for name, factor in (("layer/W", 1.0), ("layerW/W", 3.0), ("layerWW/W", 5.0)):
        weight = nnabla.parameter.get_parameter_or_create(name, (2, 2), np.eye(2) * factor)
        h = f.affine(h, weight)
    new = convert_fixed_point(h, per_channel=True, args_fpq={"n_w": 16})
    assert values(new).tolist() == [[15.0, 15.0]]
    assert list(nnabla.get_parameters(grad_only=False))[3:] == [
        "fixed_point/layer/W/scale", "fixed_point/layerW/W/scale", "fixed_point/layerWW/W/scale",
    ]  # fmt: skip


def test_weights_that_are_no_parameters_or_are_computed(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable.from_numpy_array(np.ones((1, 2)))
    loose = nnabla.Variable.from_numpy_array(np.array([[0.5, 0.26], [0.25, 1.0]]))
    y = f.affine(f.affine(x, loose), f.tanh(loose))
    new = convert_fixed_point(y)
    assert len(quantizers(new)) == 2
    assert np.abs(values(new) - values(y)).max() < 0.05


def test_functions_with_several_outputs(nnabla) -> None:
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable((2, 4, 3, 3))
    x.d = np.random.default_rng(0).normal(size=x.shape)
    parts = f.split(pf.convolution(x, 2, (1, 1), name="c"), axis=1)
    y = f.concatenate(*(f.reshape(part, (2, 1, 3, 3)) for part in reversed(parts)), axis=1)
    new = convert_fixed_point(y)
    assert np.abs(values(new) - values(y)).max() < 0.1


def test_depthwise_layers_are_converted(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "mobilenet")
    found = [f for f in layers(convert_fixed_point(y)) if f.info.type_name == "DepthwiseConvolution"]
    assert len(found) == 13
    assert all(f.inputs[1].parent.info.type_name == "FixedPointQuantize" for f in found)


def test_zero_weights_and_biases(nnabla) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "mlp")
    for name in ("a/affine/W", "a/affine/b"):
        nnabla.get_parameters()[name].d = 0
    assert np.isfinite(values(convert_fixed_point(y, per_channel=True))).all()


def test_running_statistics_and_arguments_are_not_touched(nnabla) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable((8, 3))
    x.d = np.random.default_rng(0).normal(3, 2, (8, 3))
    y = pf.batch_normalization(pf.affine(x, 4, name="a"), batch_stat=True, name="n")
    args = {"n_w": 6}
    convert_fixed_point(y, call_forward=True, args_fpq=args)
    assert args == {"n_w": 6}
    assert (nnabla.get_parameters(grad_only=False)["n/bn/mean"].d == 0).all()


def test_shared_parameters_are_quantized_once(nnabla) -> None:
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import convert_fixed_point

    x = nnabla.Variable((2, 3))
    x.d = 1
    y = pf.affine(f.tanh(pf.affine(x, 3, name="a")), 3, name="a")
    assert len(quantizers(convert_fixed_point(y))) == 2
    assert len(quantizers(convert_fixed_point(convert_fixed_point(y)))) == 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"n_W": 8}, "unknown key 'n_W'; allowed: sign_w, n_w, delta_w, quantize_w, sign_b"),
        ({"n_w": 1}, "n_w is 1; an integer from 2 to 24"),
        ({"n_b": 8.5}, "n_b is 8.5"),
        ({"delta_w": 0}, "delta_w is 0; a number above 0"),
        ({"delta_w": [0.3, 0.5]}, "powers of two are needed"),
        ({"delta_w": [0.25, 0.5]}, "2 deltas for 16 output channels"),
        ({"sign_w": False}, "unsigned fixed point has not"),
    ],
)
def test_unsound_arguments_are_refused(nnabla, args, words) -> None:
    from fpgaq.nnabla import convert_fixed_point

    x, y = build(nnabla, "mlp")
    before = list(nnabla.get_parameters(grad_only=False))
    with pytest.raises(UsageError) as caught:
        convert_fixed_point(y, args_fpq=args)
    assert words in str(caught.value)
    assert list(nnabla.get_parameters(grad_only=False)) == before


def test_training_reaches_the_float_weights(nnabla) -> None:
    from fpgaq.nnabla import TrainOptions, accuracy, convert_fixed_point, train

    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 400)
    samples = np.eye(20)[labels] * 3 + random.normal(0, 0.7, (400, 20))
    _, y = build(nnabla, "mlp")
    new = convert_fixed_point(y, args_fpq={"n_w": 3}, per_channel=True)
    x = [v for f in layers(new) for v in f.inputs[:1] if v.parent is None]
    train(x, new, [samples], labels, TrainOptions(epochs=8, rate=0.02))
    assert accuracy(x, new, [samples], labels) > 0.9
