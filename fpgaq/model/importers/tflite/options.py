"""The options of a TensorFlow Lite operator: all of them are read, and one that nobody takes is refused."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....base.errors import ModelError, UnsupportedError

ACTIVATIONS = {0: "", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT"}
"""Fused activations by their number in the schema."""
VECTOR_ENDS = ("Length", "AsNumpy", "IsNone")


@dataclass(eq=False)
class Options:
    """Options by name. `finish` refuses those that were set and that nobody took."""

    where: str
    values: dict[str, Any]
    _taken: set[str] = field(default_factory=set)

    def integer(self, name: str, default: int = 0) -> int:
        """An integer, an enumeration or a flag."""
        self._taken.add(name)
        value = self.values.get(name, default)
        if not isinstance(value, int):
            raise ModelError(f"{self.where}: option {name} is {value!r}; an integer is needed")
        return int(value)

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(self.integer(name))

    def real(self, name: str, default: float = 0.0) -> float:
        """A finite number."""
        self._taken.add(name)
        value = float(self.values.get(name, default))
        if not np.isfinite(value):
            raise ModelError(f"{self.where}: option {name} is {value}; it must be finite")
        return value

    def pair(self, name: str, ends: tuple[str, str] = ("H", "W")) -> tuple[int, int]:
        """Sizes of rows and columns, at least 1; `ends` are the ends of their names."""
        found = self.integer(f"{name}{ends[0]}"), self.integer(f"{name}{ends[1]}")
        if min(found) < 1:
            raise ModelError(f"{self.where}: {name} {found}; sizes are at least 1")
        return found

    def activation(self) -> str:
        """The fused activation: "", RELU, RELU6 or RELU_N1_TO_1."""
        number = self.integer("FusedActivationFunction")
        kind = ACTIVATIONS.get(number, f"number {number}")
        if kind not in ("", "RELU", "RELU6", "RELU_N1_TO_1"):
            raise UnsupportedError(
                f"{self.where}: fused activation {kind}; supported: RELU, RELU6, RELU_N1_TO_1; use an operator"
            )
        return kind

    def skip(self, *names: str) -> None:
        """Options that say nothing about the result."""
        self._taken.update(names)

    def finish(self) -> None:
        """Refuse an option that is set and was not taken."""
        for name, value in self.values.items():
            unset = value is None or (np.size(value) == 0) or (np.size(value) == 1 and not np.any(value))
            if name not in self._taken and not unset:
                raise UnsupportedError(f"{self.where}: option {name} is {value}; supported: unset; convert without it")


def read_options(schema: Any, operator: Any, where: str) -> Options:
    """The options of an operator, whatever their kind."""
    values: dict[str, Any] = {}
    for kinds, number, found in (
        ("BuiltinOptions", operator.BuiltinOptionsType(), operator.BuiltinOptions()),
        ("BuiltinOptions2", operator.BuiltinOptions2Type(), operator.BuiltinOptions2()),
    ):
        if not number:
            continue
        names = {value: key for key, value in vars(getattr(schema, kinds)).items() if not key.startswith("_")}
        if number not in names or found is None:
            raise UnsupportedError(
                f"{where}: options of the unknown kind {number}; its schema is newer than tflite's:"
                " update the package tflite"
            )
        kind = getattr(schema, names[number])
        options = kind()
        options.Init(found.Bytes, found.Pos)
        values |= _values(options, where)
    if operator.CustomOptionsLength():
        values["CustomOptions"] = operator.CustomOptionsLength()
    return Options(where, values)


def _values(options: Any, where: str) -> dict[str, Any]:
    """Every field that the schema knows, by its name there; a field that it does not know is refused."""
    getters = {name for name, _ in inspect.getmembers(type(options), inspect.isfunction) if name[0] != "_"}
    vectors = {name for name in getters if f"{name}Length" in getters}
    scalars = getters - {"Init"} - vectors - {name + end for name in vectors for end in VECTOR_ENDS}
    _check_known(options, len(scalars) + len(vectors), where)
    values: dict[str, Any] = {name: getattr(options, name)() for name in sorted(scalars)}
    for name in vectors:
        found = getattr(options, f"{name}AsNumpy")()
        values[name] = () if isinstance(found, int) else tuple(int(value) for value in found)
    return values


def _check_known(options: Any, known: int, where: str) -> None:
    """Refuse options with a field after those that the schema knows: they are of a newer one."""
    table = options._tab
    start = table.Pos - int.from_bytes(table.Bytes[table.Pos : table.Pos + 4], "little", signed=True)
    if start < 0:
        raise ModelError(f"{where}: damaged options")
    size = int.from_bytes(table.Bytes[start : start + 2], "little")
    extra = bytes(table.Bytes[start + 4 + 2 * known : start + size])
    if any(extra):
        raise UnsupportedError(f"{where}: has options that the schema of the package 'tflite' does not know; update it")
