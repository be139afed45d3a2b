"""The plots of a report, as SVG that stands in the page and takes its colours, or as small PNG."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from ...base.text import shorten
from ..drawing import drawing_tools
from .network_picture import ACCENT, INK, draw_network, report_nodes

BUSY = "#2563eb"
POINTS_TO_PIXELS = 4 / 3
ROW_INCHES = 0.27
NAME_WIDTH = 24
MOST_TIMED = 120


def inline_svg(figure: Any, title: str) -> Markup:
    """A figure as an <svg> element for a page; what is drawn in ink takes the colour of the page's text."""
    import matplotlib

    buffer = io.BytesIO()
    facts = {"Creator": None, "Date": None, "Format": None, "Type": None}
    with matplotlib.rc_context({"svg.hashsalt": "fpgaq", "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(buffer, format="svg", transparent=True, metadata=facts)
    text = buffer.getvalue().decode("utf-8")
    box = re.search(r'viewBox="([\d. ]+)"', text)
    assert box is not None
    body = text[text.index(">", text.index("<svg")) + 1 :].replace(INK, "currentColor")
    width = float(box[1].split()[2]) * POINTS_TO_PIXELS
    head = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box[1]}" role="img"'
        f' aria-label="{escape(title)}" style="max-width:{width:.0f}px">'
    )
    return Markup(head + body)  # noqa: S704


def plot_network(report: Mapping[str, Any]) -> Markup:
    """The network with shapes and formats on its edges, the bottleneck marked."""
    nodes, labels = report_nodes(report)
    return inline_svg(draw_network(nodes, labels, [facts["name"] for facts in report["inputs"]]), "the network")


def plot_histogram(facts: Mapping[str, Any], title: str, color: str = BUSY) -> Markup:
    """Counts over the whole range of a format; the counts are drawn on a logarithmic scale."""
    figure, axes = _axes(3.0, 1.15)
    counts = np.array(facts["counts"])
    edges = np.linspace(facts["minimum"] - 0.5, facts["maximum"] + 0.5, len(counts) + 1)
    axes.stairs(np.log10(counts + 1.0), edges, fill=True, color=color)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_yticks([])
    ticks = [facts["minimum"], *([0] if facts["minimum"] < 0 else []), facts["maximum"]]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    for label, side in zip(axes.get_xticklabels(), ("left", *["center"] * (len(ticks) - 2), "right"), strict=True):
        label.set_horizontalalignment(side)
    return inline_svg(figure, title)


def plot_timeline(layers: Sequence[Mapping[str, Any]], cycles: int, slowest: str | None) -> Markup:
    """For each layer how busy it is in each part of a frame."""
    shown = [layer for layer in layers if layer["time"] is not None][:MOST_TIMED]
    figure, axes = _axes(6.4, 0.55 + ROW_INCHES * len(shown))
    for row, layer in enumerate(shown):
        busy = np.array(layer["time"]["busy"])
        edges = np.linspace(0, cycles, len(busy) + 1)
        color = ACCENT if layer["name"] == slowest else BUSY
        # Rows run downwards, busy shares upwards.
        axes.stairs(row + 0.9 - 0.8 * busy, edges, baseline=row + 0.9, fill=True, color=color)
        axes.axhline(row + 0.9, color=INK, linewidth=0.3, alpha=0.5)
    names = [shorten(layer["name"], NAME_WIDTH) for layer in shown]
    axes.set_yticks([row + 0.5 for row in range(len(shown))], names, parse_math=False)
    axes.set_ylim(len(shown), 0)
    axes.set_xlim(0, cycles)
    axes.set_xlabel("cycles of one frame interval")
    return inline_svg(figure, "busy cycles of each layer")


def picture_of(pixels: Sequence[Any]) -> str:
    """A sample (channels, height, width) as the address of a PNG that holds it."""
    from matplotlib.image import imsave

    array = np.array(pixels)
    least, spread = array.min(), np.ptp(array) or 1.0
    shown = np.repeat((array - least) / spread, 3 // len(array), axis=0).transpose(1, 2, 0)
    buffer = io.BytesIO()
    imsave(buffer, shown, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _axes(width: float, height: float) -> tuple[Any, Any]:
    """A figure and its axes, everything in ink."""
    Figure, _ = drawing_tools()  # noqa: N806
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.tick_params(colors=INK, labelsize=7, length=2)
    axes.xaxis.label.set_color(INK)
    axes.xaxis.label.set_fontsize(8)
    for name, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_linewidth(0.5)
        spine.set_visible(name == "bottom")
    return figure, axes
