"""The integer network as JSON and arrays, both ways; every field is validated, unknown ones are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..errors import ModelError
from ..formats import ROUNDINGS, Format
from ..integer_graph import (
    InputTransform,
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Requantize,
    Tensor,
)
from .json_reader import JsonReader

VERSION = 1
GENERATOR = "fpgaq"
Arrays: TypeAlias = dict[str, NDArray[np.int64]]
Fetch: TypeAlias = Callable[[str], NDArray[np.int64]]

KINDS: dict[str, type[IntegerOperator]] = {
    "convolution": IntegerConvolution,
    "affine": IntegerAffine,
    "max_pooling": IntegerMaxPooling,
    "relu": IntegerRelu,
    "sum_pooling": IntegerSumPooling,
    "table": IntegerTable,
    "add": IntegerAdd,
    "multiply": IntegerMultiply,
    "scale": IntegerScale,
    "concatenate": IntegerConcatenate,
    "slice": IntegerSlice,
    "pad": IntegerPad,
    "upsample": IntegerUpsample,
    "transpose": IntegerTranspose,
    "reshape": IntegerReshape,
    "argmax": IntegerArgMax,
}
FIELDS: dict[str, tuple[str, ...]] = {
    "convolution": (
        *("weight", "bias", "weight_format", "weight_frac", "stride", "padding", "dilation", "groups"),
        *("padding_value", "accumulator_width", "requantize"),
    ),
    "affine": ("weight", "bias", "weight_format", "weight_frac", "accumulator_width", "requantize"),
    "max_pooling": ("kernel", "stride", "padding"),
    "relu": (),
    "sum_pooling": ("kernel", "stride", "padding", "divisor", "accumulator_width", "requantize"),
    "table": ("table", "index_format", "requantize"),
    "add": ("align", "signs", "accumulator_width", "requantize"),
    "multiply": ("accumulator_width", "requantize"),
    "scale": ("scale", "offset", "negative_scale", "scale_width", "accumulator_width", "requantize"),
    "concatenate": (),
    "slice": ("start",),
    "pad": ("padding", "mode", "value"),
    "upsample": ("factor", "zeros"),
    "transpose": ("axes",),
    "reshape": (),
    "argmax": (),
}
ARRAYS = ("weight", "bias", "table", "scale", "offset", "negative_scale")
FORMATS = ("weight_format", "index_format")
LENGTHS: dict[str, int | None] = {
    **{"stride": 2, "padding": 4, "dilation": 2, "kernel": 2, "factor": 2, "start": 3, "axes": 3},
    **dict.fromkeys(("weight_frac", "divisor", "align", "signs")),
}
"""Fields that hold integers, and how many."""


def describe(graph: IntegerGraph) -> tuple[dict[str, Any], Arrays]:
    """The JSON value of `graph` and the arrays that it refers to by member name."""
    arrays: Arrays = {}
    operators = [_describe_operator(op, index, arrays) for index, op in enumerate(graph.operators)]
    for index, name in enumerate(graph.inputs):
        arrays[f"samples_{index}.npy"] = graph.samples[name]
    return {
        "generator": GENERATOR,
        "version": VERSION,
        "name": graph.name,
        "classifier": graph.classifier,
        "inputs": [
            {
                "tensor": name,
                "samples": f"samples_{index}.npy",
                "scale": float(graph.transforms[name].scale),
                "offset": float(graph.transforms[name].offset),
                "rounding": graph.transforms[name].rounding,
                "model_shape": list(graph.transforms[name].model_shape),
                "image_shape": list(graph.transforms[name].image_shape),
            }
            for index, name in enumerate(graph.inputs)
        ],
        "outputs": [{"tensor": name, "model_shape": list(graph.output_shapes[name])} for name in graph.outputs],
        "tensors": [
            {
                "name": tensor.name,
                "label": tensor.label,
                "shape": list(tensor.shape),
                "format": _describe_format(tensor.format),
            }
            for tensor in graph.tensors.values()
        ],
        "operators": operators,
    }, arrays


def _describe_format(fmt: Format) -> dict[str, Any]:
    return {"width": fmt.width, "frac": fmt.frac, "signed": fmt.signed, "narrow": fmt.narrow}


def _describe_operator(op: IntegerOperator, index: int, arrays: Arrays) -> dict[str, Any]:
    kind = next(kind for kind, cls in KINDS.items() if type(op) is cls)
    result: dict[str, Any] = {"kind": kind, "name": op.name, "inputs": list(op.inputs), "output": op.output}
    for field in FIELDS[kind]:
        value = getattr(op, field)
        if isinstance(value, np.ndarray):
            member = f"layer_{index}_{field}.npy"
            arrays[member], value = value, member
        elif isinstance(value, Format):
            value = _describe_format(value)
        elif isinstance(value, Requantize):
            value = {
                "rule": value.rule,
                "shift": list(value.shift),
                "rounding": value.rounding,
                "relu": value.relu,
            }
        elif isinstance(value, tuple):
            value = list(value)
        result[field] = value
    return result


def restore(value: Any, fetch: Fetch) -> IntegerGraph:
    """The graph of a JSON value; `fetch` gives the array of a member name. `integer_check.check` comes after it."""
    reader = JsonReader(value, "the network")
    reader.text("generator", (GENERATOR,))
    _check_version(reader)
    transforms: dict[str, InputTransform] = {}
    samples: Arrays = {}
    for entry in reader.objects("inputs"):
        tensor = _new_name(entry, "tensor", transforms)
        samples[tensor] = fetch(entry.text("samples"))
        transforms[tensor] = InputTransform(
            scale=entry.number("scale"),
            offset=entry.number("offset"),
            rounding=entry.text("rounding", ROUNDINGS),  # type: ignore[arg-type]
            model_shape=entry.integers("model_shape"),
            image_shape=entry.integers("image_shape", 3),  # type: ignore[arg-type]
        )
        entry.finish()
    outputs: dict[str, tuple[int, ...]] = {}
    for entry in reader.objects("outputs"):
        tensor = _new_name(entry, "tensor", outputs)
        outputs[tensor] = entry.integers("model_shape")
        entry.finish()
    graph = IntegerGraph(
        name=reader.text("name"),
        inputs=tuple(transforms),
        outputs=tuple(outputs),
        tensors=_restore_tensors(reader.objects("tensors")),
        operators=tuple(_restore_operator(entry, fetch) for entry in reader.objects("operators")),
        transforms=transforms,
        output_shapes=outputs,
        samples=samples,
        classifier=reader.flag("classifier"),
    )
    reader.finish()
    return graph


def _check_version(reader: JsonReader) -> None:
    version, needs = reader.integer("version"), reader.fields.get("needs")
    if version > VERSION:
        known = isinstance(needs, str) and re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}", needs)
        raise ModelError(
            f"network.json: version {version} was written by a newer fpgaq; this one, {__version__}, reads version"
            f" {VERSION}: {f'fpgaq {needs} or later is needed' if known else 'upgrade fpgaq'}"
        )
    if version != VERSION:
        raise ModelError(f"network.json: version {version} is unknown; this program reads version {VERSION}")


def _new_name(reader: JsonReader, field: str, known: Mapping[str, object]) -> str:
    name = reader.text(field)
    if name in known:
        raise ModelError(f"network.json, {reader.where}: {name!r} is given twice")
    return name


def _restore_tensors(entries: list[JsonReader]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for entry in entries:
        name = _new_name(entry, "name", tensors)
        tensors[name] = Tensor(
            name=name,
            shape=entry.integers("shape", 3),  # type: ignore[arg-type]
            format=_restore_format(entry, "format"),
            label=entry.text("label"),
        )
        entry.finish()
    return tensors


def _restore_format(parent: JsonReader, field: str) -> Format:
    reader = JsonReader(parent.take(field), f"{parent.where}.{field}")
    width, frac = reader.integer("width"), reader.integer("frac")
    if abs(frac) > 1024:
        reader.fail("'frac' between -1024 and 1024")
    signed, narrow = reader.flag("signed"), reader.flag("narrow")
    reader.finish()
    try:
        return Format(width, frac, signed, narrow)
    except ValueError as error:
        raise ModelError(f"network.json, {reader.where}: {error}") from None


def _restore_operator(reader: JsonReader, fetch: Fetch) -> IntegerOperator:
    kind = reader.text("kind", tuple(KINDS))
    values: dict[str, Any] = {
        "name": reader.text("name"),
        "inputs": reader.texts("inputs"),
        "output": reader.text("output"),
    }
    for field in FIELDS[kind]:
        if field in ARRAYS:
            member = reader.optional_text(field) if field == "negative_scale" else reader.text(field)
            values[field] = None if member is None else fetch(member)
        elif field in FORMATS:
            values[field] = _restore_format(reader, field)
        elif field == "requantize":
            values[field] = _restore_requantize(reader)
        elif field == "mode":
            values[field] = reader.text(field)
        elif field == "zeros":
            values[field] = reader.flag(field)
        elif field in LENGTHS:
            values[field] = reader.integers(field, LENGTHS[field])
        else:
            values[field] = reader.integer(field)
    reader.finish()
    return KINDS[kind](**values)


def _restore_requantize(parent: JsonReader) -> Requantize | None:
    value = parent.take("requantize")
    if value is None:
        return None
    reader = JsonReader(value, f"{parent.where}.requantize")
    result = Requantize(
        shift=reader.integers("shift"),
        rounding=reader.text("rounding", ROUNDINGS),  # type: ignore[arg-type]
        relu=reader.flag("relu"),
        rule=reader.text("rule"),
    )
    reader.finish()
    if not result.shift:
        reader.fail("at least one shift")
    return result
