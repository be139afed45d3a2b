"""What an engine's ROMs hold: weights in the order of the steps, biases in the order of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..integer_graph import IntegerAffine, IntegerConvolution
from ..schedule.plans import WindowPlan
from ..schedule.structure import Engine
from ..schedule.widths import EngineWidths
from .layers.weights import step_weights
from .literals import pack
from .names import rom_module
from .roms import Rom


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
    starts, rows = [0], []
    for layer in layers:
        own = step_weights(layer.op, layer.plan)
        full = np.zeros((len(own), engine.outputs, engine.products), dtype=np.int64)
        full[:, : own.shape[1], : own.shape[2]] = own
        rows.append(full.reshape(len(own), -1))
        starts.append(starts[-1] + len(own))
    words = tuple(pack(row, width) for row in np.concatenate(rows).tolist())
    bits = width * engine.multipliers
    return Rom(_rom_name(layers, "weights"), "weights in the order of the steps", words, bits), starts[:-1]


def _rom_name(layers: Sequence[Served], content: str) -> str:
    return rom_module(layers[0].index, layers[0].op.name if len(layers) == 1 else "shared", content)


def bias_rom(engine: Engine, layers: Sequence[Served], lifts: Sequence[Sequence[int]], widths: EngineWidths) -> Rom:
    """One word for each beat of results: the biases of its lanes, above them their lifts where there are any.

    Each layer has as many words as the beat index can count, so that its number stands above that index.
    """
    bias_width, lift_width, index_bits = widths.bias, widths.lift, widths.beat_index
    words: list[int] = []
    for layer, lifted in zip(layers, lifts, strict=True):
        lanes = layer.plan.lanes_out
        biases: NDArray[np.int64] = np.asarray(layer.op.bias)
        for start in range(0, len(lifted), lanes):
            low = pack((int(bias) for bias in biases[start : start + lanes]), bias_width)
            high = pack(lifted[start : start + lanes], lift_width) if lift_width else 0
            words.append(low | high << (bias_width * engine.lanes))
        if len(layers) > 1:
            words += [0] * (-len(words) % (1 << index_bits))
    width = (bias_width + lift_width) * engine.lanes
    return Rom(_rom_name(layers, "biases"), "biases in the order of the results", tuple(words), width)
