"""How often the nets of examples toggle in a frame at full speed, counted by Verilator: what dynamic power comes from.

python benchmarks/toggles.py LABEL     adds a column LABEL to toggles.json beside this script, of which docs/cost.md has
                                       its table; labels are such as `before` and `after`
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from boards import ROOT, call

from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
CASES = (("digits_cnn", 9), ("fashion_cnn", 16), ("fashion_mobile", 64), ("series_conv", 16))
"""Examples and budgets of multipliers."""
FRAMES = 4
"""Of the example's own data; the bench adds extreme and random ones."""


def measure(example: str, budget: int) -> dict[str, Any]:
    """Toggles a frame of one folder, with its cycles a frame."""
    source = ROOT / "examples" / example
    with tempfile.TemporaryDirectory() as temporary:
        network, folder = Path(temporary) / "net.fpgaq", Path(temporary) / "out"
        call("quantize", source / "model.nnp", "--calibration", source / "calibration.npz", "-o", network)
        made = call("generate", network, "-o", folder, "--multipliers", budget)
        saif = Path(temporary) / "toggles.saif"
        run = call("simulate", folder, "--simulator", "verilator", "--frames", FRAMES, "--activity", saif)
    modules = run["activity"]["modules"]
    toggles = sum(module["toggles"] for module in modules) / run["frames"]
    return {"frames": run["frames"], "interval": made["interval_cycles"], "toggles_per_frame": round(toggles)}


def table(results: dict[str, Any]) -> list[str]:
    """The rows of the page, from what was stored."""
    labels = list(results["runs"])
    lines = ["| example | multipliers | cycles a frame |" + "".join(f" {label} |" for label in labels) + " change |"]
    lines.append("|" + " --- |" * (len(labels) + 4))
    for example, budget in CASES:
        rows = [results["runs"][label]["rows"][f"{example} {budget}"] for label in labels]
        found = [row["toggles_per_frame"] for row in rows]
        shown = "".join(f" {value:,} |" for value in found)
        change = 100 * (found[-1] / found[0] - 1)
        lines.append(f"| {example} | {budget} | {rows[-1]['interval']:,} |{shown} {change:+.1f} % |")
    return lines


def main(label: str) -> None:
    """Measure every case, store it and print the table."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"runs": {}}
    rows: dict[str, Any] = {}
    results["runs"][label] = {**about("python benchmarks/toggles.py", [label], "verilator"), "rows": rows}
    for example, budget in CASES:
        rows[f"{example} {budget}"] = measure(example, budget)
        print(example, budget, rows[f"{example} {budget}"], flush=True)
    store(RESULTS, results)
    print("\n".join(table(results)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("label", help="the name of the column, such as before or after")
    main(parser.parse_args().label)
