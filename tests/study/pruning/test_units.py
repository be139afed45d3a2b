"""Elements that must shrink together: the units and groups of small networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.model.graph import (
    Add,
    Affine,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    Identity,
    MaxPooling,
    Operator,
    Pad,
    Pointwise,
    Relu,
    Reshape,
    Slice,
    Softmax,
    Transpose,
    check,
    infer_shape,
)
from fpgaq.model.graph.shapes import SHAPES
from fpgaq.study.pruning.groups import draw_groups, find_groups
from fpgaq.study.pruning.units import find_units, illegal
from tests.support.float_networks import small_cnn
from tests.support.random_graphs import random_graph


def network(shape: tuple[int, ...], *operators: Operator, outputs: tuple[str, ...], declared=None) -> Graph:
    """Operators with their inputs and outputs filled in; `declared` shapes of reshapes and slices."""
    shapes = {"x": shape}
    for op in operators:
        first, *others = (shapes[name] for name in op.inputs)
        shapes[op.output] = infer_shape(op, first, (declared or {}).get(op.output, first), others)
    return check(Graph("net", ("x",), outputs, operators, shapes))


def conv(name: str, source: str, outputs: int, inputs: int, kernel: int = 1, groups: int = 1) -> Convolution:
    weight = np.ones((outputs, inputs // groups, kernel, kernel), np.float32)
    return Convolution(name, (source,), name, weight, None, groups=groups)


def dense(name: str, source: str, outputs: int, features: int) -> Affine:
    return Affine(name, (source,), name, np.ones((outputs, features), np.float32), None)


def normalization(name: str, source: str, channels: int) -> BatchNormalization:
    ones = np.ones(channels, np.float32)
    return BatchNormalization(name, (source,), name, 0 * ones, ones, ones, ones, 1e-5)


def listed(graph: Graph) -> list[tuple[str, int, int]]:
    """For each group its layers, and how many units can go and must stay."""
    return [("+".join(g.layers), len(g.units), len(g.fixed)) for g in find_groups(find_units(graph))]


def test_a_chain_with_flatten_and_affine() -> None:
    graph = small_cnn()
    # The second convolution has two groups: the same channel goes from each.
    assert listed(graph) == [("c1", 2, 0), ("c2", 3, 0), ("a1", 5, 0), ("a2", 0, 3)]
    groups = find_groups(find_units(graph))
    assert groups[0].followers == ("r1", "p1") and groups[0].readers == ("c2",)
    assert groups[1].readers == ("a1",)
    assert groups[-1].reason == "it belongs to output 't8' of the network"


def test_sums_and_products_join() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 3, 2),
        conv("b", "a", 3, 3),
        Add("sum", ("a", "b"), "sum", (1, 1)),
        conv("c", "sum", 2, 3),
        outputs=("c",),
    )
    assert listed(graph) == [("a+b", 3, 0), ("c", 0, 2)]


def test_the_networks_input_holds_its_partners() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 2, 2),
        Add("sum", ("a", "x"), "sum", (1, -1)),
        conv("c", "sum", 2, 2),
        outputs=("c",),
    )
    (group, _) = find_groups(find_units(graph))
    assert (group.units, group.reason) == ((), "it belongs to input 'x' of the network")


def test_depthwise_goes_with_its_input() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 3, 2),
        conv("d", "a", 6, 3, groups=3),
        normalization("n", "d", 6),
        conv("c", "n", 2, 6),
        outputs=("c",),
    )
    assert listed(graph) == [("a", 3, 0), ("c", 0, 2)]
    units = find_units(graph)
    np.testing.assert_array_equal(units.channels("d"), units.channels("a").repeat(2))
    assert find_groups(units)[0].followers == ("d", "n")


def test_a_grouped_deconvolution() -> None:
    weight = np.ones((4, 3, 2, 2), np.float32)
    graph = network(
        (2, 4, 4),
        conv("a", "x", 4, 2),
        Deconvolution("d", ("a",), "d", weight, None, stride=(2, 2), groups=2),
        conv("c", "d", 2, 6),
        outputs=("c",),
    )
    assert listed(graph) == [("a", 2, 0), ("d", 3, 0), ("c", 0, 2)]


def test_concatenation_keeps_channels_apart() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 3, 2),
        conv("b", "x", 2, 2),
        Concatenate("both", ("a", "b"), "both"),
        Relu("r", ("both",), "r"),
        conv("c", "r", 2, 5),
        outputs=("c",),
    )
    assert listed(graph) == [("a", 3, 0), ("b", 2, 0), ("c", 0, 2)]


def test_slices_tie_halves_of_a_layer() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 6, 2),
        Slice("low", ("a",), "low", (0, 0, 0)),
        Slice("high", ("a",), "high", (3, 0, 0)),
        Add("sum", ("low", "high"), "sum", (1, 1)),
        conv("c", "sum", 2, 3),
        outputs=("c",),
        declared={"low": (3, 4, 4), "high": (3, 4, 4)},
    )
    assert listed(graph) == [("a", 3, 0), ("c", 0, 2)]
    units = find_units(graph)
    np.testing.assert_array_equal(units.channels("a")[:3], units.channels("a")[3:])


def test_transposes_and_reshapes_are_followed() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 6, 2),
        Reshape("pairs", ("a",), "pairs"),
        Transpose("swap", ("pairs",), "swap", (1, 0, 2)),
        Reshape("shuffled", ("swap",), "shuffled"),
        conv("c", "shuffled", 2, 6),
        outputs=("c",),
        declared={"pairs": (2, 3, 16), "shuffled": (6, 4, 4)},
    )
    # In between, the tensor must stay an array of pairs: two channels go at a time.
    assert listed(graph) == [("a", 3, 0), ("c", 0, 2)]
    units = find_units(graph)
    assert units.axes["pairs"] == 1 and units.axes["swap"] == 0
    last = Transpose("last", ("a",), "last", (1, 2, 0))
    rows = network((2, 4, 4), conv("a", "x", 6, 2), last, dense("d", "last", 3, 96), outputs=("d",))
    assert listed(rows) == [("a", 6, 0), ("d", 0, 3)]
    assert find_units(rows).axes["last"] == 2


def test_pooling_over_transposed_channels_ties_all() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 6, 2),
        Transpose("swap", ("a",), "swap", (1, 0, 2)),
        MaxPooling("pool", ("swap",), "pool", (2, 2), (2, 2)),
        dense("d", "pool", 3, 24),
        outputs=("d",),
    )
    group = find_groups(find_units(graph))[0]
    assert group.units == () and "all of it moves together" in group.reason


def test_softmax_inside_and_operators_that_pruning_does_not_know_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    class Novel(Identity):
        pass

    monkeypatch.setitem(SHAPES, Novel, SHAPES[Identity])
    graph = network(
        (2, 4, 4),
        conv("a", "x", 3, 2),
        Softmax("soft", ("a",), "soft", 0),
        conv("b", "soft", 3, 3),
        Novel("new", ("b",), "new", "Novel"),
        conv("c", "new", 2, 3),
        outputs=("c",),
    )
    first, second, _ = find_groups(find_units(graph))
    assert not first.units and "layer 'soft' (Softmax) weighs" in first.reason
    assert not second.units and second.reason == "pruning does not know layer 'new' (Novel)"


def test_what_a_mask_must_not_drop() -> None:
    units = find_units(small_cnn())
    keep = units.everything()
    assert illegal(units, keep) is None
    keep[units.channels("t8")[0]] = False
    assert "must stay: it belongs to output 't8'" in str(illegal(units, keep))
    keep = units.everything()
    keep[np.unique(units.channels("t1"))] = False
    assert illegal(units, keep) == "nothing of tensor 't1' would be left"
    assert "the mask has 2 entries" in str(illegal(units, np.ones(2, bool)))


def test_the_drawing_shows_groups_by_colour() -> None:
    units = find_units(small_cnn())
    text = draw_groups(units, find_groups(units))
    assert text.startswith("digraph groups {") and text.endswith("}\n")
    assert text.count(" -> ") == len(units.graph.operators)
    lines = {line.split('label="')[1].split("\\n")[0]: line for line in text.splitlines() if "label=" in line}
    colour = {name: line.split("fillcolor=")[1] for name, line in lines.items() if "fillcolor=" in line}
    assert colour["c1"] == colour["r1"] == colour["p1"] != colour["c2"] == colour["r2"]
    assert "lightgrey" in colour["a2"]


@pytest.mark.parametrize("seed", range(0, 120, 4))
def test_units_of_random_graphs_make_arrays(seed: int) -> None:
    units = find_units(random_graph(seed))
    for name, labels in units.labels.items():
        assert labels.shape == units.graph.shapes[name]
        line = units.along(name)
        shape = tuple(len(line) if axis == units.axes[name] else 1 for axis in range(labels.ndim))
        np.testing.assert_array_equal(labels, np.broadcast_to(line.reshape(shape), labels.shape))
    assert {int(unit) for labels in units.labels.values() for unit in np.unique(labels)} == set(range(units.count))


def test_padding_and_functions_hand_channels_on() -> None:
    graph = network(
        (2, 4, 4),
        conv("a", "x", 3, 2),
        Pad("pad", ("a",), "pad", (1, 1, 0, 0), "constant", 0.5),
        Pointwise("s", ("pad",), "s", "sigmoid"),
        conv("c", "s", 2, 3),
        outputs=("c",),
    )
    assert listed(graph) == [("a", 3, 0), ("c", 0, 2)]
