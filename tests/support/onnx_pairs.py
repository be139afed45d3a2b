"""One-operator networks that nnabla keeps as .nnp and as .onnx: both readers agree, with each other and onnxruntime.

All inputs of these files have values, or are Constant nodes; what the .nnp reader takes as data is made data in the
ONNX model too.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx.version_converter

from fpgaq.base.errors import UnsupportedError
from fpgaq.model.importers import load
from fpgaq.model.importers.onnx.tensors import to_array
from tests.support.onnx_models import load_model
from tests.support.onnx_models import runtime as current_runtime

PAIRS = 73
AGREE = set(
    [
        "abs",
        "add_no_broadcast",
        "average_pool",
        "batch_norm",
        "clip_max1.0_min-1.0",
        "clip_max1.0_minNone",
        "clip_maxNone_min-1.0",
        "clip_maxNone_minNone",
        "concat",
        "conv",
        "dropout_test",
        "elu",
        "exp",
        "gap",
        "gemm",
        "identity",
        "leaky_relu",
        "log",
        "max",
        "maxpool",
        "maxpool_no_pad",
        "maxpool_p0_0_1_1_s1_k2",
        "maxpool_p0_s2_k2",
        "maxpool_p0_s2_k3",
        "min",
        "mul_no_broadcast",
        "neg",
        "prelu_c1",
        "prelu_c3",
        "reciprocal",
        "reduce_max",
        "reduce_min",
        "relu",
        "reshape",
        "selu",
        "sigmoid",
        "softmax",
        "softplus",
        "sub_no_broadcast",
        "sum",
        "tanh",
    ]
)
"""Read from both files."""

OTHER_WEIGHTS = {"batch_norm", "conv", "gemm"}
"""Whose two files hold other random weights (and batch_norm.nnp no epsilon)."""

OTHER_SIZE = {"maxpool_p0_s2_k3"}
"""Whose two files are of one layer on images of 3 and of 5 pixels."""

ONNX_ALONE = {
    *("matmul", "softsign", "log_softmax", "reduce_mean", "reduce_sum"),
    "pad_mconstant_v0_pl0_0_0_1_0_1",
}
"""nnabla splits these into functions on parameters, quotients and broadcasts, which the .nnp reader does not carry.

Nor does it carry the padding of channels."""

OLD_ALONE = {
    **{f"{kind}_broadcast_axis1": getattr(np, name) for kind, name in
       (("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("div", "divide"))},
    "greater_no_broadcast": np.greater,
    "less_no_broadcast": np.less,
}  # fmt: skip
"""The same, of an opset from which onnx's converter finds no way, hence held against numpy."""

REASONS = {
    "compares or combines truth values, which no dataflow of numbers carries": [
        f"{kind}_{form}" for kind in ("and", "or", "xor") for form in ("broadcast_axis1", "no_broadcast")
    ]
    + ["greater_broadcast_axis1", "less_broadcast_axis1"]
    + [f"equal_{form}_{kind}" for form in ("broadcast_axis1", "no_broadcast") for kind in ("bool", "int")]
    + ["not"],
    "quotients and powers of two tensors": ["div_no_broadcast", "pow_broadcast_axis1", "pow_no_broadcast"],
    "reduces by a product, or normalizes": ["reduce_prod", "lrn_c4_s3"],
    "moves the batch": ["transpose"],
    "dropout in training mode, with its mask": ["dropout"],
}
"""Read from neither file, or not from ONNX."""


def opened(proto, names):
    """The model with these tensors as data, and the values that they had."""
    values = {}
    for name in names:
        for tensor in [tensor for tensor in proto.graph.initializer if tensor.name == name]:
            values[name] = to_array(tensor, name)
            proto.graph.initializer.remove(tensor)
        for constant in [one for one in proto.graph.node if one.op_type == "Constant" and name in one.output]:
            values[name] = to_array(constant.attribute[0].t, name)
            proto.graph.node.remove(constant)
            proto.graph.input.append(onnx.helper.make_tensor_value_info(name, 1, values[name].shape))
    return values


def data_names(proto):
    """The values that an ONNX node of the model uses, where the .nnp reader has none."""
    weights = {"Gemm", "MatMul", "BatchNormalization", "Conv", "PRelu", "Reshape"}
    return [
        name
        for one in proto.graph.node
        for name in (one.input[:1] if one.op_type in weights or "axis" in str(one.attribute) else one.input)
    ]


def both(folder, name):
    """(graph of the .nnp or None, model, its graph or None, values)."""
    proto = onnx.load(folder / f"{name}.onnx", load_external_data=False)
    try:
        nnp = load(folder / f"{name}.nnp")
    except UnsupportedError:
        nnp = None
    except Exception as error:
        assert "no layer reads" in str(error)
        nnp = None
    values = opened(proto, nnp.inputs if nnp else data_names(proto))
    try:
        graph = load_model(proto)
    except UnsupportedError:
        graph = None
    return nnp, proto, graph, values


def runtime(proto, data):
    """onnxruntime on the model lifted to opset 7, the oldest that it carries whole.

    A slope for each channel must then have axes for the space, which the conversion forgets.
    """
    proto = onnx.ModelProto.FromString(proto.SerializeToString())
    for entry in (*proto.graph.input, *proto.graph.initializer):
        if entry.name == "out_data_slope_0":
            dims = entry.dims if hasattr(entry, "dims") else entry.type.tensor_type.shape.dim
            for _ in range(2):
                dims.append(1) if hasattr(entry, "dims") else dims.add(dim_value=1)
    return current_runtime(onnx.version_converter.convert_version(proto, 7), data)


def names_of(folder):
    return sorted(path.stem for path in folder.glob("*.nnp") if path.with_suffix(".onnx").exists())
