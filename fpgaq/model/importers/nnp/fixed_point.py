"""Fixed-point functions of nnabla: on activations an operator, on parameters a grid of the layer that reads them.

A step for each channel is what nnabla's function cannot state; it stands as W * s, quantized by step 1, / s (or times
1 / s), with powers of two in s. Nor can it state the whole range of two's complement: that stands as one bit more, with
MaximumScalar and MinimumScalar in front that keep to the range of one less.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError
from ....base.formats import Format, quantize_real
from ...graph import Array, FixedPointQuantize, Identity
from ...graph.fixed import ROUNDING
from .coarse_weights import grid_of_powers, power_of_two_values
from .function import Converted, Converter, Function, parameter_count
from .network import NnpNetwork, Node, Variable
from .parameter_grid import ParameterGrid
from .proto_fields import Fields
from .text_proto import Message

FIELD = "fixed_point_quantize_param"
BOUNDS = {"MaximumScalar": "maximum_scalar_param", "MinimumScalar": "minimum_scalar_param"}
RANGE_FIELD = "min_max_quantize_param"
POWERS_FIELD = "pow2_quantize_param"
MAX_STEP_BITS = 16
MIN_STEP = 2.0**-100
MAX_BITS = 31
"""nnabla casts to a 32-bit integer on the way."""
TEXT_TOLERANCE = 5e-6
"""nnabla writes numbers with six digits, so that 2**-16 comes back as 1.52588e-05."""


def take_grids(
    network: NnpNetwork, parameters: Mapping[str, Array], as_parameter: set[str]
) -> tuple[NnpNetwork, dict[str, Array], dict[str, ParameterGrid]]:
    """Replace each quantizer of a parameter by the parameter itself and the grid of its values.

    Parameters
    ----------
    network : NnpNetwork
    parameters : mapping of str to array
    as_parameter : set of str
        The variables that functions read as parameters.

    Returns
    -------
    (NnpNetwork, parameters, grids)
        The two by the name of the variable that the layer reads.
    """
    producer = {name: node for node in network.nodes for name in node.outputs}
    readers: dict[str, list[Node]] = {}
    for node in network.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    taken = _Taken(dict(network.variables), dict(parameters))
    for node in network.nodes:
        if node.type == "MinMaxQuantize" and len(node.outputs) == 1 and node.outputs[0] in as_parameter:
            _take_range(node, parameters, taken)
        if node.type == "Pow2Quantize" and node.outputs[:1] and node.outputs[0] in as_parameter:
            _take_powers(node, parameters, taken)
        if node.type != "FixedPointQuantize" or len(node.inputs) != 1 or len(node.outputs) != 1:
            continue
        bounded, bounds = _bounded(node.inputs[0], producer)
        source, scale, before = _scaled(bounded, producer, parameters)
        if source is None:
            continue
        output, undone, after = _unscaled(node.outputs[0], readers, parameters)
        if output not in as_parameter:
            continue
        stated, step = _format(node)
        if step is not None and (bounds or before is not None or after is not None):
            raise UnsupportedError(
                f"layer {node.name!r} (FixedPointQuantize): scales or bounds around a delta of {step:g}; supported:"
                f" around powers of two; train with delta {2.0 ** round(math.log2(step)):g}"
            )
        fmt = _within(stated, bounds, node)
        if not np.array_equal(np.broadcast_arrays(scale * undone, 1.0)[0], np.ones_like(scale * undone)):
            raise UnsupportedError(
                f"layer {node.name!r} (FixedPointQuantize): the scales around it do not cancel; divide by what was"
                " multiplied with"
            )
        frac = fmt.frac + _exponents(scale, node)
        grid = ParameterGrid(fmt.width, fmt.signed, frac, fmt.narrow, step)
        taken.add(output, parameters[source], grid, (node, before, after, *bounds))
    gone = taken.gone
    nodes = tuple(node for node in network.nodes if node.name not in gone)
    if not gone:
        return network, taken.values, taken.grids
    kept = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    dropped = {name for node in network.nodes if node.name in gone for name in (*node.inputs, *node.outputs)} - kept
    variables = {name: variable for name, variable in taken.variables.items() if name not in dropped}
    return replace(network, nodes=nodes, variables=variables), taken.values, taken.grids


@dataclass
class _Taken:
    """What is known of parameters once quantizers of them have been taken, and the nodes that are gone with these."""

    variables: dict[str, Variable]
    values: dict[str, Array]
    grids: dict[str, ParameterGrid] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def add(self, output: str, values: Array, grid: ParameterGrid | None, nodes: Iterable[Node | None]) -> None:
        """Make the output of some nodes a parameter."""
        self.values[output] = values
        self.variables[output] = Variable(output, True, values.shape)
        if grid is not None:
            self.grids[output] = grid
        self.gone.update(node.name for node in nodes if node is not None)


def _take_range(node: Node, parameters: Mapping[str, Array], taken: _Taken) -> None:
    """A MinMaxQuantize of a parameter, whose range is in the file."""
    source, output = node.inputs[0], node.outputs[0]
    if any(name not in parameters for name in node.inputs):
        return
    fields = node.fields
    arguments = Fields(fields.message_or_none(RANGE_FIELD) or Message({}, 0, 0), fields.where, fields.owner)
    ends = [parameters[name] for name in node.inputs[1:]]
    if takes_own_range(arguments):
        ends[:2] = parameters[source].min(), parameters[source].max()
    fmt, step, zero = read_range(arguments, ends, f"layer {node.name!r} (MinMaxQuantize)")
    arguments.finish()
    fields.finish()
    grid = ParameterGrid(fmt.width, False, np.zeros((), np.int64), False, step, zero)
    taken.add(output, parameters[source], grid, [node])


def _take_powers(node: Node, parameters: Mapping[str, Array], taken: _Taken) -> None:
    """A Pow2Quantize of a parameter: its values, and the grid of a weight."""
    source, output = node.inputs[0], node.outputs[0]
    if source not in parameters:
        return
    fields = node.fields
    arguments = Fields(fields.message_or_none(POWERS_FIELD) or Message({}, 0, 0), fields.where, fields.owner)
    values = power_of_two_values(arguments, parameters[source], f"layer {node.name!r} (Pow2Quantize)")
    arguments.finish()
    fields.finish()
    taken.add(output, values, grid_of_powers(values) if values.ndim > 1 else None, [node])


def _bounded(name: str, producer: Mapping[str, Node]) -> tuple[str, list[Node]]:
    """The tensor before bounds, and the functions of the bounds."""
    nodes: list[Node] = []
    while (node := producer.get(name)) is not None and node.type in BOUNDS and len(node.inputs) == 1:
        nodes.append(node)
        name = node.inputs[0]
    return name, nodes


def _within(fmt: Format, bounds: list[Node], node: Node) -> Format:
    """The format of values that were bounded first: rounding keeps order, so that bounds are rounded as values are."""
    if not bounds:
        return fmt
    least, most = fmt.minimum * fmt.step, fmt.maximum * fmt.step
    for bound in reversed(bounds):
        value = _argument(bound, BOUNDS[bound.type])
        if bound.type == "MaximumScalar":
            least, most = max(least, value), max(most, value)
        else:
            least, most = min(least, value), min(most, value)
    whole = Format(fmt.width - 1, fmt.frac, True) if fmt.signed and fmt.width > 2 else None
    ends = tuple(int(end) for end in quantize_real(np.array([least, most]), fmt, ROUNDING))
    if ends == (fmt.minimum, fmt.maximum):
        return fmt
    if whole is None or ends != (whole.minimum, whole.maximum):
        allowed = f"{fmt.minimum} to {fmt.maximum}"
        if whole is not None:
            allowed += f", or {whole.minimum} to {whole.maximum}"
        raise UnsupportedError(
            f"layer {node.name!r} (FixedPointQuantize): bounds before it leave integers from {ends[0]} to {ends[1]};"
            f" supported with n {fmt.width}: {allowed}; change the bounds, or leave them out"
        )
    return whole


def _argument(node: Node, field: str) -> float:
    """The number that bounds."""
    message = node.fields.message_or_none(field)
    node.fields.finish()
    if message is None:
        raise ModelError(f"layer {node.name!r} ({node.type}): has no arguments")
    arguments = Fields(message, node.fields.where, node.fields.owner)
    arguments.skip(("inplace",))
    value = arguments.real("val")
    arguments.finish()
    if not math.isfinite(value):
        raise ModelError(f"layer {node.name!r} ({node.type}): val is {value}; a finite number is needed")
    return value


def _scaled(
    name: str, producer: Mapping[str, Node], parameters: Mapping[str, Array]
) -> tuple[str | None, NDArray[np.float64], Node | None]:
    """The parameter that a variable comes from, its factor, and the function that multiplied it."""
    if name in parameters and name not in producer:
        return name, np.ones(()), None
    node = producer.get(name)
    if node is None or node.type != "Mul2" or len(node.inputs) != 2 or not set(node.inputs) <= set(parameters):
        return None, np.ones(()), None
    return node.inputs[0], parameters[node.inputs[1]].astype(np.float64), node


def _unscaled(
    name: str, readers: Mapping[str, list[Node]], parameters: Mapping[str, Array]
) -> tuple[str, NDArray[np.float64], Node | None]:
    """The variable after a scale, if that is its only reader; the factor; and the function."""
    found = readers.get(name, [])
    if len(found) != 1 or found[0].type not in ("Mul2", "Div2") or len(found[0].inputs) != 2:
        return name, np.ones(()), None
    node = found[0]
    if node.inputs[0] != name or node.inputs[1] not in parameters:
        return name, np.ones(()), None
    with np.errstate(divide="ignore"):
        factor = parameters[node.inputs[1]].astype(np.float64)
        return node.outputs[0], factor if node.type == "Mul2" else 1.0 / factor, node


def _exponents(scale: NDArray[np.float64], node: Node) -> NDArray[np.int64]:
    mantissas, exponents = np.frexp(scale)
    if (mantissas != 0.5).any():
        raise UnsupportedError(
            f"layer {node.name!r} (FixedPointQuantize): a scale before it is {scale[mantissas != 0.5].flat[0]:g}, no"
            " power of two; train with powers of two"
        )
    return exponents.astype(np.int64) - 1


def _format(node: Node) -> tuple[Format, float | None]:
    """The format that the arguments of the function state, and its step if that is no power of two."""
    fields = node.fields
    message = fields.message_or_none(FIELD)
    fields.finish()
    where = f"layer {node.name!r} (FixedPointQuantize)"
    if message is None:
        raise ModelError(f"{where}: has no arguments")
    arguments = Fields(message, fields.where, fields.owner)
    found = read_format(arguments, where)
    arguments.finish()
    return found


def read_format(arguments: Fields, where: str) -> tuple[Format, float | None]:
    """sign, n and delta as a format, and delta in float32 if it is no power of two."""
    arguments.skip(("ste_fine_grained",))
    signed, bits, delta = arguments.boolean("sign"), arguments.integer("n"), arguments.real("delta")
    if not 1 + signed <= bits <= MAX_BITS:
        raise UnsupportedError(f"{where}: n is {bits}; supported: {1 + signed} to {MAX_BITS}; train with such n")
    exponent = round(math.log2(delta)) if math.isfinite(delta) and delta > 0 else -4
    nearest = 2.0**exponent
    if abs(delta - nearest) <= TEXT_TOLERANCE * nearest:
        return Format(bits, -exponent, signed, narrow=signed), None
    if not (math.isfinite(delta) and MIN_STEP <= delta <= 1 / MIN_STEP) or bits > MAX_STEP_BITS:
        raise UnsupportedError(
            f"{where}: n is {bits} and delta {delta:g}; supported: to {MAX_STEP_BITS} bits and steps from"
            " 2**-100 to 2**100, or powers of two; train with such"
        )
    return Format(bits, 0, signed, narrow=signed), float(np.float32(delta))


def takes_own_range(arguments: Fields) -> bool:
    """Whether MinMaxQuantize takes the range of what it reads; a moving average stands as the file has it."""
    arguments.skip(("decay", "ste_fine_grained"))
    own, moving = (name in arguments.names() and arguments.boolean(name) for name in ("x_min_max", "ema"))
    return own and not moving


def read_range(arguments: Fields, ends: Sequence[Array], where: str) -> tuple[Format, float, int]:
    """The integers, the step and the zero point of MinMaxQuantize, by nnabla's formulas in float32."""
    epsilon = arguments.real("eps") if "eps" in arguments.names() else 0.01
    if len(ends) != 4 or any(end.size != 1 for end in ends):
        sizes = [end.size for end in ends]
        raise UnsupportedError(
            f"{where}: ranges of {sizes} numbers; supported: qr_min, qr_max, ql_min and ql_max; give one of each for"
            " a tensor"
        )
    low, high, least, most = (np.float32(end.reshape(-1)[0]) for end in ends)
    levels = float(most) + 1
    if least != 0 or levels != 2.0 ** round(math.log2(max(levels, 2))) or not 4 <= levels <= 1 << MAX_STEP_BITS:
        raise UnsupportedError(
            f"{where}: integers from {least:g} to {most:g}; supported: from 0 to 2**bits - 1, of 2 to"
            f" {MAX_STEP_BITS} bits; train with such levels"
        )
    if not np.isfinite([low, high]).all() or high - low < epsilon:
        raise UnsupportedError(
            f"{where}: a range from {low:g} to {high:g}; supported: finite, and wider than eps; train further"
        )
    step = (high - low) / most
    zero = float(np.floor(-low / step + np.float32(0.5)))
    return Format(int(levels).bit_length() - 1, 0, False), float(step), int(min(max(zero, 0), float(most)))


def _quantize(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    fmt, step = read_format(arguments, function.where)
    return [(FixedPointQuantize(function.name, function.inputs, function.output, fmt, step), None)]


def _quantize_range(function: Function, arguments: Fields) -> Converted:
    own = takes_own_range(arguments)
    if own or not function.parameters:
        arguments.skip(("eps",))
        why = "takes its range anew from each batch" if own else "its range is not in the file"
        function.note(f"{function.where}: {why}, so that calibration samples decide it")
        return [(Identity(function.name, function.inputs, function.output, function.type), None)]
    fmt, step, zero = read_range(arguments, function.parameters, function.where)
    return [(FixedPointQuantize(function.name, function.inputs, function.output, fmt, step, zero), None)]


def _refuse(function: Function, arguments: Fields) -> Converted:
    raise UnsupportedError(
        f"{function.where}: it rounds each computed value to a power of two of its own, which no one scale states; on"
        " weights it is carried; for activations use FixedPointQuantize (fpgaq.nnabla.quantize_activations), or"
        " quantize the float model with --calibration"
    )


FIXED_POINT: dict[str, tuple[str, Converter]] = {
    "FixedPointQuantize": (FIELD, _quantize),
    "MinMaxQuantize": (RANGE_FIELD, _quantize_range),
    "Pow2Quantize": (POWERS_FIELD, _refuse),
}
