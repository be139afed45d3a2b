"""The importance of a unit: what its readers lose for good, once the units that stay make up for the rest.

Optimal Brain Surgeon (Hassibi and Stork, "Second Order Derivatives for Network Pruning", 1993) for each layer on its
own (Dong, Chen and Pan, "Learning to Prune Deep Neural Networks via Layer-wise Optimal Brain Surgeon", 2017), with
whole channels in place of single weights. The weights of a layer on its inputs solve a least squares problem. The
inverse of the products of its inputs gives in closed form how much worse it gets without some of the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UsageError
from ...model.executor import steps
from ...model.graph import Affine, Array, Convolution, Deconvolution
from .groups import find_groups
from .importance import Scores, Statistics
from .readings import columns, some_samples
from .units import Units, is_depthwise

SAMPLES = 256
"""How many samples are used at most."""
DAMPING = 1e-2
"""Share of the inputs' mean power that holds weights back. A tenth or ten times of it choose nearly the same units."""
MOST_TAPS = 4096
"""Most inputs of an output: where a layer has more, a unit is made up for as a whole, not weight by weight."""
TINY = float(np.finfo(np.float64).tiny)

Real = NDArray[np.float64]
Reader = Convolution | Deconvolution | Affine


def lasting_loss(units: Units, statistics: Statistics) -> Scores:
    """The loss of a unit's readers, as a share of their outputs' power, when it goes as the next of its group.

    In every group the unit that costs its readers least goes first, those that stay make up for it, and so on to the
    last one; a unit's score is the loss of all that went up to it. So of two that say the same one is worth nothing,
    and the other much.

    Raises
    ------
    UsageError
        Without samples.
    """
    if not statistics.inputs:
        raise UsageError("what readers lose is measured on samples; give calibration data")
    readers = [equations for layer in _layers(units, statistics.inputs) for equations in layer]
    scores = np.full(units.count, np.nan)
    for group in find_groups(units):
        concerned = [one.copy() for one in readers if one.reads(group.units)]
        left = np.zeros(units.count, np.bool_)
        left[list(group.units)] = True
        lost = 0.0
        while left.any():
            losses = sum((one.losses(units.count) for one in concerned), np.zeros(units.count))
            unit = int(np.argmin(np.where(left, losses, np.inf)))
            lost += losses[unit]
            scores[unit], left[unit] = lost, False
            for one in concerned:
                one.remove(unit)
    return scores


@dataclass
class _Equations:
    """Least squares of a layer, or of one group of its channels.

    Parameters
    ----------
    inverse : array
        Inverse of the products of the inputs of its weights, (taps, taps).
    weight : array
        (outputs, taps), as it makes up for the units that went.
    taps : mapping of int to array
        For each unit the taps that read it.
    power : float
        Power of the outputs on the samples, without their mean.
    """

    inverse: Real
    weight: Real
    taps: Mapping[int, NDArray[np.int64]]
    power: float

    def copy(self) -> _Equations:
        return _Equations(self.inverse.copy(), self.weight.copy(), self.taps, self.power)

    def reads(self, units: tuple[int, ...]) -> bool:
        return any(unit in self.taps for unit in units)

    def losses(self, count: int) -> Real:
        """For each unit how much the sum of squares grows without it, as a share of the outputs' power."""
        result = np.zeros(count)
        # Units with the same number of taps are solved together.
        for size in {len(taps) for taps in self.taps.values()}:
            units = [unit for unit, taps in self.taps.items() if len(taps) == size]
            taps = np.stack([self.taps[unit] for unit in units])
            blocks = self.inverse[taps[:, :, None], taps[:, None, :]]
            weight = self.weight[:, taps].transpose(1, 2, 0)
            result[units] = (weight * np.linalg.solve(blocks, weight)).sum(axis=(1, 2))
        return result / self.power

    def remove(self, unit: int) -> None:
        """Let the others make up for a unit."""
        if unit not in self.taps:
            return
        taps = self.taps[unit]
        rows = np.linalg.solve(self.inverse[np.ix_(taps, taps)], self.inverse[taps])
        self.weight -= self.weight[:, taps] @ rows
        self.inverse -= self.inverse[:, taps] @ rows
        self.inverse[taps] = 0
        self.inverse[:, taps] = 0
        self.inverse[taps, taps] = 1
        self.weight[:, taps] = 0


def _layers(units: Units, inputs: Mapping[str, NDArray[Any]]) -> Iterator[list[_Equations]]:
    """The equations of each layer that mixes channels, on the whole network's tensors."""
    graph = units.graph
    tensors = some_samples(graph, inputs, SAMPLES)
    for op in steps(graph, tensors):
        if isinstance(op, Affine) or (isinstance(op, Convolution | Deconvolution) and not is_depthwise(op)):
            yield _of_layer(units, op, tensors[op.input])


def _of_layer(units: Units, op: Reader, x: Array) -> list[_Equations]:
    weights, read = _weights(units, op)
    pixels = math.prod(units.graph.shapes[op.output][1:])
    found = []
    for group, (weight, labels) in enumerate(zip(weights, read, strict=True)):
        names, own = np.unique(labels, return_inverse=True)
        wide = len(own) > MOST_TAPS
        # The last tap is a constant, the bias, whose weight may change too.
        start = np.ones((1, len(names))) if wide else np.pad(weight, ((0, 0), (0, 1)))
        size = start.shape[1]
        products, squares, sums, count = np.zeros((size, size)), 0.0, np.zeros(len(weight)), 0
        for _, block in columns(op, x, pixels):
            rows = block[:, group].transpose(0, 2, 1).reshape(-1, len(own)).astype(np.float64)
            taken = _wholes(rows, weight, own) if wide else np.pad(rows, ((0, 0), (0, 1)), constant_values=1.0)
            outputs = rows @ weight.T
            products += taken.T @ taken
            squares, sums, count = squares + float((outputs**2).sum()), sums + outputs.sum(axis=0), count + len(rows)
        # Outputs that hardly change at all are nothing to go by.
        power = max(squares - float((sums**2).sum()) / count, 1e-9 * squares, TINY)
        held = products + (DAMPING * np.trace(products) / size + TINY) * np.eye(size)
        places = np.arange(size) if wide else own
        taps = {int(unit): np.flatnonzero(places == number) for number, unit in enumerate(names)}
        found.append(_Equations(np.linalg.inv(held), start, taps, power))
    return found


def _weights(units: Units, op: Reader) -> tuple[Real, NDArray[np.int64]]:
    """The weights, (groups, outputs, taps), and the unit that each tap reads, (groups, taps)."""
    if isinstance(op, Affine):
        return op.weight[None].astype(np.float64), units.labels[op.input].reshape(1, -1)
    channels = units.channels(op.input).reshape(op.groups, -1)
    if isinstance(op, Convolution):
        weight = op.weight.reshape(op.groups, len(op.weight) // op.groups, -1)
        return weight.astype(np.float64), channels.repeat(op.weight[0, 0].size, axis=1)
    # What a pixel adds to the outputs around it: each tap of a channel is one output.
    weight = op.weight.reshape(op.groups, len(op.weight) // op.groups, -1).transpose(0, 2, 1)
    return weight.astype(np.float64), channels


def _wholes(rows: Real, weight: Real, own: NDArray[np.int64]) -> Real:
    """The part of each unit in the outputs, (samples, pixels and outputs; units)."""
    parts = [(rows[:, own == unit] @ weight[:, own == unit].T).ravel() for unit in range(int(own.max()) + 1)]
    return np.stack(parts, axis=1)
