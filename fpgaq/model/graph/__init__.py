"""The float graph, which importers read and passes rewrite.

Frozen operators on named tensors, in topological order. Shapes leave the batch out. Images are
(channels, height, width), the layout of the models that come in; vectors are (features,).
A pass is a plain function ``Graph -> Graph``; `check` runs after each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import ModelError
from ...base.results import html_table
from ...base.text import printable, shape_text
from ..functions import check_parameters
from .operators import (
    OPERATORS,
    Add,
    Affine,
    ArgMax,
    Array,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    FixedPointQuantize,
    Grid,
    Identity,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Padding,
    Pair,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Shape,
    Slice,
    Softmax,
    Transpose,
    Upsample,
)
from .shapes import image_shape, infer_shape, window_count

__all__ = [
    "OPERATORS",
    "Add",
    "Affine",
    "ArgMax",
    "Array",
    "AveragePooling",
    "BatchNormalization",
    "Concatenate",
    "Convolution",
    "Deconvolution",
    "FixedPointQuantize",
    "Graph",
    "Grid",
    "Identity",
    "MaxPooling",
    "Multiply",
    "Operator",
    "Pad",
    "Padding",
    "Pair",
    "Pointwise",
    "Prelu",
    "Relu",
    "Reshape",
    "ScaleOffset",
    "Shape",
    "Slice",
    "Softmax",
    "Transpose",
    "Upsample",
    "check",
    "image_shape",
    "infer_shape",
    "window_count",
]


JOINS = (Add, Multiply, Concatenate)
"""The operators with more than one input."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A float network.

    Parameters
    ----------
    name : str
        The model's name for the network.
    inputs, outputs : tuple of str
        Tensor names.
    operators : tuple of Operator
        In topological order.
    shapes : mapping of str to tuple of int
        The shape of every tensor, batch left out.
    classifier : bool
        True once a trailing Softmax was cut off: the output is logits, whose argmax is the answer.
    notes : tuple of str
        Notes for the user about the reading of the model, one line each.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: tuple[Operator, ...]
    shapes: Mapping[str, Shape]
    classifier: bool = False
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line: a whole graph would fill pages with weights."""
        return f"<Graph: {printable(self.headline())}>"

    def _repr_html_(self) -> str:
        """The table of layers that a notebook shows."""
        rows = [
            {"layer": op.name, "operator": type(op).__name__, "output": shape_text(self.shapes[op.output])}
            for op in self.operators
        ]
        return html_table(self.headline(), rows)

    def headline(self) -> str:
        """Name, inputs, outputs and number of operators."""
        inputs, outputs = (
            ", ".join(f"{name} {shape_text(self.shapes[name])}" for name in names)
            for names in (self.inputs, self.outputs)
        )
        return f"{self.name}, {inputs} -> {outputs}, {len(self.operators)} operators"

    def producer(self, tensor: str) -> Operator | None:
        """The operator that writes `tensor`, or None for an input."""
        return next((op for op in self.operators if op.output == tensor), None)

    def consumers(self, tensor: str) -> tuple[Operator, ...]:
        """The operators that read `tensor`."""
        return tuple(op for op in self.operators if tensor in op.inputs)

    def with_operators(self, operators: tuple[Operator, ...], **changes: object) -> Graph:
        """A copy with other operators, shapes of tensors that nobody touches any more dropped."""
        graph = replace(self, operators=operators, **changes)  # type: ignore[arg-type]
        used = {*graph.inputs, *graph.outputs}
        used.update(name for op in operators for name in op.inputs)
        used.update(op.output for op in operators)
        return replace(graph, shapes={name: shape for name, shape in graph.shapes.items() if name in used})


def check(graph: Graph) -> Graph:
    """Return `graph` if it is sound, else raise ModelError naming the layer and the fault.

    Checked: names defined once and before use, shapes consistent, at least one operator, parameters finite and
    of fitting lengths.
    """
    if not graph.inputs or not graph.outputs:
        raise ModelError(f"network {graph.name!r} has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs")
    if not graph.operators:
        raise ModelError(f"network {graph.name!r} is empty: it has no layer")
    known = set(graph.inputs)
    for op in graph.operators:
        for name in op.inputs:
            if name not in known:
                raise ModelError(f"layer {op.name!r} reads {name!r}, which no earlier layer writes")
        if op.output in known:
            raise ModelError(f"layer {op.name!r} writes {op.output!r}, which is already written")
        known.add(op.output)
        if not op.inputs:
            raise ModelError(f"layer {op.name!r} has no input")
        shapes = [graph.shapes[name] for name in op.inputs]
        if len(shapes) > 1 and not isinstance(op, JOINS):
            raise ModelError(f"layer {op.name!r}: {len(shapes)} inputs; {type(op).__name__} has 1")
        expected = infer_shape(op, shapes[0], graph.shapes[op.output], shapes[1:])
        if tuple(graph.shapes[op.output]) != expected:
            raise ModelError(
                f"layer {op.name!r}: output {op.output!r} is declared {graph.shapes[op.output]} but computes {expected}"
            )
        _check_parameters(op, graph.shapes[op.input])
    for name in graph.outputs:
        if name not in known:
            raise ModelError(f"output {name!r} of network {graph.name!r} is written by no layer")
    return graph


def _check_parameters(op: Operator, shape: Shape) -> None:
    arrays: dict[str, Array | None] = {}
    if isinstance(op, Convolution | Affine | Deconvolution):
        arrays = {"weight": op.weight, "bias": op.bias}
        length = op.weight.shape[1] * op.groups if isinstance(op, Deconvolution) else op.weight.shape[0]
        if op.bias is not None and op.bias.shape != (length,):
            raise ModelError(f"layer {op.name!r}: bias {op.bias.shape} does not fit {length} outputs")
        for grid in (op.weight_grid, op.bias_grid):
            if grid is not None and len(grid.frac) not in (1, length):
                raise ModelError(f"layer {op.name!r}: {len(grid.frac)} steps do not fit {length} outputs")
    elif isinstance(op, BatchNormalization):
        arrays = {"mean": op.mean, "variance": op.variance, "scale": op.scale, "offset": op.offset}
        for label, array in arrays.items():
            if array is not None and array.shape != (shape[0],):
                raise ModelError(f"layer {op.name!r}: {label} {array.shape} does not fit {shape[0]} channels")
        if np.any(op.variance + np.float64(op.epsilon) <= 0):
            worst = int(np.argmin(op.variance))
            raise ModelError(
                f"layer {op.name!r}: variance[{worst}] = {op.variance[worst]} with epsilon {op.epsilon} is not positive"
            )
    elif isinstance(op, Prelu):
        arrays = {"slope": op.slope}
        if op.slope.shape not in {(1,), (shape[0],)}:
            raise ModelError(f"layer {op.name!r}: slope {op.slope.shape} does not fit {shape[0]} channels")
    else:
        _check_numbers(op)
    for label, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ModelError(f"layer {op.name!r}: {label}{list(index)} is {array[index]}; parameters must be finite")


def _check_numbers(op: Operator) -> None:
    """Check the operators whose parameters are single numbers."""
    if isinstance(op, Pointwise):
        check_parameters(op.function, op.parameters, f"layer {op.name!r}")
    elif isinstance(op, ScaleOffset) and not (np.isfinite(op.scale) and np.isfinite(op.offset)):
        raise ModelError(f"layer {op.name!r}: x * {op.scale} + {op.offset}; parameters must be finite")
    elif isinstance(op, Pad) and not (np.isfinite(op.value) or op.value == -np.inf):
        raise ModelError(f"layer {op.name!r}: value {op.value}; it is finite, or -inf before MaxPooling")
