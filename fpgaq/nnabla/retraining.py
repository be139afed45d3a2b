"""Training of a float graph: the graph goes in, and comes out with other numbers.

nnabla trains the file that the exporter writes, so that each layer keeps its name and its place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nnabla as nn
import nnabla.functions as F  # noqa: N812  (nnabla's own convention)
import numpy as np
from numpy.typing import NDArray

from ..base.errors import UsageError
from ..model.exporters import parameters_of, save_nnp, with_parameters
from ..model.graph import Graph
from .files import load_network, with_batch_stat
from .training import TrainOptions, logits, predict, train

TEACHER_BATCH = 250

Samples = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained again.

    Parameters
    ----------
    options : TrainOptions
    batch_size : int
    distillation : float
        Weight of the teacher's answers as compared with the labels; 0 leaves the teacher out.
    temperature : float
        The logits of both are divided by it first: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015.
    """

    options: TrainOptions = field(default_factory=TrainOptions)
    batch_size: int = 64
    distillation: float = 1.0
    temperature: float = 2.0


class Trainee:
    """A graph as nnabla trains it, in training mode, in a parameter scope of its own.

    Attributes
    ----------
    inputs : mapping of str to nnabla.Variable
    output : nnabla.Variable
        The only output of the graph.
    parameters : mapping of str to nnabla.Variable
        By the names that the exporter gives, running statistics included.
    """

    def __init__(self, graph: Graph, batch_size: int, scope: str, batch_stat: bool = True) -> None:
        if len(graph.outputs) != 1:
            raise UsageError(f"network {graph.name!r} has {len(graph.outputs)} outputs; one can be trained")
        self._graph = graph
        with nn.parameter_scope(scope):
            nn.clear_parameters()
            with tempfile.TemporaryDirectory(prefix="fpgaq-") as folder:
                path = Path(folder) / "model.nnp"
                save_nnp(graph, path)
                network = load_network(path, batch_size=batch_size)
            self.parameters: dict[str, Any] = dict(nn.get_parameters(grad_only=False))
        self.inputs: dict[str, Any] = {name: network.inputs[name] for name in graph.inputs}
        (output,) = network.outputs.values()
        self.output: Any = with_batch_stat(output, batch_stat)

    @property
    def trainable(self) -> dict[str, Any]:
        """The parameters without the running statistics, which no solver changes."""
        return {name: value for name, value in self.parameters.items() if not name.endswith(("/mean", "/var"))}

    def scales(self) -> list[Any]:
        """The factors of batch normalization."""
        return [value for name, value in self.parameters.items() if name.endswith("/gamma")]

    def graph(self) -> Graph:
        """The graph with the present numbers."""
        return with_parameters(self._graph, {name: value.d for name, value in self.parameters.items()})

    def set(self, graph: Graph) -> None:
        """Take the numbers of a graph of the same layers."""
        for name, array in parameters_of(graph).items():
            self.parameters[name].d = array


def retrain(
    graph: Graph,
    samples: Samples,
    targets: NDArray[Any],
    recipe: Recipe,
    *,
    teacher: Graph | None = None,
    scale_penalty: float = 0.0,
    after_step: Callable[[Trainee, int], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Graph:
    """Train a graph.

    Parameters
    ----------
    graph : Graph
        With its batch normalization still in it: as it was read, not after passes.
    samples : mapping of str to array
        (n, *shape) for each input.
    targets : array
        (n,) class indices, or values of the output's shape, as the options' loss wants.
    recipe : Recipe
    teacher : Graph, optional
        A network with the same inputs and number of classes, whose logits are learned as well as the labels.
    scale_penalty : float
        Weight of the sum of magnitudes of the factors of batch normalization.
    after_step : callable, optional
        Called after every step with the network in training and the number of the step.
    progress : callable, optional
        Called with a line about the progress.

    Returns
    -------
    Graph
        The same layers with the numbers that were found.
    """
    trainee = Trainee(graph, recipe.batch_size, "fpgaq-trainee")
    variables, arrays = list(trainee.inputs.values()), [np.asarray(samples[name]) for name in graph.inputs]
    penalties = []
    if teacher is not None and recipe.distillation:
        if progress is not None:
            progress("computing the teacher's answers")
        answers = _answers(teacher, samples)
        answer_batch = nn.Variable((recipe.batch_size, answers.shape[1]))
        penalties.append(_distillation(answer_batch, trainee.output, recipe))
        variables, arrays = [*variables, answer_batch], [*arrays, answers]
    if scale_penalty:
        scales = trainee.scales()
        if not scales:
            raise UsageError(f"network {graph.name!r} has no batch normalization with a factor to penalize")
        for scale in scales:
            penalties.append(scale_penalty * F.sum(F.abs(scale)))
    hook = None if after_step is None else (lambda step: after_step(trainee, step))
    train(
        variables,
        trainee.output,
        arrays,
        targets,
        recipe.options,
        parameters=trainee.trainable,
        regularizer=_total(penalties),
        after_step=hook,
        progress=progress,
    )
    return trainee.graph()


def _answers(teacher: Graph, samples: Samples) -> NDArray[np.float32]:
    """The teacher's logits for all samples, (n, classes): computed once, not in every epoch."""
    master = Trainee(teacher, TEACHER_BATCH, "fpgaq-teacher", batch_stat=False)
    arrays = [np.asarray(samples[name]) for name in teacher.inputs]
    answers = predict(list(master.inputs.values()), logits(master.output), arrays)
    return answers.reshape(len(answers), -1)


def _distillation(answers: Any, output: Any, recipe: Recipe) -> Any:
    """Cross entropy of the answer_batch classes of both, times the square of the temperature."""
    with nn.auto_forward(False):
        scores = F.reshape(logits(output), (recipe.batch_size, -1), inplace=False)
        target = F.softmax(answers / recipe.temperature)
        loss = -F.mean(F.sum(target * F.log_softmax(scores / recipe.temperature), axis=1))
        return loss * (recipe.distillation * recipe.temperature**2)


def _total(penalties: list[Any]) -> Any:
    if not penalties:
        return None
    total = penalties[0]
    for penalty in penalties[1:]:
        total = total + penalty
    return total
