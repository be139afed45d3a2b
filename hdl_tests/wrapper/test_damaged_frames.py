"""Damaged frames through whole networks: the list of damage is written first, every other bit is exact."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bus_model import Beat, apply_damage, draw_damage, pack, received
from shell_bench import lines

from fpgaq import pipeline
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import IntegerGraph
from tests.support.bus_answers import answer
from tests.support.network_builder import NetworkBuilder

pytestmark = [pytest.mark.once, pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")]

BENCH = Path(__file__).with_name("wrapped_bench.v")
FRAMES = 40


def pictures() -> IntegerGraph:
    return NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(3, relu=False).graph()


def vector() -> IntegerGraph:
    return NetworkBuilder(9, (1, 1, 7), Format(12, 4)).affine(30).affine(5, relu=False).graph()


def simulate(folder: Path, manifest: dict[str, Any], beats: list[Beat], bus: int, *arguments: str) -> list[str]:
    words = (
        (beat.user << 1 | beat.last) << 9 * bus | beat.keep << 8 * bus | int.from_bytes(beat.data, "little")
        for beat in beats
    )
    (folder / "input.hex").write_text("".join(f"{word:x}\n" for word in words), encoding="ascii")
    idle = 2 * manifest["wrapper"]["prediction"]["latency_cycles"] + 200
    defines = [
        f"-DBUS_BITS={8 * bus}",
        f"-DWORDS={len(beats)}",
        f"-DIDLE={idle}",
        '-DFPGAQ_ROM_DIR="rtl"',
        "-DFPGAQ_CHECKS",
    ]
    command = ["iverilog", "-g2005", *defines, "-s", "wrapped_bench", "-o", "bench.vvp", str(BENCH)]
    subprocess.run([*command, *manifest["wrapper"]["files"]], cwd=folder, check=True, timeout=300)
    subprocess.run(["vvp", "-n", "bench.vvp", *arguments], cwd=folder, check=True, timeout=300, capture_output=True)
    return (folder / "output.txt").read_text(encoding="ascii").splitlines()


@pytest.mark.parametrize("drop", [False, True], ids=["mark", "drop"])
@pytest.mark.parametrize("bus", [32, 64, 128])
@pytest.mark.parametrize("network", [pictures, vector])
def test_one_lost_beat_costs_one_frame(network: Any, bus: int, drop: bool, tmp_path: Path) -> None:
    wish = Wish(bus, buffered=drop, top="mine")
    result = pipeline.generate(network(), tmp_path, Target(multipliers=40), frames=1, wish=wish)
    manifest, interface = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("manifest", "interface"))
    public = interface["wrapper"]
    chance = random.Random(bus + drop)
    length = public["input"]["bytes_per_frame"]
    packed = [pack(chance.randbytes(length), bus // 8) for _ in range(FRAMES)]
    damages = draw_damage(packed, chance, 0.4)
    arrived = apply_damage([beat for frame in packed for beat in frame], damages)
    frames = received(arrived, length)
    damaged = sum(mark for _, mark in frames)
    assert 5 <= damaged <= FRAMES // 2 + 5
    answers = answer(result.network, [payload for payload, _ in frames], public)
    expected: list[str] = []
    for (_, mark), payload in zip(frames, answers, strict=True):
        if not (drop and mark):
            expected += lines(pack(payload, bus // 8, mark))
    for arguments in ([], ["+gaps"]):
        assert simulate(tmp_path, manifest, arrived, bus // 8, *arguments) == expected, damages
