"""Functions of one number in every spelling, comparisons, and extremes of several tensors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fpgaq.model.graph import Pointwise, Relu
from tests.support.onnx_carried import carried
from tests.support.onnx_models import model, node, real


def f(number):
    return np.float32(number)


HALF = f(0.5)
ROOT2 = f(math.sqrt(2))

# Nodes from `h` to `y`, constants, the function that they are, and the oldest opset.
SPELLINGS = {
    "gelu of torch": (
        [
            node("Div", "h r", "a"),
            node("Erf", "a", "b"),
            node("Add", "b one", "c"),
            node("Mul", "h c", "d"),
            node("Mul", "d half", "y"),
        ],
        {"r": ROOT2, "one": f(1), "half": HALF},
        "gelu_exact",
        9,
    ),
    "gelu, half first": (
        [
            node("Mul", "h half", "g"),
            node("Div", "h r", "a"),
            node("Erf", "a", "b"),
            node("Add", "one b", "c"),
            node("Mul", "g c", "y"),
        ],
        {"r": ROOT2, "one": f(1), "half": HALF},
        "gelu_exact",
        9,
    ),
    "gelu by a factor": (
        [
            node("Mul", "h q", "a"),
            node("Erf", "a", "b"),
            node("Add", "b one", "c"),
            node("Mul", "c half", "d"),
            node("Mul", "d h", "y"),
        ],
        {"q": f(1 / math.sqrt(2)), "one": f(1), "half": HALF},
        "gelu_exact",
        9,
    ),
    "gelu by tanh": (
        [
            node("Pow", "h three", "p"),
            node("Mul", "p k", "q"),
            node("Add", "h q", "s"),
            node("Mul", "s c", "t"),
            node("Tanh", "t", "u"),
            node("Add", "u one", "v"),
            node("Mul", "h v", "w"),
            node("Mul", "w half", "y"),
        ],
        {"three": f(3), "k": f(0.044715), "c": f(math.sqrt(2 / math.pi)), "one": f(1), "half": HALF},
        "gelu_tanh",
        9,
    ),
    "gelu by tanh and products": (
        [
            node("Mul", "h h", "p"),
            node("Mul", "p h", "q"),
            node("Mul", "q k", "r"),
            node("Add", "h r", "s"),
            node("Mul", "s c", "t"),
            node("Tanh", "t", "u"),
            node("Add", "u one", "v"),
            node("Mul", "h half", "g"),
            node("Mul", "g v", "y"),
        ],
        {"k": f(0.044715), "c": f(math.sqrt(2 / math.pi)), "one": f(1), "half": HALF},
        "gelu_tanh",
        9,
    ),
    "silu": ([node("Sigmoid", "h", "s"), node("Mul", "h s", "y")], {}, "swish", 9),
    "silu turned": ([node("Sigmoid", "h", "s"), node("Mul", "s h", "y")], {}, "swish", 9),
    "silu by exponentials": (
        [node("Neg", "h", "n"), node("Exp", "n", "e"), node("Add", "e one", "d"), node("Div", "h d", "y")],
        {"one": f(1)},
        "swish",
        9,
    ),
    "mish": ([node("Softplus", "h", "s"), node("Tanh", "s", "t"), node("Mul", "h t", "y")], {}, "mish", 9),
    "softsign": (
        [node("Abs", "h", "a"), node("Add", "a one", "b"), node("Div", "h b", "y")],
        {"one": f(1)},
        "softsign",
        9,
    ),
    "hard swish": (
        [
            node("Add", "h three", "a"),
            node("Clip", "a zero six", "b"),
            node("Mul", "h b", "c"),
            node("Div", "c six", "y"),
        ],
        {"three": f(3), "zero": f(0), "six": f(6)},
        "hard_swish",
        11,
    ),
    "hard swish, divided first": (
        [
            node("Add", "h three", "a"),
            node("Clip", "a zero six", "b"),
            node("Div", "b six", "c"),
            node("Mul", "h c", "y"),
        ],
        {"three": f(3), "zero": f(0), "six": f(6)},
        "hard_swish",
        11,
    ),
    "hard swish by the function": (
        [node("HardSigmoid", "h", "s", alpha=1 / 6, beta=0.5), node("Mul", "h s", "y")],
        {},
        "hard_swish",
        9,
    ),
    "leaky by where": (
        [node("Greater", "h zero", "m"), node("Mul", "h k", "n"), node("Where", "m h n", "y")],
        {"zero": f(0), "k": f(0.1)},
        "leaky_relu",
        9,
    ),
    "leaky by less": (
        [node("Less", "h zero", "m"), node("Mul", "h k", "n"), node("Where", "m n h", "y")],
        {"zero": f(0), "k": f(0.25)},
        "leaky_relu",
        9,
    ),
    "leaky by at least": (
        [node("GreaterOrEqual", "h zero", "m"), node("Mul", "h k", "n"), node("Where", "m h n", "y")],
        {"zero": f(0), "k": f(0.01)},
        "leaky_relu",
        16,
    ),
    "threshold": ([node("Greater", "h t", "m"), node("Where", "m h v", "y")], {"t": f(0.5), "v": f(-1)}, "composed", 9),
    "mask": (
        [node("Greater", "h t", "m"), node("Cast", "m", "c", to=1), node("Mul", "h c", "y")],
        {"t": f(0)},
        "relu",
        9,
    ),
    "not": (
        [node("Less", "h t", "m"), node("Not", "m", "n"), node("Where", "n h v", "y")],
        {"t": f(0.5), "v": f(0)},
        "composed",
        9,
    ),
    "band": (
        [node("Greater", "h t", "m"), node("Less", "h u", "n"), node("And", "m n", "o"), node("Where", "o h v", "y")],
        {"t": f(-1), "u": f(1), "v": f(0)},
        "composed",
        9,
    ),
    "binary": (
        [node("Greater", "h zero", "m"), node("Where", "m one less", "y")],
        {"zero": f(0), "one": f(1), "less": f(-1)},
        None,
        9,
    ),
    "tanh shrink": ([node("Tanh", "h", "t"), node("Sub", "h t", "y")], {}, None, 9),
    "erf alone": ([node("Erf", "h", "y")], {}, "erf", 9),
    "rounded to steps": (
        [node("Div", "h s", "a"), node("Round", "a", "b"), node("Mul", "b s", "y")],
        {"s": f(0.25)},
        None,
        11,
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("shape", [(3, 4, 5), (6,)])
@pytest.mark.parametrize("opset", [9, 13, 17, 20])
def test_a_function_in_any_spelling_is_one_table(spelling, shape, opset):
    nodes, constants, function, oldest = SPELLINGS[spelling]
    if len(shape) == 1:
        first, data, weight = node("MatMul", "x weight", "h"), (2, 4), real(4, *shape)
    else:
        first, data, weight = node("Conv", "x weight", "h"), (2, 2, *shape[1:]), real(shape[0], 2, 1, 1)
    proto = model([first, *nodes], {"x": data}, ["y"], {**constants, "weight": weight}, max(opset, oldest))
    # Steps make an error of one index a whole step.
    steps = function in ("composed", None)
    passed, _ = carried(proto, error=2.5 if steps else 0.05)
    if function is not None:
        assert len(passed.operators) == 2
        last = passed.operators[-1]
        assert isinstance(last, Relu if function == "relu" else Pointwise)
        assert function == "relu" or last.function.split(":")[0] == function


FUNCTIONS = {
    "Asinh": ({}, 9),
    "Atan": ({}, 7),
    "Ceil": ({}, 6),
    "Cos": ({}, 7),
    "Erf": ({}, 9),
    "Floor": ({}, 6),
    "Round": ({}, 11),
    "Sign": ({}, 9),
    "Sin": ({}, 7),
    "Sinh": ({}, 9),
    "ThresholdedRelu": ({"alpha": 0.5}, 10),
    "Celu": ({"alpha": 0.5}, 12),
    "Shrink": ({"lambd": 0.5, "bias": 0.25}, 9),
    "HardSwish": ({}, 14),
    "Mish": ({}, 18),
    "HardSigmoid": ({"alpha": 0.2}, 6),
    "Softsign": ({}, 1),
    "Gelu": ({"approximate": "tanh"}, 20),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("opset", [9, 13, 22])
@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 7), (6,)])
def test_functions_of_one_number_agree(kind, opset, shape):
    attributes, oldest = FUNCTIONS[kind]
    stepped = kind in ("Ceil", "Floor", "Round", "Sign", "ThresholdedRelu", "Shrink")
    proto = model(node(kind, "x", **attributes), {"x": (2, *shape)}, opset=max(opset, oldest))
    carried(proto, error=2.5 if stepped else 0.05)


@pytest.mark.parametrize("kind", ["Max", "Min"])
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("constant", [None, (), (3, 1, 1)])
@pytest.mark.parametrize("opset", [9, 13])
def test_extremes_of_several_agree(kind, count, constant, opset):
    names = ["a", "b", "c", "d"][:count]
    inputs = {name: (2, 3, 4, 4) for name in names}
    constants = {} if constant is None else {"k": real(*constant)}
    carried(model(node(kind, [*names, *constants]), inputs, constants=constants, opset=opset))


@pytest.mark.parametrize("kind", ["Greater", "Less", "GreaterOrEqual", "LessOrEqual"])
@pytest.mark.parametrize("sides", ["tensors", "constant behind", "constant in front", "channels"])
def test_comparisons_choose_elements(kind, sides):
    constants = {} if sides == "tensors" else {"k": real(3, 1, 1) if sides == "channels" else f(0.3)}
    operands = {"tensors": "a b", "constant in front": "k a"}.get(sides, "a k")
    nodes = [node(kind, operands, "m"), node("Where", "m a b", "y")]
    proto = model(nodes, {"a": (2, 3, 4, 4), "b": (2, 3, 4, 4)}, ["y"], constants, 16)
    carried(proto, error=2.5)
