"""Weights and biases by the error of the layer's output, on the inputs that the layer sees."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fpgaq.model.executor import run_float
from fpgaq.model.graph import Deconvolution, Graph, Relu
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.methods import rules_of
from fpgaq.quantizer.output_error import (
    SWEEPS,
    _descend,
    best_real_weights,
    descend_to_output,
    factored,
    float_optimum,
    output_error,
    round_to_output,
    sampled_error,
)
from fpgaq.quantizer.trace import Moments
from tests.support.float_networks import (
    affine,
    chain,
    convolution,
    pooling,
    real_outputs,
    relu,
    samples,
    signal_to_noise,
    small_cnn,
)


def problem(seed: int, rows: int = 3, taps: int = 4):
    generator = np.random.default_rng(seed)
    factor = generator.normal(size=(1, taps, taps + 2))
    hessian = factor @ factor.transpose(0, 2, 1) / taps + 0.01 * np.eye(taps)
    return generator.normal(size=(1, rows, taps)) * 2, np.full((1, rows), 0.5), hessian


def test_no_single_step_improves_the_result():
    for seed in range(20):
        weight, step, hessian = problem(seed, taps=9)
        found = round_to_output(weight, step, hessian, -4, 3)
        assert np.array_equal(found, np.clip(np.rint(found), -4, 3))
        best = output_error(found * step[..., np.newaxis] - weight, hessian)
        for tap, change in product(range(9), (-1, 1)):
            moved = found.copy()
            moved[:, :, tap] = np.clip(moved[:, :, tap] + change, -4, 3)
            assert np.all(output_error(moved * step[..., np.newaxis] - weight, hessian) >= best - 1e-9), seed


def test_it_comes_close_to_the_best_of_all_integers():
    found_errors, best_errors, nearest_errors = [], [], []
    for seed in range(20):
        weight, step, hessian = problem(seed, rows=1)
        everything = np.array(list(product(range(-4, 4), repeat=4)), dtype=np.float64)
        best_errors.append(output_error(everything[np.newaxis] * 0.5 - weight, hessian).min())
        found = round_to_output(weight, step, hessian, -4, 3)
        found_errors.append(output_error(found * 0.5 - weight, hessian)[0, 0])
        nearest = np.clip(np.rint(weight / 0.5), -4, 3)
        nearest_errors.append(output_error(nearest * 0.5 - weight, hessian)[0, 0])
    assert all(found >= best - 1e-12 for found, best in zip(found_errors, best_errors, strict=True))
    assert np.mean(found_errors) < 1.1 * np.mean(best_errors) < 0.8 * np.mean(nearest_errors)


def deconvolution(outputs: int, channels: int, groups: int = 1) -> Deconvolution:
    generator = np.random.default_rng(9)
    weight = generator.normal(size=(channels, outputs // groups, 4, 4)).astype(np.float32) / 6
    bias = generator.normal(size=outputs).astype(np.float32)
    return Deconvolution("up", ("",), "", weight, bias, stride=(2, 2), padding=(1, 1, 1, 1), groups=groups)


LAYERS = {
    "affine": ((12,), lambda: affine(7, 12)),
    "affine after an image": ((3, 2, 2), lambda: affine(7, 12)),
    "padded": ((3, 6, 6), lambda: convolution(5, 3, padding=(1, 1, 1, 1))),
    "stride, dilation": ((3, 9, 8), lambda: convolution(5, 3, stride=(2, 1), dilation=(1, 2), padding=(2, 0, 1, 1))),
    "grouped": ((4, 6, 6), lambda: convolution(6, 4, groups=2)),
    "depthwise": ((4, 6, 6), lambda: convolution(4, 4, groups=4, padding=(1, 1, 1, 1))),
    "transposed": ((4, 5, 5), lambda: deconvolution(6, 4)),
    "transposed, grouped": ((4, 5, 5), lambda: deconvolution(6, 4, groups=2)),
}


def layer_network(name: str) -> tuple[Graph, dict[str, np.ndarray]]:
    shape, make = LAYERS[name]
    data = samples(64, *shape, seed=3)["t0"]
    # Inputs that hang together, as those of real networks do.
    mixed = data + 2 * data.mean(axis=tuple(range(1, data.ndim)), keepdims=True) + np.float32(0.5)
    return chain(shape, make()), {"t0": mixed.astype(np.float32)}


@pytest.mark.parametrize("name", LAYERS)
def test_the_output_comes_closer_than_with_nearest_weights(name: str):
    graph, data = layer_network(name)

    def quality(**rules) -> float:
        options = QuantizeOptions(3, 8, per_channel=False, method="mse", input_bits=10, **rules)
        return signal_to_noise(graph, quantize(graph, data, options), data["t0"])

    nearest, corrected = quality(), quality(bias_correction=True)
    together = quality(bias_correction=True, weight_rounding="hessian")
    assert nearest < corrected < together, (nearest, corrected, together)
    assert together > nearest + 0.7, (nearest, together)
    assert quality(weight_rounding="hessian") > nearest


@pytest.mark.parametrize("rounding", ["nearest", "hessian"])
@pytest.mark.parametrize("name", LAYERS)
def test_corrected_biases_leave_no_mean_error(name: str, rounding: str):
    graph, data = layer_network(name)
    options = QuantizeOptions(3, 8, method="mse", weight_rounding=rounding, bias_correction=True)
    expected = run_float(graph, data)["t1"]
    integer = quantize(graph, data, options)
    difference = real_outputs(integer, data["t0"]) - expected
    axes = (0, *range(2, difference.ndim))
    half_a_step = integer.tensors[integer.outputs[0]].format.step / 2
    assert np.abs(difference.mean(axis=axes)).max() < half_a_step + 1e-5 < np.abs(difference).mean()


def test_later_layers_mend_what_earlier_ones_spoilt():
    graph = chain((2, 8, 8), convolution(8, 2, 1, "first"), relu(), convolution(3, 8, 2, "second"))
    data = samples(48, 2, 8, 8)
    layers = {"first": {"weight_bits": 2}}
    quality = [
        signal_to_noise(graph, quantize(graph, data, QuantizeOptions(8, 8, method=method, layers=layers)), data["t0"])
        for method in ("mse", "auto")
    ]
    assert quality[1] > quality[0] + 4, quality


def test_steps_by_the_output():
    """A tap whose input is always zero must not choose the step."""
    layer = affine(3, 6)
    layer.weight[:, 0] = 50.0
    data = samples(64, 6)
    data["t0"][:, 0] = 0.0
    graph = chain((6,), layer)
    by_weights, by_output = (
        signal_to_noise(graph, quantize(graph, data, QuantizeOptions(4, 8, method=method)), data["t0"])
        for method in ("mse", "output")
    )
    assert by_output > by_weights + 10, (by_output, by_weights)


def test_auto_takes_steps_per_channel_where_they_pay():
    def fracs(scale: float, bits: int = 8) -> set[int]:
        first = convolution(6, 2, name="first")
        first.weight[::2] *= scale
        graph = chain((2, 6, 6), first, Relu("r", ("",), ""), pooling(), affine(3, 24))
        integer = quantize(graph, samples(32, 2, 6, 6), QuantizeOptions(bits, bits))
        return set(integer.operators[0].weight_frac)  # type: ignore[attr-defined]

    assert len(fracs(1.0)) == 1
    assert len(fracs(0.25)) > 1
    assert rules_of("auto", 6).per_channel is True and rules_of("auto", 7).per_channel is None


@pytest.mark.parametrize(("bits", "edition", "rule"), [(3, "0.2", "rounded"), (4, "0.2", "mse"), (3, "0.1", "mse")])
def test_auto_chooses_steps_of_the_fewest_bits_after_rounding(bits, edition, rule) -> None:
    assert QuantizeOptions(bits, edition=edition).rules.weight_delta == rule
    assert QuantizeOptions(bits, edition=edition, weight_delta="ceil").rules.weight_delta == "ceil"


@pytest.mark.parametrize("method", ["auto", "max", "percentile", "mse", "output"])
def test_methods_keep_the_number_contract(method: str):
    integer = quantize(small_cnn(), samples(32, 2, 8, 8), QuantizeOptions(4, 8, method=method))
    spans = [
        max(op.requantize.shift) - min(op.requantize.shift)
        for op in integer.operators
        if getattr(op, "requantize", None) is not None
    ]
    assert max(spans) <= 2
    last = integer.operators[-1]
    assert len(set(last.weight_frac)) == 1 and last.requantize is None  # type: ignore[attr-defined]


def test_calibration_repeats():
    graph, data = small_cnn(), samples(32, 2, 8, 8)
    first, second = (quantize(graph, data, QuantizeOptions(4, 8)) for _ in range(2))
    for one, other in zip(first.operators, second.operators, strict=True):
        if hasattr(one, "weight"):
            assert np.array_equal(one.weight, other.weight) and np.array_equal(one.bias, other.bias)  # type: ignore[attr-defined]


def test_real_weights_are_mended_as_by_an_inverse() -> None:
    """The triangular solutions, over several blocks, are those that the inverse of the moments gives."""
    chance = np.random.default_rng(8)
    for groups, rows, taps in ((1, 5, 300), (3, 2, 9), (1, 1, 1)):
        inputs = chance.normal(size=(groups, 2 * taps, taps))
        second = np.einsum("gnk,gnl->gkl", inputs, inputs) / (2 * taps) + 0.1 * np.eye(taps)
        cross, weight = chance.normal(size=(groups, rows, taps)), chance.normal(size=(groups, rows, taps))
        moments = Moments(second, cross, np.zeros((groups, taps)), np.zeros((groups, rows)), 2 * taps)
        found = best_real_weights(weight, moments, factored(second))
        expected = weight + cross @ np.linalg.inv(second)
        assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()


def test_errors_are_the_same_by_samples_and_by_moments() -> None:
    chance = np.random.default_rng(9)
    samples, difference = chance.normal(size=(2, 30, 7)), chance.normal(size=(2, 4, 30))
    expected = output_error(difference, samples @ samples.transpose(0, 2, 1) / 7)
    assert np.allclose(sampled_error(difference, samples), expected, rtol=1e-12)


def test_rounds_end_at_the_integers_of_a_plain_descent() -> None:
    """Rows and taps one by one, as the rule says it, over several blocks."""
    chance = np.random.default_rng(10)
    inputs = chance.normal(size=(150, 100))
    hessian, weight = inputs.T @ inputs, 3 * chance.normal(size=(5, 100))
    integers = np.clip(np.rint(weight), -8, 7)
    expected = integers.copy()
    for row, wanted in zip(expected, weight, strict=True):
        for _ in range(SWEEPS):
            for tap in range(100):
                slope = (row - wanted) @ hessian[:, tap]
                row[tap] = np.clip(np.rint(row[tap] - slope / hessian[tap, tap]), -8, 7)
    assert np.array_equal(_descend(integers, weight, hessian, -8, 7), expected)


def test_qronos_takes_the_two_steps_of_its_paper() -> None:
    """Tap by tap: the best integer with the others fixed, then the best real values of all that are left."""
    chance = np.random.default_rng(11)
    for taps in (1, 5, 70):
        real = chance.normal(size=(2 * taps + 5, taps))
        seen = real + 0.3 * chance.normal(size=real.shape)
        weight = 3 * chance.normal(size=(1, 4, taps))
        hessian = (seen.T @ seen)[np.newaxis]
        cross = weight @ (real.T @ seen - hessian)
        moments = Moments(hessian, cross, np.zeros((1, taps)), np.zeros((1, 4)), 1)
        factors = factored(hessian)
        target, first = best_real_weights(weight, moments, factors), float_optimum(weight, moments, hessian)
        found = round_to_output(target, np.ones((1, 4)), hessian, -4, 3, factors, first)
        order = factors[0].order
        for row in range(4):
            wanted, left, integers = real @ weight[0, row], weight[0, row].copy(), np.zeros(taps)
            for place, tap in enumerate(order):
                others = np.r_[order[:place], order[place + 1 :]]
                rest = wanted - seen[:, others] @ left[others]
                best = seen[:, tap] @ rest / (seen[:, tap] @ seen[:, tap])
                left[tap] = integers[tap] = np.clip(np.rint(best), -4, 3)
                free, done = order[place + 1 :], order[: place + 1]
                if len(free):
                    left[free] = np.linalg.lstsq(seen[:, free], wanted - seen[:, done] @ left[done], rcond=None)[0]
            assert np.array_equal(found[0, row], integers), (taps, row)


def test_comq_moves_tap_after_tap_to_its_best_integer() -> None:
    chance = np.random.default_rng(12)
    inputs = chance.normal(size=(60, 12)) * np.linspace(0.2, 3, 12)
    hessian, weight = (inputs.T @ inputs)[np.newaxis], 3 * chance.normal(size=(1, 5, 12))
    found = descend_to_output(weight, np.full((1, 5), 0.5), hessian, -8, 7)[0]
    for row, wanted in zip(found, 2 * weight[0], strict=True):
        values = wanted.copy()
        for _ in range(SWEEPS):
            for tap in np.argsort(-np.abs(wanted) * np.linalg.norm(inputs, axis=0), kind="stable"):
                slope = (values - wanted) @ hessian[0, :, tap]
                values[tap] = np.clip(np.rint(values[tap] - slope / hessian[0, tap, tap]), -8, 7)
        assert np.array_equal(row, values)


@pytest.mark.parametrize("rounding", ["qronos", "comq"])
def test_other_ways_to_round_come_closer_than_nearest_weights(rounding) -> None:
    graph, data = layer_network("padded")
    found, nearest = (
        signal_to_noise(
            graph,
            quantize(graph, data, QuantizeOptions(3, 8, method="mse", per_channel=False, input_bits=10, **rules)),
            data["t0"],
        )
        for rules in ({"weight_rounding": rounding, "bias_correction": True}, {"bias_correction": True})
    )
    assert found > nearest + 0.1, (nearest, found)


def test_steps_after_rounding_clip_what_only_rounding_shows() -> None:
    """With the step chosen on rounded weights the output is at least as near, in each layer by itself."""
    graph, data = layer_network("affine")
    plain, rounded = (
        signal_to_noise(graph, quantize(graph, data, QuantizeOptions(2, 8, weight_delta=rule)), data["t0"])
        for rule in ("mse", "rounded")
    )
    assert rounded >= plain - 0.1, (plain, rounded)
