"""From an adder graph to carry chains of two words each, which suit look-up tables of four inputs best.

A position of such a chain adds a wire to another or subtracts it, and takes one table; there is nothing to count on the
way, as `fpgaq.hardware.unrolled.adders.compress` does with six inputs. So a sum of n terms is n - 1 chains, and what is
left to choose is their order: of the terms that are there earliest, two that a short chain joins into a narrow sum. The
one with fewer zeros at its low end hands its lowest bits on as they are; it is always the one that is added to, and a
sum whose sign comes out wrong by that is subtracted where it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ....integer.graph import IntegerArray
from .chains import ONE, Bit, Chain, ChainProgram, Group
from .graph import AdderGraph, Interval, combined_ends

# Weights of a bit of the sum, and of a bit of the words that it takes away, relative to a bit of the chain, when words
# are paired: among twenty pairs tried on a layer of 32 inputs and 5 outputs, those of fewest tables.
_MADE, _TAKEN = 0.5, 0.3

_ZERO = Bit(ONE, 0, inverted=True)


@dataclass(frozen=True, eq=False)
class _Word:
    """A value ``core << shift``, or what it lacks of 0 if `negative`.

    `bits` are those of the core, of its exact range, with the level that each is of; `coefficients` and `constant` say
    what the core's value is, shift included.
    """

    bits: tuple[tuple[int, Bit], ...]
    shift: int
    negative: bool
    coefficients: IntegerArray
    constant: int
    interval: Interval

    @property
    def level(self) -> int:
        return max((level for level, _ in self.bits), default=0)

    def bit(self, place: int) -> tuple[int, Bit]:
        """A bit of the value, beyond its ends too."""
        place -= self.shift
        if place < 0 or (place >= len(self.bits) and not self.interval.signed):
            return 0, _ZERO
        return self.bits[min(place, len(self.bits) - 1)]


class _Adder:
    """The chains made so far."""

    def __init__(self, graph: AdderGraph) -> None:
        self.graph = graph
        self.lowest = np.array([interval.lower for interval in graph.inputs], dtype=np.int64)
        self.highest = np.array([interval.upper for interval in graph.inputs], dtype=np.int64)
        self.chains: list[Chain] = []
        self.values: list[_Word] = []
        for index, interval in enumerate(graph.inputs):
            bits = tuple((0, Bit(index, place)) for place in range(interval.width))
            own = np.zeros(len(graph.inputs), dtype=np.int64)
            own[index] = 1
            self.values.append(_Word(bits, 0, False, own, 0, interval))

    def add_sum(self, index: int) -> None:
        """Add up sum `index` of the graph."""
        words = [self._term(term.value, term.shift, term.negative) for term in self.graph.sums[index]]
        constant = self.graph.constants[index]
        if constant or not words:
            words.append(_constant(constant, len(self.graph.inputs)))
        costs: dict[tuple[int, int], float] = {}
        numbered = dict(enumerate(words))
        number = len(words)
        while len(numbered) > 1:
            first, second = min(self._earliest(numbered), key=lambda pair: self._known_cost(pair, numbered, costs))
            one, other = numbered.pop(first), numbered.pop(second)
            numbered[number] = self._joined(one, other, positive=not numbered)
            number += 1
        (total,) = numbered.values()
        if total.negative:
            zero = _constant(0, len(self.graph.inputs))
            total = self._chained(zero, total, subtract=True, negative=False)
        self.values.append(total)

    def _term(self, value: int, shift: int, negative: bool) -> _Word:
        word = self.values[value]
        interval = Interval(word.interval.lower << shift, word.interval.upper << shift)
        return _Word(
            word.bits, word.shift + shift, word.negative != negative, word.coefficients << shift,
            word.constant << shift, interval,
        )  # fmt: skip

    @staticmethod
    def _earliest(words: dict[int, _Word]) -> Iterator[tuple[int, int]]:
        """Pairs of the words of the lowest level that at least two have, or are below."""
        second = sorted(word.level for word in words.values())[1]
        return combinations([number for number, word in words.items() if word.level <= second], 2)

    def _known_cost(self, pair: tuple[int, int], words: dict[int, _Word], costs: dict[tuple[int, int], float]) -> float:
        if pair not in costs:
            one, other = words[pair[0]], words[pair[1]]
            base, added = (one, other) if one.shift <= other.shift else (other, one)
            interval = self._interval(base, added, one.negative != other.negative)[2]
            taken = len(one.bits) + len(other.bits)
            costs[pair] = interval.width - added.shift + _MADE * (interval.width - base.shift) - _TAKEN * taken
        return costs[pair]

    def _joined(self, one: _Word, other: _Word, positive: bool) -> _Word:
        """The sum of two words, the one of fewer zeros at its end being the base; `positive`: not to be subtracted."""
        base, added = (one, other) if (one.shift, one.negative) <= (other.shift, other.negative) else (other, one)
        if positive and base.negative and not added.negative:
            base, added = added, base
        return self._chained(base, added, base.negative != added.negative, base.negative)

    def _interval(self, base: _Word, added: _Word, subtract: bool) -> tuple[IntegerArray, int, Interval]:
        sign = -1 if subtract else 1
        coefficients = base.coefficients + sign * added.coefficients
        constant = base.constant + sign * added.constant
        low, high = combined_ends(coefficients, self.lowest, self.highest)
        return coefficients, constant, Interval(low + constant, high + constant)

    def _chained(self, base: _Word, added: _Word, subtract: bool, negative: bool) -> _Word:
        """``base + added`` or ``base - added``, by a chain above the bits that only the base has."""
        coefficients, constant, interval = self._interval(base, added, subtract)
        shift = min(base.shift, added.shift)
        width = interval.width
        start = min(added.shift, width)
        passed = tuple(base.bit(place) for place in range(shift, start))
        length = width - start
        if length == 0:
            return _Word(passed, shift, negative, coefficients, constant, interval)
        ours = [base.bit(start + place) for place in range(length)]
        theirs = [added.bit(start + place) for place in range(length)]
        level = 1 + max(level for level, _ in (*ours, *theirs))
        groups = []
        for place, (_, bit) in enumerate(theirs):
            given = Bit(bit.row, bit.place, bit.inverted != subtract)
            if given != _ZERO:
                groups.append(Group(place, 1, ((given, 0),)))
        plain = tuple(None if bit == _ZERO else bit for _, bit in ours)
        carry = Bit(ONE, 0) if subtract else None
        row = len(self.graph.inputs) + len(self.chains)
        self.chains.append(Chain(length, plain, tuple(groups), carry, level))
        made = tuple((level, Bit(row, place)) for place in range(length))
        return _Word((*passed, *made), shift, negative, coefficients, constant, interval)


def _constant(value: int, inputs: int) -> _Word:
    interval = Interval(value, value)
    shift = (value & -value).bit_length() - 1 if value else 0
    core = value >> shift
    width = Interval(core, core).width
    bits = tuple((0, Bit(ONE, 0, inverted=not core >> place & 1)) for place in range(width))
    return _Word(bits, shift, False, np.zeros(inputs, dtype=np.int64), value, interval)


def add_words(graph: AdderGraph) -> ChainProgram:
    """The carry chains of an adder graph, two words in each."""
    adder = _Adder(graph)
    for index in range(len(graph.sums)):
        adder.add_sum(index)
    outputs, signed = [], []
    for index in graph.outputs:
        value = adder.values[len(graph.inputs) + index]
        width = value.interval.width
        outputs.append(tuple(value.bit(place)[1] for place in range(width)))
        signed.append(value.interval.signed)
    widths = tuple(interval.width for interval in graph.inputs)
    return ChainProgram(widths, tuple(adder.chains), tuple(outputs), tuple(signed), words=True)
