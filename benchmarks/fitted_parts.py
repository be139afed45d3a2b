"""Synthesizes what `--device` chooses for a part, and prints the estimate beside what Yosys counts.

    python benchmarks/fitted_parts.py                      # every row that is not in benchmarks/fitted_parts.json
    python benchmarks/fitted_parts.py ds_cnn:xc7z020       # some rows, measured anew
    python benchmarks/fitted_parts.py --print              # print the table of docs/schedules.md

A row whose counts the part lacks, or that takes more than the estimate with its known error, says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from efficiency import EXAMPLES  # noqa: E402
from efficiency import network as example  # noqa: E402

from fpgaq.base.output import write_folder  # noqa: E402
from fpgaq.hardware.emit.verilog import emit  # noqa: E402
from fpgaq.hardware.estimate import fit_device  # noqa: E402
from fpgaq.hardware.synth import describe_excess, synthesize  # noqa: E402
from tests.support.network_shapes import ds_cnn, resnet8  # noqa: E402
from tests.support.provenance import about, store  # noqa: E402

RESULTS = Path(__file__).with_name("fitted_parts.json")
SHAPES = {"ds_cnn": ds_cnn, "resnet8": resnet8}
ROWS = ("series_conv:xc7a35t", "ds_cnn:xc7z020", "resnet8:xc7z020")
COUNTS = ("lut", "ff", "dsp", "bram")
HOUR = 3600.0


def measure(name: str, part: str) -> dict[str, Any]:
    """A row: what the schedule is, what it is estimated to take, and what Yosys counts."""
    graph = SHAPES[name]() if name in SHAPES else example(name)
    fitted = fit_device(graph, part)
    guess, known = fitted.estimate.counts, fitted.estimate.known
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder) / "out", emit(fitted.network, fitted.schedule))
        started = time.process_time()
        counts = synthesize(Path(folder) / "out", part, seeds=0, layers=False, timeout=HOUR).counts
    return {
        "interval": fitted.schedule.prediction.mean_interval,
        "multipliers": fitted.schedule.multipliers,
        "estimated": {count: getattr(guess, count) for count in COUNTS},
        "measured": {count: getattr(counts, count) for count in COUNTS},
        "allowed": {count: 1 + known.errors[count].percentile95 for count in ("lut", "ff")},
        "lacks": describe_excess(counts, part),
        "synthesis_seconds": round(time.process_time() - started, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing or named, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"NETWORK:PART of {', '.join((*SHAPES, 'the examples'))}")
    parser.add_argument("--print", action="store_true", help="print the stored results")
    options = parser.parse_args(arguments)
    origin = about("python benchmarks/fitted_parts.py", [], "pyosys")
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
    for row in () if options.print else options.rows or [row for row in ROWS if row not in stored["rows"]]:
        name, _, part = row.partition(":")
        if name not in SHAPES and not (EXAMPLES / name).is_dir():
            parser.error(f"{name} is no network of this script")
        stored["rows"][row] = measure(name, part)
        store(RESULTS, {"rows": stored["rows"], **origin})
    print("\n".join(table(stored)))
    return 0


def table(stored: dict[str, Any]) -> Iterator[str]:
    """The table: estimated, then measured; a miss is named."""
    yield "| network | part | interval | multipliers | LUT | FF | DSP | block RAM | the estimate |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for row, found in stored["rows"].items():
        name, _, part = row.partition(":")
        guess, counts = found["estimated"], found["measured"]
        cells = (f"{guess[count]:,} / {counts[count]:,}" for count in COUNTS)
        interval, multipliers = found["interval"], found["multipliers"]
        yield f"| {name} | {part} | {interval:,.10g} | {multipliers} | {' | '.join(cells)} | {verdict(found)} |"


def verdict(found: dict[str, Any]) -> str:
    """Whether the estimate holds, and what it misses."""
    guess, counts = found["estimated"], found["measured"]
    missed = [
        f"{count.upper() if count != 'bram' else 'block RAM'} {counts[count] / guess[count] - 1:+.0%}"
        for count in COUNTS
        if counts[count] > guess[count] * found["allowed"].get(count, 1.0)
    ]
    lacks = f"; the part lacks {found['lacks']}" if found["lacks"] else ""
    return (f"misses: {', '.join(missed)}" if missed else "holds") + lacks


if __name__ == "__main__":
    sys.exit(main())
