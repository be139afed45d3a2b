"""A network as a picture: a box for each layer, an arrow for each tensor with its shape and format."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...base.errors import UsageError
from ...base.text import shape_text, shorten
from ...model.graph import Graph
from ..drawing import drawing_tools, picture_bytes
from .summary import summarize

COLUMN, ROW = 3.3, 0.85
"""Inches from one layer to the next."""
BOX = (2.9, 0.5)
NAME_WIDTH, LABEL_WIDTH = 34, 40
INK = "#101418"
ACCENT = "#b45309"
MOST_LAYERS = 400


@dataclass(frozen=True)
class Node:
    """One box: its name, a second line, the tensors that it reads and writes, and whether it is marked."""

    name: str
    words: str
    inputs: tuple[str, ...]
    output: str
    marked: bool = False


def graph_nodes(graph: Graph) -> tuple[tuple[Node, ...], dict[str, str]]:
    """The boxes of a float network, and what stands at each of its tensors."""
    summary = summarize(graph)
    nodes = tuple(
        Node(op.name, _layer_words(layer.operator, layer.parameters, layer.macs), op.inputs, op.output)
        for op, layer in zip(graph.operators, summary.layers, strict=True)
    )
    return nodes, {name: f"{shape_text(shape)} float" for name, shape in graph.shapes.items()}


def _layer_words(operator: str, parameters: int, macs: int) -> str:
    return operator + (f", {parameters:,} parameters" if parameters else "") + (f", {macs:,} MACs" if macs else "")


def report_nodes(report: Mapping[str, Any]) -> tuple[tuple[Node, ...], dict[str, str]]:
    """The boxes of an integer network from the plain values of a report, the bottleneck marked."""
    hardware = report["hardware"]
    slowest = None if hardware is None or hardware["bottleneck"] is None else hardware["bottleneck"]["name"]
    nodes, labels = [], {}
    for facts in report["inputs"]:
        labels[facts["name"]] = f"{shape_text(facts['shape'])} {facts['format']}"
    for layer in report["layers"]:
        words = layer["operator"]
        if layer["weight_format"]:
            words += f", weights {layer['weight_format']}"
        if layer["multipliers"]:
            words += f", {layer['multipliers']:,} multiplier{'s' if layer['multipliers'] > 1 else ''}"
        nodes.append(Node(layer["name"], words, layer["inputs"], layer["output"], layer["name"] == slowest))
        labels[layer["output"]] = f"{shape_text(layer['shape'])} {layer['output_format']}"
    return tuple(nodes), labels


def draw_network(nodes: Sequence[Node], labels: Mapping[str, str], inputs: Sequence[str]) -> Any:
    """The figure of a network, from top to bottom.

    Raises
    ------
    UsageError
        More layers than a picture can show.
    ToolError
        matplotlib is not installed.
    """
    if len(nodes) > MOST_LAYERS:
        raise UsageError(f"a picture of {len(nodes):,} layers cannot be read; {MOST_LAYERS} are drawn at most")
    Figure, _ = drawing_tools()  # noqa: N806
    places = _places(nodes, inputs)
    columns = 1 + max(column for column, _ in places.values())
    rows = 1 + max(row for _, row in places.values())
    figure = Figure(figsize=(columns * COLUMN, (rows + 0.5) * ROW - 0.15))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(-COLUMN / 2, (columns - 0.5) * COLUMN)
    axes.set_ylim(-rows * ROW + 0.15, ROW / 2)
    axes.axis("off")
    for name in inputs:
        _box(axes, places[name], shorten(name, NAME_WIDTH), "input", False)
    for node in nodes:
        _box(axes, places[node.output], shorten(node.name, NAME_WIDTH), node.words, node.marked)
        for place, source in enumerate(node.inputs):
            _arrow(axes, places[source], places[node.output], place)
    read = {name for node in nodes for name in node.inputs}
    for name, (column, row) in places.items():
        if name not in read:
            _arrow(axes, (column, row), (column, row + 1), 0)
        text = shorten(labels[name], LABEL_WIDTH)
        axes.text(
            column * COLUMN + 0.08, -row * ROW - ROW / 2, text, fontsize=7, color=INK, va="center", parse_math=False
        )
    return figure


def network_picture(graph: Graph, path: str) -> bytes:
    """The picture of a float network in the format that the path's suffix names."""
    nodes, labels = graph_nodes(graph)
    figure = draw_network(nodes, labels, graph.inputs)
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph")
        return picture_bytes(figure, path)


def _places(nodes: Sequence[Node], inputs: Sequence[str]) -> dict[str, tuple[int, int]]:
    """(column, row) of what writes each tensor: below all that it reads, and to the right of others in that row."""
    rows = dict.fromkeys(inputs, 0)
    used = Counter[int]()
    places = {}
    for name in inputs:
        places[name] = (used[0], 0)
        used[0] += 1
    for node in nodes:
        row = 1 + max(rows[name] for name in node.inputs)
        rows[node.output] = row
        places[node.output] = (used[row], row)
        used[row] += 1
    return places


def _box(axes: Any, place: tuple[int, int], name: str, words: str, marked: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = place[0] * COLUMN, -place[1] * ROW
    width, height = BOX
    color = ACCENT if marked else INK
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="none",
            edgecolor=color,
            linewidth=2.2 if marked else 0.9,
        )
    )
    style = {"ha": "center", "va": "center", "parse_math": False}
    axes.text(x, y + 0.1, name, fontsize=8.5, fontweight="bold", color=color, **style)
    axes.text(x, y - 0.12, words, fontsize=6.8, color=color, **style)


def _arrow(axes: Any, source: tuple[int, int], target: tuple[int, int], place: int) -> None:
    x1, y1 = source[0] * COLUMN, -source[1] * ROW - BOX[1] / 2
    x2, y2 = target[0] * COLUMN, -target[1] * ROW + BOX[1] / 2
    # A way past other layers bends around them.
    bend = 0.0 if target[1] - source[1] == 1 else -0.25 - 0.05 * place
    style = {"arrowstyle": "-|>", "color": INK, "linewidth": 0.9, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", (x2, y2), (x1, y1), arrowprops={**style, "shrinkA": 0, "shrinkB": 0})
