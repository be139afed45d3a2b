"""What loadable weights cost: cores of two examples after Yosys, with constants and with memories; docs/loadable.md.

python benchmarks/loadable.py           counts anew, and writes loadable.json beside this script
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from boards import ROOT, call

RESULTS = Path(__file__).with_suffix(".json")
CASES = (("digits_tabular", 4), ("series_conv", 4))
DEVICE = "ecp5-25k"
COUNTED = ("lut", "ff", "dsp", "bram", "tools")


def table(results: dict[str, dict[str, object]]) -> list[str]:
    """The rows of the page, from what was stored."""
    lines = ["| network | weights | LUT | FF | DSP | block RAM |", "| --- | --- | --- | --- | --- | --- |"]
    for name, counts in results.items():
        example, multipliers, weights = name.split()
        row = " | ".join(f"{counts[key]:,}" for key in COUNTED[:-1])
        lines.append(f"| {example}, {multipliers} multipliers | {weights} | {row} |")
    return lines


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
            results[f"{name} {multipliers} {weights}"] = {key: counts[key] for key in COUNTED}
    print("\n".join(table(results)))
    RESULTS.write_text(
        json.dumps({"command": "python benchmarks/loadable.py", "device": DEVICE, "results": results}, indent=1) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
