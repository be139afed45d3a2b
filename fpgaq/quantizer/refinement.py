"""Options chosen by what they leave wrong at the network's output, on calibration samples that were held out.

The rules of `methods` look at one layer at a time. Here the whole integer network is computed, and where its answers
differ too much from the float network's, changes of the options are tried one after another: other steps, balanced
channels, and more bits for a few elements. At last the result is held against the rules of 0.1.0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import FitError
from ..base.preparation import Preparation
from ..integer.graph import IntegerGraph
from ..integer.inputs import transform_data
from ..integer.reference import run, to_model_layout
from ..model.executor import run_float
from ..model.graph import Affine, Convolution, Deconvolution, Graph, Pointwise, Prelu
from .calibration import check_samples
from .channel_pairs import find_pairs
from .config import QuantizeOptions
from .elements import MAX_TABLE_BITS
from .methods import FEW_BITS
from .network import quantize
from .plan import ROUNDING, final_tensors

HELD_OUT = 3
"""Every third sample is held out: measured on, and not calibrated with."""
LEAST_SAMPLES = 12
"""With fewer nothing is measured."""
START = 1e-3
"""An error (`output_divergence`) up to which nothing is tried: about 98 answers of 100 agree at the worst."""
START_SMALL = 2e-4
"""The same for classifiers whose elements are so few (FEW_ELEMENTS) that more bits cost next to nothing."""
ENOUGH = 2e-4
"""An error that ends the trials."""
WORTH = 0.75
"""A change is taken if it leaves at most this part of the error."""
EARLIER = "rules of 0.1"
"""What 0.1.0 would have made, if it leaves less error over all thirds of the samples."""
FEW_ELEMENTS = 256
WIDE_PART = 0.1
"""Elements of a frame that may have more bits than the network's others: so many, or this part of all."""
WIDER = (12, 16)
"""Bits that are tried for them."""
BUDGET = 2e9
"""Multiplications that all trials together may take: some ten seconds of one core."""
MOST_TRIALS = 64
Values = NDArray[np.float64]
Samples = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Refinement:
    """The options that were chosen, and what was measured.

    Parameters
    ----------
    options : QuantizeOptions
    changes : tuple of str
        In words, in the order in which they were taken.
    agreement : float or None
        Part of the held-out samples on which the integer network's answer is the float one's; None for no classifier.
    error, before : float
        `output_divergence` with the options and with those that were given.
    samples : int
        How many were held out; with 0 nothing was measured.
    trials : int
        Networks that were quantized.
    """

    options: QuantizeOptions
    changes: tuple[str, ...] = ()
    agreement: float | None = None
    error: float = math.nan
    before: float = math.nan
    samples: int = 0
    trials: int = 0


@dataclass(frozen=True)
class _Change:
    words: str
    options: QuantizeOptions


def refine(
    graph: Graph, samples: Mapping[str, Any], options: QuantizeOptions, preparation: Preparation | None = None
) -> Refinement:
    """Choose options for a network on samples of which every third is measured on.

    Options that the user gave stay: only what `method` auto leaves open is tried.

    Raises
    ------
    FitError
        The network can't be quantized with the options as they are.
    """
    data = check_samples(graph.inputs, graph.shapes, samples)
    count = len(next(iter(data.values())))
    cost = 2.0 * multiplications(graph) * count
    if options.method != "auto" or options.first_edition or count < LEAST_SAMPLES or cost > BUDGET:
        return Refinement(options)
    held = np.arange(count) % HELD_OUT == 1
    trial = _Trial(graph, {name: array[~held] for name, array in data.items()}, _part(data, held), preparation)
    left = int(min(MOST_TRIALS, BUDGET // cost)) - 1
    best, agreement = trial.measure(options)
    found = Refinement(options, (), agreement, best, best, int(held.sum()), 1)
    start = START_SMALL if graph.classifier and _is_small(graph) else START
    while found.error > (ENOUGH if found.changes else start) and left > 0:
        candidates = list(_changes(graph, found.options, options))[:left]
        left -= len(candidates)
        measured = [(trial.try_measure(change.options), change) for change in candidates]
        if not measured:
            break
        (error, agreement), chosen = min(measured, key=lambda pair: pair[0][0])
        found = replace(found, trials=found.trials + len(candidates))
        if not error <= WORTH * found.error:
            break
        changes = (*found.changes, chosen.words)
        found = replace(found, options=chosen.options, changes=changes, error=error, agreement=agreement)
    if found.error > START and left >= 2 * HELD_OUT - 1:
        return _or_earlier(found, options, graph, data, preparation)
    return found


def _or_earlier(
    found: Refinement, options: QuantizeOptions, graph: Graph, data: Samples, preparation: Preparation | None
) -> Refinement:
    """What was found, or the first release's rules where they leave less error, each third held out in turn."""
    earlier = replace(options, edition="0.1")
    count = len(next(iter(data.values())))
    measured: dict[str, list[tuple[float, float | None]]] = {"found": [], "earlier": []}
    for third in range(HELD_OUT):
        held = np.arange(count) % HELD_OUT == (1 + third) % HELD_OUT
        trial = _Trial(graph, _part(data, ~held), _part(data, held), preparation)
        # The first third is the one that was held out all along.
        measured["found"].append(trial.try_measure(found.options) if third else (found.error, found.agreement))
        measured["earlier"].append(trial.try_measure(earlier))
    now, before = (float(np.mean([error for error, _ in results])) for results in measured.values())
    found = replace(found, trials=found.trials + 2 * HELD_OUT - 1)
    if not before < now:
        return found
    error, agreement = measured["earlier"][0]
    return replace(found, options=earlier, changes=(EARLIER,), error=error, agreement=agreement)


def described(found: Refinement) -> dict[str, Any]:
    """What was chosen and measured, as plain JSON values, for `IntegerGraph.options`."""
    measured = None
    if found.samples:
        measured = {"samples": found.samples, "agreement": found.agreement, "divergence": found.error}
    options = asdict(replace(found.options, layers={}))
    layers = {name: dict(own) for name, own in found.options.layers.items()}
    return {"options": {**options, "layers": layers}, "chosen": list(found.changes), "measured": measured}


def _part(data: Samples, chosen: NDArray[np.bool_]) -> Samples:
    return {name: array[chosen] for name, array in data.items()}


@dataclass(frozen=True, eq=False)
class _Trial:
    """Quantizes on some samples and measures on others."""

    graph: Graph
    samples: Samples
    tests: Samples
    preparation: Preparation | None = None

    def __post_init__(self) -> None:
        prepared = self.preparation or Preparation()
        images = {name: prepared.applied(array).astype(np.float32) for name, array in self.tests.items()}
        object.__setattr__(self, "expected", run_float(self.graph, images))

    def measure(self, options: QuantizeOptions) -> tuple[float, float | None]:
        """The error and the agreement with these options."""
        integer = quantize(self.graph, self.samples, replace(options, argmax=False), self.preparation)
        expected: Mapping[str, Values] = self.expected  # type: ignore[attr-defined]
        found = real_outputs(integer, self.tests)
        errors = [output_divergence(expected[name], found[name], self.graph.classifier) for name in integer.outputs]
        if not self.graph.classifier:
            return max(errors), None
        (name,) = integer.outputs
        return max(errors), agreement_of(expected[name], found[name])

    def try_measure(self, options: QuantizeOptions) -> tuple[float, float | None]:
        """The same; infinite where the network can't be quantized so."""
        try:
            return self.measure(options)
        except FitError:
            return math.inf, None


def real_outputs(integer: IntegerGraph, samples: Samples) -> dict[str, Values]:
    """The real values of the outputs of an integer network, in the model's own shapes."""
    results = run(integer, transform_data(integer, samples))
    return {name: integer.tensors[name].real(to_model_layout(integer, name, results[name])) for name in integer.outputs}


def output_divergence(expected: Values, found: Values, classifier: bool) -> float:
    """How far answers are from those of the float network.

    For logits the mean Kullback-Leibler divergence of the classes' probabilities, in nats: an error counts where it
    can change an answer. For other outputs the squared error, as a part of their variance.
    """
    real, other = (values.reshape(len(values), -1).astype(np.float64) for values in (expected, found))
    if classifier:
        logs = [values - np.logaddexp.reduce(values, axis=1, keepdims=True) for values in (real, other)]
        return float(np.sum(np.exp(logs[0]) * (logs[0] - logs[1]), axis=1).mean())
    variance = float(np.mean((real - real.mean(axis=0)) ** 2))
    return float(np.mean((real - other) ** 2)) / (variance or 1.0)


def agreement_of(expected: Values, found: Values) -> float:
    """The part of the samples whose greatest output is the same."""
    first, second = (values.reshape(len(values), -1).argmax(axis=1) for values in (expected, found))
    return float(np.mean(first == second))


def multiplications(graph: Graph) -> int:
    """Multiplications with weights in a frame, and one for each element."""
    total = sum(math.prod(shape) for shape in graph.shapes.values())
    for op in graph.operators:
        if isinstance(op, Convolution):
            total += math.prod(graph.shapes[op.output]) * op.weight[0].size
        elif isinstance(op, Affine | Deconvolution):
            positions = math.prod(graph.shapes[op.input][1:]) if isinstance(op, Deconvolution) else 1
            total += op.weight.size * positions
    return total


def _is_small(graph: Graph) -> bool:
    """Whether all layers together write few elements."""
    return sum(math.prod(graph.shapes[op.output]) for op in graph.operators) <= FEW_ELEMENTS


def _changes(graph: Graph, options: QuantizeOptions, given: QuantizeOptions) -> Iterator[_Change]:
    """The changes that may be tried now, the cheapest in hardware first."""
    if not options.balance and not options.equalize:
        yield _Change("balanced channels", replace(options, balance=True))
        # Weights of few bits have a step for each channel: equal ranges win nothing there.
        if given.weight_bits > FEW_BITS and find_pairs(graph):
            yield _Change("equalized channels", replace(options, equalize=True))
    if options.activation_range is None:
        yield _Change("activation steps by the 99.9th percentile", replace(options, activation_range="percentile"))
    # With fewer bits than 8 it is those that cost accuracy, and that were asked for.
    if min(given.activation_bits, given.weight_bits) < 8:
        return
    sizes = {op.name: math.prod(graph.shapes[op.output]) for op in graph.operators}
    room = max(FEW_ELEMENTS, WIDE_PART * sum(sizes.values()))
    room -= sum(sizes.get(name, 0) for name, own in options.layers.items() if "activation_bits" in own)
    final, names = final_tensors(graph), [op.name for op in graph.operators]
    all_wider = dict(options.layers)
    for op in graph.operators:
        own, held = options.layers.get(op.name, {}), given.layers.get(op.name, {})
        if not isinstance(op, (*ROUNDING, Pointwise, Prelu)) or op.output in final or names.count(op.name) > 1:
            continue
        known = own.get("activation_bits", given.activation_bits)
        wider = [bits for bits in WIDER if bits > known]
        if "activation_bits" in held or not wider or ("activation_bits" not in own and sizes[op.name] > room):
            continue
        more: dict[str, Any] = {"activation_bits": wider[0]}
        if isinstance(op, Pointwise) and "table_bits" not in held:
            more["table_bits"] = MAX_TABLE_BITS
        layers = {**options.layers, op.name: {**own, **more}}
        yield _Change(f"{wider[0]} bits after {op.name!r}", replace(options, layers=layers))
        if wider[0] == WIDER[0]:
            all_wider[op.name] = {**own, **more}
    # Where each layer alone wins too little, all together may win enough.
    if _is_small(graph) and len(all_wider) > len(options.layers) + 1:
        yield _Change(f"{WIDER[0]} bits after every layer", replace(options, layers=all_wider))
