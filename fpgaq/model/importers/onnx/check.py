"""The imported graph held against onnxruntime, where that is installed."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ....base.errors import ToolError, UnsupportedError, VerificationError
from ...executor import run_float
from ...graph import Affine, Convolution, Deconvolution, Graph, Multiply, Operator, Pointwise, Softmax

TOLERANCE = 2e-6
"""Of the largest output: sums in another order differ by that much."""
DEEP_TOLERANCE = 1e-4
"""The same through dozens of layers. Another meaning of an attribute is far beyond it."""
ROUNDING = 2 * float(np.finfo(np.float32).eps)
"""What a sigmoid may be off whatever its result: inside, it computes with numbers near 1."""
SQUASHING = ("elu", "mish", "selu", "sigmoid", "softplus", "swish", "tanh")
MOST_PRODUCTS = 1 << 31
"""Products and elements of a sample beyond which importing does not run it: about two seconds and a gigabyte."""


def confirmed(data: bytes, graph: Graph) -> Graph:
    """The graph, after one sample through onnxruntime where that is installed.

    A note tells why onnxruntime could not be asked, for it does not take every model.

    Raises
    ------
    VerificationError
        As `check_with_onnxruntime` does, beyond `DEEP_TOLERANCE`.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return graph
    if _effort(graph) > MOST_PRODUCTS:
        return replace(graph, notes=(*graph.notes, "not held against onnxruntime: a sample takes too many products"))
    try:
        check_with_onnxruntime(data, graph, 1, tolerance=DEEP_TOLERANCE)
    except (ToolError, UnsupportedError) as error:
        return replace(graph, notes=(*graph.notes, f"not held against onnxruntime: {error}"))
    return graph


def _effort(graph: Graph) -> int:
    """Products and elements of one sample, about."""
    return sum(math.prod(shape) for shape in graph.shapes.values()) * 16 + sum(
        _products(op, graph) for op in graph.operators
    )


def _products(op: Operator, graph: Graph) -> int:
    if isinstance(op, Affine):
        return op.weight.size
    if isinstance(op, Convolution):
        return op.weight.size * math.prod(graph.shapes[op.output][1:])
    return op.weight.size * math.prod(graph.shapes[op.input][1:]) if isinstance(op, Deconvolution) else 0


def check_with_onnxruntime(
    data: bytes, graph: Graph, samples: int = 2, seed: int = 0, tolerance: float = TOLERANCE
) -> float:
    """Run a model in onnxruntime and its graph in numpy on random data.

    Parameters
    ----------
    data : bytes
        The .onnx file, from a source that one trusts: onnxruntime executes it.
    graph : Graph
        What `load_onnx` made of it.
    samples, seed : int
        Standard normal samples; where the file fixes its batch, that many batches.
    tolerance : float
        The largest deviation that passes, apart from the rounding of what squashes its input.

    Returns
    -------
    float
        The largest deviation as a part of the largest output.

    Raises
    ------
    ToolError
        If onnxruntime is missing or does not run the model.
    VerificationError
        If an output deviates by more than `tolerance`, naming it.
    """
    session = _session(data)
    generator = np.random.default_rng(seed)
    # An input that the graph does not read still wants a value.
    declared = {entry.name: entry.shape for entry in session.get_inputs()}
    kinds = {entry.name: entry.type for entry in session.get_inputs()}
    missing = set(graph.inputs) - set(declared)
    if missing:
        raise UnsupportedError(
            f"input {sorted(missing)[0]!r} has a value in the file; onnxruntime takes none for it:"
            " export without it (keep_initializers_as_inputs=False)"
        )
    worst = 0.0
    for _ in range(samples):
        inputs = {
            name: random_input(generator, kinds[name], [size if isinstance(size, int) else 1 for size in shape])
            for name, shape in declared.items()
        }
        try:
            expected = session.run(list(graph.outputs), inputs)
        except Exception as error:  # onnxruntime's own classes have no common base
            raise ToolError(f"onnxruntime does not run the model ({_one_line(error)})") from None
        read = {name: inputs[name].astype(np.float32) for name in graph.inputs}
        actual, rounding = run_float(graph, read), _rounding(graph, read)
        for name, reference in zip(graph.outputs, expected, strict=True):
            # Indices are integers there.
            real = np.asarray(reference) + np.float32(0)
            worst = max(worst, _deviation(name, actual[name], real, tolerance, rounding[name]))
    return worst


def random_input(generator: np.random.Generator, kind: str, shape: list[int]) -> Any:
    """Standard normal numbers, or whole ones of the range of a pixel, in the type that onnxruntime calls `kind`."""
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
    if kind in types:
        return generator.standard_normal(shape).astype(np.float32).astype(types[kind])
    low = 0 if kind.startswith("tensor(u") else -128
    return generator.integers(low, low + 256, shape).astype(kind[len("tensor(") : -1])


def _rounding(graph: Graph, inputs: Mapping[str, Any]) -> dict[str, float]:
    """For each tensor what its values may be off at any size: `ROUNDING` after an operator that squashes its input.

    A product, such as of an image and its gate, carries that on times its other factor.
    """
    allowed = dict.fromkeys(graph.inputs, 0.0)
    squashing = [
        isinstance(op, Softmax) or (isinstance(op, Pointwise) and op.function in SQUASHING) for op in graph.operators
    ]
    values = run_float(graph, inputs, keep=True) if any(squashing) else {}
    for op, squashes in zip(graph.operators, squashing, strict=True):
        carried = [allowed.get(name, 0.0) for name in op.inputs]
        if isinstance(op, Multiply) and any(carried):
            carried = [
                sum(
                    off * float(np.abs(values[other]).max())
                    for off, other in zip(carried, op.inputs[::-1], strict=True)
                )
            ]
        allowed[op.output] = ROUNDING if squashes else max(carried)
    return allowed


def _session(data: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ToolError("the check needs onnxruntime: pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # One of its fusions takes the zeros of a Pad for padding that never wins in the MaxPool after it (1.23).
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise ToolError(f"onnxruntime does not take the model ({_one_line(error)})") from None


def _deviation(name: str, actual: Any, reference: Any, tolerance: float, rounding: float) -> float:
    if actual.shape == (*reference.shape, 1):
        # One number for each sample is a vector of one here.
        reference = reference[..., np.newaxis]
    if actual.shape != reference.shape:
        raise VerificationError(f"output {name!r} has shape {actual.shape}; onnxruntime computes {reference.shape}")
    finite = np.isfinite(reference)
    deviation = math.inf
    if np.array_equal(finite, np.isfinite(actual)):
        # Logarithms and roots of random numbers are undefined now and then.
        scale = float(np.abs(reference[finite]).max(initial=float(np.finfo(np.float32).tiny)))
        difference = float(np.abs(actual[finite] - reference[finite]).max(initial=0.0))
        deviation = max(0.0, difference - rounding) / scale
    if not deviation <= tolerance:
        raise VerificationError(
            f"output {name!r} deviates from onnxruntime by {deviation:.1e} of its largest value; allowed: {tolerance};"
            " fpgaq reads an operator otherwise: report it with the model"
        )
    return deviation


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
