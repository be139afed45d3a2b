"""The integer graph: the network that the hardware computes, and the only thing that reference and emitters read.

Tensors are images of integers, (height, width, channels), the order in which a stream carries them; a vector of
n features is (1, 1, n). No float reaches an emitter: the one real-valued part is `InputTransform`, which the host
applies to user data. Operators are frozen, in topological order, and dispatched on by class in every stage.
"""

from __future__ import annotations

from .host import TRANSFORM_KINDS, HostSoftmax, InputTransform
from .network import IntegerGraph
from .operators import (
    OPERATORS,
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
from .tensors import MAX_CLIP_BITS, RULES, ImageShape, IntegerArray, Padding, Pair, Requantize, Tensor

__all__ = [
    "HostSoftmax",
    "ImageShape",
    "InputTransform",
    "IntegerAdd",
    "IntegerAffine",
    "IntegerArgMax",
    "IntegerArray",
    "IntegerConcatenate",
    "IntegerConvolution",
    "IntegerGraph",
    "IntegerMaxPooling",
    "IntegerMultiply",
    "IntegerOperator",
    "IntegerPad",
    "IntegerRelu",
    "IntegerReshape",
    "IntegerScale",
    "IntegerSlice",
    "IntegerSumPooling",
    "IntegerTable",
    "IntegerTranspose",
    "IntegerUpsample",
    "MAX_CLIP_BITS",
    "OPERATORS",
    "Padding",
    "Pair",
    "RULES",
    "Requantize",
    "TRANSFORM_KINDS",
    "Tensor",
]
