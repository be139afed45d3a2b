"""What stands at the end of a model: softmax, the index of the greatest, scikit-learn's layers."""

from __future__ import annotations

import math

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Affine, ArgMax, Identity, Pointwise, ScaleOffset, Softmax
from .builder import Call, Tensor
from .constant_operands import with_constant
from .moves import gathered
from .softmax_parts import emit_normalized, emit_softmax, is_positive


def softmax(call: Call) -> None:
    """Softmax and LogSoftmax; before opset 13 over all axes from `axis` on."""
    call.count(1, 1)
    tensor, log = call.tensor(), call.node.type == "LogSoftmax"
    axis = call.axis(call.attributes.integer("axis", 1 if call.opset < 13 else -1), len(tensor.shape))
    several = call.opset < 13 and math.prod(tensor.shape[axis + 1 :]) != 1
    if several and math.prod(tensor.shape[:axis]) != 1:
        raise UnsupportedError(
            f"{call.where}: over axes {axis + 1} and up of shape {tensor.shape} together; supported: one axis, or"
            " all; export with opset_version=13, where it takes one axis"
        )
    if several:
        flat = call.view(tensor, (math.prod(tensor.shape),))
        call.reshape(call.emit(Softmax, (flat,), flat.shape, -1, axis=0, log=log), tensor.shape)
        return
    if call.opset < 13 and math.prod(tensor.shape[:axis]) != 1 and axis > 0 and tensor.shape[axis] == 1:
        raise UnsupportedError(f"{call.where}: over one element; remove it")
    emit_softmax(call, tensor, axis, log)


def logarithm(call: Call) -> None:
    """Log; of a softmax it is one operator."""
    call.count(1, 1)
    tensor = call.tensor()
    before = next((op for op in call.builder.operators if op.output == tensor.name), None)
    if isinstance(before, Softmax) and not before.log:
        source = Tensor(before.input, tensor.shape)
        call.emit(Softmax, (source,), tensor.shape, axis=before.axis, log=True)
        return
    call.emit(Pointwise, (tensor,), tensor.shape, function="log")


def exponential(call: Call) -> None:
    """Exp; of the logarithm of a softmax it is the softmax."""
    call.count(1, 1)
    call.attributes.skip(*(("consumed_inputs",) if call.opset < 6 else ()))
    tensor = call.tensor()
    before = next((op for op in call.builder.operators if op.output == tensor.name), None)
    if isinstance(before, Softmax) and before.log:
        call.emit(Softmax, (Tensor(before.input, tensor.shape),), tensor.shape, axis=before.axis)
        return
    call.emit(Pointwise, (tensor,), tensor.shape, function="exp")


def arg_max(call: Call) -> None:
    """ArgMax along an axis, or ArgMin: that of the negative values."""
    call.count(1, 1)
    tensor = call.tensor()
    if call.node.type == "ArgMin":
        tensor = call.emit(ScaleOffset, (tensor,), tensor.shape, -1, scale=-1.0, offset=0.0)
    axis = call.axis(call.attributes.integer("axis"), len(tensor.shape))
    keep = call.attributes.flag("keepdims", 1)
    if call.opset >= 12:
        call.attributes.only("select_last_index", 0, 0)
    _index(call, tensor, axis, keep, 0)


def _index(call: Call, tensor: Tensor, axis: int, keep: bool, last: int) -> None:
    """The index of the greatest along an axis as output `last`."""
    shape = tensor.shape
    sides, place = (shape, axis) if len(shape) != 2 else ((shape[0], 1, shape[1]), 2 * axis)
    if len(shape) > 3:
        sides, place = (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])), 1
    reduced = tuple(1 if other == place else size for other, size in enumerate(sides))
    found = call.emit(ArgMax, (call.view(tensor, sides),), reduced, -1, axis=place)
    call.builder.integers.add(call.node.outputs[last])
    call.reshape(found, (*shape[:axis], *((1,) if keep else ()), *shape[axis + 1 :]), last)


def top_k(call: Call) -> None:
    """TopK with k = 1: the greatest and its index."""
    tensor = call.tensor()
    if call.opset < 10:
        call.count(1, 1)
        count = call.attributes.integer("k")
    else:
        call.count(2, 2)
        count = call.integers(1)[0]
    axis = call.axis(call.attributes.integer("axis", -1), len(tensor.shape))
    if call.opset >= 11:
        call.attributes.only("largest", 1, 1)
        call.attributes.flag("sorted", 1)
    outputs = (*call.node.outputs, "")[:2]
    if count != 1 and tensor.shape[axis] != 1:
        raise UnsupportedError(
            f"{call.where}: the greatest {count}; supported: 1; end the model before it (--outputs NAME) and sort on"
            " the host"
        )
    if outputs[0] and outputs[0] in call.builder.read:
        raise UnsupportedError(
            f"{call.where}: its values are read; supported: the index alone (--outputs {outputs[1] or 'NAME'})"
        )
    if outputs[1]:
        _index(call, tensor, axis, True, 1)


def scaler(call: Call) -> None:
    """ai.onnx.ml.Scaler: (x - offset) * scale, for each feature."""
    call.count(1, 1)
    tensor = call.tensor()
    offset, scale = (_vector(call, name, tensor.shape[-1]) for name in ("offset", "scale"))
    if len(tensor.shape) != 1:
        raise UnsupportedError(f"{call.where}: input shape {tensor.shape}; supported: (features,); flatten before it")
    with_constant(call, tensor, 0, scale, -offset * scale)


def imputer(call: Call) -> None:
    """ai.onnx.ml.Imputer: nothing, since integers are never missing."""
    call.count(1, 1)
    tensor = call.tensor()
    replaced = next((proto.f for proto in call.node.attributes if proto.name == "replaced_value_float"), math.nan)
    if not math.isnan(replaced):
        raise UnsupportedError(
            f"{call.where}: replaces {replaced:g}; supported: NaN, which no integer is; replace it on the host and"
            " train without the imputer"
        )
    call.attributes.skip("imputed_value_floats", "replaced_value_float")
    call.note("is left out: an integer is never missing; the host fills in what is")
    call.emit(Identity, (tensor,), tensor.shape, kind="Imputer")


def binarizer(call: Call) -> None:
    """ai.onnx.ml.Binarizer: 1 above the threshold, else 0."""
    call.count(1, 1)
    tensor = call.tensor()
    threshold = call.attributes.real("threshold", 0.0)
    call.emit(Pointwise, (tensor,), tensor.shape, function="above", parameters=(threshold,))


def _vector(call: Call, name: str, count: int) -> np.ndarray:  # type: ignore[type-arg]
    values = np.array(call.attributes.reals(name) or [], np.float32)
    if values.size not in (1, count) or not np.isfinite(values).all():
        raise ModelError(f"{call.where}: {name} has {values.size} numbers for {count} features")
    return np.broadcast_to(values, (count,)).copy() if values.size == 1 and count > 1 else values


def _linear(call: Call, count: int) -> Tensor:
    """The scores of a linear model with `count` rows of coefficients."""
    tensor = call.tensor()
    weights = np.array(call.attributes.reals("coefficients") or [], np.float32)
    bias = np.array(call.attributes.reals("intercepts") or [0.0] * count, np.float32)
    if len(tensor.shape) != 1 or weights.size != count * tensor.shape[0] or bias.size != count or not count:
        raise ModelError(
            f"{call.where}: {weights.size} coefficients and {bias.size} intercepts for an input of shape"
            f" {tensor.shape} and {count} results"
        )
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise ModelError(f"{call.where}: parameters must be finite")
    return call.emit(Affine, (tensor,), (count,), -1, weight=weights.reshape(count, -1), bias=bias)


def linear_regressor(call: Call) -> None:
    """ai.onnx.ml.LinearRegressor."""
    call.count(1, 1)
    call.attributes.only("post_transform", "NONE", "NONE")
    scores = _linear(call, call.attributes.integer("targets", 1))
    call.reshape(scores, scores.shape)


def linear_classifier(call: Call) -> None:
    """ai.onnx.ml.LinearClassifier: the label, and the scores by softmax, by sigmoid or as they are."""
    call.count(1, 1)
    attributes = call.attributes
    labels: list[object] = [
        *(attributes.integers("classlabels_ints") or []),
        *(attributes.strings("classlabels_strings") or []),
    ]
    attributes.skip("multi_class")
    transform = attributes.text("post_transform", "NONE")
    scores = _linear(call, len(labels))
    outputs = (*call.node.outputs, "")[:2]
    if transform not in ("NONE", "SOFTMAX", "LOGISTIC"):
        raise UnsupportedError(
            f"{call.where}: post_transform {transform}; supported: NONE, SOFTMAX, LOGISTIC;"
            " end the model before it (--outputs NAME)"
        )
    if outputs[0]:
        _labelled(call, scores, labels, outputs[0])
    if outputs[1] and transform == "SOFTMAX":
        call.emit(Softmax, (scores,), scores.shape, 1, axis=0)
    elif outputs[1] and transform == "LOGISTIC":
        call.emit(Pointwise, (scores,), scores.shape, 1, function="sigmoid")
    elif outputs[1]:
        call.reshape(scores, scores.shape, 1)


def _labelled(call: Call, scores: Tensor, labels: list[object], name: str) -> None:
    """The label as the index of the greatest, where labels are 0, 1, 2, ..."""
    if labels != list(range(len(labels))):
        call.builder.labels[name] = labels
    _index(call, scores, 0, False, 0)


def normalizer(call: Call) -> None:
    """ai.onnx.ml.Normalizer of what sums up to 1 already."""
    call.count(1, 1)
    tensor, norm = call.tensor(), call.attributes.text("norm", "MAX")
    if norm == "L1" and len(tensor.shape) == 1 and is_positive(call.builder, call.node.inputs[0]):
        emit_normalized(call, tensor, 0)
        return
    raise UnsupportedError(
        f"{call.where}: norm {norm} of what is no probability; supported: L1 of positive values; end the model"
        f" before it (--outputs {call.node.inputs[0]}): the order of the classes is the same"
    )


def lp_normalization(call: Call) -> None:
    """LpNormalization of what is positive, to the sum of one."""
    call.count(1, 1)
    tensor = call.tensor()
    axis = call.axis(call.attributes.integer("axis", -1), len(tensor.shape))
    power = call.attributes.integer("p", 2)
    if power != 1 or not is_positive(call.builder, call.node.inputs[0]):
        raise UnsupportedError(
            f"{call.where}: p is {power}; supported: 1, of positive values; end the model before it (--outputs"
            f" {call.node.inputs[0]}) and normalize on the host"
        )
    emit_normalized(call, tensor, axis)


def extract_features(call: Call) -> None:
    """ai.onnx.ml.ArrayFeatureExtractor: the label at a computed index, or constant columns."""
    call.count(2, 2)
    if not call.is_constant(0):
        tensor, indices = call.tensor(), call.constant(1).reshape(-1)
        places = [int(place) for place in indices]
        if not places or min(places) < 0 or max(places) >= tensor.shape[-1]:
            raise ModelError(f"{call.where}: indices {places[:8]} of {tensor.shape[-1]} columns")
        found = gathered(call, tensor, len(tensor.shape) - 1, places)
        call.reshape(found, found.shape)
        return
    tensor, labels = call.tensor(1), call.constant(0).reshape(-1).tolist()
    if call.node.inputs[1] not in call.builder.integers:
        raise UnsupportedError(
            f"{call.where}: at an index that is no ArgMax; supported: the label of the"
            " greatest; end the model before it (--outputs NAME)"
        )
    name = call.node.outputs[0]
    if labels != list(range(len(labels))):
        call.builder.labels[name] = labels
    call.reshape(tensor, tensor.shape)
