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
    from .hardware.schedule import Target
    from .pipeline import (
        build,
        compare,
        explore,
        generate,
        load_integer,
        load_model,
        quantize,
        run,
        save_integer,
        save_model,
        search,
        sensitivity,
        simulate,
    )
    from .pipeline import synthesize as synth
    from .pipeline.pruning import prune
    from .quantizer.config import QuantizeOptions

__all__ = [
    "QuantizeOptions",
    "Target",
    "__version__",
    "build",
    "compare",
    "explore",
    "generate",
    "load_integer",
    "load_model",
    "prune",
    "quantize",
    "run",
    "save_integer",
    "save_model",
    "search",
    "sensitivity",
    "simulate",
    "synth",
]

_PLACES = {
    "QuantizeOptions": ".quantizer.config",
    "Target": ".hardware.schedule",
    "prune": ".pipeline.pruning",
}
"""Modules of names that are no stages of `fpgaq.pipeline`."""


def _stage(name: str) -> Any:
    from importlib import import_module

    # The command's name, which a module of 0.1.0 has too.
    stage = "synthesize" if name == "synth" else name
    return getattr(import_module(_PLACES.get(name, ".pipeline"), __name__), stage)


class _Package(ModuleType):
    """The package itself; the import system sets each module below it as its attribute."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _CallablePackage
        super().__setattr__(name, value)


class _CallablePackage(ModuleType):
    """A package with the name of a function (`search`, `explore`, `synth`): it can be called as that function."""

    @property
    def __signature__(self) -> object:
        from inspect import signature

        return signature(_stage(self.__name__.rpartition(".")[2]))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _stage(self.__name__.rpartition(".")[2])(*args, **kwargs)


def __getattr__(name: str) -> object:
    if name in ("explore", "synth"):
        # Code of 0.1.0 reads names of these packages; in `search` there were none that it needed.
        from importlib import import_module

        package = import_module(_moved.MODULES[f"{__name__}.{name}"])
        package.__class__ = _CallablePackage
        return package
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
