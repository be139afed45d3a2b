"""The integer graph under construction, and the rounding of values onto a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UnsupportedError
from ...base.formats import Format
from ...integer.accumulators import operator_bounds, result_ranges
from ...integer.graph import (
    ImageShape,
    InputTransform,
    IntegerAdd,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerMultiply,
    IntegerOperator,
    IntegerTable,
    Requantize,
    Tensor,
)
from ...integer.least_multipliers import significant_bits
from ...integer.near_ties import ULPS, nearest
from ...integer.specified_scales import Specified, choose
from ...model.graph import Reshape
from ...model.importers.onnx.builder import Builder, graph_shape
from ..completion import Completion
from ..reshapes import reshape_operators
from .sums import choose_factors
from .values import Accumulated, Data, Function, Grid, Joined, Quantized, Stored, Sum

MAX_TABLE_WIDTH = 12


def image_of(shape: tuple[int, ...]) -> ImageShape:
    """(height, width, channels) of a tensor that the model sees as `shape`, without the batch."""
    seen = graph_shape(shape)
    if len(seen) == 3:
        return seen[1], seen[2], seen[0]
    return 1, 1, math.prod(seen)


class Conversion(Builder):
    """The integer graph so far. `tensors` are the model's, `stored` those of the integer graph."""

    def __init__(
        self, opset: int, batch: int, open_batch: bool, reserved: set[str], completion: Completion | None = None
    ) -> None:
        super().__init__(opset, batch, open_batch, reserved)
        self.completion = completion or Completion()
        """What quantizes where the file does not."""
        self.stored: dict[str, Tensor] = {}
        self.layers: list[IntegerOperator] = []
        self.quantized: dict[str, Quantized] = {}
        self.transforms: dict[str, InputTransform] = {}
        self.remarks: list[str] = []
        self.input_shapes: dict[str, tuple[int, ...]] = {}
        self.ahead: dict[str, Grid] = {}
        """The grid of the quantizer that all readers of a tensor lead to, with only moves of values before it."""
        self.ending: set[str] = set()
        """Tensors that reach an output unrounded."""
        self.writing: dict[str, str] = {}
        """The node that writes a tensor."""
        self.rounded: dict[str, Stored] = {}
        """Real values by the model's name that were rounded because a layer reads them."""
        self.rewired: dict[str, list[str]] = {}
        """The first outputs of the nodes that read them."""
        self.parameters: dict[tuple[str, int], Quantized] = {}
        """Weights that were quantized here, by the first output of their node and the input's place."""
        self.shifts: dict[str, NDArray[np.float32]] = {}
        """What outputs lack of a float bias, for each channel."""
        self.inner: set[str] = set()
        """The names that nodes read."""
        self._names: set[str] = set()

    def put(self, op: IntegerOperator, shape: ImageShape, grid: Grid, scale: float | None = None) -> str:
        """Append an operator whose name is made unique, with its output tensor, whose name is returned."""
        name, number = op.name, 1
        while name in self._names:
            number += 1
            name = f"{op.name}.{number}"
        self._names.add(name)
        self.layers.append(replace(op, name=name))
        step = grid.scale if scale is None else scale
        self.stored[op.output] = Tensor(op.output, shape, grid.format, op.output, step, grid.zero_point)
        return op.output

    def grid(self, value: Stored) -> Grid:
        """The grid of a stored tensor."""
        tensor = self.stored[value.tensor]
        return Grid(tensor.step, tensor.zero_point, tensor.format)

    def image(self, value: Stored, name: str) -> Stored:
        """The value as an image of its own shape: a reshape where another view was stored."""
        tensor, shape = self.stored[value.tensor], image_of(value.shape)
        if tensor.shape == shape:
            return value
        written = self.fresh(f"{value.name}.image")
        pieces = reshape_operators(Reshape(f"{name}.view", (tensor.name,), written), tensor, shape, self.fresh)
        for op, extent in pieces:
            self.put(op, extent, self.grid(value))
        return replace(value, tensor=written)

    def quantize(self, value: object, grid: Grid, output: str, where: str, name: str) -> str:
        """The integer tensor of a value rounded onto a grid; its name is `output` unless it is there already."""
        if isinstance(value, Data):
            return self._quantize_data(value, grid, where)
        if isinstance(value, Stored):
            if not value.real:
                raise UnsupportedError(f"{where}: quantizes integers; put a DequantizeLinear before it")
            if self.grid(value) == grid:
                return value.tensor
            if self.stored[value.tensor].format.width > MAX_TABLE_WIDTH:
                return self._requantize(self.as_sums(value, name), grid, output, where)
            return self._table(value, lambda x: x, grid, output, where, name)
        if isinstance(value, Function):
            return self._table(value.source, value.compute, grid, output, where, name)
        if isinstance(value, Accumulated):
            return self._requantize(value, grid, output, where)
        if isinstance(value, Sum):
            return self._add(value, grid, output, where, name)
        if isinstance(value, Joined):
            parts = [
                self.quantize(part, grid, self.fresh(f"{output}.{index}"), where, f"{name}.{index}")
                for index, part in enumerate(value.parts)
            ]
            shape = image_of(value.shape)
            return self.put(IntegerConcatenate(name, tuple(parts), output), shape, grid)
        raise UnsupportedError(f"{where}: reads a value that cannot be quantized")

    def _quantize_data(self, value: Data, grid: Grid, where: str) -> str:
        factor, offset = value.factor / grid.exact, value.offset / grid.exact
        kind, rounding = "divide", "half_even"
        scale, constant = float(1 / factor), float(grid.zero_point)
        if offset:
            kind, scale, constant = "real", float(factor), float(offset + grid.zero_point)
            if grid.zero_point % 2:
                raise UnsupportedError(
                    f"{where}: rounds a shifted input half to even and adds the odd zero point {grid.zero_point}; move"
                    " the shift of the input out of the model"
                )
        if value.factor <= 0:
            raise UnsupportedError(f"{where}: the input is multiplied by {float(value.factor):g}; positive is needed")
        height, width, channels = image_of(value.shape)
        # One quantizer at each input: the tensor of the integer graph has the input's name.
        transform = InputTransform(scale, constant, rounding, (), (channels, height, width), kind)  # type: ignore[arg-type]
        tensor = Tensor(value.source, (height, width, channels), grid.format, value.source, grid.scale, grid.zero_point)
        known = self.stored.get(value.source)
        if known is not None and (known, self.transforms[value.source]) != (tensor, transform):
            raise UnsupportedError(f"{where}: input {value.source!r} is quantized twice, differently; once is needed")
        self.stored[value.source], self.transforms[value.source] = tensor, transform
        return value.source

    def as_sums(self, value: Stored, name: str) -> Accumulated:
        """A stored tensor as accumulators less its zero point: where it has too many integers for a table."""
        image = self.image(value, name)
        tensor, read = self.stored[image.tensor], self.grid(image)
        count = tensor.shape[2]
        ones = np.ones((count, 1, 1, 1), np.int64)
        op = IntegerConvolution(
            name, (tensor.name,), "", ones, -read.zero_point * ones.reshape(-1), Format(2, 0), (0,) * count, (1, 1),
            (0, 0, 0, 0), (1, 1), count, 0, 2, None, (1.0,),
        )  # fmt: skip
        width = max(2, operator_bounds(op, read.format).width)
        op = replace(op, accumulator_width=width)
        return Accumulated(value.name, value.shape, op, tensor.shape, (read.exact,), (Fraction(0),))

    def start(self, value: Data, grid: Grid, where: str) -> Stored:
        """A real input on a grid that the file does not state: ``round(x / scale + zero_point)``, half up."""
        if value.factor <= 0:
            raise UnsupportedError(f"{where}: the input is multiplied by {float(value.factor):g}; positive is needed")
        factor, constant = value.factor / grid.exact, value.offset / grid.exact + grid.zero_point
        height, width, channels = image_of(value.shape)
        transform = InputTransform(float(factor), float(constant), "half_up", (), (channels, height, width), "real")
        tensor = Tensor(value.source, (height, width, channels), grid.format, value.source, grid.scale, grid.zero_point)
        self.stored[value.source], self.transforms[value.source] = tensor, transform
        return Stored(value.name, value.shape, value.source, True)

    def _table(self, source: Stored, compute, grid: Grid, output: str, where: str, name: str) -> str:  # type: ignore[no-untyped-def]
        tensor = self.stored[source.tensor]
        if tensor.format.width > MAX_TABLE_WIDTH:
            raise UnsupportedError(
                f"{where}: a function of {tensor.format.width} bits; tables are of {MAX_TABLE_WIDTH} at most: quantize"
                " its input to fewer bits"
            )
        full = Format(tensor.format.width, 0, tensor.format.signed)
        inputs = np.arange(full.minimum, full.maximum + 1)
        with np.errstate(all="ignore"):
            reals = np.asarray(compute(tensor.real(inputs)), dtype=np.float64)
        if not np.isfinite(reals).all():
            raise UnsupportedError(f"{where}: is not finite for every integer that it may read")
        fmt = grid.format
        table = np.clip(np.rint(reals / grid.scale) + grid.zero_point, fmt.minimum, fmt.maximum).astype(np.int64)
        op = IntegerTable(name, (tensor.name,), output, table, full, Requantize((0,), "half_up"))
        return self.put(op, tensor.shape, grid)

    def known_integers(self) -> Mapping[str, NDArray[Any]]:
        """The integers of all tensors so far on the calibration samples: (channels, height, width, frames)."""
        transforms = {
            name: replace(transform, model_shape=self.input_shapes[name]) for name, transform in self.transforms.items()
        }
        return self.completion.integers(self.stored, self.layers, transforms)

    def folded(self, value: Accumulated) -> Accumulated:
        """Offsets of whole accumulator steps as a part of the bias, where converters add it in a node of its own."""
        op = value.operator
        if isinstance(op, IntegerMultiply) or not any(value.offsets):
            return value
        count = len(op.bias)
        scales, offsets = (values * count if len(values) == 1 else values for values in (value.scales, value.offsets))
        steps = [offset / scale for offset, scale in zip(offsets, scales, strict=True)]
        if any(step.denominator != 1 or abs(step) >= 1 << 40 for step in steps):
            return value
        moved = replace(op, bias=op.bias + np.array([int(step) for step in steps], np.int64))
        width = max(2, operator_bounds(moved, self.stored[op.input].format).width)
        if width > 64:
            return value
        return replace(value, operator=replace(moved, accumulator_width=width), offsets=(Fraction(0),))

    def _requantize(self, value: Accumulated, grid: Grid, output: str, where: str) -> str:
        value = self.folded(value)
        op, formats = value.operator, [self.stored[name].format for name in value.operator.inputs]
        spans = result_ranges(op, *formats)
        low, high = limits_of(value, grid)
        scales, offsets = (
            values * len(spans) if len(values) == 1 else values for values in (value.scales, value.offsets)
        )
        specified = [
            Specified(scale / grid.exact, offset / grid.exact, grid.zero_point, low, high)
            for scale, offset in zip(scales, offsets, strict=True)
        ]
        chosen = choose(specified, spans, grid.format) or nearest(specified, spans, grid.format)
        if chosen is None:
            raise UnsupportedError(
                f"{where}: no multiplier of 31 bits gives the steps that its scales state; quantize to 8 bits there"
            )
        bits, values = significant_bits(chosen.rule), sum(upper - lower + 1 for lower, upper in spans)
        form = f"a multiplier of {bits} bits" if bits else "a plain shift"
        place = (
            f"within {ULPS} float32 ulps of a tie" if chosen.near else "at an exact tie, which go up instead of to even"
        )
        ties = f" but {chosen.ties:,} {place}" if chosen.ties else ""
        self.remarks.append(
            f"layer {op.name!r}: {form}, equal to the file's scales on all {values:,} accumulators{ties}"
        )
        done = replace(op, requantize=chosen.rule, output=output)
        return self.put(done, value.image, grid)

    def _add(self, value: Sum, grid: Grid, output: str, where: str, name: str) -> str:
        sources = [self.image(source, name) for source in value.sources]
        tensors = [self.stored[source.tensor] for source in sources]
        scales = [sign * Fraction(tensor.step) / grid.exact for sign, tensor in zip(value.signs, tensors, strict=True)]
        found = choose_factors(scales, tensors, grid, limits_of(value, grid), value.offset / grid.exact)
        if found is None:
            raise UnsupportedError(
                f"{where}: no factors of 30 bits give the sums that its scales state, or its scales lie too far"
                " apart; quantize its inputs to 8 bits"
            )
        count = len(tensors)
        op = IntegerAdd(
            name, tuple(tensor.name for tensor in tensors), output, (0,) * count, (1,) * count, 2, found.rule,
            found.factors, found.offset,
        )  # fmt: skip
        if found.near:
            self.remarks.append(
                f"layer {name!r}: sums within {ULPS} float32 ulps of an operand of a tie may round the other way"
            )
        if found.ties:
            self.remarks.append(f"layer {name!r}: {found.ties:,} pairs at an exact tie round up instead of to even")
        width = max(2, operator_bounds(op, *(tensor.format for tensor in tensors)).width)
        return self.put(replace(op, accumulator_width=width), image_of(value.shape), grid)


def limits_of(value: Accumulated | Sum, grid: Grid) -> tuple[int, int]:
    """The least and greatest integer that a value clipped at real limits gives on a grid."""
    least, greatest = grid.format.minimum, grid.format.maximum
    low, high = (
        default if end is None else min(max(grid.zero_point + round(end / grid.exact), least), greatest)
        for end, default in ((value.low, least), (value.high, greatest))
    )
    return low, high


def proved_multiply(op: IntegerMultiply, formats: Sequence[Format]) -> IntegerMultiply:
    """The operator with the least accumulator."""
    return replace(op, accumulator_width=max(2, operator_bounds(op, *formats).width))
