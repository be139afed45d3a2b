"""A search's result for people: the TOML that `quantize --config` reads, and the picture of the front."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ...quantizer.config import QuantizeOptions
from ..drawing import drawing_tools, picture_bytes
from .precision import Candidate, SearchResult

COST_NAMES = {"rom": "bits of weights", "multiplier": "multiplied bits of weights a frame"}


def best_so_far(result: SearchResult) -> list[Candidate]:
    """The measured candidates that no cheaper one beats, by cost."""
    front: list[Candidate] = []
    for each in result.candidates:
        if each.quality.noise is None:
            continue
        if not front or (front[-1].quality.noise or 0.0) > each.quality.noise:
            front.append(each)
    return front


def config_text(options: QuantizeOptions, chosen: Candidate) -> str:
    """Options with the chosen bits of each layer as TOML."""
    defaults = QuantizeOptions()
    lines = [
        f"{field.name} = {_toml(getattr(options, field.name))}"
        for field in fields(QuantizeOptions)
        if field.name != "layers" and getattr(options, field.name) != getattr(defaults, field.name)
    ]
    layers: dict[str, dict[str, Any]] = {name: dict(own) for name, own in options.layers.items()}
    for name, bits in chosen.bits.items():
        layers.setdefault(name, {})["weight_bits"] = bits
    for name, own in layers.items():
        lines += ["", f"[layers.{_toml(name)}]", *_settings(own)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _settings(own: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in own.items() if value is not None]


def _toml(value: Any) -> str:
    """A number, a truth value or a string; JSON's escapes are TOML's, except for DEL and characters beyond 16 bits."""
    if not isinstance(value, str):
        return json.dumps(value)
    escaped = (f"\\U{ord(c):08X}" if ord(c) > 0xFFFF or c == "\x7f" else json.dumps(c)[1:-1] for c in value)
    return f'"{"".join(escaped)}"'


def draw(result: SearchResult, path: str = "front.png") -> bytes:
    """Accuracy against cost, in the format that the path's suffix names.

    It shows signal to noise, and below it agreement where the network classifies.
    """
    Figure, FuncFormatter = drawing_tools()  # noqa: N806

    measured = [each for each in result.candidates if each.quality.noise is not None]
    panels: list[tuple[str, Callable[[Candidate], float | None]]] = [
        ("signal to noise of the output, dB", lambda each: each.quality.signal_to_noise)
    ]
    if all(each.quality.agreement is not None for each in measured):
        panels.append(("agreement with float, %", lambda each: 100 * (each.quality.agreement or 0.0)))
    figure = Figure(figsize=(8, 1 + 3.5 * len(panels)), dpi=120, layout="constrained")
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (label, height) in zip(all_axes, panels, strict=True):
        _panel(axes, result, measured, label, height)
    all_axes[0].set_title(f"Accuracy against cost, measured on {result.samples:,} samples", fontsize=10)
    all_axes[0].legend(fontsize=8, loc="lower right")
    all_axes[-1].set_xlabel(COST_NAMES[result.cost])
    all_axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return picture_bytes(figure, path)


def _panel(
    axes: Any,
    result: SearchResult,
    measured: list[Candidate],
    label: str,
    height: Callable[[Candidate], float | None],
) -> None:
    for name, marker, uniform in (("one width for all layers", "s", True), ("mixed widths", "o", False)):
        shown = [each for each in measured if each.uniform is uniform]
        axes.plot([each.cost for each in shown], [height(each) for each in shown], marker, label=name, alpha=0.8)
    best: list[Candidate] = []
    for each in measured:
        if not best or (height(each) or 0.0) > (height(best[-1]) or 0.0):
            best.append(each)
    axes.step(
        [each.cost for each in best], [height(each) for each in best], where="post", linewidth=1, label="best so far"
    )  # fmt: skip
    axes.plot(result.chosen.cost, height(result.chosen), "*", markersize=15, label="chosen")
    axes.axvline(result.budget, linestyle="--", color="grey", linewidth=1, label="budget")
    for each in measured:
        if each.uniform:
            text = f"{next(iter(each.bits.values()))} bits"
            place = (each.cost, height(each))
            axes.annotate(text, place, xytext=(5, -12), textcoords="offset points", fontsize=8)
    axes.margins(x=0.08, y=0.1)  # room for the words next to the outermost points
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
