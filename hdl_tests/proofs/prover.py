"""Turns a statement about a cell into a proof: Yosys makes the circuit, ABC proves that its output `bad` is never 1.

ABC's property-directed reachability finds the invariant itself, so a proof holds for every reachable state and not for
some number of cycles. `seen` has to be reachable, or the statement says nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fpgaq.hardware.emit.render import templates_folder

STATEMENTS = Path(__file__).parent / "statements"
CELLS = templates_folder() / "verilog" / "cells"
SECONDS = 60
"""For one question; a proof that takes longer is undecided, and says so."""


@dataclass(frozen=True)
class Statement:
    """A module of `statements/` with its parameters.

    Parameters
    ----------
    name : str
        After the cell: ``state_NAME``.
    cells : tuple of str
        Files of cells that it reads.
    parameters : mapping of str to int
    flat : bool
        Registers only delay: they become wires, and the proof is one about a function.
    """

    name: str
    cells: tuple[str, ...]
    parameters: Mapping[str, int] = field(default_factory=dict)
    flat: bool = False

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.name}({values})"


@dataclass(frozen=True)
class Verdict:
    """`proved`: bad is never 1; None where neither proved nor refuted in time. `reached`: `seen` can be 1."""

    proved: bool | None
    reached: bool | None
    seconds: float


FLATTEN = """
module \\$dff (CLK, D, Q);
    parameter WIDTH = 0;
    parameter CLK_POLARITY = 1;
    input CLK;
    input [WIDTH-1:0] D;
    output [WIDTH-1:0] Q;
    assign Q = D;
endmodule
"""

_CIRCUIT = """
import sys
import pyosys.libyosys as ys
design = ys.Design()
for line in sys.stdin.read().splitlines():
    ys.run_pass(line, design)
"""


def circuits(statement: Statement, folder: Path, replaced: tuple[str, str, str] | None = None) -> tuple[Path, Path]:
    """AIGER files of the outputs `bad` and `seen`.

    Parameters
    ----------
    statement : Statement
    folder : Path
        Where files may be made.
    replaced : tuple of str, optional
        A planted bug: the cell's name, a text that stands in it once, and what stands there instead.

    Raises
    ------
    RuntimeError
        If Yosys refuses the circuit.
    """
    lines = [f"read_verilog {path}" for path in sorted(STATEMENTS.glob("*.v"))]
    for cell in statement.cells:
        path = CELLS / f"{cell}.v"
        if replaced is not None and cell == replaced[0]:
            text = path.read_text(encoding="utf-8")
            if text.count(replaced[1]) != 1:
                raise RuntimeError(f"{cell}: {replaced[1]!r} stands there {text.count(replaced[1])} times, not once")
            path = folder / f"{cell}.v"
            path.write_text(text.replace(replaced[1], replaced[2]), encoding="utf-8")
        lines.append(f"read_verilog {path}")
    top = f"state_{statement.name}"
    for name, value in statement.parameters.items():
        lines.append(f"chparam -set {name} {value & 0xFFFFFFFF} {top}")
    lines += [f"hierarchy -check -top {top}", "proc", "flatten", "opt_clean", "memory_map", "opt -full"]
    if statement.flat:
        (folder / "flatten.v").write_text(FLATTEN, encoding="utf-8")
        lines += ["dffunmap", f"techmap -map {folder / 'flatten.v'}", "opt -full"]
    lines += ["dffunmap", "techmap", "opt -full", "dffunmap", "aigmap", "opt_clean"]
    found = []
    for output in ("bad", "seen"):
        path = folder / f"{output}.aig"
        other = "seen" if output == "bad" else "bad"
        lines += [f"design -save whole_{output}", f"delete -output {top}/w:{other}", "opt_clean"]
        lines += [f"write_aiger {path}", f"design -load whole_{output}"]
        found.append(path)
    ran = subprocess.run(
        [sys.executable, "-c", _CIRCUIT], input="\n".join(lines), capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"{statement}: {(ran.stdout + ran.stderr)[-2000:]}")
    return found[0], found[1]


def abc() -> Path:
    """The ABC that comes with Yosys."""
    import pyosys

    return Path(pyosys.__file__).parent / "yosys-abc"


def ask(path: Path, script: str) -> str:
    """What ABC says about a circuit; empty if it does not end in time."""
    command = [str(abc()), "-c", f"read_aiger {path}; logic; undc; strash; {script}; print_stats"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS + 5).stdout
    except subprocess.TimeoutExpired:
        return ""


def decide(path: Path, flat: bool) -> bool | None:
    """Whether the output is never 1; None if undecided."""
    if flat:
        return decide_function(ask(path, "iprove"))
    spoken = ask(path, f"scorr; dc2; pdr -T {SECONDS}")
    if re.search(r"lat = +0 +and = +0 ", spoken):
        # A constant is left, about which ABC says nothing; a solver tells which.
        return decide_function(ask(path, "scorr; dc2; sat"))
    if re.search(r"Property proved|Verification is successful|trivially", spoken, re.IGNORECASE):
        return True
    return False if re.search(r"was asserted|Output \d+ .* asserted|counter-example", spoken) else None


def decide_function(spoken: str) -> bool | None:
    """What a solver's answer about a circuit without registers says."""
    if "UNSATISFIABLE" in spoken:
        return True
    return False if "SATISFIABLE" in spoken else None


def prove(statement: Statement, folder: Path, replaced: tuple[str, str, str] | None = None) -> Verdict:
    """Prove a statement, and that what it watches for can occur."""
    started = time.monotonic()
    bad, seen = circuits(statement, folder, replaced)
    proved = decide(bad, statement.flat)
    never = decide(seen, statement.flat)
    return Verdict(proved, None if never is None else not never, round(time.monotonic() - started, 2))
