"""Functions of nnabla by its own Python API, through its own file format, compared with its own forward."""

from __future__ import annotations

import nnabla as nn
import nnabla.functions as F  # noqa: N812 (nnabla's own habit)
import nnabla.parametric_functions as PF  # noqa: N812
import numpy as np

from fpgaq.base.errors import FpgaqError
from fpgaq.model.executor import run_float
from fpgaq.model.importers import from_nnabla
from fpgaq.model.passes import standard_passes
from fpgaq.pipeline import quantize, run
from fpgaq.quantizer.config import QuantizeOptions

nn.logger.setLevel(40)


class NnablaMember:
    """A variable of nnabla: the last function's output on `x`."""

    def __init__(self, x, y, *, cut=False, error=0.08, refused=""):
        self.x, self.y, self.cut, self.error, self.refused = x, y, cut, error, refused

    def judged(self, simulate):
        """Through the stages, as for an ONNX model."""
        from .judging import Outcome, simulated

        self.y.forward()
        expected, data = self.y.d.copy(), self.x.d.astype(np.float32)
        try:
            passed = standard_passes(graph := from_nnabla(self.y))
        except FpgaqError as error:
            told = bool(self.refused) and self.refused in str(error) and "\n" not in str(error)
            if told:
                return Outcome(("drawn", "refused"))
            return Outcome(("drawn",), f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        if self.refused:
            return Outcome(("drawn",), "is carried; it is expected to be refused")
        scale = max(float(np.abs(expected).max()), 1e-30)
        for stage in (graph, *([] if self.cut else [passed])):
            found = run_float(stage, {stage.inputs[0]: data})[stage.outputs[0]]
            if found.size != expected.size:
                return Outcome(("drawn",), f"{found.size} elements; nnabla has {expected.size}")
            off = float(np.abs(found.reshape(expected.shape) - expected).max()) / scale
            if off > 1e-5:
                return Outcome(("drawn",), f"float: {off:.1e} of the largest value")
        options = QuantizeOptions(weight_bits=12, activation_bits=12, method="max", table_bits=12)
        try:
            integer = quantize(passed, {passed.inputs[0]: data}, options)
        except FpgaqError as error:
            return Outcome(("drawn", "float"), f"quantize: {error}")
        _, real = run(integer, {passed.inputs[0]: data}, engine="numpy")[passed.outputs[0]]
        if not self.cut and np.abs(real.reshape(expected.shape) - expected).max() > self.error * scale:
            return Outcome(("drawn", "float"), "the integers are too far off")
        if not simulate:
            return Outcome(("drawn", "float", "quantized"))
        found = simulated(integer)
        return Outcome(("drawn", "float", "quantized", *([] if found else ["simulated"])), found)


def _begun(draw, shape=None, batch=3):
    nn.clear_parameters()
    shape = draw.tensor() if shape is None else shape
    x = nn.Variable((batch, *shape))
    x.d = draw.random.normal(0, 1.5, x.shape)
    return x


def _layer(draw, x, name):
    """An affine layer, or a convolution where there is an image."""
    with nn.parameter_scope(name):
        if x.ndim == 4 and draw.flag():
            y = PF.convolution(x, draw.number(2, 5), (1, 1))
        else:
            y = PF.affine(x, draw.number(2, 5))
    for key, parameter in nn.get_parameters().items():
        if key.startswith(name):
            parameter.d = draw.random.normal(0, 0.5, parameter.shape)
    return y


def _kind(make, shape=None, error=0.08, last=True):
    def member(draw):
        x = _begun(draw, shape(draw) if shape else None)
        h = _layer(draw, x, "front") if draw.flag() and not shape else x
        y = make(draw, h)
        if last and draw.flag():
            y = _layer(draw, y, "back")
        return NnablaMember(x, y, error=error)

    return member


def _crelu(draw, x):
    return F.crelu(x, axis=1)


def _maxout(draw, x):
    count = draw.number(2, 4)
    several = PF.affine(x, draw.number(2, 4) * count)
    for parameter in nn.get_parameters().values():
        parameter.d = draw.random.normal(0, 0.5, parameter.shape)
    return F.max(F.reshape(several, (x.shape[0], several.shape[1] // count, count)), axis=2)


def _tile(draw, x):
    return F.relu(F.tile(x, (1, *(draw.pick(1, 2, 3) for _ in x.shape[1:]))))


def _narrow(draw):
    return tuple(draw.pick(size, 1) for size in draw.image())


def _broadcast(draw, x):
    wide = tuple(size if size > 1 else draw.number(1, 4) for size in x.shape[1:])
    return F.relu(F.broadcast(x, (x.shape[0], *wide)))


def _interpolate(draw, x):
    mode = draw.pick("nearest", "linear")
    scale = (draw.pick(1, 2, 3, 1.5), draw.pick(1, 2, 4, 0.5))
    scale = tuple(factor if int(size * factor) > 0 else 1 for size, factor in zip(x.shape[2:], scale, strict=True))
    fields = draw.pick({}, {"half_pixel": True}, {"align_corners": True}, {"align_corners": False})
    if mode == "nearest" and draw.flag():
        fields = {"half_pixel_for_nn": True, "half_pixel": True}
    return F.relu(F.interpolate(x, scale=scale, mode=mode, **fields))


def _moved(draw, x):
    """Shuffles of channels and of pixels: reshapes and transpositions of four to six axes."""
    batch, channels, height, width = x.shape
    form = draw.pick("channels", "pixels", "unpixels", "any")
    if form == "channels":
        y = F.reshape(x, (batch, 2, channels // 2, height, width))
        return F.reshape(F.transpose(y, (0, 2, 1, 3, 4)), x.shape)
    if form == "pixels":
        y = F.transpose(F.reshape(x, (batch, channels // 4, 2, 2, height, width)), (0, 1, 4, 2, 5, 3))
        return F.reshape(y, (batch, channels // 4, 2 * height, 2 * width))
    y = F.reshape(x, (batch, channels, height // 2, 2, width // 2, 2))
    order = (0, 1, 3, 5, 2, 4) if form == "unpixels" else (0, *(1 + place for place in draw.order(5)))
    return F.reshape(F.transpose(y, order), (batch, 4 * channels, height // 2, width // 2))


def _even(draw):
    return draw.pick(4, 8), draw.pick(2, 4), draw.pick(2, 4)


def _stepped(draw, x):
    """Every second row or column, as a Focus or a shortcut takes them."""
    places = [slice(draw.number(0, 1), None, draw.pick(1, 2)) for _ in range(2)]
    return F.relu(x[:, :, places[0], places[1]])


def _large(draw):
    return draw.number(1, 4), draw.number(2, 5), draw.number(2, 5)


def _index(draw):
    """Max with only_index at the end."""
    x = _begun(draw, draw.pick((draw.number(2, 6),), (draw.number(2, 4), draw.number(2, 4), draw.number(2, 4))))
    y = _layer(draw, x, "front")
    axis = draw.number(1, y.ndim - 1)
    return NnablaMember(x, F.max(y, axis=axis, keepdims=draw.flag(), only_index=True), cut=True)


def _pruned(draw, x):
    """Prune of parameters, in a layer written out."""
    weight = nn.parameter.get_parameter_or_create("w", (draw.number(2, 4), x.shape[1], 1, 1))
    weight.d = draw.random.normal(0, 1, weight.shape)
    return F.convolution(x, F.prune(weight, rate=draw.pick(0.1, 0.5, 0.9)))


def _pruned_values(draw):
    """Prune of computed values, a frame at a time: nnabla takes the whole batch together."""
    x = _begun(draw, draw.pick((draw.number(4, 30),), draw.image(2, 4)), 1)
    y = F.prune(x if draw.flag() else F.tanh(x), rate=draw.pick(0.0, 0.1, 0.5, 0.75, 0.9))
    if draw.flag():
        y = _layer(draw, y, "back")
    # Where two magnitudes are all but equal, integers may keep the other one.
    return NnablaMember(x, y, error=1.0)


def _normalized(draw):
    """Statistics of each sample are no constants: refused, with what to train instead."""
    x = _begun(draw, (draw.pick(2, 4), draw.number(2, 4), draw.number(2, 4)))
    kind = draw.pick("group", "instance", "layer")
    if kind == "group":
        y = PF.group_normalization(x, 2)
    else:
        y = PF.instance_normalization(x) if kind == "instance" else PF.layer_normalization(x)
    return NnablaMember(x, _layer(draw, y, "back"), refused="BatchNormalization")


def _ended(draw):
    """Endings: softmax and its logarithm, losses."""
    x = _begun(draw)
    scores = _layer(draw, x, "front")
    if scores.ndim > 2:
        scores = _layer(draw, F.reshape(scores, (3, -1)), "flat")
    form = draw.pick("softmax", "log", "sigmoid", "squared", "cross")
    if form == "sigmoid":
        return NnablaMember(x, F.sigmoid(scores))
    return NnablaMember(x, F.softmax(scores) if form == "softmax" else F.log_softmax(scores), cut=True)


def _image(draw):
    return draw.image(2, 5)


KINDS = {
    "nnabla: CReLU": _kind(_crelu),
    "nnabla: Maxout": _kind(_maxout),
    "nnabla: BinaryTanh": _kind(lambda draw, x: F.binary_tanh(x), error=3.5, last=False),
    "nnabla: Tile": _kind(_tile),
    "nnabla: Broadcast": _kind(_broadcast, _narrow),
    "nnabla: Interpolate": _kind(_interpolate, _image),
    "nnabla: shuffles": _kind(lambda draw, x: F.relu(_moved(draw, x)), _even),
    "nnabla: steps": _kind(_stepped, _large),
    "nnabla: index of the greatest": _index,
    "nnabla: Prune of parameters": _kind(_pruned, _image),
    "nnabla: Prune of values": _pruned_values,
    "nnabla: endings": _ended,
    "nnabla: norms of samples (refused)": _normalized,
}
