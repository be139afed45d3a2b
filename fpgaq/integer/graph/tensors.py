"""Tensors of integers, and the way from an accumulator to one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...base.formats import Format, Rounding, dequantize

IntegerArray: TypeAlias = NDArray[np.int64]
ImageShape: TypeAlias = tuple[int, int, int]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]
"""(top, bottom, left, right) in pixels."""
MAX_CLIP_BITS = 24
"""Bits of the limits that the hardware's requantizer takes."""
RULES = ("shift", "multiply_shift", "tflite_double")


@dataclass(frozen=True)
class Tensor:
    """A stream of integers; the real value of one is ``(integer - zero_point) * step``.

    Parameters
    ----------
    name : str
    shape : (int, int, int)
        (height, width, channels).
    format : Format
    label : str
        The model's own name, for people.
    scale : float or None
        The step of a tensor of an imported integer model; None is ``2.0**-format.frac``. With a scale `frac` is 0.
    zero_point : int
        The integer that stands for 0.
    offset : float
        Added to the real values of an output that leaves as accumulators: a constant that the model adds last.
    """

    name: str
    shape: ImageShape
    format: Format
    label: str = ""
    scale: float | None = None
    zero_point: int = 0
    offset: float = 0.0

    @property
    def step(self) -> float:
        """The real value of one integer step."""
        return self.format.step if self.scale is None else self.scale

    @property
    def meaning(self) -> tuple[Format, float | None, int]:
        """What tensors have in common whose equal integers stand for equal values."""
        return self.format, self.scale, self.zero_point

    def real(self, integers: IntegerArray) -> NDArray[np.float64]:
        """The real values of integers of this tensor, in float64."""
        if self.scale is None and not self.zero_point:
            return dequantize(integers, self.format) + self.offset
        return (np.asarray(integers, dtype=np.float64) - self.zero_point) * self.step + self.offset

    @property
    def size(self) -> int:
        """Elements of one frame."""
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclass(frozen=True)
class Requantize:
    """From an accumulator to the operator's output: round, add the zero point, saturate to the format, `low`, `high`.

    By its `rule` the rounded value is:

    shift
        ``round(accumulator / 2**shift)``, all that fpgaq's own quantizer makes.
    multiply_shift
        ``round((accumulator * multiplier + offset) / 2**shift)``.
    tflite_double
        What LiteRT computes with a multiplier of 31 bits: half_up to 31 bits less, then half_away by the other
        ``shift - 31`` bits; a shift below 31 multiplies the accumulator by ``2**(31 - shift)`` first.

    Parameters
    ----------
    shift : tuple of int
        Non-negative; one for all output channels (length 1) or one for each.
    rounding : {"half_up", "half_away", "half_even", "floor"}
        tflite_double has half_up here.
    relu : bool
        Negative results become 0 (in an unsigned output format saturation does so anyway); only without zero point.
    rule : {"shift", "multiply_shift", "tflite_double"}
    multiplier, offset : tuple of int
        One for all output channels or one for each; 1 and 0 where the rule has none.
    zero_point : int
        Added after rounding and before saturation: the output's zero point.
    low, high : int or None
        Limits within the format's, after the zero point: a ReLU, a ReLU6 or any clip at a constant.
    """

    shift: tuple[int, ...]
    rounding: Rounding
    relu: bool = False
    rule: str = "shift"
    multiplier: tuple[int, ...] = (1,)
    offset: tuple[int, ...] = (0,)
    zero_point: int = 0
    low: int | None = None
    high: int | None = None

    @property
    def plain(self) -> bool:
        """Whether it shifts and saturates to the format alone, as version 1 of the file can say."""
        return self == Requantize(self.shift, self.rounding, self.relu)

    @property
    def carried(self) -> bool:
        """Whether the hardware's cell computes it: a shift, and limits of at most `MAX_CLIP_BITS` bits."""
        bare = self == Requantize(self.shift, self.rounding, self.relu, low=self.low, high=self.high)
        ends = [end for end in (self.low, self.high) if end is not None]
        return bare and all(-(1 << MAX_CLIP_BITS) < end < 1 << MAX_CLIP_BITS for end in ends)

    def clip(self, fmt: Format) -> tuple[int, int] | None:
        """The limits in an output of format `fmt`, if they are others than those of the format and the ReLU."""
        limits = self.limits(fmt)
        return None if limits == replace(self, low=None, high=None).limits(fmt) else limits

    @property
    def takes_zero_point_first(self) -> bool:
        """Whether the zero point may as well be added before the rounding."""
        even = self.rounding == "half_even" and self.zero_point % 2 == 0
        return self.zero_point == 0 or self.rounding in ("half_up", "floor") or even

    def holds_zero(self, fmt: Format) -> bool:
        """Whether zero is a result in an output of format `fmt`."""
        least, greatest = self.limits(fmt)
        return least <= 0 <= greatest

    def limits(self, fmt: Format) -> tuple[int, int]:
        """The least and the greatest result in an output of format `fmt`."""
        least = fmt.minimum if self.low is None else max(self.low, fmt.minimum)
        greatest = fmt.maximum if self.high is None else min(self.high, fmt.maximum)
        return max(least, 0) if self.relu else least, greatest
