"""Sums over the whole image: a running sum for each channel, divided when the last pixel has come."""

from __future__ import annotations

from dataclasses import dataclass

from ....base.formats import Format
from ....integer.graph import IntegerSumPooling
from ...schedule.plans import PipePlan
from ...schedule.widths import phase_width
from ..design import Instance, Operation, Register
from ..literals import decimal, index_width
from .division import Division, division_of
from .logic import Logic


@dataclass(frozen=True)
class SumMemory:
    """The memory in which the sums of a pixel's beats go round."""

    ram: Instance
    address_width: int
    last: str
    zero: str


@dataclass(frozen=True, kw_only=True)
class RunningSums:
    """The sums of a beat, which take a place further in each step until the next pixel's beat of these channels comes.

    Parameters
    ----------
    division : Division
    memory : SumMemory or None
    passed : tuple of (str, str)
        Registers after the first one, each with the name of what it takes in.
    held : str
        The name of the sums that a step adds to.
    last_beat, last_pixel : str
        The phase of the first pixel's last beat, and that of the last pixel's first.
    several : bool
        Whether there is anything to add: more than one pixel.
    element_width : int
    extended : str
        A wire `element` with the bits of a sum.
    zero : str
        A sum of nothing.
    """

    division: Division
    memory: SumMemory | None
    passed: tuple[tuple[str, str], ...]
    held: str
    last_beat: str
    last_pixel: str
    several: bool
    element_width: int
    extended: str
    zero: str

    @property
    def own_rom(self) -> None:
        """There is none."""

    @property
    def logic(self) -> Logic:
        """Sums, the memory that they pass, and dividers."""
        bits, memory = self.division.sums_bits, self.memory
        registers = [Register(name, bits) for name in ("sums", *(name for name, _ in self.passed))]
        if self.several:
            registers.append(Register("first", 1))
        if memory is not None:
            registers.append(Register("place", memory.address_width))
        return Logic(
            instances=(*((memory.ram,) if memory else ()), self.division.divide),
            registers=tuple(registers),
            operations=(Operation("+", self.division.divide.times),) if self.several else (),
        )


def running_sums(op: IntegerSumPooling, source: Format, result: Format, plan: PipePlan) -> RunningSums:
    """The facts of a sum over the whole image."""
    division, beats, width = division_of(op, source, result, plan.lanes_out), len(plan.uses), phase_width(plan)
    more = division.total_width - source.width
    sign = f"{{{more}{{element[{source.width - 1}]}}}}" if source.signed else decimal(0, more)
    memory = _memory(plan.sum_words, division.sums_bits) if plan.sum_words else None
    # A sum is added to as many steps later as a pixel has beats; it stands in `sums` after the first of them.
    names = {2: ("held",), 3: ("passed", "held")}.get(beats, ("held",) if memory else ()) if plan.silent else ()
    sources = ("fetched",) if memory else ("sums", *names)
    return RunningSums(
        division=division,
        memory=memory,
        passed=tuple(zip(names, sources, strict=False)),
        held=names[-1] if names else "sums",
        last_beat=decimal(beats - 1, width),
        last_pixel=decimal(plan.silent, width),
        several=plan.silent > 0,
        element_width=source.width,
        extended=f"{{{sign}, element}}",
        zero=decimal(0, division.total_width),
    )


def _memory(words: int, bits: int) -> SumMemory:
    width = index_width(words)
    return SumMemory(
        ram=Instance("fpgaq_ram", "ram", {"WIDTH": bits, "ADDRESS_WIDTH": width}),
        address_width=width,
        last=decimal(words - 1, width),
        zero=decimal(0, width),
    )
