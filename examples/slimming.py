"""Network slimming from beginning to end: train a CNN with a penalty on its normalization, prune it, train it again.

    python examples/slimming.py -o build/slimming                 # about four minutes on one core
    python examples/slimming.py -o build/slimming --epochs 0.1    # a quick look

Liu et al., "Learning Efficient Convolutional Networks through Network Slimming", 2017, on a CNN of MNIST's size and
Fashion-MNIST. Writes whole.nnp (trained with the penalty), pruned.nnp and figures.json, and prints a table of both:
accuracy on all test images, size, and the cycles of the hardware. Needs nnabla (CPython 3.10) and Debian's package
`dataset-fashion-mnist`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import nnabla as nn
import numpy as np
from fashion_data import DEFAULT_FOLDER, DataError, load_fashion
from networks import cnn
from nnabla.logger import logger
from tasks import SEED

import fpgaq
from fpgaq.base.data import Dataset
from fpgaq.base.errors import FpgaqError
from fpgaq.base.text import columns
from fpgaq.model.graph import Graph
from fpgaq.model.importers import from_nnabla
from fpgaq.nnabla.retraining import Recipe, retrain
from fpgaq.nnabla.training import TrainOptions
from fpgaq.study.pruning.algorithms import NetworkSlimming
from fpgaq.study.pruning.figures import measure, table_rows

MULTIPLIERS = 64
CALIBRATION_COUNT = 256


def untrained() -> Graph:
    """The CNN of the examples with random weights."""
    nn.clear_parameters()
    nn.seed(SEED)
    np.random.seed(SEED)
    return from_nnabla(cnn(nn.Variable((1, 1, 28, 28)), train=False), "cnn")


def slim(options: argparse.Namespace) -> None:
    """Train, prune, train again, measure."""
    images, labels = load_fashion("train", options.data_folder)
    test_images, test_labels = load_fashion("test", options.data_folder)
    samples = {"x": images}
    recipe = Recipe(TrainOptions(epochs=options.epochs, rate=4e-3, weight_decay=1e-4, seed=SEED))
    print(f"training with a penalty of {options.penalty:g} on the factors of normalization", flush=True)
    whole = retrain(untrained(), samples, labels, recipe, scale_penalty=options.penalty)
    sparse = Recipe(TrainOptions(epochs=options.epochs / 2, rate=1e-3, seed=SEED))
    print(f"slimming: {options.ratio:.0%} of the channels in {options.rounds} round(s)", flush=True)
    pruned = NetworkSlimming(options.ratio, options.penalty, sparse, recipe, options.rounds)(whole, samples, labels)
    options.output.mkdir(parents=True, exist_ok=True)
    for name, graph in (("whole", whole), ("pruned", pruned)):
        fpgaq.save_model(graph, options.output / f"{name}.nnp")
    chosen = np.random.default_rng(SEED).choice(len(images), CALIBRATION_COUNT, replace=False)
    calibration, data = {"x": images[chosen]}, Dataset({"x": test_images}, test_labels.astype(np.int64))
    before, after = (measure(graph, calibration, data, MULTIPLIERS) for graph in (whole, pruned))
    figures = {"whole": before.as_json(), "pruned": after.as_json()}
    (options.output / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print("\n".join(columns(("", "whole", "pruned", "left"), table_rows(before, after))))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit code."""
    parser = argparse.ArgumentParser(description="Network slimming on a CNN of MNIST's size.")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--epochs", type=float, default=3.0, help="of each full training; default: %(default)s")
    parser.add_argument("--ratio", type=float, default=0.35, help="of all channels, to drop; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--penalty", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)
    logger.setLevel("WARNING")
    try:
        slim(options)
    except (DataError, FpgaqError) as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
