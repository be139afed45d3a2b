"""Networks that were trained in fixed point: the integer network that their own formats state, without calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..base.errors import FitError, UnsupportedError, UsageError
from ..base.formats import Format
from ..integer.check import check as check_integer
from ..integer.check.carried import CLIPPED
from ..integer.graph import (
    InputTransform,
    IntegerArray,
    IntegerGraph,
    IntegerOperator,
    IntegerRelu,
    IntegerSlice,
    IntegerTable,
    Requantize,
    Tensor,
)
from ..model.graph import (
    Affine,
    Convolution,
    Deconvolution,
    FixedPointQuantize,
    Graph,
    Operator,
    Pointwise,
    Relu,
    Reshape,
    ScaleOffset,
    check,
    image_shape,
)
from ..model.graph.fixed import ROUNDING
from .clips import clip_of, limited
from .completion import Completion
from .config import QuantizeOptions
from .drafts import relu_format, rescaled, shifts
from .fixed_completion import real_range, real_values, with_grids
from .fixed_layers import FORMS, Draft, make
from .fixed_tables import entries
from .reshapes import reshape_operators
from .transposed import Piece

SAMPLES = 8
"""Frames of random integers that the network carries for its bench: there are no calibration samples."""


def refuse_options(graph: Graph, options: QuantizeOptions | None, *, calibrated: bool) -> None:
    """Raise UsageError for options or calibration samples that a network which states its own formats cannot use."""
    if calibrated or options not in (None, QuantizeOptions()):
        raise UsageError(
            f"network {graph.name!r} was trained in fixed point and states its own formats; leave out the calibration"
            " samples and all options of the quantizer"
        )


def has_fixed_form(graph: Graph) -> bool:
    """Whether every operator has a form between formats of powers of two; a sign's input would be rounded first."""
    if any(isinstance(op, Pointwise) and op.function == "sign" for op in graph.operators):
        return False
    known = (FixedPointQuantize, Relu, Reshape, *FORMS)
    return all(isinstance(op, known) or _at_input(graph, op) or clip_of(op) is not None for op in graph.operators)


def _at_input(graph: Graph, op: Operator) -> bool:
    return isinstance(op, ScaleOffset) and op.input in graph.inputs


def quantize_fixed(graph: Graph, completion: Completion | None = None) -> IntegerGraph:
    """The integer network of a graph whose FixedPointQuantize operators and parameter grids state all formats.

    Parameters
    ----------
    graph : Graph
        As the standard passes leave it.
    completion : Completion, optional
        What quantizes the tensors and parameters of which the network states nothing; without it they are refused.

    Raises
    ------
    UnsupportedError
        A tensor or parameter that nothing quantizes, or an operator that no integer operator computes; by name.
    FitError
        Formats that no shift leads to.
    """
    integer = check_integer(_Conversion(check(graph), completion).run())
    return integer if completion is None else completion.finished(integer)


class _Conversion:
    """Tensors of the float graph to integer tensors, or to drafts: layers whose result is not rounded yet."""

    def __init__(self, graph: Graph, completion: Completion | None) -> None:
        self.graph, self.completion = graph, completion
        self.rounded: dict[str, Tensor] = {}
        """Drafts that nothing quantizes, as the completion rounded them."""
        self.values: dict[str, Tensor | Draft] = {}
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[IntegerOperator] = []
        self.transforms: dict[str, InputTransform] = {}
        self.done: set[str] = set()
        self.reads: dict[str, int] = {}
        for name in (*graph.outputs, *(name for op in graph.operators for name in op.inputs)):
            self.reads[name] = self.reads.get(name, 0) + 1

    def run(self) -> IntegerGraph:
        if self.completion is not None:
            self.completion.prepare(self.graph.inputs, self.graph.shapes)
        for name in self.graph.inputs:
            self._input(name)
        for op in self.graph.operators:
            if op.output not in self.done:
                self._convert(op)
        for name in self.graph.outputs:
            self._output(name)
        return IntegerGraph(
            name=self.graph.name,
            inputs=self.graph.inputs,
            outputs=self.graph.outputs,
            tensors=self.tensors,
            operators=tuple(self.operators),
            transforms=self.transforms,
            output_shapes={name: tuple(self.graph.shapes[name]) for name in self.graph.outputs},
            samples={name: _stimuli(self.tensors[name], index) for index, name in enumerate(self.graph.inputs)},
            classifier=self.graph.classifier,
        )

    def _input(self, name: str) -> None:
        """The scale, offset and quantizer that stand at an input make its transform."""
        scale, offset, tensor = 1.0, 0.0, name
        fmt: Format | None = None
        while fmt is None:
            readers = self.graph.consumers(tensor)
            if len(readers) != 1 or not isinstance(readers[0], ScaleOffset | Reshape | FixedPointQuantize):
                break
            op = readers[0]
            self.done.add(op.output)
            tensor = op.output
            if isinstance(op, FixedPointQuantize):
                fmt = op.format
            elif isinstance(op, ScaleOffset):
                scale, offset = scale * op.scale, offset * op.scale + op.offset
        if fmt is None:
            fmt = self._open_input(name, scale, offset)
        while self.reads[tensor] == 1 and isinstance(self.graph.consumers(tensor)[0], Reshape):
            tensor = self.graph.consumers(tensor)[0].output
            self.done.add(tensor)
        shape = tuple(self.graph.shapes[tensor])
        flat = all(isinstance(reader, Affine) for reader in self.graph.consumers(tensor))
        image = (int(np.prod(shape)), 1, 1) if flat else image_shape(shape)
        self.transforms[name] = InputTransform(
            scale, offset, ROUNDING, tuple(self.graph.shapes[name]), (image[0], image[1], image[2])
        )
        self.tensors[name] = Tensor(name, (image[1], image[2], image[0]), fmt, name)
        self.values[tensor] = self.tensors[name]

    def _open_input(self, name: str, scale: float, offset: float) -> Format:
        """The format of an input that nothing quantizes, after a scale and an offset of the network."""
        if self.completion is None:
            raise UnsupportedError(
                f"input {name!r} is not quantized: a FixedPointQuantize must stand at the input, with at"
                " most constants before it (fpgaq.nnabla.quantize_activations puts it there)"
            )
        plan = self.completion.input(
            name, f"network {self.graph.name!r}", lambda samples: samples.astype(np.float64) * scale + offset, True
        )
        frac = round(np.log2(plan.scale))
        if plan.scale != 2.0**frac or plan.offset:
            raise UsageError(
                f"--input-scale {plan.scale:g}, --input-offset {plan.offset:g}: the network computes in powers of two;"
                " give such a scale and no offset"
            )
        return replace(plan.format, frac=plan.format.frac + frac)

    def _convert(self, op: Operator) -> None:
        if isinstance(op, FixedPointQuantize):
            self.values[op.output] = self._quantize(op)
        elif isinstance(op, Reshape):
            self.values[op.output] = self._reshaped(op)
        elif isinstance(op, Relu) and isinstance(self.values[op.input], Draft):
            self.values[op.output] = replace(self._draft(op.input), relu=True)
        elif self._is_clip(op):
            clip, draft = clip_of(op), self._draft(op.input)
            self.values[op.output] = replace(draft, clip=clip, relu=draft.relu or (clip is not None and clip.low == 0))
        else:
            sources = tuple(self._tensor(name, op) for name in op.inputs)
            if isinstance(op, Relu):
                self.values[op.output] = self._relu(op, sources[0])
                return
            if self.completion is not None and isinstance(op, Convolution | Affine | Deconvolution):
                op = with_grids(op, sources[0].format, self.completion, self._ends(op.output))
            made = make(op, sources, self._shape(op.output), self._adapt)
            if isinstance(made, Draft):
                self._put_all(made.before)
                self.values[op.output] = made
            else:
                self.values[op.output] = self._put_all(made.operators)[-1]

    def _is_clip(self, op: Operator) -> bool:
        """Whether an operator is a clip that the requantizer of the layer before it can be."""
        draft = self.values[op.inputs[0]]
        takes = isinstance(draft, Draft) and isinstance(draft.operator, CLIPPED) and draft.clip is None
        return takes and op.output not in self.graph.outputs and clip_of(op) is not None

    def _put_all(self, pieces: tuple[Piece, ...]) -> list[Tensor]:
        return [self._put(operator, shape, fmt) for operator, shape, fmt in pieces]

    def _put(self, op: IntegerOperator, shape: tuple[int, int, int], fmt: Format) -> Tensor:
        tensor = Tensor(op.output, shape, fmt, op.output)
        self.operators.append(op)
        self.tensors[op.output] = tensor
        return tensor

    def _shape(self, name: str) -> tuple[int, int, int]:
        channels, height, width = image_shape(tuple(self.graph.shapes[name]))
        return height, width, channels

    def _tensor(self, name: str, reader: Operator) -> Tensor:
        value = self.values[name]
        if isinstance(value, Draft) and self.completion is not None:
            if name not in self.rounded:
                where = f"layer {reader.name!r}"
                fmt = self.completion.values(name, value.operator.name, where, lambda: self._real(value))
                fmt = replace(fmt, frac=min(fmt.frac, *value.fracs)) if value.fracs else fmt
                self.rounded[name] = self._finish(value, fmt, self._fresh(f"{name}.rounded"), value.operator.name)
            return self.rounded[name]
        if isinstance(value, Draft):
            raise UnsupportedError(
                f"layer {value.operator.name!r}: nothing quantizes its output {name!r}, which layer {reader.name!r}"
                " reads; put a FixedPointQuantize after it (fpgaq.nnabla.quantize_activations)"
            )
        return value

    def _real(self, draft: Draft) -> NDArray[np.float64]:
        assert self.completion is not None
        integers = self.completion.integers(self.tensors, self.operators, self.transforms)
        return real_values(draft, self.tensors, integers)

    def _ends(self, name: str) -> bool:
        """Whether a tensor reaches an output before anything quantizes it."""
        if name in self.graph.outputs:
            return True
        stops = (FixedPointQuantize, Convolution, Affine, Deconvolution)
        return any(self._ends(op.output) for op in self.graph.consumers(name) if not isinstance(op, stops))

    def _draft(self, name: str) -> Draft:
        value = self.values[name]
        assert isinstance(value, Draft)
        if self.reads[name] > 1:
            raise UnsupportedError(
                f"layer {value.operator.name!r}: its output {name!r} is read {self.reads[name]} times before it is"
                " quantized; quantize it once, in front of the fork"
            )
        return value

    def _quantize(self, op: FixedPointQuantize) -> Tensor:
        if isinstance(self.values[op.input], Draft):
            return self._finish(self._draft(op.input), op.format, op.output, op.name)
        source = self._tensor(op.input, op)
        return source if _holds(op.format, source.format) else self._adapt(source, op.format, op.output)

    def _finish(self, draft: Draft, fmt: Format, output: str, name: str) -> Tensor:
        """A layer with the requantizer that a quantizer states."""
        if draft.relu and fmt.signed:
            # A tensor that is never negative has no use for the sign.
            fmt = Format(fmt.width - 1, fmt.frac, False)
        if isinstance(draft.operator, IntegerTable):
            table = entries(draft, fmt)
            return self._put(replace(draft.operator, table=table, output=output), draft.shape, fmt)
        steps = shifts(draft.fracs, fmt.frac)
        if min(steps) < 0:
            raise FitError(
                f"layer {draft.operator.name!r}: the quantizer {name!r} after it has {fmt.frac} fractional bits, its"
                f" accumulator {min(draft.fracs)}; a step of 2**{-min(draft.fracs)} or more is needed"
            )
        rule = Requantize(steps, ROUNDING, draft.relu or not fmt.signed)
        rule = rule if draft.clip is None else limited(rule, fmt, draft.clip)
        return self._put(replace(draft.operator, requantize=rule, output=output), draft.shape, fmt)  # type: ignore[call-arg]

    def _adapt(self, source: Tensor, fmt: Format, name: str | None = None) -> Tensor:
        """A tensor in another format, by an exact shift and one rounding."""
        name = name or f"{source.name}.{fmt.describe()}"
        if name in self.tensors:
            return self.tensors[name]
        return self._put(rescaled(source, fmt, name, ROUNDING), source.shape, fmt)

    def _relu(self, op: Relu, source: Tensor) -> Tensor:
        operator = IntegerRelu(op.name, (source.name,), op.output)
        return self._put(operator, source.shape, relu_format(source.format))

    def _reshaped(self, op: Reshape) -> Tensor | Draft:
        value, readers = self.values[op.input], self.graph.consumers(op.output)
        if all(isinstance(reader, Affine | Reshape) for reader in readers) or self._shape(op.output) == value.shape:
            return value
        if isinstance(value, Draft):
            raise UnsupportedError(
                f"layer {op.name!r}: reshapes {self.graph.shapes[op.input]} to {self.graph.shapes[op.output]} before it"
                " is quantized; put the FixedPointQuantize in front of it"
            )
        pieces = reshape_operators(op, value, self._shape(op.output), self._fresh)
        return self._put_all(tuple((piece, shape, value.format) for piece, shape in pieces))[-1]

    def _fresh(self, name: str) -> str:
        while name in self.tensors or name in self.graph.shapes:
            name += "_"
        return name

    def _output(self, name: str) -> None:
        """Outputs that nothing quantizes leave exact, where the layer can do that."""
        value = self.values[name]
        if isinstance(value, Draft):
            self._draft(name)
            fmt = value.exact_format()
            if fmt is None and self.completion is not None:
                fmt = self.completion.output(name, *real_range(value, self.tensors))
                fmt = replace(fmt, frac=min(fmt.frac, *value.fracs)) if value.fracs else fmt
                self._finish(value, fmt, name, name)
                return
            if fmt is None:
                raise UnsupportedError(
                    f"layer {value.operator.name!r}: nothing quantizes the output {name!r}; put a FixedPointQuantize"
                    " after it"
                )
            if value.leaves_accumulator():
                self._put(replace(value.operator, output=name), value.shape, fmt)
            else:
                self._finish(value, fmt, name, name)
        elif name not in self.tensors:
            copy = IntegerSlice(f"{name}.copy", (value.name,), name, (0, 0, 0))
            self._put(copy, value.shape, value.format)


def _holds(fmt: Format, source: Format) -> bool:
    """Whether quantizing to `fmt` changes no value of `source`."""
    if fmt.frac < source.frac:
        return False
    up = fmt.frac - source.frac
    return fmt.minimum <= source.minimum << up and source.maximum << up <= fmt.maximum


def _stimuli(tensor: Tensor, seed: int) -> IntegerArray:
    random = np.random.default_rng(seed)
    fmt = tensor.format
    return random.integers(fmt.minimum, fmt.maximum + 1, (SAMPLES, *tensor.shape), dtype=np.int64)
