"""Synthesis of a generated folder for one device: the whole design flattened, and layer by layer."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ToolError, UsageError
from .cells import TABLES, Counts, count_cells
from .process import last_line, read_sources, run_yosys, workspace
from .project import Project, read_project

DEVICES: tuple[str, ...] = tuple(TABLES)
DEFAULT_TIMEOUT = 1800.0
TOP_LEVEL = "(top level)"
"""The row of `SynthResult.layers` for logic that belongs to the top module itself."""

_SYNTHESIS = {
    # No pads and no clock buffer: the design is a block within a larger one.
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top}",
    "ecp5": "synth_ecp5 -top {top}",
}


@dataclass(frozen=True)
class SynthResult:
    """What a design takes on a device.

    Parameters
    ----------
    device, top : str
        The device family and the module that was synthesized.
    lut, ff, carry, dsp, bram18 : int
        The flattened design: LUT sites, flip-flops, carry cells (CARRY4, CCU2C), DSP blocks, block RAMs of 18 kbit.
    layers : tuple of (str, Counts)
        For each instance in the top module its module's name (with the instance's, if several share the module), and
        the resources counted in a second run that keeps these boundaries: their sum may exceed the whole a little.
    tool : str
        Name and version of the synthesizer.
    seconds : float
        Wall-clock time of both runs together.
    """

    device: str
    top: str
    lut: int
    ff: int
    carry: int
    dsp: int
    bram18: int
    layers: tuple[tuple[str, Counts], ...]
    tool: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """A dictionary of plain values for `--json`."""
        counts = Counts(self.lut, self.ff, self.carry, self.dsp, self.bram18)
        return {
            "device": self.device,
            "top": self.top,
            **counts.as_json(),
            "layers": [{"module": name, **layer.as_json()} for name, layer in self.layers],
            "tool": self.tool,
            "seconds": round(self.seconds, 3),
        }


def synthesize(directory: Path, device: str = "xc7", *, timeout: float = DEFAULT_TIMEOUT) -> SynthResult:
    """Synthesize a folder that `fpgaq generate` wrote, and count its resources.

    Parameters
    ----------
    directory : Path
        Holds manifest.json with `top` and `files`; ROM contents are looked for in its `rtl` folder.
    device : {"xc7", "ecp5"}
    timeout : float
        Seconds for each of the two runs, which go on side by side.

    Raises
    ------
    UsageError
        If `device` is unknown.
    ModelError
        If the folder is none of ours, or incomplete.
    ToolError
        If Yosys is missing, refuses the design, crashes or does not end in time.
    """
    if device not in TABLES:
        raise UsageError(f"device {device!r} is unknown; choose one of {', '.join(DEVICES)}")
    project = read_project(Path(directory))
    start = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        flat = pool.submit(_flat_run, project, device, timeout)
        layered = pool.submit(_layered_run, project, device, timeout)
        (whole, tool), layers = flat.result(), layered.result()
    return SynthResult(
        device, project.top, **whole.as_json(), layers=layers, tool=tool, seconds=time.monotonic() - start
    )


def _flat_run(project: Project, device: str, timeout: float) -> tuple[Counts, str]:
    """The counts of the flattened design and the tool's name and version."""
    with workspace(project) as folder:
        commands = [*read_sources(project), _SYNTHESIS[device].format(top=project.top), "tee -o stat.json stat -json"]
        _run(commands, folder, timeout)
        report = _load_report(folder / "stat.json")
    modules = _modules(report)
    counts = _recursive(project.top, modules, device)
    return counts, " ".join(str(report.get("creator", "Yosys")).split()[:2])


def _layered_run(project: Project, device: str, timeout: float) -> tuple[tuple[str, Counts], ...]:
    """The counts of each instance in the top module, their boundaries kept and everything within them flattened."""
    top = project.top
    with workspace(project) as folder:
        commands = [
            *read_sources(project),
            f"hierarchy -check -top {top}",
            f"tee -q -o instances.txt dump ={top}/c:*",
            f"setattr -mod -set keep_hierarchy 1 ={top}/c:* %M",
            _SYNTHESIS[device].format(top=top),
            "tee -o stat.json stat -json",
        ]
        _run(commands, folder, timeout)
        modules = _modules(_load_report(folder / "stat.json"))
        instances = _instances((folder / "instances.txt").read_text(encoding="utf-8", errors="replace"), modules)
    plain = Counter(_plain_name(module) for _, module in instances)
    rows = []
    for instance, module in instances:
        name = _plain_name(module)
        label = name if plain[name] == 1 else f"{name} ({instance})"
        rows.append((label, _recursive(module, modules, device)))
    own = {cell: number for cell, number in modules[top].items() if cell not in modules}
    rows.append((TOP_LEVEL, count_cells(own, device)))
    return tuple(rows)


def _run(commands: list[str], folder: Path, timeout: float) -> None:
    finished = run_yosys(commands, folder, timeout)
    if finished.code != 0:
        errors = [line.strip() for line in finished.output.splitlines() if "ERROR" in line]
        reason = errors[0] if errors else last_line(finished.output)
        raise ToolError(f"yosys: ended with code {finished.code}: {reason}")


def _load_report(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"yosys: left no readable statistics ({error}); fpgaq needs pyosys 0.60 or newer") from error


def _modules(report: Any) -> dict[str, dict[str, int]]:
    """For each module of Yosys's `stat -json`, the number of cells of each type."""
    found = report.get("modules", {}).items()
    return {name.removeprefix("\\"): dict(module.get("num_cells_by_type", {})) for name, module in found}


def _recursive(module: str, modules: Mapping[str, Mapping[str, int]], device: str) -> Counts:
    """The resources of one instance of `module`, the modules within it included."""
    cells = modules[module]
    total = count_cells({cell: number for cell, number in cells.items() if cell not in modules}, device)
    for cell, number in cells.items():
        if cell in modules:
            total += _recursive(cell, modules, device).times(number)
    return total


def _instances(dump: str, modules: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str]]:
    """(instance, module) for each module instance in Yosys's dump of the top module's cells, in the file's order."""
    found = re.findall(r"^\s*cell (\S+) (\S+)\s*$", dump, flags=re.MULTILINE)
    pairs = [(instance.removeprefix("\\"), module.removeprefix("\\")) for module, instance in found]
    return [(instance, module) for instance, module in pairs if module in modules]


def _plain_name(module: str) -> str:
    """The name as written in Verilog of a module that Yosys specialised for its parameters."""
    return module.split("\\")[1] if module.startswith("$paramod") else module
