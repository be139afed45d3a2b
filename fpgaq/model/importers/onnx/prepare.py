"""A model as exporters write it, brought into the form that is read: one file, no functions, fixed shapes.

PyTorch keeps the values of weights in a second file next to the model and may leave functions of its own in it. The
result is a model of the same meaning, which onnxruntime is asked about too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ....base.errors import ModelError, UnsupportedError
from .cut import cut
from .file import MAX_MODEL_BYTES, read_model
from .known_shapes import with_known_shapes
from .tensors import EXTERNAL, check_dimensions, storage_bytes

MAX_NODES = 100_000
"""Of all functions put in place of their calls."""


def prepared(
    data: bytes,
    folder: Path | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
) -> bytes:
    """The model with its values inside and without functions, of the given shapes and outputs.

    Parameters
    ----------
    data : bytes
        The .onnx file.
    folder : Path, optional
        Where its other files are; without it none is opened.
    input_shapes : mapping of str to sequence of int, optional
        Sizes of inputs, the batch in front, in place of those of the file.
    outputs : sequence of str, optional
        The outputs to keep, or other tensors of the model that become its outputs.
    inputs : sequence of str, optional
        Tensors of the model at which it begins, in place of its own inputs.

    Raises
    ------
    ModelError
        For a file of values outside the model's folder, a link, one too short; a name that is not there.
    UnsupportedError
        For functions that call themselves or grow too large.
    """
    model = read_model(data)
    changed = _take_values(model.graph, folder)
    changed |= _without_maps(model.graph)
    if len(model.functions):
        model, changed = _inlined(model), True
    declared = {value.name for value in model.graph.input}
    within = {} if inputs is None else {n: s for n, s in (input_shapes or {}).items() if n not in declared}
    if input_shapes:
        _set_shapes(model.graph, {n: s for n, s in input_shapes.items() if n not in within})
    if inputs:
        model = cut(with_known_shapes(model), inputs, outputs)
        _set_shapes(model.graph, within)
    elif outputs:
        model = cut(model, None, outputs)
    changed |= _with_batch(model.graph)
    return bytes(model.SerializeToString()) if changed or input_shapes or outputs or inputs else data


def _take_values(graph: Any, folder: Path | None) -> bool:
    """Read what initializers and constants keep in other files."""
    tensors = [(tensor, f"initializer {tensor.name!r}") for tensor in graph.initializer]
    for node in graph.node:
        tensors += [(attribute.t, f"layer {node.name!r}") for attribute in node.attribute if attribute.type == 4]
    found = [(tensor, where) for tensor, where in tensors if tensor.data_location == EXTERNAL or tensor.external_data]
    if folder is None or not found:
        return False
    left = MAX_MODEL_BYTES
    for tensor, where in found:
        values = _values(tensor, folder, where)
        left -= len(values)
        if left < 0:
            raise ModelError(
                f"keeps more than {MAX_MODEL_BYTES >> 20} MiB in other files; models of that size do not fit an"
                " FPGA: make it"
                " smaller"
            )
        del tensor.external_data[:]
        tensor.ClearField("data_location")
        tensor.raw_data = values
    return True


def _values(tensor: Any, folder: Path, where: str) -> bytes:
    """The bytes of one tensor: a plain file inside the model's own folder, the place and length within it."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    shown = repr(location[:200])
    path = PurePosixPath(location.replace("\\", "/"))
    if not location or path.is_absolute() or ".." in path.parts or location[1:2] == ":" or "\0" in location:
        raise ModelError(f"{where} keeps its values in {shown}, outside the model's folder; refused")
    unknown = set(entries) - {"location", "offset", "length", "checksum"}
    if unknown or len(entries) != len(tensor.external_data):
        raise ModelError(f"{where}: the entries {sorted(e.key for e in tensor.external_data)[:8]} are not understood")
    count = storage_bytes(tensor, where)
    offset, length = (_number(entries.get(key), default, where) for key, default in (("offset", 0), ("length", count)))
    if length != count:
        raise ModelError(f"{where} of shape {list(tensor.dims)} needs {count} bytes of {shown}; declares {length}")
    return _read(folder, path, offset, length, f"{where}: the file {shown} of its values")


def _number(text: str | None, default: int, where: str) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ModelError(f"{where}: {text[:40]!r} is no place in a file")
    return int(text)


def _read(folder: Path, path: PurePosixPath, offset: int, length: int, where: str) -> bytes:
    place = folder
    for part in path.parts:
        place = place / part
        if place.is_symlink():
            raise ModelError(f"{where} is a link, or in one; copy the file itself next to the model")
    try:
        # Opened without waiting, for what is there may be a pipe.
        handle = os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise ModelError(f"{where} is no regular file; copy it next to the model again")
        with os.fdopen(handle, "rb") as stream:
            if offset + length > status.st_size:
                raise ModelError(
                    f"{where} has {status.st_size} bytes; {offset + length} are needed: copy it next to the model again"
                )
            stream.seek(offset)
            values = stream.read(length)
    except FileNotFoundError:
        raise ModelError(
            f"{where} is not there; copy it next to the model, or export with external_data=False"
        ) from None
    except OSError as error:
        raise ModelError(f"{where} cannot be read ({error.strerror}); check its permissions") from None
    if len(values) != length:
        raise ModelError(f"{where} is shorter than it was; copy it next to the model again")
    return values


def _inlined(model: Any) -> Any:
    """The model with every function in place of its calls; what that makes is counted before."""
    import onnx.inliner

    functions = {(function.domain, function.name): function for function in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: Sequence[Any], path: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in path:
                raise UnsupportedError(f"function {node.op_type!r} calls itself; export plain operators")
            if key in functions and key not in sizes:
                sizes[key] = size(functions[key].node, (*path, key))
            total += sizes.get(key, 1)
            if total > MAX_NODES or len(path) > 64:
                raise ModelError(f"its functions hold more than {MAX_NODES} nodes or 64 levels; export plain operators")
        return total

    size(model.graph.node, ())
    try:
        inlined = onnx.inliner.inline_local_functions(model, True)
    except Exception as error:  # of the C++ side, without a class of its own
        raise ModelError(f"its functions cannot be put in place ({' '.join(str(error).split())[:200]})") from None
    if len(inlined.functions):
        names = sorted(function.name for function in inlined.functions)[:4]
        raise UnsupportedError(f"functions {names} could not be put in place; export plain operators")
    return read_model(inlined.SerializeToString())


def _without_maps(graph: Any) -> bool:
    """The probabilities themselves in place of ZipMap's dictionaries of them."""
    maps = [node for node in graph.node if node.op_type == "ZipMap" and node.domain == "ai.onnx.ml"]
    for node in maps:
        node.op_type, node.domain = "Identity", ""
        del node.attribute[:]
        for value in graph.output:
            if value.name in node.output:
                value.ClearField("type")
                value.type.tensor_type.elem_type = 1
    return bool(maps)


def _with_batch(graph: Any) -> bool:
    """A batch of one in front of column vectors: weights times a matrix of (features, 1) leave no axis for samples."""
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    data = [value for value in graph.input if value.name not in constants]
    for value in data:
        dims = value.type.tensor_type.shape.dim
        readers = [node for node in graph.node if value.name in node.input]
        column = len(dims) == 2 and dims[0].dim_value > 1 and dims[1].dim_value == 1
        left = all(node.op_type == "MatMul" and node.input[0] in constants for node in readers)
        if not (column and left and readers):
            return False
    for value in data:
        dims = value.type.tensor_type.shape.dim
        sizes = [dim.dim_value for dim in dims]
        del dims[:]
        for size in (1, *sizes):
            dims.add().dim_value = size
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    return bool(data)


def _set_shapes(graph: Any, shapes: Mapping[str, Sequence[int]]) -> None:
    inputs = {value.name: value for value in graph.input}
    for name, sizes in shapes.items():
        if name not in inputs:
            known = ", ".join(repr(known) for known in inputs)
            raise ModelError(f"--input-shape: no input {name!r}; the file has {known}")
        where = f"--input-shape: input {name!r}"
        tensor = inputs[name].type.tensor_type
        check_dimensions(sizes, where)
        if tensor.HasField("shape") and len(tensor.shape.dim) != len(sizes):
            raise ModelError(f"{where} has {len(tensor.shape.dim)} dimensions with the batch; {len(sizes)} given")
        for axis, (size, dim) in enumerate(zip(sizes, tensor.shape.dim, strict=False)):
            if axis and dim.HasField("dim_value") and dim.dim_value not in (0, size):
                raise ModelError(f"{where}: dimension {axis} is {dim.dim_value} in the file; {size} given")
        while len(tensor.shape.dim) < len(sizes):
            tensor.shape.dim.add()
        for size, dim in zip(sizes, tensor.shape.dim, strict=True):
            dim.dim_value = size
    # Shapes that were worked out for others do not hold.
    del graph.value_info[:]
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
