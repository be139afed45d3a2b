"""Files and graphs that nnabla itself makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.model.executor import run_float
from fpgaq.model.importers import from_nnabla, load
from tests.support.nnabla_networks import make

pytestmark = pytest.mark.nnabla


@pytest.mark.parametrize("parameter_format", [".h5", ".protobuf"])
@pytest.mark.parametrize("variable_batch_size", [True, False])
def test_saved_files(nnabla, tmp_path: Path, parameter_format: str, variable_batch_size: bool) -> None:
    from nnabla.utils.save import save

    x, y = make(nnabla, "batch_normalized")
    path = tmp_path / "saved.nnp"
    network = {"name": "net", "batch_size": 2, "names": {"image": x}, "outputs": {"scores": y}}
    executor = {"name": "run", "network": "net", "data": ["image"], "output": ["scores"]}
    contents = {"networks": [network], "executors": [executor]}
    save(str(path), contents, variable_batch_size=variable_batch_size, parameter_format=parameter_format)
    graph = load(path)
    assert (graph.inputs, graph.outputs, graph.name) == (("image",), ("scores",), "net")
    x.d = np.random.default_rng(0).normal(size=x.shape)
    y.forward()
    found = run_float(graph, {"image": x.d})["scores"]
    assert np.abs(found - y.d).max() <= 2e-6 * np.abs(y.d).max()


def test_text_with_parameters(nnabla, tmp_path: Path) -> None:
    from nnabla.utils.save import save

    x, y = make(nnabla, "exotic_convolutions")
    path = tmp_path / "saved.nntxt"
    network = {"name": "net", "batch_size": 2, "names": {"x": x}, "outputs": {"y": y}}
    save(str(path), {"networks": [network], "executors": []}, include_params=True)
    in_memory, from_text = from_nnabla(y, "net"), load(path)
    data = np.random.default_rng(0).normal(size=(3, *x.shape[1:]))
    np.testing.assert_array_equal(run_float(from_text, {"x": data})["y"], run_float(in_memory, {"x": data})["y"])
    save(str(path), {"networks": [network], "executors": []}, include_params=False)
    with pytest.raises(ModelError, match="saved.nntxt: layer .* weights missing: the file has no value for parameter"):
        load(path)


def test_names_of_a_graph_in_memory(nnabla) -> None:
    import nnabla.functions as f

    x, y = make(nnabla, "lenet")
    assert (from_nnabla(y).inputs, from_nnabla(y).outputs, from_nnabla(y).name) == (("x",), ("y",), "network")
    two = from_nnabla([y, f.relu(x)], "two")
    assert two.inputs == ("x",) and two.outputs == ("y0", "y1")


def test_weights_outside_the_scope_are_missing(nnabla) -> None:
    _x, y = make(nnabla, "lenet")
    nnabla.clear_parameters()
    with pytest.raises(
        ModelError, match="weights missing: input .* is no parameter; save with the parameters in scope"
    ):
        from_nnabla(y)


def test_training_mode_reads_running_statistics(nnabla) -> None:
    import nnabla.parametric_functions as pf

    x = nnabla.Variable((2, 3, 4, 4))
    graph = from_nnabla(pf.batch_normalization(x, batch_stat=True))
    assert "batch_stat is true (training mode)" in graph.notes[0]
    x.d = np.random.default_rng(0).normal(size=x.shape)
    expected = pf.batch_normalization(x, batch_stat=False)
    expected.forward()
    np.testing.assert_allclose(run_float(graph, {"x": x.d})["y"], expected.d, rtol=1e-6)


def test_unused_parameters_in_the_scope_do_no_harm(nnabla) -> None:
    import nnabla.parametric_functions as pf

    _x, y = make(nnabla, "lenet")
    pf.affine(nnabla.Variable((1, 3)), 3, name="elsewhere")
    assert len(from_nnabla(y).operators) == 11


@pytest.mark.parametrize("seed", range(40))
def test_pooling_of_every_geometry(nnabla, seed: int) -> None:
    """Either the values agree, or the reader refuses a window in which nnabla reads outside the image."""
    import nnabla.functions as f

    generator = np.random.default_rng(seed)
    size = tuple(int(n) for n in generator.integers(1, 9, 2))
    kernel = tuple(int(n) for n in generator.integers(1, 4, 2))
    stride = tuple(int(n) for n in generator.integers(1, 4, 2))
    pad = tuple(int(generator.integers(0, k)) for k in kernel)
    ignore = bool(generator.integers(2))
    x = nnabla.Variable((1, 2, *size))
    y = f.max_pooling(x, kernel, stride, ignore, pad)
    if ignore and any(n + 2 * p < k for n, p, k in zip(size, pad, kernel, strict=True)):
        # nnabla rounds a negative quotient up, and so makes one window here, or none, or a negative number.
        with pytest.raises(ModelError, match="is larger than the padded input|sizes are at least 1"):
            from_nnabla(y)
        return
    lost = any((o - 1) * s - p >= n for o, s, p, n in zip(y.shape[2:], stride, pad, size, strict=True))
    if lost:
        with pytest.raises(ModelError, match="lies wholly in the padding"):
            from_nnabla(y)
        return
    x.d = generator.normal(size=x.shape) - 5
    y.forward()
    np.testing.assert_array_equal(run_float(from_nnabla(y), {"x": x.d})["y"], y.d)
