"""Measures what budgets that few shapes of arrays divide lose, with and without a layer on two arrays, kept as JSON.

    python benchmarks/odd_budgets.py            # every example at 7, 11, 13, 23, 37 and 51 multipliers
    python benchmarks/odd_budgets.py --print    # print the table of docs/schedules.md

Everything is predicted. Bits are those of line buffers and queues.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from efficiency import EXAMPLES, network  # noqa: E402

from fpgaq.hardware.schedule import Schedule, Target, forms, plan_hardware  # noqa: E402
from fpgaq.hardware.schedule.storage import buffer_bits  # noqa: E402
from fpgaq.integer.graph import IntegerGraph  # noqa: E402
from tests.support.provenance import about, store  # noqa: E402

RESULTS = Path(__file__).with_name("odd_budgets.json")
BUDGETS = (7, 11, 13, 23, 37, 51)
NEARLY = 0.95
"""Efficiency that no row is meant to be below."""


def measure(graph: IntegerGraph, multipliers: int) -> dict[str, Any]:
    """One budget, with a layer on two arrays where that is taken, and without."""
    target = Target(multipliers=multipliers)
    with patch.object(forms, "DIVIDED_BELOW", 0.0):
        found = {"limit": 0, "alone": facts(*plan_hardware(graph, target))}
    built, schedule = plan_hardware(graph, target)
    layers = {op.name for op in built.operators} - {op.name for op in graph.operators}
    divided = [name.removesuffix(".second") for name in layers if name.endswith(".second")]
    found |= {"limit": schedule.limit, "chosen": facts(built, schedule), "divided": divided}
    return found


def facts(graph: IntegerGraph, schedule: Schedule) -> dict[str, Any]:
    """What a schedule takes."""
    prediction = schedule.prediction
    bits = buffer_bits(graph, schedule.plans, schedule.edges)
    return {"interval": prediction.mean_interval, "latency": prediction.latency, "bits": bits,
            "multipliers": schedule.multipliers}  # fmt: skip


def table(stored: dict[str, Any]) -> Iterator[str]:
    """Efficiencies of each example; before and after where a layer is divided, and what is below the aim marked."""
    yield f"| network | {' | '.join(map(str, BUDGETS))} |"
    yield "| --- " * (1 + len(BUDGETS)) + "|"
    for name, rows in stored["rows"].items():
        yield f"| {name} | {' | '.join(cell(rows[str(budget)]) for budget in BUDGETS)} |"


def cell(row: dict[str, Any]) -> str:
    """One budget in short."""
    before, after = (row["limit"] / row[kind]["interval"] for kind in ("alone", "chosen"))
    missed = " (misses 0.95)" if after < NEARLY else ""
    if not row["divided"]:
        return f"{after:.3f}{missed}"
    cycles = f"{row['alone']['interval']:,.10g} to {row['chosen']['interval']:,.10g} cycles"
    return f"{before:.3f} to {after:.3f}{missed}: {cycles}, {row['alone']['bits']:,} to {row['chosen']['bits']:,} bits"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all, or print the table."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the stored results")
    if parser.parse_args(arguments).print:
        print("\n".join(table(json.loads(RESULTS.read_text()))))
        return 0
    stored: dict[str, Any] = {**about("python benchmarks/odd_budgets.py", arguments), "rows": {}}
    for name in sorted(path.parent.name for path in EXAMPLES.glob("*/model.nnp")):
        graph = network(name)
        stored["rows"][name] = {str(budget): measure(graph, budget) for budget in BUDGETS}
    store(RESULTS, stored)
    print("\n".join(table(stored)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
