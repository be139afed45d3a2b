"""A case of the fuzz: a network, its hardware and the seed of its stalls; every way of computing it starts from one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fpgaq.hardware.schedule import Schedule, Target
from fpgaq.integer.check import check
from fpgaq.integer.graph import InputTransform, IntegerArray, IntegerGraph, IntegerOperator, Tensor
from fpgaq.integer.reference import run

FRAMES = 4


@dataclass(frozen=True)
class Case:
    """A network, its hardware and the seed of its stalls (None: an unstalled run)."""

    graph: IntegerGraph
    target: Target
    schedule: Schedule
    stall_seed: int | None

    @cached_property
    def inputs(self) -> dict[str, IntegerArray]:
        """The frames that are run."""
        return random_inputs(self.graph, self.stall_seed or 1)

    @cached_property
    def golden(self) -> Mapping[str, IntegerArray]:
        """The reference's results: every output, (frames, height, width, channels)."""
        return run(self.graph, self.inputs)


def first_difference(case: Case, outputs: Mapping[str, IntegerArray]) -> str | None:
    """The first integer in which `outputs` differ from the reference, in words; None if all are equal."""
    for name in case.graph.outputs:
        expected, found = case.golden[name], outputs[name]
        if expected.shape != found.shape:
            return f"output {name}: expected the shape {expected.shape}, found {found.shape}"
        if (expected != found).any():
            place = tuple(int(axis[0]) for axis in np.nonzero(expected != found))
            frame, row, column, channel = place
            where = f"frame {frame}, row {row}, column {column}, channel {channel}"
            return f"output {name}: {where}: expected {expected[place]}, found {found[place]}"
    return None


def connect(
    name: str, tensors: Sequence[Tensor], operators: Sequence[IntegerOperator], also: Collection[str] = ()
) -> IntegerGraph:
    """A checked network: what no operator writes is an input, what none reads (or `also` names) an output."""
    written, read = {op.output for op in operators}, {name for op in operators for name in op.inputs}
    inputs = [tensor for tensor in tensors if tensor.name not in written]
    outputs = [tensor for tensor in tensors if tensor.name not in read or tensor.name in also]
    images = {tensor.name: (tensor.shape[2], tensor.shape[0], tensor.shape[1]) for tensor in tensors}
    return check(
        IntegerGraph(
            name=name,
            inputs=tuple(tensor.name for tensor in inputs),
            outputs=tuple(tensor.name for tensor in outputs),
            tensors={tensor.name: tensor for tensor in tensors},
            operators=tuple(operators),
            transforms={
                tensor.name: InputTransform(1.0, 0.0, "half_up", images[tensor.name], images[tensor.name])
                for tensor in inputs
            },
            output_shapes={tensor.name: images[tensor.name] for tensor in outputs},
            samples={tensor.name: frames(tensor, 1, 0) for tensor in inputs},
            classifier=False,
        )
    )


def frames(tensor: Tensor, count: int, seed: int) -> IntegerArray:
    """Frames of a tensor: all-minimum, all-maximum, then random ones."""
    low, high = tensor.format.minimum, tensor.format.maximum
    values = np.random.default_rng(seed).integers(low, high + 1, size=(count, *tensor.shape))
    for place, value in enumerate((low, high)[: max(count - 1, 0)]):
        values[place] = value
    return values


def random_inputs(graph: IntegerGraph, seed: int) -> dict[str, IntegerArray]:
    """Frames for every input."""
    return {name: frames(graph.tensors[name], FRAMES, seed + place) for place, name in enumerate(graph.inputs)}


def shorter(graph: IntegerGraph) -> Iterator[IntegerGraph]:
    """Every proper run of the network's operators as a network of its own, the shortest first."""
    count = len(graph.operators)
    for length in range(1, count):
        for first in range(count - length + 1):
            operators = graph.operators[first : first + length]
            names = {name for op in operators for name in (*op.inputs, op.output)}
            tensors = [tensor for tensor in graph.tensors.values() if tensor.name in names]
            yield connect(f"{graph.name}, operators {first} to {first + length - 1}", tensors, operators)
