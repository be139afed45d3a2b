"""The one crossing from float to integers: a float graph, samples and options give an IntegerGraph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .calibration import Statistics, check_samples, collect
from .errors import UnsupportedError, UsageError
from .formats import Format
from .graph import Affine, Convolution, Graph, MaxPooling, Operator, Relu, Reshape, ScaleOffset, check
from .input_format import Scale, input_rounding, plan_input
from .integer_check import check as check_integer
from .integer_graph import (
    InputTransform,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
    Tensor,
)
from .layer_quantizer import quantize_layer
from .quantize_config import QuantizeOptions
from .reference import apply_transform

SAMPLES = 8
"""Calibration samples that an integer graph keeps."""


@dataclass(frozen=True)
class _Stage:
    """One operator of the body with the ReLU that it takes in; `output` is the last tensor that holds its values."""

    operator: Operator
    relu: bool
    output: str
    values: str
    """The tensor of the float graph whose range is that of the output."""


@dataclass(frozen=True)
class _Flow:
    """The tensor that the chain has reached, and what its integers mean."""

    tensor: Tensor
    scale: Scale


def quantize(graph: Graph, samples: Mapping[str, Any], options: QuantizeOptions | None = None) -> IntegerGraph:
    """Quantize a float network.

    Parameters
    ----------
    graph : Graph
        A chain of layers, as the standard passes leave it.
    samples : mapping of str to array
        Calibration data for each input, (frames, *shape), in the user's own units.
    options : QuantizeOptions, optional

    Raises
    ------
    UnsupportedError
        An operator or a shape of graph that the integer graph does not carry.
    ModelError
        Damaged parameters or calibration data.
    FitError
        An accumulator over 64 bits, or values that no format holds.
    UsageError
        Overrides for layers that do not exist.
    """
    options = options or QuantizeOptions()
    check(graph)
    _check_chain(graph)
    _check_overrides(graph, options)
    calibration = check_samples(graph, samples)
    statistics = collect(graph, calibration)
    name = graph.inputs[0]
    leading, stages, image = _split(graph)
    plan = plan_input(calibration[name], leading, tuple(stage.operator for stage in stages), options)
    transform = InputTransform(plan.scale, plan.offset, input_rounding(options), tuple(graph.shapes[name]), image)
    flows = [_Flow(_tensor(name, image, plan.format), plan.meaning)]
    operators: list[IntegerOperator] = []
    last = max((i for i, stage in enumerate(stages) if isinstance(stage.operator, Convolution | Affine)), default=-1)
    for index, stage in enumerate(stages):
        operator, flow = _convert(stage, flows[-1], graph, options, statistics, index >= last)
        operators.append(operator)
        flows.append(flow)
    output = graph.outputs[0]
    return check_integer(
        IntegerGraph(
            name=graph.name,
            inputs=graph.inputs,
            outputs=graph.outputs,
            tensors={flow.tensor.name: flow.tensor for flow in flows},
            operators=tuple(operators),
            transforms={name: transform},
            output_shapes={output: tuple(graph.shapes[output])},
            samples={name: apply_transform(transform, plan.format, calibration[name][:SAMPLES])},
            classifier=graph.classifier,
        )
    )


def _check_chain(graph: Graph) -> None:
    """Refuse operators that the passes should have resolved, forks and joins."""
    for op in graph.operators:
        if not isinstance(op, Convolution | Affine | MaxPooling | Relu | Reshape | ScaleOffset):
            raise UnsupportedError(
                f"layer {op.name!r}: {type(op).__name__} is not resolved by the passes and has no integer form;"
                " supported: Convolution, Affine, MaxPooling, Relu, Reshape"
            )
    reads = Counter(graph.outputs)
    reads.update(name for op in graph.operators for name in op.inputs)
    for tensor in (*graph.inputs, *(op.output for op in graph.operators)):
        readers = reads[tensor]
        if readers != 1:
            raise UnsupportedError(
                f"tensor {tensor!r} is read {readers} times; only chains of layers are supported yet"
            )
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise UnsupportedError(
            f"network {graph.name!r} has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; only one of each"
            " is supported yet"
        )


def _check_overrides(graph: Graph, options: QuantizeOptions) -> None:
    names = [op.name for op in graph.operators if isinstance(op, Convolution | Affine)]
    for name in options.layers:
        if name not in names:
            shown = ", ".join(repr(known) for known in names[:20])
            raise UsageError(f"options for layer {name!r}: no such layer with weights; there are {shown}")


def _split(graph: Graph) -> tuple[tuple[float, float], tuple[_Stage, ...], tuple[int, int, int]]:
    """The scale and offset that lead, the stages behind them, and the input's (channels, height, width)."""
    scale, offset = 1.0, 0.0
    chain = list(graph.operators)
    shape = tuple(graph.shapes[graph.inputs[0]])
    while chain and isinstance(chain[0], Reshape | ScaleOffset):
        op = chain.pop(0)
        if isinstance(op, ScaleOffset):
            scale, offset = scale * op.scale, offset * op.scale + op.offset
        shape = tuple(graph.shapes[op.output])
    if not chain:
        raise UnsupportedError(f"network {graph.name!r} has no layer to compute")
    # An Affine takes the elements in the order in which they come: as one wide pixel they can stream several a beat.
    flat = isinstance(chain[0], Affine) or len(shape) == 1
    image = (int(np.prod(shape)), 1, 1) if flat else shape
    if len(image) != 3:
        raise UnsupportedError(f"layer {chain[0].name!r} reads shape {shape}; (channels, height, width) is needed")
    return (scale, offset), _stages(graph, chain, image), image


def _stages(graph: Graph, chain: list[Operator], image: tuple[int, int, int]) -> tuple[_Stage, ...]:
    """Fuse each ReLU behind a layer with weights, and drop each Reshape after a look at what it does."""
    stages: list[_Stage] = []
    for op in chain:
        shape = tuple(graph.shapes[op.output])
        if isinstance(op, ScaleOffset):
            raise UnsupportedError(f"layer {op.name!r}: a constant scale or offset between layers is not supported")
        if isinstance(op, Reshape):
            reader = next(iter(graph.consumers(op.output)), None)
            if not (reader is None or isinstance(reader, Affine | Reshape) or _as_image(shape) == image):
                raise UnsupportedError(f"layer {op.name!r}: reshaping {image} to {shape} before {reader.name!r}")
            stages[-1] = replace(stages[-1], output=op.output)
        elif isinstance(op, Relu) and stages and isinstance(stages[-1].operator, Convolution | Affine):
            stages[-1] = replace(stages[-1], relu=True, output=op.output, values=op.output)
        else:
            stages.append(_Stage(op, False, op.output, op.output))
            image = _as_image(shape)
    return tuple(stages)


def _as_image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    return (shape[0], shape[1], shape[2]) if len(shape) == 3 else (int(np.prod(shape)), 1, 1)


def _tensor(name: str, image: tuple[int, int, int], fmt: Format) -> Tensor:
    channels, height, width = image
    return Tensor(name, (height, width, channels), fmt, name)


def _convert(
    stage: _Stage,
    flow: _Flow,
    graph: Graph,
    options: QuantizeOptions,
    statistics: Mapping[str, Statistics],
    final: bool,
) -> tuple[IntegerOperator, _Flow]:
    op, source = stage.operator, flow.tensor
    image = _as_image(tuple(graph.shapes[op.output]))
    if isinstance(op, MaxPooling):
        pooling = IntegerMaxPooling(op.name, (source.name,), stage.output, op.kernel, op.stride, op.padding)
        return pooling, replace(flow, tensor=_tensor(stage.output, image, source.format))
    if isinstance(op, Relu):
        fmt = source.format
        if fmt.signed:
            fmt = Format(fmt.width - 1, fmt.frac, False)
        return IntegerRelu(op.name, (source.name,), stage.output), replace(
            flow, tensor=_tensor(stage.output, image, fmt)
        )
    assert isinstance(op, Convolution | Affine)
    layer = quantize_layer(
        op, source, flow.scale, options.for_layer(op.name), statistics[stage.values], stage.relu, final
    )
    operator = replace(layer.operator, output=stage.output)
    return operator, _Flow(_tensor(stage.output, image, layer.format), Scale())
