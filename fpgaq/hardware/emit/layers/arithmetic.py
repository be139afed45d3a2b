"""What a layer without a line buffer computes: sums, products and scales, requantized, and tables of functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....base.formats import Format
from ....integer.graph import IntegerAdd, IntegerMultiply, IntegerScale, IntegerTable
from ...schedule.cells import WIDE
from ...schedule.plans import PipePlan
from ...schedule.widths import base_shift, lift_limit
from ..design import Instance, Operation, Product, Register
from ..instances import requantizer
from ..lines import counted
from ..literals import decimal, index_width, listed, pack, sized
from ..memories import memory_cell
from ..names import rom_module
from ..numbers import entries_by_address, lifts_below
from ..roms import Rom
from .logic import Logic

NARROW_FACTOR, WIDE_FACTOR = 18, 25
"""Bits of the signed factors of a DSP block of AMD's series 7, and of the others at least on the narrow side."""


@dataclass(frozen=True)
class Operand:
    """An input's element in each lane: the name of its beats, its bits, and those above it that extend it."""

    name: str
    width: int
    extension: str


@dataclass(frozen=True, kw_only=True)
class Total:
    """What each lane sums up or multiplies, as `expression`, of extended elements, and what requantizes it.

    `operator` is the one that the expression is made of: "-" if nothing is added in it. `products` are those among the
    operations.
    """

    operator: str
    expression: str
    total_width: int
    operands: tuple[Operand, ...]
    lift: str
    requantize: Instance
    products: tuple[Product, ...]

    @property
    def own_rom(self) -> Rom | None:
        """There is none."""
        return None

    @property
    def logic(self) -> Logic:
        """The operation of each lane, its register and its requantizer."""
        lanes = self.requantize.times
        return Logic(
            instances=(self.requantize,),
            registers=(Register("total", self.total_width, lanes),),
            operations=(Operation(self.operator, lanes),),
            products=self.products,
        )


@dataclass(frozen=True)
class Halves:
    """A factor in two parts, of which the lower has `low_bits`; `zeros` extend that one.

    A part fits the narrower side of a DSP block, where the whole factor would take four of them.
    """

    low_bits: int
    zeros: str


@dataclass(frozen=True, kw_only=True)
class Scaling(Total):
    """A scale, an offset and a lift for each channel: the ROM that holds them, and where they stand in its words.

    A lift is what a channel's shift falls short of the layer's largest: the total is shifted left by it first.
    """

    rom: Rom
    memory: Instance | None
    input_bits: int
    lift_width: int
    beat_width: int
    last_beat: str
    zero_beat: str
    fact_width: int
    scale_width: int
    scale_extension: str
    has_negative: bool
    negative_low: int
    negative_extension: str
    offset_low: int
    negative_offset: str
    no_offset: str
    lift_low: int
    halves: Halves | None

    @property
    def own_rom(self) -> Rom:
        """The ROM of all channels' facts."""
        return self.rom

    @property
    def logic(self) -> Logic:
        """The ROM with its counter, the product and the sum of each lane, registers, and requantizers."""
        lanes = self.requantize.times
        own = [Register("beat", self.beat_width), Register("facts", self.rom.width)]
        own += [Register(name, self.input_bits) for name in ("a0_first", "a0_second")]
        kept = ("product",) if self.halves is None else ("product_high", "product_low")
        own += [Register(name, self.total_width, lanes) for name in ("total", *kept, "offset")]
        own += [Register(name, self.lift_width, lanes) for name in ("lift_product", "lift")]
        # An offset of negative elements is added to that of the channel.
        sums = lanes * (len(kept) + bool(self.negative_offset))
        return Logic(
            instances=(Instance(self.rom.module, "rom"), self.requantize)
            if self.memory is None
            else (self.requantize,),
            memories=() if self.memory is None else (self.memory,),
            registers=tuple(own),
            operations=(Operation("?"), Operation("*", lanes * len(kept)), Operation("+", sums)),
            products=self.products,
        )


@dataclass(frozen=True)
class Lookup:
    """A table of function values, and what makes the index into it of an element."""

    rom: Rom
    memory: Instance | None
    index_width: int
    sign_of_element: str
    element_width: int
    result_width: int
    requantize: Instance

    @property
    def own_rom(self) -> Rom:
        """The table."""
        return self.rom

    @property
    def logic(self) -> Logic:
        """The requantizer and the table of each lane, and the register after them."""
        lanes = self.requantize.times
        constant = (Instance(self.rom.module, "rom", times=lanes),) if self.memory is None else ()
        return Logic(
            instances=(self.requantize, *constant),
            memories=() if self.memory is None else (self.memory,),
            registers=(Register("kept", self.result_width, lanes),),
        )


def sum_of_inputs(op: IntegerAdd, sources: Sequence[Format], result: Format, plan: PipePlan) -> Total:
    """Inputs aligned to the finer scale, added or subtracted."""
    terms = " ".join(
        f"{'+' if sign > 0 else '-'} (x{slot} <<< {align})"
        for slot, (sign, align) in enumerate(zip(op.signs, op.align, strict=True))
    )
    operator = "+" if any(sign > 0 for sign in op.signs[1:]) else "-"
    return _total(op, sources, result, plan, operator, terms.removeprefix("+ "))


def total_of_inputs(op: IntegerMultiply, sources: Sequence[Format], result: Format, plan: PipePlan) -> Total:
    """The product of two inputs."""
    return _total(op, sources, result, plan, "*", "x0 * x1", (product_of(op, sources, plan.lanes_out),))


def _total(
    op: IntegerAdd | IntegerMultiply,
    sources: Sequence[Format],
    result: Format,
    plan: PipePlan,
    operator: str,
    expression: str,
    products: tuple[Product, ...] = (),
) -> Total:
    width, requantize = _total_width(op.accumulator_width, sources), op.requantize
    return Total(
        operator=operator,
        expression=expression,
        total_width=width,
        operands=tuple(_operand(f"a{slot}", source, width) for slot, source in enumerate(sources)),
        lift="1'b0",
        requantize=requantizer(
            "requantize",
            width,
            requantize.shift[0],
            requantize.rounding,
            result,
            requantize.relu,
            clip=requantize.clip(result),
            lifts=(0, 1),
            times=plan.lanes_out,
            stages=WIDE if products else 1,
        ),
        products=products,
    )


def scale_total_width(op: IntegerScale, source: Format) -> int:
    """Bits of the totals and offsets of a scale."""
    return max(_total_width(op.accumulator_width, [source]), op.scale_width + 1)


def _total_width(accumulator_width: int, sources: Sequence[Format]) -> int:
    return max(accumulator_width, *(source.width + 1 for source in sources))


def _factor_width(source: Format) -> int:
    """Bits of an element as a signed factor."""
    return source.width + (not source.signed)


def product_of(op: IntegerMultiply | IntegerScale, sources: Sequence[Format], lanes: int) -> Product:
    """The products of a cycle in so many lanes."""
    first, *others = (_factor_width(source) for source in sources)
    if isinstance(op, IntegerMultiply):
        return Product(first, others[0], lanes)
    return Product(first, NARROW_FACTOR, 2 * lanes) if _in_halves(op, first) else Product(first, op.scale_width, lanes)


def _in_halves(op: IntegerScale, first: int) -> bool:
    """Whether factors of a scale are multiplied with in two parts."""
    return NARROW_FACTOR < op.scale_width < 2 * NARROW_FACTOR and first <= WIDE_FACTOR


def _operand(name: str, source: Format, width: int) -> Operand:
    """An element of `source`, extended to `width` bits."""
    top = f"{name}[lane*{source.width}+{source.width - 1}]" if source.signed else "1'b0"
    return Operand(name, source.width, f"{{{width - source.width}{{{top}}}}}")


def lookup(
    op: IntegerTable, source: Format, result: Format, plan: PipePlan, index: int, loadable: bool = False
) -> Lookup:
    """The table of an operator, whose number in the network is `index`; `loadable`: in a memory that is loaded."""
    # The address is the index's bit pattern: entries of negative indices stand in the upper half.
    fmt = op.index_format
    codes = np.arange(1 << fmt.width)
    values = np.where(codes > fmt.maximum, codes - (1 << fmt.width), codes)
    entries = entries_by_address(op).tolist()
    words = tuple(pack([entry], result.width) for entry in entries)
    requantize = op.requantize
    return Lookup(
        rom=Rom(
            rom_module(index, op.name, "table"),
            "function values by index",
            words,
            result.width,
            f"A word is a value of {result.describe()}; the address is an index of {fmt.describe()}, as its bits.",
            tuple(f"{value} gives {entry}" for value, entry in zip(values.tolist(), entries, strict=True)),
        ),
        memory=memory_cell("rom", len(words), result.width, plan.lanes_out) if loadable else None,
        index_width=fmt.width,
        sign_of_element=f"a0[lane*{source.width}+{source.width - 1}]" if source.signed else "1'b0",
        element_width=source.width,
        result_width=result.width,
        requantize=requantizer(
            "requantize",
            source.width + 1,
            requantize.shift[0],
            requantize.rounding,
            fmt,
            requantize.relu,
            times=plan.lanes_out,
        ),
    )


def scaling(
    op: IntegerScale, source: Format, result: Format, plan: PipePlan, index: int, loadable: bool = False
) -> Scaling:
    """The scales of an operator, whose number in the network is `index`; `loadable`: in a memory that is loaded."""
    channels, requantize = plan.image[2], op.requantize
    largest = base_shift(op) if loadable else max(requantize.shift)
    lifts = lifts_below(op, largest).tolist()
    most = lift_limit(op) if loadable else max(lifts)
    lift_width = max(1, most.bit_length())
    total_width = scale_total_width(op, source)
    has_negative = op.negative_scale is not None
    offset_low = op.scale_width * (2 if has_negative else 1)
    lift_low = offset_low + total_width
    fact_width = lift_low + lift_width
    beats = -(-channels // plan.lanes_in)
    words = []
    for beat in range(beats):
        lanes = []
        for channel in range(beat * plan.lanes_in, (beat + 1) * plan.lanes_in):
            lanes.append(_scale_word(op, channel, lifts, (op.scale_width, offset_low, lift_low, total_width)))
        words.append(pack(lanes, fact_width))
    beat_width = index_width(beats)
    extend = total_width - op.scale_width
    halves, expression = None, "product + offset"
    if _in_halves(op, _factor_width(source)):
        halves = Halves(NARROW_FACTOR - 1, sized(0, total_width - NARROW_FACTOR + 1))
        expression = (
            f"(product_high <<< {decimal(NARROW_FACTOR - 1, index_width(NARROW_FACTOR))}) + product_low + offset"
        )
    return Scaling(
        operator="+",
        expression=expression,
        total_width=total_width,
        operands=(_operand("a0_second", source, total_width),),
        lift="lift",
        requantize=requantizer(
            "requantize",
            total_width,
            largest,
            requantize.rounding,
            result,
            requantize.relu,
            clip=requantize.clip(result),
            lifts=(most, lift_width),
            times=plan.lanes_out,
            stages=WIDE,
        ),
        products=(product_of(op, [source], plan.lanes_out),),
        rom=Rom(
            rom_module(index, op.name, "scales"),
            "scales, offsets and lifts of the channels, a beat a word",
            tuple(words),
            fact_width * plan.lanes_in,
            _scale_packing(op, plan, total_width, lift_width),
            tuple(_scale_note(op, lifts, beat * plan.lanes_in, plan.lanes_in) for beat in range(beats)),
        ),
        memory=memory_cell("rom", beats, fact_width * plan.lanes_in) if loadable else None,
        input_bits=plan.lanes_in * source.width,
        lift_width=lift_width,
        beat_width=beat_width,
        last_beat=decimal(beats - 1, beat_width),
        zero_beat=decimal(0, beat_width),
        fact_width=fact_width,
        scale_width=op.scale_width,
        scale_extension=f"{{{extend}{{fact[{op.scale_width - 1}]}}}}",
        has_negative=has_negative,
        negative_low=op.scale_width,
        negative_extension=f"{{{extend}{{fact[{2 * op.scale_width - 1}]}}}}",
        offset_low=offset_low,
        negative_offset=sized(op.negative_offset, total_width) if op.negative_offset else "",
        no_offset=sized(0, total_width),
        lift_low=lift_low,
        halves=halves,
    )


def _scale_word(op: IntegerScale, channel: int, lifts: Sequence[int], layout: tuple[int, int, int, int]) -> int:
    """The facts of one channel in one word; zero for a lane that no channel fills."""
    scale_width, offset_low, lift_low, total_width = layout
    if channel >= len(op.scale):
        return 0
    word = pack([int(op.scale[channel])], scale_width)
    if op.negative_scale is not None:
        word |= pack([int(op.negative_scale[channel])], scale_width) << scale_width
    return word | pack([int(op.offset[channel])], total_width) << offset_low | lifts[channel] << lift_low


def _scale_packing(op: IntegerScale, plan: PipePlan, total_width: int, lift_width: int) -> str:
    """How the facts of channels stand in a word, in words of the ROM's header."""
    negative = f", a signed {op.scale_width}-bit scale of negative elements" if op.negative_scale is not None else ""
    return (
        f"From the low end, {counted(plan.lanes_in, 'channel')} of a signed {op.scale_width}-bit scale{negative},"
        f" a signed {total_width}-bit offset and an unsigned {lift_width}-bit lift."
    )


def _scale_note(op: IntegerScale, lifts: Sequence[int], start: int, lanes: int) -> str:
    """The facts of the channels of a beat as numbers."""
    channels = slice(start, start + lanes)
    parts = {"scales": op.scale[channels], "offsets": op.offset[channels], "lifts": lifts[channels]}
    if op.negative_scale is not None:
        parts["negative scales"] = op.negative_scale[channels]
    return "; ".join(f"{name} {listed(values)}" for name, values in parts.items())
