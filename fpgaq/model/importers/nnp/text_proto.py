"""A bounded reader of the protobuf text format: it knows the syntax, not the schema.

`parse` gives a tree of `Message` and `Scalar`, each with its line and column, so that whoever interprets a field can
say where it stands. Depth and number of fields are capped; nothing is evaluated.
Source: https://protobuf.dev/reference/protobuf/textformat-spec/ (extension and Any names are refused).
"""

from __future__ import annotations

import math
import re
from typing import Literal, NamedTuple, TypeAlias

from ....base.errors import ModelError

MAX_DEPTH = 64
MAX_FIELDS = 250_000

Kind = Literal["string", "number", "word"]


class Scalar(NamedTuple):
    """A string (escapes resolved), a number as written, or a bare word such as `true`."""

    kind: Kind
    text: str
    line: int
    column: int


class Message(NamedTuple):
    """Fields in the order of the text; a repeated field has several values."""

    fields: dict[str, list[Value]]
    line: int
    column: int


Value: TypeAlias = Scalar | Message


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]+)
      |(?P<comment>\#[^\n]*)
      |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
      |(?P<number>(?:0[xX][0-9A-Fa-f]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?)(?![A-Za-z0-9_.]))
      |(?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')
      |(?P<mark>[{}<>\[\]:,;-])""",
    re.VERBOSE,
)
# Most fields are one scalar and then another field; one match for those makes large texts three times as fast.
_PLAIN_FIELD = re.compile(
    r'([A-Za-z_][A-Za-z0-9_]*):[ \t]*(?:"([^"\\\n]*)"|(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(true|false))'
    r"[ \t\r\n]+(?=[A-Za-z_}])"
)
_ESCAPE = re.compile(
    rb"\\(?:([abfnrtv\\'\"?])|([0-7]{1,3})|[xX]([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.?))", re.DOTALL
)
_SIMPLE_ESCAPES = dict(zip(b"abfnrtv\\'\"?", b"\a\b\f\n\r\t\v\\'\"?", strict=True))
_CLOSERS = {"{": "}", "<": ">"}


def decode(data: bytes, where: str) -> str:
    """The text of a UTF-8 file, with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise ModelError(
            f"{where}:{line}:{column}: byte 0x{data[error.start]:02x} is not valid UTF-8; a network text is UTF-8"
        ) from None


def parse(data: bytes, where: str) -> Message:
    """Parse a text-format message.

    Parameters
    ----------
    data : bytes
        The file; lines may end in LF or CRLF.
    where : str
        What errors call the file.

    Raises
    ------
    ModelError
        With line and column, for anything that is not well-formed or exceeds a cap.
    """
    return _Parser(decode(data, where), where).message()


def number_of(scalar: Scalar) -> float | int | None:
    """The value of a numeric scalar (`inf` and `nan` are words in the text format), or None if it is no number."""
    text = scalar.text
    if scalar.kind == "string":
        return None
    if scalar.kind == "word":
        negative, word = text.startswith("-"), text.removeprefix("-").lower()
        if word in ("inf", "infinity"):
            return -math.inf if negative else math.inf
        return math.nan if word == "nan" else None
    digits = text.removeprefix("-")
    sign = -1 if text.startswith("-") else 1
    if digits[:2] in ("0x", "0X"):
        return sign * int(digits, 16) if len(digits) <= 18 else None
    if digits.isdecimal():
        if len(digits) > 24:
            return None
        octal = len(digits) > 1 and digits.startswith("0")
        if octal and not set(digits) <= set("01234567"):
            return None
        return sign * int(digits, 8 if octal else 10)
    return sign * float(digits.rstrip("fF"))


class _Parser:
    """Recursive descent over the tokens of one text; a class because every rule shares the position in it."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.end = 0
        self.line = 1
        self.line_start = 0
        self.counted_to = 0
        self.fields_left = MAX_FIELDS
        self.token = self._next()

    def _next(self) -> _Token:
        """The token at `end`, which moves past it."""
        text = self.text
        while self.end < len(text):
            offset = self.end
            found = _TOKEN.match(text, offset)
            if found is None:
                raise self._error(offset, _unreadable(text, offset))
            self.end = found.end()
            kind = found.lastgroup
            if kind == "comment":
                self._count(offset)
            elif kind != "space":
                return _Token(kind or "", found.group(), offset)
        return _Token("end", "", len(text))

    def _position(self, offset: int) -> tuple[int, int]:
        if offset < self.counted_to:
            return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)
        newlines = self.text.count("\n", self.counted_to, offset)
        if newlines:
            self.line += newlines
            self.line_start = self.text.rfind("\n", self.counted_to, offset) + 1
        self.counted_to = offset
        return self.line, offset - self.line_start + 1

    def _error(self, offset: int, message: str) -> ModelError:
        line, column = self._position(offset)
        return ModelError(f"{self.where}:{line}:{column}: {message}")

    def _take(self) -> _Token:
        token = self.token
        self.token = self._next() if token.kind != "end" else token
        return token

    def _accept(self, marks: str) -> str:
        token = self.token
        if token.kind == "mark" and token.text in marks:
            self.token = self._next()
            return token.text
        return ""

    def _found(self) -> str:
        return "the end of the text" if self.token.kind == "end" else repr(self.token.text[:40])

    def message(self) -> Message:
        """The whole text as one message."""
        return self._fields(Message({}, 1, 1), "", 0)

    def _fields(self, message: Message, closer: str, depth: int) -> Message:
        if depth > MAX_DEPTH:
            raise self._error(self.token.offset, f"nested deeper than {MAX_DEPTH} messages")
        while True:
            kind, text, _ = self.token
            if kind == "end" and not closer or kind == "mark" and text == closer:
                self._take()
                return message
            if kind != "name":
                expected = f"a field name or {closer!r}" if closer else "a field name"
                raise self._error(self.token.offset, f"found {self._found()}; expected {expected}")
            if self._plain_field(message):
                continue
            name = self._take().text
            self._field(message.fields.setdefault(name, []), name, depth)
            self._accept(",;")

    def _plain_field(self, message: Message) -> bool:
        found = _PLAIN_FIELD.match(self.text, self.token.offset)
        if found is None:
            return False
        group = found.lastindex or 2
        self._count(found.start(group))
        line, column = self._position(found.start(group) - (group == 2))
        kind: Kind = "string" if group == 2 else "number" if group == 3 else "word"
        message.fields.setdefault(found.group(1), []).append(Scalar(kind, found.group(group), line, column))
        self.end = found.end()
        self.token = self._next()
        return True

    def _count(self, offset: int) -> None:
        self.fields_left -= 1
        if self.fields_left < 0:
            raise self._error(
                offset, f"more than {MAX_FIELDS} fields and comments; save large parameters in an .nnp file"
            )

    def _field(self, values: list[Value], name: str, depth: int) -> None:
        colon = self._accept(":")
        if not self._accept("["):
            values.append(self._value(name, bool(colon), depth))
            return
        if self._accept("]"):
            return
        while True:
            values.append(self._value(name, True, depth))
            if self._accept("]"):
                return
            if not self._accept(","):
                raise self._error(self.token.offset, f"found {self._found()}; expected ',' or ']' in field {name!r}")

    def _value(self, name: str, colon: bool, depth: int) -> Value:
        self._count(self.token.offset)
        line, column = self._position(self.token.offset)
        opener = self._accept("{<")
        if opener:
            return self._fields(Message({}, line, column), _CLOSERS[opener], depth + 1)
        if not colon:
            raise self._error(self.token.offset, f"found {self._found()}; expected ':' or '{{' after {name!r}")
        if self.token.kind == "string":
            return Scalar("string", self._strings(), line, column)
        sign = self._accept("-")
        if self.token.kind not in ("number", "name"):
            raise self._error(self.token.offset, f"found {self._found()}; expected a value of {name!r}")
        token = self._take()
        return Scalar("word" if token.kind == "name" else "number", sign + token.text, line, column)

    def _strings(self) -> str:
        """Adjacent strings are one; escapes denote bytes, which together must be UTF-8."""
        offset, content = self.token.offset, bytearray()
        while self.token.kind == "string":
            token = self._take()
            try:
                content += _ESCAPE.sub(_escaped, token.text[1:-1].encode())
            except ValueError as error:
                raise self._error(token.offset, f"{error} in a string") from None
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise self._error(offset, "a string's escapes are not valid UTF-8") from None


def _unreadable(text: str, offset: int) -> str:
    character = text[offset]
    if character in "\"'":
        return "a string without its closing quote on the same line"
    if character.isdigit() or character == ".":
        return f"cannot read {text[offset : offset + 20].split()[0]!r} as a number"
    return f"unexpected character {character!r}"


def _escaped(match: re.Match[bytes]) -> bytes:
    simple, octal, hexadecimal, short, long, other = match.groups()
    if simple is not None:
        return bytes((_SIMPLE_ESCAPES[simple[0]],))
    if octal is not None:
        if int(octal, 8) > 255:
            raise ValueError(f"octal escape {match.group().decode()!r} exceeds a byte")
        return bytes((int(octal, 8),))
    if hexadecimal is not None:
        return bytes((int(hexadecimal, 16),))
    code = short or long
    if code is not None:
        if int(code, 16) > 0x10FFFF or 0xD800 <= int(code, 16) < 0xE000:
            raise ValueError(f"escape {match.group().decode()!r} is no Unicode character")
        return chr(int(code, 16)).encode()
    raise ValueError(f"unknown escape {match.group().decode(errors='replace')!r}")
