"""Old import paths: the hook on a small package of its own, and every old name of fpgaq against today's modules."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from fpgaq import _moved
from fpgaq._moved import MovedFinder

FILES = {
    "__init__.py": "",
    "room/__init__.py": "",
    "room/graph/__init__.py": "from .operators import Affine\n",
    "room/graph/operators.py": "class Affine:\n    pass\n",
    "room/graph/plans.py": "from .operators import Affine\n\nclass Plan(Affine):\n    pass\n",
    "base.py": "class Fault(Exception):\n    pass\n\n\nclass Level:\n    pass\n",
    "stays/__init__.py": "",
    "stays/weighted.py": "value = 3\n",
    "stays/here.py": "value = 4\n",
    "broken.py": "import a_module_that_nobody_has\n",
}
MODULES = {
    "{p}.graph": "{p}.room.graph",
    "{p}.graph.layers": "{p}.room.graph.plans",
    "{p}.errors": "{p}.base",
    "{p}.stays.layers": "{p}.stays.weighted",
    "{p}.stays.here": "{p}.room.elsewhere",
    "{p}.lost": "{p}.room.nowhere",
    "{p}.split": "{p}.broken",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package with old names, importable while the test runs."""
    name = "moved_package"
    for path, content in FILES.items():
        file = tmp_path / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = {old.format(p=name): new.format(p=name) for old, new in MODULES.items()}
    classes = {f"{name}.base": {"Depth": "Level"}}
    monkeypatch.setattr(sys, "meta_path", [MovedFinder(modules, classes), *sys.meta_path])
    yield name
    for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[loaded]


def run(lines: str, package: str) -> tuple[dict[str, object], list[warnings.WarningMessage]]:
    """The names that code leaves, and its warnings; it is seen as the file `caller.py`."""
    names: dict[str, object] = {"__name__": "caller"}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        exec(compile(lines.replace("PACKAGE", package), "caller.py", "exec"), names)
    return names, found


FORMS = {
    "import": "import PACKAGE.graph\nfound = PACKAGE.graph",
    "import as": "import PACKAGE.graph as found",
    "from": "from PACKAGE import graph as found",
    "import_module": "import importlib\nfound = importlib.import_module('PACKAGE.graph')",
    "__import__": "found = __import__('PACKAGE.graph').graph",
}


@pytest.mark.parametrize("form", FORMS)
def test_an_old_name_is_the_new_module(form: str, package: str) -> None:
    names, found = run(f"{FORMS[form]}\n", package)
    new = importlib.import_module(f"{package}.room.graph")
    assert names["found"] is new
    assert new.__name__ == new.__spec__.name == f"{package}.room.graph"
    (warning,) = found
    assert warning.category is DeprecationWarning
    assert str(warning.message).startswith(f"{package}.graph is now {package}.room.graph;")
    assert warning.filename == "caller.py"
    assert warning.lineno == (2 if form == "import_module" else 1)


@pytest.mark.parametrize("first", ["old", "new"])
def test_classes_are_the_same_under_both_paths(first: str, package: str) -> None:
    lines = [
        "from PACKAGE.graph.operators import Affine as old",
        "from PACKAGE.room.graph.operators import Affine as new",
    ]
    names, found = run("\n".join(lines if first == "old" else lines[::-1]), package)
    assert names["old"] is names["new"]
    assert isinstance(names["old"](), names["new"])
    assert len(found) == 1
    assert sys.modules[f"{package}.graph.operators"] is sys.modules[f"{package}.room.graph.operators"]


@pytest.mark.parametrize(
    "line",
    [
        "from PACKAGE.graph import layers as found",
        "import PACKAGE.graph.layers as found",
        "from PACKAGE.graph.layers import Plan\nimport PACKAGE.room.graph.plans as found\nassert found.Plan is Plan",
    ],
)
def test_a_module_renamed_in_a_moved_package(line: str, package: str) -> None:
    names, found = run(line, package)
    assert names["found"] is importlib.import_module(f"{package}.room.graph.plans")
    assert [str(warning.message).split(";")[0] for warning in found] == [
        f"{package}.graph is now {package}.room.graph",
        f"{package}.graph.layers is now {package}.room.graph.plans",
    ]


def test_a_module_renamed_where_it_stands(package: str) -> None:
    names, found = run("from PACKAGE.stays import layers\nfrom PACKAGE.stays.layers import value", package)
    assert names["value"] == 3
    assert len(found) == 1


def test_a_plain_module_stays_no_package(package: str) -> None:
    names, _ = run("import PACKAGE.errors as found", package)
    assert not hasattr(names["found"], "__path__")


def test_a_pickle_of_old_names_opens(package: str) -> None:
    with pytest.warns(DeprecationWarning, match="is now") as found:
        opened = pickle.loads(f"c{package}.graph.operators\nAffine\n.".encode())
    assert opened is importlib.import_module(f"{package}.room.graph").Affine
    assert found[0].filename == __file__


def test_what_has_not_moved_yet_is_left_alone(package: str) -> None:
    names, found = run("from PACKAGE.stays.here import value", package)
    assert names["value"] == 4
    assert not found


@pytest.mark.parametrize("name", ["lost", "graph.nothing", "errors.nothing", "unknown"])
def test_a_name_that_is_nowhere_is_refused_as_ever(name: str, package: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"No module named '{package}.{name}'"):
        run(f"import PACKAGE.{name}", package)


def test_a_fault_in_the_new_module_is_shown(package: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="a_module_that_nobody_has"):
        run("import PACKAGE.split", package)
    assert f"{package}.split" not in sys.modules


def test_warnings_as_errors_stop_at_the_old_name(package: str) -> None:
    with pytest.raises(DeprecationWarning, match="is now"):
        exec(f"import {package}.graph")


@pytest.mark.parametrize(
    "line", ["from PACKAGE.base import Depth as found", "import PACKAGE.base\nfound = PACKAGE.base.Depth"]
)
def test_an_old_class_name(line: str, package: str) -> None:
    names, found = run(line, package)
    assert names["found"] is importlib.import_module(f"{package}.base").Level
    (warning,) = found
    assert str(warning.message).startswith(f"{package}.base.Depth is now {package}.base.Level;")
    assert (warning.filename, warning.lineno) == ("caller.py", len(line.splitlines()))


def test_an_old_class_name_in_a_pickle(package: str) -> None:
    with pytest.warns(DeprecationWarning, match="Depth is now"):
        assert pickle.loads(f"c{package}.base\nDepth\n.".encode()).__name__ == "Level"


def test_other_names_of_that_module_are_refused_as_ever(package: str) -> None:
    with pytest.raises(ImportError, match="cannot import name 'Height'"):
        run("from PACKAGE.base import Height", package)


def test_the_hook_is_installed_once() -> None:
    _moved.install()
    assert len([finder for finder in sys.meta_path if isinstance(finder, MovedFinder)]) == 1


def test_importing_fpgaq_stays_light() -> None:
    code = (
        "import sys, fpgaq; print(*(set(sys.modules) & {'numpy', 'click', 'fpgaq.pipeline', 'fpgaq.errors', 'onnx'}))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert done.stderr == ""


@pytest.mark.parametrize("first", ["import fpgaq.search.precision", "import fpgaq.search.measure as measure", ""])
def test_search_is_a_function_whatever_was_imported(first: str) -> None:
    code = f"""
import inspect, fpgaq
{first}
from fpgaq import search
from fpgaq.pipeline import search as stage
assert inspect.signature(search) == inspect.signature(fpgaq.search) == inspect.signature(stage)
for function in (search, fpgaq.search):
    try:
        function("nothing.onnx", {{}}, budget="50%")
    except fpgaq.errors.FpgaqError as error:
        print(error)
import fpgaq.search.precision
print(fpgaq.search.precision.parse_budget.__name__)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code], capture_output=True, text=True, check=True
    )
    refusal, again, name = done.stdout.splitlines()
    assert refusal == again and "nothing.onnx" in refusal
    assert name == "parse_budget"


@pytest.mark.parametrize(
    ("module", "old"), [(module, old) for module, names in _moved.CLASSES.items() for old in names]
)
def test_every_renamed_class_has_its_old_name(module: str, old: str) -> None:
    room = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=f"{old} is now"):
        found = getattr(room, old)
    assert found is vars(room)[_moved.CLASSES[module][old]]
