"""Training of nnabla graphs: one loop for float networks, pruning and fixed-point finetuning.

The graph is any, given by its input and output variables; the batch size is that of the inputs. With the same seed,
data, versions and machine the same weights come out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import nnabla as nn
import nnabla.functions as F  # noqa: N812  (nnabla's own convention)
import nnabla.solvers as S  # noqa: N812
import numpy as np
from numpy.typing import NDArray

from ..base.choices import RateSchedule
from ..base.errors import UsageError
from ..base.progress import Step

Loss = Literal["cross_entropy", "squared_error", "huber"]

STEPS = ((0.6, 0.1), (0.85, 0.01))
"""Points of the step schedule: from this share of the iterations on, this factor on the rate."""


@dataclass(frozen=True)
class TrainOptions:
    """The recipe of a training.

    Parameters
    ----------
    epochs : float
        Passes over the samples; a part of one is a part of its batches.
    rate : float
        Learning rate of Adam, at the start.
    schedule : {"cosine", "step", "constant"}
        How the rate falls: along half a cosine to 0; to a tenth at 60 % and a hundredth at 85 %; not at all.
    loss : {"cross_entropy", "squared_error", "huber"}
        cross_entropy takes logits, and class indices or the share of each class; the others values of the output's
        shape.
    weight_decay : float
        Factor of the weights added to their gradients.
    seed : int
        Seed of the order of the samples and of nnabla's own random functions.
    """

    epochs: float = 1.0
    rate: float = 1e-3
    schedule: RateSchedule = "cosine"
    loss: Loss = "cross_entropy"
    weight_decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} is {value}; a number above 0 is needed")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise UsageError(f"weight_decay is {self.weight_decay}; 0 or more is needed")
        for name, choices in (("schedule", get_args(RateSchedule)), ("loss", get_args(Loss))):
            if getattr(self, name) not in choices:
                raise UsageError(f"{name} is {getattr(self, name)!r}; one of {', '.join(choices)} is needed")


@dataclass(frozen=True)
class Epoch:
    """Mean loss of an epoch's batches, and the value of `score` after it."""

    loss: float
    score: float | None


def train(
    inputs: Sequence[Any],
    output: Any,
    samples: Sequence[NDArray[Any]],
    targets: NDArray[Any],
    options: TrainOptions,
    *,
    parameters: Mapping[str, Any] | None = None,
    rate_factors: Mapping[str, float] | None = None,
    regularizer: Any | None = None,
    after_step: Callable[[int], None] | None = None,
    score: Callable[[], float] | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Epoch, ...]:
    """Train the parameters that `output` depends on, in place.

    Parameters
    ----------
    inputs : sequence of nnabla.Variable
        All of one batch size.
    output : nnabla.Variable
        Logits or values, (batch, ...); a softmax at the end is looked through under cross entropy.
    samples : sequence of array
        (n, *shape) for each input, n at least the batch size.
    targets : array
        (n,) class indices, (n, classes) shares of each class, or (n, *shape of the output).
    options : TrainOptions
    parameters : mapping of str to nnabla.Variable, optional
        Parameters to train; by default every parameter of the graph that wants a gradient.
    rate_factors : mapping of str to float, optional
        Factors on the rate by the names of parameters, 1 for the others: Adam's steps are as large for tiny weights as
        for huge ones.
    regularizer : nnabla.Variable, optional
        One number added to the loss, such as L1 of the factors of batch normalization.
    after_step : callable, optional
        Called after every update with the number of the step, to apply masks for example.
    score : callable, optional
        Called after every epoch; its value is reported.
    progress : callable, optional
        Called with a line about the progress.

    Returns
    -------
    tuple of Epoch

    Raises
    ------
    UsageError
        Data that do not fit the graph, nothing to train, or a loss that is no longer finite.
    """
    batch = _check(inputs, output, samples, targets, options.loss)
    nn.seed(options.seed)
    random = np.random.default_rng(options.seed)
    target, loss = _loss(output, options.loss, shares=targets.size != len(targets))
    if regularizer is not None:
        loss = loss + F.reshape(regularizer, ())
    trained = trainable(output) if parameters is None else dict(parameters)
    if not trained:
        raise UsageError("the network has no parameter that wants a gradient; nothing can be trained")
    solvers = _solvers(trained, rate_factors or {})
    per_epoch = len(targets) // batch
    iterations = max(1, round(options.epochs * per_epoch))
    epochs: list[Epoch] = []
    losses: list[float] = []
    order = np.empty(0, dtype=np.int64)
    with nn.auto_forward(False):
        for iteration in range(iterations):
            step = iteration % per_epoch
            if step == 0:
                order = random.permutation(len(targets))
            chosen = order[step * batch : (step + 1) * batch]
            for variable, array in zip(inputs, samples, strict=True):
                variable.d = array[chosen]
            target.d = targets[chosen].reshape(target.shape)
            loss.forward(clear_no_need_grad=True)
            for solver in solvers.values():
                solver.zero_grad()
            loss.backward(clear_buffer=True)
            rate = options.rate * rate_factor(options.schedule, iteration / iterations)
            for factor, solver in solvers.items():
                if options.weight_decay:
                    solver.weight_decay(options.weight_decay)
                solver.set_learning_rate(rate * factor)
                solver.update()
            if after_step is not None:
                after_step(iteration)
            losses.append(float(loss.d))
            if not math.isfinite(losses[-1]):
                raise UsageError(f"the loss is {losses[-1]} at step {iteration + 1}; train at a lower rate than"
                                 f" {options.rate:g}")  # fmt: skip
            if step + 1 == per_epoch or iteration + 1 == iterations:
                value = None if score is None else score()
                epochs.append(Epoch(float(np.mean(losses)), value))
                losses = []
            if progress is not None and (iteration % 20 == 0 or step + 1 == per_epoch):
                progress(_progress_text(iteration + 1, iterations, per_epoch, epochs, losses))
    return tuple(epochs)


def _solvers(parameters: Mapping[str, Any], factors: Mapping[str, float]) -> dict[float, Any]:
    """An Adam for the parameters of each factor on the rate."""
    groups: dict[float, dict[str, Any]] = {}
    for name, variable in parameters.items():
        groups.setdefault(float(factors.get(name, 1.0)), {})[name] = variable
    solvers = {}
    for factor, group in groups.items():
        solvers[factor] = S.Adam()
        solvers[factor].set_parameters(group)
    return solvers


def rate_factor(schedule: RateSchedule, share: float) -> float:
    """The factor on the rate when `share` (0 to 1) of the iterations is done."""
    if schedule == "cosine":
        return (1 + math.cos(math.pi * share)) / 2
    if schedule == "step":
        return min((factor for start, factor in STEPS if share >= start), default=1.0)
    return 1.0


def trainable(*outputs: Any) -> dict[str, Any]:
    """The leaf variables of a graph that want a gradient, by their parameter names (or by position)."""
    known = {variable: name for name, variable in nn.get_parameters(grad_only=False).items()}
    found: dict[Any, str] = {}

    def collect(function: Any) -> None:
        for variable in function.inputs:
            if variable.parent is None and variable.need_grad and variable not in found:
                found[variable] = known.get(variable, f"parameter{len(found)}")

    for output in outputs:
        output.visit(collect)
    return {name: variable for variable, name in found.items()}


def logits(output: Any) -> Any:
    """The variable before a softmax at the end of a graph, or `output` itself."""
    while output.parent is not None and output.parent.info.type_name in ("Softmax", "Identity", "LogSoftmax"):
        output = output.parent.inputs[0]
    return output


def predict(inputs: Sequence[Any], output: Any, samples: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """The outputs of a graph for any number of samples, (n, *shape of the output); the last batch is filled up."""
    batch, count = inputs[0].shape[0], len(samples[0])
    result = np.empty((count, *output.shape[1:]), np.float32)
    for start in range(0, count, batch):
        size = min(batch, count - start)
        for variable, array in zip(inputs, samples, strict=True):
            part = array[start : start + size]
            variable.d = part if size == batch else np.concatenate([part, np.repeat(part[-1:], batch - size, axis=0)])
        output.forward(clear_buffer=True)
        result[start : start + size] = output.d[:size]
    return result


def accuracy(inputs: Sequence[Any], output: Any, samples: Sequence[NDArray[Any]], labels: NDArray[Any]) -> float:
    """The share of samples whose greatest output, the lowest index on ties, is their label."""
    answers = predict(inputs, output, samples).reshape(len(labels), -1).argmax(axis=1)
    return float(np.mean(answers == labels.reshape(-1)))


def _check(inputs: Sequence[Any], output: Any, samples: Sequence[NDArray[Any]], targets: Any, loss: Loss) -> int:
    """The batch size, if everything fits."""
    if len(inputs) != len(samples) or not inputs:
        raise UsageError(f"the network has {len(inputs)} inputs, the data {len(samples)}")
    batch = int(inputs[0].shape[0])
    for number, (variable, array) in enumerate(zip(inputs, samples, strict=True)):
        if variable.shape[0] != batch or tuple(array.shape[1:]) != tuple(variable.shape[1:]):
            raise UsageError(
                f"input {number}: samples of shape {array.shape} for a variable of shape {tuple(variable.shape)}"
            )
        if len(array) != len(targets):
            raise UsageError(f"input {number}: {len(array)} samples, but {len(targets)} targets")
    if len(targets) < batch:
        raise UsageError(f"{len(targets)} samples do not fill one batch of {batch}; use a smaller batch")
    if loss == "cross_entropy":
        classes = math.prod(logits(output).shape[1:])
        if targets.shape == (len(targets), classes) and classes > 1:
            return batch
        if targets.size != len(targets) or targets.min() < 0 or targets.max() >= classes:
            raise UsageError(f"targets of shape {targets.shape} are no class indices below {classes}")
    elif tuple(targets.shape[1:]) != tuple(output.shape[1:]):
        raise UsageError(f"targets of shape {targets.shape} for an output of shape {tuple(output.shape)}")
    return batch


def _loss(output: Any, kind: Loss, shares: bool) -> tuple[Any, Any]:
    """The variable of the targets, and the mean loss."""
    with nn.auto_forward(False):
        if kind == "cross_entropy":
            scores = logits(output)
            scores = F.reshape(scores, (scores.shape[0], -1), inplace=False)
            if shares:
                target = nn.Variable(scores.shape)
                return target, F.mean(F.sum(target * -F.log_softmax(scores, axis=1), axis=1))
            target = nn.Variable((scores.shape[0], 1))
            return target, F.mean(F.softmax_cross_entropy(scores, target))
        target = nn.Variable(output.shape)
        error = F.squared_error(output, target) if kind == "squared_error" else F.huber_loss(output, target)
        return target, F.mean(error)


def _progress_text(done: int, iterations: int, per_epoch: int, epochs: list[Epoch], losses: list[float]) -> str:
    rest = " steps" + (f", loss {np.mean(losses[-20:]):.4f}" if losses else "")
    if epochs and epochs[-1].score is not None:
        rest += f", {epochs[-1].score:.4f} after epoch {len(epochs)}"
    return Step("training", done, iterations, rest)
