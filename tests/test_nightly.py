"""The nightly script: its report has a line for each step, and a failed step makes it end with 7."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAKE = """#!/bin/sh
echo "$@" >> {calls}
echo "last line of $2"
[ "$2" = "{fails}" ] && exit 7
exit 0
"""


@pytest.mark.once
@pytest.mark.parametrize("fails", ["", "tests.faults.fuzz_inputs"])
def test_the_report(fails: str, tmp_path: Path) -> None:
    python, calls = tmp_path / "python", tmp_path / "calls"
    python.write_text(FAKE.format(calls=calls, fails=fails))
    python.chmod(0o755)
    environment = {
        **os.environ,
        "PYTHON": str(python),
        "OUTPUT": str(tmp_path / "night"),
        "FIRST": "40",
        "NETWORKS": "3",
    }
    finished = subprocess.run(
        ["sh", "scripts/nightly.sh", "0"],
        env={**environment, "DASK": "tcp://host:1"}, cwd=ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert finished.returncode == (7 if fails else 0), finished.stderr
    lines = (tmp_path / "night" / "report.txt").read_text().splitlines()
    assert [line.split(":")[0] for line in lines[1:-1]] == ["faults", "fuzz_0", "inputs_0", "load_0"]
    assert lines[-1] == f"1 turns, {int(bool(fails))} steps failed"
    assert "last line of hdl_tests.fuzz" in lines[2] and f"exit code {7 if fails else 0}" in lines[3]
    called = calls.read_text().splitlines()
    assert "-m hdl_tests.fuzz 3 --seed 40" in called[1] and called[1].endswith("--dask tcp://host:1")
