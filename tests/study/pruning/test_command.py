"""`fpgaq prune` from the command line and from Python."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq import cli
from fpgaq.base import choices
from fpgaq.base.errors import FitError, UsageError
from fpgaq.study.pruning import MEASURES
from fpgaq.study.pruning.masks import Limits
from fpgaq.study.pruning.options import PruneOptions
from fpgaq.study.report.summary import summarize
from tests.support.float_networks import affine, chain, convolution, relu, small_cnn

EXAMPLE = Path(__file__).parents[3] / "examples" / "fashion_cnn"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A small network and labelled samples."""
    graph = chain((2, 6, 6), convolution(8, 2, 1, "c1"), relu("r1"), convolution(8, 8, 2, "c2"), relu("r2"),
                  affine(3, 32, 3, "a"))  # fmt: skip
    random = np.random.default_rng(0)
    fpgaq.save_model(graph, tmp_path / "model.nnp")
    x, y = random.normal(size=(40, 2, 6, 6)).astype(np.float32), random.integers(0, 3, 40)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    return {"model": str(tmp_path / "model.nnp"), "data": str(tmp_path / "data.npz"), "out": str(tmp_path / "p.nnp")}


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.invoke(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_pruning_to_half(capsys, files) -> None:
    code, out, _ = run(capsys, "prune", files["model"], "--budget", "0.5", "--calibration", files["data"],
                       "--data", files["data"], "-o", files["out"], "--jobs", "1")  # fmt: skip
    assert code == 0
    before, after = (summarize(fpgaq.load_model(path)).macs for path in (files["model"], files["out"]))
    assert 0 < after <= before // 2
    (line,) = (line.split() for line in out.splitlines() if line.startswith("multiplications"))
    assert line[3:] == [f"{before:,}", f"{after:,}", f"{after / before:.3f}"]
    assert "float top-1" in out and "cycles a frame" in out


def test_cycles_keep_to_the_budget_of_the_real_schedule(capsys, files) -> None:
    code, out, _ = run(capsys, "prune", files["model"], "--budget-cycles", "0.6", "--multipliers", "8",
                       "--calibration", files["data"], "-o", files["out"], "--jobs", "1", "--json",
                       "--multiple-of", "2")  # fmt: skip
    result = json.loads(out)
    assert code == 0 and result["after"]["interval"] <= 0.6 * result["before"]["interval"]
    assert result["before"]["float_top1"] is None
    assert all(group["kept"] % 2 == 0 for group in result["groups"] if group["units"])


def test_rom_bits_without_a_refit(capsys, files) -> None:
    code, out, _ = run(capsys, "prune", files["model"], "--budget-rom", "0.7", "--calibration", files["data"],
                       "-o", files["out"], "--json", "--no-refit", "--measure", "activation")  # fmt: skip
    result = json.loads(out)
    assert code == 0 and result["after"]["rom_bits"] <= 0.75 * result["before"]["rom_bits"]


@pytest.mark.slow
def test_the_refit_saves_most_of_the_accuracy_without_labels_or_training(monkeypatch, capsys, tmp_path: Path) -> None:
    from fpgaq.study.pruning import choice

    monkeypatch.setattr(choice, "CHOICES", 1)
    right = []
    for option in ("--refit", "--no-refit"):
        code, out, _ = run(capsys, "prune", str(EXAMPLE / "model.nnp"), "--budget", "0.5", option,
                           "--calibration", str(EXAMPLE / "calibration.npz"), "--data", str(EXAMPLE / "test.npz"),
                           "-o", str(tmp_path / "p.nnp"), "--jobs", "1", "--json")  # fmt: skip
        assert code == 0
        right.append(json.loads(out)["after"]["float_top1"])
    assert right[0] > 0.85 and right[0] > right[1] + 0.05


def test_groups_are_listed_and_drawn(capsys, files, tmp_path: Path) -> None:
    drawing = tmp_path / "groups.dot"
    code, out, _ = run(capsys, "prune", files["model"], "--groups", "--draw", str(drawing))
    assert code == 0 and "can go" in out and "3 must stay: it belongs to output" in out
    assert drawing.read_text().startswith("digraph")
    code, out, _ = run(capsys, "prune", files["model"], "--groups", "--json")
    assert [len(group["units"]) for group in json.loads(out)["groups"]] == [8, 8, 0]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give --calibration and -o/--output"),
        (("--calibration", "{data}", "-o", "{out}"), 2, "no budget is set"),
        (("--calibration", "{data}", "-o", "{out}", "--budget", "0"), 2, "a budget of 0"),
        (("--calibration", "{data}", "-o", "x.onnx", "--budget", "1"), 2, "give a name that ends so"),
        (("--calibration", "{data}", "-o", "{out}", "--budget", "20"), 5, "the least network costs"),
        (("--calibration", "{data}", "-o", "{out}", "--budget", "1", "--finetune", "1"), 2, "training needs labelled"),
        (("--calibration", "{data}", "-o", "{out}", "--budget", "1", "--trials", "2"), 2, "training needs labelled"),
        (("--calibration", "{data}", "-o", "{out}", "--budget", "1", "--trials", "0"), 2, "0 trials of 4 epochs"),
        (("--calibration", "{data}", "-o", "{out}", "--budget", "1", "--multiple-of", "0"), 2, "both are 1 or more"),
    ],
)
def test_what_is_refused(capsys, files, arguments, code, message) -> None:
    found, out, error = run(capsys, "prune", files["model"], *(word.format(**files) for word in arguments))
    assert (found, out) == (code, "") and message in error and error.count("\n") == 1
    assert not Path(files["out"]).exists()


def test_a_network_with_nothing_to_prune(files) -> None:
    graph = chain((4,), affine(3, 4))
    with pytest.raises(FitError, match="nothing of network 'net' can be pruned: it belongs to output"):
        fpgaq.prune(graph, np.ones((4, 4)), PruneOptions(macs=0.5))
    with pytest.raises(UsageError, match="measure 'l3' is unknown"):
        PruneOptions(macs=0.5, measure="l3")


def test_names_of_measures_are_those_of_the_room() -> None:
    assert tuple(MEASURES) == choices.MEASURES


def test_cycles_that_nobody_knows_are_null_and_no_share_of_them_is_a_budget() -> None:
    from fpgaq.study.pruning import choice
    from fpgaq.study.pruning.figures import Figures, table_rows
    from fpgaq.study.pruning.units import find_units

    unknown = Figures(None, None, 10, 20, 30, 4, None)
    assert unknown.as_json()["interval"] is None
    assert "cycles a frame" not in [row[0] for row in table_rows(unknown, replace(unknown, interval=5))]
    units = find_units(small_cnn())
    assert choice.limits_of(units, PruneOptions(cycles=300, multipliers=8), unknown).cycles == 300
    with pytest.raises(UsageError, match="a budget of 0.8 of the network's cycles, which change .*; name a number"):
        choice.limits_of(units, PruneOptions(cycles=0.8, multipliers=8), unknown)


@pytest.mark.parametrize("combinations", [0, 40_000])
def test_a_schedule_that_takes_more_than_its_folds_tightens_the_budget(monkeypatch, files, combinations) -> None:
    from fpgaq.study.pruning import budget_search, choice
    from fpgaq.study.pruning import prune as command

    intervals = []

    def measure(*arguments):
        figures = measured(*arguments)
        intervals.append(figures.interval)
        # The first is the whole network's, the second the first choice's.
        return replace(figures, interval=int(0.8 * intervals[0]) + 3) if len(intervals) == 2 else figures

    measured = command.measure
    for room in (choice, command):
        monkeypatch.setattr(room, "measure", measure)
    monkeypatch.setattr(budget_search, "MOST_COMBINATIONS", combinations)
    monkeypatch.setattr(choice, "CHOICES", 1)
    result = fpgaq.prune(files["model"], files["data"], PruneOptions(cycles=0.8, multipliers=8))
    whole, first, second, after = intervals
    assert after == second < first <= 0.8 * whole == 0.8 * result.before.interval


def test_the_choice_that_answers_best_on_unseen_samples_is_taken(monkeypatch, files) -> None:
    from fpgaq.study.pruning import choice
    from fpgaq.study.pruning import prune as command

    trained, inner = [], {}

    def train(graph, pruned, training, options, epochs, progress):
        trained.append((training.frames, epochs))
        inner.setdefault(len(trained), pruned)
        return pruned

    def answer(graph, inputs):
        (images,) = inputs.values()
        assert np.array_equal(images, data["x"][9::10])
        right = graph is inner.get(2)
        return {"y": np.eye(3)[np.where(right, data["y"][9::10], (data["y"][9::10] + 1) % 3)]}

    monkeypatch.setattr(command, "_trained", train)
    monkeypatch.setattr(command, "run_float", answer)
    monkeypatch.setattr(choice, "alike", lambda *_: False)  # the network is small
    with np.load(files["data"]) as archive:
        data = dict(archive)
    options = PruneOptions(macs=0.5, trials=3, trial_epochs=2.5)
    one = fpgaq.prune(files["model"], files["data"], replace(options, trials=1))
    several = fpgaq.prune(files["model"], files["data"], options, training=files["data"])
    assert trained == [(36, 2.5)] * 3
    assert several.found.counts != one.found.counts
    layer = next(op for op in several.graph.operators if hasattr(op, "weight"))
    assert layer.weight.shape == next(op for op in inner[2].operators if hasattr(op, "weight")).weight.shape


@pytest.mark.slow
@pytest.mark.nnabla
def test_finetuning_behind_the_cut(capsys, nnabla, tmp_path: Path) -> None:
    output = tmp_path / "p.nnp"
    training = str(EXAMPLE / "calibration.npz")
    code, out, _ = run(capsys, "prune", str(EXAMPLE / "model.nnp"), "--budget", "0.5", "--calibration", training,
                       "--train", training, "--finetune", "4", "--trials", "2", "--trial-epochs", "1",
                       "--data", str(EXAMPLE / "test.npz"),
                       "-o", str(output), "--jobs", "1", "--multiple-of", "4", "--json")  # fmt: skip
    result = json.loads(out)
    assert code == 0 and result["after"]["float_top1"] > 0.75
    graph = fpgaq.load_model(output, passes=False)
    assert "BatchNormalization" in {type(op).__name__ for op in graph.operators}


def test_limits_are_values() -> None:
    assert Limits(2, 4) == Limits(at_least=2, multiple=4)
