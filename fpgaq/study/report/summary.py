"""The parts of a float network: its layers with their shapes, parameters and multiplications."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ...base.results import Result
from ...model.graph import Affine, Convolution, Deconvolution, Graph, Operator, Shape, image_shape


@dataclass(frozen=True)
class LayerSummary:
    """One layer: `shape` is that of its output; `macs` counts every tap of every output, padding included."""

    name: str
    operator: str
    shape: Shape
    parameters: int
    macs: int


@dataclass(frozen=True, repr=False)
class Summary(Result):
    """A network: shapes leave the batch out; `notes` are what importer and passes decided on their own."""

    name: str
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    layers: tuple[LayerSummary, ...]
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Numbers in all layers' arrays."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiplications of a frame."""
        return sum(layer.macs for layer in self.layers)

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "parameters": self.parameters, "macs": self.macs}

    def headline(self) -> str:
        """Inputs, outputs and size, in one line."""
        return f"{self.name}: {len(self.layers)} layers, {self.parameters:,} parameters, {self.macs:,} multiplications"

    def records(self) -> list[dict[str, Any]]:
        """A row for each layer."""
        return [asdict(layer) for layer in self.layers]


def summarize(graph: Graph) -> Summary:
    """Describe every layer of a float network."""
    layers = tuple(
        LayerSummary(
            op.name,
            type(op).__name__,
            tuple(graph.shapes[op.output]),
            _parameters(op),
            _macs(op, graph.shapes[op.output]),
        )
        for op in graph.operators
    )
    inputs, outputs = ({name: tuple(graph.shapes[name]) for name in names} for names in (graph.inputs, graph.outputs))
    return Summary(graph.name, inputs, outputs, layers, graph.notes)


def _parameters(op: Operator) -> int:
    values = (getattr(op, field.name) for field in fields(op))
    return sum(value.size for value in values if isinstance(value, np.ndarray))


def _macs(op: Operator, shape: Shape) -> int:
    count = MACS.get(type(op))
    return 0 if count is None else count(op, shape)


def _window_macs(op: Convolution | Affine, shape: Shape) -> int:
    return math.prod(shape) * math.prod(op.weight.shape[1:])


def _deconvolution_macs(op: Deconvolution, shape: Shape) -> int:
    return _taps(op, shape) * math.prod(op.weight.shape[:2])


def _taps(op: Deconvolution, shape: Shape) -> int:
    """Pairs of an output pixel and a tap that meet where the input has pixels, or padding, and no zeros between.

    Where the stride does not divide the output, hardware computes a few more.
    """
    _, *sizes = image_shape(shape)
    return math.prod(sum(outputs * taps for outputs, taps in op.phases(axis, size)) for axis, size in enumerate(sizes))


MACS: Mapping[type[Operator], Callable[[Any, Shape], int]] = {
    Convolution: _window_macs,
    Affine: _window_macs,
    Deconvolution: _deconvolution_macs,
}
"""Every operator with weights: from it and the shape of its output to multiplications of a frame."""
