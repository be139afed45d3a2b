"""From an ONNX model to a `Graph`: what the outputs need, in order, constants computed, the batch taken off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ....base.errors import ModelError, UnsupportedError
from ...graph import Graph, Operator, Reshape, check
from ..order import producers_first, shown_names
from .advice import advice
from .builder import Builder, Call, Node, graph_shape
from .constants import fold, foldable, known
from .file import read_model, read_opset
from .inputs import begin, find_inputs
from .operators import CONVERTERS, KEEPING, OF_SEVERAL_OUTPUTS, ROWWISE, STACKING
from .tensors import check_internal, to_array

KNOWN_IN_COMPOSITIONS = frozenset({"ReduceLogSumExp"})
"""Operators that are carried as a part of others alone."""


def load_onnx(data: bytes, network: str | None = None) -> Graph:
    """Read the content of an .onnx file.

    Parameters
    ----------
    data : bytes
        A model with all its values inside, in opset `file.OLDEST_OPSET` to the newest of the onnx package.
    network : str, optional
        The graph's name, which must be the file's: it has one only.

    Raises
    ------
    ModelError
        For a file that is damaged, unsafe or inconsistent.
    UnsupportedError
        For operators and attributes that fpgaq does not carry, all operators in one message.
    """
    model = read_model(data)
    try:
        return _load(model, network)
    except UnicodeDecodeError:
        raise ModelError("holds a name that is not valid UTF-8; save the model again") from None


def refused_layers(data: bytes) -> dict[str, str]:
    """The layers of a model that keep its outputs from being computed, and why; not those that only follow them.

    A layer that is a part of a composition which is carried as a whole is none of them.
    """
    builder, _, outputs = _converted(read_model(data), None)
    found: dict[str, str] = {}
    waiting, seen = [name for name in outputs if name in builder.failed], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = builder.writers[name]
        before = [source for source in node.inputs if source in builder.failed]
        if not before:
            found[node.name] = str(builder.failed[name])
        waiting += before
    return found


def _load(model: Any, network: str | None) -> Graph:
    builder, names, outputs = _converted(model, network)
    graph = model.graph
    outputs = _without_labels(builder, outputs)
    _check_computed(builder, graph.name, outputs)
    _finish_outputs(builder, outputs)
    for name, value in outputs.items():
        _check_declared(builder, name, value)
    needed = _needed(builder.operators, tuple(outputs))
    whole = Graph(graph.name, names, tuple(outputs), (), builder.shapes, notes=tuple(builder.notes))
    return check(whole.with_operators(needed))


def _converted(model: Any, network: str | None) -> tuple[Builder, tuple[str, ...], dict[str, Any]]:
    """What became of each node, the inputs, and the declared outputs."""
    graph = model.graph
    if len(model.functions):
        raise UnsupportedError("holds functions of its own, which `prepare` puts in place; export plain operators")
    if network is not None and network != graph.name:
        raise ModelError(f"no network {network!r}; the file has {graph.name!r}")
    opset = read_opset(model)
    if len(graph.sparse_initializer):
        raise UnsupportedError(f"network {graph.name!r} has sparse initializers; save them as dense ones")
    initializers = _unique(graph.initializer, "initializer")
    for tensor in graph.initializer:
        check_internal(tensor, f"initializer {tensor.name!r}")
    declared = _unique(graph.input, "input")
    outputs = _unique(graph.output, "output")
    nodes = _ordered(graph.name, _read_nodes(graph), tuple(outputs), {*initializers, *declared})
    _check_names(nodes, {*initializers, *declared})
    names = find_inputs(nodes, declared, initializers)
    builder = begin(opset, [declared[name] for name in names], graph)
    read = {name for node in nodes for name in node.inputs} - set(names)
    for name, tensor in initializers.items():
        if name in read:
            builder.constants[name] = to_array(tensor, f"initializer {name!r}")
    builder.read = {name for node in nodes for name in node.inputs} | set(outputs)
    for node in nodes:
        _convert(builder, node)
    return builder, names, outputs


def _without_labels(builder: Builder, outputs: dict[str, Any]) -> dict[str, Any]:
    """Leave labels out that are no indices, where other outputs tell the class."""
    labels = {}
    for name in outputs:
        origin: str | None = name
        while origin and origin not in builder.labels:
            node = builder.writers.get(origin)
            origin = node.inputs[0] if node and node.inputs and node.type in KEEPING else None
        if origin:
            labels[name] = builder.labels[origin]
    rest = {name: value for name, value in outputs.items() if name not in labels}
    for name, listed in labels.items():
        shown = ", ".join(repr(label) for label in listed[:8])
        if not rest:
            raise UnsupportedError(
                f"output {name!r} is one of the labels {shown}, which are no indices 0, 1, ...; end the model at the"
                " scores (--outputs NAME)"
            )
        builder.notes.append(f"output {name!r} is left out: the label of the greatest of the others, in order {shown}")
    return rest


def _needed(operators: list[Operator], outputs: tuple[str, ...]) -> tuple[Operator, ...]:
    """Without the parts of compositions that became one operator."""
    read, kept = set(outputs), []
    for op in reversed(operators):
        if op.output in read:
            read.update(op.inputs)
            kept.append(op)
    return tuple(reversed(kept))


def _check_computed(builder: Builder, network: str, outputs: Iterable[str]) -> None:
    """Raise what keeps an output from being computed: all operators that nobody knows, or the first reason."""
    failed = [builder.failed[name] for name in outputs if name in builder.failed]
    if not failed:
        return
    unsupported: dict[str, list[str]] = {}
    for node in builder.unknown:
        if node.type in KNOWN_IN_COMPOSITIONS:
            continue
        unsupported.setdefault(node.type, []).append(node.name)
    if not unsupported:
        raise failed[0]
    listed = "; ".join(f"{kind} (layer {shown_names(names)})" for kind, names in unsupported.items())
    supported = UnsupportedError(f"supported: {', '.join(sorted(CONVERTERS))}; any other on constants alone")
    raise UnsupportedError(
        f"network {network!r} uses unsupported operators: {listed}{advice(unsupported)}"
    ) from supported


def _unique(entries: Iterable[Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        if entry.name in found:
            raise ModelError(f"{kind} {entry.name!r} is in the file twice; save the model again")
        found[entry.name] = entry
    return found


def _read_nodes(graph: Any) -> list[Node]:
    nodes: list[Node] = []
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for index, proto in enumerate(graph.node):
        base = proto.name or f"{proto.op_type}_{index}"
        name = base
        while name in taken:
            # Counting on from the last time keeps a file of equal names cheap.
            counts[base] = counts.get(base, 1) + 1
            name = f"{base}.{counts[base]}"
        taken.add(name)
        kind = proto.op_type if proto.domain in ("", "ai.onnx") else f"{proto.domain}.{proto.op_type}"
        if not kind.isprintable() or len(kind) > 100:
            kind = repr(kind[:100])
        nodes.append(Node(name, kind, tuple(proto.input), tuple(proto.output), proto.attribute))
    if not nodes:
        raise ModelError(f"network {graph.name!r} is empty: it has no layer")
    return nodes


def _ordered(network: str, nodes: list[Node], outputs: tuple[str, ...], outside: set[str]) -> list[Node]:
    """The nodes that the outputs need, producers first; a cycle is an error that prints it."""
    producer: dict[str, Node] = {}
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in producer or name in outside:
                raise ModelError(f"{node.where} writes {name!r}, which is already there")
            producer[name] = node
    if not outputs:
        raise ModelError(f"network {network!r} has no output")
    missing = [name for name in outputs if name not in producer]
    if missing:
        raise ModelError(f"output {missing[0]!r} of network {network!r} is written by no layer")
    return producers_first(network, producer, outputs)


def _check_names(nodes: list[Node], outside: set[str]) -> None:
    written = {name for node in nodes for name in node.outputs}
    for node in nodes:
        for name in filter(None, node.inputs):
            if name not in written and name not in outside:
                raise ModelError(f"{node.where} reads {name!r}, which no layer writes and which is no input")


class UnknownOperatorError(UnsupportedError):
    """An operator that has no conversion."""


def _convert(builder: Builder, node: Node) -> None:
    """Convert a node; why one cannot be carried by itself is kept for who knows the composition that it is part of."""
    call = builder.call(node)
    if not any(node.outputs):
        raise ModelError(f"{node.where} has no output")
    for name in filter(None, node.outputs):
        builder.writers[name] = node
    try:
        _computed(call)
    except UnsupportedError as error:
        for name in filter(None, node.outputs):
            builder.tensors.pop(name, None)
            builder.failed[name] = error


def _batch_first(builder: Builder, names: Sequence[str]) -> None:
    """Take a second axis for the batch that may as well be the first: both are 1, by the file."""
    for name in names:
        tensor = builder.tensors.get(name)
        if not builder.open_batch and builder.batch == 1 and tensor is not None and tensor.shape[:1] == (1,):
            builder.stacked.discard(name)


def _computed(call: Call) -> None:
    builder, node = call.builder, call.node
    constant = all(name in builder.constants for name in node.inputs if name)
    if foldable(call) or (constant and known(node.type)):
        fold(call)
        return
    if constant or node.type not in CONVERTERS:
        builder.unknown.append(node)
        raise UnknownOperatorError(
            f"{node.where}: on computed values; supported: on constants alone; end the"
            " model before it (--outputs NAME), or use another layer"
        )
    if node.type not in OF_SEVERAL_OUTPUTS and (any(node.outputs[1:]) or not node.outputs[0]):
        raise UnsupportedError(
            f"{node.where}: writes {len(node.outputs)} outputs; supported: the first only;"
            " leave the others out of the model"
        )
    whole = any(name in builder.integers for name in node.inputs)
    if whole and node.type not in KEEPING:
        raise UnsupportedError(f"{node.where}: computes on integers; cast them to float before it")
    computed = [name for name in node.inputs if name and name not in builder.constants]
    if node.type not in STACKING:
        _batch_first(builder, computed)
    stacked = [name in builder.stacked for name in computed]
    if any(stacked) and (node.type not in STACKING or not all(stacked) or _uneven(builder, node)):
        raise UnsupportedError(
            f"{node.where}: reads a tensor whose batch is its second axis; supported: slices, sums and functions of"
            " elements; leave the batch first (stack with dim=1, batch_first=True)"
        )
    call.stacked = any(stacked)
    merged = [name in builder.merged for name in node.inputs if name not in builder.constants]
    if any(merged) and (node.type not in ROWWISE or not all(merged)):
        raise UnsupportedError(
            f"{node.where}: reads rows of all samples together; supported: matrix products and functions of elements;"
            " keep the batch in front (no view(-1, features) before it)"
        )
    CONVERTERS[node.type](call)
    call.attributes.finish()
    if call.stacked:
        builder.stacked.update(filter(None, node.outputs))
    if any(merged) and node.type != "Reshape":
        builder.merged.update(node.outputs)
    if any(name in builder.whole for name in node.inputs) and node.type in KEEPING:
        builder.whole.update(filter(None, node.outputs))
    if whole and node.type not in ("Cast", "Where"):
        builder.integers.update(filter(None, node.outputs))


def _uneven(builder: Builder, node: Node) -> bool:
    """Whether a constant operand differs along the first axis or the batch, which trade places here."""
    operands = [builder.constants[name] for name in node.inputs if name in builder.constants]
    if node.type not in ROWWISE or node.type in ("Gemm", "MatMul"):
        return False
    return any(array.ndim > 1 and any(size != 1 for size in array.shape[:-1]) for array in operands)


def _finish_outputs(builder: Builder, outputs: dict[str, Any]) -> None:
    """Give outputs of the model the shape that the model sees."""
    images: dict[str, str] = {}
    for name in outputs:
        if name in builder.merged | builder.stacked:
            raise UnsupportedError(
                f"{builder.writers[name].where}: output {name!r} has no batch in front; supported: the batch in front;"
                " end the model before it (--outputs NAME)"
            )
        if name not in builder.tensors:
            raise ModelError(f"output {name!r} is a constant: the data does not reach it; leave it out of the outputs")
        shape = builder.tensors[name].shape
        # One number for each sample stays a vector of one.
        if shape and graph_shape(shape) != shape:
            image = images[name] = builder.fresh(f"{name}.image")
            builder.shapes[image], builder.shapes[name] = graph_shape(shape), shape
    if images:
        builder.operators = [
            replace(
                op,
                inputs=tuple(images.get(source, source) for source in op.inputs),
                output=images.get(op.output, op.output),
            )
            for op in builder.operators
        ]
    builder.operators += [Reshape(f"{image}.output", (image,), name) for name, image in images.items()]


def _check_declared(builder: Builder, name: str, value: Any) -> None:
    """An output whose declared shape, as far as it is fixed, is not the computed one."""
    if value.type.WhichOneof("value") != "tensor_type" or not value.type.tensor_type.HasField("shape"):
        return
    dims = list(value.type.tensor_type.shape.dim)
    shape = builder.tensors[name].shape
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    if len(dims) != len(shape) + 1 or any(
        size not in (None, have) for size, have in zip(sizes[1:], shape, strict=True)
    ):
        raise ModelError(f"output {name!r} is declared {sizes} but computes (batch, *{shape})")
