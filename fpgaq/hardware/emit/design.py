"""The hardware of a network as a value: modules and what is in them, ROMs with their words, ports, streams, prediction.

A design is what a schedule becomes before any text is written. Printing it (`fpgaq.hardware.emit.printer`) is the last
step. The estimator, benches and packagers read the design and never the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..schedule.schedule import Prediction
from .cells import CELLS, RTL
from .ports import Port, Stream
from .roms import Rom
from .versions import MANIFEST_VERSION

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from .image import Layout


@dataclass(frozen=True)
class Instance:
    """`times` instances of a cell or a module within another.

    Parameters
    ----------
    module : str
        Name of the cell or module.
    name : str
    parameters : mapping of str to int
        In the order in which they are printed.
    times : int
        How often a loop over lanes repeats it.
    remarks : mapping of str to str
        For a parameter what its number means, as a comment.
    """

    module: str
    name: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    times: int = 1
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Register:
    """`times` registers of `width` bits; an `operand` is on its way to multipliers, whose blocks may hold it."""

    name: str
    width: int
    times: int = 1
    operand: bool = False


@dataclass(frozen=True)
class Choice:
    """A case statement that gives `name`: for each entry, the default last, the bits of it that are constant."""

    name: str
    constants: tuple[int, ...]


@dataclass(frozen=True)
class Operation:
    """`times` operations ``+``, ``-``, ``*`` or ``?`` (one of two values) before a register."""

    operator: str
    times: int = 1


@dataclass(frozen=True)
class Product:
    """`times` products that a module computes itself, of signed factors of `first` and `second` bits."""

    first: int
    second: int
    times: int


@dataclass(frozen=True)
class Module:
    """One module: a file of its own.

    Parameters
    ----------
    name : str
    template : str
        Path below the templates folder of what prints it.
    facts : dataclass
        What the template places; a `Rom` for the module of a ROM.
    instances : tuple of Instance
        In the order of the text.
    registers, choices, operations, products
        Logic of its own, in addition to that of the instances.
    padded : bool
        Whether it masks elements that lie outside the image.
    """

    name: str
    template: str
    facts: DataclassInstance
    instances: tuple[Instance, ...] = ()
    registers: tuple[Register, ...] = ()
    choices: tuple[Choice, ...] = ()
    operations: tuple[Operation, ...] = ()
    products: tuple[Product, ...] = ()
    padded: bool = False

    @classmethod
    def of_rom(cls, rom: Rom) -> Module:
        """The module of a ROM."""
        return cls(rom.module, "verilog/rom.v.j2", rom)

    @property
    def rom(self) -> Rom | None:
        """The ROM that it is, if it is one."""
        return self.facts if isinstance(self.facts, Rom) else None

    def as_json(self, listed: Container[str]) -> dict[str, object]:
        """The module as ``manifest.json`` lists it: how often it has each cell, and the modules of its instances.

        Instances of modules that are not `listed` are left out: an unrolled layer has thousands of cells.
        """
        cells = Counter[str]()
        for instance in self.instances:
            if instance.module in CELLS:
                cells[instance.module] += instance.times
        instances = {instance.name: instance.module for instance in self.instances if instance.module in listed}
        return {"module": self.name, "file": f"{RTL}/{self.name}.v", "cells": cells, "instances": instances}


@dataclass(frozen=True)
class PlacedLayer:
    """Where the operator `layer` is: its module, the path of its instance below the top, and its latency.

    `latency` counts the cycles from what a result is made of at last to its write into the layer's result FIFO, or into
    the last register of an unrolled layer.
    """

    layer: str
    module: str
    instance: str
    latency: int

    def as_json(self) -> dict[str, object]:
        """The layer as ``manifest.json`` lists it."""
        return {
            "layer": self.layer,
            "module": self.module,
            "instance": self.instance,
            "latency_cycles": self.latency,
        }


@dataclass(frozen=True)
class PlacedEngine:
    """A MAC array, its instance in the top, and the names of the layers that it serves."""

    module: str
    instance: str
    multipliers: int
    layers: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The engine as ``manifest.json`` lists it."""
        return {
            "module": self.module,
            "instance": self.instance,
            "multipliers": self.multipliers,
            "layers": list(self.layers),
        }


@dataclass(frozen=True)
class Kernel:
    """The files of HLS C++ instead of modules.

    Parameters
    ----------
    sources, bench : tuple of str
        Paths of what is synthesized, and of what tests it.
    frames : int
        Frames of the golden vectors.
    standard : str
        Of C++.
    """

    sources: tuple[str, ...]
    bench: tuple[str, ...]
    frames: int
    standard: str = "c++17"


@dataclass(frozen=True)
class Design:
    """The hardware of a network.

    Parameters
    ----------
    top : str
        Name of the top module.
    digest : str
        SHA-256 of the integer network.
    inputs, outputs : tuple of Port
    streams : tuple of Stream
    classifier : bool
        Whether the outputs are scores of classes.
    modules : tuple of Module
        In compile order, the top last.
    cells : tuple of str
        Names of the cells that these and those instantiate, in compile order.
    layers : tuple of PlacedLayer
        In the order of the operators.
    engines : tuple of PlacedEngine
    prediction : Prediction, optional
        None where only a vendor's tool can tell.
    kernel : Kernel, optional
        For HLS C++, where a vendor's tool decides on modules, engines and cycles; None for Verilog.
    estimate_only : bool
        The network was quantized without data: its values mean nothing.
    layout : Layout, optional
        Where weights are loaded: how.
    """

    top: str
    digest: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    streams: tuple[Stream, ...]
    classifier: bool
    modules: tuple[Module, ...]
    cells: tuple[str, ...]
    layers: tuple[PlacedLayer, ...]
    engines: tuple[PlacedEngine, ...]
    prediction: Prediction | None
    kernel: Kernel | None = None
    estimate_only: bool = False
    layout: Layout | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Module]:
        """The modules by name."""
        return {module.name: module for module in self.modules}

    @property
    def roms(self) -> tuple[Rom, ...]:
        """All ROMs, in compile order."""
        return tuple(module.rom for module in self.modules if module.rom is not None)

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the sources, Verilog files in compile order."""
        if self.kernel is not None:
            return self.kernel.sources
        names = (*self.cells, *(module.name for module in self.modules))
        return tuple(f"{RTL}/{name}.v" for name in names)

    @property
    def memory_files(self) -> tuple[str, ...]:
        """Paths of the files that ROMs read their words from, sorted."""
        return tuple(sorted(f"{RTL}/{bank.file}" for rom in self.roms for bank in rom.banks))

    def interface(self) -> dict[str, Any]:
        """The contents of ``interface.json``: what a host or a neighbouring design must know of the top module."""
        signals = {
            "clock": "clk",
            "reset": "rst",
            "reset_active": "high, synchronous",
            "frame_error": "frame_error",
        }
        if self.kernel is not None:
            signals = {"clock": "ap_clk", "reset": "ap_rst_n", "reset_active": "low, synchronous"}
        return {
            "top": self.top,
            **signals,
            "inputs": [port.as_json() for port in self.inputs],
            "outputs": [port.as_json() for port in self.outputs],
            "classifier": self.classifier,
            **({"estimate_only": True} if self.estimate_only else {}),
        }

    def as_json(self, digests: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The contents of ``manifest.json``; `digests` holds the SHA-256 of printed files by path."""
        known = digests or {}
        kernel, prediction = self.kernel, self.prediction
        hls = {} if kernel is None else {"bench": list(kernel.bench), "standard": kernel.standard}
        predicted = prediction and {
            "interval_cycles": prediction.interval,
            "latency_cycles": prediction.latency,
            "frames": prediction.frames,
        }
        return {
            "fpgaq": MANIFEST_VERSION,
            "schema": MANIFEST_VERSION,
            "target": "verilog" if kernel is None else "hls",
            "top": self.top,
            "files": list(self.files),
            **hls,
            "memory_files": list(self.memory_files),
            "memory_digests": {path: known[path] for path in self.memory_files if path in known},
            "rom_directory": RTL,
            "digest": self.digest,
            **({"estimate_only": True} if self.estimate_only else {}),
            **({} if kernel is None else {"frames": kernel.frames}),
            "prediction": predicted,
            "streams": [stream.as_json(nets=kernel is None) for stream in self.streams],
            "layers": [layer.as_json() for layer in self.layers],
            "engines": [engine.as_json() for engine in self.engines],
            "modules": [module.as_json(self._listed(module)) for module in self.modules],
            "roms": [rom.as_json() for rom in self.roms],
        }

    def _listed(self, module: Module) -> Container[str]:
        """The modules whose instances the manifest lists: in the top module those of cells too."""
        return {*self.by_name, *CELLS} if module.name == self.top else self.by_name


def used_cells(modules: Iterable[Module]) -> tuple[str, ...]:
    """The cells that modules instantiate, and those that these instantiate in turn, in compile order."""
    waiting = [instance.module for module in modules for instance in module.instances]
    used: set[str] = set()
    while waiting:
        cell = waiting.pop()
        if cell in CELLS and cell not in used:
            used.add(cell)
            waiting.extend(CELLS[cell])
    return tuple(cell for cell in CELLS if cell in used)
