"""Operators in a row that one function of nnabla becomes."""

from __future__ import annotations

from typing import Any

from ...graph import Operator, Reshape, Shape
from .function import Converted, Function


class Chain:
    """Operators in a row; each view of the elements is made where it is needed."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.found: Converted = []
        self.name, self.shape = function.data, function.shape

    def add(self, kind: type[Operator], shape: Shape, **fields: Any) -> None:
        """Append an operator."""
        name = self.function.fresh(f"step{len(self.found)}")
        label = f"{self.function.name}/{len(self.found)}"
        self.found.append((kind(label, (self.name,), name, **fields), shape))
        self.name, self.shape = name, shape

    def view(self, shape: Shape) -> None:
        """The same elements in another shape."""
        if shape != self.shape:
            self.add(Reshape, shape)

    def finish(self, shape: Shape) -> Converted:
        """The operators; the last one writes the function's output."""
        self.add(Reshape, shape)
        last, _ = self.found[-1]
        renamed = type(last)(self.function.name, last.inputs, self.function.output)
        return [*self.found[:-1], (renamed, shape)]
