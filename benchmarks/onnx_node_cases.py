"""The node cases of the onnx package for operators of quantized models: passed, refused by name, wrong, crashed.

    python -m benchmarks.onnx_node_cases

stores every case beside this script and prints the table of docs/operators_tested.md. Each case's inputs but the first
are constants of the model here, since scales, zero points and weights are constants in every network that hardware
computes, and a first input of one axis gets a batch in front.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fpgaq.base.errors import FpgaqError
from fpgaq.integer.inputs import transform_data
from fpgaq.integer.reference import run, to_model_layout
from fpgaq.quantizer.onnx_integers import load_integer_onnx
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")

OPERATORS = (
    *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger"),
    "MatMulInteger",
)
OUTCOMES = ("passed", "refused", "wraps", "wrong", "crashed")
WRAPS = ("test_qlinearmatmul_2D_int8_float16", "test_qlinearmatmul_2D_int8_float32")
"""Cases whose expected values wrap around where the specification (and onnxruntime) saturate: -236 as 20."""


def node_cases() -> list[tuple[str, str, Any, list[Any], list[Any]]]:
    """(name, operator, model, inputs, outputs) of every case of `OPERATORS`."""
    from onnx.backend.test.loader import load_model_tests

    found = []
    for case in load_model_tests(kind="node"):
        model, data = _read(Path(case.model_dir))
        kinds = [node.op_type for node in model.graph.node]
        if len(kinds) == 1 and kinds[0] in OPERATORS:
            found.append((case.name, kinds[0], model, *data))
    return found


def _read(folder: Path) -> tuple[Any, tuple[list[Any], list[Any]]]:
    import onnx

    model = onnx.load(folder / "model.onnx")
    data = folder / "test_data_set_0"
    names = ("input", "output")
    return model, tuple(  # type: ignore[return-value]
        [
            onnx.TensorProto.FromString(path.read_bytes())
            for path in sorted(data.glob(f"{name}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
        ]
        for name in names
    )


def outcome(name: str, model: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[str, str]:
    """What becomes of a case, and why where it is refused."""
    from onnx import numpy_helper

    graph = model.graph
    first, *rest = graph.input
    for declared, value in zip(rest, inputs[1:], strict=True):
        value.name = declared.name
        graph.initializer.append(value)
    del graph.input[1:]
    dims = first.type.tensor_type.shape.dim
    if len(dims) == 1:
        size = dims[0].dim_value
        del dims[:]
        dims.add().dim_value = 1
        dims.add().dim_value = size
    try:
        network, _ = load_integer_onnx(model.SerializeToString())
        array = numpy_helper.to_array(inputs[0])
        array = array.reshape(1, -1) if array.ndim == 1 else array
        (output,) = network.outputs
        found = run(network, transform_data(network, {first.name: array}))[output]
        expected = numpy_helper.to_array(outputs[0])
        values = to_model_layout(network, output, found).reshape(expected.shape)
        if expected.dtype.kind == "f":
            equal = np.array_equal(network.tensors[output].real(values).astype(np.float32), expected)
        else:
            info = np.iinfo(expected.dtype)
            differs = values != expected
            if name in WRAPS and (np.isin(values, (info.min, info.max)) >= differs).all():
                return "wraps", ""
            equal = not differs.any()
        return ("passed" if equal else "wrong"), ""
    except FpgaqError as error:
        return "refused", str(error)
    except Exception as error:  # whatever else escapes is what this counts
        return "crashed", f"{type(error).__name__}: {error}"


def counts_of(stored: Mapping[str, Any]) -> dict[str, Counter[str]]:
    """How often each outcome was stored for each operator."""
    counts: dict[str, Counter[str]] = {}
    for case in stored["cases"].values():
        counts.setdefault(case["operator"], Counter())[case["outcome"]] += 1
    return counts


def table(counts: Mapping[str, Counter[str]]) -> list[str]:
    """The rows of the page."""
    lines = ["| operator | node cases | passed | refused by name | the case wraps | wrong | crashed |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for operator in OPERATORS:
        found = counts.get(operator, Counter())
        cells = [str(found[name]) for name in OUTCOMES]
        lines.append(f"| {operator} | {sum(found.values())} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Store every case, and print the table with the reasons of refusals after it."""
    cases = {}
    for name, operator, model, inputs, outputs in node_cases():
        result, reason = outcome(name, model, inputs, outputs)
        cases[name] = {"operator": operator, "outcome": result, "reason": reason[:300]}
    stored = {**about("python -m benchmarks.onnx_node_cases", [], "onnx"), "cases": cases}
    store(RESULTS, stored)
    reasons = (f"{name}: {case['outcome']} {case['reason']}" for name, case in cases.items() if case["reason"])
    print("\n".join([*table(counts_of(stored)), "", *reasons]))


if __name__ == "__main__":
    main()
