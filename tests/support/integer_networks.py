"""Random integer networks for tests."""

from __future__ import annotations

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.integer.accumulators import layer_bounds
from fpgaq.integer.check import check
from fpgaq.integer.graph import (
    InputTransform,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerRelu,
    Requantize,
    Tensor,
)
from fpgaq.model.graph import window_count


def one_layer(op, source: Tensor, target: Tensor, seed: int = 0) -> IntegerGraph:
    """A network of one operator."""
    return network((op,), (source, target), seed)


def network(operators, tensors, seed: int = 0, classifier: bool = False) -> IntegerGraph:
    """A checked network whose first tensor is the only input and whose last is the only output."""
    return dag(operators, tensors, (tensors[0].name,), (tensors[-1].name,), seed, classifier)


def dag(operators, tensors, inputs, outputs, seed: int = 0, classifier: bool = False) -> IntegerGraph:
    """A checked network of any inputs and outputs, with random samples."""
    known = {tensor.name: tensor for tensor in tensors}
    generator = np.random.default_rng(seed)
    images = {name: tuple(known[name].shape[axis] for axis in (2, 0, 1)) for name in (*inputs, *outputs)}

    def samples(tensor: Tensor) -> np.ndarray:
        fmt = tensor.format
        return generator.integers(fmt.minimum, fmt.maximum, size=(3, *tensor.shape), endpoint=True)

    return check(
        IntegerGraph(
            name="test",
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            tensors=known,
            operators=tuple(operators),
            transforms={name: InputTransform(1.0, 0.0, "half_up", images[name], images[name]) for name in inputs},
            output_shapes={name: images[name] for name in outputs},
            samples={name: samples(known[name]) for name in inputs},
            classifier=classifier,
        )
    )


def convolution_network(
    seed: int = 0,
    size=(5, 6),
    channels: int = 4,
    outputs: int = 4,
    kernel=(3, 3),
    stride=(1, 1),
    padding=(1, 1, 1, 1),
    dilation=(1, 1),
    groups: int = 1,
    bits: int = 8,
    weight_bits: int = 8,
    signed: bool = True,
    rounding="half_up",
    shifts=(5,),
    relu: bool = False,
    final: bool = False,
) -> IntegerGraph:
    """One random convolution; `final` leaves the accumulator as the output."""
    generator = np.random.default_rng(seed)
    fmt, weight_format = Format(bits, 4, signed), Format(weight_bits, 6)
    weight = generator.integers(
        weight_format.minimum, weight_format.maximum, size=(outputs, *kernel, channels // groups), endpoint=True
    )
    bias = generator.integers(-1000, 1000, size=outputs)
    padding_value = int(generator.integers(fmt.minimum, fmt.maximum, endpoint=True))
    width = layer_bounds(weight, bias, fmt, padding_value).width
    shift = tuple(shifts) if len(shifts) in (1, outputs) else (shifts * outputs)[:outputs]
    # Equal output scale everywhere: a channel with a larger shift has finer weights.
    fracs = tuple(6 + shift[i % len(shift)] - shift[0] for i in range(outputs))
    target_format = Format(width, 10) if final else Format(bits, 10 - shift[0], not relu)
    if final:
        fracs = (6,) * outputs
    target = (
        window_count(size[0], kernel[0], stride[0], dilation[0], padding[0], padding[1]),
        window_count(size[1], kernel[1], stride[1], dilation[1], padding[2], padding[3]),
        outputs,
    )
    op = IntegerConvolution(
        "conv", ("x",), "y", weight, bias, weight_format, fracs, tuple(stride), tuple(padding), tuple(dilation), groups,
        padding_value, width, None if final else Requantize(shift, rounding, relu),
    )  # fmt: skip
    return one_layer(op, Tensor("x", (*size, channels), fmt), Tensor("y", target, target_format), seed)


def small_network(seed: int = 0, rounding="half_up") -> IntegerGraph:
    """Convolution with ReLU, pooling, convolution, ReLU on its own, affine: every operator once."""
    generator = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return generator.integers(-128, 128, size=shape)

    formats = [Format(8, 8, False), Format(8, 6, False), Format(8, 6, False), Format(8, 5), Format(7, 5, False)]
    shapes = [(8, 7, 1), (8, 7, 4), (4, 4, 4), (2, 2, 6), (2, 2, 6)]
    first, second, third = weights(4, 3, 3, 1), weights(6, 3, 3, 2), weights(5, 24)
    biases = [generator.integers(-2000, 2000, size=n) for n in (4, 6, 5)]
    bounds = [
        layer_bounds(first, biases[0], formats[0]),
        layer_bounds(second, biases[1], formats[2]),
        layer_bounds(third, biases[2], formats[4]),
    ]
    byte = Format(8, 7)
    operators = (
        IntegerConvolution(
            "c1", ("t0",), "t1", first, biases[0], byte, (7, 8, 7, 9), (1, 1), (1, 1, 1, 1), (1, 1), 1, 0,
            bounds[0].width, Requantize((9, 10, 9, 11), rounding, True),
        ),
        IntegerMaxPooling("p", ("t1",), "t2", (2, 2), (2, 2), (0, 0, 0, 1)),
        IntegerConvolution(
            "c2", ("t2",), "t3", second, biases[1], byte, (7,) * 6, (1, 1), (0, 0, 0, 0), (1, 1), 2, 0,
            bounds[1].width, Requantize((8,), rounding, False),
        ),
        IntegerRelu("r", ("t3",), "t4"),
        IntegerAffine("a", ("t4",), "t5", third, biases[2], byte, (7,) * 5, bounds[2].width, None),
    )  # fmt: skip
    tensors = [Tensor(f"t{i}", shape, fmt) for i, (shape, fmt) in enumerate(zip(shapes, formats, strict=True))]
    return network(operators, [*tensors, Tensor("t5", (1, 1, 5), Format(bounds[2].width, 12))], seed, classifier=True)
