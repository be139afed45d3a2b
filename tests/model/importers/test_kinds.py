"""Every kind of model that exporters and people write, drawn over shapes, axes, opsets and attributes."""

from __future__ import annotations

import pytest

from tests.support.kinds import MEMBERS, kinds
from tests.support.kinds.judging import judged

QUICK = 2
KINDS = kinds()


def all_pass(kind, member, seeds, simulate=False):
    """Judge members; each passes every stage, or is refused as the kind says."""
    outcomes = {seed: judged(member, kind, seed, simulate=simulate) for seed in seeds}
    assert not {seed: outcome.failure for seed, outcome in outcomes.items() if outcome.failure}
    goal = "refused" if "(refused)" in kind else "simulated" if simulate else "quantized"
    assert all(goal in outcome.passed for outcome in outcomes.values())


@pytest.mark.parametrize("kind", KINDS)
def test_some_of_each_kind_are_carried(kind):
    all_pass(kind, KINDS[kind], range(QUICK))


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("kind", KINDS)
def test_all_of_each_kind_are_carried(kind):
    assert MEMBERS >= 20
    all_pass(kind, KINDS[kind], range(QUICK, MEMBERS))


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "(refused)" not in kind])
def test_hardware_of_each_kind_equals_the_reference(kind):
    all_pass(kind, KINDS[kind], range(2), simulate=True)


NNABLA = (
    "CReLU",
    "Maxout",
    "BinaryTanh",
    "Tile",
    "Broadcast",
    "Interpolate",
    "Prune of parameters",
    "Prune of values",
    "shuffles",
    "steps",
    "index of the greatest",
    "endings",
) + ("norms of samples (refused)",)


@pytest.mark.parametrize("name", NNABLA)
@pytest.mark.parametrize("seeds", [range(QUICK), pytest.param(range(QUICK, MEMBERS), marks=pytest.mark.slow)], ids=str)
def test_functions_of_nnabla_are_carried(nnabla, name, seeds):
    from tests.support.kinds import nnabla_functions

    kind = f"nnabla: {name}"
    assert {f"nnabla: {name}" for name in NNABLA} == set(nnabla_functions.KINDS)
    all_pass(kind, nnabla_functions.KINDS[kind], seeds)
