"""Layers that wait for all beats of a wide pixel: gathering, and maxima over its channels."""

from __future__ import annotations

from dataclasses import dataclass

from ....base.formats import Format
from ...lowering.wide import LaneMaximum
from ...schedule.plans import PipePlan
from ..design import Instance, Register
from .logic import Logic
from .unrolled import _lines


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
class Maximum(Gathered):
    """The elements as `cell` compares them: those of the last tap first, of each the last output first."""

    elements: list[str]
    elements_bits: int
    unused: list[str]
    cell: Instance

    @property
    def logic(self) -> Logic:
        """The beats that are held, and the cell that compares."""
        return Logic(instances=(self.cell,), registers=self._held)


def _sizes(result: Format, plan: PipePlan) -> dict[str, int]:
    beat = plan.lanes_in * result.width
    return {"beat_bits": beat, "held_bits": beat * (len(plan.uses) - 1), "bits": beat * len(plan.uses)}


def gathered(result: Format, plan: PipePlan) -> Gathered:
    """The facts of a gathering."""
    return Gathered(**_sizes(result, plan))


def maximum(op: LaneMaximum, result: Format, plan: PipePlan) -> Maximum:
    """The facts of maxima; elements and results have one format."""
    width, taps = result.width, len(op.taps[0])
    parameters = {
        "TAPS": taps,
        "CHANNELS": len(op.taps),
        "ELEMENT_WIDTH": width,
        "ELEMENT_SIGNED": int(result.signed),
    }
    order = [lanes[tap] for tap in reversed(range(taps)) for lanes in reversed(op.taps)]
    whole = plan.lanes_in * len(plan.uses)
    unread = [f"whole[{lane * width} +: {width}]" for lane in sorted(set(range(whole)) - set(order))]
    return Maximum(
        **_sizes(result, plan),
        elements=_lines([f"whole[{lane * width} +: {width}]" for lane in order]),
        unused=_lines(unread) if unread else [],
        elements_bits=taps * len(op.taps) * width,
        cell=Instance("fpgaq_max", "max", parameters),
    )
