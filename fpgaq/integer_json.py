"""The integer network as JSON and arrays, both ways; every field is validated, unknown ones are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError
from .formats import ROUNDINGS, Format
from .integer_graph import (
    InputTransform,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
    Requantize,
    Tensor,
)

VERSION = 1
GENERATOR = "fpgaq"
Arrays: TypeAlias = dict[str, NDArray[np.int64]]
Fetch: TypeAlias = Callable[[str], NDArray[np.int64]]

KINDS: dict[str, type[IntegerOperator]] = {
    "convolution": IntegerConvolution,
    "affine": IntegerAffine,
    "max_pooling": IntegerMaxPooling,
    "relu": IntegerRelu,
}
FIELDS: dict[str, tuple[str, ...]] = {
    "convolution": (
        *("weight", "bias", "weight_format", "weight_frac", "stride", "padding", "dilation", "groups"),
        *("padding_value", "accumulator_width", "requantize"),
    ),
    "affine": ("weight", "bias", "weight_format", "weight_frac", "accumulator_width", "requantize"),
    "max_pooling": ("kernel", "stride", "padding"),
    "relu": (),
}
LENGTHS = {"stride": 2, "padding": 4, "dilation": 2, "kernel": 2}


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


class _Reader:
    """Takes fields out of one JSON object by type; `finish` refuses what nobody took."""

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            self.fail("an object")
        self.fields = dict(value)

    def fail(self, wanted: str) -> NoReturn:
        raise ModelError(f"network.json, {self.where}: {wanted} is needed")

    def take(self, name: str) -> Any:
        if name not in self.fields:
            self.fail(f"field {name!r}")
        return self.fields.pop(name)

    def text(self, name: str, allowed: tuple[str, ...] = ()) -> str:
        value = self.take(name)
        if not isinstance(value, str) or (allowed and value not in allowed):
            self.fail(f"{name!r} as {'one of ' + ', '.join(allowed) if allowed else 'a text'}")
        return value

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if not isinstance(value, bool):
            self.fail(f"{name!r} as true or false")
        return value

    def integer(self, name: str) -> int:
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 63:
            self.fail(f"{name!r} as an integer")
        return value

    def number(self, name: str) -> float:
        value = self.take(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e300:
            self.fail(f"{name!r} as a finite number")
        return float(value)

    def integers(self, name: str, length: int | None = None) -> tuple[int, ...]:
        values = self.take(name)
        sound = isinstance(values, list) and all(type(v) is int and abs(v) < 1 << 31 for v in values)
        if not sound or (length is not None and len(values) != length):
            self.fail(f"{name!r} as a list of {'' if length is None else f'{length} '}integers")
        return tuple(values)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.take(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.fail(f"{name!r} as a list of texts")
        return tuple(values)

    def objects(self, name: str) -> list[_Reader]:
        values = self.take(name)
        if not isinstance(values, list):
            self.fail(f"{name!r} as a list")
        return [_Reader(value, f"{name}[{index}]") for index, value in enumerate(values)]

    def finish(self) -> None:
        if self.fields:
            raise ModelError(f"network.json, {self.where}: unknown fields {sorted(self.fields)}")


def restore(value: Any, fetch: Fetch) -> IntegerGraph:
    """The graph of a JSON value; `fetch` gives the array of a member name. `integer_check.check` comes after it."""
    reader = _Reader(value, "the network")
    reader.text("generator", (GENERATOR,))
    version = reader.integer("version")
    if version != VERSION:
        raise ModelError(f"network.json: version {version} is unknown; this program reads version {VERSION}")
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


def _new_name(reader: _Reader, field: str, known: Mapping[str, object]) -> str:
    name = reader.text(field)
    if name in known:
        raise ModelError(f"network.json, {reader.where}: {name!r} is given twice")
    return name


def _restore_tensors(entries: list[_Reader]) -> dict[str, Tensor]:
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


def _restore_format(parent: _Reader, field: str) -> Format:
    reader = _Reader(parent.take(field), f"{parent.where}.{field}")
    width, frac = reader.integer("width"), reader.integer("frac")
    if abs(frac) > 1024:
        reader.fail("'frac' between -1024 and 1024")
    signed, narrow = reader.flag("signed"), reader.flag("narrow")
    reader.finish()
    try:
        return Format(width, frac, signed, narrow)
    except ValueError as error:
        raise ModelError(f"network.json, {reader.where}: {error}") from None


def _restore_operator(reader: _Reader, fetch: Fetch) -> IntegerOperator:
    kind = reader.text("kind", tuple(KINDS))
    values: dict[str, Any] = {
        "name": reader.text("name"),
        "inputs": reader.texts("inputs"),
        "output": reader.text("output"),
    }
    for field in FIELDS[kind]:
        if field in ("weight", "bias"):
            values[field] = fetch(reader.text(field))
        elif field == "weight_format":
            values[field] = _restore_format(reader, field)
        elif field == "requantize":
            values[field] = _restore_requantize(reader)
        elif field == "weight_frac":
            values[field] = reader.integers(field)
        elif field in LENGTHS:
            values[field] = reader.integers(field, LENGTHS[field])
        else:
            values[field] = reader.integer(field)
    reader.finish()
    return KINDS[kind](**values)


def _restore_requantize(parent: _Reader) -> Requantize | None:
    value = parent.take("requantize")
    if value is None:
        return None
    reader = _Reader(value, f"{parent.where}.requantize")
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
