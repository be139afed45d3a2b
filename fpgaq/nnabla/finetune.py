"""Finetuning: a float network, quantized, trained on through its fixed-point functions."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import nnabla as nn
import numpy as np
from numpy.typing import NDArray

from ..base.choices import DELTAS, Deltas
from ..base.errors import UsageError
from ..model.exporters import dump_nnp, parameter_names, with_parameters
from ..model.graph import Affine, Convolution, Deconvolution, FixedPointQuantize, Graph, Grid, Operator
from ..model.graph.fixed import by_channel
from ..model.passes.linear import Linear
from ..quantizer.fixed_choice import best_frac
from .files import Network
from .learned import with_learned_steps
from .oscillation import OscillationFreezer
from .training import Epoch, TrainOptions, predict, rate_factor, train


@dataclass(frozen=True)
class Finetuned:
    """The trained graph, still with values before rounding, and the results of its epochs."""

    graph: Graph
    epochs: tuple[Epoch, ...]


def finetune(
    graph: Graph,
    samples: Sequence[NDArray[Any]],
    targets: NDArray[Any],
    options: TrainOptions,
    *,
    batch_size: int = 64,
    deltas: Deltas = "frozen",
    validation: tuple[Sequence[NDArray[Any]], NDArray[Any]] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Finetuned:
    """Train a graph of fixed-point functions.

    Weights that oscillate between two integers are frozen on the way (`OscillationFreezer`).

    Parameters
    ----------
    graph : Graph
        The result of `trainable_graph`.
    samples : sequence of array
        (n, *shape) for each input.
    targets : array
        Class indices, or values of the output's shape.
    options : TrainOptions
    batch_size : int
    deltas : {"frozen", "recalibrated", "learned"}
        Steps stay; those of weights are chosen anew for the least squared error before every epoch; all but those of
        biases and inputs are trained, as powers of two whose exponents are rounded straight through.
    validation : (samples, labels), optional
        Accuracy on these is reported after every epoch (the mean squared error for other losses).
    progress : callable, optional

    Returns
    -------
    Finetuned
    """
    if deltas not in DELTAS:
        raise UsageError(f"deltas is {deltas!r}; one of {', '.join(DELTAS)} is needed")
    phases = 1 if deltas != "recalibrated" else max(1, round(options.epochs))
    found: list[Epoch] = []
    for phase in range(phases):
        chosen = options
        if phases > 1:
            graph = recalibrated(graph)
            rate = options.rate * rate_factor(options.schedule, phase / phases)
            chosen = replace(
                options, epochs=options.epochs / phases, rate=rate, schedule="constant", seed=options.seed + phase
            )
        with nn.parameter_scope("", OrderedDict()):
            network = load_graph(graph, batch_size)
            output = next(iter(network.outputs.values()))
            steps: dict[str, Any] = {}
            if deltas == "learned":
                output, steps = with_learned_steps(output, graph)
            inputs = list(network.inputs.values())
            score = _score(inputs, output, validation, options.loss)
            factors = rate_factors(graph)
            known = nn.get_parameters(grad_only=False)
            parameters = {name: known[name] for name in (*factors, *(f"step{n}" for n in range(len(steps))))}
            found += train(
                inputs, output, samples, targets, chosen,
                parameters=parameters, rate_factors=factors, after_step=OscillationFreezer(graph, known, steps),
                score=score, progress=progress,
            )  # fmt: skip
            graph = with_parameters(graph, {name: variable.d for name, variable in known.items()})
            if steps:
                graph = with_steps(graph, {name: int(np.rint(variable.d.flat[0])) for name, variable in steps.items()})
    return Finetuned(graph, tuple(found))


def load_graph(graph: Graph, batch_size: int) -> Network:
    """A float graph as an nnabla graph, its parameters in the current scope; tensors keep their names."""
    from nnabla.utils.nnp_graph import NnpLoader

    with nn.auto_forward(False):
        loader = NnpLoader(io.BytesIO(dump_nnp(graph)), extension=".nnp")
        network = loader.get_network(loader.get_network_names()[0], batch_size=batch_size)
    inputs = {name: network.variables[name] for name in graph.inputs}
    outputs = {name: network.variables[name] for name in graph.outputs}
    return Network(graph.name, inputs, outputs, dict(network.variables))


def rate_factors(graph: Graph) -> dict[str, float]:
    """A factor on the rate for each weight and bias, by its name: the size of the values that it can take or adds to.

    So a step is the same part of the range in every layer, whatever scale folding has given it.
    """
    names, factors = parameter_names(graph), {}
    quantizers = {op.input: op.format for op in graph.operators if isinstance(op, FixedPointQuantize)}
    quantizers.update({op.input: quantizers[op.output] for op in graph.operators if op.output in quantizers})
    for op in graph.operators:
        if isinstance(op, Convolution | Affine | Deconvolution) and op.weight_grid is not None:
            frac = int(np.median(op.weight_grid.frac))
            factors[names[op.output, "W"]] = 2.0 ** (op.weight_grid.bits - 1 - frac)
            fmt = quantizers.get(op.output)
            # A bias moves outputs; eight steps of the rate cover their range, as in the layers that trained before.
            factors[names[op.output, "b"]] = 1.0 if fmt is None else (fmt.maximum + 1) * fmt.step / 8
    return factors


def recalibrated(graph: Graph) -> Graph:
    """New steps for all weights, with the least squared error of each channel or layer."""
    fracs = _fracs(graph)
    operators = []
    for op in graph.operators:
        if isinstance(op, Convolution | Affine | Deconvolution) and op.weight_grid is not None:
            rows = by_channel(op)
            grid = op.weight_grid
            if len(grid.frac) == 1:
                rows = rows.reshape(1, -1)
            found = [
                best_frac(row, grid.bits, old, narrow=grid.narrow) for row, old in zip(rows, grid.frac, strict=True)
            ]
            # The span of a layer's shifts must not grow.
            coarsest, span = min(found), max(grid.frac) - min(grid.frac)
            frac = tuple(min(one, coarsest + max(span, 2)) for one in found)
            op = _regridded(op, replace(grid, frac=_short(frac)), fracs[op.input])
        operators.append(op)
    return graph.with_operators(tuple(operators))


def with_steps(graph: Graph, exponents: Mapping[str, int]) -> Graph:
    """The graph with the steps that training found; a quantizer never becomes finer than the accumulator before it."""
    operators = []
    for op in graph.operators:
        if isinstance(op, FixedPointQuantize) and op.output in exponents:
            op = replace(op, format=replace(op.format, frac=-exponents[op.output]))
        elif isinstance(op, Convolution | Affine | Deconvolution) and op.weight_grid is not None:
            whole = exponents.get(f"{op.output}/W_fixed")
            moved = exponents.get(f"{op.output}/W_integers", 0)
            frac = op.weight_grid.frac if whole is None else (-whole,)
            op = replace(op, weight_grid=replace(op.weight_grid, frac=tuple(one - moved for one in frac)))
        operators.append(op)
    return settled(graph.with_operators(tuple(operators)))


def settled(graph: Graph) -> Graph:
    """Biases at their accumulators' scales and quantizers no finer than them, after steps have moved."""
    fracs = _fracs(graph)
    operators: list[Operator] = []
    accumulators: dict[str, int] = {}
    for op in graph.operators:
        if isinstance(op, Convolution | Affine | Deconvolution) and op.weight_grid is not None:
            grid = op.weight_grid
            op = _regridded(op, grid, fracs[op.input])
            accumulators[op.output] = fracs[op.input] + min(grid.frac)
        elif isinstance(op, FixedPointQuantize):
            limit = accumulators.get(op.input)
            if limit is not None and op.format.frac > limit:
                op = replace(op, format=replace(op.format, frac=limit))
            fracs = _fracs(graph.with_operators((*operators, op, *graph.operators[len(operators) + 1 :])))
        elif op.input in accumulators and op.inputs == (op.input,):
            accumulators[op.output] = accumulators[op.input]
        operators.append(op)
    return graph.with_operators(tuple(operators))


def _regridded(op: Linear, weights: Grid, source: int) -> Linear:
    assert op.bias_grid is not None
    bias = replace(op.bias_grid, frac=_short(tuple(source + frac for frac in weights.frac)))
    return replace(op, weight_grid=weights, bias_grid=bias)


def _fracs(graph: Graph) -> dict[str, int]:
    """The fractional bits of each tensor on a grid: of quantizers, and of operators after them that keep values."""
    fracs: dict[str, int] = {}
    for op in graph.operators:
        if isinstance(op, FixedPointQuantize):
            fracs[op.output] = op.format.frac
        elif op.input in fracs:
            fracs[op.output] = fracs[op.input]
    return fracs


def _short(frac: tuple[int, ...]) -> tuple[int, ...]:
    return frac[:1] if len(set(frac)) == 1 else frac


def _score(
    inputs: Sequence[Any], output: Any, validation: tuple[Sequence[NDArray[Any]], NDArray[Any]] | None, loss: str
) -> Callable[[], float] | None:
    if validation is None:
        return None
    samples, targets = validation

    def score() -> float:
        values = predict(inputs, output, samples)
        if loss == "cross_entropy":
            return float(np.mean(values.reshape(len(values), -1).argmax(axis=1) == targets.reshape(-1)))
        return float(np.mean((values - targets) ** 2))

    return score
