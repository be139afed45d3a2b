"""What loadable weights cost: cores of two examples after Yosys, with constants and with memories; docs/loadable.md.

python benchmarks/loadable.py           counts anew, and writes loadable.json beside this script
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from boards import ROOT, call

from fpgaq.hardware.synth import find_device
from fpgaq.hardware.synth.cells import count_cells
from fpgaq.hardware.synth.yosys import run_yosys

RESULTS = Path(__file__).with_suffix(".json")
CASES = (("digits_tabular", 4), ("series_conv", 4))
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


def main() -> None:
    """Count each example twice, store it and print the rows of the page."""
    results = {}
    for name, multipliers in CASES:
        for weights in ("constant", "loadable"):
            with tempfile.TemporaryDirectory() as temporary:
                folder, example = Path(temporary), ROOT / "examples" / name
                network = folder / "net.fpgaq"
                call("quantize", example / "model.nnp", "--calibration", example / "calibration.npz", "-o", network)
                call("generate", network, "-o", folder / "out", "--bus", 32, "--multipliers", multipliers, "--weights",
                     weights)  # fmt: skip
                counts = call("synth", folder / "out", "--device", DEVICE, "--seeds", 0, "--no-layers")
                kept = {key: counts[key] for key in COUNTED} | whole(folder / "out")
            results[f"{name} {multipliers} {weights}"] = kept
    print("\n".join(table(results)))
    RESULTS.write_text(
        json.dumps({"command": "python benchmarks/loadable.py", "device": DEVICE, "results": results}, indent=1) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
