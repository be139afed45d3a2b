"""Drives cells cycle by cycle in plain Icarus: one value of every input for each cycle, every output sampled in it.

Outputs of cycle t are those just before the clock edge that ends it: registers hold what earlier edges loaded.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fpgaq.hardware.emit.render import templates_folder

CELLS = templates_folder() / "verilog" / "cells"

INSIDE = {
    "fpgaq_queue": ("fpgaq_fifo", "fpgaq_ram"),
    "fpgaq_divide": ("fpgaq_requantize",),
    "fpgaq_digits": ("fpgaq_digit_sum", "fpgaq_chain"),
}
"""Cells that a cell is made of."""


@dataclass(frozen=True)
class Port:
    """Bits of an input and its values, one for each cycle; negative ones as two's complement."""

    width: int
    values: Sequence[int]


@dataclass(frozen=True)
class Outcome:
    """`outputs[instance][port]` holds the sampled values as integers, None where any bit is unknown."""

    outputs: list[dict[str, list[int | None]]]
    spoken: str


def drive(
    directory: Path,
    cell: str,
    instances: Sequence[Mapping[str, int]],
    inputs: Mapping[str, Port],
    outputs: Sequence[Mapping[str, int]],
    checks: bool = False,
) -> Outcome:
    """Simulate instances of one cell, each with its parameters and output widths, on the same inputs."""
    cycles = len(next(iter(inputs.values())).values)
    width = sum(port.width for port in inputs.values())
    lines = []
    for cycle in range(cycles):
        parts = (f"{port.values[cycle] & ((1 << port.width) - 1):0{port.width}b}" for port in inputs.values())
        lines.append("".join(parts))
    (directory / "stimulus.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
    (directory / "bench.v").write_text(_bench(cell, instances, inputs, outputs, cycles, width), encoding="ascii")
    defines = ["-DFPGAQ_CHECKS"] if checks else []
    sources = ["bench.v", str(CELLS / f"{cell}.v"), *(str(CELLS / f"{inner}.v") for inner in INSIDE.get(cell, ()))]
    command = ["iverilog", "-g2005", *defines, "-s", "bench", "-o", "bench.vvp", *sources]
    built = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=600)
    assert built.returncode == 0 and not built.stdout + built.stderr, built.stdout + built.stderr
    ran = subprocess.run(
        ["vvp", "-n", "bench.vvp"], cwd=directory, capture_output=True, text=True, check=True, timeout=600
    )
    rows = (directory / "samples.txt").read_text(encoding="ascii").split()
    assert len(rows) == cycles or ran.stdout
    return Outcome(_split(rows, outputs), ran.stdout)


def _bench(
    cell: str,
    instances: Sequence[Mapping[str, int]],
    inputs: Mapping[str, Port],
    outputs: Sequence[Mapping[str, int]],
    cycles: int,
    width: int,
) -> str:
    names = [(f"{name}_{index}", bits) for index, ports in enumerate(outputs) for name, bits in ports.items()]
    text = ["module bench;", "reg clk;", f"reg [{width - 1}:0] stimulus [0:{cycles - 1}];", "integer cycle, log;"]
    text += [f"reg [{port.width - 1}:0] {name};" for name, port in inputs.items()]
    text += [f"wire [{bits - 1}:0] {name};" for name, bits in names]
    for index, (parameters, ports) in enumerate(zip(instances, outputs, strict=True)):
        settings = ", ".join(f".{name}({value})" for name, value in parameters.items())
        wires = [f".{name}({name})" for name in inputs] + [f".{name}({name}_{index})" for name in ports]
        text.append(f"{cell} #({settings}) cell_{index} (.clk(clk), {', '.join(wires)});")
    text += [
        'initial begin clk = 0; $readmemb("stimulus.txt", stimulus); log = $fopen("samples.txt", "w");',
        f"for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin",
        f"{{{', '.join(inputs)}}} = stimulus[cycle]; #1;",
        f'$fdisplay(log, "%b", {{{", ".join(name for name, _ in names)}}}); clk = 1; #1; clk = 0;',
        "end $finish; end",
        "endmodule",
    ]
    return "\n".join(text) + "\n"


def _split(rows: Sequence[str], outputs: Sequence[Mapping[str, int]]) -> list[dict[str, list[int | None]]]:
    found, place = [], 0
    for ports in outputs:
        sampled: dict[str, list[int | None]] = {}
        for name, bits in ports.items():
            words = [row[place : place + bits] for row in rows]
            sampled[name] = [int(word, 2) if set(word) <= {"0", "1"} else None for word in words]
            place += bits
        found.append(sampled)
    return found


def missing_simulator() -> bool:
    """Whether Icarus is missing."""
    return shutil.which("iverilog") is None


def signed(value: int | None, width: int) -> int | None:
    """Two's complement bits as an integer."""
    return None if value is None else value - ((value >> (width - 1)) << width)


def unpack(word: int | None, width: int, count: int) -> list[int]:
    """The fields of a word, the lowest first."""
    assert word is not None
    return [(word >> (width * place)) & ((1 << width) - 1) for place in range(count)]
