"""Functions of one real number, by name, as `Pointwise` operators compute them, in float64.

One authority for the float executor, the tables of the integer network and the error messages. GELU exists in its
exact and in its tanh form, which differ by up to 5e-4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ModelError

Real: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Definition:
    """A function and its known properties.

    Parameters
    ----------
    compute : callable
        ``compute(x, *parameters)`` in float64.
    parameters : tuple of str
        Their names, in order.
    """

    compute: Callable[..., Any]
    parameters: tuple[str, ...] = ()


def _sigmoid(x: Real) -> Real:
    # Of the two forms the one whose exponential cannot overflow.
    small = np.exp(-np.abs(x))
    result: Real = np.where(x >= 0, 1, small) / (1 + small)
    return result


def _softplus(x: Real, beta: float = 1.0) -> Real:
    result: Real = np.logaddexp(0.0, beta * x) / beta
    return result


def _error_function(x: Real) -> Real:
    flat = [math.erf(value) for value in np.ravel(x).tolist()]
    return np.array(flat, np.float64).reshape(np.shape(x))


def _gelu_tanh(x: Real) -> Real:
    result: Real = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return result


def _elu(x: Real, alpha: float) -> Real:
    result: Real = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
    return result


def _sign(x: Real, at_zero: float) -> Real:
    result: Real = np.where(x == 0, at_zero, np.sign(x))
    return result


def _thresholded(x: Real, alpha: float) -> Real:
    result: Real = np.where(x > alpha, x, 0.0)
    return result


def _celu(x: Real, alpha: float) -> Real:
    result: Real = np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(np.minimum(x, 0) / alpha))
    return result


def _shrink(x: Real, threshold: float, bias: float) -> Real:
    result: Real = np.where(x < -threshold, x + bias, np.where(x > threshold, x - bias, 0.0))
    return result


FUNCTIONS: Mapping[str, Definition] = {
    "abs": Definition(np.abs),
    "above": Definition(lambda x, value: np.where(x > value, 1.0, 0.0), ("value",)),
    "arcsinh": Definition(np.arcsinh),
    "arctan": Definition(np.arctan),
    "at_least": Definition(lambda x, value: np.where(x >= value, 1.0, 0.0), ("value",)),
    "ceil": Definition(np.ceil),
    "celu": Definition(_celu, ("alpha",)),
    "clip": Definition(np.clip, ("minimum", "maximum")),
    "cos": Definition(np.cos),
    "elu": Definition(_elu, ("alpha",)),
    "erf": Definition(_error_function),
    "exp": Definition(np.exp),
    "floor": Definition(np.floor),
    "gelu_exact": Definition(lambda x: 0.5 * x * (1 + _error_function(x / math.sqrt(2)))),
    "gelu_tanh": Definition(_gelu_tanh),
    "hard_sigmoid": Definition(lambda x, slope, offset: np.clip(slope * x + offset, 0.0, 1.0), ("slope", "offset")),
    "hard_swish": Definition(lambda x: x * np.clip(x / 6 + 0.5, 0.0, 1.0)),
    "leaky_relu": Definition(lambda x, slope: np.where(x > 0, x, slope * x), ("slope",)),
    "log": Definition(np.log),
    "log_sigmoid": Definition(lambda x: -_softplus(-x)),
    "maximum": Definition(np.maximum, ("value",)),
    "minimum": Definition(np.minimum, ("value",)),
    "mish": Definition(lambda x: x * np.tanh(_softplus(x))),
    "power": Definition(np.power, ("exponent",)),
    "reciprocal": Definition(lambda x, numerator: numerator / x, ("numerator",)),
    "relu6": Definition(lambda x: np.clip(x, 0.0, 6.0)),
    "round": Definition(np.round),
    "selu": Definition(lambda x, scale, alpha: scale * _elu(x, alpha), ("scale", "alpha")),
    "sigmoid": Definition(_sigmoid),
    "shrink": Definition(_shrink, ("threshold", "bias")),
    "sign": Definition(_sign, ("at_zero",)),
    "sin": Definition(np.sin),
    "sinh": Definition(np.sinh),
    "softplus": Definition(_softplus, ("beta",)),
    "softsign": Definition(lambda x: x / (1 + np.abs(x))),
    "sqrt": Definition(np.sqrt),
    "square": Definition(np.square),
    "swish": Definition(lambda x: x * _sigmoid(x)),
    "tanh": Definition(np.tanh),
    "tanh_shrink": Definition(lambda x: x - np.tanh(x)),
    "thresholded_relu": Definition(_thresholded, ("alpha",)),
}

COMPOSED = "composed: "
"""Begins the name of a function that is composed of these: the rest is its postfix notation (`compose`)."""


def compose(words: Sequence[str]) -> str:
    """The name of a function from its postfix notation.

    Words are `x`, numbers, `+`, `*` and functions with their parameters, such as ``leaky_relu(0.1)``.
    """
    return COMPOSED + " ".join(words)


def _composed(name: str, x: Real) -> Real:
    """Compute a composed function; ValueError or IndexError if its notation is not sound."""
    stack: list[Any] = []
    for word in name[len(COMPOSED) :].split(" "):
        if word == "x":
            stack.append(x)
        elif word in ("+", "*"):
            right, left = stack.pop(), stack.pop()
            stack.append(left + right if word == "+" else left * right)
        elif word.partition("(")[0] in FUNCTIONS:
            function, _, rest = word.partition("(")
            parameters = [float(text) for text in rest.rstrip(")").split(",") if text]
            stack.append(FUNCTIONS[function].compute(stack.pop(), *parameters))
        else:
            stack.append(float(word))
    (result,) = stack
    return np.broadcast_to(np.asarray(result, np.float64), np.shape(x))


def evaluate(function: str, parameters: Sequence[float], x: Any) -> Real:
    """The function's values in float64.

    At a pole or outside its domain (`log`, `sqrt`, `reciprocal`, `power`) a value is infinite or nan, silently, and
    so is one that overflows (`exp`): who makes a table decides what to do about it.
    """
    if function.startswith(COMPOSED):
        with np.errstate(all="ignore"):
            return _composed(function, np.asarray(x, np.float64))
    definition = FUNCTIONS[function]
    with np.errstate(all="ignore"):
        return np.asarray(definition.compute(np.asarray(x, np.float64), *parameters), np.float64)


def check_parameters(function: str, parameters: Sequence[float], where: str) -> None:
    """Raise ModelError, beginning with `where`, for an unknown name or parameters that do not fit."""
    if function.startswith(COMPOSED):
        try:
            evaluate(function, (), 0.5)
        except (ValueError, IndexError, TypeError):
            raise ModelError(f"{where}: function {function!r} is not sound") from None
        return
    if function not in FUNCTIONS:
        raise ModelError(f"{where}: function {function!r} is unknown; known: {', '.join(FUNCTIONS)}")
    names = FUNCTIONS[function].parameters
    if len(names) != len(parameters) or not all(math.isfinite(value) for value in parameters):
        wanted = f"({', '.join(names)})" if names else "none"
        raise ModelError(f"{where}: parameters {tuple(parameters)} of {function!r}; expected finite {wanted}")
    if function == "clip" and parameters[0] > parameters[1]:
        raise ModelError(f"{where}: clip to {tuple(parameters)}; the minimum is above the maximum")
    if function == "celu" and parameters[0] <= 0:
        raise ModelError(f"{where}: celu with alpha {parameters[0]}; it is positive")
    if function == "softplus" and parameters[0] <= 0:
        raise ModelError(f"{where}: softplus with beta {parameters[0]}; it is positive")
