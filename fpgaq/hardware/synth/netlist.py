"""The netlist of a design as nextpnr takes it: Yosys's cells in JSON, an ECP5's registers in the blocks before them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from .devices import Device
from .project import Project
from .registers import absorb_registers
from .yosys import complete_yosys, read_sources

NETLIST = "netlist.json"
"""In the folder that `make_netlist` is given."""

Netlist: TypeAlias = dict[str, Any]


def make_netlist(
    project: Project, device: Device, folder: Path, timeout: float, *, wrapper: str = "", top: str = ""
) -> Netlist:
    """Map a design to a device's cells, pads included, and leave the netlist as `NETLIST` in `folder`, a workspace.

    Parameters
    ----------
    project : Project
    device : Device
    folder : Path
    timeout : float
        Seconds for Yosys.
    wrapper, top : str
        A Verilog file in `folder` whose module `top` is mapped, with the design in it; without, the design alone.

    Raises
    ------
    ToolError
        If Yosys is missing, refuses the design, crashes or does not end in time.
    """
    top = top or project.top
    synthesis = device.yosys.replace(" -noiopads", "").format(top=top)
    wrapped: Sequence[str] = (f"read_verilog {wrapper}",) if wrapper else ()
    commands = [*read_sources(project), *wrapped, synthesis, f"write_json {NETLIST}"]
    complete_yosys(commands, folder, timeout)
    path = folder / NETLIST
    netlist: Netlist = json.loads(path.read_text(encoding="utf-8"))
    if device.family == "ecp5":
        absorb_registers(netlist, top)
        path.write_text(json.dumps(netlist), encoding="utf-8")
    return netlist
