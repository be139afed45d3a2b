"""Random networks with forks and joins, held against onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.onnx_models import compare, model, node

KINDS = ["Conv", "depthwise", "pool", "act", "residual", "gate", "concat", "bn", "up", "pad", "deconv", "split"]


def random_network(seed):
    """A chain with forks and joins over images or rows, with a Gemm at its end."""
    generator = np.random.default_rng(seed)

    def pick(*options):
        return options[generator.integers(len(options))]

    flat = bool(generator.integers(2))
    channels, sizes = int(pick(1, 2, 4)), [int(n) for n in generator.integers(6, 12, 1 if flat else 2)]
    nodes, constants, current = [], {}, "x"
    inputs = {"x": (2, channels, *sizes)}

    def weight(*shape):
        name = f"w{len(constants)}"
        constants[name] = generator.normal(0, 1 / np.sqrt(np.prod(shape[1:]) or 1), shape).astype(np.float32)
        return name

    def emit(kind, names, **attributes):
        name = f"t{len(nodes)}"
        nodes.append(node(kind, names, [name], **attributes))
        return name

    for _ in range(int(generator.integers(3, 9))):
        rank = len(sizes)
        kind = pick(
            "Conv", "depthwise", "pool", "act", "residual", "gate", "concat", "bn", "up", "pad", "deconv", "split"
        )
        if kind in ("Conv", "depthwise"):
            kernel = [min(int(pick(1, 2, 3)), size) for size in sizes]
            groups = channels if kind == "depthwise" else 1
            outputs = channels if kind == "depthwise" else int(pick(2, 4, 5))
            names = [current, weight(outputs, channels // groups, *kernel), weight(outputs)]
            current = emit("Conv", names, auto_pad=pick("SAME_UPPER", "SAME_LOWER"), group=groups)
            channels = outputs
        elif kind == "pool" and min(sizes) >= 4:
            current = emit(pick("MaxPool", "AveragePool"), [current], kernel_shape=[2] * rank, strides=[2] * rank)
            sizes = [size // 2 for size in sizes]
        elif kind == "act":
            current = emit(pick("Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Softplus", "Abs"), [current])
        elif kind == "residual":
            current = emit(pick("Add", "Sub", "Mul"), [current, emit("Tanh", [current])])
        elif kind == "gate":
            pooled = emit("GlobalAveragePool", [current])
            current = emit("Mul", [current, emit("Sigmoid", [pooled])])
        elif kind == "concat":
            current, channels = emit("Concat", [current, emit("Relu", [current])], axis=1), 2 * channels
        elif kind == "bn":
            names = [weight(channels) for _ in range(4)]
            constants[names[3]] = np.abs(constants[names[3]]) + np.float32(0.5)
            current = emit("BatchNormalization", [current, *names])
        elif kind == "up" and max(sizes) <= 12:
            factors = [int(n) for n in generator.integers(1, 4, rank)]
            name = weight(2 + rank)
            constants[name] = np.array([1, 1, *factors], np.float32)
            current = emit("Resize", [current, "", name], mode="nearest")
            sizes = [size * factor for size, factor in zip(sizes, factors, strict=True)]
        elif kind == "pad":
            name = weight(1)
            ends = generator.integers(0, 3, (2, rank))
            mode = pick("constant", "edge") if min(sizes) < 3 else pick("constant", "reflect", "edge")
            constants[name] = np.array([0, 0, *ends[0], 0, 0, *ends[1]], np.int64)
            current = emit("Pad", [current, name], mode=mode)
            sizes = [size + int(sum(ends[:, index])) for index, size in enumerate(sizes)]
            if min(sizes) < 4:
                break
        elif kind == "deconv" and max(sizes) <= 12:
            outputs = int(pick(1, 3))
            current = emit("ConvTranspose", [current, weight(channels, outputs, *[2] * rank)], strides=[2] * rank)
            channels, sizes = outputs, [2 * size for size in sizes]
        elif kind == "split" and channels > 1:
            name = f"t{len(nodes)}"
            nodes.append(node("Split", [current], [name, f"{name}b"], axis=1, num_outputs=2))
            channels -= channels // 2
            current = name
    current = emit("Flatten", [current])
    emit("Gemm", [current, weight(5, channels * int(np.prod(sizes))), weight(5)], transB=1)
    return model(nodes, inputs, constants=constants, opset=18)


@pytest.mark.parametrize("seed", range(80))
def test_random_networks_agree_with_onnxruntime(seed):
    compare(random_network(seed), seed)
