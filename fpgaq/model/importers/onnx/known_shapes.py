"""The shapes of a model's tensors, as far as they can be known without running it.

The onnx package works shapes out, but not the arithmetic by which exporters compute sizes of other sizes: PyTorch
writes the halves of `x.chunk(2)` as Shape, Gather, Add, Div, Mul and Slice. Such nodes are computed here, and the onnx
package goes on with their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError

Values: TypeAlias = dict[str, NDArray[Any]]

ARITHMETIC = (
    *("Add", "Sub", "Mul", "Div", "Mod", "Neg", "Abs", "Max", "Min", "Floor", "Ceil", "ReduceProd", "Identity"),
    *("Cast", "Concat", "Gather", "Slice", "Squeeze", "Unsqueeze", "Where", "Equal"),
)
"""Operators between sizes; what they give is no larger than their inputs together."""

MOST_ELEMENTS = 64
"""Of a constant that counts as sizes."""

NUMBERS = ("value", "value_int", "value_ints", "value_float", "value_floats")
"""Attributes by which a Constant holds numbers."""

MOST_ROUNDS = 1000
"""Sizes that depend on each other through tensors: one round for each."""


def with_known_shapes(model: Any) -> Any:
    """The model with the shapes of its tensors; ModelError where they contradict each other."""
    shaped = _inferred(model)
    if not _unknown(shaped):
        return shaped
    work, values = _without_weights(shaped), _constants(shaped)
    for _ in range(MOST_ROUNDS):
        found = _computed(work, values)
        if not found:
            break
        values |= found
        _put(work, found)
        work = _inferred(work)
    del shaped.graph.value_info[:]
    shaped.graph.value_info.extend(work.graph.value_info)
    return shaped


def _inferred(model: Any) -> Any:
    import onnx

    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # of the C++ side, without a class of its own
        raise ModelError(f"shapes cannot be worked out ({' '.join(str(error).split())[:200]})") from None


def _sizes(graph: Any) -> dict[str, list[int | None]]:
    """The sizes of each tensor whose number of axes is known; None for an open one."""
    found = {}
    for value in (*graph.value_info, *graph.input, *graph.output):
        if value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            found[value.name] = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    return found


def _unknown(model: Any) -> bool:
    """Whether a size besides the batch is not known of some tensor that a node writes."""
    sizes = _sizes(model.graph)
    written = (name for node in model.graph.node for name in node.output if name)
    return any(name not in sizes or None in sizes[name][1:] for name in written)


def _constants(model: Any) -> Values:
    """The values of small initializers; nodes without an input are computed with the others."""
    import onnx

    values = {}
    for tensor in model.graph.initializer:
        # Values that are damaged are refused where they are read.
        if np.prod(tensor.dims) <= MOST_ELEMENTS and tensor.data_type != onnx.TensorProto.STRING:
            with suppress(Exception):
                values[tensor.name] = onnx.numpy_helper.to_array(tensor)
    return values


def _without_weights(model: Any) -> Any:
    """The model with its large values left out, of which only the shapes are asked."""
    work = type(model)()
    work.CopyFrom(model)
    for tensor in work.graph.initializer:
        if np.prod(tensor.dims) > MOST_ELEMENTS:
            for name in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
                tensor.ClearField(name)
    return work


def _computed(work: Any, values: Values) -> Values:
    """The values of nodes between sizes that are not known yet."""
    sizes, known, found = _sizes(work.graph), dict(values), Values()
    shapes: dict[str, list[int | None]] = {}
    for node in work.graph.node:
        if len(node.output) != 1 or node.domain or node.output[0] in values:
            continue
        (name,) = node.output
        if node.op_type == "Shape" and len(node.input) == 1 and node.input[0] in sizes and not node.attribute:
            shapes[name] = sizes[node.input[0]]
        result = _result(node, known, shapes, work.opset_import)
        if result is not None and result.size <= MOST_ELEMENTS:
            found[name] = known[name] = result
    return found


def _result(node: Any, values: Values, shapes: dict[str, list[int | None]], opsets: Any) -> NDArray[Any] | None:
    if node.op_type == "Shape":
        own = shapes.get(node.output[0], [None])
        return None if None in own else np.array(own, np.int64)
    if node.op_type == "Gather" and len(node.input) == 2 and node.input[0] in shapes and node.input[1] in values:
        # One size may be known where others are open.
        picked = _picked(shapes[node.input[0]], values[node.input[1]])
        if picked is not None:
            return picked
    computed = node.op_type in ARITHMETIC and all(name in values for name in node.input if name)
    small = node.op_type == "Constant" and len(node.attribute) == 1 and _is_small(node.attribute[0])
    return _evaluated(node, values, opsets) if computed or small else None


def _picked(sizes: Sequence[int | None], index: NDArray[Any]) -> NDArray[Any] | None:
    if index.dtype.kind not in "iu" or not all(-len(sizes) <= place < len(sizes) for place in index.flat):
        return None
    picked = [sizes[int(place)] for place in index.flat]
    return None if None in picked else np.array(picked, np.int64).reshape(index.shape)


def _evaluated(node: Any, values: Values, opsets: Any) -> NDArray[Any] | None:
    """The node by onnx's own evaluator; None if it does not compute it, or no numbers."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    inputs = {name: values[name] for name in node.input if name}
    try:
        kinds = {name: onnx.helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in inputs.items()}
        given = [onnx.helper.make_tensor_value_info(name, kinds[name], inputs[name].shape) for name in inputs]
        graph = onnx.helper.make_graph([node], "sizes", given, [onnx.ValueInfoProto(name=node.output[0])])
        with np.errstate(all="raise"):
            (result,) = ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=opsets)).run(None, inputs)
    except Exception:  # whatever onnx's functions raise: the size stays unknown, and its reader says so
        return None
    array = np.asarray(result)
    return array if array.dtype.kind in "fiub" else None


def _is_small(attribute: Any) -> bool:
    """Whether the attribute of a Constant holds few numbers."""
    count = np.prod(attribute.t.dims) if attribute.name == "value" else len(attribute.ints) + len(attribute.floats)
    return attribute.name in NUMBERS and count <= MOST_ELEMENTS


def _put(work: Any, found: Values) -> None:
    """Initializers in place of the nodes that were computed."""
    import onnx

    kept = list(_others(work.graph, found))
    del work.graph.node[:]
    work.graph.node.extend(kept)
    work.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in found.items())


def _others(graph: Any, found: Values) -> Iterator[Any]:
    for node in graph.node:
        if len(node.output) != 1 or node.output[0] not in found:
            yield type(node).FromString(node.SerializeToString())
