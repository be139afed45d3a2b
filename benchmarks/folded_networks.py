"""Folded networks compared with NNgen's: cycles, logic and memory of both, from one run and by the same Yosys.

    python benchmarks/folded_networks.py NNGEN_PYTHON FOLDER [--cases W1x1 ...] [--without "fpgaq clock" ...]

NNGEN_PYTHON is that of an environment of its own: ``python -m venv ENV; ENV/bin/pip install nngen``. NNgen reads
weights and activations from a memory outside the chip over AXI; ours hold the weights inside and take the image by a
stream. Both are simulated by Icarus: NNgen by its own bench, from the start of a frame to its end; ours by the bench of
the output folder, which compares every value too. Each step is stored beside this script as it comes; what is stored
already is not measured again, unless `--again` is given.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workloads import WORKLOADS

from fpgaq import pipeline
from fpgaq.base.errors import ToolTimeoutError
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.synth import synthesize
from tests.support.provenance import SECONDS, about, store

RESULTS = Path(__file__).with_suffix(".json")

_W2_LAYERS = (("conv", 8), ("pool",), ("conv", 16), ("pool",), ("affine", 10))
_W3_LAYERS = (("conv", 16), ("pool",), ("conv", 32), ("pool",), ("conv", 32), ("pool",), ("affine", 10))


@dataclass(frozen=True)
class Case:
    """A workload at a number of multipliers, and how NNgen is asked for about as many."""

    workload: str
    multipliers: int
    shape: tuple[int, ...]
    layers: tuple[tuple[str | int, ...], ...]
    par: tuple[int, int]
    bus: int
    peer_seconds: float = 1800.0
    """Most seconds of Yosys for NNgen's Verilog; 0: it is not counted."""
    clocked: bool = False
    """Ours is placed and routed on an ECP5 too; NNgen's ports do not go onto our four pins."""


CASES: Mapping[str, Case] = {
    "W1x1": Case("w1", 1, (784,), (("affine", 64), ("affine", 10)), (1, 1), 32, clocked=True),
    "W1x16": Case("w1", 16, (784,), (("affine", 64), ("affine", 10)), (4, 4), 128),
    "W2x144": Case("w2", 144, (28, 28, 1), _W2_LAYERS, (4, 4), 128, 0),
    "W3x144": Case("w3", 144, (32, 32, 3), _W3_LAYERS, (4, 4), 128, 0),
    "W2x9": Case("w2", 9, (28, 28, 1), _W2_LAYERS, (1, 1), 32),
}

NETWORKS = {"w1": "784-64-10", "w2": "two convolutions, 28x28", "w3": "three convolutions, 32x32"}
"""The workloads as a table names them."""


def make_peer(case: Case, python: str, folder: Path) -> dict[str, Any]:
    """NNgen's hardware for a case, and its simulation."""
    task = {"shape": case.shape, "layers": case.layers, "par": case.par, "bus": case.bus, "simulate": True}
    script = Path(__file__).with_name("folded_peer.py").resolve()
    arguments = [python, str(script), json.dumps(task), str(folder.resolve())]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=True)
    line = next(line for line in found.stdout.splitlines() if line.startswith("RESULT "))
    result: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    (folder / "manifest.json").write_text(json.dumps({"top": "peer", "files": ["peer.v"]}))
    return result


def make_ours(case: Case, folder: Path) -> dict[str, Any]:
    """The hardware of fpgaq for a case, and its simulation."""
    network = WORKLOADS[case.workload]()
    started = time.monotonic()
    made = pipeline.generate(network, folder, Target(multipliers=case.multipliers), device="xc7")
    seconds = time.monotonic() - started
    simulated = pipeline.simulate(folder, frames=2)
    if simulated.mismatches or simulated.interval_cycles != made.schedule.prediction.interval:
        raise SystemExit(f"{folder}: {simulated.message}; a frame every {simulated.interval_cycles} cycles")
    assert made.estimate is not None
    return {
        "multipliers": made.schedule.multipliers,
        "generate_seconds": round(seconds, 2),
        "lines": sum(path.read_text().count("\n") for path in (folder / "rtl").glob("*.v")),
        "simulate_seconds": round(simulated.seconds / simulated.frames, 2),
        "cycles": simulated.interval_cycles,
        "estimate": made.estimate.as_json(),
    }


def count(folder: Path, seconds: float) -> dict[str, Any]:
    """Yosys's counts for the AMD series 7; none if it does not end in time."""
    try:
        result = synthesize(folder, "xc7", seeds=0, layers=False, timeout=seconds)
    except ToolTimeoutError as error:
        return {"counts": None, "reason": str(error)}
    return {"counts": result.counts.as_json(), "tools": list(result.tools)}


def clock(folder: Path) -> dict[str, Any]:
    """The clock on an ECP5, by three seeds."""
    result = synthesize(folder, "ecp5-85k", seeds=3, layers=False, timeout=7200)
    return {"mhz": [round(mhz, 1) for _, mhz in result.fmax], "lut": result.counts.lut, "tools": list(result.tools)}


def steps(arguments: argparse.Namespace) -> Iterator[tuple[str, str, Callable[[], dict[str, Any]]]]:
    """(case, tool, what to do) in order: first what is made and simulated, then what it takes."""
    for name in arguments.cases:
        case, ours, peer = CASES[name], arguments.folder / name / "fpgaq", arguments.folder / name / "nngen"
        yield name, "fpgaq", partial(make_ours, case, ours)
        yield name, "fpgaq counts", partial(count, ours, 7200)
        yield name, "NNgen", partial(make_peer, case, arguments.python, peer)
        if case.peer_seconds:
            yield name, "NNgen counts", partial(count, peer, case.peer_seconds)
        if case.clocked:
            yield name, "fpgaq clock", partial(clock, ours)


COUNTS = ("lut", "ff", "dsp", "bram")


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    columns = ("case", "tool", "multipliers", "cycles", "LUT", "FF", "DSP", "block RAM", "lines", "generate, s",
               "simulate a frame, s", "ECP5, MHz")  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for name, case in CASES.items():
        found = results["rows"].get(name, {})
        for tool in [tool for tool in ("fpgaq", "NNgen") if tool in found]:
            made = found[tool]
            multipliers = multipliers_of(case, found) if tool == "fpgaq" else " x ".join(map(str, case.par))
            sizes = [f"{made['lines']:,}", f"{made['generate_seconds']:.1f}", f"{made['simulate_seconds']:.1f}"]
            clocks = ", ".join(f"{mhz:.1f}" for mhz in found.get(f"{tool} clock", {}).get("mhz", ()))
            counts = cells(found.get(f"{tool} counts", {}).get("counts"))
            title = f"NNgen, {case.bus}-bit bus" if tool == "NNgen" else tool
            lines.append(line(name[:2], title, multipliers, f"{made['cycles']:,}", *counts, *sizes, clocks))
            if "estimate" in made:
                lines.append(line(name[:2], "its estimate", "", "", *cells(made["estimate"]), "", "", "", ""))
    return lines


def compared(results: Mapping[str, Any]) -> list[str]:
    """The cases in which both sides were simulated, without estimates and seconds."""
    columns = ("network", "by", "multipliers", "cycles a frame", "LUT", "FF", "DSP", "block RAM")
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for name, case in CASES.items():
        found = results["rows"].get(name, {})
        if not {"fpgaq", "NNgen"} <= found.keys():
            continue
        sides = (
            ("fpgaq", "fpgaq", multipliers_of(case, found)),
            ("NNgen", f"NNgen, {case.bus}-bit bus", f"{case.par[0]} x {case.par[1]}"),
        )
        for index, (tool, title, multipliers) in enumerate(sides):
            network = "" if index else NETWORKS[case.workload]
            counts = cells(found.get(f"{tool} counts", {}).get("counts"))
            lines.append(line(network, title, multipliers, f"{found[tool]['cycles']:,}", *counts))
    return lines


def multipliers_of(case: Case, found: Mapping[str, Any]) -> str:
    """Those that our schedule takes of those allowed."""
    taken = found["fpgaq"]["multipliers"]
    return f"{taken}" if taken == case.multipliers else f"{taken} of {case.multipliers}"


def cells(counts: Mapping[str, int] | None) -> list[str]:
    """Counts as a table shows them; nothing for what was not counted."""
    return [f"{counts[name]:,}" if counts else "" for name in COUNTS]


def line(*row: str) -> str:
    """A row; an empty cell takes one blank."""
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in row)


def version(python: str) -> str:
    """NNgen's own, as its environment states it."""
    tool = "import importlib.metadata; print(importlib.metadata.version('nngen'))"
    return subprocess.run([python, "-c", tool], check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    """Measure what is not stored yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--without", nargs="*", default=[], metavar="STEP", help='such as "fpgaq clock"')
    parser.add_argument("--again", action="store_true", help="measure what is stored too")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    origin = about("python benchmarks/folded_networks.py NNGEN_PYTHON FOLDER", [], "iverilog", "pyosys")
    origin = {**origin, "peers": {"nngen": version(arguments.python)}, "seconds": SECONDS}
    facts: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.is_file() else {}
    for case, name, step in steps(arguments):
        found = facts.setdefault(case, {})
        if name in arguments.without or (name in found and not arguments.again):
            continue
        found[name] = {**step(), "commit": origin["commit"]}
        store(RESULTS, {**origin, "rows": facts})
        print(case, name, found[name], file=sys.stderr, flush=True)
    print("\n".join(table({"rows": facts})))


if __name__ == "__main__":
    main()
