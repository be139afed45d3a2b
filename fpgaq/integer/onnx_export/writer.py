"""The ONNX graph under construction, and how real values are rounded to a tensor's integers in it.

ONNX runtimes compute these models in float32. Products of integers times powers of two are exact there, and so are
their sums while accumulators stay below 2**24. QuantizeLinear rounds ties to even where fpgaq rounds them up, so a
quarter of an accumulator step is added first: it decides ties and nothing else, and is exact below 2**22.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import FitError, UnsupportedError
from ...base.formats import Format
from ..graph import IntegerGraph, IntegerOperator, Requantize, Tensor

FORMS = ("qdq", "qonnx")
QONNX = "qonnx.custom_op.general"
EXACT = 1 << 24
"""Magnitudes to which float32 holds every integer."""
EXACT_QUARTERS = 1 << 22
PRODUCER = "fpgaq"


class Writer:
    """Nodes and constants in order; `real` names the real values of each tensor, `rank` tells their axes."""

    def __init__(self, graph: IntegerGraph, form: str) -> None:
        if form not in FORMS:
            raise UnsupportedError(f"format {form!r}; supported: {', '.join(FORMS)}")
        self.graph, self.form = graph, form
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.real: dict[str, str] = {}
        self.rank: dict[str, int] = {}
        self.wide = any(self._bits(tensor.format) > 8 for tensor in graph.tensors.values() if tensor.format.width <= 16)
        self._names: set[str] = set(graph.tensors) | set(graph.outputs)
        for name in graph.inputs:
            self._input(name)

    def _bits(self, fmt: Format) -> int:
        return 8 if fmt.width <= 8 else 16

    def fresh(self, name: str) -> str:
        """A name that no value has."""
        candidate, number = name, 1
        while candidate in self._names:
            number += 1
            candidate = f"{name}.{number}"
        self._names.add(candidate)
        return candidate

    def node(self, kind: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Append a node; its output's name is returned."""
        import onnx

        name = self.fresh(output)
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, values: Any, name: str, kind: Any = np.float32) -> str:
        """Add a constant."""
        import onnx

        label = self.fresh(name)
        self.initializers.append(onnx.numpy_helper.from_array(np.asarray(values, kind), label))
        return label

    def kind(self, tensor: Tensor) -> Any:
        """The integer type that holds a tensor."""
        fmt = tensor.format
        if fmt.width > 16:
            raise UnsupportedError(f"tensor {tensor.name!r} has {fmt.width} bits; ONNX has quantizers to 16")
        return np.dtype(f"{'' if fmt.signed else 'u'}int{self._bits(fmt)}").type

    def _input(self, name: str) -> None:
        """An input of integers, or for QONNX of real values on the input's grid."""
        tensor = self.graph.tensors[name]
        height, width, channels = tensor.shape
        if tensor.scale is not None or tensor.zero_point:
            raise UnsupportedError(
                f"input {name!r} has an arbitrary scale or a zero point: this network came from a quantized file, which"
                " is its ONNX form already"
            )
        if self.form == "qdq":
            zero = self.constant(0, f"{name}.zero", self.kind(tensor))
            step = self.constant(tensor.step, f"{name}.step")
            found = self.node("DequantizeLinear", (name, step, zero), f"{name}.real")
        else:
            found = self._quant(name, tensor, f"{name}.real")
        if tuple(self.graph.transforms[name].model_shape) != (channels, height, width):
            shape = self.constant([-1, channels, height, width], f"{name}.shape", np.int64)
            found = self.node("Reshape", (found, shape), f"{name}.image")
        self.real[name], self.rank[name] = found, 4

    def image(self, name: str) -> str:
        """The real values of a tensor as (batch, channels, height, width)."""
        if self.rank[name] == 4:
            return self.real[name]
        height, width, channels = self.graph.tensors[name].shape
        shape = self.constant([-1, channels, height, width], f"{name}.shape", np.int64)
        self.real[name], self.rank[name] = self.node("Reshape", (self.real[name], shape), f"{name}.image"), 4
        return self.real[name]

    def flat(self, name: str) -> str:
        """The real values of a tensor as (batch, features), channels first."""
        if self.rank[name] == 2:
            return self.real[name]
        return self.node("Flatten", (self.real[name],), f"{name}.flat", axis=1)

    def bounded(self, op: IntegerOperator, magnitude: int, rounded: bool) -> None:
        """Refuse accumulators that float32 does not hold."""
        limit = EXACT_QUARTERS if rounded else EXACT
        if magnitude >= limit:
            raise FitError(
                f"layer {op.name!r}: accumulators reach {magnitude:,}; in ONNX they are float32, which is exact to"
                f" {limit:,} here: use fewer bits for its weights or inputs"
            )

    def rounded(
        self, op: IntegerOperator, value: str, rule: Requantize, fracs: Sequence[int], target: Tensor, rank: int = 4
    ) -> None:
        """Round real sums of `fracs` fractional bits, one or one a channel, to the target's integers."""
        shifts = np.array(rule.shift * len(fracs) if len(rule.shift) == 1 else rule.shift)
        if not rule.plain:
            raise UnsupportedError(f"layer {op.name!r}: requantizes by a multiplier, zero point or clip")
        if rule.rounding == "half_away" and shifts.any():
            raise UnsupportedError(
                f"layer {op.name!r}: rounds half away from zero, which QuantizeLinear cannot be led to"
            )
        steps = np.ldexp(1.0, -np.array(fracs))
        moved = {"half_up": 0.25 * (shifts > 0), "half_even": 0.0 * shifts}.get(rule.rounding)
        if moved is None:  # floor
            moved = np.where(shifts > 0, 0.25 - np.ldexp(0.5, shifts), 0.0)
        constant = (moved * steps).astype(np.float32)
        if constant.any():
            shape = (1, -1, 1, 1)[:rank] if len(set(constant.tolist())) > 1 else (1,)
            values = constant.reshape(shape) if len(shape) > 1 else constant[:1]
            value = self.node("Add", (value, self.constant(values, f"{op.name}.quarter")), f"{op.name}.moved")
        if rule.relu:
            value = self.node("Relu", (value,), f"{op.name}.relu")
        self.store(value, target, rank)

    def store(self, value: str, target: Tensor, rank: int = 4) -> None:
        """Quantize real values to a tensor, whose real values are then known."""
        name, fmt = target.name, target.format
        if self.form == "qonnx":
            self.real[name] = self._quant(value, target, f"{name}.real")
        else:
            kind = self.kind(target)
            info = np.iinfo(kind)
            if (fmt.minimum, fmt.maximum) != (info.min, info.max):
                ends = [
                    self.constant(end * target.step, f"{name}.{label}")
                    for label, end in (("least", fmt.minimum), ("greatest", fmt.maximum))
                ]
                value = self.node("Clip", (value, *ends), f"{name}.clipped")
            step, zero = self.constant(target.step, f"{name}.step"), self.constant(0, f"{name}.zero", kind)
            quantized = self.node("QuantizeLinear", (value, step, zero), f"{name}.integers")
            self.real[name] = self.node("DequantizeLinear", (quantized, step, zero), f"{name}.real")
        self.rank[name] = rank

    def _quant(self, value: str, tensor: Tensor, output: str) -> str:
        fmt = tensor.format
        if fmt.width > 16:
            raise UnsupportedError(f"tensor {tensor.name!r} has {fmt.width} bits; quantizers are written to 16")
        parts = (
            self.constant(tensor.step, f"{output}.step"),
            self.constant(0.0, f"{output}.zero"),
            self.constant(float(fmt.width), f"{output}.bits"),
        )
        return self.node(
            "Quant",
            (value, *parts),
            output,
            QONNX,
            signed=int(fmt.signed),
            narrow=int(fmt.narrow),
            rounding_mode="ROUND",
        )

    def weights(self, op: IntegerOperator, values: NDArray[np.int64], weight_frac: Sequence[int], width: int) -> str:
        """Weights (outputs, ...) as quantized constants.

        onnxruntime quantizes real weights between quantizers on its own account, so there must not be any.
        """
        fracs = np.array(weight_frac)
        single = len(set(weight_frac)) == 1
        steps = np.ldexp(1.0, -fracs).astype(np.float32)
        name = f"{op.name}.weight"
        if width > 16:
            raise UnsupportedError(f"layer {op.name!r}: weights of {width} bits; ONNX has quantizers to 16")
        if self.form == "qdq":
            self.wide |= width > 8
            stored = self.constant(values, f"{name}.integers", np.int8 if width <= 8 else np.int16)
            zeros = np.zeros(() if single else len(fracs), np.int8 if width <= 8 else np.int16)
            step = self.constant(steps[0] if single else steps, f"{name}.step")
            zero = self.constant(zeros, f"{name}.zero", zeros.dtype)
            if single:
                return self.node("DequantizeLinear", (stored, step, zero), name)
            return self.node("DequantizeLinear", (stored, step, zero), name, axis=0)
        shape = (-1, *(1,) * (values.ndim - 1))
        real = self.constant(values * steps.astype(np.float64).reshape(shape), f"{name}.real")
        parts = (
            self.constant(steps[0] if single else steps.reshape(shape), f"{name}.step"),
            self.constant(0.0, f"{name}.zero"),
            self.constant(float(width), f"{name}.bits"),
        )
        return self.node("Quant", (real, *parts), name, QONNX, signed=1, narrow=0, rounding_mode="ROUND")

    def finish(self) -> bytes:
        """The whole model; outputs have the model's own shapes and are real values."""
        import onnx
        from onnx import TensorProto

        outputs = []
        for name in self.graph.outputs:
            shape = self.graph.output_shapes[name]
            source = self.real[name]
            kind = TensorProto.INT64 if self.rank[name] == 0 else TensorProto.FLOAT
            height, width, channels = self.graph.tensors[name].shape
            known = {2: (channels,), 4: (channels, height, width)}.get(self.rank[name])
            kind_of, inputs_of = "Identity", [source]
            if known != tuple(shape):
                sizes = self.constant([-1, *shape], f"{name}.sizes", np.int64)
                kind_of, inputs_of = "Reshape", [source, sizes]
            self.nodes.append(onnx.helper.make_node(kind_of, inputs_of, [name], name=f"{name}.output"))
            outputs.append(onnx.helper.make_tensor_value_info(name, kind, ["batch", *shape]))
        inputs = []
        for name in self.graph.inputs:
            tensor = self.graph.tensors[name]
            element: int = TensorProto.FLOAT
            if self.form == "qdq":
                element = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self.kind(tensor)))
            shape = self.graph.transforms[name].model_shape
            inputs.append(onnx.helper.make_tensor_value_info(name, element, ["batch", *shape]))
        graph = onnx.helper.make_graph(self.nodes, self.graph.name or "network", inputs, outputs, self.initializers)
        opsets = [onnx.helper.make_opsetid("", 21 if self.wide else 13)]
        if self.form == "qonnx":
            opsets.append(onnx.helper.make_opsetid(QONNX, 1))
        model = onnx.helper.make_model(
            graph, opset_imports=opsets, producer_name=PRODUCER, ir_version=10 if self.wide else 8
        )
        return bytes(model.SerializeToString(deterministic=True))
