"""From a network as the file has it to a `Graph`: the reachable operators, in order, with values for all parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ....base.errors import ModelError, UnsupportedError
from ...graph import Array, Graph, Operator, Shape, check, infer_shape
from ..order import producers_first, shown_names
from .advice import advice
from .constants import fold_constants, parameter_reads
from .fixed_point import take_grids
from .function import Function
from .functions import CONVERTERS
from .joins import OF_SEVERAL_TENSORS
from .losses import before_losses
from .network import Interface, NnpNetwork, Node
from .parameter_grid import ParameterGrid
from .proto_fields import Fields


def build_graph(
    network: NnpNetwork,
    interface: Interface | None,
    parameters: Mapping[str, Array],
    refuse_batch_statistics: bool = False,
) -> Graph:
    """Convert a network; without an executor its outputs are the variables that no function reads.

    Parameters in the file that the network does not mention are ignored: nnabla saves its whole parameter scope. One
    that the network declares and no function reads is refused, as is one without a value.
    """
    if not network.nodes:
        raise ModelError(
            f"network {network.name!r} is empty: it has no layer; save the network that computes the outputs"
        )
    network, parameters = fold_constants(network, parameters)
    network, parameters, grids = take_grids(network, parameters, parameter_reads(network))
    outputs = interface.outputs if interface else ()
    outputs, notes = before_losses(network, outputs or _leaves(network))
    nodes = _ordered(network, outputs or _leaves(network))
    _check_types(network, nodes)
    _check_unused(network)
    inputs = _find_inputs(network, nodes, interface)
    reader = _Reader(network, parameters, grids, inputs, refuse_batch_statistics)
    operators = tuple(op for node in nodes for op in reader.convert(node))
    outputs = outputs or _leaves(network)
    return check(Graph(network.name, inputs, outputs, operators, reader.shapes, notes=(*notes, *reader.notes)))


def _leaves(network: NnpNetwork) -> tuple[str, ...]:
    read = {name for node in network.nodes for name in node.inputs}
    return tuple(name for node in network.nodes for name in node.outputs if name not in read)


def _ordered(network: NnpNetwork, outputs: tuple[str, ...]) -> list[Node]:
    """The functions that the outputs need, producers first; a cycle is an error that prints it."""
    producer = {name: node for node in network.nodes for name in node.outputs}
    if not outputs:
        # Every variable is read by some function: what follows finds the cycle.
        outputs = network.nodes[0].outputs
    for name in outputs:
        if name not in producer:
            raise ModelError(f"output {name!r} of network {network.name!r} is written by no layer")
    return producers_first(network.name, producer, outputs)


def _check_types(network: NnpNetwork, nodes: list[Node]) -> None:
    unsupported: dict[str, list[str]] = {}
    for node in nodes:
        if node.type not in CONVERTERS:
            unsupported.setdefault(node.type, []).append(node.name)
    if unsupported:
        kinds = "; ".join(f"{kind} (layer {shown_names(names)})" for kind, names in unsupported.items())
        supported = UnsupportedError(f"supported: {', '.join(CONVERTERS)}")
        raise UnsupportedError(
            f"network {network.name!r} uses unsupported functions: {kinds}{advice(unsupported)}"
        ) from supported


def _check_unused(network: NnpNetwork) -> None:
    read = {name for node in network.nodes for name in (*node.inputs, *node.outputs)}
    unused = [name for name, variable in network.variables.items() if variable.parameter and name not in read]
    if unused:
        raise ModelError(
            f"network {network.name!r} declares parameter {shown_names(unused)}, which no layer reads; remove it"
        )


def _find_inputs(network: NnpNetwork, nodes: list[Node], interface: Interface | None) -> tuple[str, ...]:
    """The tensors that come from outside: at the data input of a function and written by none.

    nnabla's own one-operator examples keep their input as a parameter; where nothing else comes from outside, a
    parameter at a data input counts as the network's input.
    """
    written = {name for node in nodes for name in node.outputs}
    data = dict.fromkeys(name for node in nodes for name in _data_inputs(node))
    outside = [name for name in data if name not in written]
    for name in outside:
        if name not in network.variables:
            raise ModelError(f"network {network.name!r} reads variable {name!r}, which it does not declare")
    inputs = tuple(name for name in outside if not network.variables[name].parameter) or tuple(outside)
    listed = interface.inputs if interface else ()
    for name in inputs:
        if listed and name not in listed:
            raise UnsupportedError(
                f"variable {name!r} is neither written by a layer nor a data variable of the executor, as the state of"
                " a recurrent layer; feed it as an input, or use convolutions over time"
            )
    feeding = {*written, *inputs}
    constants = [name for node in nodes for name in _data_inputs(node)[:1] if feeding.isdisjoint(_data_inputs(node))]
    if constants:
        raise UnsupportedError(
            f"parameter {shown_names(constants)} is the data input of a layer; fold constants before saving"
        )
    return tuple(name for name in listed if name in inputs) or inputs


def _data_inputs(node: Node) -> tuple[str, ...]:
    """The inputs of a function that are data in the first place, not parameters."""
    return node.inputs if node.type in OF_SEVERAL_TENSORS else node.inputs[:1]


class _Reader:
    """Converts functions in order and keeps the shapes computed so far."""

    def __init__(
        self,
        network: NnpNetwork,
        parameters: Mapping[str, Array],
        grids: Mapping[str, ParameterGrid],
        inputs: tuple[str, ...],
        refuse_batch_statistics: bool,
    ) -> None:
        self.network = network
        self.parameters = parameters
        self.grids = grids
        self.refuse_batch_statistics = refuse_batch_statistics
        self.notes: list[str] = []
        self.shapes: dict[str, Shape] = {}
        self.used_parameters = {name for node in network.nodes for name in node.inputs[1:] if name in network.variables}
        for name in inputs:
            shape = network.variables[name].shape
            if shape is None or len(shape) < 2:
                raise ModelError(f"input {name!r} has no shape; expected a batch and at least one size")
            self.shapes[name] = shape[1:]

    def convert(self, node: Node) -> list[Operator]:
        """Convert one function, its arguments all consumed."""
        function = self._function(node)
        declared = {name: self._declared(name) for name in node.outputs}
        argument_field, converter = CONVERTERS[node.type]
        arguments = _arguments(node, argument_field)
        converted = converter(function, arguments)
        arguments.finish()
        node.fields.finish()
        for operator, shape in converted:
            shapes = [self.shapes[name] for name in operator.inputs]
            computed = infer_shape(operator, shapes[0], shape if shape is not None else shapes[0], shapes[1:])
            wanted = declared.get(operator.output)
            if wanted is not None and len(wanted) > 1 and wanted[1:] == computed:
                raise UnsupportedError(
                    f"{function.where}: output {operator.output!r} is declared {wanted} but computes {computed}, as"
                    " base_axis above 1 is saved: the rows of all samples together; supported: base_axis 1; use a"
                    " Convolution with a kernel of 1 along the rows"
                )
            if wanted is not None and wanted != computed:
                raise ModelError(
                    f"{function.where}: output {operator.output!r} is declared {wanted} but computes {computed}"
                )
            self.shapes[operator.output] = computed
        return [operator for operator, _ in converted]

    def _function(self, node: Node) -> Function:
        where = f"layer {node.name!r} ({node.type})"
        if not node.inputs:
            raise ModelError(f"{where} has no input")
        if len(node.outputs) > 1 and node.type != "Split":
            raise UnsupportedError(f"{where} has {len(node.outputs)} outputs; supported: 1; use the first only")
        several = node.type in OF_SEVERAL_TENSORS
        computed = tuple(name in self.shapes if several else index == 0 for index, name in enumerate(node.inputs))
        inputs = tuple(name for name, tensor in zip(node.inputs, computed, strict=True) if tensor)
        parameters = [name for name, tensor in zip(node.inputs, computed, strict=True) if not tensor]
        if node.type == "MinMaxQuantize" and not any(self._is_stored(name) for name in parameters):
            # Saved without its parameters in scope: the function says what it rounds, and not to what.
            parameters = []
        data = self.network.variables.get(inputs[0])

        def fresh(suffix: str) -> str:
            name = f"{node.outputs[0]}/{suffix}"
            while name in self.network.variables or name in self.shapes:
                name += "_"
            return name

        return Function(
            node.name,
            node.type,
            inputs,
            tuple(self.shapes[name] for name in inputs),
            node.outputs,
            data.shape[0] if data and data.shape else -1,
            self.network.batch,
            tuple(self._parameter(name, where) for name in parameters),
            computed,
            fresh,
            self.notes.append,
            self.refuse_batch_statistics,
            tuple(self.grids.get(name) for name in parameters),
        )

    def _declared(self, name: str) -> Shape | None:
        variable = self.network.variables.get(name)
        if variable is None:
            raise ModelError(f"network {self.network.name!r} writes variable {name!r}, which it does not declare")
        if variable.parameter:
            raise ModelError(f"network {self.network.name!r} writes variable {name!r}, which is a parameter")
        # One number for each sample is a vector of one here.
        return variable.shape[1:] or (1,) if variable.shape else None

    def _is_stored(self, name: str) -> bool:
        variable = self.network.variables.get(name)
        return name in self.shapes or (variable is not None and variable.parameter)

    def _parameter(self, name: str, where: str) -> Array:
        variable = self.network.variables.get(name)
        if variable is None:
            raise ModelError(f"{where} reads variable {name!r}, which the network does not declare")
        if name in self.shapes:
            raise UnsupportedError(
                f"{where}: input {name!r} is computed or data; supported: a parameter;"
                " make it one, or end the network before it (--outputs NAME)"
            )
        if not variable.parameter:
            raise ModelError(
                f"{where}: weights missing: input {name!r} is no parameter; save with the parameters in scope"
            )
        if name not in self.parameters:
            spare = [other for other in self.parameters if other not in self.used_parameters]
            hint = f" (unused in it: {shown_names(spare)})" if spare else ""
            raise ModelError(f"{where}: weights missing: the file has no value for parameter {name!r}{hint}")
        array = self.parameters[name]
        if variable.shape is not None and array.shape != variable.shape:
            raise ModelError(
                f"{where}: parameter {name!r} is declared {variable.shape}, its value has shape {array.shape}"
            )
        if array.size != math.prod(array.shape) or not array.size:
            raise ModelError(f"{where}: parameter {name!r} is empty")
        return array


def _arguments(node: Node, field: str) -> Fields:
    from .text_proto import Message

    message = node.fields.message_or_none(field)
    where, owner = node.fields.where, node.fields.owner
    return Fields(message or Message({}, node.fields.message.line, node.fields.message.column), where, owner)
