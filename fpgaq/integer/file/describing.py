"""The integer network as JSON values and arrays."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ...base.formats import Format
from ...base.preparation import Preparation
from ..graph import (
    HostSoftmax,
    IntegerGraph,
    IntegerOperator,
    Requantize,
    Tensor,
)
from .fields import (
    FIELDS_2,
    GENERATOR,
    NEEDS,
    UNLESS_EMPTY,
    VERSION,
    Arrays,
    fields_of,
    kind_of,
)


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
                **({"factors": list(graph.transforms[name].factors)} if graph.transforms[name].factors else {}),
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
            transform.kind == "real" and transform.preparation == Preparation() and not transform.factors
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


def _describe_preparation(value: Preparation) -> dict[str, Any]:
    """The field of an input whose samples are prepared; others have none."""
    if value == Preparation():
        return {}
    return {"preparation": {"scale": list(value.scale), "offset": list(value.offset), "layout": value.layout}}


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
        if field in UNLESS_EMPTY and not value:
            continue
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
