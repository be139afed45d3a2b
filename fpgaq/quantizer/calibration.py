"""Measurements of a float network on samples: the range of every tensor, and power-of-two steps that suit it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.choices import ActivationRange
from ..base.data import fit_shape
from ..base.errors import FitError, ModelError
from ..base.formats import Format, dequantize, quantize_real
from ..model.executor import run_float
from ..model.graph import Graph

MAX_VALUES = 1 << 18
"""Values of a tensor that percentiles and squared errors are taken over; the extremes are over all."""
ALL_VALUES = 1 << 26
"""The same for all tensors of a network together."""
BATCH_ELEMENTS = 1 << 24
"""Elements of all tensors of the samples that run at a time."""
MSE_STEPS = 5
"""How many halvings of the step are tried below the one that clips nothing."""
MAX_EXPONENT = 400
"""Steps outside 2**-400..2**400 are refused, long before float64 ends."""


@dataclass(frozen=True, eq=False)
class ActivationStatistics:
    """Extremes of a tensor over all samples, and an even selection of its values."""

    least: float
    greatest: float
    values: NDArray[np.float32]

    @property
    def magnitude(self) -> float:
        """The greatest absolute value."""
        return max(abs(self.least), abs(self.greatest))


def check_samples(
    inputs: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]], samples: Mapping[str, Any]
) -> dict[str, NDArray[Any]]:
    """Calibration samples as (frames, *shape) for each input, whose shapes are given.

    Raises
    ------
    ModelError
        Samples that are missing, empty, misshapen, not finite, or all equal.
    """
    if set(samples) != set(inputs):
        raise ModelError(f"calibration data for {sorted(samples)}; the network has {sorted(inputs)}")
    result = {}
    for name in inputs:
        where = f"calibration data {name!r}"
        array = fit_shape(np.asarray(samples[name]), tuple(shapes[name]), where)
        if array.size == 0:
            raise ModelError(f"{where}: shape {array.shape} holds no samples; give at least one")
        if not np.isfinite(array).all():
            index = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
            raise ModelError(f"{where}: element {index} is {array[tuple(index)]}; samples must be finite")
        if array.min() == array.max():
            raise ModelError(f"{where}: every value is {array.flat[0]}; samples that differ are needed to find ranges")
        result[name] = array
    if len({len(array) for array in result.values()}) != 1:
        raise ModelError("calibration data: the inputs have different numbers of samples")
    return result


def collect(graph: Graph, samples: Mapping[str, NDArray[Any]]) -> dict[str, ActivationStatistics]:
    """Run the float network over the samples and gather the statistics of every tensor, in bounded memory."""
    frames = len(next(iter(samples.values())))
    elements = sum(math.prod(shape) for shape in graph.shapes.values())
    step = max(1, BATCH_ELEMENTS // elements)
    kept = min(MAX_VALUES, ALL_VALUES // len(graph.shapes))
    parts: dict[str, list[ActivationStatistics]] = {}
    for start in range(0, frames, step):
        batch = {name: array[start : start + step].astype(np.float32) for name, array in samples.items()}
        tensors = run_float(graph, batch, keep=True)
        share = len(next(iter(batch.values()))) / frames
        for name, values in {**batch, **tensors}.items():
            parts.setdefault(name, []).append(summarize(name, values, max(1, int(kept * share))))
    return {
        name: ActivationStatistics(
            min(part.least for part in some),
            max(part.greatest for part in some),
            np.concatenate([part.values for part in some]),
        )
        for name, some in parts.items()
    }


def summarize(name: str, values: NDArray[Any], count: int) -> ActivationStatistics:
    """Extremes of a tensor, and about `count` of its values; FitError if one is not finite."""
    flat = np.asarray(values, dtype=np.float32).reshape(-1)
    if not np.isfinite(flat).all():
        raise FitError(
            f"tensor {name!r}: the float network overflows on the calibration data; rescale its inputs or weights"
        )
    # A stride that shares a factor with the shape would see some channels or rows only.
    stride = max(1, flat.size // count)
    while stride > 1 and math.gcd(stride, flat.size) != 1:
        stride += 1
    return ActivationStatistics(float(flat.min()), float(flat.max()), flat[::stride].copy())


def fitting_frac(magnitude: float, greatest: int) -> int:
    """The largest frac for which ``magnitude <= greatest * 2**-frac``; `magnitude` is above 0.

    With `greatest` = 2**(bits - 1) - 1 this is the step 2**ceil(log2(magnitude / greatest)).
    """
    # frexp gives an exact power of two near the answer, so that no logarithm has to be trusted at a boundary.
    frac = int(greatest).bit_length() - math.frexp(magnitude)[1] + 1
    while math.ldexp(float(greatest), -frac) < magnitude:
        frac -= 1
    if abs(frac) > MAX_EXPONENT:
        raise FitError(f"values as large as {magnitude:g} need a step of 2**{-frac}; rescale the network")
    return frac


def activation_frac(
    statistics: ActivationStatistics, bits: int, signed: bool, narrow: bool, rule: ActivationRange, percentile: float
) -> int | None:
    """The frac of an activation of `bits` bits, or None if all its values are zero (any frac will do)."""
    fmt = Format(bits, 0, signed, narrow and signed)
    values = statistics.values.astype(np.float64)
    least, greatest = statistics.least, statistics.greatest
    if not signed:
        values, least, greatest = np.maximum(values, 0.0), 0.0, max(greatest, 0.0)
    magnitude = max(abs(least), abs(greatest))
    if rule == "percentile":
        # A tensor that is zero almost everywhere still has a range: that of its extremes.
        magnitude = float(np.percentile(np.abs(values), percentile)) or magnitude
    if magnitude == 0.0:
        return None
    frac = fitting_frac(magnitude, fmt.maximum)
    if rule != "mse":
        return frac
    return min(range(frac, frac + MSE_STEPS), key=lambda f: _squared_error(values, Format(bits, f, signed, fmt.narrow)))


def _squared_error(values: NDArray[np.float64], fmt: Format) -> float:
    return float(np.sum((dequantize(quantize_real(values, fmt), fmt) - values) ** 2))
