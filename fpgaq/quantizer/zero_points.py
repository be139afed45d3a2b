"""Unsigned codes with an offset, where a signed format would leave many of its codes empty.

A SiLU goes down to -0.28 and up to 8: of 256 signed codes 124 stay unused. The offset, the tensor's zero point, is
added before saturation (in a bias, an offset or a table's entries) and taken away in the bias of the layers that read
it; the hardware pads with it. So it costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..base.formats import Format, dequantize, quantize_real
from ..integer.accumulators import operator_bounds
from ..integer.graph import IntegerAffine, IntegerConvolution, IntegerScale
from ..model.graph import Affine, Convolution, Graph, MaxPooling, Operator, Pointwise, Prelu, Reshape, Slice, Transpose
from .calibration import MSE_STEPS, ActivationStatistics, fitting_frac
from .config import QuantizeOptions

WORTH = 0.7
"""An offset is taken if it leaves at most this part of the squared error of signed codes."""
WRITERS = (Convolution, Affine, Pointwise, Prelu)
THROUGH = (MaxPooling, Slice, Transpose, Reshape)
"""Operators that pass codes on as they are."""
SHIFTED = (IntegerConvolution, IntegerAffine, IntegerScale)


@dataclass(frozen=True)
class Offset:
    """An unsigned format and the code that stands for zero."""

    format: Format
    zero: int

    @property
    def constant(self) -> float:
        """The real value of code 0."""
        return -self.zero * self.format.step


def takes_offset(graph: Graph, op: Operator, output: str, options: QuantizeOptions) -> bool:
    """Whether an operator may write, and all that read its `output` may read, codes with an offset.

    Only rounding that moves with its argument lets the offset be added before it.
    """
    if options.first_edition or options.narrow or options.rounding not in ("half_up", "floor"):
        return False
    return isinstance(op, WRITERS) and output not in graph.outputs and _read_by_layers(graph, output)


def _read_by_layers(graph: Graph, tensor: str) -> bool:
    readers = graph.consumers(tensor)
    passed = (op for op in readers if isinstance(op, THROUGH))
    if any(op.output in graph.outputs or not _read_by_layers(graph, op.output) for op in passed):
        return False
    return bool(readers) and all(isinstance(op, (Convolution, Affine, *THROUGH)) for op in readers)


def best_offset(statistics: ActivationStatistics, bits: int, options: QuantizeOptions) -> Offset | None:
    """The step and the offset of least squared error, if signed codes leave much more; None where they do not."""
    least, greatest = statistics.least, statistics.greatest
    if not least < 0 < greatest or options.rules.activation_range != "mse":
        return None
    values, codes = statistics.values.astype(np.float64), (1 << bits) - 1

    def error(fmt: Format, zero: int) -> float:
        shifted = values + zero * fmt.step
        return float(np.sum((dequantize(quantize_real(shifted, fmt), fmt) - shifted) ** 2))

    first = fitting_frac(statistics.magnitude, (1 << (bits - 1)) - 1)
    signed = min(error(Format(bits, frac, True), 0) for frac in range(first, first + MSE_STEPS))
    found: list[tuple[float, Offset]] = []
    start = fitting_frac(greatest - least, codes)
    for frac in range(start, start + MSE_STEPS):
        fmt = Format(bits, frac, False)
        # From the whole lower end in the range to the whole upper end, and in steps between.
        lower, upper = -least / fmt.step, codes - greatest / fmt.step
        for part in np.linspace(0, 1, 9):
            zero = round(lower + part * (upper - lower))
            if 0 < zero < codes:
                found.append((error(fmt, zero), Offset(fmt, zero)))
    if not found:
        return None
    (best, offset) = min(found, key=lambda pair: pair[0])
    return offset if best <= WORTH * signed else None


def with_offset(
    op: IntegerConvolution | IntegerAffine | IntegerScale, source: Format, zero: int
) -> IntegerConvolution | IntegerAffine | IntegerScale:
    """The operator whose results are `zero` more, before they saturate; its accumulator is proved anew."""
    assert op.requantize is not None
    shift = np.asarray(op.requantize.shift, dtype=np.int64)
    moved: IntegerConvolution | IntegerAffine | IntegerScale
    if isinstance(op, IntegerScale):
        moved = replace(op, offset=op.offset + (zero << shift))
    else:
        moved = replace(op, bias=op.bias + (zero << shift))
    return replace(moved, accumulator_width=max(2, operator_bounds(moved, source).width))
