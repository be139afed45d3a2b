"""Units go one after the other, by the harm of all together."""

from __future__ import annotations

import numpy as np
import pytest

import fpgaq.study.pruning.elimination as room
from fpgaq.model.graph import Softmax
from fpgaq.study.pruning.elimination import eliminate
from fpgaq.study.pruning.groups import find_groups
from fpgaq.study.pruning.harm import Harm
from fpgaq.study.pruning.importance import Statistics, l2_norm
from fpgaq.study.pruning.masks import keep_counts
from fpgaq.study.pruning.shrinkage import rebuild
from fpgaq.study.pruning.units import Mask, Units, find_units, illegal
from tests.support.float_networks import affine, chain, convolution, relu, samples
from tests.support.random_graphs import random_graph, random_inputs


class GivenHarm:
    """Harm that is given: a number for each unit, and more for units that stand in for each other."""

    def __init__(self, units: Units, harms: dict[int, float], pairs: dict[tuple[int, int], float]) -> None:
        self.units, self.harms, self.pairs, self.asked = units, harms, pairs, 0

    def __call__(self, keep: Mask) -> float:
        self.asked += 1
        gone = set(np.flatnonzero(~keep).tolist())
        return sum(self.harms[unit] for unit in gone) + sum(
            more for pair, more in self.pairs.items() if gone.issuperset(pair)
        )


def two_layers():
    graph = chain((2, 8, 8), convolution(6, 2, 1, "c1"), relu("r1"), convolution(4, 6, 2, "c2"), relu("r2"),
                  affine(3, 64, 3, "a"))  # fmt: skip
    units = find_units(graph)
    return units, find_groups(units), units.channels("t1").tolist(), units.channels("t3").tolist()


def given(units: Units, first: list[int], second: list[int], pairs: dict[tuple[int, int], float]) -> GivenHarm:
    harms = dict(zip([*first, *second], [3, 1, 2, 5, 4, 6, 2, 1, 4, 3], strict=True))
    return GivenHarm(units, {unit: float(harm) for unit, harm in harms.items()}, pairs)


def test_what_does_least_harm_goes() -> None:
    units, groups, first, second = two_layers()
    harm = given(units, first, second, {})
    found = eliminate(harm, groups, np.arange(units.count, dtype=np.float64), (3, 2, 3))
    assert sorted(np.flatnonzero(~found.keep).tolist()) == sorted(
        [first[i] for i in (0, 1, 2)] + [second[i] for i in (0, 1)]
    )
    assert found.harm == harm(found.keep) == 9


def test_of_units_that_stand_in_for_each_other_one_stays() -> None:
    units, groups, first, second = two_layers()
    # The two that are least of all in their layers must not both go, though the layers know nothing of each other.
    harm = given(units, first, second, {(first[1], second[1]): 50.0, (first[1], first[2]): 50.0})
    scores = np.arange(units.count, dtype=np.float64)
    found = eliminate(harm, groups, scores, (4, 3, 3))
    gone = set(np.flatnonzero(~found.keep).tolist())
    assert len(gone) == 3 and found.harm == harm(found.keep) < 50


def test_units_are_asked_again_only_if_they_look_like_the_least() -> None:
    units, groups, first, second = two_layers()
    harm = given(units, first, second, {})
    eliminate(harm, groups, np.arange(units.count, dtype=np.float64), (3, 2, 3))
    # Once in the beginning, once each, and once again for all but the first of each layer.
    assert harm.asked == 1 + 10 + 3


def test_of_many_the_least_important_go_unasked(monkeypatch) -> None:
    monkeypatch.setattr(room, "MOST_STEPS", 2)
    units, groups, first, second = two_layers()
    harm = given(units, first, second, {})
    scores = np.arange(units.count, dtype=np.float64)
    found = eliminate(harm, groups, scores, (2, 2, 3))
    kept = [int(found.keep[own].sum()) for own in (first, second)]
    # Four and two go; two and one of these are judged.
    assert kept == [2, 2] and not found.keep[first[:2]].any() and not found.keep[second[0]]
    assert harm.asked <= 1 + 4 + 2 + 1


@pytest.mark.parametrize("seed", range(12))
def test_masks_of_random_graphs_can_be_applied(monkeypatch, seed: int) -> None:
    monkeypatch.setattr(room, "MOST_STEPS", 5)
    graph = random_graph(seed)
    units, inputs = find_units(graph), random_inputs(graph, count=4, seed=seed)
    groups = find_groups(units)
    scores = l2_norm(units, Statistics())
    counts = [max(1, group.size // 2) for group in groups]
    found = eliminate(Harm(units, inputs), groups, scores, counts)
    assert illegal(units, found.keep) is None and np.isfinite(found.harm)
    rebuild(units, found.keep, inputs)
    plain = keep_counts(units, groups, scores, counts)
    for group in groups:
        own = [*group.units, *group.fixed]
        assert found.keep[own].sum() <= max(plain[own].sum(), len(group.fixed) + 1)


def test_harm_is_measured_on_samples_that_were_not_fitted() -> None:
    graph = chain((2, 8, 8), convolution(6, 2, 1, "c1"), relu("r1"), affine(3, 216, 3, "a"))
    units, inputs = find_units(graph), samples(40, 2, 8, 8)
    keep = units.everything()
    assert Harm(units, inputs)(keep) == 0
    keep[units.channels("t1")[:2]] = False
    # 144 inputs are fitted to 20 samples too well; others tell.
    twice = {"t0": np.repeat(inputs["t0"][::2], 2, axis=0)}
    assert Harm(units, twice)(keep) < 0.8 * Harm(units, inputs)(keep)
    assert Harm(units, {"t0": inputs["t0"][:1]})(keep) > 0


def test_classes_are_compared_by_their_divergence() -> None:
    graph = chain((2, 8, 8), convolution(6, 2, 1, "c1"), relu("r1"), affine(3, 216, 3, "a", scale=0.1),
                  Softmax("s", ("",), "", 0))  # fmt: skip
    units, inputs = find_units(graph), samples(40, 2, 8, 8)
    keep = units.everything()
    assert Harm(units, inputs)(keep) == 0
    keep[units.channels("t1")[0]] = False
    one = Harm(units, inputs)(keep)
    keep[units.channels("t1")[1:4]] = False
    assert 0 < one < Harm(units, inputs)(keep)
