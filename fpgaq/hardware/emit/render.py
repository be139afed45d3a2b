"""The Jinja2 environments, and where templates are found: in the package of a wheel, next to it in a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .lines import comments, counted, folded

if TYPE_CHECKING:
    import jinja2

BROKEN = (".v", ".c", ".cpp", ".h")
"""Ends of files whose long lines are broken; a row of a Markdown table or a Tcl command must stay on its line."""

_PACKAGE = Path(__file__).resolve().parents[2]


def templates_folder() -> Path:
    """The folder of templates that belongs to this installation."""
    inside = _PACKAGE / "templates"
    return inside if inside.is_dir() else _PACKAGE.parent / "templates"


@lru_cache(maxsize=2)
def environment(escaped: bool = False) -> jinja2.Environment:
    """The environment of all templates; `escaped` for HTML, where names come from models that others made."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(templates_folder())),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=escaped,
    )
    made.filters.update(comments=comments, counted=counted)
    return made


def render(template: str, facts: Mapping[str, object]) -> str:
    """Render a template, given by its path below the templates folder, with ready-made facts.

    Long lines are broken where a line's end is no more than a space: in Verilog, C and C++.
    """
    text = environment().get_template(template).render(facts)
    return folded(text) if Path(template.removesuffix(".j2")).suffix in BROKEN else text


def static_text(path: str) -> str:
    """A file below the templates folder that needs no rendering."""
    return (templates_folder() / path).read_text(encoding="utf-8")
