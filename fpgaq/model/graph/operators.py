"""The operators of the float graph: frozen records on named tensors.

Shapes leave the batch out. Images are (channels, height, width), the layout of the models that come in; vectors are
(features,) and rows (channels, length).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...base.formats import Format

Array: TypeAlias = NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]
"""(top, bottom, left, right) in pixels."""


@dataclass(frozen=True, eq=False)
class Operator:
    """One node. `name` is the model's own, opaque name; `inputs` and `output` name tensors."""

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def input(self) -> str:
        """The first input, which for most operators is the only one."""
        return self.inputs[0]


@dataclass(frozen=True)
class Grid:
    """The fixed-point values that a parameter is rounded to in training, half away from zero.

    Parameters
    ----------
    bits : int
    signed : bool
    frac : tuple of int
        Fractional bits of each output channel, or one for all.
    narrow : bool
        Whether a signed grid is symmetric, as nnabla's function is; else it has the most negative code, which at 2 bits
        is one of four.
    step : float or None
        The distance of two values where it is no power of two, a float32; `frac` is 0 then.
    zero_point : int
        The integer that stands for 0, of a grid with a step.
    """

    bits: int
    signed: bool
    frac: tuple[int, ...]
    narrow: bool = True
    step: float | None = None
    zero_point: int = 0

    def formats(self) -> tuple[Format, ...]:
        """One for each entry of `frac`."""
        return tuple(Format(self.bits, frac, self.signed, narrow=self.signed and self.narrow) for frac in self.frac)


@dataclass(frozen=True, eq=False)
class Convolution(Operator):
    """2-D cross-correlation: weight (outputs, channels / groups, kernel height, kernel width), bias (outputs,)."""

    weight: Array
    bias: Array | None
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    padding_value: float = 0.0
    """The real value of a pixel outside the image (zero in every model; passes that move a constant set it)."""
    weight_grid: Grid | None = None
    bias_grid: Grid | None = None
    """Where a model was trained in fixed point, `weight` and `bias` are the values before rounding."""


@dataclass(frozen=True, eq=False)
class Affine(Operator):
    """Matrix product on the flattened input: weight (outputs, features), features in C order of the input's shape."""

    weight: Array
    bias: Array | None
    weight_grid: Grid | None = None
    bias_grid: Grid | None = None


@dataclass(frozen=True, eq=False)
class MaxPooling(Operator):
    """Maximum over windows; a padded pixel never wins. The overhang of a kept partial window is padding too."""

    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Deconvolution(Operator):
    """Transposed convolution: weight (channels, outputs / groups, kernel height, kernel width), bias (outputs,).

    Output pixel y * stride + tap * dilation - padding gets input pixel y; `output_padding` adds rows and columns at
    the bottom and right.
    """

    weight: Array
    bias: Array | None
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    output_padding: Pair = (0, 0)
    weight_grid: Grid | None = None
    bias_grid: Grid | None = None

    def phases(self, axis: int, size: int) -> tuple[tuple[int, int], ...]:
        """(outputs, taps) for each remainder of an output's place by the stride, of `size` outputs along an axis.

        The outputs of a remainder meet pixels of the input, or of the padding, with its taps; with the others nothing.
        """
        stride, count = self.stride[axis], self.weight.shape[2 + axis]
        before = self.padding[2 * axis]
        found = []
        for phase in range(min(stride, size)):
            taps = sum((phase + before - tap * self.dilation[axis]) % stride == 0 for tap in range(count))
            found.append((-(-(size - phase) // stride), taps))
        return tuple(found)


@dataclass(frozen=True, eq=False)
class AveragePooling(Operator):
    """Mean over windows; with `count_padding` a padded pixel counts as a zero, else it is left out of the mean.

    A kernel of the image's size is global average pooling. `sum_only` gives the sum instead of the mean.
    """

    kernel: Pair
    stride: Pair
    padding: Padding = (0, 0, 0, 0)
    count_padding: bool = True
    sum_only: bool = False


@dataclass(frozen=True, eq=False)
class Upsample(Operator):
    """Each pixel repeated `factor` times (rows, columns): nearest neighbour."""

    factor: Pair


@dataclass(frozen=True, eq=False)
class Add(Operator):
    """The sum of all inputs (one shape), each with its sign, 1 or -1."""

    signs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Multiply(Operator):
    """The product of two inputs of one shape."""


@dataclass(frozen=True, eq=False)
class Concatenate(Operator):
    """The inputs one after another along axis 0 of the shape (the channels)."""


@dataclass(frozen=True, eq=False)
class Slice(Operator):
    """The elements from `start` to the extent that `Graph.shapes` gives the output, along each axis of the shape."""

    start: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Pad(Operator):
    """Rows and columns added around the image; `mode` is "constant" (of `value`), "reflect" or "repeat"."""

    padding: Padding
    mode: str = "constant"
    value: float = 0.0


@dataclass(frozen=True, eq=False)
class Transpose(Operator):
    """The axes of the shape in another order: output axis i is input axis ``axes[i]``."""

    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Pointwise(Operator):
    """A function of one real number, by its name in `fpgaq.model.functions`, with its parameters in order."""

    function: str
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Prelu(Operator):
    """x where positive, ``slope[channel] * x`` elsewhere; slope (channels,) or (1,)."""

    slope: Array


@dataclass(frozen=True, eq=False)
class Relu(Operator):
    """max(x, 0)."""


@dataclass(frozen=True, eq=False)
class BatchNormalization(Operator):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset along axis 0 of the shape (the channels)."""

    mean: Array
    variance: Array
    scale: Array | None
    offset: Array | None
    epsilon: float


@dataclass(frozen=True, eq=False)
class ScaleOffset(Operator):
    """x * scale + offset with two constants (MulScalar, AddScalar and preprocessing at rest)."""

    scale: float
    offset: float


@dataclass(frozen=True, eq=False)
class Reshape(Operator):
    """The same elements in C order under the shape that `Graph.shapes` gives the output."""


@dataclass(frozen=True, eq=False)
class Softmax(Operator):
    """Softmax along `axis` of the shape without the batch, or its logarithm."""

    axis: int
    log: bool = False


@dataclass(frozen=True, eq=False)
class ArgMax(Operator):
    """The index of the greatest element along `axis` of the shape without the batch, the lowest on ties."""

    axis: int


@dataclass(frozen=True, eq=False)
class FixedPointQuantize(Operator):
    """x rounded to `format`, half away from zero, and saturated: what a model trained in fixed point computes.

    A signed format is symmetric (narrow). With `step`, a float32, the integers of `format`, whose `frac` is 0, stand
    for ``(integer - zero_point) * step``.
    """

    format: Format
    step: float | None = None
    zero_point: int = 0


@dataclass(frozen=True, eq=False)
class Identity(Operator):
    """The same tensor: Identity, Dropout at inference and other operators at rest. `kind` is the model's type name."""

    kind: str


OPERATORS: tuple[type[Operator], ...] = (
    Convolution,
    Affine,
    MaxPooling,
    Deconvolution,
    AveragePooling,
    Upsample,
    Add,
    Multiply,
    Concatenate,
    Slice,
    Pad,
    Transpose,
    Pointwise,
    Prelu,
    Relu,
    BatchNormalization,
    ScaleOffset,
    Reshape,
    Softmax,
    ArgMax,
    FixedPointQuantize,
    Identity,
)
