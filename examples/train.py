"""Train the example networks with nnabla on Fashion-MNIST and write their folders anew.

    python examples/train.py                      # both networks into examples/, about six minutes on one core
    python examples/train.py --network fashion_mlp -o build/examples --epochs 2

Each folder gets model.nnp, calibration.npz (256 training images), test.npz (the first 1,000 test images) and a
README.md with the accuracy measured. Seeds are fixed: on one machine the same versions give the same weights.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # nnabla's convolutions gain nothing from threads, small BLAS calls lose

import nnabla as nn
import nnabla.functions as F  # noqa: N812
import nnabla.solvers as S  # noqa: N812
import numpy as np
from fashion_data import DEFAULT_FOLDER, Bytes, DataError, load_fashion, save_samples
from fashion_networks import NETWORKS, Network, runtime_contents
from nnabla.logger import logger
from nnabla.utils.save import save
from numpy.typing import NDArray

SEED = 20261123
CALIBRATION_COUNT = 256
TEST_COUNT = 1000


@dataclass(frozen=True)
class Recipe:
    """How one network is trained: Adam, the rate falling along half a cosine from `rate` to 0."""

    epochs: int
    batch_size: int
    rate: float
    weight_decay: float


RECIPES: dict[str, Recipe] = {
    "fashion_mlp": Recipe(epochs=30, batch_size=128, rate=1e-3, weight_decay=1e-4),
    "fashion_cnn": Recipe(epochs=12, batch_size=64, rate=4e-3, weight_decay=1e-4),
}


@dataclass(frozen=True)
class Data:
    """Images (n, 1, 28, 28) and labels (n,) of both parts, unsigned bytes."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


@dataclass(frozen=True)
class Figures:
    """What was measured on a trained network; accuracies are fractions."""

    full_accuracy: float
    committed_accuracy: float
    train_accuracy: float
    epochs: float
    seconds: float


def train(network: Network, recipe: Recipe, data: Data, iterations: int) -> None:
    """Train `network` for `iterations` batches; the weights are left in nnabla's current parameter scope."""
    nn.clear_parameters()
    nn.seed(SEED)
    random = np.random.default_rng(SEED)
    image = nn.Variable((recipe.batch_size, 1, 28, 28))
    label = nn.Variable((recipe.batch_size, 1))
    loss = F.mean(F.softmax_cross_entropy(network(image, train=True), label))
    solver = S.Adam(recipe.rate)
    solver.set_parameters(nn.get_parameters())
    per_epoch = len(data.train_images) // recipe.batch_size
    order = np.empty(0, dtype=np.int64)
    for iteration in range(iterations):
        step = iteration % per_epoch
        if step == 0:
            order = random.permutation(len(data.train_images))
        chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        image.d = data.train_images[chosen]
        label.d = data.train_labels[chosen, None]
        solver.set_learning_rate(recipe.rate * (1 + np.cos(np.pi * iteration / iterations)) / 2)
        loss.forward(clear_no_need_grad=True)
        solver.zero_grad()
        loss.backward(clear_buffer=True)
        solver.weight_decay(recipe.weight_decay)
        solver.update()
        if (iteration + 1) % per_epoch == 0:
            print(f"  epoch {(iteration + 1) // per_epoch}: loss {float(loss.d):.4f}", flush=True)


def predict(network: Network, images: Bytes, batch_size: int = 500) -> NDArray[np.int64]:
    """The classes (n,) that the inference network gives to `images`."""
    classes = np.empty(len(images), dtype=np.int64)
    for start in range(0, len(images), batch_size):
        part = images[start : start + batch_size]
        x = nn.Variable(part.shape)
        x.d = part
        y = network(x, train=False)
        y.forward(clear_buffer=True)
        classes[start : start + batch_size] = np.argmax(y.d, axis=1)
    return classes


def write_folder(folder: Path, name: str, figures: Figures, data: Data) -> None:
    """Write the model on the current parameters, its sample files and its README."""
    folder.mkdir(parents=True, exist_ok=True)
    save(str(folder / "model.nnp"), runtime_contents(NETWORKS[name], batch_size=1))
    chosen = np.sort(np.random.default_rng(SEED).choice(len(data.train_images), CALIBRATION_COUNT, replace=False))
    save_samples(folder / "calibration.npz", data.train_images[chosen], data.train_labels[chosen])
    save_samples(folder / "test.npz", data.test_images[:TEST_COUNT], data.test_labels[:TEST_COUNT])
    (folder / "README.md").write_text(readme(name, figures), encoding="utf-8")


def readme(name: str, figures: Figures) -> str:
    """The text beside a model."""
    recipe = RECIPES[name]
    schedule = (
        f"{figures.epochs:g} epochs, batches of {recipe.batch_size}, rate {recipe.rate:g} falling to 0 along a cosine,"
        f" weight decay {recipe.weight_decay:g}"
    )
    return f"""# {name}

{NETWORKS[name].__doc__}
Input: raw pixels 0 to 255, (n, 1, 28, 28); the division by 255 is in the network. Output: softmax over the ten
classes of Fashion-MNIST.

| images | float top-1 |
| --- | --- |
| all 10,000 test images | {figures.full_accuracy:.2%} |
| `test.npz`, the first 1,000 of them | {figures.committed_accuracy:.2%} |
| the first 10,000 training images | {figures.train_accuracy:.2%} |

Measured with nnabla {nn.__version__}, argmax of the softmax's input. Trained with Adam on the 60,000 training images:
{schedule}; {figures.seconds:.0f} seconds on one core.

| file | content |
| --- | --- |
| `model.nnp` | the inference network with its weights |
| `calibration.npz` | `x`, `y`: {CALIBRATION_COUNT} training images drawn with a fixed seed, and their labels |
| `test.npz` | `x`, `y`: the first {TEST_COUNT:,} test images and their labels |

Train it again, with nnabla (CPython 3.10) and Debian's package `dataset-fashion-mnist`:

    python examples/train.py --network {name}

The whole test set as one file: `python examples/fashion_data.py -o build/fashion`.
The images are part of [Fashion-MNIST](../FASHION_MNIST_LICENSE.txt), copyright 2017 Zalando SE, MIT licence.
"""


def make_example(name: str, output: Path, data: Data, epochs: float | None) -> Figures:
    """Train the network `name`, measure it and write its folder below `output`."""
    recipe, network = RECIPES[name], NETWORKS[name]
    wanted = recipe.epochs if epochs is None else epochs
    iterations = max(1, round(wanted * (len(data.train_images) // recipe.batch_size)))
    print(f"{name}: {iterations} batches of {recipe.batch_size}", flush=True)
    start = time.monotonic()
    train(network, recipe, data, iterations)
    seconds = time.monotonic() - start
    correct = predict(network, data.test_images) == data.test_labels
    train_correct = predict(network, data.train_images[:10000]) == data.train_labels[:10000]
    figures = Figures(
        full_accuracy=float(correct.mean()),
        committed_accuracy=float(correct[:TEST_COUNT].mean()),
        train_accuracy=float(train_correct.mean()),
        epochs=wanted,
        seconds=seconds,
    )
    write_folder(output / name, name, figures, data)
    print(f"  test {figures.full_accuracy:.2%}, training {figures.train_accuracy:.2%}, {seconds:.0f} s", flush=True)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write what the options ask for; returns the exit code."""
    parser = argparse.ArgumentParser(description="Train the example networks on Fashion-MNIST.")
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append", help="default: all of them")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent, help="default: %(default)s")
    parser.add_argument("--epochs", type=float, help="instead of the recipe's; fractions are allowed")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        data = Data(*load_fashion("train", options.data_folder), *load_fashion("test", options.data_folder))
    except DataError as error:
        print(error, file=sys.stderr)
        return 3
    logger.setLevel("WARNING")
    for name in options.network or list(NETWORKS):
        make_example(name, options.output, data, options.epochs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
