"""The float graph: what an importer reads and what the passes rewrite.

Frozen operators on named tensors, in topological order. Shapes leave the batch out. Images are
(channels, height, width), the layout of the models that come in; vectors are (features,).
A pass is a plain function ``Graph -> Graph``; `check` runs after each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError

Array: TypeAlias = NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]
"""(top, bottom, left, right) in pixels."""


@dataclass(frozen=True, eq=False)
class Operator:
    """One node. `name` is the model's own, opaque name; `inputs` and `output` name tensors."""

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def input(self) -> str:
        """The first input, which for most operators is the only one."""
        return self.inputs[0]


@dataclass(frozen=True, eq=False)
class Convolution(Operator):
    """2-D cross-correlation: weight (outputs, channels / groups, kernel height, kernel width), bias (outputs,)."""

    weight: Array
    bias: Array | None
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    padding_value: float = 0.0
    """The real value of a pixel outside the image (zero in every model; passes that move a constant set it)."""


@dataclass(frozen=True, eq=False)
class Affine(Operator):
    """Matrix product on the flattened input: weight (outputs, features), features in C order of the input's shape."""

    weight: Array
    bias: Array | None


@dataclass(frozen=True, eq=False)
class MaxPooling(Operator):
    """Maximum over windows; a padded pixel never wins. The overhang of a kept partial window is padding too."""

    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Relu(Operator):
    """max(x, 0)."""


@dataclass(frozen=True, eq=False)
class BatchNormalization(Operator):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset along axis 0 of the shape (the channels)."""

    mean: Array
    variance: Array
    scale: Array | None
    offset: Array | None
    epsilon: float


@dataclass(frozen=True, eq=False)
class ScaleOffset(Operator):
    """x * scale + offset with two constants (MulScalar, AddScalar and preprocessing at rest)."""

    scale: float
    offset: float


@dataclass(frozen=True, eq=False)
class Reshape(Operator):
    """The same elements in C order under the shape that `Graph.shapes` gives the output."""


@dataclass(frozen=True, eq=False)
class Softmax(Operator):
    """Softmax along `axis` of the shape without the batch."""

    axis: int


@dataclass(frozen=True, eq=False)
class Identity(Operator):
    """The same tensor: Identity, Dropout at inference and other operators at rest. `kind` is the model's type name."""

    kind: str


OPERATORS: tuple[type[Operator], ...] = (
    Convolution,
    Affine,
    MaxPooling,
    Relu,
    BatchNormalization,
    ScaleOffset,
    Reshape,
    Softmax,
    Identity,
)


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
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: tuple[Operator, ...]
    shapes: Mapping[str, Shape]
    classifier: bool = False

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


def window_count(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """How many windows fit along one axis; zero or less if none does."""
    return (size + before + after - (dilation * (kernel - 1) + 1)) // stride + 1


def infer_shape(op: Operator, shape: Shape, declared: Shape) -> Shape:
    """The output shape of `op` on an input of `shape`; `declared` is what the graph says (a Reshape keeps it)."""
    if isinstance(op, Convolution | MaxPooling):
        if len(shape) != 3:
            raise ModelError(f"layer {op.name!r}: input shape {shape} is not (channels, height, width)")
        if isinstance(op, Convolution):
            kernel, dilation, channels = op.weight.shape[2:], op.dilation, op.weight.shape[0]
            if op.groups < 1 or shape[0] % op.groups or channels % op.groups:
                raise ModelError(
                    f"layer {op.name!r}: {op.groups} groups do not divide {shape[0]} input"
                    f" and {channels} output channels"
                )
            if op.weight.shape[1] * op.groups != shape[0]:
                raise ModelError(
                    f"layer {op.name!r}: weight {op.weight.shape} with {op.groups} groups"
                    f" does not fit {shape[0]} channels"
                )
        else:
            kernel, dilation, channels = op.kernel, (1, 1), shape[0]
        if min(op.stride) < 1 or min(dilation) < 1 or min(kernel) < 1 or min(op.padding) < 0:
            raise ModelError(
                f"layer {op.name!r}: kernel {tuple(kernel)}, stride {op.stride}, dilation {dilation},"
                f" padding {op.padding}; kernel, stride and dilation are at least 1, padding at least 0"
            )
        top, bottom, left, right = op.padding
        height = window_count(shape[1], kernel[0], op.stride[0], dilation[0], top, bottom)
        width = window_count(shape[2], kernel[1], op.stride[1], dilation[1], left, right)
        if height < 1 or width < 1:
            raise ModelError(
                f"layer {op.name!r}: kernel {tuple(kernel)} with dilation {dilation} is larger than the padded input"
                f" {shape[1:]} + {op.padding}"
            )
        return (channels, height, width)
    if isinstance(op, Affine):
        if int(np.prod(shape)) != op.weight.shape[1]:
            raise ModelError(f"layer {op.name!r}: weight {op.weight.shape} does not fit an input of shape {shape}")
        return (op.weight.shape[0],)
    if isinstance(op, Reshape):
        if int(np.prod(shape)) != int(np.prod(declared)):
            raise ModelError(f"layer {op.name!r}: cannot reshape {shape} to {declared}: the element counts differ")
        return declared
    return shape


def check(graph: Graph) -> Graph:
    """Return `graph` if it is sound, else raise ModelError naming the layer and what is wrong.

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
        expected = infer_shape(op, graph.shapes[op.input], graph.shapes[op.output])
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
    if isinstance(op, Convolution | Affine):
        arrays = {"weight": op.weight, "bias": op.bias}
        length = op.weight.shape[0]
        if op.bias is not None and op.bias.shape != (length,):
            raise ModelError(f"layer {op.name!r}: bias {op.bias.shape} does not fit {length} outputs")
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
    for label, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ModelError(f"layer {op.name!r}: {label}{list(index)} is {array[index]}; parameters must be finite")
