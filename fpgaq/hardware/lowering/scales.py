"""Requantizers of imported models as layers that the hardware has: a factor and an offset a channel, and small tables.

The accumulators leave the layer, an `IntegerScale` multiplies them by the requantizer's own multiplier and adds its
offset with the output's zero point in it, and rounds, clips and saturates as the requantizer does. Where the rounding
is not the same on both sides of zero or goes to even integers, a zero point stands in the way: then a table of one
integer follows, or beyond 12 bits an addition. The integers are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import UnsupportedError
from ...base.formats import Format
from ...integer.accumulators import operator_bounds, result_ranges, signed_width
from ...integer.check.carried import CLIPPED
from ...integer.double_rounding import one_rounding, split_rounding
from ...integer.graph import (
    MAX_CLIP_BITS,
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
    Requantize,
    Tensor,
)
from ...integer.least_multipliers import without_idle_limits

Piece = tuple[IntegerOperator, Tensor]
MAX_INDEX_WIDTH = 12
FACTOR_INDEX_WIDTH = 8
"""Bits of an input whose products by one factor are a table of a few hundred words."""


@dataclass(frozen=True)
class _Names:
    """Makes names of layers and tensors that the network does not have."""

    taken: set[str]

    def fresh(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self.taken:
            number += 1
            candidate = f"{name}{number}"
        self.taken.add(candidate)
        return candidate


def with_plain_requantizers(graph: IntegerGraph, zero_lanes: bool = True) -> IntegerGraph:
    """The same network with nothing but shifts, factors and tables; `graph` itself where nothing changes.

    With `zero_lanes`, limits that leave out zero come after a layer with weights: lanes of a beat that no channel fills
    are to hold zeros.

    Raises
    ------
    UnsupportedError
        A requantizer that is not brought into this form, by the name of its layer.
    """
    names = _Names({*graph.tensors, *(op.name for op in graph.operators)})
    tensors = {name: graph.tensors[name] for name in graph.inputs}
    operators: list[IntegerOperator] = []
    for op in graph.operators:
        for made, tensor in _lowered(op, graph, names, zero_lanes):
            operators.append(made)
            tensors[tensor.name] = tensor
    if all(made is op for made, op in zip(operators, graph.operators, strict=False)) and (
        len(operators) == len(graph.operators)
    ):
        return graph
    return replace(graph, operators=tuple(operators), tensors=tensors)


def _lowered(op: IntegerOperator, graph: IntegerGraph, names: _Names, zero_lanes: bool) -> list[Piece]:
    rule, target = getattr(op, "requantize", None), graph.tensors[op.output]
    special = (isinstance(op, IntegerAdd) and bool(op.factors)) or (
        isinstance(op, IntegerMultiply) and any(op.zero_points)
    )
    if isinstance(op, IntegerTable) and _is_lone_sign(op.index_format):
        # An index of two bits, whose results outside -1 and 0 are those of the nearer one.
        wide = replace(op, index_format=replace(op.index_format, width=2), table=np.repeat(op.table, 2))
        return [(wide, target)]
    special |= rule is not None and type(op) in LOWERINGS and _is_lone_sign(target.format)
    if zero_lanes and isinstance(op, IntegerConvolution | IntegerAffine) and op.requantize is not None:
        special |= not op.requantize.holds_zero(target.format)
    if (rule is None or rule.plain or (rule.carried and isinstance(op, CLIPPED))) and not special:
        return [(op, target)]
    lower = LOWERINGS.get(type(op))
    if lower is None:
        raise UnsupportedError(
            f"layer {op.name!r}: hardware does not carry the requantizer of {type(op).__name__.removeprefix('Integer')}"
        )
    return lower(op, graph, target, names)


def _product(op: IntegerConvolution | IntegerAffine, graph: IntegerGraph, target: Tensor, names: _Names) -> list[Piece]:
    """A layer with weights: its accumulators, then the requantizer."""
    source = graph.tensors[op.input]
    rule = _single_rounding(op, target, (source.format,))
    if rule.rule == "shift" and _foldable(rule, target) and rule.holds_zero(target.format):
        return [(_with_zero_point(op, rule, source.format), target)]
    if rule.rule == "shift":
        middle, last = _rounded(op, rule, target, names)
        return [(replace(op, requantize=_bare(rule), output=middle.name), middle), *last]
    sums = Tensor(names.fresh(f"{op.output}.sums"), target.shape, Format(op.accumulator_width, 0), "", source.step, 0)
    # The scale of accumulators has no meaning of its own here; a single one keeps the layer's check content.
    bare = replace(op, requantize=None, output=sums.name, weight_scale=op.weight_scale[:1])
    return [(bare, sums), *_scale(op, rule, sums, target, names, (source.format,))]


def _with_zero_point(
    op: IntegerConvolution | IntegerAffine, rule: Requantize, fmt: Format
) -> IntegerConvolution | IntegerAffine:
    """The layer with its output's zero point in the biases."""
    bias = op.bias + (rule.zero_point << np.array(rule.shift, np.int64))
    made = replace(op, bias=bias, requantize=replace(rule, zero_point=0))
    return replace(made, accumulator_width=_carried_width(op, made, fmt, "zero point"))


def _carried_width(op: IntegerOperator, made: IntegerOperator, fmt: Format, reason: str) -> int:
    width = max(2, operator_bounds(made, fmt).width)
    if width > 64:
        raise UnsupportedError(f"layer {op.name!r}: needs {width} bits for its accumulator and {reason}; to 64")
    return width


def _single_rounding(op: IntegerOperator, target: Tensor, formats: tuple[Format, ...]) -> Requantize:
    """The requantizer with one rounding where one multiplier has the steps of LiteRT's two."""
    rule: Requantize = op.requantize  # type: ignore[attr-defined]
    if rule.rule != "tflite_double":
        return rule
    found = one_rounding(rule, _spans(op, target, formats, rule), target.format)
    return rule if found is None else found


def _spans(
    op: IntegerOperator, target: Tensor, formats: tuple[Format, ...], rule: Requantize
) -> tuple[tuple[int, int], ...]:
    """The ranges of accumulators of each channel; one for all where one multiplier serves all of them."""
    spans = result_ranges(op, *formats)
    if len(rule.multiplier) == len(rule.shift) == len(rule.offset) == 1:
        return ((min(low for low, _ in spans), max(high for _, high in spans)),)
    return spans * (target.shape[2] // len(spans))


def _bare(rule: Requantize) -> Requantize:
    """The rounding without zero point and clips."""
    return replace(rule, zero_point=0, low=None, high=None)


def _foldable(rule: Requantize, target: Tensor) -> bool:
    """Whether the zero point may be added before the rounding, and the hardware has the limits."""
    held = all(abs(end) < 1 << MAX_CLIP_BITS for end in (rule.low, rule.high) if end is not None)
    return held and rule.takes_zero_point_first and not _is_lone_sign(target.format)


def _is_lone_sign(fmt: Format) -> bool:
    """Whether a format is a sign bit alone, -1 and 0, which no requantizer of the hardware saturates to."""
    return fmt.signed and fmt.width == 1


def _rounded(op: IntegerOperator, rule: Requantize, target: Tensor, names: _Names) -> tuple[Tensor, list[Piece]]:
    """A tensor for rounded results without zero point and clip, and the layer that adds them."""
    fmt, (low, high) = target.format, rule.limits(target.format)
    # All that can be told apart: beyond it the results saturate on both sides.
    index = Format(signed_width(low - rule.zero_point - 1, high - rule.zero_point + 1), fmt.frac)
    middle = Tensor(names.fresh(f"{op.output}.rounded"), target.shape, index, "", target.scale)
    name = names.fresh(f"{op.name}.clip")
    if index.width > MAX_INDEX_WIDTH:
        if index.width > MAX_CLIP_BITS:
            raise UnsupportedError(f"layer {op.name!r}: a zero point or clip of {fmt.width} bits; hardware has 16")
        ones = np.ones(target.shape[2], np.int64)
        limits = without_idle_limits(Requantize((0,), "half_up", low=low, high=high), fmt)
        added = IntegerScale(name, (middle.name,), target.name, ones, ones * rule.zero_point, None, 2, 2, limits)
        return middle, [(_proved(op, added, index), target)]
    values = np.clip(np.arange(index.minimum, index.maximum + 1) + rule.zero_point, low, high)
    table = IntegerTable(name, (middle.name,), target.name, values, index, Requantize((0,), "half_up"))
    return middle, [(table, target)]


def _last_rounding(shift: tuple[int, ...], rule: Requantize, folded: bool) -> Requantize:
    """The rounding of a form without zero point, with the limits of `rule` where nothing follows."""
    return Requantize(shift, rule.rounding, low=rule.low if folded else None, high=rule.high if folded else None)


def _scale(
    op: IntegerOperator,
    rule: Requantize,
    sums: Tensor,
    target: Tensor,
    names: _Names,
    formats: tuple[Format, ...] = (),
) -> list[Piece]:
    """The multiplication, rounding and saturation of accumulators; `formats` are those of the layer's inputs."""
    if rule.rule == "tflite_double":
        return _split_scale(op, rule, sums, target, names, formats)
    channels, folded = target.shape[2], _foldable(rule, target)
    middle, last = (target, []) if folded else _rounded(op, rule, target, names)
    shifts = np.broadcast_to(np.array(rule.shift, np.int64), channels)
    zero = rule.zero_point if folded else 0
    multiplier = np.broadcast_to(np.array(rule.multiplier, np.int64), channels).copy()
    offset = np.broadcast_to(np.array(rule.offset, np.int64), channels) + (zero << shifts)
    width = max(2, int(multiplier.max()).bit_length() + 1)
    plain = _last_rounding(rule.shift, rule, folded)
    name = names.fresh(f"{op.name}.scale")
    scale = IntegerScale(name, (sums.name,), middle.name, multiplier, offset, None, width, 2, plain)
    return [(_proved(op, scale, sums.format), middle), *last]


def rounded_once_and_twice(name: str) -> UnsupportedError:
    """What to raise for a layer whose channels LiteRT does not all round alike."""
    return UnsupportedError(
        f"layer {name!r}: some of its channels are rounded twice, as LiteRT does, and others are multiplied by 1/2 or"
        " more; hardware does not carry both in one layer"
    )


def _split_scale(
    op: IntegerOperator, rule: Requantize, sums: Tensor, target: Tensor, names: _Names, formats: tuple[Format, ...]
) -> list[Piece]:
    """LiteRT's two roundings as one with an offset by the accumulator's sign."""
    split = split_rounding(rule, _spans(op, target, formats, rule), target.format)
    if split is None:
        raise rounded_once_and_twice(op.name)
    channels, single = target.shape[2], replace(rule, rule="multiply_shift")
    folded = _foldable(single, target)
    middle, last = (target, []) if folded else _rounded(op, single, target, names)
    shifts = np.broadcast_to(np.array(split.shift, np.int64), channels)
    multiplier = np.broadcast_to(np.array(split.multiplier, np.int64), channels).copy()
    offset = split.offset + ((rule.zero_point if folded else 0) << shifts)
    width = max(2, int(multiplier.max()).bit_length() + 1)
    shift = tuple(int(one) for one in shifts) if len(set(split.shift)) > 1 else split.shift[:1]
    scale = IntegerScale(
        names.fresh(f"{op.name}.scale"),
        (sums.name,),
        middle.name,
        multiplier,
        offset,
        None,
        width,
        2,
        _last_rounding(shift, single, folded),
        split.negative_offset,
    )
    return [(_proved(op, scale, sums.format), middle), *last]


def _proved(op: IntegerOperator, made: IntegerScale, fmt: Format) -> IntegerScale:
    return replace(made, accumulator_width=_carried_width(op, made, fmt, "multiplier"))


def _factor(op: IntegerOperator, source: Tensor, factor: int, offset: int, names: _Names) -> Piece:
    """An input times a factor plus an offset, exactly: few integers by a table, which takes no multiplier."""
    channels, fmt = source.shape[2], source.format
    ends = [factor * fmt.minimum + offset, factor * fmt.maximum + offset]
    result = Tensor(
        names.fresh(f"{op.output}.{source.name}"), source.shape, Format(signed_width(min(*ends, 0), max(*ends, 0)), 0)
    )
    name, plain = names.fresh(f"{op.name}.factor"), Requantize((0,), "half_up")
    if factor != 1 and 2 <= fmt.width <= FACTOR_INDEX_WIDTH:
        values = factor * np.arange(fmt.minimum, fmt.maximum + 1, dtype=np.int64) + offset
        return IntegerTable(name, (source.name,), result.name, values, replace(fmt, narrow=False), plain), result
    factors, offsets = np.full(channels, factor), np.full(channels, offset)
    width = max(2, signed_width(min(factor, 0), max(factor, 0)))
    scale = IntegerScale(name, (source.name,), result.name, factors, offsets, None, width, 2, plain)
    return _proved(op, scale, fmt), result


def _add(op: IntegerAdd, graph: IntegerGraph, target: Tensor, names: _Names) -> list[Piece]:
    """Each input times its factor, then the sum, rounded once."""
    sources = [graph.tensors[name] for name in op.inputs]
    rule = _single_rounding(op, target, tuple(source.format for source in sources))
    folded = rule.rule == "shift" and _foldable(rule, target)
    constant = op.offset + ((rule.zero_point << rule.shift[0]) if folded else 0)
    whole = all(source.scale == 1.0 and not source.zero_point for source in sources)
    if whole and not constant and set(op.factors) <= {1, -1}:
        # The parts of a larger operator, which are integers and nothing else.
        pieces: list[Piece] = []
        added, parts = replace(op, signs=op.factors, factors=()), sources
    else:
        pieces = [
            _factor(op, source, factor, constant if index == 0 else 0, names)
            for index, (source, factor) in enumerate(zip(sources, op.factors, strict=True))
        ]
        parts = [tensor for _, tensor in pieces]
        added = replace(op, inputs=tuple(tensor.name for tensor in parts), factors=(), offset=0)
    width = max(2, operator_bounds(added, *(tensor.format for tensor in parts)).width)
    added = replace(added, accumulator_width=width)
    if rule.rule != "shift":
        sums = Tensor(names.fresh(f"{op.output}.sums"), target.shape, Format(width, 0))
        exact = replace(added, output=sums.name, requantize=Requantize((0,), "half_up"))
        formats = tuple(source.format for source in sources)
        return [*pieces, (exact, sums), *_scale(op, rule, sums, target, names, formats)]
    middle, last = (target, []) if folded else _rounded(op, rule, target, names)
    rounded = replace(added, output=middle.name, requantize=_last_rounding(rule.shift, rule, folded))
    return [*pieces, (rounded, middle), *last]


def _multiply(op: IntegerMultiply, graph: IntegerGraph, target: Tensor, names: _Names) -> list[Piece]:
    """The inputs less their zero points, their product, then the requantizer."""
    formats = tuple(graph.tensors[name].format for name in op.inputs)
    rule, pieces, inputs = _single_rounding(op, target, formats), [], []
    for name, zero in zip(op.inputs, op.zero_points, strict=True):
        piece = _factor(op, graph.tensors[name], 1, -zero, names)
        pieces.append(piece)
        inputs.append(piece[1])
    bare = replace(op, inputs=tuple(tensor.name for tensor in inputs), zero_points=(0, 0))
    width = max(2, operator_bounds(bare, *(tensor.format for tensor in inputs)).width)
    sums = Tensor(names.fresh(f"{op.output}.product"), target.shape, Format(width, 0))
    bare = replace(bare, output=sums.name, accumulator_width=width, requantize=Requantize((0,), rule.rounding))
    rule = rule if rule.rule != "shift" else replace(rule, rule="multiply_shift")
    return [*pieces, (bare, sums), *_scale(op, rule, sums, target, names, formats)]


def _scaled(op: IntegerScale, graph: IntegerGraph, target: Tensor, names: _Names) -> list[Piece]:
    """A factor a channel: its accumulators, then the requantizer."""
    rule = _single_rounding(op, target, (graph.tensors[op.input].format,))
    sums = Tensor(names.fresh(f"{op.output}.sums"), target.shape, Format(op.accumulator_width, 0))
    bare = replace(op, requantize=Requantize((0,), "half_up"), output=sums.name)
    rule = rule if rule.rule != "shift" else replace(rule, rule="multiply_shift")
    return [(bare, sums), *_scale(op, rule, sums, target, names, (graph.tensors[op.input].format,))]


LOWERINGS: Mapping[type[IntegerOperator], Callable[..., list[Piece]]] = {
    IntegerConvolution: _product,
    IntegerAffine: _product,
    IntegerAdd: _add,
    IntegerMultiply: _multiply,
    IntegerScale: _scaled,
}
"""Every operator whose requantizer may multiply."""
