"""The attributes of one ONNX node, each read once by its type; what nobody read is refused by name."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError
from .tensors import to_array

_FLOAT, _INT, _STRING, _TENSOR, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 4, 6, 7, 8
_KINDS = {
    1: "a number",
    2: "an integer",
    3: "a string",
    4: "a tensor",
    5: "a graph",
    6: "numbers",
    7: "integers",
    8: "strings",
}


class Attributes:
    """Typed access to the attributes of a node; `where` names the node in errors."""

    def __init__(self, protos: Any, where: str) -> None:
        self.where = where
        self._left: dict[str, Any] = {}
        for proto in protos:
            if proto.name in self._left:
                raise ModelError(f"{where}: attribute {proto.name!r} is there twice")
            self._left[proto.name] = proto

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def _take(self, name: str, kind: int) -> Any:
        proto = self._left.pop(name, None)
        if proto is None:
            return None
        if proto.ref_attr_name:
            raise UnsupportedError(f"{self.where}: attribute {name!r} refers to a function's; export plain operators")
        if proto.type != kind:
            raise ModelError(
                f"{self.where}: attribute {name!r} is {_KINDS.get(proto.type, 'of another type')};"
                f" expected {_KINDS[kind]}"
            )
        return proto

    def integer(self, name: str, default: int = 0) -> int:
        """One integer."""
        proto = self._take(name, _INT)
        return default if proto is None else int(proto.i)

    def flag(self, name: str, default: int = 0) -> bool:
        """An integer that must be 0 or 1."""
        value = self.integer(name, default)
        if value not in (0, 1):
            raise ModelError(f"{self.where}: {name} is {value}; expected 0 or 1")
        return bool(value)

    def real(self, name: str, default: float = 0.0) -> float:
        """One finite number."""
        proto = self._take(name, _FLOAT)
        value = default if proto is None else float(proto.f)
        if not math.isfinite(value):
            raise ModelError(f"{self.where}: {name} is {value}; expected a finite number")
        return value

    def text(self, name: str, default: str = "") -> str:
        """One string."""
        proto = self._take(name, _STRING)
        return default if proto is None else bytes(proto.s).decode("utf-8", "backslashreplace")

    def integers(self, name: str) -> list[int] | None:
        """A list of integers, each of less than 64 bits; None if the attribute is not there."""
        proto = self._take(name, _INTS)
        if proto is None:
            return None
        if len(proto.ints) > 4096:
            raise ModelError(f"{self.where}: {name} has {len(proto.ints)} entries; at most 4096")
        return [int(value) for value in proto.ints]

    def strings(self, name: str) -> list[str] | None:
        """A list of strings; None if the attribute is not there."""
        proto = self._take(name, _STRINGS)
        return None if proto is None else [bytes(text).decode("utf-8", "backslashreplace") for text in proto.strings]

    def reals(self, name: str) -> list[float] | None:
        """A list of numbers; None if the attribute is not there."""
        proto = self._take(name, _FLOATS)
        return None if proto is None else [float(value) for value in proto.floats]

    def tensor(self, name: str) -> NDArray[Any] | None:
        """A constant; None if the attribute is not there."""
        proto = self._take(name, _TENSOR)
        return None if proto is None else to_array(proto.t, f"{self.where}: attribute {name!r}")

    def only(self, name: str, allowed: int | str, default: int | str) -> None:
        """An attribute that is supported with one value only."""
        value = self.integer(name, int(default)) if isinstance(default, int) else self.text(name, default)
        if value != allowed:
            raise UnsupportedError(
                f"{self.where}: {name} is {value!r}; supported: {allowed!r}; export with that,"
                " or end the model before it (--outputs NAME)"
            )

    def skip(self, *names: str) -> None:
        """Attributes that do not change what inference computes."""
        for name in names:
            self._left.pop(name, None)

    def finish(self) -> None:
        """Refuse what nobody read."""
        if self._left:
            names = ", ".join(repr(name) for name in self._left)
            raise UnsupportedError(
                f"{self.where}: attribute {names} is not supported with this opset; export with another opset_version"
            )
