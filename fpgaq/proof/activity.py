"""How often the nets of a network toggle: a file for power tools, and its sums for each module of the top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import ToolError, UsageError
from ..base.output import check_file

SUFFIX = ".saif"
CLOCKS = ("clk", "aclk")
"""Nets that toggle in every cycle of any network."""
DEPTH = 3
"""Levels of instances down to the modules of the top: the simulator's own, the top, its modules."""


@dataclass(frozen=True)
class ModuleToggles:
    """What toggles in one module of the top and in all that it consists of.

    Parameters
    ----------
    instance : str
        Its name in the top; the top's own nets stand under the name of the top.
    nets : int
        Single wires, clocks left out. A port is a net on both of its sides.
    toggles : int
        Changes between 0 and 1 in all frames.
    """

    instance: str
    nets: int
    toggles: int


@dataclass(frozen=True)
class Activity:
    """The toggles of a run at full speed, from the end of the reset to the last beat.

    Parameters
    ----------
    path : str
        The SAIF file with every net.
    frames : int
    modules : tuple of ModuleToggles
        Those that toggle most come first.
    """

    path: str
    frames: int
    modules: tuple[ModuleToggles, ...]

    @property
    def toggles_per_frame(self) -> float:
        """Toggles of all nets in a frame, on average over the frames of the run."""
        return sum(module.toggles for module in self.modules) / self.frames

    def records(self) -> list[dict[str, Any]]:
        """A row for each module: its nets, and its toggles in a frame."""
        return [
            {
                "module": module.instance,
                "nets": module.nets,
                "toggles_per_frame": round(module.toggles / self.frames, 1),
            }
            for module in self.modules
        ]


def check_activity(path: str | Path, simulator: str, manifest: Mapping[str, Any], several: bool) -> None:
    """Raise UsageError before anything is simulated if no toggles could be counted and written at `path`."""
    if Path(path).suffix != SUFFIX:
        raise UsageError(f"--activity {path}: toggles are written as SAIF; name a file that ends in {SUFFIX}")
    if simulator != "verilator":
        raise UsageError("--activity: toggles are counted in the compiled simulation; add --simulator verilator")
    if several:
        raise UsageError("--activity counts the toggles of one run; leave --jobs and --dask out")
    if "image" in manifest:
        raise UsageError(
            "--activity counts the toggles of a core alone, and this one loads its weights through the wrapper;"
            " generate the network once more without --weights loadable"
        )
    check_file(Path(path))


def read_activity(path: Path, frames: int) -> Activity:
    """Sum the toggles of a SAIF file as Verilator writes it, of one net a line.

    Raises
    ------
    ToolError
        A file that is laid out otherwise.
    """
    with path.open(encoding="utf-8") as lines:
        sums = _sum_modules(lines, path)
    modules = (ModuleToggles(name, nets, toggles) for name, (nets, toggles) in sums.items())
    ordered = sorted(modules, key=lambda module: (-module.toggles, module.instance))
    return Activity(str(path), frames, tuple(ordered))


def _sum_modules(lines: Iterable[str], path: Path) -> dict[str, tuple[int, int]]:
    """Nets and toggles by the name of the module."""
    sums: dict[str, tuple[int, int]] = {}
    instances: list[str] = []
    in_nets = False
    for line in lines:
        words = line.split()
        if words[:1] == ["(INSTANCE"]:
            instances.append(words[1])
        elif words == ["(NET"]:
            in_nets = True
        elif words == [")"] and in_nets:
            in_nets = False
        elif words == [")"] and instances:
            instances.pop()
        elif in_nets:
            if words[-2:-1] != ["(TC"] or not words[-1].endswith("))"):
                raise ToolError(f"{path}: {line.strip()[:80]!r} is no count of toggles as Verilator 5.036 writes it")
            # The simulator repeats the top's ports one level above it.
            if len(instances) < DEPTH - 1 or words[0].lstrip("(") in CLOCKS:
                continue
            module = instances[:DEPTH][-1]
            nets, toggles = sums.get(module, (0, 0))
            sums[module] = nets + 1, toggles + int(words[-1].rstrip(")"))
    if not sums:
        raise ToolError(f"{path}: holds no toggles; Verilator 5.036 or newer writes them")
    return sums


__all__ = ["Activity", "ModuleToggles", "check_activity", "read_activity"]
