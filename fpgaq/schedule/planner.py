"""From an integer graph and a target to a schedule."""

from __future__ import annotations

import math
from dataclasses import replace

from ..errors import UnsupportedError
from ..integer_graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
)
from .beats import keeps_interval, predict
from .folding import FoldRange, choose_folds
from .plans import Engine, Fold, Plan, Prediction, ReluPlan, Schedule, Target, WindowPlan
from .walk import least_words, make_walk

_SLACK = 32


def make_schedule(graph: IntegerGraph, target: Target) -> Schedule:
    """Decide the hardware of a network.

    Folds come first (`fpgaq.schedule.folding`), then the lanes between layers, then the memories: line buffers in
    topological order, then result FIFOs, each the least that keeps the interval with the rest held.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    layers = [layer for op in graph.operators if (layer := _fold_range(graph, op, 1)) is not None]
    output = graph.tensors[graph.outputs[0]].shape
    source = graph.tensors[graph.inputs[0]].shape
    least = source[0] * source[1]  # a beat carries channels of one pixel
    least = max(least, output[0] * output[1])
    chosen = choose_folds(layers, target, least)
    interval = max([least, *(layer.cycles(chosen[layer.operator]) for layer in layers)])
    input_lanes = next(
        lanes for lanes in range(1, source[2] + 1) if source[0] * source[1] * -(-source[2] // lanes) <= interval
    )
    input_beats = source[0] * source[1] * -(-source[2] // input_lanes)
    plans, prediction = _size_memories(_build_plans(graph, chosen, input_lanes), input_beats)
    macs = sum(layer.macs for layer in layers)
    used = sum(fold.multipliers for fold in chosen.values())
    budget = target.multipliers if target.multipliers is not None else used
    last = plans[-1]
    lanes_out = last.lanes if isinstance(last, ReluPlan) else last.lanes_out
    limit = max(
        -(-macs // budget) if budget else 0,
        input_beats,
        output[0] * output[1] * -(-output[2] // lanes_out),
    )
    engines = tuple(
        Engine(plan.fold.multipliers, (plan.operator,))
        for plan in plans
        if isinstance(plan, WindowPlan) and plan.fold.multipliers
    )
    return Schedule(tuple(plans), engines, input_lanes, input_beats, budget, macs, limit, prediction)


def _fold_range(graph: IntegerGraph, op: IntegerOperator, lanes_in: int) -> FoldRange | None:
    """What of an operator can be folded; None for one without lanes of its own."""
    rows, columns, channels = graph.tensors[op.output].shape
    if isinstance(op, IntegerConvolution):
        outputs, height, width, depth = op.weight.shape
        return FoldRange(op.name, rows * columns, height * width, depth, outputs // op.groups, op.groups)
    if isinstance(op, IntegerAffine):
        # Beats with unused lanes count as elements of weight zero.
        image = graph.tensors[op.input].shape
        features = image[0] * image[1] * -(-image[2] // lanes_in) * lanes_in
        return FoldRange(op.name, 1, 1, features, op.weight.shape[0])
    if isinstance(op, IntegerMaxPooling):
        return FoldRange(op.name, rows * columns, op.kernel[0] * op.kernel[1], channels, channels, pooling=True)
    if isinstance(op, IntegerRelu):
        return None
    raise UnsupportedError(f"layer {op.name!r}: {type(op).__name__} has no schedule")


def _build_plans(graph: IntegerGraph, folds: dict[str, Fold], input_lanes: int) -> list[Plan]:
    """A plan for each operator, lanes of the streams between them included, memories of generous size."""
    plans: list[Plan] = []
    lanes = input_lanes
    for op in graph.operators:
        if isinstance(op, IntegerRelu):
            plans.append(ReluPlan(op.name, graph.tensors[op.output].shape, lanes))
            continue
        plan = _window_plan(graph, op, folds[op.name], lanes)
        plans.append(plan)
        lanes = plan.lanes_out
    return plans


def _window_plan(graph: IntegerGraph, op: IntegerOperator, fold: Fold, lanes_in: int) -> WindowPlan:
    image = graph.tensors[op.input].shape
    output = graph.tensors[op.output].shape
    kernel, stride, dilation, padding = (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)
    conv_groups, depth, requantized = 1, image[2], False
    if isinstance(op, IntegerConvolution):
        kernel, stride, dilation, padding = (op.weight.shape[1], op.weight.shape[2]), op.stride, op.dilation, op.padding
        conv_groups, depth, requantized = op.groups, op.weight.shape[3], op.requantize is not None
    elif isinstance(op, IntegerMaxPooling):
        kernel, stride, padding = op.kernel, op.stride, op.padding
    elif isinstance(op, IntegerAffine):
        depth = image[0] * image[1] * -(-image[2] // lanes_in) * lanes_in
        image, requantized = (1, 1, depth), op.requantize is not None
    pooling = isinstance(op, IntegerMaxPooling)
    beats_per_pixel = -(-image[2] // lanes_in)
    word_elements = math.lcm(lanes_in, fold.channels)
    words_per_pixel = -(-beats_per_pixel // (word_elements // lanes_in))
    tap_groups = -(-(kernel[0] * kernel[1]) // fold.taps)
    channel_groups = 1 if pooling else -(-depth // fold.channels)
    sharing = 1 if pooling else -(-(output[2] // conv_groups) // fold.outputs)
    groups = -(-output[2] // fold.outputs) if pooling else sharing * conv_groups
    lanes_out = fold.outputs if pooling else _output_lanes(fold.outputs, tap_groups * channel_groups)
    walk = make_walk(image, output, kernel, stride, dilation, padding, words_per_pixel)
    products = fold.taps * fold.channels
    plan = WindowPlan(
        operator=op.name,
        kind="max" if pooling else "mac",
        image=image,
        output_image=output,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        input_channels=graph.tensors[op.input].shape[2],
        fold=fold,
        lanes_in=lanes_in,
        lanes_out=lanes_out,
        word_elements=word_elements,
        words_per_pixel=words_per_pixel,
        beats_per_pixel=beats_per_pixel,
        groups=groups,
        groups_sharing=sharing,
        tap_groups=tap_groups,
        channel_groups=channel_groups,
        advance=0 if groups == sharing and not pooling else (1 if pooling else channel_groups),
        levels=0 if pooling else _tree_levels(products),
        requantized=requantized,
        address_bits=1,
        fifo_bits=1,
        walk=walk,
    )
    # Two frames, and what arrives while a freed word is on its way to the input.
    generous = max(least_words(walk), 2 * plan.frame_words) + _SLACK
    return replace(plan, address_bits=max(1, (generous - 1).bit_length()), fifo_bits=_generous_fifo(plan))


def _output_lanes(outputs: int, steps: int) -> int:
    """The fewest lanes, a divisor of the outputs, through which a group's results leave before the next are done."""
    return next(lanes for lanes in range(1, outputs + 1) if outputs % lanes == 0 and outputs // lanes <= steps)


def _tree_levels(products: int) -> int:
    """Levels of a tree of four-input sums."""
    levels = 0
    while products > 1:
        products = -(-products // 4)
        levels += 1
    return levels


def _generous_fifo(plan: WindowPlan) -> int:
    """Address bits of a result FIFO that never holds its layer up."""
    span = plan.steps + plan.result_latency + plan.group_beats + 4
    beats = plan.group_beats * (-(-span // plan.steps) + 1)
    return max(1, (beats - 1).bit_length())


def _smaller_line_buffers(plan: WindowPlan) -> list[WindowPlan]:
    """The plan with each smaller line buffer that it can live with, the least first."""
    least = max(1, (least_words(plan.walk) - 1).bit_length())
    return [replace(plan, address_bits=bits) for bits in range(least, plan.address_bits)]


def _smaller_fifos(plan: WindowPlan) -> list[WindowPlan]:
    """The plan with each smaller result FIFO that holds a group, the least first."""
    least = max(1, (plan.group_beats - 1).bit_length())
    return [replace(plan, fifo_bits=bits) for bits in range(least, plan.fifo_bits)]


def _size_memories(plans: list[Plan], input_beats: int) -> tuple[list[Plan], Prediction]:
    """Shrink line buffers, then result FIFOs, to the least power of two that keeps the interval."""
    best = predict(plans, input_beats)
    if best is None:
        raise AssertionError("a chain of layers deadlocks with buffers of two frames")
    for shrunk in (_smaller_line_buffers, _smaller_fifos):
        for index, plan in enumerate(plans):
            if not isinstance(plan, WindowPlan):
                continue
            for smaller in shrunk(plan):
                candidate = [*plans[:index], smaller, *plans[index + 1 :]]
                if keeps_interval(candidate, input_beats, best.mean_interval):
                    plans = candidate
                    break
    prediction = predict(plans, input_beats)
    assert prediction is not None
    return plans, prediction
