"""Networks built with nnabla, random weights and statistics included, for tests of parity with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def randomize(nn: Any, seed: int) -> None:
    """Give batch statistics and biases values that matter; means and variances start as 0 and 1."""
    generator = np.random.default_rng(seed)
    for name, parameter in nn.get_parameters(grad_only=False).items():
        if name.endswith("/var"):
            parameter.d = generator.uniform(0.3, 2.0, parameter.shape)
        elif name.endswith(("/mean", "/beta", "/b")):
            parameter.d = generator.normal(0, 0.3, parameter.shape)
        elif name.endswith("/gamma"):
            parameter.d = generator.uniform(0.5, 1.5, parameter.shape) * generator.choice([-1, 1], parameter.shape)


def lenet(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 1, 28, 28))
    h = f.mul_scalar(x, 1 / 255)
    h = f.relu(f.max_pooling(pf.convolution(h, 6, (5, 5), name="c1"), (2, 2)))
    h = f.max_pooling(f.relu(pf.convolution(h, 8, (5, 5), name="c2")), (2, 2))
    h = f.relu(pf.affine(h, 24, name="a1"))
    return x, f.softmax(pf.affine(h, 10, name="a2"))


def batch_normalized(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 3, 15, 12))
    h = pf.convolution(x, 8, (3, 3), pad=(1, 1), with_bias=False, name="c1")
    h = f.relu(pf.batch_normalization(h, batch_stat=False, name="b1"))
    h = f.max_pooling(h, (3, 3), (2, 2), ignore_border=False, pad=(1, 1))
    h = pf.convolution(h, 8, (3, 2), stride=(2, 1), name="c2")
    h = f.relu(pf.batch_normalization(h, batch_stat=False, no_scale=True, name="b2"))
    h = f.dropout(f.identity(h), 0.0)
    h = pf.batch_normalization(pf.affine(h, 12, name="a1"), batch_stat=False, no_bias=True, name="b3")
    return x, pf.affine(f.relu(h), 5, name="a2", with_bias=False)


def exotic_convolutions(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 4, 17, 9))
    h = f.relu(pf.convolution(x, 8, (3, 3), pad=(2, 1), dilation=(2, 1), group=2, name="c1"))
    h = f.relu(pf.convolution(h, 8, (3, 3), pad=(1, 1), group=8, name="c2"))
    h = f.max_pooling(h, (2, 3), (3, 2), ignore_border=False)
    h = pf.convolution(h, 6, (1, 1), stride=(2, 3), name="c3")
    return x, h


def pooling_borders(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 3, 11, 7))
    h = f.max_pooling(x, (3, 2), (2, 2), ignore_border=True, pad=(1, 1))
    h = pf.convolution(h, 4, (2, 2), name="c1")
    h = f.max_pooling(h, (2, 2), (2, 2), ignore_border=False)
    return x, pf.affine(f.reshape(h, (h.shape[0], -1)), 7, name="a1")


def normalized_first(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 3, 10, 10))
    h = pf.batch_normalization(x, batch_stat=False, name="b0")
    h = f.relu(pf.convolution(h, 6, (3, 3), name="c1", group=3))
    h = f.max_pooling(h, (2, 2))
    h = pf.batch_normalization(h, batch_stat=False, name="b1")
    return x, pf.affine(h, 6, name="a1")


def preprocessed(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 2, 12, 12))
    h = f.add_scalar(f.mul_scalar(x, 1 / 64), -0.5)
    h = pf.convolution(h, 5, (5, 5), pad=(2, 2), stride=(2, 2), name="c1")
    h = f.add_scalar(f.max_pooling(f.mul_scalar(h, 0.7), (2, 2)), 0.1)
    h = f.mul_scalar(f.relu(h), 1.5)
    return x, pf.affine(f.image_augmentation(h), 4, name="a1")


def residual(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 3, 12, 10))
    h = f.relu(pf.batch_normalization(pf.convolution(x, 6, (3, 3), pad=(1, 1), name="c0"), batch_stat=False, name="b0"))
    k = pf.batch_normalization(pf.convolution(h, 6, (3, 3), pad=(1, 1), name="c1"), batch_stat=False, name="b1")
    h = f.relu(f.add2(h, k))
    k = f.relu(pf.batch_normalization(h, batch_stat=False, name="b2"))
    k = pf.convolution(k, 8, (3, 3), pad=(1, 1), stride=(2, 2), name="c2")
    h = f.add2(pf.convolution(h, 8, (1, 1), stride=(2, 2), name="c3"), k)
    return x, f.softmax(pf.affine(f.global_average_pooling(f.relu(h)), 5, name="a1"))


def mobile(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 3, 16, 12))
    h = f.relu6(pf.batch_normalization(pf.convolution(x, 8, (3, 3), pad=(1, 1), stride=(2, 2), name="c0"),
                                       batch_stat=False, name="b0"))  # fmt: skip
    for index in range(2):
        k = pf.depthwise_convolution(h, (3, 3), pad=(1, 1), multiplier=2, with_bias=False, name=f"d{index}")
        k = f.relu6(pf.batch_normalization(k, batch_stat=False, name=f"n{index}"))
        k = pf.batch_normalization(pf.convolution(k, 8, (1, 1), name=f"p{index}"), batch_stat=False, name=f"m{index}")
        h = f.add2(h, k)
    h = f.mul2(h, f.sigmoid(f.global_average_pooling(h)))
    return x, pf.affine(f.average_pooling(h, h.shape[2:]), 5, name="a1")


def encoder_decoder(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 2, 12, 16))
    first = f.leaky_relu(pf.convolution(x, 6, (3, 3), pad=(1, 1), name="c0"), 0.1)
    h = f.elu(pf.convolution(f.average_pooling(first, (2, 2)), 8, (3, 3), pad=(1, 1), name="c1"))
    h = pf.deconvolution(h, 6, (2, 2), stride=(2, 2), with_bias=True, name="d0")
    h = f.relu(pf.batch_normalization(h, batch_stat=False, name="b0"))
    h = f.concatenate(first, h, axis=1)
    h = f.concatenate(f.unpooling(f.max_pooling(h, (2, 2)), (2, 2)), h, axis=1)
    return x, f.sigmoid(pf.convolution(f.pad(h, (1, 1, 1, 1), "reflect"), 2, (3, 3), name="c2"))


def signal(nn: Any, f: Any, pf: Any) -> tuple[Any, Any]:
    x = nn.Variable((2, 3, 40))
    h = pf.convolution(x, 8, (5,), pad=(2,), name="c0")
    h = f.max_pooling(f.relu(pf.batch_normalization(h, batch_stat=False, name="b0")), (1, 2))
    h = f.add2(h, f.tanh(pf.depthwise_convolution(h, (3,), pad=(1,), name="d0")))
    h = pf.prelu(pf.convolution(h, 6, (3,), stride=(2,), dilation=(2,), name="c1"), name="r0")
    return x, f.softmax(pf.affine(f.mean(h, axis=2), 4, name="a1"))


NETWORKS: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {
    "lenet": lenet,
    "batch_normalized": batch_normalized,
    "exotic_convolutions": exotic_convolutions,
    "pooling_borders": pooling_borders,
    "normalized_first": normalized_first,
    "preprocessed": preprocessed,
    "residual": residual,
    "mobile": mobile,
    "encoder_decoder": encoder_decoder,
    "signal": signal,
}


def make(nn: Any, name: str, seed: int = 7) -> tuple[Any, Any]:
    """(input variable, output variable) of a network with reproducible weights."""
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    nn.clear_parameters()
    nn.seed(seed)
    x, y = NETWORKS[name](nn, f, pf)
    randomize(nn, seed)
    return x, y
