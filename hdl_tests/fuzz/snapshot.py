"""Emitted files and estimates of random networks, as digests: ``python -m hdl_tests.fuzz.snapshot N -o FILE``.

A change that must not move a byte is held against a snapshot made before it: ``... N --against FILE`` prints for each
part how many networks are equal, and ends with 7 if one differs. Parts are the text of the hardware, the manifest, the
interface, HLS C++ and the estimates of each device family, so that a change of one of them is seen to be of that alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from fpgaq.hardware.emit.hls import emit as emit_hls
from fpgaq.hardware.emit.unrolled import emit_unrolled
from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.estimate import estimate_schedule
from fpgaq.hardware.unrolled import Unrolling, plan_network
from tests.support.fuzz.networks import random_case
from tests.support.network_builder import NetworkBuilder

Parts = dict[str, str]

DEVICES = ("xc7", "ecp5-85k", "ice40-up5k", "gowin-gw1n9")
PACKED = 18


def digest_of(files: Iterable[tuple[str, str | bytes]]) -> str:
    """SHA-256 over paths and contents, in the order of the paths."""
    found = hashlib.sha256()
    for path, content in sorted(files):
        found.update(path.encode() + b"\0" + (content if isinstance(content, bytes) else content.encode()) + b"\0")
    return found.hexdigest()


def split_files(files: Mapping[str, str | bytes], name: str) -> Parts:
    """The digests of an output folder's parts."""
    apart = ("manifest.json", "interface.json")
    parts = {f"{name} {path}": digest_of([(path, files[path])]) for path in apart}
    return {**parts, f"{name} text": digest_of(pair for pair in files.items() if pair[0] not in apart)}


def snapshot(seed: int) -> Parts:
    """Everything that is emitted and estimated for the network of a seed, and for a perceptron of that seed."""
    case = random_case(seed)
    parts = split_files(emit(case.graph, case.schedule), "verilog")
    packed = replace(case.schedule, factor_bits=PACKED)
    parts["packed text"] = split_files(emit(case.graph, packed), "packed")["packed text"]
    parts.update(split_files(emit_hls(case.graph, case.schedule, case.inputs | dict(case.golden)), "hls"))
    for device in DEVICES:
        found = estimate_schedule(case.graph, case.schedule, device)
        parts[f"estimate {device}"] = digest_of([(device, repr((found.counts, found.layers)))])
    builder = NetworkBuilder(seed, (1, 1, 3 + seed % 7))
    for size in range(seed % 3):
        builder = builder.affine(2 + size, per_channel=seed % 2 == 0)
    perceptron = builder.affine(3, requantize=seed % 5 > 0).graph()
    plan = plan_network(perceptron, Unrolling(levels=1 + seed % 3, tables=6 - seed % 2 * 2))
    return {**parts, **split_files(emit_unrolled(perceptron, plan), "unrolled")}


def compare(before: Mapping[str, Parts], after: Mapping[str, Parts]) -> tuple[list[str], bool]:
    """A line for each part, and whether all of them are equal in every network."""
    equal, different = Counter[str](), dict[str, list[str]]()
    for seed, parts in after.items():
        for part, digest in parts.items():
            if before[seed].get(part) == digest:
                equal[part] += 1
            else:
                different.setdefault(part, []).append(seed)
    names = list(dict.fromkeys(part for parts in after.values() for part in parts))
    lines = [
        f"{part:28} {equal[part]:4} equal"
        + (f", {len(different[part])} differ: seeds {', '.join(different[part][:5])}" if part in different else "")
        for part in names
    ]
    return lines, not different


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a snapshot, or hold today's state against one."""
    parser = argparse.ArgumentParser(
        prog="python -m hdl_tests.fuzz.snapshot",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("count", type=int, metavar="N", help="how many networks, from seed 0")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write the snapshot")
    parser.add_argument("--against", type=Path, metavar="FILE", help="a snapshot to compare with")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one for each core)")
    options = parser.parse_args(arguments)
    if options.count < 1 or (options.output is None) == (options.against is None):
        parser.error("N is at least 1, and one of --output and --against is needed")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(options.jobs) as pool:
        found = dict(zip(map(str, range(options.count)), pool.map(snapshot, range(options.count)), strict=True))
    if options.output is not None:
        options.output.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")
        return 0
    lines, same = compare(json.loads(options.against.read_text(encoding="utf-8")), found)
    print("\n".join(lines))
    return 0 if same else 7


if __name__ == "__main__":
    sys.exit(main())
