"""A reshape to integer operators: its elements keep the model's order, the stream has another."""

from __future__ import annotations

from collections.abc import Callable

from ..integer.graph import ImageShape, IntegerOperator, IntegerReshape, IntegerTranspose, Tensor
from ..model.graph import Reshape


def reshape_operators(
    op: Reshape, source: Tensor, shape: ImageShape, fresh: Callable[[str], str]
) -> tuple[tuple[IntegerOperator, ImageShape], ...]:
    """The operators that bring a tensor to another shape, with the shapes that they write.

    A model counts (channel, row, column), the stream (row, column, channel). So what changes the channels is
    transposed to the model's order, reshaped, and transposed back, each where it is not the same order anyway.

    Parameters
    ----------
    op : Reshape
        Its output is the last operator's.
    source : Tensor
    shape : (int, int, int)
        (height, width, channels) of the output.
    fresh : callable
        Makes a name of a tensor that does not exist yet.
    """
    (rows, columns, depth), (height, width, channels) = source.shape, shape
    front = depth != channels and depth > 1 and rows * columns > 1
    back = depth != channels and channels > 1 and height * width > 1
    found: list[tuple[IntegerOperator, ImageShape]] = []
    name = source.name
    if front:
        written = fresh(f"{op.output}.front")
        found.append((IntegerTranspose(f"{op.name}.front", (name,), written, (2, 0, 1)), (depth, rows, columns)))
        name = written
    if not back:
        return (*found, (IntegerReshape(op.name, (name,), op.output), shape))
    written = fresh(f"{op.output}.shape")
    found.append((IntegerReshape(f"{op.name}.shape", (name,), written), (channels, height, width)))
    return (*found, (IntegerTranspose(op.name, (written,), op.output, (1, 2, 0)), shape))
