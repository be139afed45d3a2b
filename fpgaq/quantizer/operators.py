"""Each operator of a float graph to integer operators, in topological order, with the state of the conversion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..formats import Format, quantize_real
from ..functions import evaluate
from ..graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Slice,
    Transpose,
    Upsample,
    image_shape,
)
from ..integer_graph import (
    IntegerConcatenate,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerScale,
    IntegerSlice,
    IntegerTranspose,
    IntegerUpsample,
    Requantize,
    Tensor,
)
from .calibration import Statistics
from .config import QuantizeOptions
from .elements import (
    ChannelFactors,
    Wish,
    quantize_add,
    quantize_multiply,
    quantize_pooling,
    quantize_scale,
    quantize_table,
)
from .input_format import MIN_INPUT_BITS, Scale
from .layers import quantize_layer
from .plan import Stage, final_tensors, nonnegative_tensors, stages, wanted_formats
from .reshapes import reshape_operators
from .trace import Trace
from .transposed import as_convolution, spread_shape


@dataclass(frozen=True)
class Flow:
    """An integer tensor and the meaning of its integers."""

    tensor: Tensor
    scale: Scale = Scale()


class Conversion:
    """The integer operators and tensors so far, and the flow of each tensor of the float graph."""

    def __init__(
        self,
        graph: Graph,
        options: QuantizeOptions,
        statistics: Mapping[str, Statistics],
        reads: Counter[str],
        trace: Trace | None = None,
    ) -> None:
        self.trace = trace
        self.graph, self.options, self.statistics = graph, options, statistics
        self.stages = stages(graph, reads)
        self.nonnegative = nonnegative_tensors(graph, statistics)
        self.wanted = wanted_formats(graph, reads, statistics, self.nonnegative, options)
        self.final = final_tensors(graph)
        self.flows: dict[str, Flow] = {}
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[IntegerOperator] = []
        self.done: set[str] = set()

    def start(self, tensor: str, absorbed: tuple[str, ...], flow: Flow) -> None:
        """An input, and the tensor of the float graph after its leading constants."""
        self.tensors[flow.tensor.name] = flow.tensor
        self.flows[tensor] = flow
        self.done.update(absorbed)

    def convert(self, op: Operator) -> None:
        """Convert one operator, unless an earlier one has taken it in."""
        if op.output in self.done:
            return
        stage = self.stages[op.output]
        if isinstance(op, Reshape):
            self._reshape(op, stage.output)
        else:
            self._convert(op, tuple(self.flows[name] for name in op.inputs), stage)
        self.done.update(stage.absorbed)

    def finish(self) -> None:
        """Give each output of the network a tensor of its own name."""
        for name in self.graph.outputs:
            if name not in self.tensors:
                flow = self.flows[name]
                copy = IntegerSlice(f"{name}.copy", (flow.tensor.name,), name, (0, 0, 0))
                self._put(copy, flow.tensor.shape, flow.tensor.format)

    def _put(self, op: IntegerOperator, shape: tuple[int, int, int], fmt: Format) -> Tensor:
        tensor = Tensor(op.output, shape, fmt, op.output)
        self.operators.append(op)
        self.tensors[op.output] = tensor
        if self.trace is not None:
            self.trace.advance(op, self.tensors)
        return tensor

    def _fresh(self, name: str) -> str:
        while name in self.tensors or name in self.graph.shapes:
            name += "_"
        return name

    def _shape(self, tensor: str) -> tuple[int, int, int]:
        """(height, width, channels) of a tensor of the float graph."""
        channels, height, width = image_shape(tuple(self.graph.shapes[tensor]))
        return height, width, channels

    def _reshape(self, op: Reshape, output: str) -> None:
        """Write nothing where every reader takes the elements as they stand."""
        flow, shape = self.flows[op.input], self._shape(output)
        source = flow.tensor
        readers = self.graph.consumers(output)
        if source.shape != shape and not all(isinstance(reader, Affine | Reshape) for reader in readers):
            for operator, written in reshape_operators(op, source, shape, self._fresh):
                source = self._put(operator, written, flow.tensor.format)
        self.flows[output] = Flow(source, flow.scale)

    def _convert(self, op: Operator, flows: tuple[Flow, ...], stage: Stage) -> None:
        if isinstance(op, Deconvolution):
            op, flows = self._spread(op, flows[0])
        options = self.options.for_layer(op.name)
        if isinstance(op, Convolution | Affine):
            options = self._first_layer_options(op, flows[0].tensor, options)
            final = stage.output in self.final
            layer = quantize_layer(
                op, flows[0].tensor, flows[0].scale, options, self.statistics[stage.values], stage.relu, final,
                self._wanted(stage), self.trace,
            )  # fmt: skip
            self._write(stage, op, layer.operator, layer.format)
        elif isinstance(op, MaxPooling | Slice | Pad | Upsample | Transpose | Concatenate):
            self._move(op, flows, stage)
        elif isinstance(op, Relu):
            self._relu(op, flows[0], stage)
        else:
            self._compute(op, flows, stage, options)

    def _first_layer_options(self, op: Operator, source: Tensor, options: QuantizeOptions) -> QuantizeOptions:
        """Weights on features that were never scaled have the inverse spread of scales, and need as much more width."""
        more = source.format.width - max(MIN_INPUT_BITS, options.activation_bits)
        given = self.options.input_bits is not None or "weight_bits" in self.options.layers.get(op.name, {})
        if source.name not in self.graph.inputs or more <= 0 or given:
            return options
        return replace(options, weight_bits=min(16, options.weight_bits + more))

    def _write(
        self, stage: Stage, op: Operator, operator: IntegerOperator, fmt: Format, scale: Scale | None = None
    ) -> None:
        tensor = self._put(replace(operator, output=stage.output), self._shape(op.output), fmt)
        self.flows[stage.output] = Flow(tensor, scale or Scale())

    def _wanted(self, stage: Stage) -> Format | None:
        return self.wanted.get(stage.values) or self.wanted.get(stage.output)

    def _wish(self, stage: Stage, options: QuantizeOptions) -> Wish:
        final = stage.output in self.final
        return Wish(
            statistics=self.statistics[stage.values],
            signed=stage.values not in self.nonnegative,
            relu=stage.relu,
            format=self._wanted(stage),
            bits=options.output_bits if final else options.activation_bits,
        )

    def _compute(self, op: Operator, flows: tuple[Flow, ...], stage: Stage, options: QuantizeOptions) -> None:
        wish, source = self._wish(stage, options), flows[0].tensor
        tensors = tuple(flow.tensor for flow in flows)
        operator: IntegerOperator
        if isinstance(op, Pointwise):
            operator, fmt = quantize_table(
                op.name, op.output, source, flows[0].scale, lambda x: evaluate(op.function, op.parameters, x),
                self.statistics[op.input], wish, options,
            )  # fmt: skip
        elif isinstance(op, Add):
            operator, fmt = quantize_add(op, tensors, wish, options)
        elif isinstance(op, Multiply):
            operator, fmt = quantize_multiply(op, tensors, wish, options)
        elif isinstance(op, AveragePooling):
            height, width, _ = self._shape(op.output)
            operator, fmt = quantize_pooling(op, source, (height, width), wish, options)
        else:
            factors = channel_factors(op, source.shape[2])
            operator, fmt = quantize_scale(op.name, op.output, source, factors, wish, options)
        self._write(stage, op, operator, fmt)

    def _relu(self, op: Relu, flow: Flow, stage: Stage) -> None:
        fmt = flow.tensor.format
        if fmt.signed:
            fmt = Format(max(1, fmt.width - 1), fmt.frac, False)
        self._write(stage, op, IntegerRelu(op.name, (flow.tensor.name,), op.output), fmt, flow.scale)

    def _move(self, op: Operator, flows: tuple[Flow, ...], stage: Stage) -> None:
        """Operators that keep values: maxima and movements."""
        tensor = flows[0].tensor
        name, inputs, output, fmt = op.name, (tensor.name,), op.output, tensor.format
        operator: IntegerOperator
        if isinstance(op, MaxPooling):
            operator = IntegerMaxPooling(name, inputs, output, op.kernel, op.stride, op.padding)
        elif isinstance(op, Pad):
            value = int(quantize_real(op.value, fmt)) if op.mode == "constant" else 0
            operator = IntegerPad(name, inputs, output, op.padding, op.mode, value)
        elif isinstance(op, Upsample):
            operator = IntegerUpsample(name, inputs, output, op.factor, False)
        elif isinstance(op, Slice):
            channel, row, column = (op.start[0], *(0, 0, *op.start[1:])[-2:])
            operator = IntegerSlice(name, inputs, output, (row, column, channel))
        elif isinstance(op, Transpose):
            operator = IntegerTranspose(name, inputs, output, _stream_axes(op.axes))
        else:
            fmt = self._common_format(op, flows)
            names = tuple(self._adapt(flow.tensor, fmt).name for flow in flows)
            operator = IntegerConcatenate(name, names, output)
        self._write(stage, op, operator, fmt, flows[0].scale)

    def _common_format(self, op: Operator, flows: tuple[Flow, ...]) -> Format:
        """The common format of all inputs of a Concatenate: theirs if they agree, else the planned one."""
        formats = {flow.tensor.format for flow in flows}
        return formats.pop() if len(formats) == 1 else self.wanted[op.output]

    def _adapt(self, tensor: Tensor, fmt: Format) -> Tensor:
        """The tensor in another format, by an exact shift and one rounding."""
        if tensor.format == fmt:
            return tensor
        name = f"{tensor.name}.{fmt.describe()}{'n' * fmt.narrow}"
        if name in self.tensors:
            return self.tensors[name]
        up, down = max(0, fmt.frac - tensor.format.frac), max(0, tensor.format.frac - fmt.frac)
        channels = tensor.shape[2]
        draft = IntegerScale(
            name=name,
            inputs=(tensor.name,),
            output=name,
            scale=np.full(channels, 1 << up, dtype=np.int64),
            offset=np.zeros(channels, dtype=np.int64),
            negative_scale=None,
            scale_width=up + 2,
            accumulator_width=max(2, tensor.format.width + up + 1),
            requantize=Requantize((down,), self.options.rounding),
        )
        return self._put(draft, tensor.shape, fmt)

    def _spread(self, op: Deconvolution, flow: Flow) -> tuple[Convolution, tuple[Flow, ...]]:
        """Zeros between the pixels, and then a plain convolution."""
        tensor = flow.tensor
        if op.stride != (1, 1):
            name = self._fresh(f"{op.output}.spread")
            operator = IntegerUpsample(f"{op.name}.spread", (tensor.name,), name, op.stride, True)
            tensor = self._put(operator, spread_shape(tensor.shape, op.stride), tensor.format)
        convolution, cut = as_convolution(op)
        if any(cut):
            top, bottom, left, right = cut
            height, width, channels = tensor.shape
            name = self._fresh(f"{op.output}.cut")
            inner = IntegerSlice(f"{op.name}.cut", (tensor.name,), name, (top, left, 0))
            tensor = self._put(inner, (height - top - bottom, width - left - right, channels), tensor.format)
        return convolution, (Flow(tensor, flow.scale),)


def _stream_axes(axes: tuple[int, ...]) -> tuple[int, int, int]:
    """Axes of (channels, height, width), (channels, length) or (features,) as axes of (height, width, channels)."""
    if len(axes) == 1:
        axes = (0, 1, 2)
    elif len(axes) == 2:
        axes = (2 * axes[0], 1, 2 * axes[1])
    place = (2, 0, 1)  # where the stream has channels, height and width
    return place[axes[1]], place[axes[2]], place[axes[0]]


def channel_factors(op: Operator, channels: int) -> ChannelFactors:
    """The factors and offsets of a normalization, a constant factor or a PReLU for each channel."""
    ones, zeros = np.ones(channels), np.zeros(channels)
    if isinstance(op, BatchNormalization):
        factor = 1.0 / np.sqrt(op.variance.astype(np.float64) + op.epsilon)
        if op.scale is not None:
            factor = factor * op.scale
        offset = -op.mean.astype(np.float64) * factor
        return ChannelFactors(factor, offset if op.offset is None else offset + op.offset)
    if isinstance(op, ScaleOffset):
        return ChannelFactors(ones * op.scale, zeros + op.offset)
    assert isinstance(op, Prelu)
    return ChannelFactors(ones, zeros, ones * op.slope.astype(np.float64))
