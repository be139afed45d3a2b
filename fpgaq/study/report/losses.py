"""How far a network's outputs are from real-valued targets, float and integer side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OutputLoss:
    """The loss of one output against its targets.

    Parameters
    ----------
    output : str
    float_error, integer_error : float
        Mean squared errors over all samples and elements, in the squared unit of the output.
    """

    output: str
    float_error: float
    integer_error: float

    @property
    def change(self) -> float | None:
        """The loss that quantization adds to the float network's, as a fraction of it; None if that loss is 0."""
        return self.integer_error / self.float_error - 1.0 if self.float_error else None


@dataclass
class LossSums:
    """Sums over the batches, by output: elements, float and integer squared errors."""

    sums: dict[str, tuple[int, float, float]] = field(default_factory=dict)

    def add(
        self, targets: Mapping[str, NDArray[Any]], real: Mapping[str, NDArray[Any]], integer: Mapping[str, NDArray[Any]]
    ) -> None:
        """Take in one batch: each output's targets and the values of both networks, in any shape of equal order."""
        for name, target in targets.items():
            wanted = target.reshape(-1).astype(np.float64)
            float_noise, integer_noise = (
                float(np.sum((values.reshape(-1).astype(np.float64) - wanted) ** 2))
                for values in (real[name], integer[name])
            )
            count, one, two = self.sums.get(name, (0, 0.0, 0.0))
            self.sums[name] = (count + wanted.size, one + float_noise, two + integer_noise)

    def results(self) -> tuple[OutputLoss, ...]:
        """The mean over everything taken in."""
        return tuple(OutputLoss(name, one / count, two / count) for name, (count, one, two) in self.sums.items())
