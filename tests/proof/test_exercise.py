"""The words that frames exercise, against the reference with every single word changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_network import make_graph

from fpgaq.base.formats import Format
from fpgaq.integer.graph import (
    OPERATORS,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
    Requantize,
    Tensor,
)
from fpgaq.integer.reference import run
from fpgaq.proof import chosen
from fpgaq.proof.exercise import Budget, frame_exercises, words_of
from fpgaq.proof.reachable import find_reachable, output_range
from fpgaq.proof.vectors import golden_vectors
from tests.support.integer_networks import convolution_network, one_layer, small_network
from tests.support.integer_operators import BUILDERS, residual_network

PLENTY = 1 << 40

GRAPHS = {
    **{f"convolution {seed} {rounding}": convolution_network(seed, rounding=rounding)
       for seed, rounding in enumerate(("half_up", "half_away", "half_even", "floor"))},
    "small": small_network(1),
    "residual": residual_network(2),
    **{f"scale {seed}": BUILDERS["scale"](seed) for seed in range(4)},
    **{f"table {seed}": BUILDERS["table"](seed) for seed in range(2)},
}  # fmt: skip


def inverted(op: IntegerOperator, word: int) -> IntegerOperator:
    """The operator with the lowest bit of one word inverted, in the order of `words_of`."""
    if isinstance(op, IntegerTable):
        table = op.table.copy()
        table[word] ^= 1
        return replace(op, table=table)
    if isinstance(op, IntegerScale):
        factors = [op.scale] if op.negative_scale is None else [op.scale, op.negative_scale]
        weight, bias = np.stack(factors, axis=1), op.offset.copy()
    else:
        assert isinstance(op, IntegerConvolution | IntegerAffine)
        weight, bias = op.weight.copy(), op.bias.copy()
    if word < weight.size:
        weight.reshape(-1)[word] ^= 1
    else:
        bias[word - weight.size] ^= 1
    if isinstance(op, IntegerScale):
        negative = None if op.negative_scale is None else weight[:, 1]
        return replace(op, scale=weight[:, 0], negative_scale=negative, offset=bias, accumulator_width=63)
    return replace(op, weight=weight, bias=bias, accumulator_width=63)


def with_operator(graph: IntegerGraph, index: int, op: IntegerOperator) -> IntegerGraph:
    return replace(graph, operators=tuple(op if at == index else one for at, one in enumerate(graph.operators)))


@pytest.mark.parametrize("name", GRAPHS)
def test_judgement_is_that_of_the_reference_with_the_word_changed(name: str) -> None:
    graph = GRAPHS[name]
    tensors = run(graph, graph.samples, keep=True)
    judged = 0
    for index, op in enumerate(graph.operators):
        words = words_of(op)
        found = [
            frame_exercises(op, graph.tensors, tensors[op.input][frame], words, Budget(PLENTY)) for frame in range(3)
        ]
        for word in range(0, len(words), 1 + len(words) // 150):
            changed = run(with_operator(graph, index, inverted(op, word)), graph.samples, keep=True)[op.output]
            differs = (changed != tensors[op.output]).any(axis=(1, 2, 3))
            assert differs.tolist() == [bool(flags[word]) for flags in found], (op.name, word)
            judged += 1
    assert judged > 0


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("seed", range(4))
def test_outputs_lie_in_their_proved_range(kind: str, seed: int) -> None:
    graph = BUILDERS[kind](seed)
    op = graph.operators[0]
    ends = {}
    for name in graph.inputs:
        # A narrow range, lest the format's own bounds hide a wrong one.
        low = graph.samples[name].min(axis=0)
        ends[name] = (low, np.maximum(low, graph.samples[name].max(axis=0)))
    low, high = output_range(op, graph.tensors, ends)
    output = run(graph, graph.samples)[op.output]
    assert (low <= output).all() and (output <= high).all()


def test_every_operator_has_a_range() -> None:
    """The network of every operator, and those that it lacks."""
    kinds = set()
    for graph in (residual_network(2), small_network(1), *(build(0) for build in BUILDERS.values())):
        ranges = {name: (graph.samples[name].min(axis=0), graph.samples[name].max(axis=0)) for name in graph.inputs}
        tensors = run(graph, graph.samples, keep=True)
        for op in graph.operators:
            ranges[op.output] = output_range(op, graph.tensors, ranges)
            low, high = ranges[op.output]
            assert (low <= tensors[op.output]).all() and (tensors[op.output] <= high).all()
            kinds.add(type(op))
    assert kinds == set(OPERATORS)


def test_no_input_exercises_what_is_proved_unreachable() -> None:
    """Weights on a channel that a rectifier holds at 0, and all words of that channel."""
    graph = convolution_network(3)
    first = next(at for at, op in enumerate(graph.operators) if isinstance(op, IntegerConvolution))
    op = graph.operators[first]
    assert isinstance(op, IntegerConvolution) and op.requantize is not None
    bias, weight = op.bias.copy(), op.weight.copy()
    bias[0], weight[0] = -(1 << 20), -1
    dead = replace(op, bias=bias, weight=weight, requantize=replace(op.requantize, relu=True), accumulator_width=40)
    graph = with_operator(graph, first, dead)
    words = [words_of(one) for one in graph.operators]
    reachable = find_reachable(graph, words, Budget(PLENTY))
    assert not reachable[first][words[first].channel == 0].any()
    assert reachable[first].any()
    vectors = golden_vectors(graph, thorough=True)
    assert vectors.exercise.unreachable >= int((words[first].channel == 0).sum())
    for frame in range(len(vectors.labels)):
        for at, one in enumerate(graph.operators):
            if len(words[at]):
                found = frame_exercises(
                    one, graph.tensors, vectors.tensors[one.input][frame], words[at], Budget(PLENTY)
                )
                assert not (found & ~reachable[at]).any()


def test_chosen_frames_are_few_and_what_they_exercise_is_counted_right() -> None:
    graph = small_network(1)
    vectors = golden_vectors(graph)
    count = len(vectors.labels)
    present = [label for label in vectors.labels if not label.startswith("chosen")]
    assert len(present) == len(graph.samples[graph.inputs[0]]) + 4
    assert len(present) < count <= len(present) * 3 // 2
    exercised = 0
    for op in graph.operators:
        words = words_of(op)
        flags = [
            frame_exercises(op, graph.tensors, vectors.tensors[op.input][frame], words, Budget(PLENTY))
            for frame in range(count)
        ]
        exercised += int(np.any(flags, axis=0).sum())
    exercise = vectors.exercise
    assert exercise.exercised == exercised
    assert exercise.words == sum(len(words_of(op)) for op in graph.operators)
    without = sum(
        int(np.any([frame_exercises(op, graph.tensors, vectors.tensors[op.input][frame], words_of(op), Budget(PLENTY))
                    for frame in range(len(present))], axis=0).sum())
        for op in graph.operators
    )  # fmt: skip
    assert without < exercised


def test_thorough_frames_exercise_no_less() -> None:
    graph = small_network(1)
    some, all_of_them = golden_vectors(graph).exercise, golden_vectors(graph, thorough=True).exercise
    assert all_of_them.exercised >= some.exercised


def test_frames_are_the_same_each_time() -> None:
    first, second = (golden_vectors(small_network(1)) for _ in range(2))
    assert first.labels == second.labels
    for name, array in first.tensors.items():
        assert np.array_equal(array, second.tensors[name])


def test_what_the_budget_does_not_reach_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "BUDGET", 0)
    exercise = golden_vectors(small_network(1)).exercise
    assert (exercise.exercised, exercise.unreachable) == (0, 0) and exercise.words > 0


def test_network_without_words() -> None:
    vectors = golden_vectors(make_graph())
    assert vectors.exercise == chosen.Exercise(0, 0, 0, 0, 0, 0)


def wide_affine(signed: bool) -> IntegerGraph:
    """A matrix product on the input itself whose steps of rounding are far greater than any element."""
    chance = np.random.default_rng(5)
    source, target = Format(8, 0, signed=signed), Format(8, -6, signed=False)
    weight = chance.integers(-100, 101, size=(12, 200))
    op = IntegerAffine(
        "a", ("x",), "y", weight=weight, bias=np.zeros(12, dtype=np.int64), weight_format=Format(8, 6),
        weight_frac=(6,) * 12, accumulator_width=24, requantize=Requantize((12,), "half_up", relu=True),
    )  # fmt: skip
    return one_layer(op, Tensor("x", (1, 1, 200), source), Tensor("y", (1, 1, 12), target))


@pytest.mark.parametrize("signed", [False, True])
def test_frames_are_steered_to_the_edges_of_steps(signed: bool) -> None:
    """Chance alone exercises a few words in a hundred for each frame."""
    graph = wide_affine(signed)
    vectors = golden_vectors(graph)
    kinds = [label.split()[-1] for label in vectors.labels if label.startswith("chosen")]
    assert set(kinds) == {"steered"} and len(kinds) == 3
    op = graph.operators[0]
    words = words_of(op)
    share = [frame_exercises(op, graph.tensors, frame, words, Budget(PLENTY)).mean() for frame in vectors.tensors["x"]]
    assert min(share[-3:]) > 2 * max(share[:-3])
