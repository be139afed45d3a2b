"""What finetuning in fixed point recovers on the examples: the table of docs/accuracy.md.

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
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

import numpy as np  # noqa: E402
from fashion_data import DEFAULT_FOLDER  # noqa: E402
from tasks import TASKS  # noqa: E402

from fpgaq import pipeline  # noqa: E402
from fpgaq.exporters import save_nnp  # noqa: E402
from fpgaq.float_executor import run_float  # noqa: E402
from fpgaq.nnabla import TrainOptions  # noqa: E402
from fpgaq.nnabla.workflow import finetune_model  # noqa: E402
from fpgaq.quantizer.config import QuantizeOptions  # noqa: E402

RATES = {"4/4": 1e-3, "3/8": 1e-3, "2/8": 3e-3}
TEACHER = 0.5
"""Of each target, the float network's share."""
RECIPES = {
    "fashion_mlp": (6, 256, 4.0),
    "series_conv": (3, 64, 2.0),
    "digits_tabular": (30, 32, 2.0),
    "fashion_cnn": (2, 64, 0.5),
    "fashion_residual": (2, 64, 1.0),
    "fashion_mobile": (2, 64, 4.0),
    "fashion_autoencoder": (1, 64, 1.0),
}
"""Epochs, samples of a step, and a factor on the rate: more for large batches and for what lost much."""


def figure(values: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], classifier: bool) -> float:
    """Percent of right answers, or the mean squared error."""
    if classifier:
        return 100 * float(np.mean(values.reshape(len(values), -1).argmax(axis=1) == targets))
    return float(np.mean((values.astype(np.float64) - targets) ** 2))


def run(name: str, bits: str, options: argparse.Namespace) -> dict[str, Any]:
    """Finetune one example at one pair of widths."""
    task, folder = TASKS[name], options.output
    data = task.load(DEFAULT_FOLDER)
    weights, activations = map(int, bits.split("/"))
    widths = QuantizeOptions(weight_bits=weights, activation_bits=activations)
    epochs, batch, factor = RECIPES[name]
    epochs, rate = options.epochs or epochs, options.rate or RATES[bits] * factor
    model = pipeline.load_model(ROOT / "examples" / name / "model.nnp")
    (source,), (output,) = model.inputs, model.outputs
    calibration = ROOT / "examples" / name / "calibration.npz"
    quantized = pipeline.quantize(model, calibration, widths)
    train = folder / f"{name}_train.npz"
    if not train.is_file():
        targets = data.train_targets
        np.savez(train, x=data.train_inputs, y=targets if task.classifier else targets.astype(np.float32))
    start = time.process_time()
    result = finetune_model(
        model, train, widths, TrainOptions(epochs=epochs, rate=rate), calibration=calibration,
        deltas=options.deltas, batch_size=batch, teacher=options.teacher,
    )  # fmt: skip
    seconds = time.process_time() - start
    path = folder / f"{stem(name, bits)}.nnp"
    save_nnp(result.graph, path)

    def integer(network: Any) -> float:
        _, values = pipeline.run(network, data.test_inputs)[output]
        return figure(values, data.test_targets, task.classifier)

    real = run_float(model, {source: data.test_inputs})[output]
    return {
        "network": name,
        "bits": bits,
        "epochs": epochs,
        "rate": rate,
        "batch": batch,
        "deltas": options.deltas,
        "teacher": options.teacher,
        "float": figure(real, data.test_targets, task.classifier),
        "post_training": integer(quantized),
        "finetuned": integer(pipeline.quantize(path)),
        "seconds": seconds,
    }


def stem(name: str, bits: str) -> str:
    """The name of a run's files."""
    return f"{name}_{bits.replace('/', '_')}"


def table(runs: list[dict[str, Any]]) -> list[str]:
    """The runs as rows of Markdown, and what classifiers lose on average."""
    lines = [
        "| bits | network | float | after training | finetuned | points lost | epochs | CPU seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for bits in dict.fromkeys(run["bits"] for run in runs):
        losses: list[tuple[float, float]] = []
        for row in (run for run in runs if run["bits"] == bits):
            classifies = TASKS[row["network"]].classifier
            form = "{:.2f} %" if classifies else "{:.5f}"
            values = [form.format(row[key]) for key in ("float", "post_training", "finetuned")]
            cells = [bits, row["network"].removeprefix("fashion_"), *values, "-"]
            if classifies:
                losses.append((row["float"] - row["post_training"], row["float"] - row["finetuned"]))
                cells[-1] = f"{losses[-1][1]:.2f}"
            lines.append(f"| {' | '.join(cells)} | {row['epochs']:g} | {row['seconds']:.0f} |")
        if losses:
            before, after = zip(*losses, strict=True)
            mean, worst = f"**{np.mean(after):.2f}**, worst {max(after):.2f}", f"{np.mean(before):.2f} lost"
            lines.append(f"| {bits} | mean | | {worst} | | {mean} | | |")
    return lines


def main() -> None:
    """Run what is missing, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument(
        "--bits",
        nargs="*",
        choices=list(RATES),
        default=list(RATES),
        metavar="W/A",
        help="bits of weights and activations",
    )
    parser.add_argument("--epochs", type=float, help="instead of the recipe's")
    parser.add_argument("--rate", type=float, help="instead of the recipe's")
    parser.add_argument("--teacher", type=float, default=TEACHER)
    parser.add_argument("--deltas", default="learned")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build/finetuning")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    runs = []
    for bits in options.bits:
        for name in options.networks:
            path = options.output / f"{stem(name, bits)}.json"
            if not path.is_file():
                path.write_text(json.dumps(run(name, bits, options)) + "\n")
                print(path.read_text().strip(), file=sys.stderr, flush=True)
            runs.append(json.loads(path.read_text()))
    print("\n".join(table(runs)))


if __name__ == "__main__":
    main()
