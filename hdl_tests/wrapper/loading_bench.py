"""cocotb tests of a wrapper that loads its weights; run by test_loading.py, which computes what must leave.

FPGAQ_CASE is a JSON file: the images of two networks as words, the frames that go in, and those that leave with each.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from bus_model import pack
from cocotb.triggers import RisingEdge
from registers_bench import BUS, Host, host_of

CASE: dict[str, Any] = json.loads(Path(os.environ["FPGAQ_CASE"]).read_text(encoding="utf-8"))
LOAD, BUSY, WANTED, LOADED, REFUSED = 8, 1, 8, 16, 32
INPUTS = [bytes.fromhex(frame) for frame in CASE["inputs"]]
OUTPUTS = [[bytes.fromhex(frame) for frame in frames] for frames in CASE["outputs"]]


async def begin(host: Host) -> None:
    await host.write("control", LOAD)
    while not await host.read("status") & WANTED:
        pass


async def load(host: Host, words: list[int]) -> int:
    """Load an image; the bits of the status afterwards."""
    await begin(host)
    for word in words:
        await host.write("image", word)
    return await host.read("status")


async def left(host: Host, count: int) -> list[bytes]:
    while len(host.frames) < count:
        await RisingEdge(host.dut.aclk)
    assert not any(marked for _, marked in host.frames)
    return [frame for frame, _ in host.frames]


def beats(frames: list[bytes]) -> list[Any]:
    return [beat for frame in frames for beat in pack(frame, BUS)]


@cocotb.test()
async def nothing_runs_without_a_whole_image(dut: Any) -> None:
    """Damaged, foreign, cut and early images are refused; the good one after them works, and the frame waited."""
    host = await host_of(dut)
    good, (sender, _) = CASE["images"][0], (cocotb.start_soon(host.send(beats(INPUTS[:1]))), None)
    assert await host.read("geometry") >> 9 & 1 == 1 and not await host.read("status") & LOADED
    flipped, foreign = list(good), list(good)
    flipped[len(good) // 2] ^= 1 << 7
    foreign[0] ^= 1
    for bad in (flipped, foreign, [*good[:-1], good[-1] ^ 1 << 31]):
        assert not await load(host, bad) & (LOADED | WANTED)
        assert await host.read("errors") == REFUSED
        await host.write("errors", REFUSED)
    # Cut: it stays open, and takes no frame; a new start forgets it.
    assert await load(host, good[:-1]) & (LOADED | WANTED) == WANTED
    assert await host.read("errors") == 0
    # A word before it is wanted ends what was begun.
    await host.write("control", LOAD)
    assert await load(host, good) & (LOADED | WANTED) == LOADED
    assert await left(host, 1) == OUTPUTS[0][:1]
    await host.write("image", good[0])
    assert await host.read("errors") == REFUSED and await host.read("status") & LOADED
    await sender
    assert "".join([f"{await host.read(f'digest{word}'):08x}" for word in range(8)]) == CASE["digests"][0]


@cocotb.test()
async def between_frames_under_stalls(dut: Any) -> None:
    """Frames that have begun are of the old weights, all later ones of the new; none is lost, none is marked."""
    chance = random.Random(7)
    host = await host_of(dut)
    assert await load(host, CASE["images"][0]) & LOADED
    host.ready = lambda: int(chance.random() < 0.4)
    switches, count = [], 0
    for turn in (1, 0, 1):
        before = len(host.frames)
        sending = cocotb.start_soon(host.send(beats(INPUTS)))
        for _ in range(chance.randrange(20, 120)):
            await RisingEdge(dut.aclk)
        assert await load(host, CASE["images"][turn]) & LOADED
        count += len(INPUTS)
        found = (await left(host, count))[before:]
        await sending
        old = [frame == one for frame, one in zip(found, OUTPUTS[1 - turn], strict=True)]
        new = [frame == one for frame, one in zip(found, OUTPUTS[turn], strict=True)]
        place = new.index(True)
        assert all(old[:place]) and all(new[place:]) and not any(new[:place])
        switches.append(place)
        digest = "".join([f"{await host.read(f'digest{word}'):08x}" for word in range(8)])
        assert digest == CASE["digests"][turn]
    assert any(switches) and await host.read("errors") == 0


@cocotb.test()
async def a_reset_by_register_keeps_the_weights(dut: Any) -> None:
    host = await host_of(dut)
    assert await load(host, CASE["images"][1]) & LOADED
    await host.write("control", 1)
    await host.send(beats(INPUTS[:2]))
    assert await left(host, 2) == OUTPUTS[1][:2]
    # One by the pin forgets them.
    dut.aresetn.value = 0
    for _ in range(3):
        await RisingEdge(dut.aclk)
    dut.aresetn.value = 1
    await RisingEdge(dut.aclk)
    assert not await host.read("status") & (LOADED | WANTED)
