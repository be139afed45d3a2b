"""What is known of a board. The table itself (`fpgaq.hardware.board.table`) is printed by a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...base.errors import UsageError

BAUD = 1_000_000
"""Of the serial line by default: every clock of the table is a multiple, and every bridge on these boards can it."""

LEAST_DIVIDER = 4
MOST_ERROR = 0.02
"""Of the line's rate: a receiver samples the tenth bit within half a bit, and both sides may be off."""


@dataclass(frozen=True)
class Board:
    """A board with a serial line to its host.

    Parameters
    ----------
    name, title, part : str
        In ``--board``, to people, and of the FPGA with its package.
    device : str
        What `fpgaq.hardware.synth` knows the part by.
    loader : str
        The board's name for openFPGALoader.
    clock_hz : int
    pins : mapping of str to str
        Of clk, rx (to the FPGA) and tx (from it).
    standards : mapping of str to str
        Electrical standards of these, empty where the tools need none.
    source : str
        The board's name in the package that it comes from.
    header : str
        On a board whose USB is no serial line: where an adapter is joined.
    """

    name: str
    title: str
    part: str
    device: str
    loader: str
    clock_hz: int
    pins: Mapping[str, str]
    standards: Mapping[str, str]
    source: str
    header: str = ""

    @property
    def clock_mhz(self) -> float:
        """Of the pin clk."""
        return self.clock_hz / 1e6

    def divider(self, baud: int) -> int:
        """Cycles of a bit on the line; UsageError if the clock cannot give that rate."""
        divider = round(self.clock_hz / baud) if baud > 0 else 0
        if divider < LEAST_DIVIDER or abs(self.clock_hz / divider - baud) > MOST_ERROR * baud:
            most = self.clock_hz // LEAST_DIVIDER
            raise UsageError(
                f"--baud {baud}: {self.title}'s clock of {self.clock_mhz:g} MHz gives rates up to {most:,} that divide"
                f" it to within {MOST_ERROR:.0%}; {BAUD} is the default"
            )
        return divider


def find_board(name: str) -> Board:
    """The board of this name; UsageError if there is none."""
    from .table import BOARDS

    if name not in BOARDS:
        raise UsageError(f"--board {name}: {', '.join(BOARDS)} are known")
    return BOARDS[name]
