"""Place and route of a synthesized netlist with nextpnr, for the clock that it reaches."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from ...base.child import Limits, ask_tool, last_line, run_tool
from ...base.errors import FitError, ToolError
from ...base.extras import install_command
from ..emit.render import render
from .devices import Device, Placer
from .netlist import NETLIST, make_netlist
from .project import Project
from .registers import clock_limit
from .yosys import LONGER

PINS = "fpgaq_pins"
"""The module that brings the design to four pins."""
Ports: TypeAlias = Mapping[str, tuple[str, int]]
"""For each port "input" or "output" and its bits."""

_WRAPPER = "pins.v"
_CONSTRAINTS = "pins.cst"
# Above what any of the parts reach, so that no path counts as fast enough.
_ASKED_MHZ = 400


def placer_version(placer: Placer) -> str:
    """Name and version of the placer, the wheel or a program on the path; ToolError if there is neither."""
    with suppress(importlib.metadata.PackageNotFoundError):
        return f"{placer.package} {importlib.metadata.version(placer.package)}"
    path = shutil.which(placer.program)
    if path is None:
        raise ToolError(
            f"{placer.program}: is not installed; run {install_command('synth')}, or ask for --seeds 0 (counts only)"
        )
    return last_line(ask_tool(placer.program, [path, "--version"]).output)


def put_on_pins(project: Project, device: Device, ports: Ports, folder: Path, timeout: float) -> float:
    """Synthesize the project within registers on four pins, ready for nextpnr, in `folder`.

    Returns the clock in MHz above which nextpnr's result is not valid, infinite if there is none.
    """
    (folder / _WRAPPER).write_text(render("synth/pins.v.j2", _pin_facts(project.top, ports)), encoding="utf-8")
    netlist = make_netlist(project, device, folder, timeout, wrapper=_WRAPPER, top=PINS)
    pins = device.placer.pins if device.placer else ()
    places = "".join(f'IO_LOC "{port}" {pin};\n' for port, pin in zip(("clk", "rst", "in", "out"), pins, strict=False))
    (folder / _CONSTRAINTS).write_text(places, encoding="utf-8")
    return clock_limit(netlist, PINS)


def _pin_facts(top: str, ports: Ports) -> dict[str, object]:
    sides: dict[str, list[dict[str, object]]] = {"input": [], "output": []}
    widths = {"input": 0, "output": 0}
    for name, (side, bits) in ports.items():
        if name in ("clk", "rst"):
            continue
        sides[side].append({"name": name, "low": widths[side], "bits": bits})
        widths[side] += bits
    width = max(1, widths["input"])
    return {
        "top": PINS,
        "design": top,
        "clock": "clk",
        "reset": "rst" if "rst" in ports else "",
        "inputs": sides["input"],
        "outputs": sides["output"],
        "input_bits": width,
        "output_bits": max(1, widths["output"]),
        "given_shifted": f"in, given[{width - 1}:1]" if width > 1 else "in",
    }


def place(device: Device, seed: int, folder: Path, timeout: float) -> float:
    """Place and route what `put_on_pins` left in `folder`; the clock in MHz that the routed design reaches.

    Raises
    ------
    FitError
        If nextpnr cannot place or route the design on the part.
    ToolError
        If nextpnr is missing, crashes or does not end in time.
    """
    placer = device.placer
    assert placer is not None
    report = f"report-{seed}.json"
    command = [
        *start_placer(placer),
        *("--json", NETLIST, *placer.arguments, *(("--vopt", f"cst={_CONSTRAINTS}") if placer.pins else ())),
        *("--freq", str(_ASKED_MHZ), "--timing-allow-fail", "--seed", str(seed), "--report", report),
    ]
    limits = Limits(timeout, remedy=LONGER)
    finished = run_tool(placer.program, command, folder, limits, log=f"nextpnr-{seed}.log")
    if finished.code != 0:
        raise placing_failure(device, finished.output)
    found = json.loads((folder / report).read_text(encoding="utf-8"))
    clocks: Sequence[float] = [clock["achieved"] for clock in found.get("fmax", {}).values()]
    if len(clocks) != 1:
        raise ToolError(f"nextpnr: reports {len(clocks)} clocks for {device.name}, expected one")
    return float(clocks[0])


def start_placer(placer: Placer) -> list[str]:
    """The command that starts the placer: the wheel's entry point if it is there, else the program on the path."""
    module = placer.package.replace("-", "_")
    if importlib.util.find_spec(module) is None:
        return [placer.program]
    run = f"run_{placer.program.replace('-', '_')}"
    return [sys.executable, "-I", "-c", f"import sys; from {module} import {run}; sys.exit({run}(sys.argv[1:]))"]


def placing_failure(device: Device, output: str) -> FitError | ToolError:
    """What nextpnr's output says of its end: that the design does not fit, or a fault of the tool."""
    errors = [line for line in output.splitlines() if "ERROR" in line]
    reason = errors[0].rpartition("ERROR:")[2].lstrip() if errors else last_line(output)
    if any(word in reason.lower() for word in ("place", "route", "bel", "fit", "legal")):
        return FitError(f"nextpnr: the design does not fit {device.name}: {reason}")
    return ToolError(f"nextpnr: failed for {device.name}: {reason}")
