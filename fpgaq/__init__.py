"""fpgaq: a trained network in, verified fixed-point hardware out.

The functions below are the Python interface: the stages of `fpgaq.pipeline`, and pruning, which tries them on smaller
networks. They are imported on first use, so that importing the package (and `fpgaq --help`) stays fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _moved

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
    from .pruning.workflow import prune

__version__ = "0.1.0"

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


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(".pruning.workflow" if name == "prune" else ".pipeline", __name__), name)
    if f"{__name__}.{name}" in _moved.MODULES:
        # Code of 0.1.0 may read a moved module as an attribute without importing it.
        from importlib import import_module

        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_moved.install()
