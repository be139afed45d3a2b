"""Networks over bits and multipliers: what is measured, the front, the table and the picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq import cli, pipeline
from fpgaq.base.data import Dataset
from fpgaq.base.errors import FitError, UsageError
from fpgaq.hardware.schedule import Target
from fpgaq.model.exporters.nnp import save_nnp
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.study.explore import Point, explore
from fpgaq.study.explore.candidates import best_points
from fpgaq.study.explore.picture import draw
from fpgaq.study.search.measure import Quality, make_workload
from tests.support.float_networks import samples, small_cnn


def workloads(labels: bool = True):
    graph, data = small_cnn(), samples(40, 2, 8, 8)
    chosen = np.random.default_rng(0).integers(0, 3, 40) if labels else None
    return {"cnn": make_workload(graph, Dataset(data, None), Dataset(data, chosen), QuantizeOptions())}


def test_points_are_what_generate_and_compare_say(tmp_path: Path) -> None:
    shared = workloads()
    found = explore(shared, "xc7", [8, 4], [1, 8])
    assert [(point.bits, point.budget) for point in found.points] == [(8, 1), (8, 8), (4, 1), (4, 8)]
    options = QuantizeOptions(weight_bits=4, activation_bits=4)
    network = pipeline.quantize(shared["cnn"].graph, shared["cnn"].calibration, options)
    made = pipeline.generate(network, tmp_path / "out", Target(multipliers=8), device="xc7")
    last = found.points[-1]
    assert made.estimate is not None and last.cycles == made.schedule.prediction.mean_interval
    for name in ("lut", "ff", "dsp", "bram"):
        assert getattr(last, name) == getattr(made.estimate.counts, name)
    assert found.points[0].quality.noise < found.points[2].quality.noise
    assert found.accuracy_name == "top-1" and found.samples == 40
    assert {id(point) for point in found.front} <= {id(point) for point in found.points}


def point(cycles: float, lut: int, top1: float, fits: bool = True, bram: int = 0) -> Point:
    return Point("a", 8, 1, 1, cycles, lut, 0, 1, bram, Quality(0.0, None, top1), fits)


def test_the_front_is_what_nothing_beats() -> None:
    fast, small = point(10, 900, 0.9), point(90, 100, 0.9)
    beaten, twin = point(95, 100, 0.9), replace(small, model="b")
    exact, too_large = point(90, 100, 0.95, bram=1), point(1, 1, 1.0, fits=False)
    assert best_points([small, beaten, fast, twin, exact, too_large]) == (fast, small, exact)


def test_results_are_kept_and_jobs_change_nothing(tmp_path: Path) -> None:
    first = explore(workloads(), "ecp5-25k", [8, 3], [2], jobs=2, cache=tmp_path / "results")
    lines = (tmp_path / "results").read_text().splitlines()
    again = explore(workloads(), "ecp5-25k", [8, 3], [2], cache=tmp_path / "results")
    assert len(lines) == 2 and again == first


def test_the_picture_is_a_png_and_always_the_same() -> None:
    found = explore(workloads(labels=False), "xc7", [8], [1, 8])
    picture = draw(found)
    assert picture.startswith(b"\x89PNG") and picture == draw(found)


def test_what_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--bits: 1 was given; numbers from 2 to 16"):
        explore(workloads(), "xc7", [1], [1])
    with pytest.raises(UsageError, match="--multipliers: 0 was given"):
        explore(workloads(), "xc7", [8], [0])
    monkeypatch.setattr("fpgaq.hardware.estimate.model._coefficients", lambda: {"xc7": {}})
    with pytest.raises(FitError, match="no estimate for ice40-up5k"):
        explore(workloads(), "ice40-up5k", [8], [1])


def test_the_command_prints_table_and_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph, data = small_cnn(), samples(40, 2, 8, 8)
    (model, other), picture = (tmp_path / "first.nnp", tmp_path / "second.nnp"), tmp_path / "front.png"
    save_nnp(graph, model)
    save_nnp(graph, other)
    np.savez(tmp_path / "data.npz", **data)
    call = ["explore", str(model), str(other), "--calibration", str(tmp_path / "data.npz"), "--multipliers", "1,8"]
    call += ["--bits", "8", "--jobs", "1"]
    assert cli.invoke([*call, "-o", str(picture)]) == 0
    text = capsys.readouterr().out
    assert "first" in text and "second" in text and "front" in text and "known error, over 180 networks" in text
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert cli.invoke([*call, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert len(values["points"]) == 4 and values["known"]["errors"]["lut"]["median"] <= 0.1
    assert cli.invoke([*call, "--bits", "8;4"]) == 2
    assert "--bits '8;4'" in capsys.readouterr().err
