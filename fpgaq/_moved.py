"""Old import paths: where each module of 0.1.0 is now, and the hook that lets its old name be imported.

An old name gives the very module of the new one, so classes are the same under both, and pickles of 0.1.0 open. The
first import of each old name warns at the importer's line; old names work for one more release. What has not moved is
left to Python's own finders, by asking them first: a line of the table whose new module does not exist is inert.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import FrameType, ModuleType
from typing import Any

MODULES: dict[str, str] = {
    "fpgaq.errors": "fpgaq.base.errors",
    "fpgaq.parallel": "fpgaq.base.parallel",
    "fpgaq.synth.process": "fpgaq.hardware.synth.yosys",
    "fpgaq.verify.process": "fpgaq.base.child",
    "fpgaq.npy": "fpgaq.base.npy",
    "fpgaq.data": "fpgaq.base.data",
    "fpgaq.doctor": "fpgaq.base.tools",
    "fpgaq.emit.write": "fpgaq.base.output",
    "fpgaq.formats": "fpgaq.base.formats",
    "fpgaq.report.text": "fpgaq.base.text",
    "fpgaq.functions": "fpgaq.model.functions",
    "fpgaq.graph": "fpgaq.model.graph",
    "fpgaq.importers": "fpgaq.model.importers",
    "fpgaq.importers.nnp.layers": "fpgaq.model.importers.nnp.weighted",
    "fpgaq.importers.onnx.layers": "fpgaq.model.importers.onnx.dense",
    "fpgaq.exporters": "fpgaq.model.exporters",
    "fpgaq.passes": "fpgaq.model.passes",
    "fpgaq.float_executor": "fpgaq.model.executor",
    "fpgaq.quantizer.layers": "fpgaq.quantizer.weighted",
    "fpgaq.integer_graph": "fpgaq.integer.graph",
    "fpgaq.accumulators": "fpgaq.integer.accumulators",
    "fpgaq.integer_check": "fpgaq.integer.check",
    "fpgaq.integer_check.layers": "fpgaq.integer.check.weighted",
    "fpgaq.integer_file": "fpgaq.integer.file",
    "fpgaq.integer_file.encoding": "fpgaq.integer.file",
    "fpgaq.reference": "fpgaq.integer.reference",
    "fpgaq.reference.layers": "fpgaq.integer.reference.layout",
    "fpgaq.lowering": "fpgaq.hardware.lowering",
    "fpgaq.schedule": "fpgaq.hardware.schedule",
    "fpgaq.schedule.layers": "fpgaq.hardware.schedule.operator_plans",
    "fpgaq.schedule.engines": "fpgaq.hardware.schedule.turns",
    "fpgaq.schedule.choice": "fpgaq.hardware.schedule.lanes",
    "fpgaq.schedule.structure": "fpgaq.hardware.schedule.schedule",
    "fpgaq.emit": "fpgaq.hardware.emit",
    "fpgaq.emit.hls.layers": "fpgaq.hardware.emit.hls.forms",
    "fpgaq.unrolled": "fpgaq.hardware.unrolled",
    "fpgaq.adders": "fpgaq.hardware.unrolled.adders",
    "fpgaq.estimate": "fpgaq.hardware.estimate",
    "fpgaq.synth": "fpgaq.hardware.synth",
    "fpgaq.verify": "fpgaq.proof",
    "fpgaq.engines": "fpgaq.proof.runner",
    "fpgaq.search": "fpgaq.study.search",
    "fpgaq.explore": "fpgaq.study.explore",
    "fpgaq.report": "fpgaq.study.report",
    "fpgaq.pruning": "fpgaq.study.pruning",
    "fpgaq.pruning.training": "fpgaq.nnabla.retraining",
    "fpgaq.pruning.command": "fpgaq.study.pruning.prune",
    "fpgaq.pruning.workflow": "fpgaq.pipeline.pruning",
    "fpgaq.nnabla.workflow": "fpgaq.pipeline.finetuning",
    "fpgaq.nnabla.layers": "fpgaq.nnabla.parameters",
    "fpgaq.cli.numbers": "fpgaq.cli.quantizing",
    "fpgaq.pipeline.numbers": "fpgaq.pipeline.quantizing",
}
"""Old module or package -> new one. The longest prefix of a name counts; what is below a package moves with it."""

CLASSES: dict[str, dict[str, str]] = {
    "fpgaq.proof.runner": {
        "Engine": "Runner",
    },
    "fpgaq.model.importers.nnp.network": {
        "Network": "NnpNetwork",
    },
    "fpgaq.study.pruning": {
        "Sensitivity": "HarmTable",
        "measure_sensitivity": "measure_harms",
        "search": "counts_within",
    },
    "fpgaq.study.pruning.budget_search": {
        "Sensitivity": "HarmTable",
        "measure_sensitivity": "measure_harms",
        "search": "counts_within",
    },
    "fpgaq.quantizer.calibration": {
        "Statistics": "ActivationStatistics",
    },
    "fpgaq.hardware.schedule.beats": {
        "Network": "BeatNetwork",
        "predict": "predict_cycles",
    },
    "fpgaq.study.search.measure": {
        "measure": "measure_candidate",
    },
    "fpgaq.study.search.precision": {
        "search": "search_precisions",
    },
}
"""New module -> old name in it -> new name in it."""

HELPERS = ("fpgaq", "fpgaq._moved", "importlib", "_frozen_importlib")
"""Modules between a warning and the line that it is about."""


class MovedFinder:
    """A finder of `sys.meta_path` that resolves old names.

    It stands first: below a moved package the ordinary finder would find the new package's file under the old name,
    and run it a second time.

    Parameters
    ----------
    modules : mapping of str to str
        As MODULES.
    classes : mapping of str to mapping
        As CLASSES.
    """

    def __init__(self, modules: Mapping[str, str], classes: Mapping[str, Mapping[str, str]]) -> None:
        self.modules = dict(modules)
        self.classes = classes
        self.rooms = {name.partition(".")[0] + "." for name in (*modules, *classes)}
        self.shown: dict[str, str] = {}
        # `from fpgaq.schedule import layers` asks for `layers` of the package's new name.
        for old, new in modules.items():
            package, _, leaf = old.rpartition(".")
            asked = f"{self.new_name(package)}.{leaf}"
            if asked not in modules:
                self.modules[asked] = new
                self.shown[asked] = old

    def new_name(self, name: str) -> str:
        """The new name of an old one; `name` itself if nothing of it has moved."""
        prefix, rest = name, ""
        while prefix:
            if prefix in self.modules:
                return self.modules[prefix] + rest
            prefix, _, leaf = prefix.rpartition(".")
            rest = f".{leaf}{rest}"
        return name

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an old name, or of a module with renamed classes; None for all others."""
        if not name.startswith(tuple(self.rooms)):
            return None
        if name in self.classes:
            return _renaming_spec(name, path, self.classes[name])
        new = self.new_name(name)
        if new == name:
            return None
        package, _, leaf = name.rpartition(".")
        parent = sys.modules[package].__name__ if package in sys.modules else package
        below_moved = parent != package
        if not below_moved and PathFinder.find_spec(name, path) is not None:
            return None
        if not exists(new):
            return None
        # A package's warning covers what keeps its place in it.
        covered = below_moved and new == f"{parent}.{leaf}"
        loader: Any = _Alias(new, None if covered else self.shown.get(name, name))
        return ModuleSpec(name, loader)


class _Alias:
    """A loader that hands out the module of another name."""

    def __init__(self, new: str, old: str | None) -> None:
        self.new = new
        self.old = old

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self.new)
        if self.old:
            warn(f"{self.old} is now {self.new}; the old name works for one more release")
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the old name's spec into the module.
        module.__spec__ = self.spec


class _RenamingLoader(SourceFileLoader):
    """Loads a module and gives it a `__getattr__` for the old names of its classes."""

    names: Mapping[str, str] = {}

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        own, names = getattr(module, "__getattr__", None), self.names

        def __getattr__(name: str) -> Any:  # noqa: N807
            if name in names:
                new = f"{module.__name__}.{names[name]}"
                warn(f"{module.__name__}.{name} is now {new}; the old name works for one more release")
                return getattr(module, names[name])
            if own:
                return own(name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        vars(module)["__getattr__"] = __getattr__


def _renaming_spec(name: str, path: Sequence[str] | None, names: Mapping[str, str]) -> ModuleSpec | None:
    spec = PathFinder.find_spec(name, path)
    if spec is None or spec.origin is None:
        return None
    loader = _RenamingLoader(name, spec.origin)
    loader.names = names
    spec.loader = loader
    return spec


def exists(name: str) -> bool:
    """Whether a module of that name can be found; its packages are imported, it is not."""
    from importlib.util import find_spec

    try:
        return find_spec(name) is not None
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            return False
        raise


def warn(message: str) -> None:
    """A DeprecationWarning at the line, outside the import system, that named what has moved."""
    frame: FrameType | None = sys._getframe(1)
    while frame and _is_helper(str(frame.f_globals.get("__name__"))):
        frame = frame.f_back
    if frame is None:
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return
    warnings.warn_explicit(
        message,
        DeprecationWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_helper(module: str) -> bool:
    return module in HELPERS or module.startswith("importlib.")


def install() -> None:
    """Let old names be imported, once."""
    if not any(isinstance(finder, MovedFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, MovedFinder(MODULES, CLASSES))
