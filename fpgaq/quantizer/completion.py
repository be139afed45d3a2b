"""Models of which a part is quantized: what the file leaves real is quantized here, and each such tensor is named.

What the file states stays as it is. Weights need no data. The step of a value comes from calibration samples that have
passed the integer layers in front of it, that of an input from samples, its range or `input_scale`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..base.errors import UnsupportedError, UsageError
from ..base.formats import Format
from ..base.preparation import Preparation
from ..integer.graph import InputTransform, IntegerGraph, IntegerOperator, Tensor
from ..integer.inputs import apply_transform
from ..integer.reference import run_operator, working_layout
from .calibration import ActivationStatistics, activation_frac, fitting_frac, summarize
from .config import QuantizeOptions
from .input_format import InputPlan, Scale, plan_input, real_plan
from .weights import QuantizedWeights, quantize_weights

FRAMES = 256
"""Calibration samples that pass the integer layers."""
MAX_ELEMENTS = 1 << 22
"""Elements of the input in these samples."""
SAMPLES = 8
"""Calibration samples that an integer graph keeps."""
SHOWN = 12
"""Tensors that the line about them names."""
OUTPUT_BITS, MAX_OUTPUT_BITS = 12, 16
"""Of outputs that cannot leave as accumulators, and the most that may be asked for."""

Source: TypeAlias = Callable[[tuple[str, ...], Mapping[str, tuple[int, ...]]], "Given"]
"""Calibration samples for inputs of these names and shapes."""

USED_BY = {
    "weights": ("weight_bits", "per_channel", "weight_delta", "narrow", "max_shift_span", "layers"),
    "values": ("activation_bits", "activation_range", "percentile", "narrow", "layers"),
    "input": ("input_scale", "input_offset", "input_bits", "activation_range", "percentile"),
    "output": ("output_bits",),
}
"""The options that each kind of completed tensor reads."""


@dataclass(frozen=True)
class Given:
    """Samples of each input in the model's units, and what brought the user's into them."""

    inputs: Mapping[str, NDArray[Any]]
    preparation: Preparation = Preparation()


@dataclass(frozen=True)
class Completed:
    """A tensor that fpgaq quantized and not the file: `kind` is one of `USED_BY`, or "bias"."""

    kind: str
    name: str
    format: str

    def line(self) -> str:
        """For people."""
        kind = {"weights": "weights of ", "bias": "bias of ", "values": "", "input": "input ", "output": "output "}
        return f"{kind[self.kind]}{self.name!r} ({self.format})"


class Completion:
    """What quantizes the tensors of which a file states nothing; `done` lists them.

    Parameters
    ----------
    options : QuantizeOptions, optional
    source : callable, optional
        Gives calibration samples.
    extent : (float, float), optional
        The range of inputs; random samples of it take the place of `source`.
    """

    def __init__(
        self,
        options: QuantizeOptions | None = None,
        source: Source | None = None,
        extent: tuple[float, float] | None = None,
    ) -> None:
        self.options = options or QuantizeOptions()
        self.done: list[Completed] = []
        self.extent = extent
        self._source = source
        self._given: Given | None = None
        self._asked: tuple[tuple[str, ...], Mapping[str, tuple[int, ...]]] = ((), {})
        self._integers: dict[str, NDArray[Any]] = {}
        self._ran = 0

    def add(self, kind: str, name: str, fmt: str) -> None:
        """Name a tensor."""
        entry = Completed(kind, name, fmt)
        if entry not in self.done:
            self.done.append(entry)

    def weights(self, layer: str, weight: NDArray[Any], together: bool) -> QuantizedWeights:
        """Weights with output channels first; `together` asks for one step, by which accumulators compare."""
        options = self.options.for_layer(layer)
        per_channel = False if together else options.rules.per_channel
        bits = options.weight_bits
        made = quantize_weights(weight.astype(np.float64), options, per_channel, bits - 1)
        least, greatest = min(made.frac), max(made.frac)
        span = f"2**{-least}" if least == greatest else f"2**{-greatest} to 2**{-least}"
        self.add("weights", layer, f"{bits} bits, step {span}")
        return made

    def values(self, name: str, layer: str, where: str, real: Callable[[], NDArray[np.float64]]) -> Format:
        """The format of values that nothing quantizes, by calibration samples.

        Raises
        ------
        UnsupportedError
            Without samples.
        """
        if not self.has_samples:
            raise UnsupportedError(
                f"{where}: reads {name!r}, which nothing quantizes; give calibration samples (--calibration), or put a"
                " quantizer there in the model"
            )
        options = self.options.for_layer(layer)
        statistics = summarize(name, real(), FRAMES << 10)
        fmt = self._format(statistics, options.activation_bits, options)
        self.add("values", name, fmt.describe())
        return fmt

    def _format(self, statistics: ActivationStatistics, bits: int, options: QuantizeOptions) -> Format:
        signed, rules = statistics.least < 0, options.rules
        frac = activation_frac(statistics, bits, signed, options.narrow, rules.activation_range, options.percentile)
        return Format(bits, 0 if frac is None else frac, signed, options.narrow and signed)

    def output(self, name: str, least: float, greatest: float) -> Format:
        """The format of an output that cannot leave as accumulators: no value of the range saturates."""
        bits = self.options.output_bits or OUTPUT_BITS
        if bits > MAX_OUTPUT_BITS:
            raise UsageError(f"--output-bits {bits}: output {name!r} needs a multiplier; to {MAX_OUTPUT_BITS} bits")
        signed = least < 0
        greater = max(abs(least), abs(greatest)) or 1.0
        fmt = Format(bits, fitting_frac(greater, (1 << (bits - signed)) - 1), signed)
        self.add("output", name, fmt.describe())
        return fmt

    def input(
        self, name: str, where: str, real: Callable[[NDArray[Any]], NDArray[Any]], binary: bool = False
    ) -> InputPlan:
        """How the host quantizes an input; `real` computes what the first layer sees of samples.

        With `binary` the step is a power of two.

        Raises
        ------
        UnsupportedError
            With neither samples nor a range nor a scale.
        """
        options = self.options
        if options.input_scale is not None:
            offset = options.input_offset or 0.0
            if offset % 1:
                raise UsageError(f"--input-offset {offset:g}: input {name!r} has a zero point; give a whole number")
            plan = InputPlan(Format(options.input_bits or 8, 0), options.input_scale, offset, Scale())
        elif self.has_samples:
            samples = real(self._samples_of(name))
            plan = (
                real_plan(samples, 1.0, 0.0, 0.0, options) if binary else plan_input(samples, (1.0, 0.0), (), options)
            )
        else:
            raise UnsupportedError(
                f"{where}: reads {name!r}, which nothing quantizes; give calibration samples (--calibration), or say"
                " how the host quantizes it (--input-scale and --input-bits, or --input-range)"
            )
        step = f" x {1 / plan.scale:.6g}" if plan.scale != 1 else ""
        self.add("input", name, plan.format.describe() + step)
        return plan

    @property
    def has_samples(self) -> bool:
        """Whether there are any, random ones included."""
        return self._source is not None

    def prepare(self, inputs: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Take note of a model's inputs, for which samples are asked if any value needs them."""
        self._asked = inputs, shapes

    def _samples_of(self, name: str) -> NDArray[Any]:
        if self._given is None:
            assert self._source is not None
            self._given = self._source(*self._asked)
        return np.asarray(self._given.inputs[name])

    def integers(
        self,
        tensors: Mapping[str, Tensor],
        operators: Sequence[IntegerOperator],
        transforms: Mapping[str, InputTransform],
    ) -> Mapping[str, NDArray[Any]]:
        """The integers of all tensors that are there so far, on the samples: (channels, height, width, frames)."""
        for name, transform in transforms.items():
            if name not in self._integers:
                samples = self._samples_of(name)
                frames = max(1, min(FRAMES, MAX_ELEMENTS // max(1, samples[0].size)))
                taken = apply_transform(transform, tensors[name].format, samples[:frames])
                self._integers[name] = working_layout(taken, tensors[name].format)
        for op in operators[self._ran :]:
            self._integers[op.output] = run_operator(op, tensors, self._integers)
        self._ran = len(operators)
        return self._integers

    def finished(self, graph: IntegerGraph) -> IntegerGraph:
        """The network with what was completed, the samples and their preparation."""
        if not self.done:
            return graph
        told = [{"kind": one.kind, "name": one.name, "format": one.format} for one in self.done]
        graph = replace(graph, options={**graph.options, "completed": told})
        if self._given is None:
            return graph
        graph = self._prepared(graph)
        random = self.extent is not None
        if random:
            return replace(graph, estimate_only=any(one.kind == "values" for one in self.done))
        kept = {
            name: apply_transform(
                replace(graph.transforms[name], preparation=Preparation()),
                graph.tensors[name].format,
                self._samples_of(name)[:SAMPLES],
            )
            for name in graph.inputs
        }
        return replace(graph, samples=kept)

    def _prepared(self, graph: IntegerGraph) -> IntegerGraph:
        assert self._given is not None
        prepared = self._given.preparation
        if not prepared.changes:
            return graph
        stated = [name for name, transform in graph.transforms.items() if transform.kind != "real"]
        if stated:
            raise UsageError(
                f"--mean, --std and --scale: the file quantizes input {stated[0]!r} itself; give samples in the model's"
                " own units"
            )
        return replace(
            graph,
            transforms={name: replace(one, preparation=prepared) for name, one in graph.transforms.items()},
        )

    def refuse_idle(self, model: str) -> None:
        """Refuse options and samples that nothing in the file left room for.

        Raises
        ------
        UsageError
            Naming what to leave out.
        """
        kinds = {one.kind for one in self.done}
        defaults = QuantizeOptions()
        given = [
            one.name for one in fields(self.options) if getattr(self.options, one.name) != getattr(defaults, one.name)
        ]
        used = {name for kind in kinds & USED_BY.keys() for name in USED_BY[kind]}
        idle = [name for name in given if name not in used]
        if not self.done and self._source is not None and self.extent is None:
            raise UsageError(
                f"{model}: is quantized already and states its own scales; leave the calibration samples out"
            )
        if idle and set(idle) <= {"input_scale", "input_offset", "input_bits"}:
            raise UsageError(f"{model}: quantizes its inputs itself; leave --input-scale and the like out")
        if idle and kinds.isdisjoint(USED_BY):
            raise UsageError(
                f"{model}: is quantized already and states its formats; leave the options of quantizing out"
            )
        if idle:
            raise UsageError(
                f"{model}: states a part of its formats, and option {idle[0]} would change nothing of the rest; leave"
                " it out"
            )
        layers = {one.name for one in self.done}
        unknown = [name for name in self.options.layers if name not in layers]
        if unknown:
            raise UsageError(f"{model}: options for layer {unknown[0]!r}, of which the file leaves nothing to quantize")
        if self._source is not None and kinds.isdisjoint(("values", "input")):
            what = "--input-range" if self.extent is not None else "the calibration samples"
            raise UsageError(f"{model}: states the formats of its inputs and values; leave {what} out")


def completed_line(told: Sequence[Mapping[str, str]]) -> str:
    """The line that tells of all of them."""
    shown = [Completed(one["kind"], one["name"], one["format"]).line() for one in told]
    more = f" and {len(shown) - SHOWN} more (--json lists them)" if len(shown) > SHOWN else ""
    return f"quantized by fpgaq, for the file does not state it: {', '.join(shown[:SHOWN])}{more}"
