"""A board behind a pseudo-terminal: the shell with its core, and the netlist that is placed; frames by `infer`."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import ToolError, VerificationError
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.synth.project import read_project
from fpgaq.hardware.synth.yosys import run_yosys, workspace
from fpgaq.proof.board_host import BoardHost
from tests.support.network_builder import NetworkBuilder

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++"),
    pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed"),
]

RATE = 3_000_000  # four cycles a bit: a netlist is slow to simulate


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a board, its bitstream made by the tools from pip; the weights fill block RAMs."""
    folder = tmp_path_factory.mktemp("board")
    network = NetworkBuilder(5, (1, 1, 24)).affine(24).affine(6, relu=False).graph()
    pipeline.generate(network, folder / "out", Target(multipliers=1), frames=2, wish=Wish(32, top="eye"))
    result = pipeline.bitstream(folder / "out", "icebreaker", folder / "board", baud=RATE)
    made = result.bitstream
    assert made.fmax_mhz >= 12 and made.content == (folder / "board" / "eye.bin").read_bytes()
    assert made.content.startswith(b"\xff\x00") or len(made.content) > 100_000
    assert result.load_command[:3] == ["openFPGALoader", "-b", "ice40_generic"]
    return folder / "board"


def samples(board: Path, count: int) -> dict[str, np.ndarray]:
    """Random data for the network of a board."""
    network = pipeline.load_integer(board / "network.fpgaq")
    (name,) = network.inputs
    shape = network.transforms[name].model_shape
    return {name: np.random.default_rng(4).normal(0, 60, size=(count, *shape))}


def changed(board: Path, target: Path, edit: Callable[[Path, dict[str, Any]], None]) -> Path:
    """A copy of a board's folder, edited, with digests as if it had been made so."""
    shutil.copytree(board, target)
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    edit(target, manifest)
    names = [path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()]
    digests = {name: hashlib.sha256((target / name).read_bytes()).hexdigest() for name in sorted(names)
               if name not in ("manifest.json", ".fpgaq-output")}  # fmt: skip
    (target / "manifest.json").write_text(json.dumps({**manifest, "digests": digests}), encoding="utf-8")
    return target


def use_netlist(target: Path, manifest: dict[str, Any]) -> None:
    """Put the placed netlist, with Yosys's models of its cells, in the place of the board's Verilog."""
    netlist = json.loads((target / "board" / "netlist.json").read_text(encoding="utf-8"))
    module = netlist["modules"][manifest["board"]["module"]]
    for cell in module["cells"].values():
        for name, value in cell["parameters"].items():
            if name.startswith("INIT") and isinstance(value, str):
                cell["parameters"][name] = value.replace("x", "0")
        cell["connections"] = {name: ["0" if bit == "x" else bit for bit in bits]
                               for name, bits in cell["connections"].items()}  # fmt: skip
    with workspace(read_project(target, wrapped=True)) as place_folder:
        (place_folder / "netlist.json").write_text(json.dumps(netlist), encoding="utf-8")
        done = run_yosys(["read_json netlist.json", "write_verilog -noattr netlist.v"], place_folder, 600)
        assert done.code == 0
        shutil.copy(place_folder / "netlist.v", target / "netlist.v")
    spec = importlib.util.find_spec("pyosys")
    assert spec is not None and spec.origin is not None
    models = (Path(spec.origin).parent / "share" / "ice40" / "cells_sim.v").read_text(encoding="utf-8")
    # What iCEcube knows of delays is of no use here, and Verilator reads no paths of it.
    models = re.sub(r"^\s*specify\b.*?^\s*endspecify", "", models, flags=re.MULTILINE | re.DOTALL)
    (target / "models.v").write_text("`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + models, encoding="utf-8")
    manifest["board"]["files"] = ["models.v", "netlist.v"]


def test_frames_of_the_simulated_board_are_exact(board: Path) -> None:
    result = pipeline.infer(board, "sim", samples(board, 3))
    assert (result.frames, result.equal, result.resent, result.notes) == (3, 3, 0, ())


def test_the_netlist_is_exact(board: Path, tmp_path: Path) -> None:
    same = changed(board, tmp_path / "same", use_netlist)
    assert pipeline.infer(same, "sim", samples(board, 3)).equal == 3


def flip_weight(netlist: dict[str, Any], module: str) -> None:
    """Invert one weight: of a block RAM of 512 x 8 bits each 16 bits hold two words, one in the even places."""
    cells = netlist["modules"][module]["cells"]
    name = min(name for name, cell in cells.items() if "weight_rom" in name and "INIT_0" in cell["parameters"])
    bits = list(cells[name]["parameters"]["INIT_0"])
    for place in range(len(bits) - 15, len(bits), 2):
        bits[place] = "0" if bits[place] == "1" else "1"
    cells[name]["parameters"]["INIT_0"] = "".join(bits)


def test_one_wrong_weight_of_the_netlist_names_the_frame(board: Path, tmp_path: Path) -> None:
    """One weight in the netlist that is placed: exit code 7, and the frame by its number."""

    def edit(target: Path, manifest: dict[str, Any]) -> None:
        path = target / "board" / "netlist.json"
        netlist = json.loads(path.read_text(encoding="utf-8"))
        flip_weight(netlist, manifest["board"]["module"])
        path.write_text(json.dumps(netlist), encoding="utf-8")
        use_netlist(target, manifest)

    wrong = changed(board, tmp_path / "wrong", edit)
    with pytest.raises(
        VerificationError, match=r"^frame \d+: element \d+: expected -?\d+, the board computed"
    ) as caught:
        pipeline.infer(wrong, "sim", samples(board, 8))
    assert caught.value.exit_code == 7


def test_one_wrong_weight_of_the_shell_names_the_frame(board: Path, tmp_path: Path) -> None:
    def edit(target: Path, manifest: dict[str, Any]) -> None:
        path = next(target / name for name in manifest["memory_files"] if "weights" in name)
        lines = path.read_text(encoding="ascii").split("\n")
        place = next(place for place, line in enumerate(lines) if re.fullmatch("[0-9a-f]{2}", line))
        lines[place] = f"{int(lines[place], 16) ^ 0x40:02x}"
        path.write_text("\n".join(lines), encoding="ascii")

    wrong = changed(board, tmp_path / "wrong", edit)
    with pytest.raises(VerificationError, match=r"^frame \d+: element \d+: expected"):
        pipeline.infer(wrong, "sim", samples(board, 8))


def shelled(out: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a board whose bitstream nobody needs: nothing is placed."""
    from fpgaq.hardware.board import bitstream as made
    from fpgaq.hardware.synth.cells import Counts

    def nothing(*_: object) -> made.Bitstream:
        return made.Bitstream(b"none", b"{}", "bin", Counts(1, 1, 1, 1), {}, 12.0, 1, (), 0.0)

    monkeypatch.setattr(made, "make_bitstream", nothing)
    pipeline.bitstream(out, "icebreaker", target, baud=RATE)
    return target


def test_weights_are_loaded_over_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One board runs two networks; a damaged word is refused and sent again, an image of another core is not run."""
    from fpgaq.integer.file import save
    from tests.support.loadable import with_others

    network = NetworkBuilder(5, (1, 1, 24)).affine(24).affine(6, relu=False).graph()
    wish = Wish(32, top="eye", loadable=True)
    pipeline.generate(network, tmp_path / "out", Target(multipliers=4), frames=2, wish=wish)
    board = shelled(tmp_path / "out", tmp_path / "board", monkeypatch)
    save(with_others(network, 6), tmp_path / "other.fpgaq")
    assert pipeline.infer(board, "sim", samples(board, 3)).equal == 3
    assert pipeline.infer(board, "sim", samples(board, 3), weights=tmp_path / "other.fpgaq").equal == 3

    from fpgaq.hardware.board.link import encode

    ask, spoiled = BoardHost._ask, []

    def twice(self: BoardHost, kind: int, data: bytes, size: int, name: str) -> bytes:
        """The answer to one word of the image is lost: the word comes twice, and is counted as sent again."""
        answer = ask(self, kind, data, size, name)
        if kind == 3 and data[0] == 0x54 and len(spoiled) < 1:
            spoiled.append(encode(data))
            self.resent += 1
            ask(self, kind, data, size, name)
        return answer

    monkeypatch.setattr(BoardHost, "_ask", twice)
    result = pipeline.infer(board, "sim", samples(board, 2))
    assert result.equal == 2 and result.notes == ("the weights: refused after damage on the line; sent again",)

    load = BoardHost.load_weights

    def foreign(self: BoardHost, image: bytes, digest: str) -> bool:
        return load(self, bytes([image[0] ^ 1]) + image[1:], digest)

    monkeypatch.setattr(BoardHost, "load_weights", foreign)
    with pytest.raises(VerificationError, match="the board refuses the weights"):
        pipeline.infer(board, "sim", frames=1)


def test_another_network_and_damage_on_the_line(board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut byte is one line, and the frame is exact when it is sent again; so is a wrong CRC."""
    from fpgaq.base.serial_line import SerialLine

    write, count = SerialLine.write, 0

    def spoil(self: SerialLine, data: bytes, seconds: float) -> None:
        nonlocal count
        count += 1
        # Ten packets ask for the digest, one clears the counters.
        if count == 13:
            data = data[:9] + data[10:]
        elif count == 15:
            data = data[:9] + bytes([data[9] ^ 0x55]) + data[10:]
        write(self, data, seconds)

    monkeypatch.setattr(SerialLine, "write", spoil)
    result = pipeline.infer(board, "sim", samples(board, 4))
    assert (result.equal, result.resent) == (4, 2)
    assert result.notes == ("frame 1: the board found a wrong CRC; sent again",
                            "frame 2: the board found a wrong CRC; sent again")  # fmt: skip

    def other(self: BoardHost, offset: int) -> int:
        return {0: 0x51475046, 4: 0x10000}.get(offset, 1)

    monkeypatch.setattr(BoardHost, "read", other)
    with pytest.raises(VerificationError, match="the board holds the network 000000010000"):
        pipeline.infer(board, "sim", frames=1)


def test_a_silent_port_is_one_line(board: Path) -> None:
    import os

    _, slave = os.openpty()
    with pytest.raises(ToolError, match="no answer, 3 times; check port, baud rate and cable"):
        pipeline.infer(board, os.ttyname(slave), frames=1, timeout=0.05)
