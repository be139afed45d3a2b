"""What loadable weights cost: cores of two examples after Yosys, with constants and with memories; docs/loadable.md.

python benchmarks/loadable.py                       counts anew, and writes loadable.json beside this script
python benchmarks/loadable.py --only loadable       those anew whose names have this word; the rest stays
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from boards import ROOT, call

from fpgaq.hardware.synth import find_device
from fpgaq.hardware.synth.cells import count_cells
from fpgaq.hardware.synth.yosys import run_yosys
from fpgaq.integer.file import save
from tests.support.loadable import every_kind
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
CASES = (("digits_tabular", 4), ("series_conv", 4))
KINDS = {
    "layer_01": "scales by sign of 5 bits, 8 channels, limits",
    "layer_02": "table of 128 words of 7 bits",
    "layer_03": "limits of a sum",
    "layer_04": "limits of a product",
}
"""The layers of `every_kind` by their modules; a channel a beat."""
DEVICE = "ecp5-25k"
COUNTED = ("lut", "ff", "dsp", "bram", "tools")
TIMEOUT = 900.0


def table(results: dict[str, dict[str, object]]) -> list[str]:
    """The rows of the page, from what was stored."""
    lines = [
        "| network | weights | LUT, core | FF | DSP | block RAM | LUT, with wrapper | FF | block RAM |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, counts in results.items():
        example, multipliers, weights = name.split()
        keys = (*COUNTED[:-1], *(f"whole_{kind}" for kind in ("lut", "ff", "bram")))
        row = " | ".join(f"{counts[key]:,}" for key in keys)
        lines.append(f"| {example}, {multipliers} multipliers | {weights} | {row} |")
    return lines


def whole(folder: Path) -> dict[str, int]:
    """Cells of an output folder's top: the core with its wrapper, its registers and what loads it."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["wrapper"]
    device = find_device(DEVICE)
    reads = [f'read_verilog -DFPGAQ_ROM_DIR="{folder}/rtl" {folder / name}' for name in manifest["files"]]
    commands = [*reads, device.yosys.format(top=manifest["module"]), "tee -o counts.txt stat"]
    run_yosys(commands, folder, TIMEOUT)
    printed = (folder / "counts.txt").read_text(encoding="ascii").split("design hierarchy")[-1]
    cells = {cell: int(number) for number, cell in re.findall(r"(?m)^ +(\d+) +(?:\S+ +)?([A-Z]\w+)$", printed)}
    counts = count_cells(cells, device.family)
    return {"whole_lut": counts.lut, "whole_ff": counts.ff, "whole_bram": counts.bram}


def kinds_table(kinds: dict[str, dict[str, Any]]) -> list[str]:
    """A row for each kind of word, from what was stored: the layer with constants, and loaded."""
    lines = [
        "| layer | LUT, constant | FF | DSP | block RAM | LUT, loaded | FF | DSP | block RAM |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for layer, words in KINDS.items():
        counts = [kinds[weights][layer][key] for weights in ("constant", "loadable") for key in COUNTED[:-1]]
        lines.append(f"| {words} | {' | '.join(f'{count:,}' for count in counts)} |")
    return lines


def example(folder: Path, name: str, multipliers: int, weights: str) -> dict[str, Any]:
    """The counts of an example."""
    source, network = ROOT / "examples" / name, folder / "net.fpgaq"
    call("quantize", source / "model.nnp", "--calibration", source / "calibration.npz", "-o", network)
    call("generate", network, "-o", folder / "out", "--bus", 32, "--multipliers", multipliers, "--weights", weights)
    counts = call("synth", folder / "out", "--device", DEVICE, "--seeds", 0, "--no-layers")
    return {key: counts[key] for key in COUNTED} | whole(folder / "out")


def layers_of(folder: Path, weights: str) -> dict[str, Any]:
    """The counts of each layer of a network that has words of every kind."""
    save(every_kind(1, channels=8, index_bits=7), folder / "net.fpgaq")
    call("generate", folder / "net.fpgaq", "-o", folder / "out", "--bus", 32, "--multipliers", 1, "--weights", weights)
    counts = call("synth", folder / "out", "--device", DEVICE, "--seeds", 0)
    return {one["module"][:8]: {key: one[key] for key in COUNTED[:-1]} for one in counts["layers"]}


def main() -> None:
    """Count each example twice, store it and print the rows of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="count only what has this word in its name")
    only = parser.parse_args().only
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    results, kinds = stored["results"], stored.get("kinds", {})
    for weights in ("constant", "loadable"):
        if only in f"kinds {weights}":
            with tempfile.TemporaryDirectory() as temporary:
                kinds[weights] = layers_of(Path(temporary), weights)
        for name, multipliers in CASES:
            key = f"{name} {multipliers} {weights}"
            if only in key:
                with tempfile.TemporaryDirectory() as temporary:
                    results[key] = example(Path(temporary), name, multipliers, weights)
    print("\n".join([*table(results), *kinds_table(kinds)]))
    origin = about("python benchmarks/loadable.py", [], "pyosys")
    store(RESULTS, {**origin, "device": DEVICE, "results": results, "kinds": kinds})


if __name__ == "__main__":
    main()
