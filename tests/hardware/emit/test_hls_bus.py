"""HLS C++ behind a bus: every width and shape, damaged frames by the wrapper's rule, faults that the bench finds."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import UsageError
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.schedule.bus import BusPort
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.bus_bench import slot_bytes
from fpgaq.proof.hls_bus import elements
from tests.support.network_builder import NetworkBuilder

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(shutil.which("g++") is None or shutil.which("make") is None, reason="needs g++ and make"),
]
SHAPES = {
    "a byte": ((1, 1, 1), Format(8, 4), 1, 8),
    "an odd pixel": ((3, 3, 5), Format(7, 4), 3, 8),
    "two bytes": ((2, 3, 3), Format(12, 4), 7, 16),
    "unsigned": ((2, 2, 4), Format(8, 0, signed=False), 5, 8),
    "words wider than a beat": ((2, 2, 2), Format(35, 20), 3, None),
    "many beats": ((4, 5, 3), Format(9, 4), 17, 16),
}


def network(name: str) -> IntegerGraph:
    shape, fmt, outputs, bits = SHAPES[name]
    builder = NetworkBuilder(7, shape, fmt)
    return builder.relu().graph() if bits is None else builder.affine(outputs, requantize=False).graph()


def write(graph: IntegerGraph, folder: Path, bus: int, multipliers: int = 4) -> Path:
    pipeline.generate(graph, folder, Target(multipliers=multipliers), language="hls", wish=Wish(bus))
    return folder


def make(folder: Path) -> tuple[int, str]:
    result = subprocess.run(["make", "-s", "CXXFLAGS=-O0"], cwd=folder, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


CASES = [(name, bus) for name in SHAPES for bus in (32, 64, 128)]


# Each shape on one width in the quick suite, on all of them in the slow one.
@pytest.mark.parametrize(
    ("name", "bus"),
    [pytest.param(*case, marks=[pytest.mark.slow] * (place % 4 != 0)) for place, case in enumerate(CASES)],
)
def test_whole_and_damaged_frames(name: str, bus: int, tmp_path: Path) -> None:
    code, out = make(write(network(name), tmp_path / "out", bus))
    damages = np.loadtxt(tmp_path / "out" / "vectors" / "damage.txt", dtype=int)
    beats = json.loads((tmp_path / "out" / "interface.json").read_text())["wrapper"]["input"]["beats_per_frame"]
    damaged = int((damages != [beats, 0, -1, 0]).any(axis=1).sum())
    assert damaged >= 5 and (code, out) == (0, f"{len(damages)} frames, {damaged} of them damaged, 0 differences\n")


FAULTS = {
    "no zeros for missing beats": (
        "place) : ap_uint<8>(0)",
        "place) : ap_uint<8>(165)",
    ),
    "surplus beats stay": ("while (!ended) {", "while (false) {"),
    "no mark": ("transfer.user = last ? marks.read()", "transfer.user = last && marks.read() == 2 ? ap_uint<1>(1)"),
    "tuser of any beat": ("marked = ended && transfer.user != 0;\n    }", "marked = marked || transfer.user;\n    }"),
    "tkeep ignored": ("!absent && transfer.keep[place]", "!absent"),
    "lanes exchanged": ("held[lane * F::slot + place]) << (8", "held[(S::lanes - 1 - lane) * F::slot + place]) << (8"),
    "no tkeep at the end": ("last ? F::last_bytes", "last ? F::beat_bytes"),
    "frames not counted": ("taken + 1", "taken"),
    "another network": ("digest_3 = ", "digest_3 = 1 + "),
}  # fmt: skip


@pytest.mark.parametrize(
    "fault", [pytest.param(name, marks=[pytest.mark.slow] * (place % 3 != 0)) for place, name in enumerate(FAULTS)]
)
def test_a_fault_is_found(fault: str, tmp_path: Path) -> None:
    folder = write(NetworkBuilder(7, (3, 3, 6), Format(8, 4)).affine(3).graph(), tmp_path / "out", 32, 18)
    old, new = FAULTS[fault]
    changed = 0
    for path in (folder / "src" / "fpgaq_bus.h", folder / "src" / "network.cpp"):
        text = path.read_text()
        changed += old in text
        path.write_text(text.replace(old, new))
    assert changed == 1
    assert make(folder)[0] != 0


def test_a_wrong_byte_or_a_missing_file_is_told(tmp_path: Path) -> None:
    folder = write(network("an odd pixel"), tmp_path / "out", 64)
    golden = folder / "vectors" / "m_axis.txt"
    lines = golden.read_text().splitlines()
    first = lines[1].split()
    lines[1] = " ".join([str((int(first[0]) + 1) % 256), *first[1:]])
    golden.write_text("\n".join(lines) + "\n")
    code, out = make(folder)
    assert code != 0 and "frame 1, byte 0: expected" in out
    golden.unlink()
    code, out = make(folder)
    assert code != 0 and "m_axis.txt: cannot be read" in out


def test_ports_registers_and_names(tmp_path: Path) -> None:
    graph = network("an odd pixel")
    pipeline.generate(graph, tmp_path / "out", language="hls", wish=Wish(64, top="eye"))
    interface = json.loads((tmp_path / "out" / "interface.json").read_text())
    assert interface["top"] == "eye" and interface["wrapper"]["bus_bits"] == 64
    assert (interface["wrapper"]["clock"], interface["wrapper"]["registers"]) == ("ap_clk", "s_axi_control")
    kernel = (tmp_path / "out" / "src" / "network.cpp").read_text()
    assert "void eye(" in kernel and kernel.count("mode = s_axilite") == 18
    assert kernel.count("mode = axis") == 2 and "set_top eye\n" in (tmp_path / "out" / "run_hls.tcl").read_text()


def test_what_the_wrapper_does_not_do_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--damaged drop needs the Verilog's wrapper"):
        pipeline.generate(network("a byte"), tmp_path / "out", language="hls", wish=Wish(32, buffered=True))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fmt", [Format(8, 0), Format(7, 0, signed=False), Format(13, 2), Format(31, 3), Format(64, 0)])
def test_slots_hold_elements(fmt: Format) -> None:
    port = BusPort("s_axis", 3, 1, 1, fmt.width, fmt.signed, 32)
    chance = np.random.default_rng(0)
    values = chance.integers(fmt.minimum, fmt.maximum, (5, 3, 1, 1), dtype=np.int64, endpoint=True)
    octets = slot_bytes(values, port.slot)
    assert octets.shape == (5, 3 * port.slot // 8) and octets.min() >= 0 and octets.max() <= 255
    assert np.array_equal(elements(octets, port, fmt).reshape(values.shape), values)
