"""Builds .nnp files in memory without nnabla, from layers in a chain or from raw text."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Layer:
    """One function of a chain; `parameters` are its inputs after the data, by suffix of their name."""

    type: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Array] = field(default_factory=dict)
    section: str = ""


def affine(name: str, weight: Array, bias: Array | None = None, base_axis: int = 1) -> Layer:
    """`weight` is nnabla's: (features, outputs)."""
    return Layer("Affine", name, {"base_axis": base_axis}, _weights(weight, bias), "affine_param")


def convolution(
    name: str,
    weight: Array,
    bias: Array | None = None,
    pad: Sequence[int] = (0, 0),
    stride: Sequence[int] = (1, 1),
    dilation: Sequence[int] = (1, 1),
    group: int = 1,
) -> Layer:
    arguments = {"base_axis": 1, "pad": shape(*pad), "stride": shape(*stride), "dilation": shape(*dilation)}
    return Layer("Convolution", name, {**arguments, "group": group}, _weights(weight, bias), "convolution_param")


def max_pooling(
    name: str,
    kernel: Sequence[int] = (2, 2),
    stride: Sequence[int] | None = None,
    pad: Sequence[int] = (0, 0),
    ignore_border: bool = True,
) -> Layer:
    arguments = {"kernel": shape(*kernel), "stride": shape(*(stride or kernel)), "pad": shape(*pad)}
    if ignore_border:
        arguments["ignore_border"] = True
    return Layer("MaxPooling", name, arguments, {}, "max_pooling_param")


def batch_normalization(
    name: str,
    mean: Array,
    variance: Array,
    scale: Array | None = None,
    offset: Array | None = None,
    eps: float = 1e-5,
    dimensions: int = 4,
    **arguments: Any,
) -> Layer:
    """Parameters of shape (channels,), written as (1, channels, 1, 1) or, with `dimensions` 2, (1, channels)."""
    given = {"beta": offset, "gamma": scale, "mean": mean, "var": variance}
    spread = (1, -1, *(1,) * (dimensions - 2))
    parameters = {
        key: np.asarray(value, np.float32).reshape(spread) for key, value in given.items() if value is not None
    }
    flags = {"no_scale": scale is None, "no_bias": offset is None}
    everything = {
        "axes": [1],
        "decay_rate": 0.9,
        "eps": eps,
        **{key: True for key, on in flags.items() if on},
        **arguments,
    }
    return Layer("BatchNormalization", name, everything, parameters, "batch_normalization_param")


def relu(name: str) -> Layer:
    return Layer("ReLU", name, {"inplace": True}, {}, "relu_param")


def softmax(name: str, axis: int = 1) -> Layer:
    return Layer("Softmax", name, {"axis": axis}, {}, "softmax_param")


def multiply(name: str, value: float) -> Layer:
    return Layer("MulScalar", name, {"val": value}, {}, "mul_scalar_param")


def add(name: str, value: float) -> Layer:
    return Layer("AddScalar", name, {"val": value}, {}, "add_scalar_param")


def reshape(name: str, *dims: int) -> Layer:
    """`dims` with the batch in front."""
    return Layer("Reshape", name, {"shape": shape(*dims)}, {}, "reshape_param")


def dropout(name: str) -> Layer:
    return Layer("Dropout", name, {"p": 0.5, "seed": -1}, {}, "dropout_param")


def shape(*dims: int) -> dict[str, list[int]]:
    """A Shape message."""
    return {"dim": list(dims)}


def _weights(weight: Array, bias: Array | None) -> dict[str, Array]:
    arrays = {"W": np.asarray(weight, np.float32)}
    return arrays if bias is None else {**arrays, "b": np.asarray(bias, np.float32)}


def message_text(fields: Mapping[str, Any], indent: str = "") -> str:
    """Protobuf text of a nested mapping; a list is a repeated field."""
    lines = []
    for name, value in fields.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Mapping):
                lines.append(f"{indent}{name} {{\n{message_text(item, indent + '  ')}{indent}}}\n")
            else:
                lines.append(f"{indent}{name}: {json.dumps(item, ensure_ascii=False)}\n")
    return "".join(lines)


def chain_fields(
    layers: Sequence[Layer], input_shape: Sequence[int], network: str = "main", batch: int = -1
) -> tuple[dict[str, Any], dict[str, Array]]:
    """The network message of a chain from tensor "x" to tensor "y", and its parameters by name."""
    variables: list[dict[str, Any]] = [{"name": "x", "type": "Buffer", "shape": shape(batch, *input_shape)}]
    functions, parameters, data = [], {}, "x"
    for index, layer in enumerate(layers):
        output = "y" if index == len(layers) - 1 else f"{layer.name}_out"
        names = {f"{layer.name}/{suffix}": np.asarray(array) for suffix, array in layer.parameters.items()}
        for name, array in names.items():
            variables.append({"name": name, "type": "Parameter", "shape": shape(*array.shape)})
        variables.append({"name": output, "type": "Buffer"})
        function: dict[str, Any] = {"name": layer.name, "type": layer.type, "input": [data, *names], "output": output}
        if layer.section:
            function[layer.section] = dict(layer.arguments)
        functions.append(function)
        parameters.update(names)
        data = output
    return {"name": network, "batch_size": 1, "variable": variables, "function": functions}, parameters


def executor_fields(
    network: str = "main", inputs: Sequence[str] = ("x",), outputs: Sequence[str] = ("y",)
) -> dict[str, Any]:
    """An executor message."""
    return {
        "name": "runtime",
        "network_name": network,
        "data_variable": [{"variable_name": name, "data_name": name} for name in inputs],
        "output_variable": [{"variable_name": name, "data_name": name} for name in outputs],
    }


def build_nnp(
    layers: Sequence[Layer],
    input_shape: Sequence[int],
    network: str = "main",
    batch: int = -1,
    parameter_format: str = "protobuf",
    **pack_options: Any,
) -> bytes:
    """An .nnp file of a chain of layers, with input "x" (shape without the batch) and output "y".

    `parameter_format` is "protobuf" or "h5"; the other options are those of `pack_nnp`.
    """
    fields, parameters = chain_fields(layers, input_shape, network, batch)
    text = message_text({"network": fields, "executor": executor_fields(network)})
    return pack_nnp(text, parameters, parameter_format, **pack_options)


def pack_nnp(
    text: str | bytes,
    parameters: Mapping[str, Array],
    parameter_format: str = "protobuf",
    compression: int = zipfile.ZIP_STORED,
    network_member: str = "network.nntxt",
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """Zip a network text and parameters."""
    encode = encode_h5 if parameter_format == "h5" else encode_protobuf
    members = {
        "nnp_version.txt": b"0.1\n",
        network_member: text.encode() if isinstance(text, str) else text,
        f"parameter.{parameter_format}": encode(parameters),
        **(extra or {}),
    }
    return zip_bytes(members, compression)


def zip_bytes(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file with a fixed date."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return stream.getvalue()


def varint(value: int) -> bytes:
    encoded = bytearray()
    value &= (1 << 64) - 1
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes((*encoded, value))


def wire_field(number: int, content: bytes | int) -> bytes:
    """A length-delimited or varint field of the protobuf wire format."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def encode_protobuf(parameters: Mapping[str, Array]) -> bytes:
    """The `.protobuf` member."""
    messages = []
    for name, array in parameters.items():
        values = np.asarray(array, "<f4")
        dims = b"".join(varint(dim) for dim in values.shape)
        data = struct.pack(f"<{values.size}f", *values.ravel().tolist())
        messages.append(
            wire_field(1, name.encode())
            + wire_field(20, wire_field(1, dims))
            + wire_field(100, data)
            + wire_field(101, 1)
        )
    return b"".join(wire_field(200, message) for message in messages)


def encode_h5(parameters: Mapping[str, Array]) -> bytes:
    """The `.h5` member, with the attributes that nnabla writes."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for index, (name, array) in enumerate(parameters.items()):
            dataset = file.create_dataset(name, data=np.asarray(array))
            dataset.attrs["index"] = index
            dataset.attrs["need_grad"] = True
    return stream.getvalue()
