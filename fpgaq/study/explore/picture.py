"""The picture of an exploration: logic, memory and accuracy over cycles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..drawing import drawing_tools, picture_bytes
from .candidates import Exploration, Point

_MARKERS = "osD^vP*X<>"


def draw(found: Exploration, path: str = "front.png") -> bytes:
    """LUTs, block RAMs and accuracy against cycles, in the format that the path's suffix names.

    Points of the front are filled.
    """
    Figure, FuncFormatter = drawing_tools()  # noqa: N806
    share = found.accuracy_name != "dB"
    panels: list[tuple[str, Callable[[Point], float], bool]] = [
        ("LUT, estimated", lambda point: point.lut, True),
        ("block RAM", lambda point: point.bram, False),
        (f"{found.accuracy_name}, %" if share else "dB", lambda point: point.accuracy * (100 if share else 1), False),
    ]
    figure = Figure(figsize=(8, 10), dpi=120, layout="constrained")
    all_axes = figure.subplots(len(panels), 1, sharex=True)
    for axes, (label, height, logarithmic) in zip(all_axes, panels, strict=True):
        _panel(axes, found, height)
        axes.set_ylabel(label)
        axes.set_xscale("log")
        if logarithmic:
            axes.set_yscale("log")
        axes.grid(alpha=0.3, which="both")
    plain = FuncFormatter(lambda value, _: f"{value:,.0f}")
    all_axes[0].yaxis.set_major_formatter(plain)
    all_axes[0].yaxis.set_minor_formatter(plain)
    all_axes[-1].xaxis.set_major_formatter(plain)
    all_axes[-1].set_xlabel("cycles a frame, predicted")
    error = found.known.errors["lut"]
    all_axes[0].set_title(
        f"{found.device}; accuracy on {found.samples:,} samples; filled: the front (what fits and nothing beats)\n"
        f"known error of LUT: {error.median:.1%} in the median, {error.percentile95:.1%} for 19 of 20",
        fontsize=9,
    )
    all_axes[0].legend(fontsize=8)
    return picture_bytes(figure, path)


def _panel(axes: Any, found: Exploration, height: Callable[[Point], float]) -> None:
    models = list(dict.fromkeys(point.model for point in found.points))
    widths = list(dict.fromkeys(point.bits for point in found.points))
    for model_place, model in enumerate(models):
        for place, bits in enumerate(widths):
            own = [point for point in found.points if (point.model, point.bits) == (model, bits)]
            color, marker = f"C{place}", _MARKERS[model_place % len(_MARKERS)]
            axes.plot([point.cycles for point in own], [height(point) for point in own], color=color, linewidth=0.6)
            for filled in (True, False):
                shown = [point for point in own if (point in found.front) is filled]
                axes.plot(
                    [point.cycles for point in shown],
                    [height(point) for point in shown],
                    marker,
                    color=color,
                    fillstyle="full" if filled else "none",
                    label=f"{model}, {bits} bits" if filled else None,
                )
