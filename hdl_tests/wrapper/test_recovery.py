"""Frames of 1 to 70 bytes through the wrapper on each bus, with damage of which the list is written first."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from bus_model import pack, received
from shell_bench import CELLS, Lane, Stimulus, build, lane_of, lines, run, stimulus_of

pytestmark = [pytest.mark.once, pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")]

LENGTHS = range(1, 71)
SOME_LENGTHS = (1, 5, 16, 24, 33, 70)
BUSES = (4, 8, 16)
PLANTED = {
    "no pad": ("guard", "frame_last ? DROP : PAD", "frame_last ? DROP : PASS"),
    "no drop": ("guard", "frame_last ? DROP : PAD", "frame_last ? PASS : PAD"),
    "late mark": ("release", "assign mark_ready = s_valid & s_last & m_ready;",
                  "assign mark_ready = s_valid & s_last & m_ready & mark_data;"),
}  # fmt: skip


def expected(lane: Lane, stimulus: Stimulus, drop: bool) -> list[str]:
    """The log of a wrapper that follows the rule."""
    kept: list[str] = []
    for payload, damaged in received(stimulus.beats, lane.elements * lane.slot):
        if not (drop and damaged):
            kept += lines(pack(lane.answer(payload), lane.bus, damaged))
    return kept


def check(
    folder: Path, bus: int, lengths: Sequence[int], seed: int, buffered: bool, runs: Sequence[list[str]], frames: int
) -> int:
    """Hold every run of wrappers of all lengths against the rule; give the number of damaged frames."""
    chance = random.Random(seed)
    lanes = [lane_of(length, bus, chance) for length in lengths]
    stimuli = [stimulus_of(lane, chance, 0.4, frames) for lane in lanes]
    build(folder, lanes, stimuli, buffered)
    for arguments in runs:
        logs = run(folder, len(lanes), *arguments)
        for lane, stimulus, log in zip(lanes, stimuli, logs, strict=True):
            assert log == expected(lane, stimulus, "+drop" in arguments), (lane, stimulus.damages, arguments)
    pairs = zip(lanes, stimuli, strict=True)
    return sum(mark for lane, fed in pairs for _, mark in received(fed.beats, lane.elements * lane.slot))


@pytest.mark.parametrize("bus", BUSES)
def test_marks_damaged_frames(bus: int, tmp_path: Path) -> None:
    assert check(tmp_path, bus, SOME_LENGTHS, bus, False, [[], ["+gaps"]], 16) > 10


@pytest.mark.parametrize("bus", BUSES)
def test_drops_damaged_frames(bus: int, tmp_path: Path) -> None:
    assert check(tmp_path, bus, SOME_LENGTHS, 100 + bus, True, [["+drop"], ["+drop", "+gaps"], ["+gaps"]], 16) > 10


@pytest.mark.slow
@pytest.mark.parametrize("bus", BUSES)
def test_every_length(bus: int, tmp_path: Path) -> None:
    assert check(tmp_path, bus, LENGTHS, 200 + bus, False, [[], ["+gaps"]], 6) > 60
    assert check(tmp_path, bus, LENGTHS, 300 + bus, True, [["+drop"], ["+drop", "+gaps"], ["+gaps"]], 6) > 60


@pytest.mark.mutants
@pytest.mark.parametrize("planted", PLANTED)
def test_planted_bugs_are_found(planted: str, tmp_path: Path) -> None:
    cell, right, wrong = PLANTED[planted]
    text = (CELLS / f"fpgaq_{cell}.v").read_text(encoding="utf-8")
    assert text.count(right) == 1
    chance = random.Random(5)
    lanes = [lane_of(length, 4, chance) for length in (3, 9, 16)]
    stimuli = [stimulus_of(lane, chance, 0.8, 30) for lane in lanes]
    build(tmp_path, lanes, stimuli, buffered=False, **{cell: text.replace(right, wrong)})
    logs = run(tmp_path, len(lanes), "+gaps")
    pairs = zip(lanes, stimuli, logs, strict=True)
    assert any(log != expected(lane, stimulus, drop=False) for lane, stimulus, log in pairs)
