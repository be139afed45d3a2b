"""Batches that are not the first axis for a while, pads of any axis, Einsum, and scores that are normalized."""

from __future__ import annotations

import numpy as np

from tests.support.onnx_models import ints

from .drawing import Member, Net, begun
from .endings import ML, _ml, _ml_member


def _rows(draw):
    """Keras multiplies sequences as rows of all samples together, and so do people: x.view(-1, features)."""
    shape = (*(draw.number(2, 4) for _ in range(draw.pick(1, 1, 2))), draw.number(2, 5))
    net, x = begun(draw, shape, 9, layered=False)
    whole = net.emit("Shape", [x])
    y = net.emit("Reshape", [x, net.constant(ints(-1, shape[-1]))])
    outputs = draw.number(1, 5)
    if draw.flag():
        y = net.emit("MatMul", [y, net.constant(draw.real(shape[-1], outputs))])
        y = net.emit("Add", [y, net.constant(draw.real(outputs))]) if draw.flag() else y
    else:
        y = net.emit("Gemm", [y, net.constant(draw.real(shape[-1], outputs)), net.constant(draw.real(outputs))])
    if draw.flag():
        y = net.emit(draw.pick("Relu", "Sigmoid", "Tanh"), [y])
    if draw.flag():
        kept = net.emit("Cast", [net.emit("Gather", [net.emit("Cast", [whole], to=6), _places(net, shape)])], to=7)
        sizes = net.emit("Concat", [kept, net.constant(ints(outputs))], axis=0)
    else:
        sizes = net.constant(ints(-1, *shape[:-1], outputs))
    net.shape = (*shape[:-1], outputs)
    y = net.emit("Reshape", [y, sizes])
    return net.finish(net.emit("Relu", [y]) if draw.flag() else y)


def _places(net, shape):
    return net.constant(np.arange(len(shape), dtype=np.int32))


def _stacks(draw):
    """Steps or members in front of the batch: Keras's TimeDistributed, torch.stack and means over an ensemble."""
    features = draw.number(2, 5)
    if draw.flag():
        net, x = begun(draw, (features,), 9)
        members = [net.unsqueeze(_tower(net, x, features), [0]) for _ in range(draw.number(2, 4))]
        y = net.emit("Concat", members, axis=0)
        if draw.flag():
            y = net.emit("Relu", [y])
        count = len(members)
        net.shape = (3,)
    else:
        count = draw.number(2, 4)
        net, x = begun(draw, (count, features), 9, layered=False)
        y = net.emit("Transpose", [x], perm=[1, 0, 2])
        net.shape = (features,)
    form = draw.pick("mean", "sum", "maximum", "step", "back")
    if form in ("mean", "sum", "maximum"):
        kind = {"mean": "ReduceMean", "sum": "ReduceSum", "maximum": "ReduceMax"}[form]
        keep = draw.flag()
        y = net.reduce(kind, y, [0], keep)
        y = net.squeeze(y, [0]) if keep else y
    elif form == "step":
        first = draw.number(0, count - 1)
        if draw.flag():
            y = net.squeeze(net.slice(y, [first], [first + 1], [0]), [0])
        else:
            y = net.emit("Gather", [y, net.constant(np.array(first, np.int64))], axis=0)
    else:
        y = net.emit("MatMul", [y, net.constant(draw.real(net.shape[-1], 3))]) if draw.flag() else y
        y = net.emit("Transpose", [y], perm=[1, 0, 2])
        return net.finish(net.emit("Relu", [y]))
    return net.finish(net.layer(y))


def _tower(net, x, features):
    return net.emit("Gemm", [x, net.constant(net.draw.real(features, 3)), net.constant(net.draw.real(3))])


def _stacked_output(draw):
    """The batch as an output's second axis: refused, with what to do."""
    net, x = begun(draw, (draw.number(2, 4), draw.number(2, 5)), 9, layered=False)
    y = net.emit("Transpose", [x], perm=[1, 0, 2])
    form = draw.pick("output", "constant", "together")
    if form == "constant":
        y = net.emit("Add", [y, net.constant(draw.real(net.shape[0], 1, net.shape[1]))])
        y = net.emit("Transpose", [y], perm=[1, 0, 2])
    elif form == "together":
        y = net.emit("Add", [y, net.emit("Relu", [x])])
    return net.finish(y, refused="batch")


def _pads(draw):
    """Borders along any axes: Keras's channels-last and causal ones, channels of zeros, amounts below zero that cut."""
    shape = draw.image(3, 6)[draw.pick(0, 0, 1) :]
    net, x = begun(draw, shape, 9)
    mode = draw.pick("constant", "constant", "reflect", "edge")
    before = [draw.number(-1 if net.opset >= 11 else 0, 2) for _ in shape]
    after = [draw.number(-1 if net.opset >= 11 else 0, 2) for _ in shape]
    for axis, size in enumerate(shape):
        most = size - 1 if mode == "reflect" else 2
        before[axis], after[axis] = min(before[axis], most), min(after[axis], most)
        if size + min(before[axis], 0) + min(after[axis], 0) < 1 or mode != "constant":
            before[axis], after[axis] = max(before[axis], 0), max(after[axis], 0)
    amounts = [0, *before, 0, *after]
    value = draw.pick(0.0, 0.0, 0.5) if mode == "constant" else 0.0
    if net.opset < 11:
        y = net.emit("Pad", [x], mode=mode, pads=amounts, value=value)
    else:
        given = [net.constant(np.float32(value))] if value or draw.flag() else []
        y = net.emit("Pad", [x, net.constant(ints(*amounts)), *given], mode=mode)
    net.shape = tuple(size + first + last for size, first, last in zip(shape, before, after, strict=True))
    return net.finish(net.maybe_layer(y))


EQUATIONS = (
    "bc,oc->bo", "bc,co->bo", "oc,bc->bo", "bchw,oc->bohw", "bhwc,co->bhwo", "bchw,c->bchw", "bhc,hco->bo",
    "bhc,hop->bcop", "bhc,hc->bhc", "bc,c->b", "bchw->bc", "bchw->bhwc", "bc,bc->b", "bchw,bc->bchw", "bc,bch->bh",
)  # fmt: skip
"""Of a tensor (with b, the batch) and a constant, or of two tensors."""


def _einsum(draw):
    equation = draw.pick(*EQUATIONS)
    sizes = {letter: draw.number(2, 5) for letter in "chwop"}
    net = Net(draw, (1,), draw.opset(12))
    names = []
    for place, term in enumerate(equation.partition("->")[0].split(",")):
        shape = tuple(sizes[letter] for letter in term if letter != "b")
        names.append(net.input(f"x{place}", shape) if "b" in term else net.constant(draw.real(*shape)))
    spaced = equation.replace(",", ", ").replace("->", " -> ") if draw.flag() else equation
    return net.finish(net.emit("Einsum", names, equation=spaced))


def _normalized(draw):
    """Positive scores divided by their sum, as scikit-learn does for one class against the rest."""
    classes = draw.number(2, 6)
    net, x = begun(draw, (classes,), 13, 21, layered=True)
    scores = net.emit("Sigmoid", [x])
    if draw.flag():
        halves = [net.slice(scores, [place], [place + 1], [1]) for place in range(classes)]
        scores = net.emit("Concat", halves, axis=1)
    form = draw.pick("quotient", "guarded", "norm", "normalizer")
    if form == "norm":
        return net.finish(net.emit("LpNormalization", [scores], axis=draw.pick(1, -1), p=1), cut=True)
    if form == "normalizer":
        return _ml_member(net, [_ml(net, "Normalizer", [scores], norm="L1")], True)
    total = net.reduce("ReduceSum", scores, [1], True)
    if form == "guarded":
        empty = net.emit("Cast", [net.emit("Not", [net.emit("Cast", [total], to=9)])], to=1)
        scores = net.emit("Add", [scores, empty])
        total = net.emit("Add", [total, net.emit("Mul", [empty, net.number(classes)])])
    return net.finish(net.emit("Div", [scores, total]), cut=True)


def _learned_more(draw):
    """Imputer, Binarizer, naive Bayes, clusters, and regressors of one vector, as skl2onnx writes them."""
    features, classes = draw.number(3, 6), draw.number(2, 5)
    net = Net(draw, (features,), draw.opset(13, 17))
    x = net.input()
    form = draw.pick("imputer", "binarizer", "bayes", "clusters", "vector")
    if form == "imputer":
        x = _ml(net, "Imputer", [x], imputed_value_floats=[0.5] * features, replaced_value_float=float("nan"))
        return _ml_member(net, [net.layer(x, 2)], False)
    if form == "binarizer":
        x = _ml(net, "Binarizer", [x], threshold=0.25)
        return _ml_member(net, [net.layer(x, 2)], False)
    if form == "vector":
        y = net.emit("MatMul", [x, net.constant(draw.real(features))])
        y = net.emit("Add", [y, net.constant(draw.real(1))])
        return net.finish(net.emit("Reshape", [y, net.constant(ints(-1, 1))]))
    if form == "clusters":
        square = net.reduce("ReduceSumSquare", x, [1], True)
        scaled = net.emit("Mul", [square, net.constant(np.float32([0.5]))])
        y = net.emit("Gemm", [x, net.constant(draw.real(classes, features)), scaled], alpha=-2.0, transB=1)
        return net.finish(net.emit("ArgMin", [y], axis=1, keepdims=0), cut=True)
    joint = net.layer(x, classes)
    total = net.reduce("ReduceLogSumExp", joint, [1], False)
    logs = net.emit("Sub", [joint, net.emit("Reshape", [total, net.constant(ints(-1, 1))])])
    index = net.emit("ArgMax", [joint], axis=1)
    label = _ml(net, "ArrayFeatureExtractor", [net.constant(np.arange(classes, dtype=np.int32)), index])
    label = net.emit("Reshape", [net.emit("Cast", [label], to=1), net.constant(ints(-1))])
    return _ml_member(net, [net.emit("Cast", [label], to=7), net.emit("Exp", [logs])], True)


def _chains(draw):
    """Functions as functions of functions: 1 / (1 + exp(-x)) and the like, which overflow step by step."""
    net, x = begun(draw, draw.tensor(), 9)
    form = draw.pick("sigmoid", "sigmoid2", "softplus")
    # The exponential of a softplus is part of its result.
    x = net.emit("Mul", [x, net.number(draw.pick(1.0, 8.0 if form == "softplus" else 30.0))])
    if form == "softplus":
        y = net.emit("Log", [net.emit("Add", [net.emit("Exp", [x]), net.number(1.0)])])
    else:
        powers = net.emit("Exp", [net.emit("Neg", [x])])
        more = net.emit("Add", [powers, net.number(1.0)])
        y = net.emit("Reciprocal", [more]) if form == "sigmoid" else net.emit("Div", [net.number(1.0), more])
    return net.finish(y)


def _preprocessed(draw):
    """Pixels scaled and moved inside a channels-last model with a padded convolution behind it: x / 127.5 - 1."""
    channels = draw.number(1, 4)
    net = Net(draw, (draw.number(3, 6), draw.number(3, 6), channels), draw.opset(9))
    x = net.input()
    low = draw.pick(-1.0, -0.5)
    y = net.emit("Mul", [x, net.number(1 / draw.pick(127.5, 255.0, 128.0))])
    y = net.emit("Add", [y, net.number(low)])
    y = net.emit("Transpose", [y], perm=[0, 3, 1, 2])
    net.shape = (channels, *net.shape[:2])
    kernel = draw.real(3, channels, 3, 3) / np.float32(np.sqrt(9 * channels))
    y = net.emit("Conv", [y, net.constant(kernel), net.constant(draw.real(3))], pads=[1, 1, 1, 1])
    member = net.finish(y, error=0.05)
    shape = tuple(dim.dim_value or 6 for dim in member.proto.graph.input[0].type.tensor_type.shape.dim)
    numbers = draw.random.integers(0, 256, shape) if draw.flag() else draw.random.normal(0, 1.5, shape)
    return Member(member.proto, data={"x": numbers.astype(np.float32)}, error=0.05)


KINDS = {
    "rows of all samples": _rows,
    "stacks in front of the batch": _stacks,
    "the batch elsewhere (refused)": _stacked_output,
    "pads of any axis": _pads,
    "Einsum": _einsum,
    "normalized scores": _normalized,
    "scikit-learn's others": _learned_more,
    "functions of functions": _chains,
    "pixels of Keras": _preprocessed,
}

__all__ = ["KINDS", "ML"]
