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
BLOCK = 64
"""Taps that are gone through one by one before the others hear of them, in one product of matrices."""


def damped(moments: Moments) -> Values:
    """The inputs' moments (G, K, K) with the damping, positive definite."""
    power = np.einsum("gkk->gk", moments.inputs).mean(axis=1)
    taps = moments.inputs.shape[1]
    floor = np.where(power > 0, power, 1.0) * (DAMPING + SCARCITY * taps / moments.positions)
    return moments.inputs + floor[:, np.newaxis, np.newaxis] * np.eye(taps)


def best_real_weights(weight: Values, moments: Moments, inverse: Values) -> Values:
    """The real weights (G, R, K) with the least output error on the inputs as they are, held to the given ones.

    Errors of the layers before are mended as far as a linear layer can. `inverse` is that of the damped moments.
    """
    return weight + moments.cross @ inverse


def output_error(difference: Values, hessian: Values) -> Values:
    """``d @ H @ d`` for differences (G, R, K) of weights: (G, R)."""
    return np.asarray(np.einsum("grk,grk->gr", difference @ hessian, difference))


def round_to_output(
    weight: Values, step: Values, hessian: Values, least: int, greatest: int, inverse: Values | None = None
) -> Values:
    """Integers q from `least` to `greatest` such that ``q * step`` stands for the weights with little output error.

    Parameters
    ----------
    weight : array
        (G, R, K): rows are independent, so candidates for one output may stand next to one another.
    step : array
        (G, R).
    hessian : array
        (G, K, K), positive definite.
    inverse : array, optional
        Its inverse, if that is known.
    """
    inverse = np.linalg.inv(hessian) if inverse is None else inverse
    scaled = weight / step[:, :, np.newaxis]
    integers = np.empty_like(scaled)
    for group, second in enumerate(hessian):
        order = np.argsort(-np.diagonal(second), kind="stable")
        ordered = second[np.ix_(order, order)]
        upper = np.linalg.cholesky(inverse[group][np.ix_(order, order)]).T
        rounded = _compensated(scaled[group][:, order], upper, least, greatest)
        rounded = _descend(rounded, scaled[group][:, order], ordered, least, greatest)
        integers[group][:, order] = rounded
    return integers


def _compensated(weight: Values, upper: Values, least: int, greatest: int) -> Values:
    """Round tap after tap, and pass each loss on: at once to the taps of its block, later to the others.

    ``upper.T @ upper`` is the inverse of the inputs' second moments.
    """
    free, integers = weight.copy(), np.empty_like(weight)
    taps = weight.shape[1]
    for start in range(0, taps, BLOCK):
        stop = min(start + BLOCK, taps)
        losses = np.empty((len(weight), stop - start))
        for tap in range(start, stop):
            integers[:, tap] = np.clip(np.rint(free[:, tap]), least, greatest)
            losses[:, tap - start] = (free[:, tap] - integers[:, tap]) / upper[tap, tap]
            free[:, tap + 1 : stop] -= np.outer(losses[:, tap - start], upper[tap, tap + 1 : stop])
        free[:, stop:] -= losses @ upper[start:stop, stop:]
    return integers


def _descend(integers: Values, weight: Values, hessian: Values, least: int, greatest: int) -> Values:
    """Move each tap to its best integer in turn, until nothing moves or the rounds are over.

    The slope of the taps ahead in a block is kept up to date, that of all others after each block.
    """
    slope = (integers - weight) @ hessian
    taps = weight.shape[1]
    for _ in range(SWEEPS):
        moved = False
        for start in range(0, taps, BLOCK):
            block = slice(start, min(start + BLOCK, taps))
            second, own = hessian[block, block], slope[:, block].copy()
            changes = np.zeros_like(own)
            for place in range(own.shape[1]):
                values = integers[:, start + place]
                best = np.clip(np.rint(values - own[:, place] / second[place, place]), least, greatest)
                change = best - values
                if change.any():
                    integers[:, start + place] = best
                    changes[:, place] = change
                    own[:, place + 1 :] += np.outer(change, second[place, place + 1 :])
            if changes.any():
                moved = True
                slope += changes @ hessian[block]
        if not moved:
            break
    return integers
