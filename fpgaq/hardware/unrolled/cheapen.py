"""Weights chosen for cheap adders: other integers of fewer signed digits, while the outputs hardly change.

A signed digit of a weight is a shifted copy of an input to add; what a layer costs unrolled follows from their number.
For a change d of a row of weights the mean squared change of its output over calibration data is d' H d, H being the
covariance of what the layer multiplies, a convolution's windows (the mean is put right by the bias). Digits are removed
one weight at a time, always where a digit costs least of that error; later changes make up for earlier ones, since H
knows which inputs go together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from ...base.errors import UnsupportedError, UsageError
from ...base.formats import Format
from ...integer.accumulators import operator_bounds
from ...integer.check import check
from ...integer.check.carried import check_carried
from ...integer.graph import IntegerAffine, IntegerArray, IntegerConvolution, IntegerGraph, Tensor
from ...integer.reference import run
from .adders.digits import signed_digits
from .layer_inputs import Values, layer_moments


def count_digits(weight: IntegerArray) -> int:
    """Signed digits of all weights of an array."""
    return sum(len(signed_digits(int(value))) for value in weight.ravel())


def cheapen(
    graph: IntegerGraph, inputs: Mapping[str, IntegerArray], bound: float, layers: Collection[str] | None = None
) -> IntegerGraph:
    """Choose weights of fewer signed digits in affine layers and convolutions.

    Parameters
    ----------
    graph : IntegerGraph
    inputs : mapping of str to array of int64
        Calibration frames of each input as integers, (frames, height, width, channels).
    bound : float
        How far the accumulators of a layer (of a group of its channels) may be from what the weights of `graph` give
        for the same inputs: the root of the mean square over frames, pixels and outputs, relative to the accumulators'
        own standard deviation.
    layers : collection of str, optional
        Names of the layers to choose for; by default all that multiply by weights.

    Returns
    -------
    IntegerGraph
        Other weights and biases, accumulators of the width that they need; all else as it was.

    Raises
    ------
    UsageError
        A bound that is not positive, or a layer that the network does not have.
    UnsupportedError
        A network without such layers.
    """
    if not 0 < bound < float("inf"):
        raise UsageError(f"a bound of {bound:g} on the relative error is not above 0 and finite")
    check_carried(graph)
    known = [op.name for op in graph.operators if isinstance(op, IntegerAffine | IntegerConvolution)]
    if not known:
        raise UnsupportedError("the network has no affine layer or convolution whose weights could be chosen anew")
    chosen = known if layers is None else layers
    for name in chosen:
        if name not in known:
            raise UsageError(f"layer {name!r} has no weights here; those that have are {', '.join(map(repr, known))}")
    for index, op in enumerate(graph.operators):
        if isinstance(op, IntegerAffine | IntegerConvolution) and op.name in chosen:
            # The inputs as the layers before, cheapened already, make them.
            frames = run(graph, inputs, keep=True)[op.input]
            graph = _replaced(graph, index, _cheapened(op, frames, graph.tensors[op.input], bound))
    return check(graph)


def _cheapened(
    op: IntegerAffine | IntegerConvolution, frames: IntegerArray, source: Tensor, bound: float
) -> IntegerAffine | IntegerConvolution:
    """One layer with other weights; its accumulator's width is not yet right."""
    mean, covariance = layer_moments(op, frames, source)
    groups, taps = mean.shape
    weight = op.weight.reshape(groups, -1, taps)
    bias = op.bias.reshape(groups, -1).copy()
    chosen = np.empty_like(weight)
    for group, inputs in enumerate(covariance):
        own = weight[group].astype(np.float64)
        power = float(np.einsum("oi,ij,oj->", own, inputs, own))
        chosen[group] = _choose(weight[group], op.weight_format, inputs, bound * bound * power)
        bias[group] += np.rint((weight[group] - chosen[group]) @ mean[group]).astype(np.int64)
    return replace(op, weight=chosen.reshape(op.weight.shape), bias=bias.reshape(-1))


def _choose(weight: IntegerArray, fmt: Format, covariance: Values, budget: float) -> IntegerArray:
    """Weights (outputs, features) of fewer digits whose squared errors sum up to at most `budget`."""
    values = np.arange(fmt.minimum, fmt.maximum + 1)
    digits = np.array([len(signed_digits(int(value))) for value in values])
    weight = weight.copy()
    gradient = np.zeros(weight.shape)  # covariance @ change, for each row
    spent = 0.0
    diagonal = np.diag(covariance)

    def best_of(row: int) -> tuple[float, float, int, int]:
        """(error for a digit, error, place, value) of the cheapest removal in a row."""
        step = values[None, :] - weight[row][:, None]
        error = 2 * gradient[row][:, None] * step + diagonal[:, None] * step * step
        saved = digits[weight[row] - fmt.minimum][:, None] - digits[None, :]
        ratio = np.where(saved > 0, error / np.maximum(saved, 1), np.inf)
        place, index = np.unravel_index(int(np.argmin(ratio)), ratio.shape)
        return float(ratio[place, index]), float(error[place, index]), int(place), int(values[index])

    def move(row: int, place: int, value: int, error: float) -> None:
        nonlocal spent
        gradient[row] += covariance[place] * (value - weight[row, place])
        weight[row, place] = value
        spent += error

    def mend(row: int) -> None:
        """Move weights to others of no more digits while the error falls."""
        for _ in range(4 * weight.shape[1]):
            step = values[None, :] - weight[row][:, None]
            error = 2 * gradient[row][:, None] * step + diagonal[:, None] * step * step
            error[digits[None, :] > digits[weight[row] - fmt.minimum][:, None]] = 0.0
            place, index = np.unravel_index(int(np.argmin(error)), error.shape)
            if error[place, index] > -1e-9 * (1 + budget):
                return
            move(row, int(place), int(values[index]), float(error[place, index]))

    offers = [best_of(row) for row in range(len(weight))]
    while True:
        row = min(range(len(offers)), key=lambda index: offers[index][0])
        ratio, error, place, value = offers[row]
        if not np.isfinite(ratio) or spent + error > budget:
            return weight
        move(row, place, value, error)
        mend(row)
        offers[row] = best_of(row)


def _replaced(graph: IntegerGraph, index: int, op: IntegerAffine | IntegerConvolution) -> IntegerGraph:
    """The graph with another layer, accumulator and output as wide as it needs them."""
    bounds = operator_bounds(op, graph.tensors[op.input].format)
    op = replace(op, accumulator_width=bounds.width)
    tensors = dict(graph.tensors)
    if op.requantize is None:
        tensor = tensors[op.output]
        tensors[op.output] = replace(tensor, format=replace(tensor.format, width=bounds.width))
    operators = (*graph.operators[:index], op, *graph.operators[index + 1 :])
    return replace(graph, operators=operators, tensors=tensors)
