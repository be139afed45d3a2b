"""Every refusal of a sound file says where, what was found, and what the user changes: a walk over the text of all."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import fpgaq.model

pytestmark = pytest.mark.once
ROOM = Path(fpgaq.model.__file__).parent
FOLDERS = ("importers", "passes")
VERBS = (
    "add|apply|begin|build|broadcast|call|cast|change|choose|compute|concatenate|convert|cut|divide|end|export|feed|flatten"
    "|fold|give|keep|leave|make|merge|multiply|name|pad|prune|put|quantize|read|reduce|remove|replace|reshape|resize|run|save|scale"
    "|slice|start|store|take|train|transpose|unroll|unsqueeze|update|use|write"
)
REMEDY = re.compile(rf"(?:[;:,(]|, or) (?:or )?(?:{VERBS})\b|--[a-z]+(?:-[a-z]+)*|pip install|\((?:{VERBS})\b")
"""An order to the user, at the beginning of a clause, or an option."""
PLACE = re.compile(r"^(?:\{|--|layer|network|variable|parameter|input|output|tensor|operator|outputs)|^[a-z ]+\{")
"""A message begins with the place, or with the thing of which there is one in a file."""
WHOLE_FILE = {
    "files of type", "reading .onnx", "an in-memory nnabla graph", "TensorFlow Lite schema", "no part with",
    "its steps are", "the network", "--input-shape", "has IR version",
    "holds functions",
}  # fmt: skip
"""Refusals of a whole file or of the environment, whose place is the file's name that `load` puts in front."""
TABLES = {"ADVICE", "EVALUATE", "REMEDY", "remedy"}
"""Remedies that stand in tables or variables of their own."""


def text_of(node: ast.expr) -> str:
    """The text of a message, with {} for what is filled in, but for tables, whose names are kept."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    if isinstance(node, ast.FormattedValue) and "advice" in names | {
        call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }:
        return "; use ADVICE"
    if names & TABLES:
        return "; use ADVICE"
    if isinstance(node, ast.FormattedValue):
        return "{}"
    return ast.unparse(node)


def refusals() -> list[tuple[str, str]]:
    """(file:line, message) of every UnsupportedError that is raised."""
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOM / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                    continue
                kind = node.exc.func
                if isinstance(kind, ast.Name) and kind.id in ("UnsupportedError", "UnknownOperatorError"):
                    found.append((f"{path.relative_to(ROOM)}:{node.lineno}", text_of(node.exc.args[0])))
    return found


REFUSALS = refusals()


def test_there_are_as_many_as_the_importers_have() -> None:
    assert len(REFUSALS) > 180
    assert {place.split("/")[1] for place, _ in REFUSALS if "/" in place} >= {"onnx", "nnp", "tflite"}


def test_each_tells_what_to_change() -> None:
    silent = [f"{place}: {message}" for place, message in REFUSALS if not REMEDY.search(message)]
    assert not silent, "\n".join(silent)


def test_each_tells_where_and_fits_a_line() -> None:
    for place, message in REFUSALS:
        assert "\n" not in message, place
        known = message.startswith(tuple(WHOLE_FILE)) or message.startswith("; use ADVICE")
        assert known or PLACE.search(message), f"{place}: {message}"


@pytest.mark.parametrize(
    ("message", "helps"),
    [
        ("{}: mode {}; supported: {}", False),
        ("{}: mode {}; supported: the useful ones", False),
        ("{}: mode {}; supported: {}; use one of them", True),
        ("{}: the user's mode", False),
        ("{}: it is too long (--outputs NAME)", True),
    ],
)
def test_the_walk_knows_a_remedy(message: str, helps: bool) -> None:
    assert bool(REMEDY.search(message)) == helps
