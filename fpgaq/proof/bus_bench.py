"""Golden vectors through the wrapper of a folder: frames as bytes on its bus, and the cycles predicted at its ports."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import ModelError, VerificationError
from ..hardware.emit.image import words_of
from ..hardware.emit.render import render
from ..hardware.lowering.wide import from_shape
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.reference import run
from .file_bench import run_ports
from .folder import read_bench
from .harness import STALL_SEED, STALLED_FRAMES, check_cycles, drive
from .harness_build import compile_designs, lay_flat

ADAPTER = "fpgaq_bus_adapter"
PATH = f"bench/{ADAPTER}.v"
IMAGE_HEX = "rtl/fpgaq_image.hex"
"""Where a bench finds the words of an image, beside the memory files."""


@dataclass(frozen=True)
class Loaded:
    """A network whose weights hardware loads, the form of it that is built, and its image."""

    network: IntegerGraph
    lowered: IntegerGraph
    image: bytes


@dataclass(frozen=True)
class WrapperResult:
    """What the runs of a wrapper showed; both cycle counts are equal to those predicted."""

    frames: int
    interval_cycles: int | None
    latency_cycles: int


def adapter_files(manifest: Mapping[str, Any], interface: Mapping[str, Any]) -> dict[str, str | bytes]:
    """What a bench needs to drive the wrapper of a folder as it drives a core; nothing if there is no wrapper."""
    if "wrapper" not in manifest:
        return {}
    return {PATH: adapter_text(ADAPTER, interface["wrapper"], manifest.get("image"))}


def adapter_text(module: str, public: Mapping[str, Any], image: Mapping[str, Any] | None = None) -> str:
    """The Verilog of a module that looks like a core and holds a wrapper, of which interface.json says `public`.

    `image` is what manifest.json says of images of weights, which the module then loads from `IMAGE_HEX`.
    """
    facts = {
        "module": module,
        "top": public["top"],
        "bus": public["bus_bits"],
        "bus_bytes": public["bus_bits"] // 8,
        "image": image and {"words": image["words"], "file": IMAGE_HEX.rpartition("/")[2]},
        "last_keep": f"{(1 << public['output']['last_beat_bytes']) - 1:x}",
    }
    return render("bench/bus_adapter.v.j2", facts)


def simulate_wrapper(
    directory: Path,
    manifest: Mapping[str, Any],
    interface: Mapping[str, Any],
    graph: IntegerGraph,
    inputs: Mapping[str, IntegerArray],
    compiled: bool,
    timeout: float,
    image: bytes | None = None,
) -> WrapperResult:
    """Run frames through the wrapper at full speed and with stalls, and compare every byte and the cycles.

    Parameters
    ----------
    directory : Path
        A folder that was generated with a bus.
    manifest, interface : mapping
        The contents of its JSON files.
    graph : IntegerGraph
        The network in the form that was built.
    inputs : mapping of str to array of int
        (frames, height, width, channels) of its input.
    compiled : bool
        By Verilator, else by Icarus.
    timeout : float
        Seconds for each run of a tool.
    image : bytes, optional
        Of the weights of `graph`, where the folder's core loads them; by default the folder's own.

    Raises
    ------
    VerificationError
        A byte or a cycle count that differs.
    ToolError
        A simulator is missing or fails.
    """
    known = manifest["wrapper"]
    ports = {side: [byte_port(interface, side)] for side in ("inputs", "outputs")}
    design = {"top": ADAPTER, "files": [*known["files"], PATH], "memory_files": manifest["memory_files"],
              "prediction": known["prediction"]}  # fmt: skip
    files = {name: (directory / name).read_bytes() for name in (*design["files"], *design["memory_files"])}
    if "image" in manifest:
        content = (directory / manifest["image"]["file"]).read_bytes() if image is None else image
        files[IMAGE_HEX] = image_hex(content).encode()
        design = {**design, "memory_files": [*design["memory_files"], IMAGE_HEX], "quiet_cycles": 8 * len(content)}
    golden = run(graph, inputs)
    values = {ports[side][0]["tensor"]: as_bytes(arrays[ports[side][0]["tensor"]], interface["wrapper"][side[:-1]])
              for side, arrays in (("inputs", inputs), ("outputs", golden))}  # fmt: skip
    frames = len(next(iter(values.values())))
    with tempfile.TemporaryDirectory(prefix="fpgaq-wrapper-") as temporary:
        folder = Path(temporary)
        if compiled:
            flat = lay_flat(files, design, ports, folder / "design")
            program = compile_designs([flat], folder / "build", timeout)
            latency, ends = drive(program, 0, flat, values, values, frames, 0, timeout)
            drive(program, 0, flat, values, values, min(frames, STALLED_FRAMES), STALL_SEED, timeout)
            interval = check_cycles(known["prediction"], latency, ends)
            return WrapperResult(frames, interval, latency)
        (folder / "stalled").mkdir()
        result = run_ports(folder, files, design, ports, values, stall_seed=None)
        stalled = run_ports(folder / "stalled", files, design, ports, values, stall_seed=STALL_SEED)
    mismatch = result.mismatch or stalled.mismatch
    if mismatch is not None:
        raise VerificationError(f"the wrapper: {mismatch}")
    assert result.latency is not None
    return WrapperResult(frames, result.interval, result.latency)


def image_hex(image: bytes) -> str:
    """The words of an image as a file of hexadecimal digits."""
    return "".join(f"{word:08x}\n" for word in words_of(image))


def byte_port(interface: Mapping[str, Any], side: str) -> dict[str, Any]:
    """A port of the wrapper as one of a core whose frame is a vector of bytes."""
    port, core = interface["wrapper"][side[:-1]], interface[side][0]
    lanes = port["tdata_bits"] // 8
    return {
        "name": core["name"],
        "tensor": core["tensor"],
        "port": port["port"],
        "shape": [1, 1, port["bytes_per_frame"]],
        "lanes": lanes,
        "width": 8,
        "signed": False,
        "slot_bits": 8,
        "tdata_bits": port["tdata_bits"],
        "beats_per_frame": port["beats_per_frame"],
    }


def as_bytes(values: IntegerArray, port: Mapping[str, Any]) -> IntegerArray:
    """Frames of integers as frames of the bytes of their slots, low part first."""
    return slot_bytes(values, port["slot_bits"]).reshape(len(values), 1, 1, -1)


def slot_bytes(values: IntegerArray, bits: int) -> IntegerArray:
    """Frames of integers as the bytes of slots of so many bits, low byte first: (frames, bytes)."""
    octets = np.ascontiguousarray(values, dtype="<i8").view(np.uint8).reshape(len(values), -1, 8)
    return octets[:, :, : bits // 8].reshape(len(values), -1).astype(np.int64)


def bus_words(directory: Path, interface: Mapping[str, Any], frames: int) -> dict[str, str]:
    """The first frames of a folder's golden vectors as beats of its bus: "input.hex" and "output.hex".

    A line is a beat: tlast, tkeep and tdata as one number of hexadecimal digits.
    """
    words = {}
    for side in ("inputs", "outputs"):
        port = interface["wrapper"][side[:-1]]
        values = _golden(directory, interface[side][0])[:frames]
        payloads = as_bytes(values, port).astype(np.uint8).reshape(len(values), -1)
        beats = (beat for payload in payloads for beat in _beats(payload.tobytes(), port["tdata_bits"] // 8))
        words[f"{side[:-1]}.hex"] = "".join(f"{beat:x}\n" for beat in beats)
    return words


def _beats(payload: bytes, bus: int) -> Iterator[int]:
    for start in range(0, len(payload), bus):
        part = payload[start : start + bus]
        last = int(start + bus >= len(payload))
        keep = (1 << len(part)) - 1
        yield last << 9 * bus | keep << 8 * bus | int.from_bytes(part, "little")


def _golden(directory: Path, port: Mapping[str, Any]) -> IntegerArray:
    """The frames of a port in a folder's vectors."""
    tensor = port["tensor"]
    streams = read_bench(directory)["streams"]
    found = next((one for one in streams if one["tensor"] == tensor), None)
    if found is None:
        raise ModelError(f"{directory / 'bench' / 'bench.json'}: has no vectors of {tensor!r}; generate it anew")
    path = directory / "bench" / found["vectors"]
    try:
        frames = np.asarray(np.load(path, allow_pickle=False), dtype=np.int64)
        # Where a beat carries several pixels, the last one may have been filled up.
        return from_shape(frames, port["shape"])
    except (OSError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: no golden vectors ({reason}); generate the folder anew") from None
