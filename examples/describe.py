"""The README of each trained example."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass

import nnabla as nn
from tasks import Task

WIDTH = 118

_FASHION = """Train it again, with nnabla (CPython 3.10) and Debian's package `dataset-fashion-mnist`:

    python examples/train.py --network {name}

{export}The images are part of [Fashion-MNIST](../FASHION_MNIST_LICENSE.txt), copyright 2017 Zalando SE, MIT licence.
"""
_EXPORT = "The whole test set as one file: `python examples/fashion_data.py -o build/fashion`.\n"
_DIGITS = """Train it again, with nnabla (CPython 3.10):

    python examples/train.py --network {name}

The 1,797 samples are those of scikit-learn's `load_digits`, kept in `../digits.npz`: "Optical Recognition of
Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0. Every value counts the
dark pixels of a 4x4 block of a digit's bitmap. The test set was drawn with a fixed seed; the other samples train.
"""


@dataclass(frozen=True)
class Figures:
    """Measurements of a trained network: fractions of right answers, or mean squared errors.

    `idle` is the error of the input itself, for a network that puts out images.
    """

    full: float
    committed: float
    train: float
    idle: float | None
    epochs: float
    seconds: float


@dataclass(frozen=True)
class Counts:
    """How many samples there are: all for training and testing, in the files, and measured of the training set."""

    train: int
    test: int
    calibration: int
    committed: int
    measured: int


def readme(name: str, task: Task, figures: Figures, counts: Counts) -> str:
    """The text of a model's README."""
    recipe, plural = task.recipe, f"{task.sample}s"
    all_committed = counts.committed == counts.test
    committed = "the test set" if all_committed else f"the first {counts.committed:,} test {plural}"
    targets = "their labels" if task.classifier else "the whole images, 0 to 1 in half precision"
    method = ", argmax of the softmax's input" if task.classifier else ""
    training = (
        f"Measured with nnabla {nn.__version__}{method}."
        f" Trained with Adam on the {counts.train:,} training {plural}: {figures.epochs:g} epochs, batches of"
        f" {recipe.batch_size}, rate {recipe.rate:g} falling to 0 along a cosine, weight decay {recipe.weight_decay:g};"
        f" {figures.seconds:.{0 if figures.seconds >= 10 else 1}f} seconds on one core."
    )
    export = _EXPORT if task.classifier else ""
    source = (_DIGITS if name.startswith("digits_") else _FASHION).format(name=name, export=export)
    return f"""# {name}

{inspect.getdoc(task.network)}
{textwrap.fill(f"Input: {task.inputs}. Output: {task.outputs}.", WIDTH)}

{_table(task, figures, counts)}

{textwrap.fill(training, WIDTH)}

| file | content |
| --- | --- |
| `model.nnp` | the inference network with its weights |
| `calibration.npz` | `x`, `y`: {counts.calibration} training {plural} drawn with a fixed seed, and {targets} |
| `test.npz` | `x`, `y`: {committed} and {targets} |

{source}"""


def _table(task: Task, figures: Figures, counts: Counts) -> str:
    plural = f"{task.sample}s"

    def row(label: str, value: float) -> str:
        return f"| {label} | {value:.2%} |" if task.classifier else f"| {label} | {value:.6f} |"

    same = "the same" if counts.committed == counts.test else f"the first {counts.committed:,} of them"
    part = f"the first {counts.measured:,}" if counts.measured < counts.train else f"all {counts.train:,}"
    rows = [
        f"| {plural} | {'float top-1' if task.classifier else 'mean squared error'} |",
        "| --- | --- |",
        row(f"all {counts.test:,} test {plural}", figures.full),
        row(f"`test.npz`, {same}", figures.committed),
        row(f"{part} training {plural}", figures.train),
    ]
    if figures.idle is not None:
        rows.append(row("the masked test images themselves, not restored", figures.idle))
    return "\n".join(rows)
