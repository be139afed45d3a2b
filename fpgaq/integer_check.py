"""The border of the integer graph: everything that reference and emitters rely on is checked here, once."""

from __future__ import annotations

import math

import numpy as np

from .accumulators import operator_bounds
from .errors import ModelError
from .formats import MAX_WIDTH, ROUNDINGS, Format
from .graph import window_count
from .integer_graph import (
    InputTransform,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
    Requantize,
    Tensor,
)

MAX_SIZE = 1 << 31
"""Elements of one tensor; keeps every index inside 32 bits."""

MAX_WEIGHT_WIDTH = 32


def check(graph: IntegerGraph) -> IntegerGraph:
    """Return `graph` if it is sound, else raise ModelError naming the layer or tensor and what is wrong.

    Checked: names written once and before use, shapes and geometry, parameters within their formats, accumulator
    widths against the proof, requantizers against the scales on both sides, transforms and samples of the inputs.
    """
    if not graph.inputs or not graph.outputs or not graph.operators:
        _refuse("network", graph.name, "needs at least one input, one output and one layer")
    for name, tensor in graph.tensors.items():
        _check_tensor(name, tensor)
    known = set(graph.inputs)
    for name in graph.inputs:
        _check_input(graph, name)
    for op in graph.operators:
        _check_names(op, graph, known)
        known.add(op.output)
        _check_operator(op, graph.tensors[op.input], graph.tensors[op.output])
    if known != set(graph.tensors):
        _refuse("network", graph.name, f"tensors {sorted(set(graph.tensors) ^ known)} are not exactly those in use")
    for name in graph.outputs:
        if name not in known:
            _refuse("output", name, "is written by no layer")
        if not _fits(graph.output_shapes.get(name, ()), graph.tensors[name]):
            _refuse("output", name, f"shape {graph.output_shapes.get(name)} does not fit {graph.tensors[name].shape}")
    for label, found, expected in (
        ("output shapes", set(graph.output_shapes), set(graph.outputs)),
        ("transforms", set(graph.transforms), set(graph.inputs)),
        ("samples", set(graph.samples), set(graph.inputs)),
    ):
        if found != expected:
            _refuse("network", graph.name, f"{label} are given for {sorted(found)} instead of {sorted(expected)}")
    return graph


def _refuse(kind: str, name: str, reason: str) -> None:
    raise ModelError(f"integer network: {kind} {name!r} {reason}")


def _fits(shape: tuple[int, ...], tensor: Tensor) -> bool:
    """Whether a shape of the model holds exactly the elements of a tensor."""
    return min(shape, default=1) >= 1 and math.prod(shape) == tensor.size


def _check_tensor(name: str, tensor: Tensor) -> None:
    if tensor.name != name:
        _refuse("tensor", name, f"is filed under another name than its own, {tensor.name!r}")
    if len(tensor.shape) != 3 or min(tensor.shape) < 1 or tensor.size > MAX_SIZE:
        _refuse("tensor", name, f"has shape {tensor.shape}; (height, width, channels), each at least 1, is needed")


def _check_input(graph: IntegerGraph, name: str) -> None:
    if name not in graph.tensors or name not in graph.transforms or name not in graph.samples:
        _refuse("input", name, "lacks its tensor, transform or samples")
    tensor, transform, samples = graph.tensors[name], graph.transforms[name], graph.samples[name]
    channels, height, width = transform.image_shape
    if (height, width, channels) != tensor.shape or not _fits(transform.model_shape, tensor):
        _refuse("input", name, f"{transform.model_shape} as {transform.image_shape} does not fit {tensor.shape}")
    _check_transform(name, transform)
    if samples.ndim != 4 or samples.shape[1:] != tensor.shape or samples.dtype != np.int64 or not len(samples):
        _refuse(
            "input", name, f"has samples of shape {samples.shape}, {samples.dtype}; frames of {tensor.shape} needed"
        )
    if samples.min() < tensor.format.minimum or samples.max() > tensor.format.maximum:
        _refuse("input", name, f"has samples beyond the range of its format {tensor.format.describe()}")


def _check_transform(name: str, transform: InputTransform) -> None:
    if not np.isfinite([transform.scale, transform.offset]).all():
        _refuse("input", name, f"has scale {transform.scale} and offset {transform.offset}; they must be finite")
    if transform.rounding not in ROUNDINGS:
        _refuse("input", name, f"rounds by {transform.rounding!r}; allowed: {', '.join(ROUNDINGS)}")


def _check_names(op: IntegerOperator, graph: IntegerGraph, known: set[str]) -> None:
    if len(op.inputs) != 1:
        _refuse("layer", op.name, f"reads {len(op.inputs)} tensors; {type(op).__name__} reads 1")
    if op.input not in known:
        _refuse("layer", op.name, f"reads {op.input!r}, which no earlier layer writes")
    if op.output in known or op.output not in graph.tensors:
        _refuse("layer", op.name, f"writes {op.output!r}, which is unknown or already written")


def _check_operator(op: IntegerOperator, source: Tensor, target: Tensor) -> None:
    if isinstance(op, IntegerConvolution | IntegerAffine):
        axes = 4 if isinstance(op, IntegerConvolution) else 2
        if op.weight.ndim != axes or op.weight.size == 0:
            _refuse("layer", op.name, f"has weights of shape {op.weight.shape}; {axes} axes of at least 1 are needed")
    if isinstance(op, IntegerConvolution):
        _check_convolution(op, source, target)
        _check_sums(op, source, target)
    elif isinstance(op, IntegerAffine):
        _check_shape(op, (1, 1, op.weight.shape[0]), target)
        if op.weight.shape[1] != source.size:
            _refuse("layer", op.name, f"has weights {op.weight.shape} for {source.size} features")
        _check_sums(op, source, target)
    elif isinstance(op, IntegerMaxPooling):
        _check_shape(op, _windows(op, source, target.shape[2]), target)
        if source.format != target.format or source.shape[2] != target.shape[2]:
            _refuse("layer", op.name, "pools into another format or number of channels than its input's")
    elif isinstance(op, IntegerRelu):
        _check_shape(op, source.shape, target)
        if source.format.frac != target.format.frac or target.format.maximum < source.format.maximum:
            _refuse(
                "layer", op.name, f"writes {target.format.describe()}, which does not hold {source.format.describe()}"
            )
    else:
        _refuse("layer", op.name, f"is of the unknown type {type(op).__name__}")


def _check_shape(op: IntegerOperator, computed: tuple[int, int, int], target: Tensor) -> None:
    if computed != target.shape:
        _refuse("layer", op.name, f"computes {computed} but its output is declared {target.shape}")


def _windows(op: IntegerConvolution | IntegerMaxPooling, source: Tensor, channels: int) -> tuple[int, int, int]:
    """The output shape, after a look at the geometry."""
    convolves = isinstance(op, IntegerConvolution)
    kernel = (op.weight.shape[1], op.weight.shape[2]) if isinstance(op, IntegerConvolution) else op.kernel
    dilation = op.dilation if isinstance(op, IntegerConvolution) else (1, 1)
    if (len(kernel), len(op.stride), len(dilation), len(op.padding)) != (2, 2, 2, 4):
        _refuse("layer", op.name, "has kernel, stride, dilation or padding of a wrong length")
    if min(*kernel, *op.stride, *dilation) < 1 or min(op.padding) < 0:
        _refuse("layer", op.name, "has a kernel, stride or dilation below 1 or a negative padding")
    top, bottom, left, right = op.padding
    if not convolves and (max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]):
        _refuse("layer", op.name, f"has padding {op.padding} that fills a whole window of {kernel}")
    return (
        window_count(source.shape[0], kernel[0], op.stride[0], dilation[0], top, bottom),
        window_count(source.shape[1], kernel[1], op.stride[1], dilation[1], left, right),
        channels,
    )


def _check_convolution(op: IntegerConvolution, source: Tensor, target: Tensor) -> None:
    outputs, _, _, depth = op.weight.shape
    _check_shape(op, _windows(op, source, outputs), target)
    if op.groups < 1 or outputs % op.groups or depth * op.groups != source.shape[2]:
        _refuse("layer", op.name, f"has weights {op.weight.shape} in {op.groups} groups for {source.shape[2]} channels")
    if not source.format.minimum <= op.padding_value <= source.format.maximum:
        _refuse("layer", op.name, f"pads with {op.padding_value}, which {source.format.describe()} does not hold")


def _check_sums(op: IntegerConvolution | IntegerAffine, source: Tensor, target: Tensor) -> None:
    outputs = op.weight.shape[0]
    if op.bias.shape != (outputs,) or len(op.weight_frac) != outputs or op.weight_frac[0] != op.weight_format.frac:
        _refuse("layer", op.name, f"has biases or weight scales that do not fit {outputs} outputs")
    if op.weight.dtype != np.int64 or op.bias.dtype != np.int64:
        _refuse("layer", op.name, f"has parameters of {op.weight.dtype} and {op.bias.dtype}; int64 is needed")
    if not op.weight_format.signed or op.weight_format.width > MAX_WEIGHT_WIDTH:
        _refuse("layer", op.name, f"has weights of {op.weight_format.describe()}; signed, to {MAX_WEIGHT_WIDTH} bits")
    if op.weight.min() < op.weight_format.minimum or op.weight.max() > op.weight_format.maximum:
        _refuse("layer", op.name, f"has weights beyond the range of {op.weight_format.describe()}")
    if not 1 <= op.accumulator_width <= MAX_WIDTH:
        _refuse("layer", op.name, f"has an accumulator of {op.accumulator_width} bits; 1 to {MAX_WIDTH} are allowed")
    needed = operator_bounds(op, source.format).width
    if op.accumulator_width < needed:
        _refuse("layer", op.name, f"has an accumulator of {op.accumulator_width} bits where {needed} are needed")
    scales = tuple(source.format.frac + frac for frac in op.weight_frac)
    if op.requantize is not None:
        _check_requantize(op, op.requantize, scales, target.format)
    elif len(set(scales)) != 1 or target.format != Format(op.accumulator_width, scales[0]):
        _refuse("layer", op.name, f"leaves its accumulator as output, but that is declared {target.format.describe()}")


def _check_requantize(op: IntegerOperator, rule: Requantize, scales: tuple[int, ...], fmt: Format) -> None:
    if rule.rule != "shift":
        _refuse("layer", op.name, f"requantizes by {rule.rule!r}; only 'shift' is supported")
    if rule.rounding not in ROUNDINGS:
        _refuse("layer", op.name, f"rounds by {rule.rounding!r}; allowed: {', '.join(ROUNDINGS)}")
    if len(rule.shift) not in (1, len(scales)):
        _refuse("layer", op.name, f"has {len(rule.shift)} shifts for {len(scales)} outputs")
    if min(rule.shift) < 0 or max(rule.shift) >= MAX_WIDTH:
        _refuse("layer", op.name, f"has shifts {min(rule.shift)}..{max(rule.shift)}; 0 to {MAX_WIDTH - 1} are allowed")
    shifts = rule.shift * len(scales) if len(rule.shift) == 1 else rule.shift
    if any(scale - shift != fmt.frac for scale, shift in zip(scales, shifts, strict=True)):
        _refuse("layer", op.name, f"has shifts that do not lead from its accumulators to {fmt.describe()}")
