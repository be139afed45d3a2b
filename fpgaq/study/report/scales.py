"""The scales that became of normalizations, constants and PReLUs that no layer could take in, and their error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...integer.graph import IntegerGraph, IntegerScale
from ...model.graph import BatchNormalization, Graph, Prelu, ScaleOffset
from ...quantizer.operators import channel_factors


@dataclass(frozen=True)
class UnfoldedScale:
    """A scale for each channel in the integer network, compared with what the float network computes.

    Parameters
    ----------
    layer, operator : str
        Its name and the float operator's kind.
    bits : int
        Width of a factor.
    factor_error : float
        The largest relative error of a factor that is not 0.
    offset_error : float
        The largest error of an offset, in steps of the output's format.
    """

    layer: str
    operator: str
    bits: int
    factor_error: float
    offset_error: float

    def line(self) -> str:
        """One line for people."""
        return (
            f"layer {self.layer!r} ({self.operator}) is not folded: {self.bits}-bit factors for each channel, off by at"
            f" most {self.factor_error:.2g} of their value, offsets by {self.offset_error:.2g} output steps"
        )


def unfolded_scales(graph: Graph, integer: IntegerGraph) -> tuple[UnfoldedScale, ...]:
    """Every BatchNormalization, ScaleOffset and Prelu of a float graph that is a scale in its integer network."""
    scales = {op.name: op for op in integer.operators if isinstance(op, IntegerScale)}
    found = []
    for op in graph.operators:
        scale = scales.get(op.name)
        if scale is None or not isinstance(op, BatchNormalization | ScaleOffset | Prelu):
            continue
        source, target = integer.tensors[scale.input], integer.tensors[scale.output]
        wanted = channel_factors(op, source.shape[2])
        accumulator = np.asarray(scale.requantize.shift) + target.format.frac
        pairs = [(scale.scale, wanted.factor)]
        if scale.negative_scale is not None and wanted.negative is not None:
            pairs.append((scale.negative_scale, wanted.negative))
        factor_error = max(_relative(integers, accumulator - source.format.frac, real) for integers, real in pairs)
        offsets = np.ldexp(scale.offset.astype(np.float64), -accumulator)
        offset_error = float(np.ldexp(np.abs(offsets - wanted.offset), target.format.frac).max())
        found.append(UnfoldedScale(op.name, type(op).__name__, scale.scale_width, factor_error, offset_error))
    return tuple(found)


def _relative(integers: NDArray[np.int64], frac: NDArray[np.int64], real: NDArray[np.float64]) -> float:
    error = np.abs(np.ldexp(integers.astype(np.float64), -frac) - real)
    return float((error[real != 0] / np.abs(real[real != 0])).max(initial=0.0))
