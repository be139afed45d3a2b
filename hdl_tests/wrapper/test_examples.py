"""Every example behind a bus, with hundreds of damaged frames: the list of damage first, every other bit exact."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from bus_model import apply_damage, draw_damage, pack, received

from fpgaq import pipeline
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.proof.bus_bench import as_bytes
from tests.support.bus_answers import answer
from tests.support.compiled_driver import compile_with

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/model.nnp"))
BUS, FRAMES, LEAST_DAMAGED = 8, 320, 200
BUDGET = 256


@pytest.mark.parametrize("name", NAMES)
def test_one_lost_beat_costs_one_frame_of_every_example(name: str, tmp_path: Path) -> None:
    example, folder = EXAMPLES / name, tmp_path / "out"
    integer = pipeline.quantize(pipeline.load_model(example / "model.nnp"), example / "calibration.npz")
    wish = Wish(8 * BUS, buffered=True, top="mine")
    result = pipeline.generate(integer, folder, Target(multipliers=BUDGET), frames=1, wish=wish)
    manifest, interface = (json.loads((folder / f"{one}.json").read_text()) for one in ("manifest", "interface"))
    public = interface["wrapper"]
    chance = random.Random(name)
    # Real samples, so that the outputs are no saturated noise, each with a byte of its own.
    (samples,) = integer.samples.values()
    payloads = as_bytes(samples, public["input"]).astype(np.uint8).reshape(len(samples), -1)
    packed = []
    for index in range(FRAMES):
        payload = bytearray(payloads[index % len(payloads)].tobytes())
        payload[chance.randrange(len(payload))] ^= chance.randrange(256)
        packed.append(pack(bytes(payload), BUS))
    damages = draw_damage(packed, chance, 2.0)
    arrived = apply_damage([beat for frame in packed for beat in frame], damages)
    frames = received(arrived, public["input"]["bytes_per_frame"])
    assert sum(mark for _, mark in frames) >= LEAST_DAMAGED
    answers = answer(result.network, [payload for payload, _ in frames], public)
    main = Path(__file__).with_name("damaged_main.cpp")
    program = compile_with(main, folder, manifest["wrapper"]["files"], "mine", tmp_path)
    text = "".join(f"{beat.user:d} {beat.last:d} {beat.keep:x} {beat.data[::-1].hex()}\n" for beat in arrived)
    (tmp_path / "input.txt").write_text(text, encoding="ascii")
    idle = str(3 * manifest["wrapper"]["prediction"]["latency_cycles"] + 500)
    for gaps, mark in (("0", "1"), ("0", "0"), ("1", "1"), ("1", "0")):
        expected = [
            f"{beat.user:d} {beat.last:d} {beat.keep:02x} {beat.data[::-1].hex()}"
            for (_, damaged), payload in zip(frames, answers, strict=True)
            if mark == "1" or not damaged
            for beat in pack(payload, BUS, damaged)
        ]
        command = [program, "input.txt", idle, gaps, mark]
        done = subprocess.run(command, cwd=tmp_path, check=True, timeout=900, capture_output=True, text=True)
        assert done.stdout.splitlines() == expected, damages
    print(f"{name}: {len(arrived)} beats, {len(frames)} frames, {sum(mark for _, mark in frames)} damaged, 0 wrong")
