"""A model all the way to integers: float against onnxruntime, before and after the passes, and the integer network."""

from __future__ import annotations

import numpy as np

from fpgaq.model.executor import run_float
from fpgaq.model.importers.onnx.graph import load_onnx
from fpgaq.model.passes import standard_passes
from fpgaq.pipeline import quantize, run
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.onnx_models import runtime


def samples(proto, count=6, seed=0):
    """Data for each input with an open batch, or one that the batch of the file divides."""
    generator = np.random.default_rng(seed)
    found = {}
    for entry in proto.graph.input:
        dims = [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
        shape = (dims[0] or count, *dims[1:])
        kind = entry.type.tensor_type.elem_type
        if kind in (2, 3):
            found[entry.name] = generator.integers(0, 256 if kind == 2 else 128, shape).astype(
                np.uint8 if kind == 2 else np.int8
            )
        else:
            found[entry.name] = generator.normal(0, 1.5, shape).astype(np.float32)
    return found


def close(actual, expected, tolerance):
    expected = np.asarray(expected, np.float64)
    assert actual.size == expected.size
    scale = max(float(np.abs(expected).max()), 1e-30)
    error = float(np.abs(actual.reshape(expected.shape) - expected).max()) / scale
    assert error <= tolerance, f"{error:.2e} of the largest magnitude"


def carried(proto, *, cut=False, error=0.05, bits=12, float_error=5e-6, data=None):
    """Import, hold against onnxruntime, pass, quantize, run the reference; (passed graph, integers).

    `cut`: the output is an answer that the passes cut off; then only its float form is compared.
    """
    data = data or samples(proto)
    expected = runtime(proto, data)
    graph = load_onnx(proto.SerializeToString())
    given = {name: data[name].astype(np.float32) for name in graph.inputs}
    actual = run_float(graph, given)
    for name in graph.outputs:
        close(actual[name], expected[name], float_error)
    passed = standard_passes(graph)
    if not cut:
        for name, values in run_float(passed, given).items():
            close(values, expected[name], 10 * float_error)
    inputs = {name: data[name] for name in passed.inputs}
    options = QuantizeOptions(weight_bits=bits, activation_bits=bits, method="max", table_bits=12)
    integer = quantize(passed, inputs, options)
    for name, (_, real) in run(integer, inputs, engine="numpy").items():
        if not cut:
            close(real, expected[name], error)
    return passed, integer


__all__ = ["carried", "close", "samples"]
