"""Endings of a model: softmax in every spelling, indices, one number, scikit-learn's layers, outputs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.model.importers import load
from fpgaq.model.passes import standard_passes
from tests.support.onnx_carried import carried
from tests.support.onnx_models import ints, load_model, model, node, real


def ending(nodes, shape=(5,), constants=None, opset=13, outputs=("y",), batch=2):
    """A layer that writes `h` of a shape, then the nodes."""
    constants = dict(constants or {})
    if len(shape) == 1:
        constants["w"], first, data = real(4, *shape), node("MatMul", "x w", "h"), (batch, 4)
    else:
        constants["w"], first, data = real(shape[0], 2, 1, 1), node("Conv", "x w", "h"), (batch, 2, *shape[1:])
    return model([first, *nodes], {"x": data}, list(outputs), constants, opset)


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [9, 11, 13, 17, 22])
@pytest.mark.parametrize(("shape", "axis"), [((5,), 1), ((5,), -1), ((3, 2, 2), 1), ((6, 1, 1), 1)])
def test_softmax_and_its_logarithm_are_cut(kind, opset, shape, axis):
    passed, _ = carried(ending([node(kind, "h", "y", axis=axis)], shape, opset=opset), cut=True)
    assert passed.classifier == (len(shape) == 1 or shape[1:] == (1, 1) or opset < 13)


def summed(name, axis, opset):
    if opset < 13:
        return [node("ReduceSum", "e", name, axes=[axis], keepdims=1)], {}
    return [node("ReduceSum", "e axes", name, keepdims=1)], {"axes": ints(axis)}


def greatest(axis, opset):
    if opset < 18:
        return [node("ReduceMax", "h", "m", axes=[axis], keepdims=1)], {}
    return [node("ReduceMax", "h maxes", "m", keepdims=1)], {"maxes": ints(axis)}


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 20])
@pytest.mark.parametrize("stable", [False, True])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("shape", [(5,), (4, 2, 3)])
def test_softmax_written_by_hand_is_known(opset, stable, log, shape):
    nodes, constants, source = [], {}, "h"
    if stable:
        first, constants = greatest(1, opset)
        nodes, source = [*first, node("Sub", "h m", "z")], "z"
    total, more = summed("s", 1, opset)
    nodes += [node("Exp", source, "e"), *total]
    nodes += [node("Log", "s", "l"), node("Sub", f"{source} l", "y")] if log else [node("Div", "e s", "y")]
    passed, _ = carried(ending(nodes, shape, {**constants, **more}, opset), cut=True)
    assert [type(op).__name__ for op in passed.operators] == ["Affine" if len(shape) == 1 else "Convolution"]


@pytest.mark.parametrize("opset", [13, 18])
@pytest.mark.parametrize("log", ["LogSoftmax", "Log", "ReduceLogSumExp"])
def test_other_spellings_of_the_logarithm_are_known(opset, log):
    constants = {"axes": ints(1)} if opset >= 18 and log == "ReduceLogSumExp" else {}
    total = node("ReduceLogSumExp", "h axes", "s") if opset >= 18 else node("ReduceLogSumExp", "h", "s", axes=[1])
    nodes = {
        "LogSoftmax": [node("LogSoftmax", "h", "y", axis=1)],
        "Log": [node("Softmax", "h", "p", axis=1), node("Log", "p", "y")],
        "ReduceLogSumExp": [total, node("Sub", "h s", "y")],
    }[log]
    carried(ending(nodes, constants=constants, opset=opset), cut=True)


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 22])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize(("shape", "axis"), [((5,), 1), ((5,), -1), ((4, 3, 2), 1), ((4, 1, 1), 1)])
@pytest.mark.parametrize("soft", [False, True])
def test_the_index_of_the_greatest_is_cut_to_logits(opset, keep, shape, axis, soft):
    nodes = (
        [node("Softmax", "h", "p", axis=1)]
        if soft and (opset >= 13 or len(shape) == 1)
        else [node("Identity", "h", "p")]
    )
    proto = ending([*nodes, node("ArgMax", "p", "y", axis=axis, keepdims=keep)], shape, opset=opset)
    passed, integer = carried(proto, cut=True)
    assert passed.outputs == ("y",)
    assert passed.shapes["y"] == shape
    assert any("ArgMax is cut off" in note for note in passed.notes)
    assert integer.classifier == (np.prod(shape) == shape[0])


@pytest.mark.parametrize("opset", [9, 10, 11, 13, 22])
@pytest.mark.parametrize("tail", [[], ["Cast"], ["Squeeze"], ["Cast", "Squeeze"]])
def test_the_greatest_one_of_top_k_is_an_index(opset, tail):
    attributes = {"k": 1} if opset < 10 else {}
    nodes = [node("TopK", "h" if opset < 10 else "h k", "v i", axis=-1, **attributes)]
    constants, name = {} if opset < 10 else {"k": ints(1)}, "i"
    for kind in tail:
        if kind == "Cast":
            nodes.append(node("Cast", name, name + "c", to=6))
        elif opset < 13:
            nodes.append(node("Squeeze", name, name + "s", axes=[1]))
        else:
            constants["a"] = ints(1)
            nodes.append(node("Squeeze", f"{name} a", name + "s"))
        name = nodes[-1].output[0]
    carried(ending(nodes, constants=constants, opset=opset, outputs=(name,)), cut=True)


def test_more_of_top_k_is_refused_with_the_remedy():
    proto = ending([node("TopK", "h k", "v i")], constants={"k": ints(3)}, outputs=("i",))
    with pytest.raises(
        UnsupportedError, match=r"the greatest 3; supported: 1; end the model before it \(--outputs NAME\)"
    ):
        load_model(proto)
    proto = ending([node("TopK", "h k", "v i")], constants={"k": ints(1)}, outputs=("i", "v"))
    with pytest.raises(UnsupportedError, match="its values are read"):
        load_model(proto)


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 22])
@pytest.mark.parametrize("shape", [(1,), (1, 1, 1)])
@pytest.mark.parametrize("tail", ["Squeeze", "Reshape", "Flatten"])
@pytest.mark.parametrize("sigmoid", [False, True])
def test_one_number_is_an_output(opset, shape, tail, sigmoid):
    axes = list(range(1, len(shape) + 1))
    nodes = [node("Sigmoid", "h", "s")] if sigmoid else [node("Identity", "h", "s")]
    constants = {}
    if tail == "Squeeze" and opset < 13:
        nodes.append(node("Squeeze", "s", "y", axes=axes))
    elif tail == "Squeeze":
        nodes.append(node("Squeeze", "s a", "y"))
        constants["a"] = ints(*axes)
    elif tail == "Reshape":
        nodes.append(node("Reshape", "s a", "y"))
        constants["a"] = ints(-1)
    else:
        nodes.append(node("Flatten", "s", "y"))
    carried(ending(nodes, shape, constants, opset))


def learned(kind, outputs=("y",), opset=15, extra=(), constants=None, inputs="x", names=None, **attributes):
    """A model of one of scikit-learn's layers and what follows it."""
    first = onnx.helper.make_node(kind, [inputs], names or ["y"], domain="ai.onnx.ml", **attributes)
    proto = model([first, *extra], {"x": (2, 6)}, list(outputs), constants, opset)
    proto.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    return proto


@pytest.mark.parametrize("opset", [9, 11, 13, 15, 18])
@pytest.mark.parametrize("targets", [1, 2, 5])
def test_linear_regression_is_carried(opset, targets):
    weights = {"coefficients": real(targets * 6).tolist(), "intercepts": real(targets).tolist(), "targets": targets}
    carried(learned("LinearRegressor", opset=opset, **weights))


@pytest.mark.parametrize("opset", [9, 13, 15])
@pytest.mark.parametrize("features", [1, 6])
@pytest.mark.parametrize("behind", [False, True])
def test_scalers_are_carried(opset, features, behind):
    numbers = {"offset": real(features).tolist(), "scale": (np.abs(real(features)) + 0.5).tolist()}
    extra = [node("MatMul", "s w", "y")]
    carried(learned("Scaler", opset=opset, extra=extra, names=["s"], constants={"w": real(6, 3)}, **numbers))


@pytest.mark.parametrize("transform", ["SOFTMAX", "NONE", "LOGISTIC"])
@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 1], [3, 5, 7], ["a", "b"]])
@pytest.mark.parametrize("normal", [False, True])
def test_linear_classification_is_carried(transform, labels, normal):
    words = isinstance(labels[0], str)
    names = {"classlabels_strings" if words else "classlabels_ints": labels}
    weights = {"coefficients": real(len(labels) * 6).tolist(), "intercepts": real(len(labels)).tolist()}
    extra, last = [], "p"
    if normal and transform == "SOFTMAX":
        extra = [onnx.helper.make_node("Normalizer", ["p"], ["q"], domain="ai.onnx.ml", norm="L1")]
        last = "q"
    proto = learned(
        "LinearClassifier",
        ("label", last),
        names=["label", "p"],
        extra=extra,
        post_transform=transform,
        **names,
        **weights,
    )
    for value in proto.graph.output:
        if value.name == "label":
            value.type.tensor_type.elem_type = 8 if words else 7
    passed = standard_passes(load_model(proto))
    assert passed.outputs == (last,)
    assert any("'label' is left out" in note for note in passed.notes)


@pytest.mark.parametrize("labels", [[0, 1, 2], [7, 8, 9]])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("only", [None, "label", "probabilities"])
def test_a_classifier_of_scikit_learn_is_carried(tmp_path, labels, zipped, only):
    """As skl2onnx writes an MLPClassifier, with ZipMap or without."""
    nodes = [
        node("Cast", "x", "c", to=1),
        node("MatMul", "c w", "m"),
        node("Add", "m b", "a"),
        node("Softmax", "a", "s", axis=1),
        node("Identity", "s", "t" if zipped else "probabilities"),
        node("ArgMax", "s", "i", axis=1),
        onnx.helper.make_node("ArrayFeatureExtractor", ["classes", "i"], ["f"], domain="ai.onnx.ml"),
        node("Reshape", "f shape", "r"),
        node("Cast", "r", "label", to=7),
    ]
    if zipped:
        nodes.append(
            onnx.helper.make_node("ZipMap", ["t"], ["probabilities"], domain="ai.onnx.ml", classlabels_int64s=labels)
        )
    constants = {"w": real(6, 3), "b": real(1, 3), "classes": ints(*labels), "shape": ints(-1)}
    proto = model(nodes, {"x": ("n", 6)}, ["label", "probabilities"], constants, 15)
    proto.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    proto.graph.output[0].type.tensor_type.elem_type = 7
    if zipped:
        kind = onnx.helper.make_map_type_proto(7, onnx.helper.make_tensor_type_proto(1, []))
        proto.graph.output[1].type.CopyFrom(onnx.helper.make_sequence_type_proto(kind))
    path = tmp_path / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    if only == "label" and labels[0]:
        with pytest.raises(UnsupportedError, match="one of the labels 7, 8, 9"):
            load(path, outputs=("label",))
        return
    graph = load(path, outputs=(only,) if only else None)
    passed = standard_passes(graph)
    assert len(passed.outputs) == 1
    assert passed.shapes[passed.outputs[0]] == (3,)
    assert not any("not held against" in note for note in graph.notes)


@pytest.mark.parametrize("kind", ["uint8", "int8"])
@pytest.mark.parametrize("opset", [9, 11, 13, 17, 22])
@pytest.mark.parametrize("scaled", ["Div", "Mul", "mean and deviation"])
def test_pixels_are_cast_inside(kind, opset, scaled):
    constants = {"w": real(4, 3, 3, 3), "c": np.float32(255 if scaled == "Div" else 1 / 255)}
    nodes = [node("Cast", "x", "f", to=1), node("Div" if scaled == "Div" else "Mul", "f c", "g")]
    if scaled == "mean and deviation":
        nodes += [node("Sub", "g m", "h"), node("Div", "h d", "i")]
        constants |= {"m": real(1, 3, 1, 1), "d": np.abs(real(1, 3, 1, 1)) + np.float32(0.5)}
    nodes += [node("Conv", f"{nodes[-1].output[0]} w", "y")]
    proto = model(nodes, {"x": (2, 3, 5, 5)}, ["y"], constants, opset)
    proto.graph.input[0].type.tensor_type.elem_type = {"uint8": 2, "int8": 3}[kind]
    carried(proto)


def test_integers_that_are_computed_on_are_refused():
    proto = model([node("Mul", "x c", "y")], {"x": (2, 4)}, ["y"], {"c": np.array(3, np.uint8)})
    proto.graph.input[0].type.tensor_type.elem_type = 2
    with pytest.raises(UnsupportedError, match="computes on integers; cast them to float before it"):
        load_model(proto)


@pytest.mark.parametrize(("kind", "constant", "fits"), [("Mul", 2.0, True), ("Mul", 0.0, False), ("Add", 0.0, True)])
def test_only_what_stays_above_zero_is_normalized(kind, constant, fits):
    nodes = [
        node("Sigmoid", "h", "s"),
        node(kind, "s k", "t"),
        node("LpNormalization", "t", "y", axis=1, p=1),
    ]
    proto = ending(nodes, constants={"k": np.full(1, constant, np.float32)})
    if fits:
        carried(proto, cut=True)
        return
    with pytest.raises(UnsupportedError, match="p is 1; supported: 1, of positive values"):
        load_model(proto)
