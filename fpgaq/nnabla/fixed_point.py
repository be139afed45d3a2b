"""Weights of an nnabla graph in fixed point, as nnabla's former FixedPointWeightConverter promised."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import nnabla as nn
import nnabla.functions as F  # noqa: N812
import numpy as np
from numpy.typing import NDArray

from ..base.errors import UsageError
from .parameters import LINEAR, channel_axes, layer_name, new_parameter, parameter_names
from .rebuild import Function, functions, rebuild, roots_of, same_function
from .statistics import kept_statistics

ARGUMENTS = ("sign", "n", "delta", "quantize")


@dataclass(frozen=True)
class Rule:
    """How one kind of parameter is quantized; `delta` None adapts to each layer, an array is one step a channel."""

    sign: bool
    n: int
    delta: float | NDArray[np.float64] | None
    quantize: bool
    floor: bool
    per_channel: bool


def convert_fixed_point(
    root: Any,
    *,
    black_list: Iterable[str] = (),
    params: Mapping[str, Any] | None = None,
    inner_prod_functions: Iterable[str] | None = None,
    call_forward: bool = False,
    floor: bool = False,
    args_fpq: Mapping[str, Any] | None = None,
    per_channel: bool = False,
    name: str = "fixed_point",
) -> Any:
    """Replace layers with weights by their fixed-point counterparts.

    Each weight and bias goes through a FixedPointQuantize before its layer, so that training reaches the float
    parameter straight through. Everything else, parameters and names included, stays.

    Parameters
    ----------
    root : nnabla.Variable, or a sequence or mapping of them
        The outputs of the graph, which stays as it is.
    black_list : iterable of str
        Layers to leave as they are: kinds of function ("Affine") or layers by the scope of their weight ("conv1/conv").
    params : mapping of str to nnabla.Variable, optional
        Where the names of parameters are looked up; by default nnabla's current parameter scope.
    inner_prod_functions : iterable of str, optional
        Which kinds are converted; by default Affine, Convolution, Deconvolution and DepthwiseConvolution.
    call_forward : bool
        Compute the new graph once; running statistics of batch normalization are left as they were.
    floor : bool
        Adaptive steps are ``2**floor(log2(max|W| / g))`` instead of ``2**ceil(...)``, with
        ``g = 2**(n - 1) - 1`` if signed, else ``2**n - 1``.
    args_fpq : mapping, optional
        sign_w, n_w, delta_w, quantize_w and the same with _b for biases. Defaults: signed, 8 bits for weights and 16
        for biases, quantized, delta None: adapted to each layer. A delta may be one number or, for weights, a sequence
        of powers of two, one for each output channel.
    per_channel : bool
        Adapt a weight's delta to each output channel.
    name : str
        The scope of the parameters that hold steps per channel.

    Returns
    -------
    The outputs of a new graph on the same inputs and parameters, in the form of `root`.

    Raises
    ------
    UsageError
        Arguments out of range, names that the graph does not have, or weights that an argument cannot hold.
    """
    rules = _rules(args_fpq or {}, floor, per_channel)
    kinds = tuple(LINEAR if inner_prod_functions is None else inner_prod_functions)
    unknown = [kind for kind in kinds if kind not in LINEAR]
    if unknown:
        raise UsageError(f"inner_prod_functions: {unknown[0]!r} has no fixed-point form; allowed: {', '.join(LINEAR)}")
    names = parameter_names() if params is None else {variable: label for label, variable in params.items()}
    left = _left_alone(root, tuple(black_list), names)
    chosen = {f for f in functions(root) if f.info.type_name in kinds and f not in left}
    done: dict[Any, Any] = {}
    plans = {f: _plan(f, rules, names) for f in chosen}  # all is checked before anything is registered

    def replace(function: Function, inputs: list[Any]) -> list[Any] | None:
        if function not in plans:
            return None
        quantized = []
        for old, new, plan in zip(function.inputs[1:], inputs[1:], plans[function], strict=True):
            key = (old, plan.key())
            if key not in done:
                done[key] = plan.apply(new, f"{name}/{names.get(old, 'W')}")
            quantized.append(done[key])
        return same_function(function, [inputs[0], *quantized])

    converted = rebuild(root, replace)
    if call_forward:
        with kept_statistics(converted):
            nn.forward_all(roots_of(converted))
    return converted


@dataclass(frozen=True)
class Plan:
    """The steps of one parameter: None leaves it as it is; one number, or an array that broadcasts to it."""

    sign: bool
    n: int
    delta: float | NDArray[np.float64] | None

    def key(self) -> tuple[Any, ...]:
        """Equal for equal plans: parameters that several layers share are quantized once."""
        delta = self.delta.tobytes() if isinstance(self.delta, np.ndarray) else self.delta
        return self.sign, self.n, delta

    def apply(self, variable: Any, label: str) -> Any:
        """The quantized variable."""
        if self.delta is None:
            return variable
        if not isinstance(self.delta, np.ndarray):
            return F.fixed_point_quantize(variable, self.sign, self.n, self.delta)
        return quantize_per_channel(variable, self.sign, self.n, self.delta, label)


def quantize_per_channel(variable: Any, sign: bool, n: int, delta: NDArray[np.float64], label: str) -> Any:
    """Quantize by powers of two that broadcast to the variable: W * 2**k, then delta 1, then / 2**k.

    nnabla's function takes one number. Scaling by powers of two loses nothing.
    """
    scale = new_parameter(f"{label}/scale", 1.0 / delta, False)
    return F.div2(F.fixed_point_quantize(F.mul2(variable, scale), sign, n, 1.0), scale)


def adaptive_delta(magnitude: float, sign: bool, n: int, floor: bool) -> float:
    """2**ceil or 2**floor of log2(magnitude / g), exact at powers of two; 1 for a magnitude of 0."""
    if magnitude == 0.0:
        return 1.0
    greatest = 2 ** (n - 1) - 1 if sign else 2**n - 1
    # A quotient of 0.5 to 1 times 2**exponent; division rounds, so the edge is checked by an exact product.
    exponent = math.frexp(magnitude / greatest)[1]
    delta = math.ldexp(1.0, exponent - 1)
    if floor:
        return delta if delta * greatest <= magnitude else delta / 2
    return delta if delta * greatest >= magnitude else delta * 2


def _rules(args: Mapping[str, Any], floor: bool, per_channel: bool) -> tuple[Rule, Rule]:
    allowed = [f"{argument}_{kind}" for kind in "wb" for argument in ARGUMENTS]
    unknown = sorted(set(args) - set(allowed))
    if unknown:
        raise UsageError(f"args_fpq: unknown key {unknown[0]!r}; allowed: {', '.join(allowed)}")
    return _rule(args, "w", 8, floor, per_channel), _rule(args, "b", 16, floor, False)


def _rule(args: Mapping[str, Any], kind: str, bits: int, floor: bool, per_channel: bool) -> Rule:
    sign, n = bool(args.get(f"sign_{kind}", True)), args.get(f"n_{kind}", bits)
    if type(n) is not int or not 1 + sign <= n <= 24:
        raise UsageError(f"args_fpq: n_{kind} is {n!r}; an integer from {1 + sign} to 24 is needed")
    delta = args.get(f"delta_{kind}")
    if delta is not None:
        steps = np.asarray(delta, dtype=np.float64)
        if steps.ndim > (kind == "w") or not (np.isfinite(steps) & (steps > 0)).all():
            raise UsageError(f"args_fpq: delta_{kind} is {delta!r}; a number above 0 is needed")
        if steps.ndim and (np.frexp(steps)[0] != 0.5).any():
            raise UsageError(f"args_fpq: delta_{kind} per channel is {delta!r}; powers of two are needed")
        delta = steps if steps.ndim else float(steps)
    return Rule(sign, n, delta, bool(args.get(f"quantize_{kind}", True)), floor, per_channel)


def _plan(function: Function, rules: tuple[Rule, Rule], names: dict[Any, str]) -> list[Plan]:
    return [
        _parameter_plan(function, variable, rule, names)
        for variable, rule in zip(function.inputs[1:], rules, strict=False)
    ]


def _parameter_plan(function: Function, variable: Any, rule: Rule, names: dict[Any, str]) -> Plan:
    layer = layer_name(function, names)
    if not rule.quantize or _is_quantized(variable):
        return Plan(rule.sign, rule.n, None)
    if variable.parent is not None:
        variable.forward()
    values = variable.d.astype(np.float64)
    if not np.isfinite(values).all():
        raise UsageError(f"layer {layer!r}: a parameter is not finite")
    if not rule.sign and values.min() < 0:
        raise UsageError(
            f"layer {layer!r}: a parameter is {values.min():g}, which unsigned fixed point has not; use sign"
        )
    axes = channel_axes(function) if variable == function.inputs[1] else (0,)
    if isinstance(rule.delta, np.ndarray):
        channels = math.prod(values.shape[axis] for axis in axes)
        if len(rule.delta) != channels:
            raise UsageError(f"layer {layer!r}: {len(rule.delta)} deltas for {channels} output channels")
        return Plan(rule.sign, rule.n, rule.delta.reshape(_broadcast(values.shape, axes)))
    if rule.delta is not None:
        return Plan(rule.sign, rule.n, rule.delta)
    if not rule.per_channel:
        magnitude = float(np.abs(values).max(initial=0.0))
        return Plan(rule.sign, rule.n, adaptive_delta(magnitude, rule.sign, rule.n, rule.floor))
    others = tuple(axis for axis in range(values.ndim) if axis not in axes)
    magnitudes = np.abs(values).max(axis=others)
    deltas = [adaptive_delta(float(m), rule.sign, rule.n, rule.floor) for m in magnitudes.reshape(-1)]
    return Plan(rule.sign, rule.n, np.array(deltas).reshape(_broadcast(values.shape, axes)))


def _broadcast(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size if axis in axes else 1 for axis, size in enumerate(shape))


def _is_quantized(variable: Any) -> bool:
    """Whether a FixedPointQuantize, perhaps with a scale per channel after it, writes the variable."""
    parent = variable.parent
    if parent is not None and parent.info.type_name in ("Div2", "Mul2"):
        parent = parent.inputs[0].parent
    return parent is not None and parent.info.type_name == "FixedPointQuantize"


def _left_alone(root: Any, black_list: tuple[str, ...], names: dict[Any, str]) -> set[Function]:
    left: set[Function] = set()
    for entry in black_list:
        found = {f for f in functions(root) if entry in (f.info.type_name, layer_name(f, names))}
        if not found:
            known = dict.fromkeys(layer_name(f, names) for f in functions(root) if f.info.type_name in LINEAR)
            raise UsageError(
                f"black_list: {entry!r} is neither a kind of function in the graph nor a layer; layers:"
                f" {', '.join(known)}"
            )
        left |= found
    return left
