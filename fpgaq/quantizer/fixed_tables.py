"""Tables of networks that were trained in fixed point: the function's float32 values, rounded as in training."""

from __future__ import annotations

import numpy as np

from ..base.errors import FitError
from ..base.formats import Format, dequantize, quantize_real
from ..integer.graph import IntegerArray, IntegerTable
from ..model.functions import evaluate
from ..model.graph.fixed import ROUNDING
from .fixed_layers import Draft


def entries(draft: Draft, fmt: Format) -> IntegerArray:
    """The outputs for each index of a table."""
    operator = draft.operator
    assert isinstance(operator, IntegerTable)
    index = operator.index_format
    reals = dequantize(np.arange(index.minimum, index.maximum + 1), index).astype(np.float32)
    with np.errstate(all="ignore"):
        values = np.asarray(evaluate(draft.function, draft.parameters, reals), np.float32)
    defined = np.flatnonzero(~np.isnan(values))
    if not len(defined):
        raise FitError(f"layer {operator.name!r}: its function is defined nowhere on the range of its input")
    if len(defined) < len(values):
        values = values[defined[np.abs(np.arange(len(values))[:, np.newaxis] - defined).argmin(axis=1)]]
    if draft.relu:
        values = np.maximum(values, 0)
    return quantize_real(values, fmt, ROUNDING)
