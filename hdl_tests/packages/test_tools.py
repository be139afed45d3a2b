"""Packages in the hands of the tools for which they are made; `make packages` sets them up in a place of their own.

What runs on Tcl runs here with stand-ins for the vendors' commands: that shows sound Tcl and what it orders, not that a
vendor's tool takes it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fpgaq import pipeline
from fpgaq.hardware.emit.bus import signals
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.proof.harness_build import RUNTIME, runtime_folder
from fpgaq.proof.lint import find_verilator
from tests.support.network_builder import NetworkBuilder

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOOLS = Path(os.environ.get("FPGAQ_PACKAGE_TOOLS", ROOT / ".venv-packages")) / "bin"
BUS = 32

pytestmark = pytest.mark.once
needs_tools = pytest.mark.skipif(not (TOOLS / "fusesoc").exists(), reason="needs the tools of `make packages`")
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
needs_tcl = pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with a memory file, behind a bus."""
    folder = tmp_path_factory.mktemp("core") / "out"
    network = NetworkBuilder(5, (6, 6, 4)).convolution(8).affine(20, relu=False).graph()
    pipeline.generate(network, folder, Target(multipliers=1), frames=2, wish=Wish(BUS, top="eye"))
    assert any(path.suffix == ".hex" for path in (folder / "rtl").iterdir())
    return folder


def packaged(folder: Path, tool: str, target: Path) -> Path:
    pipeline.package(folder, tool, target)
    return target


def run(command: list[str | Path], cwd: Path, timeout: int = 300) -> str:
    environment = {**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    tool = find_verilator()
    environment |= tool.environment
    environment["PATH"] = f"{Path(tool.program).parent}:{environment['PATH']}"
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


@needs_tools
@needs_icarus
def test_fusesoc_lints_and_simulates(folder: Path, tmp_path: Path) -> None:
    package = packaged(folder, "fusesoc", tmp_path / "package")
    work = tmp_path / "work"
    work.mkdir()
    run(["fusesoc", "library", "add", "eye", package], work)
    lint = run(["fusesoc", "run", "--target=lint", "fpgaq:networks:eye"], work)
    assert "%Warning" not in lint and "%Error" not in lint
    simulated = run(["fusesoc", "run", "--target=sim", "fpgaq:networks:eye"], work)
    assert "PASS: " in simulated and "FAIL" not in simulated


@needs_tools
@needs_icarus
def test_edalize_simulates(folder: Path, tmp_path: Path) -> None:
    package = packaged(folder, "edalize", tmp_path / "package")
    shown = run([TOOLS / "python", HERE / "check_edalize.py", package, "eye.edam.json"], tmp_path)
    assert "PASS: " in shown and "FAIL" not in shown


@needs_tools
def test_ipxact_is_valid(folder: Path, tmp_path: Path) -> None:
    component = packaged(folder, "vivado", tmp_path / "package") / "ipxact" / "eye.xml"
    assert "PASS" in run([TOOLS / "python", HERE / "check_ipxact.py", component], tmp_path)
    text = component.read_text(encoding="utf-8")
    component.write_text(text.replace("<ipxact:direction>in<", "<ipxact:direction>inward<", 1), encoding="utf-8")
    with pytest.raises(AssertionError):
        run([TOOLS / "python", HERE / "check_ipxact.py", component], tmp_path)


@needs_tools
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_litex_elaborates_and_moves_frames(folder: Path, tmp_path: Path) -> None:
    """All golden frames as one transfer from one memory to another: registers of LiteX's DMAs, every word compared."""
    package = packaged(folder, "litex", tmp_path / "package")
    run([TOOLS / "python", HERE / "check_litex.py", package, "eye", tmp_path], tmp_path)
    tool = find_verilator()
    sources = [package / name for name in (package / "files.f").read_text(encoding="ascii").split()]
    define = f'-DFPGAQ_ROM_DIR="{package / "rtl"}"'
    run([tool.program, "--cc", "--top-module", "fixture", "--prefix", "Vfixture", "--Mdir", "made", "-Wno-fatal",
         "-Wno-lint", define, "fixture.v", *sources], tmp_path)  # fmt: skip
    units = [f'#undef VL_PCH_INCLUDED\n#include "{path}"\n' for path in sorted((tmp_path / "made").glob("*.cpp"))]
    (tmp_path / "unit.cpp").write_text("".join(units), encoding="utf-8")
    include = runtime_folder(tool)
    run(["g++", "-O1", "-std=c++17", f"-I{include}", f"-I{include / 'vltstd'}", "-Imade", HERE / "litex_main.cpp",
         "unit.cpp", *(include / name for name in RUNTIME), "-pthread", "-o", "simulate"], tmp_path)  # fmt: skip
    lines = (package / "sim" / "output.hex").read_text(encoding="ascii").split()
    expected = [int(line, 16) & ((1 << BUS) - 1) for line in lines]
    found = run([tmp_path / "simulate", str(len(expected))], tmp_path)
    assert [int(line, 16) for line in found.split()] == expected


@needs_tcl
def test_vivado_script_orders_what_the_core_has(folder: Path, tmp_path: Path) -> None:
    package = packaged(folder, "vivado", tmp_path / "package")
    shown = run(["tclsh", HERE / "vendor.tcl", package / "package_ip.tcl"], tmp_path).splitlines()
    added = {Path(line.split()[-1]).name for line in shown if line.startswith("add_files ")}
    assert added == {path.name for path in (package / "rtl").iterdir()}
    joined = [line.split() for line in shown if line.startswith("ipx::associate_bus_interfaces")]
    assert [(words[2], words[4]) for words in joined] == [(name, "aclk") for name in ("s_axis", "m_axis", "s_axi")]
    assert shown[-1].startswith("ipx::save_core")


@needs_tcl
def test_quartus_component_has_every_port(folder: Path, tmp_path: Path) -> None:
    package = packaged(folder, "quartus", tmp_path / "package")
    shown = run(["tclsh", HERE / "vendor.tcl", package / "eye_hw.tcl"], tmp_path).splitlines()
    ports = {words[2]: (words[4], int(words[5])) for words in map(str.split, shown)
             if words[0] == "add_interface_port"}  # fmt: skip
    wanted = {one.name: ("Output" if one.outward else "Input", one.width) for one in signals(BUS)}
    assert ports == {**wanted, "aclk": ("Input", 1), "aresetn": ("Input", 1)}
    kinds = {words[1]: words[2:] for words in map(str.split, shown) if words[0] == "add_interface"}
    assert kinds == {"clock": ["clock", "end"], "reset": ["reset", "end"], "s_axis": ["axi4stream", "end"],
                     "m_axis": ["axi4stream", "start"], "s_axi": ["axi4lite", "end"]}  # fmt: skip
    named = {words[4] for words in map(str.split, shown) if words[0] == "add_fileset_file"}
    assert all((package / name).is_file() for name in named)


@pytest.mark.skipif(shutil.which("ghdl") is None, reason="needs ghdl")
def test_vhdl_component_is_analysed(folder: Path, tmp_path: Path) -> None:
    package = packaged(folder, "vivado", tmp_path / "package")
    run(["ghdl", "-a", "--std=93", package / "instance" / "eye.vhd"], tmp_path)


def test_the_names_of_the_requirements_are_pinned() -> None:
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines if not line.startswith("#"))
