"""Functions of parameters alone, computed at reading: transposed, normalized and pruned weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError
from ...graph import Array
from .joins import OF_SEVERAL_TENSORS
from .network import NnpNetwork, Node, Variable
from .proto_fields import Fields
from .pruning import prune_place
from .text_proto import Message


def fold_constants(network: NnpNetwork, parameters: Mapping[str, Array]) -> tuple[NnpNetwork, dict[str, Array]]:
    """Replace each function of parameters alone, read by other functions as a parameter only, by its value."""
    as_parameter = parameter_reads(network)
    variables, values = dict(network.variables), dict(parameters)
    sources: set[str] = set()
    nodes = []
    for node in network.nodes:
        read = [variables.get(name) for name in node.inputs]
        constant = node.type in FOLDERS and len(node.outputs) == 1 and node.outputs[0] in as_parameter
        given = [v.name for v in read if v is not None and v.parameter and v.name in values]
        if not constant or len(given) != len(node.inputs) or not given:
            nodes.append(node)
            continue
        output = node.outputs[0]
        sources.update(given)
        values[output] = FOLDERS[node.type](node, [values[name] for name in given])
        variables[output] = Variable(output, True, values[output].shape)
    still_read = {name for node in nodes for name in node.inputs}
    for name in sources - still_read:
        del variables[name]
    return replace(network, variables=variables, nodes=tuple(nodes)), values


def parameter_reads(network: NnpNetwork) -> set[str]:
    """The variables that functions read as parameters only."""
    data = {name for node in network.nodes for name in _data_inputs(node)}
    return {name for node in network.nodes for name in node.inputs} - data


def _data_inputs(node: Node) -> tuple[str, ...]:
    return node.inputs if node.type in OF_SEVERAL_TENSORS else node.inputs[:1]


def _arguments(node: Node, field: str) -> Fields:
    fields = node.fields
    message = fields.message_or_none(field) or Message({}, fields.message.line, fields.message.column)
    return Fields(message, fields.where, fields.owner)


def _transposed(node: Node, values: Sequence[Array]) -> Array:
    (value,) = values
    arguments = _arguments(node, "transpose_param")
    axes = arguments.integers("axes")
    arguments.finish()
    node.fields.finish()
    if sorted(axes) != list(range(value.ndim)):
        raise ModelError(f"layer {node.name!r} (Transpose): axes {axes} are no order of {value.ndim} axes")
    return np.ascontiguousarray(value.transpose(axes))


def _two_sides(node: Node, value: Array, axis: int) -> NDArray[np.float64]:
    """A weight as (one row for each place of an axis, everything else), in float64."""
    if not 0 <= axis < value.ndim:
        raise ModelError(f"layer {node.name!r} ({node.type}): dim {axis} of a weight of shape {value.shape}")
    sides: NDArray[np.float64] = np.moveaxis(value, axis, 0).reshape(value.shape[axis], -1).astype(np.float64)
    return sides


def _back(sides: NDArray[np.float64], value: Array, axis: int) -> Array:
    front = (value.shape[axis], *value.shape[:axis], *value.shape[axis + 1 :])
    return np.ascontiguousarray(np.moveaxis(sides.reshape(front), 0, axis).astype(np.float32))


def _weight_normalized(node: Node, values: Sequence[Array]) -> Array:
    """WeightNormalization: g * w / sqrt(sum of squares + eps), a sum for each place of `dim`."""
    weight, gain = values
    arguments = _arguments(node, "weight_normalization_param")
    axis, epsilon = arguments.integer("dim"), arguments.real("eps")
    arguments.finish()
    node.fields.finish()
    rows = _two_sides(node, weight, axis)
    if gain.size != len(rows):
        raise ModelError(f"layer {node.name!r} ({node.type}): {gain.size} gains for {len(rows)} rows")
    scale = gain.reshape(-1, 1) / np.sqrt((rows**2).sum(axis=1, keepdims=True) + epsilon)
    return _back(rows * scale, weight, axis)


def _spectrally_normalized(node: Node, values: Sequence[Array]) -> Array:
    """SpectralNorm: divided by the greatest singular value, as `itr` steps from `u` estimate it."""
    weight, start = values
    arguments = _arguments(node, "spectral_norm_param")
    axis, steps, epsilon = arguments.integer("dim"), arguments.integer("itr"), arguments.real("eps")
    arguments.skip(("test", "output_u"))
    arguments.finish()
    node.fields.finish()
    rows, left = _two_sides(node, weight, axis), start.reshape(-1).astype(np.float64)
    if left.size != len(rows) or not 1 <= steps <= 1000:
        raise ModelError(
            f"layer {node.name!r} ({node.type}): u of {left.size} numbers, itr {steps}, for {len(rows)} rows"
        )
    for _ in range(steps):
        right = rows.T @ left
        right /= np.sqrt((right**2).sum() + epsilon)
        left = rows @ right
        left /= np.sqrt((left**2).sum() + epsilon)
    return _back(rows / (left @ rows @ right), weight, axis)


def _pruned(node: Node, values: Sequence[Array]) -> Array:
    """Prune: the `rate` of the numbers that are smallest by magnitude become zero."""
    (weight,) = values
    arguments = _arguments(node, "prune_param")
    rate = arguments.real("rate")
    arguments.finish()
    node.fields.finish()
    magnitudes = np.sort(np.abs(weight), axis=None)
    threshold = magnitudes[prune_place(rate, magnitudes.size)] + (1.0 if rate >= 1 else 0.0)
    return np.where(np.abs(weight) < threshold, np.float32(0), weight)


FOLDERS: dict[str, Callable[[Node, Sequence[Array]], Array]] = {
    "Prune": _pruned,
    "SpectralNorm": _spectrally_normalized,
    "Transpose": _transposed,
    "WeightNormalization": _weight_normalized,
}
