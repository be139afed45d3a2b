"""ROM modules: small ones as a case statement, large ones as a memory file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .literals import decimal, index_width, memory_file, sized
from .render import render

CASE_LIMIT = 256
"""Words up to which a ROM is a case statement; Icarus is slow on larger ones."""


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

    def files(self) -> dict[str, str]:
        """The files of this ROM: name to text."""
        from_file = len(self.words) > CASE_LIMIT
        text = render(
            "verilog/rom.v.j2",
            {
                "rom": self,
                "memory_file": f"{self.module}.hex" if from_file else "",
                "last_word": len(self.words) - 1,
                "entries": [] if from_file else self._entries(self.words),
            },
        )
        files = {f"{self.module}.v": text}
        if from_file:
            files[f"{self.module}.hex"] = memory_file(self.words, self.width)
        return files

    def _entries(self, words: Sequence[int]) -> list[tuple[str, str]]:
        return [(decimal(i, self.address_width), sized(word, self.width)) for i, word in enumerate(words)]
