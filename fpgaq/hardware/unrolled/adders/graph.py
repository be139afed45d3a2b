"""The adder graph: an immutable integer program of sums of shifted values, which can be run and costed.

Values are numbered: the inputs first, then the sums in order, each of which reads earlier values only. Nothing here
knows about bits; `fpgaq.hardware.unrolled.adders.compress` turns the sums into carry chains.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ....integer.graph import IntegerArray


@dataclass(frozen=True)
class Interval:
    """The integers from `lower` to `upper`, both included."""

    lower: int
    upper: int

    @property
    def signed(self) -> bool:
        """Whether a value can be negative."""
        return self.lower < 0

    @property
    def width(self) -> int:
        """Bits of a value: two's complement where it can be negative, unsigned elsewhere; 0 if it is always 0."""
        if self.signed:
            return max((-self.lower - 1).bit_length(), max(self.upper, 0).bit_length()) + 1
        return self.upper.bit_length()


@dataclass(frozen=True)
class Term:
    """``(value << shift)``, subtracted if `negative`."""

    value: int
    shift: int
    negative: bool

    @property
    def factor(self) -> int:
        """The factor of the value."""
        return -(1 << self.shift) if self.negative else 1 << self.shift


@dataclass(frozen=True)
class AdderGraph:
    """Sums of shifted values.

    Parameters
    ----------
    inputs : tuple of Interval
        The range of each input.
    sums : tuple of (tuple of Term)
        Sum i is value ``len(inputs) + i``.
    constants : tuple of int
        The constant that is added to each sum; only an output's may differ from 0.
    outputs : tuple of int
        Which sum each output is (an index into `sums`); no two outputs share one.
    """

    inputs: tuple[Interval, ...]
    sums: tuple[tuple[Term, ...], ...]
    constants: tuple[int, ...]
    outputs: tuple[int, ...]

    def run(self, inputs: IntegerArray) -> IntegerArray:
        """Outputs, (frames, outputs), of inputs, (frames, inputs), in 64-bit integers."""
        values = [inputs[:, index].astype(np.int64) for index in range(len(self.inputs))]
        for terms, constant in zip(self.sums, self.constants, strict=True):
            total = np.full(len(inputs), constant, dtype=np.int64)
            for term in terms:
                total += values[term.value] * term.factor
            values.append(total)
        return np.stack([values[len(self.inputs) + index] for index in self.outputs], axis=1)

    @cached_property
    def coefficients(self) -> IntegerArray:
        """Every value as a combination of the inputs, (values, inputs), constants left out."""
        rows = list(np.eye(len(self.inputs), dtype=np.int64))
        for terms in self.sums:
            rows.append(sum((rows[term.value] * term.factor for term in terms), np.zeros(len(self.inputs), np.int64)))
        return np.stack(rows)

    @property
    def matrix(self) -> IntegerArray:
        """The matrix that the graph multiplies by, (outputs, inputs)."""
        return self.coefficients[[len(self.inputs) + index for index in self.outputs]]

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """The exact range of every value: both ends are reached."""
        constants = (*(0 for _ in self.inputs), *self.constants)
        return tuple(
            interval_of(row, self.inputs, constant) for row, constant in zip(self.coefficients, constants, strict=True)
        )

    @property
    def additions(self) -> int:
        """Two-operand additions and subtractions."""
        return sum(max(0, len(terms) - 1) for terms in self.sums)


def interval_of(coefficients: IntegerArray, inputs: tuple[Interval, ...], constant: int = 0) -> Interval:
    """The exact range of a combination of inputs that vary independently, plus a constant."""
    lowest = np.array([interval.lower for interval in inputs], dtype=np.int64)
    highest = np.array([interval.upper for interval in inputs], dtype=np.int64)
    return Interval(*(end + constant for end in combined_ends(coefficients, lowest, highest)))


def combined_ends(coefficients: IntegerArray, lowest: IntegerArray, highest: IntegerArray) -> tuple[int, int]:
    """The least and the greatest of a combination of inputs that vary independently between given ends."""
    positive, negative = np.maximum(coefficients, 0), np.minimum(coefficients, 0)
    return int(positive @ lowest + negative @ highest), int(positive @ highest + negative @ lowest)
