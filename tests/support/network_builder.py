"""Integer networks of chosen geometry with random weights and formats; every one passes `check`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.check import check
from fpgaq.integer.graph import (
    InputTransform,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
    Padding,
    Pair,
    Requantize,
    Tensor,
)
from fpgaq.model.graph import window_count


@dataclass
class NetworkBuilder:
    """Grows a network layer by layer from a seed; `graph` checks and returns it."""

    seed: int
    shape: tuple[int, int, int]
    input_format: Format = Format(8, 7)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    operators: list[IntegerOperator] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = np.random.default_rng(self.seed)
        self.tensors["t0"] = Tensor("t0", self.shape, self.input_format, "input")

    @property
    def last(self) -> Tensor:
        return list(self.tensors.values())[-1]

    def convolution(
        self,
        outputs: int,
        kernel: Pair = (3, 3),
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
        relu: bool = True,
        per_channel: bool = False,
        **arithmetic: object,
    ) -> NetworkBuilder:
        height, width, channels = self.last.shape
        weight, weight_format = self._weights((outputs, *kernel, channels // groups))
        rows = window_count(height, kernel[0], stride[0], dilation[0], padding[0], padding[1])
        columns = window_count(width, kernel[1], stride[1], dilation[1], padding[2], padding[3])
        fmt = self.last.format
        padding_value = int(self.chance.integers(fmt.minimum, fmt.maximum + 1)) if self.chance.random() < 0.3 else 0

        def make(**parts: object) -> IntegerConvolution:
            return IntegerConvolution(
                **self._names(),
                weight=weight,
                weight_format=weight_format,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
                padding_value=padding_value,
                **parts,
            )

        return self._finish(make, outputs, (rows, columns, outputs), relu, per_channel, **arithmetic)

    def affine(
        self, outputs: int, relu: bool = True, per_channel: bool = False, **arithmetic: object
    ) -> NetworkBuilder:
        weight, weight_format = self._weights((outputs, self.last.size))

        def make(**parts: object) -> IntegerAffine:
            return IntegerAffine(**self._names(), weight=weight, weight_format=weight_format, **parts)

        return self._finish(make, outputs, (1, 1, outputs), relu, per_channel, **arithmetic)

    def pool(self, kernel: Pair = (2, 2), stride: Pair = (2, 2), padding: Padding = (0, 0, 0, 0)) -> NetworkBuilder:
        height, width, channels = self.last.shape
        shape = (
            window_count(height, kernel[0], stride[0], 1, padding[0], padding[1]),
            window_count(width, kernel[1], stride[1], 1, padding[2], padding[3]),
            channels,
        )
        op = IntegerMaxPooling(**self._names(), kernel=kernel, stride=stride, padding=padding)
        return self._append(op, shape, self.last.format)

    def relu(self) -> NetworkBuilder:
        fmt = self.last.format
        return self._append(IntegerRelu(**self._names()), self.last.shape, replace(fmt, narrow=False))

    def graph(self) -> IntegerGraph:
        height, width, channels = self.shape
        fmt = self.input_format
        samples = self.chance.integers(fmt.minimum, fmt.maximum + 1, size=(2, *self.shape))
        image = (channels, height, width)
        return check(
            IntegerGraph(
                name=f"random {self.seed}",
                inputs=("t0",),
                outputs=(self.last.name,),
                tensors=self.tensors,
                operators=tuple(self.operators),
                transforms={"t0": InputTransform(1.0, 0.0, "half_up", image, image)},
                output_shapes={self.last.name: (self.last.size,)},
                samples={"t0": samples},
                classifier=False,
            )
        )

    def _names(self) -> dict[str, object]:
        index = len(self.operators)
        return {"name": f"layer{index}", "inputs": (self.last.name,), "output": f"t{index + 1}"}

    def _append(self, op: IntegerOperator, shape: tuple[int, int, int], fmt: Format) -> NetworkBuilder:
        self.operators.append(op)
        self.tensors[op.output] = Tensor(op.output, shape, fmt, op.name)
        return self

    def _weights(self, shape: tuple[int, ...]) -> tuple[np.ndarray, Format]:
        fmt = Format(int(self.chance.integers(2, 10)), 4)
        weight = self.chance.integers(fmt.minimum, fmt.maximum + 1, size=shape)
        # Both ends of the range, where sign and width faults show.
        weight.reshape(-1)[0] = fmt.minimum
        weight.reshape(-1)[-1] = fmt.maximum
        return weight, fmt

    def _finish(
        self,
        make: Callable[..., IntegerConvolution | IntegerAffine],
        outputs: int,
        shape: tuple[int, int, int],
        relu: bool,
        per_channel: bool,
        rounding: str | None = None,
        narrow: bool = False,
        requantize: bool = True,
    ) -> NetworkBuilder:
        spread = self.chance.integers(0, 3, size=outputs) if per_channel else np.zeros(outputs, dtype=np.int64)
        spread[0] = 0
        bias = self.chance.integers(-300, 301, size=outputs)
        fracs = tuple(int(4 + extra) for extra in spread)
        draft = make(bias=bias, weight_frac=fracs, accumulator_width=64, requantize=None)
        bounds = operator_bounds(draft, self.last.format)
        if not requantize:
            fracs = (4,) * outputs
            op = make(bias=bias, weight_frac=fracs, accumulator_width=bounds.width, requantize=None)
            return self._append(op, shape, Format(bounds.width, self.last.format.frac + 4))
        bits = int(self.chance.integers(3, 10))
        # Some results saturate, most do not.
        base = max(bounds.width - bits - 3, 0)
        shifts = tuple(int(base + extra) for extra in spread) if per_channel else (base,)
        signed = not relu or bool(self.chance.random() < 0.3)
        fmt = Format(bits, self.last.format.frac + 4 - base, signed=signed, narrow=narrow and signed)
        rule = Requantize(shifts, rounding or str(self.chance.choice(ROUNDINGS)), relu=relu)  # type: ignore[arg-type]
        op = make(bias=bias, weight_frac=fracs, accumulator_width=bounds.width, requantize=rule)
        return self._append(op, shape, fmt)
