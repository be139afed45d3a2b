"""The grid that a parameter lies on, as nnabla's fixed-point functions state it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import UnsupportedError
from ...graph import Grid


@dataclass(frozen=True, eq=False)
class ParameterGrid:
    """The steps of a parameter: 2**-frac, an array that broadcasts to it; or one `step` that is no power of two."""

    bits: int
    signed: bool
    frac: NDArray[np.int64]
    narrow: bool
    step: float | None = None
    zero_point: int = 0

    def by_channel(self, rows: NDArray[Any], where: str) -> Grid:
        """For rows (outputs, taps) of fractional bits."""
        if self.step is not None:
            return Grid(self.bits, self.signed, (0,), self.narrow, self.step, self.zero_point)
        if (rows != rows[:, :1]).any():
            raise UnsupportedError(
                f"{where}: the step of its weight differs within an output channel; train with one step for each"
            )
        fracs = tuple(int(frac) for frac in rows[:, 0])
        return Grid(self.bits, self.signed, fracs[:1] if len(set(fracs)) == 1 else fracs, self.narrow)
