"""The measures of importance by name; another is a function of units and statistics like these."""

from __future__ import annotations

from collections.abc import Mapping

from .importance import Importance, geometric_median, l1_norm, l2_norm, mean_activation, normalization_scale
from .surgeon import lasting_loss

MEASURES: Mapping[str, Importance] = {
    "surgeon": lasting_loss,
    "l1": l1_norm,
    "l2": l2_norm,
    "gamma": normalization_scale,
    "median": geometric_median,
    "activation": mean_activation,
}
