"""Frames by the thousand through compiled hardware, bare and wrapped: ``python -m hdl_tests.load FRAMES [-o FILE]``.

FRAMES go through each of three networks without wrapper, with bursts, stalls, resets and misplaced tlast, and a tenth
of them through the same networks in a wrapper, with lost, repeated and cut beats. Every beat is compared by equality.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fpgaq import pipeline
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.proof.bus_bench import as_bytes
from fpgaq.proof.harness import pack_beats
from hdl_tests.wrapper.bus_model import apply_damage, draw_damage, pack, received
from tests.support.bus_answers import answer
from tests.support.compiled_driver import compile_with
from tests.support.known_networks import skip
from tests.support.network_builder import NetworkBuilder
from tests.support.provenance import ROOT, about, store

HERE = Path(__file__).parent
DISTINCT = 64
"""Frames that differ; they are repeated."""
BUS = 8
DAMAGED = 0.4
"""Damages a frame of the wrapped networks."""
LONGEST_PAUSE = 100
"""Cycles without a beat that a burst may last, as bare_main.cpp draws them."""


def digits() -> IntegerGraph:
    """The example of handwritten digits."""
    example = ROOT / "examples" / "digits_cnn"
    return pipeline.quantize(pipeline.load_model(example / "model.nnp"), example / "calibration.npz")


def shared() -> IntegerGraph:
    """Convolutions and a pool whose layers share an engine, and an affine layer."""
    builder = NetworkBuilder(50, (6, 6, 2)).convolution(4, padding=(1, 1, 1, 1)).pool().convolution(8, (1, 1))
    return builder.affine(5, requantize=False).graph()


NETWORKS: dict[str, tuple[Callable[[], IntegerGraph], int]] = {
    "digits_cnn": (digits, 64),
    "skip connection": (skip, 20),
    "shared engine": (shared, 9),
}
"""Networks with their multipliers."""


def frames_of(graph: IntegerGraph, seed: int) -> dict[str, np.ndarray]:
    """Frames over the whole range of the input."""
    (name,) = graph.inputs
    fmt = graph.tensors[name].format
    shape = (DISTINCT, *graph.tensors[name].shape)
    return {name: np.random.default_rng(seed).integers(fmt.minimum, fmt.maximum + 1, shape)}


def read(folder: Path, name: str) -> Mapping[str, Any]:
    """A JSON file of an output folder."""
    found: Mapping[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def bare(graph: IntegerGraph, multipliers: int, frames: int, seed: int, work: Path) -> dict[str, Any]:
    """Load on a network without wrapper; the driver's counts."""
    result = pipeline.generate(graph, work / "out", Target(multipliers=multipliers), frames=1)
    manifest, interface = read(work / "out", "manifest"), read(work / "out", "interface")
    ((source,), (sink,)) = interface["inputs"], interface["outputs"]
    inputs = frames_of(result.network, seed)
    outputs = run(result.network, inputs)[sink["tensor"]]
    (work / "input.bin").write_bytes(pack_beats(inputs[source["tensor"]], source).tobytes())
    (work / "expected.bin").write_bytes(pack_beats(outputs, sink).tobytes())
    defines = {"DISTINCT": DISTINCT}
    for side, port in (("IN", source), ("OUT", sink)):
        defines |= {f"{side}_BEATS": port["beats_per_frame"], f"{side}_BYTES": port["tdata_bits"] // 8}
    program = compile_with(HERE / "bare_main.cpp", work / "out", manifest["files"], manifest["top"], work, defines)
    latency = manifest["prediction"]["latency_cycles"]
    # Rare enough that frames are done between two resets, though most of them fall into the midst of some.
    arguments = [str(frames), str(seed), str(12 * latency), str(8 * (latency + LONGEST_PAUSE) + 1000)]
    done = subprocess.run([str(program), *arguments], cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stdout + done.stderr).strip()[-300:]}
    counts: dict[str, Any] = json.loads(done.stdout)
    return counts


def wrapped(graph: IntegerGraph, multipliers: int, frames: int, seed: int, work: Path) -> dict[str, Any]:
    """Load on a network in a wrapper, with damaged frames, gaps and stalls."""
    wish = Wish(8 * BUS, buffered=True, top="mine")
    result = pipeline.generate(graph, work / "out", Target(multipliers=multipliers), frames=1, wish=wish)
    manifest, interface = read(work / "out", "manifest"), read(work / "out", "interface")
    public, chance = interface["wrapper"], random.Random(seed)
    payloads = as_bytes(next(iter(frames_of(result.network, seed).values())), public["input"]).astype(np.uint8)
    packed = [pack(payloads[index % DISTINCT].tobytes(), BUS) for index in range(frames)]
    arrived = apply_damage([beat for frame in packed for beat in frame], draw_damage(packed, chance, DAMAGED))
    found = received(arrived, public["input"]["bytes_per_frame"])
    answers = answer(result.network, [payload for payload, _ in found], public)
    files = manifest["wrapper"]["files"]
    program = compile_with(HERE.parent / "wrapper" / "damaged_main.cpp", work / "out", files, "mine", work)
    text = "".join(f"{beat.user:d} {beat.last:d} {beat.keep:x} {beat.data[::-1].hex()}\n" for beat in arrived)
    (work / "input.txt").write_text(text, encoding="ascii")
    idle = str(3 * manifest["wrapper"]["prediction"]["latency_cycles"] + 500)
    counts = {"frames": len(found), "beats": 0, "damaged_frames": sum(mark for _, mark in found)}
    for mark in ("0", "1"):
        expected = [
            f"{beat.user:d} {beat.last:d} {beat.keep:02x} {beat.data[::-1].hex()}"
            for (_, damaged), payload in zip(found, answers, strict=True)
            if mark == "1" or not damaged
            for beat in pack(payload, BUS, damaged)
        ]
        command = [str(program), "input.txt", idle, "1", mark]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode or done.stdout.splitlines() != expected:
            return {"failed": f"mark {mark}: other beats than the model's", **counts}
        counts["beats"] += len(expected)
    return counts


def load(frames: int, seed: int, names: Sequence[str]) -> dict[str, Any]:
    """Run all networks, bare and wrapped."""
    found: dict[str, Any] = {}
    for name in names:
        make, multipliers = NETWORKS[name]
        graph, found[name] = make(), {}
        for manner, runner, count in (("bare", bare, frames), ("wrapped", wrapped, max(1, frames // 10))):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            with tempfile.TemporaryDirectory(prefix="fpgaq-load-") as work:
                counts = runner(graph, multipliers, count, seed, Path(work))
            seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            found[name][manner] = {**counts, "seconds": round(seconds, 1)}
            print(f"{name}, {manner}: {found[name][manner]}", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Load as asked; 0 if every beat was equal, else 7."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m hdl_tests.load", description=__doc__)
    parser.add_argument("frames", type=int, help="frames of each network without wrapper; a tenth as many with one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("-o", "--output", type=Path, help="results as JSON")
    options = parser.parse_args(arguments)
    found = load(options.frames, options.seed, options.networks)
    if options.output is not None:
        origin = about("python -m hdl_tests.load", arguments, "verilator", "g++")
        store(options.output, {**origin, "networks": found})
    return 7 if any("failed" in counts for network in found.values() for counts in network.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
