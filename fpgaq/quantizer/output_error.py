"""Rounding of weights by the error of the layer's output, in closed form.

After Frantar et al., GPTQ (2022), which follows Hassibi and Stork, Optimal Brain Surgeon (1993): taps are rounded one
after another, those with the most powerful inputs first, and what a tap loses is given to the taps that are still
free, by the factors of the inputs' second moments. A few rounds of coordinate descent follow: each tap moves to the
integer that is best with all others in place.

Two rules of others are here to compare with, each as its paper states it. Qronos (Zhang et al. 2025) aims at the float
network's output on the integer network's inputs, as `best_real_weights` does here before any rounding; it differs in
the first tap, which is rounded with all others as the float network has them, and descends no further. COMQ (Zhang et
al. 2024) is coordinate descent alone, from real weights: taps with the largest products come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
SOLVED = 256
"""Rows of a triangle that are solved at once."""
FEW = 8
"""Rows that moved are changed alone where they are fewer than this part of all."""
BLOCK = 64
"""Taps that are gone through one by one before the others hear of them, in one product of matrices."""


def damped(moments: Moments) -> Values:
    """The inputs' moments (G, K, K) with the damping, positive definite."""
    power = np.einsum("gkk->gk", moments.inputs).mean(axis=1)
    taps = moments.inputs.shape[1]
    floor = np.where(power > 0, power, 1.0) * (DAMPING + SCARCITY * taps / moments.positions)
    return moments.inputs + floor[:, np.newaxis, np.newaxis] * np.eye(taps)


@dataclass(frozen=True)
class Factored:
    """Moments of a group: the order of their taps, those with the most powerful inputs first, and ``upper @ upper.T``.

    That factor is all that rounding asks of them: what taps up to one have lost, times its column, is what the next
    taps can still mend. So no inverse is needed, which takes six times as long.
    """

    order: NDArray[np.int64]
    ordered: Values
    upper: Values


def factored(hessian: Values) -> tuple[Factored, ...]:
    """The factors of positive definite moments (G, K, K)."""
    found = []
    for second in hessian:
        order = np.argsort(-np.diagonal(second), kind="stable")
        ordered = second[np.ix_(order, order)]
        # The lower factor of what is turned around is the upper one turned around.
        upper = np.linalg.cholesky(ordered[::-1, ::-1])[::-1, ::-1]
        found.append(Factored(order, ordered, np.ascontiguousarray(upper)))
    return tuple(found)


def best_real_weights(weight: Values, moments: Moments, factors: Sequence[Factored]) -> Values:
    """The real weights (G, R, K) with the least output error on the inputs as they are, held to the given ones.

    Errors of the layers before are mended as far as a linear layer can. `factors` are those of the damped moments.
    """
    mended = weight.copy()
    for group, factor in enumerate(factors):
        wanted = moments.cross[group][:, factor.order].T
        half = _solved_upper(factor.upper, wanted)
        # A lower factor turned around is an upper one.
        whole = _solved_upper(np.ascontiguousarray(factor.upper.T[::-1, ::-1]), half[::-1])[::-1]
        mended[group][:, factor.order] += whole.T
    return mended


def _solved_upper(upper: Values, right: Values) -> Values:
    """The solution of ``upper @ x = right``, block by block from the last."""
    found = np.array(right, order="C")
    for stop in range(len(upper), 0, -SOLVED):
        block = slice(max(0, stop - SOLVED), stop)
        found[block] = np.linalg.solve(upper[block, block], found[block])
        found[: block.start] -= upper[: block.start, block] @ found[block]
    return found


def output_error(difference: Values, hessian: Values) -> Values:
    """``d @ H @ d`` for differences (G, R, K) of weights: (G, R)."""
    return np.asarray(np.einsum("grk,grk->gr", difference @ hessian, difference))


def sampled_error(difference: Values, samples: Values) -> Values:
    """The same for ``H = X @ X.T / N`` with samples X (G, K, N): the mean square of each output's error."""
    outputs = difference @ samples
    return np.asarray(np.einsum("grn,grn->gr", outputs, outputs)) / samples.shape[2]


def round_to_output(
    weight: Values,
    step: Values,
    hessian: Values,
    least: int,
    greatest: int,
    factors: Sequence[Factored] | None = None,
    first: Values | None = None,
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
    factors : sequence of Factored, optional
        Those of `hessian`, if they are known.
    first : array, optional
        (G, R, K), from which the tap that comes first is rounded in place of `weight`; then nothing descends. With
        `float_optimum` that is Qronos.
    """
    scaled = weight / step[:, :, np.newaxis]
    integers = np.empty_like(scaled)
    for group, factor in enumerate(factored(hessian) if factors is None else factors):
        ordered = scaled[group][:, factor.order]
        if first is not None:
            leading = first[group][:, factor.order[0]] / step[group]
            integers[group][:, factor.order] = _compensated(ordered, factor.upper, least, greatest, leading)
            continue
        rounded = _compensated(ordered, factor.upper, least, greatest)
        integers[group][:, factor.order] = _descend(rounded, ordered, factor.ordered, least, greatest)
    return integers


def float_optimum(weight: Values, moments: Moments, hessian: Values) -> Values:
    """For each tap its best real weight with all others as they are given (G, R, K)."""
    return np.asarray(weight + moments.cross / np.einsum("gkk->gk", hessian)[:, np.newaxis])


def descend_to_output(weight: Values, step: Values, hessian: Values, least: int, greatest: int) -> Values:
    """Integers as `round_to_output` finds, by coordinate descent alone: COMQ, with steps that are powers of two.

    All taps start as the real weights. Each in turn becomes the integer that is best with all others in place, in every
    row those with the largest weight times input first, and so on in more rounds.
    """
    scaled = weight / step[:, :, np.newaxis]
    power = np.sqrt(np.einsum("gkk->gk", hessian))
    order = np.argsort(-np.abs(weight) * power[:, np.newaxis], axis=2, kind="stable")
    found, rows = scaled.copy(), np.arange(weight.shape[1])
    for group, second in enumerate(hessian):
        integers, slope = found[group], np.zeros_like(scaled[group])
        diagonal = np.diagonal(second)
        for _ in range(SWEEPS):
            before = integers.copy()
            for taps in order[group].T:
                best = _rounded(integers[rows, taps] - slope[rows, taps] / diagonal[taps], least, greatest)
                slope += (best - integers[rows, taps])[:, np.newaxis] * second[taps]
                integers[rows, taps] = best
            if np.array_equal(before, integers):
                break
    return found


def _compensated(weight: Values, upper: Values, least: int, greatest: int, leading: Values | None = None) -> Values:
    """Round tap after tap, and let later ones mend what is lost: at once in a block, then in the others.

    ``upper @ upper.T`` are the inputs' second moments, so that the error of the output is the square of the losses
    times `upper`. A tap adds to its own column and to later ones, and is rounded such that its own is least; the first
    is rounded from `leading`, if that is given.
    """
    integers, carried = np.empty_like(weight), np.zeros_like(weight)
    taps = weight.shape[1]
    for start in range(0, taps, BLOCK):
        block = slice(start, min(start + BLOCK, taps))
        factor = upper[block, block]
        # Rows of a block are those of one tap, side by side in memory.
        wanted, mended = _turned(weight[:, block]), _turned(carried[:, block])
        rounded, losses = np.empty_like(wanted), np.empty_like(wanted)
        for tap in range(len(wanted)):
            aim = wanted[tap] + mended[tap] / factor[tap, tap]
            rounded[tap] = _rounded(aim if leading is None or start + tap else leading, least, greatest)
            losses[tap] = wanted[tap] - rounded[tap]
            mended[tap + 1 :] += factor[tap, tap + 1 :, np.newaxis] * losses[tap]
        integers[:, block] = rounded.T
        carried[:, block.stop :] += _turned(losses) @ upper[block, block.stop :]
    return integers


def _descend(integers: Values, weight: Values, hessian: Values, least: int, greatest: int) -> Values:
    """Move each tap to its best integer in turn, until nothing moves or the rounds are over.

    The slope of the taps ahead in a block is kept up to date, that of all others after each block. A row in which
    nothing moved in a whole round stays as it is.
    """
    slope = (integers - weight) @ hessian
    taps = weight.shape[1]
    moving = np.arange(len(weight))
    for _ in range(SWEEPS):
        moved = np.zeros(len(weight), dtype=bool)
        for start in range(0, taps, BLOCK):
            block = slice(start, min(start + BLOCK, taps))
            second = hessian[block, block]
            own, values = _turned(slope[moving, block]), _turned(integers[moving, block])
            changes = np.zeros_like(own)
            for place in range(len(own)):
                best = _rounded(values[place] - own[place] / second[place, place], least, greatest)
                change = best - values[place]
                some = np.flatnonzero(change)
                if not len(some):
                    continue
                values[place], changes[place] = best, change
                ahead = second[place, place + 1 :, np.newaxis]
                if FEW * len(some) < len(change):
                    own[place + 1 :, some] += ahead * change[some]
                else:
                    own[place + 1 :] += ahead * change
            some = np.flatnonzero(changes.any(axis=0))
            if len(some):
                rows = moving[some]
                moved[rows] = True
                integers[rows, block] = values[:, some].T
                slope[rows] += _turned(changes[:, some]) @ hessian[block]
        moving = np.flatnonzero(moved)
        if not len(moving):
            break
    return integers


def _turned(values: Values) -> Values:
    """Rows as columns, in memory too."""
    return np.ascontiguousarray(values.T)


def _rounded(values: Values, least: int, greatest: int) -> Values:
    return np.minimum(np.maximum(np.rint(values), least), greatest)
