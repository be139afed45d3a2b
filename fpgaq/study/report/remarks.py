"""Doubts about data and networks, each one line: other units, channels that get no bits, a comparison of nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...base.data import Dataset
from ...base.remarks import note, warn
from ...base.text import percent, shorten
from ...integer.accumulators import signed_width
from ...integer.graph import IntegerArray, IntegerGraph, Tensor
from ...model.executor import run_float
from ...model.graph import Affine, Convolution, Graph
from .comparison import Comparison

UNUSED_BITS = 4
"""High bits that no value needs: data of a sixteenth of the calibrated range, or less."""
SATURATED = 0.05
"""Share of values at a format's end, beyond that of the calibration samples."""
FEW_BITS = 2
"""Bits that the values of a channel have left where it is much smaller than others of its tensor."""
FEW_CHANNELS = 4
SMALL_SHARE = 0.02
"""Of all that a layer's sums are made of: what such channels have to matter."""
UNITS = "are they in the same units (0..255, 0..1, mean and deviation)?"
OUTLIER = 2.0**16
"""How many times the next weight of its output one has to be: the most bits of a weight do not hold both."""
FRAMES = 8
"""Of the calibration samples, which the float network computes once more."""


def remark_estimate(marked: bool) -> None:
    """Note that a network, or the hardware of one, was made without data."""
    if marked:
        note("estimate only: quantized without data, so that size and speed hold and values mean nothing")


def remark_inputs(network: IntegerGraph, inputs: Mapping[str, IntegerArray]) -> None:
    """Warn of input integers that do not look like those of the calibration samples: other units, mostly."""
    for name in network.inputs:
        tensor, given, known = network.tensors[name], inputs[name], network.samples[name]
        if not given.size:
            continue
        unused = _unused_bits(tensor, given)
        if unused >= UNUSED_BITS and unused - _unused_bits(tensor, known) >= UNUSED_BITS:
            warn(
                f"input {shorten(name)}: the data leave {unused} of {tensor.format.width} bits unused, 1/{1 << unused}"
                f" of the range of the calibration samples; {UNITS}"
            )
        saturated = _saturated(tensor, given)
        if saturated > _saturated(tensor, known) + SATURATED:
            warn(
                f"input {shorten(name)}: {percent(saturated)} of the data lie beyond the range of the calibration"
                f" samples and were cut; {UNITS}"
            )


def _unused_bits(tensor: Tensor, integers: IntegerArray) -> int:
    centred = integers - tensor.zero_point
    least, greatest = int(centred.min()), int(centred.max())
    needed = signed_width(least, greatest) if tensor.format.signed else max(abs(least), greatest, 1).bit_length()
    return max(0, tensor.format.width - needed)


def _saturated(tensor: Tensor, integers: IntegerArray) -> float:
    """The share of integers at an end of the format; the 0 of an unsigned one is none."""
    at_end = integers == tensor.format.maximum
    if tensor.format.signed:
        at_end |= integers == tensor.format.minimum
    return float(at_end.mean())


def remark_quantized(graph: Graph, network: IntegerGraph, samples: Dataset, equalized: bool = False) -> None:
    """Warn of a weight beside which others vanish, and of a layer whose small channels matter and get no bits."""
    _remark_outlier(graph)
    prepared = samples.slice(0, FRAMES).in_model_units()
    values = run_float(graph, {name: array.astype(np.float32) for name, array in prepared.inputs.items()}, keep=True)
    worst: tuple[float, str, int, int] | None = None
    for op in graph.operators:
        if isinstance(op, Convolution | Affine) and op.input in values and op.input in network.tensors:
            small, share = _small_channels(op, values[op.input], network.tensors[op.input].format.width)
            if share > SMALL_SHARE and (worst is None or share > worst[0]):
                worst = (share, op.name, small, values[op.input].shape[1])
    if worst is not None:
        remedy = "take more --activation-bits" if equalized else "--equalize evens them out"
        warn(
            f"layer {shorten(worst[1])}: {worst[2]} of the {worst[3]} channels that it reads are so small beside the"
            f" greatest that {FEW_BITS} bits or fewer are left to them, though they count; {remedy}"
        )


def _remark_outlier(graph: Graph) -> None:
    """Warn of the weight that is furthest beyond all others of its output."""
    worst: tuple[float, str, tuple[int, ...], float] | None = None
    for op in graph.operators:
        if not isinstance(op, Convolution | Affine) or op.weight[0].size < 2:
            continue
        rows = np.abs(op.weight.reshape(len(op.weight), -1))
        second, greatest = (column.astype(np.float64) for column in np.partition(rows, (-2, -1), axis=1)[:, -2:].T)
        ratios = np.divide(greatest, second, out=np.zeros(len(rows)), where=second > 0)
        row = int(ratios.argmax())
        if ratios[row] >= OUTLIER and (worst is None or ratios[row] > worst[0]):
            index = np.unravel_index(int(rows[row].argmax()), op.weight[row].shape)
            place = (row, *(int(axis) for axis in index))
            worst = (float(ratios[row]), op.name, place, float(op.weight[place]))
    if worst is not None:
        warn(
            f"layer {shorten(worst[1])}: weight{list(worst[2])} is {worst[3]:g}, {worst[0]:.1e} times as large as any"
            " other of its output, which are lost beside it or clip it; check the model"
        )


def _small_channels(op: Convolution | Affine, values: NDArray[np.float32], bits: int) -> tuple[int, float]:
    """How many channels that a layer reads have few bits, and their share of what its sums are made of."""
    channels = values.shape[1]
    sizes = np.abs(values).max(axis=tuple(axis for axis in range(values.ndim) if axis != 1)).astype(np.float64)
    small = (sizes > 0) & (sizes < sizes.max(initial=0) * 2.0 ** (FEW_BITS - bits))
    if channels < FEW_CHANNELS or not small.any():
        return 0, 0.0
    # In groups each channel has sums of its own.
    grouped = op.weight.shape[1] != channels
    parts = sizes > 0 if grouped else sizes * np.abs(op.weight).max(axis=(0, *range(2, op.weight.ndim)))
    return int(small.sum()), float(parts[small].sum() / max(parts.sum(), 1e-300))


def remark_comparison(result: Comparison, targets: bool) -> None:
    """Warn of tensors that waste bits, and of a comparison that has no figure of merit."""
    # Outputs leave at the width of their accumulator, which is a bound.
    inner = [layer for layer in result.layers if layer.layer != "input" and layer.name not in result.outputs]
    wasting = [layer for layer in inner if layer.unused_bits >= UNUSED_BITS]
    if wasting:
        most = max(wasting, key=lambda layer: layer.unused_bits)
        others = f", as do {len(wasting) - 1} more layers" if len(wasting) > 1 else ""
        warn(
            f"layer {shorten(most.layer)} leaves {most.unused_bits} bits of {most.format} unused on these"
            f" data{others}; calibrate with samples like them"
        )
    if result.float_top1 is None and result.agreement is None and not result.losses and not result.metrics:
        reason = "targets of a classifier give no figure" if targets else "the data hold no labels or targets (y)"
        warn(f"no accuracy and no loss was measured: {reason}; give one class index a sample, or targets of the output")
