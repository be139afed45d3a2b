"""Measures the examples on whole test sets: float against integer, cycles at 64 multipliers, and frames in Verilator.

    python benchmarks/examples.py fashion_mlp fashion_residual

needs nnabla (the tasks of the examples are stated with it) and, for Fashion-MNIST, Debian's `dataset-fashion-mnist`.
Every output beat of the frames is compared by equality, and the cycles with those predicted. Keeps what it finds in
`examples.json` beside this script and prints the table of docs/measurements.md. A row that names a commit was measured
at it, others at that of the file. The table of examples/README.md has the same scores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fpgaq import pipeline
from fpgaq.base.data import Dataset
from fpgaq.study.report.comparison import Comparison
from fpgaq.study.report.summary import summarize
from tests.support.provenance import about, store

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMES = {"fashion_mlp": 10000, "digits_tabular": 500}
"""Frames of the simulation where they are not 1,000."""

RESULTS = Path(__file__).with_name("examples.json")
TRAINED = {
    "fashion_mlp": "784-64-32-10, ReLU",
    "fashion_cnn": "two 3x3 convolutions with batch normalization and pooling, affine",
    "fashion_residual": "two residual blocks, average pooling, affine",
    "fashion_mobile": "three depthwise-separable blocks, ReLU6, global average pooling, affine",
    "fashion_autoencoder": "encoder and decoder with deconvolutions and a skip concatenation",
    "series_conv": "two 1-D convolutions with max and average pooling, affine",
    "digits_cnn": "the same two convolutions on 8x8 pixels, for `fpgaq demo`",
    "digits_tabular": "64-48-32-16-10 with Swish, SELU and Tanh on unscaled features",
}
"""What each example is."""


def measure(name: str, data_folder: Path) -> dict[str, Any]:
    """One example from model to simulation."""
    from tasks import TASKS

    data = TASKS[name].load(data_folder)
    folder = EXAMPLES / name
    graph = pipeline.load_model(folder / "model.nnp")
    integer = pipeline.quantize(graph, folder / "calibration.npz")
    targets = data.test_targets
    whole = Dataset({graph.inputs[0]: data.test_inputs}, targets if targets.ndim == 1 else None)
    if targets.ndim > 1:
        whole = Dataset(whole.inputs, None, {graph.outputs[0]: targets})
    compared = pipeline.compare(graph, integer, whole)
    with tempfile.TemporaryDirectory() as temporary:
        made = pipeline.generate(integer, Path(temporary) / "out")
        found = pipeline.simulate(
            Path(temporary) / "out", data=whole, frames=FRAMES.get(name, 1000), simulator="verilator"
        )
    prediction = made.schedule.prediction
    assert found.interval_cycles in (None, prediction.interval) and found.latency_cycles == prediction.latency
    return {
        **_figures(compared), "samples": compared.samples, "interval": prediction.interval,
        "latency": prediction.latency, "efficiency": made.schedule.efficiency,
        "multipliers": made.schedule.multipliers, "frames": found.frames, "mismatches": found.mismatches,
        "seconds": round(found.seconds, 1),
    }  # fmt: skip


def _figures(compared: Comparison) -> dict[str, float | None]:
    if compared.losses:
        (loss,) = compared.losses
        return {"float_error": loss.float_error, "integer_error": loss.integer_error, "change": loss.change}
    return {"float": compared.float_top1, "integer": compared.integer_top1, "agreement": compared.agreement}


def table(stored: dict[str, Any]) -> list[str]:
    """The table of the page."""
    lines = [
        "| example | float | integer | agreement or change | samples | interval | efficiency | multipliers | frames |"
        " time |",
        "| --- " * 10 + "|",
    ]
    for name, one in stored["rows"].items():
        if "change" in one:
            figures = f"{one['float_error']:.6f} | {one['integer_error']:.6f} | {one['change']:+.2%}"
        else:
            figures = " | ".join(f"{one[key]:.2%}" for key in ("float", "integer", "agreement"))
        lines.append(
            f"| {name} | {figures} | {one['samples']:,} | {one['interval']:,.10g} | {one['efficiency']:.1%} |"
            f" {one['multipliers']} | {one['frames']:,} | {one['seconds']:.0f} s |"
        )
    return lines


def trained_table(stored: dict[str, Any]) -> list[str]:
    """The table of examples/README.md: multiplications are those of the models, scores those that were stored."""
    lines = ["| folder | network | multiplications | float, whole test set |", "| --- | --- | --- | --- |"]
    for name, network in TRAINED.items():
        one = stored["rows"][name]
        macs = summarize(pipeline.load_model(EXAMPLES / name / "model.nnp")).macs
        score = f"{one['float']:.2%}" if "float" in one else f"mean squared error {one['float_error']:.4f}"
        lines.append(f"| [{name}]({name}/README.md) | {network} | {macs:,} | {score} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the named examples; returns the exit code."""
    sys.path.insert(0, str(EXAMPLES))
    from fashion_data import DEFAULT_FOLDER

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="EXAMPLE", help="a folder of examples/")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)
    stored = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"rows": {}}
    stored |= {"command": "python benchmarks/examples.py EXAMPLE..."}
    for name in options.names:
        origin = about("python benchmarks/examples.py", [name], "nnabla", "verilator")
        stored["rows"][name] = {**origin, **measure(name, options.data_folder)}
        store(RESULTS, stored)
    print("\n".join(table(stored)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
