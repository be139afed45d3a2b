"""Train the example networks with nnabla and write their folders anew.

    python examples/train.py                      # all networks into examples/, about twenty minutes on one core
    python examples/train.py --network fashion_mlp -o build/examples --epochs 2

Each folder gets model.nnp, calibration.npz (256 training samples), test.npz (the first test samples) and a
README.md with the accuracy measured. Seeds are fixed: on one machine the same versions give the same weights.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # nnabla's convolutions gain nothing from threads, small BLAS calls lose

import nnabla as nn
import nnabla.functions as F  # noqa: N812
import nnabla.solvers as S  # noqa: N812
import numpy as np
from describe import Counts, Figures, readme
from fashion_data import DEFAULT_FOLDER, Bytes, DataError, save_samples
from networks import runtime_contents
from nnabla.logger import logger
from nnabla.utils.save import save
from numpy.typing import NDArray
from tasks import SEED, TASKS, Data, Task

CALIBRATION_COUNT = 256
MEASURED_COUNT = 10000


def train(task: Task, data: Data, iterations: int, seed: int = SEED) -> None:
    """Train `task` for `iterations` batches; the weights are left in nnabla's current parameter scope."""
    nn.clear_parameters()
    nn.seed(seed)
    random = np.random.default_rng(seed)
    recipe, targets = task.recipe, data.train_targets
    x = nn.Variable((recipe.batch_size, *data.train_inputs.shape[1:]))
    target = nn.Variable((recipe.batch_size, *(targets.shape[1:] or (1,))))
    y = task.network(x, train=True)
    loss = F.mean(F.softmax_cross_entropy(y, target) if task.classifier else F.squared_error(y, target))
    solver = S.Adam(recipe.rate)
    solver.set_parameters(nn.get_parameters())
    per_epoch = len(targets) // recipe.batch_size
    order = np.empty(0, dtype=np.int64)
    for iteration in range(iterations):
        step = iteration % per_epoch
        if step == 0:
            order = random.permutation(len(targets))
        chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        x.d = data.train_inputs[chosen]
        target.d = targets[chosen].reshape(target.shape)
        solver.set_learning_rate(recipe.rate * (1 + np.cos(np.pi * iteration / iterations)) / 2)
        loss.forward(clear_no_need_grad=True)
        solver.zero_grad()
        loss.backward(clear_buffer=True)
        solver.weight_decay(recipe.weight_decay)
        solver.update()
        if (iteration + 1) % per_epoch == 0:
            print(f"  epoch {(iteration + 1) // per_epoch}: loss {float(loss.d):.4f}", flush=True)


def score(task: Task, inputs: Bytes, targets: NDArray[Any], batch_size: int = 500) -> NDArray[np.float64]:
    """For each sample 1 or 0 for a right or wrong class, or the mean squared error of the network's output."""
    scores = np.empty(len(inputs))
    for start in range(0, len(inputs), batch_size):
        part = slice(start, start + batch_size)
        x = nn.Variable(inputs[part].shape)
        x.d = inputs[part]
        y = task.network(x, train=False)
        y.forward(clear_buffer=True)
        scores[part] = y.d.argmax(axis=1) == targets[part] if task.classifier else squared_error(y.d, targets[part])
    return scores


def squared_error(y: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of the squared differences of each sample."""
    difference = y.astype(np.float64) - targets
    result: NDArray[np.float64] = np.mean(difference.reshape(len(y), -1) ** 2, axis=1)
    return result


def write_samples(folder: Path, data: Data, test_count: int) -> None:
    """Write the samples for calibration and for tests."""
    count = len(data.train_inputs)
    chosen = np.sort(np.random.default_rng(SEED).choice(count, CALIBRATION_COUNT, replace=False))
    save_samples(folder / "calibration.npz", data.train_inputs[chosen], data.train_targets[chosen])
    save_samples(folder / "test.npz", data.test_inputs[:test_count], data.test_targets[:test_count])


def make_example(name: str, output: Path, data: Data, epochs: float | None, seed: int = SEED) -> Figures:
    """Train the network `name`, measure it and write its folder below `output`.

    `seed` is that of the training alone: the samples that are written are the same with each.
    """
    task = TASKS[name]
    wanted = task.recipe.epochs if epochs is None else epochs
    iterations = max(1, round(wanted * (len(data.train_inputs) // task.recipe.batch_size)))
    print(f"{name}: {iterations} batches of {task.recipe.batch_size}", flush=True)
    start = time.process_time()
    train(task, data, iterations, seed)
    seconds = time.process_time() - start
    scores = score(task, data.test_inputs, data.test_targets)
    train_scores = score(task, data.train_inputs[:MEASURED_COUNT], data.train_targets[:MEASURED_COUNT])
    idle = None if task.classifier else float(squared_error(data.test_inputs / 255, data.test_targets).mean())
    figures = Figures(
        full=float(scores.mean()),
        committed=float(scores[: task.committed].mean()),
        train=float(train_scores.mean()),
        idle=idle,
        epochs=wanted,
        seconds=seconds,
    )
    counts = Counts(
        train=len(data.train_inputs),
        test=len(scores),
        calibration=CALIBRATION_COUNT,
        committed=task.committed,
        measured=len(train_scores),
    )
    folder = output / name
    write_samples(folder, data, task.committed)
    save(str(folder / "model.nnp"), runtime_contents(task.network, data.test_inputs.shape[1:], task.classifier))
    (folder / "README.md").write_text(readme(name, task, figures, counts), encoding="utf-8")
    print(f"  test {figures.full:.4f}, training {figures.train:.4f}, {seconds:.0f} s", flush=True)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write what the options ask for; returns the exit code."""
    parser = argparse.ArgumentParser(description="Train the example networks.")
    parser.add_argument("--network", choices=sorted(TASKS), action="append", help="default: all of them")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent, help="default: %(default)s")
    parser.add_argument("--epochs", type=float, help="instead of the recipe's; fractions are allowed")
    parser.add_argument("--seed", type=int, default=SEED, help="of the training; default: %(default)s")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)
    logger.setLevel("WARNING")
    for name in options.network or list(TASKS):
        try:
            data = TASKS[name].load(options.data_folder)
        except DataError as error:
            print(error, file=sys.stderr)
            return 3
        make_example(name, options.output, data, options.epochs, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
