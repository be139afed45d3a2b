"""Channel groups: the layers whose channels correspond, listed and drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...model.graph import Affine, Convolution, Deconvolution, Operator
from .units import Units, is_depthwise


@dataclass(frozen=True)
class Group:
    """Layers that make the same channels and shrink together.

    Parameters
    ----------
    layers : tuple of str
        The layers with weights whose output channels these are.
    followers : tuple of str
        The other layers that the channels run through: normalization, depthwise convolution, sums and so on.
    readers : tuple of str
        The layers with weights that lose inputs.
    units : tuple of int
        Units that can be removed, each on its own.
    fixed : tuple of int
        Units that must stay.
    reason : str
        Why, for the first of those; empty if all can go.
    """

    layers: tuple[str, ...]
    followers: tuple[str, ...]
    readers: tuple[str, ...]
    units: tuple[int, ...]
    fixed: tuple[int, ...]
    reason: str = ""

    @property
    def size(self) -> int:
        """Units of both kinds."""
        return len(self.units) + len(self.fixed)

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return asdict(self)


def makes_channels(op: Operator) -> bool:
    """Whether an operator makes channels of its own: not a depthwise convolution, whose channels are its input's."""
    if isinstance(op, Convolution | Deconvolution):
        return not is_depthwise(op)
    return isinstance(op, Affine)


def find_groups(units: Units) -> tuple[Group, ...]:
    """The groups of a graph, in the order of their first layers."""
    makers = [op for op in units.graph.operators if makes_channels(op)]
    group_of_unit: dict[int, int] = {}
    members: list[list[str]] = []
    for op in makers:
        own = dict.fromkeys(units.labels[op.output].ravel().tolist())
        met = sorted({group_of_unit[unit] for unit in own if unit in group_of_unit})
        if not met:
            met = [len(members)]
            members.append([])
        target, *others = met
        for other in others:
            members[target] += members[other]
            members[other] = []
        for unit in own:
            group_of_unit[unit] = target
        group_of_unit = {unit: target if number in others else number for unit, number in group_of_unit.items()}
        members[target].append(op.name)
    return tuple(
        _group(units, layers, [unit for unit, number in group_of_unit.items() if number == index])
        for index, layers in enumerate(members)
        if layers
    )


def _group(units: Units, layers: list[str], found: list[int]) -> Group:
    own = set(found)
    followers, readers = [], []
    for op in units.graph.operators:
        if makes_channels(op):
            if not own.isdisjoint(units.labels[op.input].ravel().tolist()):
                readers.append(op.name)
        elif not own.isdisjoint(units.labels[op.output].ravel().tolist()):
            followers.append(op.name)
    fixed = tuple(sorted(unit for unit in found if unit in units.fixed))
    free = tuple(sorted(own.difference(fixed)))
    reason = units.fixed[fixed[0]] if fixed else ""
    return Group(tuple(layers), tuple(followers), tuple(readers), free, fixed, reason)


_COLOURS = (
    "#8dd3c7",
    "#ffffb3",
    "#bebada",
    "#fb8072",
    "#80b1d3",
    "#fdb462",
    "#b3de69",
    "#fccde5",
    "#ccebc5",
    "#ffed6f",
)


def draw_groups(units: Units, groups: tuple[Group, ...]) -> str:
    """The network as Graphviz DOT text: layers of one group have one colour, those that must stay whole are grey."""
    graph = units.graph
    colours = {
        unit: _COLOURS[index % len(_COLOURS)]
        for index, group in enumerate(group for group in groups if group.units)
        for unit in group.units
    }
    numbers = {name: f"i{index}" for index, name in enumerate(graph.inputs)}
    lines = ["digraph groups {", "  node [shape=box, style=filled, fillcolor=lightgrey, fontname=Helvetica];"]
    for name, node in numbers.items():
        lines.append(f"  {node} [label={_quoted(f'{name} {graph.shapes[name]}')}, shape=oval];")
    for index, op in enumerate(graph.operators):
        node, shape = f"n{index}", graph.shapes[op.output]
        own = dict.fromkeys(colours.get(unit, "lightgrey") for unit in units.labels[op.output].ravel().tolist())
        fill = ":".join(own)
        style = "filled" if len(own) == 1 else "striped"
        label = _quoted(f"{op.name}\n{type(op).__name__} {shape}")
        lines.append(f'  {node} [label={label}, style={style}, fillcolor="{fill}"];')
        lines += [f"  {numbers[name]} -> {node};" for name in op.inputs]
        numbers[op.output] = node
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    printable = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)
    escaped = printable.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
