"""Numbers as Verilog text and as memory files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..schedule.widths import index_width

__all__ = ["decimal", "index_width", "memory_file", "pack", "sized"]


def sized(value: int, width: int) -> str:
    """A sized literal; a negative value as its two's complement bits (``8'sh80`` would change meaning in context).

    Raises
    ------
    ValueError
        If the value needs more than `width` bits.
    """
    if not -(1 << (width - 1)) <= value < (1 << width):
        raise ValueError(f"{value} does not fit {width} bits")
    return f"{width}'h{value & ((1 << width) - 1):x}"


def decimal(value: int, width: int) -> str:
    """A sized literal of a count, in decimal as a reader expects it."""
    if not 0 <= value < (1 << width):
        raise ValueError(f"{value} does not fit {width} bits")
    return f"{width}'d{value}"


def pack(values: Iterable[int], width: int) -> int:
    """Join integers of `width` bits each into one, the first lowest, negative ones as two's complement."""
    mask = (1 << width) - 1
    word = 0
    for place, value in enumerate(values):
        word |= (value & mask) << (place * width)
    return word


def listed(values: Iterable[int]) -> str:
    """Numbers as a comment lists them."""
    return ", ".join(str(int(value)) for value in values)


def memory_file(words: Sequence[int], width: int) -> str:
    """The text of a ``$readmemh`` file: one word a line, all digits written out."""
    digits = -(-width // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)
