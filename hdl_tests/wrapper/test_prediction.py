"""The beat model of a wrapper against simulation, cycle by cycle: when each frame's last beat leaves."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from bus_model import pack
from shell_bench import Lane, Stimulus, build, lane_of, run

from fpgaq.hardware.schedule.beats import BeatNetwork
from fpgaq.hardware.schedule.bus import Bus, BusPort
from fpgaq.hardware.schedule.bus_processes import BusModel
from fpgaq.hardware.schedule.schedule import Edge

pytestmark = [pytest.mark.once, pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")]

FRAMES = 12
CORE_QUEUE_BITS = 2
MARK_BITS = 3


def predicted(lane: Lane, buffered: bool) -> list[int]:
    """Cycles from the first beat in to each frame's last beat out."""
    width = 8 * lane.core_slot if lane.slot > 1 else 8
    source = BusPort("s_axis", lane.pixels, lane.channels, lane.lanes, width, True, 8 * lane.bus)
    result = BusPort("m_axis", lane.pixels, lane.channels, lane.lanes, 8 * lane.output_slot, True, 8 * lane.bus)
    assert (source.bytes, result.bytes) == (lane.elements * lane.slot, lane.elements * lane.output_slot)
    beats = {"x": source.core_beats}
    edges = (Edge("x", None, 0, lane.lanes, queue_bits=CORE_QUEUE_BITS),)
    model = BusModel(BeatNetwork((), (), edges, beats, beats), Bus(8 * lane.bus, source, result, MARK_BITS, buffered))
    for _ in range(FRAMES):
        assert model.add_frame()
    return [end - model.first_input for end in model.frame_ends()]


@pytest.mark.parametrize("buffered", [False, True], ids=["mark", "drop"])
@pytest.mark.parametrize("bus", [4, 8, 16])
def test_every_frame_leaves_when_predicted(bus: int, buffered: bool, tmp_path: Path) -> None:
    chance = random.Random(10 * bus + buffered)
    lengths = [1, 2, 3, 4, 7, 8, 12, 16, 24, 30, 33, 48, 56, 64, 70]
    lanes = [lane_of(length, bus, chance) for length in lengths]
    frames = [[pack(chance.randbytes(lane.elements * lane.slot), bus) for _ in range(FRAMES)] for lane in lanes]
    stimuli = [Stimulus((), tuple(beat for frame in packed for beat in frame)) for packed in frames]
    build(tmp_path, lanes, stimuli, buffered)
    run(tmp_path, len(lanes))
    for index, lane in enumerate(lanes):
        found = [int(line) for line in (tmp_path / f"cycles_{index}.txt").read_text(encoding="ascii").split()]
        assert found == predicted(lane, buffered), lane
