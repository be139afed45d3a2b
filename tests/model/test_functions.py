from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.model.functions import FUNCTIONS, check_parameters, evaluate

PARAMETERS = {
    "above": (0.25,), "at_least": (-0.5,), "celu": (0.7,), "shrink": (0.5, 0.25), "thresholded_relu": (0.5,),
    "clip": (-1.0, 2.0), "elu": (0.7,), "hard_sigmoid": (0.2, 0.5), "leaky_relu": (0.1,), "maximum": (-0.5,),
    "minimum": (0.5,), "power": (3.0,), "reciprocal": (2.0,), "selu": (1.05, 1.67), "sign": (0.0,), "softplus": (2.0,),
}  # fmt: skip

BY_HAND = {
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "swish": lambda x: x / (1 + math.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "hard_swish": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "gelu_exact": lambda x: x / 2 * math.erfc(-x / math.sqrt(2)),
    "gelu_tanh": lambda x: x / 2 * (1 + math.tanh(0.7978845608028654 * (x + 0.044715 * x**3))),
    "selu": lambda x: 1.05 * x if x > 0 else 1.05 * 1.67 * (math.exp(x) - 1),
    "elu": lambda x: x if x > 0 else 0.7 * (math.exp(x) - 1),
    "softplus": lambda x: math.log(1 + math.exp(2 * x)) / 2,
    "mish": lambda x: x * math.tanh(math.log(1 + math.exp(x))),
    "log_sigmoid": lambda x: -math.log(1 + math.exp(-x)),
    "leaky_relu": lambda x: x if x > 0 else 0.1 * x,
    "hard_sigmoid": lambda x: min(max(0.2 * x + 0.5, 0), 1),
    "softsign": lambda x: x / (1 + abs(x)),
    "tanh_shrink": lambda x: x - math.tanh(x),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_values(name: str) -> None:
    points = np.linspace(-8, 8, 401)
    expected = [BY_HAND[name](float(x)) for x in points]
    np.testing.assert_allclose(evaluate(name, PARAMETERS.get(name, ()), points), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_keeps_the_shape_silently(name: str) -> None:
    parameters = PARAMETERS.get(name, ())
    check_parameters(name, parameters, "layer 'p'")
    x = np.array([[-1e30, -750.0, -1.0], [0.0, 750.0, 1e30]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate(name, parameters, x)
    assert found.shape == x.shape and found.dtype == np.float64
    assert evaluate(name, parameters, 0.5).shape == ()


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("nothing", (), "function 'nothing' is unknown; known: abs,"),
        ("elu", (), r"parameters \(\) of 'elu'; expected finite \(alpha\)"),
        ("tanh", (1.0,), r"expected finite none"),
        ("elu", (math.nan,), "expected finite"),
        ("clip", (1.0, 0.0), "the minimum is above the maximum"),
        ("softplus", (0.0,), "it is positive"),
    ],
)
def test_unfit_parameters(name: str, parameters: tuple[float, ...], message: str) -> None:
    with pytest.raises(ModelError, match="layer 'p': .*" + message):
        check_parameters(name, parameters, "layer 'p'")
