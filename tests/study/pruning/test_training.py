"""Training of pruned graphs with nnabla, and the algorithms over it, on a problem that takes a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.errors import UsageError
from fpgaq.model.executor import run_float
from fpgaq.model.graph import BatchNormalization, Convolution, Graph
from fpgaq.study.pruning import Budget, Limits, Statistics, find_groups, find_units
from fpgaq.study.pruning.importance import l2_norm
from fpgaq.study.pruning.masked import zeroed
from fpgaq.study.pruning.masks import by_ratio
from fpgaq.study.report.summary import summarize
from tests.study.pruning.test_units import normalization
from tests.support.float_networks import affine, chain, convolution, relu

pytestmark = pytest.mark.nnabla


@pytest.fixture
def training(nnabla):
    """The module that needs nnabla."""
    import fpgaq.nnabla.retraining as room

    return room


@pytest.fixture
def algorithms(nnabla):
    import fpgaq.study.pruning.algorithms as room

    return room


def network() -> Graph:
    return chain(
        (1, 6, 6),
        convolution(6, 1, 1, "c1", padding=(1, 1, 1, 1)),
        normalization("n1", "", 6),
        relu("r1"),
        convolution(8, 6, 2, "c2"),
        normalization("n2", "", 8),
        relu("r2"),
        affine(2, 8 * 16, 3, "a", scale=0.1),
    )


def problem(count: int = 256) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Whether the left half is brighter than the right."""
    images = np.random.default_rng(5).uniform(0, 1, (count, 1, 6, 6)).astype(np.float32)
    return {"t0": images}, (images[..., :3].sum(axis=(1, 2, 3)) > images[..., 3:].sum(axis=(1, 2, 3))).astype(int)


def recipe(training, epochs: float = 3.0, rate: float = 5e-3, **values):
    from fpgaq.nnabla.training import TrainOptions

    return training.Recipe(TrainOptions(epochs=epochs, rate=rate), batch_size=32, **values)


@pytest.fixture
def trained(training) -> Graph:
    """The network, with what a second of training taught it."""
    inputs, labels = problem()
    return training.retrain(network(), inputs, labels, recipe(training, 30))


def accuracy(graph: Graph) -> float:
    inputs, labels = problem()
    return float((run_float(graph, inputs)[graph.outputs[0]].argmax(axis=1) == labels).mean())


def test_a_graph_goes_in_and_comes_out_as_it_was(training) -> None:
    graph = network()
    again = training.Trainee(graph, 4, "scope").graph()
    for old, new in zip(graph.operators, again.operators, strict=True):
        assert (old.name, old.inputs, old.output) == (new.name, new.inputs, new.output)
        for field in ("weight", "bias", "mean", "variance", "scale", "offset"):
            np.testing.assert_array_equal(getattr(old, field, 0), getattr(new, field, 0))


def test_training_learns_and_leaves_the_source_alone(training) -> None:
    graph = network()
    weight = graph.operators[0].weight.copy()
    inputs, labels = problem()
    lines: list[str] = []
    trained = training.retrain(graph, inputs, labels, recipe(training, 30), progress=lines.append)
    assert accuracy(trained) > 0.9 > accuracy(graph)
    np.testing.assert_array_equal(graph.operators[0].weight, weight)
    # Running statistics are those of the data, not what a solver made of them.
    means = [op.mean for op in trained.operators if isinstance(op, BatchNormalization)]
    assert all(np.abs(mean).max() > 0.01 for mean in means) and lines


def test_a_teacher_is_followed(training, trained) -> None:
    inputs, labels = problem()
    wrong = 1 - labels
    student = training.retrain(network(), inputs, wrong, recipe(training, 30, distillation=20.0), teacher=trained)
    # The teacher outweighs labels that are all wrong.
    assert accuracy(student) > 0.8
    assert accuracy(training.retrain(network(), inputs, wrong, recipe(training, 30))) < 0.3


def test_the_penalty_shrinks_factors(training) -> None:
    inputs, labels = problem()

    def total(graph: Graph) -> float:
        return sum(float(np.abs(op.scale).sum()) for op in graph.operators if isinstance(op, BatchNormalization))

    free, held = (
        training.retrain(network(), inputs, labels, recipe(training, 10), scale_penalty=penalty)
        for penalty in (0.0, 0.2)
    )
    assert total(held) < 0.95 * total(free)
    with pytest.raises(UsageError, match="no batch normalization with a factor"):
        training.retrain(chain((1, 6, 6), affine(2, 36, 1)), inputs, labels, recipe(training), scale_penalty=0.1)


def test_one_shot_within_a_budget(training, algorithms, trained) -> None:
    graph = trained
    inputs, labels = problem()
    macs = summarize(graph).macs // 2
    lines: list[str] = []
    choice = algorithms.WithinBudget(Budget(macs=macs), limits=Limits(multiple=2))
    pruned = algorithms.OneShot(choice, recipe(training, 20))(graph, inputs, labels, lines.append)
    assert summarize(pruned).macs <= macs and accuracy(pruned) > 0.85 and lines
    sizes = [len(op.weight) for op in pruned.operators if isinstance(op, Convolution)]
    assert all(size % 2 == 0 for size in sizes)


def test_network_slimming(training, algorithms) -> None:
    inputs, labels = problem()
    slim = algorithms.NetworkSlimming(0.5, 1e-3, recipe(training, 10), recipe(training, 10), rounds=2)
    pruned = slim(network(), inputs, labels)
    channels = sum(len(op.weight) for op in pruned.operators if isinstance(op, Convolution))
    # 14 channels, about 0.707 of them kept twice.
    assert channels == 14 - 4 - 2 and accuracy(pruned) > 0.8
    with pytest.raises(UsageError, match="it lies below 1"):
        algorithms.NetworkSlimming(1.0)(network(), inputs, labels)


@pytest.mark.parametrize("progressive", [False, True])
def test_soft_pruning(training, algorithms, progressive: bool) -> None:
    inputs, labels = problem()
    soft = algorithms.SoftPruning(
        0.5, soft=recipe(training, 20), recipe=recipe(training, 20), every=8, progressive=progressive
    )
    pruned = soft(network(), inputs, labels)
    assert [len(op.weight) for op in pruned.operators if isinstance(op, Convolution)] == [3, 4]
    assert accuracy(pruned) > 0.8


def test_soft_pruning_sets_filters_to_zero(training) -> None:
    graph = network()
    units = find_units(graph)
    keep = by_ratio(units, find_groups(units), l2_norm(units, Statistics()), 0.5)
    soft = zeroed(units, keep)
    for op, old in zip(soft.operators, graph.operators, strict=True):
        if isinstance(op, Convolution):
            kept = keep[units.channels(op.output)]
            np.testing.assert_array_equal(op.weight, old.weight * kept[:, None, None, None])
            np.testing.assert_array_equal(op.bias, old.bias * kept)
    trainee = training.Trainee(graph, 4, "scope")
    trainee.set(soft)
    np.testing.assert_array_equal(trainee.graph().operators[0].weight, soft.operators[0].weight)


def test_what_cannot_be_trained(training) -> None:
    graph = network()
    two = replace(graph, outputs=(graph.outputs[0], "t3"))
    with pytest.raises(UsageError, match="has 2 outputs; one can be trained"):
        training.Trainee(two, 4, "scope")
