"""An imported integer network held against LiteRT's reference kernels, where `ai-edge-litert` is installed."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ToolError, VerificationError
from ...integer.graph import IntegerArray, IntegerGraph
from ...integer.host_functions import model_outputs
from ...integer.inputs import transform_data
from ...integer.reached import reached_results
from ...integer.reference import run

SAMPLES = 4
MOST_ELEMENTS = 1 << 24
"""Elements of all tensors of a sample beyond which importing does not run it."""


def confirm(data: bytes, graph: IntegerGraph) -> str:
    """A line that tells how the network compares with LiteRT, or why it was not held against it.

    Raises
    ------
    VerificationError
        As `compare_with_litert` does.
    """
    if importlib.util.find_spec("ai_edge_litert") is None:
        return "not held against LiteRT, which is not installed (package ai-edge-litert)"
    if sum(tensor.size for tensor in graph.tensors.values()) > MOST_ELEMENTS:
        return "not held against LiteRT: a sample has too many elements"
    try:
        samples = random_samples(graph, SAMPLES)
        elements = compare_with_litert(data, graph, samples)
    except ToolError as error:
        return f"not held against LiteRT: {error}"
    reached = reached_results(graph, run(graph, transform_data(graph, samples), keep=True))
    return (
        f"held against LiteRT on {SAMPLES} random samples: {elements:,} elements of the outputs, all are equal;"
        f" {reached}"
    )


def random_samples(graph: IntegerGraph, count: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Samples in the model's own units: integers of its type, or real numbers over the range of its quantizer."""
    random = np.random.default_rng(seed)
    samples: dict[str, NDArray[Any]] = {}
    for name in graph.inputs:
        tensor, transform = graph.tensors[name], graph.transforms[name]
        low, high = tensor.format.minimum, tensor.format.maximum
        if transform.kind == "integer":
            samples[name] = random.integers(low, high + 1, (count, *transform.model_shape))
        else:
            ends = (low - tensor.zero_point) * tensor.step, (high - tensor.zero_point) * tensor.step
            samples[name] = random.uniform(*ends, (count, *transform.model_shape)).astype(np.float32)
    return samples


def compare_with_litert(data: bytes, graph: IntegerGraph, samples: dict[str, NDArray[Any]]) -> int:
    """Compare the outputs on samples in the model's own units, and count their elements.

    Parameters
    ----------
    data : bytes
        The .tflite file, from a source that one trusts: LiteRT executes it.
    graph : IntegerGraph
    samples : dict of str to array
        (frames, *model shape) for each input.

    Raises
    ------
    ToolError
        If LiteRT does not run the model.
    VerificationError
        If an element differs.
    """
    found = model_outputs(graph, run(graph, transform_data(graph, samples)))
    elements = 0
    for index, wanted in enumerate(run_litert(data, graph, samples)):
        name = graph.outputs[index]
        integers, real = found[name]
        result = real.astype(np.float32) if wanted.dtype.kind == "f" else integers
        if result.size != wanted.size:
            raise ToolError(f"output {name!r} has {wanted.size} elements there")
        different = int(np.sum(result.reshape(wanted.shape) != wanted))
        if different:
            raise VerificationError(
                f"output {name!r}: {different} of {wanted.size} elements differ from LiteRT's; fpgaq reads an operator"
                " otherwise, or this version of LiteRT computes otherwise than 2.3: report it"
            )
        elements += wanted.size
    return elements


def run_litert(data: bytes, graph: IntegerGraph, samples: dict[str, NDArray[Any]]) -> list[IntegerArray]:
    """LiteRT's outputs, (frames, ...) each, by its reference kernels.

    Raises
    ------
    ToolError
        If LiteRT does not run the model.
    """
    try:
        interpreter = _interpreter(data)
        outputs = interpreter.get_output_details()
        entries = [(entry, _samples_of(entry, samples, outputs)) for entry in interpreter.get_input_details()]
        results: list[list[Any]] = [[] for _ in outputs]
        for frame in range(len(next(iter(samples.values())))):
            for entry, array in entries:
                value = array[frame % len(array)].reshape(entry["shape"])
                interpreter.set_tensor(entry["index"], value.astype(entry["dtype"]))
            interpreter.invoke()
            for result, entry in zip(results, outputs, strict=True):
                result.append(interpreter.get_tensor(entry["index"]).copy())
    except (RuntimeError, ValueError) as error:
        raise ToolError(f"LiteRT does not run the model ({' '.join(str(error).split())[:200]})") from None
    return [np.stack(result) for result in results]


def _interpreter(data: bytes) -> Any:
    """The reference kernels; of operators that have none among them (ELU), LiteRT's own without a delegate."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kinds = (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    for kind in kinds:
        try:
            interpreter = Interpreter(model_content=data, experimental_op_resolver_type=kind, num_threads=1)
            interpreter.allocate_tensors()
            return interpreter
        except (RuntimeError, ValueError) as error:
            if kind is kinds[-1] or "Didn't find op" not in str(error):
                raise
    raise AssertionError("unreachable")


def _samples_of(entry: dict[str, Any], samples: dict[str, NDArray[Any]], outputs: list[Any]) -> NDArray[Any]:
    name = entry["name"] or f"tensor{entry['index']}"
    size = math.prod(entry["shape"])
    if name in samples:
        if size != samples[name][0].size:
            raise ValueError(f"input {name!r} has shape {list(entry['shape'])} there")
        return samples[name]
    if len(outputs) == 1 and size == len(outputs[0]["shape"]):
        # The size of the output, which the network does not read.
        return np.asarray(outputs[0]["shape"])[np.newaxis]
    raise ValueError(f"input {name!r} is none of the network's")
