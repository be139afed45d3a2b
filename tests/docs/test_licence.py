"""The licences: Apache-2.0 for the program, 0BSD for the texts that leave the house, nothing on a user's network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fpgaq.hardware.emit.render import templates_folder
from tests.support.integer_networks import small_network
from tests.support.output_folder import make_files

ROOT = Path(__file__).parents[2]
LINE = "SPDX-License-Identifier: 0BSD"
TEMPLATES = sorted(path for path in templates_folder().rglob("*") if path.is_file() and path.name != "LICENSE")
FRAMES = {".j2": ("{# ", " #}"), ".v": ("// ", ""), ".h": ("// ", ""), ".py": ("# ", ""), "": ("# ", "")}
FRAMES |= dict.fromkeys((".rdl", ".c"), FRAMES[".v"])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_each_file_that_leaves_the_house_names_its_licence_first(path: Path) -> None:
    before, after = FRAMES[path.suffix]
    assert path.read_text(encoding="utf-8").splitlines()[0] == f"{before}{LINE}{after}"


def test_rendered_files_hold_no_licence_and_copies_hold_it() -> None:
    copies = {path.name for path in TEMPLATES if path.suffix != ".j2"}
    files = {path: text for path, text in make_files(small_network(), 2).items() if isinstance(text, str)}
    licensed = {path for path, text in files.items() if LINE in text}
    assert licensed == {path for path in files if Path(path).name in copies} and len(licensed) > 10
    assert any("layer_00" in path for path in files)


def test_the_licences_are_where_the_package_says() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0 AND 0BSD"' in project
    listed = re.search(r"^license-files = \[(.*)\]$", project, re.MULTILINE)
    assert listed is not None
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in re.findall(r'"([^"]+)"', listed[1])]
    assert "Apache License" in texts[0] and "Version 2.0" in texts[0] and texts[1].startswith("BSD Zero Clause License")


def test_the_citation_is_of_the_last_release() -> None:
    citation = dict(
        re.findall(r"^([a-z-]+): (\S.*)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    )
    releases = re.findall(
        r"^## (\d+\.\d+\.\d+) \((\d{4}-\d{2}-\d{2})\)$",
        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert (citation["version"], citation["date-released"]) == releases[0]
    assert citation["cff-version"] == "1.2.0" and citation["license"] == "Apache-2.0"
    assert {"message", "title"} <= set(citation)
