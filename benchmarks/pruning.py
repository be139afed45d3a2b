"""Prune trained examples to half of their multiplications, train them again, and prove the hardware of both.

    python benchmarks/pruning.py -o build/pruning                       # three networks, an hour on one core
    python benchmarks/pruning.py -o build/pruning --network fashion_cnn --epochs 1 --trials 1
    python benchmarks/pruning.py -o build/pruning --only untrained      # four minutes, without nnabla

Choices and training see training images only; the accuracy is that of all 10,000 test images. Needs nnabla (CPython
3.10), Debian's package `dataset-fashion-mnist`, Icarus Verilog, and Verilator. A network whose pruned model is in the
output folder already is not trained again. Prints the tables of docs/pruning.md. Results are stored beside this script:
what is left without training in pruning.json, each network that was trained in pruning_trained.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))

from fashion_data import DEFAULT_FOLDER, DataError, load_fashion  # noqa: E402

import fpgaq  # noqa: E402
from fpgaq.base.data import Dataset  # noqa: E402
from fpgaq.base.errors import FpgaqError  # noqa: E402
from fpgaq.hardware.schedule import Target  # noqa: E402
from fpgaq.model.passes import standard_passes  # noqa: E402
from fpgaq.study.pruning.figures import Figures, measure, table_rows  # noqa: E402
from fpgaq.study.pruning.options import PruneOptions  # noqa: E402
from fpgaq.study.pruning.prune import prune_graph  # noqa: E402
from tests.support.provenance import SECONDS, about, store  # noqa: E402

RESULTS = Path(__file__).with_suffix(".json")
TRAINED = Path(__file__).with_name("pruning_trained.json")

ICARUS_FRAMES, VERILATOR_FRAMES = 3, 200


@dataclass(frozen=True)
class Plan:
    """How a network is pruned: shares of its multiplications and cycles, and how long the result is trained.

    So many choices of the search are trained for `trial_epochs`, and the best on held-out training images is taken.
    """

    epochs: float
    rate: float
    macs: float = 0.5
    cycles: float = 0.55
    multipliers: int = 64
    trials: int = 1
    trial_epochs: float = 4.0


PLANS = {
    "fashion_cnn": Plan(epochs=30, rate=4e-3, trials=4),
    "fashion_residual": Plan(epochs=60, rate=4e-3, trials=8),
    "fashion_mobile": Plan(epochs=40, rate=6e-3, trials=4),
}


def prune(name: str, plan: Plan, output: Path, folder: Path, examples: Path = EXAMPLES) -> None:
    """Write the pruned model of an example and what was kept of it."""
    images, labels = load_fashion("train", folder)
    calibration = Dataset({"x": np_load(name)}, None)
    graph = fpgaq.load_model(examples / name / "model.nnp", passes=False)
    training = Dataset({"x": images}, labels)
    start = time.process_time()
    options = PruneOptions(
        plan.macs, None, plan.cycles, plan.multipliers, epochs=plan.epochs, rate=plan.rate, trials=plan.trials,
        trial_epochs=plan.trial_epochs,
    )  # fmt: skip
    result = prune_graph(graph, calibration.inputs, options, training=training, progress=tell)
    kept = [
        {"layers": group.layers, "of": group.size, "kept": count}
        for group, count in zip(result.groups, result.found.counts, strict=True)
        if group.units
    ]
    fpgaq.save_model(result.graph, output / f"{name}.nnp")
    record = {
        "groups": kept, "seconds": time.process_time() - start, "epochs": plan.epochs, "trials": plan.trials,
        "trial_epochs": plan.trial_epochs if plan.trials > 1 else 0,
    }  # fmt: skip
    (output / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")


def untrained(name: str, plan: Plan, folder: Path) -> dict[str, Any]:
    """The accuracy without training: after the cut alone, and with layers fitted to the whole network."""
    images, labels = load_fashion("test", folder)
    data = Dataset({"x": images}, labels.astype("int64"))
    graph = fpgaq.load_model(EXAMPLES / name / "model.nnp", passes=False)
    found: dict[str, Any] = {"network": name, "samples": len(images)}
    for key, refit in (("cut", False), ("fitted", True)):
        options = PruneOptions(plan.macs, None, plan.cycles, plan.multipliers, refit=refit)
        result = prune_graph(graph, {"x": np_load(name)}, options, data=data, progress=tell)
        assert result.before.float_top1 is not None and result.after.float_top1 is not None
        found |= {"whole": result.before.float_top1, key: result.after.float_top1}
    counts = zip(result.groups, result.found.counts, strict=True)
    return {**found, "kept": [count for group, count in counts if group.units]}


def untrained_table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    lines = ["| | channels kept | whole | cut alone | cut and fitted |", "| --- | --- | --- | --- | --- |"]
    for row in results["rows"]:
        scores = " | ".join(f"{100 * row[key]:.2f} %" for key in ("whole", "cut", "fitted"))
        lines.append(f"| {row['network']} | {', '.join(map(str, row['kept']))} | {scores} |")
    return lines


def tell(text: str) -> None:
    """Progress, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def np_load(name: str) -> Any:
    """The calibration samples of an example."""
    import numpy as np

    with np.load(EXAMPLES / name / "calibration.npz") as archive:
        return archive["x"]


def prove(model: Path, name: str, multipliers: int, folder: Path, many: bool) -> dict[str, Any]:
    """Simulate a model's hardware in Icarus, and many frames in Verilator; the cycles that they measured."""
    integer = fpgaq.quantize(standard_passes(fpgaq.load_model(model, passes=False)), np_load(name))
    fpgaq.generate(integer, folder, Target(multipliers=multipliers))
    test = str(EXAMPLES / name / "test.npz")
    short = fpgaq.simulate(folder, data=test, frames=ICARUS_FRAMES)
    found = {"icarus": short.interval_cycles, "frames": short.frames}
    if many:
        more = fpgaq.simulate(folder, data=test, frames=VERILATOR_FRAMES, simulator="verilator")
        found |= {"verilator": more.interval_cycles, "frames": more.frames}
    return found


def report(name: str, plan: Plan, output: Path, folder: Path, device: str | None, simulate: str) -> dict[str, Any]:
    """Measure both networks and simulate both; what came out."""
    images, labels = load_fashion("test", folder)
    data = Dataset({"x": images}, labels.astype("int64"))
    calibration = {"x": np_load(name)}
    models = {"before": EXAMPLES / name / "model.nnp", "after": output / f"{name}.nnp"}
    figures, cycles = {}, {}
    for which, path in models.items():
        graph = fpgaq.load_model(path, passes=False)
        figures[which] = measure(graph, calibration, data, plan.multipliers, device)
        if simulate != "none":
            hardware = output / "hardware" / f"{name}_{which}"
            cycles[which] = prove(path, name, plan.multipliers, hardware, simulate == "both")
    for which, found in cycles.items():
        measured = {found[simulator] for simulator in ("icarus", "verilator") if simulator in found}
        assert measured == {figures[which].interval}, (which, found)
    record = json.loads((output / f"{name}.json").read_text())
    record |= {which: values.as_json() for which, values in figures.items()}
    return {"network": name, **record, "simulated": cycles}


def keep(row: dict[str, Any], origin: Mapping[str, Any]) -> dict[str, Any]:
    """Store a network's results in place of its earlier ones; all that is stored."""
    rows = json.loads(TRAINED.read_text(encoding="utf-8"))["rows"] if TRAINED.is_file() else []
    found = {old["network"]: old for old in rows} | {row["network"]: {**row, "commit": origin["commit"]}}
    results = {**origin, "seconds": SECONDS, "rows": [found[name] for name in PLANS if name in found]}
    store(TRAINED, results)
    return results


def trained_table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page: every network that was trained after its cut."""
    lines = ["| network | | before | after | |", "| --- | --- | --- | --- | --- |"]
    for row in results["rows"]:
        before, after = (Figures(**row[which]) for which in ("before", "after"))
        kept = ", ".join(f"{group['kept']} of {group['of']}" for group in row["groups"])
        trials = f"{row['trials']} choices, {row['trial_epochs']:g} epochs each" if row["trials"] > 1 else "none"
        cells = [
            ("channels kept", "all", kept, ""),
            ("epochs, trials", "", f"{row['epochs']:g}, {trials}", ""),
            *table_rows(before, after),
        ]
        if row["simulated"]:
            old, new = (row["simulated"][which]["icarus"] for which in ("before", "after"))
            cells.append(("simulated cycles a frame", f"{old:,}", f"{new:,}", f"{new / old:.3f}"))
        names = [row["network"], *[""] * (len(cells) - 1)]
        lines += ["|" + "".join(f" {cell} |" if cell else " |" for cell in (name, *found))
                  for name, found in zip(names, cells, strict=True)]  # fmt: skip
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Prune, train, measure; returns the exit code."""
    parser = argparse.ArgumentParser(description="Measure pruning to half of the multiplications.")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--network", choices=sorted(PLANS), action="append", help="default: all of them")
    parser.add_argument("--epochs", type=float, help="instead of the plan's")
    parser.add_argument("--trials", type=int, help="choices that are trained for a while first, instead of the plan's")
    parser.add_argument("--simulate", choices=("none", "icarus", "both"), default="both",
                        help="3 frames in Icarus, 200 in Verilator; default: %(default)s")  # fmt: skip
    parser.add_argument("--synth", metavar="DEVICE", help="count LUTs and block RAMs too")
    parser.add_argument(
        "--only",
        choices=("prune", "report", "untrained"),
        help="half of the work, or what is left of the accuracy without training",
    )
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    origin = about("python benchmarks/pruning.py", sys.argv[1:] if arguments is None else arguments, "nnabla", "pyosys")
    for name in options.network or list(PLANS):
        given = {"epochs": options.epochs, "trials": options.trials}
        plan = replace(PLANS[name], **{key: value for key, value in given.items() if value is not None})
        try:
            if options.only == "untrained":
                rows.append(untrained(name, plan, options.data_folder))
                continue
            if options.only != "report" and not (options.output / f"{name}.nnp").exists():
                prune(name, plan, options.output, options.data_folder)
            if options.only != "prune":
                row = report(name, plan, options.output, options.data_folder, options.synth, options.simulate)
                print("\n".join(trained_table(keep(row, origin))), flush=True)
        except (DataError, FpgaqError) as error:
            print(error, file=sys.stderr)
            return 3
    if rows:
        store(RESULTS, {**origin, "rows": rows})
        print("\n".join(untrained_table({"rows": rows})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
