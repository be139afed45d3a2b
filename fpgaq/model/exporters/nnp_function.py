"""The functions of an .nnp file that an operator of the float graph becomes, and the sheet that collects them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ...base.errors import UnsupportedError
from ..graph import Array, Graph, Operator, Shape

Arguments: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class NnpFunction:
    """One function of the file: its data inputs, and after them its parameters by suffix of their name.

    `operator` is the index in the graph of the operator that it was written for.
    """

    operator: int
    name: str
    type: str
    inputs: tuple[str, ...]
    output: str
    arguments: Arguments
    parameters: Mapping[str, Array]
    source: str = ""


@dataclass
class Sheet:
    """The functions written so far; `shapes` of all tensors, batch left out.

    `constants` are tensors computed of parameters alone, which have no batch.
    """

    graph: Graph
    shapes: dict[str, Shape] = field(default_factory=dict)
    functions: list[NnpFunction] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    operator: int = 0
    constants: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shapes.update(self.graph.shapes)

    def write(
        self,
        op: Operator,
        kind: str,
        arguments: Arguments | None = None,
        parameters: Mapping[str, Array] | None = None,
        inputs: tuple[str, ...] | None = None,
        output: str | None = None,
    ) -> None:
        """One function for `op`, between its own tensors unless others are named."""
        inputs, output = op.inputs if inputs is None else inputs, op.output if output is None else output
        name = base = op.name or op.output
        number = 1
        while name in self.names:
            name, number = f"{base}/{number}", number + 1
        self.names.add(name)
        function = NnpFunction(self.operator, name, kind, inputs, output, arguments or {}, parameters or {})
        self.functions.append(function)

    def fresh(self, op: Operator, suffix: str, shape: Shape) -> str:
        """A new tensor of a shape."""
        name = base = f"{op.output}/{suffix}"
        number = 1
        while name in self.shapes:
            name, number = f"{base}{number}", number + 1
        self.shapes[name] = shape
        return name

    def shape(self, name: str) -> Shape:
        """The shape of a tensor without the batch."""
        return self.shapes[name]


def refusal(op: Operator, reason: str) -> UnsupportedError:
    """The error for what nnabla has no function for."""
    return UnsupportedError(f"layer {op.name!r} ({type(op).__name__}) cannot be written as .nnp: {reason}")


def dims(*sizes: int) -> dict[str, list[int]]:
    """A Shape message."""
    return {"dim": list(sizes)}
