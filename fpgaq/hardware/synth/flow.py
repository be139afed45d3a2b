"""Synthesis of a generated folder for one device: the whole design flattened, layer by layer, and placed and routed."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

from ...base.errors import ToolError, UsageError
from ...base.output import check_file, write_file
from ...base.progress import Step
from .cache import fetch, make_key, project_digest, store
from .cells import Counts, count_cells
from .devices import Device, find_device
from .netlist import NETLIST, make_netlist
from .place import Ports, place, placer_version, put_on_pins
from .project import Project, read_project
from .result import SynthResult, describe_excess
from .yosys import complete_yosys, read_sources, workspace, yosys_version

DEFAULT_TIMEOUT = 1800.0
DEFAULT_SEEDS = 5
TOP_LEVEL = "(top level)"
"""The row of `SynthResult.layers` for logic that belongs to the top module itself."""

Progress: TypeAlias = Callable[[str], None]
Layers: TypeAlias = tuple[tuple[str, Counts], ...]


def synthesize(
    directory: Path,
    device: str = "xc7",
    *,
    seeds: int = DEFAULT_SEEDS,
    layers: bool = True,
    timeout: float = DEFAULT_TIMEOUT,
    netlist: Path | None = None,
    progress: Progress = lambda stage: None,
) -> SynthResult:
    """Synthesize a folder that `fpgaq generate` wrote, count its resources, and find the clock it reaches.

    What ran before on the same files with the same tools comes from the user's cache folder.

    Parameters
    ----------
    directory : Path
        Holds manifest.json with `top` and `files`; ROM contents are looked for in its `rtl` folder.
    device : str
        One of `fpgaq.hardware.synth.DEVICES`.
    seeds : int
        How often nextpnr places and routes, with seeds 1, 2, ...; 0 for counts only. Without effect where the device
        has no open placer, and on a design that exceeds the device.
    layers : bool
        Count each layer too, in a run of its own.
    timeout : float
        Seconds for each run of a tool.
    netlist : Path, optional
        A file to be written for nextpnr: the design's cells in JSON, with pads, and registers moved as for the clock.
    progress : callable
        Called with what is being done.

    Raises
    ------
    UsageError
        If `device` is unknown, `seeds` is negative or `netlist` cannot be written.
    ModelError
        If the folder is none of ours, or incomplete.
    FitError
        If nextpnr cannot place or route what by the counts would fit.
    ToolError
        If a tool is missing, refuses the design, crashes or does not end in time.
    """
    part = find_device(device)
    if seeds < 0:
        raise UsageError(f"{seeds} seeds were asked for; a number of seeds is 0 or more")
    if netlist is not None:
        check_file(netlist)
    placed = part.placer is not None and seeds > 0
    tools = [yosys_version(), *([placer_version(part.placer)] if placed and part.placer else [])]
    project = read_project(Path(directory))
    start = time.monotonic()
    key = (project_digest(project), part.yosys, tools[0])
    with ThreadPoolExecutor(max_workers=2) as pool:
        progress(f"synthesizing for {device}")
        flat = pool.submit(_flat_run, project, part, timeout, key)
        layered = pool.submit(_layered_counts, project, part, timeout, key) if layers else None
        (counts, ports), rows = flat.result(), layered.result() if layered else ()
    if netlist is not None:
        progress("writing the netlist")
        with workspace(project) as folder:
            make_netlist(project, part, folder, timeout)
            write_file(netlist, (folder / NETLIST).read_bytes())
    fmax: Sequence[tuple[int, float]] = ()
    if placed and not describe_excess(counts, device):
        fmax = _place_seeds(project, part, ports, range(1, seeds + 1), timeout, (*key, *tools[1:]), progress)
    return SynthResult(device, project.top, counts, rows, tuple(fmax), tuple(tools), time.monotonic() - start)


def _flat_run(project: Project, device: Device, timeout: float, key: Sequence[str]) -> tuple[Counts, Ports]:
    """The counts of the flattened design, and its ports."""
    entry = make_key("flat", *key)
    known = fetch(entry)
    if known is None:
        top = project.top
        synthesis = [*read_sources(project), device.yosys.format(top=top), "tee -o stat.json stat -json"]
        with workspace(project) as folder:
            complete_yosys([*synthesis, "write_json netlist.json"], folder, timeout)
            ports = _load_report(folder / "netlist.json")["modules"][top]["ports"]
            known = {
                "cells": _modules(_load_report(folder / "stat.json"))[top],
                "ports": {name: (port["direction"], len(port["bits"])) for name, port in ports.items()},
            }
        store(entry, known)
    return count_cells(known["cells"], device.family), known["ports"]


def _layered_counts(project: Project, device: Device, timeout: float, key: Sequence[str]) -> Layers:
    """The counts of each instance in the top module, their boundaries kept and everything within them flattened."""
    entry = make_key("layers", *key)
    known = fetch(entry)
    if known is None:
        with workspace(project) as folder:
            known = _synthesize_layers(project, device, folder, timeout)
        store(entry, known)
    return tuple((label, count_cells(cells, device.family)) for label, cells in known)


def _synthesize_layers(
    project: Project, device: Device, folder: Path, timeout: float
) -> list[tuple[str, dict[str, int]]]:
    """For each instance in the top module a label and the number of its cells of each type."""
    top = project.top
    commands = [
        *read_sources(project),
        f"hierarchy -check -top {top}",
        f"tee -q -o instances.txt dump ={top}/c:*",
        f"setattr -mod -set keep_hierarchy 1 ={top}/c:* %M",
        device.yosys.format(top=top),
        "tee -o stat.json stat -json",
    ]
    complete_yosys(commands, folder, timeout)
    modules = _modules(_load_report(folder / "stat.json"))
    instances = _instances((folder / "instances.txt").read_text(encoding="utf-8", errors="replace"), modules)
    names = [project.instances.get(instance) or _plain_name(module) for instance, module in instances]
    plain = Counter(names)
    rows = []
    for name, (instance, module) in zip(names, instances, strict=True):
        label = name if plain[name] == 1 else f"{name} ({instance})"
        rows.append((label, dict(_recursive(module, modules))))
    rows.append((TOP_LEVEL, {cell: number for cell, number in modules[top].items() if cell not in modules}))
    return rows


def _place_seeds(
    project: Project,
    device: Device,
    ports: Ports,
    seeds: Sequence[int],
    timeout: float,
    key: Sequence[str],
    progress: Progress,
) -> list[tuple[int, float]]:
    """The clock that each seed reaches, from the cache or by placing one seed a processor at once."""
    keys = {seed: make_key("placed", device.name, seed, *key) for seed in seeds}
    found: dict[int, float] = {seed: clock for seed in seeds if (clock := fetch(keys[seed])) is not None}
    missing = [seed for seed in seeds if seed not in found]
    if missing:
        with workspace(project) as folder:
            progress(f"bringing the design to four pins of {device.name}")
            limit = put_on_pins(project, device, ports, folder, timeout)
            step = f"placing and routing on {device.name}"
            progress(Step(step, len(found), len(seeds), " seeds"))

            def run(seed: int) -> float:
                clock = min(place(device, seed, folder, timeout), limit)
                store(keys[seed], clock)
                found[seed] = clock
                progress(Step(step, len(found), len(seeds), " seeds"))
                return clock

            with ThreadPoolExecutor(max_workers=min(len(missing), os.cpu_count() or 1)) as pool:
                list(pool.map(run, missing))
    return [(seed, found[seed]) for seed in seeds]


def _load_report(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"yosys: left no readable statistics ({error}); fpgaq needs pyosys 0.60 or newer") from error


def _modules(report: Any) -> dict[str, dict[str, int]]:
    """For each module of Yosys's `stat -json`, the number of cells of each type."""
    found = report.get("modules", {}).items()
    return {name.removeprefix("\\"): dict(module.get("num_cells_by_type", {})) for name, module in found}


def _recursive(module: str, modules: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    """The primitive cells of one instance of `module`, the modules within it included."""
    total: Counter[str] = Counter()
    for cell, number in modules[module].items():
        if cell in modules:
            for inner, count in _recursive(cell, modules).items():
                total[inner] += count * number
        else:
            total[cell] += number
    return total


def _instances(dump: str, modules: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str]]:
    """(instance, module) for each module instance in Yosys's dump of the top module's cells, in the file's order."""
    found = [line.split() for line in dump.splitlines()]
    cells = [words[1:] for words in found if len(words) == 3 and words[0] == "cell"]
    pairs = [(instance.removeprefix("\\"), module.removeprefix("\\")) for module, instance in cells]
    return [(instance, module) for instance, module in pairs if module in modules]


def _plain_name(module: str) -> str:
    """The name as written in Verilog of a module that Yosys specialised for its parameters."""
    return module.split("\\")[1] if module.startswith("$paramod") else module
