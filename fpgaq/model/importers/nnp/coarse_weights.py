"""Weights of few values: layers whose weights are signs or powers of two, and Pow2Quantize of parameters.

What nnabla computes of the file's weights at inference becomes the weight of an ordinary layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Array
from .function import Converted, Converter, Function
from .parameter_grid import ParameterGrid
from .proto_fields import Fields

LEAST_EXPONENT, MOST_EXPONENT = -126, 60
"""Exponents of weights: float32 holds them with room for sums."""
MAX_GRID_BITS = 16


def power_of_two_values(arguments: Fields, values: Array, where: str) -> Array:
    """Pow2Quantize: each number to the power of two that is nearest by its logarithm, within n and m."""
    signed, with_zero = arguments.boolean("sign"), arguments.boolean("with_zero")
    bits, most = arguments.integer("n"), arguments.integer("m")
    arguments.skip(("ste_fine_grained",))
    left = bits - signed - with_zero
    least = most - (1 << left) + 1 if 1 <= left <= 8 else LEAST_EXPONENT - 1
    if least < LEAST_EXPONENT or most > MOST_EXPONENT:
        raise UnsupportedError(
            f"{where}: n is {bits} and m {most}; supported: exponents between {LEAST_EXPONENT} and {MOST_EXPONENT};"
            " train with such n and m"
        )
    magnitude = np.abs(values).astype(np.float32)
    found = np.rint(np.log2(np.maximum(magnitude, np.float32(2.0**-126))))
    powers = np.exp2(np.clip(found, least, most))
    if with_zero:
        powers = np.where((found < least) & (magnitude < 2.0 ** (least - 0.5)), 0.0, powers)
    lowest = 0.0 if with_zero else 2.0**least
    return np.where(values < 0, -powers if signed else lowest, powers).astype(np.float32)


def grid_of_powers(weight: Array) -> ParameterGrid | None:
    """The grid of weights that are powers of two or zero; None for others, and where one takes over 16 bits."""
    mantissas, exponents = np.frexp(np.abs(weight[weight != 0]).astype(np.float64))
    if not exponents.size or (mantissas != 0.5).any():
        return None
    span = int(exponents.max() - exponents.min())
    if span + 2 > MAX_GRID_BITS:
        return None
    return ParameterGrid(span + 2, True, np.asarray(1 - exponents.min(), np.int64), True)


def _signs(weight: Array, zero_to: float) -> Array:
    return np.where(weight == 0, np.float32(zero_to), np.sign(weight)).astype(np.float32)


def _zero_to(function: Function, arguments: Fields) -> float:
    zero = arguments.real("quantize_zero_to")
    if zero not in (-1.0, 0.0, 1.0):
        raise UnsupportedError(
            f"{function.where}: quantize_zero_to is {zero:g}; supported: -1, 0 and 1; train with one of them"
        )
    return zero


def _fixed(function: Function, weight: Array, skipped: int) -> Function:
    """The function with another weight, without the parameters after it that inference does not need."""
    parameters = (weight.astype(np.float32), *function.parameters[1 + skipped :])
    return replace(function, parameters=parameters, grids=(grid_of_powers(parameters[0]),))


def _check(function: Function, extra: int) -> Array:
    """The weight, after a look at the parameters."""
    count = len(function.parameters)
    if not 1 + extra <= count <= 2 + extra:
        allowed = f"{1 + extra} to {2 + extra}"
        raise UnsupportedError(
            f"{function.where}: {count} inputs besides the data; supported: {allowed}; save the network without the"
            " others"
        )
    return function.parameters[0]


def signs_of(base: Converter) -> Converter:
    """BinaryConnect: weights of plus and minus one."""

    def convert(function: Function, arguments: Fields) -> Converted:
        weight = _check(function, 1)
        return base(_fixed(function, _signs(weight, _zero_to(function, arguments)), 1), arguments)

    return convert


def scaled_signs_of(base: Converter, outputs_axis: int) -> Converter:
    """BinaryWeight: signs times the mean magnitude of each output's weights."""

    def convert(function: Function, arguments: Fields) -> Converted:
        weight = _check(function, 2)
        if weight.ndim < 2:
            raise ModelError(f"{function.where}: weight of shape {weight.shape}; two axes are needed")
        axis = outputs_axis % weight.ndim
        others = tuple(other for other in range(weight.ndim) if other != axis)
        mean = np.abs(weight).mean(axis=others, keepdims=True, dtype=np.float64).astype(np.float32)
        return base(_fixed(function, _signs(weight, _zero_to(function, arguments)) * mean, 2), arguments)

    return convert


def powers_of(base: Converter) -> Converter:
    """INQ: of the weights, those that the file marks as fixed are powers of two or zero."""

    def convert(function: Function, arguments: Fields) -> Converted:
        weight = _check(function, 1)
        bits = arguments.integer("num_bits")
        arguments.skip(("inq_iterations", "selection_algorithm", "seed"))
        marks = function.parameters[1]
        if marks.shape != weight.shape or not 2 <= bits <= 8:
            raise ModelError(
                f"{function.where}: marks of shape {marks.shape}, {bits} bits; supported: {weight.shape}, 2 to 8 bits"
            )
        magnitude = np.abs(weight).astype(np.float64)
        if not magnitude.max() > 0:
            return base(_fixed(function, weight, 1), arguments)
        greatest = int(np.floor(np.log2(4 * magnitude.max() / 3)))
        least = greatest + 1 - (1 << (bits - 2))
        found = np.floor(np.log2(np.maximum(4 * magnitude / 3, 2.0**-200)))
        powers = np.exp2(np.clip(found, least, greatest)) * (magnitude >= 2.0 ** (least - 1))
        return base(_fixed(function, np.where(marks != 0, np.sign(weight) * powers, weight), 1), arguments)

    return convert


def layers_of(affine: Converter, convolution: Converter) -> dict[str, tuple[str, Converter]]:
    """The six functions by their names, from the converters of the ordinary layers."""
    forms: Sequence[tuple[str, str, Callable[[Converter, int], Converter]]] = (
        ("BinaryConnect", "binary_connect", lambda base, axis: signs_of(base)),
        ("BinaryWeight", "binary_weight", scaled_signs_of),
        ("INQ", "inq", lambda base, axis: powers_of(base)),
    )
    found: dict[str, tuple[str, Converter]] = {}
    for name, field, form in forms:
        found[f"{name}Affine"] = (f"{field}_affine_param", form(affine, -1))
        found[f"{name}Convolution"] = (f"{field}_convolution_param", form(convolution, 0))
    return found
