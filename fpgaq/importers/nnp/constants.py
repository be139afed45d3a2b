"""Transposed parameters computed at reading: converters from other formats leave them before affine layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...errors import ModelError
from ...graph import Array
from .joins import OF_SEVERAL_TENSORS
from .network import Network, Node, Variable
from .proto_fields import Fields


def fold_constants(network: Network, parameters: Mapping[str, Array]) -> tuple[Network, dict[str, Array]]:
    """Replace each Transpose of a parameter, read by other functions as a parameter only, by its value."""
    as_parameter = parameter_reads(network)
    variables, values = dict(network.variables), dict(parameters)
    sources: set[str] = set()
    nodes = []
    for node in network.nodes:
        source = variables.get(node.inputs[0]) if len(node.inputs) == 1 else None
        constant = node.type == "Transpose" and len(node.outputs) == 1 and node.outputs[0] in as_parameter
        if not constant or source is None or not source.parameter or source.name not in values:
            nodes.append(node)
            continue
        output = node.outputs[0]
        sources.add(source.name)
        values[output] = _transposed(node, values[source.name])
        variables[output] = Variable(output, True, values[output].shape)
    still_read = {name for node in nodes for name in node.inputs}
    for name in sources - still_read:
        del variables[name]
    return replace(network, variables=variables, nodes=tuple(nodes)), values


def parameter_reads(network: Network) -> set[str]:
    """The variables that functions read as parameters only."""
    data = {name for node in network.nodes for name in _data_inputs(node)}
    return {name for node in network.nodes for name in node.inputs} - data


def _data_inputs(node: Node) -> tuple[str, ...]:
    return node.inputs if node.type in OF_SEVERAL_TENSORS else node.inputs[:1]


def _transposed(node: Node, value: Array) -> Array:
    fields = node.fields
    message = fields.message_or_none("transpose_param")
    axes = []
    if message is not None:
        arguments = Fields(message, fields.where, fields.owner)
        axes = arguments.integers("axes")
        arguments.finish()
    fields.finish()
    if sorted(axes) != list(range(value.ndim)):
        raise ModelError(f"layer {node.name!r} (Transpose): axes {axes} are no order of {value.ndim} axes")
    return np.ascontiguousarray(value.transpose(axes))
