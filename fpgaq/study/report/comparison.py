"""Float against integer on the same data: accuracy, agreement, the error of each layer, size and time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.data import Dataset, fit_shape
from ...base.errors import ModelError
from ...base.formats import Format
from ...base.results import Result, share
from ...integer.accumulators import signed_width
from ...integer.graph import IntegerArgMax, IntegerArray, IntegerGraph, Tensor
from ...integer.inputs import transform_data
from ...model.executor import run_float
from ...model.graph import Graph, Pointwise
from ...proof.runner import Runner
from .losses import LossSums, OutputLoss
from .metrics import Confusion, Disagreement, Metrics, OutputMetrics
from .sizes import count_operators, float_bytes, integer_bytes
from .timing import best_seconds, described, threads

BATCH_ELEMENTS = 1 << 22
"""Elements of all tensors of one batch."""
TIMED_FRAMES = 256
TOP = 5


@dataclass(frozen=True)
class TensorComparison:
    """How well one tensor's integers stand for the float network's values.

    Parameters
    ----------
    name, layer : str
        The tensor, and the layer that writes it ("input" for an input).
    format : str
    signal_to_noise : float
        In dB, the power of the float values over that of the difference; infinite where both are equal.
    saturation : float
        Fraction of integers that stand at a limit of the format (the 0 of an unsigned one is no limit).
    unused_bits : int
        High bits of the format that no integer needed.
    accumulator_width : int or None
        Proved bits of the layer's accumulator, if it has one.
    mean_squared_error : float
        Error of the values that the integers stand for, in the units of the float network.
    """

    name: str
    layer: str
    format: str
    signal_to_noise: float
    saturation: float
    unused_bits: int
    accumulator_width: int | None
    mean_squared_error: float


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """The result of `compare`. Accuracies are fractions; None where labels are missing or the figure has no sense."""

    network: str
    samples: int
    float_top1: float | None
    integer_top1: float | None
    float_top5: float | None
    integer_top5: float | None
    agreement: float | None
    layers: tuple[TensorComparison, ...]
    float_bytes: int
    integer_bytes: int
    """Bytes of weights, biases, factors and tables, packed at their widths."""
    float_operators: Mapping[str, int]
    """How often each kind of operator stands in the model."""
    integer_operators: Mapping[str, int]
    float_seconds: float
    """Per image."""
    integer_seconds: float
    """Per image."""
    engine: str
    threads: int
    outputs: tuple[str, ...] = ()
    """The outputs whose error `layers` gives."""
    losses: tuple[OutputLoss, ...] = ()
    """The loss of each output for which the data hold targets."""
    metrics: tuple[OutputMetrics, ...] = ()
    """What else tells how good each output is: labels, numbers, classes a pixel, reconstruction."""
    confusion: Confusion | None = None
    disagreements: tuple[Disagreement, ...] = ()
    """The first samples that both networks answer differently."""
    interval_cycles: int | None = None
    """Of the hardware, where it is known."""
    clock_mhz: float | None = None
    frames_per_second: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`; an infinite ratio becomes None."""
        result = asdict(self)
        result["layers"] = [
            {
                **asdict(layer),
                "signal_to_noise": layer.signal_to_noise if math.isfinite(layer.signal_to_noise) else None,
            }
            for layer in self.layers
        ]
        result["losses"] = [{**asdict(loss), "change": loss.change} for loss in self.losses]
        return result

    def headline(self) -> str:
        """Accuracies or errors of both networks, in one line."""
        if self.losses:
            figures = "; ".join(
                f"{loss.output}: mean squared error {loss.float_error:.6g} float, {loss.integer_error:.6g} integer"
                for loss in self.losses
            )
        else:
            figures = (
                f"top-1 {share(self.float_top1)} float, {share(self.integer_top1)} integer,"
                f" agreement {share(self.agreement)}"
            )
        return f"{self.network} on {self.samples:,} samples: {figures}"

    def records(self) -> list[dict[str, Any]]:
        """A row for each tensor."""
        return [asdict(layer) for layer in self.layers]


@dataclass
class _Running:
    """Sums over the batches for one tensor."""

    signal: float = 0.0
    noise: float = 0.0
    limits: int = 0
    count: int = 0
    least: int = 0
    greatest: int = 0

    def add(self, real: NDArray[Any], integers: IntegerArray, values: NDArray[np.float64], fmt: Format) -> None:
        """Take in one batch: values of the float network, the integers, and the values that they stand for."""
        expected = real.astype(np.float64)
        self.signal += float(np.sum(expected**2))
        self.noise += float(np.sum((values - expected) ** 2))
        at_limit = integers == fmt.maximum
        if fmt.signed:
            at_limit |= integers == fmt.minimum
        self.limits += int(at_limit.sum())
        self.count += integers.size
        self.least, self.greatest = min(self.least, int(integers.min())), max(self.greatest, int(integers.max()))

    def ratio(self) -> float:
        """Signal to noise in dB."""
        if self.noise == 0.0:
            return math.inf
        return 10.0 * math.log10(self.signal / self.noise) if self.signal > 0.0 else -math.inf

    def unused_bits(self, fmt: Format) -> int:
        """High bits that no integer needed."""
        needed = signed_width(self.least, self.greatest) if fmt.signed else max(1, self.greatest.bit_length())
        return fmt.width - needed


@dataclass
class _Votes:
    """Right answers and errors so far."""

    float_top1: int = 0
    integer_top1: int = 0
    float_top5: int = 0
    integer_top5: int = 0
    agreement: int = 0
    tensors: dict[str, _Running] = field(default_factory=dict)
    losses: LossSums = field(default_factory=LossSums)


def compare(
    graph: Graph,
    integer: IntegerGraph,
    dataset: Dataset,
    *,
    timed: bool = True,
    engine: str = "numpy",
    source: Graph | None = None,
) -> Comparison:
    """Compare an integer network with the float network that it was made from.

    Parameters
    ----------
    graph : Graph
        After the passes that the quantizer saw.
    integer : IntegerGraph
    dataset : Dataset
        In the model's own units; without labels the accuracies are None, without targets there are no losses, and
        with targets no agreement of greatest elements. Targets of a classifier whose softmax was cut off give no loss:
        its outputs are logits.
    timed : bool
        Measure seconds per image too (else 0).
    engine : {"auto", "numpy", "cpp"}
        The engine that computes the integers; the one that did so in the end is timed.
    source : Graph, optional
        The network as it stands in the file, before the passes: its operators are counted instead of `graph`'s.

    Raises
    ------
    ModelError
        Data or labels that do not fit, or networks that do not belong together.
    """
    _check_pair(graph, integer)
    data = {name: fit_shape(dataset.inputs[name], tuple(graph.shapes[name]), f"data {name!r}") for name in graph.inputs}
    frames = dataset.frames
    classes = 2 if _is_binary(graph) else math.prod(graph.shapes[graph.outputs[0]])
    compared = _compared(graph, integer)
    labels = dataset.labels
    if labels is not None and labels.size and int(labels.max()) >= classes:
        raise ModelError(f"labels go up to {labels.max()}, but network {graph.name!r} has {classes} outputs")
    metrics = Metrics(graph, dataset, classes)
    votes = _Votes(tensors={name: _Running() for name in compared})
    runner = Runner(engine, integer, frames, keep=True)
    step = max(1, BATCH_ELEMENTS // sum(tensor.size for tensor in integer.tensors.values()))
    for start in range(0, frames, step):
        batch = {name: array[start : start + step] for name, array in data.items()}
        part = replace(dataset.slice(start, start + step), inputs=batch)
        _compare_batch(graph, runner, part, start, metrics, votes)

    scored = not (dataset.maps or metrics.reconstructs)

    def share(count: int, sensible: bool) -> float | None:
        return count / frames if sensible and scored else None

    float_seconds, integer_seconds = _time(graph, integer, data, runner.chosen) if timed else (0.0, 0.0)
    return Comparison(
        network=graph.name,
        samples=frames,
        float_top1=share(votes.float_top1, labels is not None),
        integer_top1=share(votes.integer_top1, labels is not None),
        float_top5=share(votes.float_top5, labels is not None and classes > TOP),
        integer_top5=share(votes.integer_top5, labels is not None and classes > TOP),
        agreement=share(votes.agreement, classes > 1 and not dataset.targets),
        layers=tuple(
            _tensor_result(integer, integer.tensors[name], running) for name, running in votes.tensors.items()
        ),
        float_bytes=float_bytes(graph),
        integer_bytes=integer_bytes(integer),
        float_operators=count_operators(graph if source is None else source),
        integer_operators=count_operators(integer),
        float_seconds=float_seconds,
        integer_seconds=integer_seconds,
        engine=described(runner.chosen),
        threads=threads(),
        outputs=tuple(name for name in graph.outputs if name in compared),
        losses=votes.losses.results(),
        metrics=metrics.results(),
        confusion=metrics.confusion(),
        disagreements=metrics.disagreements() if scored and classes > 1 and not dataset.targets else (),
    )


def _decides(graph: Graph, integer: IntegerGraph) -> bool:
    """Whether the integer network ends with the index of the greatest of the model's only output."""
    last = integer.operators[-1]
    return isinstance(last, IntegerArgMax) and (last.input,) == graph.outputs and (last.output,) == integer.outputs


def _check_pair(graph: Graph, integer: IntegerGraph) -> None:
    if graph.inputs != integer.inputs or (graph.outputs != integer.outputs and not _decides(graph, integer)):
        raise ModelError(
            f"the integer network reads {list(integer.inputs)} and writes {list(integer.outputs)}, the model"
            f" {list(graph.inputs)} and {list(graph.outputs)}; compare a model with what was quantized from it"
        )
    for name in (*graph.inputs, *graph.outputs):
        if name not in integer.tensors or math.prod(graph.shapes[name]) != integer.tensors[name].size:
            raise ModelError(f"tensor {name!r} of the integer network has no equal in the model; quantize it again")


def _compared(graph: Graph, integer: IntegerGraph) -> tuple[str, ...]:
    """The integer tensors that stand for one of the model's; steps between two of its layers have no equal."""
    return tuple(
        name
        for name, tensor in integer.tensors.items()
        if name in graph.shapes and math.prod(graph.shapes[name]) == tensor.size
    )


def _compare_batch(
    graph: Graph,
    runner: Runner,
    part: Dataset,
    start: int,
    metrics: Metrics,
    votes: _Votes,
) -> None:
    integer, labels = runner.graph, part.labels
    images = _images(integer, part.inputs)
    reals = {**images, **run_float(graph, images, keep=True)}
    integers = runner.run(transform_data(integer, part.inputs))
    for name in votes.tensors:
        tensor = integer.tensors[name]
        values = tensor.real(integers[name])
        transform = integer.transforms.get(name)
        if transform is not None and transform.kind == "real" and transform.scale != 0.0:
            values = (values / np.asarray(transform.factors or 1.0) - transform.offset) / transform.scale
        votes.tensors[name].add(_as_stream(reals[name], tensor), integers[name], values, tensor.format)
    both = {
        name: (reals[name].astype(np.float64), _real_output(integer, name, integers[name]).reshape(reals[name].shape))
        for name in graph.outputs
        if name in votes.tensors
    }
    targets = {} if graph.classifier else part.targets
    votes.losses.add(targets, reals, {name: both[name][1] for name in targets})
    metrics.add(part, images, both)
    output = graph.outputs[0]
    real = _scores(graph, reals[output])
    whole = _scores(graph, _real_output(integer, output, integers[output]))
    answers = whole.argmax(axis=1)
    if _decides(graph, integer) and integers[integer.outputs[0]][0].size == 1:
        answers = integers[integer.outputs[0]].reshape(len(real))
    votes.agreement += int(np.sum(real.argmax(axis=1) == answers))
    if metrics.reconstructs or part.maps:
        return
    metrics.answered(start, labels, (real.argmax(axis=1), answers))
    if labels is not None:
        float_rank, integer_rank = rank(real, labels), rank(whole, labels)
        votes.float_top1 += int(np.sum(float_rank < 1))
        votes.integer_top1 += int(np.sum(integer_rank < 1))
        votes.float_top5 += int(np.sum(float_rank < TOP))
        votes.integer_top5 += int(np.sum(integer_rank < TOP))


def _images(integer: IntegerGraph, batch: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    """Samples in the model's units, as the float network takes them."""
    return {
        name: integer.transforms[name].preparation.applied(array).astype(np.float32) for name, array in batch.items()
    }


def _real_output(integer: IntegerGraph, name: str, integers: IntegerArray) -> NDArray[np.float64]:
    """Channels first, as the model has them; an output after an argmax has no model shape of its own."""
    return integer.tensors[name].real(integers).transpose(0, 3, 1, 2)


def _is_binary(graph: Graph) -> bool:
    """Whether the only output is the probability of one class against another."""
    last = graph.producer(graph.outputs[0])
    single = len(graph.outputs) == 1 and math.prod(graph.shapes[graph.outputs[0]]) == 1
    return single and isinstance(last, Pointwise) and last.function == "sigmoid"


def _scores(graph: Graph, values: NDArray[Any]) -> NDArray[Any]:
    """(frames, classes); a probability stands against one half."""
    scores = values.reshape(len(values), -1)
    return np.hstack([np.full_like(scores, 0.5), scores]) if _is_binary(graph) else scores


def _as_stream(real: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    """Float values in the layout of the stream, channels last."""
    height, width, channels = tensor.shape
    return real.reshape(len(real), channels, height, width).transpose(0, 2, 3, 1)


def rank(scores: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of the labelled class, from 0; on ties the lower index comes first, as argmax has it."""
    own = scores[np.arange(len(labels)), labels][:, np.newaxis]
    before = np.arange(scores.shape[1]) < labels[:, np.newaxis]
    place: NDArray[np.int64] = np.sum((scores > own) | ((scores == own) & before), axis=1)
    return place


def _tensor_result(integer: IntegerGraph, tensor: Tensor, running: _Running) -> TensorComparison:
    producer = next((op for op in integer.operators if op.output == tensor.name), None)
    width = getattr(producer, "accumulator_width", None)
    return TensorComparison(
        name=tensor.name,
        layer="input" if producer is None else producer.name,
        format=tensor.format.describe(),
        signal_to_noise=running.ratio(),
        saturation=running.limits / max(1, running.count),
        unused_bits=running.unused_bits(tensor.format),
        accumulator_width=width,
        mean_squared_error=running.noise / max(1, running.count),
    )


def _time(graph: Graph, integer: IntegerGraph, data: Mapping[str, NDArray[Any]], engine: str) -> tuple[float, float]:
    """Seconds per image of the float executor and of the integer engine, the best of three runs each."""
    batch = {name: array[:TIMED_FRAMES] for name, array in data.items()}
    frames = len(next(iter(batch.values())))
    images = _images(integer, batch)
    integers = transform_data(integer, batch)
    runner = Runner(engine, integer, frames)
    return (
        best_seconds(lambda: run_float(graph, images, keep=False)) / frames,
        best_seconds(lambda: runner.run(integers)) / frames,
    )
