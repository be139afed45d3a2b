"""docs/operators.md and operators_tested.md list every function that the readers convert and every integer operator."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import onnx
import pytest

from benchmarks import onnx_float_cases
from benchmarks.onnx_node_cases import node_cases, outcome, table
from fpgaq.integer.graph import OPERATORS
from fpgaq.model.importers.nnp.constants import FOLDERS
from fpgaq.model.importers.nnp.functions import CONVERTERS as NNABLA
from fpgaq.model.importers.onnx.operators import CONVERTERS as ONNX
from fpgaq.quantizer.onnx_integers.operators import CONVERTERS as QUANTIZED

DOCS = Path(__file__).parents[2] / "docs"
TEXT = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("operators.md", "operators_tested.md"))
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines() if line.startswith("| ")]


def words(column: int) -> set[str]:
    """The names in a column of the table of functions."""
    return {word for row in ROWS if len(row) == 5 for word in re.findall(r"\w+", row[column])}


@pytest.mark.parametrize(("column", "names"), [(1, NNABLA), (2, ONNX)])
def test_every_function_is_listed(column: int, names: dict[str, object]) -> None:
    # Operators of other domains by their own names.
    assert {name.rsplit(".", 1)[-1] for name in names} - words(column) == set()


def test_functions_of_parameters_are_named() -> None:
    assert {name for name in FOLDERS if name not in TEXT} == set()


def test_every_integer_operator_has_a_row_and_was_fuzzed_often() -> None:
    rows = {row[0]: row[3].replace(",", "") for row in ROWS if len(row) == 4}
    counts = {name: int(count) for name, count in rows.items() if count.isdigit()}
    assert set(counts) == {operator.__name__.removeprefix("Integer") for operator in OPERATORS}
    assert min(counts.values()) >= 100


@pytest.mark.skipif(not onnx.__version__.startswith("1.17."), reason="the page counts the node cases of onnx 1.17")
def test_the_node_cases_of_quantized_operators_are_those_of_the_page() -> None:
    counts: dict[str, Counter[str]] = {}
    for name, operator, model, inputs, outputs in node_cases():
        counts.setdefault(operator, Counter())[outcome(name, model, inputs, outputs)[0]] += 1
    assert sum(found["wrong"] + found["crashed"] for found in counts.values()) == 0
    assert "\n".join(table(counts)) in TEXT


@pytest.mark.skipif(not onnx.__version__.startswith("1.17."), reason="the page counts the backend cases of onnx 1.17")
@pytest.mark.filterwarnings("ignore")
def test_the_backend_cases_of_float_networks_are_those_of_the_page() -> None:
    counts: dict[str, Counter[str]] = {}
    for _, operator, model, inputs, outputs in onnx_float_cases.float_cases():
        counts.setdefault(operator, Counter())[onnx_float_cases.outcome(model, inputs, outputs)[0]] += 1
    assert sum(found["wrong"] + found["crashed"] for found in counts.values()) == 0
    rows = onnx_float_cases.table(counts)
    assert "\n".join(rows[: rows.index("")]) in TEXT


def test_every_operator_of_quantized_models_is_listed() -> None:
    section = TEXT[TEXT.index("## ONNX models that are quantized already") : TEXT.index("## Operators of the integer")]
    names = {name.rsplit(".", 1)[-1] for name in QUANTIZED}
    assert {name for name in names if not re.search(rf"\b{name}\b", section)} == set()
