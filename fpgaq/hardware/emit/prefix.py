"""Names of a user's choice for the modules of a network, so that several networks can stand in one design.

Every module, cell, memory file and macro that the text defines gets the prefix; names of instances and nets stay, since
they are local. The emitted text states modules in two forms only, a definition and an instantiation at the start of a
line, and these alone are changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...base.errors import UsageError
from .cells import RTL

LONGEST = 64
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WORDS = """
    always and assign automatic begin bit bind buf bufif0 bufif1 byte case casex casez cell chandle checker
    class clocking cmos config const constraint context cover default defparam design disable do dist edge
    else end endcase endmodule enum event export extends extern final for force foreach forever fork function
    generate genvar global highz0 highz1 if iff ifnone implements implies import incdir include initial inout
    input inside instance int integer interconnect interface join large let liblist library local localparam
    logic longint macromodule matches medium modport module nand negedge nettype new nmos nor not null or
    output package packed parameter pmos posedge primitive priority program property protected pull0 pull1
    pulldown pullup pure rand randc randcase real realtime ref reg release repeat restrict return rnmos rpmos
    rtran scalared sequence shortint shortreal signed small soft solve specify specparam static string strong
    strong0 strong1 struct super supply0 supply1 table tagged task this throughout time timeprecision timeunit
    tran tri tri0 tri1 triand trior trireg type typedef union unique unsigned use uwire var vectored virtual
    void wait wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""
KEYWORDS = frozenset(_WORDS.split())
"""Of Verilog and SystemVerilog: no module may bear their names."""

_MACRO = "FPGAQ_ROM_DIR"
_ASKED = f"`ifdef {_MACRO}\n"
_OWN_DEFINITION = "`ifndef {own}\n`ifdef {macro}\n`define {own} `{macro}\n`endif\n`endif\n"
"""Before a module that reads memory files: the name's own folder, else that of all."""


def check_top(name: str) -> None:
    """Raise UsageError unless `name` can be the name of a module and the prefix of others."""
    if not _IDENTIFIER.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            f"--top {name!r}: no name of a module; take up to {LONGEST} letters, digits and _, a letter first"
        )
    if name in KEYWORDS:
        raise UsageError(f"--top {name}: is a word of Verilog; choose another name")
    if name.lower().startswith("fpgaq"):
        raise UsageError(
            f"--top {name}: names that begin with fpgaq are those of cells and benches; choose another name"
        )


def new_names(
    modules: Iterable[str], memories: Iterable[str], prefix: str, chosen: Mapping[str, str]
) -> dict[str, str]:
    """The new name of each module and memory file: `chosen`, or the old one after the prefix."""
    return {name: chosen.get(name, f"{prefix}_{name}") for name in (*modules, *memories)}


def rename_text(text: str, names: Mapping[str, str], prefix: str) -> str:
    """A Verilog file under the new names."""
    files = [name for name in names if "." in name]
    words = "|".join(sorted((re.escape(name) for name in names if "." not in name), key=len, reverse=True))
    place = re.compile(rf"(?m)^(?P<before> *(?:module )?)(?P<name>{words})(?= #?\(| [A-Za-z_]\w* \()")
    renamed = place.sub(lambda found: found["before"] + names[found["name"]], text)
    for name in files:
        renamed = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", names[name], renamed)
    own = f"{prefix}_{_MACRO}"
    if _ASKED in renamed:
        definition = _OWN_DEFINITION.format(own=own, macro=_MACRO)
        renamed = re.sub(r"(?m)^module ", lambda found: definition + found.group(), renamed, count=1)
        inside = renamed.index(definition) + len(definition)
        renamed = renamed[:inside] + renamed[inside:].replace(_ASKED, f"`ifdef {own}\n")
    return renamed.replace(f"{{`{_MACRO}, ", f"{{`{own}, ")


def rename_files(files: Mapping[str, str], names: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Files below ``rtl/`` under their new names, with the new names inside."""
    return {rename_path(path, names): rename_text(text, names, prefix) if path.endswith(".v") else text
            for path, text in files.items()}  # fmt: skip


def rename_path(path: str, names: Mapping[str, str]) -> str:
    """The new path of a module's file or of a memory file."""
    name = path.removeprefix(f"{RTL}/")
    return f"{RTL}/{names[name]}" if name in names else f"{RTL}/{names[name.removesuffix('.v')]}.v"


def rename_manifest(manifest: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The contents of ``manifest.json`` under the new names; paths of instances stay."""
    paths = {f"{RTL}/{name}{suffix}": name for name in names for suffix in ("", ".v")}

    def rename(value: Any) -> Any:
        if isinstance(value, str):
            return rename_path(value, names) if value in paths else names.get(value, value)
        if isinstance(value, Mapping):
            return {key: rename(one) for key, one in value.items()}
        return [rename(one) for one in value] if isinstance(value, list | tuple) else value

    whole = {key: rename(manifest[key]) for key in ("top", "files", "memory_files", "roms")}
    digests = {rename_path(path, names): one for path, one in manifest["memory_digests"].items()}
    placed = {key: [{**one, "module": names[one["module"]]} for one in manifest[key]] for key in ("layers", "engines")}
    modules = [
        {**rename(one), "cells": {names[cell]: count for cell, count in one["cells"].items()}}
        for one in manifest["modules"]
    ]
    return {**manifest, **whole, **placed, "memory_digests": digests, "modules": modules}
