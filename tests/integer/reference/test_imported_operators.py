"""Zero points, arbitrary scales, clips and every requantizing rule: reference, file, check and schema."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fpgaq import pipeline
from fpgaq.base.errors import ModelError, UnsupportedError
from fpgaq.base.formats import Format
from fpgaq.hardware.lowering import lower
from fpgaq.integer import file as integer_file
from fpgaq.integer import reference
from fpgaq.integer.check import check
from fpgaq.integer.check.carried import check_carried
from fpgaq.integer.file import describing, fields
from fpgaq.integer.graph import RULES, InputTransform, Requantize, Tensor
from fpgaq.integer.inputs import apply_transform
from fpgaq.proof.compiled import compile_graph, find_compiler
from fpgaq.proof.runner import Runner
from tests.support.imported_operators import BUILDERS
from tests.support.integer_operators import residual_network
from tests.support.slow_interpreter import slow_run

SCHEMA = Path(__file__).parents[3] / "docs" / "contracts" / "network-2.schema.json"


@pytest.mark.parametrize("kind", sorted(BUILDERS))
@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_reference_equals_the_formulas(kind: str, seed: int) -> None:
    graph = BUILDERS[kind](seed)
    expected = slow_run(graph, dict(graph.samples))
    for name, value in reference.run(graph, graph.samples, keep=True).items():
        assert np.array_equal(value, expected[name]), name


def test_all_rules_are_drawn_and_few_results_saturate() -> None:
    rules, inside, total = Counter(), 0, 0
    for seed in range(200):
        graph = BUILDERS["convolution"](seed)
        (op,) = graph.operators
        rules[op.requantize.rule] += 1
        least, greatest = op.requantize.limits(graph.tensors["y"].format)
        values = reference.run(graph, graph.samples)["y"]
        if greatest - least > 2:
            inside += int(((values > least) & (values < greatest)).sum())
            total += values.size
    assert set(rules) == set(RULES) and min(rules.values()) > 20
    assert inside > total / 2


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_the_file_keeps_them(kind: str, tmp_path: Path) -> None:
    check_schema = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for seed in range(6):
        graph = BUILDERS[kind](seed)
        integer_file.save(graph, tmp_path / "a.fpgaq")
        loaded = integer_file.load(tmp_path / "a.fpgaq")
        assert integer_file.dump(loaded) == integer_file.dump(graph)
        assert loaded.tensors == graph.tensors
        for left, right in zip(graph.operators, loaded.operators, strict=True):
            assert getattr(left, "requantize", None) == getattr(right, "requantize", None)
        value = describing.describe(graph)[0]
        assert (value["version"], value["needs"]) == (2, fields.NEEDS)
        check_schema.validate(value)
        assert not check_schema.is_valid({**value, "later": 1})


def test_the_schema_of_version_2_is_that_of_the_reader() -> None:
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    for kind in fields.KINDS:
        expected = {"kind", "name", "inputs", "output", *fields.fields_of(kind, 2)}
        assert set(definitions[kind]["properties"]) == expected, kind
        assert set(definitions[kind]["required"]) == expected - set(fields.UNLESS_EMPTY), kind


def test_what_needs_no_more_stays_version_1() -> None:
    value = describing.describe(residual_network())[0]
    assert value["version"] == 1 and "needs" not in value
    assert "zero_point" not in value["tensors"][0] and "kind" not in value["inputs"][0]
    assert all("multiplier" not in (op.get("requantize") or {}) for op in value["operators"])


def broken(kind: str, seed: int = 0, tensors=None, **changes):
    graph = BUILDERS[kind](seed)
    known = {**graph.tensors, **(tensors(graph.tensors) if tensors else {})}
    return replace(graph, tensors=known, operators=(replace(graph.operators[0], **changes),))


def rule(**changes) -> dict[str, Requantize]:
    graph = BUILDERS["convolution"](0)
    target = graph.tensors["y"]
    base = Requantize((20,), "half_up", False, "multiply_shift", (1000,), (0,), target.zero_point)
    return {"requantize": replace(base, **changes)}


REFUSED = [
    (rule(rule="divide"), "requantizes by 'divide'; allowed: shift, multiply_shift, tflite_double"),
    (rule(multiplier=(0,)), "has multipliers beyond 1..2"),
    (rule(multiplier=(1 << 31,)), "has multipliers beyond 1..2"),
    (rule(multiplier=(1, 2)), "has 2 multipliers, 1 offsets for 4"),
    (rule(offset=(1 << 62,)), "needs 64 bits for accumulator times multiplier"),
    (rule(rule="shift"), "has multipliers or offsets, which the rule 'shift' does not have"),
    (rule(rule="tflite_double", rounding="floor"), "that the rule 'tflite_double' does not have"),
    (rule(rule="tflite_double", multiplier=(1 << 30,), shift=(2,)), "LiteRT's have 32"),
    (rule(low=1 << 20), "clips at 1048576..None"),
    (rule(low=1, high=0), "clips at 1..0"),
    (rule(relu=True, zero_point=0, low=0), "both a relu and a zero point or lower limit"),
    ({"weight_scale": (1.0, 2.0)}, "has 2 weight scales"),
    ({"weight_scale": (-1.0,)}, "weight scales that are not positive"),
    ({"weight_scale": ()}, "arbitrary scales of the input or of the weights alone"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_each_fault_is_refused(changes, message: str) -> None:
    graph = BUILDERS["convolution"](0)
    zero = changes["requantize"].zero_point if "requantize" in changes else graph.tensors["y"].zero_point

    def tensors(known: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"y": replace(known["y"], zero_point=zero)}

    with pytest.raises(ModelError, match=message):
        check(broken("convolution", 0, tensors, **changes))


@pytest.mark.parametrize(
    ("kind", "tensor", "changes", "message"),
    [
        ("affine", "y", {"zero_point": 1 << 20}, "has zero point 1048576"),
        ("affine", "y", {"scale": 0.0}, "has scale 0.0"),
        ("affine", "x0", {"format": Format(8, 3)}, "with fractional bits"),
        ("pad", "y", {"scale": 9.0}, "different scales or zero points"),
        ("multiply", "x0", {"zero_point": 0}, "takes zero points"),
        ("add", "x0", {"format": Format(16, 0, True), "scale": None}, "factors|accumulator"),
    ],
)
def test_each_faulty_tensor_is_refused(kind: str, tensor: str, changes, message: str) -> None:
    seed = next(s for s in range(50) if BUILDERS[kind](s).tensors["x0"].zero_point)

    def tensors(known: dict[str, Tensor]) -> dict[str, Tensor]:
        return {tensor: replace(known[tensor], **changes)}

    if kind == "add":
        graph = BUILDERS[kind](seed)
        plain = {name: replace(t, scale=None) for name, t in graph.tensors.items()}
        with pytest.raises(ModelError, match="has factors, which stand where inputs have arbitrary scales"):
            check(replace(graph, tensors=plain))
        return
    with pytest.raises(ModelError, match=message):
        check(broken(kind, seed, tensors))


def test_the_input_divides_as_quantize_linear_does() -> None:
    # Ties go to the even quotient before the odd zero point is added.
    transform = InputTransform(0.5, 3.0, "half_even", (6,), (6, 1, 1), "divide")
    data = np.array([[0.25, 0.75, -0.25, -0.75, 1e30, -1e30]], dtype=np.float32)
    assert apply_transform(transform, Format(8, 0, False), data).ravel().tolist() == [3, 5, 3, 1, 255, 0]


def test_integers_are_taken_as_they_are_or_refused() -> None:
    transform = InputTransform(1.0, 0.0, "half_up", (2,), (2, 1, 1), "integer")
    fmt = Format(8, 0)
    assert apply_transform(transform, fmt, np.array([[-128, 127]], np.int8)).ravel().tolist() == [-128, 127]
    assert apply_transform(transform, fmt, np.array([[1.0, -2.0]])).ravel().tolist() == [1, -2]
    for value in (128, 0.5, np.nan, np.inf, 1e300):
        with pytest.raises(ModelError, match=r"element \[0, 1\] is .*; the model takes integers from -128 to 127"):
            apply_transform(transform, fmt, np.array([[0, value]]))


def test_real_values_know_scale_and_zero_point() -> None:
    tensor = Tensor("x", (1, 1, 1), Format(8, 0), "", 0.25, -3)
    assert tensor.real(np.array([-3, 1])).tolist() == [0.0, 1.0]
    assert Tensor("x", (1, 1, 1), Format(8, 2)).real(np.array([-3, 1])).tolist() == [-0.75, 0.25]


LIMITS = "rounds twice, as LiteRT does, with results of both signs|a zero point or clip of 16 bits"


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_the_lowered_network_computes_the_same_or_is_refused_by_name(kind: str) -> None:
    lowered = 0
    for seed in range(60):
        graph = BUILDERS[kind](seed)
        try:
            plain = lower(graph)
        except UnsupportedError as error:
            assert re.search(f"layer {graph.operators[0].name!r}: ({LIMITS})", str(error))
            continue
        check_carried(plain)
        expected, found = (reference.run(one, graph.samples, keep=True) for one in (graph, plain))
        assert all(np.array_equal(found[name], expected[name]) for name in graph.tensors)
        lowered += 1
    assert lowered >= 30


def test_what_is_not_lowered_is_refused_by_name(tmp_path: Path) -> None:
    graph = BUILDERS["multiply"](3)
    with pytest.raises(UnsupportedError, match="layer 'm' requantizes by|layer 'm' has factors"):
        check_carried(graph)
    with pytest.raises(UnsupportedError, match="layer 'a' "):
        pipeline.unroll(BUILDERS["affine"](3), tmp_path / "unrolled")
    with pytest.raises(UnsupportedError, match="layer 'm' "):
        compile_graph(graph)


def test_steps_and_zero_points_of_the_ports_are_told(tmp_path: Path) -> None:
    graph = BUILDERS["convolution"](next(seed for seed in range(50) if _lowers(BUILDERS["convolution"](seed))))
    pipeline.generate(graph, tmp_path / "hw")
    interface = json.loads((tmp_path / "hw" / "interface.json").read_text(encoding="utf-8"))
    for port, name in ((interface["inputs"][0], "x0"), (interface["outputs"][0], "y")):
        tensor = graph.tensors[name]
        assert (port["scale"], port["zero_point"]) == (tensor.scale, tensor.zero_point)


@pytest.mark.parametrize("kind", ["convolution", "add", "multiply"])
def test_the_compiled_network_computes_the_same(kind: str) -> None:
    if find_compiler() is None:
        pytest.skip("no C++ compiler")
    graph = BUILDERS[kind](next(seed for seed in range(50) if _lowers(BUILDERS[kind](seed))))
    found = Runner("cpp", graph, 3).run(graph.samples)
    expected = reference.run(graph, graph.samples)
    assert np.array_equal(found["y"], expected["y"])


def _lowers(graph) -> bool:
    try:
        return lower(graph) is not graph
    except UnsupportedError:
        return False
