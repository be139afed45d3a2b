"""Carry chains: the bit-level program that an adder graph becomes, which can be run, costed and printed.

A chain adds two rows of bits. One bit of each position is a plain wire; the other may be any function of up to five
wires, since a position's look-up table has six inputs and the plain wire takes one. So a chain can take in three bits
of a column where an adder takes one (a full adder's two results are functions of the same three wires), at no cost:

    column      1   0
    plain       g   a        a + b + c + d + 2 g  in two tables, where two adders take four
    function    m   x        x = b ^ c ^ d,  m = majority(b, c, d)

Bits are numbered by `Bit`: a row (an input or a chain) and a place in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....integer.graph import IntegerArray

ONE = -1
"""The row of constant bits, all of them 1."""


@dataclass(frozen=True)
class Bit:
    """A wire, or its complement."""

    row: int
    place: int
    inverted: bool = False


@dataclass(frozen=True)
class Group:
    """Bits that are counted together: ``sum of bit << weight``, whose binary digits are functions of all of them.

    Parameters
    ----------
    start : int
        Position of the chain that the lowest digit belongs to.
    digits : int
        Positions that the count needs.
    bits : tuple of (Bit, int)
        At most five wires and their weights (0 or 1).
    """

    start: int
    digits: int
    bits: tuple[tuple[Bit, int], ...]


@dataclass(frozen=True)
class Chain:
    """``(sum of plain << position + sum of group << start + carry) mod 2**width``.

    Parameters
    ----------
    width : int
        Bits of the result, a carry out included.
    plain : tuple of (Bit or None)
        For each position the wire that is added as it is; never inverted.
    groups : tuple of Group
        At most one digit for each position.
    carry : Bit or None
        The bit that is carried into the lowest position; never inverted.
    level : int
        One more than the highest level of its inputs; rows of inputs have level 0.
    """

    width: int
    plain: tuple[Bit | None, ...]
    groups: tuple[Group, ...]
    carry: Bit | None
    level: int

    @property
    def tables(self) -> int:
        """Look-up tables: a position needs one unless it only passes a wire or a carry on."""
        inverted = sum(bit is not None and bit.inverted and bit.row != ONE for bit in (*self.plain, self.carry))
        return inverted + sum(group.digits for group in self.groups if any(bit.row != ONE for bit, _ in group.bits))

    @property
    def reads(self) -> frozenset[int]:
        """The rows that it reads."""
        bits = [bit for bit in (*self.plain, self.carry) if bit is not None]
        bits += [bit for group in self.groups for bit, _ in group.bits]
        return frozenset(bit.row for bit in bits if bit.row != ONE)


@dataclass(frozen=True)
class ChainProgram:
    """Chains in order, and where the results are.

    Parameters
    ----------
    input_widths : tuple of int
        Rows 0 and up are the inputs, in two's complement where signed; the chains' rows follow.
    chains : tuple of Chain
    outputs : tuple of (tuple of Bit)
        The bits of each output, lowest first.
    signed : tuple of bool
        Whether each output's highest bit counts negative.
    words : bool
        Every chain is a sum or a difference of two words: it has no group of several bits, and no carry but the one of
        a difference, whose other word is inverted throughout.
    """

    input_widths: tuple[int, ...]
    chains: tuple[Chain, ...]
    outputs: tuple[tuple[Bit, ...], ...]
    signed: tuple[bool, ...]
    words: bool = False

    @property
    def tables(self) -> int:
        """Look-up tables of all chains; with four inputs, a carry that is only passed on takes one too."""
        return sum(chain.width if self.words else chain.tables for chain in self.chains)

    @property
    def depth(self) -> int:
        """Chains in series."""
        return max((chain.level for chain in self.chains), default=0)

    def level(self, row: int) -> int:
        """The level of a row."""
        return 0 if row < len(self.input_widths) else self.chains[row - len(self.input_widths)].level

    def run(self, inputs: IntegerArray) -> IntegerArray:
        """Outputs, (frames, outputs), of inputs, (frames, inputs), bit by bit as the hardware computes them."""
        rows = [np.asarray(inputs[:, index], dtype=np.int64) for index in range(len(self.input_widths))]

        def read(bit: Bit) -> IntegerArray:
            if bit.row == ONE:
                return np.full(len(inputs), 1 - int(bit.inverted), dtype=np.int64)
            return np.asarray((rows[bit.row] >> bit.place & 1) ^ int(bit.inverted), dtype=np.int64)

        for chain in self.chains:
            total = np.zeros(len(inputs), dtype=np.int64)
            if chain.carry is not None:
                total += read(chain.carry)
            for position, plain in enumerate(chain.plain):
                if plain is not None:
                    total += read(plain) << position
            for group in chain.groups:
                for bit, weight in group.bits:
                    total += read(bit) << (group.start + weight)
            rows.append(total & ((1 << chain.width) - 1))
        results = []
        for bits, signed in zip(self.outputs, self.signed, strict=True):
            value = np.zeros(len(inputs), dtype=np.int64)
            for place, bit in enumerate(bits):
                weight = -1 if signed and place == len(bits) - 1 else 1
                value += weight * (read(bit) << place)
            results.append(value)
        return np.stack(results, axis=1)
