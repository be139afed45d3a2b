"""Plain text for people: safe names, numbers. `fpgaq.base.tables` has tables."""

from __future__ import annotations

from collections.abc import Sequence

NAME_WIDTH = 28
"""Names within a message are cut here."""


def printable(text: str) -> str:
    """Escape everything that would end a line or steer a terminal: names come from files that others made."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shorten(text: str, width: int = NAME_WIDTH) -> str:
    """A printable name of at most `width` characters."""
    text = printable(text)
    return text if len(text) <= width else text[: width - 3] + "..."


def shape_text(shape: Sequence[int]) -> str:
    """`(8, 28, 28)` as ``8x28x28``."""
    return "x".join(str(size) for size in shape) or "1"


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with two decimals, or a dash."""
    return "-" if fraction is None else f"{100 * fraction:.2f} %"


def __getattr__(name: str) -> object:
    if name == "columns":
        # Its place in 0.1.0.
        from .tables import columns

        return columns
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
