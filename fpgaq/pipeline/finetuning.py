"""Finetuning from files to files: quantize, train through the fixed-point functions, measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.choices import Deltas
from ..base.data import Dataset, DataSource, load_data
from ..base.errors import ModelError, UsageError
from ..model.executor import run_float
from ..model.graph import Graph
from ..model.graph.fixed import is_fixed
from ..model.passes.cut_softmax import cut_softmax
from ..nnabla.finetune import finetune
from ..nnabla.training import Epoch, Loss, TrainOptions
from ..quantizer import quantize
from ..quantizer.balancing import balance
from ..quantizer.config import QuantizeOptions
from ..quantizer.fixed import refuse_options
from ..quantizer.idle_functions import without_idle_functions
from ..quantizer.trainable import trainable_graph, with_softmax

CALIBRATION = 256
"""Samples of the training data that choose the formats, if no others are given."""

HELD_OUT = 10
"""Every tenth sample is held out of training, to tell whether it helped."""
LEAST_HELD_OUT = 20
"""With fewer held out nothing is decided by them, and all samples train."""
WHOLE_RANGE_BITS = 3
"""Weights of at most this number of bits are also trained with the most negative integer. With more bits it gains
nothing, and without it a file has nnabla's own function alone."""


@dataclass(frozen=True)
class FinetuneResult:
    """A finetuned network and the figures on the way.

    Parameters
    ----------
    graph : Graph
        A graph of fixed-point functions; `fpgaq.model.exporters.save_nnp` writes it.
    loss : str
        The loss that was minimized.
    samples : int
    epochs : tuple of Epoch
    figures : mapping of str to float
        Percent of right answers, or mean squared errors, of the networks "float", "quantized" and "finetuned" on the
        test data, if there were any.
    kept : bool
        Training made the network worse on the samples that were held out: `graph` is the one that it started from.
    held_out : (float, float) or None
        The figure (see `figures`) of the start and of the trained network on these samples; None where none were.
    """

    graph: Graph
    loss: Loss
    samples: int
    epochs: tuple[Epoch, ...]
    figures: Mapping[str, float]
    kept: bool = False
    held_out: tuple[float, float] | None = None


def finetune_model(
    model: Graph,
    data: str | Path | DataSource,
    options: QuantizeOptions,
    training: TrainOptions,
    *,
    calibration: str | Path | DataSource | None = None,
    test: str | Path | DataSource | None = None,
    deltas: Deltas = "frozen",
    batch_size: int = 64,
    teacher: float = 0.0,
    progress: Callable[[str], None] | None = None,
) -> FinetuneResult:
    """Quantize a network and train it on in fixed point.

    Parameters
    ----------
    model : Graph
        As `load_model` returns it: a float network, or one of fixed-point functions whose training continues.
    data : str, Path or DataSource
        Samples with labels, or with targets of a regressor; without either the float network teaches.
    options : QuantizeOptions
        Rounding is nnabla's, whatever they say, and ranges are symmetric but those of weights of few bits.
    training : TrainOptions
        Its loss is replaced: cross entropy for labels, else the squared error.
    calibration, test : str, Path or DataSource, optional
    deltas, batch_size, progress
        As `finetune` takes them.
    teacher : float
        For labels only: the share (0 to 1) of the float network's answer in each target; the label has the rest.

    Raises
    ------
    UsageError
        A network with several outputs; fixed-point functions and no targets, or options that these state.
    """
    if not 0 <= teacher <= 1:
        raise UsageError(f"teacher is {teacher}; a share from 0 to 1 is needed")
    if len(model.outputs) != 1:
        raise UsageError(f"network {model.name!r} has {len(model.outputs)} outputs; networks with one are finetuned")
    output = model.outputs[0]
    fixed = is_fixed(model.operators)
    if fixed:
        refuse_options(model, options, calibrated=calibration is not None)
    samples = _load(model, data)
    targets: NDArray[Any] | None = samples.labels
    loss: Loss = "cross_entropy"
    if targets is None:
        loss, targets = "squared_error", samples.targets.get(output)
    taught = targets is None
    if targets is None:
        if fixed:
            raise ModelError(f"{data}: has no labels or targets (y), and no float network is there to teach")
        targets = run_float(model, samples.inputs)[output]
    elif teacher and loss == "cross_entropy":
        if fixed:
            raise UsageError(f"network {model.name!r} is of fixed-point functions: no float network is there to teach")
        targets = softened(targets, run_float(model, samples.inputs)[output], teacher)
    figures: dict[str, float | None] = {} if fixed else {"float": _figure(model, test, loss)}
    graph = with_softmax(model) if fixed and model.classifier else model
    if not fixed:
        graph = _trainable(model, _formats_from(model, samples, calibration), options)
    figures["quantized"] = _figure(graph, test, loss)
    start = graph
    held = np.arange(samples.frames) % HELD_OUT == HELD_OUT - 1
    held &= held.sum() >= LEAST_HELD_OUT
    arrays = [samples.inputs[name][~held] for name in graph.inputs]
    if taught:
        graph = cut_softmax(graph)
    wished = replace(training, loss=loss)
    found = finetune(graph, arrays, targets[~held], wished, batch_size=batch_size, deltas=deltas, progress=progress)
    if taught:
        found = replace(found, graph=with_softmax(found.graph) if found.graph.classifier else found.graph)
    kept = False
    measured: tuple[float, float] | None = None
    if held.any():
        wanted = samples.labels if loss == "cross_entropy" else targets
        assert wanted is not None
        before, after = (_held_out(one, samples, held, wanted, loss) for one in (start, found.graph))
        measured = (before, after)
        kept = after < before if loss == "cross_entropy" else after > before
    graph = start if kept else found.graph
    figures["finetuned"] = _figure(graph, test, loss)
    known = {name: value for name, value in figures.items() if value is not None}
    return FinetuneResult(graph, loss, int((~held).sum()), found.epochs, known, kept, measured)


def _held_out(graph: Graph, samples: Dataset, held: NDArray[np.bool_], targets: NDArray[Any], loss: Loss) -> float:
    """Percent of right answers, or the mean squared error, of a fixed-point graph on the samples held out."""
    graph = cut_softmax(graph) if loss == "squared_error" else graph
    inputs = {name: array[held] for name, array in samples.inputs.items()}
    values = run_float(graph, inputs)[graph.outputs[0]].reshape(int(held.sum()), -1)
    if loss == "cross_entropy":
        return 100.0 * float(np.mean(values.argmax(axis=1) == targets[held].reshape(-1)))
    return float(np.mean((values.astype(np.float64) - targets[held].reshape(values.shape)) ** 2))


def softened(labels: NDArray[np.int64], logits: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The classes' shares (n, classes) as targets: `share` of what logits (n, classes, ...) say, the rest the label's.

    After Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """
    scores = logits.reshape(len(logits), -1).astype(np.float64)
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    said = exponentials / exponentials.sum(axis=1, keepdims=True)
    known = np.arange(scores.shape[1]) == labels.reshape(-1, 1)
    targets: NDArray[np.float32] = (share * said + (1 - share) * known).astype(np.float32)
    return targets


def _load(model: Graph, path: str | Path | DataSource) -> Dataset:
    shapes = {name: tuple(model.shapes[name]) for name in (*model.inputs, *model.outputs)}
    return load_data(path, model.inputs, outputs=model.outputs, shapes=shapes).in_model_units()


def _formats_from(
    model: Graph, samples: Dataset, calibration: str | Path | DataSource | None
) -> Mapping[str, NDArray[Any]]:
    """The samples that choose the formats."""
    if calibration is not None:
        return _load(model, calibration).inputs
    stride = max(1, samples.frames // CALIBRATION)
    return {name: array[::stride][:CALIBRATION] for name, array in samples.inputs.items()}


def _trainable(model: Graph, samples: Mapping[str, NDArray[Any]], options: QuantizeOptions) -> Graph:
    """The network in fixed point that training starts from."""
    if options.balance:
        model = balance(model, samples, options)
    if not options.first_edition:
        model = without_idle_functions(model, samples)
    chosen = replace(_with_ranges(options), rounding="half_away", balance=False, per_feature=False)
    return trainable_graph(model, quantize(model, samples, chosen))


def _with_ranges(options: QuantizeOptions) -> QuantizeOptions:
    """The options with symmetric ranges where weights have more than `WHOLE_RANGE_BITS`."""

    def narrow(given: QuantizeOptions) -> bool:
        return given.narrow or given.weight_bits > WHOLE_RANGE_BITS

    layers = {name: {**given, "narrow": narrow(options.for_layer(name))} for name, given in options.layers.items()}
    return replace(options, narrow=narrow(options), layers=layers)


def _figure(graph: Graph, test: str | Path | DataSource | None, loss: Loss) -> float | None:
    """Percent of right answers, or the mean squared error."""
    if test is None:
        return None
    data = _load(graph, test)
    values = run_float(graph, data.inputs)[graph.outputs[0]]
    if loss == "cross_entropy":
        if data.labels is None:
            raise ModelError(f"{test}: has no labels (y)")
        return 100.0 * float(np.mean(values.reshape(len(values), -1).argmax(axis=1) == data.labels))
    targets = data.targets.get(graph.outputs[0])
    return None if targets is None else float(np.mean((values.astype(np.float64) - targets) ** 2))
