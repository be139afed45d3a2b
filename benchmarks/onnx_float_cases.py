"""The backend cases of the onnx package for float networks: passed, refused by name, wrong, crashed.

    python -m benchmarks.onnx_float_cases

stores every case beside this script and prints the table of docs/operators_tested.md. Cases are those of one operator
(`node`), and PyTorch's operators and layers as an older exporter wrote them. Left out are operators on other things
than numbers, operators of training, those of quantized models (`onnx_node_cases`), and the same cases written out by
other operators. A case is tried with all of its inputs as data; where that is refused, its inputs but the first are
constants of the model. An input of one axis gets a batch in front, for the first axis of every network is its batch.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.onnx_node_cases import OPERATORS as QUANTIZED
from benchmarks.onnx_node_cases import counts_of
from fpgaq.base.errors import FpgaqError
from fpgaq.model.executor import run_float
from fpgaq.model.importers.onnx import load_onnx, prepared
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")

TOLERANCE = 1e-5
"""Of the largest value."""
OUTCOMES = ("passed", "with constants", "refused", "wrong", "crashed")
KINDS = {"node": "", "pytorch-operator": "PyTorch's operators", "pytorch-converted": "PyTorch's layers"}
"""Kinds of cases, and what they are called where each has several operators."""
OTHERS = frozenset(
    ("Adagrad", "Adam", "Momentum", "Gradient", "StringNormalizer", "StringConcat", "StringSplit", "RegexFullMatch")
    + ("TfIdfVectorizer", "LabelEncoder", "ArrayFeatureExtractor", "Binarizer", "TreeEnsemble", "If", "Loop", "Scan")
    + ("ImageDecoder", "Bernoulli", "RandomUniformLike", "Optional", "OptionalGetElement", "OptionalHasElement")
    + ("SplitToSequence", "SequenceMap", "SequenceInsert", "ReverseSequence", "NegativeLogLikelihoodLoss")
    + ("SoftmaxCrossEntropyLoss", "AffineGrid", "DFT", "STFT", "HannWindow", "HammingWindow", "BlackmanWindow")
    + ("MelWeightMatrix", "NonMaxSuppression", "RoiAlign", "DeformConv", "BitShift", "BitwiseAnd", "BitwiseOr")
    + ("BitwiseXor", "BitwiseNot", "Unique", "CenterCropPad", "Col2Im", "MaxUnpool", *QUANTIZED)
)
"""Operators that are not those of float networks that run forward."""


DEVIATING = ("test_resize_downsample_scales_linear_align_corners",)
"""Cases of whose values onnxruntime computes others: those that are computed here."""


def float_cases() -> list[tuple[str, str, Any, list[Any], list[Any]]]:
    """(name, operator, model, inputs, outputs) of the cases."""
    from onnx.backend.test.loader import load_model_tests

    found = []
    for kind in KINDS:
        for case in load_model_tests(kind=kind):
            if "_expanded" in case.name or "training_mode" in case.name:
                continue
            model, inputs, outputs = _read(Path(case.model_dir))
            names = [node.op_type for node in model.graph.node]
            operator = {"pytorch-operator": "PyTorch's operators", "pytorch-converted": "PyTorch's layers"}.get(
                kind, names[0]
            )
            numbers = all(tensor.data_type in (1, 10, 11) for tensor in inputs[:1])
            sound = case.name not in DEVIATING and all(map(_fits, [*inputs, *outputs]))
            # Brain floats have 8 bits; all real numbers are of float32 here.
            sound = sound and not _is_brain_float(model)
            if inputs and numbers and sound and OTHERS.isdisjoint(names) and (kind != "node" or len(names) == 1):
                found.append((case.name, operator, model, inputs, outputs))
    return found


def _read(folder: Path) -> tuple[Any, list[Any], list[Any]]:
    import onnx

    data = folder / "test_data_set_0"
    tensors = []
    for name in ("input", "output"):
        paths = sorted(data.glob(f"{name}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
        try:
            tensors.append([onnx.TensorProto.FromString(path.read_bytes()) for path in paths])
            for tensor in tensors[-1]:
                onnx.numpy_helper.to_array(tensor)
        except Exception:  # a sequence or an optional, which no network has
            return onnx.load(folder / "model.onnx"), [], []
    return onnx.load(folder / "model.onnx"), tensors[0], tensors[1]


def _fits(tensor: Any) -> bool:
    """Whether float32 holds a sample; four cases store memory that nobody had written to, with values up to 1e223."""
    from onnx import numpy_helper

    array = numpy_helper.to_array(tensor)
    return array.dtype.kind != "f" or not (np.isfinite(array) & (np.abs(array) > np.finfo(np.float32).max)).any()


def outcome(model: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[str, str]:
    """What becomes of a case, and why where it is not passed."""
    first, reason = _tried(model, inputs, outputs, constants=False)
    if first != "refused":
        return first, reason
    second, later = _tried(model, inputs, outputs, constants=True)
    return ("with constants", "") if second == "passed" else (second, later)


def _tried(model: Any, inputs: Sequence[Any], outputs: Sequence[Any], *, constants: bool) -> tuple[str, str]:
    import onnx
    from onnx import numpy_helper

    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    initialized = {tensor.name for tensor in graph.initializer}
    declared = [value for value in graph.input if value.name not in initialized]
    arrays = {value.name: numpy_helper.to_array(tensor) for value, tensor in zip(declared, inputs, strict=False)}
    # An input that is no real number is a constant in every network: axes, shapes, indices.
    fixed = [
        value.name
        for place, value in enumerate(declared)
        if place and (constants or arrays[value.name].dtype.kind != "f")
    ]
    for name in fixed:
        graph.initializer.append(numpy_helper.from_array(arrays.pop(name), name))
    for value in declared:
        dims = value.type.tensor_type.shape.dim
        if value.name in arrays and len(dims) == 1:
            size = dims[0].dim_value
            dims[0].dim_value = 1
            dims.add().dim_value = size
            arrays[value.name] = arrays[value.name].reshape(1, -1)
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        loaded = load_onnx(prepared(model.SerializeToString()))
        found = run_float(loaded, {name: arrays[name].astype(np.float32) for name in loaded.inputs})
        for name, tensor in zip((value.name for value in graph.output), outputs, strict=False):
            expected = numpy_helper.to_array(tensor)
            if name not in found or expected.size != found[name].size:
                return "wrong", f"output {name}: {expected.shape} expected"
            actual = found[name].reshape(expected.shape)
            scale = np.abs(expected[np.isfinite(expected)]).max(initial=1e-6) if expected.dtype.kind == "f" else 1.0
            if not np.allclose(actual, expected, rtol=0, atol=_tolerance(expected) * float(scale), equal_nan=True):
                return "wrong", f"output {name} differs"
        return "passed", ""
    except FpgaqError as error:
        return "refused", str(error)
    except Exception as error:  # whatever else escapes is what this counts
        return "crashed", f"{type(error).__name__}: {error}"


def _tolerance(expected: Any) -> float:
    """Float16 results are rounded at each step there."""
    return 2e-3 if expected.dtype == np.float16 else TOLERANCE


def _is_brain_float(model: Any) -> bool:
    return any(value.type.tensor_type.elem_type == 16 for value in (*model.graph.input, *model.graph.output))


def table(counts: Mapping[str, Counter[str]]) -> list[str]:
    """The rows of the page; operators none of whose cases are carried stand in one line."""
    lines = ["| operator | cases | passed | with constants | refused by name | wrong | crashed |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    none: list[str] = []
    total: Counter[str] = Counter()
    for operator, found in sorted(counts.items()):
        total += found
        if set(found) == {"refused"}:
            none.append(operator)
            continue
        lines.append(f"| {operator} | {sum(found.values())} | {' | '.join(str(found[name]) for name in OUTCOMES)} |")
    refused = sum(sum(counts[operator].values()) for operator in none)
    lines.append(f"| {len(none)} others, none of them carried | {refused} | 0 | 0 | {refused} | 0 | 0 |")
    lines.append(f"| all | {sum(total.values())} | {' | '.join(str(total[name]) for name in OUTCOMES)} |")
    return [*lines, "", f"The others: {', '.join(none)}."]


def main() -> None:
    """Store every case, and print the table with the reasons of what is not passed after it."""
    cases = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, operator, model, inputs, outputs in float_cases():
            result, reason = outcome(model, inputs, outputs)
            cases[name] = {"operator": operator, "outcome": result, "reason": reason[:300]}
    stored = {**about("python -m benchmarks.onnx_float_cases", [], "onnx"), "cases": cases}
    store(RESULTS, stored)
    reasons = (f"{name}: {case['outcome']} {case['reason']}" for name, case in cases.items() if case["reason"])
    print("\n".join([*table(counts_of(stored)), "", *reasons]))


if __name__ == "__main__":
    main()
