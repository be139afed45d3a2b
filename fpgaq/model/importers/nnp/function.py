"""The input and the result of the conversion of one nnabla function, and the checks that conversions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ....base.errors import ModelError, UnsupportedError
from ...graph import Array, Operator, Pair, Reshape, Shape
from .parameter_grid import ParameterGrid
from .proto_fields import Fields

Converted: TypeAlias = list[tuple[Operator, Shape | None]]
"""Operators in order, each with the shape of its output where the shapes of its inputs do not determine it."""


@dataclass(frozen=True)
class Function:
    """One function of the file and what its conversion needs.

    Parameters
    ----------
    name, type : str
    inputs : tuple of str
        The tensors among its inputs.
    shapes : tuple of tuple of int
        Their shapes, batch left out.
    outputs : tuple of str
    batch : int
        The batch that the file declares for the data, -1 if variable.
    network_batch : int
        The batch size of the network.
    parameters : tuple of array
        The parameters among its inputs.
    computed : tuple of bool
        For each input whether it is a tensor; the others are parameters.
    fresh : callable
        Makes a tensor name that the network does not use, from a suffix.
    note : callable
        Tells the user something about the reading, in one line.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    shapes: tuple[Shape, ...]
    outputs: tuple[str, ...]
    batch: int
    network_batch: int
    parameters: tuple[Array, ...]
    computed: tuple[bool, ...]
    fresh: Callable[[str], str]
    note: Callable[[str], None]
    refuse_batch_statistics: bool = False
    grids: tuple[ParameterGrid | None, ...] = ()
    """The grids of parameters that training rounds to fixed point."""

    @property
    def where(self) -> str:
        """Its name in errors."""
        return f"layer {self.name!r} ({self.type})"

    @property
    def data(self) -> str:
        """The tensor at the first input."""
        return self.inputs[0]

    @property
    def output(self) -> str:
        """The first output, which for most functions is the only one."""
        return self.outputs[0]

    @property
    def shape(self) -> Shape:
        """The shape of the first input without the batch."""
        return self.shapes[0]


Converter: TypeAlias = Callable[[Function, Fields], Converted]


def parameter_count(function: Function, least: int, most: int) -> None:
    """Refuse any other number of parameters."""
    count = len(function.parameters)
    if not least <= count <= most:
        allowed = str(least) if least == most else f"{least} to {most}"
        raise UnsupportedError(
            f"{function.where}: {count} inputs besides the data; supported: {allowed}; save the"
            " network without the others"
        )


def pair(function: Function, arguments: Fields, name: str, fill: int) -> Pair:
    """(height, width) of an argument; one number, as 1-D functions have it, is the width, `fill` the height."""
    dims = arguments.shape(name) or []
    if len(dims) == 1 and len(function.shape) == 2:
        dims = [fill, *dims]
    if len(dims) != 2:
        allowed = "one number (length)" if len(function.shape) == 2 else "two numbers (height, width)"
        raise UnsupportedError(f"{function.where}: {name} is {dims}; supported: {allowed}; build the layer with such")
    if any(not -(2**31) < dim < 2**31 for dim in dims):
        raise ModelError(f"{function.where}: {name} is {dims}; expected small numbers")
    return dims[0], dims[1]


def check_base_axis(function: Function, arguments: Fields) -> None:
    """Only one batch axis is carried."""
    axis = arguments.integer("base_axis")
    if axis != 1:
        raise UnsupportedError(f"{function.where}: base_axis {axis}; supported: 1 (one batch axis); reshape before it")


def check_channel_first(function: Function, arguments: Fields) -> None:
    """Only channels first is carried."""
    if arguments.boolean("channel_last"):
        raise UnsupportedError(f"{function.where}: channel_last is true; convert the model to channels first")


def image_of(function: Function) -> Function:
    """The function on (channels, height, width): a (channels, length) tensor becomes an image of one row."""
    if len(function.shape) not in (2, 3):
        raise UnsupportedError(
            f"{function.where}: input shape {function.shape}; supported: images (channels, height, width)"
            " and (channels, length); reshape before it (F.reshape)"
        )
    if len(function.shape) == 3:
        return function
    row = (function.shape[0], 1, function.shape[1])
    return replace(function, inputs=(function.fresh("row"), *function.inputs[1:]), shapes=(row, *function.shapes[1:]))


def from_image(function: Function, image: Function, operators: Sequence[Operator], shape: Shape) -> Converted:
    """The operators on an image of one row, with reshapes around them; `shape` is that of their result."""
    found: Converted = [(op, None) for op in operators]
    if image is function:
        return found
    row, last = function.fresh("result"), operators[-1]
    return [
        (Reshape(f"{function.name}/row", function.inputs, image.data), image.shape),
        *found[:-1],
        (replace(last, output=row), None),
        (Reshape(f"{function.name}/result", (row,), function.output), (shape[0], shape[2])),
    ]
