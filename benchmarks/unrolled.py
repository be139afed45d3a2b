"""Logic of unrolled networks compared with that of da4ml and alkaid: same integers, same synthesis.

    python benchmarks/unrolled.py --peer da4ml=PYTHON --peer alkaid=PYTHON [--folder build/unrolled] [WORK ...]

PYTHON is the interpreter of an environment that has the peer and numpy. Each design is checked against the integer
network's results by ``==`` before it counts. Synthesis results are cached by content, as those of `fpgaq synth` are.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def generate_ours(work: Work, network: IntegerGraph, folder: Path) -> dict[str, object]:
    """Write our hardware; facts of it."""
    result = pipeline.unroll(network, folder, work.unrolling)
    return {"stages": result.plan.stages - 1, "registers": result.plan.stages}


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


def measure(name: str, work: Work, peers: dict[str, str], folder: Path, seeds: int) -> None:
    """Generate, synthesize and print a work's rows."""
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
    for device in work.devices:
        for side in facts:
            result = synthesize(home / side.replace(" ", "_"), device, seeds=seeds, layers=False, timeout=TIMEOUT)
            counts = result.counts
            clock = f"{result.fmax_mhz:.1f}" if result.fmax_mhz else ""
            cells = [f"{value:,}" for value in (counts.lut, counts.ff, counts.carry, counts.dsp)]
            print("|", " | ".join([name, device, side, *cells, str(facts[side]["stages"]), clock]), "|", flush=True)
            print("   ", {**facts[side], "tools": result.tools, "seconds": round(result.seconds)}, flush=True)


def main() -> None:
    """Read the arguments and measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--folder", type=Path, default=Path("build/unrolled"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}; all by default")
    arguments = parser.parse_args()
    peers = dict(pair.split("=", 1) for pair in arguments.peer)
    print("| work | device | by | LUT | FF | carry | DSP | stages | MHz |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.works or WORKS:
        measure(name, WORKS[name], peers, arguments.folder, arguments.seeds)


if __name__ == "__main__":
    main()
