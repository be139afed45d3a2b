"""The ONNX file with what was completed in it, so that onnxruntime computes what the integer network does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .conversion import Conversion
from .values import Grid, Quantized

MICROSOFT = "com.microsoft"


def completed_model(data: bytes, owner: Conversion) -> bytes:
    """The model with integer weights and quantizers where `owner` completed it; `data` itself where it did not.

    Weights become integers with a DequantizeLinear, values get a QuantizeLinear and a DequantizeLinear in front of
    the nodes that read them rounded, and an output whose float bias was rounded loses what that took.
    """
    if not (owner.parameters or owner.rounded or owner.shifts):
        return data
    import onnx

    model = onnx.ModelProto.FromString(data)
    sheet = _Sheet(model, owner)
    for (output, index), weight in owner.parameters.items():
        sheet.take_weight(output, index, weight)
    for name, stored in owner.rounded.items():
        sheet.round(name, owner.grid(stored), owner.rewired[name])
    for name, lost in owner.shifts.items():
        sheet.shift(name, lost, len(owner.tensors[name].shape))
    sheet.finish()
    content: bytes = model.SerializeToString()
    return content


class _Sheet:
    """The model under change; nodes that are inserted stand in front of the first that reads them."""

    def __init__(self, model: Any, owner: Conversion) -> None:
        self.model, self.owner = model, owner
        self.before: dict[str, list[Any]] = {}
        """New nodes by the first output of the node that they stand in front of."""
        self.last: list[Any] = []
        self.nodes = {node.output[0]: node for node in model.graph.node if node.output}

    def constant(self, array: Any) -> str:
        from onnx import numpy_helper

        name = self.owner.fresh("completed")
        self.model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], place: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or self.owner.fresh("completed")
        made = helper.make_node(kind, list(inputs), [output], f"{kind}_{output}", **attributes)
        (self.before.setdefault(place, []) if place else self.last).append(made)
        return output

    def take_weight(self, output: str, index: int, weight: Quantized) -> None:
        """Integers with a DequantizeLinear in place of an input."""
        node = self.nodes[output]
        wide = weight.format.width > 8
        one = weight.scale.size == 1
        if one and not wide:
            scale, zero = self.constant(weight.scale[0]), self.constant(np.int8(0))
            integers = self.constant(weight.integers.astype(np.int8))
            node.input[index] = self.node("DequantizeLinear", (integers, scale, zero), output)
            return
        # Steps that are powers of two: the products are exact in float32.
        shape = [1] * weight.integers.ndim
        shape[weight.axis] = -1
        real = weight.integers * (weight.scale[0] if one else weight.scale.reshape(shape)).astype(np.float64)
        node.input[index] = self.constant(real.astype(np.float32))

    def round(self, name: str, grid: Grid, readers: Sequence[str]) -> None:
        """A quantizer and a dequantizer of a tensor, for some of its readers."""
        order = [node.output[0] for node in self.model.graph.node if node.output and node.output[0] in set(readers)]
        place, fmt = order[0], grid.format
        wide = fmt.width > 8
        kind = ("int16" if fmt.signed else "uint16") if wide else ("int8" if fmt.signed else "uint8")
        domain: dict[str, Any] = {"domain": MICROSOFT} if wide else {}
        scale, zero = self.constant(np.float32(grid.scale)), self.constant(np.array(grid.zero_point, kind))
        ends = [self.constant(np.float32((end - grid.zero_point) * grid.scale)) for end in (fmt.minimum, fmt.maximum)]
        held = name
        if fmt.width not in (8, 16) or fmt.narrow:
            held = self.node("Min", (self.node("Max", (name, ends[0]), place), ends[1]), place)
        integers = self.node("QuantizeLinear", (held, scale, zero), place, **domain)
        real = self.node("DequantizeLinear", (integers, scale, zero), place, **domain)
        for output in order:
            node = self.nodes[output]
            for index, known in enumerate(node.input):
                if known == name:
                    node.input[index] = real

    def shift(self, name: str, lost: Any, rank: int) -> None:
        """An output less a constant for each channel."""
        node = next(node for node in self.model.graph.node if name in node.output)
        inner = self.owner.fresh(f"{name}.whole")
        for one in self.model.graph.node:
            for names in (one.input, one.output):
                for index, known in enumerate(names):
                    if known == name:
                        names[index] = inner
        if node.output[0] == inner:
            self.before[inner] = self.before.pop(name, [])
        self.node("Sub", (inner, self.constant(lost.reshape(-1, *(1,) * (rank - 1)))), "", name)

    def finish(self) -> None:
        """Put the new nodes in their places."""
        ordered = []
        for node in self.model.graph.node:
            ordered += [*self.before.get(node.output[0] if node.output else "", []), node]
        del self.model.graph.node[:]
        self.model.graph.node.extend([*ordered, *self.last])
        domains = {entry.domain for entry in self.model.opset_import}
        if MICROSOFT not in domains:
            self.model.opset_import.add(domain=MICROSOFT, version=1)
        del self.model.graph.value_info[:]
