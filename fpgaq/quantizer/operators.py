"""Each operator of a float graph to integer operators, in topological order, with the state of the conversion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..base.errors import UnsupportedError
from ..base.formats import Format, quantize_real
from ..integer.graph import (
    IntegerConcatenate,
    IntegerOperator,
    IntegerRelu,
    IntegerSlice,
    Tensor,
)
from ..model.functions import evaluate
from ..model.graph import (
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
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    image_shape,
)
from .calibration import ActivationStatistics
from .clips import with_clip
from .config import QuantizeOptions
from .drafts import relu_format, rescaled
from .elements import (
    MAX_TABLE_BITS,
    ChannelFactors,
    Wish,
    quantize_add,
    quantize_multiply,
    quantize_pooling,
    quantize_scale,
    quantize_table,
)
from .input_format import MIN_INPUT_BITS, Scale
from .movements import MOVEMENTS, movement
from .plan import Stage, final_tensors, nonnegative_tensors, stages, wanted_formats
from .reshapes import reshape_operators
from .trace import Trace
from .transposed import spread
from .weighted import quantize_layer
from .zero_points import SHIFTED, Offset, best_offset, takes_offset, with_offset


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
        statistics: Mapping[str, ActivationStatistics],
        reads: Counter[str],
        trace: Trace | None = None,
    ) -> None:
        self.trace = trace
        self.graph, self.options, self.statistics = graph, options, statistics
        self.stages = stages(graph, reads, options)
        self.nonnegative = nonnegative_tensors(graph, statistics, options)
        absorbed = frozenset(name for stage in self.stages.values() for name in stage.absorbed)
        self.wanted = wanted_formats(graph, reads, statistics, self.nonnegative, options, absorbed)
        self.final = final_tensors(graph)
        self.flows: dict[str, Flow] = {}
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[IntegerOperator] = []
        self.done: set[str] = set()
        self.features: set[str] = set()

    def start(self, tensor: str, absorbed: tuple[str, ...], flow: Flow) -> None:
        """An input, and the tensor of the float graph after its leading constants."""
        self.tensors[flow.tensor.name] = flow.tensor
        self.flows[tensor] = flow
        self.done.update(absorbed)
        wide = flow.tensor.format.width > max(MIN_INPUT_BITS, self.options.activation_bits)
        if wide or not self.options.first_edition:
            self.features.add(flow.tensor.name)

    def convert(self, op: Operator) -> None:
        """Convert one operator, unless an earlier one has taken it in."""
        if op.output in self.done:
            return
        stage = self.stages[op.output]
        CONVERSIONS[type(op)](self, op, tuple(self.flows[name] for name in op.inputs), stage)
        self.done.update(stage.absorbed)

    def finish(self) -> None:
        """Give each output of the network a tensor of its own name."""
        for name in self.graph.outputs:
            if name not in self.tensors:
                flow = self.flows[name]
                copy = IntegerSlice(f"{name}.copy", (flow.tensor.name,), name, (0, 0, 0))
                self._put(copy, flow.tensor.shape, flow.tensor.format)

    def _put(self, op: IntegerOperator, shape: tuple[int, int, int], fmt: Format, zero: int = 0) -> Tensor:
        tensor = Tensor(op.output, shape, fmt, op.output, zero_point=zero)
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

    def _reshape(self, op: Reshape, flows: tuple[Flow, ...], stage: Stage) -> None:
        """Write nothing where every reader takes the elements as they stand."""
        flow, shape = flows[0], self._shape(stage.output)
        source = flow.tensor
        readers = self.graph.consumers(stage.output)
        if source.shape != shape and not all(isinstance(reader, Affine | Reshape) for reader in readers):
            for operator, written in reshape_operators(op, source, shape, self._fresh):
                source = self._put(operator, written, flow.tensor.format, flow.tensor.zero_point)
        self.flows[stage.output] = Flow(source, flow.scale)

    def _weighted(self, op: Convolution | Affine, flows: tuple[Flow, ...], stage: Stage) -> None:
        source = flows[0]
        options = self._first_layer_options(op, source.tensor, self.options.for_layer(op.name))
        final, statistics = stage.output in self.final, self._statistics(stage)
        offset = self._offset(op, stage, options)
        wanted = offset.format if offset else self._wanted(stage)
        layer = quantize_layer(
            op, source.tensor, source.scale, options, statistics, stage.relu, final, wanted, self.trace
        )
        if offset and layer.format != offset.format:  # the accumulator is too coarse for the step
            offset = None
            layer = quantize_layer(
                op, source.tensor, source.scale, options, statistics, stage.relu, final, None, self.trace
            )
        self._write(stage, op, layer.operator, layer.format, offset=offset)

    def _offset(self, op: Operator, stage: Stage, options: QuantizeOptions) -> Offset | None:
        """Unsigned codes with an offset for what an operator writes, where they leave much less wrong."""
        signed = stage.values not in self.nonnegative and not stage.relu and stage.clip is None
        if not signed or stage.output in self.final or self._wanted(stage) is not None:
            return None
        if not takes_offset(self.graph, op, stage.output, self.options):
            return None
        return best_offset(self._statistics(stage), options.activation_bits, options)

    def _deconvolution(self, op: Deconvolution, flows: tuple[Flow, ...], stage: Stage) -> None:
        convolution, tensor, pieces = spread(op, flows[0].tensor, self._fresh)
        for operator, shape, fmt in pieces:
            self._put(operator, shape, fmt)
        self._weighted(convolution, (Flow(tensor, flows[0].scale),), stage)

    def _first_layer_options(self, op: Operator, source: Tensor, options: QuantizeOptions) -> QuantizeOptions:
        """Weights on features that were never scaled have the inverse spread of scales, and need as much more width."""
        # What the layer itself writes says nothing of the weights that its inputs need.
        usual = options.activation_bits if self.options.first_edition else self.options.activation_bits
        more = source.format.width - max(MIN_INPUT_BITS, usual)
        given = self.options.input_bits is not None or "weight_bits" in self.options.layers.get(op.name, {})
        if source.name not in self.features or more <= 0 or given:
            return options
        return replace(options, weight_bits=min(16, options.weight_bits + more))

    def _element_options(self, op: Operator, source: Tensor) -> QuantizeOptions:
        """A function of the network's input keeps its width.

        At fewer bits the smallest of features that were never scaled would be lost, and pixels their shades.
        """
        options, own = self.options.for_layer(op.name), self.options.layers.get(op.name, {})
        if self.options.first_edition or source.name not in self.features or self.options.input_bits is not None:
            return options
        self.features.add(self.stages[op.output].output)
        if source.format.width <= options.activation_bits:
            return options
        wide = {"activation_bits": source.format.width}
        if source.format.width > options.table_bits:
            wide["table_bits"] = MAX_TABLE_BITS
        return replace(options, **{name: bits for name, bits in wide.items() if name not in own})  # type: ignore[arg-type]

    def _write(
        self,
        stage: Stage,
        op: Operator,
        operator: IntegerOperator,
        fmt: Format,
        scale: Scale | None = None,
        offset: Offset | None = None,
        zero: int = 0,
    ) -> None:
        operator = with_clip(operator, fmt, stage.clip)
        if offset is not None:
            scale, zero = Scale(1.0, offset.constant), offset.zero
            if isinstance(operator, SHIFTED):
                operator = with_offset(operator, self.tensors[operator.input].format, zero)
        tensor = self._put(replace(operator, output=stage.output), self._shape(op.output), fmt, zero)
        self.flows[stage.output] = Flow(tensor, scale or Scale())

    def _statistics(self, stage: Stage) -> ActivationStatistics:
        """Of the values that an operator writes, or of those that maxima let pass, where nothing else reads them."""
        tensor, known = stage.values, stage.values
        readers = [] if self.options.first_edition else self.graph.consumers(stage.output)
        while len(readers) == 1 and isinstance(readers[0], MaxPooling | Reshape) and tensor not in self.graph.outputs:
            tensor = readers[0].output
            known = tensor if isinstance(readers[0], MaxPooling) else known
            readers = self.graph.consumers(tensor)
        return self.statistics[known]

    def _wanted(self, stage: Stage) -> Format | None:
        return self.wanted.get(stage.values) or self.wanted.get(stage.output)

    def _wish(self, stage: Stage, options: QuantizeOptions) -> Wish:
        final = stage.output in self.final
        return Wish(
            statistics=self._statistics(stage),
            signed=stage.values not in self.nonnegative,
            relu=stage.relu,
            format=self._wanted(stage),
            bits=options.output_bits if final else options.activation_bits,
        )

    def _table(self, op: Pointwise, flows: tuple[Flow, ...], stage: Stage) -> None:
        options = self._element_options(op, flows[0].tensor)
        offset, wish = self._offset(op, stage, options), self._wish(stage, options)
        constant = 0.0 if offset is None else offset.constant
        wish = wish if offset is None else replace(wish, format=offset.format)
        operator, fmt = quantize_table(
            op.name, op.output, flows[0].tensor, flows[0].scale,
            lambda x: evaluate(op.function, op.parameters, x) - constant,
            self.statistics[op.input], wish, options,
        )  # fmt: skip
        self._write(stage, op, operator, fmt, offset=offset)

    def _add(self, op: Add, flows: tuple[Flow, ...], stage: Stage) -> None:
        tensors = tuple(flow.tensor for flow in flows)
        options = self.options.for_layer(op.name)
        if all(tensor.name in self.features for tensor in tensors):
            options = self._element_options(op, max(tensors, key=lambda tensor: tensor.format.width))
        self._write(stage, op, *quantize_add(op, tensors, self._wish(stage, options), options))

    def _multiply(self, op: Multiply, flows: tuple[Flow, ...], stage: Stage) -> None:
        options = self.options.for_layer(op.name)
        tensors = tuple(flow.tensor for flow in flows)
        self._write(stage, op, *quantize_multiply(op, tensors, self._wish(stage, options), options))

    def _pooling(self, op: AveragePooling, flows: tuple[Flow, ...], stage: Stage) -> None:
        options = self.options.for_layer(op.name)
        height, width, _ = self._shape(op.output)
        wish = self._wish(stage, options)
        self._write(stage, op, *quantize_pooling(op, flows[0].tensor, (height, width), wish, options))

    def _scale(self, op: BatchNormalization | ScaleOffset | Prelu, flows: tuple[Flow, ...], stage: Stage) -> None:
        source = flows[0].tensor
        options = self._element_options(op, source)
        factors = channel_factors(op, source.shape[2])
        wish, offset = self._wish(stage, options), self._offset(op, stage, options)
        moved = wish if offset is None else replace(wish, format=offset.format)
        operator, fmt = quantize_scale(op.name, op.output, source, factors, moved, options)
        if offset and fmt != offset.format:  # the accumulator is too coarse for the step
            offset = None
            operator, fmt = quantize_scale(op.name, op.output, source, factors, wish, options)
        self._write(stage, op, operator, fmt, offset=offset)

    def _relu(self, op: Relu, flows: tuple[Flow, ...], stage: Stage) -> None:
        tensor = flows[0].tensor
        self._element_options(op, tensor)
        operator = IntegerRelu(op.name, (tensor.name,), op.output)
        self._write(stage, op, operator, relu_format(tensor.format), flows[0].scale)

    def _movement(self, op: Operator, flows: tuple[Flow, ...], stage: Stage) -> None:
        tensor = flows[0].tensor
        operator = movement(op, tensor, lambda value: int(quantize_real(value, tensor.format)))
        self._write(stage, op, operator, tensor.format, flows[0].scale, zero=tensor.zero_point)

    def _concatenate(self, op: Concatenate, flows: tuple[Flow, ...], stage: Stage) -> None:
        fmt = self._common_format(op, flows)
        names = tuple(self._adapt(flow.tensor, fmt).name for flow in flows)
        self._write(stage, op, IntegerConcatenate(op.name, names, op.output), fmt, flows[0].scale)

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
        return self._put(rescaled(tensor, fmt, name, self.options.rounding), tensor.shape, fmt)


CONVERSIONS: Mapping[type[Operator], Callable[[Conversion, Any, tuple[Flow, ...], Stage], None]] = {
    Convolution: Conversion._weighted,
    Affine: Conversion._weighted,
    Deconvolution: Conversion._deconvolution,
    Add: Conversion._add,
    Multiply: Conversion._multiply,
    AveragePooling: Conversion._pooling,
    BatchNormalization: Conversion._scale,
    ScaleOffset: Conversion._scale,
    Prelu: Conversion._scale,
    Pointwise: Conversion._table,
    Relu: Conversion._relu,
    Concatenate: Conversion._concatenate,
    Reshape: Conversion._reshape,
    **dict.fromkeys(MOVEMENTS, Conversion._movement),
}
"""Every operator that has an integer form."""


def check_operators(graph: Graph) -> None:
    """Refuse operators that have no integer form."""
    for op in graph.operators:
        if type(op) not in CONVERSIONS:
            raise UnsupportedError(
                f"layer {op.name!r}: {type(op).__name__} is not resolved by the passes and has no integer form;"
                f" supported: {', '.join(kind.__name__ for kind in CONVERSIONS)}"
            )


def channel_factors(op: BatchNormalization | ScaleOffset | Prelu, channels: int) -> ChannelFactors:
    """The scale of each channel by a normalization, a constant factor or a PReLU."""
    ones, zeros = np.ones(channels), np.zeros(channels)
    if isinstance(op, BatchNormalization):
        factor = 1.0 / np.sqrt(op.variance.astype(np.float64) + op.epsilon)
        if op.scale is not None:
            factor = factor * op.scale
        offset = -op.mean.astype(np.float64) * factor
        return ChannelFactors(factor, offset if op.offset is None else offset + op.offset)
    if isinstance(op, ScaleOffset):
        return ChannelFactors(ones * op.scale, zeros + op.offset)
    return ChannelFactors(ones, zeros, ones * op.slope.astype(np.float64))
