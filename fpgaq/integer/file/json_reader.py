"""Fields out of a JSON object by type: what is missing, of another type or unknown is refused by name."""

from __future__ import annotations

from typing import Any, NoReturn

from ...base.errors import ModelError


class JsonReader:
    """Takes fields out of one JSON object by type; `finish` refuses what nobody took."""

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            self.fail("an object")
        self.fields = dict(value)

    def fail(self, wanted: str) -> NoReturn:
        """Raise ModelError: something is needed here."""
        raise ModelError(f"network.json, {self.where}: {wanted} is needed")

    def take(self, name: str) -> Any:
        """A field of any type."""
        if name not in self.fields:
            self.fail(f"field {name!r}")
        return self.fields.pop(name)

    def text(self, name: str, allowed: tuple[str, ...] = ()) -> str:
        """A text, one of `allowed` if there are any."""
        value = self.take(name)
        if not isinstance(value, str) or (allowed and value not in allowed):
            self.fail(f"{name!r} as {'one of ' + ', '.join(allowed) if allowed else 'a text'}")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text, or None for null."""
        if name in self.fields and self.fields[name] is None:
            return self.take(name)  # type: ignore[no-any-return]
        return self.text(name)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.take(name)
        if not isinstance(value, bool):
            self.fail(f"{name!r} as true or false")
        return value

    def integer(self, name: str) -> int:
        """An integer of 64 bits."""
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 63:
            self.fail(f"{name!r} as an integer")
        return value

    def number(self, name: str) -> float:
        """A finite number."""
        value = self.take(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e300:
            self.fail(f"{name!r} as a finite number")
        return float(value)

    def optional_number(self, name: str) -> float | None:
        """A finite number, or None for null."""
        if name in self.fields and self.fields[name] is None:
            return self.take(name)  # type: ignore[no-any-return]
        return self.number(name)

    def optional_integer(self, name: str) -> int | None:
        """An integer of 64 bits, or None for null."""
        if name in self.fields and self.fields[name] is None:
            return self.take(name)  # type: ignore[no-any-return]
        return self.integer(name)

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        values = self.take(name)
        sound = isinstance(values, list) and all(type(v) in (int, float) and abs(v) <= 1e300 for v in values)
        if not sound:
            self.fail(f"{name!r} as a list of finite numbers")
        return tuple(float(value) for value in values)

    def wide_integers(self, name: str) -> tuple[int, ...]:
        """A list of integers of 64 bits."""
        values = self.take(name)
        if not isinstance(values, list) or not all(type(v) is int and abs(v) < 1 << 63 for v in values):
            self.fail(f"{name!r} as a list of integers")
        return tuple(values)

    def integers(self, name: str, length: int | None = None) -> tuple[int, ...]:
        """A list of integers, of a stated length if there is one."""
        values = self.take(name)
        sound = isinstance(values, list) and all(type(v) is int and abs(v) < 1 << 31 for v in values)
        if not sound or (length is not None and len(values) != length):
            self.fail(f"{name!r} as a list of {'' if length is None else f'{length} '}integers")
        return tuple(values)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self.take(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.fail(f"{name!r} as a list of texts")
        return tuple(values)

    def objects(self, name: str) -> list[JsonReader]:
        """A list of objects."""
        values = self.take(name)
        if not isinstance(values, list):
            self.fail(f"{name!r} as a list")
        return [JsonReader(value, f"{name}[{index}]") for index, value in enumerate(values)]

    def finish(self) -> None:
        """Refuse the fields that nobody took."""
        if self.fields:
            raise ModelError(f"network.json, {self.where}: unknown fields {sorted(self.fields)}")
