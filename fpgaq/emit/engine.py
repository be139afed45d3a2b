"""The module of an engine: a MAC array, the layers that it serves, and what their results pass on the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..formats import ROUNDINGS, Format
from ..integer_graph import IntegerAffine, IntegerConvolution, IntegerGraph
from ..schedule.plans import WindowPlan
from ..schedule.structure import Engine
from . import names
from .layers.weights import step_weights
from .literals import decimal, index_width, pack, signed_width
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


@dataclass(frozen=True)
class Requantizer:
    """What every result of some layers passes; `lanes` of them work side by side."""

    name: str
    lanes: int
    total_width: int
    raise_max: int
    shift: int
    rounding: int
    rounding_name: str
    relu: int
    result: Format


def engine_facts(graph: IntegerGraph, engine: Engine, layers: Sequence[Served], factor_bits: int) -> dict[str, object]:
    """Everything that ``engine.v.j2`` places; for `factor_bits` see `Schedule`."""
    sources = [graph.tensors[layer.op.input].format for layer in layers]
    element_signed = any(source.signed for source in sources)
    element_width = max(source.width + (element_signed and not source.signed) for source in sources)
    separate = any(layer.plan.kind == "lanewise" for layer in layers)
    bus_lanes = engine.outputs if separate else 1
    sum_width = max(_sum_width(layer.op) for layer in layers)
    weight_width = max(layer.op.weight_format.width for layer in layers)
    owner_width = index_width(len(layers))
    weights, starts = (None, [0]) if engine.adders else _weight_rom(engine, layers, weight_width)
    raises = [_raises(layer) for layer in layers]
    raise_width = max(max(raised) for raised in raises).bit_length()
    bias_width = max(_bias_width(layer.op) for layer in layers)
    index_bits = max(index_width(layer.plan.beats_out_per_pixel) for layer in layers)
    place_bits = index_width(engine.outputs // engine.lanes)
    requantizers, narrowings, results = _result_units(graph, layers, raises)
    return {
        "engine": engine,
        "layers": [
            {
                "label": names.comment(layer.op.name),
                "module": layer.module,
                "instance": layer.instance,
                "plan": layer.plan,
                "source": source,
                "result": graph.tensors[layer.op.output].format,
                "own_bits": layer.plan.fold.taps * layer.plan.fold.channels * source.width,
                "places": layer.plan.fold.taps * (1 if layer.plan.kind == "lanewise" else layer.plan.fold.channels),
                "own_lanes": layer.plan.fold.channels if layer.plan.kind == "lanewise" else 1,
                "result_delay": 2 if layer.plan.requantized else 1,
                "results": unit,
            }
            for layer, source, unit in zip(layers, sources, results, strict=True)
        ],
        "owner_width": owner_width,
        "owners": [decimal(place, owner_width) for place in range(len(layers))],
        "element_width": element_width,
        "element_signed": int(element_signed),
        "bus_lanes": bus_lanes,
        "bus_bits": engine.products * bus_lanes * element_width,
        "sum_width": sum_width,
        "weight_width": weight_width,
        "packed": 1 if separate else _outputs_a_multiplier(engine, factor_bits, element_width, weight_width),
        "raise_width": raise_width,
        "first_delay": 4 + engine.levels,
        "done_delay": 4 + engine.levels,
        # Whose elements and sums are on their way: a layer's elements come two cycles behind its step.
        "elements_delay": 2,
        "done_owner_delay": 2 + engine.levels,
        "weights": weights,
        "weights_late": weights is not None and weights.latency > 1,
        "weight_starts": [decimal(start, weights.address_width) for start in starts] if weights else [],
        "bias_width": bias_width,
        "bias_signs": sum_width - bias_width + 1,
        "biases": _bias_rom(engine, layers, raises, (bias_width, raise_width, index_bits)),
        "beat_index_width": index_bits,
        "place_width": place_bits,
        "last_indices": [decimal(layer.plan.beats_out_per_pixel - 1, index_bits) for layer in layers],
        "last_places": [decimal(_group_beats(layer.plan) - 1, place_bits) for layer in layers],
        "requantizers": requantizers,
        "narrowings": narrowings,
        **_turn_facts(engine, owner_width),
    }


def _outputs_a_multiplier(engine: Engine, factor_bits: int, element_width: int, weight_width: int) -> int:
    """How many weights, a product's width apart, a factor of so many bits holds; the lower ones borrow from the top."""
    more = (factor_bits - weight_width - 1) // (element_width + weight_width)
    return max(1, min(engine.outputs, 1 + more))


def _group_beats(plan: WindowPlan) -> int:
    return -(-plan.fold.outputs // plan.lanes_out)


def _sum_width(op: IntegerConvolution | IntegerAffine) -> int:
    """Bits of the sums: the accumulator's, but the cells need a bit beside the sign, even if all weights are zero."""
    return max(2, op.accumulator_width)


def _bias_width(op: IntegerConvolution | IntegerAffine) -> int:
    """Bits of the biases; above them they repeat the sign, of which the text needs a bit beside another."""
    return max(2, signed_width(int(np.min(op.bias)), int(np.max(op.bias))))


def _turn_facts(engine: Engine, owner_width: int) -> dict[str, object]:
    order = engine.order or (0,)
    width = index_width(len(order))
    default = max(range(len(engine.layers)), key=order.count)
    return {
        "turn_width": width,
        "turns": [
            (decimal(place, width), decimal(owner, owner_width))
            for place, owner in enumerate(order)
            if owner != default
        ],
        "default_turn": decimal(default, owner_width),
        "first_turn": decimal(order[0], owner_width),
        "last_turn_place": decimal(len(order) - 1, width),
        "zero_turn_place": decimal(0, width),
        "second_turn_place": decimal(1 % len(order), width),
    }


def _weight_rom(engine: Engine, layers: Sequence[Served], width: int) -> tuple[Rom, list[int]]:
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


def _raises(layer: Served) -> list[int]:
    """What each output's shift falls short of the layer's largest."""
    outputs = layer.plan.output_image[2]
    if layer.op.requantize is None:
        return [0] * outputs
    shifts = np.broadcast_to(np.asarray(layer.op.requantize.shift, dtype=np.int64), (outputs,))
    return [int(raised) for raised in shifts.max() - shifts]


def _bias_rom(
    engine: Engine, layers: Sequence[Served], raises: Sequence[Sequence[int]], widths: tuple[int, int, int]
) -> Rom:
    """One word for each beat of results: the biases of its lanes, above them their raises where there are any.

    Each layer has as many words as the beat index can count, so that its number stands above that index.
    """
    bias_width, raise_width, index_bits = widths
    words: list[int] = []
    for layer, raised in zip(layers, raises, strict=True):
        lanes = layer.plan.lanes_out
        biases: NDArray[np.int64] = np.asarray(layer.op.bias)
        for start in range(0, len(raised), lanes):
            low = pack((int(bias) for bias in biases[start : start + lanes]), bias_width)
            high = pack(raised[start : start + lanes], raise_width) if raise_width else 0
            words.append(low | high << (bias_width * engine.lanes))
        if len(layers) > 1:
            words += [0] * (-len(words) % (1 << index_bits))
    width = (bias_width + raise_width) * engine.lanes
    return Rom(_rom_name(layers, "biases"), "biases in the order of the results", tuple(words), width)


def _result_units(
    graph: IntegerGraph, layers: Sequence[Served], raises: Sequence[Sequence[int]]
) -> tuple[list[Requantizer], list[Mapping[str, object]], list[str]]:
    """The requantizers, each for all layers that requantize alike; layers without one; whose results each takes."""
    units: dict[tuple[object, ...], Requantizer] = {}
    narrowings: list[Mapping[str, object]] = []
    results = []
    for place, (layer, raised) in enumerate(zip(layers, raises, strict=True)):
        requantize, result = layer.op.requantize, graph.tensors[layer.op.output].format
        lanes = layer.plan.lanes_out
        if requantize is None:
            narrowings.append({"name": f"plain_{place}", "lanes": lanes, "width": result.width})
            results.append(f"plain_{place}")
            continue
        shift = max(requantize.shift)
        fields = (result.width, result.signed, result.narrow)
        key = (shift, requantize.rounding, requantize.relu, *fields)
        old = units.get(key)
        unit = Requantizer(
            name=old.name if old else f"requantized_{len(units)}",
            lanes=max(lanes, old.lanes if old else 0),
            total_width=max(_sum_width(layer.op), old.total_width if old else 0),
            raise_max=max(max(raised), old.raise_max if old else 0),
            shift=shift,
            rounding=ROUNDINGS.index(requantize.rounding),
            rounding_name=requantize.rounding,
            relu=int(requantize.relu),
            result=result,
        )
        units[key] = unit
        results.append(unit.name)
    return list(units.values()), narrowings, results
