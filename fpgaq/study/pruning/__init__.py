"""Channel pruning on the float graph: units that shrink together, importance, a smaller network, and its cost.

The way through it: `find_units` and `find_groups` (what can go, and with what), a measure of `MEASURES` (how much each
unit matters), a mask (`masks`; for a budget `counts_within` for how many, and `eliminate` for which), `rebuild` (the
smaller graph, held against the masked one), and `refit` (fits its layers to the whole network, without labels).
Training is in `algorithms`, which needs nnabla. An algorithm of your own is a function from the units and statistics to
a mask.
"""

from __future__ import annotations

from .budget_search import Found, HarmTable, counts_within, measure_harms
from .cost import Budget, Cost, cost_of
from .elimination import eliminate
from .groups import Group, draw_groups, find_groups
from .harm import Cut, Harm
from .importance import Importance, Scores, Statistics
from .least_squares import refit
from .masked import run_masked
from .masks import Limits, by_global_ratio, by_ratio, by_threshold, keep_counts
from .measures import MEASURES
from .shrinkage import TOLERANCE, rebuild
from .units import Mask, Units, find_units

__all__ = [
    "MEASURES",
    "TOLERANCE",
    "Budget",
    "Cost",
    "Cut",
    "Found",
    "Group",
    "Harm",
    "HarmTable",
    "Importance",
    "Limits",
    "Mask",
    "Scores",
    "Statistics",
    "Units",
    "by_global_ratio",
    "by_ratio",
    "by_threshold",
    "cost_of",
    "counts_within",
    "draw_groups",
    "eliminate",
    "find_groups",
    "find_units",
    "keep_counts",
    "measure_harms",
    "rebuild",
    "refit",
    "run_masked",
]
