"""The harm of a cut: how far a network's outputs move, once the rest was fitted to the whole network by samples.

It is measured on other samples than those of the fit, for a layer with many inputs can be fitted to a few samples
whatever it lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.executor import run_float
from ...model.graph import Softmax
from .least_squares import refit
from .readings import some_samples
from .shrinkage import rebuild
from .units import Mask, Units

SAMPLES = 512
"""How many samples are used at most: every second to fit, the others to measure."""


@dataclass(frozen=True)
class Cut:
    """The units that are kept, and the harm of that."""

    keep: Mask
    harm: float


class Harm:
    """A function from masks to harm. Training would also make up for whatever a fit of the layers after the cut does.

    The harm is the mean divergence (Kullback and Leibler) of the classes' probabilities for a network that ends with a
    softmax, else the mean square of the difference against that of the outputs.

    Parameters
    ----------
    units : Units
    inputs : mapping of str to array
        Samples of the training set. At most `SAMPLES` of them are used, spread evenly.
    """

    def __init__(self, units: Units, inputs: Mapping[str, NDArray[Any]]) -> None:
        self.units = units
        samples = some_samples(units.graph, inputs, SAMPLES)
        self._fit = {name: array[::2] for name, array in samples.items()}
        # A single sample serves for both.
        self._judge = {name: array[1::2] if len(array) > 1 else array for name, array in samples.items()}
        self._wanted = run_float(units.graph, self._judge)
        self._softmax = {op.output for op in units.graph.operators if isinstance(op, Softmax)}

    def __call__(self, keep: Mask) -> float:
        """The harm of keeping only these units."""
        fitted = refit(self.units, keep, rebuild(self.units, keep, self._fit), self._fit)
        found = run_float(fitted, self._judge)
        total = 0.0
        for name, array in self._wanted.items():
            expected, got = array.astype(np.float64), found[name].astype(np.float64)
            if name in self._softmax:
                ratio = np.log((expected + 1e-9) / (got + 1e-9))
                total += float((expected * ratio).sum() / len(expected))
            else:
                total += float(((expected - got) ** 2).mean() / max((expected**2).mean(), 1e-30))
        return total
