"""Bitstreams of small examples for three boards: the table of docs/boards.md, and boards.json beside this script.

python benchmarks/boards.py                     all of them, and what they took
python benchmarks/boards.py --only tangnano9k   that board again; the rest stays as it was measured
python benchmarks/boards.py --table             the table of what boards.json holds
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.provenance import commit

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).with_suffix(".json")
CASES = (("digits_tabular", 4), ("series_conv", 4))
BOARDS = ("icebreaker", "tangnano9k", "ulx3s-12f")


def call(*arguments: object) -> dict[str, Any]:
    """What a command of fpgaq prints as JSON, or the line of its error."""
    command = [sys.executable, "-m", "fpgaq", *map(str, arguments), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"refused": done.stderr.strip().splitlines()[-1]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(name: str, multipliers: int, board: str, folder: Path) -> dict[str, Any]:
    """From the model to the bitstream, by the commands that a user gives."""
    example, started = ROOT / "examples" / name, time.monotonic()
    call("quantize", example / "model.nnp", "--calibration", example / "calibration.npz", "-o", folder / "net.fpgaq")
    core = call("generate", folder / "net.fpgaq", "-o", folder / "out", "--bus", 32, "--top", "eye", "--multipliers",
                multipliers)  # fmt: skip
    made = call("bitstream", folder / "out", "--board", board, "-o", folder / "board")
    seconds = time.monotonic() - started
    kept = {key: made[key] for key in made if key not in ("directory", "load")}
    interval = core["wrapper"]["prediction"]["interval_cycles"]
    return {"commit": commit(), "interval_cycles": interval, "whole_seconds": seconds, **kept}


def table(results: dict[str, Any]) -> list[str]:
    """The table of the page."""
    lines = [
        "| network | board | LUT | FF | DSP | block RAM | MHz, needed | bytes | over the line | core alone | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for key, one in results.items():
        name, multipliers, board = key.split()
        if "refused" in one:
            lines.append(f"| {name}, {multipliers} multipliers | {board} | {one['refused']} |" + " |" * 8)
            continue
        counts, shares = one["counts"], one["shares"]
        cells = [f"{counts[name]:,} ({shares[name]:.0%})" if name in shares else "-"
                 for name in ("lut", "ff", "dsp", "bram")]  # fmt: skip
        lines.append(
            f"| {name}, {multipliers} multipliers | {board} | {' | '.join(cells)} | {one['fmax_mhz']:.0f},"
            f" {one['clock_mhz']:g} | {one['bytes']:,} | {one['link_fps']:,.0f} | {one['core_fps']:,.0f} |"
            f" {one['seconds']:.0f} |"
        )
    return lines


def main() -> None:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], help="a board or an example; may be given again")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for name, multipliers in CASES:
        for board in BOARDS:
            # Of both kinds those that were named, all of a kind of which none was.
            wanted = [{one} & set(options.only) for one in (name, board)]
            named = [set(options.only) & {*kind} for kind in (dict(CASES), BOARDS)]
            if options.table or any(kind and not one for one, kind in zip(wanted, named, strict=True)):
                continue
            with tempfile.TemporaryDirectory() as temporary:
                results[f"{name} {multipliers} {board}"] = measure(name, multipliers, board, Path(temporary))
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
