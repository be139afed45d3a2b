"""Random convolutions and affine layers: each takes a source and gives an operator and its output, or None."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, Requantize, Tensor
from tests.support.fuzz.operators import Grown, Window, clipped, random_bits, random_window

BIAS = 500


def random_convolution(
    chance: random.Random,
    source: Tensor,
    index: int,
    last: bool,
    groups: int | None = None,
    window: Window | None = None,
) -> Grown | None:
    """A convolution of `groups` groups and of a window, or of those that chance has."""
    window = window or random_window(chance, source.shape, 4, 2, 3)
    if window is None:
        return None
    kernel, stride, dilation, padding, size = window
    channels, fmt = source.shape[2], source.format
    divisors = [divisor for divisor in range(1, channels + 1) if channels % divisor == 0]
    if groups is None:
        groups = chance.choice(divisors) if chance.random() < 0.4 else 1
    outputs = groups * (chance.randint(1, 4) if chance.random() < 0.8 else chance.randint(5, 9))
    weight, weight_format = _weights(chance, (outputs, *kernel, channels // groups))
    op = IntegerConvolution(
        name=f"conv{index}",
        inputs=(source.name,),
        output=f"t{index + 1}",
        weight=weight,
        bias=_biases(chance, outputs),
        weight_format=weight_format,
        weight_frac=(weight_format.frac,) * outputs,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_value=chance.choice([0, 0, fmt.minimum, fmt.maximum, chance.randint(fmt.minimum, fmt.maximum)]),
        accumulator_width=64,
        requantize=None,
    )
    return _finish(chance, op, source, (*size, outputs), last)


def random_affine(chance: random.Random, source: Tensor, index: int, last: bool) -> Grown | None:
    outputs = chance.randint(1, 20)
    weight, weight_format = _weights(chance, (outputs, source.size))
    op = IntegerAffine(
        name=f"affine{index}",
        inputs=(source.name,),
        output=f"t{index + 1}",
        weight=weight,
        bias=_biases(chance, outputs),
        weight_format=weight_format,
        weight_frac=(weight_format.frac,) * outputs,
        accumulator_width=64,
        requantize=None,
    )
    return _finish(chance, op, source, (1, 1, outputs), last)


def _weights(chance: random.Random, shape: tuple[int, ...]) -> tuple[np.ndarray, Format]:
    fmt = Format(max(2, random_bits(chance)), chance.randint(-2, 9))
    weight = np.random.default_rng(chance.randrange(1 << 30)).integers(fmt.minimum, fmt.maximum + 1, size=shape)
    # Now and then all at an end of the range, where widths are exhausted.
    extreme = chance.choice([fmt.minimum, fmt.maximum]) if chance.random() < 0.1 else None
    return np.full_like(weight, extreme) if extreme is not None else weight, fmt


def _biases(chance: random.Random, outputs: int) -> np.ndarray:
    most = chance.choice([0, 1, BIAS, BIAS])
    return np.random.default_rng(chance.randrange(1 << 30)).integers(-most, most + 1, size=outputs)


def _finish(
    chance: random.Random,
    op: IntegerConvolution | IntegerAffine,
    source: Tensor,
    shape: tuple[int, int, int],
    last: bool,
) -> Grown:
    """The operator with a proved accumulator and a random requantizer (or none), and its output."""
    width = operator_bounds(op, source.format).width + (chance.randint(1, 3) if chance.random() < 0.2 else 0)
    scale = source.format.frac + op.weight_format.frac
    op = replace(op, accumulator_width=width)
    if width > 63 or (chance.random() < (0.5 if last else 0.1)):
        return op, Tensor(op.output, shape, Format(width, scale))
    signed = chance.random() < 0.5
    bits = max(random_bits(chance), 1 + signed)
    base = max(0, width - bits - chance.randint(0, 4)) if chance.random() < 0.9 else 0
    outputs = op.weight.shape[0]
    extra = [chance.randint(0, chance.choice([2, 5])) for _ in range(outputs)] if chance.random() < 0.5 else [0]
    fracs = tuple(op.weight_format.frac + more for more in extra) if len(extra) == outputs else op.weight_frac
    rule = Requantize(tuple(base + more for more in extra), chance.choice(ROUNDINGS), relu=chance.random() < 0.4)
    if len(extra) == outputs:
        op = replace(op, weight_frac=fracs, weight_format=replace(op.weight_format, frac=fracs[0]))
        scale = source.format.frac + fracs[0] - extra[0]
    narrow = signed and chance.random() < 0.4
    fmt = Format(bits, scale - base, signed, narrow)
    return replace(op, requantize=clipped(op.name, rule, fmt)), Tensor(op.output, shape, fmt)
