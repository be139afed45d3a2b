"""Run every bad input of the list in a process of its own and measure it: ``python -m tests.faults.measure [-o FILE]``.

Ends with 7 if one is not met as the list says, or takes more than it may.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.held import HELD
from tests.faults.place import Place, make_place, state
from tests.faults.run import empty, faults_of, run_alone, words_of
from tests.faults.table import COMMANDS, MEGABYTES, SECONDS, Row
from tests.support.provenance import about, store


def measure(row: Row, place: Place) -> dict[str, Any]:
    """Exit code, seconds and memory of one row, and what is wrong with it."""
    empty(place.own)
    words, before = words_of(row, place), state(place.outputs)
    ended = run_alone(words, place.own)
    wrong = faults_of(row, ended, words)
    if ended.code and state(place.outputs) != before:
        wrong.append("the previous output was touched")
    if ended.seconds > SECONDS or ended.megabytes > MEGABYTES:
        wrong.append(f"took {ended.seconds:.1f} s and {ended.megabytes:.0f} MB")
    return {
        "fault": row.item,
        "code": ended.code,
        "seconds": round(ended.seconds, 2),
        "megabytes": round(ended.megabytes),
        **({"wrong": wrong} if wrong else {}),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all rows."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m tests.faults.measure", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="results as JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fpgaq-faults-") as folder:
        place = Place(*make_place(Path(folder)), Path(folder) / "own")
        sections = {
            section: [measure(row, place) for row in rows if row.passable] for section, rows in COMMANDS.items()
        }
    rows = [row for found in sections.values() for row in found]
    wrong = [row for row in rows if "wrong" in row]
    for row in wrong:
        print(f"{row['fault']}: {row['wrong']}")
    most = {key: max(row[key] for row in rows) for key in ("seconds", "megabytes")}
    held = {section: {item: list(tests) for item, tests in items.items()} for section, items in HELD.items()}
    found = {"limits": {"seconds": SECONDS, "megabytes": MEGABYTES}, "most": most, "sections": sections, "held": held}
    print(f"{len(rows)} bad inputs, {len(wrong)} wrong; at most {most['seconds']} s and {most['megabytes']} MB")
    if options.output is not None:
        store(options.output, {**about("python -m tests.faults.measure", arguments, "onnx", "h5py"), **found})
    return 7 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
