"""The plan of each kind of operator, memories of generous size; `fpgaq.hardware.schedule.memories` shrinks them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...base.errors import UnsupportedError
from ...integer.graph import (
    ImageShape,
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
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
    Tensor,
)
from ..lowering.wide import Gather, LaneMaximum, WideGraph
from .cells import WIDE, latency
from .folding import FoldRange
from .plans import Fold, PipePlan, Plan, Walk, WindowPlan
from .schedule import Engine
from .walk import least_words, make_frame_walk, make_map_walk, make_turned_walk, make_walk

SLACK = 32
"""Words of a generous line buffer beyond two frames: what arrives while a freed word is on its way to the input."""

COPYING = (IntegerPad, IntegerSlice, IntegerUpsample, IntegerTranspose)
"""Operators that move elements without computing: windows of one pixel, but for those that `is_wired` names."""

_REGISTER = latency("register")
_REQUANTIZE, _REQUANTIZE_WIDE = latency("fpgaq_requantize", STAGES=1), latency("fpgaq_requantize", STAGES=WIDE)
_LOOKED_UP = latency("rom", BANKS=1) + _REGISTER

PIPE_LATENCY = {
    "relu": _REGISTER,
    "concatenate": _REGISTER,
    "serialize": _REGISTER,
    "gather": _REGISTER,
    "shuffle": _REGISTER,
    "lane_max": latency("fpgaq_max"),
    "argmax": _REGISTER,
    "add": _REGISTER + _REQUANTIZE,
    "multiply": _REGISTER + _REQUANTIZE_WIDE,
    "table": _REQUANTIZE + _LOOKED_UP,
    # The scale is looked up, multiplied with, and the offset is added.
    "scale": _LOOKED_UP + 2 * _REGISTER + _REQUANTIZE_WIDE,
    "mean": _REGISTER + latency("fpgaq_divide"),
}
"""Cycles from a phase of a pipe to the write of its beat."""


def is_depthwise(op: IntegerOperator) -> bool:
    """Whether every channel of a convolution is on its own: one in and one out in each group."""
    return isinstance(op, IntegerConvolution) and op.groups > 1 and op.weight.shape[::3] == (op.groups, 1)


def is_wired(op: IntegerOperator) -> bool:
    """Whether an operator orders the elements of a short vector, which are wires once all of them are there."""
    return isinstance(op, IntegerTranspose) and len(op.view) == 3


def is_copying(op: IntegerOperator) -> bool:
    """Whether an operator copies from a line buffer: one of `COPYING` that is not wires."""
    return isinstance(op, COPYING) and not is_wired(op)


def is_global(tensors: Mapping[str, Tensor], op: IntegerOperator) -> bool:
    """Whether an operator sums the whole image: a running sum for each channel does, without a line buffer."""
    return isinstance(op, IntegerSumPooling) and op.kernel == tensors[op.input].shape[:2] and not any(op.padding)


def fold_range(graph: IntegerGraph, op: IntegerOperator) -> FoldRange | None:
    """What of an operator can be folded; None for one whose lanes follow from its inputs."""
    rows, columns, channels = graph.tensors[op.output].shape
    if isinstance(op, IntegerConvolution):
        outputs, height, width, depth = op.weight.shape
        if is_depthwise(op):
            return FoldRange(op.name, rows * columns, height * width, outputs, outputs, lanewise=True)
        least = outputs if _maxima(graph, op) else 1
        return FoldRange(
            op.name, rows * columns, height * width, depth, outputs // op.groups, op.groups, least_outputs=least
        )
    if isinstance(op, IntegerAffine):
        return FoldRange(op.name, 1, 1, op.weight.shape[1], op.weight.shape[0])
    if isinstance(op, IntegerMaxPooling | IntegerSumPooling) and not is_global(graph.tensors, op):
        taps = op.kernel[0] * op.kernel[1]
        return FoldRange(op.name, rows * columns, taps, channels, channels, lanewise=True, multiplies=False)
    if is_copying(op):
        if isinstance(op, IntegerTranspose) and op.view:
            rows, columns, channels = _view_images(op)[1]
        return FoldRange(op.name, rows * columns, 1, channels, channels, lanewise=True, multiplies=False)
    return None


def _maxima(graph: IntegerGraph, op: IntegerOperator) -> tuple[tuple[int, ...], ...]:
    """The results of a beat whose maxima an operator gives; empty where it gives all."""
    return graph.maxima.get(op.name, ()) if isinstance(graph, WideGraph) else ()


def window_plan(
    graph: IntegerGraph, op: IntegerOperator, fold: Fold, lanes_in: int, engine: Engine | None = None
) -> WindowPlan:
    """The plan of a layer with a line buffer; `engine` serves it if it multiplies."""
    image, output = graph.tensors[op.input].shape, graph.tensors[op.output].shape
    if isinstance(op, IntegerTranspose) and op.view:
        image, output = _view_images(op)
    kernel, stride, dilation, padding = (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)
    conv_groups, depth, requantized, kind = 1, image[2], False, "mac"
    if isinstance(op, IntegerConvolution):
        kernel, stride, dilation, padding = (op.weight.shape[1], op.weight.shape[2]), op.stride, op.dilation, op.padding
        conv_groups, depth, requantized = op.groups, op.weight.shape[3], op.requantize is not None
        kind = "lanewise" if is_depthwise(op) else "mac"
    elif isinstance(op, IntegerMaxPooling | IntegerSumPooling):
        kernel, stride, padding = op.kernel, op.stride, op.padding
        kind = "max" if isinstance(op, IntegerMaxPooling) else "sum"
    elif isinstance(op, IntegerAffine):
        # Beats with unused lanes count as elements of weight zero.
        depth = image[0] * image[1] * -(-image[2] // lanes_in) * lanes_in
        image, requantized = (1, 1, depth), op.requantize is not None
    else:
        kind = "copy"
    lanewise = kind != "mac"
    beats_per_pixel = -(-image[2] // lanes_in)
    word_elements = math.lcm(lanes_in, fold.channels)
    words_per_pixel = -(-beats_per_pixel // (word_elements // lanes_in))
    tap_groups = -(-(kernel[0] * kernel[1]) // fold.taps)
    channel_groups = 1 if lanewise else -(-depth // fold.channels)
    sharing = 1 if lanewise else -(-(output[2] // conv_groups) // fold.outputs)
    groups = -(-output[2] // fold.outputs) if lanewise else sharing * conv_groups
    first_word = op.start[2] // word_elements if isinstance(op, IntegerSlice) else 0
    walk, advance = _walk(op, image, output, (kernel, stride, dilation, padding), words_per_pixel, first_word)
    if advance is None:
        advance = 0 if groups == sharing and not lanewise else (1 if lanewise else channel_groups)
    selects = word_elements // fold.channels
    maxima = _maxima(graph, op)
    made = fold.outputs if engine is None else min(engine.lanes, fold.outputs)
    plan = WindowPlan(
        operator=op.name,
        kind=kind,
        image=image,
        output_image=output,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        input_channels=graph.tensors[op.input].shape[2],
        fold=fold,
        lanes_in=lanes_in,
        lanes_out=made // len(maxima[0]) if maxima else made,
        word_elements=word_elements,
        words_per_pixel=words_per_pixel,
        beats_per_pixel=beats_per_pixel,
        groups=groups,
        groups_sharing=sharing,
        tap_groups=tap_groups,
        channel_groups=channel_groups,
        advance_words=advance // selects,
        advance_selects=advance % selects,
        levels=0 if engine is None else engine.levels,
        serial=engine is not None and engine.serial,
        merged=engine is not None and engine.shared,
        requantized=requantized,
        address_bits=1,
        fifo_bits=1,
        walk=walk,
        maxima=maxima,
    )
    generous = max(least_words(walk), 2 * plan.frame_words) + SLACK
    return replace(plan, address_bits=max(1, (generous - 1).bit_length()), fifo_bits=_generous_fifo(plan))


def _walk(
    op: IntegerOperator,
    image: ImageShape,
    output: ImageShape,
    geometry: tuple[tuple[int, ...], ...],
    words: int,
    first_word: int,
) -> tuple[Walk, int | None]:
    """The walk of a layer, and its advance between groups where that is no matter of lanes."""
    height, width, _ = image
    rows, columns, _ = output
    if isinstance(op, IntegerPad):
        top, _, left, _ = op.padding
        return (
            make_map_walk(
                image,
                [_padded(row - top, height, op.mode) for row in range(rows)],
                [_padded(column - left, width, op.mode) for column in range(columns)],
                words,
            ),
            None,
        )
    if isinstance(op, IntegerSlice):
        y, x, _ = op.start
        walk = make_map_walk(image, range(y, y + rows), range(x, x + columns), words)
        # Where channels are cut a word is a beat of exactly these lanes.
        return replace(walk, base_start=walk.base_start + first_word), None
    if isinstance(op, IntegerUpsample):
        fy, fx = op.factor
        return (
            make_map_walk(
                image,
                [row // fy if not op.zeros or row % fy == 0 else None for row in range(rows)],
                [column // fx if not op.zeros or column % fx == 0 else None for column in range(columns)],
                words,
            ),
            None,
        )
    if isinstance(op, IntegerTranspose) and op.view:
        return make_turned_walk(rows, op.view[1], columns), columns
    if isinstance(op, IntegerTranspose):
        strides = (width * words, words, 1)
        by_row, by_column, by_channel = (strides[axis] for axis in op.axes)
        origins = np.arange(rows)[:, None] * by_row + np.arange(columns)[None, :] * by_column
        # Lanes of whole words keep the channels' order; single elements move by the stride of their axis.
        return make_frame_walk(height * width * words, origins), None if op.axes[2] == 2 else by_channel
    kernel, stride, dilation, padding = geometry
    return (
        make_walk(
            image,
            output,
            (kernel[0], kernel[1]),
            (stride[0], stride[1]),
            (dilation[0], dilation[1]),
            (padding[0], padding[1], padding[2], padding[3]),
            words,
        ),
        None,
    )


def _view_images(op: IntegerTranspose) -> tuple[ImageShape, ImageShape]:
    """What a line buffer sees of (pixels, parts, words, lanes) that become (pixels, words, parts, lanes)."""
    pixels, parts, words, lanes = op.view
    return (pixels, 1, parts * words * lanes), (pixels, words, parts * lanes)


def _padded(position: int, size: int, mode: str) -> int | None:
    """Which pixel stands at a position in or outside an axis of `size` pixels."""
    if 0 <= position < size:
        return position
    if mode == "constant":
        return None
    if mode == "repeat":
        return min(max(position, 0), size - 1)
    return -position if position < 0 else 2 * (size - 1) - position


def pipe_plan(graph: IntegerGraph, op: IntegerOperator, lanes: int) -> PipePlan:
    """The plan of a layer without a line buffer; all its inputs come `lanes` elements a beat."""
    shape = graph.tensors[op.output].shape
    count = len(op.inputs)
    if isinstance(op, IntegerConcatenate):
        channels = [graph.tensors[name].shape[2] for name in op.inputs]
        uses = tuple((slot,) for slot, depth in enumerate(channels) for _ in range(-(-depth // lanes)))
        return _pipe(op.name, "concatenate", shape, lanes, lanes, uses)
    if isinstance(op, IntegerReshape):
        # Full beats of a divisor of both numbers of channels are the same on either side.
        return _pipe(op.name, "concatenate", shape, lanes, lanes, ((0,),))
    if isinstance(op, IntegerArgMax):
        beats = graph.tensors[op.input].shape[2]
        return _pipe(op.name, "argmax", shape, 1, 1, ((0,),) * beats, emits=(False,) * (beats - 1) + (True,))
    if isinstance(op, Gather | LaneMaximum):
        return _gathering(graph, op, lanes)
    if isinstance(op, IntegerSumPooling):
        rows, columns, depth = graph.tensors[op.input].shape
        pixels, beats = rows * columns, -(-depth // lanes)
        # A single pixel is its own sum: every beat gives one.
        uses = ((0,),) * (beats if pixels > 1 else 1)
        return _pipe(op.name, "mean", shape, lanes, lanes, uses, silent=(pixels - 1) * beats)
    if isinstance(op, IntegerTranspose):
        vectors, parts, depth = op.view
        depth *= parts
        beats = depth // lanes
        emits = (False,) * (beats - 1) + (True,)
        plan = _pipe(op.name, "shuffle", (vectors, 1, depth), lanes, depth, ((0,),) * beats, emits=emits)
        # A place is free again some cycles after its result was made, in which few results are: a place is a pixel.
        places = -(-(plan.latency + 4) // beats) + 1
        return replace(plan, fifo_bits=max(1, (places - 1).bit_length()))
    kinds: dict[type[IntegerOperator], str] = {
        IntegerRelu: "relu",
        IntegerTable: "table",
        IntegerScale: "scale",
        IntegerAdd: "add",
        IntegerMultiply: "multiply",
    }
    if type(op) not in kinds:
        raise UnsupportedError(f"layer {op.name!r}: {type(op).__name__} has no schedule")
    return _pipe(op.name, kinds[type(op)], shape, lanes, lanes, (tuple(range(count)),))


def _gathering(graph: IntegerGraph, op: Gather | LaneMaximum, lanes: int) -> PipePlan:
    """What waits for all beats of a wide pixel, and then works on all of its channels."""
    depth = graph.tensors[op.input].shape[2] * (op.pixels if isinstance(op, Gather) else 1)
    shape = graph.tensors[op.output].shape
    kind, beats = "gather" if isinstance(op, Gather) else "lane_max", depth // lanes
    emits = (False,) * (beats - 1) + (True,)
    return _pipe(op.name, kind, shape, lanes, shape[2], ((0,),) * beats, emits=emits)


def serializer_plan(reader: str, shape: ImageShape, lanes_in: int, lanes_out: int) -> PipePlan:
    """What cuts beats into narrower ones, a divisor of their lanes."""
    factor = lanes_in // lanes_out
    beats = -(-shape[2] // lanes_out)
    pops = tuple((beat + 1) % factor == 0 or beat == beats - 1 for beat in range(beats))
    return _pipe(reader, "serialize", shape, lanes_in, lanes_out, ((0,),) * beats, pops=pops)


def _pipe(
    operator: str,
    kind: str,
    shape: ImageShape,
    lanes_in: int,
    lanes_out: int,
    uses: tuple[tuple[int, ...], ...],
    pops: tuple[bool, ...] | None = None,
    emits: tuple[bool, ...] | None = None,
    silent: int = 0,
) -> PipePlan:
    cycles = PIPE_LATENCY[kind]
    always = (True,) * len(uses)
    # A beat holds its place from its phase until a cycle after it left.
    bits = max(1, (cycles + 4).bit_length())
    return PipePlan(
        operator, kind, shape, lanes_in, lanes_out, uses, pops or always, emits or always, cycles, bits, silent
    )


def _generous_fifo(plan: WindowPlan) -> int:
    """Address bits of a result FIFO that never holds its layer up, nor the others of a shared engine."""
    if plan.merged:
        return (2 * plan.output_image[0] * plan.output_image[1] * plan.beats_out_per_pixel - 1).bit_length() + 1
    span = plan.steps + plan.result_latency + plan.group_beats + 4
    beats = plan.group_beats * (-(-span // plan.steps) + 1)
    return max(1, (beats - 1).bit_length())


def plan_operator(
    graph: IntegerGraph, op: IntegerOperator, fold: Fold | None, lanes: int, engine: Engine | None
) -> Plan:
    """The plan of any operator; `fold` is None where `fold_range` is, `engine` where nothing is multiplied."""
    return pipe_plan(graph, op, lanes) if fold is None else window_plan(graph, op, fold, lanes, engine)
