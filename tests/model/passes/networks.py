"""Networks that passes rewrite, and the checks of their results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.model.executor import run_float
from fpgaq.model.graph import (
    Affine,
    Convolution,
    Graph,
    Operator,
)
from fpgaq.model.importers.nnp import load_nnp
from fpgaq.model.passes import standard_passes
from tests.support.nnp_builder import (
    Layer,
    batch_normalization,
    build_nnp,
)

GENERATOR = np.random.default_rng(11)
IMAGE = (2, 8, 6)


def kernel(*dims: int) -> np.ndarray:
    return GENERATOR.normal(size=dims).astype(np.float32)


def norm(
    name: str, channels: int, scale: bool = True, offset: bool = True, sign: int = 0, dimensions: int = 4
) -> Layer:
    """`sign` +1 makes all scales positive, 0 leaves both signs."""
    gammas = GENERATOR.uniform(0.3, 2, channels) * (1 if sign else GENERATOR.choice([-1, 1], channels))
    return batch_normalization(
        name,
        kernel(channels),
        GENERATOR.uniform(0.2, 3, channels),
        gammas if scale else None,
        kernel(channels) if offset else None,
        dimensions=dimensions,
    )


def graph_of(layers: Sequence[Layer], shape: tuple[int, ...] = IMAGE) -> Graph:
    return load_nnp(build_nnp(layers, shape))


def types(graph: Graph) -> list[type[Operator]]:
    return [type(op) for op in graph.operators]


def same_result(before: Graph, after: Graph, data: np.ndarray | None = None) -> None:
    if data is None:
        data = GENERATOR.normal(size=(9, *before.shapes["x"]))
    expected = run_float(before, {"x": data}, keep=True)
    cut = after.classifier or any("Softmax is cut off" in note for note in after.notes)
    logits = before.operators[-1].input if cut else before.outputs[0]
    found = run_float(after, {"x": data})[after.outputs[0]]
    np.testing.assert_allclose(found, expected[logits], rtol=0, atol=5e-6 * np.abs(expected[logits]).max())


def passed(layers: Sequence[Layer], expected: list[type[Operator]], shape: tuple[int, ...] = IMAGE) -> Graph:
    """The network after all passes: of these types, with the same result, the same ends, and the original untouched."""
    before = graph_of(layers, shape)
    weights = [op.weight.copy() for op in before.operators if isinstance(op, Convolution | Affine)]
    after = standard_passes(before)
    assert types(after) == expected
    assert after.inputs == ("x",) and after.outputs == ("y",)
    used = {name for op in after.operators for name in (*op.inputs, op.output)}
    assert set(after.shapes) == used
    same_result(before, after)
    kept = [op.weight for op in before.operators if isinstance(op, Convolution | Affine)]
    assert all((a == b).all() for a, b in zip(weights, kept, strict=True))
    assert all(op.weight.dtype == np.float32 for op in after.operators if isinstance(op, Convolution | Affine))
    return after


def refused(layers: Sequence[Layer], message: str, shape: tuple[int, ...] = IMAGE) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        standard_passes(graph_of(layers, shape))
    assert "\n" not in str(caught.value)
