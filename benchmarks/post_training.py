"""Accuracy of every calibration method on the examples' whole test sets: the tables of docs/accuracy_methods.md.

    sudo apt-get install dataset-fashion-mnist
    python benchmarks/post_training.py --results build/post_training.jsonl

Calibration sees the 256 training samples of each example and nothing else; the test sets are only measured on.
`--results` keeps what was measured, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from fashion_data import DEFAULT_FOLDER  # noqa: E402
from tasks import TASKS  # noqa: E402

from fpgaq.base.data import Dataset, load_data  # noqa: E402
from fpgaq.base.parallel import evaluate  # noqa: E402
from fpgaq.pipeline import load_model  # noqa: E402
from fpgaq.quantizer import quantize  # noqa: E402
from fpgaq.quantizer.config import QuantizeOptions  # noqa: E402
from fpgaq.study.search.measure import Workload, make_workload, outputs  # noqa: E402

HESSIAN = {"weight_rounding": "hessian"}
BIAS = {"bias_correction": True}
CHANNEL = {"per_channel": True}
LEAST = {"method": "mse", "per_channel": False}
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
    "auto (default)": {},
    "auto, balanced": {"balance": True},
}
ROWS = [
    *((bits, 8, name) for bits in (8, 4) for name in STEPS),
    *((weights, activations, "auto (default)") for weights, activations in ((6, 8), (4, 4), (3, 8), (2, 8))),
    (4, 4, "auto, balanced"),
]


@cache
def example(name: str) -> tuple[Workload, Any]:
    """Calibration samples, the whole test set with what the float network says of it, and the targets."""
    graph = load_model(ROOT / "examples" / name / "model.nnp")
    path = ROOT / "examples" / name / "calibration.npz"
    calibration = load_data(path, graph.inputs, outputs=graph.outputs, shapes=graph.shapes)
    data = TASKS[name].load(DEFAULT_FOLDER)
    labels = data.test_targets.astype(np.int64) if TASKS[name].classifier else None
    tests = Dataset({graph.inputs[0]: data.test_inputs}, labels)
    return make_workload(graph, calibration, tests, QuantizeOptions()), data.test_targets


def measure(task: tuple[str, int, int, dict[str, Any]]) -> dict[str, Any]:
    """One example at one width by one method."""
    name, weights, activations, options = task
    workload, targets = example(name)
    begin = time.process_time()
    integer = quantize(workload.graph, workload.calibration, QuantizeOptions(weights, activations, **options))
    seconds = time.process_time() - begin
    real, found = workload.expected, outputs(integer, workload)
    if not TASKS[name].classifier:
        wanted = targets.reshape(found.shape).astype(np.float64)
        before, after = (float(np.mean((values - wanted) ** 2)) for values in (real, found))
        return {"change": after / before - 1, "seconds": seconds}
    answers, expected = found.argmax(axis=1), real.argmax(axis=1)
    return {
        "loss": 100 * float(np.mean(expected == targets) - np.mean(answers == targets)),
        "agreement": 100 * float(np.mean(answers == expected)),
        "seconds": seconds,
        "samples": len(found),
    }


def tables(names: list[str], rows: list[tuple[int, int, str]], results: list[dict[str, Any]]) -> list[str]:
    """Loss in points by example, and agreement, as Markdown."""
    classifiers = [name for name in names if TASKS[name].classifier]
    others = [name for name in names if name not in classifiers]
    short = [name.removeprefix("fashion_") for name in classifiers]
    by_row = {row: dict(zip(names, results[i * len(names) :], strict=False)) for i, row in enumerate(rows)}
    lines = ["Loss of top-1 in points:", ""]
    lines.append(
        f"| bits | method | {' | '.join(short)} | mean | worst | {' | '.join(f'{n}: error' for n in others)} |"
    )
    lines.append("|---" * (len(names) + 4) + "|")
    for (weights, activations, method), found in by_row.items():
        losses = [found[name]["loss"] for name in classifiers]
        cells = [f"{loss:.2f}" for loss in [*losses, np.mean(losses), max(losses)]]
        cells += [f"{found[name]['change']:+.1%}" for name in others]
        lines.append(f"| {weights}/{activations} | {method} | {' | '.join(cells)} |")
    lines += ["", "Agreement with float in percent, and seconds of one core for calibrating all examples:", ""]
    lines += [f"| bits | method | {' | '.join(short)} | mean | least | seconds |", "|---" * (len(short) + 5) + "|"]
    for (weights, activations, method), found in by_row.items():
        agreements = [found[name]["agreement"] for name in classifiers]
        cells = [f"{value:.2f}" for value in [*agreements, np.mean(agreements), min(agreements)]]
        seconds = sum(found[name]["seconds"] for name in names)
        lines.append(f"| {weights}/{activations} | {method} | {' | '.join(cells)} | {seconds:.1f} |")
    lines += ["", "Seconds of one core for calibrating each example, auto:", ""]
    lines += [f"| bits | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for (weights, activations, method), found in by_row.items():
        if method == "auto (default)":
            cells = [f"{found[name]['seconds']:.1f}" for name in names]
            lines.append(f"| {weights}/{activations} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, help="file that keeps what was measured")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--examples", nargs="*", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--only", nargs="*", metavar="METHOD", help="only these rows of the tables")
    options = parser.parse_args()
    rows = [row for row in ROWS if options.only is None or row[2] in options.only]
    tasks = [(name, row[0], row[1], STEPS[row[2]]) for row in rows for name in options.examples]
    results = evaluate(
        measure, tasks, jobs=options.jobs, cache=options.results,
        progress=lambda done, total: print(f"{done} of {total}", file=sys.stderr),
    )  # fmt: skip
    print("\n".join(tables(options.examples, rows, results)))


if __name__ == "__main__":
    main()
