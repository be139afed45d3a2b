"""The integer graph: the network that the hardware computes, and the only thing that reference and emitters read.

Tensors are images of integers, (height, width, channels), the order in which a stream carries them; a vector of
n features is (1, 1, n). No float reaches an emitter: the one real-valued part is `InputTransform`, which the host
applies to user data. Operators are frozen, in topological order, and dispatched on by class in every stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base.errors import UsageError
from ..base.formats import Format, Rounding, dequantize
from ..base.preparation import Preparation
from ..base.results import html_table
from ..base.text import printable, shape_text

IntegerArray: TypeAlias = NDArray[np.int64]
ImageShape: TypeAlias = tuple[int, int, int]
Pair: TypeAlias = tuple[int, int]
MAX_CLIP_BITS = 24
"""Bits of the limits that the hardware's requantizer takes."""
RULES = ("shift", "multiply_shift", "tflite_double")
TRANSFORM_KINDS = ("real", "divide", "divide_single", "integer")
Padding: TypeAlias = tuple[int, int, int, int]
"""(top, bottom, left, right) in pixels."""


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

    def limits(self, fmt: Format) -> tuple[int, int]:
        """The least and the greatest result in an output of format `fmt`."""
        least = fmt.minimum if self.low is None else max(self.low, fmt.minimum)
        greatest = fmt.maximum if self.high is None else min(self.high, fmt.maximum)
        return max(least, 0) if self.relu else least, greatest


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
    """Axes of (height, width, channels) in another order: output axis i is input axis ``axes[i]``; equal formats."""

    axes: tuple[int, int, int]


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


@dataclass(frozen=True)
class InputTransform:
    """From user data to input integers, by its `kind`:

    real
        ``q = saturate(round((x * scale + offset) * 2**frac))``, in float64, in this order of operations.
    divide
        ``q = saturate(round(x / scale) + offset)`` in float64, as ONNX's QuantizeLinear states it: a rounding to even
        takes place before the zero point is added, and the quotient of two float32 rounds in float64 as exactly.
    divide_single
        The same with the quotient in float32, as LiteRT's QUANTIZE computes it.
    integer
        Samples are of the model's own input type, and are taken as they are; scale 1 and offset 0.

    Applied by `run`, `simulate`, golden vectors and host drivers alike. With a `preparation`, x is a sample in the
    user's units, and ``scale`` and ``offset`` give way to `scales` and `offsets`.
    `model_shape` is the model's own shape without the batch, such as (1, 28, 28) (channels first) or (784,);
    `image_shape` is (channels, height, width); samples are reshaped to it in C order, or to (height, width, channels)
    where the model keeps `channels_last`, as the stream does.
    """

    scale: float
    offset: float
    rounding: Rounding
    model_shape: tuple[int, ...]
    image_shape: tuple[int, int, int]
    kind: str = "real"
    preparation: Preparation = Preparation()
    channels_last: bool = False

    @property
    def scales(self) -> tuple[float, ...]:
        """The factor of the user's samples: one, or one for each entry of the first axis of `model_shape`."""
        return tuple(factor * self.scale for factor in self.preparation.scale)

    @property
    def offsets(self) -> tuple[float, ...]:
        """What is added to that product: one number, or one for each entry of the first axis of `model_shape`."""
        return tuple(term * self.scale + self.offset for term in self.preparation.offset)


@dataclass(frozen=True)
class HostSoftmax:
    """A softmax that ends a model and that the host computes, as LiteRT's reference kernel of 8 bits does.

    Parameters
    ----------
    multiplier, shift : int
        A difference to the greatest element times ``multiplier * 2**(shift - 31)`` is its value in 26 fractional bits.
    least : int
        The least difference that counts; others give the least result.
    format : Format
        Of the results, whose real value is ``(integer - zero_point) * scale``.
    scale : float
    zero_point : int
    """

    multiplier: int
    shift: int
    least: int
    format: Format
    scale: float
    zero_point: int


@dataclass(frozen=True, eq=False)
class IntegerGraph:
    """An integer network.

    Parameters
    ----------
    name : str
        The model's name.
    inputs, outputs : tuple of str
        Tensor names.
    tensors : mapping of str to Tensor
    operators : tuple of IntegerOperator
        In topological order.
    transforms : mapping of str to InputTransform
        For each input.
    output_shapes : mapping of str to tuple of int
        The model's own shape of each output, batch left out.
    samples : mapping of str to array
        A few calibration samples of each input as integers, (frames, height, width, channels).
    classifier : bool
        The output is logits whose argmax (lowest index on ties) is the answer.
    estimate_only : bool
        The network was quantized without data: sizes and cycles are those of the real one, values mean nothing.
    channels_last : bool
        Outputs in the model's own shape have the stream's order of elements, as in TensorFlow Lite.
    host_outputs : mapping of str to HostSoftmax
        Outputs whose last function the host computes from the integers that the network gives.
    options : mapping
        How it was quantized, as plain JSON values: `options` (those that were used), `chosen` (what was changed by
        measurement, in words) and `measured`. Empty where nobody told. The integers do not depend on it.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    operators: tuple[IntegerOperator, ...]
    transforms: Mapping[str, InputTransform]
    output_shapes: Mapping[str, tuple[int, ...]]
    samples: Mapping[str, IntegerArray]
    classifier: bool
    channels_last: bool = False
    host_outputs: Mapping[str, HostSoftmax] = field(default_factory=dict)
    estimate_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(self, data: ArrayLike | Mapping[str, ArrayLike]) -> dict[str, tuple[IntegerArray, NDArray[np.float64]]]:
        """Compute the network exactly.

        Parameters
        ----------
        data : array or mapping of str to array
            (frames, *model shape) in the model's own units, by input name or for the only input.

        Returns
        -------
        dict of str to (array of int64, array of float64)
            For each output its integers, and the real values that they stand for, in the model's own shape.

        Raises
        ------
        ModelError
            Data that do not fit the network's inputs.
        """
        from .host_functions import model_outputs
        from .inputs import transform_data
        from .reference import run

        if not isinstance(data, Mapping):
            if len(self.inputs) != 1:
                raise UsageError(
                    f"one array for a network with inputs {list(self.inputs)}; give a mapping of name to array"
                )
            data = {self.inputs[0]: data}
        return model_outputs(self, run(self, transform_data(self, data)))

    def __call__(
        self, data: ArrayLike | Mapping[str, ArrayLike]
    ) -> NDArray[np.float64] | dict[str, NDArray[np.float64]]:
        """The real values of `run`: an array, or a dict by name for several outputs."""
        real = {name: values for name, (_, values) in self.run(data).items()}
        return real if len(real) > 1 else next(iter(real.values()))

    def __repr__(self) -> str:
        """One line: a whole network would fill pages with weights."""
        return f"<IntegerGraph: {printable(self.headline())}>"

    def _repr_html_(self) -> str:
        """The table of layers that a notebook shows."""
        rows = []
        for op in self.operators:
            tensor, weights = self.tensors[op.output], getattr(op, "weight_format", None)
            rows.append(
                {
                    "layer": op.name,
                    "operator": type(op).__name__.removeprefix("Integer"),
                    "output": shape_text(tensor.shape),
                    "weights": weights.describe() if weights else None,
                    "format": tensor.format.describe(),
                    "accumulator": getattr(op, "accumulator_width", None),
                }
            )
        return html_table(self.headline(), rows)

    def headline(self) -> str:
        """Name, inputs, outputs and number of operators."""
        inputs, outputs = (
            ", ".join(
                f"{name} {shape_text(self.tensors[name].shape)} {self.tensors[name].format.describe()}"
                for name in names
            )
            for names in (self.inputs, self.outputs)
        )
        return f"{self.name}, {inputs} -> {outputs}, {len(self.operators)} integer operators"
