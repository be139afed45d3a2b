"""The stand-ins for the vendor's integers, and the rounding rules in C++, against Python integers, exhaustively."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from fpgaq.base.formats import ROUNDINGS, round_divide, round_shift
from fpgaq.hardware.emit.render import templates_folder

HERE = Path(__file__).parent / "hls"
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")


def output_of(source: str, tmp_path: Path) -> list[list[str]]:
    """The words that a program prints, compiled under the sanitizer."""
    program = tmp_path / "program"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-O0", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    command = ["g++", *flags, f"-I{templates_folder() / 'hls'}", str(HERE / source), "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    lines = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split() for line in lines]


def wrap(number: int, width: int, signed: int) -> int:
    number %= 1 << width
    return number - (1 << width) if signed and number >> (width - 1) else number


def expected(kind: str, values: list[int]) -> list[int]:
    """Python's result for the operands of a line."""
    width, signed, number, *rest = values
    if kind == "make":
        return [wrap(number, width, signed)]
    if kind == "right":
        return [number >> rest[0]]
    if kind == "left":
        return [wrap(number << rest[0], width, signed)]
    if kind == "bit":
        return [number >> rest[0] & 1]
    if kind == "slice":
        high, low = rest[:2]
        return [number >> low & ((1 << (high - low + 1)) - 1)]
    if kind == "edge":
        value = wrap(number, width, signed)
        return [value, value >> 3, wrap(value << 5, width, signed)]
    other = rest[2]
    relations = [int(number < other), int(number == other), int(number >= other)]
    results = [number + other, number - other, number * other, wrap(other, width, signed)]
    return [*relations, *results, wrap(number + other, width, signed), wrap(number - other, width, signed)]


@needs_compiler
def test_stand_ins_are_python_integers(tmp_path: Path) -> None:
    counts = Counter()
    for kind, *words in output_of("stand_ins.cpp", tmp_path):
        values = [int(word) for word in words]
        results = expected(kind, values)
        assert values[-len(results) :] == results, (kind, values)
        counts[kind] += 1
    # Every value of every width from 1 to 5 with every shift, bit and slice, and every pair.
    numbers = [1 << width for width in range(1, 6)]
    assert counts["make"] == 2 * 5 * 111
    assert counts["left"] == counts["right"] == 2 * sum((width + 2) << width for width in range(1, 6))
    assert counts["bit"] == 2 * sum(width << width for width in range(1, 6))
    assert counts["slice"] == 2 * sum(width * (width + 1) // 2 << width for width in range(1, 6))
    assert counts["pair"] == 4 * sum(numbers) * sum(numbers[:4])
    assert counts["edge"] == 17 * 16


@needs_compiler
def test_rounding_rules_are_those_of_the_reference(tmp_path: Path) -> None:
    lines = output_of("rounding.cpp", tmp_path)
    assert len(lines) == 6 * 4 * 141 * (9 + 12)
    cases: dict[tuple[str, int, int], list[tuple[int, int]]] = {}
    for kind, *words in lines:
        rule, value, by, result = (int(word) for word in words)
        cases.setdefault((kind, rule, by), []).append((value, result))
    for (kind, rule, by), pairs in cases.items():
        values = [value for value, _ in pairs]
        function = round_shift if kind == "shift" else round_divide
        assert function(values, by, ROUNDINGS[rule]).tolist() == [result for _, result in pairs], (kind, rule, by)
