"""The rest of a network, fitted to the outputs of the whole network: least squares, layer by layer, no labels.

A layer that lost inputs can make up for much of it with those it keeps: He, Zhang and Sun, "Channel Pruning for
Accelerating Very Deep Neural Networks", 2017. Each layer reads what the pruned network gives it and aims at what the
whole network has after it, so that the error of the layers before is made up for too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...model.executor import run_operator
from ...model.graph import Affine, Array, Convolution, Graph, Operator, check
from .readings import columns, some_samples
from .units import Mask, Units

SAMPLES = 4096
"""How many samples are used at most."""
MOST_TAPS = 4096
"""Most inputs of an output: a layer with more stays as it was cut, because its equations would take gigabytes."""
DAMPINGS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Shares of the inputs' mean power by which a change of the weights is held back; half of the samples choose."""

Real = NDArray[np.float64]


def refit(units: Units, keep: Mask, pruned: Graph, inputs: Mapping[str, NDArray[Any]]) -> Graph:
    """The pruned network with the weights and biases of convolutions and affine layers after the cuts fitted.

    Parameters
    ----------
    units : Units
        Units of the whole network.
    keep : array of bool
        For each unit whether it was kept.
    pruned : Graph
        The result of `rebuild` for both.
    inputs : mapping of str to array
        Samples, (n, *shape) for each input. At most `SAMPLES` of them are used, spread evenly.

    Returns
    -------
    Graph
        A graph of the same layers and shapes. A layer is changed only if that brings it nearer on the samples that
        its change was not computed from.
    """
    whole = units.graph
    expected = some_samples(whole, inputs, SAMPLES)
    found = dict(expected)
    touched: set[str] = set()
    operators: list[Operator] = []
    last_use = {name: index for index, op in enumerate(whole.operators) for name in op.inputs}
    for index, (op, small) in enumerate(zip(whole.operators, pruned.operators, strict=True)):
        expected[op.output] = _run(op, expected, whole)
        if touched.intersection(op.inputs) and isinstance(small, Convolution | Affine):
            kept = keep[units.channels(op.output)]
            small = _fitted(small, found[small.input], expected[op.output][:, kept])
        found[op.output] = _run(small, found, pruned)
        if touched.intersection(op.inputs) or pruned.shapes[op.output] != whole.shapes[op.output]:
            touched.add(op.output)
        operators.append(small)
        for name in op.inputs:
            if last_use[name] == index:
                expected.pop(name, None)
                found.pop(name, None)
    return check(replace(pruned, operators=tuple(operators)))


def _run(op: Operator, tensors: Mapping[str, Array], graph: Graph) -> Array:
    return run_operator(op, [tensors[name] for name in op.inputs], graph.shapes[op.output])


def _fitted(op: Convolution | Affine, x: Array, wanted: Array) -> Operator:
    """The layer with weights that bring its output on `x` nearest to `wanted`, (n, outputs, ...)."""
    # The weights of a layer that was trained in fixed point belong to their steps.
    if op.weight_grid is not None or op.weight[0].size > MOST_TAPS or len(x) < 2:
        return op
    groups = op.groups if isinstance(op, Convolution) else 1
    weight = op.weight.reshape(groups, op.weight.shape[0] // groups, -1).astype(np.float64)
    bias = None if op.bias is None else op.bias.reshape(groups, -1, 1).astype(np.float64)
    start = weight if bias is None else np.concatenate([weight, bias], axis=2)
    fit, judge = _equations(op, x, wanted, start)
    change = _change(fit, judge)
    if change is None:
        return op
    result = (start + change).astype(np.float32)
    if bias is None:
        return replace(op, weight=result.reshape(op.weight.shape))
    return replace(op, weight=result[:, :, :-1].reshape(op.weight.shape), bias=result[:, :, -1].reshape(-1))


@dataclass
class _Products:
    """Sums over samples, for each group: products of inputs (taps, taps), and of the missing outputs with
    inputs (outputs, taps).
    """

    products: Real
    missing: Real

    def add(self, taken: Real, missing: Real) -> None:
        """Take more rows in: (groups, rows, taps) and (groups, rows, outputs)."""
        # One long product for each group is much faster than a short one for each sample.
        self.products += taken.transpose(0, 2, 1) @ taken
        self.missing += missing.transpose(0, 2, 1) @ taken

    def with_all_of(self, other: _Half) -> _Half:
        assert isinstance(other, _Products)
        return _Products(self.products + other.products, self.missing + other.missing)

    def gain(self, change: Real) -> float:
        """By how much the sum of squares falls when the weights are changed so."""
        return float((2 * change * self.missing - (change @ self.products) * change).sum())

    def solved(self, damping: float) -> Real:
        """The change of the weights (groups, outputs, taps), held back."""
        taps = self.products.shape[-1]
        power = np.trace(self.products, axis1=1, axis2=2) / taps
        held = self.products + _diagonal(damping * power, taps)
        solution: Real = np.linalg.solve(held, self.missing.transpose(0, 2, 1)).transpose(0, 2, 1)
        return solution


@dataclass
class _Rows:
    """The same with fewer rows than taps: the equations have one unknown for each row."""

    taken: Real
    missing: Real

    def add(self, taken: Real, missing: Real) -> None:
        self.taken = np.concatenate([self.taken, taken], axis=1)
        self.missing = np.concatenate([self.missing, missing], axis=1)

    def with_all_of(self, other: _Half) -> _Half:
        assert isinstance(other, _Rows)
        result = _Rows(self.taken, self.missing)
        result.add(other.taken, other.missing)
        return result

    def gain(self, change: Real) -> float:
        made = self.taken @ change.transpose(0, 2, 1)
        return float((2 * made * self.missing - made**2).sum())

    def solved(self, damping: float) -> Real:
        rows, taps = self.taken.shape[1:]
        held = self.taken @ self.taken.transpose(0, 2, 1)
        held += _diagonal(damping * np.trace(held, axis1=1, axis2=2) / taps, rows)
        solution: Real = np.linalg.solve(held, self.missing).transpose(0, 2, 1) @ self.taken
        return solution


def _diagonal(values: Real, size: int) -> Real:
    """A diagonal of one value for each group."""
    diagonal: Real = (values + np.finfo(np.float64).tiny)[:, None, None] * np.eye(size)
    return diagonal


_Half: TypeAlias = "_Products | _Rows"


def _equations(op: Convolution | Affine, x: Array, wanted: Array, start: Real) -> tuple[_Half, _Half]:
    """The sums of one half of the samples and of the other; every second sample is in each."""
    groups, outputs, taps = start.shape
    targets = wanted.reshape(len(wanted), groups, outputs, -1)
    pixels = targets.shape[3]
    few = len(x) * pixels < taps

    def empty() -> _Half:
        if few:
            return _Rows(np.zeros((groups, 0, taps)), np.zeros((groups, 0, outputs)))
        return _Products(np.zeros((groups, taps, taps)), np.zeros((groups, outputs, taps)))

    def in_rows(array: Real) -> Real:
        """(samples, groups, n, pixels) as (groups, samples and pixels, n)."""
        return array.transpose(1, 0, 3, 2).reshape(groups, -1, array.shape[2])

    halves = empty(), empty()
    for samples, block in columns(op, x, pixels):
        taken = block.astype(np.float64)
        if op.bias is not None:
            taken = np.concatenate([taken, np.ones_like(taken[:, :, :1])], axis=2)
        missing = targets[samples] - start @ taken
        for number, half in enumerate(halves):
            half.add(in_rows(taken[number::2]), in_rows(missing[number::2]))
    return halves


def _change(fit: _Half, judge: _Half) -> Real | None:
    """The change of the weights, with the damping that is best for the half of the samples it was not computed from."""
    gains = [judge.gain(fit.solved(damping)) for damping in DAMPINGS]
    if not max(gains) > 0:
        return None
    return fit.with_all_of(judge).solved(DAMPINGS[int(np.argmax(gains))])
