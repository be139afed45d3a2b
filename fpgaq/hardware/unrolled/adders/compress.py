"""From an adder graph to carry chains: each sum is a heap of bits that chains take from until one row is left.

Chains are formed level by level. Within a level, the next chain is the one that removes most bits for its look-up
tables, found by a recursion over the columns (`fpgaq.hardware.unrolled.adders.steps`). A subtracted value's bits
enter inverted and its constant is settled at the end, so a sign costs nothing; a chain may also run on complements
and be subtracted as a whole, for plain wires must not be inverted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .chains import ONE, Bit, Chain, ChainProgram, Group
from .graph import AdderGraph
from .steps import Step, plan_chain, plan_final

# Bits that a look-up table must remove for a chain to be worth it: the best that is left is taken first.
_THRESHOLDS = (1.45, 1.25, 0.99, 0.4, 0.01)
# The same where few levels count more than few tables; only trying shows which of them gives fewer.
_EAGER_THRESHOLDS = ((0.99, 0.4, 0.01), (0.01,))


@dataclass
class _Heap:
    """Bits by column, those of constant value aside: the value is their weighted sum plus `constant`, mod 2**width."""

    width: int
    constant: int = 0
    columns: list[list[tuple[int, Bit]]] = field(default_factory=list)  # (level, bit)

    def add(self, bit: Bit, level: int, column: int) -> None:
        if column >= self.width:
            return
        if bit.row == ONE:
            self.constant += 0 if bit.inverted else 1 << column
        else:
            self.columns[column].append((level, bit))

    def add_value(self, bits: Sequence[Bit], levels: Sequence[int], signed: bool, shift: int, negative: bool) -> None:
        """Add ``value << shift`` or subtract it: complemented bits stand for what they lack, a constant mends it."""
        for place, (bit, level) in enumerate(zip(bits, levels, strict=True)):
            top = signed and place == len(bits) - 1
            complement = top != negative
            self.add(Bit(bit.row, bit.place, bit.inverted != complement), level, place + shift)
            if complement:
                self.constant -= 1 << (place + shift)


class _Compressor:
    """The rows and chains made so far."""

    def __init__(self, graph: AdderGraph, thresholds: Sequence[float], eager: bool) -> None:
        self.graph = graph
        self.thresholds = thresholds
        self.eager = eager
        self.rows = len(graph.inputs)
        self.chains: list[Chain] = []
        # Of each value of the graph: its bits and their levels.
        self.values: list[tuple[tuple[Bit, ...], tuple[int, ...]]] = []
        for index in range(self.rows):
            width = graph.intervals[index].width
            self.values.append((tuple(Bit(index, place) for place in range(width)), (0,) * width))

    def add_sum(self, index: int) -> None:
        """Compress sum `index` of the graph into a value."""
        graph = self.graph
        interval = graph.intervals[len(graph.inputs) + index]
        heap = _Heap(interval.width, graph.constants[index], columns=[[] for _ in range(interval.width)])
        for term in graph.sums[index]:
            bits, levels = self.values[term.value]
            heap.add_value(bits, levels, graph.intervals[term.value].signed, term.shift, term.negative)
        level = 0
        while not self._finished(heap):
            level += 1
            self._compress_level(heap, level)
        made: list[tuple[int, Bit]] = []
        for place, column in enumerate(heap.columns):
            made.append(column[0] if column else (0, Bit(ONE, 0, inverted=not heap.constant >> place & 1)))
        self.values.append((tuple(bit for _, bit in made), tuple(level for level, _ in made)))

    @staticmethod
    def _finished(heap: _Heap) -> bool:
        heap.constant %= 1 << heap.width
        return all(len(bits) + (heap.constant >> place & 1) <= 1 for place, bits in enumerate(heap.columns))

    def _compress_level(self, heap: _Heap, level: int) -> None:
        """Form the chains of one level; their results are of that level and stay for the next."""
        waiting: list[list[tuple[int, Bit]]] = [[] for _ in range(heap.width)]
        for column, bits in enumerate(heap.columns):
            waiting[column] = [entry for entry in bits if entry[0] >= level]
            heap.columns[column] = sorted(
                (entry for entry in bits if entry[0] < level), key=lambda entry: (entry[0], entry[1].inverted)
            )
        more = any(waiting)
        made: list[tuple[Bit, int]] = []
        if not more and (final := self._final_chain(heap)):
            made += self._take(heap, level, False, final)
        for threshold in self.thresholds:
            # Chains that remove little wait for bits of later levels, unless few levels count most.
            if threshold < 1.0 and (more or made) and not self.eager:
                break
            last = self.eager or not (more or made)
            while (chain := self._best_chain(heap, threshold, last)) is not None:
                made += self._take(heap, level, *chain)
        for bit, column in made:
            heap.add(bit, level, column)
        for column in range(heap.width):
            heap.columns[column] += waiting[column]

    def _final_chain(self, heap: _Heap) -> list[Step]:
        """The chain that leaves a single row, if there is one."""
        heights = [len(column) for column in heap.columns]
        if max(heights) > 6:
            return []
        constant = heap.constant % (1 << heap.width)
        ones = [constant >> column & 1 for column in range(heap.width)]
        straight = [sum(not bit.inverted for _, bit in column) for column in heap.columns]
        return plan_final(heights, straight, ones)

    def _best_chain(self, heap: _Heap, threshold: float, last: bool) -> tuple[bool, list[Step]] | None:
        """The chain that removes most beyond `threshold` bits a table, and whether it runs on complements."""
        heights = [len(column) for column in heap.columns]
        ones = [0] * heap.width
        if last and max(heights, default=0) <= 4:
            constant = heap.constant % (1 << heap.width)
            ones = [constant >> column & 1 for column in range(heap.width)]
        best: tuple[float, bool, list[Step]] | None = None
        negatives = (False,) if last and max(heights, default=0) <= 4 else (False, True)
        for negative in negatives:
            straight = [sum(bit.inverted == negative for _, bit in column) for column in heap.columns]
            value, steps = plan_chain(heights, straight, ones, threshold)
            if steps and (best is None or value > best[0]):
                best = (value, negative, steps)
        return None if best is None else (best[1], best[2])

    def _take(self, heap: _Heap, level: int, negative: bool, steps: list[Step]) -> list[tuple[Bit, int]]:
        """Make a chain of the heap's bits; its result's bits and their columns."""
        low = steps[0].column
        constant = heap.constant % (1 << heap.width)
        plain: list[Bit | None] = []
        groups: list[Group] = []

        def pull(column: int, straight: bool, forced: bool = True) -> Bit | None:
            """A bit of a column; straight ones are left for plain wires where others will do."""
            nonlocal constant
            entries = heap.columns[column] if column < heap.width else []
            wanted = [place for place, (_, bit) in enumerate(entries) if (bit.inverted == negative) == straight]
            if not wanted and not straight and entries:
                wanted = [0]
            if not wanted and straight and forced and entries and not constant >> column & 1:
                wanted = [0]  # inverted, at the price of a table
            if wanted:
                bit = entries.pop(wanted[0])[1]
                return Bit(bit.row, bit.place, bit.inverted != negative)
            if not negative and constant >> column & 1:
                constant -= 1 << column
                return Bit(ONE, 0)
            return None

        for step in steps:
            members: list[tuple[Bit, int]] = []
            for weight, count in enumerate(step.group):
                for _ in range(count):
                    bit = pull(step.column + weight, False)
                    if bit is not None:
                        members.append((bit, weight))
            if members:
                groups.append(Group(step.column - low, step.digits, tuple(members)))
            for digit in range(step.digits):
                plain.append(pull(step.column + digit, True) if step.plains >> digit & 1 else None)
        carry = pull(low, True, forced=False)
        width = min(len(plain) + 1, heap.width - low)
        row = self.rows + len(self.chains)
        self.chains.append(Chain(width, tuple(plain), tuple(groups), carry, level))
        heap.constant = constant
        if negative:
            # The bits taken, complemented, are what they lack of all ones; the result is subtracted.
            taken = sum(1 << (low + position) for position, bit in enumerate(plain) if bit is not None)
            taken += sum(1 << (low + group.start + weight) for group in groups for _, weight in group.bits)
            taken += 1 << low if carry is not None else 0
            heap.constant += taken - (((1 << width) - 1) << low)
        return [(Bit(row, place, negative), low + place) for place in range(width)]


def compress(graph: AdderGraph, shallow: bool = False) -> ChainProgram:
    """The carry chains of an adder graph: of few look-up tables, or `shallow`, few in series."""
    if not shallow:
        return _program(graph, _THRESHOLDS, eager=False)
    tried = [_program(graph, thresholds, eager=True) for thresholds in _EAGER_THRESHOLDS]
    return min(tried, key=lambda program: (program.depth, program.tables))


def _program(graph: AdderGraph, thresholds: Sequence[float], eager: bool) -> ChainProgram:
    compressor = _Compressor(graph, thresholds, eager)
    for index in range(len(graph.sums)):
        compressor.add_sum(index)
    outputs = [compressor.values[len(graph.inputs) + index][0] for index in graph.outputs]
    signed = [graph.intervals[len(graph.inputs) + index].signed for index in graph.outputs]
    widths = tuple(interval.width for interval in graph.inputs)
    return ChainProgram(widths, tuple(compressor.chains), tuple(outputs), tuple(signed))
