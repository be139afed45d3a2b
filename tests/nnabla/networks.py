"""Networks of the kinds that people convert, with random weights and statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.nnabla_networks import make, randomize

NAMES = ("mobilenet", "lenet", "batch_normalized", "residual", "mlp")


def mobilenet(f: Any, pf: Any, x: Any, width: int = 2, batch_stat: bool = False) -> Any:
    """MobileNet v1 at full depth: preprocessing, a padded convolution, 13 depthwise-separable blocks."""
    h = f.add_scalar(f.mul_scalar(x, 0.01735), -1.99)
    h = f.pad(h, (0, 1, 0, 1), "constant", 0.0)

    def normalized(h: Any, name: str) -> Any:
        return f.relu(pf.batch_normalization(h, batch_stat=batch_stat, name=name))

    h = normalized(pf.convolution(h, 4 * width, (3, 3), stride=(2, 2), with_bias=False, name="conv1"), "conv1_bn")
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    for index, stride in enumerate(strides, 1):
        maps = h.shape[1] * (2 if stride == 2 or index == 1 else 1)
        h = pf.depthwise_convolution(
            h, (3, 3), pad=(1, 1), stride=(stride, stride), with_bias=False, name=f"conv{index + 1}_dw"
        )
        h = normalized(h, f"conv{index + 1}_dw_bn")
        h = pf.convolution(h, min(maps, 8 * width), (1, 1), with_bias=False, name=f"conv{index + 1}_pw")
        h = normalized(h, f"conv{index + 1}_pw_bn")
    h = f.average_pooling(h, h.shape[2:])
    return f.softmax(pf.affine(h, 10, name="fc"))


def build(nn: Any, name: str, seed: int = 7) -> tuple[Any, Any]:
    """(input, output) with reproducible weights and signals that neither die nor explode; x holds data."""
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    generator = np.random.default_rng(seed)
    np.random.seed(seed)
    if name in ("mobilenet", "mlp"):
        nn.clear_parameters()
        nn.seed(seed)
        if name == "mobilenet":
            x = nn.Variable((2, 3, 48, 48))
            y = mobilenet(f, pf, x)
        else:
            x = nn.Variable((2, 20))
            h = f.relu(pf.affine(x, 16, name="a"))
            y = pf.affine(f.relu(pf.affine(h, 12, name="b")), 5, name="c")
        randomize(nn, seed)
    else:
        x, y = make(nn, name, seed)
    x.d = generator.uniform(0, 255, x.shape) if name in ("mobilenet", "lenet") else generator.normal(size=x.shape)
    settle(y)
    return x, y


def settle(y: Any) -> None:
    """Set running statistics to those of the data on the way, so that signals keep their size."""

    def visit(function: Any) -> None:
        if function.info.type_name == "BatchNormalization":
            source = function.inputs[0]
            source.forward()
            axes = tuple(axis for axis in range(source.d.ndim) if axis != 1)
            function.inputs[-2].d = source.d.mean(axis=axes, keepdims=True).reshape(function.inputs[-2].shape)
            function.inputs[-1].d = source.d.var(axis=axes, keepdims=True).reshape(function.inputs[-1].shape) + 1e-3

    y.visit(visit)


def kinds(root: Any) -> list[str]:
    found: list[str] = []
    root.visit(lambda function: found.append(function.info.type_name))
    return found


def values(root: Any) -> np.ndarray[Any, Any]:
    root.forward()
    return root.d.copy()
