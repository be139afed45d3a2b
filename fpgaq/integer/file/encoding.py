"""The integer network as JSON and arrays, both ways; every field is validated, unknown ones are refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...base.choices import LAYOUTS, Layout
from ...base.errors import ModelError
from ...base.formats import ROUNDINGS, Format
from ...base.preparation import Preparation
from ...base.version import __version__
from ..graph import (
    TRANSFORM_KINDS,
    HostSoftmax,
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

VERSION = 2
"""The newest version that this program reads. Networks that need no more are written in version 1."""
NEEDS = "0.2.0"
"""The first fpgaq that reads `VERSION`, which the file tells older ones."""
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
FIELDS_2: dict[str, tuple[str, ...]] = {
    "convolution": ("weight_scale",),
    "affine": ("weight_scale",),
    "add": ("factors", "offset"),
    "multiply": ("zero_points",),
    "scale": ("negative_offset",),
}
"""Fields that version 2 adds to those of version 1, all of them with defaults."""
ARRAYS = ("weight", "bias", "table", "scale", "offset", "negative_scale")
FORMATS = ("weight_format", "index_format")
LENGTHS: dict[str, int | None] = {
    **{"stride": 2, "padding": 4, "dilation": 2, "kernel": 2, "factor": 2, "start": 3, "axes": 3},
    **dict.fromkeys(("weight_frac", "divisor", "align", "signs", "factors")),
    "zero_points": 2,
}
"""Fields that hold integers, and how many."""


def describe(graph: IntegerGraph) -> tuple[dict[str, Any], Arrays]:
    """The JSON value of `graph` and the arrays that it refers to by member name."""
    arrays: Arrays = {}
    version = version_of(graph)
    operators = [_describe_operator(op, index, arrays, version) for index, op in enumerate(graph.operators)]
    for index, name in enumerate(graph.inputs):
        arrays[f"samples_{index}.npy"] = graph.samples[name]
    return {
        "generator": GENERATOR,
        "version": version,
        **({"needs": NEEDS} if version > 1 else {}),
        "name": graph.name,
        "classifier": graph.classifier,
        **({"estimate_only": True} if graph.estimate_only else {}),
        "inputs": [
            {
                "tensor": name,
                "samples": f"samples_{index}.npy",
                "scale": float(graph.transforms[name].scale),
                "offset": float(graph.transforms[name].offset),
                "rounding": graph.transforms[name].rounding,
                "model_shape": list(graph.transforms[name].model_shape),
                "image_shape": list(graph.transforms[name].image_shape),
                **({"kind": graph.transforms[name].kind} if version > 1 else {}),
                **_describe_preparation(graph.transforms[name].preparation),
                **({"channels_last": True} if graph.transforms[name].channels_last else {}),
            }
            for index, name in enumerate(graph.inputs)
        ],
        "outputs": [
            {
                "tensor": name,
                "model_shape": list(graph.output_shapes[name]),
                **({"softmax": _describe_softmax(graph.host_outputs[name])} if name in graph.host_outputs else {}),
            }
            for name in graph.outputs
        ],
        **({"channels_last": True} if graph.channels_last else {}),
        "tensors": [
            {
                "name": tensor.name,
                "label": tensor.label,
                "shape": list(tensor.shape),
                "format": _describe_format(tensor.format),
                **(
                    {"scale": tensor.scale, "zero_point": tensor.zero_point, "offset": tensor.offset}
                    if version > 1
                    else {}
                ),
            }
            for tensor in graph.tensors.values()
        ],
        "operators": operators,
        **({"options": dict(graph.options)} if graph.options else {}),
    }, arrays


def version_of(graph: IntegerGraph) -> int:
    """The version in which a network is written: 2 if anything in it is beyond version 1."""
    plain = (
        all(tensor.scale is None and not (tensor.zero_point or tensor.offset) for tensor in graph.tensors.values())
        and all(
            transform.kind == "real" and transform.preparation == Preparation()
            for transform in graph.transforms.values()
        )
        and not graph.estimate_only
        and all(_plain(op) for op in graph.operators)
        and not (graph.channels_last or graph.host_outputs)
        and not graph.options
    )
    return 1 if plain else VERSION


def _plain(op: IntegerOperator) -> bool:
    requantize = getattr(op, "requantize", None)
    added = FIELDS_2.get(kind_of(op), ())
    return (requantize is None or requantize.plain) and all(
        getattr(op, field.name) == field.default for field in dataclasses.fields(op) if field.name in added
    )


def kind_of(op: IntegerOperator) -> str:
    """The name of an operator's class in the file."""
    return next(kind for kind, cls in KINDS.items() if type(op) is cls)


def fields_of(kind: str, version: int) -> tuple[str, ...]:
    """The fields of an operator."""
    return FIELDS[kind] + (FIELDS_2.get(kind, ()) if version > 1 else ())


def _describe_preparation(value: Preparation) -> dict[str, Any]:
    """The field of an input whose samples are prepared; others have none."""
    if value == Preparation():
        return {}
    return {"preparation": {"scale": list(value.scale), "offset": list(value.offset), "layout": value.layout}}


def _restore_preparation(reader: JsonReader) -> Preparation:
    if "preparation" not in reader.fields:
        return Preparation()
    entry = JsonReader(reader.take("preparation"), f"{reader.where}.preparation")
    layout: Layout = entry.text("layout", LAYOUTS)  # type: ignore[assignment]
    result = Preparation(entry.numbers("scale"), entry.numbers("offset"), layout)
    entry.finish()
    return result


def _describe_format(fmt: Format) -> dict[str, Any]:
    return {"width": fmt.width, "frac": fmt.frac, "signed": fmt.signed, "narrow": fmt.narrow}


def _describe_softmax(host: HostSoftmax) -> dict[str, Any]:
    return {**dataclasses.asdict(host), "format": _describe_format(host.format)}


def _describe_values(tensor: Tensor) -> dict[str, Any]:
    return {"scale": tensor.scale, "zero_point": tensor.zero_point, "offset": tensor.offset}


def _describe_operator(op: IntegerOperator, index: int, arrays: Arrays, version: int) -> dict[str, Any]:
    kind = kind_of(op)
    result: dict[str, Any] = {"kind": kind, "name": op.name, "inputs": list(op.inputs), "output": op.output}
    for field in fields_of(kind, version):
        value = getattr(op, field)
        if isinstance(value, np.ndarray):
            member = f"layer_{index}_{field}.npy"
            arrays[member], value = value, member
        elif isinstance(value, Format):
            value = _describe_format(value)
        elif isinstance(value, Requantize):
            value = _describe_requantize(value, version)
        elif isinstance(value, tuple):
            value = list(value)
        result[field] = value
    return result


def _describe_requantize(value: Requantize, version: int) -> dict[str, Any]:
    plain = {"rule": value.rule, "shift": list(value.shift), "rounding": value.rounding, "relu": value.relu}
    if version == 1:
        return plain
    limits = {"zero_point": value.zero_point, "low": value.low, "high": value.high}
    return {**plain, "multiplier": list(value.multiplier), "offset": list(value.offset), **limits}


def restore(value: Any, fetch: Fetch) -> IntegerGraph:
    """The graph of a JSON value; `fetch` gives the array of a member name. `integer_check.check` comes after it."""
    reader = JsonReader(value, "the network")
    reader.text("generator", (GENERATOR,))
    version = _check_version(reader)
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
            kind=entry.text("kind", TRANSFORM_KINDS) if version > 1 else "real",
            preparation=_restore_preparation(entry) if version > 1 else Preparation(),
            channels_last=version > 1 and "channels_last" in entry.fields and entry.flag("channels_last"),
        )
        entry.finish()
    outputs: dict[str, tuple[int, ...]] = {}
    hosts: dict[str, HostSoftmax] = {}
    for entry in reader.objects("outputs"):
        tensor = _new_name(entry, "tensor", outputs)
        outputs[tensor] = entry.integers("model_shape")
        if version > 1 and "softmax" in entry.fields:
            hosts[tensor] = _restore_softmax(entry)
        entry.finish()
    graph = IntegerGraph(
        name=reader.text("name"),
        inputs=tuple(transforms),
        outputs=tuple(outputs),
        tensors=_restore_tensors(reader.objects("tensors"), version),
        operators=tuple(_restore_operator(entry, fetch, version) for entry in reader.objects("operators")),
        transforms=transforms,
        output_shapes=outputs,
        samples=samples,
        classifier=reader.flag("classifier"),
        estimate_only=version > 1 and "estimate_only" in reader.fields and reader.flag("estimate_only"),
        channels_last=version > 1 and "channels_last" in reader.fields and reader.flag("channels_last"),
        host_outputs=hosts,
        options=_restore_options(reader) if version > 1 else {},
    )
    reader.finish()
    return graph


def _restore_softmax(parent: JsonReader) -> HostSoftmax:
    reader = JsonReader(parent.take("softmax"), f"{parent.where}.softmax")
    host = HostSoftmax(
        multiplier=reader.integer("multiplier"),
        shift=reader.integer("shift"),
        least=reader.integer("least"),
        format=_restore_format(reader, "format"),
        scale=reader.number("scale"),
        zero_point=reader.integer("zero_point"),
    )
    reader.finish()
    return host


def _restore_options(reader: JsonReader) -> dict[str, Any]:
    """How the network was quantized, which a file of version 2 may tell."""
    value = reader.fields.pop("options", {})
    if not isinstance(value, dict):
        reader.fail("'options' as an object")
    return value


def _check_version(reader: JsonReader) -> int:
    version, needs = reader.integer("version"), reader.fields.get("needs")
    if version > VERSION:
        known = isinstance(needs, str) and re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}", needs)
        raise ModelError(
            f"network.json: version {version} was written by a newer fpgaq; this one, {__version__}, reads versions"
            f" 1 to {VERSION}: {f'fpgaq {needs} or later is needed' if known else 'upgrade fpgaq'}"
        )
    if not 1 <= version <= VERSION:
        raise ModelError(f"network.json: version {version} is unknown; this program reads versions 1 to {VERSION}")
    if version > 1:
        reader.text("needs")
    return version


def _new_name(reader: JsonReader, field: str, known: Mapping[str, object]) -> str:
    name = reader.text(field)
    if name in known:
        raise ModelError(f"network.json, {reader.where}: {name!r} is given twice")
    return name


def _restore_tensors(entries: list[JsonReader], version: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for entry in entries:
        name = _new_name(entry, "name", tensors)
        tensors[name] = Tensor(
            name=name,
            shape=entry.integers("shape", 3),  # type: ignore[arg-type]
            format=_restore_format(entry, "format"),
            label=entry.text("label"),
            scale=entry.optional_number("scale") if version > 1 else None,
            zero_point=entry.integer("zero_point") if version > 1 else 0,
            offset=entry.number("offset") if version > 1 else 0.0,
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


def _restore_operator(reader: JsonReader, fetch: Fetch, version: int) -> IntegerOperator:
    kind = reader.text("kind", tuple(KINDS))
    values: dict[str, Any] = {
        "name": reader.text("name"),
        "inputs": reader.texts("inputs"),
        "output": reader.text("output"),
    }
    for field in fields_of(kind, version):
        if field == "offset" and kind == "add":
            values[field] = reader.integer(field)
        elif field == "weight_scale":
            values[field] = reader.numbers(field)
        elif field in ARRAYS:
            member = reader.optional_text(field) if field == "negative_scale" else reader.text(field)
            values[field] = None if member is None else fetch(member)
        elif field in FORMATS:
            values[field] = _restore_format(reader, field)
        elif field == "requantize":
            values[field] = _restore_requantize(reader, version)
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


def _restore_requantize(parent: JsonReader, version: int) -> Requantize | None:
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
    if version > 1:
        result = replace(
            result,
            multiplier=reader.integers("multiplier"),
            offset=reader.wide_integers("offset"),
            zero_point=reader.integer("zero_point"),
            low=reader.optional_integer("low"),
            high=reader.optional_integer("high"),
        )
    reader.finish()
    if not (result.shift and result.multiplier and result.offset):
        reader.fail("at least one shift, multiplier and offset")
    return result
