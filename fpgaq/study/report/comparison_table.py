"""A comparison as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from ...base.tables import columns
from ...base.text import percent, printable
from .comparison import Comparison
from .losses import OutputLoss


def table(comparison: Comparison) -> str:
    """The comparison as plain text: the two networks side by side, then one line a tensor."""
    return "\n".join(table_lines(comparison))


def table_lines(comparison: Comparison) -> list[str]:
    """The same as lines, whose tables can be fitted to a terminal."""
    rows = [
        *_figure_rows(comparison),
        ("size of the parameters", f"{comparison.float_bytes:,} B", f"{comparison.integer_bytes:,} B"),
        *_speed_rows(comparison),
        ("time per image", *(f"{1e3 * s:.3f} ms" for s in (comparison.float_seconds, comparison.integer_seconds))),
    ]
    layers = [
        (
            printable(layer.layer),
            layer.format,
            layer.signal_to_noise,
            percent(layer.saturation),
            layer.unused_bits,
            "-" if layer.accumulator_width is None else f"{layer.accumulator_width} bits",
        )
        for layer in comparison.layers
    ]
    headers = ("layer", "format", "SNR dB", "saturated", "unused bits", "accumulator")
    clock = f"{comparison.engine}, {comparison.threads} thread{'s' if comparison.threads != 1 else ''}"
    return [
        *columns((f"{comparison.samples:,} images", "float", "integer"), rows),
        f"{clock}; the times are of this program, not of the hardware",
        "",
        *columns(("operators", "float", "integer"), _operator_rows(comparison)),
        "",
        *columns(headers, layers),
    ]


def _figure_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Losses and what else the outputs have, or accuracies."""
    several = len({metrics.output for metrics in comparison.metrics}) > 1
    rows = []
    for metrics in comparison.metrics:
        name = f" of {printable(metrics.output)}" if several else ""
        for figure in metrics.figures:
            values = (figure.float_value, figure.integer_value)
            shown = [percent(value) if figure.share else "-" if value is None else f"{value:.6g}" for value in values]
            rows.append((f"{figure.name}{name}", shown[0], shown[1]))
    found = [*_loss_rows(comparison.losses), *rows]
    return found or _accuracy_rows(comparison)


def _speed_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Cycles and frames a second, where the hardware is known."""
    rows = []
    if comparison.interval_cycles is not None:
        rows.append(("cycles a frame, in hardware", "", f"{comparison.interval_cycles:,}"))
    if comparison.frames_per_second is not None and comparison.clock_mhz is not None:
        label = f"frames a second at {comparison.clock_mhz:g} MHz"
        rows.append((label, "", f"{comparison.frames_per_second:,.0f}"))
    return rows


def _loss_rows(losses: Sequence[OutputLoss]) -> list[tuple[str, str, str]]:
    rows = []
    for loss in losses:
        name = f" of {printable(loss.output)}" if len(losses) > 1 else ""
        rows.append((f"mean squared error{name}", f"{loss.float_error:.6g}", f"{loss.integer_error:.6g}"))
        rows.append(("  its relative change", "", "-" if loss.change is None else f"{loss.change:+.2%}"))
    return rows


def _accuracy_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [
        ("top-1", percent(comparison.float_top1), percent(comparison.integer_top1)),
        ("top-5", percent(comparison.float_top5), percent(comparison.integer_top5)),
        ("agreement", "", percent(comparison.agreement)),
    ]


def _operator_rows(comparison: Comparison) -> list[tuple[str, int | None, int | None]]:
    """Kinds in the model's order, then those that only the integer network has, then the sums."""
    before, after = comparison.float_operators, comparison.integer_operators
    rows: list[tuple[str, int | None, int | None]] = [
        (kind, before.get(kind), after.get(kind)) for kind in dict.fromkeys((*before, *after))
    ]
    return [*rows, ("all", sum(before.values()), sum(after.values()))]
