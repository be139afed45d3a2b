"""Which layer hurts, bits under a budget, and the files that a search writes."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import cli, pipeline
from fpgaq.base.data import Dataset
from fpgaq.base.errors import FitError, UsageError
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions, combine_options
from fpgaq.study.search.front import best_so_far, config_text, draw
from fpgaq.study.search.measure import Quality, make_workload, measure_candidate
from fpgaq.study.search.precision import Candidate, _front, layer_costs, parse_budget, search_precisions
from fpgaq.study.search.sensitivity import explain, sensitivity
from tests.support.float_networks import affine, chain, convolution, relu, samples, signal_to_noise, small_cnn

ROOT = Path(__file__).resolve().parents[3]
TABULAR = ROOT / "examples" / "digits_tabular"


def workload(options: QuantizeOptions | None = None, labels: bool = True):
    graph, data = small_cnn(), samples(40, 2, 8, 8)
    chosen = np.random.default_rng(0).integers(0, 3, 40) if labels else None
    return make_workload(graph, Dataset(data, None), Dataset(data, chosen), options or QuantizeOptions())


def test_measure_says_what_quantize_gives():
    shared = workload()
    found = Quality(**measure_candidate(shared, {"weight_bits": 5, "layers": {"c2": {"weight_bits": 3}}}))
    options = QuantizeOptions(weight_bits=5, layers={"c2": {"weight_bits": 3}})
    integer = quantize(shared.graph, shared.calibration, options)
    assert found.signal_to_noise == pytest.approx(signal_to_noise(shared.graph, integer, shared.data["t0"]))
    assert found.agreement is not None and found.agreement > 0.5 and found.top1 is not None
    assert measure_candidate(workload(labels=False), {})["agreement"] is None


def test_the_layer_that_hurts_is_found_and_mended():
    shared = workload(QuantizeOptions(layers={"c2": {"weight_bits": 2}}))
    found = sensitivity(shared)
    worst = found.places[0]
    assert (worst.layer, worst.part, worst.bits) == ("c2", "weights", 2) and worst.share > 0.8
    assert sum(place.share for place in found.places) == pytest.approx(1)
    assert [place.noise for place in found.places] == sorted((place.noise for place in found.places), reverse=True)
    parts = {(place.layer, place.part) for place in found.places}
    assert {("c1", "weights"), ("c1", "output"), ("a2", "weights")} < parts and ("a2", "output") not in parts
    wider = next(remedy for remedy in found.remedies if remedy.change == {"weight_bits": 4})
    assert wider.quality.noise is not None and found.quality.noise is not None
    assert wider.quality.noise < found.quality.noise / 4
    text = explain(found)
    assert "2-bit weights of 'c2'" in text[0] and "4 weight bits" in text[1] and "'c2'" in text[-1]


def test_a_reason_is_given():
    uneven = convolution(6, 2, 1, "uneven")
    uneven.weight[0] *= 40
    graph = chain((2, 8, 8), uneven, relu(), affine(3, 216, 2, "last"))
    data = Dataset(samples(32, 2, 8, 8), None)
    found = sensitivity(make_workload(graph, data, None, QuantizeOptions(3, 10, per_channel=False)))
    assert found.places[0].layer == "uneven"
    assert "times as far as the median" in " ".join(explain(found))


def test_costs_are_weights_or_products():
    graph = small_cnn()
    assert layer_costs(graph, "rom") == {"c1": 72, "c2": 108, "a1": 120, "a2": 15}
    assert layer_costs(graph, "multiplier") == {"c1": 72 * 64, "c2": 108 * 4, "a1": 120, "a2": 15}


def test_the_front_holds_every_best_combination():
    chance = np.random.default_rng(3)
    costs = {"a": 5, "b": 7, "c": 2}
    alone = {name: {bits: float(chance.random() / bits**2) for bits in (2, 4, 8)} for name in costs}
    found = {(cost, noise) for cost, noise, _ in _front(alone, costs)}
    everything = []
    for bits in product((2, 4, 8), repeat=3):
        pairs = list(zip(costs, bits, strict=True))
        everything.append((sum(costs[n] * b for n, b in pairs), sum(alone[n][b] for n, b in pairs)))
    best = {one for one in everything if not any(o[0] <= one[0] and o[1] <= one[1] and o != one for o in everything)}
    assert {(cost, round(noise, 12)) for cost, noise in found} == {(cost, round(noise, 12)) for cost, noise in best}


def test_a_budget_is_kept_and_used():
    found = search_precisions(workload(), "50%", "rom", (2, 4, 8))
    assert found.budget == 4 * 315
    assert found.chosen.cost <= found.budget
    assert found.chosen.cost == sum(
        bits * cost for bits, cost in zip(found.chosen.bits.values(), (72, 108, 120, 15), strict=True)
    )
    affordable = [each.quality.noise for each in found.candidates if each.cost <= found.budget]
    assert found.chosen.quality.noise == min(noise for noise in affordable if noise is not None)
    assert {8, 4, 2} <= {next(iter(each.bits.values())) for each in found.candidates if each.uniform}
    front = best_so_far(found)
    assert [each.cost for each in front] == sorted(each.cost for each in front) and found.chosen in front


@pytest.mark.parametrize("budget", ["-5", "much", "nan", "0%", "%"])
def test_a_budget_that_is_none(budget: str):
    with pytest.raises(UsageError, match="a number of bits, or a percentage"):
        parse_budget(budget, 1000)


def test_a_cost_that_nobody_knows_is_refused_by_name():
    with pytest.raises(UsageError, match="cost 'bytes' is unknown; choose one of rom, multiplier"):
        search_precisions(workload(), "60%", "bytes")


def test_a_budget_that_is_too_small():
    with pytest.raises(FitError, match=r"100 bits, but 2-bit weights alone take 630"):
        search_precisions(workload(), "100")


def test_the_configuration_reads_back(tmp_path: Path):
    names = ["plain", 'a "quoted" \\ name', "line\nbreak", "\x7f", "é 😀"]
    options = QuantizeOptions(
        activation_bits=6, narrow=True, layers={"plain": {"per_channel": True, "weight_delta": None}}
    )
    chosen = Candidate({name: 3 for name in names}, 1, None, Quality(0.1, None, None))
    path = tmp_path / "mixed.toml"
    path.write_text(config_text(options, chosen), encoding="utf-8")
    read = combine_options(path, {})
    assert read.activation_bits == 6 and read.narrow
    assert read.layers == {
        **{name: {"weight_bits": 3} for name in names},
        "plain": {"per_channel": True, "weight_bits": 3},
    }


def test_the_same_result_gives_the_same_picture():
    found = search_precisions(workload(labels=False), "700", "rom", (2, 4))
    first = draw(found)
    assert first == draw(found) and first[:8] == b"\x89PNG\r\n\x1a\n"


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: object) -> Any:
        capsys.readouterr()
        code = cli.invoke([*map(str, arguments), "--json", "--jobs", "1"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return json.loads(captured.out)

    common = (TABULAR / "model.nnp", "--calibration", TABULAR / "calibration.npz", "--results", tmp_path / "results")
    toml, picture = tmp_path / "mixed.toml", tmp_path / "front.png"
    found = call("search", *common, "--budget", "60%", "--widths", "3,8", "-o", toml, "--picture", picture)
    assert found["chosen"]["cost"] <= found["budget"] and picture.stat().st_size > 10_000
    integer = pipeline.quantize(TABULAR / "model.nnp", TABULAR / "calibration.npz", combine_options(toml, {}))
    widths = {op.name: op.weight_format.width for op in integer.operators if hasattr(op, "weight_format")}
    assert widths == found["chosen"]["bits"]
    lines = (tmp_path / "results").read_text().splitlines()
    assert call("search", *common, "--budget", "60%", "--widths", "3,8", "-o", toml) == {**found, "picture": None}
    assert (tmp_path / "results").read_text().splitlines() == lines
    worst = call("sensitivity", *common, "--weight-bits", "3")
    assert worst["places"][0]["noise"] >= worst["places"][1]["noise"] and worst["explanation"]


def test_an_interrupted_search_goes_on_where_it_stopped(tmp_path: Path):
    results = tmp_path / "results"

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    arguments = (workload(), "50%", "rom", (2, 4, 8))
    with pytest.raises(KeyboardInterrupt):
        search_precisions(*arguments, cache=results, progress=interrupt)
    kept = results.read_text().splitlines()
    assert len(kept) == 5
    seen: list[tuple[int, int]] = []
    resumed = search_precisions(*arguments, cache=results, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (5, seen[0][1]) and seen[0][1] > 5
    lines = results.read_text().splitlines()
    assert lines[:5] == kept and len({json.loads(line)["key"] for line in lines}) == len(lines)
    assert resumed == search_precisions(*arguments)


def test_a_cluster_finds_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    # A loaded machine answers late.
    monkeypatch.setattr("fpgaq.base.parallel.CONNECT_SECONDS", 300)
    common = ["--calibration", str(TABULAR / "calibration.npz"), "--json"]
    found = []
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=False) as local:
        for place in (["--dask", local.scheduler_address], ["--jobs", "1"]):
            for command in (["search", "--budget", "60%", "--widths", "3,8", "-o", str(tmp_path / "a.toml")],
                            ["sensitivity", "--weight-bits", "3"]):  # fmt: skip
                assert cli.invoke([command[0], str(TABULAR / "model.nnp"), *common, *command[1:], *place]) == 0
                found.append(json.loads(capsys.readouterr().out))
    assert found[:2] == found[2:]


def test_usage_errors(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    common = (str(TABULAR / "model.nnp"), "--calibration", str(TABULAR / "calibration.npz"))
    for extra, message in (
        (("--budget", "60%", "--widths", "a"), "whole numbers with commas"),
        (("--budget", "60%", "--widths", "1,4"), "widths from 2 to 16"),
        (("--budget", "x"), "a number of bits"),
        (("--budget", "60%", "--jobs", "0"), "at least 1"),
    ):
        assert cli.invoke(["search", *common, "-o", str(tmp_path / "out.toml"), *extra]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out.toml").exists()
