"""Writes docs/verification.md from the stored results in verification_data: ``make verify-report``.

    python -m benchmarks.verification [--collect FOLDER]

With --collect, results of `make fuzz`, `prove`, `mutants`, `faults`, `fuzz-inputs` and `load` that are in FOLDER (such
as build) are taken into verification_data first: runs of the fuzz are added, all others replaced. Every figure of the
page is one of these files'.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.provenance import store

HERE = Path(__file__).resolve().parent
DATA, PAGE = HERE / "verification_data", HERE.parent / "docs" / "verification.md"
KINDS = ("fuzz", "proofs", "mutants", "faults", "inputs", "load")
ORIGIN = ("command", "commit", "versions")

Results = dict[str, Any]


def collect(folder: Path, data: Path = DATA) -> list[str]:
    """Take results into the stored ones; returns which kinds were there."""
    found = [kind for kind in KINDS if (folder / f"{kind}.json").is_file()]
    for kind in found:
        new = json.loads((folder / f"{kind}.json").read_text(encoding="utf-8"))
        place = data / f"{kind}.json"
        if kind == "fuzz":
            runs = json.loads(place.read_text(encoding="utf-8"))["runs"] if place.is_file() else []
            # A run that went on replaces its own beginning.
            kept = [run for run in runs if (run["commit"], run["seed"]) != (new["commit"], new["seed"])]
            new = {"runs": [*kept, new]}
        elif kind == "proofs":
            new = proofs_by_cell(new)
        elif kind == "mutants":
            new = mutants_by_test(new)
        store(place, new)
    return found


def proofs_by_cell(results: Results) -> Results:
    """Counts of verdicts for each cell."""
    cells: dict[str, Counter[str]] = {}
    for row in results["proofs"]:
        counts = cells.setdefault(row["statement"].partition("(")[0], Counter())
        verdict = {True: "proved", False: "refuted", None: "undecided"}[row["proved"]]
        counts.update([verdict if row["reached"] or verdict != "proved" else "says nothing"])
    about = {key: results[key] for key in (*ORIGIN, "networks")}
    return {**about, "cells": {name: dict(sorted(cells[name].items())) for name in sorted(cells)}}


def mutants_by_test(results: Results) -> Results:
    """How many planted faults each test has, and how many of them it found."""
    tests: dict[str, Counter[str]] = {}
    for name, test in results["tests"].items():
        tests.setdefault(name.partition("[")[0], Counter()).update([test["outcome"]])
    about = {key: results[key] for key in ("commit", "python") if key in results}
    return {**about, "tests": {name: dict(tests[name]) for name in sorted(tests)}}


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table; numbers to the right."""
    body = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in body), ""]


def origin(results: Mapping[str, Any]) -> str:
    """By what command, commit and versions."""
    versions = ", ".join(f"{name} {version}" for name, version in results.get("versions", {}).items())
    by = f"`{results['command']}`, " if "command" in results else ""
    other = f", Python {results['python']}" if "python" in results else ""
    return f"{by}commit {results['commit'][:10]}{'+changes' * results['commit'].endswith('+changes')}{other}" + (
        f"; {versions}" if versions else ""
    )


def fuzz_section(results: Results) -> list[str]:
    """Random networks: per operator and feature, how many in each way."""
    runs = results["runs"]
    ways = list(dict.fromkeys(way for run in runs for way in run["ways"]))
    counts = {way: Counter[str]() for way in ways}
    for run in runs:
        for way, found in run["ways"].items():
            counts[way].update(found["features"])
    names = sorted({name for way in ways for name in counts[way]})
    operators = [name for name in names if name.startswith("Integer")]
    total = sum(run["networks"] for run in runs)
    failed = sum(len(run["failed"]) for run in runs)
    lines = [
        "## Random networks",
        "",
        f"{total:,} networks, each computed in several ways and compared with the reference; {failed} failed.",
        "Each row counts the networks that have an operator, a format or another feature, in each way.",
        "",
        *(f"- {run['networks']:,} networks from seed {run['seed']}: {origin(run)}" for run in runs),
        "",
        "### Operators",
        "",
        *table(("operator", *ways), ((name[7:], *(counts[way][name] for way in ways)) for name in operators)),
        "### Formats and forms",
        "",
    ]
    others = [name for name in names if name not in operators]
    return [*lines, *table(("feature", *ways), ((name, *(counts[way][name] for way in ways)) for name in others))]


def proofs_section(results: Results) -> list[str]:
    """Cells that are proved for all inputs."""
    kinds = ("proved", "refuted", "undecided", "says nothing")
    rows = [(name, *(counts.get(kind, 0) for kind in kinds)) for name, counts in results["cells"].items()]
    return [
        "## Cells that are proved",
        "",
        f"Sets of parameters of {results['networks']} random networks; a proof holds for every reachable state.",
        f"{origin(results)}.",
        "",
        *table(("cell", *kinds), rows),
    ]


def mutants_section(results: Results) -> list[str]:
    """Faults that were planted."""
    rows = [
        (name.replace("::", ": "), sum(counts.values()), counts.get("passed", 0), counts.get("failed", 0))
        for name, counts in results["tests"].items()
    ]
    return [
        "## Planted faults",
        "",
        "Faults in hardware and benches that have to be found; each is a test, or several in one.",
        f"{origin(results)}.",
        "",
        *table(("test", "cases", "found", "not found"), rows),
        *table(("", "cases"), [("all", sum(row[1] for row in rows))]),
    ]


def faults_section(results: Results) -> list[str]:
    """Bad inputs, each in a process of its own."""
    limits, rows = results["limits"], []
    for section, found in results["sections"].items():
        wrong = sum("wrong" in row for row in found)
        most = [max(row[key] for row in found) for key in ("seconds", "megabytes")]
        rows.append((section, len(found), wrong, f"{most[0]:.2f}", most[1]))
    held = [
        (section, item, ", ".join(f"`{test.partition('::')[2]}`" for test in tests))
        for section, items in results["held"].items()
        for item, tests in items.items()
    ]
    lines = [
        "## Bad inputs",
        "",
        f"Each ran in a process of its own, which may take {limits['seconds']:g} s of a processor and"
        f" {limits['megabytes']:g} MB. Exit code,",
        "the one line and the untouched output are checked.",
        f"{origin(results)}.",
        "",
        *table(("section", "inputs", "wrong", "most seconds", "most MB"), rows),
    ]
    for section, found in results["sections"].items():
        lines += [f"- **{section}**: " + "; ".join(f"{row['fault']} ({row['code']})" for row in found)]
    return [*lines, "", "Held by tests that need more than a command:", "", "| section | fault | tests |",
            "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in held), ""]  # fmt: skip


def inputs_section(results: Results) -> list[str]:
    """Damaged files of every kind."""
    limits, rows = results["limits"], []
    for kind, found in results["kinds"].items():
        refused = found["files"] - found.get("read", 0) - found.get("fault", 0)
        rows.append(
            (kind, found["files"], found.get("read", 0), refused, found.get("fault", 0), f"{found['longest_seconds']}")
        )
    total = sum(row[1] for row in rows)
    return [
        "## Damaged files",
        "",
        f"{total:,} damaged files, read in one process under an alarm of {limits['seconds']:g} s and a limit of"
        f" {limits['megabytes']:g} MB; it held",
        f"{limits['peak_megabytes']} MB at most. A fault is anything but a result or a refusal in one line.",
        f"{origin(results)}.",
        "",
        *table(("kind", "files", "read", "refused", "faults", "longest s"), rows),
    ]


def load_section(results: Results) -> list[str]:
    """Many frames through compiled hardware."""
    keys = ("frames", "beats", "cycles", "bursts", "resets", "damaged_frames")
    rows = [
        (f"{name}, {manner}", *(counts.get(key, "-") for key in keys), "failed" if "failed" in counts else "equal")
        for name, manners in results["networks"].items()
        for manner, counts in manners.items()
    ]
    total = sum(counts["frames"] for manners in results["networks"].values() for counts in manners.values())
    return [
        "## Load",
        "",
        f"{total:,} frames through compiled networks, with gaps, stalls, bursts, resets and damaged frames; every beat"
        " that left was",
        f"compared. {origin(results)}.",
        "",
        *table(("network", *(key.replace("_", " ") for key in keys), "result"), rows),
    ]


SECTIONS = {
    "fuzz": fuzz_section,
    "proofs": proofs_section,
    "mutants": mutants_section,
    "faults": faults_section,
    "inputs": inputs_section,
    "load": load_section,
}


def page(data: Path = DATA) -> str:
    """The page, of the kinds of results that are stored."""
    lines = [
        "# What was verified",
        "",
        "Written by `make verify-report` from the results in `benchmarks/verification_data`; nothing is typed by hand.",
        "A kind of result that is not stored has no section. What the frames of a folder's bench can find is in",
        "[frames.md](frames.md).",
        "",
    ]
    for kind in KINDS:
        if (data / f"{kind}.json").is_file():
            lines += SECTIONS[kind](json.loads((data / f"{kind}.json").read_text(encoding="utf-8")))
    return re.sub(r"\n+$", "\n", "\n".join(lines) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Collect if asked, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collect", type=Path, metavar="FOLDER", help="results to take in first")
    options = parser.parse_args(arguments)
    if options.collect is not None:
        print("taken in:", ", ".join(collect(options.collect)) or "nothing")
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
