"""ONNX layers without windows: matrix products, batch normalization, softmax, and what is at rest at inference."""

from __future__ import annotations

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Add, Affine, Array, AveragePooling, BatchNormalization, Identity, Multiply, ScaleOffset
from .arithmetic import broadcast
from .builder import Call, Tensor
from .constant_operands import per_channel
from .moves import picked
from .pools import reduced_along
from .softmax_parts import is_positive
from .tensors import INTEGER_TYPES, REAL_TYPES, type_name

EVALUATE = "call model.eval() before exporting (Keras: training=False)"


def batch_normalization(call: Call) -> None:
    """BatchNormalization at inference."""
    call.count(5, 5)
    attributes, tensor = call.attributes, call.tensor()
    if any(call.node.outputs[1:]):
        raise UnsupportedError(f"{call.where}: writes statistics, as in training; {EVALUATE}")
    attributes.skip("momentum", *(("consumed_inputs",) if call.opset < 6 else ()))
    epsilon = attributes.real("epsilon", 1e-5)
    if call.opset < 9:
        attributes.only("spatial", 1, 1)
    if call.opset < 7:
        attributes.only("is_test", 1, 0)
    if call.opset >= 14 and attributes.flag("training_mode"):
        raise UnsupportedError(f"{call.where}: training_mode is 1; {EVALUATE}")
    scale, offset, mean, variance = (call.parameter(index) for index in range(1, 5))
    for array in (scale, offset, mean, variance):
        if array.shape != tensor.shape[:1]:
            raise ModelError(f"{call.where}: parameters of shape {array.shape}; expected {tensor.shape[:1]}")
    call.emit(
        BatchNormalization,
        (tensor,),
        tensor.shape,
        mean=mean,
        variance=variance,
        scale=scale,
        offset=offset,
        epsilon=float(np.float32(epsilon)),
    )


def gemm(call: Call) -> None:
    """Gemm with constant weights."""
    call.count(2, 3)
    attributes, weight = call.attributes, call.parameter(1)
    turned = attributes.flag("transA")
    if call.stacked and not turned:
        raise UnsupportedError(
            f"{call.where}: mixes the samples of a batch; supported: the batch in front; leave it so"
        )
    tensor, call.stacked = _turned_back(call) if turned else call.tensor(), False
    merged = tensor.name in call.builder.merged
    if len(tensor.shape) != 1 and not merged:
        raise UnsupportedError(f"{call.where}: input shape {tensor.shape}; supported: (features,); put Flatten before")
    if weight.ndim != 2:
        raise ModelError(f"{call.where}: weights of shape {weight.shape}; expected two axes")
    weight = weight if attributes.flag("transB") else weight.T
    alpha, beta = np.float32(attributes.real("alpha", 1.0)), np.float32(attributes.real("beta", 1.0))
    if call.opset < 7:
        attributes.skip("broadcast")
    bias = None
    if call.has(2) and not call.is_constant(2) and not merged:
        product = call.emit(
            Affine, (tensor,), (len(weight),), -1, weight=np.ascontiguousarray(weight * alpha), bias=None
        )
        other = call.tensor(2)
        if beta != 1:
            other = call.emit(ScaleOffset, (other,), other.shape, -1, scale=float(beta), offset=0.0)
        both = broadcast(call, product, other)
        call.emit(Add, both, both[0].shape, signs=(1, 1))
        return
    if call.has(2):
        vector = per_channel(call, 2, call.parameter(2), weight.shape[:1])
        bias = np.ascontiguousarray(np.broadcast_to(vector * beta, weight.shape[:1]))
    if merged and weight.shape[1] == tensor.shape[1]:
        result = picked(call, tensor, 1, weight * alpha, bias)
        call.reshape(result, result.shape)
        return
    _affine(call, tensor, weight * alpha, bias)


def matrix_product(call: Call) -> None:
    """MatMul with constant weights, on either side: along the last axis, or the one before it."""
    call.count(2, 2)
    left = call.is_constant(0)
    if not left and not call.is_constant(1):
        # Why one of them is not computed comes first.
        rows, columns = call.tensor(0), call.tensor(1)
        if len(rows.shape) == 2 and rows.shape == columns.shape[::-1] and rows.shape[0] == 1:
            # One row by one column is the dot product of two vectors.
            product = call.emit(Multiply, (rows, call.view(columns, rows.shape)), rows.shape, -1)
            total = reduced_along(call, product, {1}, AveragePooling, sum_only=True)
            call.reshape(total, (1, 1))
            return
        raise UnsupportedError(
            f"{call.where}: of two computed tensors, as in attention; supported: constant weights; use convolutions"
        )
    tensor, weight = call.tensor(1 if left else 0), call.parameter(0 if left else 1)
    while weight.ndim > 2 and weight.shape[0] == 1:
        weight = weight[0]
    if weight.ndim == 1 and not left and len(weight) == (tensor.shape or (0,))[-1]:
        # A vector takes the last axis away.
        result = picked(call, tensor, len(tensor.shape) - 1, weight[None])
        call.reshape(result, tensor.shape[:-1])
        return
    if weight.ndim != 2:
        raise UnsupportedError(
            f"{call.where}: weights of shape {weight.shape}; supported: (features, outputs);"
            " multiply with one matrix (no batch of matrices)"
        )
    matrix = weight if left else weight.T
    if left and len(tensor.shape) < 2:
        raise UnsupportedError(
            f"{call.where}: weights times (batch, *{tensor.shape}) mixes the samples of a batch; give the input a batch"
            " axis in front, or multiply from the right (x @ W.T)"
        )
    if len(tensor.shape) == 1:
        _affine(call, tensor, matrix, None)
        return
    axis = len(tensor.shape) - (2 if left else 1)
    if matrix.shape[1] != tensor.shape[axis]:
        raise ModelError(f"{call.where}: weights for {matrix.shape[1]} features; the input has {tensor.shape[axis]}")
    result = picked(call, tensor, axis, matrix)
    call.reshape(result, result.shape)


def _turned_back(call: Call) -> Tensor:
    """What a Transpose in front of a transposed input was made of."""
    node = call.writer(0, "Transpose")
    perm = next((list(proto.ints) for proto in node.attributes if proto.name == "perm"), [1, 0]) if node else []
    if node is None or perm != [1, 0] or node.inputs[0] not in call.builder.tensors:
        raise UnsupportedError(f"{call.where}: transA is 1, which moves the batch; supported: 0; leave the batch first")
    return call.builder.tensors[node.inputs[0]]


def _affine(call: Call, tensor: Tensor, weight: Array, bias: Array | None) -> None:
    if weight.shape[1] != tensor.shape[0]:
        raise ModelError(f"{call.where}: weights for {weight.shape[1]} features; the input has {tensor.shape[0]}")
    call.emit(Affine, (tensor,), (weight.shape[0],), weight=np.ascontiguousarray(weight), bias=bias)


def dropout(call: Call) -> None:
    """Dropout at inference."""
    attributes = call.attributes
    attributes.skip("ratio", "seed", *(("consumed_inputs",) if call.opset < 6 else ()))
    if call.opset < 7:
        call.count(1, 1)
        attributes.only("is_test", 1, 0)
    else:
        call.count(1, 3 if call.opset >= 12 else 1)
        if call.has(2) and call.constant(2).any():
            raise UnsupportedError(f"{call.where}: training_mode is true; {EVALUATE}")
    if any(call.node.outputs[1:]) and _is_read(call, call.node.outputs[1:]):
        raise UnsupportedError(f"{call.where}: its mask is read, as in training; {EVALUATE}")
    tensor = call.tensor()
    call.emit(Identity, (tensor,), tensor.shape, kind="Dropout")


def _is_read(call: Call, names: tuple[str, ...]) -> bool:
    """Whether a node or an output of the network reads one of the names."""
    return any(name in call.builder.read for name in names)


def identity(call: Call) -> None:
    """Identity."""
    call.count(1, 1)
    tensor = call.tensor()
    call.emit(Identity, (tensor,), tensor.shape, kind="Identity")


def cast(call: Call) -> None:
    """Cast between real types, which are float32 here anyway, and of whole numbers."""
    call.attributes.skip("saturate", "round_mode")
    kind, source, builder = call.attributes.integer("to"), call.node.inputs[0], call.builder
    # Why it is not computed comes first.
    call.tensor()
    if kind in INTEGER_TYPES and source in builder.integers | builder.whole:
        builder.integers.add(call.node.outputs[0])
    elif type_name(kind) == "bool" and is_positive(builder, source):
        builder.constants[call.node.outputs[0]] = np.ones((1,) * (len(call.tensor().shape) + 1), np.bool_)
        return
    elif kind in REAL_TYPES and source in builder.integers:
        builder.whole.add(call.node.outputs[0])
    elif kind not in REAL_TYPES:
        raise UnsupportedError(
            f"{call.where}: to {type_name(kind)}; supported: between real types; end the model"
            " before it (--outputs NAME)"
        )
    identity(call)
