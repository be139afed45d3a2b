"""Lines of emitted text that fit a reviewer's screen: comments wrapped, statements broken at their spaces."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

COLUMNS = 120
"""Columns of a line; only a literal that is wider by itself exceeds them."""

INDENT = 4
"""Columns by which the rest of a broken statement stands further in."""

ITEMS = 112
"""Characters of a line of joined items."""

# A ROM's word stays next to its address.
_WORD = re.compile(r"<?= \d+'h[0-9a-f]+;( //.*)?$")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|\S')


def counted(count: int, noun: str) -> str:
    """A number and what it counts: ``1 tap``, ``3 taps``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def comments(text: str) -> str:
    """Each line of `text` as a comment, wrapped; empty lines are left out."""
    lines = [line for paragraph in text.splitlines() for line in _comment(paragraph.strip(), "")]
    return "\n".join(lines)


def folded(text: str) -> str:
    """`text` with its longer lines broken at spaces outside of strings; their comments move to the line before."""
    return "".join(
        line if len(line) <= COLUMNS + 1 or _WORD.search(line) else _folded(line)
        for line in text.splitlines(keepends=True)
    )


def _comment(paragraph: str, indent: str) -> list[str]:
    return textwrap.wrap(
        paragraph,
        COLUMNS,
        initial_indent=f"{indent}// ",
        subsequent_indent=f"{indent}// ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _folded(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    code, remark = _split_remark(line.strip())
    lines = _comment(remark, indent) if remark else []
    start = 0
    while code:
        room = COLUMNS - len(indent) - start
        end = len(code) if len(code) <= room else _last_space(code, room)
        lines.append(indent + " " * start + code[:end].rstrip())
        code, start = code[end:].lstrip(), INDENT
    return "\n".join(lines) + "\n"


def _split_remark(line: str) -> tuple[str, str]:
    """The code of a line, and the text of the comment after it."""
    for token in _TOKENS.finditer(line):
        if line.startswith("//", token.start()):
            return line[: token.start()].rstrip(), line[token.start() + 2 :].strip()
    return line, ""


def _last_space(code: str, room: int) -> int:
    """Where to break: at the last space that leaves no more than `room` columns before it, else at the first."""
    spaces = [
        token.start() for before, token in zip(_tokens(code), _tokens(code)[1:], strict=False)
        if token.start() > before.end()
    ]  # fmt: skip
    return max((space for space in spaces if space <= room + 1), default=min(spaces, default=len(code)))


def _tokens(code: str) -> list[re.Match[str]]:
    return list(_TOKENS.finditer(code))


def joined(items: Sequence[str]) -> list[str]:
    """Items joined by commas on lines of bearable length."""
    lines: list[str] = []
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > ITEMS:
            lines.append(line + ",")
            line = item
        else:
            line = f"{line}, {item}" if line else item
    return [*lines, line]
