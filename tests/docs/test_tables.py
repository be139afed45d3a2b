"""Every table of results in the pages is that of stored results, and says which."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.docs.test_reference import script_named
from tests.support import provenance

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
NO_RESULTS = frozenset(
    {
        "docs/boards.md: | to the board | answer |",
        "docs/numerics.md: | rule | -1.5 | -0.5 | 0.5 | 1.5 | 2.5 | |",
        "docs/contracts/registers.md: | bits | field | access | after reset | meaning |",
        "docs/operators_tested.md: | way | what is compared | cost of a network |",
        "docs/frames.md: | frames | how many |",
    }
)
"""Tables of figures that are rules, not results: they are numbers of a protocol, or of an example that a test runs."""
TRAINED = re.compile(r"examples/\w+/README.md: \| (images|samples) \| (float top-1|mean squared error) \|")
"""Scores that `examples/train.py` writes into the example's page."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return script_named("make_tables")


@pytest.fixture(scope="module")
def found(script: ModuleType) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = script.tables()
    return tables


def test_renewing_the_tables_changes_nothing(script: ModuleType, found: dict[str, list[str]]) -> None:
    named = set()
    for path in script.pages():
        text = path.read_text(encoding="utf-8")
        assert script.renewed(text, found) == text, f"{path}: run `make tables`"
        named |= {match[1] for match in script.MARK.finditer(text)}
    assert named == set(found)


def test_a_figure_that_was_changed_is_noticed(script: ModuleType, found: dict[str, list[str]]) -> None:
    text = (ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
    wrong = text.replace("| 104,090 |", "| 104,091 |")
    assert wrong != text and script.renewed(wrong, found) == text


def figures(table: str) -> float:
    """The share of a table's cells, the first column apart, that begin with a number."""
    rows = [row.strip().strip("|").split("|")[1:] for row in table.splitlines()[2:]]
    cells = [cell.strip(" *") for row in rows for cell in row if cell.strip()]
    return sum(bool(re.match(r"[-+]?\d", cell)) for cell in cells) / max(len(cells), 1)


def test_every_table_of_figures_is_one_of_stored_results(script: ModuleType) -> None:
    typed = set()
    for path in script.pages():
        # Held whole against its results, by test_verification.py.
        text = "" if path.name == "verification.md" else path.read_text(encoding="utf-8")
        for match in TABLE.finditer(text):
            if figures(match[0]) >= 0.4 and not text[: match.start()].endswith(" -->\n"):
                typed.add(f"{path.relative_to(ROOT).as_posix()}: {match[0].splitlines()[0]}")
    assert {head for head in typed if not TRAINED.match(head)} == NO_RESULTS


def stored_results() -> list[str]:
    paths = [*(ROOT / "benchmarks").glob("*.json"), *(ROOT / "benchmarks").glob("*_data/*.json")]
    names = sorted(path.relative_to(ROOT / "benchmarks").as_posix() for path in paths)
    # The estimator's samples and the pieces of a page have origins of their own.
    return [name for name in names if not name.startswith(("estimator_data/", "verification_data/"))]


@pytest.mark.parametrize("name", stored_results())
def test_stored_results_have_their_command_and_commit(name: str) -> None:
    text = (ROOT / "benchmarks" / name).read_text(encoding="utf-8")
    commands = re.findall(r'"command": "([^"]+)"', text)
    assert commands and not [command for command in commands if " /" in command], "a path of one machine"
    assert re.search(r'"(?:commit|stored_in)": "[0-9a-f]{10,40}', text)


@pytest.fixture(scope="module")
def scripts(found: dict[str, list[str]]) -> SimpleNamespace:
    """The scripts of long runs; `found` has put their folder onto the path."""
    from benchmarks import finetuning, folded_networks, post_training, pruning, ravel, unrolled

    return SimpleNamespace(
        finetuning=finetuning, folded=folded_networks, methods=post_training, pruning=pruning, ravel=ravel,
        unrolled=unrolled,
    )  # fmt: skip


def results_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "benchmarks" / name).read_text(encoding="utf-8"))
    return found


def test_a_table_shows_the_rows_that_were_run(scripts: SimpleNamespace) -> None:
    """A run of one network fills the table, and what was left out of it stays empty or says so."""
    run = results_of("finetuning.json")["rows"][0]
    assert len(scripts.finetuning.table({"rows": [run]})) == 4
    cut = results_of("pruning_trained.json")["rows"][0]
    assert "simulated" not in "".join(scripts.pruning.trained_table({"rows": [{**cut, "simulated": {}}]}))
    (case, found), *_ = results_of("folded_networks.json")["rows"].items()
    ours, estimate = scripts.folded.table({"rows": {case: {"fpgaq": found["fpgaq"]}}})[2:]
    assert ours.startswith(f"| {case[:2]} | fpgaq |") and "| | | | |" in ours and "its estimate" in estimate
    assert scripts.folded.compared({"rows": {case: {"fpgaq": found["fpgaq"]}}})[2:] == []
    written = {"work": "J", "by": "fpgaq", "stages": 7, "write": 1.5}
    assert scripts.unrolled.logic_table({"rows": [written]})[2].count("not counted") == 3
    assert list(scripts.unrolled.counted({"rows": [written]})) == []
    results = results_of("ravel.json")
    facts = dict(results["rows"]["one"])
    counts = facts.pop("counts")
    assert f"| {counts['lut']:,} | {counts['ff']:,} | {counts['dsp']} |" in scripts.ravel.table(results)[3]
    assert scripts.ravel.table({**results, "rows": {"one": facts}})[3].count("not counted") == 3


def test_a_method_without_all_examples_has_no_row(scripts: SimpleNamespace) -> None:
    results = results_of("post_training.json")
    whole = scripts.methods.loss_table(results)
    first = results["rows"][0]
    rows = [row for row in results["rows"] if row is not first]
    assert len(scripts.methods.loss_table({"rows": rows})) == len(whole) - 1


def test_a_stored_command_names_no_path_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "versions", lambda *tools: {})
    found = provenance.about("python benchmarks/pruning.py", ["-o", "build/pruning", "--data-folder", "/data/fashion"])
    assert found["command"] == "python benchmarks/pruning.py -o build/pruning --data-folder PATH"
