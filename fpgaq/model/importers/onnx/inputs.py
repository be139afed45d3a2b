"""The inputs of an ONNX model: which they are, their types and sizes, the batch that is left out."""

from __future__ import annotations

from typing import Any

from ....base.errors import ModelError, UnsupportedError
from ...graph import Reshape, Shape
from .builder import Builder, Node, Tensor, graph_shape
from .tensors import INTEGER_TYPES, REAL_TYPES, check_dimensions, type_name


def find_inputs(nodes: list[Node], declared: dict[str, Any], initializers: dict[str, Any]) -> tuple[str, ...]:
    """The data: declared inputs without a value.

    nnabla's exporter gives every input a value, as old files may; where there is no other, one that is the first
    input of a node counts as data.
    """
    read = {name for node in nodes for name in node.inputs}
    names = tuple(name for name in declared if name not in initializers and name in read)
    first = {node.inputs[0] for node in nodes if node.inputs}
    names = names or tuple(name for name in declared if name in first)
    if not names:
        raise ModelError("the network has no input: every value that it reads is a constant; export it with an input")
    return names


def begin(opset: int, inputs: list[Any], graph: Any) -> Builder:
    """A builder that holds the inputs, each a tensor with the same batch in front."""
    shapes: dict[str, Shape] = {}
    batches: set[int | None] = set()
    integers: set[str] = set()
    for value in inputs:
        where = f"input {value.name!r}"
        if value.type.WhichOneof("value") != "tensor_type":
            raise UnsupportedError(
                f"{where} is no tensor; supported: tensors of real numbers; give each tensor as an input of its own"
            )
        tensor = value.type.tensor_type
        if tensor.elem_type not in (*REAL_TYPES, *INTEGER_TYPES):
            raise UnsupportedError(
                f"{where} is of type {type_name(tensor.elem_type)}; supported:"
                f" {', '.join(type_name(number) for number in (*REAL_TYPES, *INTEGER_TYPES))}; export with such an"
                " input, or"
                " begin after it (--inputs NAME)"
            )
        if tensor.elem_type in INTEGER_TYPES:
            integers.add(value.name)
        if not tensor.HasField("shape"):
            raise UnsupportedError(
                f"{where} has no known shape; give its sizes: --input-shape {value.name}=1,... with the batch in front"
            )
        if len(tensor.shape.dim) < 2:
            raise UnsupportedError(
                f"{where} has {len(tensor.shape.dim)} dimensions; supported: a batch and at least one size;"
                " export with a batch in front (unsqueeze)"
            )
        batch, *dims = tensor.shape.dim
        batches.add(int(batch.dim_value) if batch.HasField("dim_value") else None)
        for axis, dim in enumerate(dims, 1):
            if not dim.HasField("dim_value"):
                raise UnsupportedError(
                    f"{where}: dimension {axis} is open ({dim.dim_param!r}); supported: an open batch only; give the"
                    f" sizes: --input-shape {value.name}={_example(tensor.shape.dim)}"
                )
        shapes[value.name] = check_dimensions([dim.dim_value for dim in dims], where)
        if min(shapes[value.name]) < 1:
            raise ModelError(f"{where} has shape {list(shapes[value.name])}; sizes are at least 1")
    fixed = batches - {None}
    if len(fixed) > 1 or any(not 1 <= batch < 2**31 for batch in fixed if batch is not None):
        raise ModelError(
            f"the inputs have batches of {sorted(map(str, fixed))}; expected one size of at least 1: export with"
            " one batch for all"
        )
    batch = next((batch for batch in fixed if batch is not None), 1)
    reserved = {name for node in graph.node for name in (*node.input, *node.output)} | set(shapes)
    builder = Builder(opset, batch, not fixed, reserved)
    builder.integers = integers
    for name, shape in shapes.items():
        builder.shapes[name] = shape
        builder.tensors[name] = Tensor(name, shape)
        if graph_shape(shape) != shape:
            image = builder.fresh(f"{name}.image")
            builder.operators.append(Reshape(image, (name,), image))
            builder.shapes[image] = graph_shape(shape)
            builder.tensors[name] = Tensor(image, shape)
    return builder


def _example(dims: Any) -> str:
    return ",".join(
        str(dim.dim_value) if dim.HasField("dim_value") else "1" if not i else "64" for i, dim in enumerate(dims)
    )
