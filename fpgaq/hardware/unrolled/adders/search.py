"""The search for shared subexpressions: from a constant matrix to an adder graph.

Rows are sets of signed digits. The pair of digits (two values, the distance of their shifts, their relative sign)
that saves most is made a value of its own wherever it occurs, until no pair saves anything. What a pair saves is
counted in logic, not in additions: the bits that leave the sums which use it, at the price of a bit in a sum, less the
carry chain that computes it. So pairs that overlap, of narrow values, win over those that merely occur often.

After that, values that are read once go back into their reader: a long sum is cheaper than a chain of short ones.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ....integer.graph import IntegerArray
from .digits import signed_digits
from .graph import AdderGraph, Interval, Term, combined_ends

Digit: TypeAlias = tuple[int, int, bool]
"""(value, shift, negative)."""
Pair: TypeAlias = tuple[int, int, int, bool]
"""(first value, second value, shift of the second less that of the first, whether their signs differ)."""


def pair_of(a: Digit, b: Digit) -> Pair:
    """The pair that two digits of a row make, the same for all places and signs of it."""
    if (b[0], b[1]) < (a[0], a[1]):
        a, b = b, a
    return (a[0], b[0], b[1] - a[1], a[2] != b[2])


@dataclass
class _State:
    inputs: tuple[Interval, ...]
    lowest: IntegerArray
    highest: IntegerArray
    rows: list[set[Digit]]
    bit_price: float
    depth: int
    coefficients: list[IntegerArray]
    widths: list[int]
    levels: list[int]
    sums: list[tuple[Term, ...]] = field(default_factory=list)
    uses: dict[Pair, int] = field(default_factory=lambda: defaultdict(int))
    queue: list[tuple[float, Pair]] = field(default_factory=list)
    savings: dict[Pair, tuple[int, int]] = field(default_factory=dict)

    def saving(self, pair: Pair) -> tuple[int, int]:
        """(bits that a use saves, look-up tables of the pair's own chain)."""
        known = self.savings.get(pair)
        if known is None:
            first, second, distance, differ = pair
            low = min(0, distance)
            combination = (self.coefficients[first] << -low) + (
                (-1 if differ else 1) * (self.coefficients[second] << (distance - low))
            )
            width = Interval(*combined_ends(combination, self.lowest, self.highest)).width
            first_width, second_width = self.widths[first], self.widths[second]
            overlap = min(first_width - low, second_width + distance - low) - max(-low, distance - low)
            known = (first_width + second_width - width, max(1, overlap + (width - overlap if differ else 0) // 2))
            self.savings[pair] = known
        return known

    def gain(self, pair: Pair) -> float:
        if max(self.levels[pair[0]], self.levels[pair[1]]) >= self.depth:
            return 0.0
        bits, chain = self.saving(pair)
        return self.uses.get(pair, 0) * bits * self.bit_price - chain

    def count(self, row: Iterable[Digit], digit: Digit, change: int, touched: set[Pair] | None) -> None:
        uses = self.uses
        for other in row:
            pair = pair_of(digit, other)
            uses[pair] += change
            if touched is not None:
                touched.add(pair)

    def offer(self, pair: Pair) -> None:
        gain = self.gain(pair)
        if gain > 0:
            heapq.heappush(self.queue, (-gain, pair))


def find_sums(
    matrix: IntegerArray,
    constants: IntegerArray,
    inputs: tuple[Interval, ...],
    bit_price: float = 0.65,
    depth: int = 3,
) -> AdderGraph:
    """An adder graph of ``matrix @ inputs + constants``.

    Parameters
    ----------
    matrix : array of int64
        (outputs, inputs).
    constants : array of int64
        (outputs,).
    inputs : tuple of Interval
    bit_price : float
        The cost of a bit in a sum, in the look-up tables of a chain's position.
    depth : int
        How many shared values may stand in series.
    """
    outputs, count = matrix.shape
    rows = [
        {(column, shift, negative) for column in range(count) for shift, negative in signed_digits(int(row[column]))}
        for row in matrix
    ]
    state = _State(
        inputs,
        np.array([interval.lower for interval in inputs], dtype=np.int64),
        np.array([interval.upper for interval in inputs], dtype=np.int64),
        rows,
        bit_price,
        depth,
        list(np.eye(count, dtype=np.int64)),
        [interval.width for interval in inputs],
        [0] * count,
    )
    for row in rows:
        seen: list[Digit] = []
        for digit in sorted(row):
            state.count(seen, digit, 1, None)
            seen.append(digit)
    for pair, uses in state.uses.items():
        if uses > 1:
            state.offer(pair)
    while state.queue:
        promised, pair = heapq.heappop(state.queue)
        gain = state.gain(pair)
        if gain != -promised:
            state.offer(pair)
            continue
        _share(state, pair)
    return _assemble(state, tuple(int(constant) for constant in constants))


def _share(state: _State, pair: Pair) -> None:
    """Make a pair a value of its own, and use it in every row."""
    first, second, distance, differ = pair
    low = min(0, distance)
    value = len(state.coefficients)
    terms = (Term(first, -low, False), Term(second, distance - low, differ))
    state.sums.append(terms)
    state.coefficients.append(
        state.coefficients[first] * terms[0].factor + state.coefficients[second] * terms[1].factor
    )
    state.levels.append(1 + max(state.levels[first], state.levels[second]))
    state.widths.append(Interval(*combined_ends(state.coefficients[-1], state.lowest, state.highest)).width)
    touched: set[Pair] = set()
    for row in state.rows:
        for digit in sorted(digit for digit in row if digit[0] == first):
            partner = (second, digit[1] + distance, digit[2] != differ)
            if digit not in row or partner not in row or partner == digit:
                continue
            row.discard(digit)
            state.count(row, digit, -1, touched)
            row.discard(partner)
            state.count(row, partner, -1, touched)
            joined = (value, digit[1] + low, digit[2])
            state.count(row, joined, 1, touched)
            row.add(joined)
    for changed in touched:
        if state.uses[changed] <= 0:
            del state.uses[changed]
        elif state.uses[changed] > 1:
            state.offer(changed)


def _assemble(state: _State, constants: tuple[int, ...]) -> AdderGraph:
    """The graph of the shared values and the rows, values that are read once put back into their reader."""
    inputs = len(state.inputs)
    sums = [*state.sums, *(tuple(Term(*digit) for digit in sorted(row)) for row in state.rows)]
    shared = len(state.sums)
    readers: dict[int, int] = defaultdict(int)
    for terms in sums:
        for term in terms:
            readers[term.value] += 1
    flat: list[tuple[Term, ...]] = []
    for terms in sums:
        expanded: list[Term] = []
        for term in terms:
            if term.value >= inputs and readers[term.value] == 1:
                expanded += [
                    Term(inner.value, inner.shift + term.shift, inner.negative != term.negative)
                    for inner in flat[term.value - inputs]
                ]
            else:
                expanded.append(term)
        flat.append(tuple(expanded))
    kept = [index for index in range(shared) if readers[inputs + index] > 1]
    kept += range(shared, len(sums))
    number = {inputs + index: inputs + place for place, index in enumerate(kept)}
    renumbered = tuple(
        tuple(Term(number.get(term.value, term.value), term.shift, term.negative) for term in flat[index])
        for index in kept
    )
    first_output = len(kept) - len(state.rows)
    added = (0,) * first_output + constants
    return AdderGraph(state.inputs, renumbered, added, tuple(range(first_output, len(kept))))
