"""An imported integer network held against onnxruntime, layer by layer, where that is installed.

onnxruntime multiplies accumulators by scales in float32; the network is what the file states in exact rationals. Each
layer is given the integers that onnxruntime has before it, so that a difference is never carried on, and each element
that differs must be one step away and within four float32 ulps of a tie. onnxruntime's optimizations round real biases
and weights that a file leaves so. Without them it adds products in float32, and the ulps are those of the sum of their
magnitudes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ToolError, VerificationError
from ...base.formats import Format
from ...integer.accumulators import operator_bounds
from ...integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerTable,
    Requantize,
    Tensor,
)
from ...integer.near_ties import near_tie
from ...integer.reached import reached_results
from ...integer.reference import run, run_operator, working_layout
from .qonnx import DOMAINS

SAMPLES = 4
MOST_ELEMENTS = 1 << 24
"""Elements of all tensors of a sample beyond which importing does not run it."""


@dataclass(frozen=True)
class Compared:
    """How many elements of all layers were compared, and how many of them differ by one step at a tie."""

    elements: int
    differing: int


def confirm(data: bytes, graph: IntegerGraph) -> str:
    """A line that tells how the network compares with onnxruntime, or why it was not held against it.

    Raises
    ------
    VerificationError
        As `compare_with_onnxruntime` does.
    """
    if any(domain.encode() in data for domain in DOMAINS):
        return "not held against onnxruntime, which does not know the operators of QONNX"
    if importlib.util.find_spec("onnxruntime") is None:
        return "not held against onnxruntime, which is not installed"
    if sum(tensor.size for tensor in graph.tensors.values()) > MOST_ELEMENTS:
        return "not held against onnxruntime: a sample has too many elements"
    how, inputs = "", random_integers(graph, SAMPLES)
    try:
        try:
            found = compare_with_onnxruntime(data, graph, SAMPLES, inputs=inputs)
        except VerificationError:
            found = compare_with_onnxruntime(data, graph, SAMPLES, inputs=inputs, optimized=False)
            how = ", without its optimizations"
    except ToolError as error:
        return f"not held against onnxruntime: {error}"
    ties = f"{found.differing:,} differ by one step, each at a tie of float32" if found.differing else "all are equal"
    return (
        f"held against onnxruntime{how} on {SAMPLES} random samples: {found.elements:,} elements of all layers, {ties};"
        f" {reached_results(graph, run(graph, inputs, keep=True))}"
    )


def random_integers(graph: IntegerGraph, samples: int, seed: int = 0) -> dict[str, NDArray[np.int64]]:
    """Integers over the whole range of each input, (samples, height, width, channels)."""
    random = np.random.default_rng(seed)
    inputs = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        inputs[name] = random.integers(tensor.format.minimum, tensor.format.maximum + 1, (samples, *tensor.shape))
    return inputs


def compare_with_onnxruntime(
    data: bytes,
    graph: IntegerGraph,
    samples: int,
    seed: int = 0,
    inputs: dict[str, NDArray[np.int64]] | None = None,
    optimized: bool = True,
) -> Compared:
    """Compare every layer on integers of the inputs, random ones unless they are given.

    Parameters
    ----------
    data : bytes
        The .onnx file, from a source that one trusts: onnxruntime executes it.
    graph : IntegerGraph
        What `load_integer_onnx` made of it.
    samples, seed : int
    inputs : dict of str to array, optional
        Integers (frames, height, width, channels) of each input in place of random ones.
    optimized : bool
        Whether onnxruntime may fuse quantizers with layers, so that it multiplies integers; it then also quantizes
        biases and weights that the file leaves real.

    Raises
    ------
    ToolError
        If onnxruntime does not run the model.
    VerificationError
        If an element differs by more than the rule allows, naming the first layer.
    """
    session, names = _session(data, graph, optimized)
    drawn = random_integers(graph, samples, seed) if inputs is None else inputs
    total = differing = 0
    for index in range(samples):
        values = {name: drawn[name][index : index + 1] for name in graph.inputs}
        found = compare_layers(graph, {**_run(session, graph, names, values), **values}, not optimized)
        total, differing = total + found.elements, differing + found.differing
    return Compared(total, differing)


def compare_layers(graph: IntegerGraph, wanted: Mapping[str, NDArray[np.int64]], float_sums: bool = False) -> Compared:
    """Compare each layer with what another program has, on that program's own integers before it.

    Parameters
    ----------
    graph : IntegerGraph
    wanted : mapping of str to array
        Integers (frames, height, width, channels) of the inputs, and of the tensors that both have.
    float_sums : bool
        Whether that program adds real products.

    Raises
    ------
    VerificationError
        As `compare_with_onnxruntime` does.
    """
    known, total, differing = dict(wanted), 0, 0
    for op in graph.operators:
        result = _computed(op, graph, known)
        if op.output not in known:
            known[op.output] = result
            continue
        total += result.size
        differing += _count(op, graph, known, result, float_sums)
    return Compared(total, differing)


def _session(data: bytes, graph: IntegerGraph, optimized: bool) -> tuple[Any, list[str]]:
    """A session whose outputs are the tensors that both have, by name."""
    import onnx
    import onnxruntime

    model = onnx.ModelProto.FromString(data)
    written = {name for node in model.graph.node for name in node.output}
    names = [name for name in written & set(graph.tensors) if name not in graph.inputs]
    declared = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in declared)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        ), sorted(names)
    except Exception as error:  # onnxruntime's own classes have no common base
        raise ToolError(f"onnxruntime does not take the model ({' '.join(str(error).split())[:200]})") from None


def _run(
    session: Any, graph: IntegerGraph, names: list[str], values: dict[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.int64]]:
    """The tensors of one frame by onnxruntime, as integers in the stream's layout."""
    feeds = {}
    for entry in session.get_inputs():
        if entry.name not in graph.inputs:
            raise ToolError(f"input {entry.name!r} has a value in the file")
        transform = graph.transforms[entry.name]
        image = values[entry.name].transpose(0, 3, 1, 2).reshape(1, *transform.model_shape)
        if transform.kind == "integer":
            feeds[entry.name] = image.astype(entry.type[len("tensor(") : -1])
            continue
        scale, offset = transform.scale, transform.offset
        real = (image - offset) * scale if transform.kind == "divide" else (image - offset) / scale
        feeds[entry.name] = real.astype(np.float32)
    try:
        results = session.run(names, feeds)
    except Exception as error:  # as above
        raise ToolError(f"onnxruntime does not run the model ({' '.join(str(error).split())[:200]})") from None
    return {name: _stream(array, graph.tensors[name]) for name, array in zip(names, results, strict=True)}


def _stream(array: NDArray[Any], tensor: Tensor) -> NDArray[np.int64]:
    height, width, channels = tensor.shape
    if array.dtype.kind == "f":
        array = np.rint(array.astype(np.float64) / tensor.step) + tensor.zero_point
    return array.astype(np.int64).reshape(1, channels, height, width).transpose(0, 2, 3, 1)


def _computed(op: IntegerOperator, graph: IntegerGraph, known: dict[str, NDArray[np.int64]]) -> NDArray[np.int64]:
    values = {name: working_layout(known[name], graph.tensors[name].format) for name in op.inputs}
    return np.asarray(run_operator(op, graph.tensors, values).transpose(3, 1, 2, 0), dtype=np.int64)


def _count(
    op: IntegerOperator,
    graph: IntegerGraph,
    known: dict[str, NDArray[np.int64]],
    result: NDArray[np.int64],
    float_sums: bool = False,
) -> int:
    """The elements that differ, each of which must be one step away and at a tie."""
    wanted = known[op.output]
    places = np.argwhere(wanted != result)
    if not len(places):
        return 0
    exact = _exact_values(op, graph, known, places)
    least = _magnitude(op, graph) if float_sums else 0.0
    for place, value in zip(places, exact, strict=True):
        found, expected = int(result[tuple(place)]), int(wanted[tuple(place)])
        # A table's function has no exact rational here: one step is all that float32 may be off.
        if abs(found - expected) != 1 or (value is not None and not near_tie(value, least)):
            raise VerificationError(
                f"layer {op.name!r}: {len(places)} of {result.size} elements differ from onnxruntime, the first is"
                f" {found} in place of {expected}, which is no tie; onnxruntime saturates sums of 16 bits on processors"
                " without VNNI (quantize with reduce_range), else fpgaq reads an operator otherwise: report it"
            )
    return len(places)


def _magnitude(op: IntegerOperator, graph: IntegerGraph) -> float:
    """The greatest sum of the magnitudes of what a layer adds, in steps of its output."""
    target = graph.tensors[op.output].step
    reach = [
        np.abs(tensor.real(_ends(tensor))).max() / target for tensor in map(graph.tensors.get, op.inputs) if tensor
    ]
    if isinstance(op, IntegerAdd):
        return float(sum(reach))
    if not isinstance(op, IntegerConvolution | IntegerAffine):
        return 0.0
    scales = np.asarray(op.weight_scale or (1.0,))
    sums = np.abs(op.weight).reshape(len(op.bias), -1).sum(axis=1) * reach[0]
    return float(((sums + np.abs(op.bias) * graph.tensors[op.input].step / target) * scales).max())


def _ends(tensor: Tensor) -> NDArray[np.int64]:
    return np.array([tensor.format.minimum, tensor.format.maximum])


def _exact_values(
    op: IntegerOperator, graph: IntegerGraph, known: dict[str, NDArray[np.int64]], places: NDArray[np.int64]
) -> list[Fraction | None]:
    """The exact rationals that the layer rounds at some places."""
    if isinstance(op, IntegerTable) or not isinstance(
        op, IntegerConvolution | IntegerAffine | IntegerMultiply | IntegerAdd
    ):
        return [None] * len(places)
    target = Fraction(graph.tensors[op.output].step)
    sources = [graph.tensors[name] for name in op.inputs]
    if isinstance(op, IntegerAdd):
        return [
            sum(
                (int(known[t.name][tuple(place)]) - t.zero_point) * Fraction(t.step) * (1 if f > 0 else -1) / target
                for t, f in zip(sources, op.factors, strict=True)
            )
            + Fraction(0)
            for place in places
        ]
    unit = Fraction(sources[0].step)
    scales = [Fraction(scale) for scale in getattr(op, "weight_scale", ())] or [Fraction(sources[-1].step)]
    sums = _sums(op, graph, known)
    rule = op.requantize
    offsets = (Fraction(0),) if rule is None else tuple(Fraction(one, 1 << rule.shift[0]) for one in rule.offset)
    return [
        int(sums[tuple(place)]) * unit * scales[place[3] if len(scales) > 1 else 0] / target
        + offsets[place[3] if len(offsets) > 1 else 0]
        for place in places
    ]


def _sums(
    op: IntegerConvolution | IntegerAffine | IntegerMultiply, graph: IntegerGraph, known: dict[str, NDArray[np.int64]]
) -> NDArray[np.int64]:
    """The accumulators of a layer."""
    formats = [graph.tensors[name].format for name in op.inputs]
    width = max(2, operator_bounds(op, *formats).width)
    bare = replace(op, requantize=Requantize((0,), "half_up"))
    wide = {**graph.tensors, op.output: replace(graph.tensors[op.output], format=Format(width, 0))}
    values = {name: working_layout(known[name], graph.tensors[name].format) for name in op.inputs}
    return np.asarray(run_operator(bare, wide, values).transpose(3, 1, 2, 0), dtype=np.int64)
