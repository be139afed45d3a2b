"""Accuracy that finetuning in fixed point recovers on the examples: the table of docs/accuracy.md.

    sudo apt-get install dataset-fashion-mnist
    python benchmarks/finetuning.py -o build/finetuning

Trains on all training samples of the example, measures on all test samples (10,000 images of Fashion-MNIST), and writes
a file of JSON a run; runs that are there already are only shown. The integer network is quantized from the file that
training wrote, and its reference is run. Needs nnabla, hence CPython 3.10.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

import numpy as np  # noqa: E402
from fashion_data import DEFAULT_FOLDER  # noqa: E402
from tasks import TASKS  # noqa: E402

from fpgaq import pipeline  # noqa: E402
from fpgaq.model.executor import run_float  # noqa: E402
from fpgaq.model.exporters import save_nnp  # noqa: E402
from fpgaq.nnabla import TrainOptions  # noqa: E402
from fpgaq.nnabla.finetune import Deltas  # noqa: E402
from fpgaq.pipeline.finetuning import finetune_model  # noqa: E402
from fpgaq.quantizer.config import QuantizeOptions  # noqa: E402


@dataclass(frozen=True)
class Recipe:
    """How one example is trained at one pair of widths; `teacher` is the float network's share of each target."""

    epochs: float
    batch_size: int
    rate: float
    deltas: Deltas = "frozen"
    teacher: float = 0.5
    balance: bool = False


RECIPES = {
    "4/4": {
        "fashion_mlp": Recipe(12, 256, 4e-3, "learned"),
        "fashion_cnn": Recipe(10, 128, 2e-3, balance=True),
        "fashion_residual": Recipe(10, 128, 2e-3, "learned"),
        "fashion_mobile": Recipe(12, 128, 4e-3, balance=True),
        "series_conv": Recipe(20, 64, 2e-3, teacher=1, balance=True),
        "digits_tabular": Recipe(30, 32, 2e-3),
    },
    "3/8": {
        "fashion_mlp": Recipe(12, 256, 6e-3, teacher=1),
        "fashion_cnn": Recipe(8, 128, 4e-3),
        "fashion_residual": Recipe(8, 128, 4e-3),
        "fashion_mobile": Recipe(8, 128, 6e-3),
        "series_conv": Recipe(10, 64, 4e-3, teacher=1),
        "digits_tabular": Recipe(30, 32, 4e-3, teacher=1),
    },
    "2/8": {
        "fashion_mlp": Recipe(16, 256, 12e-3, teacher=1),
        "fashion_cnn": Recipe(10, 128, 6e-3),
        "fashion_residual": Recipe(12, 128, 8e-3),
        "fashion_mobile": Recipe(14, 128, 8e-3),
        "series_conv": Recipe(10, 64, 6e-3, teacher=1),
        "digits_tabular": Recipe(30, 32, 6e-3, teacher=1),
    },
}


def answers(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The class of each sample."""
    return values.reshape(len(values), -1).argmax(axis=1)


def percent(found: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
    """Percent of equal ones."""
    return 100 * float(np.mean(found == wanted))


def measure(name: str, bits: str, folder: Path) -> dict[str, float]:
    """Top-1 of the float, the quantized and the finetuned network, and how often the last agrees with the first."""
    data, example = TASKS[name].load(DEFAULT_FOLDER), ROOT / "examples" / name
    model = pipeline.load_model(example / "model.nnp")
    (source,), (output,) = model.inputs, model.outputs
    quantized = pipeline.quantize(model, example / "calibration.npz", widths(bits))
    finetuned = pipeline.quantize(folder / f"{stem(name, bits)}.nnp")
    whole = answers(run_float(model, {source: data.test_inputs})[output])
    before, after = (answers(pipeline.run(each, data.test_inputs)[output][1]) for each in (quantized, finetuned))
    return {
        "float": percent(whole, data.test_targets),
        "post_training": percent(before, data.test_targets),
        "finetuned": percent(after, data.test_targets),
        "agreement": percent(after, whole),
    }


def widths(bits: str) -> QuantizeOptions:
    """The options of two widths, weights and activations."""
    weights, activations = map(int, bits.split("/"))
    return QuantizeOptions(weight_bits=weights, activation_bits=activations)


def run(name: str, bits: str, folder: Path) -> dict[str, Any]:
    """Finetune one example at one pair of widths."""
    task, recipe = TASKS[name], RECIPES[bits][name]
    data = task.load(DEFAULT_FOLDER)
    example = ROOT / "examples" / name
    model = pipeline.load_model(example / "model.nnp")
    train = folder / f"{name}_train.npz"
    if not train.is_file():
        np.savez(train, x=data.train_inputs, y=data.train_targets)
    start = time.process_time()
    options = replace(widths(bits), balance=recipe.balance)
    result = finetune_model(
        model, train, options, TrainOptions(epochs=recipe.epochs, rate=recipe.rate),
        calibration=example / "calibration.npz", deltas=recipe.deltas, batch_size=recipe.batch_size,
        teacher=recipe.teacher,
    )  # fmt: skip
    seconds = time.process_time() - start
    save_nnp(result.graph, folder / f"{stem(name, bits)}.nnp")
    return {"network": name, "bits": bits, **asdict(recipe), **measure(name, bits, folder), "seconds": seconds}


def stem(name: str, bits: str) -> str:
    """The name of a run's files."""
    return f"{name}_{bits.replace('/', '_')}"


def table(runs: list[dict[str, Any]]) -> list[str]:
    """The runs as rows of Markdown, and what they lose on average."""
    lines = [
        "| bits | network | float | calibrated | finetuned | points lost | agreement | epochs | rate | steps | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for bits in dict.fromkeys(run["bits"] for run in runs):
        rows = [run for run in runs if run["bits"] == bits]
        for row in rows:
            values = [f"{row[key]:.2f} %" for key in ("float", "post_training", "finetuned")]
            lost = f"{row['float'] - row['finetuned']:.2f} | {row['agreement']:.2f} %"
            how = f"{row['epochs']:g} | {row['rate']:g} | {row['deltas']}{', balanced' if row['balance'] else ''}"
            name = row["network"].removeprefix("fashion_")
            lines.append(f"| {bits} | {name} | {' | '.join(values)} | {lost} | {how} | {row['seconds']:.0f} |")
        before, after = ([run["float"] - run[key] for run in rows] for key in ("post_training", "finetuned"))
        mean = f"**{np.mean(after):.2f}**, worst {max(after):.2f}"
        agreement = f"{np.mean([row['agreement'] for row in rows]):.2f} %"
        lines.append(f"| {bits} | mean | | {np.mean(before):.2f} lost | | {mean} | {agreement} | | | | |")
    return lines


def main() -> None:
    """Run what is missing, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", choices=list(RECIPES["4/4"]), default=list(RECIPES["4/4"]))
    parser.add_argument("--bits", nargs="*", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build/finetuning", metavar="DIR")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    runs = []
    for bits in options.bits:
        for name in options.networks:
            path = options.output / f"{stem(name, bits)}.json"
            if not path.is_file():
                path.write_text(json.dumps(run(name, bits, options.output)) + "\n")
                print(path.read_text().strip(), file=sys.stderr, flush=True)
            runs.append(json.loads(path.read_text()))
    print("\n".join(table(runs)))


if __name__ == "__main__":
    main()
