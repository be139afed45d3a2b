"""The MLPerf Tiny models from their official int8 files to Verilog: exactness, cycles and what they take on a part.

    python benchmarks/mlperf_tiny.py --models DIR --work DIR     # measure what is not there yet, print the table
    python benchmarks/mlperf_tiny.py --print                     # print the stored results again

DIR holds `kws_ref_model.tflite`, `pretrainedResnet_quant.tflite` and `ad01_int8.tflite` of mlcommons/tiny; the network
for visual wake words is made by `visual_wake_words.py`. Each file is read as it is, held against LiteRT's reference
kernels on 1,000 random inputs, generated for an XC7Z020, and simulated over whole frames with and without stalls. With
`--hls` the C++ is run on the same frames too. The results are stored beside this script with the versions that made
them.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.provenance import commit  # noqa: E402

RESULTS = Path(__file__).with_name("mlperf_tiny.json")
DEVICE = "xc7z020"
FRAMES = 3
INPUTS = 1000
MODELS = {
    "kws_ref_model": ("keyword spotting, DS-CNN", "fpgaConvNet, ZedBoard: 46,300 cycles, 0.324 ms"),
    "pretrainedResnet_quant": ("image classification, ResNet-8", "fpgaConvNet, ZedBoard: 58,800 cycles, 0.411 ms"),
    "ad01_int8": (
        "anomaly detection, autoencoder",
        "hls4ml, Pynq-Z2: 18.7 us; FINN: 17.5 us (other, smaller networks)",
    ),
    "vww_96_int8": (
        "visual wake words, MobileNet v1 0.25 of random weights (no accuracy)",
        "fpgaConvNet, ZedBoard: 1,050,000 cycles, 9.49 ms",
    ),
}
"""What each file is, and the published submission next to it."""
TARGETS = {
    "pretrainedResnet_quant": ("--cycles", "37000", "--pack", "25"),
    "vww_96_int8": ("--cycles", "36000", "--pack", "25"),
}
"""What is asked for where the search of the part, which takes minutes for these two, is left out."""


def command(*arguments: str, into: Path) -> dict[str, Any]:
    """What a command of fpgaq prints as JSON, from an earlier run where there was one."""
    if not into.is_file() or not into.stat().st_size:
        result = subprocess.run(
            [sys.executable, "-m", "fpgaq", *arguments, "--json"], capture_output=True, text=True, check=True
        )
        into.write_text(result.stdout)
    found: dict[str, Any] = json.loads(into.read_text())
    return found


def measure(name: str, models: Path, work: Path) -> dict[str, Any]:
    """All figures of one model."""
    from fpgaq.quantizer.tflite_integers import load_integers
    from fpgaq.quantizer.tflite_integers.check import compare_with_litert, random_samples

    path = models / f"{name}.tflite"
    if name == "vww_96_int8":
        from visual_wake_words import build

        path = work / f"{name}.tflite"
        path.write_bytes(build())
    found = load_integers(path)
    assert found is not None
    compared = compare_with_litert(path.read_bytes(), found[0], random_samples(found[0], INPUTS))
    network, folder = work / f"{name}.fpgaq", work / f"{name}.hw"
    command("quantize", str(path), "-o", str(network), into=work / f"{name}.quantize.json")
    generated = command(
        "generate", str(network), "-o", str(folder), "--device", DEVICE, *TARGETS.get(name, ()),
        into=work / f"{name}.generate.json",
    )  # fmt: skip
    simulated = command(
        "simulate",
        str(folder),
        "--frames",
        str(FRAMES),
        "--simulator",
        "verilator",
        into=work / f"{name}.simulate.json",
    )
    keys = ("multipliers", "interval_cycles", "latency_cycles", "limit_cycles", "macs", "estimate")
    return {
        "compared_elements": compared,
        "differing_elements": 0,
        "generated": {key: generated[key] for key in keys},
        "simulated": simulated,
        "target": list(TARGETS.get(name, ("--device",))),
    }


def measure_hls(name: str, work: Path) -> dict[str, Any]:
    """The C++ of a network that was measured before, built by its own Makefile and run on its frames."""
    folder = work / f"{name}.hls"
    options = TARGETS.get(name, ("--multipliers", "64"))[:2]
    command(
        "generate", str(work / f"{name}.fpgaq"), "-o", str(folder), "--language", "hls", *options,
        into=work / f"{name}.hls.generate.json",
    )  # fmt: skip
    done = subprocess.run(["make", "-C", str(folder), "run"], capture_output=True, text=True, check=True)
    found = re.search(r"^(\d+) frames, (\d+) values differ$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    return {"target": list(options), "frames": int(found[1]), "mismatches": int(found[2])}


def versions() -> dict[str, str]:
    """The packages whose versions matter."""
    names = ("ai-edge-litert", "tflite", "pyosys", "verilator", "numpy")
    return {name: importlib.metadata.version(name) for name in names}


def table(results: dict[str, Any]) -> str:
    """The measured rows."""
    lines = [
        "| model | differing from LiteRT | frames simulated, mismatches | frames of C++, mismatches | cycles a frame |"
        " latency | DSP | LUT | FF | RAMB18 | published, for reading |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, (task, published) in MODELS.items():
        if name not in results["models"]:
            continue
        entry = results["models"][name]
        made, run, compiled = entry["generated"], entry["simulated"], entry.get("hls")
        frames = f"{compiled['frames']}, {compiled['mismatches']}" if compiled else "-"
        part = made["estimate"]
        lines.append(
            f"| {task} | {entry['differing_elements']} of {entry['compared_elements']:,} |"
            f" {run['frames']}, {run['mismatches']} | {frames} | {made['interval_cycles']:,} |"
            f" {made['latency_cycles']:,} | {part['dsp']} | {part['lut']:,} | {part['ff']:,} | {part['bram']} |"
            f" {published} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure what was asked for, store it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="the folder of the .tflite files")
    parser.add_argument("--work", type=Path, help="a folder for networks, hardware and results of the stages")
    parser.add_argument("--only", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--hls", nargs="*", default=[], choices=list(MODELS), help="of these run the C++ too")
    parser.add_argument("--print", action="store_true", help="print the stored results and measure nothing")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"models": {}}
    if not options.print:
        options.work.mkdir(parents=True, exist_ok=True)
        for name in options.only:
            results["models"][name] = measure(name, options.models, options.work)
            results |= {"versions": versions(), "device": DEVICE, "command": "benchmarks/mlperf_tiny.py"}
            results["commit"] = commit()
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        for name in options.hls:
            results["models"][name]["hls"] = measure_hls(name, options.work)
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
