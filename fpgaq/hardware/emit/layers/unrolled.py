"""The module of an unrolled layer: carry chains, the registers between them, and the requantizers of its results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ....base.formats import Format
from ....integer.graph import Requantize
from ...unrolled.adders.chains import ONE, Bit, Chain, Group
from ...unrolled.plan import UnrolledLayer
from ..design import Instance, Module, Register
from ..instances import requantizer
from ..lines import joined


@dataclass(frozen=True)
class Counter:
    """A cell that counts bits of one place: `bits` is its operand."""

    cell: Instance
    name: str
    digits: int
    bits: str


@dataclass(frozen=True)
class ChainFacts:
    """One carry chain as text: operands are lists of wires, highest first, on lines of their own."""

    name: str
    width: int
    plain: list[str]
    other: list[str]
    carry: str
    counters: list[Counter]
    cell: Instance
    words: bool


@dataclass(frozen=True)
class KeptBits:
    """A register between chains, and the bits that it takes over."""

    name: str
    width: int
    bits: list[str]


@dataclass(frozen=True)
class Accumulator:
    """An output's accumulator in two's complement, and its requantizer: None where a register alone follows.

    `low` is the lowest bit of its result.
    """

    low: int
    width: int
    bits: list[str]
    requantize: Instance | None


@dataclass(frozen=True)
class UnrolledFacts:
    """Everything that ``layers/unrolled.v.j2`` places."""

    label: str
    summary: str
    layer: UnrolledLayer
    source: Format
    result: Format
    inputs: int
    input_bits: int
    output_bits: int
    chains: list[ChainFacts]
    registers: list[KeptBits]
    unused: list[str]
    totals: list[Accumulator]


class _Wires:
    """The names of bits in each stage, and the registers that carry them there."""

    def __init__(self, layer: UnrolledLayer, source: Format) -> None:
        self._layer = layer
        self._inputs = len(layer.graph.inputs)
        self._source = source
        # For each register: the places of the bits in it.
        self._kept: list[dict[tuple[int, int], int]] = [{} for _ in layer.cuts]
        self.used: dict[int, set[int]] = defaultdict(set)
        self.spare: list[str] = []  # digits of counters that lie above a chain

    def made_in(self, row: int) -> int:
        """The stage in which a row is computed."""
        return 0 if row < self._inputs else self._layer.stage(self._layer.program.level(row))

    def need(self, bit: Bit, stage: int) -> None:
        """Keep a bit up to a stage."""
        if bit.row == ONE:
            return
        self.used[bit.row].add(bit.place)
        for cut in range(self.made_in(bit.row), stage):
            self._kept[cut].setdefault((bit.row, bit.place), len(self._kept[cut]))

    def name(self, bit: Bit, stage: int) -> str:
        """A bit as an expression in a stage."""
        if bit.row == ONE:
            return "1'b0" if bit.inverted else "1'b1"
        return ("~" if bit.inverted else "") + self._wire(bit.row, bit.place, stage)

    def _wire(self, row: int, place: int, stage: int) -> str:
        if stage > self.made_in(row):
            return f"kept_{stage - 1}[{self._kept[stage - 1][(row, place)]}]"
        if row < self._inputs:
            return f"s_data[{row * self._source.width + place}]"
        return f"sum_{row - self._inputs}[{place}]"

    def registers(self) -> list[KeptBits]:
        """The registers, with the bits that each takes over."""
        return [
            KeptBits(
                f"kept_{cut}",
                max(1, len(places)),
                joined([self._wire(row, place, cut) for row, place in reversed(places)] or ["1'b0"]),
            )
            for cut, places in enumerate(self._kept)
        ]

    def unused(self, widths: dict[int, int]) -> list[str]:
        """Wires that nobody reads; `widths` are those of the rows."""
        names = list(self.spare)
        for row, width in widths.items():
            base = row * self._source.width if row < self._inputs else 0
            name = "s_data" if row < self._inputs else f"sum_{row - self._inputs}"
            names += [f"{name}[{base + place}]" for place in range(width) if place not in self.used[row]]
        return names


def unrolled_module(
    requantize: Requantize | None, layer: UnrolledLayer, source: Format, result: Format, names: tuple[str, str, str]
) -> Module:
    """The module of a layer; `names` are the module's, a label and a summary for its comments."""
    name, label, summary = names
    wires = _Wires(layer, source)
    chains = layer.program.chains
    for chain in chains:
        stage = layer.stage(chain.level)
        for bit in _bits_of(chain):
            wires.need(bit, stage)
    last = len(layer.cuts)
    for bits in layer.program.outputs:
        for bit in bits:
            wires.need(bit, last)
    inputs = len(layer.graph.inputs)
    chain_facts = [_chain_facts(f"sum_{index}", chain, wires, layer) for index, chain in enumerate(chains)]
    widths = {row: source.width for row in range(inputs)}
    widths.update({inputs + index: chain.width for index, chain in enumerate(chains)})
    facts = UnrolledFacts(
        label=label,
        summary=summary,
        layer=layer,
        source=source,
        result=result,
        inputs=inputs,
        input_bits=inputs * source.width,
        output_bits=len(layer.program.outputs) * result.width,
        chains=chain_facts,
        registers=wires.registers(),
        unused=joined(wires.unused(widths)),
        totals=_totals(requantize, layer, wires, result, last),
    )
    cells = [cell for chain in chain_facts for cell in (*(counter.cell for counter in chain.counters), chain.cell)]
    requantizers = [total.requantize for total in facts.totals if total.requantize is not None]
    plain = [Register(f"result_{place}", result.width) for place in range(len(facts.totals)) if not requantizers]
    return Module(
        name,
        "verilog/layers/unrolled.v.j2",
        facts,
        instances=(*cells, *requantizers),
        registers=(*(Register(register.name, register.width) for register in facts.registers), *plain),
    )


def _bits_of(chain: Chain) -> Iterable[Bit]:
    yield from (bit for bit in chain.plain[: chain.width] if bit is not None)
    if chain.carry is not None:
        yield chain.carry
    for group in chain.groups:
        yield from (bit for bit, _ in group.bits)


def _chain_facts(name: str, chain: Chain, wires: _Wires, layer: UnrolledLayer) -> ChainFacts:
    stage = layer.stage(chain.level)

    def text(bit: Bit | None) -> str:
        return "1'b0" if bit is None else wires.name(bit, stage)

    plain = [text(bit) for bit in chain.plain[: chain.width]]
    plain += ["1'b0"] * (chain.width - len(plain))
    other = ["1'b0"] * chain.width
    counters: list[Counter] = []
    for number, group in enumerate(chain.groups):
        digits = [wires.name(group.bits[0][0], stage)]
        if len(group.bits) > 1:
            count = f"{name}_count_{number}"
            counters.append(_counter(count, group, wires, stage))
            digits = [f"{count}[{digit}]" for digit in range(group.digits)]
        for digit, expression in enumerate(digits):
            if group.start + digit < chain.width:
                other[group.start + digit] = expression
            elif len(group.bits) > 1:
                wires.spare.append(expression)
    if layer.program.words:
        subtract = chain.carry is not None
        bits = {group.start: group.bits[0][0] for group in chain.groups}
        absent = Bit(ONE, 0, inverted=True)
        words = [bits.get(place, absent) for place in range(chain.width)]
        other = [text(replace(bit, inverted=bit.inverted != subtract)) for bit in words]
        cell = Instance("fpgaq_adder", f"{name}_adder", {"WIDTH": chain.width, "SUBTRACT": int(subtract)})
        return ChainFacts(name, chain.width, joined(plain[::-1]), joined(other[::-1]), "", [], cell, True)
    # Without counters, the form whose operand has fewer wires to invert.
    inverted = sum(group.bits[0][0].inverted for group in chain.groups)
    difference = int(bool(counters) or 2 * inverted > len(chain.groups))
    cell = Instance("fpgaq_chain", f"{name}_chain", {"WIDTH": chain.width, "DIFFERENCE": difference})
    return ChainFacts(
        name, chain.width, joined(plain[::-1]), joined(other[::-1]), text(chain.carry), counters, cell, False
    )


def _counter(name: str, group: Group, wires: _Wires, stage: int) -> Counter:
    """An instance of a counter cell: its bits, lowest weight first in the low places, zeros where it takes more."""
    ones = [wires.name(bit, stage) for bit, weight in group.bits if weight == 0]
    twos = [wires.name(bit, stage) for bit, weight in group.bits if weight == 1]
    if not twos and len(ones) <= 3:
        cell, digits, places = "fpgaq_count3", 2, (3, 0)
    elif not twos:
        cell, digits, places = "fpgaq_count5", 3, (5, 0)
    elif len(twos) <= 2:
        cell, digits, places = "fpgaq_count3_2", 3, (3, 2)
    else:
        cell, digits, places = "fpgaq_count1_3", 3, (1, 3)
    bits = ones + ["1'b0"] * (places[0] - len(ones)) + twos + ["1'b0"] * (places[1] - len(twos))
    return Counter(Instance(cell, f"{name}_cell"), name, digits, ", ".join(reversed(bits)))


def _totals(
    requantize: Requantize | None, layer: UnrolledLayer, wires: _Wires, result: Format, stage: int
) -> list[Accumulator]:
    """Each output's accumulator in two's complement, and how it becomes a result."""
    outputs = len(layer.program.outputs)
    shifts = np.zeros(outputs, dtype=np.int64)
    rounding = "floor"
    if requantize is not None:
        shifts = np.broadcast_to(np.asarray(requantize.shift, dtype=np.int64), outputs)
        # The half of half_up is in the accumulator already.
        rounding = "floor" if requantize.rounding == "half_up" else requantize.rounding
    totals = []
    outputs_bits = zip(layer.program.outputs, layer.program.signed, shifts, strict=True)
    for place, (bits, signed, shift) in enumerate(outputs_bits):
        names = [wires.name(bit, stage) for bit in bits]
        sign = names[-1] if signed else "1'b0"
        least = max(2, len(names) + (not signed))
        width = least if requantize is not None else result.width
        names += [sign] * (width - len(names))
        unit = None
        if requantize is not None:
            unit = requantizer(
                f"requantize_{place}",
                width,
                int(shift),
                rounding,
                result,
                requantize.relu,
                clip=requantize.clip(result),
            )
        totals.append(Accumulator(place * result.width, width, joined(names[::-1]), unit))
    return totals
