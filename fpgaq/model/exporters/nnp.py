"""The writer of nnabla's .nnp files; it needs neither nnabla nor protobuf.

A zip of three members as `nnabla.utils.save` writes it: the version, the network as protobuf text with an executor, and
the parameters in HDF5. nnabla loads it for inference or for more training, and `fpgaq.load_model` reads it back.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UsageError
from ..graph import Affine, Array, Graph, Pointwise, check
from ..importers.nnp.functions import CONVERTERS
from .nnp_function import Sheet, dims, refusal
from .nnp_functions import write_pointwise
from .nnp_operators import WRITERS

EXECUTOR = "runtime"
_MOST_NAME = 60
_FIELDS = {
    "W": "weight",
    "b": "bias",
    "beta": "offset",
    "gamma": "scale",
    "mean": "mean",
    "var": "variance",
    "slope": "slope",
}
"""From the last part of a parameter's name to the operator's field."""


def dump_nnp(graph: Graph) -> bytes:
    """The content of an .nnp file that computes what `graph` does.

    Parameters
    ----------
    graph : Graph
        As it was read, or after passes; a Softmax that a pass cut off is not put back.

    Returns
    -------
    bytes
        The same for the same graph, wherever it runs. Parameters are called after their layers.

    Raises
    ------
    UnsupportedError
        For an operator or a function that nnabla does not have, by name.
    ModelError
        For a graph that is unsound.
    """
    sheet = _written(graph)
    names = _named_parameters(sheet)
    network = _network(graph, sheet, names)
    executor = {
        "name": EXECUTOR,
        "network_name": network["name"],
        "data_variable": [{"variable_name": name, "data_name": name} for name in graph.inputs],
        "output_variable": [{"variable_name": name, "data_name": name} for name in graph.outputs],
        "parameter_variable": [{"variable_name": name} for group in names for name in group.values()],
    }
    text = _text({"network": network, "executor": executor}).encode()
    return _zip({"nnp_version.txt": b"0.1\n", "network.nntxt": text, "parameter.h5": _hdf5(_arrays(sheet))})


def parameter_names(graph: Graph) -> dict[tuple[str, str], str]:
    """The parameters that `dump_nnp` writes, by the operator's output and "W", "b", "gamma" and so on."""
    sheet = _written(graph)
    return {
        (graph.operators[function.operator].output, key): name
        for function, names in zip(sheet.functions, _named_parameters(sheet), strict=True)
        for key, name in names.items()
    }


def save_nnp(graph: Graph, path: str | Path) -> None:
    """Write an .nnp file."""
    from ...base.output import write_file

    check_place(path)
    write_file(path, dump_nnp(graph))


def check_place(path: str | Path) -> None:
    """Raise UsageError if no .nnp can be written there, or if the name ends otherwise: nnabla goes by the ending."""
    from ...base.output import check_file

    if Path(path).suffix != ".nnp":
        raise UsageError(f"{path}: a model is written as .nnp; give a name that ends so")
    check_file(path)


def parameters_of(graph: Graph) -> dict[str, Array]:
    """The parameters of the file that `dump_nnp` writes, by name, in nnabla's shapes."""
    return _arrays(_written(graph))


def with_parameters(graph: Graph, values: Mapping[str, NDArray[Any]]) -> Graph:
    """The graph with other numbers in its layers, such as training found.

    Parameters
    ----------
    graph : Graph
        What `dump_nnp` wrote.
    values : mapping of str to array
        By the parameters' names in the file, in nnabla's shapes; further ones are not looked at.
    """
    sheet = _written(graph)
    operators: list[Any] = list(graph.operators)
    for function, names in zip(sheet.functions, _named_parameters(sheet), strict=True):
        op, changes = operators[function.operator], {}
        for key, name in names.items():
            if key not in _FIELDS:
                continue  # the steps of a grid, which stand next to the parameter
            field = _FIELDS[key]
            array = np.array(values[name], np.float32)
            array = array.T if isinstance(op, Affine) and key == "W" else array.reshape(getattr(op, field).shape)
            changes[field] = np.ascontiguousarray(array)
        if changes:
            operators[function.operator] = replace(op, **changes)
    return check(replace(graph, operators=tuple(operators)))


def _arrays(sheet: Sheet) -> dict[str, Array]:
    return {
        name: np.asarray(function.parameters[key], np.float32)
        for function, names in zip(sheet.functions, _named_parameters(sheet), strict=True)
        for key, name in names.items()
    }


def _written(graph: Graph) -> Sheet:
    """All operators as functions."""
    check(graph)
    sheet = Sheet(graph)
    for index, op in enumerate(graph.operators):
        sheet.operator = index
        if isinstance(op, Pointwise):
            write_pointwise(sheet, op)
        elif type(op) in WRITERS:
            WRITERS[type(op)](sheet, op)
        else:
            raise refusal(op, "nnabla has no such function")
    return sheet


def _network(graph: Graph, sheet: Sheet, parameters: list[dict[str, str]]) -> dict[str, Any]:
    """The network message."""
    buffers = {name: None for name in graph.inputs} | {function.output: None for function in sheet.functions}
    variables: list[dict[str, Any]] = [
        {
            "name": name,
            "type": "Buffer",
            "shape": dims(*(() if name in sheet.constants else (-1,)), *sheet.shape(name)),
        }
        for name in buffers
    ]
    functions = []
    for function, names in zip(sheet.functions, parameters, strict=True):
        for key, name in names.items():
            shape = dims(*function.parameters[key].shape)
            variables.append({"name": name, "type": "Parameter", "shape": shape})
        message: dict[str, Any] = {
            "name": function.name,
            "type": function.type,
            "input": [*function.inputs, *names.values()],
            "output": function.output,
        }
        if function.arguments:
            message[CONVERTERS[function.type][0]] = function.arguments
        functions.append(message)
    return {"name": graph.name or "network", "batch_size": 1, "variable": variables, "function": functions}


def _named_parameters(sheet: Sheet) -> list[dict[str, str]]:
    """For each function its parameters' names: the index keeps them apart, whatever the layers are called."""
    functions, prefix = sheet.functions, ""
    slugs = [re.sub(r"[^A-Za-z0-9_]+", "_", function.name)[:_MOST_NAME].strip("_") for function in functions]
    width = len(str(len(functions) - 1))
    while any(name.startswith(prefix) and name[len(prefix) :][:1].isdigit() for name in sheet.shapes):
        prefix += "p"
    return [
        {key: f"{prefix}{index:0{width}d}_{slug}/{key}" for key in function.parameters}
        for index, (function, slug) in enumerate(zip(functions, slugs, strict=True))
    ]


def _text(fields: Mapping[str, Any], indent: str = "") -> str:
    """Protobuf text of a nested mapping; a list is a repeated field. What proto3 takes for absent is left out."""
    lines = []
    for name, value in fields.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Mapping):
                lines.append(f"{indent}{name} {{\n{_text(item, indent + '  ')}{indent}}}\n")
            elif isinstance(value, list | tuple) or item:
                lines.append(f"{indent}{name}: {_scalar(item)}\n")
    return "".join(lines)


def _scalar(value: str | bool | int | float) -> str:
    if isinstance(value, bool):
        return "true"
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    return repr(value)


def _escaped(text: str) -> str:
    """Octal escapes for every byte that is not plain: the text format has no other that all readers take."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}" for byte in text.encode())


def _hdf5(arrays: Mapping[str, Array]) -> bytes:
    """The `.h5` member, with the attributes that nnabla writes."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for index, (name, array) in enumerate(arrays.items()):
            dataset = file.create_dataset(name, data=array, track_times=False)
            dataset.attrs["index"] = index
            # Running statistics are no weights: a solver must leave them alone.
            dataset.attrs["need_grad"] = not name.endswith(("/mean", "/var", "_scale", "_step"))
    return stream.getvalue()


def _zip(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()
