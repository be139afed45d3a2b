"""Measures schedules: interval, latency, memory and cost of every example and of well-known shapes, kept as JSON.

    python benchmarks/schedules.py                      # every row that is not in benchmarks/schedule_data/after.json
    python benchmarks/schedules.py fashion_cnn resnet8  # some networks' rows, as far as they are not there yet
    python benchmarks/schedules.py --again resnet8      # measure these anew
    python benchmarks/schedules.py --table              # print the table of docs/schedules.md

Each row is a process of its own, so that none profits from what another has kept. Seconds are those of its processor
from the integer graph to the schedule and, apart, to the Verilog; memory is the peak of the process. A row is kept as
soon as it is there, so that a run that was stopped goes on where it ended. Block RAMs without a part are those of the
series 7, 18 kbit each; with a part they and everything else are the estimate of the whole core.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from efficiency import EXAMPLES
from efficiency import network as example

from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.estimate import estimate_schedule, excess_of, fit_device, measure_storage
from fpgaq.hardware.schedule import Schedule, Target, auxiliary_multipliers, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_shapes import ds_cnn, mobilenet, resnet8, resnet18
from tests.support.provenance import about, store

DATA = Path(__file__).parent / "schedule_data"
BUDGETS = (4, 16, 64, 256, 1024)
PARTS = ("xc7z020", "xc7a35t", "ecp5-85k")

SHAPES: dict[str, Callable[[], IntegerGraph]] = {
    "resnet8": resnet8,
    "ds_cnn": ds_cnn,
    "mobilenet_025_96": mobilenet,
    "resnet18_w16_64": lambda: resnet18(64),
    "resnet18_w16_224": resnet18,
    "resnet18_64": lambda: resnet18(64, 64, 1000),
}
"""MLPerf Tiny's shapes, and ResNet-18 of 16 and of 64 channels in its first stage."""

AIMS: dict[tuple[str, str], tuple[str, float]] = {
    ("resnet8", "xc7z020"): ("interval", 30_000),
    ("ds_cnn", "xc7z020"): ("interval", 13_000),
    ("mobilenet_025_96", "xc7z020"): ("interval", 36_200),
    ("mobilenet_025_96", "ecp5-85k"): ("seconds", 30),
    ("resnet18_w16_224", "256"): ("seconds", 30),
    ("resnet18_64", "64"): ("seconds", 30),
}
"""What a row is meant to stay within: of its interval in cycles, or of its processor seconds, Verilog included."""


def cases() -> Iterator[tuple[str, str]]:
    """Every network with every target: a number of multipliers or the name of a part."""
    for path in sorted(EXAMPLES.glob("*/model.nnp")):
        yield from ((path.parent.name, target) for target in (*map(str, BUDGETS), *PARTS))
    for name in SHAPES:
        large = name.startswith("resnet18")
        budgets = ("64", "256") if large else tuple(map(str, BUDGETS))
        yield from ((name, target) for target in (*budgets, *(() if name == "resnet18_64" else PARTS)))


def measure(name: str, target: str) -> dict[str, Any]:
    """A row."""
    graph = SHAPES[name]() if name in SHAPES else example(name)
    started = time.process_time()
    found: dict[str, Any] = {}
    if target.isdigit():
        lowered, schedule = plan_hardware(graph, Target(multipliers=int(target)))
    else:
        fitted = fit_device(graph, target)
        lowered, schedule = fitted.network, fitted.schedule
        counts = estimate_schedule(lowered, schedule, target).counts
        found = {"lut": counts.lut, "ff": counts.ff, "dsp": counts.dsp, "bram": counts.bram}
        found |= {"limited_by": fitted.limited_by, "excess": excess_of(fitted.estimate)}
    scheduled = time.process_time()
    emit(lowered, schedule)
    written = time.process_time()
    return facts(lowered, schedule, None if target.isdigit() else target) | found | {
        "schedule_seconds": round(scheduled - started, 2),
        "verilog_seconds": round(written - scheduled, 2),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def facts(graph: IntegerGraph, schedule: Schedule, part: str | None) -> dict[str, Any]:
    """What a schedule says of itself."""
    prediction, storage = schedule.prediction, measure_storage(graph, schedule, part)
    return {
        "interval": prediction.mean_interval,
        "latency": prediction.latency,
        "limit": schedule.limit,
        "multipliers": schedule.multipliers,
        "others": auxiliary_multipliers(schedule.plans),
        "arrays": len(schedule.engines),
        "bits": {kind: kept.bits for kind, kept in storage.kinds.items()},
        "blocks": {kind: kept.blocks for kind, kept in storage.kinds.items()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="by default all")
    parser.add_argument("--targets", nargs="*", help="numbers of multipliers and parts; by default all")
    parser.add_argument("--again", action="store_true", help="measure rows anew that are there")
    parser.add_argument("--table", action="store_true", help="print the table")
    parser.add_argument("--store", type=Path, default=DATA / "after.json", help="the file of the rows")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measure(options.networks[0], options.targets[0])))
        return 0
    origin = about("python benchmarks/schedules.py", [])
    stored = json.loads(options.store.read_text()) if options.store.exists() else {"rows": {}}
    if options.table:
        before = json.loads((DATA / "before.json").read_text())
        print("\n".join(table(before["rows"], stored["rows"])))
        return 0
    for name, target in cases():
        asked = (not options.networks or name in options.networks) and (
            not options.targets or target in options.targets
        )
        if asked and (options.again or f"{name} {target}" not in stored["rows"]):
            command = [sys.executable, __file__, name, "--targets", target, "--one"]
            run = subprocess.run(command, capture_output=True, text=True)
            row = json.loads(run.stdout) if not run.returncode else {"failed": run.stderr.strip().split("Error: ")[-1]}
            stored["rows"][f"{name} {target}"] = row
            store(options.store, {"rows": stored["rows"], **origin})
            print(name, target, row, flush=True)
    return 0


PUBLISHED = {"resnet8": 58_800, "ds_cnn": 46_300, "mobilenet_025_96": 1_050_000}
"""Cycles a frame of fpgaConvNet on the XC7Z020, of the same shapes."""


def tiny_shapes(rows: dict[str, Any]) -> Iterator[str]:
    """MLPerf Tiny's shapes on an XC7Z020, as estimated."""
    yield "| shape | interval | aim | multipliers | DSP | block RAM | LUT | published |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, published in PUBLISHED.items():
        row, aim = rows[f"{name} xc7z020"], AIMS[name, "xc7z020"][1]
        cells = (row["interval"], aim, row["multipliers"], row["dsp"], row["bram"], row["lut"], published)
        yield f"| {name} | {' | '.join(f'{cell:,.10g}' for cell in cells)} |"


HEAD = (
    "| network | target | interval | efficiency | latency | frames | multipliers | buffers, kbit | block RAMs |"
    " seconds | MB | before: interval, latency, block RAMs, seconds |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def table(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """The table; a row that misses its aim says so."""
    yield HEAD
    for name, target in cases():
        row = after.get(f"{name} {target}")
        if row is not None:
            yield _line(name, target, row, before.get(f"{name} {target}"))


def _line(name: str, target: str, row: dict[str, Any], before: dict[str, Any] | None) -> str:
    if "failed" in row:
        return f"| {name} | {target} | {row['failed']} |" + " |" * 9
    kbit = sum(row["bits"].values()) - row["bits"]["weights"]
    others = f" + {row['others']}" if row["others"] else ""
    blocks = f"{row['bram']:,}" if "bram" in row else _blocks(row)
    earlier = "-"
    if before is not None and "failed" in before:
        earlier = before["failed"]
    elif before is not None:
        ended = f"{before['interval']:,.10g}, {before['latency']:,}, {before.get('bram', _blocks(before))}"
        earlier = f"{ended}, {_seconds(before):.1f}"
    return (
        f"| {name} | {target} | {row['interval']:,.10g}{_missed(name, target, row)} |"
        f" {row['limit'] / row['interval']:.3f} | {row['latency']:,} | {row['latency'] / row['interval']:.1f} |"
        f" {row['multipliers']}{others} | {kbit / 1000:,.0f} | {blocks} | {_seconds(row):.1f} | {row['megabytes']} |"
        f" {earlier} |"
    )


def _blocks(row: dict[str, Any]) -> str:
    return f"{sum(row['blocks'].values()):,}"


def _seconds(row: dict[str, Any]) -> float:
    return float(row["schedule_seconds"] + row["verilog_seconds"])


def _missed(name: str, target: str, row: dict[str, Any]) -> str:
    what, aim = AIMS.get((name, target), ("", 0.0))
    if not what or (row["interval"] if what == "interval" else _seconds(row)) <= aim:
        return ""
    return f" (misses {aim:,.10g} {'cycles' if what == 'interval' else 's'})"


if __name__ == "__main__":
    sys.exit(main())
