"""Parity: the integer reference against the nnabla graph that it was trained as, tensor by tensor.

Both must hold the same integers: an nnabla value over its step, and -0.0 is 0. Float32 sums of integers are exact as
long as every subset of the products stays below 2**24 in units of the accumulator's step; where that is proved for all
layers, and tables hold nnabla's own values, equality is promised. Elsewhere differing elements are counted and shown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nnabla as nn
import numpy as np
from numpy.typing import NDArray

from ..base.formats import quantize_real
from ..integer.graph import IntegerArray, IntegerGraph, IntegerSumPooling, IntegerTable
from ..integer.inputs import transform_data
from ..integer.reference import run, working_types
from ..model.graph import FixedPointQuantize, Graph, Pointwise, Relu, Reshape, ScaleOffset, Softmax
from ..model.graph.fixed import ROUNDING
from ..model.passes import standard_passes
from ..quantizer.fixed import quantize_fixed
from .finetune import load_graph

SHOWN = 3
"""Differing elements that are kept of each tensor."""


@dataclass(frozen=True)
class Difference:
    """One element: its index in the model's layout, the reference's integer, nnabla's value over the step."""

    index: tuple[int, ...]
    integer: int
    nnabla: float


@dataclass(frozen=True)
class TensorParity:
    """One integer tensor: the nnabla variable that it is held against, and what differs."""

    name: str
    variable: str
    elements: int
    differing: int
    first: tuple[Difference, ...]


@dataclass(frozen=True)
class Parity:
    """All tensors; `internal` ones are movements inside a layer, which nnabla does not show.

    `doubts` says why equality is not promised; empty if it is.
    """

    tensors: tuple[TensorParity, ...]
    internal: tuple[str, ...]
    table_entries: int
    doubts: tuple[str, ...]

    @property
    def differing(self) -> int:
        """Differing elements of all tensors."""
        return sum(tensor.differing for tensor in self.tensors)

    @property
    def elements(self) -> int:
        """Elements that were compared."""
        return sum(tensor.elements for tensor in self.tensors)


def check_parity(
    graph: Graph, samples: Mapping[str, NDArray[Any]], *, own_tables: bool = True, batch_size: int = 64
) -> Parity:
    """Run the integer reference and nnabla on the same samples.

    Parameters
    ----------
    graph : Graph
        A network of fixed-point functions, as it stands in its file (no passes applied).
    samples : mapping of str to array
        (n, *shape) for each input.
    own_tables : bool
        Tables hold what nnabla's own functions give; if false, what `fpgaq quantize` writes without nnabla.
    batch_size : int
        At least the number of samples is not needed: they run in batches.

    Returns
    -------
    Parity
    """
    fixed = standard_passes(graph)
    integer = quantize_fixed(fixed)
    tables = with_nnabla_tables(fixed, integer)
    entries = _table_differences(integer, tables)
    if own_tables:
        integer = tables
    reference = run(integer, transform_data(integer, samples), keep=True)
    names = _variable_names(graph, fixed, integer)
    values = _nnabla_values(graph, samples, tuple(dict.fromkeys(names.values())), batch_size)
    tensors = tuple(_compared(name, names[name], integer, reference[name], values[names[name]]) for name in names)
    internal = tuple(name for name in integer.tensors if name not in names)
    return Parity(tensors, internal, entries, _doubts(integer, own_tables))


def with_nnabla_tables(graph: Graph, integer: IntegerGraph) -> IntegerGraph:
    """The integer network with tables that nnabla's own float32 functions fill."""
    layers = {op.name: op for op in graph.operators if isinstance(op, Pointwise)}
    operators = tuple(
        replace(op, table=_table(layers[op.name], op, integer)) if isinstance(op, IntegerTable) else op
        for op in integer.operators
    )
    return replace(integer, operators=operators)


def _table(layer: Pointwise, op: IntegerTable, integer: IntegerGraph) -> IntegerArray:
    index, target = op.index_format, integer.tensors[op.output].format
    reals = np.ldexp(np.arange(index.minimum, index.maximum + 1, dtype=np.float64), -index.frac).astype(np.float32)
    shapes = {"x": (1,), "y": (1,)}
    single = Graph("table", ("x",), ("y",), (replace(layer, inputs=("x",), output="y"),), shapes)
    with nn.parameter_scope("", OrderedDict()):
        network = load_graph(single, len(reals))
        (x,), (y,) = network.inputs.values(), network.outputs.values()
        x.d = reals.reshape(-1, 1)
        y.forward()
        values = y.d.reshape(-1).copy()
    # Where the function is undefined the integer network takes the nearest index; nnabla is never asked for it.
    known = np.isfinite(values)
    found = op.table.copy()
    found[known] = quantize_real(values[known], target, ROUNDING)
    return found


def _table_differences(one: IntegerGraph, other: IntegerGraph) -> int:
    return sum(
        int((a.table != b.table).sum())
        for a, b in zip(one.operators, other.operators, strict=True)
        if isinstance(a, IntegerTable) and isinstance(b, IntegerTable)
    )


def _variable_names(graph: Graph, fixed: Graph, integer: IntegerGraph) -> dict[str, str]:
    """For each integer tensor the nnabla variable with the same values."""
    known = {*graph.inputs, *(op.output for op in graph.operators)}
    logits = {op.output: op.input for op in graph.operators if isinstance(op, Softmax)}
    names = {}
    for name in integer.tensors:
        variable = logits.get(name, name)
        if name in integer.inputs:
            variable = _input_quantizer(fixed, name)
        if variable in known:
            names[name] = variable
    return names


def _input_quantizer(graph: Graph, name: str) -> str:
    tensor = name
    while True:
        (reader,) = graph.consumers(tensor)
        tensor = reader.output
        if isinstance(reader, FixedPointQuantize):
            return tensor
        assert isinstance(reader, ScaleOffset | Reshape | Relu)


def _nnabla_values(
    graph: Graph, samples: Mapping[str, NDArray[Any]], names: Sequence[str], batch_size: int
) -> dict[str, NDArray[np.float32]]:
    """The values of variables for all samples."""
    count = len(next(iter(samples.values())))
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    with nn.parameter_scope("", OrderedDict()):
        network = load_graph(graph, min(batch_size, count))
        batch = min(batch_size, count)
        variables = {name: network.variables[name] for name in names}
        for start in range(0, count, batch):
            chosen = np.arange(start, start + batch) % count
            for name, variable in network.inputs.items():
                variable.d = samples[name][chosen]
            nn.forward_all([variable for variable in variables.values() if variable.parent is not None])
            for name, variable in variables.items():
                parts[name].append(variable.d[: count - start].copy())
    return {name: np.concatenate(found) for name, found in parts.items()}


def _compared(
    name: str, variable: str, integer: IntegerGraph, reference: IntegerArray, values: NDArray[np.float32]
) -> TensorParity:
    expected = reference.transpose(0, 3, 1, 2).reshape(values.shape)
    scaled = np.ldexp(values.astype(np.float64), integer.tensors[name].format.frac)
    wrong = scaled != expected
    first = tuple(
        Difference(tuple(map(int, index)), int(expected[tuple(index)]), float(scaled[tuple(index)]))
        for index in np.argwhere(wrong)[:SHOWN]
    )
    return TensorParity(name, variable, int(expected.size), int(wrong.sum()), first)


def _doubts(integer: IntegerGraph, own_tables: bool) -> tuple[str, ...]:
    doubts = []
    if any(kind != "float32" for kind in working_types(integer)):
        doubts.append("a layer's products may pass 2**24, where float32 sums round")
    if not own_tables and any(isinstance(op, IntegerTable) for op in integer.operators):
        doubts.append("tables hold numpy's values of functions, not nnabla's")
    means = [op for op in integer.operators if isinstance(op, IntegerSumPooling)]
    if any(value & (value - 1) and value % 2 == 0 for op in means for value in op.divisor):
        doubts.append("a mean's divisor is even and no power of two, so that float32 may miss a tie")
    return tuple(doubts)
