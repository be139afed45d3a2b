"""What a simulation's waves are shown with: signals in named groups, as view files for GTKWave and Surfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import UsageError
from ..base.output import check_file, write_file
from ..base.text import printable
from ..hardware.emit.render import render

SUFFIX = ".fst"
WAVES_FILE = "fpgaq_bench.fst"
"""What the bench leaves in its folder of products."""
BENCH = "fpgaq_bench"
"""The bench's top, in which every signal has its path."""

VIEWS = {".gtkw": "bench/waves.gtkw.j2", ".sucl": "bench/waves.sucl.j2"}
"""The view files by suffix: GTKWave's save file, and Surfer's file of commands."""


@dataclass(frozen=True)
class Signal:
    """A signal of the waves: `path` from the bench's top with dots, `label` what it is called in its group."""

    path: str
    label: str
    bits: int = 1
    decimal: bool = False
    """Whether it is one number; several in one vector are shown in hexadecimal."""
    signed: bool = False

    @property
    def ranged(self) -> str:
        """The path with its range of bits, as waves name a vector."""
        return self.path if self.bits == 1 else f"{self.path}[{self.bits - 1}:0]"

    @property
    def flags(self) -> str:
        """GTKWave's flags of a trace, in hexadecimal: hex 2, decimal 4, binary 8, to the right 20, signed 400."""
        if self.bits == 1:
            return "28"
        return ("424" if self.signed else "24") if self.decimal else "22"


@dataclass(frozen=True)
class Group:
    """Signals under a title."""

    title: str
    signals: tuple[Signal, ...]


def check_waves(path: str | Path, simulator: str, manifest: Mapping[str, Any]) -> None:
    """Raise UsageError before anything is simulated if no waves could be written at `path`."""
    if Path(path).suffix != SUFFIX:
        raise UsageError(f"--waves {path}: waves are written as FST; name a file that ends in {SUFFIX}")
    if simulator != "icarus":
        raise UsageError(f"--waves is written by Icarus; leave --simulator {simulator} out")
    if "image" in manifest:
        raise UsageError(
            "--waves: loaded weights are simulated by Verilator, which writes no waves; generate the network once"
            " more without --weights loadable"
        )
    for one in (Path(path), *(Path(path).with_suffix(suffix) for suffix in VIEWS)):
        check_file(one)


def wave_groups(manifest: Mapping[str, Any], interface: Mapping[str, Any]) -> tuple[Group, ...]:
    """The signals worth a first look, in the order of the data: bench, inputs, what each layer writes, outputs.

    Parameters
    ----------
    manifest, interface : mapping
        The contents of `manifest.json` and `interface.json`.
    """
    control = (
        *(Signal(f"{BENCH}.{name}", name) for name in ("clk", "rst")),
        Signal(f"{BENCH}.cycle", "cycle since the reset", 32, True),
        *(Signal(f"{BENCH}.{name}", name) for name in ("frame_error", "finished")),
    )
    groups = [Group("bench", control)]
    groups += [_port("input", port) for port in interface["inputs"]]
    groups += [_stream(stream) for stream in manifest["streams"]]
    groups += [_port("output", port) for port in interface["outputs"]]
    return tuple(groups)


def _port(kind: str, port: Mapping[str, Any]) -> Group:
    name = f"{BENCH}.{port['port']}"
    signals = (
        *(Signal(f"{name}_{part}", part) for part in ("tvalid", "tready", "tlast")),
        Signal(f"{name}_tdata", "tdata", port["tdata_bits"], port["lanes"] == 1, port["signed"]),
    )
    return Group(f"{kind} {_title(port['name'])}: {_lanes(port)}", signals)


def _stream(stream: Mapping[str, Any]) -> Group:
    signals = (
        *(Signal(f"{BENCH}.dut.{stream[part]}", part) for part in ("valid", "ready")),
        Signal(
            f"{BENCH}.dut.{stream['data']}",
            "data",
            stream["lanes"] * stream["width"],
            stream["lanes"] == 1,
            stream["signed"],
        ),
    )
    return Group(f"after {_title(stream['layer'])}: {_lanes(stream)}", signals)


def _lanes(stream: Mapping[str, Any]) -> str:
    kind = "signed" if stream["signed"] else "unsigned"
    return f"{stream['lanes']} x {stream['width']} bits, {kind}"


def _title(name: str) -> str:
    # Braces would end an alias of GTKWave, a leading minus a comment.
    return printable(name).replace("{", "(").replace("}", ")")


def view_files(waves: str | Path, manifest: Mapping[str, Any], interface: Mapping[str, Any]) -> dict[Path, str]:
    """The view files beside a file of waves, by their paths; the same arguments give the same text."""
    facts = {"waves": Path(waves).name, "groups": wave_groups(manifest, interface)}
    return {Path(waves).with_suffix(suffix): render(template, facts) for suffix, template in VIEWS.items()}


def keep_waves(made: Path, waves: Path, manifest: Mapping[str, Any], interface: Mapping[str, Any]) -> tuple[str, ...]:
    """Write what a simulation made, and its view files, to `waves`; no file where it ended before it made any."""
    if not made.is_file():
        return ()
    write_file(waves, made.read_bytes())
    views = view_files(waves, manifest, interface)
    for path, text in views.items():
        write_file(path, text)
    return tuple(str(path) for path in (waves, *views))
