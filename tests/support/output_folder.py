"""Output folders for tests: written by the emitter, changed at will, run through their own bench."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fpgaq.base.errors import FitError
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.bench import bench_files

Files = dict[str, "str | bytes"]


def make_files(
    graph: IntegerGraph,
    multipliers: int,
    golden: IntegerGraph | None = None,
    factor_bits: int = 0,
    logic_bits: int = 0,
) -> Files:
    """The files of an output folder; `golden` is the network that the bench expects, `graph` itself if None.

    A budget that is too small for the network is doubled until it fits.
    """
    while True:
        try:
            schedule = make_schedule(graph, Target(multipliers=multipliers))
            break
        except FitError:
            if multipliers > 4096:
                raise
            multipliers *= 2
    design = design_of(graph, replace(schedule, factor_bits=factor_bits, logic_bits=logic_bits))
    manifest = design.as_json()
    if golden is not None:
        for stream, op in zip(manifest["streams"][1:], golden.operators, strict=True):
            stream["layer"] = op.name
    return {**print_design(design), **bench_files(golden or graph, manifest, design.interface())}


def change_text(files: Files, changes: Mapping[str, str], only: Callable[[str], bool] = lambda path: True) -> Files:
    """Replace text in the Verilog; each change must apply somewhere."""
    changed = dict(files)
    for old, new in changes.items():
        applied = False
        for path, content in changed.items():
            if path.startswith("rtl/") and path.endswith(".v") and only(path) and old in str(content):
                changed[path] = str(content).replace(old, new)
                applied = True
        assert applied, f"nothing to change: {old!r}"
    return changed


def run_files(directory: Path, files: Files, *arguments: str) -> dict[str, Any]:
    """Write the folder, run its bench, return the outcome."""
    for path, content in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    command = [sys.executable, "run.py", *arguments]
    process = subprocess.run(command, cwd=directory / "bench", capture_output=True, text=True, timeout=600)
    outcome: dict[str, Any] = json.loads((directory / "bench/build/outcome.json").read_text(encoding="utf-8"))
    assert process.returncode == outcome["status"], process.stdout + process.stderr
    return outcome
