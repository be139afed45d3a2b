"""Random TensorFlow Lite models of one operator, for every operator and option that the reader claims."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from tests.support.tflite_builder import TfliteBuilder

RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
SAME, VALID = 0, 1


class Maker:
    """A model under construction, and the chances of its parameters."""

    def __init__(self, seed: int, kind: str) -> None:
        self.chance, self.random = Random(f"{seed} {kind}"), np.random.default_rng(seed)
        self.kind, self.model = kind, TfliteBuilder()

    def scale(self, low: float = -8, high: float = 0) -> np.float32:
        return np.float32(2 ** self.chance.uniform(low, high))

    def zero(self) -> int:
        return 0 if self.kind == "int16" else self.chance.randint(*RANGES[self.kind])

    def image(self, most: int = 7, channels: int = 5) -> tuple[int, int, int, int]:
        pick = self.chance.randint
        return 1, pick(2, most), pick(2, most), pick(1, channels)

    def input(self, shape, scale=None, zero=None) -> int:
        scale = self.scale() if scale is None else scale
        return self.model.input(shape, self.kind, scale, self.zero() if zero is None else zero)

    def output(self, shape, scale=None, zero=None) -> int:
        scale = self.scale() if scale is None else scale
        index = self.model.tensor(shape, self.kind, scale, self.zero() if zero is None else zero, name="y")
        self.model.outputs.append(index)
        return index

    def centered(self, index: int, step: float, source: str = "") -> int:
        """A zero point with which the middle of another tensor's range lies near the middle of the output's."""
        if self.kind == "int16":
            return 0
        least, greatest = RANGES[source or self.kind]
        real = ((least + greatest) / 2 - int(self.model.tensors[index]["zero"][0])) * self.step(index)
        low, high = RANGES[self.kind]
        return int(np.clip((low + high) / 2 - real / step + self.chance.randint(-30, 30), low, high))

    def like(self, index: int, shape) -> int:
        """An output in the scale of another tensor."""
        entry = self.model.tensors[index]
        return self.output(shape, entry["scale"], entry["zero"])

    def constant(self, values, kind="int32", scale=(), zero=(), axis=0) -> int:
        values = np.asarray(values)
        return self.model.tensor(values.shape, kind, scale, zero, values, axis)

    def step(self, index: int) -> float:
        return float(self.model.tensors[index]["scale"][0])

    def activation(self) -> int:
        return self.chance.choice((0, 0, 1, 3, 2))


def _window(maker: Maker, shape, kernel, dilation=1) -> tuple[int, tuple[int, int], tuple[int, int]]:
    """Padding, stride and output size."""
    stride = maker.chance.randint(1, 3), maker.chance.randint(1, 3)
    reach = [(k - 1) * dilation + 1 for k in kernel]
    padding = (
        maker.chance.choice((SAME, VALID)) if all(r <= n for r, n in zip(reach, shape[1:3], strict=True)) else SAME
    )
    size = [
        -(-n // s) if padding == SAME else (n - r) // s + 1 for n, r, s in zip(shape[1:3], reach, stride, strict=True)
    ]
    return padding, stride, (size[0], size[1])


def _weights(maker: Maker, shape, outputs: int, axis: int) -> tuple[int, np.ndarray]:
    """Weights with one scale or one for each output, and these scales."""
    if maker.kind == "uint8":
        scale = np.array([maker.scale()])
        values = maker.random.integers(0, 256, shape)
        return maker.constant(values, "uint8", scale, maker.chance.randint(100, 150), axis), scale
    count = maker.chance.choice((1, outputs))
    scale = np.array([maker.scale() for _ in range(count)], np.float32)
    return maker.constant(maker.random.integers(-127, 128, shape), "int8", scale, [0] * count, axis), scale


def _bias(maker: Maker, outputs: int, steps: np.ndarray, reach: float) -> int:
    kind = "int64" if maker.kind == "int16" else "int32"
    return maker.constant(maker.random.integers(-reach, reach + 1, outputs), kind, steps, [0] * len(steps))


def _target(maker: Maker, shape, taps: int, step: float) -> int:
    """An output whose range holds most sums of random products."""
    least, greatest = RANGES[maker.kind]
    width = greatest - least
    deviation = np.sqrt(taps) * 73 * width / 3.5 * step
    scale = np.float32(deviation * maker.chance.uniform(3, 6) / width)
    zero = 0 if maker.kind == "int16" else (least + greatest) // 2 + maker.chance.randint(-60, 60)
    return maker.output(shape, scale, zero)


def _convolution(depthwise: bool) -> Callable[[Maker], None]:
    def build(maker: Maker) -> None:
        shape, chance = maker.image(), maker.chance
        kernel = chance.randint(1, 3), chance.randint(1, 3)
        channels, dilation = shape[3], chance.choice((1, 1, 2))
        multiplier = chance.randint(1, 2)
        outputs = channels * multiplier if depthwise else chance.randint(1, 6)
        padding, stride, size = _window(maker, shape, kernel, dilation)
        if depthwise:
            # LiteRT's kernel takes one stride for both axes.
            stride = (stride[0], stride[0])
            reach = [(k - 1) * dilation + 1 for k in kernel]
            size = tuple(
                -(-n // stride[0]) if padding == SAME else (n - r) // stride[0] + 1
                for n, r in zip(shape[1:3], reach, strict=True)
            )
        x = maker.input(shape)
        form = (1, *kernel, outputs) if depthwise else (outputs, *kernel, channels)
        weights, scales = _weights(maker, form, outputs, 3 if depthwise else 0)
        steps = (maker.step(x) * scales).astype(np.float32)
        taps = kernel[0] * kernel[1] * (1 if depthwise else channels)
        bias = _bias(maker, outputs, steps, 5000)
        y = _target(maker, (1, *size, outputs), taps, float(steps.max()))
        options = {"DepthMultiplier": multiplier} if depthwise else {}
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        maker.model.node(
            kind, (x, weights, bias), (y,), "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
            Padding=padding, StrideH=stride[0], StrideW=stride[1], DilationHFactor=dilation, DilationWFactor=dilation,
            FusedActivationFunction=maker.activation(), **options,
        )  # fmt: skip

    return build


def transpose_conv(maker: Maker) -> None:
    shape, chance = maker.image(5), maker.chance
    stride, kernel = (chance.randint(1, 3), chance.randint(1, 3)), (chance.randint(1, 4), chance.randint(1, 4))
    padding = chance.choice((SAME, VALID))
    size = [n * s if padding == SAME else (n - 1) * s + k for n, s, k in zip(shape[1:3], stride, kernel, strict=True)]
    outputs = chance.randint(1, 4)
    x = maker.input(shape)
    weights, scales = _weights(maker, (outputs, *kernel, shape[3]), outputs, 0)
    steps = (maker.step(x) * scales).astype(np.float32)
    y = _target(maker, (1, *size, outputs), max(1, kernel[0] * kernel[1] * shape[3] // 2), float(steps.max()))
    sizes = maker.constant([1, *size, outputs])
    inputs = (sizes, weights, x)
    if chance.random() < 0.5:
        inputs = (*inputs, _bias(maker, outputs, steps, 3000))
    maker.model.node(
        "TRANSPOSE_CONV", inputs, (y,), "TransposeConvOptions", Padding=padding, StrideH=stride[0], StrideW=stride[1],
        FusedActivationFunction=maker.activation() if chance.random() < 0.5 else 0,
    )  # fmt: skip


def fully_connected(maker: Maker) -> None:
    chance = maker.chance
    features, outputs = chance.randint(1, 30), chance.randint(1, 8)
    x = maker.input((1, features))
    weights, scales = _weights(maker, (outputs, features), outputs, 0)
    steps = (maker.step(x) * scales).astype(np.float32)
    y = _target(maker, (1, outputs), features, float(steps.max()))
    bias = _bias(maker, outputs, steps, 5000) if chance.random() < 0.8 else -1
    maker.model.node(
        "FULLY_CONNECTED", (x, weights, bias), (y,), "FullyConnectedOptions",
        FusedActivationFunction=maker.activation(),
    )  # fmt: skip


def _pool(kind: str) -> Callable[[Maker], None]:
    def build(maker: Maker) -> None:
        shape = maker.image()
        kernel = maker.chance.randint(1, 3), maker.chance.randint(1, 3)
        padding, stride, size = _window(maker, shape, kernel)
        x = maker.input(shape)
        y = maker.like(x, (1, *size, shape[3]))
        activation = maker.activation() if maker.kind != "int16" else 0
        maker.model.node(
            kind, (x,), (y,), "Pool2DOptions", Padding=padding, StrideH=stride[0], StrideW=stride[1],
            FilterHeight=kernel[0], FilterWidth=kernel[1], FusedActivationFunction=activation,
        )  # fmt: skip

    return build


def mean(maker: Maker) -> None:
    shape, chance = maker.image(), maker.chance
    axes = chance.choice(([1, 2], [1], [2], [2, 1], [3], [-1], [1, 2, 3]))
    places = {axis % 4 for axis in axes}
    kept = chance.random() < 0.5
    wanted = [1 if axis in places else size for axis, size in enumerate(shape)]
    if not kept:
        wanted = [size for axis, size in enumerate(shape) if axis not in places]
    x = maker.input(shape)
    step = np.float32(maker.step(x) * chance.uniform(0.3, 1.5))
    y = maker.output(wanted, step, maker.centered(x, float(step)))
    maker.model.node("MEAN", (x, maker.constant(axes)), (y,), "ReducerOptions", KeepDims=kept)


def _join(kind: str, options: str) -> Callable[[Maker], None]:
    def build(maker: Maker) -> None:
        shape, chance = maker.image(), maker.chance
        first, second = maker.scale(-4), maker.scale(-4)
        if chance.random() < 0.2:
            second = first
        form = chance.choice(("tensors", "tensors", "number", "channels", "pixel", "turned"))
        x = maker.input(shape, first)
        if form in ("tensors", "pixel"):
            other = maker.input(shape if form == "tensors" else (1, 1, 1, shape[3]), second)
        else:
            size = (1,) if form == "number" else (shape[3],)
            zero = maker.zero()
            other = maker.constant(maker.random.integers(*RANGES[maker.kind], size), maker.kind, second, zero)
        width = RANGES[maker.kind][1] - RANGES[maker.kind][0]
        reach = float(first) * float(second) * width * width / 6 if kind == "MUL" else max(first, second) * width
        y = maker.output(shape, np.float32(reach / width * chance.uniform(0.5, 1.2)))
        inputs = (other, x) if form == "turned" else (x, other)
        maker.model.node(kind, inputs, (y,), options, FusedActivationFunction=maker.activation())

    return build


def concatenation(maker: Maker) -> None:
    shape, chance = list(maker.image()), maker.chance
    axis, count = chance.choice((3, 3, -1, 1, 2)), chance.randint(2, 3)
    scale, zero, parts = maker.scale(), maker.zero(), []
    total = 0
    for _ in range(count):
        part = list(shape)
        part[axis] = chance.randint(1, 4)
        total += part[axis]
        other = maker.kind == "uint8" and chance.random() < 0.5
        parts.append(maker.input(part, scale * np.float32(1.3) if other else scale, None if other else zero))
    shape[axis] = total
    y = maker.output(shape, scale, zero)
    maker.model.node("CONCATENATION", parts, (y,), "ConcatenationOptions", Axis=axis)


def split(maker: Maker) -> None:
    shape, chance = list(maker.image()), maker.chance
    axis, count = chance.choice((1, 2, 3, -1)), chance.randint(2, 3)
    part = list(shape)
    shape[axis] = part[axis] * count
    x = maker.input(shape)
    outputs = [maker.like(x, part) for _ in range(count)]
    for index, output in enumerate(outputs):
        maker.model.tensors[output]["name"] = f"y{index}"
    maker.model.node("SPLIT", (maker.constant(axis), x), outputs, "SplitOptions", NumSplits=count)


def _pad(kind: str) -> Callable[[Maker], None]:
    def build(maker: Maker) -> None:
        shape, chance = maker.image(), maker.chance
        mode = chance.choice((0, 1)) if kind == "MIRROR_PAD" else 0
        most = 1 if mode == 1 or kind == "MIRROR_PAD" else 3
        rows, columns = ([chance.randint(0, most) for _ in range(2)] for _ in range(2))
        x = maker.input(shape)
        y = maker.like(x, (1, shape[1] + sum(rows), shape[2] + sum(columns), shape[3]))
        inputs = (x, maker.constant([[0, 0], rows, columns, [0, 0]]))
        entry = maker.model.tensors[x]
        if kind == "PADV2":
            value = chance.randint(*RANGES[maker.kind])
            inputs = (*inputs, maker.constant([value], maker.kind, entry["scale"], entry["zero"]))
        options = {"MIRROR_PAD": "MirrorPadOptions", "PADV2": "PadV2Options"}.get(kind, "PadOptions")
        maker.model.node(kind, inputs, (y,), options, **({"Mode": mode} if kind == "MIRROR_PAD" else {}))

    return build


def reshape(maker: Maker) -> None:
    shape = maker.image()
    flat = shape[1] * shape[2] * shape[3]
    wanted = maker.chance.choice(((1, flat), (1, shape[1] * shape[2], shape[3]), (1, shape[2], shape[1], shape[3])))
    x = maker.input(shape)
    y = maker.like(x, wanted)
    maker.model.node("RESHAPE", (x, maker.constant(wanted)), (y,), "ReshapeOptions", NewShape=list(wanted))


def squeeze(maker: Maker) -> None:
    channels = maker.chance.randint(1, 9)
    x = maker.input((1, 1, 1, channels))
    y = maker.like(x, (1, channels))
    maker.model.node("SQUEEZE", (x,), (y,), "SqueezeOptions", SqueezeDims=[1, 2])


def expand_dims(maker: Maker) -> None:
    shape = maker.image()[:3]
    x = maker.input(shape)
    place = maker.chance.choice((1, 2, 3, -1))
    wanted = list(shape)
    wanted.insert(place if place >= 0 else 3, 1)
    y = maker.like(x, wanted)
    maker.model.node("EXPAND_DIMS", (x, maker.constant([place])), (y,), "ExpandDimsOptions")


def softmax(maker: Maker) -> None:
    x = maker.input((1, maker.chance.randint(1, 20)), maker.scale(-6, 1))
    zero = RANGES[maker.kind][0]
    y = maker.output(maker.model.tensors[x]["shape"], np.float32(1 / 256), zero)
    maker.model.node("SOFTMAX", (x,), (y,), "SoftmaxOptions", Beta=maker.chance.choice((1.0, 1.0, 0.7, 2.0)))


def _unary(kind: str, options: str = "", scale: float = 0, **values) -> Callable[[Maker], None]:
    def build(maker: Maker) -> None:
        shape = maker.image(4)
        x = maker.input(shape, maker.scale(-7, -3))
        step = np.float32(scale) if scale else np.float32(maker.step(x) * maker.chance.uniform(0.6, 1.5))
        zero = None
        if kind == "LOGISTIC":
            zero = RANGES[maker.kind][0]
        elif kind == "HARD_SWISH":
            step = np.float32(maker.step(x) * maker.chance.uniform(0.9, 1.5))
        y = maker.output(shape, step, zero)
        chosen = {key: maker.chance.choice(value) for key, value in values.items()}
        maker.model.node(kind, (x,), (y,), options, **chosen)

    return build


def prelu(maker: Maker) -> None:
    shape = maker.image(4)
    x = maker.input(shape, maker.scale(-7, -3))
    y = maker.output(shape, np.float32(maker.step(x) * maker.chance.uniform(0.6, 1.5)))
    size = maker.chance.choice(((1, 1, shape[3]), (1, 1, 1)))
    slopes = maker.random.integers(*RANGES[maker.kind], size)
    alpha = maker.constant(slopes, maker.kind, maker.scale(-8, -6), maker.zero())
    maker.model.node("PRELU", (x, alpha), (y,))


def quantize(maker: Maker) -> None:
    shape = maker.image(4)
    x = maker.input(shape, maker.scale(-7, -3))
    kind = maker.chance.choice(("int8", "int16", "uint8") if maker.kind != "int16" else ("int8", "int16"))
    ratio = {"int8": 1, "uint8": 1, "int16": 256}
    step = maker.step(x) * ratio[maker.kind] / ratio[kind] * maker.chance.uniform(0.5, 2)
    if maker.chance.random() < 0.2 and "int16" not in (kind, maker.kind):
        step = maker.step(x)
    source, maker.kind = maker.kind, kind
    y = maker.output(shape, np.float32(step), maker.centered(x, step, source))
    maker.model.node("QUANTIZE", (x,), (y,), "QuantizeOptions")


def quantize_real(maker: Maker) -> None:
    """Real numbers in, real numbers out, a QUANTIZE and a DEQUANTIZE at the ends."""
    shape = maker.image(4)
    x = maker.model.input(shape, "float32")
    scale, zero = maker.scale(-4, 1), maker.zero()
    inner = maker.model.tensor(shape, maker.kind, scale, zero)
    pooled = maker.model.tensor((1, shape[1], shape[2], shape[3]), maker.kind, scale, zero)
    y = maker.model.tensor(shape, "float32", name="y")
    maker.model.outputs.append(y)
    maker.model.node("QUANTIZE", (x,), (inner,), "QuantizeOptions")
    maker.model.node(
        "MAX_POOL_2D", (inner,), (pooled,), "Pool2DOptions", Padding=SAME, StrideH=1, StrideW=1, FilterHeight=2,
        FilterWidth=2,
    )  # fmt: skip
    maker.model.node("DEQUANTIZE", (pooled,), (y,), "DequantizeOptions")


def slice_of(maker: Maker) -> None:
    shape, chance = maker.image(), maker.chance
    begin = [0, *(chance.randint(0, size - 1) for size in shape[1:])]
    sizes = [1, *(chance.randint(1, size - start) for size, start in zip(shape[1:], begin[1:], strict=True))]
    wanted = list(sizes)
    if chance.random() < 0.3:
        sizes[2], wanted[2] = -1, shape[2] - begin[2]
    x = maker.input(shape)
    y = maker.like(x, wanted)
    maker.model.node("SLICE", (x, maker.constant(begin), maker.constant(sizes)), (y,), "SliceOptions")


def strided_slice(maker: Maker) -> None:
    shape, chance = maker.image(), maker.chance
    begin, end, stride, wanted = [0], [1], [1], [1]
    masks = {"BeginMask": 1, "EndMask": 1}
    for axis in (1, 2, 3):
        size = shape[axis]
        first, step = chance.randint(0, size - 1), chance.choice((1, 2)) if axis < 3 else 1
        last = chance.randint(first + 1, size)
        for name, value, whole in (("BeginMask", first, 0), ("EndMask", last, size)):
            if value == whole or chance.random() < 0.2:
                masks[name] |= 1 << axis
        first = 0 if masks["BeginMask"] >> axis & 1 else first
        last = size if masks["EndMask"] >> axis & 1 else last
        begin.append(first - size if chance.random() < 0.3 else first)
        end.append(last)
        stride.append(step)
        wanted.append(-(-(last - first) // step))
    x = maker.input(shape)
    y = maker.like(x, wanted)
    places = tuple(maker.constant(values) for values in (begin, end, stride))
    maker.model.node("STRIDED_SLICE", (x, *places), (y,), "StridedSliceOptions", **masks)


def resize(maker: Maker) -> None:
    shape, chance = maker.image(4), maker.chance
    size = [shape[1] * chance.randint(1, 3), shape[2] * chance.randint(1, 3)]
    x = maker.input(shape)
    y = maker.like(x, (1, *size, shape[3]))
    maker.model.node(
        "RESIZE_NEAREST_NEIGHBOR", (x, maker.constant(size)), (y,), "ResizeNearestNeighborOptions",
        HalfPixelCenters=chance.random() < 0.5,
    )  # fmt: skip


def transpose(maker: Maker) -> None:
    shape = maker.image()
    order = [0, *maker.chance.sample((1, 2, 3), 3)]
    x = maker.input(shape)
    y = maker.like(x, [shape[axis] for axis in order])
    maker.model.node("TRANSPOSE", (x, maker.constant(order)), (y,), "TransposeOptions")


def arg_max(maker: Maker) -> None:
    shape = maker.image(4, 9)
    x = maker.input(shape)
    maker.model.outputs.append(maker.model.tensor(shape[:3], "int32", name="y"))
    axis = maker.constant(maker.chance.choice((3, -1)))
    maker.model.node("ARG_MAX", (x, axis), maker.model.outputs, "ArgMaxOptions", OutputType=2)


BYTES = ("int8", "uint8")
ALL = ("int8", "uint8", "int16")
OPERATORS: dict[str, tuple[Callable[[Maker], None], tuple[str, ...]]] = {
    "ADD": (_join("ADD", "AddOptions"), ALL),
    "ARG_MAX": (arg_max, BYTES),
    "AVERAGE_POOL_2D": (_pool("AVERAGE_POOL_2D"), ALL),
    "CONCATENATION": (concatenation, ALL),
    "CONV_2D": (_convolution(False), ALL),
    "DEPTHWISE_CONV_2D": (_convolution(True), ALL),
    "ELU": (_unary("ELU"), ("int8",)),
    "EXPAND_DIMS": (expand_dims, ALL),
    "FULLY_CONNECTED": (fully_connected, ALL),
    "HARD_SWISH": (_unary("HARD_SWISH"), BYTES),
    "LEAKY_RELU": (_unary("LEAKY_RELU", "LeakyReluOptions", Alpha=(0.1, 0.3, 0.01)), ALL),
    "LOGISTIC": (_unary("LOGISTIC", scale=1 / 256), BYTES),
    "MAX_POOL_2D": (_pool("MAX_POOL_2D"), ALL),
    "MEAN": (mean, ALL),
    "MIRROR_PAD": (_pad("MIRROR_PAD"), ("int8", "uint8")),
    "MUL": (_join("MUL", "MulOptions"), ALL),
    "PAD": (_pad("PAD"), ALL),
    "PADV2": (_pad("PADV2"), ("int8", "uint8")),
    "PRELU": (prelu, BYTES),
    "QUANTIZE": (quantize, ALL),
    "QUANTIZE and DEQUANTIZE": (quantize_real, ALL),
    "RELU": (_unary("RELU"), ALL),
    "RELU6": (_unary("RELU6"), ALL),
    "RELU_N1_TO_1": (_unary("RELU_N1_TO_1"), BYTES),
    "RESHAPE": (reshape, ALL),
    "RESIZE_NEAREST_NEIGHBOR": (resize, ALL),
    "SLICE": (slice_of, ALL),
    "SOFTMAX": (softmax, BYTES),
    "SPLIT": (split, ALL),
    "SQUEEZE": (squeeze, ALL),
    "STRIDED_SLICE": (strided_slice, ALL),
    "SUB": (_join("SUB", "SubOptions"), ALL),
    "TANH": (_unary("TANH"), BYTES),
    "TRANSPOSE": (transpose, ALL),
    "TRANSPOSE_CONV": (transpose_conv, ALL),
}
"""For each operator its builder and the types in which LiteRT has it."""


def build(operator: str, kind: str, seed: int) -> bytes:
    """A model of one operator."""
    maker = Maker(seed, kind)
    OPERATORS[operator][0](maker)
    return maker.model.build()


def build_float(operator: str, seed: int) -> bytes:
    """The same model with real numbers: the operator, its shapes and options are those of `build`."""
    maker = Maker(seed, "int8")
    OPERATORS[operator][0](maker)
    random = np.random.default_rng(seed)
    for entry in maker.model.tensors:
        if entry["kind"] == "int32" and entry["data"] is not None and not entry["scale"].size:
            continue
        if entry["kind"] == "int32" and entry["data"] is None:
            continue
        entry["kind"], entry["scale"], entry["zero"] = "float32", np.zeros(0, np.float32), np.zeros(0, np.int64)
        if entry["data"] is not None:
            entry["data"] = random.normal(size=entry["shape"])
    return maker.model.build()
