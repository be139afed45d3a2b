"""Results of every accumulator of a range, by a requantizer and by its steps."""

from __future__ import annotations

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.integer.graph import Requantize
from fpgaq.integer.requantizers import requantized
from fpgaq.integer.staircase import Staircase


def every_result(rule: Requantize, span: tuple[int, int], fmt: Format) -> list[int]:
    return requantized(np.arange(span[0], span[1] + 1)[np.newaxis], rule, fmt)[0].tolist()


def climbed(steps: Staircase, span: tuple[int, int]) -> list[int]:
    values = np.arange(span[0], span[1] + 1)
    return (steps.first + np.searchsorted(np.array(steps.steps, np.int64), values, side="right")).tolist()
