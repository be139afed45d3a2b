"""A float graph, samples and options to an integer network: the steps, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..base.errors import UnsupportedError, UsageError
from ..base.formats import Format
from ..base.preparation import Preparation
from ..integer.check import check as check_integer
from ..integer.graph import (
    InputTransform,
    IntegerArgMax,
    IntegerGraph,
    Tensor,
)
from ..integer.inputs import apply_transform
from ..model.graph import Affine, Concatenate, Graph, Relu, check, image_shape
from .balancing import balance
from .calibration import check_samples, collect
from .channel_pairs import WEIGHTED
from .config import QuantizeOptions
from .elements import MAX_TABLE_BITS
from .equalization import equalize
from .feature_steps import Factors, scale_features, scaled_samples
from .fewer_movements import merge_movements
from .idle_functions import without_idle_functions
from .input_format import InputPlan, borders, input_rounding, plan_features, plan_input
from .last_shuffles import with_pixels_at_outputs
from .operators import Conversion, Flow, check_operators
from .permutations import absorb_permutations
from .plan import KEEPING, Leading, branches, count_reads, lead
from .split_functions import split_functions
from .sums import sums_for_means, with_sum_bits
from .trace import Trace

WEIGHT_OPTIONS = frozenset({"weight_bits", "weight_delta", "weight_rounding", "per_channel", "bias_correction"})
"""Options of a layer that say nothing where it has no weights."""

SAMPLES = 8
"""Calibration samples that an integer graph keeps."""


def quantize(
    graph: Graph,
    samples: Mapping[str, Any],
    options: QuantizeOptions | None = None,
    preparation: Preparation | None = None,
) -> IntegerGraph:
    """Quantize a float network.

    Parameters
    ----------
    graph : Graph
        As the standard passes leave it.
    samples : mapping of str to array
        Calibration data for each input, (frames, *shape), in the user's own units.
    options : QuantizeOptions, optional
    preparation : Preparation, optional
        What brings samples of the only input into the model's units; it is stored with the network.

    Raises
    ------
    UnsupportedError
        An operator or a reshape that the integer graph does not carry.
    ModelError
        Damaged parameters or calibration data.
    FitError
        An accumulator over 64 bits, or values that no format holds.
    UsageError
        Overrides for layers that do not exist.
    """
    options = options or QuantizeOptions()
    check(graph)
    check_operators(graph)
    _check_overrides(graph, options)
    graph = sums_for_means(graph, options)
    if options.equalize:
        graph = equalize(graph)
    options = with_sum_bits(graph, options)
    given = check_samples(graph.inputs, graph.shapes, samples)
    prepared = _preparation_of(graph, preparation)
    calibration = {name: prepared.applied(array) for name, array in given.items()}
    if not options.first_edition:
        graph = without_idle_functions(graph, calibration)
    if options.balance:
        graph = balance(graph, calibration, options)
    graph, leads, plans, factors = _fronts(graph, given, options, prepared)
    calibration = scaled_samples(calibration, factors)
    reads = count_reads(graph)
    trace = _trace(graph, options, calibration)
    conversion = Conversion(graph, options, collect(graph, calibration), reads, trace)
    transforms = {}
    for name, plan in plans.items():
        image = _input_image(graph, leads[name].tensor)
        transforms[name] = InputTransform(
            plan.scale, plan.offset, input_rounding(options), tuple(graph.shapes[name]), image, preparation=prepared,
            factors=factors.get(name, ()),
        )  # fmt: skip
        channels, height, width = image
        tensor = Tensor(name, (height, width, channels), plan.format, name)
        if trace is not None:
            trace.start(tensor, apply_transform(transforms[name], plan.format, given[name][: trace.frames]))
        conversion.start(leads[name].tensor, leads[name].absorbed, Flow(tensor, plan.meaning))
    for op in graph.operators:
        conversion.convert(op)
    conversion.finish()
    integer = IntegerGraph(
        name=graph.name,
        inputs=graph.inputs,
        outputs=graph.outputs,
        tensors=conversion.tensors,
        operators=tuple(conversion.operators),
        transforms=transforms,
        output_shapes={name: tuple(graph.shapes[name]) for name in graph.outputs},
        samples={
            name: apply_transform(transforms[name], plans[name].format, given[name][:SAMPLES]) for name in graph.inputs
        },
        classifier=graph.classifier,
    )
    if not options.first_edition:
        integer = absorb_permutations(merge_movements(with_pixels_at_outputs(integer)))
    padded = (
        {}
        if options.first_edition
        else {
            layer: {"place": place, "integer": integer_}
            for name in graph.inputs
            for layer, (place, integer_) in borders(branches(graph, leads[name].tensor), plans[name]).items()
        }
    )
    if padded:
        integer = replace(integer, options={"borders": padded})
    integer = merge_movements(integer)
    return check_integer(_with_argmax(integer) if options.argmax else integer)


def _trace(graph: Graph, options: QuantizeOptions, calibration: Mapping[str, Any]) -> Trace | None:
    """The values on the samples, if any layer's rules ask for them."""
    if not any(options.for_layer(op.name).rules.needs_trace for op in graph.operators if isinstance(op, WEIGHTED)):
        return None
    return Trace(graph, calibration)


def _check_overrides(graph: Graph, options: QuantizeOptions) -> None:
    known = {op.name for op in graph.operators}
    names = [op.name for op in graph.operators if isinstance(op, WEIGHTED)]
    for name in options.layers:
        if name not in known:
            shown = ", ".join(repr(known) for known in names[:20])
            raise UsageError(
                f"options for layer {name!r}: no such layer with weights, or it was folded into one next to it as batch"
                f" normalizations and scales are; give them to one of {shown}"
            )
    for op in graph.operators:
        if op.name in options.layers and isinstance(op, (*KEEPING, Relu, Concatenate)):
            makers = ", ".join(repr(maker.name) for maker in graph.operators if maker.output in op.inputs)
            raise UsageError(
                f"options for layer {op.name!r} would be ignored: {type(op).__name__} has no numbers of its own; give"
                f" them to the layer that it follows{f': {makers}' if makers else ''}"
            )


def refuse_idle_overrides(graph: Graph, options: QuantizeOptions) -> None:
    """Refuse what a user asks of a layer's weights where it has none; searches change whole layers at once.

    Raises
    ------
    UsageError
        Naming the layer and the options.
    """
    for op in graph.operators:
        given = WEIGHT_OPTIONS & options.layers.get(op.name, {}).keys()
        if given and not isinstance(op, WEIGHTED):
            raise UsageError(
                f"options for layer {op.name!r}: {', '.join(sorted(given))} would be ignored, for {type(op).__name__}"
                " has no weights; leave it out there"
            )


def _preparation_of(graph: Graph, preparation: Preparation | None) -> Preparation:
    prepared = preparation or Preparation()
    if prepared.changes:
        if len(graph.inputs) != 1:
            raise UsageError(f"--mean, --std and --scale are for networks with one input; {list(graph.inputs)} given")
        prepared.check(graph.shapes[graph.inputs[0]], graph.inputs[0])
    return prepared


def _fronts(
    graph: Graph, given: Mapping[str, Any], options: QuantizeOptions, prepared: Preparation
) -> tuple[Graph, dict[str, Leading], dict[str, InputPlan], Factors]:
    """The inputs' formats and transforms, and the graph after them, with features of unlike ranges taken apart."""
    leads, plans = _plans(graph, given, options, prepared)
    asked = options.input_scale, options.input_offset, options.input_bits
    if options.first_edition or not options.per_feature or prepared.changes or asked != (None, None, None):
        return graph, leads, plans, {}
    wide = {name for name, plan in plans.items() if plan.format.width > MAX_TABLE_BITS}
    wide = {name for name in wide if (leads[name].scale, leads[name].offset) == (1.0, 0.0)}
    if not wide:
        return graph, leads, plans, {}
    graph, factors = scale_features(graph, wide, given)
    left = {leads[name].tensor: bool(np.min(given[name]) < 0) for name in wide - factors.keys()}
    graph = split_functions(graph, left)
    leads, plans = _plans(graph, given, options, prepared)
    scaled = scaled_samples(given, factors)
    return graph, leads, {**plans, **{name: plan_features(scaled[name], options) for name in factors}}, factors


def _plans(
    graph: Graph, given: Mapping[str, Any], options: QuantizeOptions, prepared: Preparation
) -> tuple[dict[str, Leading], dict[str, InputPlan]]:
    """For each input what stands at its front, and its format and transform."""
    reads = count_reads(graph)
    leads = {name: lead(graph, name, reads) for name in graph.inputs}
    return leads, {name: _plan(graph, name, leads[name], given[name], options, prepared) for name in graph.inputs}


def _plan(
    graph: Graph, name: str, leading: Leading, data: Any, options: QuantizeOptions, prepared: Preparation
) -> InputPlan:
    readers = branches(graph, leading.tensor)
    if not readers:
        raise UnsupportedError(f"network {graph.name!r} has no layer to compute on input {name!r}")
    uniform = prepared.uniform
    asked = options.input_scale is not None or options.input_offset is not None
    if not prepared.changes or uniform is None or asked:
        return plan_input(prepared.applied(data), (leading.scale, leading.offset), readers, options)
    # Planned in the user's units, so that bytes stay bytes; the result states the same in the model's.
    scale, offset = uniform
    whole = (scale * leading.scale, offset * leading.scale + leading.offset)
    plan = plan_input(data, whole, readers, options)
    factor = plan.scale / scale
    return replace(plan, scale=factor, offset=plan.offset - offset * factor)


def _input_image(graph: Graph, tensor: str) -> tuple[int, int, int]:
    """(channels, height, width) of an input after its reshapes."""
    shape = tuple(graph.shapes[tensor])
    readers = graph.consumers(tensor)
    # An Affine takes the elements in the order in which they come: as one wide pixel they can stream several a beat.
    if all(isinstance(op, Affine) for op in readers):
        size = 1
        for extent in shape:
            size *= extent
        return size, 1, 1
    if not 1 <= len(shape) <= 3:
        raise UnsupportedError(f"layer {readers[0].name!r} reads shape {shape}; (channels, height, width) is needed")
    return image_shape(shape)


def _with_argmax(graph: IntegerGraph) -> IntegerGraph:
    """The network with the index of the greatest channel after its only output."""
    source = graph.tensors[graph.outputs[0]]
    if len(graph.outputs) != 1 or source.shape[2] < 2:
        raise UsageError(
            f"--argmax: network {graph.name!r} has {len(graph.outputs)} outputs, the first of {source.shape[2]}"
            " channels; one output of at least 2 channels is needed"
        )
    name = f"{source.name}.argmax"
    while name in graph.tensors:
        name += "_"
    height, width, channels = source.shape
    target = Tensor(name, (height, width, 1), Format((channels - 1).bit_length(), 0, False), name)
    shape = graph.output_shapes[source.name]
    return replace(
        graph,
        outputs=(name,),
        tensors={**graph.tensors, name: target},
        operators=(*graph.operators, IntegerArgMax("argmax", (source.name,), name)),
        output_shapes={name: (1, *shape[1:]) if len(shape) > 1 and shape[0] == channels else (height * width,)},
        classifier=False,
    )
