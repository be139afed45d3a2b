"""Weights that turn back and forth between two integers while they are trained are frozen.

Straight through, a weight whose best value lies between two integers is pulled towards the one that it is not rounded
to: it crosses the threshold again and again, however low the rate is, and what the other weights learn goes by the
noise. After Nagel et al., "Overcoming Oscillations in Quantization-Aware Training", 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.exporters import parameter_names, parameters_of
from ..model.graph import Affine, Array, Convolution, Deconvolution, Graph
from ..model.graph.fixed import by_channel, from_channels

MEMORY = 0.01
"""The part of one step in the running means."""
FREQUENT = 0.04
"""The share of steps with a turn back, from which on a weight is frozen."""


class OscillationFreezer:
    """Called after each step of the training: keeps weights in their range, and freezes those that oscillate.

    Parameters
    ----------
    graph : Graph
        Whose layers with a grid are watched.
    parameters : mapping of str to nnabla.Variable
        By the names that `dump_nnp` gives; changed in place.
    exponents : mapping of str to nnabla.Variable
        Exponents of learned steps, as `with_learned_steps` returns them. Where one moves, its layer starts again: all
        its integers are others.
    """

    def __init__(self, graph: Graph, parameters: Mapping[str, Any], exponents: Mapping[str, Any]) -> None:
        names, steps = parameter_names(graph), parameters_of(_with_steps(graph))
        self._layers = []
        for op in graph.operators:
            if isinstance(op, Convolution | Affine | Deconvolution) and op.weight_grid is not None:
                name = names[op.output, "W"]
                keys = (f"{op.output}/W_fixed", f"{op.output}/W_integers")
                learned = next((exponents[key] for key in keys if key in exponents), None)
                fmt = op.weight_grid.formats()[0]
                layer = _Watched(parameters[name], steps[name], fmt.minimum, fmt.maximum, learned)
                self._layers.append(layer)

    def __call__(self, step: int) -> None:
        """Look at all weights, whose update has just been made."""
        for layer in self._layers:
            layer.look()

    @property
    def frozen(self) -> int:
        """How many weights are frozen now."""
        return sum(int(np.count_nonzero(layer.frozen)) for layer in self._layers)


@dataclass
class _Watched:
    """The weights of one layer."""

    weight: Any
    start_steps: Array
    least: int
    most: int
    exponent: Any | None

    def __post_init__(self) -> None:
        self.start = self._exponent()
        self._restart()

    def _exponent(self) -> float:
        return 0.0 if self.exponent is None else float(np.rint(self.exponent.d.item()))

    def _restart(self) -> None:
        self.moved = self._exponent()
        self.steps = self.start_steps * np.float32(2.0 ** (self.moved - self.start))
        self.frozen: NDArray[np.bool_] = np.zeros(self.steps.shape, bool)
        self.last_turn = np.zeros(self.steps.shape, np.float32)
        self.frequency = np.zeros(self.steps.shape, np.float32)
        self.integers = self._rounded()
        self.mean = self.integers.copy()

    def _rounded(self) -> NDArray[np.float32]:
        """The integers; values are clipped in place, because out of range they would get no gradient to come back."""
        quotients = np.clip(self.weight.d / self.steps, self.least, self.most)
        np.multiply(quotients, self.steps, out=self.weight.d)
        return _nearest(quotients)

    def look(self) -> None:
        if self._exponent() != self.moved:
            self._restart()
        values = self.weight.d
        np.copyto(values, self.mean * self.steps, where=self.frozen)
        integers = self._rounded()
        turn = np.sign(integers - self.integers)
        back = (turn != 0) & (turn == -self.last_turn)
        np.copyto(self.last_turn, turn, where=turn != 0)
        self.frequency += MEMORY * (back - self.frequency)
        np.copyto(self.mean, self.mean + MEMORY * (integers - self.mean), where=~self.frozen)
        freeze = (self.frequency > FREQUENT) & ~self.frozen
        if freeze.any():
            np.copyto(self.mean, _nearest(self.mean), where=freeze)
            np.copyto(integers, self.mean, where=freeze)
            self.frozen |= freeze
            np.copyto(values, self.mean * self.steps, where=freeze)
        self.integers = integers


def _nearest(quotients: NDArray[np.float32]) -> NDArray[np.float32]:
    """Integers, halves away from zero, as nnabla's functions round."""
    integers: NDArray[np.float32] = np.trunc(quotients + np.copysign(np.float32(0.5), quotients))
    return integers


def _with_steps(graph: Graph) -> Graph:
    """The graph with the step of each weight in its place."""
    operators = []
    for op in graph.operators:
        if isinstance(op, Convolution | Affine | Deconvolution) and op.weight_grid is not None:
            rows = np.empty_like(by_channel(op))
            rows[:] = np.ldexp(1.0, -np.reshape(op.weight_grid.frac, (-1, 1)))
            op = replace(op, weight=from_channels(op, rows))
        operators.append(op)
    return graph.with_operators(tuple(operators))
