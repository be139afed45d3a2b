"""Parts of an ONNX model: other inputs, other outputs, and only what lies between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....base.errors import ModelError

FLOAT = 1


def cut(model: Any, inputs: Sequence[str] | None, outputs: Sequence[str] | None) -> Any:
    """The part of a model from some tensors to others.

    Parameters
    ----------
    model : onnx.ModelProto
        It is left as it is.
    inputs, outputs : sequence of str, optional
        Tensors of the model; without them its own inputs or outputs.

    Raises
    ------
    ModelError
        A tensor that is not there, or an output that other inputs than these are needed for.
    """
    import onnx

    graph = model.graph
    known = {value.name: value for value in (*graph.value_info, *graph.output, *graph.input)}
    part = onnx.ModelProto()
    part.CopyFrom(model)
    if outputs:
        del part.graph.output[:]
        part.graph.output.extend(_values(graph, known, outputs, "outputs", inputs_too=False))
    if inputs:
        del part.graph.input[:]
        part.graph.input.extend(_values(graph, known, inputs, "inputs", inputs_too=True))
        _keep_needed(part.graph)
    return part


def _values(graph: Any, known: dict[str, Any], names: Sequence[str], option: str, inputs_too: bool) -> list[Any]:
    """What is known of the tensors, as inputs or outputs have it."""
    import onnx

    written = {name for node in graph.node for name in node.output if name}
    have = graph.input if inputs_too else graph.output
    allowed = written | {value.name for value in have if inputs_too}
    for name in names:
        if name not in allowed:
            shown = ", ".join(repr(value.name) for value in have)
            raise ModelError(f"--{option}: no layer writes {name!r}; the model's {option} are {shown}")
    if len(set(names)) < len(names):
        raise ModelError(f"--{option}: a name stands twice in {list(names)}")
    values = []
    for name in names:
        value = onnx.ValueInfoProto.FromString(known[name].SerializeToString()) if name in known else None
        value = value or onnx.ValueInfoProto(name=name)
        if inputs_too and not value.type.tensor_type.elem_type:
            value.type.tensor_type.elem_type = FLOAT
        values.append(value)
    return values


def _keep_needed(graph: Any) -> None:
    """Drop nodes and initializers that the outputs do not need; every other input must not be needed."""
    given = {value.name for value in graph.input}
    writers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    waiting = [value.name for value in graph.output]
    read: set[str] = set()
    kept: set[int] = set()
    while waiting:
        name = waiting.pop()
        if name in read or name in given:
            continue
        read.add(name)
        index = writers.get(name)
        if index is not None and index not in kept:
            kept.add(index)
            waiting += [*filter(None, graph.node[index].input), *captured(graph.node[index])]
    initializers = [tensor for tensor in graph.initializer if tensor.name in read]
    lost = read - writers.keys() - {tensor.name for tensor in initializers}
    if lost:
        raise ModelError(f"--inputs: the outputs also need {sorted(lost)[0]!r}; name it too, or cut the outputs")
    _replace(graph.node, [graph.node[index] for index in sorted(kept)])
    _replace(graph.initializer, initializers)


def captured(node: Any) -> set[str]:
    """The tensors that the graphs inside a node read."""
    names: set[str] = set()
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                names |= {name for name in inner.input if name} | captured(inner)
    return names


def _replace(field: Any, values: list[Any]) -> None:
    copies = [type(value).FromString(value.SerializeToString()) for value in values]
    del field[:]
    field.extend(copies)
