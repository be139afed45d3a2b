"""Which layer hurts: the loss by each layer's weights and output on their own, and the gain by a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...base.parallel import evaluate
from ...base.results import Result, share
from ...integer.graph import IntegerGraph, IntegerTable
from ...model.graph import Affine, Convolution, Deconvolution, Graph
from ...quantizer import quantize
from ...quantizer.config import LAYER_OPTIONS, QuantizeOptions
from .measure import Quality, Workload, measure_candidate

WIDE_BITS = 16
WIDE: dict[str, Any] = {
    "weight_bits": WIDE_BITS,
    "activation_bits": WIDE_BITS,
    "table_bits": 12,
    "scale_bits": 24,
    "method": "mse",
}
"""Options with which a layer loses next to nothing."""
WORST = 3
"""How many of the worst places are examined."""
NOTABLE = 0.1
"""Part of the whole noise from which on a place is worth a change."""


@dataclass(frozen=True)
class Place:
    """The weights or the output of one layer, quantized as asked while everything else is wide.

    Parameters
    ----------
    layer : str
    part : {"weights", "output"}
    bits : int
    noise : float
        Power of the network's output error over that of its output.
    share : float
        Share in the sum of all places.
    agreement : float or None
    """

    layer: str
    part: str
    bits: int
    noise: float
    share: float
    agreement: float | None


@dataclass(frozen=True)
class Remedy:
    """One change of one layer, and the quality of the whole network with it."""

    layer: str
    part: str
    change: Mapping[str, Any]
    quality: Quality


@dataclass(frozen=True, repr=False)
class Sensitivity(Result):
    """Places from the worst to the best, remedies for the worst of them, and the network as it is."""

    samples: int
    quality: Quality
    places: tuple[Place, ...]
    remedies: tuple[Remedy, ...]
    reasons: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return asdict(self)

    def headline(self) -> str:
        """The worst place, in one line."""
        worst = self.places[0] if self.places else None
        told = f"; worst: {worst.part} of {worst.layer}, {share(worst.share)} of the noise" if worst else ""
        return f"{len(self.places)} places on {self.samples:,} samples{told}"

    def records(self) -> list[dict[str, Any]]:
        """A row for each place."""
        return [asdict(place) for place in self.places]


def sensitivity(
    workload: Workload,
    *,
    jobs: int | None = 1,
    dask: str | None = None,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Measure every place alone, then changes of the worst ones on the whole network."""
    run = partial(evaluate, partial(measure_candidate, workload), jobs=jobs, dask=dask, cache=cache, progress=progress)
    integer = quantize(workload.graph, workload.calibration, workload.options)
    found = _places(workload.graph, integer, workload.options)
    whole, *alone = run([{}, *(_alone(workload.options, integer, *place) for place in found)])
    total = sum(result["noise"] or 0.0 for result in alone) or 1.0
    places = [
        Place(layer, part, bits, result["noise"] or 0.0, (result["noise"] or 0.0) / total, result["agreement"])
        for (layer, part, bits), result in zip(found, alone, strict=True)
    ]
    places.sort(key=lambda place: -place.noise)
    worst = [place for place in places[:WORST] if place.share >= NOTABLE]
    changes = [(place, change) for place in worst for change in _changes(workload, integer, place)]
    results = run([{"layers": {place.layer: change}} for place, change in changes])
    remedies = [
        Remedy(place.layer, place.part, change, Quality(**result))
        for (place, change), result in zip(changes, results, strict=True)
    ]
    reasons = {place.layer: _reason(workload, place) for place in worst if place.part == "weights"}
    return Sensitivity(
        len(workload.expected),
        Quality(**whole),
        tuple(places),
        tuple(remedies),
        {k: v for k, v in reasons.items() if v},
    )


def _places(graph: Graph, integer: IntegerGraph, options: QuantizeOptions) -> list[tuple[str, str, int]]:
    """(layer, part, bits) of all that is rounded to a width that the user may choose."""
    known = {op.name for op in graph.operators}
    found = []
    for op in integer.operators:
        if op.name not in known:
            continue
        if hasattr(op, "weight_format"):
            found.append((op.name, "weights", op.weight_format.width))
        rounds = isinstance(op, IntegerTable) or getattr(op, "requantize", None) is not None
        if rounds and op.output not in integer.outputs:
            found.append((op.name, "output", integer.tensors[op.output].format.width))
    return found


def _alone(options: QuantizeOptions, integer: IntegerGraph, layer: str, part: str, bits: int) -> dict[str, Any]:
    """A task: one part of one layer in the bits that the options give it, all else wide."""
    chosen = options.for_layer(layer)
    own = {name: getattr(chosen, name) for name in LAYER_OPTIONS}
    if part == "weights":
        own["activation_bits"] = WIDE_BITS
    else:
        # Tensors that are summed may have more bits than are asked for.
        more = {"activation_bits": max(bits, chosen.activation_bits)}
        own.update(more, weight_bits=WIDE_BITS, method="mse", weight_rounding=None, bias_correction=None)
    others = {op: dict(WIDE) for op in options.layers if op != layer}
    named = {name: None for name in ("per_channel", "weight_delta", "weight_rounding", "bias_correction")}
    width = max(integer.tensors[name].format.width for name in integer.inputs)
    return {**WIDE, **named, "input_bits": options.input_bits or width, "layers": {**others, layer: own}}


def _changes(workload: Workload, integer: IntegerGraph, place: Place) -> list[dict[str, Any]]:
    chosen = workload.options.for_layer(place.layer)
    wider = min(WIDE_BITS, place.bits + 2)
    if place.part == "output":
        changes: list[dict[str, Any]] = [{"activation_bits": wider}]
        if chosen.rules.activation_range != "max":
            changes.append({"activation_range": "max"})
        return changes
    changes = [{"weight_bits": wider}]
    final = any(op.name == place.layer and op.output in integer.outputs for op in integer.operators)
    if not final and chosen.rules.per_channel is not True:
        changes.append({"per_channel": True})
    if not final:
        changes.append({"per_channel": True, "max_shift_span": chosen.max_shift_span + 2})
    return changes


def _reason(workload: Workload, place: Place) -> str:
    """The reason why the weights are hard to round."""
    op = next(op for op in workload.graph.operators if op.name == place.layer)
    assert isinstance(op, Convolution | Affine | Deconvolution)
    axis = 1 if isinstance(op, Deconvolution) else 0
    rows = np.abs(np.moveaxis(op.weight, axis, 0).reshape(op.weight.shape[axis], -1).astype(np.float64))
    ranges = rows.max(axis=1)
    ranges = ranges[ranges > 0]
    if not len(ranges):
        return ""
    spread, tail = np.log2(ranges.max() / np.median(ranges)), rows.max() / np.sqrt(np.mean(rows**2))
    if spread >= 2:
        return f"its largest channel reaches {2**spread:.0f} times as far as the median one"
    if tail >= 8:
        return f"its largest weight is {tail:.0f} times the root mean square of all"
    if rows.shape[1] <= 16:
        return f"each output sums only {rows.shape[1]} products, so that rounding errors hardly average out"
    return ""


def explain(found: Sensitivity) -> list[str]:
    """The changes to make, in words, with their measured gains."""
    if not found.places or not found.remedies:
        return ["No single place stands out: more bits for all layers is what would help."]
    lines = []
    for place in found.places:
        remedies = [r for r in found.remedies if (r.layer, r.part) == (place.layer, place.part)]
        if not remedies:
            continue
        what = f"the {place.bits}-bit {place.part} of {place.layer!r}"
        reason = found.reasons.get(place.layer) if place.part == "weights" else None
        lines.append(f"{place.share:.0%} of the noise comes from {what}" + (f": {reason}." if reason else "."))
        for remedy in remedies:
            lines.append(f"  {_describe(remedy.change)}: {_gain(found.quality, remedy.quality)}")
    best = max(found.remedies, key=lambda remedy: -(np.inf if remedy.quality.noise is None else remedy.quality.noise))
    if best.quality.noise is not None and found.quality.noise is not None and best.quality.noise < found.quality.noise:
        settings = ", ".join(f"{key} = {str(value).lower()}" for key, value in best.change.items())
        lines.append(f"Best of these: {settings} for {best.layer!r}.")
    else:
        lines.append("None of these changes helps alone.")
    return lines


def _describe(change: Mapping[str, Any]) -> str:
    words = {"weight_bits": "{} weight bits", "activation_bits": "{} bits for its output"}
    parts = [words[key].format(value) for key, value in change.items() if key in words]
    if change.get("activation_range"):
        parts.append("an output step with which nothing saturates")
    if change.get("max_shift_span"):
        parts.append(f"steps per channel that lie up to 2^{change['max_shift_span']} apart")
    elif change.get("per_channel"):
        parts.append("a step for each channel")
    return " and ".join(parts)


def _gain(before: Quality, after: Quality) -> str:
    if after.signal_to_noise is None or before.signal_to_noise is None:
        return "cannot be quantized so"
    text = f"{before.signal_to_noise:.1f} dB become {after.signal_to_noise:.1f} dB"
    if before.agreement is not None and after.agreement is not None:
        text += f", agreement {before.agreement:.2%} becomes {after.agreement:.2%}"
    return text
