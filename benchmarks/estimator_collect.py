"""Synthesizes the estimator's networks and keeps what each consists of, and what that took on a device.

    python benchmarks/estimator_collect.py counts xc7 --practical 150 --packed 30
    python benchmarks/estimator_collect.py designs

The first appends to ``estimator_data/DEVICE.jsonl`` what is not yet there; runs that the user's cache holds cost
nothing. The second writes ``estimator_data/designs.jsonl`` anew, the inventory of every network that some device has
counts of. A digest of each design's Verilog is kept with its counts, so that counts of other Verilog are found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from estimator_networks import make_sample, names

from fpgaq.base.errors import ToolError
from fpgaq.base.output import write_folder
from fpgaq.hardware.emit.design import Design
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.estimate.inventory import take_inventory
from fpgaq.hardware.estimate.multipliers import factor_bits
from fpgaq.hardware.synth import find_device, synthesize

DATA = Path(__file__).parent / "estimator_data"
DESIGNS = DATA / "designs.jsonl"


def emitted(name: str) -> tuple[Design, dict[str, str | bytes], str]:
    """(design, all of its files, digest of Verilog and memory files) of the network of a name."""
    sample = make_sample(name)
    design = design_of(sample.graph, sample.schedule)
    files = print_design(design)
    texts = {path.removeprefix("rtl/"): str(text) for path, text in files.items() if path.startswith("rtl/")}
    return design, files, hashlib.sha256("".join(texts[name] for name in sorted(texts)).encode()).hexdigest()[:16]


def count(name: str, device: str) -> dict[str, Any]:
    """The resources that a network takes."""
    _, files, digest = emitted(name)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "design"
        write_folder(folder, files)
        counts = synthesize(folder, device, seeds=0, layers=False).counts
    return {"name": name, "digest": digest, "counts": counts.as_json()}


def inventory(name: str) -> dict[str, Any]:
    """The parts of a network."""
    design, _, digest = emitted(name)
    items = [item for part in take_inventory(design).values() for item in part]
    listed = [[item.kind, dict(item.facts), item.count] for item in items]
    return {"name": name, "digest": digest, "items": listed}


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a data file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def collect_counts(device: str, practical: int, large: int, packed: int) -> None:
    """Append what is not yet there."""
    wide = factor_bits(find_device(device).family)
    path = DATA / f"{device}.jsonl"
    known = {record["name"] for record in read(path)}
    with path.open("a", encoding="utf-8") as file:
        for name in names(practical, large, packed, wide):
            if name in known:
                continue
            try:
                facts = count(name, device)
            except ToolError as error:
                print(f"{name}: {error}", file=sys.stderr)
                continue
            file.write(json.dumps(facts, separators=(",", ":")) + "\n")
            file.flush()
            print(name, facts["counts"], flush=True)


def collect_designs() -> None:
    """Take the inventory of all networks that were counted."""
    counted = [record for path in DATA.glob("*.jsonl") if path != DESIGNS for record in read(path)]
    lines = []
    for name in dict.fromkeys(record["name"] for record in counted):
        design = inventory(name)
        stale = {record["digest"] for record in counted if record["name"] == name} - {design["digest"]}
        if stale:
            print(f"{name}: counted with other Verilog than today's", file=sys.stderr)
        lines.append(json.dumps(design, separators=(",", ":")))
    DESIGNS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Count, or take inventory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    counts = commands.add_parser("counts")
    counts.add_argument("device")
    counts.add_argument("--practical", type=int, default=150)
    counts.add_argument("--large", type=int, default=0)
    counts.add_argument("--packed", type=int, default=0, help="networks whose outputs share multipliers")
    commands.add_parser("designs")
    arguments = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    if arguments.command == "designs":
        collect_designs()
    else:
        collect_counts(arguments.device, arguments.practical, arguments.large, arguments.packed)


if __name__ == "__main__":
    main()
