"""ROMs as values: their words, and how these are laid out in a case statement, a memory file, or one for each bank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..schedule.cells import latency
from .cells import RTL
from .literals import index_width

CASE_LIMIT = 256
"""Words up to which a ROM is a case statement; Icarus is slow on larger ones."""

BANK_WORDS, BANK_WIDTH = (1 << 14, 1 << 13, 1 << 12), 8
"""Words of a bank, and the greatest width of banked words.

A ROM of more words than the largest bank is split into banks of these sizes, the largest first; the last bank holds the
rest. ROMs of wider words stay whole.

One block RAM of most families holds 1, 2 or 4 bits of each word of such a bank. Left alone, Yosys lays the words out in
banks of 2,048 or fewer, to use the ninth bit of block RAMs, and chooses among dozens. With wider words it does so in
each bank too.
"""


@dataclass(frozen=True)
class Bank:
    """A part of a ROM that is a memory of its own.

    Parameters
    ----------
    name : str
        Ending of its names in the text; empty if it is the only bank.
    file : str
        Name of its memory file.
    start : int
        Address of its first word.
    words : tuple of int
    in_block : bool
        Whether it asks for block RAM.
    """

    name: str
    file: str
    start: int
    words: tuple[int, ...]
    in_block: bool


@dataclass(frozen=True)
class Rom:
    """A ROM with a registered output.

    Parameters
    ----------
    module, purpose : str
        Its name, and what it holds in a few words.
    words : tuple of int
        Unsigned, of `width` bits each.
    width : int
    packing : str
        For a reader: how numbers stand in a word.
    notes : tuple of str
        For a reader: the numbers of each word; empty if they are too many.
    """

    module: str
    purpose: str
    words: tuple[int, ...]
    width: int
    packing: str = ""
    notes: tuple[str, ...] = ()

    @property
    def address_width(self) -> int:
        """Bits of an address."""
        return index_width(len(self.words))

    @property
    def latency(self) -> int:
        """Cycles from an address to its word: after banks there is a register for each of them."""
        return latency("rom", BANKS=len(self.banks))

    @cached_property
    def banks(self) -> tuple[Bank, ...]:
        """Its memories; none where it is a case statement."""
        if len(self.words) <= CASE_LIMIT:
            return ()
        starts = self._bank_starts()
        contents = [self.words[start:end] for start, end in zip(starts, [*starts[1:], len(self.words)], strict=True)]
        names = [f"_{place}" for place in range(len(contents))] if len(contents) > 1 else [""]
        return tuple(
            Bank(
                name=name,
                file=f"{self.module}{name}.hex",
                start=start,
                words=content,
                in_block=len(contents) > 1 and len(content) > CASE_LIMIT,
            )
            for name, start, content in zip(names, starts, contents, strict=True)
        )

    def as_json(self) -> dict[str, object]:
        """The ROM as ``manifest.json`` lists it; its words stand in `files`, or in its module if there are none."""
        return {
            "module": self.module,
            "purpose": self.purpose,
            "words": len(self.words),
            "width": self.width,
            "latency": self.latency,
            "files": [f"{RTL}/{bank.file}" for bank in self.banks],
        }

    def _bank_starts(self) -> list[int]:
        """The address of each bank's first word."""
        starts = [0]
        if len(self.words) > BANK_WORDS[0] and self.width <= BANK_WIDTH:
            for size in BANK_WORDS:
                while len(self.words) - starts[-1] > size:
                    starts.append(starts[-1] + size)
                if len(self.words) - starts[-1] == size:
                    break
        return starts
