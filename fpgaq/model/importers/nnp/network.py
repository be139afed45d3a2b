"""The network and executor messages of an .nnp as plain values, before any function is interpreted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....base.errors import ModelError, UnsupportedError
from .proto_fields import Fields
from .text_proto import Message

MAX_DIMENSIONS = 16
DIMENSION_LIMIT = 2**31
ELEMENT_LIMIT = 2**31


@dataclass(frozen=True)
class Interface:
    """An executor: the network it runs and the variables that it feeds and returns."""

    name: str
    network: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Variable:
    """A declared tensor; `shape` includes the batch and is None where old files leave it out."""

    name: str
    parameter: bool
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Node:
    """A function as the file has it; `fields` holds its arguments, not interpreted yet."""

    name: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fields: Fields


@dataclass(frozen=True)
class NnpNetwork:
    """A network as the file has it."""

    name: str
    batch: int
    variables: Mapping[str, Variable]
    nodes: tuple[Node, ...]


def read_interface(message: Message, where: str) -> Interface:
    """Read an executor."""
    fields = Fields(message, where, "executor")
    name = fields.string("name")
    fields.owner = f"executor {name!r}"
    # Losses, parameters and evaluation modes of an executor do not change what its network computes.
    fields.skip(
        ("num_evaluations", "repeat_evaluation_type", "need_back_propagation", "loss_variable", "parameter_variable")
    )
    fields.skip(("no_image_normalization",))
    if fields.messages("generator_variable"):
        raise UnsupportedError(f"executor {name!r} generates input data; feed all inputs from data variables")
    interface = Interface(
        name,
        fields.string("network_name"),
        _variable_names(fields, "data_variable"),
        _variable_names(fields, "output_variable"),
    )
    fields.finish()
    return interface


def _variable_names(fields: Fields, section: str) -> tuple[str, ...]:
    names = []
    for message in fields.messages(section):
        inner = Fields(message, fields.where, f"{fields.owner}, {section}")
        names.append(inner.string("variable_name"))
        inner.skip(("type", "data_name"))
        inner.finish()
    if len(set(names)) < len(names):
        raise fields.error(f"{section} names one variable twice")
    return tuple(names)


def read_network(message: Message, where: str) -> NnpNetwork:
    """Read a network: names are unique, shapes are sane, loops are refused."""
    fields = Fields(message, where, "network")
    name = fields.string("name")
    fields.owner = f"network {name!r}"
    batch = fields.integer("batch_size")
    if fields.messages("repeat_info"):
        raise UnsupportedError(f"network {name!r} has loops (repeat_info); unroll them before saving")
    variables: dict[str, Variable] = {}
    for variable in (_read_variable(item, where) for item in fields.messages("variable")):
        if variable.name in variables:
            raise ModelError(f"network {name!r} declares variable {variable.name!r} twice")
        variables[variable.name] = variable
    nodes = [_read_node(item, where) for item in fields.messages("function")]
    fields.finish()
    _check_names(name, nodes)
    return NnpNetwork(name, batch, variables, tuple(nodes))


def _read_variable(message: Message, where: str) -> Variable:
    fields = Fields(message, where, "variable")
    name = fields.string("name")
    fields.owner = f"variable {name!r}"
    kind = fields.string("type")
    if kind not in ("Buffer", "Parameter"):
        raise fields.error(f"type {kind!r}; expected 'Buffer' or 'Parameter'")
    if fields.strings("repeat_id"):
        raise UnsupportedError(f"variable {name!r} belongs to a loop (repeat_id); unroll it before saving")
    fields.skip(("initializer",))
    shape = fields.shape("shape")
    fields.finish()
    if shape is None:
        return Variable(name, kind == "Parameter", None)
    sizes = shape[1:] if kind == "Buffer" else shape
    elements = 1
    for dim in sizes:
        elements *= max(dim, 1)
    if len(shape) > MAX_DIMENSIONS or not all(0 < dim < DIMENSION_LIMIT for dim in sizes) or elements > ELEMENT_LIMIT:
        raise fields.error(
            f"shape {shape[:MAX_DIMENSIONS]}; sizes are at least 1 (the batch may be -1) and below 2**31"
        )
    if kind == "Buffer" and shape and not (shape[0] == -1 or 0 < shape[0] < DIMENSION_LIMIT):
        raise fields.error(f"batch {shape[0]}; expected -1 or a positive number")
    return Variable(name, kind == "Parameter", tuple(shape))


def _read_node(message: Message, where: str) -> Node:
    fields = Fields(message, where, "function")
    given, kind = fields.string("name"), fields.string("type")
    inputs, outputs = tuple(fields.strings("input")), tuple(fields.strings("output"))
    name = given or (outputs[0] if outputs else kind)
    fields.owner = f"layer {name!r}"
    if fields.strings("repeat_id") or fields.messages("repeat_param") or fields.messages("recurrent_param"):
        raise UnsupportedError(f"layer {name!r} belongs to a loop; unroll it before saving")
    fields.skip(("context",))
    if not (kind.isascii() and kind.isidentifier()):
        raise fields.error(f"type {kind[:80]!r}; expected the name of a function")
    fields.owner = f"layer {name!r} ({kind})"
    if not outputs:
        raise fields.error("has no output")
    return Node(name, kind, inputs, outputs, fields)


def _check_names(network: str, nodes: list[Node]) -> None:
    names: set[str] = set()
    written: dict[str, str] = {}
    for node in nodes:
        if node.name in names:
            raise ModelError(f"network {network!r} has two layers named {node.name!r}")
        names.add(node.name)
        for output in node.outputs:
            if output in written:
                raise ModelError(f"variable {output!r} is written by layers {written[output]!r} and {node.name!r}")
            written[output] = node.name
