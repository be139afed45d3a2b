"""HLS C++: a form for every operator, the same bytes every time, and a bench that finds every difference."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import FitError, UnsupportedError, UsageError
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.hls import describe, emit, sources, widest
from fpgaq.hardware.emit.hls.forms import FORMS, layer_text
from fpgaq.hardware.emit.hls.text import element_type, number
from fpgaq.hardware.emit.render import templates_folder
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.graph import OPERATORS, IntegerGraph, IntegerOperator
from fpgaq.proof.compiled import STRICT, compile_networks
from fpgaq.proof.vectors import golden_vectors
from tests.support.integer_networks import convolution_network, small_network
from tests.support.integer_operators import residual_network

HERE = Path(__file__).parent / "hls"
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None or shutil.which("make") is None, reason="needs g++ and make"
)


def write(graph: IntegerGraph, folder: Path, multipliers: int = 12) -> Path:
    pipeline.generate(graph, folder, Target(multipliers=multipliers), language="hls")
    return folder


def run_bench(folder: Path, *arguments: str) -> tuple[int, str]:
    result = subprocess.run(["./build/bench", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def test_every_operator_has_a_form() -> None:
    assert set(FORMS) == set(OPERATORS)
    used = {type(op) for op in (*small_network().operators, *residual_network().operators)}
    assert used == set(OPERATORS)


def test_an_operator_without_a_form_is_refused() -> None:
    class Unknown(IntegerOperator):
        pass

    with pytest.raises(UnsupportedError, match="layer 'odd': Unknown has no HLS form"):
        layer_text(None, Unknown("odd", ("a",), "b"))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match="unsigned elements of 64 bits"):
        element_type(Format(64, 0, signed=False))


def test_the_same_bytes() -> None:
    graph = residual_network()
    vectors = golden_vectors(graph).tensors
    first, second = (emit(graph, make_schedule(graph, Target(multipliers=12)), vectors) for _ in range(2))
    assert first == second
    assert list(first) == sorted(first)


def test_names_of_the_model_stay_in_comments() -> None:
    graph = small_network()
    hostile = '"; } // */ \\ `x` \n#error {{ 1 }}'
    operators = tuple(replace(op, name=f"{index} {hostile}") for index, op in enumerate(graph.operators))
    network = describe(replace(graph, name=hostile, operators=operators), widest(graph))
    plain = describe(graph, widest(graph), network.top)

    def code(text: str) -> list[str]:
        # A comment that is too long for its line has lines of its own.
        return [line.rstrip() for line in re.sub(r"//.*", "", text).splitlines() if line.strip()]

    assert {name: code(text) for name, text in sources(network).items()} == {
        name: code(text) for name, text in sources(plain).items()
    }
    assert re.fullmatch(r"[a-z0-9_]+", network.top)


def test_pragmas_stand_alone_and_say_what_they_buy() -> None:
    texts = sources(describe(residual_network(), widest(residual_network())))
    lines = [line for text in texts.values() for line in text.splitlines() if "FPGAQ_HLS(" in line]
    lines = [line for line in lines if "#define" not in line]
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r" +FPGAQ_HLS\([^()]*\)  // \S.*", line)] == []


def test_loops_are_labelled() -> None:
    for path in sorted((templates_folder() / "hls").glob("fpgaq_*.h")):
        if path.name in ("fpgaq_host.h", "fpgaq_bench.h", "fpgaq_bus_bench.h"):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for before, line in zip(lines, lines[1:], strict=False):
            if re.match(r" +for \(", line):
                assert re.fullmatch(r" *[a-z_]+:", before), f"{path.name}: {line}"


def test_literals() -> None:
    assert [number(value) for value in (5, -7, 1 << 31, -(1 << 63))] == [
        "5",
        "-7",
        "2147483648LL",
        "(-9223372036854775807LL - 1)",
    ]


@needs_compiler
@pytest.mark.parametrize("multipliers", [3, 60])
def test_every_operator_computes_what_the_reference_does(multipliers: int, tmp_path: Path) -> None:
    folder = write(residual_network(multipliers), tmp_path / "out", multipliers)
    result = subprocess.run(
        ["make", "--no-print-directory", "CXXFLAGS=-O0"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    frames = json.loads((folder / "manifest.json").read_text())["frames"]
    assert result.stdout.endswith(f"{frames} frames, 0 values differ\n")
    assert frames > 0


@needs_compiler
def test_the_bench_finds_what_is_wrong(tmp_path: Path) -> None:
    folder = write(small_network(), tmp_path / "out")
    subprocess.run(["make", "--no-print-directory", "CXXFLAGS=-O0"], cwd=folder, capture_output=True, check=True)
    # What a run leaves does not make the folder foreign.
    write(small_network(), folder)
    subprocess.run(["make", "--no-print-directory", "CXXFLAGS=-O0"], cwd=folder, capture_output=True, check=True)
    golden = folder / "vectors" / "m_axis.txt"
    right = golden.read_text()
    first, *others = right.splitlines()
    values = first.split()
    perturbed = " ".join([*values[:-1], str(int(values[-1]) + 1)])
    golden.write_text("\n".join([perturbed, *others]) + "\n")
    code, said = run_bench(folder)
    assert code == 1
    expected, found = int(values[-1]) + 1, int(values[-1])
    place = f"frame 0, row 0, column 0, channel {len(values) - 1}"
    assert f"m_axis.txt: {place}: expected {expected}, found {found}" in said
    for text, reason in (
        ("", "holds no frame"),
        (right[: right.rindex(" ")], "ends within a frame"),
        (first + "\n", "another number of frames"),
        (right.replace(values[0], "x", 1), "no integer"),
    ):
        golden.write_text(text)
        code, said = run_bench(folder)
        assert (code, reason in said) == (2, True), said
    golden.unlink()
    assert run_bench(folder)[0] == 2
    golden.write_text(right)
    assert run_bench(folder)[0] == 0
    # No frames at all, in every file alike.
    for path in (folder / "vectors").glob("*.txt"):
        path.write_text("")
    code, said = run_bench(folder)
    assert code == 2 and "holds no frame" in said


@needs_compiler
def test_a_wrong_weight_is_found(tmp_path: Path) -> None:
    folder = write(small_network(), tmp_path / "out")
    path = folder / "src" / "weights.h"
    text = path.read_text()
    found = re.search(r"biases_\d+\[\d+\] = \{\n +(-?\d+)", text)
    assert found is not None
    path.write_text(text[: found.start(1)] + str(int(found.group(1)) + 64) + text[found.end(1) :])
    result = subprocess.run(
        ["make", "--no-print-directory", "CXXFLAGS=-O0"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2 and "expected" in result.stdout


@needs_compiler
@pytest.mark.parametrize("multipliers", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_sanitizers_are_silent(multipliers: int, tmp_path: Path) -> None:
    folder = write(residual_network(1), tmp_path / "out", multipliers)
    result = subprocess.run(
        ["make", "--no-print-directory", "sanitize"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@needs_compiler
def test_the_kernel_allocates_nothing(tmp_path: Path) -> None:
    graph = residual_network()
    network = describe(graph, widest(graph), "network")
    compile_networks([network], [graph], tmp_path, options=["-O0"])
    command = ["g++", *STRICT, str(HERE / "allocation.cpp"), "./engine.so", "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    most = max(graph.tensors[name].size for name in (*graph.inputs, *graph.outputs))
    result = subprocess.run(["./program", str(most)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("clang++") is None, reason="needs clang++")
def test_clang_compiles_it(tmp_path: Path) -> None:
    folder = write(residual_network(), tmp_path / "out")
    result = subprocess.run(
        ["make", "--no-print-directory", "CXX=clang++"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")
@pytest.mark.parametrize(("steps", "code"), [("csim csynth", 0), ("csim cosym", 1)])
def test_the_tool_script(steps: str, code: int, tmp_path: Path) -> None:
    """Its commands, with the vendor's replaced by ones that say how they were called."""
    folder = write(small_network(), tmp_path / "out")
    commands = (
        "open_project set_top add_files open_solution set_part create_clock csim_design csynth_design cosim_design"
    )
    stubs = "".join(
        f"proc {name} args {{puts [list {name} {{*}}$args]}}\n" for name in f"{commands} export_design".split()
    )
    (tmp_path / "run.tcl").write_text(f"{stubs}source {folder}/run_hls.tcl\n")
    environment = {"PATH": "/usr/bin:/bin", "FPGAQ_STEPS": steps, "FPGAQ_PART": "xc7z020clg400-1", "FPGAQ_CLOCK": "5"}
    result = subprocess.run(
        ["tclsh", str(tmp_path / "run.tcl")], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == code, result.stderr
    if code:
        assert "FPGAQ_STEPS: cosym is none of csim csynth cosim export" in result.stderr
        return
    lines = result.stdout.splitlines()
    assert "set_part xc7z020clg400-1" in lines and "create_clock -period 5 -name default" in lines
    assert "csynth_design" in lines and not any(line.startswith(("cosim", "export")) for line in lines)
    named = [Path(word) for line in lines for word in line.split() if word.endswith(".cpp")]
    assert len(named) == 2 and all(path.is_file() for path in named)


def test_padding_that_is_no_zero(tmp_path: Path) -> None:
    graph = convolution_network(padding=(1, 2, 0, 1))
    text = sources(describe(graph, widest(graph)))["network.cpp"]
    assert f"outside = {graph.operators[0].padding_value};" in text  # type: ignore[attr-defined]
    assert "top = 1, left = 0;" in text


def test_a_folder_of_cpp_is_no_verilog(tmp_path: Path) -> None:
    folder = write(small_network(), tmp_path / "out")
    with pytest.raises(UsageError, match="holds HLS C"):
        pipeline.simulate(folder)
    with pytest.raises(UsageError, match="holds HLS C"):
        pipeline.synthesize(folder)
    with pytest.raises(UsageError, match="--language vhdl: verilog and hls are known"):
        pipeline.generate(small_network(), tmp_path / "other", language="vhdl")


def test_layers_do_not_share_multipliers(tmp_path: Path) -> None:
    """In Verilog they may; fewer than there are layers that multiply are refused here."""
    with pytest.raises(
        FitError, match="2 multipliers are fewer than the 3 layers that multiply.*--multipliers 3 or more"
    ):
        write(small_network(), tmp_path / "few", 2)
    write(small_network(), tmp_path / "enough", 3)


def test_vectors_hold_the_golden_values(tmp_path: Path) -> None:
    graph = small_network()
    folder = write(graph, tmp_path / "out")
    golden = golden_vectors(graph).tensors
    for port, tensor in (("s_axis", graph.inputs[0]), ("m_axis", graph.outputs[0])):
        stored = np.loadtxt(folder / "vectors" / f"{port}.txt", dtype=np.int64, ndmin=2)
        assert (stored == golden[tensor].reshape(len(stored), -1)).all()


AXIS = """#pragma once
#include <ap_int.h>
#include <hls_stream.h>
namespace hls {
template <class T, int U, int I, int D>
struct axis {
  static_assert(T::width % 8 == 0, "whole bytes");
  T data;
  ap_uint<T::width / 8> keep, strb;
  ap_uint<(U > 0 ? U : 1)> user;
  ap_uint<1> last;
};
}
"""
AP_TYPES = Path(os.environ.get("FPGAQ_AP_TYPES", ""))


needs_ap_types = pytest.mark.skipif(
    not (AP_TYPES / "ap_int.h").is_file(), reason="needs FPGAQ_AP_TYPES, a folder with AMD's ap_int.h and hls_stream.h"
)


def vendor_bench(folder: Path, headers: Path) -> list[str]:
    """Compile a folder's bench with the vendor's types to `vendor` in it; the command that did."""
    (headers / "ap_axi_sdata.h").write_text(AXIS, encoding="ascii")
    command = ["g++", "-std=c++17", "-w", f"-I{headers}", f"-I{AP_TYPES}", "-Isrc", "-I.", "bench.cpp",
               "src/network.cpp", "-o", "vendor"]  # fmt: skip
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-2000:]
    return command


@needs_compiler
@needs_ap_types
@pytest.mark.parametrize("bus", [32, 128])
def test_a_wrapper_with_the_vendors_types(bus: int, tmp_path: Path) -> None:
    graph = convolution_network()
    folder = tmp_path / "out"
    pipeline.generate(graph, folder, Target(multipliers=12), language="hls", wish=Wish(bus))
    vendor_bench(folder, tmp_path)
    ran = subprocess.run(["./vendor", "vectors"], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and " damaged, 0 differences" in ran.stdout


@needs_compiler
@needs_ap_types
def test_with_the_vendors_types(tmp_path: Path) -> None:
    """The ports are integers of the bits that interface.json says, and every golden value is equal."""
    folder = write(small_network(), tmp_path / "out")
    command = vendor_bench(folder, tmp_path)
    ran = subprocess.run(["./vendor", "vectors"], cwd=folder, capture_output=True, text=True, check=False)
    assert (ran.returncode, "0 values differ" in ran.stdout) == (0, True)
    interface = json.loads((folder / "interface.json").read_text(encoding="utf-8"))
    bits = [port["tdata_bits"] for side in ("inputs", "outputs") for port in interface[side]]
    text = (folder / "src" / "network.h").read_text(encoding="utf-8")
    kinds = re.findall(r"^struct (\w+) : fpgaq::Stream", text, re.MULTILINE)
    asserted = [f"static_assert(fpgaq::Data<{interface['top']}_parts::{kind}>::width == {width});"
                for kind, width in zip(kinds, bits, strict=True)]  # fmt: skip
    (folder / "widths.cpp").write_text(
        "\n".join(['#include "network.h"', *asserted, "int main() {}"]), encoding="ascii"
    )
    command = [*command[: command.index("bench.cpp")], "widths.cpp", "-o", "widths"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
