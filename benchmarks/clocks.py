"""Place and route every example at 16 and 64 multipliers on an ECP5-85k: logic, memory, clock and cycles of one folder.

    python benchmarks/clocks.py                        all rows that are not stored yet, or whose files changed
    python benchmarks/clocks.py "fashion_cnn 16"       some of them
    python benchmarks/clocks.py --counts               without place and route
    python benchmarks/clocks.py --list                 what is stored, and what is not

Folders are made with default options. What was found is kept in `clocks.json` beside this script after every seed, so
that a run that was stopped goes on where it was. A row is run again if the digest of its Verilog and memory files or a
tool's version changed. A design that does not route in time, or not at all, stands there as failed, with the reason.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from fpgaq import pipeline
from fpgaq.base.errors import FitError, ToolError
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.synth import find_device, synthesize
from fpgaq.hardware.synth.cache import project_digest
from fpgaq.hardware.synth.place import placer_version
from fpgaq.hardware.synth.project import read_project
from fpgaq.hardware.synth.yosys import yosys_version
from tests.support.provenance import commit

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
RESULTS = Path(__file__).with_suffix(".json")
DEVICE = "ecp5-85k"
BUDGETS = (16, 64)
SEEDS = 3
TIMEOUT = 3600.0
"""Seconds that a run of a tool may take."""
AIM = 150
"""MHz that every row aims at, median of its seeds."""
COUNTED = ("lut", "lutram", "ff", "dsp", "bram")

Row: TypeAlias = dict[str, Any]


def names() -> list[str]:
    """Every row, "example budget"."""
    return [f"{path.parent.name} {budget}" for path in sorted(EXAMPLES.glob("*/model.nnp")) for budget in BUDGETS]


def versions() -> dict[str, str]:
    """Of the tools, on which clocks and counts depend."""
    placer = find_device(DEVICE).placer
    assert placer is not None
    return {"yosys": yosys_version(), "nextpnr": placer_version(placer)}


def load(path: Path = RESULTS) -> dict[str, Any]:
    """What is stored."""
    if path.exists():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return {"command": "python benchmarks/clocks.py", "device": DEVICE, "seconds": TIMEOUT, "rows": {}}


def keep(found: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Store it, whole or not at all."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def started(known: Row | None, facts: Row) -> Row:
    """The row to go on with: what is known if its files and tools are those of `facts`, else `facts` alone."""
    if known and all(known.get(key) == facts[key] for key in ("digest", "tools")):
        return known
    return {**facts, "mhz": {}}


def measure(
    name: str, found: dict[str, Any], *, seeds: int = SEEDS, timeout: float = TIMEOUT, path: Path = RESULTS
) -> Row:
    """One row, stored as it grows; `seeds` of 0 counts only."""
    example, budget = name.split()
    integer = pipeline.quantize(
        pipeline.load_model(EXAMPLES / example / "model.nnp"), EXAMPLES / example / "calibration.npz"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "out"
        made = pipeline.generate(integer, folder, Target(multipliers=int(budget)))
        prediction = made.schedule.prediction
        facts = {
            "digest": project_digest(read_project(folder)),
            "tools": versions(),
            "commit": commit(),
            "multipliers": made.schedule.multipliers,
            "interval": prediction.interval,
            "latency": prediction.latency,
        }
        row = found["rows"][name] = started(found["rows"].get(name), facts)
        if "lut" not in row:
            counts = synthesize(folder, DEVICE, seeds=0, layers=False, timeout=timeout).counts.as_json()
            row |= {key: counts[key] for key in COUNTED}
            keep(found, path)
        for seed in range(1, seeds + 1):
            if "failed" in row or str(seed) in row["mhz"]:
                continue
            try:
                placed = synthesize(folder, DEVICE, seeds=seed, layers=False, timeout=timeout).fmax
            except (FitError, ToolError) as error:
                row["failed"] = f"seed {seed}: {error}"
            else:
                row["mhz"] |= {str(number): round(clock, 1) for number, clock in placed}
            keep(found, path)
    return row


def clock_of(row: Row) -> str:
    """The median of a row's seeds and each of them, or why there is none."""
    clocks = [row["mhz"][seed] for seed in sorted(row["mhz"], key=int)]
    each = ", ".join(f"{clock:.1f}" for clock in clocks)
    if "failed" in row:
        return f"failed ({row['failed']}{'; ' + each if each else ''})"
    if not clocks:
        return "not run"
    median = statistics.median(clocks)
    short = f"; {len(clocks)} of {SEEDS} seeds" if len(clocks) < SEEDS else ""
    missed = "" if median >= AIM else f", below {AIM}"
    return f"{median:.1f} ({each}{short}){missed}"


def table(found: Mapping[str, Any]) -> list[str]:
    """Every row, those not run included."""
    columns = ("example", "multipliers", "LUT (of it RAM)", "FF", "DSP", "block RAM", "MHz", "interval", "latency")
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    for name in names():
        example, budget = name.split()
        row = found["rows"].get(name)
        if row is None or "lut" not in row:
            lines.append(f"| {example} | {budget} |" + " not run |" + " |" * 6)
            continue
        counts = [f"{row['lut']:,} ({row['lutram']:,})", *(f"{row[key]:,}" for key in ("ff", "dsp", "bram"))]
        cycles = [f"{row[key]:,}" for key in ("interval", "latency")]
        lines.append(f"| {' | '.join([example, budget, *counts, clock_of(row), *cycles])} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(names())}; default all")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"default {SEEDS}")
    parser.add_argument("--counts", action="store_true", help="count only")
    parser.add_argument("--list", action="store_true", help="print what is stored")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"default {RESULTS.name} beside this script")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.rows if name not in names()]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; give some of {', '.join(names())}")
    found = load(options.results)
    if not options.list:
        for name in options.rows or names():
            row = measure(name, found, seeds=0 if options.counts else options.seeds, path=options.results)
            print(name, clock_of(row), flush=True)
    print("\n".join(table(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
