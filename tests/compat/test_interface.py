"""The interface of 0.1.0 is still there; additions are allowed."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq._moved import CLASSES, MODULES
from fpgaq.cli import invoke
from tests.compat import interface
from tests.compat.interface import FOLDERS, NETWORKS, RELEASE, RUNS, lost, merge, shape

FpgaqError = interface.old_module("fpgaq.errors").FpgaqError
OLD: dict[str, Any] = json.loads((RELEASE / "interface.json").read_text(encoding="utf-8"))
OLD_PATHS = pytest.mark.filterwarnings("ignore:fpgaq.* is now fpgaq:DeprecationWarning")


def lost_parameters(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Parts of an old option or argument that the new one lacks."""
    result = [f"name {name}" for name in old["names"] if name not in new["names"]]
    if old["choices"] is None and new["choices"] is not None:
        result.append("values became choices")
    result += [f"choice {name}" for name in old["choices"] or () if name not in (new["choices"] or old["choices"])]
    result += [f"{key} is {new[key]}" for key in ("multiple", "values", "flag") if old.get(key) != new.get(key)]
    if new["required"] and not old["required"]:
        result.append("is required")
    return result


def lost_in_command(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    result = []
    for name, option in old["options"].items():
        found = [other for other in new["options"].values() if set(option["names"]) <= set(other["names"])]
        result += [f"{name}: {text}" for text in lost_parameters(option, found[0])] if found else [f"{name} is gone"]
    known = {name for option in old["options"].values() for name in option["names"]}
    for name, option in new["options"].items():
        # A new first name is no new option where an old name of it still works.
        if option["required"] and known.isdisjoint(option["names"]):
            result.append(f"{name} is new and required")
    if len(new["arguments"]) < len(old["arguments"]):
        result.append("an argument is gone")
    for index, argument in enumerate(new["arguments"]):
        if index >= len(old["arguments"]):
            result += [f"argument {index} is new and required"] if argument["required"] else []
        else:
            # Users do not type an argument's name.
            known = {**old["arguments"][index], "names": []}
            result += [f"argument {index}: {text}" for text in lost_parameters(known, argument)]
    return result


@pytest.mark.parametrize("command", OLD["commands"])
def test_commands_and_their_options(command: str) -> None:
    new = interface.commands()
    assert command in new
    assert lost_in_command(OLD["commands"][command], new[command]) == []


def test_a_lost_option_is_noticed() -> None:
    old = OLD["commands"]["generate"]
    for change, message in (
        (lambda new: new["options"].pop("--multipliers"), "--multipliers is gone"),
        (lambda new: new["options"]["--output"]["names"].remove("-o"), "--output is gone"),
        (lambda new: new["options"]["--target"]["choices"].remove("hls"), "--target: choice hls"),
        (lambda new: new["options"]["--frames"].update(required=True), "--frames: is required"),
        (lambda new: new["arguments"].pop(), "an argument is gone"),
    ):
        new = copy.deepcopy(old)
        change(new)
        assert lost_in_command(old, new) == [message]
    new = copy.deepcopy(old)
    new["options"]["--other"] = {**new["options"]["--frames"], "names": ["--other"]}
    assert lost_in_command(old, new) == []


def test_exit_codes_and_kinds_of_errors() -> None:
    new = interface.exit_codes()
    for kind, facts in OLD["exit_codes"].items():
        assert new[kind]["code"] == facts["code"], kind
        assert set(facts["bases"]) <= set(new[kind]["bases"]), kind


def test_exit_codes_of_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, network = str(interface.ROOT / interface.MODEL), str(NETWORKS / "every_operator.fpgaq")
    (tmp_path / "bad.nnp").write_bytes(b"no model")
    np.savez(tmp_path / "six.npz", x=np.zeros((2, 7)))
    runs = {
        ("--version",): 0,
        ("nothing",): 2,
        ("generate", network, "--multipliers", "0", "-o", str(tmp_path / "out")): 2,
        ("summary", str(tmp_path / "bad.nnp")): 3,
        ("summary", str(tmp_path / "missing.nnp")): 3,
        ("quantize", model, "--calibration", str(tmp_path / "six.npz"), "-o", str(tmp_path / "x.fpgaq")): 3,
        ("generate", network, "--unroll", "-o", str(tmp_path / "out")): 4,
        ("generate", network, "--cycles", "1", "-o", str(tmp_path / "out")): 5,
    }
    found = {arguments: invoke(arguments) for arguments in runs}
    assert found == runs, capsys.readouterr().err


KEYWORDS = {"evaluation": ("jobs", "dask", "results", "progress")}
"""What a parameter of 0.1.0 that took any keyword handed on; now each has a parameter of its own."""


def lost_in_function(old: list[dict[str, Any]] | None, new: list[dict[str, Any]] | None) -> list[str]:
    """Parts of a call that are missing: by position or by name, with the same defaults."""
    if old is None or new is None:
        return [] if old is new else ["is no function" if new is None else "is a function"]
    result, names = [], [parameter["name"] for parameter in new]
    for index, parameter in enumerate(old):
        if parameter["kind"] == "VAR_KEYWORD":
            result += [f"{name} is gone" for name in KEYWORDS[parameter["name"]] if name not in names]
        elif parameter["name"] not in names:
            result.append(f"{parameter['name']} is gone")
        elif new[names.index(parameter["name"])] != parameter:
            result.append(f"{parameter['name']} is {new[names.index(parameter['name'])]}")
        elif parameter["kind"] == "POSITIONAL_OR_KEYWORD" and names.index(parameter["name"]) != index:
            result.append(f"{parameter['name']} has another place")
    old_names = [parameter["name"] for parameter in old]
    variable = ("VAR_POSITIONAL", "VAR_KEYWORD")
    for parameter in new:
        if parameter["name"] not in old_names and parameter["default"] is None and parameter["kind"] not in variable:
            result.append(f"{parameter['name']} is new and required")
    return result


def test_functions_and_their_parameters() -> None:
    new = interface.functions()
    missing = {name: lost_in_function(old, new[name]) for name, old in OLD["functions"].items() if name in new}
    assert set(OLD["functions"]) <= set(new)
    assert {name: texts for name, texts in missing.items() if texts} == {}


def test_a_lost_parameter_is_noticed() -> None:
    old = OLD["functions"]["generate"]
    assert len(old) > 3
    assert lost_in_function(old, old[:-1]) == [f"{old[-1]['name']} is gone"]
    assert lost_in_function(old, [old[1], old[0], *old[2:]])
    assert lost_in_function(old, [*old, {"name": "more", "kind": "KEYWORD_ONLY", "default": "3"}]) == []
    assert lost_in_function(old, [*old, {"name": "more", "kind": "KEYWORD_ONLY", "default": None}])
    assert lost_in_function(old, [{**old[0], "default": "3"}, *old[1:]])
    keywords = [{"name": name, "kind": "KEYWORD_ONLY", "default": "None"} for name in KEYWORDS["evaluation"]]
    old = [*old, {"name": "evaluation", "kind": "VAR_KEYWORD", "default": None}]
    assert lost_in_function(old, [*old[:-1], *keywords]) == []
    assert lost_in_function(old, [*old[:-1], *keywords[1:]]) == ["jobs is gone"]


def run_parameters() -> list[object]:
    result = []
    for name, run in RUNS.items():
        marks = [pytest.mark.slow] if run.slow else []
        marks += [pytest.mark.nnabla] if run.nnabla else []
        result.append(pytest.param(name, marks=marks))
    return result


@pytest.mark.parametrize("name", run_parameters())
def test_keys_of_json_outputs_and_of_folders(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if RUNS[name].nnabla:
        request.getfixturevalue("nnabla")
    missing = lost(OLD["outputs"][name], shape(interface.run_json(name, tmp_path)))
    if name == "doctor":
        # 0.1.0 had all tools where it was described; a tool that is missing has neither path nor version.
        missing = [
            text for text in missing if not text.startswith((".tools[].path: ['None", ".tools[].version: ['None"))
        ]
    assert missing == []
    for folder in (folder for folder, run in FOLDERS.items() if run == name):
        new = interface.folder_files(tmp_path / folder)
        for file, old in OLD["folders"][folder].items():
            assert file in new
            assert lost(old, new[file], file) == []
        if folder in OLD["ports"]:
            assert set(OLD["ports"][folder]) <= set(interface.ports(tmp_path / folder))


def test_every_command_has_a_run() -> None:
    assert {name for name in OLD["commands"] if name} == {run.line.split()[0] for run in RUNS.values()}
    assert set(OLD["outputs"]) == set(RUNS)
    assert "output frame_error" in OLD["ports"]["verilog"]


def test_a_lost_key_is_noticed() -> None:
    old = shape({"a": [{"b": 1, "c": None}, {"b": 2, "c": 2.5}], "digests": {"x.v": "0"}, "arrays": {"y": [1]}})
    assert lost(old, shape({"a": [{"b": 1, "c": 1.5, "d": 3}], "digests": {"x.v": "1"}, "arrays": {"z": [2, 3]}})) == []
    for value, message in (
        ({"a": [{"c": 1.5}], "digests": {"x.v": ""}, "arrays": {"y": [1]}}, ".a[].b is gone"),
        ({"a": [{"b": "1", "c": 1.5}], "digests": {"x.v": ""}, "arrays": {"y": [1]}}, ".a[].b: ['str'] where"),
        ({"a": [{"b": 1, "c": 1.5}], "digests": {}, "arrays": {"y": [1]}}, ".digests.x.v is gone"),
        ({"a": [{"b": 1, "c": 1.5}], "digests": {"x.v": ""}, "arrays": {"y": 1}}, ".arrays[]: no items"),
        ({"a": [{"b": 1, "c": 1}, {"c": 1}], "digests": {"x.v": ""}, "arrays": {"y": [1]}}, ".a[].b is not always"),
    ):
        assert any(text.startswith(message) for text in lost(old, shape(value))), lost(old, shape(value))
    assert merge([shape({"a": 1}), shape({})])["optional"] == ["a"]


@OLD_PATHS
@pytest.mark.parametrize("name", OLD["imports"])
def test_imports_of_readme_docs_and_examples(name: str, request: pytest.FixtureRequest) -> None:
    if name.startswith(("fpgaq.nnabla", "fpgaq.pruning.training", "fpgaq.pruning.algorithms")):
        request.getfixturevalue("nnabla")
    module, _, attribute = name.partition(":")
    assert exec(f"from {module} import {attribute}" if attribute else f"import {module}", {}) is None


def is_there(module: str) -> bool:
    """Whether there is a file of that name; nothing is imported, since some modules need nnabla."""
    path = interface.ROOT / module.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def new_name(module: str) -> str:
    """Where a module of 0.1.0 is today."""
    return module if is_there(module) else interface.finder().new_name(module)


def test_every_module_of_the_release_is_somewhere() -> None:
    assert len(OLD["modules"]) > 250
    assert [module for module in OLD["modules"] if not is_there(new_name(module))] == []


def test_modules_that_moved_are_the_same_under_both_names() -> None:
    has_nnabla = find_spec("nnabla") is not None
    for module in (module for module in OLD["modules"] if new_name(module) != module):
        try:
            assert interface.old_module(module).__name__ == new_name(module)
        except (FpgaqError, ModuleNotFoundError) as error:
            assert not has_nnabla and "nnabla" in str(error), module


def test_moved_modules_are_attributes_without_an_import() -> None:
    code = "import fpgaq; print(fpgaq.errors.ModelError.exit_code, hasattr(fpgaq, 'nothing'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["3", "False"]


def test_tables_name_what_was_there() -> None:
    assert set(MODULES) <= set(OLD["modules"])
    assert all(is_there(module) for module in CLASSES)
