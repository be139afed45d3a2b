"""Functions of one number as nnabla has them: by the reader's own table, or put together."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Pointwise
from ..importers.nnp.activations import FIXED, SIMPLE
from .nnp_function import Arguments, Sheet, refusal

_NAMES = {name: kind for kind, (name, _) in SIMPLE.items()}
_FIXED = {definition: kind for kind, definition in FIXED.items()}

_EQUAL = {"square": ("power", (2.0,)), "sqrt": ("power", (0.5,))}


def write_pointwise(sheet: Sheet, op: Pointwise) -> None:
    """Write the function of an operator.

    Raises
    ------
    UnsupportedError
        For a function that nnabla, or the reader of its files, does not have.
    """
    function, parameters = _EQUAL.get(op.function, (op.function, op.parameters))
    if (function, parameters) in _FIXED:
        sheet.write(op, _FIXED[function, parameters])
    elif function in _NAMES:
        kind = _NAMES[function]
        sheet.write(op, kind, dict(zip(SIMPLE[kind][1], parameters, strict=True)))
    elif function == "clip":
        _chain(sheet, op, _clip(*parameters))
    elif function == "hard_sigmoid":
        slope, offset = parameters
        _chain(sheet, op, [("MulScalar", {"val": slope}), ("AddScalar", {"val": offset}), *_clip(0.0, 1.0)])
    elif function == "hard_swish":
        gate = sheet.fresh(op, "gate", sheet.shape(op.output))
        steps = [("MulScalar", {"val": 1 / 6}), ("AddScalar", {"val": 0.5}), *_clip(0.0, 1.0)]
        _chain(sheet, op, steps, gate)
        sheet.write(op, "Mul2", inputs=(op.input, gate))
    else:
        raise refusal(op, f"the function {function!r}")


def _clip(least: float, most: float) -> list[tuple[str, Arguments]]:
    return [("MaximumScalar", {"val": least}), ("MinimumScalar", {"val": most})]


def _chain(sheet: Sheet, op: Pointwise, steps: Sequence[tuple[str, Arguments]], output: str | None = None) -> None:
    """Functions in a row from the input of `op` to its output, or to `output`."""
    name, last = op.input, output or op.output
    for index, (kind, arguments) in enumerate(steps):
        end = index == len(steps) - 1
        result = last if end else sheet.fresh(op, f"step{index}", sheet.shape(op.output))
        sheet.write(op, kind, arguments, inputs=(name,), output=result)
        name = result
