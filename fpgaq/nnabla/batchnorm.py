"""Folding of batch normalization into layers of an nnabla graph, where that is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..base.errors import UnsupportedError
from ..model.passes.linear import Linear, fold_before, fold_behind
from .parameters import LINEAR, as_operator, layer_name, new_parameter, parameter_names, reads, weight_of
from .rebuild import Function, functions, rebuild, same_function


def fold_batchnorm(root: Any, *, strict: bool = True) -> Any:
    """Fold every BatchNormalization into the layer before it, or after it.

    With s = gamma / sqrt(var + eps) and t = beta - mean * s it computes x * s + t for each channel. A layer before it
    that nothing else reads gets the weights W * s and the bias b * s + t; a layer after it that alone reads it takes
    s into its weights and t into its bias, unless padding would be shifted too. Computed in float64, rounded once.

    Parameters
    ----------
    root : nnabla.Variable, or a sequence or mapping of them
        The outputs of the graph, which stays as it is with all its parameters.
    strict : bool
        Refuse the graph if one of them cannot be folded; if false, those stay.

    Returns
    -------
    The outputs of a new graph, in the form of `root`. Its folded layers have parameters of their own, named as the old
    with the suffix `_folded`, in the current parameter scope.

    Raises
    ------
    UnsupportedError
        A normalization in training mode or without a layer that can take it in; the message says which and why.
    """
    names, counts = parameter_names(), reads(root)
    consumers: dict[Any, Function] = {variable: f for f in functions(root) for variable in f.inputs}
    after: dict[Function, Function] = {}  # normalization to the layer before it
    before: dict[Function, Function] = {}  # normalization to the layer after it
    refused: list[str] = []
    for function in functions(root):
        if function.info.type_name != "BatchNormalization":
            continue
        source, output = function.inputs[0], function.outputs[0]
        layer, reader = source.parent, consumers.get(output)
        trouble = _trouble(function)
        if not trouble and _is_linear(layer) and counts[source] == 1:
            after[function] = layer
        elif not trouble and _is_linear(reader) and counts[output] == 1 and _fits_before(function, reader, names):
            before[function] = reader
        else:
            refused.append(f"{_name(function, names)}: {trouble or _reason(source, output, layer, reader, counts)}")
    if refused and strict:
        raise UnsupportedError(f"batch normalization cannot be folded exactly: {'; '.join(refused)}")
    return _fold(root, after, before, names)


def _fold(root: Any, after: dict[Function, Function], before: dict[Function, Function], names: dict[Any, str]) -> Any:
    changes: dict[Function, list[Callable[[Linear], Linear]]] = {}
    for normalization, layer in after.items():
        factors = factors_of(normalization)
        changes.setdefault(layer, []).append(lambda op, factors=factors: fold_behind(op, *factors))  # type: ignore[misc]
    for normalization, layer in before.items():
        shape, factors = tuple(normalization.outputs[0].shape[1:]), factors_of(normalization)
        shape = (shape[0], 1, *shape[1:]) if len(shape) == 2 else shape
        # Functions before the layer come first.
        changes.setdefault(layer, []).insert(
            0,
            lambda op, shape=shape, factors=factors: fold_before(op, shape, *factors),  # type: ignore[misc,arg-type]
        )

    def replace(function: Function, inputs: list[Any]) -> list[Any] | None:
        if function in after or function in before:
            return [inputs[0]]
        if function not in changes:
            return None
        operator = as_operator(function, layer_name(function, names))
        for change in changes[function]:
            operator = change(operator)
        weight = weight_of(operator, function.inputs[1].shape)
        label = names.get(function.inputs[1], "W")
        parameters = [new_parameter(f"{label}_folded", weight, True)]
        if operator.bias is not None:
            scope = label.rsplit("/", 1)[0] + "/" if "/" in label else ""
            base = names.get(function.inputs[2], f"{scope}b") if len(function.inputs) > 2 else f"{scope}b"
            shape = function.outputs[0].shape[-len(function.inputs[1].shape[1:]) :]
            bias = operator.bias if function.info.type_name != "Affine" else operator.bias.reshape(shape)
            parameters.append(new_parameter(f"{base}_folded", bias, True))
        return same_function(function, [inputs[0], *parameters])

    return rebuild(root, replace)


def factors_of(function: Function) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Scale and offset of each channel in float64."""
    arguments = function.info.args
    vectors = [variable.d.reshape(-1).astype(np.float64) for variable in function.inputs[1:]]
    variance, mean = vectors.pop(), vectors.pop()
    scale = 1.0 / np.sqrt(variance + arguments["eps"])
    if not arguments["no_scale"]:
        scale = scale * vectors.pop()
    return scale, -mean * scale if arguments["no_bias"] else vectors.pop() - mean * scale


def _trouble(function: Function) -> str:
    arguments = function.info.args
    if arguments["batch_stat"]:
        return "it is in training mode (batch_stat); load or copy the graph with batch_stat=False"
    if list(arguments["axes"]) != [1]:
        return f"its axes are {list(arguments['axes'])}, not [1]"
    variance = function.inputs[-1].d
    if not ((variance + arguments["eps"]) > 0).all():
        return "a variance plus eps is not positive"
    return ""


def _reason(source: Any, output: Any, layer: Function, reader: Function, counts: Any) -> str:
    if _is_linear(layer) and counts[source] > 1:
        return "something else reads the layer before it too"
    if _is_linear(reader) and counts[output] == 1:
        return "the layer after it pads or transposes, so that its border would change"
    return "no layer with weights stands alone before or after it"


def _is_linear(function: Function | None) -> bool:
    return function is not None and function.info.type_name in LINEAR and function.info.args.get("base_axis", 1) == 1


def _fits_before(normalization: Function, layer: Function, names: dict[Any, str]) -> bool:
    operator = as_operator(layer, layer_name(layer, names))
    shape = tuple(normalization.outputs[0].shape[1:])
    shape = (shape[0], 1, *shape[1:]) if len(shape) == 2 else shape
    folded = fold_before(operator, shape, *factors_of(normalization))
    # A border other than zero is more than nnabla's convolution can pad with.
    return folded is not None and getattr(folded, "padding_value", 0.0) == 0.0


def _name(function: Function, names: dict[Any, str]) -> str:
    return repr(layer_name(function, names))
