"""Fashion-MNIST from the files of Debian's package `dataset-fashion-mnist`, and its export as .npz.

Run as a program it writes all 10,000 test images into one file that `fpgaq compare --test` takes, and with `--train`
the 60,000 others into one for `fpgaq finetune --data`, with `--augment` four times as many:

    python examples/fashion_data.py -o build/fashion --train --augment
"""

from __future__ import annotations

import argparse
import gzip
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEFAULT_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_STEMS = {"train": ("train", 60000), "test": ("t10k", 10000)}
_UNSIGNED_BYTE = 8

Bytes = NDArray[np.uint8]


class DataError(Exception):
    """The data set is missing or damaged; the message says what to do."""


def read_idx(path: Path) -> Bytes:
    """Read one gzipped IDX file of unsigned bytes (the format of the original MNIST files).

    Raises
    ------
    DataError
        If the file is missing, is no IDX file of bytes, or has another length than it declares.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: not found; install the data with `sudo apt-get install dataset-fashion-mnist`,"
            " or name the folder of the four .gz files with --data-folder"
        )
    try:
        with gzip.open(path, "rb") as stream:
            content = stream.read()
        zero, kind, axes = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{axes}I", content, 4)
    except (OSError, EOFError, struct.error) as error:
        raise DataError(f"{path}: no gzipped IDX file ({error}); reinstall dataset-fashion-mnist") from error
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * axes)
    if zero != 0 or kind != _UNSIGNED_BYTE or values.size != int(np.prod(shape)):
        raise DataError(f"{path}: {values.size} values do not fit the declared shape {shape}")
    return values.reshape(shape)


def load_fashion(part: str, folder: Path = DEFAULT_FOLDER) -> tuple[Bytes, Bytes]:
    """Images (n, 1, 28, 28) and labels (n,) of `part` ("train" or "test"), as unsigned bytes in the set's own order."""
    stem, count = _STEMS[part]
    images = read_idx(folder / f"{stem}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{stem}-labels-idx1-ubyte.gz")
    if images.shape != (count, 28, 28) or labels.shape != (count,):
        raise DataError(f"{folder}: {part} images {images.shape} and labels {labels.shape}, expected {count} of 28x28")
    return images[:, None], labels


def augmented(images: Bytes, targets: NDArray[Any], seed: int = 0) -> tuple[Bytes, NDArray[Any]]:
    """The images (n, ..., height, width), mirrored ones, and both once more, moved by up to a pixel each way."""
    mirrored = images[..., ::-1]
    random = np.random.default_rng(seed)
    parts = [images, mirrored, _moved(images, random), _moved(mirrored, random)]
    return np.concatenate(parts), np.concatenate([targets] * len(parts))


def _moved(images: Bytes, random: np.random.Generator) -> Bytes:
    """Each image moved by -1, 0 or 1 pixels down and to the right, black coming in at the edges."""
    height, width = images.shape[-2:]
    ways = random.integers(0, 9, len(images))
    result = np.empty_like(images)
    for way in range(9):
        chosen = images[ways == way]
        padded = np.pad(chosen, [(0, 0)] * (images.ndim - 2) + [(1, 1), (1, 1)])
        row, column = divmod(way, 3)
        result[ways == way] = padded[..., row : row + height, column : column + width]
    return result


def save_samples(path: Path, inputs: Bytes, targets: NDArray[Any]) -> None:
    """Write `x` and `y` into a compressed .npz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, x=inputs, y=targets)


def main(arguments: Sequence[str] | None = None) -> int:
    """Export whole sets; returns the exit code."""
    parser = argparse.ArgumentParser(description="Export the Fashion-MNIST images as .npz with x and y.")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for fashion_test.npz")
    parser.add_argument("--train", action="store_true", help="fashion_train.npz too")
    parser.add_argument("--augment", action="store_true", help="with mirrored and moved images among the training ones")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)
    for part in ("test", "train") if options.train else ("test",):
        try:
            images, labels = load_fashion(part, options.data_folder)
        except DataError as error:
            print(error, file=sys.stderr)
            return 3
        if part == "train" and options.augment:
            images, labels = augmented(images, labels)
        target = options.output / f"fashion_{part}.npz"
        save_samples(target, images, labels)
        print(f"{target}: {len(images)} images, {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
