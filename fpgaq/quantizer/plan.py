"""Facts of a whole network that the quantizer needs before it converts one operator: fusions, signs, shared formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..base.formats import Format
from ..model.functions import evaluate
from ..model.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Slice,
    Transpose,
    Upsample,
    image_shape,
)
from .calibration import ActivationStatistics, activation_frac
from .clips import Clip, clip_of
from .config import QuantizeOptions
from .elements import index_format, table_is_nonnegative

ROUNDING = (Convolution, Affine, Deconvolution, Add, Multiply, AveragePooling, BatchNormalization, ScaleOffset)
"""Operators whose requantizer can be a ReLU or a clip too, and can be asked for a format."""
KEEPING = (MaxPooling, Slice, Pad, Upsample, Transpose, Reshape)
"""Operators that write the format that they read."""


@dataclass(frozen=True)
class Stage:
    """An operator together with the ReLU and the reshapes that follow it alone.

    `clip` holds the limits of a clip that was taken in; one at zero is the ReLU.
    `output` is the last tensor that holds its result, `values` the tensor whose statistics are the result's.
    """

    output: str
    values: str
    relu: bool
    absorbed: tuple[str, ...]
    clip: Clip | None = None


@dataclass(frozen=True)
class Leading:
    """The scale and offset at the front of an input, the tensor after them, and the operators that they replace."""

    scale: float
    offset: float
    tensor: str
    absorbed: tuple[str, ...]


def count_reads(graph: Graph) -> Counter[str]:
    """How often each tensor is read, by operators or as an output."""
    reads = Counter(graph.outputs)
    reads.update(name for op in graph.operators for name in op.inputs)
    return reads


def lead(graph: Graph, name: str, reads: Mapping[str, int]) -> Leading:
    """The reshapes and constants that stand directly after an input."""
    scale, offset, tensor, absorbed = 1.0, 0.0, name, []
    while reads[tensor] == 1 and tensor not in graph.outputs:
        op = graph.consumers(tensor)[0]
        if not isinstance(op, Reshape | ScaleOffset):
            break
        if isinstance(op, ScaleOffset):
            scale, offset = scale * op.scale, offset * op.scale + op.offset
        tensor = op.output
        absorbed.append(tensor)
    return Leading(scale, offset, tensor, tuple(absorbed))


def branches(graph: Graph, tensor: str) -> tuple[tuple[Operator, ...], ...]:
    """For each reader of `tensor`, the operators up to the first that is no maximum, ReLU or movement."""
    found: list[tuple[Operator, ...]] = []
    for op in graph.consumers(tensor):
        if (
            isinstance(op, MaxPooling | Relu | Transpose | Reshape)
            and graph.consumers(op.output)
            and op.output not in graph.outputs
        ):
            found += [(op, *chain) for chain in branches(graph, op.output)]
        else:
            found.append((op,))
    return tuple(found)


def stages(graph: Graph, reads: Mapping[str, int], options: QuantizeOptions) -> dict[str, Stage]:
    """For each operator's output, the operators that follow it alone and are taken in."""
    readers = {name: op for op in graph.operators for name in op.inputs}
    final = final_tensors(graph)
    result = {}
    for op in graph.operators:
        stage = Stage(op.output, op.output, False, ())
        while reads[stage.output] == 1 and stage.output in readers:
            reader = readers[stage.output]
            takes = isinstance(op, ROUNDING) and not isinstance(reader, Reshape)
            if isinstance(reader, Relu) and takes and not stage.relu and stage.values == stage.output:
                stage = Stage(reader.output, reader.output, True, (*stage.absorbed, reader.output))
            elif takes and _takes_clip(op, stage, reader, final, options):
                clip = clip_of(reader)
                assert clip is not None
                relu = stage.relu or clip.low == 0
                stage = Stage(reader.output, reader.output, relu, (*stage.absorbed, reader.output), clip)
            elif isinstance(reader, Reshape) and not moves_elements(graph, reader):
                stage = replace(stage, output=reader.output, absorbed=(*stage.absorbed, reader.output))
            else:
                break
        result[op.output] = stage
    return result


def _takes_clip(op: Operator, stage: Stage, reader: Operator, final: frozenset[str], options: QuantizeOptions) -> bool:
    """Whether the requantizer of an operator can be the clip after it: a mean divides, an output may leave exactly."""
    fits = not options.first_edition and not isinstance(op, AveragePooling) and reader.output not in final
    return fits and stage.clip is None and stage.values == stage.output and clip_of(reader) is not None


def moves_elements(graph: Graph, op: Reshape) -> bool:
    """Whether a reader wants the elements of a reshape in an image of another shape; an Affine takes any."""
    readers = graph.consumers(op.output)
    if all(isinstance(reader, Affine | Reshape) for reader in readers):
        return False
    return image_shape(tuple(graph.shapes[op.input])) != image_shape(tuple(graph.shapes[op.output]))


def nonnegative_tensors(
    graph: Graph, statistics: Mapping[str, ActivationStatistics], options: QuantizeOptions
) -> frozenset[str]:
    """The tensors that cannot hold a negative value, by their operators (or, for inputs, by the samples)."""
    known = {name for name in graph.inputs if statistics[name].least >= 0}
    idle = () if options.first_edition else (Prelu,)
    for op in graph.operators:
        inherits = all(name in known for name in op.inputs)
        if isinstance(op, Relu):
            sound = True
        elif isinstance(op, Pointwise):
            sound = table_is_nonnegative(
                lambda x, op=op: evaluate(op.function, op.parameters, x),  # type: ignore[misc]
                everywhere=options.first_edition or not inherits,
            )
        elif isinstance(op, Add):
            sound = inherits and set(op.signs) == {1}
        elif isinstance(op, Pad):
            sound = inherits and (op.mode != "constant" or op.value >= 0)
        elif isinstance(op, ScaleOffset):
            sound = inherits and op.scale >= 0 and op.offset >= 0
        else:
            sound = inherits and isinstance(op, (*KEEPING, Concatenate, Multiply, AveragePooling, *idle))
        if sound:
            known.add(op.output)
    return frozenset(known)


def final_tensors(graph: Graph) -> frozenset[str]:
    """The tensors that only outputs, and what keeps formats on the way to them, read: they may leave at full width."""
    final = set(graph.outputs)
    readers: dict[str, list[Operator]] = {}
    for op in graph.operators:
        for name in op.inputs:
            readers.setdefault(name, []).append(op)
    for op in reversed(graph.operators):
        for name in op.inputs:
            through = all(isinstance(r, (*KEEPING, Relu)) and r.output in final for r in readers[name])
            if through:
                final.add(name)
            elif name in final:
                final.discard(name)
    return frozenset(final)


def wanted_formats(
    graph: Graph,
    reads: Mapping[str, int],
    statistics: Mapping[str, ActivationStatistics],
    nonnegative: frozenset[str],
    options: QuantizeOptions,
    absorbed: frozenset[str] = frozenset(),
) -> dict[str, Format]:
    """For tensors whose readers ask for a format: all that a Concatenate joins, and a table's only source.

    `absorbed` are the outputs of operators that the one before takes in: they have no table.
    """
    formats = _joined_formats(graph, statistics, nonnegative, options)
    for op in graph.operators:
        if isinstance(op, Pointwise) and op.output not in absorbed and reads[op.input] == 1 and op.input not in formats:
            chosen = options.for_layer(op.name)
            formats[op.input] = index_format(
                statistics[op.input], op.input not in nonnegative, chosen, partial(evaluate, op.function, op.parameters)
            )
    return formats


def _joined_formats(
    graph: Graph, statistics: Mapping[str, ActivationStatistics], nonnegative: frozenset[str], options: QuantizeOptions
) -> dict[str, Format]:
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for op in graph.operators:
        if isinstance(op, (*KEEPING, Concatenate)):
            for name in op.inputs:
                parent[root(name)] = root(op.output)
    joins: dict[str, list[str]] = {}
    for op in graph.operators:
        if isinstance(op, Concatenate):
            joins.setdefault(root(op.output), []).append(op.output)
    if not options.first_edition:
        for name in _wider(graph, statistics, {name: joins.get(root(name), []) for name in list(parent)}):
            joins[root(name)].append(name)
    chosen = {}
    for group, outputs in joins.items():
        signed = any(name not in nonnegative for name in outputs)
        bits, narrow = options.activation_bits, options.narrow and signed
        together = merge([statistics[name] for name in outputs])
        frac = activation_frac(together, bits, signed, narrow, options.rules.activation_range, options.percentile)
        chosen[group] = Format(bits, bits if frac is None else frac, signed, narrow)
    return {name: chosen[root(name)] for name in list(parent) if root(name) in chosen}


def _wider(graph: Graph, statistics: Mapping[str, ActivationStatistics], outputs: Mapping[str, list[str]]) -> list[str]:
    """Tensors that share the format of a concatenation and that others read too, with values beyond its own.

    A maximum hides the smallest values from the concatenation, and a cut hides those outside of it.
    """
    found = []
    for name, joined in outputs.items():
        others = (op for op in graph.consumers(name) if not isinstance(op, (*KEEPING, Concatenate)))
        if joined and (name in graph.outputs or any(True for _ in others)):
            least, greatest = (statistics[name].least, statistics[name].greatest)
            if least < min(statistics[other].least for other in joined) or greatest > max(
                statistics[other].greatest for other in joined
            ):
                found.append(name)
    return found


def merge(parts: list[ActivationStatistics]) -> ActivationStatistics:
    """The statistics of several tensors together."""
    return ActivationStatistics(
        min(part.least for part in parts),
        max(part.greatest for part in parts),
        np.concatenate([part.values for part in parts]),
    )
