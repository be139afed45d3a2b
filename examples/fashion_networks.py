"""The two example networks, built with nnabla. Both eat raw bytes: the division by 255 is their first function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import nnabla as nn
import nnabla.functions as F  # noqa: N812  (nnabla's own convention)
import nnabla.parametric_functions as PF  # noqa: N812

CLASS_COUNT = 10


Network: TypeAlias = Callable[..., nn.Variable]
"""Builds logits (n, 10) from raw pixels `x` (n, 1, 28, 28); `train` chooses batch statistics."""


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
        h = PF.convolution(h, channels, (3, 3), pad=(1, 1), with_bias=False, name=name)
        h = PF.batch_normalization(h, batch_stat=train, name=f"{name}_bn")
        h = F.max_pooling(F.relu(h), (2, 2))
    return PF.affine(h, CLASS_COUNT, name="logits")


NETWORKS: dict[str, Network] = {"fashion_mlp": mlp, "fashion_cnn": cnn}


def runtime_contents(network: Network, batch_size: int) -> dict[str, Any]:
    """The contents of a .nnp for `nnabla.utils.save.save`: inference only, softmax last, on the current parameters."""
    x = nn.Variable((batch_size, 1, 28, 28))
    y = F.softmax(network(x, train=False))
    return {
        "networks": [{"name": "runtime", "batch_size": batch_size, "outputs": {"y": y}, "names": {"x": x}}],
        "executors": [{"name": "runtime", "network": "runtime", "data": ["x"], "output": ["y"]}],
    }
