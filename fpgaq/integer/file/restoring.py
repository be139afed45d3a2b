"""A network from JSON values and arrays, each of which is checked: the file is not trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...base.choices import LAYOUTS, Layout
from ...base.errors import ModelError
from ...base.formats import ROUNDINGS, Format
from ...base.preparation import Preparation
from ...base.version import __version__
from ..graph import (
    TRANSFORM_KINDS,
    HostSoftmax,
    InputTransform,
    IntegerGraph,
    IntegerOperator,
    Requantize,
    Tensor,
)
from .fields import (
    ARRAYS,
    FORMATS,
    GENERATOR,
    KINDS,
    LENGTHS,
    UNLESS_EMPTY,
    VERSION,
    Arrays,
    Fetch,
    fields_of,
)
from .json_reader import JsonReader


def _restore_preparation(reader: JsonReader) -> Preparation:
    if "preparation" not in reader.fields:
        return Preparation()
    entry = JsonReader(reader.take("preparation"), f"{reader.where}.preparation")
    layout: Layout = entry.text("layout", LAYOUTS)  # type: ignore[assignment]
    result = Preparation(entry.numbers("scale"), entry.numbers("offset"), layout)
    entry.finish()
    return result


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
            factors=entry.numbers("factors") if version > 1 and "factors" in entry.fields else (),
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
        if field in UNLESS_EMPTY and field not in reader.fields:
            continue
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
