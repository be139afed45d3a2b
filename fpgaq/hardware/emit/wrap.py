"""The files of a network as its user wants it in a system: behind a bus, or under names of the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...base.errors import UsageError
from ..schedule.bus import BUS_WIDTHS, SLOTS, Bus, BusPort
from ..schedule.schedule import Prediction
from . import names
from .bus import BusFacts, facts
from .cells import RTL
from .design import Design, Instance, Module, used_cells
from .image import FRAME_WORDS, IMAGE, LAYOUT, SCHEMA, Layout
from .ports import Port
from .prefix import check_top, new_names, rename_files, rename_manifest
from .printer import as_json, print_cell, print_design, print_module

PER_FRAME = 2
"""Frames that may be on their way beyond those that the prediction finds there."""


@dataclass(frozen=True)
class Wish:
    """How a network is to stand in a system.

    Parameters
    ----------
    bus : int, optional
        Bits of the streams of a wrapper; None for the bare core.
    buffered : bool
        Whether damaged frames can be dropped.
    top : str, optional
        Name of the top module and prefix of all others.
    loadable : bool
        Weights are loaded through the wrapper, and no constants.
    """

    bus: int | None = None
    buffered: bool = False
    top: str | None = None
    loadable: bool = False

    def check(self) -> None:
        """Raise UsageError for what cannot be, before any work is done."""
        if self.bus is not None and self.bus not in BUS_WIDTHS:
            raise UsageError(f"--bus {self.bus}: {', '.join(map(str, BUS_WIDTHS))} are known")
        if self.buffered and self.bus is None:
            raise UsageError("--damaged drop is a matter of the wrapper; give --bus too")
        if self.loadable and self.bus is None:
            raise UsageError("--weights loadable: weights are loaded through the wrapper; give --bus too")
        if self.top is not None:
            check_top(self.top)


@dataclass(frozen=True)
class Wrapper:
    """A wrapper around a core: its module, its bus and the cycles at its ports."""

    module: str
    bus: Bus
    prediction: Prediction

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``manifest.json`` and for `--json`."""
        bus, prediction = self.bus, self.prediction
        return {
            "module": self.module,
            "bus_bits": bus.width,
            "frames_on_their_way": 1 << bus.mark_bits,
            "buffer_beats": 1 << bus.buffer_bits if bus.buffered else 0,
            "buffer_memory_bits": bus.buffer_memory,
            "parameters": bus.parameters(),
            "prediction": {
                "interval_cycles": prediction.interval,
                "latency_cycles": prediction.latency,
                "frames": prediction.frames,
            },
        }


@dataclass(frozen=True)
class Printed:
    """The hardware's files, and the contents of its two JSON files, which are among them."""

    files: dict[str, str | bytes]
    manifest: dict[str, Any]
    interface: dict[str, Any]


def bus_of(design: Design, wish: Wish) -> Bus:
    """The wrapper that a design needs for a bus; UsageError if it can have none."""
    source, result = bus_ports(design.inputs, design.outputs, wish)
    assert design.prediction is not None
    prediction = design.prediction
    on_their_way = int(prediction.latency // max(prediction.mean_interval, 1)) + 1 + PER_FRAME
    return Bus(source.bus, source, result, max(2, (on_their_way - 1).bit_length()), wish.buffered)


def bus_ports(inputs: Sequence[Port], outputs: Sequence[Port], wish: Wish) -> tuple[BusPort, BusPort]:
    """How the frames of a network stand on a bus; UsageError if it can have none."""
    assert wish.bus is not None
    for side, ports in (("inputs", inputs), ("outputs", outputs)):
        if len(ports) != 1:
            raise UsageError(
                f"--bus {wish.bus}: the network has {len(ports)} {side}, a wrapper takes one; leave --bus out, and the"
                " core has an AXI4-Stream for each"
            )
    return _bus_port(inputs[0], wish.bus), _bus_port(outputs[0], wish.bus)


def _bus_port(port: Port, bus: int) -> BusPort:
    height, width, channels = port.shape
    if port.width > SLOTS[-1]:
        raise UsageError(
            f"--bus {bus}: elements of {port.name!r} have {port.width} bits, slots at most {SLOTS[-1]}; leave --bus out"
        )
    # Beats of several pixels are those of one long pixel: only the frame's last one may be partial.
    pixels, elements = (height * width, channels) if port.pixels == 1 else (1, height * width * channels)
    return BusPort(port.port, pixels, elements, port.lanes, port.width, port.signed, bus)


def print_wrapped(design: Design, wish: Wish, wrapper: Wrapper | None, label: str) -> Printed:
    """Print a design as wished; without a wish exactly what `print_design` prints."""
    files, manifest, interface = print_design(design), design.as_json(), design.interface()
    texts = {path: text for path, text in files.items() if path.startswith(f"{RTL}/") and isinstance(text, str)}
    if wrapper is not None:
        module = wrapper_module(design, wrapper, label)
        cells = used_cells([*design.modules, module])
        texts.update({f"{RTL}/{cell}.v": print_cell(cell) for cell in cells})
        texts.update({f"{RTL}/{name}": text for name, text in print_module(module, design.digest).items()})
        order = (*cells, *(one.name for one in design.modules), module.name)
        manifest["wrapper"] = {**wrapper.as_json(), "files": [f"{RTL}/{name}.v" for name in order]}
        interface["wrapper"] = _public_json(wrapper)
        if design.layout is not None:
            manifest["image"] = _image_json(design.layout)
    digests = {path: hashlib.sha256(texts[path].encode()).hexdigest() for path in manifest["memory_files"]}
    manifest["memory_digests"] = digests
    if wish.top is not None:
        texts, manifest, interface = _renamed(texts, manifest, interface, design, wish.top)
    return Printed(
        {**texts, "interface.json": as_json(interface), "manifest.json": as_json(manifest)}, manifest, interface
    )


def wrapper_module(design: Design, wrapper: Wrapper, label: str) -> Module:
    """The top module around a core."""
    loader = None if design.layout is None else _loader(design.layout)
    placed: BusFacts = facts(wrapper.bus, names.comment(label), design.top, design.digest, loader)
    instances = (
        Instance("fpgaq_shell", "shell", wrapper.bus.parameters()),
        Instance(design.top, "core"),
        Instance("fpgaq_statistics", "statistics"),
        Instance("fpgaq_registers" if loader is None else "fpgaq_loadable_registers", "registers"),
        *(() if loader is None else (loader,)),
    )
    return Module(wrapper.module, "verilog/bus_top.v.j2", placed, instances)


def _loader(layout: Layout) -> Instance:
    """The cell that takes images of weights."""
    count = layout.parts + FRAME_WORDS
    remark = {"IDENTITY": f"{layout.identity:08x}"}
    parameters = {"WORDS": layout.parts, "COUNT_WIDTH": count.bit_length(), "IDENTITY": layout.identity}
    return Instance("fpgaq_loader", "loader", parameters, remarks=remark)


def _renamed(
    texts: Mapping[str, str], manifest: Mapping[str, Any], interface: Mapping[str, Any], design: Design, top: str
) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    """The same under the prefix `top`, which itself is the name of the outermost module."""
    wrapped = manifest.get("wrapper")
    chosen = {design.top: top} if wrapped is None else {wrapped["module"]: top, design.top: f"{top}_core"}
    modules = [path.removeprefix(f"{RTL}/").removesuffix(".v") for path in texts if path.endswith(".v")]
    memories = [path.removeprefix(f"{RTL}/") for path in texts if not path.endswith(".v")]
    new = new_names(modules, memories, top, chosen)
    renamed = rename_manifest(manifest, new)
    if wrapped is not None:
        files = [f"{RTL}/{new[path.removeprefix(f'{RTL}/').removesuffix('.v')]}.v" for path in wrapped["files"]]
        renamed["wrapper"] = {**wrapped, "module": top, "files": files}
        interface = {**interface, "wrapper": {**interface["wrapper"], "top": top}}
    return rename_files(texts, new, top), renamed, {**interface, "top": new[design.top]}


def _image_json(layout: Layout) -> dict[str, Any]:
    """What hosts must know of images."""
    return {
        "schema": SCHEMA,
        "identity": f"{layout.identity:08x}",
        "words": layout.parts + FRAME_WORDS,
        "file": IMAGE,
        "layout": LAYOUT,
        "memories": [
            {"words": memory.words, "width": memory.width, "holds": list(memory.holds)} for memory in layout.memories
        ],
        "layers": {name: _limits_json(*limits) for name, limits in layout.layers.items()},
    }


def _limits_json(bias_bits: int, base: int, lift: int) -> dict[str, Any]:
    return {"bias_bits": bias_bits, "shifts": None if base < 0 else [base - lift, base]}


def _public_json(wrapper: Wrapper) -> dict[str, Any]:
    bus = wrapper.bus
    return {
        "top": wrapper.module,
        "clock": "aclk",
        "reset": "aresetn",
        "reset_active": "low, synchronous",
        **bus_json(bus.input, bus.output),
        "registers": "s_axi",
        "damaged_frames": "dropped, or marked as the register `control` says" if bus.buffered else "marked",
    }


def bus_json(source: BusPort, result: BusPort) -> dict[str, Any]:
    """How frames stand on a bus, as ``interface.json`` says it."""
    return {
        "bus_bits": source.bus,
        "input": _port_json("s_axis", source),
        "output": _port_json("m_axis", result),
    }


def _port_json(prefix: str, port: BusPort) -> dict[str, Any]:
    return {
        "port": prefix,
        "core_port": port.port,
        "tdata_bits": port.bus,
        "slot_bits": port.slot,
        "elements_per_frame": port.elements,
        "bytes_per_frame": port.bytes,
        "beats_per_frame": port.beats,
        "last_beat_bytes": port.last_bytes,
    }


__all__ = ["Printed", "Wish", "Wrapper", "bus_json", "bus_of", "bus_ports", "print_wrapped", "wrapper_module"]
