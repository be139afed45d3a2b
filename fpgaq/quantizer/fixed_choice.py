"""The power-of-two step of a row of weights that are rounded half away from zero, as nnabla does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base.formats import Format, dequantize, quantize_real
from ..model.graph.fixed import ROUNDING
from .calibration import MSE_STEPS, fitting_frac


def best_frac(row: NDArray[np.float32], bits: int, fallback: int, *, narrow: bool = True) -> int:
    """Among the step that clips nothing and its halvings, the one of least squared error; `fallback` for zeros."""
    values = row.astype(np.float64)
    magnitude = float(np.abs(values).max(initial=0.0))
    if magnitude == 0.0:
        return fallback
    least = fitting_frac(magnitude, (1 << (bits - 1)) - 1)

    def error(frac: int) -> float:
        fmt = Format(bits, frac, True, narrow)
        return float(np.sum((dequantize(quantize_real(values, fmt, ROUNDING), fmt) - values) ** 2))

    return min(range(least, least + MSE_STEPS), key=error)
