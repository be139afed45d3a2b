"""The kinds of operators in a file, and the fields of each, by version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
)

Arrays: TypeAlias = dict[str, NDArray[np.int64]]
Fetch: TypeAlias = Callable[[str], NDArray[np.int64]]

VERSION = 2
"""The newest version that this program reads. Networks that need no more are written in version 1."""

NEEDS = "0.2.0"
"""The first fpgaq that reads `VERSION`, which the file tells older ones."""

GENERATOR = "fpgaq"

KINDS: dict[str, type[IntegerOperator]] = {
    "convolution": IntegerConvolution,
    "affine": IntegerAffine,
    "max_pooling": IntegerMaxPooling,
    "relu": IntegerRelu,
    "sum_pooling": IntegerSumPooling,
    "table": IntegerTable,
    "add": IntegerAdd,
    "multiply": IntegerMultiply,
    "scale": IntegerScale,
    "concatenate": IntegerConcatenate,
    "slice": IntegerSlice,
    "pad": IntegerPad,
    "upsample": IntegerUpsample,
    "transpose": IntegerTranspose,
    "reshape": IntegerReshape,
    "argmax": IntegerArgMax,
}

FIELDS: dict[str, tuple[str, ...]] = {
    "convolution": (
        *("weight", "bias", "weight_format", "weight_frac", "stride", "padding", "dilation", "groups"),
        *("padding_value", "accumulator_width", "requantize"),
    ),
    "affine": ("weight", "bias", "weight_format", "weight_frac", "accumulator_width", "requantize"),
    "max_pooling": ("kernel", "stride", "padding"),
    "relu": (),
    "sum_pooling": ("kernel", "stride", "padding", "divisor", "accumulator_width", "requantize"),
    "table": ("table", "index_format", "requantize"),
    "add": ("align", "signs", "accumulator_width", "requantize"),
    "multiply": ("accumulator_width", "requantize"),
    "scale": ("scale", "offset", "negative_scale", "scale_width", "accumulator_width", "requantize"),
    "concatenate": (),
    "slice": ("start",),
    "pad": ("padding", "mode", "value"),
    "upsample": ("factor", "zeros"),
    "transpose": ("axes",),
    "reshape": (),
    "argmax": (),
}

FIELDS_2: dict[str, tuple[str, ...]] = {
    "convolution": ("weight_scale",),
    "affine": ("weight_scale",),
    "add": ("factors", "offset"),
    "multiply": ("zero_points",),
    "scale": ("negative_offset",),
    "transpose": ("view",),
}
"""Fields that version 2 adds to those of version 1, all of them with defaults."""

UNLESS_EMPTY = ("view",)
"""Fields of version 2 that a file without them leaves empty."""

ARRAYS = ("weight", "bias", "table", "scale", "offset", "negative_scale")

FORMATS = ("weight_format", "index_format")

LENGTHS: dict[str, int | None] = {
    **{"stride": 2, "padding": 4, "dilation": 2, "kernel": 2, "factor": 2, "start": 3},
    **dict.fromkeys(("weight_frac", "divisor", "align", "signs", "factors", "axes", "view")),
    "zero_points": 2,
}
"""Fields that hold integers, and how many."""


def kind_of(op: IntegerOperator) -> str:
    """The name of an operator's class in the file."""
    return next(kind for kind, cls in KINDS.items() if type(op) is cls)


def fields_of(kind: str, version: int) -> tuple[str, ...]:
    """The fields of an operator."""
    return FIELDS[kind] + (FIELDS_2.get(kind, ()) if version > 1 else ())
