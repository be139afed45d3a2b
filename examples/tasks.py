"""The task of each example: its network, its data and the recipe of its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networks
import numpy as np
from fashion_data import Bytes, DataError, load_fashion
from networks import Network
from numpy.typing import NDArray

SEED = 20261123
DIGITS = Path(__file__).with_name("digits.npz")
DIGITS_TEST_COUNT = 500


@dataclass(frozen=True)
class Recipe:
    """How one network is trained: Adam, the rate falling along half a cosine from `rate` to 0."""

    epochs: int
    batch_size: int
    rate: float
    weight_decay: float


@dataclass(frozen=True)
class Data:
    """Samples (n, *shape) of unsigned bytes; targets are labels (n,) or what the network should put out."""

    train_inputs: Bytes
    train_targets: NDArray[Any]
    test_inputs: Bytes
    test_targets: NDArray[Any]


@dataclass(frozen=True)
class Task:
    """One example.

    The words of `inputs`, `outputs` and `sample` go into its README; `committed` samples go into its test.npz.
    """

    network: Network
    recipe: Recipe
    load: Callable[[Path], Data]
    inputs: str
    outputs: str
    sample: str = "image"
    classifier: bool = True
    committed: int = 600


def load_images(folder: Path) -> Data:
    """Images (n, 1, 28, 28) of Fashion-MNIST and their labels."""
    return Data(*load_fashion("train", folder), *load_fashion("test", folder))


def load_rows(folder: Path) -> Data:
    """The same images as (n, 28, 28): 28 channels of length 28."""
    data = load_images(folder)
    return Data(data.train_inputs[:, 0], data.train_targets, data.test_inputs[:, 0], data.test_targets)


def load_masked(folder: Path) -> Data:
    """Images with a quarter of the pixels set to 0 by a fixed seed; the targets are the whole images, 0 to 1.

    Half precision keeps the 256 grey levels apart, at an error of less than a thousandth of a level's square.
    """
    data = load_images(folder)
    random = np.random.default_rng(SEED)

    def masked(images: Bytes) -> Bytes:
        keep = random.integers(0, 4, images.shape, dtype=np.uint8) > 0
        return images * keep

    def real(images: Bytes) -> NDArray[Any]:
        return (np.arange(256) / 255).astype(np.float16)[images]

    train, test = data.train_inputs, data.test_inputs
    return Data(masked(train), real(train), masked(test), real(test))


def load_digits(folder: Path) -> Data:
    """The digits that are kept next to this file, divided by a fixed seed; `folder` is not read."""
    if not DIGITS.is_file():
        raise DataError(f"{DIGITS}: not found; it belongs to the repository: check it out again")
    with np.load(DIGITS, allow_pickle=False) as archive:
        features, labels = archive["x"], archive["y"]
    order = np.random.default_rng(SEED).permutation(len(features))
    test, train = order[:DIGITS_TEST_COUNT], order[DIGITS_TEST_COUNT:]
    return Data(features[train], labels[train], features[test], labels[test])


def load_digit_images(folder: Path) -> Data:
    """The same digits as images (n, 1, 8, 8)."""
    data = load_digits(folder)
    images = [inputs.reshape(-1, 1, 8, 8) for inputs in (data.train_inputs, data.test_inputs)]
    return Data(images[0], data.train_targets, images[1], data.test_targets)


_PIXELS = "raw pixels 0 to 255, {}; the division by 255 is in the network"
_IMAGES = _PIXELS.format("(n, 1, 28, 28)")
_CLASSES = "softmax over the ten classes of Fashion-MNIST"


def _fashion(network: Network, recipe: Recipe) -> Task:
    return Task(network, recipe, load_images, _IMAGES, _CLASSES)


TASKS: dict[str, Task] = {
    "fashion_mlp": _fashion(networks.mlp, Recipe(epochs=30, batch_size=128, rate=1e-3, weight_decay=1e-4)),
    "fashion_cnn": _fashion(networks.cnn, Recipe(epochs=12, batch_size=64, rate=4e-3, weight_decay=1e-4)),
    "fashion_residual": _fashion(networks.residual, Recipe(epochs=10, batch_size=64, rate=4e-3, weight_decay=1e-4)),
    "fashion_mobile": _fashion(networks.mobile, Recipe(epochs=6, batch_size=64, rate=6e-3, weight_decay=1e-4)),
    "fashion_autoencoder": Task(
        networks.autoencoder,
        Recipe(epochs=8, batch_size=64, rate=4e-3, weight_decay=0),
        load_masked,
        _IMAGES,
        "the restored image, 0 to 1, (n, 1, 28, 28)",
        classifier=False,
        committed=250,
    ),
    "series_conv": Task(
        networks.series,
        Recipe(epochs=12, batch_size=64, rate=3e-3, weight_decay=1e-4),
        load_rows,
        _PIXELS.format("(n, 28, 28): n images of 28 rows, the channels, and 28 columns, the steps"),
        _CLASSES,
    ),
    "digits_cnn": Task(
        networks.digits,
        Recipe(epochs=60, batch_size=32, rate=4e-3, weight_decay=1e-4),
        load_digit_images,
        "pixels 0 to 16, (n, 1, 8, 8); the division by 16 is in the network",
        "softmax over the ten digits",
        committed=DIGITS_TEST_COUNT,
    ),
    "digits_tabular": Task(
        networks.tabular,
        Recipe(epochs=60, batch_size=32, rate=3e-3, weight_decay=1e-4),
        load_digits,
        "64 features 0 to 16, (n, 64), as they are",
        "softmax over the ten digits",
        sample="sample",
        committed=DIGITS_TEST_COUNT,
    ),
}
