"""The options of quantization, checked on construction, and their TOML file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..base.choices import (
    ACTIVATION_RANGES,
    EDITIONS,
    METHODS,
    ROUNDINGS,
    WEIGHT_DELTAS,
    WEIGHT_ROUNDINGS,
    ActivationRange,
    Edition,
    Method,
    Rounding,
    WeightDelta,
    WeightRounding,
)
from ..base.errors import UsageError
from ..base.regular import read_text
from .methods import Rules, rules_of

LAYER_OPTIONS = (
    "weight_bits",
    "activation_bits",
    "method",
    "per_channel",
    "rounding",
    "narrow",
    "activation_range",
    "percentile",
    "weight_delta",
    "weight_rounding",
    "bias_correction",
    "max_shift_span",
    "table_bits",
    "scale_bits",
)
"""Options that a layer may override."""


@dataclass(frozen=True)
class QuantizeOptions:
    """How a network is quantized; docs/numerics.md states each rule and why the defaults are what they are.

    Parameters
    ----------
    weight_bits, activation_bits : int
        2 to 16. Weights are signed; activations are unsigned after a ReLU, else signed.
    per_channel : bool, optional
        One weight step for each output channel instead of one a layer; the last layer always has one.
    rounding : {"half_up", "half_away", "half_even", "floor"}
        The rule of every requantizer, and of the input (where floor gives way to half_up).
    narrow : bool
        Signed tensors and weights use the symmetric range, without the most negative code.
    activation_range : {"max", "percentile", "mse"}, optional
        The step of an activation: so that the calibrated maximum fits; so that `percentile` percent of the values
        fit; or the one of least mean squared error.
    percentile : float
        Above 50, at most 100; read by the percentile rule only.
    weight_delta : {"ceil", "floor", "mse", "output"}, optional
        The step of weights: 2 to the power of the ceiling or floor of log2(max|W| / (2**(bits - 1) - 1)); the
        power of two of least squared error; or the one of least squared error of the layer's output on the samples.
    weight_rounding : {"nearest", "hessian"}, optional
        Each weight to its nearest integer, or all of a channel together by the error of the layer's output.
    bias_correction : bool, optional
        Biases take up the mean error of the layer's output on the samples.
    equalize : bool
        Balance the ranges of neighbouring layers' channels first, by powers of two: exact in floating point.
    balance : bool
        Balance the values of neighbouring layers' channels first, which helps where activations have few bits.
    per_feature : bool
        Features whose ranges are far apart have input steps of their own; functions in front of the first weights are
        split.
    method : {"auto", "max", "percentile", "mse", "output"}
        What decides where the options above are None and name no rule.
    max_shift_span : int
        How far the requantization shifts of one layer may differ (per-channel steps only).
    input_scale, input_offset : float, optional
        The hardware's input integer is ``saturate(round(x * input_scale + input_offset))``.
    input_bits : int, optional
        2 to 16; by default 8, or `activation_bits` if that is more.
    output_bits : int, optional
        2 to 32; by default outputs leave at the accumulator's width.
    sum_bits : int
        2 to 16; at least as many have what only additions read, which no multiplier sees, and sums of pooled pixels.
    table_bits : int
        2 to 12: the index of the tables that stand for functions such as sigmoid.
    scale_bits : int
        4 to 24: the factors per channel of a batch normalization that no layer could take in, and of a PReLU.
    argmax : bool
        The hardware ends with the index of the greatest output instead of the outputs.
    edition : {"0.2", "0.1"}
        The release whose defaults and rules hold: "0.1" makes the same bytes as fpgaq 0.1.0.
    layers : mapping of str to mapping
        Overrides by the model's layer name; the keys are those of `LAYER_OPTIONS`.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    per_channel: bool | None = None
    rounding: Rounding = "half_up"
    narrow: bool = False
    activation_range: ActivationRange | None = None
    percentile: float = 99.9
    weight_delta: WeightDelta | None = None
    weight_rounding: WeightRounding | None = None
    bias_correction: bool | None = None
    equalize: bool = False
    balance: bool = False
    per_feature: bool = True
    method: Method = "auto"
    max_shift_span: int = 2
    input_scale: float | None = None
    input_offset: float | None = None
    input_bits: int | None = None
    output_bits: int | None = None
    sum_bits: int = 8
    table_bits: int = 10
    scale_bits: int = 16
    argmax: bool = False
    edition: Edition = "0.2"
    layers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_values({option.name: getattr(self, option.name) for option in fields(self)}, "")
        if not isinstance(self.layers, Mapping):
            raise UsageError(f"option layers is {self.layers!r}; a table of layer names is needed")
        for name, overrides in self.layers.items():
            if not isinstance(overrides, Mapping):
                raise UsageError(f"options of layer {name!r} are {overrides!r}; a table is needed")
            _refuse_unknown(overrides, LAYER_OPTIONS, f"layer {name!r}: ")
            _check_values(overrides, f"layer {name!r}: ")

    @property
    def first_edition(self) -> bool:
        """Whether the rules of 0.1.0 hold."""
        return self.edition == "0.1"

    @property
    def rules(self) -> Rules:
        """The rules of these options: those of the method, replaced by the ones that were given."""
        rules = rules_of(self.method, self.weight_bits, self.first_edition)
        named = {rule.name: getattr(self, rule.name) for rule in fields(Rules)}
        return replace(rules, **{name: value for name, value in named.items() if value is not None})

    @property
    def uses_percentile(self) -> bool:
        """Whether any activation's step is chosen by `percentile`."""
        every = [self, *(self.for_layer(name) for name in self.layers)]
        return any(options.rules.activation_range == "percentile" for options in every)

    def for_layer(self, name: str) -> QuantizeOptions:
        """These options with the overrides of one layer in force."""
        return replace(self, layers={}, **self.layers.get(name, {}))


def combine_options(path: str | Path | None, flags: Mapping[str, Any]) -> QuantizeOptions:
    """Options of a command line: defaults, then the file if there is one, then the flags that are not None."""
    values = {} if path is None else read_config(path)
    values.update({name: value for name, value in flags.items() if value is not None})
    _refuse_unknown(values, (option.name for option in fields(QuantizeOptions)), "")
    return QuantizeOptions(**values)


def read_config(path: str | Path) -> dict[str, Any]:
    """The checked contents of a TOML file of options."""
    try:
        import tomllib  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib  # type: ignore[no-redef,unused-ignore]

    try:
        values: dict[str, Any] = tomllib.loads(read_text(path, "a TOML file of options", UsageError))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not sound TOML ({error})") from None
    try:
        _refuse_unknown(values, (option.name for option in fields(QuantizeOptions)), "")
        QuantizeOptions(**values)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    return values


def _refuse_unknown(values: Iterable[str], allowed: Iterable[str], where: str) -> None:
    names = tuple(allowed)
    unknown = sorted(str(value) for value in values if value not in names)
    if unknown:
        raise UsageError(f"{where}unknown option {unknown[0]!r}; allowed: {', '.join(names)}")


_INTEGERS = {
    "weight_bits": (2, 16),
    "activation_bits": (2, 16),
    "sum_bits": (2, 16),
    "max_shift_span": (0, 16),
    "input_bits": (2, 16),
    "output_bits": (2, 32),
    "table_bits": (2, 12),
    "scale_bits": (4, 24),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "method": METHODS,
    "rounding": ROUNDINGS,
    "activation_range": ACTIVATION_RANGES,
    "weight_delta": WEIGHT_DELTAS,
    "weight_rounding": WEIGHT_ROUNDINGS,
    "edition": EDITIONS,
}
_OPTIONAL = (
    "input_bits",
    "output_bits",
    "input_scale",
    "input_offset",
    "per_channel",
    "activation_range",
    "weight_delta",
    "weight_rounding",
    "bias_correction",
)


def _check_values(values: Mapping[str, Any], where: str) -> None:
    for name, value in values.items():
        if value is None and name in _OPTIONAL:
            continue
        wanted = ""
        if name in _INTEGERS:
            least, greatest = _INTEGERS[name]
            if type(value) is not int or not least <= value <= greatest:
                wanted = f"an integer from {least} to {greatest}"
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                wanted = f"one of {', '.join(_CHOICES[name])}"
        elif name in ("per_channel", "narrow", "argmax", "bias_correction", "equalize", "balance", "per_feature"):
            if type(value) is not bool:
                wanted = "true or false"
        elif name in ("percentile", "input_scale", "input_offset"):
            wanted = _check_real(name, value)
        if wanted:
            raise UsageError(f"{where}option {name} is {value!r}; {wanted} is needed")


def _check_real(name: str, value: Any) -> str:
    """The requirement that a real-valued option does not meet; empty if it is fine."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "a finite number"
    if name == "percentile" and not 50 < value <= 100:
        return "a number above 50, at most 100,"
    if name == "input_scale" and not value > 0:
        return "a number above 0"
    return ""
