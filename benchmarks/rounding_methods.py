"""The ways to round weights, beside one another on the examples: the table of docs/accuracy_methods.md.

    python benchmarks/rounding_methods.py measure --data-folder DIR
    python benchmarks/rounding_methods.py table

Activations and biases are those of `auto` without trials, steps of weights those of least squares unless it is said.
What was measured stays, so that an interrupted run goes on where it stopped. Losses are on every fifth image of the
test set.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from defaults import DEFAULT_FOLDER, Task, examples

from fpgaq.model.executor import run_float
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.refinement import output_divergence, real_outputs
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
WAYS: dict[str, dict[str, Any]] = {
    "hessian": {"weight_delta": "mse"},
    "qronos": {"weight_delta": "mse", "weight_rounding": "qronos"},
    "comq": {"weight_delta": "mse", "weight_rounding": "comq"},
    "hessian, steps after rounding": {"weight_delta": "rounded"},
}
MEANS = ("loss", "agreement", "divergence", "seconds")
WIDTHS = ((4, 8), (4, 4), (3, 8), (2, 8))


def measure(task: Task, bits: tuple[int, int], way: str) -> dict[str, Any]:
    """One network at one width, rounded one way; the divergence is that of `output_divergence`."""
    (source,), (output,) = task.graph.inputs, task.graph.outputs
    begin = time.process_time()
    integer = quantize(task.graph, {source: task.calibration}, QuantizeOptions(*bits, **WAYS[way]))
    seconds = time.process_time() - begin
    real = run_float(task.graph, {source: task.tests.astype(np.float32)})[output]
    found = real_outputs(integer, {source: task.tests})[output]
    row = {"network": task.name, "bits": list(bits), "way": way, "samples": len(real)}
    row["seconds"] = round(seconds, 2)
    row["divergence"] = output_divergence(real, found, task.labels is not None)
    if task.labels is None:
        return row
    answers, expected = (values.reshape(len(values), -1).argmax(axis=1) for values in (found, real))
    loss = 100 * float(np.mean(expected == task.labels) - np.mean(answers == task.labels))
    return row | {"loss": loss, "agreement": 100 * float(np.mean(answers == expected))}


def table(stored: Mapping[str, Any]) -> list[str]:
    """Means over the classifiers of which every way was measured."""
    lines = [
        "| bits | rounding | networks | mean loss, points | worst | mean agreement, % | mean divergence | seconds |",
        "|---" * 8 + "|",
    ]
    rows = [row for row in stored["rows"] if "loss" in row]
    for bits in WIDTHS:
        some = [row for row in rows if tuple(row["bits"]) == bits]
        names = set.intersection(*({row["network"] for row in some if row["way"] == way} for way in WAYS))
        for way in WAYS if names else ():
            chosen = [row for row in some if row["way"] == way and row["network"] in names]
            loss, agreement, divergence, seconds = (float(np.mean([row[key] for row in chosen])) for key in MEANS)
            lines.append(
                f"| {bits[0]}/{bits[1]} | {way} | {len(chosen)} | {loss:.2f} | {max(r['loss'] for r in chosen):.2f} |"
                f" {agreement:.2f} | {divergence:.4f} | {seconds:.2f} |"
            )
    return lines


def main() -> None:
    """Measure what is not stored yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["measure", "table"])
    parser.add_argument("--only", nargs="*", help="these networks alone")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER)
    options = parser.parse_args()
    if options.command == "table":
        print("\n".join(table(json.loads(RESULTS.read_text()))))
        return
    rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.is_file() else []
    known = {(row["network"], tuple(row["bits"]), row["way"]) for row in rows}
    for task in examples(options):
        for bits in WIDTHS:
            for way in WAYS:
                if (task.name, bits, way) in known or (options.only and task.name not in options.only):
                    continue
                rows.append(measure(task, bits, way))
                print(json.dumps(rows[-1]), flush=True)
                store(RESULTS, {**about("python benchmarks/rounding_methods.py measure", []), "rows": rows})


if __name__ == "__main__":
    main()
