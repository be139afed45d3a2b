"""From an ONNX model to a `Graph`: what the outputs need, in order, constants computed, the batch taken off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ...errors import ModelError, UnsupportedError
from ...graph import Graph, Reshape, Shape, check
from ..order import producers_first, shown_names
from .builder import Builder, Node, Tensor, graph_shape
from .constants import FOLDERS, fold
from .file import read_model, read_opset
from .operators import CONVERTERS
from .tensors import REAL_TYPES, check_dimensions, check_internal, to_array, type_name


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


def _load(model: Any, network: str | None) -> Graph:
    graph = model.graph
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
    _check_types(graph.name, nodes, {*initializers, *declared})
    names = _inputs(nodes, declared, initializers)
    builder = _builder(opset, [declared[name] for name in names], graph)
    read = {name for node in nodes for name in node.inputs} - set(names)
    for name, tensor in initializers.items():
        if name in read:
            builder.constants[name] = to_array(tensor, f"initializer {name!r}")
    for node in nodes:
        _convert(builder, node)
    _finish_outputs(builder, outputs)
    for name, value in outputs.items():
        _check_declared(builder, name, value)
    return check(Graph(graph.name, names, tuple(outputs), tuple(builder.operators), builder.shapes))


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


def _check_types(network: str, nodes: list[Node], outside: set[str]) -> None:
    written = {name for node in nodes for name in node.outputs}
    unsupported: dict[str, list[str]] = {}
    for node in nodes:
        if node.type not in CONVERTERS and node.type not in FOLDERS:
            unsupported.setdefault(node.type, []).append(node.name)
        for name in filter(None, node.inputs):
            if name not in written and name not in outside:
                raise ModelError(f"{node.where} reads {name!r}, which no layer writes and which is no input")
    if unsupported:
        kinds = "; ".join(f"{kind} (layer {shown_names(names)})" for kind, names in unsupported.items())
        supported = ", ".join(sorted({*CONVERTERS, *FOLDERS}))
        raise UnsupportedError(f"network {network!r} uses unsupported operators: {kinds}; supported: {supported}")


def _inputs(nodes: list[Node], declared: dict[str, Any], initializers: dict[str, Any]) -> tuple[str, ...]:
    """The data: declared inputs without a value.

    nnabla's exporter gives every input a value, as old files may; where there is no other, one that is the first
    input of a node counts as data.
    """
    read = {name for node in nodes for name in node.inputs}
    names = tuple(name for name in declared if name not in initializers and name in read)
    first = {node.inputs[0] for node in nodes if node.inputs}
    names = names or tuple(name for name in declared if name in first)
    if not names:
        raise ModelError("the network has no input: every value that it reads is a constant")
    return names


def _builder(opset: int, inputs: list[Any], graph: Any) -> Builder:
    """A builder that holds the inputs, each a tensor with the same batch in front."""
    shapes: dict[str, Shape] = {}
    batches: set[int | None] = set()
    for value in inputs:
        where = f"input {value.name!r}"
        if value.type.WhichOneof("value") != "tensor_type":
            raise UnsupportedError(f"{where} is no tensor; supported: tensors of real numbers")
        tensor = value.type.tensor_type
        if tensor.elem_type not in REAL_TYPES:
            raise UnsupportedError(
                f"{where} is of type {type_name(tensor.elem_type)}; supported:"
                f" {', '.join(type_name(number) for number in REAL_TYPES)}"
            )
        if len(tensor.shape.dim) < 2:
            raise UnsupportedError(
                f"{where} has {len(tensor.shape.dim)} dimensions; supported: a batch and at least one size"
            )
        batch, *dims = tensor.shape.dim
        batches.add(int(batch.dim_value) if batch.HasField("dim_value") else None)
        for axis, dim in enumerate(dims, 1):
            if not dim.HasField("dim_value"):
                raise UnsupportedError(
                    f"{where}: dimension {axis} is open ({dim.dim_param!r}); supported: an open batch only; fix it"
                )
        shapes[value.name] = check_dimensions([dim.dim_value for dim in dims], where)
        if min(shapes[value.name]) < 1:
            raise ModelError(f"{where} has shape {list(shapes[value.name])}; sizes are at least 1")
    fixed = batches - {None}
    if len(fixed) > 1 or any(not 1 <= batch < 2**31 for batch in fixed if batch is not None):
        raise ModelError(f"the inputs have batches of {sorted(map(str, fixed))}; expected one size of at least 1")
    batch = next((batch for batch in fixed if batch is not None), 1)
    reserved = {name for node in graph.node for name in (*node.input, *node.output)} | set(shapes)
    builder = Builder(opset, batch, not fixed, reserved)
    for name, shape in shapes.items():
        builder.shapes[name] = shape
        builder.tensors[name] = Tensor(name, shape)
        if graph_shape(shape) != shape:
            image = builder.fresh(f"{name}.image")
            builder.operators.append(Reshape(image, (name,), image))
            builder.shapes[image] = graph_shape(shape)
            builder.tensors[name] = Tensor(image, shape)
    return builder


def _convert(builder: Builder, node: Node) -> None:
    call = builder.call(node)
    if not node.outputs or not node.outputs[0]:
        raise ModelError(f"{node.where} has no output")
    if any(node.outputs[1:]) and node.type != "Split":
        raise UnsupportedError(f"{node.where}: writes {len(node.outputs)} outputs; supported: the first only")
    constant = all(name in builder.constants for name in node.inputs if name)
    if node.type == "Shape" or constant:
        fold(call)
    elif node.type not in CONVERTERS:
        raise UnsupportedError(f"{node.where}: on computed values; supported: on constants alone")
    else:
        CONVERTERS[node.type](call)
    call.attributes.finish()


def _finish_outputs(builder: Builder, outputs: dict[str, Any]) -> None:
    """Give outputs of the model the shape that the model sees."""
    images: dict[str, str] = {}
    for name in outputs:
        if name not in builder.tensors:
            raise ModelError(f"output {name!r} is a constant: the data does not reach it")
        shape = builder.tensors[name].shape
        if graph_shape(shape) != shape:
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
