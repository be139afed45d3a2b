"""Integer networks as ONNX: equal in onnxruntime, and the same network when they are read again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import FitError, UnsupportedError, UsageError
from fpgaq.base.formats import Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph
from fpgaq.integer.onnx_export import to_onnx
from fpgaq.integer.reference import run, to_model_layout
from fpgaq.quantizer.onnx_integers import load_integer_onnx
from tests.support.integer_operators import BUILDERS, proved

NAMES = sorted(BUILDERS)


def inputs_of(graph: IntegerGraph, frames: int = 30) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    found = {}
    for name in graph.inputs:
        fmt = graph.tensors[name].format
        found[name] = random.integers(fmt.minimum, fmt.maximum + 1, (frames, *graph.tensors[name].shape))
    return found


def by_onnxruntime(data: bytes, graph: IntegerGraph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    feeds = {}
    for entry in session.get_inputs():
        image = inputs[entry.name].transpose(0, 3, 1, 2)
        shape = graph.transforms[entry.name].model_shape
        feeds[entry.name] = image.reshape(len(image), *shape).astype(entry.type[len("tensor(") : -1])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_onnxruntime_computes_every_integer(name: str) -> None:
    written = 0
    for seed in range(12):
        graph = BUILDERS[name](seed)
        try:
            data = to_onnx(graph)
        except (UnsupportedError, FitError) as error:
            assert "\n" not in str(error)
            assert error.args
            continue
        written += 1
        inputs = inputs_of(graph)
        wanted, found = run(graph, inputs), by_onnxruntime(data, graph, inputs)
        for output in graph.outputs:
            real = graph.tensors[output].real(to_model_layout(graph, output, wanted[output]))
            assert np.array_equal(np.asarray(found[output], np.float64), real), f"seed {seed}"
    assert written or name in ("table", "scale", "upsample_zeros", "deconvolution", "lone_sign"), "nothing was written"


def network(rounding: str = "half_up", relu: bool = True) -> IntegerGraph:
    """A convolution with shifts of its own for each channel, and a matrix product that leaves its accumulators."""
    from fpgaq.integer.graph import InputTransform, Requantize, Tensor

    random = np.random.default_rng(3)
    read, inner = Format(8, 0, False), Format(8, 3, not relu)
    weight = random.integers(-127, 128, (4, 3, 3, 2))
    first = IntegerConvolution(
        "conv", ("x",), "h", weight, random.integers(-500, 500, 4), Format(8, 7), (7, 8, 7, 8), (1, 1), (1, 1, 1, 1),
        (1, 1), 1, 0, 2, Requantize((4, 5, 4, 5), rounding, relu),
    )  # fmt: skip
    second = IntegerAffine(
        "dense", ("h",), "y", random.integers(-127, 128, (3, 80)), random.integers(-500, 500, 3), Format(8, 7),
        (7, 7, 7), 2, None,
    )  # fmt: skip
    first, second = proved(first, read), proved(second, inner)
    last = Format(operator_bounds(second, inner).width, 10)
    second = replace(second, accumulator_width=last.width)
    return IntegerGraph(
        "network", ("x",), ("y",),
        {"x": Tensor("x", (4, 5, 2), read), "h": Tensor("h", (4, 5, 4), inner), "y": Tensor("y", (1, 1, 3), last)},
        (first, second), {"x": InputTransform(1.0, 0.0, "half_up", (2, 4, 5), (2, 4, 5))}, {"y": (3,)},
        {"x": random.integers(0, 256, (2, 4, 5, 2))}, True,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["qdq", "qonnx"])
@pytest.mark.parametrize("rounding", ["half_up", "half_even", "floor"])
def test_it_reads_back_to_the_same_network(form: str, rounding: str) -> None:
    graph = network(rounding)
    again, _ = load_integer_onnx(to_onnx(graph, form))
    assert [type(op) for op in again.operators] == [type(op) for op in graph.operators]
    for ours, theirs in zip(graph.operators, again.operators, strict=True):
        assert np.array_equal(ours.weight, theirs.weight)
        assert np.array_equal(ours.bias, theirs.bias)
        assert ours.accumulator_width == theirs.accumulator_width
    # The quarter of a step is known again: plain shifts, rounded as before.
    assert again.operators[0].requantize.rule == "shift"
    assert again.operators[0].requantize.shift == graph.operators[0].requantize.shift
    assert again.operators[0].requantize.rounding == rounding
    inputs = inputs_of(graph, 200)
    wanted, found = run(graph, inputs)["y"], run(again, inputs)["y"]
    assert np.array_equal(found, wanted)


def test_ties_are_reached_and_go_up() -> None:
    """Without the quarter onnxruntime would round ties to even, and the test would see it."""
    graph = network()
    inputs = inputs_of(graph, 200)
    even = replace(
        graph,
        operators=(
            replace(graph.operators[0], requantize=network("half_even").operators[0].requantize),
            graph.operators[1],
        ),
    )
    up, down = (run(one, inputs, keep=True)["h"] for one in (graph, even))
    assert (up != down).any()
    found = by_onnxruntime(to_onnx(graph), graph, inputs)["y"]
    assert np.array_equal(found, graph.tensors["y"].real(run(graph, inputs)["y"]).reshape(200, 3))


def test_what_cannot_be_stated_is_refused(tmp_path: Path) -> None:
    graph = network()
    away = replace(graph.operators[0], requantize=replace(graph.operators[0].requantize, rounding="half_away"))
    with pytest.raises(UnsupportedError, match="layer 'conv': rounds half away from zero"):
        to_onnx(replace(graph, operators=(away, graph.operators[1])))
    large = replace(graph.operators[0], bias=graph.operators[0].bias + (1 << 22))
    with pytest.raises(FitError, match="layer 'conv': accumulators reach 4,[0-9,]+; .* exact to 4,194,304"):
        to_onnx(replace(graph, operators=(large, graph.operators[1])))
    with pytest.raises(UnsupportedError, match="a table has no equal in standard ONNX"):
        to_onnx(BUILDERS["table"](0))
    with pytest.raises(UsageError, match=r"its name must end in \.onnx"):
        pipeline.export(graph, tmp_path / "model.bin")
    with pytest.raises(UnsupportedError, match="format 'other'; supported: qdq, qonnx"):
        to_onnx(graph, "other")


def test_the_file_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    graph = network()
    sizes = [pipeline.export(graph, tmp_path / name) for name in ("a.onnx", "b.onnx")]
    assert sizes[0] == sizes[1] > 0
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
