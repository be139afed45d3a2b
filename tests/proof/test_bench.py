"""The bench must pass a right network and kill every broken one, saying exactly where it breaks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_network import make_graph, make_interface, make_manifest, run_bench, write_output

from fpgaq.base.errors import UsageError
from fpgaq.base.output import write_folder
from fpgaq.proof.bench import bench_files

pytestmark = [pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"), pytest.mark.once]

RELU_A_0 = "wire [7:0] a0 = s0_data[7] ? 8'd0 : s0_data[7:0];"
RELU_B_1 = "wire [6:0] b1 = s1_data[15] ? 7'd0 : s1_data[14:8];"
TLAST = "assign m_axis_tlast = out_beat == 5'd17;"
TVALID = "assign m_axis_tvalid = s2_valid;"
IN_READY = "assign in_ready = running & (level != 2'd2);"
OUT_WRAP = "out_beat <= (out_beat == 5'd17) ? 5'd0 : out_beat + 5'd1;"


def test_right_network_passes(tmp_path: Path) -> None:
    status, outcome = run_bench(write_output(tmp_path / "out"))
    assert status == 0
    assert [one["test"] for one in outcome["tests"]] == ["unstalled", "stalled", "reset_mid_frame", "misplaced_tlast"]
    assert (outcome["latency_cycles"], outcome["interval_cycles"], outcome["frames"]) == (20, 18, 6)


# name: (replacements, what the message must say)
BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "off by one": ({RELU_A_0: RELU_A_0.replace(": s0_data[7:0]", ": s0_data[7:0] + 8'd1")}, r"layer 'relu_a'"),
    "one side only": ({RELU_B_1: "wire [6:0] b1 = s1_data[14:8];", "s0_data[15] ? 8'd0 :": ""}, r"layer 'relu_a'"),
    "unused lane": ({"{b1, b0}": "{b1 | 7'd1, b0}"}, r"layer 'relu_b'"),
    "lanes swapped": ({"{a1, a0}": "{a0, a1}"}, r"layer 'relu_a' .*channel [01]: expected"),
    "last early": ({TLAST: "assign m_axis_tlast = out_beat == 5'd16;"}, r"m_axis: .*tlast: expected 0, found 1"),
    "last missing": ({TLAST: "assign m_axis_tlast = 1'b0;"}, r"m_axis: .*tlast: expected 1, found 0"),
    "last unknown": ({TLAST: "assign m_axis_tlast = out_beat == 5'd17 ? 1'b1 : 1'bx;"}, r"m_axis: .*found x"),
    "ready stuck": ({IN_READY: "assign in_ready = running & (level == 2'd0) & (count < 8'd30);"}, r"stuck"),
    "data unknown": (
        {"13:7], 1'b0": "13:7], 1'bx"},
        r"m_axis: frame 0 \(data 0\), row 0, column 0, channel 0: .*found X",
    ),
    "valid unknown": ({TVALID: "assign m_axis_tvalid = s2_valid ? 1'b1 : 1'bx;"}, r"m_axis: valid is unknown"),
    "valid in reset": ({"level <= 2'd0;\n": "level <= 2'd1;\n"}, r"(expected|valid is high during reset|more than)"),
    "ready in reset": ({IN_READY: "assign in_ready = level != 2'd2;"}, r"s_axis: ready is high during reset"),
    "valid dropped": (
        {TVALID: "assign m_axis_tvalid = s2_valid & (m_axis_tready | ~in_beat[0]);"},
        r"stalled: m_axis: valid fell before ready",
    ),
    "data changed": (
        {"first <= second;": "first <= second;\n        if (level == 2'd2 && !pop) first <= second;"},
        r"stalled: .*(expected|data changed)",
    ),
    "counter kept in reset": ({"out_beat <= 5'd0;\n": "\n"}, r"tlast|m_axis"),
    "error not cleared": (
        {"frame_error <= 1'b0;": "if (frame_error !== 1'b1) frame_error <= 1'b0;"},
        r"misplaced_tlast",
    ),
    "error not raised": ({"s_axis_tlast != (in_beat == 5'd17)": "s_axis_tlast && in_beat != 5'd17"}, r"tlast missing"),
    "error not sticky": (
        {
            "if (s_axis_tlast != (in_beat == 5'd17))\n                frame_error <= 1'b1;": "frame_error <="
            " s_axis_tlast != (in_beat == 5'd17);"
        },
        r"misplaced_tlast: frame_error: tlast early",
    ),
    "error raised wrongly": (
        {"5'd17))\n                frame_error": "5'd16))\n                frame_error"},
        r"frame_error is 1",
    ),
    "beat lost when full": ({IN_READY: "assign in_ready = running;"}, r"stalled"),
    "slower": (
        {IN_READY: "assign in_ready = running & (level == 2'd0);"},
        r"timing: latency is \d+ cycles, predicted 20",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_network_is_killed(name: str, tmp_path: Path) -> None:
    changes, says = BROKEN[name]
    if name == "ready stuck":
        changes = changes | {
            "reg running;": "reg running;\n    reg [7:0] count;",
            "running <= 1'b1;": "running <= 1'b1;\n        if (push) count <= count + 8'd1;\n"
            "        if (rst) count <= 8'd0;",
        }
    status, outcome = run_bench(write_output(tmp_path / "out", changes))
    assert status == 1
    assert re.search(says, outcome["message"]), outcome["message"]
    assert "\n" not in outcome["message"]


def test_message_names_layer_frame_pixel_channel_values_and_cycle(tmp_path: Path) -> None:
    """A fault planted in layer 1 at one known beat is reported exactly, though all later streams differ too."""
    graph = make_graph()
    value = max(int(graph.samples["x"][1, 1, 2, 3]), 0)
    # Channel 3 of row 1, column 2 is lane 1 of beat 16; frame 1's passes relu_a as its beat 34, in cycle 37.
    fault = {
        "wire [7:0] a1 =": "reg [7:0] seen;\n    always @(posedge clk) seen <= rst ? 8'd0 :"
        " seen + {7'd0, s0_valid & s0_ready};\n    wire [7:0] a1 = {7'd0, seen == 8'd34} ^ (",
        ": s0_data[15:8];": ": s0_data[15:8]);",
    }
    status, outcome = run_bench(write_output(tmp_path / "out", fault))
    assert status == 1
    assert outcome["message"] == (
        "unstalled: layer 'relu_a' (stream s1): frame 1 (data 1), row 1, column 2, channel 3:"
        f" expected {value}, found {value ^ 1}, at cycle 37"
    )


@pytest.mark.parametrize("prediction", [{"interval_cycles": 17}, {"interval_cycles": 19}, {"latency_cycles": 21}])
def test_wrong_prediction_fails(prediction: dict[str, int], tmp_path: Path) -> None:
    status, outcome = run_bench(write_output(tmp_path / "out", None, **prediction))
    assert status == 1
    assert re.match(r"unstalled: timing: (interval is 18|latency is 20) cycles, predicted", outcome["message"])


def test_unpredicted_interval_is_measured(tmp_path: Path) -> None:
    status, outcome = run_bench(write_output(tmp_path / "out", None, interval_cycles=None))
    assert (status, outcome["interval_cycles"]) == (0, 18)


@pytest.mark.parametrize("tensor", [0, 1, 2])
def test_perturbed_golden_value_fails(tensor: int, tmp_path: Path) -> None:
    directory = write_output(tmp_path / "out")
    path = directory / "bench" / "vectors" / f"{tensor:03d}.npy"
    vectors = np.load(path)
    # The greatest value, lest a rectifier hide the change.
    place = np.unravel_index(int(np.argmax(vectors[1])), vectors[1].shape)
    vectors[(1, *place)] -= 1
    np.save(path, vectors)
    status, outcome = run_bench(directory)
    layer = ["layer 'relu_a' (stream s1)", "layer 'relu_a' (stream s1)", "layer 'relu_b' (stream s2)"][tensor]
    row, column, channel = place
    assert status == 1
    assert f"unstalled: {layer}: frame 1 (data 1), row {row}, column {column}, channel {channel}:" in outcome["message"]


def test_zero_tests_fail(tmp_path: Path) -> None:
    directory = write_output(tmp_path / "out")
    assert run_bench(directory, "--tests", "nothing") == (
        1,
        {"status": 1, "message": "no test was run", "mismatches": 0, "tests": []},
    )


def test_missing_test_fails(tmp_path: Path) -> None:
    status, outcome = run_bench(write_output(tmp_path / "out"), "--tests", "unstalled,nothing")
    assert (status, outcome["message"]) == (1, "tests that did not run: nothing")


@pytest.mark.parametrize("damage", ["missing", "short", "bit"])
def test_memory_file_is_proved(damage: str, tmp_path: Path) -> None:
    directory = write_output(tmp_path / "out")
    path = directory / "rtl" / "weights.hex"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"00\n" if damage == "short" else b"00\n03\n")
    status, outcome = run_bench(directory)
    assert status == 1
    assert "memory file rtl/weights.hex" in outcome["message"]


def test_crash_without_results_is_no_pass(tmp_path: Path) -> None:
    directory = write_output(tmp_path / "out", {"frame_error <= 1'b1;": "frame_error <= 1'b1; $finish;"})
    assert run_bench(directory)[0] != 0


def test_same_arguments_same_bytes() -> None:
    arguments = (make_graph(), make_manifest(b""), make_interface())
    assert bench_files(*arguments) == bench_files(*arguments)


def test_make_runs_where_fpgaq_cannot_be_imported(tmp_path: Path) -> None:
    """`make` in an environment that has cocotb and numpy but not this project; a build replaces the folder after it."""
    plain, directory = write_output(tmp_path / "plain"), tmp_path / "a folder"
    files = {str(path.relative_to(plain)): path.read_bytes() for path in plain.rglob("*") if path.is_file()}
    write_folder(directory, files)
    packages = [path for path in sys.path if path.endswith("site-packages")]
    python = tmp_path / "python"
    guard = "import importlib.util; assert importlib.util.find_spec('fpgaq') is None"
    # -I leaves out PYTHONPATH, the user's folder and the project's own; a .pth of an editable install is not read
    # from a folder that is only named in the path.
    python.write_text(
        f'#!/bin/sh\n{sys.base_prefix}/bin/python3 -S -c "{guard}" || exit 9\n'
        f'exec {sys.base_prefix}/bin/python3 -S "$@"\n'
    )
    python.chmod(0o755)
    isolated = tmp_path / "packages"
    isolated.mkdir()
    for folder in packages:
        for entry in Path(folder).iterdir():
            if "fpgaq" not in entry.name and entry.suffix != ".pth" and not (isolated / entry.name).exists():
                (isolated / entry.name).symlink_to(entry)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(isolated), "HOME": str(tmp_path)}
    process = subprocess.run(
        ["make", f"PYTHON={python}"],
        cwd=directory / "bench",
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "PASS: 4 tests, every beat equal" in process.stdout
    assert json.loads((directory / "bench" / "build" / "outcome.json").read_text())["status"] == 0
    mine = directory / "bench" / "build" / "mycode.c"
    mine.write_text("mine")
    with pytest.raises(UsageError, match="bench/build/mycode.c"):
        write_folder(directory, files)
    mine.unlink()
    write_folder(directory, files)
    assert not (directory / "bench" / "build").exists()
