"""nnabla functions to float operators: every argument of every function is consumed or refused by name.

Arguments that a file omits are 0, false or empty, as proto3 prescribes and nnabla reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from .activations import ACTIVATIONS
from .fixed_point import FIXED_POINT
from .function import Converter
from .joins import JOINS
from .moves import MOVES
from .pooling import POOLING
from .pruning import PRUNING
from .weighted import LAYERS

CONVERTERS: Mapping[str, tuple[str, Converter]] = dict(
    sorted({**ACTIVATIONS, **FIXED_POINT, **JOINS, **LAYERS, **MOVES, **POOLING, **PRUNING}.items())
)
"""For each supported function type: the field that holds its arguments, and the conversion."""
