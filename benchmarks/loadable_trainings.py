"""Two trainings of an example on one core whose weights are loaded; docs/loadable.md.

The first goes on with the labels of the samples, the second learns every label raised by one, so that hardly a weight
stays. Both are simulated on the core of the first: python benchmarks/loadable_trainings.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from boards import ROOT, call

from fpgaq.integer.file import load
from fpgaq.integer.reference import run
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
CASES = (("digits_tabular", 4), ("series_conv", 64))
FRAMES = 4
TRAININGS: dict[str, tuple[object, ...]] = {
    "own labels": ("--epochs", 2, "--seed", 1),
    "labels raised by one": ("--epochs", 8, "--rate", 0.01, "--seed", 2),
}


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """The rows of the page, from what was stored."""
    lines = [
        "| network | trained on | weights unlike the core's own | outputs unlike | frames | bytes wrong |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, each in results.items():
        network, training = name.split(", ", 1)
        lines.append(
            f"| {network} | {training} | {each['changed']:,} of {each['weights']:,} | {each['outputs_changed']:,} of"
            f" {each['outputs']:,} | {each['frames']:,} | {each['mismatches']:,} |"
        )
    return lines


def trainings(name: str, folder: Path) -> dict[str, Path]:
    """The integer network of each training of an example."""
    example = ROOT / "examples" / name
    with np.load(example / "test.npz") as data:
        x, y = data["x"], data["y"].astype(int)
    found = {}
    for index, (training, options) in enumerate(TRAININGS.items()):
        np.savez(folder / "train.npz", x=x, y=(y + index) % 10)
        trained, integer = folder / f"{index}.nnp", folder / f"{index}.fpgaq"
        call("finetune", example / "model.nnp", "--train", folder / "train.npz", "--calibration",
             example / "calibration.npz", *options, "-o", trained)  # fmt: skip
        call("quantize", trained, "-o", integer)
        found[training] = integer
    return found


def measured(name: str, multipliers: int, folder: Path) -> dict[str, dict[str, Any]]:
    """What each training changes, and its frames on the core of the first."""
    files, results = trainings(name, folder), {}
    own = load(next(iter(files.values())))
    call("generate", next(iter(files.values())), "-o", folder / "out", "--bus", 32, "--multipliers", multipliers,
         "--weights", "loadable", "--frames", FRAMES)  # fmt: skip
    for training, path in files.items():
        graph = load(path)
        weights = [(one.weight, two.weight) for one, two in zip(own.operators, graph.operators, strict=True)
                   if hasattr(one, "weight")]  # fmt: skip
        before, after = (next(iter(run(each, own.samples).values())) for each in (own, graph))
        done = call("simulate", folder / "out", "--weights", path, "--frames", FRAMES)
        results[f"{name}, {training}"] = {
            "weights": sum(one.size for one, _ in weights),
            "changed": sum(int((one != two).sum()) for one, two in weights),
            "outputs": before.size,
            "outputs_changed": int((before != after).sum()),
            "frames": done["frames"],
            "mismatches": done["mismatches"],
            "cycles": done["wrapper"]["interval_cycles"],
        }
    return results


def main() -> None:
    """Train and simulate each example, store what was measured and print the rows of the page."""
    results: dict[str, dict[str, Any]] = {}
    for name, multipliers in CASES:
        with tempfile.TemporaryDirectory() as temporary:
            results |= measured(name, multipliers, Path(temporary))
    print("\n".join(table(results)))
    origin = about("python benchmarks/loadable_trainings.py", [], "verilator")
    store(RESULTS, {**origin, "results": results})


if __name__ == "__main__":
    main()
