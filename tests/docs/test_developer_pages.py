"""The checklists of docs/dev: whatever they name exists, and every operator stands where "each" is promised."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fpgaq.base.errors import ToolError
from fpgaq.hardware.synth.devices import DEVICES
from fpgaq.integer.file.fields import KINDS
from fpgaq.integer.graph import OPERATORS as INTEGER
from fpgaq.model.graph.operators import OPERATORS as FLOAT

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted((DOCS / "dev").glob("*.md"))
CODES = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(r"(fpgaq|tests|hdl_tests)(\.\w+)+")
PATH = re.compile(r"(fpgaq|templates|tests|hdl_tests|benchmarks|docs|examples|scripts)(/[\w.-]+)+")
ROW = re.compile(r"^\| `([^`]+)` \| (each|some) \| .+ \|$", re.MULTILINE)
KIND_NAMES = {cls: name for name, cls in KINDS.items()}

NO_NNABLA = importlib.util.find_spec("nnabla") is None


def find(name: str) -> Any:
    """The module, table or function of a dotted name, or the file of a path; fails if there is none."""
    if "/" in name:
        path = ROOT / name
        assert path.exists(), f"{name}: no such file"
        return path
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:end]))
        except ToolError:
            # Modules that need nnabla cannot be imported without it; they must be there all the same.
            path = ROOT / "/".join(parts[:end])
            assert NO_NNABLA and (path.with_suffix(".py").is_file() or path.is_dir()), name
            return None
        except ModuleNotFoundError as error:
            assert error.name is not None and name.startswith(error.name), error
            continue
        for part in parts[end:]:
            assert hasattr(value, part), f"{name}: nothing of that name"
            value = getattr(value, part)
        return value
    raise AssertionError(f"{name}: no such module")


def holds(place: Any, kind: type) -> bool:
    """Whether an operator stands in a table, or in the text of a file or module."""
    if isinstance(place, Mapping):
        return bool({kind, KIND_NAMES.get(kind, kind), kind.__name__} & {*place, *map(str, place)}) or (
            kind in place.values()
        )
    if isinstance(place, tuple | frozenset):
        return kind in place or kind.__name__ in place
    if isinstance(place, Path):
        text = place.read_text(encoding="utf-8")
    else:
        text = inspect.getsource(place if isinstance(place, ModuleType) else inspect.getmodule(place) or place)
    words = {kind.__name__, kind.__name__.removeprefix("Integer"), KIND_NAMES.get(kind, kind.__name__)}
    return any(re.search(rf"\b{word}\b", text) for word in words)


def tables(page: str, title: str) -> list[tuple[str, str]]:
    """The rows (name, who) below a heading of a page."""
    text = (DOCS / "dev" / page).read_text(encoding="utf-8")
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return ROW.findall(section)


def test_operators_of_the_float_graph_stand_in_each_table() -> None:
    rows = tables("add-an-operator.md", "The float graph")
    assert len(rows) >= 12 and sum(who == "each" for _, who in rows) >= 3
    for name, who in rows:
        place = find(name)
        if who == "each":
            assert [kind.__name__ for kind in FLOAT if not holds(place, kind)] == [], name


def test_operators_of_the_integer_graph_stand_in_each_table() -> None:
    rows = tables("add-an-operator.md", "The integer graph")
    assert len(rows) >= 20 and sum(who == "each" for _, who in rows) >= 10
    for name, who in rows:
        place = find(name)
        if who == "each":
            assert [kind.__name__ for kind in INTEGER if not holds(place, kind)] == [], name


def test_a_forgotten_operator_is_noticed() -> None:
    class IntegerForgotten:
        """An operator that nobody added."""

    for name, who in tables("add-an-operator.md", "The integer graph"):
        assert who == "some" or not holds(find(name), IntegerForgotten), name


def test_devices_stand_in_both_tables() -> None:
    rows = tables("add-a-device.md", "A part of a known family")
    assert len(rows) == 2
    for name, who in rows:
        assert who == "each" and set(find(name)) == set(DEVICES), name
    for name, _ in tables("add-a-device.md", "A family"):
        find(name)


@pytest.mark.parametrize("page", [*DOCS.rglob("*.md"), *ROOT.glob("*.md")], ids=lambda path: path.name)
def test_every_name_and_path_in_backticks_exists(page: Path) -> None:
    codes = CODES.findall(page.read_text(encoding="utf-8"))
    named = [code for code in codes if DOTTED.fullmatch(code) or PATH.fullmatch(code)]
    assert named or page not in PAGES
    for name in named:
        find(name)


def test_an_invented_name_is_noticed() -> None:
    for name in ("fpgaq.integer.reference.nowhere", "fpgaq.nowhere", "fpgaq/hardware/emit/nowhere.py"):
        with pytest.raises(AssertionError):
            find(name)


@pytest.mark.parametrize("page", [*DOCS.rglob("*.md"), *ROOT.glob("*.md")], ids=lambda path: path.name)
def test_links_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
