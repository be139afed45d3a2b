"""Small ONNX models made with onnx.helper, and what onnxruntime computes with them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgaq.model.executor import run_float
from fpgaq.model.importers.onnx.graph import load_onnx

# The largest deviation, as a part of the largest output magnitude: sums in another order.
TOLERANCE = 2e-6


def node(kind, inputs, outputs=("y",), **attributes):
    """One node; `inputs` and `outputs` are names, separated by blanks in a string."""
    inputs = inputs.split(" ") if isinstance(inputs, str) else list(inputs)
    outputs = outputs.split(" ") if isinstance(outputs, str) else list(outputs)
    return onnx.helper.make_node(kind, inputs, outputs, **attributes)


def value(name, shape, kind=1):
    return onnx.helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs=None, constants=None, opset=13, ir_version=8):
    """A ModelProto; `inputs` maps names to shapes with the batch, `outputs` is a list of names."""
    nodes = nodes if isinstance(nodes, list) else [nodes]
    outputs = outputs or [nodes[-1].output[0]]
    graph = onnx.helper.make_graph(
        nodes,
        "network",
        [value(name, shape) for name, shape in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=ir_version)


def load_model(proto):
    return load_onnx(proto.SerializeToString())


def runtime(proto, data):
    """The results of onnxruntime, by output name."""
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is the yardstick of this test")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # One of its fusions takes the zeros of a Pad for padding that never wins in the MaxPool after it (1.23).
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, data), strict=True))


def compare(proto, seed=0, data=None):
    """Import, run on random data, hold against onnxruntime; returns the graph."""
    graph = load_model(proto)
    generator = np.random.default_rng(seed)
    if data is None:
        shapes = {
            entry.name: [dim.dim_value or 3 for dim in entry.type.tensor_type.shape.dim] for entry in proto.graph.input
        }
        data = {name: generator.normal(0, 2, shapes[name]).astype(np.float32) for name in graph.inputs}
    expected = runtime(proto, data)
    actual = run_float(graph, data)
    for name in graph.outputs:
        assert actual[name].shape == expected[name].shape, name
        scale = max(float(np.abs(expected[name]).max()), 1e-30)
        error = float(np.abs(actual[name] - expected[name]).max()) / scale
        assert error <= TOLERANCE, f"{name}: {error:.2e} of the largest magnitude"
    return graph


RANDOM = np.random.default_rng(5)


def real(*shape):
    return RANDOM.normal(0, 1, shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def one(kind, shape=(2, 4, 6, 5), constants=(), opset=13, **attributes):
    """A network of one node on `x`, its other inputs constants."""
    names = {f"c{index}": array for index, array in enumerate(constants) if array is not None}
    inputs = ["x", *(f"c{index}" if array is not None else "" for index, array in enumerate(constants))]
    return model(node(kind, inputs, **attributes), {"x": shape}, constants=names, opset=opset)
