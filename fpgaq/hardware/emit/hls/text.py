"""C++ text of numbers, types, streams, arrays and layers; what the templates place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import UnsupportedError
from ....base.formats import Format
from ....integer.accumulators import signed_width
from ....integer.graph import ImageShape, Requantize

LINE = 116
"""Columns of a line of an array."""


def number(value: int) -> str:
    """An integer literal."""
    if value == -(1 << 63):
        return "(-9223372036854775807LL - 1)"
    return str(value) if -(1 << 31) < value < 1 << 31 else f"{value}LL"


def element_type(fmt: Format) -> str:
    """The type of a tensor's elements."""
    if not fmt.signed and fmt.width == 64:
        raise UnsupportedError("unsigned elements of 64 bits have no HLS form; ask for fewer output bits")
    return f"ap_{'int' if fmt.signed else 'uint'}<{fmt.width}>"


def sum_bits(fmt: Format) -> int:
    """Bits of a signed integer that holds every value of a format."""
    return fmt.width + int(not fmt.signed)


@dataclass(frozen=True)
class StreamText:
    """A stream: `variable` of type `kind`, a struct derived from ``fpgaq::Stream``, and its depth in beats."""

    variable: str
    kind: str
    element: str
    shape: ImageShape
    lanes: int
    comment: str
    depth: int = 2


@dataclass(frozen=True)
class ArrayText:
    """A constant array: name, element type, extents and values as text lines."""

    name: str
    kind: str
    extents: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class LayerText:
    """What one operator becomes.

    Parameters
    ----------
    struct : str
        Name of its struct of constants; empty if it needs none.
    members : tuple of str
        Lines of that struct.
    calls : tuple of str
        Statements, one for each process.
    arrays : tuple of ArrayText
    streams : tuple of StreamText
        Streams between its own processes.
    """

    calls: tuple[str, ...]
    struct: str = ""
    members: tuple[str, ...] = ()
    arrays: tuple[ArrayText, ...] = ()
    streams: tuple[StreamText, ...] = field(default=())


def constants(values: Mapping[str, int]) -> str:
    """A member line of named whole numbers."""
    return "static constexpr int " + ", ".join(f"{name} = {number(value)}" for name, value in values.items()) + ";"


def truth(name: str, value: bool) -> str:
    """A member line of a named truth value."""
    return f"static constexpr bool {name} = {'true' if value else 'false'};"


def list_member(kind: str, name: str, values: Iterable[int]) -> list[str]:
    """Member lines of a list."""
    lines = _wrapped([number(int(value)) for value in values], 4)
    return (
        [f"static constexpr {kind} {name}[] = {{", *lines, "};"]
        if len(lines) > 1
        else [f"static constexpr {kind} {name}[] = {{{lines[0].strip()}}};"]
    )


def rule_members(rule: Requantize | None, fmt: Format, accumulator: int, shifts: bool = True) -> list[str]:
    """Members of a requantizer into `fmt`; without one the accumulator is the result.

    The limits are cut to those of the accumulator: beyond them nothing saturates.
    """
    shift = (0,) if rule is None else rule.shift
    if len(set(shift)) == 1:
        shift = shift[:1]
    least, greatest = (fmt.minimum, fmt.maximum) if rule is None else rule.limits(fmt)
    clip = None if rule is None else rule.clip(fmt)
    if clip is not None:
        accumulator = max(accumulator, signed_width(*clip))  # a limit may lie beyond what the sums reach
    lowest, highest = -(1 << (accumulator - 1)), (1 << (accumulator - 1)) - 1
    least, greatest = (min(max(end, lowest), highest) for end in (least, greatest))
    rounding = "floor" if rule is None else rule.rounding
    members = [
        constants({"accumulator": accumulator}),
        f"static constexpr fpgaq::Rounding rounding = fpgaq::Rounding::{rounding};",
        f"static constexpr long long least = {number(least)}, most = {number(greatest)};",
    ]
    if not shifts:
        return members
    # A native shift must stay below the width of its type.
    width = max(accumulator, max(shift) + 1)
    return [*members, constants({"sum_bits": width}), *list_member("int", "shifts", shift)]


def array(name: str, bits: int, values: NDArray[Any]) -> ArrayText:
    """A constant array of signed numbers of `bits` bits; zeros are added to none."""
    extents = "".join(f"[{size}]" for size in values.shape)
    return ArrayText(name, f"fpgaq::Rom<{bits}>", extents, tuple(_nested(np.asarray(values), 2)))


def _nested(values: NDArray[Any], indent: int) -> list[str]:
    if values.ndim == 1:
        return _wrapped([number(value) for value in values.tolist()], indent)
    lines = []
    for row in values:
        inner = _nested(row, indent + 2)
        if len(inner) == 1:
            lines.append(f"{' ' * indent}{{{inner[0].strip()}}},")
        else:
            lines += [f"{' ' * indent}{{", *inner, f"{' ' * indent}}},"]
    return lines


def _wrapped(items: list[str], indent: int) -> list[str]:
    lines, line = [], " " * indent
    for place, item in enumerate(items):
        text = item if place == len(items) - 1 else f"{item}, "
        if len(line) + len(text.rstrip()) > LINE and line.strip():
            lines.append(line.rstrip())
            line = " " * indent
        line += text
    return [*lines, line.rstrip()]
