"""Measures the examples on whole test sets: float against integer, cycles at 64 multipliers, and frames in Verilator.

    python benchmarks/examples.py fashion_mlp fashion_residual

needs nnabla (the tasks of the examples are stated with it) and, for Fashion-MNIST, Debian's `dataset-fashion-mnist`.
Every output beat of the frames is compared by equality, and the cycles with those predicted. Prints a line of a
Markdown table for each example.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fpgaq import pipeline
from fpgaq.base.data import Dataset
from fpgaq.study.report.comparison import Comparison

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMES = {"fashion_mlp": 10000, "digits_tabular": 500}
"""Frames of the simulation where they are not 1,000."""


def measure(name: str) -> str:
    """One example from model to simulation, as a line of the table."""
    from fashion_data import DEFAULT_FOLDER
    from tasks import TASKS

    data = TASKS[name].load(DEFAULT_FOLDER)
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
    return (
        f"| {name} | {_figures(compared)} | {compared.samples:,} | {prediction.interval:,} |"
        f" {made.schedule.efficiency:.1%} | {made.schedule.multipliers} | {found.frames:,} | {found.seconds:.0f} s |"
    )


def _figures(compared: Comparison) -> str:
    if compared.losses:
        (loss,) = compared.losses
        return f"{loss.float_error:.6f} | {loss.integer_error:.6f} | {loss.change:+.2%}"
    assert compared.float_top1 is not None and compared.integer_top1 is not None and compared.agreement is not None
    return f"{compared.float_top1:.2%} | {compared.integer_top1:.2%} | {compared.agreement:.2%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the named examples; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", metavar="EXAMPLE", help="a folder of examples/")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(EXAMPLES))
    print("| example | float | integer | agreement | samples | interval | efficiency | multipliers | frames | time |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in options.names:
        print(measure(name), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
