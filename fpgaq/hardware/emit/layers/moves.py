"""Layers without a line buffer that move or compare elements: ReLU, choices among beats, argmax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....base.formats import Format
from ...schedule.plans import PipePlan
from ...schedule.widths import phase_width
from ..design import Choice, Operation, Register
from ..literals import decimal, sized
from .logic import Logic


@dataclass(frozen=True)
class Move:
    """The register that results come from, of `width` bits."""

    width: int

    @property
    def own_rom(self) -> None:
        """There is none."""


@dataclass(frozen=True)
class Rectifier(Move):
    """max(x, 0): `fit` is a non-negative element as a result; without a `sign` every element is one."""

    sign: str
    zero: str
    fit: str

    @property
    def logic(self) -> Logic:
        """A register."""
        return Logic(registers=(Register("rectified", self.width),))


@dataclass(frozen=True)
class Pick(Move):
    """The beat of the input that a phase uses, as `expression` of the inputs `a0`, `a1`, ..."""

    expression: str
    inputs: int

    @property
    def logic(self) -> Logic:
        """A multiplexer and a register."""
        operations = (Operation("?"),) if self.inputs > 1 else ()
        return Logic(registers=(Register("picked", self.width),), operations=operations)


@dataclass(frozen=True)
class Part(Move):
    """A part of a beat for each phase: (phase, its lowest bit), that of the first phase for all others."""

    parts: tuple[tuple[str, int], ...]

    @property
    def logic(self) -> Logic:
        """A multiplexer and a register."""
        return Logic(registers=(Register("picked", self.width),), choices=(Choice("picked", (0,) * len(self.parts)),))


@dataclass(frozen=True)
class Greatest(Move):
    """The index of the greatest channel: `sign_flip` makes signed order unsigned, `winner_index` is the phase's number.

    The greatest element so far has `element_width` bits.
    """

    element_width: int
    sign_flip: str
    winner_index: str

    @property
    def logic(self) -> Logic:
        """The greatest so far, and its index."""
        return Logic(registers=(Register("greatest", self.element_width), Register("winner", self.width)))


def rectifier(source: Format, result: Format, plan: PipePlan) -> Rectifier:
    """The facts of a ReLU."""
    kept = min(source.width, result.width)
    bits = f"a0[lane*{source.width} +: {kept}]"
    return Rectifier(
        width=plan.lanes_out * result.width,
        sign=f"a0[lane*{source.width}+{source.width - 1}]" if source.signed else "",
        zero=decimal(0, result.width),
        fit=bits if kept == result.width else f"{{{{{result.width - kept}{{1'b0}}}}, {bits}}}",
    )


def pick(sources: Sequence[Format], result: Format, plan: PipePlan) -> Pick:
    """The facts of a concatenation."""
    last = len(sources) - 1
    expression = "".join(f"uses[{slot}] ? a{slot} : " for slot in range(last)) + f"a{last}"
    return Pick(plan.lanes_out * result.width, expression, len(sources))


def part(result: Format, plan: PipePlan) -> Part:
    """The facts of a serializer."""
    width, parts = phase_width(plan), plan.lanes_in // plan.lanes_out
    bits = plan.lanes_out * result.width
    phases = tuple((decimal(phase, width), phase % parts * bits) for phase in range(len(plan.uses)))
    return Part(bits, phases)


def greatest(source: Format, result: Format, plan: PipePlan) -> Greatest:
    """The facts of an argmax."""
    missing = result.width - phase_width(plan)
    index = f"{{{{{missing}{{1'b0}}}}, phase}}" if missing > 0 else f"phase[{result.width - 1}:0]"
    sign_flip = sized(1 << (source.width - 1) if source.signed else 0, source.width)
    return Greatest(result.width, source.width, sign_flip, index)
