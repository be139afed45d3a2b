"""The contents of an engine's ROMs: weights in the order of the steps, biases in the order of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...integer.graph import IntegerAffine, IntegerArray, IntegerConvolution
from ..schedule.plans import WindowPlan
from ..schedule.schedule import Engine
from ..schedule.widths import EngineWidths
from .layers.weights import step_weights
from .lines import counted
from .literals import listed, pack
from .names import rom_module
from .roms import CASE_LIMIT, Rom

LISTED = 12
"""Weights of a word up to which a comment lists them."""


@dataclass(frozen=True)
class Served:
    """A layer of an engine: its place among the operators of the network, and its module and instance."""

    index: int
    op: IntegerConvolution | IntegerAffine
    plan: WindowPlan
    module: str
    instance: str


def weight_rom(engine: Engine, layers: Sequence[Served], width: int) -> tuple[Rom, list[int]]:
    """The weights of all layers in the order of their steps, one layer after another, and where each layer starts.

    A word holds, from its low end: for each output of the engine, each of its products.
    """
    rows, starts = weight_rows(engine, layers, [layer.op.weight for layer in layers])
    factors = rows.tolist()
    rom = Rom(
        _rom_name(layers, "weights"),
        "weights in the order of the steps",
        tuple(pack(row, width) for row in factors),
        width * engine.multipliers,
        f"From the low end, {counted(engine.outputs, 'output')} of"
        f" {counted(engine.products, f'signed {width}-bit weight')}.",
        tuple(map(listed, factors)) if engine.multipliers <= LISTED and len(factors) <= CASE_LIMIT else (),
    )
    return rom, starts


def weight_rows(
    engine: Engine, layers: Sequence[Served], weights: Sequence[IntegerArray]
) -> tuple[IntegerArray, list[int]]:
    """What stands in each word of an engine's weights, from the low end, and where the words of each layer start.

    `weights` are numbers in the places of the layers' own weights.
    """
    starts, rows = [0], []
    for layer, numbers in zip(layers, weights, strict=True):
        own = step_weights(replace(layer.op, weight=numbers), layer.plan)
        full = np.zeros((len(own), engine.outputs, engine.products), dtype=np.int64)
        full[:, : own.shape[1], : own.shape[2]] = own
        rows.append(full.reshape(len(own), -1))
        starts.append(starts[-1] + len(own))
    return np.concatenate(rows), starts[:-1]


def _rom_name(layers: Sequence[Served], content: str) -> str:
    return rom_module(layers[0].index, layers[0].op.name if len(layers) == 1 else "shared", content)


def bias_rom(engine: Engine, layers: Sequence[Served], lifts: Sequence[Sequence[int]], widths: EngineWidths) -> Rom:
    """One word for each beat of results: the biases of its lanes, above them their lifts where there are any.

    Each layer has as many words as the beat index can count, so that its number stands above that index.
    """
    bias_width, lift_width, index_bits = widths.bias, widths.lift, widths.beat_index
    words: list[int] = []
    notes: list[str] = []
    for layer, own in zip(layers, lifts, strict=True):
        lanes = layer.plan.made_lanes
        biases: NDArray[np.int64] = np.asarray(layer.op.bias)
        for start in range(0, len(own), lanes):
            beat = slice(start, start + lanes)
            low = pack((int(bias) for bias in biases[beat]), bias_width)
            high = pack(own[beat], lift_width) if lift_width else 0
            words.append(low | high << (bias_width * engine.lanes))
            notes.append(f"biases {listed(biases[beat])}" + (f"; lifts {listed(own[beat])}" if lift_width else ""))
        if len(layers) > 1:
            vacant = -len(words) % (1 << index_bits)
            words += [0] * vacant
            notes += ["no beat"] * vacant
    lanes_text = counted(engine.lanes, "lane")
    lifted = f", then {lanes_text} of an unsigned {lift_width}-bit lift" if lift_width else ""
    return Rom(
        _rom_name(layers, "biases"),
        "biases in the order of the results",
        tuple(words),
        (bias_width + lift_width) * engine.lanes,
        f"From the low end, {lanes_text} of a signed {bias_width}-bit bias{lifted}.",
        tuple(notes),
    )


def bias_beats(
    engine: Engine, layers: Sequence[Served], biases: Sequence[IntegerArray], index_bits: int
) -> IntegerArray:
    """What stands in each word of an engine's biases, a lane beside the other, in the order of `bias_rom`.

    `biases` are numbers in the places of the layers' own biases.
    """
    rows: list[IntegerArray] = []
    for layer, own in zip(layers, biases, strict=True):
        lanes = layer.plan.made_lanes
        beats = -(-len(own) // lanes)
        count = (
            -(-(len(rows) + beats) // (1 << index_bits)) * (1 << index_bits) - len(rows) if len(layers) > 1 else beats
        )
        words = np.zeros((count, engine.lanes), dtype=np.int64)
        for beat in range(beats):
            part = own[beat * lanes : (beat + 1) * lanes]
            words[beat, : len(part)] = part
        rows.extend(words)
    return np.array(rows)
