"""The script of `make clocks`: which rows it runs again, and that none is left out of its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import clocks
from fpgaq.base.errors import ToolError
from fpgaq.hardware.synth.cells import Counts

pytestmark = pytest.mark.once

TOOLS = {"yosys": "Yosys 1", "nextpnr": "nextpnr 1"}
FACTS = {"digest": "a", "tools": TOOLS, "commit": "c", "interval": 1000, "latency": 2000, "multipliers": 16}


def test_rows_go_on_until_files_or_tools_change() -> None:
    known = {**FACTS, "lut": 5, "mhz": {"1": 150.0}}
    assert clocks.started(known, {**FACTS, "commit": "later"}) is known
    for change in ({"digest": "b"}, {"tools": {**TOOLS, "yosys": "Yosys 2"}}):
        assert clocks.started(known, {**FACTS, **change}) == {**FACTS, **change, "mhz": {}}
    assert clocks.started(None, FACTS) == {**FACTS, "mhz": {}}


def test_every_row_stands_in_the_table() -> None:
    first, second, third, *others = clocks.names()
    counts = {"lut": 1234, "lutram": 56, "ff": 7, "dsp": 8, "bram": 9}
    rows: dict[str, Any] = {
        first: {**FACTS, **counts, "mhz": {"1": 160.0, "2": 149.0, "3": 155.5}},
        second: {**FACTS, **counts, "mhz": {"1": 120.0}},
        third: {**FACTS, **counts, "mhz": {}, "failed": "seed 1: nextpnr: did not end in 3600 s"},
    }
    lines = clocks.table({"rows": rows})
    assert len(lines) == 2 + len(clocks.names())
    assert lines[2].endswith("| 1,234 (56) | 7 | 8 | 9 | 155.5 (160.0, 149.0, 155.5) | 1,000 | 2,000 |")
    assert "| 120.0 (120.0; 1 of 3 seeds), below 150 |" in lines[3]
    assert "| failed (seed 1: nextpnr: did not end in 3600 s) |" in lines[4]
    assert len(others) == len([line for line in lines if "not run" in line])


def test_a_run_is_stored_seed_by_seed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The second seed does not route: the first is kept, the row failed, and it is not tried again."""
    asked = []

    class Found:
        def __init__(self, seeds: int) -> None:
            self.counts, self.fmax = Counts(lut=10, ff=20, dsp=4), [(seed, 150.04) for seed in range(1, seeds + 1)]

    def synthesize(folder: Path, device: str, *, seeds: int, **_: object) -> Found:
        asked.append(seeds)
        if seeds > 1:
            raise ToolError("nextpnr: did not end in 3600 s")
        return Found(seeds)

    monkeypatch.setattr(clocks, "synthesize", synthesize)
    monkeypatch.setattr(clocks, "versions", lambda: TOOLS)
    monkeypatch.setattr(clocks, "commit", lambda: "c")
    path = tmp_path / "clocks.json"
    for _ in range(2):
        clocks.measure("series_conv 16", clocks.load(path), path=path)
    row = clocks.load(path)["rows"]["series_conv 16"]
    assert row["mhz"] == {"1": 150.0} and row["failed"] == "seed 2: nextpnr: did not end in 3600 s"
    assert (row["lut"], row["ff"], row["dsp"]) == (10, 20, 4) and row["interval"] > 0
    assert asked == [0, 1, 2]
