"""cocotb tests of a whole wrapper around a core that gives back what it gets; run by test_registers.py.

Frames have 21 bytes on a bus of 32 bits; the host is cocotbext-axi's AXI4-Lite master.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import cocotb
from bus_model import apply_damage, draw_damage, pack, received
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

BYTES, BUS = 21, 4
OFFSETS: dict[str, int] = json.loads(os.environ["FPGAQ_OFFSETS"])
DIGEST = os.environ["FPGAQ_DIGEST"]
READ_ONLY = [name for name in OFFSETS if name not in ("control", "errors")]
RESET, CLEAR, MARK = 1, 2, 4
SHORT, LONG, CUT, SENDER = 1, 2, 4, 8


class Host:
    """The bus's two sides: registers, and the streams with a monitor of their cycles."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, dut.aresetn, reset_active_level=False)
        self.frames: list[tuple[bytes, bool]] = []
        self.ends: list[int] = []
        self.longest = 0
        self.frame = b""
        self.ready = lambda: 1

    async def start(self) -> None:
        dut = self.dut
        for name in ("tdata", "tkeep", "tvalid", "tlast", "tuser"):
            getattr(dut, f"s_axis_{name}").value = 0
        dut.m_axis_tready.value = 1
        dut.aresetn.value = 0
        cocotb.start_soon(Clock(dut.aclk, 10, "ns").start())
        for _ in range(4):
            await RisingEdge(dut.aclk)
        dut.aresetn.value = 1
        cocotb.start_soon(self._take())
        for _ in range(4):
            await RisingEdge(dut.aclk)

    async def read(self, name: str) -> int:
        answer = await self.lite.read(OFFSETS[name], 4)
        assert answer.resp == AxiResp.OKAY
        return int.from_bytes(answer.data, "little")

    async def write(self, name: str, value: int) -> None:
        answer = await self.lite.write(OFFSETS[name], value.to_bytes(4, "little"))
        assert answer.resp == AxiResp.OKAY

    async def send(self, beats: list[Any]) -> None:
        dut = self.dut
        for beat in beats:
            dut.s_axis_tdata.value = int.from_bytes(beat.data, "little")
            dut.s_axis_tkeep.value, dut.s_axis_tlast.value = beat.keep, int(beat.last)
            dut.s_axis_tuser.value, dut.s_axis_tvalid.value = int(beat.user), 1
            while True:
                await ReadOnly()
                taken = int(dut.s_axis_tready.value)
                await RisingEdge(dut.aclk)
                if taken:
                    break
        dut.s_axis_tvalid.value = 0

    async def quiet(self) -> None:
        while await self.read("status") & 1:
            pass

    def forget(self) -> None:
        """Begin anew, as the hardware does after a reset."""
        self.frames, self.frame = [], b""

    async def _take(self) -> None:
        dut, cycle, stall = self.dut, 0, 0
        while True:
            dut.m_axis_tready.value = self.ready()
            await ReadOnly()
            valid, ready = int(dut.m_axis_tvalid.value), int(dut.m_axis_tready.value)
            stall = stall + 1 if valid and not ready else 0
            self.longest = max(self.longest, stall)
            if valid and ready:
                self.frame += int(dut.m_axis_tdata.value).to_bytes(BUS, "little")
                if int(dut.m_axis_tlast.value):
                    kept = int(dut.m_axis_tkeep.value).bit_count() - BUS
                    self.frames.append((self.frame[:kept] if kept else self.frame, bool(int(dut.m_axis_tuser.value))))
                    self.ends.append(cycle)
                    self.frame = b""
            await RisingEdge(dut.aclk)
            cycle += 1


async def host_of(dut: Any) -> Host:
    host = Host(dut)
    await host.start()
    return host


@cocotb.test()
async def every_register(dut: Any) -> None:
    """Each register's first value, and that only what can be written changes."""
    host = await host_of(dut)
    buffered = int(os.environ["FPGAQ_BUFFERED"])
    first = {name: 0 for name in OFFSETS} | {"magic": 0x51475046, "version": 0x10000}
    first |= {"geometry": BUS | buffered << 8, "input_bytes": BYTES, "output_bytes": BYTES}
    first |= {f"digest{index}": int(DIGEST[8 * index : 8 * index + 8], 16) for index in range(8)}
    assert {name: await host.read(name) for name in OFFSETS} == first
    for name in READ_ONLY:
        assert (await host.lite.write(OFFSETS[name], b"\xff\xff\xff\xff")).resp == AxiResp.SLVERR
    for offset in (max(OFFSETS.values()) + 4, 0x7C):
        assert (await host.lite.read(offset, 4)).resp == AxiResp.SLVERR
        assert (await host.lite.write(offset, b"\xff\xff\xff\xff")).resp == AxiResp.SLVERR
    await host.write("control", MARK)
    assert await host.read("control") == MARK
    # Byte strobes: the other bytes of the word leave `mark` alone.
    await host.lite.write(OFFSETS["control"] + 1, b"\0\0\0")
    assert await host.read("control") == MARK
    await host.write("control", 0)
    assert {name: await host.read(name) for name in OFFSETS} == first


@cocotb.test()
async def sticky_errors(dut: Any) -> None:
    """Each kind of damage sets its bit, which stays until 1 is written to it, and to no other."""
    host = await host_of(dut)
    await host.write("control", MARK)
    good = pack(bytes(range(BYTES)), BUS)
    from dataclasses import replace

    for bit, beats in (
        (SHORT, [*good[:2], replace(good[2], last=True)]),
        (LONG, [*good[:-1], replace(good[-1], last=False), good[-1]]),
        (CUT, [replace(good[0], keep=3), *good[1:]]),
        (SENDER, [*good[:-1], replace(good[-1], user=True)]),
    ):
        await host.send(beats)
        await host.quiet()
        assert await host.read("errors") == bit
        await host.write("errors", 0xFFFFFFFF & ~bit)
        assert await host.read("errors") == bit
        await host.write("errors", bit)
        assert await host.read("errors") == 0
    assert host.frames == [(bytes(range(12)).ljust(BYTES, b"\0"), True), (bytes(range(BYTES)), True),
                           (b"\0\1\0\0" + bytes(range(4, BYTES)), True), (bytes(range(BYTES)), True)]  # fmt: skip
    assert [await host.read(name) for name in ("frames_in", "frames_out", "frames_damaged")] == [4, 4, 4]
    await host.write("control", CLEAR | MARK)
    assert [await host.read(name) for name in ("frames_in", "frames_out", "frames_damaged")] == [0, 0, 0]


@cocotb.test()
async def under_load(dut: Any) -> None:
    """Registers are read and written all the while damaged frames pass with stalls; counters and frames are exact."""
    host = await host_of(dut)
    chance = random.Random(7)
    drop = int(os.environ["FPGAQ_BUFFERED"])
    host.ready = lambda: int(chance.random() < 0.6)
    packed = [pack(chance.randbytes(BYTES), BUS) for _ in range(40)]
    beats = [beat for frame in packed for beat in frame]
    arrived = apply_damage(beats, draw_damage(packed, chance, 0.5))
    sending = cocotb.start_soon(host.send(arrived))
    reads = 0
    while not sending.done():
        assert await host.read("magic") == 0x51475046
        await host.write("errors", 0)
        reads += 1
    assert reads > 10
    await host.quiet()
    expected = received(arrived, BYTES)
    kept = [(payload, mark) for payload, mark in expected if not (drop and mark)]
    assert host.frames == kept
    damaged = sum(mark for _, mark in expected)
    assert damaged >= 5
    names = ("frames_in", "frames_out", "frames_damaged", "frame_cycles", "longest_stall")
    found = [await host.read(name) for name in names]
    assert found == [len(expected), len(kept), damaged, host.ends[-1] - host.ends[-2], host.longest]


@cocotb.test()
async def hard_resets_in_mid_frame(dut: Any) -> None:
    """One cycle of aresetn at any beat empties everything: the frames after it are exact, unmarked and counted anew."""
    host = await host_of(dut)
    chance = random.Random(13)
    for _ in range(12):
        sending = cocotb.start_soon(host.send([beat for _ in range(3) for beat in pack(chance.randbytes(BYTES), BUS)]))
        for _ in range(chance.randrange(1, 30)):
            await RisingEdge(dut.aclk)
        sending.cancel()
        dut.s_axis_tvalid.value = 0
        dut.aresetn.value = 0
        await RisingEdge(dut.aclk)
        dut.aresetn.value = 1
        await RisingEdge(dut.aclk)
        host.forget()
        payloads = [chance.randbytes(BYTES) for _ in range(2)]
        await host.send([beat for payload in payloads for beat in pack(payload, BUS)])
        await host.quiet()
        assert host.frames == [(payload, False) for payload in payloads]
        assert [await host.read(name) for name in ("frames_in", "frames_out", "frames_damaged")] == [2, 2, 0]


@cocotb.test()
async def resets_in_mid_frame(dut: Any) -> None:
    """After a reset by register, at any beat, the next whole frame is right; none before it is wrong and unmarked."""
    host = await host_of(dut)
    chance = random.Random(11)
    await host.write("control", MARK)
    wrong = 0
    for _ in range(20):
        host.ready = (lambda: int(chance.random() < 0.5)) if chance.random() < 0.5 else (lambda: 1)
        payloads = [chance.randbytes(BYTES) for _ in range(3)]
        before = len(host.frames)
        beats = [beat for payload in payloads for beat in pack(payload, BUS)]
        cut = chance.randrange(1, 2 * len(beats) // 3)
        sending = cocotb.start_soon(host.send(beats))
        for _ in range(cut):
            await RisingEdge(dut.aclk)
        await host.write("control", RESET | MARK)
        await sending
        await host.quiet()
        frames = host.frames[before:]
        assert frames[-1] == (payloads[-1], False)
        wrong += sum(payload not in payloads for payload, mark in frames if not mark)
    assert wrong == 0
    assert await host.read("errors") == 0
