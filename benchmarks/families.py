"""Families of networks that a fixed seed draws and trains: deep chains of ReLU6, and perceptrons on unscaled features.

    python benchmarks/families.py deep 4
    python benchmarks/families.py features 40

trains the first so many of a family with nnabla, half a minute each and a second each, into build/families; those that
are there already stay. `defaults.py measure deep` and `measure features` quantize them and measure what is lost.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from fashion_data import DEFAULT_FOLDER, load_fashion  # noqa: E402

FOLDER = ROOT / "build" / "families"
CALIBRATION = 256
BATCH = 64
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Data:
    """Samples for training (the first are those of calibration) and for tests, with their labels."""

    train: Values
    train_labels: NDArray[np.int64]
    test: Values
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Member:
    """A network of a family: what builds it, what it learns, and for how long."""

    name: str
    build: Callable[..., object]
    data: Callable[[], Data]
    passes: int
    rate: float


def deep_family(folder: Path = DEFAULT_FOLDER) -> list[Member]:
    """Ten networks of 15 to 28 layers with weights, on Fashion-MNIST (from `folder`) at 14 by 14 pixels."""

    def data() -> Data:
        return small_fashion(folder)

    blocks = [(6, 1), (5, 2), (9, 1), (8, 2), (7, 1), (7, 2), (11, 1), (9, 2), (13, 1), (6, 2)]
    return [
        Member(f"deep{index}_v{version}_{count}", _deep(count, version, 8 + 4 * (index % 3)), data, 3, 0.004)
        for index, (count, version) in enumerate(blocks)
    ]


def _deep(blocks: int, version: int, width: int) -> Callable[..., object]:
    """A stem, blocks after MobileNet's first or second version, a mean and a layer for the classes.

    Blocks of version 1 are depthwise and pointwise; those of version 2 expand threefold, are depthwise, and project
    without a function, with a sum around them where the shape stays. A third of the way and at two thirds of it the
    channels become half as many more, and the first time the pixels a quarter.
    """
    import nnabla.functions as F  # noqa: N812
    import nnabla.parametric_functions as PF  # noqa: N812

    def normalized(h, train: bool, name: str):
        return PF.batch_normalization(h, batch_stat=train, name=f"{name}_bn")

    def pointwise(h, channels: int, train: bool, name: str):
        return normalized(PF.convolution(h, channels, (1, 1), with_bias=False, name=name), train, name)

    def depthwise(h, stride: int, train: bool, name: str):
        h = PF.depthwise_convolution(h, (3, 3), pad=(1, 1), stride=(stride, stride), with_bias=False, name=name)
        return F.relu6(normalized(h, train, name))

    def network(x, train: bool):
        h = PF.convolution(F.mul_scalar(x, 1 / 255), width, (3, 3), (1, 1), (2, 2), with_bias=False, name="stem")
        h, channels = F.relu6(normalized(h, train, "stem")), width
        for block in range(blocks):
            name, widens = f"block{block}", block in (blocks // 3, 2 * blocks // 3)
            stride = 2 if block == blocks // 3 else 1
            before, channels = h, channels * 3 // 2 if widens else channels
            if version == 2:
                h = F.relu6(pointwise(h, 3 * h.shape[1], train, f"{name}_expand"))
            h = depthwise(h, stride, train, f"{name}_depthwise")
            h = pointwise(h, channels, train, f"{name}_pointwise")
            if version == 1:
                h = F.relu6(h)
            elif before.shape == h.shape:
                h = F.add2(before, h)
        return PF.affine(F.global_average_pooling(h), 10, name="logits")

    return network


def small_fashion(folder: Path) -> Data:
    """Means of two by two pixels, as bytes; 10,000 images for training and 2,000 of the test set."""

    def small(part: str, count: int) -> tuple[Values, NDArray[np.int64]]:
        images, labels = load_fashion(part, folder)
        quarters = images[:count].reshape(-1, 1, 14, 2, 14, 2).astype(np.float32).mean(axis=(3, 5))
        return np.floor(quarters + np.float32(0.5)), labels[:count].astype(np.int64)

    return Data(*small("train", 10000), *small("test", 2000))


FUNCTIONS = ("relu", "prelu", "selu", "elu", "swish", "tanh", "leaky_relu", "relu6")


def feature_family(folder: Path = DEFAULT_FOLDER) -> list[Member]:
    """Forty perceptrons on eight features of unlike ranges, some with a function in front of their weights."""
    members = []
    for index in range(40):
        chance = np.random.default_rng(1000 + index)
        functions = [str(chance.choice(FUNCTIONS)) for _ in range(3)]
        normalization = ("none", "before", "after")[index % 3]
        front = index % 3 != 1 and bool(chance.integers(2))
        widths = [int(chance.choice([8, 16, 24])) for _ in range(2)]
        name = f"features{index}_{normalization}_{'_'.join(functions[0 if front else 1 :])}"
        build = _perceptron(functions, normalization, front, widths)
        members.append(Member(name, build, lambda seed=index: features(seed), 20, 0.01))
    return members


def _perceptron(functions: list[str], normalization: str, front: bool, widths: list[int]) -> Callable[..., object]:
    import nnabla.functions as F  # noqa: N812
    import nnabla.parametric_functions as PF  # noqa: N812

    def applied(h, function: str, name: str):
        return PF.prelu(h, name=name) if function == "prelu" else getattr(F, function)(h)

    def network(x, train: bool):
        h = applied(x, functions[0], "front") if front else x
        if normalization == "before":
            h = PF.batch_normalization(h, axes=(1,), batch_stat=train, name="bn")
        h = PF.affine(h, widths[0], name="hidden1")
        if normalization == "after":
            h = PF.batch_normalization(h, axes=(1,), batch_stat=train, name="bn")
        h = applied(h, functions[1], "function1")
        h = applied(PF.affine(h, widths[1], name="hidden2"), functions[2], "function2")
        return PF.affine(h, 4, name="logits")

    return network


def features(seed: int) -> Data:
    """Rows of eight features of ranges from 1 to 1,000, and four classes that a random network gives.

    Two features are 0 or 1, two have few values, two are signed, and two are skewed.
    """
    chance = np.random.default_rng(seed)
    rows = 3000
    normal = chance.normal(size=(rows, 8))
    normal[:, 0:2] = normal[:, 0:2] > 0.3
    normal[:, 2:4] = np.rint(np.abs(normal[:, 2:4]) * 8)
    normal[:, 6:8] = np.exp(normal[:, 6:8])
    scale = np.where(np.arange(8) < 4, 1.0, 1000.0 ** chance.permutation(np.arange(8) / 7.0))
    standard = (normal - normal.mean(axis=0)) / normal.std(axis=0)
    hidden = np.tanh(standard @ chance.normal(size=(8, 12)))
    scores = hidden @ chance.normal(size=(12, 4))
    labels = (scores - scores.mean(axis=0)).argmax(axis=1).astype(np.int64)
    values = (normal / np.ptp(normal, axis=0) * scale).astype(np.float32)
    return Data(values[:1000], labels[:1000], values[1000:], labels[1000:])


FAMILIES: dict[str, Callable[[Path], list[Member]]] = {"deep": deep_family, "features": feature_family}


def train(member: Member, data: Data, seed: int = 5) -> None:
    """Train with Adam; the weights are left in nnabla's current parameter scope."""
    import nnabla as nn
    import nnabla.functions as F  # noqa: N812
    import nnabla.solvers as S  # noqa: N812

    nn.clear_parameters()
    nn.seed(seed)
    chance = np.random.default_rng(seed)
    x, target = nn.Variable((BATCH, *data.train.shape[1:])), nn.Variable((BATCH, 1))
    loss = F.mean(F.softmax_cross_entropy(member.build(x, train=True), target))
    solver = S.Adam(member.rate)
    solver.set_parameters(nn.get_parameters())
    batches = len(data.train) // BATCH
    for step in range(member.passes * batches):
        place = step % batches
        if place == 0:
            order = chance.permutation(len(data.train))
        chosen = order[place * BATCH : (place + 1) * BATCH]
        x.d, target.d = data.train[chosen], data.train_labels[chosen, np.newaxis]
        solver.set_learning_rate(member.rate * (1 + np.cos(np.pi * step / (member.passes * batches))) / 2)
        loss.forward(clear_no_need_grad=True)
        solver.zero_grad()
        loss.backward(clear_buffer=True)
        solver.update()


def trained(member: Member) -> Path:
    """The .nnp file of a member, trained if it is not there."""
    path = FOLDER / f"{member.name}.nnp"
    if path.is_file():
        return path
    from networks import runtime_contents
    from nnabla.utils.save import save

    begin, data = time.process_time(), member.data()
    train(member, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"new_{path.name}")
    save(str(temporary), runtime_contents(member.build, data.train.shape[1:], softmax=True))
    temporary.replace(path)
    print(f"{member.name}: {time.process_time() - begin:.0f} s", flush=True)
    return path


def main() -> None:
    """Train the first networks of a family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=list(FAMILIES))
    parser.add_argument("count", type=int)
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER)
    options = parser.parse_args()
    for member in FAMILIES[options.family](options.data_folder)[: options.count]:
        trained(member)


if __name__ == "__main__":
    main()
