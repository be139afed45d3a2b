"""Operators of networks that were trained in fixed point, up to the requantizer, which the next quantizer states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from ..base.errors import FitError, UnsupportedError
from ..base.formats import Format
from ..integer.graph import (
    IntegerAffine,
    IntegerArray,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerOperator,
    IntegerSumPooling,
    IntegerTable,
    Requantize,
    Tensor,
)
from ..model.graph import (
    Add,
    Affine,
    AveragePooling,
    Concatenate,
    Convolution,
    Deconvolution,
    Multiply,
    Operator,
    Pointwise,
)
from ..model.graph.fixed import ROUNDING, grid_integers
from .clips import Clip
from .drafts import add_draft, multiply_draft, pooling_draft, with_accumulator
from .movements import MOVEMENTS, movement
from .transposed import Piece, spread

Shape3: TypeAlias = tuple[int, int, int]
"""(height, width, channels)."""
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
    clip : Clip, optional
        A clip that follows.
    """

    operator: IntegerOperator
    shape: Shape3
    fracs: tuple[int, ...]
    relu: bool = False
    function: str = ""
    parameters: tuple[float, ...] = ()
    before: tuple[Piece, ...] = ()
    clip: Clip | None = None

    def leaves_accumulator(self) -> bool:
        """Whether the operator can output its accumulator as it is."""
        return isinstance(self.operator, IntegerConvolution | IntegerAffine) and not self.relu and self.clip is None

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

    Raises
    ------
    UnsupportedError
        An operator that is none of `FORMS`, or parameters that nothing quantizes.
    FitError
        An accumulator or a border that no supported format holds.
    """
    form = FORMS.get(type(op))
    if form is None:
        raise UnsupportedError(
            f"layer {op.name!r}: {type(op).__name__} has no form in a network that was trained in fixed point; fold it"
            " into a layer before training (fpgaq.nnabla.fold_batchnorm), or quantize the float model with"
            " --calibration"
        )
    return form(op, sources, shape, adapt)


def _add(op: Add, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Draft:
    draft, frac = add_draft(op, sources, _EXACT)
    return Draft(draft, shape, (frac,))


def _multiply(op: Multiply, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Draft:
    draft, frac = multiply_draft(op, sources, _EXACT)
    return Draft(draft, shape, (frac,))


def _pooling(op: AveragePooling, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Draft:
    draft = pooling_draft(op, sources[0], shape[:2], _EXACT)
    return Draft(draft, shape, (sources[0].format.frac,))


def _movement(op: Operator, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Made:
    fmt = sources[0].format
    return Made(((movement(op, sources[0], lambda value: _integer(op, value, fmt)), shape, fmt),))


def _concatenate(op: Concatenate, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Made:
    formats = {tensor.format for tensor in sources}
    fmt = sources[0].format if len(formats) == 1 else _common(sources)
    names = tuple(adapt(tensor, fmt).name if tensor.format != fmt else tensor.name for tensor in sources)
    return Made(((IntegerConcatenate(op.name, names, op.output), shape, fmt),))


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


def _layer(op: Convolution | Affine, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Draft:
    source = sources[0]
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
    reason = "train it with coarser steps of its weights or bias"
    return Draft(with_accumulator(operator, (source.format,), reason), shape, accumulators)


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


def _deconvolution(op: Deconvolution, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Draft:
    """Zeros between the pixels and a plain convolution; those operators keep values and are made first."""
    convolution, source, pieces = spread(op, sources[0], lambda name: name)
    convolution = replace(convolution, weight_grid=op.weight_grid, bias_grid=op.bias_grid)
    return replace(_layer(convolution, (source,), shape, adapt), before=pieces)


def _table(op: Pointwise, sources: Sequence[Tensor], shape: Shape3, adapt: Adapt) -> Draft:
    source = sources[0]
    if source.format.width > MAX_INDEX_BITS:
        raise UnsupportedError(
            f"layer {op.name!r}: a table with an index of {source.format.width} bits; quantize its input to at most"
            f" {MAX_INDEX_BITS}"
        )
    index = replace(source.format, narrow=False)
    table = IntegerTable(op.name, (source.name,), op.output, np.zeros(1 << index.width, np.int64), index, _EXACT)
    return Draft(table, shape, (), function=op.function, parameters=op.parameters)


FORMS: Mapping[type[Operator], Callable[[Any, Sequence[Tensor], Shape3, Adapt], Draft | Made]] = {
    Convolution: _layer,
    Affine: _layer,
    Deconvolution: _deconvolution,
    Add: _add,
    Multiply: _multiply,
    AveragePooling: _pooling,
    Pointwise: _table,
    Concatenate: _concatenate,
    **dict.fromkeys(MOVEMENTS, _movement),
}
"""Operators that `make` takes; the caller handles the quantizers, reshapes and ReLUs between them."""
