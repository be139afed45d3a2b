"""What finetuning in fixed point recovers on the examples: the rows of docs/accuracy.md, "Finetuning".

    python benchmarks/finetuning.py --network series_conv --bits 4/4 --epochs 3 -o build/finetuning
    python benchmarks/finetuning.py --table build/finetuning

Trains on all training samples of the example, measures on all test samples (10,000 images of Fashion-MNIST), and writes
a line of JSON a run. The integer network is quantized from the file that training wrote, and its reference is run.
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


def figure(values: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], classifier: bool) -> float:
    """Percent of right answers, or the mean squared error."""
    if classifier:
        return 100 * float(np.mean(values.reshape(len(values), -1).argmax(axis=1) == targets))
    return float(np.mean((values.astype(np.float64) - targets) ** 2))


def run(name: str, bits: str, epochs: float, rate: float, deltas: Any, folder: Path) -> dict[str, Any]:
    """Finetune one example at one pair of widths."""
    task = TASKS[name]
    data = task.load(DEFAULT_FOLDER)
    weights, activations = map(int, bits.split("/"))
    model = pipeline.load_model(ROOT / "examples" / name / "model.nnp")
    (source,), (output,) = model.inputs, model.outputs
    calibration = ROOT / "examples" / name / "calibration.npz"
    quantized = pipeline.quantize(
        model, calibration, QuantizeOptions(weight_bits=weights, activation_bits=activations)
    )  # fmt: skip
    stem = f"{name}_{weights}_{activations}_{deltas}"
    train = folder / f"{name}_train.npz"
    if not train.is_file():
        targets = data.train_targets
        np.savez(train, x=data.train_inputs, y=targets if task.classifier else targets.astype(np.float32))
    start = time.process_time()
    result = finetune_model(
        model, train, QuantizeOptions(weight_bits=weights, activation_bits=activations),
        TrainOptions(epochs=epochs, rate=rate), calibration=calibration, deltas=deltas,
    )  # fmt: skip
    seconds = time.process_time() - start
    save_nnp(result.graph, folder / f"{stem}.nnp")
    finetuned = pipeline.quantize(folder / f"{stem}.nnp")

    def integer(network: Any) -> float:
        _, values = pipeline.run(network, data.test_inputs)[output]
        return figure(values, data.test_targets, task.classifier)

    real = run_float(model, {source: data.test_inputs})[output]
    return {
        "network": name,
        "bits": bits,
        "epochs": epochs,
        "rate": rate,
        "deltas": deltas,
        "float": figure(real, data.test_targets, task.classifier),
        "post_training": integer(quantized),
        "finetuned": integer(finetuned),
        "seconds": seconds,
    }


def table(folder: Path) -> str:
    """The runs as rows of Markdown."""
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    lines = [
        "| network | bits | float | post-training | finetuned | loss | epochs, rate | CPU |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for bits in sorted({run["bits"] for run in runs}, reverse=True):
        losses = []
        for row in (run for run in runs if run["bits"] == bits):
            form = "{:.2f} %" if row["float"] > 1 else "{:.5f}"
            values = [form.format(row[key]) for key in ("float", "post_training", "finetuned")]
            loss = "-"
            if row["float"] > 1:
                losses.append(row["float"] - row["finetuned"])
                loss = f"{losses[-1]:.2f}"
            cells = [
                row["network"],
                bits,
                *values,
                loss,
                f"{row['epochs']:g}, {row['rate']:g}",
                f"{row['seconds']:.0f} s",
            ]
            lines.append(f"| {' | '.join(cells)} |")
        if losses:
            lines.append(f"| mean | {bits} | | | | **{np.mean(losses):.2f}** (worst {max(losses):.2f}) | | |")
    return "\n".join(lines)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=sorted(TASKS))
    parser.add_argument("--bits", default="4/4", metavar="W/A", help="bits of weights and activations")
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--deltas", default="frozen")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build/finetuning")
    parser.add_argument("--table", type=Path, metavar="DIR", help="print the runs in a folder as a table")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(arguments.table))
        return
    arguments.output.mkdir(parents=True, exist_ok=True)
    row = run(
        arguments.network, arguments.bits, arguments.epochs, arguments.rate, arguments.deltas, arguments.output
    )  # fmt: skip
    stem = f"{row['network']}_{row['bits'].replace('/', '_')}_{row['deltas']}"
    (arguments.output / f"{stem}.json").write_text(json.dumps(row) + "\n")
    print(json.dumps(row))


if __name__ == "__main__":
    main()
