"""TensorFlow Lite files made by hand, through the schema's own builder."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9}
LAYOUTS = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "int64": "<i8", "int16": "<i2", "bool": "?"}


@dataclass
class TfliteBuilder:
    """Tensors and operators in order; `build` gives the bytes of the file."""

    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    tensors: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    version: int = 3
    identifier: bytes = b"TFL3"

    def tensor(self, shape, kind="int8", scale=(), zero=(), data=None, axis=0, name="", **more) -> int:
        """Add a tensor; with `data` it is a constant."""
        scale, zero = np.atleast_1d(np.asarray(scale, np.float32)), np.atleast_1d(np.asarray(zero, np.int64))
        index = len(self.tensors)
        self.tensors.append(
            {"shape": tuple(shape), "kind": kind, "scale": scale, "zero": zero, "axis": axis, **more}
            | {"data": None if data is None else np.asarray(data), "name": name or f"t{index}"}
        )
        return index

    def input(self, shape, kind="int8", scale=(), zero=(), name="") -> int:
        index = self.tensor(shape, kind, scale, zero, name=name or f"x{len(self.inputs)}")
        self.inputs.append(index)
        return index

    def node(self, kind: str, inputs, outputs, options: str = "", **values: Any) -> None:
        """Add an operator with its options: ``node("ADD", (0, 1), (2,), "AddOptions", FusedActivationFunction=1)``."""
        self.nodes.append({"kind": kind, "inputs": inputs, "outputs": outputs, "options": options, "values": values})

    def build(self) -> bytes:
        import flatbuffers
        import tflite

        builder = flatbuffers.Builder(1024)
        codes = sorted({node["kind"] for node in self.nodes})
        buffers = [_buffer(builder, tflite, b"")]
        tensors = []
        for entry in self.tensors:
            place = 0
            if entry["data"] is not None:
                layout = LAYOUTS.get(entry["kind"], {"uint8": "u1", "int8": "i1"}.get(entry["kind"]))
                place = len(buffers)
                buffers.append(_buffer(builder, tflite, entry["data"].astype(layout).tobytes()))
            tensors.append(_tensor(builder, tflite, entry, place))
        operators = [_operator(builder, tflite, node, codes.index(node["kind"])) for node in self.nodes]
        code_offsets = [_code(builder, tflite, kind) for kind in codes]
        graph = _subgraph(builder, tflite, self, tensors, operators)
        vectors = [
            _offsets(builder, tflite.ModelStartOperatorCodesVector, code_offsets),
            _offsets(builder, tflite.ModelStartSubgraphsVector, [graph]),
            _offsets(builder, tflite.ModelStartBuffersVector, buffers),
        ]
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, self.version)
        tflite.ModelAddOperatorCodes(builder, vectors[0])
        tflite.ModelAddSubgraphs(builder, vectors[1])
        tflite.ModelAddBuffers(builder, vectors[2])
        builder.Finish(tflite.ModelEnd(builder), file_identifier=self.identifier)
        return bytes(builder.Output())


def _offsets(builder, start, values) -> int:
    start(builder, len(values))
    for value in reversed(values):
        builder.PrependUOffsetTRelative(value)
    return builder.EndVector()


def _vector(builder, values, kind) -> int:
    return builder.CreateNumpyVector(np.asarray(values, kind))


def _buffer(builder, tflite, content: bytes) -> int:
    data = builder.CreateByteVector(content) if content else None
    tflite.BufferStart(builder)
    if data is not None:
        tflite.BufferAddData(builder, data)
    return tflite.BufferEnd(builder)


def _tensor(builder, tflite, entry, place: int) -> int:
    shape, name = _vector(builder, entry["shape"], "<i4"), builder.CreateString(entry["name"])
    signature = _vector(builder, entry["signature"], "<i4") if "signature" in entry else None
    quantization = None
    if entry["scale"].size:
        scale, zero = _vector(builder, entry["scale"], "<f4"), _vector(builder, entry["zero"], "<i8")
        tflite.QuantizationParametersStart(builder)
        tflite.QuantizationParametersAddScale(builder, scale)
        tflite.QuantizationParametersAddZeroPoint(builder, zero)
        tflite.QuantizationParametersAddQuantizedDimension(builder, entry["axis"])
        quantization = tflite.QuantizationParametersEnd(builder)
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, TYPES[entry["kind"]])
    tflite.TensorAddBuffer(builder, place)
    tflite.TensorAddName(builder, name)
    if quantization is not None:
        tflite.TensorAddQuantization(builder, quantization)
    if entry.get("variable"):
        tflite.TensorAddIsVariable(builder, True)
    if signature is not None:
        tflite.TensorAddShapeSignature(builder, signature)
    return tflite.TensorEnd(builder)


def _operator(builder, tflite, node, code: int) -> int:
    inputs, outputs = (_vector(builder, node[key], "<i4") for key in ("inputs", "outputs"))
    options = None
    if node["options"]:
        options = _options(builder, tflite, node["options"], node["values"])
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, node["options"]))
        tflite.OperatorAddBuiltinOptions(builder, options)
    return tflite.OperatorEnd(builder)


def _options(builder, tflite, kind: str, values) -> int:
    scope = vars(import_module(f"tflite.{kind}"))
    made = {key: _vector(builder, value, "<i4") if isinstance(value, list) else value for key, value in values.items()}
    scope[f"{kind}Start"](builder)
    for key, value in made.items():
        scope[f"{kind}Add{key}"](builder, value)
    return scope[f"{kind}End"](builder)


def _code(builder, tflite, kind: str) -> int:
    custom = builder.CreateString(kind) if not hasattr(tflite.BuiltinOperator, kind) else None
    number = tflite.BuiltinOperator.CUSTOM if custom is not None else getattr(tflite.BuiltinOperator, kind)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    if custom is not None:
        tflite.OperatorCodeAddCustomCode(builder, custom)
    # LiteRT has several versions of an operator, and runs all that it knows by the newest rules.
    tflite.OperatorCodeAddVersion(builder, VERSIONS.get(kind, 1))
    return tflite.OperatorCodeEnd(builder)


VERSIONS = {
    **dict.fromkeys(("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "ADD", "SUB", "MUL"), 4),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "CONCATENATION", "MEAN", "SOFTMAX", "LOGISTIC", "TANH"), 3),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD", "SPLIT", "SLICE", "LEAKY_RELU", "RELU", "RELU6", "QUANTIZE"), 2),
    **dict.fromkeys(("RESIZE_NEAREST_NEIGHBOR", "STRIDED_SLICE", "DEQUANTIZE", "ARG_MAX", "TRANSPOSE"), 2),
}
"""Versions that allow the types of integers."""


def _subgraph(builder, tflite, model: TfliteBuilder, tensors, operators) -> int:
    inputs, outputs = (_vector(builder, values, "<i4") for values in (model.inputs, model.outputs))
    name = builder.CreateString("main")
    vectors = [
        _offsets(builder, tflite.SubGraphStartTensorsVector, tensors),
        _offsets(builder, tflite.SubGraphStartOperatorsVector, operators),
    ]
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, vectors[0])
    tflite.SubGraphAddInputs(builder, inputs)
    tflite.SubGraphAddOutputs(builder, outputs)
    tflite.SubGraphAddOperators(builder, vectors[1])
    tflite.SubGraphAddName(builder, name)
    return tflite.SubGraphEnd(builder)
