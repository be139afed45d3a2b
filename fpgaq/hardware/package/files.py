"""The files of a package: those of every tool, and those of the one that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from ..emit.printer import as_json
from ..emit.render import render, static_text
from .facts import PackageFacts

COMMON: Mapping[str, str] = MappingProxyType(
    {
        "README.md": "package/README.md.j2",
        "files.f": "package/files.f.j2",
        "instance/{top}.v": "package/instance.v.j2",
        "instance/{top}.vhd": "package/instance.vhd.j2",
        "ipxact/{top}.xml": "package/component.xml.j2",
        "drivers/fpgaq_network.h": "package/fpgaq_network.h.j2",
        "sim/{top}_bench.v": "package/bench.v.j2",
    }
)
"""Files of every package and their templates."""

DRIVERS = ("fpgaq.h", "fpgaq.c", "fpgaq_host.py", "fpgaq_pynq.py")
"""Files that are the same for every network."""

OWN: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "fusesoc": {"{top}.core": "package/fusesoc.core.j2"},
        "edalize": {},
        "vivado": {"package_ip.tcl": "package/package_ip.tcl.j2", "{top}.xdc": "package/constraints.xdc.j2"},
        "quartus": {"{top}_hw.tcl": "package/hw.tcl.j2", "{top}.sdc": "package/constraints.xdc.j2"},
        "litex": {"{top}.py": "package/litex.py.j2"},
    }
)
"""Files of one tool's package and their templates."""

TOOLS = tuple(OWN)
"""Those of the command line; a test holds the two lists equal."""

COMPUTED = (
    *("bus_bytes", "marked_bits", "held_bits", "transfer_bytes", "register_bytes"),
    *("signals", "interfaces", "source_names", "memory_names"),
)
"""What templates place in addition to the fields of the facts."""

CLOCK_NS = 10.0
"""The period that constraints ask for; whoever knows the clock of the design changes it there."""


def package_files(
    facts: PackageFacts, tool: str, words: Mapping[str, str], contents: Mapping[str, bytes]
) -> dict[str, str | bytes]:
    """All files of a package by path.

    Parameters
    ----------
    facts : PackageFacts
    tool : str
        One of `TOOLS`.
    words : mapping of str to str
        The beats of the bench: "input.hex" and "output.hex"; where weights are loaded, their "image.hex" too.
    contents : mapping of str to bytes
        The folder's own files that belong to the package, by path: sources, memory files and ``interface.json``.
    """
    placed = {one.name: getattr(facts, one.name) for one in fields(facts)}
    for name in COMPUTED:
        placed[name] = getattr(facts, name)
    placed |= {
        "clock_ns": CLOCK_NS,
        "digest_words": [facts.digest[at : at + 8] for at in range(0, len(facts.digest), 8)],
        "input_words": words["input.hex"].count("\n"),
        "output_words": words["output.hex"].count("\n"),
        "tool": tool,
        "own_files": [name.format(top=facts.top) for name in OWN[tool]],
        "image_words": words.get("image.hex", "").count("\n"),
        "timeout_cycles": 8 * words.get("image.hex", "").count("\n")
        + 4 * facts.latency * max(1, words["output.hex"].count("\n") // facts.output.beats)
        + 1000,
    }
    files: dict[str, str | bytes] = dict(contents)
    for name, template in (*COMMON.items(), *OWN[tool].items()):
        files[name.format(top=facts.top)] = render(template, placed)
    files |= {f"sim/{name}": text for name, text in words.items()}
    files |= {f"drivers/{name}": static_text(f"drivers/{name}") for name in DRIVERS}
    files["drivers/fpgaq_registers.h"] = static_text("c/fpgaq_registers.h")
    if tool == "edalize":
        files[f"{facts.top}.edam.json"] = as_json(edam(facts, tuple(words)))
    return files


def edam(facts: PackageFacts, words: tuple[str, ...] = ("input.hex", "output.hex")) -> dict[str, object]:
    """The design in edalize's own format, for Verilator's lint and for a simulation by Icarus."""
    return {
        "name": facts.top,
        "toplevel": f"{facts.top}_bench",
        "files": [
            *({"name": path, "file_type": "verilogSource-2005"} for path in facts.sources),
            {"name": f"sim/{facts.top}_bench.v", "file_type": "verilogSource-2005"},
            *({"name": path, "file_type": "user"} for path in facts.memories),
            *({"name": f"sim/{name}", "file_type": "user"} for name in words),
        ],
        "parameters": {
            "FPGAQ_ROM_DIR": {"datatype": "str", "paramtype": "vlogdefine", "default": '"rtl"'},
            "FPGAQ_SIM_DIR": {"datatype": "str", "paramtype": "vlogdefine", "default": '"sim"'},
        },
        "tool_options": {"icarus": {"iverilog_options": ["-g2005", "-Wall"]}},
    }
