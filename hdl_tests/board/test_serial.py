"""A core on the serial line of a board, bit by bit: frames, registers, and packets with damage of every kind."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.hardware.board.boards import find_board
from fpgaq.hardware.board.link import END, ESC, ESC_END, Decoder, encode
from fpgaq.hardware.board.shell import Shell, make_shell
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.integer.reference import run
from fpgaq.proof.bus_bench import as_bytes
from fpgaq.proof.lint import lint
from tests.support.network_builder import NetworkBuilder

pytestmark = [pytest.mark.once, pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")]

BENCH = Path(__file__).with_name("serial_bench.v")
RATE = 3_000_000  # four cycles a bit at the clock of the iCEBreaker
BYTES = 7  # of an input frame: one whole word and a part of another


class Core:
    """A small network on a board, as text."""

    def __init__(self, folder: Path, board: str = "icebreaker", rate: int = RATE) -> None:
        network = NetworkBuilder(9, (1, 1, BYTES)).affine(5, relu=False).graph()
        result = pipeline.generate(network, folder, Target(multipliers=2), frames=1, wish=Wish(32, top="eye"))
        self.folder, self.network = folder, result.network
        self.manifest, self.interface = (
            json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("manifest", "interface")
        )
        self.shell: Shell = make_shell(find_board(board), rate, self.manifest, self.interface, "eye")
        for name, text in self.shell.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def answer(self, frame: bytes) -> bytes:
        """What the network makes of the bytes of an input frame, by the integer reference."""
        (name,), (output,) = self.network.inputs, self.network.outputs
        signed = self.network.tensors[name].format.signed
        values = np.frombuffer(frame, dtype=np.int8 if signed else np.uint8).astype(np.int64)
        results = run(self.network, {name: values.reshape(1, *self.network.tensors[name].shape)})[output]
        return as_bytes(results, self.interface["wrapper"]["output"]).astype(np.uint8).tobytes()


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Core:
    return Core(tmp_path_factory.mktemp("board") / "out")


def simulate(core: Core, script: list[bytes | int], work: Path) -> list[bytes | None]:
    """The payloads that come back; a number in the script waits for that many."""
    words = [word for part in script for word in ([0x100 + part] if isinstance(part, int) else part)]
    (work / "input.hex").write_text("".join(f"{word:x}\n" for word in words), encoding="ascii")
    sources = [core.folder / name for name in (*core.manifest["wrapper"]["files"], *core.shell.files)]
    defines = [f"-DWORDS={len(words)}", f"-DDIVIDER={core.shell.parameters['DIVIDER']}", "-DBOARD=eye_board",
               f'-DFPGAQ_ROM_DIR="{core.folder / "rtl"}"', "-DFPGAQ_CHECKS"]  # fmt: skip
    command = ["iverilog", "-g2005", *defines, "-s", "serial_bench", "-o", "bench.vvp", BENCH, *sources]
    subprocess.run(command, cwd=work, check=True, timeout=120)
    subprocess.run(["vvp", "-n", "bench.vvp"], cwd=work, check=True, timeout=300, capture_output=True)
    lines = (work / "output.txt").read_text(encoding="ascii").split("\n")[:-1]
    assert all(len(line) == 2 for line in lines), lines
    return Decoder().feed(bytes(int(line, 16) for line in lines))


def frame(number: int, data: bytes) -> bytes:
    return encode(bytes([1, number]) + data)


def lines_of_lint(core: Core, tmp_path: Path) -> tuple[str, ...]:
    files = [*core.manifest["wrapper"]["files"], *core.shell.files]
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(core.folder / name, tmp_path / name)
    manifest = {"top": core.shell.module, "files": files}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="ascii")
    return lint(tmp_path)


def test_no_line_of_lint(core: Core, tmp_path: Path) -> None:
    assert lines_of_lint(core, tmp_path) == ()


def test_a_line_on_the_header_of_a_board(tmp_path: Path) -> None:
    """An OrangeCrab: its pins, no line of lint, and frames at a rate of four cycles a bit."""
    core = Core(tmp_path / "out", "orangecrab", 12_000_000)
    name, pins = core.shell.constraints
    assert name == "pins.lpf" and 'FREQUENCY PORT "clk" 48 MHZ;' in pins
    for port, site in (("clk", "A9"), ("rx", "N17"), ("tx", "M18")):
        assert f'LOCATE COMP "{port}" SITE "{site}";' in pins
    assert lines_of_lint(core, tmp_path) == ()
    frames = [random.Random(place).randbytes(BYTES) for place in range(3)]
    script = [part for number, data in enumerate(frames) for part in (frame(number, data), number + 1)]
    expected = [bytes([0x81, number]) + core.answer(data) + b"\0" for number, data in enumerate(frames)]
    assert simulate(core, script, tmp_path) == expected


def test_frames_of_every_byte(core: Core, tmp_path: Path) -> None:
    chance = random.Random(3)
    frames = [bytes([END] * BYTES), bytes([ESC] * BYTES), bytes(BYTES), *(chance.randbytes(BYTES) for _ in range(9))]
    script: list[bytes | int] = []
    for number, data in enumerate(frames):
        script += [frame(number, data), number + 1]
    expected = [bytes([0x81, number]) + core.answer(data) + b"\0" for number, data in enumerate(frames)]
    assert simulate(core, script, tmp_path) == expected


def test_registers(core: Core, tmp_path: Path) -> None:
    digest = bytes.fromhex(core.manifest["digest"])
    offsets = [0x00, 0x0C, 0x10, *range(0x20, 0x40, 4), 0x14]
    words = [b"FPGQ", (BYTES).to_bytes(4, "little"),
             core.interface["wrapper"]["output"]["bytes_per_frame"].to_bytes(4, "little"),
             *(digest[at : at + 4][::-1] for at in range(0, 32, 4)), (4).to_bytes(4, "little")]  # fmt: skip
    script: list[bytes | int] = [encode(bytes([3, 77, 0x14]) + (4).to_bytes(4, "little")), 1]
    for number, offset in enumerate(offsets):
        script += [encode(bytes([2, number, offset])), number + 2]
    expected = [bytes([0x83, 77]), *(bytes([0x82, number]) + word for number, word in enumerate(words))]
    assert simulate(core, script, tmp_path) == expected


def damaged(kind: str, packet: bytes, chance: random.Random) -> bytes:
    # A bit that makes an END or an ESC of a byte makes two packets of one; those are tested below.
    place = chance.choice([at for at in range(1, len(packet) - 1) if packet[at] ^ 1 not in (END, ESC)])
    if kind == "cut":
        return packet[:place] + packet[place + 1 :]
    if kind == "repeated":
        return packet[:place] + packet[place : place + 1] + packet[place:]
    return packet[:place] + bytes([packet[place] ^ 1]) + packet[place + 1 :]


@pytest.mark.parametrize("kind", ["cut", "repeated", "flipped"])
def test_a_damaged_packet_costs_one_frame(kind: str, core: Core, tmp_path: Path) -> None:
    """No damaged frame reaches the core: each gives an error, and the one after it is exact."""
    chance = random.Random(kind)
    script: list[bytes | int] = []
    expected: list[bytes | None] = []
    for number in range(12):
        data = bytes(value for value in chance.randbytes(40) if value not in (END, ESC))[:BYTES]
        packet = encode(bytes([1, number]) + data)
        assert END not in packet[1:-1]
        script += [damaged(kind, packet, chance), len(expected) + 1]
        expected.append(None)
        script += [frame(100 + number, data), len(expected) + 1]
        expected.append(bytes([0x81, 100 + number]) + core.answer(data) + b"\0")
    found = simulate(core, script, tmp_path)
    assert [one for one in found if one is not None and one[0] == 0x81] == [one for one in expected if one]
    errors = [one for one in found if one is not None and one[0] == 0xFF]
    assert len(errors) == 12 and {one[2] for one in errors} == {1}


def test_packets_that_are_none_of_ours(core: Core, tmp_path: Path) -> None:
    data = bytes(range(BYTES))
    wrong_escape = bytes([END, 1, 0, ESC, 1, END])
    bad_check = bytes([1, 5]) + data
    packets: list[tuple[bytes, int]] = [
        (encode(bytes([9, 1, 2])), 2),  # an unknown kind
        (encode(bytes([1, 2])), 2),  # a frame without data
        (encode(bytes([2, 3])), 2),  # no offset
        (encode(bytes([2, 3, 0, 0])), 2),  # too much
        (encode(bytes([3, 4, 0x14, 4])), 2),  # not the whole value
        (frame(5, data + bytes(2)), 3),  # too long
        (frame(6, bytes(300)), 3),
        (wrong_escape, 1),
        (bytes([END]) + bad_check + (zlib.crc32(bad_check) ^ 1).to_bytes(4, "little") + bytes([END]), 1),
        (bytes([END, 7, END]), 1),  # shorter than a CRC
        (bytes([END, ESC, END]), 1),
    ]
    assert ESC_END not in data
    script: list[bytes | int] = [bytes([1, 2, 3, END, END, END]), 1]  # noise before the first packet
    for index, (packet, _) in enumerate(packets):
        script += [packet, 2 + 2 * index, frame(50 + index, data), 3 + 2 * index]
    found: list[Any] = simulate(core, script, tmp_path)
    assert found[0][0] == 0xFF and found[0][2] == 1
    assert [one[2] for one in found[1::2]] == [code for _, code in packets]
    assert all(one[0] == 0xFF for one in found[1::2])
    good = [bytes([0x81, 50 + index]) + core.answer(data) + b"\0" for index in range(len(packets))]
    assert found[2::2] == good


def test_a_short_frame_is_marked(core: Core, tmp_path: Path) -> None:
    """Its packet is right, so it reaches the core, which completes it with zeros and marks it."""
    data = bytes([1, 2, 3])
    script: list[bytes | int] = [frame(1, data), 1, frame(2, data + bytes(4)), 2]
    answer = core.answer(data + bytes(4))
    assert simulate(core, script, tmp_path) == [bytes([0x81, 1]) + answer + b"\1", bytes([0x81, 2]) + answer + b"\0"]
