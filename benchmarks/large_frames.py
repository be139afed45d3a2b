"""Simulates a frame of large networks exactly, in a program of Verilator, and says what that takes.

    python benchmarks/large_frames.py [mobilenet_025_96 resnet18_w16_64]

Every beat of a frame and, with stalls, of another run is compared, as `fpgaq simulate --simulator verilator` does.
Seconds are those of all processes, the compiler's included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fpgaq.integer.file import save
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_shapes import mobilenet, resnet18

CASES: dict[str, tuple[Callable[[], IntegerGraph], int]] = {
    "mobilenet_025_96": (mobilenet, 64),
    "resnet18_w16_64": (partial(resnet18, 64), 64),
}


def seconds(command: list[str]) -> tuple[float, str]:
    """Processor seconds of a command and of all that it starts, and what it prints."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([sys.executable, "-m", "fpgaq", *command], stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode()
    if process.returncode:
        raise SystemExit(said)
    return usage.ru_utime + usage.ru_stime, said


def main() -> None:
    """Print a JSON object a network."""
    for name in sys.argv[1:] or CASES:
        build, multipliers = CASES[name]
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            save(build(), folder / "network.fpgaq")
            taken = []
            for command in (
                ["generate", "network.fpgaq", "--multipliers", str(multipliers), "-o", "rtl"],
                ["simulate", "rtl", "--simulator", "verilator", "--frames", "1", "--json"],
            ):
                arguments = [str(folder / each) if each in ("network.fpgaq", "rtl") else each for each in command]
                taken.append(seconds(arguments))
        facts = {"network": name, "multipliers": multipliers, "generate_seconds": round(taken[0][0], 1)}
        print(json.dumps(facts | {"simulate_seconds": round(taken[1][0], 1), "said": json.loads(taken[1][1])}))


if __name__ == "__main__":
    main()
