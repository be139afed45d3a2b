"""Operators of networks that were trained in fixed point, up to the requantizer, which the next quantizer states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from ..accumulators import layer_bounds, operator_bounds
from ..errors import FitError, UnsupportedError
from ..float_executor.windows import window_divisors
from ..formats import MAX_WIDTH, Format
from ..graph import (
    Add,
    Affine,
    AveragePooling,
    Concatenate,
    Convolution,
    Deconvolution,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pointwise,
    Slice,
    Transpose,
    Upsample,
)
from ..graph.fixed import ROUNDING, grid_integers
from ..integer_graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArray,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Requantize,
    Tensor,
)
from .transposed import as_convolution, spread_shape

Shape3: TypeAlias = tuple[int, int, int]
"""(height, width, channels)."""
Piece: TypeAlias = tuple[IntegerOperator, Shape3, Format]
Adapt: TypeAlias = Callable[[Tensor, Format], Tensor]
MAX_INDEX_BITS = 12
_EXACT = Requantize((0,), ROUNDING)


@dataclass(frozen=True, eq=False)
class Draft:
    """An operator without its requantizer.

    Parameters
    ----------
    operator : IntegerOperator
    shape : (int, int, int)
        Shape of its output.
    fracs : tuple of int
        Fractional bits of the accumulator of each output channel, or one for all.
    relu : bool
        A ReLU follows.
    function, parameters
        The function of a table.
    before : tuple of (IntegerOperator, shape, format)
        Operators before it, which keep values.
    """

    operator: IntegerOperator
    shape: Shape3
    fracs: tuple[int, ...]
    relu: bool = False
    function: str = ""
    parameters: tuple[float, ...] = ()
    before: tuple[Piece, ...] = ()

    def leaves_accumulator(self) -> bool:
        """Whether the operator can output its accumulator as it is."""
        return isinstance(self.operator, IntegerConvolution | IntegerAffine) and not self.relu

    def exact_format(self) -> Format | None:
        """The format in which nothing is lost, if there is one for all channels."""
        width = getattr(self.operator, "accumulator_width", None)
        if width is None or len(set(self.fracs)) != 1 or isinstance(self.operator, IntegerSumPooling):
            return None
        return Format(width - 1, self.fracs[0], False) if self.relu else Format(width, self.fracs[0])


@dataclass(frozen=True, eq=False)
class Made:
    """Operators that write formats of their own, in order, with the shapes and formats of their outputs."""

    operators: tuple[Piece, ...]


def make(op: Operator, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Draft | Made:
    """The integer form of an operator on integer tensors.

    Parameters
    ----------
    op : Operator
    sources : sequence of Tensor
    shape : (int, int, int)
        Shape of the output, (height, width, channels).
    adapt : callable
        Brings a tensor to another format.
    """
    source = sources[0]
    name, inputs = op.name, tuple(tensor.name for tensor in sources)
    if isinstance(op, Convolution | Affine):
        return _layer(op, source, shape)
    if isinstance(op, Deconvolution):
        return _deconvolution(op, source, shape)
    if isinstance(op, Add):
        finest = max(tensor.format.frac for tensor in sources)
        align = tuple(finest - tensor.format.frac for tensor in sources)
        return _proved(IntegerAdd(name, inputs, op.output, align, op.signs, 2, _EXACT), sources, shape, finest)
    if isinstance(op, Multiply):
        frac = sum(tensor.format.frac for tensor in sources)
        return _proved(IntegerMultiply(name, inputs, op.output, 2, _EXACT), sources, shape, frac)
    if isinstance(op, AveragePooling):
        return _pooling(op, source, shape)
    if isinstance(op, Pointwise):
        return _table(op, source, shape)
    if isinstance(op, Concatenate):
        formats = {tensor.format for tensor in sources}
        fmt = source.format if len(formats) == 1 else _common(sources)
        names = tuple(adapt(tensor, fmt).name if tensor.format != fmt else tensor.name for tensor in sources)
        return Made(((IntegerConcatenate(name, names, op.output), shape, fmt),))
    return Made(((_movement(op, source), shape, source.format),))


def _movement(op: Operator, source: Tensor) -> IntegerOperator:
    """Operators that keep values."""
    name, inputs, output = op.name, (source.name,), op.output
    if isinstance(op, MaxPooling):
        return IntegerMaxPooling(name, inputs, output, op.kernel, op.stride, op.padding)
    if isinstance(op, Upsample):
        return IntegerUpsample(name, inputs, output, op.factor, False)
    if isinstance(op, Slice):
        channel, row, column = (op.start[0], *(0, 0, *op.start[1:])[-2:])
        return IntegerSlice(name, inputs, output, (row, column, channel))
    if isinstance(op, Transpose):
        axes = op.axes if len(op.axes) == 3 else (0, 1, 2)
        place = (2, 0, 1)  # where the stream has channels, height and width
        return IntegerTranspose(name, inputs, output, (place[axes[1]], place[axes[2]], place[axes[0]]))
    if isinstance(op, Pad):
        value = 0 if op.mode != "constant" else _integer(op, op.value, source.format)
        return IntegerPad(name, inputs, output, op.padding, op.mode, value)
    raise UnsupportedError(
        f"layer {op.name!r}: {type(op).__name__} has no form in a network that was trained in fixed point; fold it into"
        " a layer before training (fpgaq.nnabla.fold_batchnorm), or quantize the float model with --calibration"
    )


def _integer(op: Operator, value: float, fmt: Format) -> int:
    scaled = float(np.ldexp(value, fmt.frac))
    if scaled != round(scaled) or not fmt.minimum <= scaled <= fmt.maximum:
        raise FitError(
            f"layer {op.name!r}: pads with {value:g}, which its input's format {fmt.describe()} does not hold"
        )
    return round(scaled)


def _common(sources: Sequence[Tensor]) -> Format:
    """A format that holds the values of all formats exactly."""
    frac = max(tensor.format.frac for tensor in sources)
    signed = any(tensor.format.signed for tensor in sources)
    greatest = max(tensor.format.maximum << (frac - tensor.format.frac) for tensor in sources)
    least = min(tensor.format.minimum << (frac - tensor.format.frac) for tensor in sources)
    width = max(greatest.bit_length(), (-least - 1).bit_length() if least < 0 else 0) + signed
    return Format(width, frac, signed)


def _layer(op: Convolution | Affine, source: Tensor, shape: Shape3) -> Draft:
    if op.weight_grid is None:
        raise UnsupportedError(
            f"layer {op.name!r}: nothing quantizes its weight; put a FixedPointQuantize on it"
            " (fpgaq.nnabla.convert_fixed_point)"
        )
    outputs = op.weight.shape[0]
    fracs = op.weight_grid.frac * (outputs if len(op.weight_grid.frac) == 1 else 1)
    rows = grid_integers(op.weight.reshape(outputs, -1), op.weight_grid)
    accumulators = tuple(source.format.frac + frac for frac in fracs)
    bias = _bias(op, accumulators)
    bits, signed = op.weight_grid.bits, op.weight_grid.signed
    fmt = Format(bits if signed else bits + 1, fracs[0], True, narrow=signed and op.weight_grid.narrow)
    operator: IntegerConvolution | IntegerAffine
    if isinstance(op, Affine):
        height, width, channels = source.shape
        weight = rows.reshape(outputs, channels, height, width).transpose(0, 2, 3, 1).reshape(outputs, -1)
        padding_value = 0
        operator = IntegerAffine(op.name, (source.name,), op.output, weight, bias, fmt, fracs, 2, None)
    else:
        weight = np.ascontiguousarray(rows.reshape(op.weight.shape).transpose(0, 2, 3, 1))
        padding_value = _integer(op, op.padding_value, source.format) if any(op.padding) else 0
        operator = IntegerConvolution(
            op.name, (source.name,), op.output, weight, bias, fmt, fracs, op.stride, op.padding, op.dilation, op.groups,
            padding_value, 2, None,
        )  # fmt: skip
    needed = max(2, layer_bounds(weight, bias, source.format, padding_value).width)
    if needed > MAX_WIDTH:
        raise FitError(f"layer {op.name!r}: its accumulator needs {needed} bits, at most {MAX_WIDTH} are supported")
    return Draft(replace(operator, accumulator_width=needed), shape, accumulators)


def _bias(op: Convolution | Affine, fracs: tuple[int, ...]) -> IntegerArray:
    """The bias as integers at the accumulators' scales, exactly."""
    if op.bias is None or not op.bias.any():
        return np.zeros(len(fracs), dtype=np.int64)
    if op.bias_grid is None:
        raise UnsupportedError(f"layer {op.name!r}: nothing quantizes its bias; put a FixedPointQuantize on it")
    finer = [own - frac for own, frac in zip(op.bias_grid.frac * len(fracs), fracs, strict=False)]
    if max(finer) > 0:
        raise FitError(
            f"layer {op.name!r}: its bias has {max(finer)} more fractional bits than its accumulator; train it with a"
            f" delta of 2**{-min(fracs)} or more (args_fpq delta_b of fpgaq.nnabla.convert_fixed_point)"
        )
    integers = grid_integers(op.bias, op.bias_grid)
    return np.asarray(integers << np.asarray([-extra for extra in finer], dtype=np.int64), dtype=np.int64)


def _deconvolution(op: Deconvolution, source: Tensor, shape: Shape3) -> Draft:
    """Zeros between the pixels and a plain convolution; those operators keep values and are made first."""
    pieces: list[Piece] = []
    if op.stride != (1, 1):
        name = f"{op.output}.spread"
        spread = IntegerUpsample(f"{op.name}.spread", (source.name,), name, op.stride, True)
        pieces.append((spread, spread_shape(source.shape, op.stride), source.format))
        source = Tensor(name, pieces[-1][1], source.format, name)
    convolution, cut = as_convolution(op)
    if any(cut):
        top, bottom, left, right = cut
        height, width, channels = source.shape
        name = f"{op.output}.cut"
        inner = (height - top - bottom, width - left - right, channels)
        pieces.append((IntegerSlice(f"{op.name}.cut", (source.name,), name, (top, left, 0)), inner, source.format))
        source = Tensor(name, inner, source.format, name)
    convolution = replace(convolution, weight_grid=op.weight_grid, bias_grid=op.bias_grid)
    return replace(_layer(convolution, source, shape), before=tuple(pieces))


def _proved(op: IntegerAdd | IntegerMultiply, sources: Sequence[Tensor], shape: Shape3, frac: int) -> Draft:
    width = max(2, operator_bounds(op, *(tensor.format for tensor in sources)).width)
    if width > MAX_WIDTH:
        raise FitError(f"layer {op.name!r}: its accumulator needs {width} bits, at most {MAX_WIDTH} are supported")
    return Draft(replace(op, accumulator_width=width), shape, (frac,))


def _pooling(op: AveragePooling, source: Tensor, shape: Shape3) -> Draft:
    counts = window_divisors(op, source.shape[:2], (shape[2], *shape[:2])).astype(int).reshape(-1).tolist()
    divisor = tuple(counts[:1]) if len(set(counts)) == 1 else tuple(counts)
    draft = IntegerSumPooling(
        op.name, (source.name,), op.output, op.kernel, op.stride, op.padding, divisor, 2, _EXACT
    )  # fmt: skip
    width = max(2, operator_bounds(draft, source.format).width)
    return Draft(replace(draft, accumulator_width=width), shape, (source.format.frac,))


def _table(op: Pointwise, source: Tensor, shape: Shape3) -> Draft:
    if source.format.width > MAX_INDEX_BITS:
        raise UnsupportedError(
            f"layer {op.name!r}: a table with an index of {source.format.width} bits; quantize its input to at most"
            f" {MAX_INDEX_BITS}"
        )
    index = replace(source.format, narrow=False)
    table = IntegerTable(op.name, (source.name,), op.output, np.zeros(1 << index.width, np.int64), index, _EXACT)
    return Draft(table, shape, (), function=op.function, parameters=op.parameters)
