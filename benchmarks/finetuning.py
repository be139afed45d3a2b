"""Accuracy that finetuning in fixed point recovers on the examples: the table of docs/accuracy.md.

    sudo apt-get install dataset-fashion-mnist
    python benchmarks/finetuning.py [--networks NAME ...] [--bits 4/4 ...] [--again]

Trains on all training samples of the example and measures on all test samples (10,000 images of Fashion-MNIST). Each
run is stored beside this script, with its commit; what is stored already is not trained again. The table shows all runs
that are stored. The integer network is quantized from the file that training wrote, and its reference is run. Needs
nnabla, hence CPython 3.10.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

import numpy as np  # noqa: E402
from fashion_data import DEFAULT_FOLDER  # noqa: E402

from fpgaq import pipeline  # noqa: E402
from fpgaq.base.choices import Deltas  # noqa: E402
from fpgaq.model.executor import run_float  # noqa: E402
from fpgaq.model.exporters import save_nnp  # noqa: E402
from fpgaq.quantizer.config import QuantizeOptions  # noqa: E402
from tests.support.provenance import SECONDS, about, store  # noqa: E402

RESULTS = Path(__file__).with_suffix(".json")


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


def measure(name: str, bits: str, folder: Path, data_folder: Path) -> dict[str, float]:
    """Top-1 of the float, the quantized and the finetuned network, and how often the last agrees with the first."""
    from tasks import TASKS

    data, example = TASKS[name].load(data_folder), ROOT / "examples" / name
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


def run(name: str, bits: str, folder: Path, data_folder: Path) -> dict[str, Any]:
    """Finetune one example at one pair of widths."""
    # All of these need nnabla, which the table does without.
    from tasks import TASKS

    from fpgaq.nnabla import TrainOptions
    from fpgaq.pipeline.finetuning import finetune_model

    recipe, data = RECIPES[bits][name], TASKS[name].load(data_folder)
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
    return {
        "network": name,
        "bits": bits,
        **asdict(recipe),
        **measure(name, bits, folder, data_folder),
        "seconds": seconds,
    }


def stem(name: str, bits: str) -> str:
    """The name of a run's files."""
    return f"{name}_{bits.replace('/', '_')}"


def ordered(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stored runs in the order of the recipes."""
    runs = {(run["bits"], run["network"]): run for run in results["rows"]}
    return [runs[bits, name] for bits in RECIPES for name in RECIPES[bits] if (bits, name) in runs]


def table(results: Mapping[str, Any]) -> list[str]:
    """The runs as rows of Markdown, and what they lose on average."""
    columns = ("bits", "network", "float", "calibrated", "finetuned", "points lost", "agreement", "epochs", "rate",
               "steps", "CPU s")  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    runs = ordered(results)
    for bits in dict.fromkeys(run["bits"] for run in runs):
        rows = [run for run in runs if run["bits"] == bits]
        for row in rows:
            values = [f"{row[key]:.2f} %" for key in ("float", "post_training", "finetuned")]
            lost = f"{row['float'] - row['finetuned']:.2f} | {row['agreement']:.2f} %"
            how = f"{row['epochs']:g} | {row['rate']:g} | {row['deltas']}{', balanced' if row['balance'] else ''}"
            name = row["network"].removeprefix("fashion_")
            lines.append(f"| {bits} | {name} | {' | '.join(values)} | {lost} | {how} | {row['seconds']:.0f} |")
        before = np.mean([run["float"] - run["post_training"] for run in rows])
        (short,) = in_short({"rows": rows}, [bits])
        after = f"{short['loss']:.2f}, worst {short['worst']:.2f}"
        lines.append(f"| {bits} | mean | | {before:.2f} lost | | {after} | {short['agreement']:.2f} % | | | | |")
    return lines


def in_short(results: Mapping[str, Any], widths: Sequence[str]) -> list[dict[str, Any]]:
    """Mean and worst of the stored runs at each of the widths, in points and percent."""
    found = []
    for bits in widths:
        rows = [run for run in ordered(results) if run["bits"] == bits]
        losses = [run["float"] - run["finetuned"] for run in rows]
        agreements = [run["agreement"] for run in rows]
        found.append(
            {
                "bits": bits, "networks": len(rows), "loss": float(np.mean(losses)), "worst": max(losses),
                "agreement": float(np.mean(agreements)), "least": min(agreements),
            }
        )  # fmt: skip
    return found


def main() -> None:
    """Run what is missing, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", choices=list(RECIPES["4/4"]), default=list(RECIPES["4/4"]))
    parser.add_argument("--bits", nargs="*", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--again", action="store_true", help="train what is stored too")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    parser.add_argument(
        "-o", "--output", type=Path, default=ROOT / "build/finetuning", metavar="DIR", help="of the trained models"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    origin = about("python benchmarks/finetuning.py", [], "nnabla")
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.is_file() else []
    for bits in options.bits:
        for name in options.networks:
            kept = [row for row in rows if (row["bits"], row["network"]) == (bits, name)]
            if kept and not options.again:
                continue
            row = {**run(name, bits, options.output, options.data_folder), "commit": origin["commit"]}
            print(row, file=sys.stderr, flush=True)
            rows = [old for old in rows if old not in kept] + [row]
            store(RESULTS, {**origin, "seconds": SECONDS, "rows": rows})
    print("\n".join(table({"rows": rows})))


if __name__ == "__main__":
    main()
