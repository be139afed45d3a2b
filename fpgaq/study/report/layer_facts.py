"""For each layer of an integer network its formats, histograms, accumulator, and how each range is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...base.formats import Format
from ...integer.accumulators import BOUNDS, operator_bounds, signed_width
from ...integer.graph import IntegerArray, IntegerGraph, IntegerOperator, Tensor
from ...integer.reference import run

How = Literal["proved", "measured", "told", "assumed"]

MOST_BINS = 32
FRAMES = 64
"""Samples whose activations are counted."""


@dataclass(frozen=True)
class Histogram:
    """How often integers of a format occur, in equal bins over all that the format holds.

    Parameters
    ----------
    minimum, maximum : int
        Of the format.
    least, greatest : int
        Of the values.
    values : int
    at_limit : int
        Values at an end of the format; the 0 of an unsigned one is none.
    unused_bits : int
        High bits that no value needs.
    counts : tuple of int
    """

    minimum: int
    maximum: int
    least: int
    greatest: int
    values: int
    at_limit: int
    saturation: float
    unused_bits: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Accumulator:
    """The proved width of a layer's sums, the bounds of every partial sum, and the share of the width that they use."""

    width: int
    lower: int | None
    upper: int | None
    used: float | None


@dataclass(frozen=True)
class Known:
    """How a width or a range of a layer is known, and from what, in words."""

    what: str
    how: How
    words: str


@dataclass(frozen=True)
class LayerFacts:
    """One layer as it was built; shapes are (height, width, channels)."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    output: str
    sources: tuple[str, ...]
    shape: tuple[int, ...]
    weight_format: str | None
    output_format: str
    weights: Histogram | None
    activations: Histogram | None
    accumulator: Accumulator | None
    known: tuple[Known, ...]


@dataclass(frozen=True)
class InputFacts:
    """One input of the network, as the hardware takes it."""

    name: str
    shape: tuple[int, ...]
    format: str
    values: Histogram | None
    known: Known


def count_values(values: NDArray[Any], fmt: Format) -> Histogram:
    """The histogram of integers over the range of their format."""
    levels = fmt.maximum - fmt.minimum + 1
    bins = min(MOST_BINS, levels)
    counts, _ = np.histogram(values, bins=bins, range=(fmt.minimum - 0.5, fmt.maximum + 0.5))
    least, greatest = int(values.min()), int(values.max())
    at_limit = int((values == fmt.maximum).sum()) + (int((values == fmt.minimum).sum()) if fmt.signed else 0)
    needed = signed_width(least, greatest) if fmt.signed else max(1, greatest.bit_length())
    return Histogram(
        fmt.minimum,
        fmt.maximum,
        least,
        greatest,
        int(values.size),
        at_limit,
        at_limit / values.size,
        fmt.width - needed,
        tuple(int(count) for count in counts),
    )


def layer_facts(graph: IntegerGraph, samples: Mapping[str, IntegerArray]) -> tuple[LayerFacts, ...]:
    """Every layer, its activations counted on input integers of some frames."""
    some = {name: array[:FRAMES] for name, array in samples.items()}
    tensors = run(graph, some, keep=True) if all(len(array) for array in some.values()) else {}
    writers = {op.output: op.name for op in graph.operators}
    return tuple(_layer(graph, op, tensors, writers) for op in graph.operators)


def input_facts(graph: IntegerGraph, samples: Mapping[str, IntegerArray]) -> tuple[InputFacts, ...]:
    """Every input, its integers counted."""
    return tuple(
        InputFacts(
            name,
            graph.tensors[name].shape,
            describe_tensor(graph.tensors[name]),
            count_values(samples[name], graph.tensors[name].format) if samples[name].size else None,
            _known_range(graph, "input range", ("input_bits", "input_scale")),
        )
        for name in graph.inputs
    )


def describe_tensor(tensor: Tensor) -> str:
    """A tensor's format, with its step where that is no power of two."""
    text = tensor.format.describe()
    return text if tensor.scale is None else f"{text.split('.')[0]} x {tensor.scale:.4g}, zero {tensor.zero_point}"


def _layer(
    graph: IntegerGraph, op: IntegerOperator, tensors: Mapping[str, IntegerArray], writers: Mapping[str, str]
) -> LayerFacts:
    tensor = graph.tensors[op.output]
    weight, weight_format = getattr(op, "weight", None), getattr(op, "weight_format", None)
    return LayerFacts(
        name=op.name,
        operator=type(op).__name__.removeprefix("Integer"),
        inputs=op.inputs,
        output=op.output,
        sources=tuple(dict.fromkeys(writers.get(name, "input") for name in op.inputs)),
        shape=tensor.shape,
        weight_format=weight_format.describe() if weight_format else None,
        output_format=describe_tensor(tensor),
        weights=count_values(weight, weight_format) if weight_format and weight is not None else None,
        activations=count_values(tensors[op.output], tensor.format) if op.output in tensors else None,
        accumulator=_accumulator(graph, op),
        known=tuple(_known(graph, op)),
    )


def _accumulator(graph: IntegerGraph, op: IntegerOperator) -> Accumulator | None:
    width = getattr(op, "accumulator_width", None)
    if width is None:
        return None
    if type(op) not in BOUNDS:
        return Accumulator(width, None, None, None)
    bounds = operator_bounds(op, *(graph.tensors[name].format for name in op.inputs))
    return Accumulator(width, bounds.lower, bounds.upper, bounds.magnitude / (1 << (width - 1)))


def _known(graph: IntegerGraph, op: IntegerOperator) -> Sequence[Known]:
    found = []
    if getattr(op, "weight_format", None) is not None:
        found.append(Known("weights", "proved", "constants: each lies in its format"))
    if getattr(op, "accumulator_width", None) is not None:
        found.append(
            Known("accumulator", "proved", "from the weights and the input's range, for every input and every order")
        )
    if getattr(op, "requantize", None) is None and getattr(op, "accumulator_width", None) is not None:
        found.append(Known("output range", "proved", "leaves at the width of its accumulator"))
    elif all(graph.tensors[name].format == graph.tensors[op.output].format for name in op.inputs):
        found.append(Known("output range", "proved", "no value leaves the range of what it reads"))
    else:
        found.append(_known_range(graph, "output range", ()))
    return found


def _known_range(graph: IntegerGraph, what: str, options: Sequence[str]) -> Known:
    given = graph.options.get("options")
    if graph.estimate_only:
        return Known(what, "assumed", "random values of the range that was given; no data were seen")
    if given is None:
        return Known(what, "told", "by the model, which states its own formats")
    if any(given.get(name) is not None for name in options):
        return Known(what, "told", "by options")
    return Known(what, "measured", "on the calibration samples; other values saturate")
