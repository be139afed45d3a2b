"""Commands that make hardware."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fpgaq.base import formats
from fpgaq.base.record import MARKER
from fpgaq.integer.file import load, save
from tests.cli.one_line import assert_one_line
from tests.support.network_builder import NetworkBuilder

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fps", "30"], "--clock"),
        (["--clock", "30"], "--fps"),
        (["--multipliers", "4", "--cycles", "100"], "exclude"),
        (["--multipliers", "4", "--fps", "30", "--clock", "50"], "exclude"),
        (["--multipliers", "0"], "above 0"),
        (["--cycles", "-5"], "above 0"),
        (["--fps", "nan", "--clock", "50"], "above 0"),
        (["--fps", "1e9", "--clock", "1"], "less than one cycle"),
        (["--fps", "1e-300", "--clock", "1e300"], "more than 1,099,511,627,776 cycles"),
        (["--fps", "1e-200", "--clock", "1"], "more than 1,099,511,627,776 cycles"),
        (["--frames", "-1"], "0 or more"),
        (["--nonsense"], "nonsense"),
        (["--bus", "48"], "'32', '64', '128'"),
        (["--damaged", "drop"], "give --bus too"),
        (["--top", "module"], "is a word of Verilog"),
        (["--top", "a/b"], "no name of a module"),
        (["--bus", "32", "--damaged", "drop", "--language", "hls"], "--damaged drop needs the Verilog's wrapper"),
        (["--pixels", "0"], "--pixels"),
        (["--pixels", "9999"], "give 1 to "),
        (["--output-pixels", "9999"], "--output-pixels 9999: a frame of "),
        (["--pixels", "2", "--language", "hls"], "HLS C++ carries a pixel a beat"),
        (["--pixels", "2", "--bus", "32", "--weights", "loadable"], "loaded weights go with a pixel a beat"),
        (["--pixels", "2", "--device", "xc7s50"], "give --multipliers or --cycles"),
        (["--pixels", "2", "--unroll", "--stages", "3"], "leave --pixels out"),
        (["--pixels", "2", "--unroll", "--cycles", "30"], "leave --cycles out"),
    ],
)
def test_targets_that_make_no_sense(call: Any, network: Path, options: list[str], words: str) -> None:
    code, _, err = call("generate", network, "-o", network.parent / "out", *options)
    assert code == 2
    assert_one_line(err)
    assert words in err and not (network.parent / "out").exists()


def test_a_wrapper_is_described(call: Any, network: Path) -> None:
    folder = network.parent / "out"
    options = ("--bus", "64", "--damaged", "drop", "--top", "mine", "--multipliers", 4)
    code, out, _ = call("generate", network, "-o", folder, *options)
    assert code == 0 and "wrapper mine: 64 bits; " in out and "buffer for damaged frames: " in out
    code, out, _ = call("generate", network, "-o", folder, *options, "--json")
    wrapper, stored = json.loads(out)["wrapper"], json.loads((folder / "manifest.json").read_text())["wrapper"]
    assert wrapper == {key: value for key, value in stored.items() if key != "files"}
    assert (folder / "rtl" / "mine.v").is_file() and stored["files"][-1] == "rtl/mine.v"


@pytest.mark.parametrize("options", [("--multipliers", 6), ("--unroll",), ("--language", "hls")])
def test_files_of_the_user_stay(call: Any, network: Path, options: tuple[object, ...]) -> None:
    if options == ("--unroll",):
        save(NetworkBuilder(5, (1, 1, 6), formats.Format(4, 3)).affine(3, relu=False).graph(), network)
    folder = network.parent / "out"
    assert call("generate", network, "-o", folder, *options, "--quiet")[0] == 0
    written = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    digests = json.loads(written.pop("manifest.json"))["digests"]
    del written[MARKER]
    assert digests == {name: hashlib.sha256(content).hexdigest() for name, content in written.items()}
    (folder / "bench" / "user").mkdir(parents=True)
    mine = (folder / "bench" / "user" / "mine.py", folder / "notes.log", folder / "paper" / "figures.txt")
    (folder / "paper").mkdir()
    for place in mine:
        place.write_text("mine")
    code, _, err = call("generate", network, "-o", folder, *options)
    assert code == 2 and "bench/user/" in err and "--keep FILE" in err and "fpgaq did not write" in err
    assert_one_line(err)
    keep = ("--keep", "notes.log", "--keep", "paper", "--keep", "not/there")
    code, _, err = call("generate", network, "-o", folder, *options, "--quiet", *keep)
    assert (code, err) == (0, "")
    assert [place.read_text() for place in mine] == ["mine"] * 3


@pytest.mark.skipif(shutil.which("g++") is None or shutil.which("make") is None, reason="needs make and g++")
def test_what_make_built_goes_and_what_it_did_not_stays(call: Any, network: Path) -> None:
    folder = network.parent / "out"
    assert call("generate", network, "-o", folder, "--target", "hls", "--quiet")[0] == 0
    subprocess.run(["make", "CXXFLAGS=-O0"], cwd=folder, check=True, capture_output=True, timeout=100)
    (folder / "build" / "mycode.c").write_text("mine")
    code, _, err = call("generate", network, "-o", folder, "--target", "hls")
    assert code == 2 and "'build/mycode.c', which fpgaq did not write" in err
    keep = ("--keep", "build/mycode.c")
    assert call("generate", network, "-o", folder, "--target", "hls", "--quiet", *keep)[0] == 0
    assert [place.name for place in (folder / "build").iterdir()] == ["mycode.c"]


def test_generate_and_simulate(call: Any, network: Path) -> None:
    folder = network.parent / "out"
    data = network.parent / "data.npz"
    code, out, err = call("generate", network, "-o", folder, "--multipliers", 6, "--data", data, "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    keys = {"multipliers", "budget", "interval_cycles", "latency_cycles", "efficiency", "aux_multipliers", "macs"}
    assert keys <= set(made)
    assert made["multipliers"] <= made["budget"] == 6 and made["macs"] == 36
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {"top", "files", "digest"} <= set(manifest)
    assert (folder / "interface.json").is_file()
    assert (folder / "network.fpgaq").read_bytes() == network.read_bytes()

    code, out, err = call("simulate", folder, "--json")
    assert (code, err) == (0, "")
    measured = json.loads(out)
    assert {"frames", "mismatches", "interval_cycles", "latency_cycles", "seconds"} <= set(measured)
    assert measured["mismatches"] == 0 and measured["frames"] >= 8
    exercise = measured["exercise"]
    assert 0 < exercise["exercised"] <= exercise["words"] - exercise["unreachable"]
    code, out, err = call("simulate", folder, "--thorough")
    assert (code, err) == (0, "")
    assert re.search(r"^weights exercised \d+ of \d+ words; unreachable \d+$", out, flags=re.MULTILINE)
    assert measured["interval_cycles"] == made["interval_cycles"]
    assert measured["latency_cycles"] == made["latency_cycles"]


def test_the_same_bytes_under_two_hash_seeds(network: Path) -> None:
    contents = []
    for seed in ("1", "2"):
        folder = network.parent / f"out{seed}"
        subprocess.run(
            [sys.executable, "-O", "-m", "fpgaq", "generate", network, "-o", folder, "--quiet"],
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "LC_ALL": "C"},
            cwd=ROOT,
            check=True,
        )
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert contents[0] == contents[1] and len(contents[0]) > 5


def test_an_unreachable_target_says_what_can_be_met(call: Any, tmp_path: Path) -> None:
    network = tmp_path / "net.fpgaq"
    save(NetworkBuilder(1, (4, 4, 2), formats.Format(8, 7)).convolution(3, (1, 1), requantize=False).graph(), network)
    code, _, err = call("generate", network, "-o", tmp_path / "out", "--cycles", 1)
    assert code == 5
    assert_one_line(err)
    assert "--cycles 16 or more" in err and not (tmp_path / "out").exists()


def test_unroll_and_simulate(call: Any, tmp_path: Path) -> None:
    network = tmp_path / "net.fpgaq"
    layers = NetworkBuilder(1, (1, 1, 4), formats.Format(8, 7)).affine(3).affine(2, requantize=False)
    save(layers.graph(), network)
    folder = tmp_path / "out"
    code, out, err = call("generate", network, "-o", folder, "--unroll", "--levels", 3, "--json")
    assert (code, err) == (0, "")
    made = json.loads(out)
    code, out, err = call("simulate", folder, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["interval_cycles"] == 1
    assert json.loads(out)["latency_cycles"] == made["latency_cycles"]


def test_cheapen(call: Any, network: Path, tmp_path: Path) -> None:
    cheap = tmp_path / "cheap.fpgaq"
    data = network.parent / "data.npz"
    code, out, err = call("cheapen", network, "--calibration", data, "--bound", 0.1, "-o", cheap, "--json")
    assert (code, err) == (0, "")
    layers = json.loads(out)["layers"]
    assert all(layer["digits_after"] < layer["digits_before"] for layer in layers) and len(layers) == 2
    assert load(cheap).name == load(network).name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--levels", 2), "give --unroll too"),
        (("--shallow",), "give --unroll too"),
        (("--tables", 4), "give --unroll too"),
        (("--unroll", "--tables", 0), "look-up tables of 0 inputs were asked for"),
        (("--unroll", "--tables", 5), "give 4 or 6"),
        (("--unroll", "--tables", 4, "--shallow"), "for look-up tables of 6 inputs"),
        (("--unroll", "--adders"), "leave --adders out"),
        (("--adders", "--target", "hls"), "--adders is about Verilog: leave --language hls or --adders out"),
        (("--unroll", "--language", "hls"), "leave --language hls or --unroll out"),
        (("--unroll", "--device", "xc7"), "leave it out with --unroll"),
        (("--unroll", "--pack", 18), "leave --pack out"),
        (("--unroll", "--logic", 8), "leave --logic out"),
        (("--unroll", "--buffers"), "leave --buffers out"),
        (("--buffers", "--language", "hls"), "leave it out with --language hls"),
        (("--pack", 18, "--language", "hls"), "leave it out with --language hls"),
        (("--logic", 8, "--language", "hls"), "leave it out with --language hls"),
        (("--pack", 25, "--device", "xc7z020"), "the search shares multipliers by itself"),
        (("--logic", 0, "--device", "xc7z020"), "the search builds products of logic by itself"),
        (("--device", "xc7", "--language", "hls"), "with --language hls the vendor's tool tells"),
        (("--adders", "--device", "xc7"), "estimates multipliers, not adders"),
        (("--unroll", "--levels", 2, "--stages", 3), "exclude one another"),
        (("--unroll", "--multipliers", 4), "leave --multipliers out"),
    ],
)
def test_unrolling_is_refused(call: Any, network: Path, options: tuple[Any, ...], message: str) -> None:
    code, _, err = call("generate", network, "-o", network.parent / "out", *options)
    assert code == 2 and message in err
    assert_one_line(err)


def test_generate_refuses_a_folder_of_others(call: Any, network: Path) -> None:
    folder = network.parent / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    code, _, err = call("generate", network, "-o", folder)
    assert code == 2 and "mine.txt" in err
    assert_one_line(err)
    assert (folder / "mine.txt").read_text() == "mine"
