"""Checks of each integer operator against its inputs' and output's tensors, by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from ...base.formats import Format
from ..accumulators import Bounds
from ..graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Requantize,
    Tensor,
)
from .weighted import (
    check_accumulator,
    check_convolution,
    check_requantize,
    check_rule,
    check_shape,
    check_sums,
    refuse,
    windows,
)

Sources: TypeAlias = tuple[Tensor, ...]

MAX_INPUTS = 64
MAX_INDEX_WIDTH = 12
MAX_ALIGN = 63
MAX_SCALE_WIDTH = 32
MAX_DIVISOR_BITS = 62
PAD_MODES = ("constant", "reflect", "repeat")


def input_counts(op: IntegerOperator) -> tuple[int, int]:
    """The least and greatest number of inputs that the operator reads."""
    if isinstance(op, IntegerAdd | IntegerConcatenate):
        return 2, MAX_INPUTS
    return (2, 2) if isinstance(op, IntegerMultiply) else (1, 1)


def check_operator(op: IntegerOperator, sources: Sources, target: Tensor) -> None:
    """Raise ModelError unless `op` leads from `sources` to `target` soundly."""
    check = CHECKS.get(type(op))
    if check is None:
        refuse("layer", op.name, f"is of the unknown type {type(op).__name__}")
    check(op, sources, target)


def _check_max_pooling(op: IntegerMaxPooling, sources: Sources, target: Tensor) -> None:
    check_shape(op, windows(op, sources[0], sources[0].shape[2]), target)
    _check_same_formats(op, sources, target)


def _check_relu(op: IntegerRelu, sources: Sources, target: Tensor) -> None:
    (source,) = sources
    check_shape(op, source.shape, target)
    if source.zero_point or target.zero_point or source.scale != target.scale:
        refuse("layer", op.name, "reads or writes a zero point or changes the scale; a table or a lower limit can")
    if source.format.frac != target.format.frac or target.format.maximum < source.format.maximum:
        refuse("layer", op.name, f"writes {target.format.describe()}, which does not hold {source.format.describe()}")


def _check_multiply(op: IntegerMultiply, sources: Sources, target: Tensor) -> None:
    _check_equal_shapes(op, sources, target)
    if op.zero_points != tuple(tensor.zero_point for tensor in sources):
        refuse("layer", op.name, f"takes zero points {op.zero_points} away, which are not those of its inputs")
    bounds = check_accumulator(op, op.accumulator_width, *(tensor.format for tensor in sources))
    scales = (sum(tensor.format.frac for tensor in sources),)
    check_requantize(op, op.requantize, scales, target, bounds, sources)


def _check_arg_max(op: IntegerArgMax, sources: Sources, target: Tensor) -> None:
    (source,) = sources
    check_shape(op, (*source.shape[:2], 1), target)
    if target.format.signed or target.format.frac != 0 or target.format.maximum < source.shape[2] - 1:
        refuse("layer", op.name, f"writes {target.format.describe()}; unsigned indices to {source.shape[2] - 1}")


def _check_product(op: IntegerConvolution | IntegerAffine, sources: Sources, target: Tensor) -> None:
    (source,) = sources
    axes = 4 if isinstance(op, IntegerConvolution) else 2
    if op.weight.ndim != axes or op.weight.size == 0:
        refuse("layer", op.name, f"has weights of shape {op.weight.shape}; {axes} axes of at least 1 are needed")
    if isinstance(op, IntegerConvolution):
        check_convolution(op, source, target)
    else:
        check_shape(op, (1, 1, op.weight.shape[0]), target)
        if op.weight.shape[1] != source.size:
            refuse("layer", op.name, f"has weights {op.weight.shape} for {source.size} features")
    check_sums(op, source, target)


def _check_same_formats(op: IntegerOperator, sources: Sources, target: Tensor) -> None:
    for source in sources:
        if source.meaning[1:] != target.meaning[1:]:
            refuse("layer", op.name, "reads and writes different scales or zero points; they must be equal")
        if source.format != target.format:
            refuse(
                "layer",
                op.name,
                f"reads {source.format.describe()} and writes {target.format.describe()}; the formats must be equal",
            )


def _check_equal_shapes(op: IntegerOperator, sources: Sources, target: Tensor) -> None:
    for source in sources:
        check_shape(op, source.shape, target)


def _check_sum_pooling(op: IntegerSumPooling, sources: Sources, target: Tensor) -> None:
    (source,) = sources
    check_shape(op, windows(op, source, source.shape[2]), target)
    bounds = check_accumulator(op, op.accumulator_width, source.format)
    mean = source.zero_point and target.meaning[1:] == source.meaning[1:] and _is_mean(op, source, target)
    if (source.zero_point and not mean) or (op.requantize is not None and op.requantize.rule != "shift"):
        refuse(
            "layer",
            op.name,
            "sums a tensor with a zero point and is no mean of the pixels inside, or multiplies; a convolution of ones"
            " can",
        )
    check_requantize(op, op.requantize, (source.format.frac,), target, bounds, sources, not mean)
    pixels = target.shape[0] * target.shape[1]
    if len(op.divisor) not in (1, pixels):
        refuse("layer", op.name, f"has {len(op.divisor)} divisors for {pixels} output pixels")
    if min(op.divisor) < 1 or max(op.divisor) << op.requantize.shift[0] >= 1 << MAX_DIVISOR_BITS:
        refuse("layer", op.name, f"has divisors {min(op.divisor)}..{max(op.divisor)} beyond 1..2**{MAX_DIVISOR_BITS}")


def _is_mean(op: IntegerSumPooling, source: Tensor, target: Tensor) -> bool:
    """Whether each sum is divided by the pixels that it takes: such a mean has the zero point that its pixels have."""
    counts = []
    for axis, size in enumerate(source.shape[:2]):
        starts = np.arange(target.shape[axis]) * op.stride[axis] - op.padding[2 * axis]
        counts.append(np.minimum(starts + op.kernel[axis], size) - np.maximum(starts, 0))
    wanted = np.outer(counts[0], counts[1]).ravel()
    found = np.array(op.divisor)
    return op.requantize.shift == (0,) and found.size in (1, wanted.size) and bool((found == wanted).all())


def _check_table(op: IntegerTable, sources: Sources, target: Tensor) -> None:
    (source,) = sources
    check_shape(op, source.shape, target)
    if op.index_format.width > MAX_INDEX_WIDTH or op.index_format.narrow:
        refuse("layer", op.name, f"has an index of {op.index_format.width} bits; full range, to {MAX_INDEX_WIDTH} bits")
    reached = Bounds(min(source.format.minimum, 0), max(source.format.maximum, 0))
    check_requantize(op, op.requantize, (source.format.frac,), Tensor("", (1, 1, 1), op.index_format), reached, ())
    if op.requantize.rule != "shift":
        refuse("layer", op.name, "multiplies for its index; a shift is needed")
    if op.table.shape != (1 << op.index_format.width,) or op.table.dtype != np.int64:
        refuse("layer", op.name, f"has a table of shape {op.table.shape}, {op.table.dtype}; one int64 for each index")
    _check_range(op, "entries", op.table, target.format)


def _check_range(op: IntegerOperator, label: str, values: np.ndarray, fmt: Format) -> None:  # type: ignore[type-arg]
    if values.min() < fmt.minimum or values.max() > fmt.maximum:
        refuse("layer", op.name, f"has {label} beyond the range of {fmt.describe()}")


def _check_add(op: IntegerAdd, sources: Sources, target: Tensor) -> None:
    _check_equal_shapes(op, sources, target)
    if len(op.align) != len(sources) or len(op.signs) != len(sources):
        refuse("layer", op.name, f"has {len(op.align)} alignments and {len(op.signs)} signs for {len(sources)} inputs")
    if min(op.align) < 0 or max(op.align) > MAX_ALIGN or not set(op.signs) <= {1, -1}:
        refuse("layer", op.name, f"has alignments {op.align} or signs {op.signs}; 0 to {MAX_ALIGN}, and 1 or -1")
    if op.factors and (len(op.factors) != len(sources) or any(op.align) or set(op.signs) != {1}):
        refuse("layer", op.name, f"has {len(op.factors)} factors for {len(sources)} inputs, or alignments besides them")
    # A scale of 1 has no meaning of its own: such integers are parts of a larger operator.
    scales_of = {tensor.scale for tensor in sources}
    if scales_of == {None} if op.factors else not scales_of <= {None, 1.0}:
        refuse("layer", op.name, "has factors, which stand where inputs have arbitrary scales, and nowhere else")
    if not op.factors and (op.offset or any(tensor.zero_point for tensor in sources)):
        refuse("layer", op.name, "has an offset or zero points, which need factors")
    scales = {tensor.format.frac + align for tensor, align in zip(sources, op.align, strict=True)}
    if len(scales) != 1:
        refuse("layer", op.name, f"aligns its inputs to different scales, fractional bits {sorted(scales)}")
    bounds = check_accumulator(op, op.accumulator_width, *(tensor.format for tensor in sources))
    check_requantize(op, op.requantize, tuple(scales), target, bounds, sources, _has_zero_point(op.requantize))


def _has_zero_point(rule: Requantize) -> bool:
    """Whether a sum adds the output's zero point itself; else one of its inputs holds it."""
    return isinstance(rule, Requantize) and rule.zero_point != 0


def _check_scale(op: IntegerScale, sources: Sources, target: Tensor) -> None:
    (source,) = sources
    check_shape(op, source.shape, target)
    channels = source.shape[2]
    if not 2 <= op.scale_width <= MAX_SCALE_WIDTH:
        refuse("layer", op.name, f"has scales of {op.scale_width} bits; 2 to {MAX_SCALE_WIDTH} are allowed")
    for label, array in (("scale", op.scale), ("offset", op.offset), ("negative scale", op.negative_scale)):
        if array is None and label == "negative scale":
            continue
        if array is None or array.shape != (channels,) or array.dtype != np.int64:
            refuse("layer", op.name, f"has a {label} that is not one int64 for each of {channels} channels")
        if label != "offset":
            _check_range(op, f"{label}s", array, Format(op.scale_width, 0))
    if (op.negative_scale is not None or op.negative_offset) and source.zero_point:
        refuse(
            "layer", op.name, "has another factor or offset below zero, which a tensor with a zero point does not know"
        )
    bounds = check_accumulator(op, op.accumulator_width, source.format)
    # The fractional bits of the scales are not part of the network, so the target's cannot be held against them.
    check_rule(op, op.requantize, channels, target.format, bounds)
    # The offset may hold the output's zero point.
    if op.requantize.zero_point not in (0, target.zero_point):
        refuse("layer", op.name, f"adds {op.requantize.zero_point} where the output has {target.zero_point}")


def _check_concatenate(op: IntegerConcatenate, sources: Sources, target: Tensor) -> None:
    _check_same_formats(op, sources, target)
    pixels = {tensor.shape[:2] for tensor in sources}
    if len(pixels) != 1:
        refuse("layer", op.name, f"joins images of {sorted(pixels)} pixels")
    check_shape(op, (*sources[0].shape[:2], sum(tensor.shape[2] for tensor in sources)), target)


def _check_slice(op: IntegerSlice, sources: Sources, target: Tensor) -> None:
    _check_same_formats(op, sources, target)
    (source,) = sources
    ends = [start + size for start, size in zip(op.start, target.shape, strict=False)]
    if len(op.start) != 3 or min(op.start) < 0 or any(e > n for e, n in zip(ends, source.shape, strict=True)):
        refuse("layer", op.name, f"takes {target.shape} from {op.start}, which {source.shape} does not hold")


def _check_transpose(op: IntegerTranspose, sources: Sources, target: Tensor) -> None:
    _check_same_formats(op, sources, target)
    (source,) = sources
    if op.view:
        _check_view(op, source, target)
        return
    if sorted(op.axes) != [0, 1, 2]:
        refuse("layer", op.name, f"has axes {op.axes}; an order of 0, 1, 2 is needed")
    check_shape(op, (source.shape[op.axes[0]], source.shape[op.axes[1]], source.shape[op.axes[2]]), target)


def _check_view(op: IntegerTranspose, source: Tensor, target: Tensor) -> None:
    if min(op.view) < 1 or not math.prod(op.view) == source.size == target.size:
        refuse("layer", op.name, f"views {source.shape} as {op.view} for {target.shape}; the elements must be as many")
    if sorted(op.axes) != list(range(len(op.view))):
        refuse("layer", op.name, f"has axes {op.axes}; an order of those of its view {op.view} is needed")


def _check_reshape(op: IntegerReshape, sources: Sources, target: Tensor) -> None:
    _check_same_formats(op, sources, target)
    if sources[0].size != target.size:
        refuse("layer", op.name, f"makes {target.shape} of {sources[0].shape}; the elements must be as many")


def _check_pad(op: IntegerPad, sources: Sources, target: Tensor) -> None:
    _check_same_formats(op, sources, target)
    (source,) = sources
    height, width, channels = source.shape
    if op.mode not in PAD_MODES:
        refuse("layer", op.name, f"pads by {op.mode!r}; allowed: {', '.join(PAD_MODES)}")
    if len(op.padding) != 4 or min(op.padding) < 0:
        refuse("layer", op.name, f"has padding {op.padding}; four numbers of at least 0 are needed")
    top, bottom, left, right = op.padding
    if op.mode == "reflect" and (max(top, bottom) >= height or max(left, right) >= width):
        refuse("layer", op.name, f"reflects {op.padding} pixels of an image of {height} x {width}")
    if op.mode == "constant" and not source.format.minimum <= op.value <= source.format.maximum:
        refuse("layer", op.name, f"pads with {op.value}, which {source.format.describe()} does not hold")
    check_shape(op, (height + top + bottom, width + left + right, channels), target)


def _check_upsample(op: IntegerUpsample, sources: Sources, target: Tensor) -> None:
    _check_same_formats(op, sources, target)
    (source,) = sources
    height, width, channels = source.shape
    if len(op.factor) != 2 or min(op.factor) < 1:
        refuse("layer", op.name, f"has factor {op.factor}; two numbers of at least 1 are needed")
    rows, columns = op.factor
    if op.zeros and source.zero_point:
        refuse("layer", op.name, "spreads zeros in a tensor with a zero point")
    if not op.zeros:
        check_shape(op, (height * rows, width * columns, channels), target)
        return
    fits = [(n - 1) * f < m <= n * f for n, f, m in zip((height, width), op.factor, target.shape[:2], strict=True)]
    if not all(fits) or target.shape[2] != channels:
        refuse("layer", op.name, f"spreads {source.shape} by {op.factor} to {target.shape}")


CHECKS: Mapping[type[IntegerOperator], Callable[[Any, Sources, Tensor], None]] = {
    IntegerConvolution: _check_product,
    IntegerAffine: _check_product,
    IntegerMaxPooling: _check_max_pooling,
    IntegerRelu: _check_relu,
    IntegerSumPooling: _check_sum_pooling,
    IntegerTable: _check_table,
    IntegerAdd: _check_add,
    IntegerMultiply: _check_multiply,
    IntegerScale: _check_scale,
    IntegerConcatenate: _check_concatenate,
    IntegerSlice: _check_slice,
    IntegerPad: _check_pad,
    IntegerUpsample: _check_upsample,
    IntegerTranspose: _check_transpose,
    IntegerReshape: _check_reshape,
    IntegerArgMax: _check_arg_max,
}
"""Every operator that an integer graph can hold."""
