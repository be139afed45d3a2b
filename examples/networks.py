"""The example networks, built with nnabla. All eat raw integers: the division by 255 is a function of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import nnabla as nn
import nnabla.functions as F  # noqa: N812  (nnabla's own convention)
import nnabla.parametric_functions as PF  # noqa: N812

CLASS_COUNT = 10

Network: TypeAlias = Callable[..., nn.Variable]
"""Builds the output (logits or an image) from raw samples `x`; `train` chooses batch statistics."""


def mlp(x: nn.Variable, train: bool) -> nn.Variable:
    """784-64-32-10 with ReLU; 52,544 multiplications for an image."""
    h = F.mul_scalar(x, 1 / 255)
    h = F.relu(PF.affine(h, 64, name="hidden1"))
    h = F.relu(PF.affine(h, 32, name="hidden2"))
    return PF.affine(h, CLASS_COUNT, name="logits")


def cnn(x: nn.Variable, train: bool) -> nn.Variable:
    """Two 3x3 convolutions with batch normalization and pooling, then one affine layer; 290,080 multiplications."""
    h = F.mul_scalar(x, 1 / 255)
    for name, channels in (("conv1", 8), ("conv2", 16)):
        h = _convolution(h, channels, name, train)
        h = F.max_pooling(F.relu(h), (2, 2))
    return PF.affine(h, CLASS_COUNT, name="logits")


def digits(x: nn.Variable, train: bool) -> nn.Variable:
    """The network `cnn` on 8x8 pixels of 0 to 16, with 4 and 8 channels; 7,232 multiplications."""
    h = F.mul_scalar(x, 1 / 16)
    for name, channels in (("conv1", 4), ("conv2", 8)):
        h = _convolution(h, channels, name, train)
        h = F.max_pooling(F.relu(h), (2, 2))
    return PF.affine(h, CLASS_COUNT, name="logits")


def residual(x: nn.Variable, train: bool) -> nn.Variable:
    """Two residual blocks, the second with stride 2 and a parallel 1x1 convolution; 415,680 multiplications."""
    h = F.mul_scalar(x, 1 / 255)
    h = F.relu(_convolution(h, 8, "stem", train, stride=2))
    for name, channels, stride in (("block1", 8, 1), ("block2", 16, 2)):
        inner = F.relu(_convolution(h, channels, f"{name}_conv1", train, stride=stride))
        inner = _convolution(inner, channels, f"{name}_conv2", train)
        skip = h if stride == 1 else _convolution(h, channels, f"{name}_skip", train, size=1, stride=stride)
        h = F.relu(F.add2(inner, skip))
    return PF.affine(F.average_pooling(h, (7, 7)), CLASS_COUNT, name="logits")


def mobile(x: nn.Variable, train: bool) -> nn.Variable:
    """Three depthwise-separable blocks with ReLU6 and global average pooling; 150,064 multiplications."""
    h = F.mul_scalar(x, 1 / 255)
    h = F.relu6(_convolution(h, 8, "stem", train, stride=2))
    for name, channels, stride in (("block1", 16, 1), ("block2", 32, 2), ("block3", 32, 1)):
        depthwise = f"{name}_depthwise"
        h = PF.depthwise_convolution(h, (3, 3), pad=(1, 1), stride=(stride, stride), with_bias=False, name=depthwise)
        h = F.relu6(PF.batch_normalization(h, batch_stat=train, name=f"{depthwise}_bn"))
        h = F.relu6(_convolution(h, channels, f"{name}_pointwise", train, size=1))
    return PF.affine(F.global_average_pooling(h), CLASS_COUNT, name="logits")


def autoencoder(x: nn.Variable, train: bool) -> nn.Variable:
    """Encoder and decoder, 28x28 to 7x7 and back by deconvolutions, with a skip concatenation; 221,088
    multiplications. It restores images in which a quarter of the pixels were set to 0.
    """
    h = F.mul_scalar(x, 1 / 255)
    half = F.relu(PF.convolution(h, 8, (3, 3), pad=(1, 1), stride=(2, 2), name="encoder1"))
    h = F.relu(PF.convolution(half, 16, (3, 3), pad=(1, 1), stride=(2, 2), name="encoder2"))
    h = F.relu(PF.deconvolution(h, 8, (4, 4), pad=(1, 1), stride=(2, 2), name="decoder2"))
    h = F.concatenate(h, half, axis=1)
    return F.sigmoid(PF.deconvolution(h, 1, (4, 4), pad=(1, 1), stride=(2, 2), name="decoder1"))


def series(x: nn.Variable, train: bool) -> nn.Variable:
    """Two 1-D convolutions with batch normalization and pooling, then one affine layer; 90,944 multiplications.
    It reads an image as a series of 28 steps (its columns) with 28 channels (its rows).
    """
    h = F.mul_scalar(x, 1 / 255)
    for name, channels, pool in (("conv1", 24, F.max_pooling), ("conv2", 32, F.average_pooling)):
        h = PF.convolution(h, channels, (3,), pad=(1,), with_bias=False, name=name)
        h = pool(F.relu(PF.batch_normalization(h, batch_stat=train, name=f"{name}_bn")), (1, 2))
    return PF.affine(h, CLASS_COUNT, name="logits")


def tabular(x: nn.Variable, train: bool) -> nn.Variable:
    """64-48-32-16-10 with Swish, SELU and Tanh, batch normalization in the first two layers; 5,280 multiplications."""
    h = x
    for name, features, activation in (("hidden1", 48, F.swish), ("hidden2", 32, F.selu)):
        h = PF.affine(h, features, with_bias=False, name=name)
        h = activation(PF.batch_normalization(h, batch_stat=train, name=f"{name}_bn"))
    h = F.tanh(PF.affine(h, 16, name="hidden3"))
    return PF.affine(h, CLASS_COUNT, name="logits")


def _convolution(x: nn.Variable, channels: int, name: str, train: bool, size: int = 3, stride: int = 1) -> nn.Variable:
    """A square convolution that keeps the size (over the stride), batch normalization after it."""
    pad = (size // 2, size // 2)
    h = PF.convolution(x, channels, (size, size), pad=pad, stride=(stride, stride), with_bias=False, name=name)
    return PF.batch_normalization(h, batch_stat=train, name=f"{name}_bn")


def runtime_contents(network: Network, shape: Sequence[int], softmax: bool, batch_size: int = 1) -> dict[str, Any]:
    """The contents of a .nnp for `nnabla.utils.save.save`: inference only, on the current parameters."""
    x = nn.Variable((batch_size, *shape))
    y = network(x, train=False)
    if softmax:
        y = F.softmax(y)
    return {
        "networks": [{"name": "runtime", "batch_size": batch_size, "outputs": {"y": y}, "names": {"x": x}}],
        "executors": [{"name": "runtime", "network": "runtime", "data": ["x"], "output": ["y"]}],
    }
