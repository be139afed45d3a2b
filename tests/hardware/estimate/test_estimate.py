"""Estimates: memories by Yosys's rule, counts against measured ones, and the fastest schedule that fits."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq import cli
from fpgaq.base import formats
from fpgaq.base.errors import FitError
from fpgaq.base.output import write_folder
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.estimate import estimate, estimate_schedule, excess_of, fit_device, model, with_cheap_products
from fpgaq.hardware.estimate.inventory import Item, take_inventory
from fpgaq.hardware.estimate.memories import Memory, map_memory
from fpgaq.hardware.estimate.model import COEFFICIENTS, weigh
from fpgaq.hardware.estimate.multipliers import factor_bits, logic_bits
from fpgaq.hardware.estimate.quantities import sum_quantities
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.synth import synthesize
from fpgaq.hardware.synth.devices import find_device
from fpgaq.integer.file import save
from fpgaq.pipeline import generate
from tests.support.network_builder import NetworkBuilder
from tests.support.network_shapes import Shape

DATA = Path(__file__).parents[3] / "benchmarks" / "estimator_data"
DEVICES = ("xc7", "xcup", "ecp5-85k", "ice40-hx8k", "ice40-up5k", "gowin-gw1n9")


def small_network():
    builder = NetworkBuilder(3, (8, 8, 2), formats.Format(8, 0, False))
    return builder.convolution(8, (3, 3), padding=(1, 1, 1, 1)).pool().affine(10, relu=False).graph()


# What Yosys 0.70 made of them.
@pytest.mark.parametrize(
    ("family", "width", "words", "rom", "expected"),
    [
        ("xc7", 3, 2, False, Memory("logic")),
        ("xc7", 8, 32, True, Memory("logic")),
        ("xc7", 8, 16, False, Memory("lutram", sites=8)),
        ("xc7", 48, 64, False, Memory("lutram", sites=64)),
        ("xc7", 36, 512, False, Memory("block", blocks=1)),
        ("xc7", 160, 2048, False, Memory("block", blocks=18)),
        ("ecp5", 8, 128, False, Memory("lutram", sites=96, deep=8)),
        ("ecp5", 10, 128, False, Memory("block", blocks=1)),
        ("ecp5", 160, 2048, False, Memory("block", blocks=18)),
        ("ecp5", 72, 256, True, Memory("block", blocks=2)),
        ("ecp5", 24, 2048, True, Memory("block", blocks=3)),
        ("ice40", 8, 16, False, Memory("block", blocks=1)),
        ("ice40", 36, 512, False, Memory("block", blocks=5)),
        ("ice40up", 36, 512, False, Memory("block", blocks=5)),
        ("gowin", 3, 2, False, Memory("lutram", sites=8)),
        ("gowin", 160, 1024, True, Memory("block", blocks=9)),
    ],
)
def test_memories_go_where_yosys_puts_them(family: str, width: int, words: int, rom: bool, expected: Memory) -> None:
    assert map_memory(family, width, words, rom) == expected


@pytest.mark.skipif(not DATA.exists(), reason="the estimator's data are only in the repository")
@pytest.mark.parametrize("device", DEVICES)
def test_the_known_error_is_that_of_the_data(device: str) -> None:
    fitted = json.loads(COEFFICIENTS.read_text())[find_device(device).family]
    items = {
        design["name"]: [Item(*item) for item in design["items"]]
        for design in map(json.loads, (DATA / "designs.jsonl").read_text().splitlines())
    }
    records = [json.loads(line) for line in (DATA / f"{device}.jsonl").read_text().splitlines()]
    assert len(records) == fitted["designs"]
    found = {record["name"]: sum_quantities(items[record["name"]], find_device(device).family) for record in records}
    for name in ("dsp", "bram"):
        right = [getattr(found[record["name"]], name) == record["counts"][name] for record in records]
        assert round(float(np.mean(right)), 4) == fitted[f"{name}_exact"] and np.mean(right) >= 0.96
    for name in ("lut", "ff"):
        errors = [
            abs(weigh(getattr(found[record["name"]], name), fitted[name]) / record["counts"][name] - 1)
            for record in records
        ]
        stated = fitted["errors"][name]
        assert stated["median"] <= 0.10 and stated["percentile95"] <= 0.25
        # The stated errors are of networks held out: those of the fit itself are less.
        assert np.median(errors) <= stated["median"] and np.percentile(errors, 95) <= stated["percentile95"]


def test_an_estimate_tells_layers_and_whole() -> None:
    network = small_network()
    guess = estimate_schedule(network, make_schedule(network, Target(multipliers=4)), "ecp5-25k")
    assert guess.counts.dsp == 4 and guess.counts.lut > 100 and guess.counts.ff > 100
    parts = dict(guess.layers)
    assert sum(part.dsp for part in parts.values()) == 4
    assert abs(sum(part.lut for part in parts.values()) - guess.counts.lut) <= len(parts)
    assert guess.as_json()["errors"]["lut"]["median"] == guess.known.errors["lut"].median


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
@pytest.mark.parametrize("device", DEVICES)
def test_an_estimate_is_near_what_synthesis_counts(device: str, tmp_path: Path) -> None:
    network = small_network()
    design = design_of(network, make_schedule(network, Target(multipliers=4)))
    write_folder(tmp_path / "out", print_design(design))
    counts, guess = synthesize(tmp_path / "out", device, seeds=0, layers=False).counts, estimate(design, device)
    assert (guess.counts.dsp, guess.counts.bram) == (counts.dsp, counts.bram)
    for name in ("lut", "ff"):
        assert abs(getattr(guess.counts, name) / getattr(counts, name) - 1) <= 0.25


def test_families_without_coefficients_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_coefficients", lambda: {"xc7": {}})
    with pytest.raises(FitError, match="no estimate for ice40-up5k: coefficients are there for xc7; run `fpgaq synth`"):
        estimate_schedule(small_network(), make_schedule(small_network(), Target(multipliers=4)), "ice40-up5k")


def test_products_are_logic_where_there_are_no_multipliers() -> None:
    network = small_network()
    schedule = make_schedule(network, Target(multipliers=4))
    found = {device: estimate_schedule(network, schedule, device) for device in ("ice40-hx8k", "ice40-up5k")}
    assert [guess.counts.dsp for guess in found.values()] == [0, 4]
    assert found["ice40-hx8k"].counts.lut > found["ice40-up5k"].counts.lut
    assert factor_bits("ice40") == 0 and factor_bits("ice40up") == 16


def narrow_network(bits: int):
    """A convolution of elements and weights of so many bits."""
    seeds = (NetworkBuilder(seed, (6, 6, 2), formats.Format(bits, 0, False)) for seed in range(999))
    graphs = (builder.convolution(4, (3, 3)).graph() for builder in seeds)
    return next(graph for graph in graphs if graph.operators[0].weight_format.width == bits)


def test_products_that_take_no_dsp_block_are_digits_where_that_takes_less() -> None:
    assert [logic_bits(name) for name in ("xc7", "xcup", "ecp5", "ice40up", "gowin")] == [8, 8, 2, 10, 6]
    narrow, plain = narrow_network(4), narrow_network(8)
    for network, device, chosen in ((narrow, "xc7", 8), (narrow, "ecp5-25k", 0), (plain, "xc7", 0)):
        schedule = make_schedule(network, Target(multipliers=18))
        built, guess = with_cheap_products(network, schedule, device)
        before = estimate_schedule(network, schedule, device)
        assert built == replace(schedule, logic_bits=chosen)
        assert guess == estimate_schedule(network, built, device)
        assert (guess.counts.lut < before.counts.lut) == (chosen > 0) and guess.counts.dsp == before.counts.dsp


def test_a_device_chooses_digits_unless_told_otherwise(tmp_path: Path) -> None:
    asked = {"target": Target(multipliers=18)}
    for name, options, digits in (("a", {"device": "xc7"}, True), ("b", {"device": "xc7", "logic_bits": 0}, False),
                                  ("c", {}, False), ("d", {"logic_bits": 8}, True)):  # fmt: skip
        result = generate(narrow_network(4), tmp_path / name, **asked, **options)
        assert ("rtl/fpgaq_digits.v" in result.files) is digits
        assert result.schedule.prediction == make_schedule(narrow_network(4), Target(multipliers=18)).prediction
    record = (tmp_path / "d" / "build.json").read_text(encoding="utf-8")
    assert '"logic_bits": 8' in record and "logic_bits" not in (tmp_path / "c" / "build.json").read_text()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
@pytest.mark.parametrize("device", ["xc7", "ice40-hx8k"])
def test_digits_take_less_logic_than_multipliers(device: str, tmp_path: Path) -> None:
    seeds = (NetworkBuilder(seed, (4, 4, 16), formats.Format(4, 0, False)) for seed in range(999))
    graphs = (builder.convolution(16, (1, 1)).graph() for builder in seeds)
    network = next(graph for graph in graphs if graph.operators[0].weight_format.width == 4)
    # Weights of sixteen words: those of one are constants, and of few words many are alike.
    schedule = make_schedule(network, Target(multipliers=16))
    counts, guesses = [], []
    for bits in (0, 8):
        design = design_of(network, replace(schedule, logic_bits=bits))
        write_folder(tmp_path / str(bits), print_design(design))
        counts.append(synthesize(tmp_path / str(bits), device, seeds=0, layers=False).counts)
        guesses.append(estimate(design, device).counts)
    assert counts[1].lut < 0.85 * counts[0].lut and counts[1].dsp == guesses[1].dsp == 0
    assert abs(guesses[1].lut / counts[1].lut - 1) <= 0.2 and 0.8 <= guesses[1].ff / counts[1].ff <= 1.35


def test_a_part_without_multipliers_holds_a_network(tmp_path: Path) -> None:
    network = small_network()
    fitted = fit_device(network, "ice40-hx8k")
    assert excess_of(fitted.estimate) == "" and fitted.schedule.multipliers > 0 and fitted.estimate.counts.dsp == 0
    assert "of 7,680 LUT" in fitted.limited_by or "the network" in fitted.limited_by


def test_adders_in_place_of_multipliers_are_refused() -> None:
    network = NetworkBuilder(5, (8, 8, 2), formats.Format(8, 7, False)).convolution(3).pool().affine(4).graph()
    schedule = make_schedule(network, Target(multipliers=10_000, sharing=False, adders=True))
    with pytest.raises(FitError, match="adders in place of multipliers: leave --device out"):
        estimate_schedule(network, schedule, "xc7")


def test_the_fastest_schedule_that_fits_says_what_limits_it() -> None:
    builder = NetworkBuilder(5, (12, 12, 8), formats.Format(8, 0, False))
    network = builder.convolution(32, (3, 3), padding=(1, 1, 1, 1)).convolution(16, (1, 1), relu=False).graph()
    fitted = fit_device(network, "ecp5-25k")
    assert excess_of(fitted.estimate) == ""
    assert fitted.schedule.multipliers >= 20 and fitted.estimate.counts.dsp <= 28
    assert "of 28 DSP" in fitted.limited_by
    larger = fit_device(network, "ecp5-85k")
    assert larger.schedule.prediction.mean_interval < fitted.schedule.prediction.mean_interval


def test_outputs_share_multipliers_where_these_run_out() -> None:
    """8-bit elements and weights of few bits: two products fit an 18-bit factor."""
    seeds = (NetworkBuilder(seed, (12, 12, 8), formats.Format(8, 0, False)) for seed in range(99))
    graphs = (builder.convolution(32, (3, 3), padding=(1, 1, 1, 1)).graph() for builder in seeds)
    network = next(graph for graph in graphs if graph.operators[0].weight_format.width == 4)
    fitted = fit_device(network, "ecp5-25k")
    assert fitted.schedule.factor_bits == 18 and fitted.schedule.multipliers > 28
    assert fitted.estimate.counts.dsp <= 28 and 2 * fitted.estimate.counts.dsp >= fitted.schedule.multipliers


def deep_network(inputs: int, outputs: int):
    """Its weights, one a word for a single multiplier, take more than a bank."""
    return NetworkBuilder(5, (1, 1, inputs), formats.Format(8, 0, False)).affine(outputs).graph()


def test_a_deep_rom_is_its_banks_and_the_choice_among_them() -> None:
    network = deep_network(1100, 27)
    parts = take_inventory(design_of(network, make_schedule(network, Target(multipliers=1))))
    items = [item for own in parts.values() for item in own]
    (choice,) = (item for item in items if item.kind == "rom_choice")
    words = [item.facts["words"] for item in items if item.kind == "rom" and item.facts["words"] > 256]
    assert words == [16384, 8192, 4096, 1028] and choice.facts["banks"] == 4
    found = sum_quantities([choice], "xc7")
    assert found.bram == 0 and found.lut["memory_banks"] == 3 * choice.facts["columns"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [(2048, 9), (1100, 27)])
def test_block_rams_of_deep_roms_are_those_of_synthesis(size: tuple[int, int], device: str, tmp_path: Path) -> None:
    network = deep_network(*size)
    design = design_of(network, make_schedule(network, Target(multipliers=1)))
    write_folder(tmp_path / "out", print_design(design))
    counts, guess = synthesize(tmp_path / "out", device, seeds=0, layers=False).counts, estimate(design, device)
    assert guess.counts.bram == counts.bram > 0
    # Among the smallest of all, where an estimate is far off: 26 % of 204 LUTs at most.
    assert abs(guess.counts.lut / counts.lut - 1) <= 0.3 and abs(guess.counts.ff / counts.ff - 1) <= 0.3


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed")
@pytest.mark.parametrize(("device", "bits"), [("xc7", 25), ("xcup", 27)])
def test_two_products_take_one_dsp_block(device: str, bits: int, tmp_path: Path) -> None:
    seeds = (NetworkBuilder(seed, (6, 6, 2), formats.Format(8, 0, False)) for seed in range(99))
    graphs = (builder.convolution(4, (3, 3)).graph() for builder in seeds)
    network = next(graph for graph in graphs if graph.operators[0].weight_format.width == 8)
    schedule = replace(make_schedule(network, Target(multipliers=12)), factor_bits=bits)
    design = design_of(network, schedule)
    write_folder(tmp_path / "out", print_design(design))
    counts, guess = synthesize(tmp_path / "out", device, seeds=0, layers=False).counts, estimate(design, device)
    assert schedule.multipliers == 12 and counts.dsp == guess.counts.dsp == 6


def test_a_network_that_does_not_fit_is_refused() -> None:
    builder = NetworkBuilder(5, (1, 1, 1280), formats.Format(8, 0, False))
    network = builder.affine(128, relu=False).graph()
    with pytest.raises(FitError, match=r"does not fit ecp5-25k: .* of 56 block RAM; choose a larger part"):
        fit_device(network, "ecp5-25k")


def test_generate_prints_estimate_error_and_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = tmp_path / "net.fpgaq"
    save(small_network(), network)
    assert cli.invoke(["generate", str(network), "-o", str(tmp_path / "out"), "--device", "xc7a35t"]) == 0
    text = capsys.readouterr().out
    assert "estimated for xc7a35t: " in text and "known error, over 180 networks held out: LUT " in text
    assert "limited by the network: more multipliers make it no faster" in text or "of 90 DSP" in text
    options = ["--device", "xc7", "--multipliers", "4", "--json"]
    assert cli.invoke(["generate", str(network), "-o", str(tmp_path / "out"), *options]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["estimate"]["dsp"] == 4 and values["limited_by"] == "" and values["multipliers"] == 4
    unrolled = ["generate", str(network), "-o", str(tmp_path / "out"), "--unroll", "--device", "xc7"]
    assert cli.invoke(unrolled) == 2
    assert "--device estimates folded networks" in capsys.readouterr().err


def test_a_mean_over_a_power_of_two_takes_no_dsp() -> None:
    """As Yosys 0.70 counts: the series 7 has 4 DSP blocks for the convolution and none for a mean of 64 pixels."""
    for size, means in ((8, 0), (7, 1)):
        net = Shape((size, size, 4))
        graph = net.graph(net.mean(net.convolution("x", 4, 1)))
        schedule = make_schedule(graph, Target(multipliers=4))
        (mean,) = (plan for plan in schedule.plans if plan.kind == "mean")
        assert estimate_schedule(graph, schedule, "xc7").counts.dsp == 4 + means * mean.lanes_out
