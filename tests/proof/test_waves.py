"""Waves of a simulation, and the files by which GTKWave and Surfer show them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from small_network import make_interface, make_manifest, run_bench, write_output

from fpgaq import pipeline
from fpgaq.base.errors import UsageError, VerificationError
from fpgaq.hardware.schedule import Target
from fpgaq.proof.simulate import simulate
from fpgaq.proof.waves import Group, Signal, check_waves, view_files, wave_groups
from tests.support.integer_networks import small_network

pytestmark = pytest.mark.once
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


def bits_by_path(waves: Path) -> dict[str, int]:
    """Every signal of an FST file, as the reader of Surfer finds it."""
    from pywellen import Waveform

    return {found.full_name: found.bitwidth for found in Waveform(str(waves)).all_vars()}


def shown_by_gtkwave(path: Path) -> list[tuple[str, int]]:
    found = re.findall(r"^\+\{[^}]+\} ([\w.]+)(?:\[(\d+):0\])?$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [(name, int(high or 0) + 1) for name, high in found]


def shown_by_surfer(path: Path) -> list[str]:
    return re.findall(r"^variable_add (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def check_views(waves: Path, streams: int, ports: int) -> None:
    known, shown = bits_by_path(waves), shown_by_gtkwave(waves.with_suffix(".gtkw"))
    assert len(shown) == 5 + 3 * streams + 4 * ports
    assert [(name, known[name]) for name, _ in shown] == shown
    assert shown_by_surfer(waves.with_suffix(".sucl")) == [name for name, _ in shown]


@needs_icarus
def test_every_signal_of_the_views_is_in_the_waves(tmp_path: Path) -> None:
    output = write_output(tmp_path / "out")
    result = simulate(output, frames=1, waves=tmp_path / "a.fst")
    assert result.waves == tuple(str(tmp_path / f"a.{end}") for end in ("fst", "gtkw", "sucl"))
    check_views(tmp_path / "a.fst", streams=3, ports=2)
    assert "-after relu_b: 2 x 7 bits, unsigned" in (tmp_path / "a.gtkw").read_text(encoding="utf-8")


@needs_icarus
@pytest.mark.parametrize("multipliers", [12, 100])
def test_every_signal_of_generated_networks(tmp_path: Path, multipliers: int) -> None:
    folder = tmp_path / "out"
    pipeline.generate(small_network(), folder, Target(multipliers=multipliers), frames=1)
    assert run_bench(folder, "--tests", "unstalled", "--waves")[0] == 0
    waves = Path(shutil.copy(folder / "bench" / "build" / "fpgaq_bench.fst", tmp_path / "a.fst"))
    manifest, interface = (json.loads((folder / f"{name}.json").read_text()) for name in ("manifest", "interface"))
    for path, text in view_files(waves, manifest, interface).items():
        path.write_text(text, encoding="utf-8")
    check_views(waves, len(manifest["streams"]), len(interface["inputs"]) + len(interface["outputs"]))


@needs_icarus
def test_waves_show_a_beat_that_differs(tmp_path: Path) -> None:
    output = write_output(tmp_path / "out", {"s1_data[7] ? 7'd0 : s1_data[6:0]": "s1_data[6:0] ^ 7'd1"})
    with pytest.raises(VerificationError, match="relu_b"):
        simulate(output, waves=tmp_path / "wrong.fst")
    check_views(tmp_path / "wrong.fst", streams=3, ports=2)


@needs_icarus
def test_the_bench_alone_writes_waves(tmp_path: Path) -> None:
    output = write_output(tmp_path / "out")
    status, _ = run_bench(output, "--tests", "unstalled", "--waves")
    assert status == 0 and "fpgaq_bench.dut.s0_data" in bits_by_path(output / "bench" / "build" / "fpgaq_bench.fst")
    assert "fpgaq_bench.fst" in (output / "bench" / "build" / ".fpgaq-products").read_text(encoding="utf-8")


def test_signals_by_kind() -> None:
    manifest, interface = make_manifest(b""), make_interface()
    manifest["streams"][0] |= {"lanes": 1, "layer": "a{b}\nc"}
    groups = {group.title: group.signals for group in wave_groups(manifest, interface)}
    data = groups["after a(b)\\nc: 1 x 8 bits, signed"][-1]
    assert data == Signal("fpgaq_bench.dut.s0_data", "data", 8, True, True)
    assert (data.flags, data.ranged) == ("424", "fpgaq_bench.dut.s0_data[7:0]")
    assert groups["input x: 2 x 8 bits, signed"][-1].flags == "22"
    assert Signal("a.b", "b", 8, True).flags == "24"
    assert Signal("a.b", "b").ranged == "a.b" and Signal("a.b", "b").flags == "28"
    assert isinstance(wave_groups(manifest, interface)[0], Group)
    assert view_files("a/b.fst", manifest, interface).keys() == {Path("a/b.gtkw"), Path("a/b.sucl")}


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--waves a.vcd: .*name a file that ends in .fst"):
        check_waves("a.vcd", "icarus", {})
    with pytest.raises(UsageError, match="leave --simulator verilator out"):
        check_waves("a.fst", "verilator", {})
    with pytest.raises(UsageError, match="without --weights loadable"):
        check_waves("a.fst", "icarus", {"image": {}})
    (tmp_path / "b.gtkw").mkdir()
    with pytest.raises(UsageError, match="b.gtkw: is a folder"):
        check_waves(tmp_path / "b.fst", "icarus", {})
    with pytest.raises(UsageError, match="ends in .fst"):
        simulate(write_output(tmp_path / "out"), waves=tmp_path / "out.vcd")
