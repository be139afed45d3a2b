"""Nodes on constants alone, computed at import by onnx's own reference evaluator, bounded in size.

Constants are real numbers in float32, whatever real type the file has, integers and truth values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError
from .builder import Call
from .tensors import BOOL, FLOAT, INTEGER_TYPES, MAX_ELEMENTS, REAL_TYPES, type_name

Constant = NDArray[Any]

_REFUSED = (
    *("If", "Loop", "Scan", "Random", "Multinomial", "Bernoulli", "Sequence", "Optional", "SplitToSequence"),
    *("ImageDecoder", "NonMaxSuppression"),
)
"""Beginnings of the names of operators with graphs inside, at random, or on other things than tensors."""
_LIKE_INPUTS = ("NonZero", "Unique", "Compress")
"""Operators whose outputs are no larger than a small multiple of their inputs, but of no shape known before."""
_WINDOWED = ("Conv", "QLinearConv", "Deform", "GridSample", "RoiAlign")
MAX_PRODUCTS = 1 << 34
MAX_WINDOWED = 1 << 28
"""Products of an operator whose windows the evaluator copies."""


def constant(call: Call) -> Constant:
    """Constant, of whatever kind it has."""
    call.count(0, 0)
    attributes = call.attributes
    found: Constant | None = attributes.tensor("value")
    for name, read, dtype in (
        ("value_float", attributes.real, np.float32),
        ("value_int", attributes.integer, np.int64),
        ("value_floats", attributes.reals, np.float32),
        ("value_ints", attributes.integers, np.int64),
    ):
        if name in attributes:
            found = np.array(read(name), dtype)
    if found is None:
        raise UnsupportedError(
            f"{call.where}: has none of value, value_float, value_floats, value_int, value_ints; export the model again"
        )
    return found


def shape_of(call: Call) -> Constant:
    """Shape, the batch included: 1 where the model leaves it open."""
    call.count(1, 1)
    tensor = call.node.inputs[0]
    builder = call.builder
    shape = builder.constants[tensor].shape if tensor in builder.constants else (builder.batch, *call.tensor().shape)
    if tensor in builder.merged:
        shape = (shape[0] * shape[1], *shape[2:])
    if tensor in builder.stacked:
        shape = (shape[1], shape[0], *shape[2:])
    start, end = 0, len(shape)
    if call.opset >= 15:
        start, end = call.attributes.integer("start"), call.attributes.integer("end", end)
    return np.array(shape[start:end], np.int64)


def _size_of(call: Call) -> Constant:
    return np.array(math.prod(shape_of(call)), np.int64)


def _cast(call: Call) -> Constant:
    """Cast; real types are float32 here, rounded to the narrower ones first."""
    call.count(1, 1)
    call.attributes.skip("saturate", "round_mode")
    kind, array = call.attributes.integer("to"), call.constant(0)
    if array.dtype == object:
        raise UnsupportedError(f"{call.where}: of strings; fold it before saving (onnxsim)")
    if kind in REAL_TYPES:
        return array.astype(np.float16).astype(np.float32) if kind == 10 else array.astype(np.float32)
    if kind == BOOL:
        return array.astype(np.bool_)
    if kind not in INTEGER_TYPES:
        allowed = ", ".join(type_name(number) for number in (FLOAT, BOOL, *INTEGER_TYPES))
        raise UnsupportedError(f"{call.where}: to {type_name(kind)}; supported: {allowed}; cast to one of these")
    dtype = np.dtype(INTEGER_TYPES[kind])
    if array.dtype.kind == "f" and not (np.abs(array) < 2**31).all():
        raise ModelError(f"{call.where}: values do not fit {type_name(kind)}")
    return array.astype(dtype)


OWN: Mapping[str, Callable[[Call], Constant]] = {
    "Cast": _cast,
    "Constant": constant,
    "Shape": shape_of,
    "Size": _size_of,
}
"""What depends on the reading: the batch that is left out, and real types as float32."""


def foldable(call: Call) -> bool:
    """Whether a node on computed values is a constant all the same."""
    return call.node.type in ("Shape", "Size")


def known(kind: str) -> bool:
    """Whether onnx itself has an operator, which its evaluator then computes."""
    import onnx

    return kind in OWN or bool(onnx.defs.has(kind))


def fold(call: Call) -> None:
    """Compute a node all of whose inputs are constants (of a Shape or Size, whose input's shape is known)."""
    node = call.node
    try:
        with np.errstate(all="ignore"):
            if node.type in OWN:
                results: Sequence[Any] = [OWN[node.type](call)]
                call.attributes.finish()
            else:
                results = _evaluated(call)
    except (ValueError, IndexError, TypeError, OverflowError, AssertionError, ZeroDivisionError) as error:
        raise ModelError(f"{call.where}: cannot be computed ({_one_line(error)})") from None
    for name, result in zip(node.outputs, results, strict=False):
        if name:
            call.builder.constants[name] = _plain(call, result)


def _plain(call: Call, result: Any) -> Constant:
    """A result in the types that constants have."""
    if not isinstance(result, np.ndarray | np.generic):
        raise UnsupportedError(f"{call.where}: computes no tensor; supported: tensors; fold it before saving (onnxsim)")
    array = np.asarray(result)
    if array.size > MAX_ELEMENTS:
        raise ModelError(f"{call.where}: makes {array.size} elements; at most {MAX_ELEMENTS}")
    if array.dtype.kind not in "fiub":
        raise UnsupportedError(
            f"{call.where}: computes values of type {array.dtype}; supported: numbers; leave it out of the model"
        )
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _evaluated(call: Call) -> Sequence[Any]:
    """The node by onnx.reference, once the shapes of its results are known to be small."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    node = call.node
    if node.type.startswith(_REFUSED):
        raise UnsupportedError(f"{call.where}: computes on constants alone; fold it before saving (onnxsim)")
    inputs = {f"i{index}": call.constant(index) for index, name in enumerate(node.inputs) if name}
    if any(array.dtype == object for array in inputs.values()):
        raise UnsupportedError(f"{call.where}: computes on strings; fold it before saving (onnxsim)")
    names = [f"i{index}" if name else "" for index, name in enumerate(node.inputs)]
    outputs = [f"o{index}" if name else "" for index, name in enumerate(node.outputs)]
    proto = onnx.helper.make_node(node.type, names, outputs)
    proto.attribute.extend(node.attributes)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [proto],
            "constant",
            [_declared(name, array) for name, array in inputs.items()],
            [onnx.ValueInfoProto(name=name) for name in outputs if name],
        ),
        opset_imports=[onnx.helper.make_opsetid("", call.opset)],
    )
    _check_size(call, model, inputs)
    try:
        return [
            next(results) if name else None
            for results in [iter(ReferenceEvaluator(model).run(None, inputs))]
            for name in outputs
        ]
    except (NotImplementedError, RuntimeError) as error:
        raise UnsupportedError(
            f"{call.where}: is not evaluated ({_one_line(error)[:120]}); fold it before saving (onnxsim)"
        ) from None
    except Exception as error:  # the evaluator's functions raise what numpy and Python do
        raise ModelError(f"{call.where}: cannot be computed ({_one_line(error)})") from None


def _declared(name: str, array: Constant) -> Any:
    import onnx

    kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return onnx.helper.make_tensor_value_info(name, kind, array.shape)


def _check_size(call: Call, model: Any, inputs: Mapping[str, Constant]) -> None:
    """Refuse a result that is too large before it is made: by shape inference with the values of small inputs."""
    import onnx

    given = sum(array.size for array in inputs.values())
    if call.node.type in _LIKE_INPUTS:
        if given > MAX_ELEMENTS // 8:
            raise ModelError(f"{call.where}: searches {given} elements; at most {MAX_ELEMENTS // 8}")
        return
    inferred = onnx.ModelProto()
    inferred.CopyFrom(model)
    # An empty constant's values mislead the inference of Concat.
    small = {name: array for name, array in inputs.items() if 0 < array.size <= 4096}
    inferred.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in small.items())
    try:
        inferred = onnx.shape_inference.infer_shapes(inferred, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # its own class is no public one
        raise ModelError(f"{call.where}: cannot be computed ({_one_line(error)[:200]})") from None
    total = 0
    for value in inferred.graph.output:
        tensor = value.type.tensor_type
        if not tensor.HasField("shape") or not all(dim.HasField("dim_value") for dim in tensor.shape.dim):
            raise UnsupportedError(
                f"{call.where}: computes constants of a size that is not known before; fold it before saving (onnxsim)"
            )
        total += math.prod(dim.dim_value for dim in tensor.shape.dim)
    if total > MAX_ELEMENTS:
        raise ModelError(f"{call.where}: makes more than {MAX_ELEMENTS} elements ({total})")
    _check_effort(call, total, [array.size for array in inputs.values()])


def _check_effort(call: Call, total: int, sizes: Sequence[int]) -> None:
    """Refuse what takes far more steps, or memory on the way, than its inputs and its result are large."""
    kind = call.node.type
    if kind == "Einsum":
        steps, most = math.prod(sizes), MAX_PRODUCTS
    elif "MatMul" in kind or kind == "Gemm":
        steps, most = total * math.isqrt(max(sizes, default=1)), MAX_PRODUCTS
    elif kind.startswith(_WINDOWED) or kind.endswith("Pool") or kind in ("LSTM", "GRU", "RNN", "Resize", "DFT", "STFT"):
        steps, most = total * max(sizes, default=1), MAX_WINDOWED
    else:
        return
    if steps > most:
        raise ModelError(f"{call.where}: {total} elements of constants of {sizes}; fold it before saving (onnxsim)")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
