"""From a quantized ONNX model to an `IntegerGraph`: nodes in order, inputs with their formulas, outputs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format
from ...integer.check import check
from ...integer.graph import InputTransform, IntegerArray, IntegerGraph, IntegerMultiply, IntegerReshape, Tensor
from ...model.importers.onnx.builder import Node
from ...model.importers.onnx.constants import fold
from ...model.importers.onnx.file import read_model, read_opset
from ...model.importers.onnx.graph import _ordered, _read_nodes, _unique
from ...model.importers.onnx.tensors import check_dimensions, to_array, type_name
from ..completion import Completion
from .ahead import grids_ahead, unrounded
from .completed_model import completed_model
from .completing import output_grid, whole_offsets
from .conversion import Conversion, image_of
from .operators import CONVERTERS, QUANTIZERS, REFUSED
from .values import Accumulated, Data, Grid, Stored

FLOAT = 1
INTEGER_INPUTS = {2: Format(8, 0, False), 3: Format(8, 0), 4: Format(16, 0, False), 5: Format(16, 0)}
SAMPLES = 8


def states_integers(data: bytes) -> bool:
    """Whether a model has quantizers or layers of integers in it."""
    nodes = _read_nodes(read_model(data).graph)
    return any(node.type in QUANTIZERS or node.type.startswith("com.microsoft.Q") for node in nodes)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network that was read.

    Parameters
    ----------
    graph : IntegerGraph
    remarks : tuple of str
        A line for each requantizer and for each decision, for people.
    model : bytes
        The ONNX file with what was completed, which computes the same as the network: what it is held against.
    """

    graph: IntegerGraph
    remarks: tuple[str, ...]
    model: bytes


def load_integer_onnx(
    data: bytes, network: str | None = None, completion: Completion | None = None
) -> tuple[IntegerGraph, tuple[str, ...]]:
    """The network and the remarks of `read_integer_onnx`."""
    found = read_integer_onnx(data, network, completion)
    return found.graph, found.remarks


def read_integer_onnx(data: bytes, network: str | None = None, completion: Completion | None = None) -> Loaded:
    """Read a quantized model, in QDQ or QOperator form.

    Parameters
    ----------
    data : bytes
    network : str, optional
    completion : Completion, optional
        What quantizes where the file does not; by default weights alone.

    Returns
    -------
    Loaded
        What the file states on exact integer accumulators: each result is the exact rational rounded half to even.
        onnxruntime computes scales in float32 and may differ by one step near ties.

    Raises
    ------
    ModelError
        For a file that is damaged, unsafe or inconsistent.
    UnsupportedError
        For layers that are not quantized and for operators that are not carried, by name.
    """
    model = read_model(data)
    try:
        return _load(model, data, network, completion or Completion())
    except UnicodeDecodeError:
        raise ModelError("holds a name that is not valid UTF-8; save the model again") from None


def _load(model: Any, data: bytes, network: str | None, completion: Completion) -> Loaded:
    graph = model.graph
    if network is not None and network != graph.name:
        raise ModelError(f"no network {network!r}; the file has {graph.name!r}")
    initializers = _unique(graph.initializer, "initializer")
    declared, outputs = _unique(graph.input, "input"), _unique(graph.output, "output")
    nodes = _ordered(graph.name, _read_nodes(graph), tuple(outputs), {*initializers, *declared})
    _check_types(graph.name, nodes)
    read = {name for node in nodes for name in node.inputs}
    inputs = tuple(name for name in declared if name not in initializers and name in read)
    if not inputs:
        raise ModelError("the network has no input: every value that it reads is a constant")
    shapes, batch = _input_shapes([declared[name] for name in inputs])
    reserved = {name for node in graph.node for name in (*node.input, *node.output)}
    owner = Conversion(read_opset(model), batch or 1, batch is None, reserved | set(inputs), completion)
    owner.inner, owner.input_shapes = read, shapes
    completion.prepare(inputs, shapes)
    for name, tensor in initializers.items():
        if name in read:
            owner.constants[name] = to_array(tensor, f"initializer {name!r}")
    for name in inputs:
        _start(owner, declared[name], shapes[name])
    for node in (node for node in nodes if node.type == "Constant"):
        _convert(owner, node)
    nodes = [node for node in nodes if node.type != "Constant"]
    owner.ahead, owner.ending = grids_ahead(owner, nodes, outputs), unrounded(nodes, outputs)
    owner.writing = {name: node.name for node in nodes for name in node.outputs}
    for node in nodes:
        _convert(owner, node)
    shown = {name: _finish(owner, name) for name in outputs}
    found = completion.finished(_graph(owner, graph.name, inputs, shapes, shown))
    return Loaded(found, tuple(owner.remarks), completed_model(data, owner))


def _check_types(network: str, nodes: list[Node]) -> None:
    for node in nodes:
        if node.type in REFUSED:
            raise UnsupportedError(f"{node.where}: {REFUSED[node.type]}")


def _input_shapes(inputs: list[Any]) -> tuple[dict[str, tuple[int, ...]], int | None]:
    """The shapes without the batch, and the batch if it is fixed."""
    shapes, batches = {}, set()
    for value in inputs:
        where, tensor = f"input {value.name!r}", value.type.tensor_type
        if tensor.elem_type != FLOAT and tensor.elem_type not in INTEGER_INPUTS:
            known = ", ".join(type_name(kind) for kind in (FLOAT, *INTEGER_INPUTS))
            raise UnsupportedError(f"{where} is of type {type_name(tensor.elem_type)}; supported: {known}")
        if len(tensor.shape.dim) < 2:
            raise UnsupportedError(f"{where} has {len(tensor.shape.dim)} dimensions; a batch and one size are needed")
        batch, *dims = tensor.shape.dim
        batches.add(int(batch.dim_value) if batch.HasField("dim_value") else None)
        if not all(dim.HasField("dim_value") for dim in dims):
            raise UnsupportedError(f"{where} has open sizes after the batch; export it with fixed sizes")
        shapes[value.name] = check_dimensions([dim.dim_value for dim in dims], where)
        if min(shapes[value.name]) < 1:
            raise ModelError(f"{where} has shape {list(shapes[value.name])}; sizes are at least 1")
    if len(batches) > 1:
        raise ModelError(f"the inputs have batches of {sorted(map(str, batches))}; expected one size")
    return shapes, batches.pop()


def _start(owner: Conversion, value: Any, shape: tuple[int, ...]) -> None:
    """An input: real numbers that a quantizer takes, or integers as they are."""
    name, kind = value.name, value.type.tensor_type.elem_type
    if kind == FLOAT:
        owner.tensors[name] = Data(name, shape, name)
        return
    height, width, channels = image_of(shape)
    transform = InputTransform(1.0, 0.0, "half_up", (), (channels, height, width), "integer")
    owner.stored[name] = Tensor(name, (height, width, channels), INTEGER_INPUTS[kind], name)
    owner.transforms[name] = transform
    owner.tensors[name] = Stored(name, shape, name, False)


def _convert(owner: Conversion, node: Node) -> None:
    call = owner.call(node)
    if not node.outputs or not node.outputs[0]:
        raise ModelError(f"{node.where} has no output")
    constant = all(name in owner.constants for name in node.inputs if name)
    if node.type == "Constant" or node.type == "Shape" or (constant and node.inputs and node.type not in QUANTIZERS):
        fold(call)
        return
    if node.type not in CONVERTERS:
        raise UnsupportedError(
            f"{node.where}: not carried in a quantized model; supported: {', '.join(sorted(CONVERTERS))}"
        )
    CONVERTERS[node.type](call)
    call.attributes.finish()


def _finish(owner: Conversion, name: str) -> tuple[str, tuple[int, ...]]:
    """The integer tensor of an output and its shape in the model."""
    value = owner.tensors.get(name)
    if value is None:
        raise ModelError(f"output {name!r} is a constant: the data does not reach it")
    if isinstance(value, Stored):
        if value.tensor in owner.transforms:
            # An input that is quantized and nothing else: a network has a layer.
            source = owner.stored[value.tensor]
            copy = IntegerReshape(f"{name}.copy", (source.name,), owner.fresh(f"{name}.copy"))
            return owner.put(copy, source.shape, owner.grid(value)), value.shape
        return value.tensor, value.shape
    if isinstance(value, Data):
        raise UnsupportedError(f"output {name!r} is the input itself: no layer computes it; name another (--outputs)")
    if isinstance(value, Accumulated) and not isinstance(value.operator, IntegerMultiply):
        value = whole_offsets(owner, owner.folded(value), name)
        if len(set(value.scales)) == len(set(value.offsets)) == 1 and value.low is None is value.high:
            return _accumulators(owner, name, value), value.shape
    target = output_grid(owner, value, name)
    layer = value.operator.name if isinstance(value, Accumulated) else owner.writing.get(name, name)
    return owner.quantize(value, target, owner.fresh(f"{name}.rounded"), f"output {name!r}", layer), value.shape


def _accumulators(owner: Conversion, name: str, value: Accumulated) -> str:
    """A layer that ends the model unrounded leaves its accumulators."""
    op = value.operator
    assert not isinstance(op, IntegerMultiply)
    # The step of accumulators is that of the weights times the input's; a factor after them is taken into the first.
    read = owner.stored[op.input].step
    grid = Grid(float(value.scales[0]), 0, Format(op.accumulator_width, 0))
    done = replace(op, output=name, weight_scale=(float(value.scales[0]) / read,))
    written = owner.put(done, value.image, grid)
    owner.stored[written] = replace(owner.stored[written], offset=float(value.offsets[0]))
    return written


def _graph(
    owner: Conversion,
    name: str,
    inputs: tuple[str, ...],
    shapes: dict[str, tuple[int, ...]],
    outputs: dict[str, tuple[str, tuple[int, ...]]],
) -> IntegerGraph:
    unread = [key for key in inputs if key not in owner.transforms]
    if unread:
        raise UnsupportedError(f"input {unread[0]!r} is never quantized")
    if len({tensor for tensor, _ in outputs.values()}) != len(outputs):
        raise UnsupportedError("two outputs are one tensor; keep one of them")
    needed, kept = {tensor for tensor, _ in outputs.values()}, []
    for op in reversed(owner.layers):
        if op.output in needed:
            needed.update(op.inputs)
            kept.append(op)
    # An output has the model's own name for it, by which it is compared with the float model.
    names = {tensor: key for key, (tensor, _) in outputs.items()}

    def renamed(key: str) -> str:
        return names.get(key, key)

    tensors = {
        renamed(key): replace(tensor, name=renamed(key), label=renamed(tensor.label))
        for key, tensor in owner.stored.items()
        if key in needed
    }
    return check(
        IntegerGraph(
            name=name,
            inputs=inputs,
            outputs=tuple(outputs),
            tensors={**{key: tensors[key] for key in inputs}, **tensors},
            operators=tuple(
                replace(op, inputs=tuple(map(renamed, op.inputs)), output=renamed(op.output)) for op in reversed(kept)
            ),
            transforms={
                key: replace(
                    owner.transforms[key],
                    model_shape=shapes[key],
                    image_shape=tuple(tensors[key].shape[axis] for axis in (2, 0, 1)),  # type: ignore[arg-type]
                )
                for key in inputs
            },
            output_shapes={key: shape or (1,) for key, (_, shape) in outputs.items()},
            samples={key: _stimuli(tensors[key], index) for index, key in enumerate(inputs)},
            classifier=all(math.prod(shape) > 1 for _, shape in outputs.values()) and len(outputs) == 1,
        )
    )


def _stimuli(tensor: Tensor, seed: int) -> IntegerArray:
    """Random integers of the input's format, since no calibration samples are given."""
    fmt = tensor.format
    random = np.random.default_rng(seed)
    return random.integers(fmt.minimum, fmt.maximum + 1, (SAMPLES, *tensor.shape), dtype=np.int64)
