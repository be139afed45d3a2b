"""How much of a pruned example's accuracy is chance: train the example with other seeds, prune each, compare them all.

    python benchmarks/pruning_seeds.py -o build/seeds --network fashion_cnn --seeds 5    # a quarter of an hour a seed
    python benchmarks/pruning_seeds.py -o build/seeds --network fashion_cnn --seeds 5 --first 4      # 4 and 5 alone

Both trainings are those of `examples/train.py` and of `benchmarks/pruning.py`, with nothing changed but the seed. What
is in the output folder already is not trained again. Needs what `pruning.py` needs, without the simulators.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from pruning import EXAMPLES, PLANS, np_load, prune

sys.path.insert(0, str(EXAMPLES))

from fashion_data import DEFAULT_FOLDER, DataError, load_fashion  # noqa: E402
from tasks import SEED, TASKS  # noqa: E402
from train import make_example  # noqa: E402

import fpgaq  # noqa: E402
from fpgaq.base.data import Dataset  # noqa: E402
from fpgaq.base.errors import FpgaqError  # noqa: E402
from fpgaq.study.pruning.figures import Figures, measure  # noqa: E402

Pair = tuple[Figures, Figures]
"""Figures of the whole network and of the pruned one."""


def train_and_prune(name: str, number: int, output: Path, data_folder: Path) -> Pair:
    """The figures of one seed; 0 is the example as it is shipped."""
    folder = output / f"{name}_{number}"
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "figures.json"
    if record.exists():
        before, after = json.loads(record.read_text())
        return Figures(**before), Figures(**after)
    examples = EXAMPLES if number == 0 else folder
    if not (examples / name / "model.nnp").exists():
        make_example(name, examples, TASKS[name].load(data_folder), None, SEED + number)
    if not (folder / f"{name}.nnp").exists():
        prune(name, PLANS[name], folder, data_folder, examples)
    images, labels = load_fashion("test", data_folder)
    data = Dataset({"x": images}, labels.astype("int64"))

    def measured(path: Path) -> Figures:
        graph = fpgaq.load_model(path, passes=False)
        return measure(graph, {"x": np_load(name)}, data, PLANS[name].multipliers)

    pair = measured(examples / name / "model.nnp"), measured(folder / f"{name}.nnp")
    record.write_text(json.dumps([figures.as_json() for figures in pair]) + "\n")
    return pair


def losses(pairs: Sequence[Pair], field: str) -> list[float]:
    """Points of accuracy that each pruning cost."""
    return [100 * (getattr(before, field) - getattr(after, field)) for before, after in pairs]


def show(name: str, pairs: dict[int, Pair]) -> None:
    """Print a row for each seed, and the mean with its standard error."""
    print(f"\n{name}\n")
    print("| seed | float before | after | loss | 8-bit before | after | loss | multiplications |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    fields = ("float_top1", "integer_top1")
    for number, (before, after) in pairs.items():
        cells = []
        for field in fields:
            old, new = 100 * getattr(before, field), 100 * getattr(after, field)
            cells += [f"{old:.2f} %", f"{new:.2f} %", f"{old - new:.2f}"]
        label = "shipped" if number == 0 else f"{number}"
        print(f"| {label} | {' | '.join(cells)} | {after.macs / before.macs:.3f} |")
    if len(pairs) > 1:
        for field in fields:
            values = losses(list(pairs.values()), field)
            error = stdev(values) / len(values) ** 0.5
            print(f"\n{field}: {mean(values):.2f} points lost on average of {len(values)}, standard error {error:.2f},"
                  f" {min(values):.2f} to {max(values):.2f}")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, prune, measure; returns the exit code."""
    parser = argparse.ArgumentParser(description="Measure what pruning costs over several seeds.")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--network", choices=sorted(PLANS), default="fashion_cnn", help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=5, help="in addition to the shipped network; default: %(default)s")
    parser.add_argument("--first", type=int, default=0, help="0, the shipped network, by default")
    parser.add_argument("--data-folder", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    options = parser.parse_args(arguments)
    pairs: dict[int, Pair] = {}
    try:
        for number in range(options.first, options.seeds + 1):
            pairs[number] = train_and_prune(options.network, number, options.output, options.data_folder)
    except (DataError, FpgaqError) as error:
        print(error, file=sys.stderr)
        return 3
    show(options.network, pairs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
