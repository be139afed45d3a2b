"""Rounding of weights by the error of the layer's output, in closed form.

After Frantar et al., GPTQ (2022), which follows Hassibi and Stork, Optimal Brain Surgeon (1993): taps are rounded one
after another, those with the most powerful inputs first, and what a tap loses is given to the taps that are still
free, by the inverse of the inputs' second moments. A few rounds of coordinate descent follow: each tap moves to the
integer that is best with all others in place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .trace import Moments

Values = NDArray[np.float64]

DAMPING = 0.005
"""Part of the mean power of the taps that is added to each, as if all inputs carried that much white noise."""
SCARCITY = 0.3
"""Added to DAMPING, times the taps over the positions: moments of few positions are too optimistic."""
SWEEPS = 4
"""Rounds of coordinate descent."""


def damped(moments: Moments) -> Values:
    """The inputs' moments (G, K, K) with the damping, positive definite."""
    power = np.einsum("gkk->gk", moments.inputs).mean(axis=1)
    taps = moments.inputs.shape[1]
    floor = np.where(power > 0, power, 1.0) * (DAMPING + SCARCITY * taps / moments.positions)
    return moments.inputs + floor[:, np.newaxis, np.newaxis] * np.eye(taps)


def best_real_weights(weight: Values, moments: Moments) -> Values:
    """The real weights (G, R, K) with the least output error on the inputs as they are, held to the given ones.

    Errors of the layers before are mended as far as a linear layer can.
    """
    return weight + np.linalg.solve(damped(moments), moments.cross.transpose(0, 2, 1)).transpose(0, 2, 1)


def output_error(difference: Values, hessian: Values) -> Values:
    """``d @ H @ d`` for differences (G, R, K) of weights: (G, R)."""
    return np.asarray(np.einsum("grk,grk->gr", difference @ hessian, difference))


def round_to_output(weight: Values, step: Values, hessian: Values, least: int, greatest: int) -> Values:
    """Integers q from `least` to `greatest` such that ``q * step`` stands for the weights with little output error.

    Parameters
    ----------
    weight : array
        (G, R, K): rows are independent, so candidates for one output may stand next to one another.
    step : array
        (G, R).
    hessian : array
        (G, K, K), positive definite.
    """
    scaled = weight / step[:, :, np.newaxis]
    integers = np.empty_like(scaled)
    for group, second in enumerate(hessian):
        order = np.argsort(-np.diagonal(second), kind="stable")
        ordered = second[np.ix_(order, order)]
        rounded = _compensated(scaled[group][:, order], ordered, least, greatest)
        rounded = _descend(rounded, scaled[group][:, order], ordered, least, greatest)
        integers[group][:, order] = rounded
    return integers


def _compensated(weight: Values, hessian: Values, least: int, greatest: int) -> Values:
    """Round tap after tap, and pass each loss on to the next taps."""
    upper = np.linalg.cholesky(np.linalg.inv(hessian)).T
    free, integers = weight.copy(), np.empty_like(weight)
    for tap in range(weight.shape[1]):
        integers[:, tap] = np.clip(np.rint(free[:, tap]), least, greatest)
        loss = (free[:, tap] - integers[:, tap]) / upper[tap, tap]
        free[:, tap + 1 :] -= np.outer(loss, upper[tap, tap + 1 :])
    return integers


def _descend(integers: Values, weight: Values, hessian: Values, least: int, greatest: int) -> Values:
    """Move each tap to its best integer in turn, until nothing moves or the rounds are over."""
    slope = (integers - weight) @ hessian
    for _ in range(SWEEPS):
        moved = False
        for tap in range(weight.shape[1]):
            best = np.clip(np.rint(integers[:, tap] - slope[:, tap] / hessian[tap, tap]), least, greatest)
            change = best - integers[:, tap]
            if change.any():
                moved = True
                integers[:, tap] = best
                slope += np.outer(change, hessian[tap])
        if not moved:
            break
    return integers
