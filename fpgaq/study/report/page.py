"""A report as a page: the templates place its numbers, each with the path under which its JSON has it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...base.text import printable, shape_text
from ...hardware.emit.render import environment

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

MOST_DRAWN = 60
"""Layers whose histograms are drawn; the JSON has all."""
OPTION = re.compile(r"--[a-z][a-z-]*(?: \d+)?")
MOST_CELLS = 16
"""Classes of which a page shows the matrix."""

FORMS: Mapping[str, Callable[[Any], str]] = {
    "count": lambda value: f"{value:,}",
    "percent": lambda value: f"{100 * value:.2f} %",
    "decibel": lambda value: f"{value:.1f}",
    "rate": lambda value: f"{value:,.0f}",
    "mhz": lambda value: f"{value:.1f}",
    "figure": lambda value: f"{value:.6g}",
    "plain": str,
}
"""How numbers are written, by name."""


def look_up(report: Mapping[str, Any], path: str) -> Any:
    """The value at a path of keys and places, such as ``layers.3.multipliers``."""
    value: Any = report
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list | tuple) else value[part]
    return value


def html_page(report: Mapping[str, Any]) -> str:
    """The page, complete in itself; ToolError without matplotlib."""
    from markupsafe import Markup

    from . import plots

    def value(path: str, form: str = "count") -> Markup:
        found = look_up(report, path)
        if found is None:
            return Markup("-")
        shown = FORMS[form](found)
        return Markup('<data value="{}" data-path="{}" data-form="{}">{}</data>').format(found, path, form, shown)

    hardware = report["hardware"]
    slowest = None if hardware is None or hardware["bottleneck"] is None else hardware["bottleneck"]["name"]
    timed = hardware is not None and hardware["timeline_cycles"] is not None
    facts = {
        "report": report,
        "value": value,
        "network": plots.plot_network(report) if len(report["layers"]) <= MOST_DRAWN * 4 else None,
        "timeline": plots.plot_timeline(report["layers"], hardware["timeline_cycles"], slowest) if timed else None,
        "slowest": slowest,
        "histograms": [
            {
                "weights": layer["weights"] and plots.plot_histogram(layer["weights"], "weights"),
                "activations": layer["activations"]
                and plots.plot_histogram(layer["activations"], "activations", "#0f766e"),
            }
            for layer in report["layers"][:MOST_DRAWN]
        ],
        "drawn": MOST_DRAWN,
        "pictures": [
            None if each["pixels"] is None else plots.picture_of(each["pixels"]) for each in report["disagreements"]
        ],
        "shades": _shades(report),
    }
    return _template("report/report.html.j2", True).render(facts)


def markdown_page(report: Mapping[str, Any]) -> str:
    """The same in Markdown, without pictures."""

    def value(path: str, form: str = "count") -> str:
        found = look_up(report, path)
        return "-" if found is None else FORMS[form](found)

    text = _template("report/report.md.j2", False).render({"report": report, "value": value})
    return re.sub(r"\n{3,}", "\n\n", text)


def _shades(report: Mapping[str, Any]) -> list[list[list[int]]] | None:
    """For each cell of both confusion matrices its share of the row, in percent; None where no page shows them."""
    compared = report["accuracy"]
    confusion = None if compared is None else compared["confusion"]
    if confusion is None or len(confusion["float_counts"]) > MOST_CELLS:
        return None
    return [
        [[round(100 * count / max(1, sum(row))) for count in row] for row in confusion[name]]
        for name in ("float_counts", "integer_counts")
    ]


def _template(name: str, escaped: bool) -> jinja2.Template:
    made = environment(escaped)
    made.filters.update(shape=shape_text, name=printable, code=_code, unbroken=_unbroken)
    return made.get_template(name)


def _unbroken(text: str) -> Markup:
    """Text whose options stay on one line each: a browser may part a word after its hyphens."""
    from markupsafe import Markup, escape

    return Markup(OPTION.sub(r'<span class="option">\g<0></span>', str(escape(text))))  # noqa: S704


def _code(text: object) -> str:
    """Text from a model within Markdown: code, whose end and whose table it cannot break."""
    plain = printable(str(text)).replace("`", "'").replace("|", "¦")
    return f"`{plain}`" if plain else ""
