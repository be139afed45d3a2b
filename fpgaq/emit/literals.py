"""Numbers as Verilog text and as memory files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


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


def index_width(count: int) -> int:
    """Bits of an index into `count` things, at least 1."""
    return max(1, (count - 1).bit_length())


def signed_width(least: int, greatest: int) -> int:
    """Bits of two's complement that hold all numbers between the two."""
    return max((-least - 1).bit_length() if least < 0 else 0, greatest.bit_length() if greatest > 0 else 0) + 1


def pack(values: Iterable[int], width: int) -> int:
    """Join integers of `width` bits each into one, the first lowest, negative ones as two's complement."""
    mask = (1 << width) - 1
    word = 0
    for place, value in enumerate(values):
        word |= (value & mask) << (place * width)
    return word


def memory_file(words: Sequence[int], width: int) -> str:
    """The text of a ``$readmemh`` file: one word a line, all digits written out."""
    digits = -(-width // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)
