"""Copying of nnabla graphs with changes: the one way in which graphs are edited here.

A graph is never rewired in place. Its functions are made again in forward order on the same leaf variables (inputs
and parameters), and an edit replaces some of them. So every consumer of a changed variable follows, whatever forks
there are, and a refused edit leaves the graph as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import nnabla as nn
import nnabla.function

from ..base.errors import UnsupportedError, UsageError

Function: TypeAlias = Any
"""The type of ``variable.parent``."""

Replace: TypeAlias = Callable[[Function, list[Any]], "Sequence[Any] | None"]
"""From a function and its inputs in the copy to its outputs in the copy; None copies it as it is."""


def rebuild(root: Any, replace: Replace, variables: Mapping[Any, Any] | None = None) -> Any:
    """Copy a graph with changes.

    Parameters
    ----------
    root : nnabla.Variable, or a sequence or mapping of them
        The outputs; several are copied as one graph.
    replace : callable
    variables : mapping of nnabla.Variable to nnabla.Variable, optional
        Replacements for leaf variables in the copy; the others are shared.

    Returns
    -------
    The outputs of the copy, in the form of `root`.

    Raises
    ------
    UnsupportedError
        A function that was written in Python, because nnabla makes no second copy of it.
    """
    roots = roots_of(root)
    copies: dict[Any, Any] = dict(variables or {})
    with nn.auto_forward(False):
        for function in functions(root):
            inputs = [copies.get(variable, variable) for variable in function.inputs]
            outputs = replace(function, inputs)
            if outputs is None:
                outputs = same_function(function, inputs)
            if len(outputs) != len(function.outputs):
                raise UsageError(
                    f"function {function.info.type_name}: {len(outputs)} outputs in place of {len(function.outputs)}"
                )
            for old, new in zip(function.outputs, outputs, strict=True):
                if old.name and not new.name:
                    new.name = old.name
                copies[old] = new
    found = [copies.get(variable, variable) for variable in roots]
    if isinstance(root, Mapping):
        return dict(zip(root, found, strict=True))
    return type(root)(found) if isinstance(root, list | tuple) else found[0]


def same_function(function: Function, inputs: Sequence[Any], **changes: Any) -> list[Any]:
    """The outputs of a second function of the same kind and arguments, some of them changed, on other inputs."""
    kind = function.info.type_name
    maker = getattr(nnabla.function, kind, None)
    if maker is None:
        raise UnsupportedError(f"function {kind}: it is no function of nnabla's own, so that it cannot be copied")
    instance = maker(nn.get_current_context(), **{**function.info.args, **changes})
    try:
        outputs = instance(*inputs, n_outputs=len(function.outputs), auto_forward=False)
    except RuntimeError as error:
        shapes = ", ".join(str(tuple(variable.shape)) for variable in inputs)
        raise UsageError(f"function {kind} does not take inputs of shapes {shapes}: {_first_line(error)}") from None
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def functions(root: Any) -> list[Function]:
    """All functions of a graph, each once, in forward order."""
    found: dict[Function, None] = {}
    for variable in roots_of(root):
        variable.visit(lambda function: found.setdefault(function))
    return list(found)


def insert_after(root: Any, select: Callable[[Function], bool], build: Callable[[Any], Any]) -> Any:
    """Put layers after functions of a graph; all readers of such a function's output read the new layer's.

    Parameters
    ----------
    root : nnabla.Variable, or a sequence or mapping of them
        The outputs of the graph, which stays as it is.
    select : callable
        Called with each function; returns whether something goes after it. ``function.info.type_name`` is its kind.
    build : callable
        Makes the new layer on a variable and returns its output.

    Returns
    -------
    The outputs of a new graph on the same inputs and parameters, in the form of `root`.

    Raises
    ------
    UsageError
        Nothing was selected, `build` returned no variable on its input, or the next function does not take its shape.
    UnsupportedError
        A function that cannot be copied.
    """
    selected = [function for function in functions(root) if select(function)]
    if not selected:
        kinds = ", ".join(dict.fromkeys(function.info.type_name for function in functions(root)))
        raise UsageError(f"no function was selected; the graph has {kinds or 'no function'}")

    def replace(function: Function, inputs: list[Any]) -> list[Any] | None:
        if function not in selected:
            return None
        return [_built(function, build, output) for output in same_function(function, inputs)]

    return rebuild(root, replace)


def _built(function: Function, build: Callable[[Any], Any], variable: Any) -> Any:
    result = build(variable)
    if not isinstance(result, nn.Variable):
        raise UsageError(
            f"after function {function.info.type_name}: build returned {type(result).__name__}, not a variable"
        )
    if result is not variable and variable.parent not in functions(result):
        raise UsageError(f"after function {function.info.type_name}: what build returned does not depend on its input")
    return result


def roots_of(root: Any) -> list[Any]:
    """The outputs as a list."""
    if isinstance(root, Mapping):
        return list(root.values())
    return list(root) if isinstance(root, list | tuple) else [root]


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
