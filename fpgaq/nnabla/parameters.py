"""Layers with weights in nnabla graphs: their kinds, output channels, parameter names, and the way to our operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import nnabla as nn
import numpy as np
from numpy.typing import NDArray

from ..base.errors import UsageError
from ..model.graph import Affine, Convolution, Deconvolution
from ..model.passes.linear import Linear
from .rebuild import Function, functions, roots_of

LINEAR = ("Affine", "Convolution", "Deconvolution", "DepthwiseConvolution")
"""The functions whose second input is a weight and whose third, if there, a bias."""


def parameter_names() -> dict[Any, str]:
    """The name of each parameter in nnabla's current scope."""
    return {variable: name for name, variable in nn.get_parameters(grad_only=False).items()}


def new_parameter(name: str, value: NDArray[Any], need_grad: bool) -> Any:
    """Register a parameter under `name`, or under that name with a number if it is taken by another value."""
    known = nn.get_parameters(grad_only=False)
    unique, number = name, 1
    while unique in known:
        number += 1
        unique = f"{name}{number}"
    variable = nn.Variable.from_numpy_array(np.asarray(value, np.float32), need_grad=need_grad)
    nn.parameter.set_parameter(unique, variable)
    return variable


def layer_name(function: Function, names: dict[Any, str]) -> str:
    """The name of a layer in errors and lists: the scope of its weight's name, else its kind."""
    weight = names.get(function.inputs[1]) if len(function.inputs) > 1 else None
    if weight is None:
        return str(function.info.type_name)
    return weight.rsplit("/", 1)[0] if "/" in weight else weight


def channel_axes(function: Function) -> tuple[int, ...]:
    """The axes of a weight that together number its output channels, all others being taps.

    A deconvolution's weight is (channels, outputs / group, ...): with groups, output channels stand along both axes;
    its groups share the steps of their outputs.
    """
    kind = function.info.type_name
    if kind == "Affine":
        return tuple(range(1, len(function.inputs[1].shape)))
    return (1,) if kind == "Deconvolution" else (0,)


def reads(root: Any) -> Counter[Any]:
    """How often each variable is read, by functions or as an output of the graph."""
    counts: Counter[Any] = Counter(roots_of(root))
    for function in functions(root):
        counts.update(function.inputs)
    return counts


def as_operator(function: Function, name: str) -> Linear:
    """The layer with its weights as an operator of the float graph, without tensors; 1-D kernels get a height of 1."""
    arguments, weight = function.info.args, function.inputs[1].d.copy()
    bias = function.inputs[2].d.reshape(-1).copy() if len(function.inputs) > 2 else None
    kind = function.info.type_name
    if kind == "Affine":
        return Affine(name, (), "", np.ascontiguousarray(weight.reshape(weight.shape[0], -1).T), bias)
    if arguments.get("channel_last"):
        raise UsageError(f"layer {name!r}: channel_last is true; convert the network to channels first")
    axes = len(arguments["pad"])
    pads = (0, *arguments["pad"]) if axes == 1 else arguments["pad"]
    padding = (pads[0], pads[0], pads[1], pads[1])
    if kind == "DepthwiseConvolution":
        weight, groups = weight[:, None], function.inputs[0].shape[arguments["base_axis"]]
    else:
        groups = arguments["group"]
    if axes == 1:
        weight = weight[:, :, None, :]
    if kind == "Deconvolution":
        return Deconvolution(name, (), "", weight, bias, padding=padding, groups=groups)
    return Convolution(name, (), "", weight, bias, padding=padding, groups=groups)


def weight_of(operator: Linear, shape: Sequence[int]) -> NDArray[np.float32]:
    """The operator's weight in nnabla's own shape."""
    weight = operator.weight.T if isinstance(operator, Affine) else operator.weight
    return np.ascontiguousarray(weight).reshape(tuple(shape))
