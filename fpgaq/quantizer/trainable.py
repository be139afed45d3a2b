"""A float network with the formats of an integer one: the start of training in fixed point.

The graph computes in real numbers what the integer network computes in integers: a quantizer after every layer that
requantizes, a grid on every parameter. Its weights are still those of the float network, before rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..base.errors import UnsupportedError
from ..base.formats import Format
from ..integer.graph import (
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerGraph,
    IntegerScale,
    IntegerSumPooling,
    IntegerTable,
)
from ..model.graph import (
    Affine,
    Array,
    Concatenate,
    Convolution,
    Deconvolution,
    FixedPointQuantize,
    Graph,
    Grid,
    MaxPooling,
    Operator,
    Pointwise,
    Relu,
    Reshape,
    ScaleOffset,
    Softmax,
    check,
)
from ..model.graph.fixed import by_channel, from_channels
from .input_format import Scale
from .plan import count_reads, lead
from .sums import with_sums

Linear = Convolution | Affine | Deconvolution
NEAR = 0.2
"""How far from an integer, in steps, a weight may start that is rounded to it. Nearer to a half, the weights that were
rounded another way than to the nearest would turn back in the first steps, and what that had won would be lost."""
MIN_BIAS_BITS = 16
MAX_BIAS_BITS = 31


def trainable_graph(graph: Graph, integer: IntegerGraph) -> Graph:
    """The float graph with the formats of its integer network.

    Parameters
    ----------
    graph : Graph
        As the standard passes left it when it was quantized.
    integer : IntegerGraph
        What the quantizer made of it.

    Returns
    -------
    Graph
        Tensors keep their names, but for means that became sums. Rounding is half away from zero, and signed ranges of
        activations are symmetric, as nnabla computes; weights keep the range that they were quantized to.
        A classifier ends with its softmax again.

    Raises
    ------
    UnsupportedError
        A factor for each channel that no layer could take in: it has no fixed-point function.
    """
    sums = {op.name for op in integer.operators if isinstance(op, IntegerSumPooling) and op.divisor == (1,)}
    return check(_Builder(with_sums(graph, sums), integer).build())


@dataclass
class _Builder:
    graph: Graph
    integer: IntegerGraph

    def __post_init__(self) -> None:
        self.shapes = dict(self.graph.shapes)
        self.operators: list[Operator] = []
        self.alias: dict[str, str] = {}
        self.scales: dict[str, Scale] = {}
        self.layers = {
            op.name: op for op in self.integer.operators if isinstance(op, IntegerConvolution | IntegerAffine)
        }
        self.written = {op.name: op.output for op in self.integer.operators}
        self.producers = {op.output: op for op in self.graph.operators}
        self.formats = self._formats()

    def build(self) -> Graph:
        reads = count_reads(self.graph)
        absorbed: set[str] = set()
        for name in self.graph.inputs:
            leading = lead(self.graph, name, reads)
            absorbed.update(leading.absorbed)
            self._input(name, leading.tensor, leading.scale, leading.offset)
        for op in self.graph.operators:
            if op.output not in absorbed:
                self._add(op)
        graph = replace(self.graph, shapes=self.shapes, classifier=False).with_operators(tuple(self.operators))
        return with_softmax(graph) if self.graph.classifier else graph

    def _formats(self) -> dict[str, Format]:
        """The format of each tensor of the float graph that a requantizer writes, without reshapes."""
        formats: dict[str, Format] = {}
        for op in self.integer.operators:
            rule = getattr(op, "requantize", None)
            name, fmt = op.output, self.integer.tensors[op.output].format
            if rule is None or name not in self.graph.shapes:
                continue
            if isinstance(op, IntegerScale):
                raise UnsupportedError(
                    f"layer {op.name!r}: a factor for each channel that no layer takes in; it cannot be trained in"
                    " fixed point: move the normalization after a layer with weights, or quantize with --calibration"
                )
            width = getattr(op, "accumulator_width", 0)
            exact = not any(rule.shift) and width and fmt.width >= width - 1
            if name in self.integer.outputs and exact and not isinstance(op, IntegerTable):
                continue
            while isinstance(self.producers.get(name), Reshape):
                name = self.producers[name].input
            formats[name] = symmetric(fmt)
        return formats

    def _put(self, op: Operator, shape: tuple[int, ...]) -> str:
        self.shapes[op.output] = shape
        self.operators.append(op)
        return op.output

    def _fresh(self, base: str) -> str:
        while base in self.shapes:
            base += "_"
        return base

    def _quantize(self, source: str, fmt: Format, output: str) -> str:
        return self._put(FixedPointQuantize(f"{output}/fixed", (source,), output, fmt), self.shapes[source])

    def _input(self, name: str, tensor: str, scale: float, offset: float) -> None:
        """The transform and the format of an input in place of the model's own constants."""
        transform, shape = self.integer.transforms[name], self.graph.shapes[name]
        source = name
        if transform.scale != 1.0 or transform.offset != 0.0:
            scaled = ScaleOffset(
                f"{name}/transform", (name,), self._fresh(f"{name}.scaled"), transform.scale, transform.offset
            )
            source = self._put(scaled, shape)
        source = self._quantize(source, symmetric(self.integer.tensors[name].format), self._fresh(f"{name}.fixed"))
        if self.graph.shapes[tensor] != shape:
            reshape = Reshape(f"{name}/reshape", (source,), self._fresh(f"{name}.reshaped"))
            source = self._put(reshape, self.graph.shapes[tensor])
        factor = scale / transform.scale
        self.alias[tensor] = source
        self.scales[tensor] = Scale(factor, offset - transform.offset * factor)

    def _add(self, op: Operator) -> None:
        scale = self.scales.get(op.input, Scale())
        if scale != Scale():
            if isinstance(op, MaxPooling | Relu):
                self.scales[op.output] = scale
            elif isinstance(op, Convolution | Affine):
                op = _on_integers(op, scale)
                if isinstance(op, Convolution):
                    # The integer network may pad with the nearest integer.
                    layer = self.layers[op.name]
                    assert isinstance(layer, IntegerConvolution)
                    step = self.integer.tensors[layer.input].format.step
                    op = replace(op, padding_value=layer.padding_value * step)
            else:
                raise UnsupportedError(
                    f"layer {op.name!r}: {type(op).__name__} reads the input's integers, whose scale only layers with"
                    " weights take in; it cannot be trained in fixed point"
                )
        if isinstance(op, Convolution | Affine | Deconvolution):
            op = self._with_grids(op)
        inputs = tuple(self.alias.get(name, name) for name in op.inputs)
        if isinstance(op, Concatenate):
            inputs = self._joined(op, inputs)
        elif isinstance(op, Pointwise):
            inputs = (self._index(op, inputs[0]),)
        shape = self.graph.shapes[op.output]
        fmt = self.formats.get(op.output)
        if fmt is None:
            self._put(replace(op, inputs=inputs), shape)
            return
        real = self._put(replace(op, inputs=inputs, output=self._fresh(f"{op.output}.real")), shape)
        self._quantize(real, fmt, op.output)

    def _with_grids(self, op: Linear) -> Linear:
        layer = self.layers[op.name]
        fracs = layer.weight_frac
        source = self.integer.tensors[layer.input].format.frac
        weights = Grid(layer.weight_format.width, True, _short(fracs), layer.weight_format.narrow)
        # The quantizer may have rounded a weight another way, or clipped it: training starts from what it chose, as
        # near to the float weight as that allows.
        steps = np.ldexp(1.0, -np.asarray(fracs))[:, np.newaxis]
        chosen = _rows(op, layer, self.integer.tensors[layer.input].shape)
        rows = np.clip(by_channel(op) / steps, chosen - NEAR, chosen + NEAR) * steps
        weight = from_channels(op, rows.astype(np.float32))
        accumulators = tuple(source + frac for frac in fracs)
        bias = np.ldexp(layer.bias.astype(np.float64), -np.asarray(accumulators)).astype(np.float32)
        bits = min(MAX_BIAS_BITS, max(MIN_BIAS_BITS, int(np.abs(layer.bias).max()).bit_length() + 3))
        return replace(
            op, weight=weight, bias=bias, weight_grid=weights, bias_grid=Grid(bits, True, _short(accumulators))
        )

    def _joined(self, op: Concatenate, inputs: tuple[str, ...]) -> tuple[str, ...]:
        """The inputs in the format that the joined tensor has."""
        # A reshape that follows may have been taken in: then the joined tensor has the reshape's name.
        fmt = self.integer.tensors[self.written[op.name]].format
        names = []
        for own, name in zip(op.inputs, inputs, strict=True):
            held = self.integer.tensors[own].format if own in self.integer.tensors else None
            if held is not None and held != fmt:
                output = self._fresh(f"{own}.{fmt.describe()}")
                name = self._quantize(name, symmetric(fmt), output)
            names.append(name)
        return tuple(names)

    def _index(self, op: Pointwise, name: str) -> str:
        """The input of a table, in the format of its index."""
        tables = (t for t in self.integer.operators if isinstance(t, IntegerTable) and t.name == op.name)
        table = next(tables, None)
        # A clip that the layer before took in has none: its input is not rounded.
        if table is None or (
            table.requantize.shift == (0,)
            and self.integer.tensors[table.input].format.width <= table.index_format.width
        ):
            return name
        return self._quantize(name, symmetric(table.index_format), self._fresh(f"{op.output}.index"))


def _rows(op: Linear, layer: IntegerConvolution | IntegerAffine, shape: tuple[int, int, int]) -> IntegerArray:
    """The integer weights as (outputs, taps), the taps in the order of the float layer's."""
    if isinstance(layer, IntegerAffine):
        return layer.weight.reshape(-1, *shape).transpose(0, 3, 1, 2).reshape(len(layer.weight), -1)
    weight = layer.weight.transpose(0, 3, 1, 2)
    if isinstance(op, Deconvolution):
        weight = weight[:, :, ::-1, ::-1]
    return weight.reshape(len(weight), -1)


def symmetric(fmt: Format) -> Format:
    """The range that nnabla's function has: without the most negative code."""
    return replace(fmt, narrow=fmt.signed)


def _short(fracs: tuple[int, ...]) -> tuple[int, ...]:
    return fracs[:1] if len(set(fracs)) == 1 else tuple(fracs)


def _on_integers(op: Convolution | Affine, scale: Scale) -> Convolution | Affine:
    """The layer on an input whose values mean ``value * factor + constant``."""
    weight: NDArray[np.float64] = op.weight.astype(np.float64)
    bias = np.zeros(len(weight)) if op.bias is None else op.bias.astype(np.float64)
    bias = bias + scale.constant * weight.reshape(len(weight), -1).sum(axis=1)
    changed: dict[str, Array] = {
        "weight": (weight * scale.factor).astype(np.float32),
        "bias": bias.astype(np.float32),
    }
    if isinstance(op, Convolution):
        return replace(op, **changed, padding_value=(op.padding_value - scale.constant) / scale.factor)  # type: ignore[arg-type]
    return replace(op, **changed)  # type: ignore[arg-type]


def with_softmax(graph: Graph) -> Graph:
    """A classifier with the softmax at its end that a pass cut off; the logits get a name of their own."""
    (output,) = graph.outputs
    logits = f"{output}.logits"
    while logits in graph.shapes:
        logits += "_"
    shapes = {**graph.shapes, logits: graph.shapes[output]}
    operators = tuple(
        replace(
            op,
            output=logits if op.output == output else op.output,
            inputs=tuple(logits if name == output else name for name in op.inputs),
        )
        for op in graph.operators
    )
    softmax = Softmax(f"{output}/softmax", (logits,), output, 0)
    return replace(graph, shapes=shapes, classifier=False).with_operators((*operators, softmax))
