"""Facts of a layer without a line buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...formats import ROUNDINGS, Format
from ...integer_graph import (
    IntegerAdd,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
    Requantize,
)
from ...schedule.plans import PipePlan
from ..literals import decimal, index_width, pack, sized
from ..names import rom_module
from ..roms import Rom


def pipe_facts(
    sources: Sequence[Format], result: Format, plan: PipePlan, arithmetic: Mapping[str, object] | None
) -> Mapping[str, object]:
    """Everything that ``layers/pipe.v.j2`` places."""
    phase_width = index_width(len(plan.uses))
    factor = plan.lanes_in // plan.lanes_out
    phases = []
    for index, (uses, pops, emits) in enumerate(zip(plan.uses, plan.pops, plan.emits, strict=True)):
        flags = sum(1 << slot for slot in uses) << 2 | int(pops) << 1 | int(emits)
        phases.append(
            {
                "index": decimal(index, phase_width),
                "flags": f"{plan.inputs + 2}'b{flags:0{plan.inputs + 2}b}",
                "low": index % factor * plan.lanes_out * result.width,
            }
        )
    source = sources[0]
    return {
        "plan": plan,
        "sources": sources,
        "result": result,
        "phases": phases,
        "phase_width": phase_width,
        "last_phase": decimal(len(phases) - 1, phase_width),
        "zero_phase": decimal(0, phase_width),
        "all_inputs": f"{plan.inputs}'b{'1' * plan.inputs}",
        "zero_result": decimal(0, result.width),
        "relu_fit": _relu_fit(source, result),
        "turn": sized(1 << (source.width - 1) if source.signed else 0, source.width),
        "winner_index": _winner_index(result.width, phase_width),
        "arithmetic": arithmetic,
    }


def _relu_fit(source: Format, result: Format) -> str:
    """A non-negative element as a result: the bits that both have, zeros above."""
    kept = min(source.width, result.width)
    bits = f"a0[lane*{source.width} +: {kept}]"
    return bits if kept == result.width else f"{{{{{result.width - kept}{{1'b0}}}}, {bits}}}"


def _winner_index(width: int, phase_width: int) -> str:
    if width <= phase_width:
        return f"phase[{width - 1}:0]"
    return f"{{{{{width - phase_width}{{1'b0}}}}, phase}}"


def arithmetic_facts(graph: IntegerGraph, op: IntegerOperator, plan: PipePlan, index: int) -> dict[str, object] | None:
    """Facts of what the layer computes; None where it only moves elements."""
    sources = [graph.tensors[name].format for name in op.inputs]
    if isinstance(op, IntegerTable):
        return _table_facts(op, sources[0], graph.tensors[op.output].format, index)
    if isinstance(op, IntegerAdd):
        terms = " ".join(
            f"{'+' if sign > 0 else '-'} (x{slot} <<< {align})"
            for slot, (sign, align) in enumerate(zip(op.signs, op.align, strict=True))
        )
        facts = _total_facts(sources, op.accumulator_width, op.requantize)
        return {**facts, "expression": terms.removeprefix("+ ")}
    if isinstance(op, IntegerMultiply):
        return _total_facts(sources, op.accumulator_width, op.requantize)
    if isinstance(op, IntegerScale):
        return _scale_facts(op, sources[0], plan, index)
    return None


def _total_facts(sources: Sequence[Format], width: int, requantize: Requantize) -> dict[str, object]:
    total_width = max(width, *(source.width + 1 for source in sources))
    return {
        "total_width": total_width,
        "extensions": [_extension(f"a{slot}", source, total_width) for slot, source in enumerate(sources)],
        "element_names": [f"a{slot}" for slot in range(len(sources))],
        "raise_max": 0,
        "raise_width": 1,
        "shift": requantize.shift[0],
        "rounding": ROUNDINGS.index(requantize.rounding),
        "rounding_name": requantize.rounding,
        "relu": int(requantize.relu),
    }


def _extension(name: str, source: Format, width: int) -> str:
    """The bits above an element that make it `width` wide."""
    top = f"{name}[lane*{source.width}+{source.width - 1}]" if source.signed else "1'b0"
    return f"{{{width - source.width}{{{top}}}}}"


def _table_facts(op: IntegerTable, source: Format, result: Format, index: int) -> dict[str, object]:
    # The address is the index's bit pattern: entries of negative indices stand in the upper half.
    fmt = op.index_format
    codes = np.arange(1 << fmt.width)
    values = np.where(codes > fmt.maximum, codes - (1 << fmt.width), codes)
    words = tuple(pack([int(op.table[max(value - fmt.minimum, 0)])], result.width) for value in values)
    return {
        "rom": Rom(rom_module(index, op.name, "table"), "function values by index", words, result.width),
        "index_width": fmt.width,
        "index_signed": int(fmt.signed),
        "index_narrow": int(fmt.narrow),
        "sign_of_element": f"a0[lane*{source.width}+{source.width - 1}]" if source.signed else "1'b0",
        "shift": op.requantize.shift[0],
        "rounding": ROUNDINGS.index(op.requantize.rounding),
        "rounding_name": op.requantize.rounding,
        "relu": int(op.requantize.relu),
    }


def _scale_facts(op: IntegerScale, source: Format, plan: PipePlan, index: int) -> dict[str, object]:
    channels = plan.image[2]
    shifts = np.broadcast_to(np.asarray(op.requantize.shift, dtype=np.int64), (channels,))
    largest = int(shifts.max())
    raises = [int(largest - shift) for shift in shifts]
    raise_width = max(1, max(raises).bit_length())
    facts = _total_facts([source], op.accumulator_width, op.requantize)
    total_width = facts["total_width"]
    assert isinstance(total_width, int)
    total_width = max(total_width, op.scale_width + 1)
    has_negative = op.negative_scale is not None
    offset_low = op.scale_width * (2 if has_negative else 1)
    raise_low = offset_low + total_width
    fact_width = raise_low + raise_width
    beats = -(-channels // plan.lanes_in)
    words = []
    for beat in range(beats):
        lanes = []
        for channel in range(beat * plan.lanes_in, (beat + 1) * plan.lanes_in):
            lanes.append(_scale_word(op, channel, raises, (op.scale_width, offset_low, raise_low, total_width)))
        words.append(pack(lanes, fact_width))
    rom = Rom(rom_module(index, op.name, "scales"), "scales, offsets, raises", tuple(words), fact_width * plan.lanes_in)
    beat_width = index_width(beats)
    extend = total_width - op.scale_width
    return {
        **facts,
        "rom": rom,
        "total_width": total_width,
        "extensions": [_extension("a0_second", source, total_width)],
        "element_names": ["a0_second"],
        "raise_max": max(raises),
        "raise_width": raise_width,
        "shift": largest,
        "beat_width": beat_width,
        "last_beat": decimal(beats - 1, beat_width),
        "zero_beat": decimal(0, beat_width),
        "fact_width": fact_width,
        "scale_width": op.scale_width,
        "scale_extension": f"{{{extend}{{fact[{op.scale_width - 1}]}}}}",
        "has_negative": has_negative,
        "negative_low": op.scale_width,
        "negative_extension": f"{{{extend}{{fact[{2 * op.scale_width - 1}]}}}}",
        "offset_low": offset_low,
        "raise_low": raise_low,
    }


def _scale_word(op: IntegerScale, channel: int, raises: Sequence[int], layout: tuple[int, int, int, int]) -> int:
    """The facts of one channel in one word; zero for a lane that no channel fills."""
    scale_width, offset_low, raise_low, total_width = layout
    if channel >= len(op.scale):
        return 0
    word = pack([int(op.scale[channel])], scale_width)
    if op.negative_scale is not None:
        word |= pack([int(op.negative_scale[channel])], scale_width) << scale_width
    return word | pack([int(op.offset[channel])], total_width) << offset_low | raises[channel] << raise_low
