"""Options chosen by the error at the output, on samples that were held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.model.graph import Affine, Graph, Pointwise
from fpgaq.pipeline import quantize as quantize_model
from fpgaq.quantizer import quantize, refinement
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.refinement import HELD_OUT, agreement_of, described, output_divergence, refine
from tests.support.float_networks import affine, chain, convolution, relu, samples, signal_to_noise


def outliers() -> tuple[Graph, dict[str, np.ndarray]]:
    """A hidden unit is forty times as large as the others and hardly read: with 8 bits they are lost."""
    first, last = affine(8, 4, 1, "first"), affine(3, 8, 2, "last")
    gain = np.array([40.0, *[1.0] * 7], np.float32)
    graph = chain(
        (4,),
        Affine("first", ("",), "", first.weight * gain[:, None], first.bias * gain),
        Pointwise("curve", ("",), "", "swish"),
        Affine("last", ("",), "", last.weight / gain, last.bias),
    )
    return replace(graph, classifier=True), samples(240, 4)


def test_bits_go_where_the_output_needs_them() -> None:
    graph, data = outliers()
    found = refine(graph, data, QuantizeOptions())
    assert found.samples == 80 == 240 // HELD_OUT and found.agreement is not None
    assert found.error < found.before / 4 and found.trials > 1
    assert "curve" in found.options.layers and found.options.layers["curve"]["activation_bits"] > 8
    assert any("curve" in words for words in found.changes)
    fresh = samples(200, 4, seed=9)["t0"]
    before, after = (quantize(graph, data, options) for options in (QuantizeOptions(), found.options))
    assert signal_to_noise(graph, after, fresh) > signal_to_noise(graph, before, fresh) + 6


def test_a_good_network_stays_as_it_is() -> None:
    graph, data = chain((8,), affine(12, 8, 1, "a"), relu(), affine(3, 12, 2, "b")), samples(240, 8)
    options = QuantizeOptions()
    found = refine(graph, data, options)
    assert found.options is options and found.trials == 1 and not found.changes
    assert found.agreement is None and found.error == found.before < refinement.START


def test_what_was_asked_for_stays() -> None:
    graph, data = outliers()
    layers = {"curve": {"activation_bits": 8}}
    asked = refine(graph, data, QuantizeOptions(layers=layers))
    assert asked.options.layers.get("curve") == layers["curve"]
    few = refine(graph, data, QuantizeOptions(4, 8))
    assert not few.options.layers
    ranged = refine(graph, data, QuantizeOptions(activation_range="max"))
    assert ranged.options.activation_range == "max"


@pytest.mark.parametrize(
    "options", [QuantizeOptions(method="mse"), QuantizeOptions(edition="0.1")], ids=["method", "rules"]
)
def test_fixed_rules_are_not_measured(options: QuantizeOptions) -> None:
    graph, data = outliers()
    assert refine(graph, data, options) == refinement.Refinement(options) or refine(graph, data, options).samples == 0


def test_too_few_samples_and_too_much_work_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = outliers()
    assert refine(graph, {"t0": data["t0"][:5]}, QuantizeOptions()).samples == 0
    monkeypatch.setattr(refinement, "BUDGET", 1e3)
    assert refine(graph, data, QuantizeOptions()).samples == 0


def rounded_by(error: dict[str, float]):
    """A trial that measures nothing: the errors of the two releases' rules, by their names."""

    def measure(trial: object, options: QuantizeOptions) -> tuple[float, float | None]:
        return error[options.edition], error[options.edition] / 2

    return measure


@pytest.mark.parametrize(("now", "before", "chosen"), [(0.2, 0.1, "0.1"), (0.1, 0.2, "0.2"), (0.1, 0.1, "0.2")])
def test_the_first_rules_are_taken_where_they_are_better(
    now: float, before: float, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, data = outliers()
    monkeypatch.setattr(refinement._Trial, "measure", rounded_by({"0.2": now, "0.1": before}))
    options = QuantizeOptions(4, 8, layers={"first": {"weight_bits": 5}})
    found = refine(graph, data, options)
    assert found.options == replace(options, edition=chosen) and found.error == min(now, before)
    assert found.changes == ((refinement.EARLIER,) if chosen == "0.1" else ())
    assert described(found)["options"]["edition"] == chosen and found.agreement == found.error / 2


def test_the_first_rules_are_those_of_the_first_release(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = outliers()
    monkeypatch.setattr(refinement, "START", -1.0)
    monkeypatch.setattr(refinement, "WORTH", 0.0)
    original = refinement._Trial.measure

    def spoiled(trial: refinement._Trial, options: QuantizeOptions) -> tuple[float, float | None]:
        error, agreement = original(trial, options)
        return (error if options.first_edition else 1e9), agreement

    monkeypatch.setattr(refinement._Trial, "measure", spoiled)
    taken = quantize_model(graph, data)
    first = quantize_model(graph, data, edition="0.1")
    assert taken.operators == first.operators or all(
        np.array_equal(getattr(one, "weight", 0), getattr(other, "weight", 0))
        for one, other in zip(taken.operators, first.operators, strict=True)
    )
    assert taken.tensors == first.tensors and taken.options["chosen"] == [refinement.EARLIER]


def test_the_work_ends_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = outliers()
    monkeypatch.setattr(refinement, "BUDGET", 3 * 2 * refinement.multiplications(graph) * 240)
    assert refine(graph, data, QuantizeOptions()).trials <= 3


def test_few_elements_are_widened() -> None:
    graph = chain((2, 16, 16), convolution(32, 2, 1, "c1"), relu(), convolution(4, 32, 2, "c2"), affine(3, 576, 3, "a"))
    changes = refinement._changes(graph, QuantizeOptions(), QuantizeOptions())
    widened = [change.words for change in changes if "bits after" in change.words]
    assert widened == ["12 bits after 'c2'"]


def test_divergence() -> None:
    real = np.array([[0.0, 1.0, -1.0], [2.0, 0.0, 0.0]])
    assert output_divergence(real, real, True) == 0 == output_divergence(real, real, False)
    # Softmax does not see a constant, a squared error does.
    assert output_divergence(real, real + 3, True) == pytest.approx(0, abs=1e-12)
    assert output_divergence(real, real + 3, False) == pytest.approx(9 / np.mean((real - real.mean(axis=0)) ** 2))
    p, q = (np.exp([0.0, 1.0]) / np.exp([0.0, 1.0]).sum(), np.exp([0.5, 0.0]) / np.exp([0.5, 0.0]).sum())
    expected = float(np.sum(p * np.log(p / q)))
    assert output_divergence(np.array([[0.0, 1.0]]), np.array([[0.5, 0.0]]), True) == pytest.approx(expected)
    assert agreement_of(real, np.array([[0.0, 2.0, 3.0], [1.0, 0.0, 0.0]])) == 0.5


def test_the_file_tells_the_options(tmp_path) -> None:
    import fpgaq

    graph, data = outliers()
    integer = quantize_model(graph, data, output=tmp_path / "net.fpgaq")
    again = fpgaq.load_integer(tmp_path / "net.fpgaq")
    found = refine(graph, data, QuantizeOptions())
    assert again.options == described(found) == dict(integer.options)
    assert again.options["options"]["layers"]["curve"]["activation_bits"] > 8
    assert again.options["measured"]["samples"] == 80
