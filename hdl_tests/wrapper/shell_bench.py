"""Many wrappers of different frames in one plain Icarus simulation, each around a core that gives back what it gets."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

from bus_model import Beat, Damage, apply_damage, draw_damage, pack

from fpgaq.hardware.emit.render import templates_folder

CELLS = templates_folder() / "verilog" / "cells"
INSIDE = ("fifo", "queue", "slice", "gearbox", "guard", "release", "frame_buffer", "close", "slots", "shell")
TIMEOUT = 300


@dataclass(frozen=True)
class Lane:
    """A wrapper whose core takes `pixels` pixels of `channels` elements, `lanes` a beat; slots are in bytes."""

    bus: int
    pixels: int
    channels: int
    lanes: int
    slot: int
    core_slot: int
    output_slot: int

    @property
    def elements(self) -> int:
        """Elements of a frame."""
        return self.pixels * self.channels

    def parameters(self, buffered: bool) -> dict[str, int]:
        """Of the bench's module."""
        period = -(-self.channels // self.lanes)
        rest = self.channels - (period - 1) * self.lanes
        parameters = {"LANES": self.lanes, "REST": rest, "PERIOD": period, "CORE_BEATS": period * self.pixels}
        parameters |= {"BUS_WIDTH": 8 * self.bus, "SLOT": 8 * self.slot, "CORE_SLOT": 8 * self.core_slot}
        parameters["OUTPUT_SLOT"] = 8 * self.output_slot
        for prefix, slot in (("", self.slot), ("OUTPUT_", self.output_slot)):
            length = self.elements * slot
            beats = -(-length // self.bus)
            parameters[prefix + "BEATS"] = beats
            parameters[prefix + "LAST_BYTES"] = length - (beats - 1) * self.bus
            parameters[prefix + "UNIT"] = 8 * gcd(self.bus, self.lanes * slot, rest * slot)
        if buffered:
            parameters["BUFFER_BITS"] = max(4, (parameters["OUTPUT_BEATS"] - 1).bit_length())
        return parameters

    def answer(self, payload: bytes) -> bytes:
        """What the core makes of a frame, in the slots of the output."""
        starts = range(0, len(payload), self.slot)
        values = [int.from_bytes(payload[at : at + self.core_slot], "little", signed=True) for at in starts]
        # A slot narrower than the core's own cuts it: the core of the bench is as wide at both ends.
        return b"".join(value.to_bytes(self.output_slot, "little", signed=True) for value in values)


@dataclass(frozen=True)
class Stimulus:
    """What one wrapper is fed: the damage, and the beats that arrive."""

    damages: tuple[Damage, ...]
    beats: tuple[Beat, ...]


def lane_of(length: int, bus: int, chance: random.Random) -> Lane:
    """A wrapper whose input frame has `length` bytes, of random slots, lanes and channels."""
    slot = chance.choice([size for size in (1, 2, 4, 8) if length % size == 0])
    elements = length // slot
    channels = chance.choice([count for count in range(1, elements + 1) if elements % count == 0])
    core_slot = chance.randint(slot // 2 + 1, slot) if slot > 2 else slot
    output_slot = chance.choice([size for size in (1, 2, 4, 8) if size >= core_slot])
    return Lane(bus, elements // channels, channels, chance.randint(1, min(channels, 6)), slot, core_slot, output_slot)


def stimulus_of(lane: Lane, chance: random.Random, rate: float, frames: int) -> Stimulus:
    """Frames of random bytes, and random damage."""
    packed = [pack(chance.randbytes(lane.elements * lane.slot), lane.bus) for _ in range(frames)]
    damages = draw_damage(packed, chance, rate)
    return Stimulus(tuple(damages), tuple(apply_damage([beat for frame in packed for beat in frame], damages)))


def build(folder: Path, lanes: Sequence[Lane], stimuli: Sequence[Stimulus], buffered: bool, **cells: str) -> None:
    """Compile the bench; `cells` are texts that replace those of cells."""
    text = ["module bench;", "reg clk, rst, gaps, drop;", f"wire [{len(lanes) - 1}:0] finished;"]
    for index, (lane, stimulus) in enumerate(zip(lanes, stimuli, strict=True)):
        parameters = lane.parameters(buffered) | {"INDEX": index, "WORDS": len(stimulus.beats)}
        settings = ", ".join(f".{name}({value})" for name, value in parameters.items())
        text.append(f"shell_lane #({settings}) lane_{index} (clk, rst, gaps, drop, finished[{index}]);")
        words = (
            (beat.user << 1 | beat.last) << 9 * lane.bus
            | beat.keep << 8 * lane.bus
            | int.from_bytes(beat.data, "little")
            for beat in stimulus.beats
        )
        (folder / f"input_{index}.hex").write_text("".join(f"{word:x}\n" for word in words), encoding="ascii")
    text += [
        'initial begin gaps = $test$plusargs("gaps"); drop = $test$plusargs("drop");',
        "clk = 0; rst = 1; #45 rst = 0; end",
        "always #10 clk = ~clk;",
        "always @(posedge clk) if (&finished) $finish;",
        'initial #200000 begin $display("not finished: %b", finished); $finish; end',
        "endmodule",
    ]
    (folder / "bench.v").write_text("\n".join(text) + "\n", encoding="ascii")
    sources = [str(Path(__file__).parent / "shell_bench.v"), "bench.v"]
    for name in INSIDE:
        path = CELLS / f"fpgaq_{name}.v"
        if name in cells:
            path = folder / path.name
            path.write_text(cells[name], encoding="utf-8")
        sources.append(str(path))
    command = ["iverilog", "-g2005", "-s", "bench", "-o", "bench.vvp", *sources]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    assert built.returncode == 0, built.stdout + built.stderr


def run(folder: Path, count: int, *arguments: str) -> list[list[str]]:
    """The lines that each wrapper's log holds after a simulation."""
    command = ["vvp", "-n", "bench.vvp", *arguments]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=TIMEOUT)
    stuck = [line for line in ran.stdout.splitlines() if line.startswith("not finished")]
    logs = [(folder / f"output_{index}.txt").read_text(encoding="ascii").splitlines() for index in range(count)]
    return [[*log, *stuck] for log in logs]


def lines(beats: Sequence[Beat]) -> list[str]:
    """Beats as the bench logs them."""
    return [f"{beat.user:b} {beat.last:b} {beat.keep:0{len(beat.data)}b} {beat.data[::-1].hex()}" for beat in beats]
