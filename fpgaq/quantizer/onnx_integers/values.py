"""What a tensor of a quantized ONNX model is while it is read: integers, real numbers that stand for them, or layers
whose result is not rounded yet. Scales are exact: the rational that the file's float32 is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.formats import Format
from ...integer.graph import ImageShape, IntegerAffine, IntegerConvolution, IntegerMultiply
from ...model.importers.onnx.builder import Tensor


@dataclass(frozen=True)
class Grid:
    """Where real numbers are rounded to: ``real = (integer - zero_point) * scale``."""

    scale: float
    zero_point: int
    format: Format

    @property
    def exact(self) -> Fraction:
        """The scale as a rational."""
        return Fraction(self.scale)

    def describe(self) -> str:
        """For messages."""
        kind = f"{'' if self.format.signed else 'u'}int{self.format.width}"
        return f"{kind} of scale {self.scale:g} and zero point {self.zero_point}"


@dataclass(frozen=True)
class Quantized:
    """A constant of integers with its scales and zero points, each scalar or along `axis`."""

    integers: NDArray[np.int64]
    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int
    format: Format


@dataclass(frozen=True)
class Data(Tensor):
    """An input of real numbers, times `factor` plus `offset`, that no quantizer has rounded yet."""

    source: str
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)


@dataclass(frozen=True)
class Stored(Tensor):
    """A tensor of the integer graph; `real` where the model sees its dequantized values.

    The elements are in the model's order if the integer tensor's are read channel by channel; `shape` may be any view.
    """

    tensor: str
    real: bool


@dataclass(frozen=True)
class Accumulated(Tensor):
    """Real values ``accumulator * scale + offset`` for each channel, clipped to [low, high], of a layer not in yet."""

    operator: IntegerConvolution | IntegerAffine | IntegerMultiply
    image: ImageShape
    scales: tuple[Fraction, ...]
    offsets: tuple[Fraction, ...]
    low: Fraction | None = None
    high: Fraction | None = None
    integers: bool = False
    """The accumulators themselves, as ConvInteger and MatMulInteger give them."""


@dataclass(frozen=True)
class Function(Tensor):
    """A function of the real values of one stored tensor, in float64."""

    source: Stored
    compute: Callable[[NDArray[np.float64]], NDArray[Any]]


@dataclass(frozen=True)
class Sum(Tensor):
    """A constant plus the real values of stored tensors, each with its sign, clipped to [low, high]."""

    sources: tuple[Stored, ...]
    signs: tuple[int, ...]
    low: Fraction | None = None
    high: Fraction | None = None
    offset: Fraction = Fraction(0)


@dataclass(frozen=True)
class Joined(Tensor):
    """The channels of stored tensors one after another, which may have different grids."""

    parts: tuple[Stored, ...]
