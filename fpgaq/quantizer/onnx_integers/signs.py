"""Sign: of accumulators a comparison with a whole number, so that nothing is rounded before it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from ...base.errors import UnsupportedError
from ...base.formats import Format
from ...integer.graph import IntegerMultiply
from ...model.functions import evaluate
from ...model.importers.onnx.builder import Call
from .reading import conversion, real
from .values import Accumulated, Function, Grid, Stored

SIGNS = Grid(1.0, 0, Format(2, 0, narrow=True))


def sign(call: Call) -> None:
    """Sign; `at_zero`, which ONNX does not have, is its value there, as the networks of nnabla state it."""
    call.count(1, 1)
    at_zero = call.attributes.real("at_zero", 0.0)
    if at_zero not in (-1.0, 0.0, 1.0):
        raise UnsupportedError(f"{call.where}: {at_zero:g} at zero; supported: -1, 0 and 1")
    owner, output, value = conversion(call), call.node.outputs[0], call.tensor(0)
    plain = isinstance(value, Accumulated) and value.low is None is value.high and not value.integers
    if isinstance(value, Accumulated) and plain and not isinstance(value.operator, IntegerMultiply):
        compared = _compared(value, int(at_zero))
        name = owner.quantize(compared, SIGNS, owner.fresh(f"{output}.signs"), call.where, call.node.name)
    else:
        source = real(call, 0)
        value = Function(source.name, source.shape, source, lambda x: evaluate("sign", (at_zero,), x))
        name = owner.quantize(value, SIGNS, output, call.where, call.node.name)
    owner.tensors[output] = Stored(output, value.shape, name, True)


def _compared(value: Accumulated, at_zero: int) -> Accumulated:
    """``2 * (accumulator - least) + 1`` for each channel, `least` being the first accumulator of a positive sign.

    Where one stands for zero exactly and gives zero, the accumulator less that one.
    """
    count = max(len(value.scales), len(value.offsets))
    scales, offsets = (values * (count // len(values)) for values in (value.scales, value.offsets))
    found = []
    for scale, offset in zip(scales, offsets, strict=True):
        place = -offset / scale
        if at_zero == 0 and place.denominator == 1:
            found.append((Fraction(1), -place))
        else:
            least = math.floor(place) + 1 if at_zero < 0 else math.ceil(place)
            found.append((Fraction(2), Fraction(1 - 2 * least)))
    return replace(value, scales=tuple(one for one, _ in found), offsets=tuple(one for _, one in found))
