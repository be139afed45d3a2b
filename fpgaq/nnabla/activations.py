"""Quantizers after the functions of an nnabla graph, with ranges frozen from samples."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args

import nnabla.functions as F  # noqa: N812
import numpy as np
from numpy.typing import NDArray

from ..base.choices import ActivationRange
from ..base.errors import UsageError
from ..quantizer.calibration import ActivationStatistics, activation_frac
from .parameters import LINEAR, new_parameter
from .rebuild import Function, functions, rebuild, roots_of, same_function
from .statistics import graph_inputs, observe

Method = Literal["fixed_point", "min_max"]

KEEPING = (
    "MaxPooling", "Reshape", "Slice", "Split", "Transpose", "Concatenate", "Unpooling", "Pad", "Flip", "Identity",
    "Dropout", "ImageAugmentation", "FixedPointQuantize", "MinMaxQuantize", "Pow2Quantize",
)  # fmt: skip
"""Functions whose values are those of their inputs (or quantized already): nothing is put after them."""
TAKEN_IN = ("BatchNormalization", "ReLU", "ReLU6", "MulScalar", "AddScalar")
"""Functions that hardware computes together with the layer before: the quantizer goes after the last of such a row."""
ENDS = ("Softmax", "LogSoftmax")
POSITIVE = ("ReLU", "ReLU6", "Sigmoid", "Softmax", "Abs", "Exp", "SoftPlus")
INHERITING = (
    "MaxPooling", "AveragePooling", "GlobalAveragePooling", "SumPooling", "Reshape", "Concatenate", "Add2", "AddN",
    "Mul2", "Slice", "Split", "Transpose", "Unpooling", "Identity", "Dropout", "Mean", "Sum",
)  # fmt: skip
"""Functions that give nothing negative if they get nothing negative."""


def quantize_activations(
    root: Any,
    calibration: NDArray[Any] | Sequence[NDArray[Any]],
    *,
    types: Iterable[str] | None = None,
    method: Method = "fixed_point",
    bits: int = 8,
    activation_range: ActivationRange = "mse",
    percentile: float = 99.9,
    inputs: bool = True,
    name: str = "quantize",
) -> Any:
    """Insert quantizers into a graph.

    Parameters
    ----------
    root : nnabla.Variable, or a sequence or mapping of them
        The outputs of the graph, which stays as it is.
    calibration : array or sequence of array
        Samples (n, *shape) for each input of the graph, in the order of use.
    types : iterable of str, optional
        The kinds of function that get a quantizer; outputs of the graph are included. A kind that the graph does not
        have is a warning. By default all that compute new values, at the end of a row of layer, batch normalization and
        ReLU, but not at the graph's outputs.
    method : {"fixed_point", "min_max"}
        fixed_point: signed or unsigned powers of two; min_max: 2**bits even steps over the range, which contains 0.
    bits : int
        2 to 16.
    activation_range : {"max", "percentile", "mse"}
        How the power of two is chosen, as in `fpgaq quantize`.
    percentile : float
    inputs : bool
        Quantize the inputs of the graph too.
    name : str
        The scope of the parameters that hold the ranges of min_max.

    Returns
    -------
    The outputs of a new graph on the same inputs and parameters, in the form of `root`. Ranges never change.

    Raises
    ------
    UsageError
        Arguments out of range, samples that do not fit, or no function of any of the kinds.
    """
    if type(bits) is not int or not 2 <= bits <= 16:
        raise UsageError(f"bits is {bits!r}; an integer from 2 to 16 is needed")
    for label, value, choices in (("method", method, Method), ("activation_range", activation_range, ActivationRange)):
        if value not in get_args(choices):
            raise UsageError(f"{label} is {value!r}; one of {', '.join(get_args(choices))} is needed")
    leaves = graph_inputs(root)
    samples = [calibration] if isinstance(calibration, np.ndarray) else list(calibration)
    selected = _selected(root, None if types is None else tuple(types))
    places = [output for function in selected for output in function.outputs]
    found = observe(root, [*leaves, *places] if inputs else places, leaves, samples)
    positive = _nonnegative(root, leaves, found)

    def quantizer(old: Any, new: Any) -> Any:
        if method == "min_max":
            return _min_max(new, found[old], bits, name)
        signed = old not in positive
        frac = activation_frac(found[old], bits, signed, True, activation_range, percentile)
        return F.fixed_point_quantize(new, signed, bits, 2.0 ** -(bits - 1 if frac is None else frac))

    def replace(function: Function, sources: list[Any]) -> list[Any] | None:
        if function not in selected:
            return None
        made = same_function(function, sources)
        return [quantizer(old, new) for old, new in zip(function.outputs, made, strict=True)]

    front = {leaf: quantizer(leaf, leaf) for leaf in leaves} if inputs else {}
    return rebuild(root, replace, front)


def _selected(root: Any, types: tuple[str, ...] | None) -> set[Function]:
    known = functions(root)
    if types is not None:
        kinds = {function.info.type_name for function in known}
        absent = [kind for kind in types if kind not in kinds]
        note = f"types: the graph has no {', '.join(absent)}; it has {', '.join(sorted(kinds))}"
        if len(absent) == len(types):
            raise UsageError(note)
        if absent:
            warnings.warn(note, stacklevel=3)
        return {function for function in known if function.info.type_name in types}
    consumers: dict[Any, list[str]] = {}
    for function in known:
        for variable in function.inputs:
            consumers.setdefault(variable, []).append(function.info.type_name)
    ends = set(roots_of(root))
    # The graph also ends before functions that only turn logits into an answer.
    for function in reversed(known):
        if function.info.type_name in (*ENDS, "Reshape", "Identity") and function.outputs[0] in ends:
            ends.add(function.inputs[0])
    return {function for function in known if not _passed_over(function, consumers, ends)}


def _passed_over(function: Function, consumers: dict[Any, list[str]], ends: set[Any]) -> bool:
    kind, output = function.info.type_name, function.outputs[0]
    if kind in (*KEEPING, *ENDS) or output in ends or len(function.outputs) > 1:
        return True
    readers = consumers.get(output, [])
    merged = (*LINEAR, "Add2", "AddN", "Sub2", "BatchNormalization", "MulScalar", "AddScalar")
    if kind in ("MulScalar", "AddScalar") and all(reader in (*LINEAR, *TAKEN_IN) for reader in readers):
        # Scaling at the front of a network goes into the first layer.
        return function.inputs[0].parent is None or _passed_over(function.inputs[0].parent, consumers, ends)
    return kind in merged and len(readers) == 1 and readers[0] in TAKEN_IN


def _nonnegative(root: Any, leaves: Sequence[Any], found: dict[Any, ActivationStatistics]) -> set[Any]:
    known = {leaf for leaf in leaves if leaf in found and found[leaf].least >= 0}
    for function in functions(root):
        kind = function.info.type_name
        inherits = kind in INHERITING and all(variable in known for variable in function.inputs)
        unsigned = kind == "FixedPointQuantize" and not function.info.args["sign"]
        if kind in POSITIVE or inherits or unsigned:
            known.update(function.outputs)
    return known


def _min_max(variable: Any, statistics: ActivationStatistics, bits: int, name: str) -> Any:
    """The function of nnabla with its four numbers as parameters that are not trained; the range must contain 0."""
    shape = (1,) * len(variable.shape)
    low, high = min(statistics.least, 0.0), max(statistics.greatest, 0.0)
    if low == high:
        high = 1.0
    numbers = [
        new_parameter(f"{name}/{label}", np.full(shape, value), False)
        for label, value in (("qr_min", low), ("qr_max", high), ("ql_min", 0.0), ("ql_max", 2.0**bits - 1))
    ]
    # Less than eps is taken as eps by nnabla: the range is ours.
    return F.min_max_quantize(variable, *numbers, decay=1.0, x_min_max=False, ema=False, eps=1e-12)
