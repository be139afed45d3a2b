"""The bill of materials: every dependency with a licence that is allowed."""

from __future__ import annotations

import importlib.util
import json
import sys
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "sbom.py"


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sbom"] = module
    spec.loader.exec_module(module)
    return module


def test_all_licences_are_allowed(sbom: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    assert sbom.main(["-o", str(first)]) == 0, capsys.readouterr().err
    assert sbom.main(["-o", str(second)]) == 0 and first.read_bytes() == second.read_bytes()
    bill = json.loads(first.read_text(encoding="utf-8"))
    names = {part["name"] for part in bill["components"]}
    assert {"numpy", "onnx", "jinja2", "cocotb", "markupsafe", "h5py"} <= names and "fpgaq" not in names
    scopes = {part["name"]: part["scope"] for part in bill["components"]}
    assert (scopes["numpy"], scopes["ruff"]) == ("required", "excluded")
    assert all(part["licenses"] and part["version"] in part["purl"] for part in bill["components"])


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-2.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND MIT", True),
        ("", False),
        ("Other/Proprietary License", False),
    ],
)
def test_what_is_allowed(sbom: ModuleType, expression: str, allowed: bool) -> None:
    assert sbom.Component("x", "1", expression).allowed == allowed


def test_tests_may_use_what_users_do_not_get(sbom: ModuleType) -> None:
    assert sbom.Component("x", "1", "GPL-2.0-only", "excluded").allowed
    assert not sbom.Component("x", "1", "GPL-2.0-only", "optional").allowed


def test_licences_are_read_from_old_and_new_metadata(sbom: ModuleType) -> None:
    def licence(**fields: str) -> str:
        facts = Message()
        for name, value in fields.items():
            facts[name.replace("_", "-")] = value
        return str(sbom.licence_of(facts))

    assert licence(License_Expression="MIT OR ISC") == "MIT OR ISC"
    assert licence(License="Apache License 2.0") == "Apache-2.0"
    assert (
        licence(License="Copyright 2020 somebody\nand more", Classifier="License :: OSI Approved :: BSD License")
        == "BSD"
    )
    assert licence(License="GPL") == "GPL" and licence() == ""


def test_a_licence_that_is_not_allowed_is_named(
    sbom: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sbom, "components", lambda: [sbom.Component("x", "1.0", "GPL-3.0-only")])
    assert sbom.main(["-o", str(tmp_path / "a.json")]) == 1
    assert "x 1.0: licence GPL-3.0-only is not allowed" in capsys.readouterr().err
