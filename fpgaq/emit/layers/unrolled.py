"""Facts of an unrolled layer: carry chains, the registers between them, and the requantizers of its results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...adders.chains import ONE, Bit, Chain, Group
from ...formats import ROUNDINGS, Format
from ...integer_graph import Requantize
from ...unrolled.plan import UnrolledLayer

LINE = 112
"""Characters of a line of joined bits."""


@dataclass(frozen=True)
class ChainFacts:
    """One carry chain as text: operands are lists of wires, highest first, on lines of their own."""

    name: str
    width: int
    plain: list[str]
    other: list[str]
    carry: str
    counters: list[dict[str, str]]
    difference: int
    words: bool


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

    def registers(self) -> list[dict[str, object]]:
        """The registers, with the bits that each takes over."""
        return [
            {
                "name": f"kept_{cut}",
                "width": max(1, len(places)),
                "bits": _lines([self._wire(row, place, cut) for row, place in reversed(places)] or ["1'b0"]),
            }
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


def _lines(items: Sequence[str]) -> list[str]:
    """Items joined by commas on lines of bearable length."""
    lines: list[str] = []
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > LINE:
            lines.append(line + ",")
            line = item
        else:
            line = f"{line}, {item}" if line else item
    return [*lines, line]


def unrolled_facts(
    requantize: Requantize | None, layer: UnrolledLayer, source: Format, result: Format
) -> dict[str, object]:
    """Everything that ``layers/unrolled.v.j2`` places."""
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
    return {
        "layer": layer,
        "source": source,
        "result": result,
        "inputs": inputs,
        "chains": chain_facts,
        "registers": wires.registers(),
        "unused": _lines(wires.unused(widths)),
        "totals": _totals(requantize, layer, wires, result, last),
        "requantized": requantize is not None,
        "relu": int(requantize.relu) if requantize is not None else 0,
    }


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
    counters = []
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
        return ChainFacts(name, chain.width, _lines(plain[::-1]), _lines(other[::-1]), "", [], int(subtract), True)
    # Without counters, the form whose operand has fewer wires to invert.
    inverted = sum(group.bits[0][0].inverted for group in chain.groups)
    difference = int(bool(counters) or 2 * inverted > len(chain.groups))
    return ChainFacts(
        name, chain.width, _lines(plain[::-1]), _lines(other[::-1]), text(chain.carry), counters, difference, False
    )


def _counter(name: str, group: Group, wires: _Wires, stage: int) -> dict[str, str]:
    """An instance of a counter cell: its bits, lowest weight first in the low places, zeros where it takes more."""
    ones = [wires.name(bit, stage) for bit, weight in group.bits if weight == 0]
    twos = [wires.name(bit, stage) for bit, weight in group.bits if weight == 1]
    if not twos and len(ones) <= 3:
        bits = ones + ["1'b0"] * (3 - len(ones))
        return {"name": name, "cell": "fpgaq_count3", "digits": "2", "bits": ", ".join(reversed(bits))}
    if not twos:
        bits = ones + ["1'b0"] * (5 - len(ones))
        return {"name": name, "cell": "fpgaq_count5", "digits": "3", "bits": ", ".join(reversed(bits))}
    if len(twos) <= 2:
        bits = ones + ["1'b0"] * (3 - len(ones)) + twos + ["1'b0"] * (2 - len(twos))
        return {"name": name, "cell": "fpgaq_count3_2", "digits": "3", "bits": ", ".join(reversed(bits))}
    bits = ones + ["1'b0"] * (1 - len(ones)) + twos
    return {"name": name, "cell": "fpgaq_count1_3", "digits": "3", "bits": ", ".join(reversed(bits))}


def _totals(
    requantize: Requantize | None, layer: UnrolledLayer, wires: _Wires, result: Format, stage: int
) -> list[dict[str, object]]:
    """Each output's accumulator in two's complement, and how it becomes a result."""
    outputs = len(layer.program.outputs)
    shifts = np.zeros(outputs, dtype=np.int64)
    rounding = "floor"
    if requantize is not None:
        shifts = np.broadcast_to(np.asarray(requantize.shift, dtype=np.int64), outputs)
        # The half of half_up is in the accumulator already.
        rounding = "floor" if requantize.rounding == "half_up" else requantize.rounding
    totals = []
    for bits, signed, shift in zip(layer.program.outputs, layer.program.signed, shifts, strict=True):
        names = [wires.name(bit, stage) for bit in bits]
        sign = names[-1] if signed else "1'b0"
        least = max(2, len(names) + (not signed))
        width = least if requantize is not None else result.width
        names += [sign] * (width - len(names))
        totals.append(
            {
                "width": width,
                "bits": _lines(names[::-1]),
                "shift": int(shift),
                "rounding": ROUNDINGS.index(rounding),
                "rounding_name": rounding,
            }
        )
    return totals
