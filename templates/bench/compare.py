"""Reads what the monitors logged and holds it against the golden vectors, beat for beat. Needs numpy only."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import packing

RULES = {
    "data_unknown": "data are unknown (X) while valid is high",
    "valid_unknown": "valid is unknown (X)",
    "ready_unknown": "ready is unknown (X)",
    "valid_dropped": "valid fell before ready accepted the beat",
    "data_changed": "data changed before ready accepted the beat",
    "valid_in_reset": "valid is high during reset",
    "ready_in_reset": "ready is high during reset",
}


@dataclass
class Episode:
    """What happened between one reset and the next: cycles and hex digits of the beats of every stream."""

    cycles: list[list[int]]
    beats: list[list[str]]
    violations: list[tuple[int, int, str]] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)


def parse_log(text: str, streams: int) -> list[Episode]:
    """Split the text of a log into episodes, one for each reset."""
    episodes: list[Episode] = []
    for line in text.splitlines():
        word = line.split()
        if word[0] == "B":
            episodes[-1].cycles[int(word[1])].append(int(word[2]))
            episodes[-1].beats[int(word[1])].append(word[3])
        elif word[0] == "R":
            episodes.append(Episode([[] for _ in range(streams)], [[] for _ in range(streams)]))
        elif word[0] == "V":
            episodes[-1].violations.append((int(word[3]), int(word[2]), word[1]))
        elif word[0] == "E":
            episodes[-1].errors.append((int(word[2]), word[1]))
    return episodes


class Golden:
    """The expected beats of every stream; frames are packed when they are first asked for."""

    def __init__(self, directory: Path) -> None:
        self.description: dict[str, Any] = json.loads((directory / "bench.json").read_text(encoding="utf-8"))
        self.streams: list[dict[str, Any]] = self.description["streams"]
        self.labels: list[str] = self.description["frames"]
        self._vectors: dict[str, np.ndarray] = {}
        for stream in self.streams:
            path = stream["vectors"]
            if path not in self._vectors:
                self._vectors[path] = np.load(directory / path, allow_pickle=False)
        self._packed: dict[tuple[int, int], list[str]] = {}

    def beats(self, index: int, frame: int) -> list[str]:
        """The beats of frame `frame` of stream `index`; a port's beats have a leading digit, its tlast."""
        frame %= len(self.labels)
        key = (index, frame)
        if key not in self._packed:
            stream = self.streams[index]
            beats = packing.pack_frame(self._vectors[stream["vectors"]][frame], stream)
            if stream["last"]:
                beats = [f"{int(beat == len(beats) - 1)}{text}" for beat, text in enumerate(beats)]
            self._packed[key] = beats
        return self._packed[key]

    def unconditional(self, index: int) -> list[str]:
        """The first beats of a frame as far as all golden frames agree in them, none for an input port.

        A layer may send pixels that lie in the padding alone before the frame begins to arrive.
        """
        frames = [self.beats(index, frame) for frame in range(len(self.labels))]
        if self.streams[index]["kind"] == "input":
            return []
        agree = (len(set(beats)) == 1 for beats in zip(*frames, strict=True))
        return [beat for beat, _ in zip(frames[0], takewhile(bool, agree), strict=False)]

    def stimulus(self, index: int) -> str:
        """The text of the hex file from which an input port's source reads its frames."""
        lines = [text[1:] for frame in range(len(self.labels)) for text in self.beats(index, frame)]
        return "\n".join(lines) + "\n"

    def describe(self, index: int) -> str:
        """A stream in a reader's words."""
        stream = self.streams[index]
        return f"layer {shorten(stream['layer'])} (stream {stream['name']})" if not stream["last"] else stream["name"]


def shorten(name: str) -> str:
    """A model's name in quotes, on one line, of bearable length."""
    return repr(name if len(name) <= 60 else name[:57] + "...")


def find_mismatch(golden: Golden, episode: Episode, first_frame: int, frames: int) -> tuple[int, str | None]:
    """Compare all beats that came; return how many beats differ and the message of the first divergent stream.

    First means topologically: streams are listed input port, input, layers in order, output port. Beats after the
    last frame are right only if they begin the next frame whatever that will be.
    """
    wrong, message = 0, None
    for index in range(len(golden.streams)):
        position = 0
        found = episode.beats[index]
        for frame in range(frames):
            expected = golden.beats(index, first_frame + frame)
            part = found[position : position + len(expected)]
            if part != expected[: len(part)]:
                bad = [beat for beat, text in enumerate(part) if text != expected[beat]]
                wrong += len(bad)
                if message is None:
                    cycle = episode.cycles[index][position + bad[0]]
                    message = _explain(golden, index, first_frame + frame, bad[0], part[bad[0]], cycle, frame)
            position += len(expected)
        surplus = found[position:]
        if surplus and surplus != golden.unconditional(index)[: len(surplus)]:
            wrong += len(surplus)
            if message is None:
                message = (
                    f"{golden.describe(index)}: {len(surplus)} beats more than the {frames} frames hold,"
                    f" the first at cycle {episode.cycles[index][position]}"
                )
    return wrong, message


def _explain(golden: Golden, index: int, frame: int, beat: int, found: str, cycle: int, place: int) -> str:
    stream = golden.streams[index]
    expected = golden.beats(index, frame)[beat]
    if stream["last"]:
        if found[1:] == expected[1:]:
            where = f"frame {place}, beat {beat}"
            return f"{stream['name']}: {where}: tlast: expected {expected[0]}, found {found[0]}, at cycle {cycle}"
        expected, found = expected[1:], found[1:]
    _, width, channels = stream["shape"]
    groups = -(-channels // stream["lanes"])
    pixel, group = divmod(beat, groups)
    row, column = divmod(pixel, width)
    values = [
        (lane, packing.lane_value(expected, lane, stream), packing.lane_value(found, lane, stream))
        for lane in range(stream["lanes"])
    ]
    lane, wanted, got = next((item for item in values if item[1] != item[2]), values[0])
    channel = group * stream["lanes"] + lane
    name = f"channel {channel}" if channel < channels else f"unused lane {lane}"
    return (
        f"{golden.describe(index)}: frame {place} ({golden.labels[frame % len(golden.labels)]}), row {row},"
        f" column {column}, {name}: expected {wanted}, found {got}, at cycle {cycle}"
    )


def frames_begun(golden: Golden, episode: Episode) -> int:
    """How many frames have begun on the stream that is furthest ahead."""
    pairs = zip(episode.beats, golden.streams, strict=True)
    return max(-(-len(beats) // packing.beats_per_frame(stream)) for beats, stream in pairs)


def count_held(golden: Golden, episode: Episode, frames: int) -> list[int]:
    """The beats on every stream beyond `frames` frames: what the network takes in while its outputs block."""
    pairs = zip(episode.beats, golden.streams, strict=True)
    return [len(beats) - frames * packing.beats_per_frame(stream) for beats, stream in pairs]


def find_leak(golden: Golden, early: list[int], late: list[int], frames: int) -> str | None:
    """The last stream that carries more or fewer surplus beats after `frames` frames than after one, in words.

    Once the outputs block, every buffer fills up. How far depends on no timing, only on the room that is given back
    when words leave: a count that is off by one shows here at once, and as a deadlock or as lost data much later.
    """
    for index in reversed(range(len(golden.streams))):
        if early[index] != late[index]:
            return (
                f"{golden.describe(index)}: what reads it has room for {late[index]} more beats when the outputs block"
                f" after {frames} frames, {early[index]} when they block after one: it loses or invents room"
            )
    return None


def find_changed_count(early: dict[str, str], late: dict[str, str], frames: int) -> str | None:
    """The first counter whose value after `frames` frames is not that after one, outputs being blocked, in words.

    Where layers take turns on one engine, a blocked output keeps all of them from filling their buffers.
    """
    for name, value in early.items():
        if late.get(name) != value:
            return (
                f"{name} is {late.get(name)} when the outputs block after {frames} frames, {value} when they block"
                " after one: words or beats are lost or invented in the count"
            )
    return None


def find_violation(golden: Golden, episode: Episode) -> str | None:
    """The earliest breach of the handshake's rules, or of `frame_error`, in words."""
    if episode.violations:
        cycle, index, kind = min(episode.violations)
        return f"{golden.describe(index)}: {RULES[kind]}, at cycle {cycle}"
    for cycle, value in episode.errors:
        if value != "0":
            return f"frame_error is {value.upper()} although all frames are well formed, at cycle {cycle}"
    return None


def find_missing(golden: Golden, episode: Episode, frames: int, states: list[str]) -> str | None:
    """The streams that fell short, the topologically first one by name; `states` tells their valid and ready."""
    first, short = "", []
    for index, stream in enumerate(golden.streams):
        total = frames * packing.beats_per_frame(stream)
        if len(episode.beats[index]) < total:
            first = first or golden.describe(index)
            short.append(f"{stream['name']} {len(episode.beats[index])} of {total} beats ({states[index]})")
    if not short:
        return None
    return f"{first}: the network is stuck or loses beats: {'; '.join(short[:6])}"


def measure(golden: Golden, episode: Episode) -> tuple[int, list[int]]:
    """Latency (first input beat to last output beat of frame 0) and the intervals from tlast to tlast, in cycles."""
    begin, ends = None, []
    for index, stream in enumerate(golden.streams):
        if stream["kind"] == "input":
            first = episode.cycles[index][0]
            begin = first if begin is None else min(begin, first)
        elif stream["kind"] == "output":
            beats = packing.beats_per_frame(stream)
            ends.append(episode.cycles[index][beats - 1 :: beats])
    lasts = [max(group) for group in zip(*ends, strict=True)]
    return lasts[0] - begin, [later - sooner for sooner, later in pairwise(lasts)]


def settled(intervals: list[int]) -> int | None:
    """The interval once two successive values agree, None if none do."""
    return next((one for one, two in pairwise(intervals) if one == two), None)
