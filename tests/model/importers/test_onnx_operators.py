from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgaq.base.errors import FpgaqError, ModelError, UnsupportedError
from fpgaq.model import graph as fg
from fpgaq.model.importers.onnx.operators import CONVERTERS
from tests.support.onnx_models import compare, ints, load_model, model, node, one, real

ACTIVATIONS = {
    "Abs": {},
    "Elu": {"alpha": 1.5},
    "Exp": {},
    "HardSigmoid": {"alpha": 0.25, "beta": 0.4},
    "HardSwish": {},
    "LeakyRelu": {"alpha": 0.2},
    "Mish": {},
    "Neg": {},
    "Reciprocal": {},
    "Relu": {},
    "Selu": {"alpha": 1.5, "gamma": 1.1},
    "Sigmoid": {},
    "Softplus": {},
    "Softsign": {},
    "Tanh": {},
}


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (2, 3, 5), (2, 7)])
@pytest.mark.parametrize("explicit", [True, False])
def test_activations_agree(kind, shape, explicit):
    opset = {"HardSwish": 14, "Mish": 18}.get(kind, 13)
    compare(one(kind, shape, opset=opset, **(ACTIVATIONS[kind] if explicit else {})))


@pytest.mark.parametrize("form", ["none", "tanh"])
def test_gelu_agrees(form):
    compare(one("Gelu", opset=20, approximate=form))


def test_logarithm_and_root_agree_on_positive_data():
    data = {"x": np.abs(real(2, 4, 6, 5)) + 0.1}
    compare(one("Log"), data=data)
    compare(one("Sqrt"), data=data)


@pytest.mark.parametrize("limits", [(-0.5, 0.75), (None, 0.5), (-0.5, None), (0.0, None), (0.0, 6.0), (None, None)])
def test_clips_agree_in_both_forms(limits):
    names = dict(zip(("min", "max"), limits, strict=True))
    compare(one("Clip", opset=6, **{name: limit for name, limit in names.items() if limit is not None}))
    compare(one("Clip", constants=[None if limit is None else np.float32(limit) for limit in limits]))


@pytest.mark.parametrize("kind", ["Max", "Min"])
def test_limits_by_one_number_agree(kind):
    compare(one(kind, constants=[np.float32(0.25)]))


@pytest.mark.parametrize("kind", ["Max", "Min"])
def test_extremes_of_two_tensors_agree(kind):
    compare(model(node(kind, "a b"), {"a": (2, 3, 4, 4), "b": (2, 3, 4, 4)}))


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5])
def test_powers_agree(exponent):
    compare(one("Pow", constants=[np.float32(exponent)]), data={"x": np.abs(real(2, 4, 6, 5))})


@pytest.mark.parametrize("slope", [(1,), (4, 1, 1), (1, 4, 1, 1)])
def test_prelu_agrees(slope):
    assert compare(one("PRelu", constants=[real(*slope)])).operators[0].slope.shape == (max(slope),)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("constant", [(), (1,), (4, 1, 1), (1, 4, 1, 1), (1, 1, 1, 1)])
def test_arithmetic_with_constants_agrees(kind, constant):
    array = np.abs(real(*constant)) + np.float32(0.5)
    graph = compare(one(kind, constants=[array]))
    assert type(graph.operators[0]) is (fg.BatchNormalization if array.size > 1 else fg.ScaleOffset)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("constant", [(), (4, 1, 1)])
def test_arithmetic_with_a_constant_in_front_agrees(kind, constant):
    compare(model(node(kind, "c x"), {"x": (2, 4, 6, 5)}, constants={"c": real(*constant)}))


def test_one_divided_by_a_tensor_agrees():
    proto = model(node("Div", "c x"), {"x": (2, 5)}, constants={"c": np.float32(1.5)})
    compare(proto, data={"x": np.abs(real(2, 5)) + 0.5})


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize(
    "shapes", [((2, 3, 4, 4), (2, 3, 4, 4)), ((2, 3, 1, 1), (2, 3, 4, 5)), ((2, 3, 6), (2, 3, 1)), ((2, 7), (2, 7))]
)
def test_arithmetic_of_tensors_agrees(kind, shapes):
    compare(model(node(kind, "a b"), {"a": shapes[0], "b": shapes[1]}))


def test_a_tensor_with_itself_and_a_sum_of_three_agree():
    compare(model(node("Mul", "x x"), {"x": (2, 3, 4)}))
    compare(model(node("Sum", "a b a"), {"a": (2, 3, 4, 4), "b": (2, 3, 4, 4)}))


@pytest.mark.parametrize("opset", [7, 9, 13, 14, 15])
@pytest.mark.parametrize("shape", [(2, 4, 6, 5), (2, 4, 6), (2, 4)])
def test_batch_normalization_agrees(opset, shape):
    constants = [real(4), real(4), real(4), np.abs(real(4)) + np.float32(0.1)]
    compare(one("BatchNormalization", shape, constants, opset, epsilon=1e-3, momentum=0.5))


@pytest.mark.parametrize("bias", [None, (), (3,), (1, 3), (1,)])
@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm_agrees(bias, transposed):
    weight = real(3, 5) if transposed else real(5, 3)
    constants = [weight] if bias is None else [weight, real(*bias)]
    compare(one("Gemm", (2, 5), constants, transB=transposed, alpha=0.5, beta=2.0))


def test_matrix_product_and_flatten_agree():
    nodes = [node("Flatten", "x", "f"), node("MatMul", "f w", "m"), node("Add", "m b")]
    compare(model(nodes, {"x": (2, 3, 2, 2)}, constants={"w": real(12, 5), "b": real(5)}))


@pytest.mark.parametrize(
    ("opset", "shape", "axis"),
    [
        (9, (2, 5), 1),
        (11, (2, 5), -1),
        (11, (2, 5, 1, 1), 1),
        (13, (2, 5), -1),
        (13, (2, 3, 4, 5), 1),
        (13, (2, 3, 4), 2),
    ],
)
def test_softmax_agrees(opset, shape, axis):
    compare(one("Softmax", shape, opset=opset, axis=axis))


def test_an_old_softmax_over_some_of_several_axes_is_refused():
    compare(one("Softmax", (2, 3, 4, 5), opset=11, axis=1))
    with pytest.raises(UnsupportedError, match="together"):
        load_model(one("Softmax", (2, 3, 4, 5), opset=11, axis=2))


@pytest.mark.parametrize("shape", [(0, -1), (2, 120), (-1, 120), (2, 8, 15), (0, 0, 30), (2, 2, 2, 6, 5)])
def test_reshapes_agree(shape):
    compare(one("Reshape", constants=[ints(*shape)]))


def test_a_reshape_whose_shape_is_computed_agrees():
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 minus", "target", axis=0),
        node("Reshape", "x target"),
    ]
    constants = {"zero": np.int64(0), "axes": ints(0), "minus": ints(-1)}
    compare(model(nodes, {"x": (2, 3, 4, 5)}, constants=constants))
    graph = load_model(model(nodes, {"x": ("batch", 3, 4, 5)}, constants=constants))
    assert graph.shapes["y"] == (60,)


@pytest.mark.parametrize(("shape", "order"), [((2, 3, 4, 5), (0, 2, 3, 1)), ((2, 3, 4), (0, 2, 1)), ((2, 3), (0, 1))])
def test_transposes_agree(shape, order):
    compare(one("Transpose", shape, perm=order))


def test_squeeze_and_unsqueeze_agree_in_both_forms():
    compare(one("Squeeze", (2, 3, 1, 1), opset=11, axes=[2, 3]))
    compare(one("Squeeze", (2, 3, 1, 1), [ints(-1, 2)]))
    compare(one("Unsqueeze", (2, 3), opset=11, axes=[2, 3]))
    compare(one("Unsqueeze", (2, 3), [ints(-1)]))


@pytest.mark.parametrize(("shape", "other"), [((2, 3, 4, 5), (2, 1, 4, 5)), ((2, 3, 4), (2, 2, 4)), ((2, 3), (2, 5))])
def test_concatenation_of_channels_agrees(shape, other):
    compare(model(node("Concat", "a b a", axis=1), {"a": shape, "b": other}))


def test_slices_agree_in_both_forms():
    compare(one("Slice", opset=9, starts=[1, -3], ends=[3, 2**31 - 1], axes=[1, 2]))
    compare(one("Slice", constants=[ints(0, 1), ints(2, 2**62), ints(1, -1)]))
    compare(one("Slice", (2, 4, 9), [ints(2), ints(-2), ints(2), ints(1)]))


def test_splits_agree():
    for proto in (
        model(node("Split", "x", "a b", axis=1), {"x": (2, 4, 5, 5)}, ["a", "b"]),
        model(node("Split", "x", "a b", axis=2, split=[1, 4]), {"x": (2, 4, 5, 5)}, ["b"], opset=11),
        model(node("Split", "x s", "a b c", axis=1), {"x": (2, 6)}, ["a", "c"], {"s": ints(1, 2, 3)}),
        model(node("Split", "x", "a b", axis=-1, num_outputs=2), {"x": (2, 4, 5)}, ["a", "b"], opset=18),
    ):
        compare(proto)


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
@pytest.mark.parametrize(("shape", "pads"), [((2, 3, 4, 5), (0, 0, 1, 2, 0, 0, 3, 0)), ((2, 3, 5), (0, 0, 1, 0, 0, 2))])
def test_pads_agree_in_both_forms(mode, shape, pads):
    compare(one("Pad", shape, opset=10, mode=mode, pads=pads))
    constants = [ints(*pads), np.float32(1.5)] if mode == "constant" else [ints(*pads)]
    compare(one("Pad", shape, constants, mode=mode))


def test_pads_of_named_axes_agree():
    compare(one("Pad", constants=[ints(1, 2, 0, 1), None, ints(-1, 2)], opset=18))


@pytest.mark.parametrize("factor", [(2, 2), (1, 3), (4, 5)])
def test_upsampling_agrees(factor):
    scales = np.array([1, 1, *factor], np.float32)
    compare(one("Upsample", opset=8, scales=list(scales), mode="nearest"))
    compare(one("Upsample", constants=[scales], opset=9, mode="nearest"))
    compare(one("Resize", constants=[scales], opset=10, mode="nearest"))
    compare(one("Resize", constants=[None, scales], mode="nearest"))
    sizes = ints(2, 4, 6 * factor[0], 5 * factor[1])
    compare(one("Resize", constants=[None, None, sizes], mode="nearest"))


MODES = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "tf_half_pixel_for_nn"]


@pytest.mark.parametrize("coordinates", MODES)
@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize("factor", [2, 3])
def test_each_resize_mode_agrees(coordinates, rounding, factor):
    scales = np.array([1, 1, factor, factor], np.float32)
    attributes = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    proto = one("Resize", (1, 2, 3, 4), [None, scales], mode="nearest", **attributes)
    compare(proto)


def test_dropout_identity_and_cast_are_at_rest():
    nodes = [node("Dropout", "x r t", "d"), node("Identity", "d", "i"), node("Cast", "i", to=1)]
    constants = {"r": np.float32(0.4), "t": np.bool_(False)}
    graph = compare(model(nodes, {"x": (2, 3)}, constants=constants))
    assert {type(op) for op in graph.operators} == {fg.Identity}


REFUSED = {
    "Conv with computed weights": (model(node("Conv", "x w"), {"x": (1, 1, 4, 4), "w": (1, 1, 2, 2)}), "is computed"),
    "kernel too large": (one("Conv", (1, 4, 2, 2), [real(3, 4, 3, 3)]), "larger than the padded input"),
    "stride 0": (one("Conv", constants=[real(3, 4, 3, 3)], strides=[0, 1]), "at least 1"),
    "negative pads": (one("Conv", constants=[real(3, 4, 3, 3)], pads=[-1, 0, 0, 0]), "pads is"),
    "groups": (one("Conv", constants=[real(3, 2, 3, 3)], group=2), "do not fit"),
    "kernel_shape": (one("Conv", constants=[real(3, 4, 3, 3)], kernel_shape=[3, 2]), "the weights have"),
    "3-D": (one("Conv", (1, 2, 3, 3, 3), [real(2, 2, 1, 1, 1)]), "supported: .channels, length"),
    "auto_pad and pads": (
        one("Conv", constants=[real(3, 4, 3, 3)], auto_pad="SAME_UPPER", pads=[1, 1, 1, 1]),
        "both auto_pad",
    ),
    "mean with dilations": (
        one("AveragePool", kernel_shape=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1], opset=19),
        "padding that does not count",
    ),
    "empty window": (one("MaxPool", kernel_shape=[2, 2], pads=[2, 0, 0, 0]), "wholly in the padding"),
    "indices": (model(node("MaxPool", "x", "y i", kernel_shape=[2, 2]), {"x": (1, 1, 4, 4)}), "writes 2 outputs"),
    "mean over the batch": (one("ReduceMean", axes=[0, 2]), "is the batch"),
    "cubic resize": (one("Resize", constants=[None, np.float32([1, 1, 2, 2])], mode="cubic"), "mode 'cubic'"),
    "resized channels": (one("Resize", constants=[None, np.float32([1, 2, 1, 1])]), "factors of the spatial axes"),
    "resize to nothing": (one("Resize", constants=[None, np.float32([1, 1, 0.1, 1])]), "supported: 1 to"),
    "constant per sample": (one("Add", constants=[real(2, 1, 1, 1)]), "samples of a batch"),
    "constant of another size": (one("Add", (1, 3, 3, 3), [real(4, 1, 1)]), "does not broadcast"),
    "nan": (one("Mul", constants=[np.float32([np.nan])]), "c0'.0., is nan"),
    "infinite weight": (one("Conv", constants=[np.full((1, 4, 1, 1), np.inf, np.float32)]), "is inf"),
    "tensor by tensor": (model(node("Div", "a b"), {"a": (1, 2), "b": (1, 2)}), "divides by a computed tensor"),
    "division by zero": (one("Div", constants=[np.float32(0)]), "divides by zero"),
    "unequal shapes": (model(node("Add", "a b"), {"a": (1, 2, 3, 3), "b": (1, 2, 3, 2)}), "do not broadcast"),
    "unequal axes": (model(node("Add", "a b"), {"a": (1, 2, 3, 3), "b": (1, 3, 3)}), "equally many axes"),
    "integers": (one("Gemm", (1, 4), [np.ones((4, 2), np.int64)]), "supported: real numbers"),
    "transA": (one("Gemm", (4, 4), [real(4, 2)], transA=1), "transA is 1"),
    "matrices": (model(node("MatMul", "a b"), {"a": (1, 2, 4), "b": (1, 4, 2)}), "two computed tensors"),
    "mixed samples": (model(node("MatMul", "w x"), {"x": (4, 1)}, constants={"w": real(2, 4)}), "mixes the samples"),
    "training": (
        model(node("Dropout", "x r t"), {"x": (1, 2)}, constants={"r": np.float32(0.1), "t": np.bool_(True)}),
        "training_mode is true",
    ),
    "transposed batch": (one("Transpose", perm=[1, 0, 2, 3]), "no batch in front"),
    "reshaped batch": (one("Reshape", constants=[ints(-1, 60)]), "moves the batch axis"),
    "reshape product": (one("Reshape", constants=[ints(2, 7)]), "element counts differ"),
    "two -1": (one("Reshape", constants=[ints(-1, -1)]), "-1 stands once"),
    "dim -3": (one("Reshape", constants=[ints(2, -3)]), "sizes are at least 1"),
    "huge dims": (one("Reshape", constants=[ints(2, 2**62, 4)]), "element counts differ"),
    "flattened batch": (one("Flatten", axis=2), "moves the batch"),
    "sliced batch": (one("Slice", opset=9, starts=[0], ends=[1], axes=[0]), "cuts the batch"),
    "slice of nothing": (one("Slice", opset=9, starts=[3], ends=[3], axes=[1]), "leave nothing"),
    "steps": (one("Slice", constants=[ints(0), ints(4), ints(1), ints(0)]), "none is 0"),
    "unequal rows": (model(node("Concat", "a b", axis=2), {"a": (1, 2, 3, 3), "b": (1, 2, 3, 4)}), "axis 2"),
    "padded batch": (one("Pad", opset=10, pads=[1, 0, 0, 0, 0, 0, 0, 0]), "pad the batch"),
    "wrap": (one("Pad", constants=[ints(0, 0, 1, 0, 0, 0, 0, 0)], opset=19, mode="wrap"), "mode 'wrap'"),
    "reflect too much": (one("Pad", opset=10, mode="reflect", pads=[0, 0, 6, 0, 0, 0, 0, 0]), "reflects"),
    "split sizes": (model(node("Split", "x", "a b", axis=1, split=[1, 1]), {"x": (1, 4)}, opset=11), "sizes"),
    "huge output": (one("ConvTranspose", constants=[real(4, 1, 1, 1)], strides=[2**20, 2**20]), "elements at most"),
    "clip upside down": (one("Clip", constants=[np.float32(1), np.float32(0)]), "minimum is above"),
    "computed limit": (model(node("Clip", "x m"), {"x": (1, 2), "m": (1, 1)}), "is computed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_carried_is_refused_in_one_line(case):
    proto, words = REFUSED[case]
    with pytest.raises((ModelError, UnsupportedError), match=words) as caught:
        load_model(proto)
    assert "\n" not in str(caught.value)
    assert "layer '" in str(caught.value)


def test_every_attribute_is_consumed_or_refused_by_name():
    cases = {kind: one(kind, opset={"HardSwish": 14, "Mish": 18}.get(kind, 13)) for kind in ACTIVATIONS}
    cases |= {
        "Conv": one("Conv", constants=[real(1, 4, 1, 1)]),
        "ConvTranspose": one("ConvTranspose", constants=[real(4, 1, 1, 1)]),
        "MaxPool": one("MaxPool", kernel_shape=[2, 2]),
        "AveragePool": one("AveragePool", kernel_shape=[2, 2]),
        "Gemm": one("Gemm", (1, 4), [real(4, 2)]),
        "MatMul": one("MatMul", (1, 4), [real(4, 2)]),
        "Reshape": one("Reshape", constants=[ints(0, -1)]),
        "BatchNormalization": one("BatchNormalization", constants=[real(4), real(4), real(4), np.ones(4, np.float32)]),
        "Resize": one("Resize", constants=[None, np.float32([1, 1, 2, 2])], mode="nearest"),
        "Concat": model(node("Concat", "x x", axis=1), {"x": (1, 2)}),
        "Pad": one("Pad", constants=[ints(0, 0, 1, 0, 0, 0, 0, 0)]),
    }
    assert set(cases) <= set(CONVERTERS)
    for kind, proto in cases.items():
        load_model(proto)
        proto.graph.node[0].attribute.append(onnx.helper.make_attribute("surprise", 3))
        with pytest.raises(FpgaqError, match="attribute 'surprise' is not supported") as caught:
            load_model(proto)
        assert kind in str(caught.value)
