"""Layers that wait for all beats of a wide pixel: gathering, and maxima over its channels."""

from __future__ import annotations

from dataclasses import dataclass

from ....base.formats import Format
from ....integer.graph import IntegerTranspose
from ...lowering.wide import LaneMaximum
from ...schedule.plans import PipePlan
from ..design import Instance, Register
from ..lines import joined
from .logic import Logic


@dataclass(frozen=True)
class Maximum:
    """The elements as `cell` compares them: those of the last tap first, of each the last output first."""

    elements: list[str]
    elements_bits: int
    unused: list[str]
    cell: Instance


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """A wide pixel of `bits`, of which all beats but the last, of `beat_bits`, are `held`."""

    beat_bits: int
    held_bits: int
    bits: int

    @property
    def own_rom(self) -> None:
        """There is none."""

    @property
    def _held(self) -> tuple[Register, ...]:
        return (Register("held", self.held_bits),) if self.held_bits else ()

    @property
    def logic(self) -> Logic:
        """The beats that are held, and the register of the results."""
        return Logic(registers=(*self._held, Register("gathered", self.bits)))


@dataclass(frozen=True, kw_only=True)
class Compared(Gathered):
    """A wide pixel, and the maxima over its channels."""

    maximum: Maximum

    @property
    def logic(self) -> Logic:
        """The beats that are held, and the cell that compares."""
        return Logic(instances=(self.maximum.cell,), registers=self._held)


@dataclass(frozen=True, kw_only=True)
class Shuffled(Gathered):
    """A vector of `parts` times `length` elements of `width` bits, of which the like elements of all parts come
    together.
    """

    parts: int
    length: int
    width: int


def _sizes(result: Format, plan: PipePlan) -> dict[str, int]:
    beat = plan.lanes_in * result.width
    return {"beat_bits": beat, "held_bits": beat * (len(plan.uses) - 1), "bits": beat * len(plan.uses)}


def gathered(result: Format, plan: PipePlan) -> Gathered:
    """The facts of a gathering."""
    return Gathered(**_sizes(result, plan))


def shuffled(op: IntegerTranspose, result: Format, plan: PipePlan) -> Shuffled:
    """The facts of an order of channels."""
    _, parts, length = op.view
    return Shuffled(**_sizes(result, plan), parts=parts, length=length, width=result.width)


def compared(op: LaneMaximum, result: Format, plan: PipePlan) -> Compared:
    """The facts of maxima; elements and results have one format."""
    lanes = plan.lanes_in * len(plan.uses)
    return Compared(**_sizes(result, plan), maximum=maximum_of(op.taps, result, "whole", "max", lanes))


def maximum_of(
    taps: tuple[tuple[int, ...], ...], result: Format, source: str, name: str, lanes: int | None = None
) -> Maximum:
    """The cell `name` for maxima over elements of the wire `source`, which has so many lanes (None: those of taps)."""
    width, count = result.width, len(taps[0])
    parameters = {
        "TAPS": count,
        "CHANNELS": len(taps),
        "ELEMENT_WIDTH": width,
        "ELEMENT_SIGNED": int(result.signed),
    }
    order = [own[tap] for tap in reversed(range(count)) for own in reversed(taps)]
    unread = sorted(set(range(lanes or 0)) - set(order))
    return Maximum(
        elements=joined([f"{source}[{lane * width} +: {width}]" for lane in order]),
        elements_bits=count * len(taps) * width,
        unused=joined([f"{source}[{lane * width} +: {width}]" for lane in unread]) if unread else [],
        cell=Instance("fpgaq_max", name, parameters),
    )
