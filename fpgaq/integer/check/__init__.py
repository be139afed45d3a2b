"""The border of the integer graph: everything that reference and emitters rely on is checked here, once."""

from __future__ import annotations

import math

import numpy as np

from ...base.formats import ROUNDINGS
from ...base.preparation import channel_axis
from ..graph import TRANSFORM_KINDS, HostSoftmax, InputTransform, IntegerGraph, IntegerOperator, Tensor
from .operators import check_operator, input_counts
from .weighted import refuse

MAX_SIZE = 1 << 31
"""Elements of one tensor; keeps every index inside 32 bits."""


def check(graph: IntegerGraph) -> IntegerGraph:
    """Return `graph` if it is sound, else raise ModelError naming the layer or tensor and what is wrong.

    Checked: names written once and before use, shapes and geometry, parameters within their formats, accumulator
    widths against the proof, requantizers against the scales on both sides, transforms and samples of the inputs.
    """
    if not graph.inputs or not graph.outputs or not graph.operators:
        refuse("network", graph.name, "needs at least one input, one output and one layer")
    for name, tensor in graph.tensors.items():
        _check_tensor(graph, name, tensor)
    known, layers = set(graph.inputs), [op.name for op in graph.operators]
    for name in graph.inputs:
        _check_input(graph, name)
    for name in layers:
        if layers.count(name) > 1:
            refuse("layer", name, "has the name of another layer; each needs one of its own")
    for op in graph.operators:
        _check_names(op, graph, known)
        known.add(op.output)
        check_operator(op, tuple(graph.tensors[name] for name in op.inputs), graph.tensors[op.output])
    if known != set(graph.tensors):
        refuse("network", graph.name, f"tensors {sorted(set(graph.tensors) ^ known)} are not exactly those in use")
    for name in graph.outputs:
        if graph.outputs.count(name) > 1:
            refuse("output", name, "is given twice among the outputs; a tensor is one output at most")
        if name not in known:
            refuse("output", name, "is written by no layer")
        if not _fits(graph.output_shapes.get(name, ()), graph.tensors[name]):
            refuse("output", name, f"shape {graph.output_shapes.get(name)} does not fit {graph.tensors[name].shape}")
    for label, found, expected in (
        ("output shapes", set(graph.output_shapes), set(graph.outputs)),
        ("transforms", set(graph.transforms), set(graph.inputs)),
        ("samples", set(graph.samples), set(graph.inputs)),
    ):
        if found != expected:
            refuse("network", graph.name, f"{label} are given for {sorted(found)} instead of {sorted(expected)}")
    for name, host in graph.host_outputs.items():
        _check_host_output(graph, name, host)
    return graph


def _check_host_output(graph: IntegerGraph, name: str, host: HostSoftmax) -> None:
    if name not in graph.outputs or graph.tensors[name].format.width != 8 or graph.tensors[name].shape[:2] != (1, 1):
        refuse("output", name, "has a softmax of the host, which reads one pixel of 8 bits")
    if not 1 <= host.multiplier < 1 << 31 or not 0 <= host.shift <= 31 or not -(1 << 31) < host.least <= 0:
        refuse("output", name, f"has a softmax of multiplier {host.multiplier}, shift {host.shift}, least {host.least}")
    if host.format.width != 8 or host.zero_point != host.format.minimum or not 0 < host.scale < math.inf:
        refuse("output", name, f"has a softmax to {host.format.describe()} of scale {host.scale}; 8 bits are needed")


def _fits(shape: tuple[int, ...], tensor: Tensor) -> bool:
    """Whether a shape of the model holds exactly the elements of a tensor."""
    return min(shape, default=1) >= 1 and math.prod(shape) == tensor.size


def _check_tensor(graph: IntegerGraph, name: str, tensor: Tensor) -> None:
    if tensor.name != name:
        refuse("tensor", name, f"is filed under another name than its own, {tensor.name!r}")
    if len(tensor.shape) != 3 or min(tensor.shape) < 1 or tensor.size > MAX_SIZE:
        refuse("tensor", name, f"has shape {tensor.shape}; (height, width, channels), each at least 1, is needed")
    if not tensor.format.minimum <= tensor.zero_point <= tensor.format.maximum:
        refuse("tensor", name, f"has zero point {tensor.zero_point}, which {tensor.format.describe()} does not hold")
    if tensor.offset and (name not in graph.outputs or any(name in op.inputs for op in graph.operators)):
        refuse("tensor", name, f"has the offset {tensor.offset}, which only an output that no layer reads may have")
    if not math.isfinite(tensor.offset):
        refuse("tensor", name, f"has the offset {tensor.offset}; it must be finite")
    if tensor.scale is not None and (not 0 < tensor.scale < math.inf or tensor.format.frac):
        refuse("tensor", name, f"has scale {tensor.scale} with fractional bits; a positive one without them is needed")


def _check_input(graph: IntegerGraph, name: str) -> None:
    if name not in graph.tensors or name not in graph.transforms or name not in graph.samples:
        refuse("input", name, "lacks its tensor, transform or samples")
    tensor, transform, samples = graph.tensors[name], graph.transforms[name], graph.samples[name]
    channels, height, width = transform.image_shape
    if (height, width, channels) != tensor.shape or not _fits(transform.model_shape, tensor):
        refuse("input", name, f"{transform.model_shape} as {transform.image_shape} does not fit {tensor.shape}")
    _check_transform(name, transform, tensor)
    if samples.ndim != 4 or samples.shape[1:] != tensor.shape or samples.dtype != np.int64 or not len(samples):
        refuse("input", name, f"has samples of shape {samples.shape}, {samples.dtype}; frames of {tensor.shape} needed")
    if samples.min() < tensor.format.minimum or samples.max() > tensor.format.maximum:
        refuse("input", name, f"has samples beyond the range of its format {tensor.format.describe()}")


def _check_transform(name: str, transform: InputTransform, tensor: Tensor) -> None:
    if not np.isfinite([transform.scale, transform.offset]).all():
        refuse("input", name, f"has scale {transform.scale} and offset {transform.offset}; they must be finite")
    prepared = transform.preparation
    shape = transform.model_shape
    features = shape[channel_axis(shape)] if shape else 1
    if transform.factors and (len(transform.factors) != features or transform.kind != "real"):
        refuse("input", name, f"has {len(transform.factors)} factors and kind {transform.kind!r}; one a channel, real")
    if min(transform.factors, default=1.0) <= 0:
        refuse("input", name, f"has factors down to {min(transform.factors)}; they must be above 0")
    counts = {len(prepared.scale), len(prepared.offset)} - {1, features}
    if counts or not np.isfinite([*transform.scales, *transform.offsets]).all():
        refuse("input", name, f"is prepared by {sorted(counts)} numbers; finite ones, one or one a channel, are needed")
    if prepared.changes and transform.kind != "real":
        refuse("input", name, f"is prepared, which a transform of kind {transform.kind!r} does not allow")
    if transform.rounding not in ROUNDINGS:
        refuse("input", name, f"rounds by {transform.rounding!r}; allowed: {', '.join(ROUNDINGS)}")
    if transform.kind not in TRANSFORM_KINDS:
        refuse("input", name, f"has a transform of kind {transform.kind!r}; allowed: {', '.join(TRANSFORM_KINDS)}")
    if transform.kind == "integer" and (transform.scale, transform.offset) != (1.0, 0.0):
        refuse("input", name, "takes integers as they are and has a scale or offset; they must be 1 and 0")
    if transform.kind.startswith("divide") and (transform.scale <= 0 or transform.offset % 1 or tensor.format.frac):
        refuse("input", name, "divides by a scale that is not positive, or adds no integer, or has fractional bits")


def _check_names(op: IntegerOperator, graph: IntegerGraph, known: set[str]) -> None:
    least, most = input_counts(op)
    if not least <= len(op.inputs) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        refuse("layer", op.name, f"reads {len(op.inputs)} tensors; {type(op).__name__} reads {wanted}")
    for name in op.inputs:
        if name not in known:
            refuse("layer", op.name, f"reads {name!r}, which no earlier layer writes")
    if op.output in known or op.output not in graph.tensors:
        refuse("layer", op.name, f"writes {op.output!r}, which is unknown or already written")
