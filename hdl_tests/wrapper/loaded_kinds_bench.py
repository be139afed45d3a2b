"""cocotb test of one core that loads networks which differ in one kind of number each; run by test_loading.py.

FPGAQ_CASE is a JSON file as in loading_bench.py, and has `faulty` images: of the first network, but for one memory.
"""

from __future__ import annotations

from typing import Any

import cocotb
from loading_bench import CASE, INPUTS, LOADED, OUTPUTS, beats, left, load
from registers_bench import host_of


@cocotb.test()
async def networks_by_turns(dut: Any) -> None:
    """Every network in turn, and the first again; then one memory of each kind is wrong, and a frame shows it."""
    host = await host_of(dut)
    for turn in (*range(len(OUTPUTS)), 0):
        assert await load(host, CASE["images"][turn]) & LOADED
        before = len(host.frames)
        await host.send(beats(INPUTS))
        assert (await left(host, before + len(INPUTS)))[before:] == OUTPUTS[turn], turn
    for place, image in enumerate(CASE["faulty"]):
        assert await load(host, image) & LOADED
        before = len(host.frames)
        await host.send(beats(INPUTS))
        assert (await left(host, before + len(INPUTS)))[before:] != OUTPUTS[0], place
