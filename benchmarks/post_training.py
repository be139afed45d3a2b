"""Accuracy of every calibration method on the examples: the tables of docs/accuracy_methods.md.

    sudo apt-get install dataset-fashion-mnist
    python benchmarks/post_training.py [--images 10000] [--examples NAME ...] [--only METHOD ...] [--again]

The default, `auto`, is not among them: it chooses by samples that it holds out, and `defaults.py` measures it.
Calibration sees the 256 training samples of each example and nothing else; the test samples are only measured on, by
default every fifth image. Each result is stored beside this script as it comes. What is stored already is not measured
again, unless it is of other images or `--again` is given.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from fashion_data import DEFAULT_FOLDER  # noqa: E402

from fpgaq.base.data import Dataset, load_data  # noqa: E402
from fpgaq.pipeline import load_model  # noqa: E402
from fpgaq.quantizer import quantize  # noqa: E402
from fpgaq.quantizer.config import QuantizeOptions  # noqa: E402
from fpgaq.study.search.measure import Workload, make_workload, outputs  # noqa: E402
from tests.support.provenance import SECONDS, about, store  # noqa: E402

RESULTS = Path(__file__).with_suffix(".json")

HESSIAN = {"weight_rounding": "hessian"}
BIAS = {"bias_correction": True}
CHANNEL = {"per_channel": True}
LEAST = {"method": "mse", "per_channel": False}
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/model.nnp"))
STEPS: dict[str, dict[str, Any]] = {
    "max, per tensor": {"method": "max"},
    "percentile 99.9, per tensor": {"method": "percentile"},
    "least squares, per tensor": {"method": "mse"},
    "steps by the output's error, per tensor": {"method": "output"},
    "least squares, equalized": {"method": "mse", "equalize": True},
    "least squares, bias correction": {"method": "mse", **BIAS},
    "least squares, Hessian-ordered rounding": {"method": "mse", **HESSIAN},
    "max, per channel": {"method": "max", **CHANNEL},
    "least squares, per channel": {"method": "mse", **CHANNEL},
    "... with bias correction": {"method": "mse", **CHANNEL, **BIAS},
    "... and Hessian-ordered rounding": {"method": "mse", **CHANNEL, **BIAS, **HESSIAN},
    "... the same, per tensor": {**LEAST, **BIAS, **HESSIAN},
    "... the same, steps by the output's error": {"method": "output", **CHANNEL, **BIAS, **HESSIAN},
    "... the same, equalized": {"method": "mse", "equalize": True, **CHANNEL, **BIAS, **HESSIAN},
}
ROWS = [(bits, 8, name) for bits in (8, 4) for name in STEPS]


def example(name: str, images: int, folder: Path) -> tuple[Workload, Any]:
    """Calibration samples, test samples with what the float network says of them, and the targets."""
    # The tasks state their networks by nnabla, which the tables do without.
    from tasks import TASKS

    graph = load_model(ROOT / "examples" / name / "model.nnp")
    path = ROOT / "examples" / name / "calibration.npz"
    calibration = load_data(path, graph.inputs, outputs=graph.outputs, shapes=graph.shapes)
    data = TASKS[name].load(folder)
    stride = max(1, len(data.test_inputs) // images)
    inputs, targets = (values[::stride][:images] for values in (data.test_inputs, data.test_targets))
    labels = targets.astype(np.int64) if TASKS[name].classifier else None
    return make_workload(graph, calibration, Dataset({graph.inputs[0]: inputs}, labels), QuantizeOptions()), targets


def measure(workload: Workload, targets: Any, bits: tuple[int, int], method: str) -> dict[str, Any]:
    """One example at one width by one method."""
    begin = time.process_time()
    integer = quantize(workload.graph, workload.calibration, QuantizeOptions(*bits, **STEPS[method]))
    seconds = round(time.process_time() - begin, 2)
    real, found = workload.expected, outputs(integer, workload)
    row: dict[str, Any] = {"seconds": seconds, "samples": len(found)}
    if targets.ndim > 1:
        wanted = targets.reshape(found.shape).astype(np.float64)
        before, after = (float(np.mean((values - wanted) ** 2)) for values in (real, found))
        return {**row, "change": after / before - 1}
    answers, expected = found.argmax(axis=1), real.argmax(axis=1)
    loss = 100 * float(np.mean(expected == targets) - np.mean(answers == targets))
    return {**row, "loss": loss, "agreement": 100 * float(np.mean(answers == expected))}


Found = Mapping[tuple[int, int, str], Mapping[str, Mapping[str, Any]]]
"""What was measured, by row of the tables and by example."""


def by_row(results: Mapping[str, Any]) -> Found:
    """The stored results of the rows that are whole, in the order of the tables."""
    found: dict[tuple[int, int, str], dict[str, Any]] = {row: {} for row in ROWS}
    for row in sorted(results["rows"], key=lambda row: EXAMPLES.index(row["example"])):
        found[(*row["bits"], row["method"])][row["example"]] = row
    names = {row["example"] for row in results["rows"]}
    return {row: cells for row, cells in found.items() if set(cells) == names}


def names_of(found: Found) -> tuple[list[str], list[str]]:
    """The examples that are classifiers, and the others."""
    cells = next(iter(found.values()))
    return [name for name in cells if "loss" in cells[name]], [name for name in cells if "change" in cells[name]]


def loss_table(results: Mapping[str, Any]) -> list[str]:
    """Points of top-1 that are lost, or the growth of the mean squared error."""
    found = by_row(results)
    classifiers, others = names_of(found)
    heads = [*map(short, classifiers), "mean", "worst", *(f"{name}: error" for name in others)]
    lines = head("bits", "method", *heads)
    for (weights, activations, method), cells in found.items():
        losses = [cells[name]["loss"] for name in classifiers]
        shown = [f"{loss:.2f}" for loss in [*losses, np.mean(losses), max(losses)]]
        shown += [f"{cells[name]['change']:+.1%}" for name in others]
        lines.append(f"| {weights}/{activations} | {method} | {' | '.join(shown)} |")
    return lines


def agreement_table(results: Mapping[str, Any]) -> list[str]:
    """Percent of samples with the float network's class, and the seconds of all examples together."""
    found = by_row(results)
    classifiers, _ = names_of(found)
    lines = head("bits", "method", *map(short, classifiers), "mean", "least", "seconds")
    for (weights, activations, method), cells in found.items():
        agreements = [cells[name]["agreement"] for name in classifiers]
        shown = [f"{value:.2f}" for value in [*agreements, np.mean(agreements), min(agreements)]]
        seconds = sum(cell["seconds"] for cell in cells.values())
        lines.append(f"| {weights}/{activations} | {method} | {' | '.join(shown)} | {seconds:.1f} |")
    return lines


def short(name: str) -> str:
    """An example's name in a narrow column."""
    return name.removeprefix("fashion_")


def head(*columns: str) -> list[str]:
    """The first two lines of a table."""
    return [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]


def main() -> None:
    """Measure what is not stored yet, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000, help="of each test set at most; default: %(default)s")
    parser.add_argument("--examples", nargs="*", choices=EXAMPLES, default=EXAMPLES)
    parser.add_argument("--only", nargs="*", metavar="METHOD", help="only these rows of the tables")
    parser.add_argument("--again", action="store_true", help="measure what is stored too")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args()
    origin = {**about(f"python benchmarks/post_training.py --images {options.images}", []), "seconds": SECONDS}
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.is_file() else []
    for name in options.examples:
        workload, targets = example(name, options.images, options.data_folder)
        for weights, activations, method in ROWS:
            key = {"example": name, "bits": [weights, activations], "method": method}
            kept = [row for row in rows if key.items() <= row.items()]
            if options.only is not None and method not in options.only:
                continue
            if not options.again and any(row["samples"] == len(targets) for row in kept):
                continue
            row = {**key, **measure(workload, targets, (weights, activations), method)}
            print(row, file=sys.stderr, flush=True)
            rows = [old for old in rows if old not in kept] + [row]
            store(RESULTS, {**origin, "rows": rows})
    results = {"rows": rows}
    for table in (loss_table, agreement_table):
        print("\n".join(table(results)), end="\n\n")


if __name__ == "__main__":
    main()
