"""What leaves a wrapper, by the rule of the stream contract alone: a model of bytes that knows no Verilog.

A frame is what stands between two beats with tlast. Each gives one frame of the proper length: bytes that are missing
are zeros, surplus ones are ignored. It is damaged if its beats are too few or too many, if a byte that belongs to it
was left out by tkeep, or if its last beat bears tuser.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Beat:
    """A beat on the bus; bit n of `keep` tells whether byte n counts."""

    data: bytes
    keep: int
    last: bool
    user: bool = False


@dataclass(frozen=True)
class Damage:
    """What happens to one beat of the stream: dropped, repeated, cut from `byte` on, or given tuser."""

    kind: str
    beat: int
    byte: int = 0


DAMAGES = ("drop", "repeat", "cut", "user")


def pack(payload: bytes, bus: int, user: bool = False) -> list[Beat]:
    """A frame as beats of `bus` bytes; bytes above its end are zero."""
    beats = []
    for start in range(0, len(payload), bus):
        part = payload[start : start + bus]
        last = start + bus >= len(payload)
        beats.append(Beat(part.ljust(bus, b"\0"), (1 << len(part)) - 1, last, user and last))
    return beats


def draw_damage(frames: Sequence[Sequence[Beat]], chance: random.Random, rate: float) -> list[Damage]:
    """A random list of damage, at most one a beat; the last frame keeps all that it is."""
    damages, place = [], 0
    for frame in frames[:-1]:
        for _ in frame:
            if chance.random() < rate / len(frame):
                damages.append(Damage(chance.choice(DAMAGES), place, chance.randrange(len(frame[0].data))))
            place += 1
    return damages


def apply_damage(beats: Sequence[Beat], damages: Sequence[Damage]) -> list[Beat]:
    """The stream as it arrives."""
    by_beat = {damage.beat: damage for damage in damages}
    arrived: list[Beat] = []
    for place, beat in enumerate(beats):
        damage = by_beat.get(place)
        if damage is None:
            arrived.append(beat)
        elif damage.kind == "repeat":
            arrived += [beat, beat]
        elif damage.kind == "cut":
            arrived.append(replace(beat, keep=beat.keep & ((1 << damage.byte) - 1)))
        elif damage.kind == "user":
            arrived.append(replace(beat, user=True))
    return arrived


def received(beats: Sequence[Beat], length: int) -> list[tuple[bytes, bool]]:
    """The payload of each frame that arrived, `length` bytes, and whether it was damaged."""
    frames: list[tuple[bytes, bool]] = []
    frame: list[Beat] = []
    for beat in beats:
        frame.append(beat)
        if beat.last:
            frames.append(_frame(frame, length))
            frame = []
    return frames


def _frame(frame: Sequence[Beat], length: int) -> tuple[bytes, bool]:
    bus = len(frame[0].data)
    places = [(beat.data[byte], beat.keep >> byte & 1) for beat in frame for byte in range(bus)]
    own = places[:length]
    payload = bytes(value if kept else 0 for value, kept in own).ljust(length, b"\0")
    right_count = len(frame) == -(-length // bus)
    return payload, not right_count or not all(kept for _, kept in own) or frame[-1].user
