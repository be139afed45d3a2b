"""From a quantized TensorFlow Lite model to an `IntegerGraph`: operators in order, inputs and outputs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...base.errors import ModelError, UnsupportedError
from ...integer.check import check
from ...integer.graph import InputTransform, IntegerArray, IntegerGraph, IntegerReshape, Tensor
from ...model.importers.tflite.advice import advice_for
from ...model.importers.tflite.file import Model, Node
from .conversion import FORMATS, Call, Conversion, Quantization, Real, Stored, image_of, quantization_of, without_batch
from .functions import requantize
from .operators import CONVERTERS

SAMPLES = 8


def states_integers(model: Model) -> bool:
    """Whether a computed tensor between the model's layers is quantized."""
    constants = {tensor.index for tensor in model.tensors if tensor.data is not None}
    written = {index for node in model.nodes for index in (*node.outputs, *node.inputs) if index >= 0} - constants
    return any(model.tensors[index].type in FORMATS and model.tensors[index].scale.size for index in written)


def load_integer_tflite(model: Model) -> tuple[IntegerGraph, tuple[str, ...]]:
    """The integer network that LiteRT's reference kernels compute of a model.

    Returns
    -------
    IntegerGraph
    tuple of str
        Lines that tell of decisions, for people.

    Raises
    ------
    UnsupportedError
        For operators, options and types that are not carried, by name.
    """
    owner = Conversion(model)
    read = {index for node in model.nodes for index in node.inputs}
    inputs = [index for index in model.inputs if index in read and not _is_shape(model, index)]
    for index in inputs:
        _start(owner, index)
    for node in model.nodes:
        _convert(owner, node)
    return _graph(owner, inputs), tuple(owner.remarks)


def _is_shape(model: Model, index: int) -> bool:
    """Whether an input is nothing but the size of an output, which the file states anyway."""
    readers = [node for node in model.nodes if index in node.inputs]
    return all(node.type == "TRANSPOSE_CONV" and node.inputs.index(index) == 0 for node in readers)


def _start(owner: Conversion, index: int) -> None:
    """An input: integers as they are, or real numbers that a QUANTIZE takes."""
    tensor = owner.model.tensors[index]
    where = f"input {tensor.name!r}"
    shape = without_batch(tensor, where)
    name = owner.fresh(tensor.name)
    if tensor.type == "float32":
        owner.values[index] = Real(name, shape)
        return
    quantization = quantization_of(tensor, where)
    _add_input(owner, name, shape, quantization, InputTransform(1.0, 0.0, "half_up", (), (1, 1, 1), "integer"))
    owner.values[index] = Stored(name, shape)


def _add_input(
    owner: Conversion, name: str, shape: tuple[int, ...], quantization: Quantization, transform: InputTransform
) -> None:
    height, width, channels = image_of(shape, f"input {name!r}")
    owner.tensors[name] = Tensor(
        name, (height, width, channels), quantization.format, name, quantization.step, quantization.zero_point
    )
    owner.transforms[name] = replace(
        transform, model_shape=shape, image_shape=(channels, height, width), channels_last=True
    )


def _convert(owner: Conversion, node: Node) -> None:
    call = Call(owner, node)
    if node.type == "QUANTIZE":
        _quantize(call)
    elif node.type == "DEQUANTIZE":
        _dequantize(call)
    elif node.type in CONVERTERS:
        CONVERTERS[node.type](call)
    else:
        error = UnsupportedError(f"{node.where}: not carried{advice_for(node.type)}")
        raise error from UnsupportedError(f"supported: {', '.join(sorted({*CONVERTERS, 'QUANTIZE', 'DEQUANTIZE'}))}")
    node.options.finish()


def _quantize(call: Call) -> None:
    """QUANTIZE of an input of real numbers, or of integers."""
    owner, (source,) = call.owner, call.node.inputs[:1] or (-1,)
    value = owner.values.get(source)
    if not isinstance(value, Real):
        requantize(call)
        return
    if value.source is not None:
        raise UnsupportedError(f"{call.where}: quantizes anew what was dequantized; convert the model anew")
    written = call.written
    transform = InputTransform(written.step, float(written.zero_point), "half_away", (), (1, 1, 1), "divide_single")
    if value.name in owner.tensors:
        known = owner.tensors[value.name]
        if (known.step, known.zero_point, known.format) != (written.step, written.zero_point, written.format):
            raise UnsupportedError(f"{call.where}: input {value.name!r} is quantized twice, differently")
    else:
        _add_input(owner, value.name, value.shape, written, transform)
    call.write(Stored(value.name, value.shape))


def _dequantize(call: Call) -> None:
    """DEQUANTIZE at the end: the outputs' real values, which the host makes of the integers."""
    call.count(1, 1)
    output, model = call.node.outputs[0], call.owner.model
    if call.is_constant(0) or any(output in node.inputs for node in model.nodes if node.type != "QUANTIZE"):
        raise UnsupportedError(
            f"{call.where}: real numbers in the midst of the network; convert the whole model to integers (full integer"
            " quantization)"
        )
    source = call.value(0)
    call.owner.values[output] = Real(call.file(output).name, source.shape, source)
    host = call.owner.softmax.get(call.node.inputs[0])
    if host is not None:
        call.owner.softmax[output] = host


def _finish(owner: Conversion, index: int) -> Stored:
    """The integer tensor of an output, which is none of the inputs."""
    value = owner.values.get(index)
    name = owner.model.tensors[index].name
    if isinstance(value, Real):
        value = value.source
    if value is None:
        raise UnsupportedError(f"output {name!r} is a constant or an input of real numbers: no layer makes it")
    tensor = owner.tensors[value.tensor]
    taken = [owner.values.get(other) for other in owner.model.outputs if other < index]
    if value.tensor in owner.transforms or any(isinstance(v, Stored) and v.tensor == value.tensor for v in taken):
        quantization = Quantization(np.float32(tensor.step), tensor.zero_point, tensor.format)
        copy = IntegerReshape(f"{name}.copy", (tensor.name,), f"{name}.copy")
        made = Stored(owner.put(copy, tensor.shape, quantization).tensor, value.shape)
        owner.values[index] = made
        return made
    return value


def _graph(owner: Conversion, inputs: list[int]) -> IntegerGraph:
    model = owner.model
    unread = [model.tensors[i].name for i in inputs if model.tensors[i].name not in owner.transforms]
    if unread:
        raise UnsupportedError(f"input {unread[0]!r} of real numbers is never quantized")
    if not owner.transforms:
        raise ModelError("the network has no input that its layers read")
    outputs = {index: _finish(owner, index) for index in dict.fromkeys(model.outputs)}
    needed, kept = {value.tensor for value in outputs.values()}, []
    for op in reversed(owner.layers):
        if op.output in needed:
            needed.update(op.inputs)
            kept.append(op)
    names = {value.tensor: model.tensors[index].name for index, value in outputs.items()}
    # An output has the model's name for it, if no other tensor has that.
    names = {key: name for key, name in names.items() if name not in owner.tensors or name == key}

    def renamed(key: str) -> str:
        return names.get(key, key)

    tensors = {
        renamed(key): replace(tensor, name=renamed(key), label=renamed(key))
        for key, tensor in owner.tensors.items()
        if key in needed or key in owner.transforms
    }
    single = len(outputs) == 1 and all(math.prod(value.shape) > 1 for value in outputs.values())
    return check(
        IntegerGraph(
            name=model.name,
            inputs=tuple(owner.transforms),
            outputs=tuple(renamed(value.tensor) for value in outputs.values()),
            tensors=tensors,
            operators=tuple(
                replace(op, inputs=tuple(map(renamed, op.inputs)), output=renamed(op.output)) for op in reversed(kept)
            ),
            transforms=owner.transforms,
            output_shapes={renamed(value.tensor): value.shape or (1,) for value in outputs.values()},
            samples={key: _stimuli(tensors[key], index) for index, key in enumerate(owner.transforms)},
            classifier=single,
            channels_last=True,
            host_outputs={
                renamed(value.tensor): owner.softmax[index]
                for index, value in outputs.items()
                if index in owner.softmax
            },
        )
    )


def _stimuli(tensor: Tensor, seed: int) -> IntegerArray:
    """Random integers of the input's format, since no calibration samples are given."""
    fmt = tensor.format
    random = np.random.default_rng(seed)
    return random.integers(fmt.minimum, fmt.maximum + 1, (SAMPLES, *tensor.shape), dtype=np.int64)
