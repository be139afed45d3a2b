"""Features whose ranges are far apart, each with a step of its own.

The host multiplies every feature by a constant anyway; a power of two for each makes their ranges alike. The first
weights take the inverse in, exactly. So no bits are spent on the distance between the greatest and the smallest,
neither in the input nor in the first weights.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..model.graph import Affine, Graph, Operator, Pointwise, Prelu, Relu, Reshape, check
from ..model.passes.linear import fold_before
from ..model.passes.rewrite import sole_consumers

Factors = dict[str, tuple[float, ...]]
"""For each input the power of two of each feature."""
GREATEST = 64
"""The exponents lie between this and its negative."""


def scale_features(graph: Graph, wide: Collection[str], samples: Mapping[str, Any]) -> tuple[Graph, Factors]:
    """Bring the features of the inputs `wide` to ranges between a half and one, where the first weights can undo it.

    That is where one Affine alone reads the input, after nothing but functions that a positive factor passes through.

    Returns
    -------
    graph : Graph
        The same function of inputs that were multiplied by the factors.
    factors : dict
        Of the inputs that were changed; all others are as they were.
    """
    following = sole_consumers(graph)
    changed: dict[int, Operator] = {}
    factors: Factors = {}
    for name in sorted(wide):
        op = following.get(name)
        while isinstance(op, Reshape | Relu | Prelu) or (isinstance(op, Pointwise) and op.function == "leaky_relu"):
            op = following.get(op.output)
        array = np.asarray(samples[name], np.float64)
        if not isinstance(op, Affine) or array.ndim != 2:
            continue
        ranges = np.abs(array).max(axis=0)
        exponents = -np.ceil(np.log2(np.where(ranges > 0, ranges, 1.0))).clip(-GREATEST, GREATEST)
        folded = fold_before(op, graph.shapes[op.input], np.exp2(-exponents), np.zeros(len(exponents)))
        if folded is not None:
            changed[id(op)] = folded
            factors[name] = tuple(np.exp2(exponents).tolist())
    if not factors:
        return graph, factors
    return check(replace(graph, operators=tuple(changed.get(id(op), op) for op in graph.operators))), factors


def scaled_samples(samples: Mapping[str, Any], factors: Factors) -> dict[str, Any]:
    """Samples (frames, features) multiplied by the factors of their inputs."""
    return {
        name: np.asarray(array) * np.asarray(factors[name]) if name in factors else array
        for name, array in samples.items()
    }
