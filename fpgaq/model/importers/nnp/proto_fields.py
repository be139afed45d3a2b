"""Typed access to a parsed message. Every field must be consumed; a field that nobody asks for is refused by name."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ....base.errors import ModelError
from .text_proto import Message, Scalar, Value, number_of

INTEGER_LIMIT = 1 << 63


class Fields:
    """The fields of one message, taken out one by one; `finish` refuses the rest.

    Parameters
    ----------
    message : Message
    where : str
        What errors call the file.
    owner : str
        What errors call the message, such as ``layer 'Convolution_2'``.
    """

    def __init__(self, message: Message, where: str, owner: str) -> None:
        self.where = where
        self.owner = owner
        self.message = message
        self.left = dict(message.fields)

    def error(self, message: str, at: Value | None = None) -> ModelError:
        """An error that names file, line, column and owner."""
        place = at or self.message
        return ModelError(f"{self.where}:{place.line}:{place.column}: {self.owner}: {message}")

    def skip(self, names: Iterable[str]) -> None:
        """Consume fields that are known to have no influence on the result."""
        for name in names:
            self.left.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """The fields not consumed yet."""
        return tuple(self.left)

    def finish(self) -> None:
        """Refuse whatever was not consumed."""
        for name, values in self.left.items():
            raise self.error(
                f"field {name!r} is not known to fpgaq; remove it or report it", values[0] if values else None
            )

    def messages(self, name: str) -> list[Message]:
        """A repeated message."""
        values = self.left.pop(name, [])
        for value in values:
            if not isinstance(value, Message):
                raise self.error(f"field {name!r} is {_shown(value)}; expected a message in braces", value)
        return [value for value in values if isinstance(value, Message)]

    def message_or_none(self, name: str) -> Message | None:
        """A message that may be absent."""
        values = self.messages(name)
        if len(values) > 1:
            raise self.error(f"field {name!r} is given {len(values)} times; expected once", values[1])
        return values[0] if values else None

    def strings(self, name: str) -> list[str]:
        """A repeated string."""
        found = []
        for value in self.left.pop(name, []):
            if not isinstance(value, Scalar) or value.kind != "string":
                raise self.error(f"field {name!r} is {_shown(value)}; expected a quoted string", value)
            found.append(value.text)
        return found

    def string(self, name: str) -> str:
        """A string, empty if absent."""
        self._once(name)
        return next(iter(self.strings(name)), "")

    def integers(self, name: str) -> list[int]:
        """A repeated integer."""
        found = []
        for value in self.left.pop(name, []):
            number = number_of(value) if isinstance(value, Scalar) else None
            if not isinstance(number, int) or not -INTEGER_LIMIT <= number < INTEGER_LIMIT:
                raise self.error(f"field {name!r} is {_shown(value)}; expected a 64-bit integer", value)
            found.append(number)
        return found

    def integer(self, name: str, default: int = 0) -> int:
        """An integer; absent means `default` (0 in proto3)."""
        self._once(name)
        return next(iter(self.integers(name)), default)

    def reals(self, name: str) -> list[float]:
        """A repeated floating-point number; `inf` and `nan` are numbers here."""
        found = []
        for value in self.left.pop(name, []):
            number = number_of(value) if isinstance(value, Scalar) else None
            if number is None:
                raise self.error(f"field {name!r} is {_shown(value)}; expected a number", value)
            found.append(float(number))
        return found

    def real(self, name: str, default: float = 0.0) -> float:
        """A finite floating-point number; absent means `default` (0 in proto3)."""
        self._once(name)
        place = self.left.get(name)
        number = next(iter(self.reals(name)), default)
        if not math.isfinite(number):
            raise self.error(f"field {name!r} is {number}; expected a finite number", place[0] if place else None)
        return number

    def any_real(self, name: str) -> float:
        """A floating-point number that may be infinite or nan; absent means 0."""
        self._once(name)
        return next(iter(self.reals(name)), 0.0)

    def boolean(self, name: str) -> bool:
        """A truth value; absent means false."""
        self._once(name)
        values = self.left.pop(name, [])
        if not values:
            return False
        value = values[0]
        text = value.text if isinstance(value, Scalar) and value.kind != "string" else ""
        if text in ("true", "True", "t", "1"):
            return True
        if text in ("false", "False", "f", "0"):
            return False
        raise self.error(f"field {name!r} is {_shown(value)}; expected true or false", value)

    def shape(self, name: str) -> list[int] | None:
        """The `dim` values of a Shape message, or None if absent."""
        message = self.message_or_none(name)
        if message is None:
            return None
        inner = Fields(message, self.where, f"{self.owner}, {name}")
        dims = inner.integers("dim")
        inner.finish()
        return dims

    def _once(self, name: str) -> None:
        values = self.left.get(name, [])
        if len(values) > 1:
            raise self.error(f"field {name!r} is given {len(values)} times; expected once", values[1])


def _shown(value: Value) -> str:
    return repr(value.text[:40]) if isinstance(value, Scalar) else "a message"
