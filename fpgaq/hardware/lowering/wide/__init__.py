"""Networks whose streams carry several pixels a beat."""

from .forms import check_pixels, wide_forms
from .graph import (
    HARDWARE_ONLY,
    Gather,
    LaneMaximum,
    WideGraph,
    carried_shape,
    from_shape,
    in_shape,
    plain_form,
    wide_shape,
)

__all__ = [
    "HARDWARE_ONLY",
    "Gather",
    "LaneMaximum",
    "WideGraph",
    "carried_shape",
    "check_pixels",
    "from_shape",
    "in_shape",
    "plain_form",
    "wide_forms",
    "wide_shape",
]
