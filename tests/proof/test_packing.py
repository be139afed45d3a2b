"""The bench's own packing, which is copied into every output, against a plain loop."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def packing() -> ModuleType:
    path = Path(__file__).parents[2] / "templates" / "bench" / "packing.py"
    spec = importlib.util.spec_from_file_location("bench_packing", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain_pack(frame: np.ndarray, stream: dict[str, Any]) -> list[str]:
    height, width, channels = stream["shape"]
    lanes, slot = stream["lanes"], stream["slot_bits"]
    beats = []
    for row in range(height):
        for column in range(width):
            for start in range(0, channels, lanes):
                word = 0
                for lane, value in enumerate(frame[row, column, start : start + lanes].tolist()):
                    word |= (value % (1 << slot)) << (lane * slot)
                beats.append(f"{word:0{-(-lanes * slot // 4)}x}")
    return beats


@pytest.mark.parametrize("seed", range(40))
def test_equals_plain_loop_and_unpacks(packing: ModuleType, seed: int) -> None:
    chance = np.random.default_rng(seed)
    shape = [int(size) for size in chance.integers(1, 8, size=3)]
    width = int(chance.integers(1, 41))
    signed = bool(chance.integers(2))
    stream = {
        "shape": shape,
        "lanes": int(chance.integers(1, shape[2] + 3)),
        "slot_bits": width + int(chance.integers(0, 9)),
        "signed": signed,
    }
    low = -(1 << (width - 1)) if signed else 0
    frame = chance.integers(low, low + (1 << width), size=shape)
    beats = packing.pack_frame(frame, stream)
    assert beats == plain_pack(frame, stream)
    assert len(beats) == packing.beats_per_frame(stream)
    groups = -(-shape[2] // stream["lanes"])
    for index, beat in enumerate(beats):
        pixel, group = divmod(index, groups)
        for lane in range(stream["lanes"]):
            channel = group * stream["lanes"] + lane
            expected = int(frame.reshape(-1, shape[2])[pixel, channel]) if channel < shape[2] else 0
            assert packing.lane_value(beat, lane, stream) == expected


def test_unknown_bits_are_x_in_their_lane_only(packing: ModuleType) -> None:
    stream = {"shape": [1, 1, 2], "lanes": 2, "slot_bits": 8, "signed": True}
    assert [packing.lane_value("x4ff", lane, {**stream, "slot_bits": 8}) for lane in range(2)] == [-1, "X"]
    assert packing.lane_value("zz01", 1, stream) == "X"
