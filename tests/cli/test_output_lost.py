"""A standard output that takes nothing is one line on stderr and exit code 2, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.onnx_models import model, node, real

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {"a result": ["doctor"], "JSON": ["doctor", "--json"], "help": ["quantize", "--help"]}


def run(arguments: list[str], stdout: str) -> tuple[int, str]:
    """Exit code and stderr; the shell's redirection is `stdout`."""
    command = f'exec "$@" {stdout}'
    finished = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "fpgaq", *arguments],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=100,
    )  # fmt: skip
    return finished.returncode, finished.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk(name: str) -> None:
    code, said = run(COMMANDS[name], ">/dev/full")
    assert code == 2 and said.count("\n") == 1 and said.startswith("fpgaq: error: ") and "No space left" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_went_away(name: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "fpgaq", *COMMANDS[name]]
    finished = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=100)
    os.close(writer)
    said = finished.stderr
    assert finished.returncode == 2 and said.count("\n") == 1
    assert said.startswith("fpgaq: error: standard output cannot be written (")


def test_a_closed_one() -> None:
    code, said = run(["doctor"], ">&-")
    assert code == 2 and said.count("\n") == 1 and "standard output is closed" in said
    # What prints nothing needs none.
    assert run(["summary", "examples/fashion_cnn/model.nnp", "--quiet"], ">&-") == (0, "")
    assert run(["summary", "nothing.nnp"], ">&- 2>&-")[0] == 3


def test_numbers_that_overflow_are_one_line(tmp_path: Path) -> None:
    """numpy warns of the overflow before the quantizer refuses it."""
    large = np.full((4, 3), 1e38, np.float32)
    nodes = [node("Gemm", "x w b", ("h",)), node("Relu", "h", ("r",)), node("Gemm", "r v c", ("y",))]
    constants = {"w": large, "b": real(3), "v": real(3, 2), "c": real(2)}
    proto = model(nodes, {"x": (1, 4)}, constants=constants)
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    samples = np.random.default_rng(1).normal(size=(16, 4))
    for scale in (1.0, 1e38, 1e307):
        np.savez(tmp_path / "x.npz", x=samples * scale)
        command = ["quantize", str(tmp_path / "m.onnx"), "--calibration", str(tmp_path / "x.npz")]
        code, said = run([*command, "-o", str(tmp_path / "m.fpgaq"), "--quiet"], "")
        assert code in (3, 5) and said.count("\n") == 1 and said.startswith("fpgaq: error: "), said
