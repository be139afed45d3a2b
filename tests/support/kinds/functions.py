"""Functions of one number in the spellings of exporters and people."""

from __future__ import annotations

import math

from .drawing import begun


def _either(net, left, right):
    """The two in one order or the other."""
    return [left, right] if net.draw.flag() else [right, left]


def _by(net, source, factor):
    """Times a constant, by Mul or Div."""
    if net.draw.flag():
        return net.emit("Mul", _either(net, source, net.number(factor)))
    return net.emit("Div", [source, net.number(1 / factor)])


def _plus(net, source, term):
    if net.draw.flag():
        return net.emit("Add", _either(net, source, net.number(term)))
    return net.emit("Sub", [source, net.number(-term)])


def _gate(net, x, gate):
    """x * gate / 2, the half anywhere."""
    place = net.draw.number(0, 2)
    left = _by(net, x, 0.5) if place == 0 else x
    right = _by(net, gate, 0.5) if place == 1 else gate
    both = net.emit("Mul", _either(net, left, right))
    return _by(net, both, 0.5) if place == 2 else both


def _gelu(net, x):
    form = net.draw.pick("erf", "tanh", "tanh factored", "whole", "sigmoid")
    if form == "whole" and net.opset >= 20:
        return net.emit("Gelu", [x], approximate=net.draw.pick("none", "tanh"))
    if form == "sigmoid":
        return net.emit("Mul", _either(net, x, net.emit("Sigmoid", [_by(net, x, 1.702)])))
    if form in ("erf", "whole"):
        return _gate(net, x, _plus(net, net.emit("Erf", [_by(net, x, math.sqrt(0.5))]), 1))
    if form == "tanh":
        cube = net.draw.flag()
        power = net.emit("Pow", [x, net.number(3)]) if cube else net.emit("Mul", [net.emit("Mul", [x, x]), x])
        inner = _by(net, net.emit("Add", _either(net, x, _by(net, power, 0.044715))), math.sqrt(2 / math.pi))
    else:
        square = _plus(net, _by(net, net.emit("Mul", [x, x]), 0.044715), 1)
        inner = _by(net, net.emit("Mul", _either(net, x, square)), math.sqrt(2 / math.pi))
    return _gate(net, x, _plus(net, net.emit("Tanh", [inner]), 1))


def _hard_sigmoid(net, x):
    form = net.draw.number(0, 3)
    if form == 0:
        return net.emit("HardSigmoid", [x], alpha=1 / 6, beta=0.5)
    raised = _plus(net, x, 3)
    if form == 1:
        return _by(net, net.clip(raised, 0, 6), 1 / 6)
    if form == 2:
        low = net.emit("Relu", [raised]) if net.draw.flag() else net.emit("Max", [raised, net.number(0)])
        return _by(net, net.emit("Min", [low, net.number(6)]), 1 / 6)
    return net.clip(_plus(net, _by(net, x, 1 / 6), 0.5), 0, 1)


def _hard_swish(net, x):
    if net.opset >= 14 and net.draw.number(0, 3) == 0:
        return net.emit("HardSwish", [x])
    if net.draw.flag():
        return _by(net, net.emit("Mul", _either(net, x, net.clip(_plus(net, x, 3), 0, 6))), 1 / 6)
    return net.emit("Mul", _either(net, x, _hard_sigmoid(net, x)))


def _mish(net, x):
    form = net.draw.pick("softplus", "logarithm", "whole")
    if form == "whole" and net.opset >= 18:
        return net.emit("Mish", [x])
    raised = (
        net.emit("Log", [_plus(net, net.emit("Exp", [x]), 1)]) if form == "logarithm" else net.emit("Softplus", [x])
    )
    return net.emit("Mul", _either(net, x, net.emit("Tanh", [raised])))


def _silu(net, x):
    form = net.draw.pick("sigmoid", "quotient", "reciprocal", "tanh")
    if form == "sigmoid":
        return net.emit("Mul", _either(net, x, net.emit("Sigmoid", [x])))
    if form == "tanh":
        return _gate(net, x, _plus(net, net.emit("Tanh", [_by(net, x, 0.5)]), 1))
    below = _plus(net, net.emit("Exp", [net.emit("Neg", [x])]), 1)
    if form == "quotient":
        return net.emit("Div", [x, below])
    return net.emit("Mul", _either(net, x, net.emit("Reciprocal", [below])))


def _softsign(net, x):
    if net.draw.number(0, 2) == 0:
        return net.emit("Softsign", [x])
    below = _plus(net, net.emit("Abs", [x]), 1)
    if net.draw.flag():
        return net.emit("Div", [x, below])
    return net.emit("Mul", _either(net, x, net.emit("Reciprocal", [below])))


def _thresholded(net, x):
    level = net.draw.pick(0.25, 0.5, 1.0, 1.5)
    if net.opset >= 10 and net.draw.flag():
        return net.emit("ThresholdedRelu", [x], alpha=level)
    mask = net.emit("Greater", [x, net.number(level)]) if net.draw.flag() else net.emit("Less", [net.number(level), x])
    if net.draw.flag():
        return net.emit("Where", [mask, x, net.number(net.draw.pick(0, -0.5))])
    return net.emit("Mul", _either(net, x, net.emit("Cast", [mask], to=1)))


def _leaky(net, x):
    slope = net.draw.pick(0.01, 0.1, 0.25)
    form = net.draw.number(0, 3)
    small = _by(net, x, slope)
    if form == 0:
        return net.emit("Max", _either(net, x, small))
    zero = net.number(0)
    names = ["Greater", "Less", *(["GreaterOrEqual", "LessOrEqual"] if net.opset >= 16 else [])]
    kind = net.draw.pick(*names)
    turned = net.draw.flag()
    mask = net.emit(kind, [zero, x] if turned else [x, zero])
    positive = kind.startswith("Greater") != turned
    if net.draw.flag():
        mask, positive = net.emit("Not", [mask]), not positive
    return net.emit("Where", [mask, x, small] if positive else [mask, small, x])


def _plain(kind, **attributes):
    return lambda net, x: net.emit(kind, [x], **attributes)


def _rounded(net, x):
    """Steps of a quantizer in training, or the function alone."""
    kind = net.draw.pick("Round", "Floor", "Ceil") if net.opset >= 11 else net.draw.pick("Floor", "Ceil")
    if net.draw.flag():
        return net.emit(kind, [x])
    step = net.draw.pick(0.25, 0.5, 0.1)
    found = net.emit(kind, [_by(net, x, 1 / step)])
    return _by(net, net.clip(found, -8, 7) if net.draw.flag() else found, step)


def _sign(net, x):
    form = net.draw.pick("Sign", "where", "cast")
    if form == "Sign":
        return net.emit("Sign", [x])
    mask = net.emit("Greater", [x, net.number(0)])
    if form == "where":
        return net.emit("Where", [mask, net.number(1), net.number(-1)])
    return _plus(net, _by(net, net.emit("Cast", [mask], to=1), 2), -1)


def _kind(make, low=9, error=0.05):
    def member(draw):
        net, x = begun(draw, draw.tensor(), low)
        y = make(net, x)
        stepped = error > 1
        return net.finish(net.layer(y) if not stepped and draw.flag() else y, error=error)

    return member


STEPS = 3.5
"""Where a function has steps, an error of one index is a whole step."""

KINDS = {
    "GELU": _kind(_gelu),
    "hard swish": _kind(_hard_swish),
    "hard sigmoid": _kind(_hard_sigmoid),
    "mish": _kind(_mish),
    "SiLU": _kind(_silu),
    "softsign": _kind(_softsign),
    "ThresholdedRelu": _kind(_thresholded, error=STEPS),
    "leaky ReLU by Where": _kind(_leaky),
    "Sign": _kind(_sign, error=STEPS),
    "Round, Floor, Ceil": _kind(_rounded, error=STEPS),
    "Erf": _kind(_plain("Erf")),
    "Atan": _kind(_plain("Atan")),
    "Sin": _kind(_plain("Sin")),
    "Cos": _kind(_plain("Cos")),
}
