"""Names of the model reach generated text only as safe identifiers and comments."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.hardware.emit.names import COMMENT_LENGTH, comment, layer_module, rom_module, slug
from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.file_bench import run_file_bench
from tests.support.integer_networks import small_network

NASTY = [
    'x; initial $system("touch owned")', "a*/ b", "new\nline", 'quo"te', "back\\slash", "reg", "clk", "rst", "module",
    "class", "", "x" * 5000, "\u00fcber\u4e2d", "a/b", "a_b", "A", "a", "\u202etxt", "{{7*7}}", "../../x", "CON",
    "nul\0",
    "`define x", "$finish", "// c", "\r", "%m", "1st", "@scope/Convolution", "/*", "*/*", "\u4e2d\u4e2d/",
    "verilator lint_off", "synthesis translate_off", "end\\",
]  # fmt: skip


@settings(derandomize=True)
@given(st.one_of(st.text(max_size=40), st.sampled_from(NASTY)))
def test_identifiers_are_safe(name: str) -> None:
    assert re.fullmatch(r"layer_03_[a-z0-9](?:[a-z0-9_]{0,22}[a-z0-9])?", layer_module(3, name))
    assert re.fullmatch(r"rom_12_[a-z0-9][a-z0-9_]*_weights", rom_module(12, name, "weights"))
    assert slug(slug(name)) == slug(name)


@settings(derandomize=True)
@given(st.one_of(st.text(max_size=80), st.sampled_from(NASTY)))
def test_comments_are_safe(name: str) -> None:
    text = comment(name)
    assert len(text) <= COMMENT_LENGTH + 3
    assert re.fullmatch(r"[ -~]*", text)
    assert "`" not in text and "/*" not in text and "*/" not in text and not text.endswith(("\\", "??/"))


@pytest.mark.parametrize(
    "name", ["@runtime/Convolution", "a/b.c:0", 'x"$y', "back\\slash", "features.0.conv[3] (deep)"]
)
def test_names_of_models_stay_as_they_are(name: str) -> None:
    assert comment(name) == name


def test_no_name_stands_first_in_a_comment() -> None:
    """Verilator and synthesizers take some words there for commands."""
    names = ["verilator lint_off", "synthesis translate_off", "synopsys off", "pragma x", "verilator coverage_off"]
    graph = named(names)
    for path, text in emit(graph, make_schedule(graph, Target(multipliers=6))).items():
        for line in str(text).splitlines() if path.endswith(".v") else ():
            assert not re.search(r"//\s*(verilator|synthesis|synopsys|pragma)\b", line), line


def named(names: list[str]) -> IntegerGraph:
    graph = small_network()
    operators = tuple(replace(op, name=name) for op, name in zip(graph.operators, names, strict=True))
    return replace(graph, operators=operators, name=names[0])


@pytest.mark.parametrize("start", range(0, len(NASTY), 5))
def test_networks_of_nasty_names(start: int, tmp_path: Path) -> None:
    """Modules have different names even for similar layers, the map lists the originals, and the hardware computes."""
    names = [NASTY[(start + place) % len(NASTY)] for place in range(5)]
    graph = named(names)
    schedule = make_schedule(graph, Target(multipliers=6))
    files = emit(graph, schedule)
    manifest = json.loads(files["manifest.json"])
    assert [layer["layer"] for layer in manifest["layers"]] == names
    assert len({layer["module"] for layer in manifest["layers"]}) == 5
    for path, text in files.items():
        assert re.fullmatch(r"(rtl/[a-z0-9_]+\.(v|hex)|[a-z]+\.json)", path)
        assert str(text).isascii()
        modules = re.findall(r"^module (\S+)", str(text), flags=re.MULTILINE)
        assert not path.endswith(".v") or modules == [Path(path).stem]
        assert "owned" not in re.sub(r"//.*", "", str(text)) or path.endswith(".json")
    if shutil.which("iverilog"):
        result = run_file_bench(graph, schedule, graph.samples, workdir=tmp_path)
        assert result.mismatch is None
        assert not (tmp_path / "owned").exists()
