"""fpgaq: a trained network in, verified fixed-point hardware out.

The functions below are the Python interface: the stages of `fpgaq.pipeline`, and pruning, which tries them on smaller
networks. They are imported on first use, so that importing the package (and `fpgaq --help`) stays fast.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import _moved
from .base.version import __version__

if TYPE_CHECKING:
    from .pipeline import (
        compare,
        generate,
        load_integer,
        load_model,
        quantize,
        save_model,
        search,
        sensitivity,
        simulate,
    )
    from .pipeline.pruning import prune

__all__ = [
    "__version__",
    "compare",
    "generate",
    "load_integer",
    "load_model",
    "prune",
    "quantize",
    "save_model",
    "search",
    "sensitivity",
    "simulate",
]


def _stage(name: str) -> Any:
    from importlib import import_module

    return getattr(import_module(".pipeline.pruning" if name == "prune" else ".pipeline", __name__), name)


class _Package(ModuleType):
    """The package itself; the import system sets each module below it as its attribute."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


class _CallablePackage(ModuleType):
    """A package with the name of a function (`search`): it can be called as the function that it hides."""

    @property
    def __signature__(self) -> object:
        from inspect import signature

        return signature(_stage(self.__name__.rpartition(".")[2]))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _stage(self.__name__.rpartition(".")[2])(*args, **kwargs)


def __getattr__(name: str) -> object:
    if name in __all__:
        return _stage(name)
    if f"{__name__}.{name}" in _moved.MODULES:
        # Code of 0.1.0 may read a moved module as an attribute without importing it.
        from importlib import import_module

        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
_moved.install()
