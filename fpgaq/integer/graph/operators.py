"""The operators: frozen, and dispatched on by class in every stage. Their docstrings are the formulas."""

from __future__ import annotations

from dataclasses import dataclass

from ...base.formats import Format
from .tensors import IntegerArray, Padding, Pair, Requantize


@dataclass(frozen=True, eq=False)
class IntegerOperator:
    """One operator: `name` is the model's own name for it; `inputs` and `output` name tensors of the graph."""

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def input(self) -> str:
        """The first input, which for most operators is the only one."""
        return self.inputs[0]


@dataclass(frozen=True, eq=False)
class IntegerConvolution(IntegerOperator):
    """Cross-correlation of integers.

    Parameters
    ----------
    weight : array of int64
        (outputs, kernel height, kernel width, input channels / groups).
    bias : array of int64
        (outputs,), at the accumulator's scale: real value ``bias * 2.0**-accumulator_frac[channel]``.
    weight_format : Format
        Width and range of the weights; its `frac` is that of output channel 0.
    weight_frac : tuple of int
        Fractional bits of the weights of each output channel (all equal if per tensor).
    padding_value : int
        The integer that stands outside the image (the input's zero point).
    accumulator_width : int
        Signed bits in which no partial sum, in any order, with or without the bias, can overflow.
    requantize : Requantize or None
        None leaves the accumulator as the output (its tensor's format has the accumulator's width).
    weight_scale : tuple of float
        The weights' step in an imported integer model, one for all output channels or one for each; empty:
        ``2.0**-weight_frac``. An asymmetric weight is the integer of the file less its zero point.
    """

    weight: IntegerArray
    bias: IntegerArray
    weight_format: Format
    weight_frac: tuple[int, ...]
    stride: Pair
    padding: Padding
    dilation: Pair
    groups: int
    padding_value: int
    accumulator_width: int
    requantize: Requantize | None
    weight_scale: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class IntegerAffine(IntegerOperator):
    """Matrix product on the flattened frame: weight (outputs, features), features in (height, width, channel) order.

    The other parameters are those of `IntegerConvolution`.
    """

    weight: IntegerArray
    bias: IntegerArray
    weight_format: Format
    weight_frac: tuple[int, ...]
    accumulator_width: int
    requantize: Requantize | None
    weight_scale: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class IntegerMaxPooling(IntegerOperator):
    """Maximum over windows, padding being the least value of the format; input and output formats are equal."""

    kernel: Pair
    stride: Pair
    padding: Padding


@dataclass(frozen=True, eq=False)
class IntegerRelu(IntegerOperator):
    """max(x, 0) where no producer could take it in; input and output share `frac`, the output may be unsigned."""


@dataclass(frozen=True, eq=False)
class IntegerSumPooling(IntegerOperator):
    """Sum over windows (padding is zero), divided and rounded once: ``saturate(round(sum / (divisor * 2**shift)))``.

    Parameters
    ----------
    divisor : tuple of int
        For each output pixel in raster order (length rows * columns), or one for all (length 1): 1 gives sums, the
        kernel's size gives means, the count of pixels inside the image gives means without the padding.
    accumulator_width : int
        Signed bits in which no sum overflows.
    requantize : Requantize
        One shift. Rounding applies to the exact rational.
    """

    kernel: Pair
    stride: Pair
    padding: Padding
    divisor: tuple[int, ...]
    accumulator_width: int
    requantize: Requantize


@dataclass(frozen=True, eq=False)
class IntegerTable(IntegerOperator):
    """A function of one integer: ``table[requantize(x) - index_format.minimum]``.

    Parameters
    ----------
    table : array of int64
        (2**index_format.width,): outputs for each index from the least to the greatest.
    index_format : Format
        At most 12 bits.
    requantize : Requantize
        From the input to the index; one shift.
    """

    table: IntegerArray
    index_format: Format
    requantize: Requantize


@dataclass(frozen=True, eq=False)
class IntegerAdd(IntegerOperator):
    """``saturate(round(sum of sign * (input << align) / 2**shift))``: inputs aligned to the finest scale, rounded once.

    `align` and `signs` (1 or -1) have one entry for each input. Inputs of arbitrary scales have `factors` instead
    (then every `align` is 0 and every sign 1): the sum is ``offset + sum of factor * input``.
    """

    align: tuple[int, ...]
    signs: tuple[int, ...]
    accumulator_width: int
    requantize: Requantize
    factors: tuple[int, ...] = ()
    offset: int = 0

    @property
    def coefficients(self) -> tuple[int, ...]:
        """What each input is multiplied by."""
        return self.factors or tuple(sign << align for sign, align in zip(self.signs, self.align, strict=True))


@dataclass(frozen=True, eq=False)
class IntegerMultiply(IntegerOperator):
    """``saturate(round((a - zero_points[0]) * (b - zero_points[1]) / 2**shift))`` of two inputs of one shape."""

    accumulator_width: int
    requantize: Requantize
    zero_points: Pair = (0, 0)


@dataclass(frozen=True, eq=False)
class IntegerScale(IntegerOperator):
    """``saturate(round((x * scale[c] + offset[c]) / 2**shift[c]))``: what batch normalization leaves where unfolded.

    With `negative_scale` (channels,), negative elements take that factor instead of `scale`: a PReLU. To the totals of
    negative elements `negative_offset` is added: so one rounding does what LiteRT's two do.
    """

    scale: IntegerArray
    offset: IntegerArray
    negative_scale: IntegerArray | None
    scale_width: int
    accumulator_width: int
    requantize: Requantize
    negative_offset: int = 0


@dataclass(frozen=True, eq=False)
class IntegerConcatenate(IntegerOperator):
    """The channels of all inputs one after another; all formats are the output's."""


@dataclass(frozen=True, eq=False)
class IntegerSlice(IntegerOperator):
    """The elements from `start` (row, column, channel) to the extent of the output's shape; formats are equal."""

    start: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class IntegerPad(IntegerOperator):
    """Rows and columns around the image; `mode` is "constant" (of `value`), "reflect" or "repeat"; equal formats."""

    padding: Padding
    mode: str
    value: int


@dataclass(frozen=True, eq=False)
class IntegerUpsample(IntegerOperator):
    """Each pixel becomes a block of `factor` (rows, columns); formats are equal.

    With `zeros` only the block's first pixel is the input's and the others are zero, and the last blocks are cut to
    the output's shape: how a transposed convolution spreads its input before it convolves with stride 1.
    """

    factor: Pair
    zeros: bool


@dataclass(frozen=True, eq=False)
class IntegerTranspose(IntegerOperator):
    """Axes of (height, width, channels) in another order: output axis i is input axis ``axes[i]``; equal formats.

    With a `view` they are the axes of an array of that shape, of the input's elements in the order of the stream; the
    output has any shape of as many elements.
    """

    axes: tuple[int, ...]
    view: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class IntegerReshape(IntegerOperator):
    """The same elements in the same order (row, column, channel) as an image of another shape; formats are equal."""


@dataclass(frozen=True, eq=False)
class IntegerArgMax(IntegerOperator):
    """The index of the greatest channel (the lowest on ties) of each pixel, unsigned; the output has one channel."""


OPERATORS: tuple[type[IntegerOperator], ...] = (
    IntegerConvolution,
    IntegerAffine,
    IntegerMaxPooling,
    IntegerRelu,
    IntegerSumPooling,
    IntegerTable,
    IntegerAdd,
    IntegerMultiply,
    IntegerScale,
    IntegerConcatenate,
    IntegerSlice,
    IntegerPad,
    IntegerUpsample,
    IntegerTranspose,
    IntegerReshape,
    IntegerArgMax,
)
