"""ROM modules: small ones as a case statement, large ones as a memory file, deep ones as one for each bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd

from .literals import decimal, index_width, memory_file, sized
from .render import render

CASE_LIMIT = 256
"""Words up to which a ROM is a case statement; Icarus is slow on larger ones."""

BANK_WORDS, BANK_WIDTH = (1 << 14, 1 << 13, 1 << 12), 8
"""A ROM of more words than the first, of at most so many bits each, is banks of these words, and one of the rest.

One block RAM of most families holds 1, 2 or 4 bits of each word of such a bank. Left alone, Yosys lays the words out in
banks of 2,048 or fewer, to use the ninth bit of block RAMs, and chooses among dozens. With wider words it does so in
each bank too.
"""


@dataclass(frozen=True)
class Rom:
    """A ROM with a registered output: `words` as unsigned integers of `width` bits."""

    module: str
    purpose: str
    words: tuple[int, ...]
    width: int

    @property
    def address_width(self) -> int:
        """Bits of an address."""
        return index_width(len(self.words))

    @property
    def latency(self) -> int:
        """Cycles from an address to its word: behind banks there is a register for each of them."""
        return 2 if len(self._bank_starts()) > 1 else 1

    def files(self) -> dict[str, str]:
        """The files of this ROM: name to text."""
        if len(self.words) <= CASE_LIMIT:
            return {f"{self.module}.v": self._render([], self._entries(self.words), 0)}
        starts = self._bank_starts()
        contents = [self.words[start:end] for start, end in zip(starts, [*starts[1:], len(self.words)], strict=True)]
        names = [f"_{place}" for place in range(len(contents))] if len(contents) > 1 else [""]
        # Every bank starts at a multiple of its size and of this one.
        bank_bits = index_width(gcd(*starts) or len(self.words))
        banks = [
            {
                "name": name,
                "file": f"{self.module}{name}.hex",
                "last_word": len(content) - 1,
                "in_block": len(contents) > 1 and len(content) > CASE_LIMIT,
                "address_width": index_width(len(content)),
                "pattern": self._pattern(start, len(content), bank_bits),
            }
            for name, start, content in zip(names, starts, contents, strict=True)
        ]
        files = {f"{self.module}.v": self._render(banks, [], bank_bits)}
        for name, content in zip(names, contents, strict=True):
            files[f"{self.module}{name}.hex"] = memory_file(content, self.width)
        return files

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

    def _pattern(self, start: int, count: int, low_bits: int) -> str:
        """The bits of a bank's addresses from `low_bits` up, with ``?`` for those that differ within it."""
        bits = self.address_width - low_bits
        free = max(0, index_width(count) - low_bits)
        fixed = bits - free
        return f"{bits}'b" + (f"{start >> low_bits + free:0{fixed}b}" if fixed else "") + "?" * free

    def _render(self, banks: Sequence[Mapping[str, object]], entries: Sequence[tuple[str, str]], bank_bits: int) -> str:
        facts = {"rom": self, "banks": banks, "entries": entries, "bank_bits": bank_bits}
        facts["select_bits"] = self.address_width - bank_bits
        return render("verilog/rom.v.j2", facts)

    def _entries(self, words: Sequence[int]) -> list[tuple[str, str]]:
        return [(decimal(i, self.address_width), sized(word, self.width)) for i, word in enumerate(words)]
