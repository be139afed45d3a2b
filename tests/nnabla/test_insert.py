from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError, UsageError
from tests.nnabla.networks import NAMES, build, kinds, values

pytestmark = pytest.mark.nnabla


def kind(name: str):
    return lambda function: function.info.type_name == name


def test_published_example(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import insert_after

    x = nnabla.Variable.from_numpy_array(np.zeros(1))
    y = (x + 0.5) * -2
    squared = insert_after(y, kind("AddScalar"), lambda h: f.pow_scalar(h, 2))
    assert values(y).tolist() == [-1.0]
    assert values(squared).tolist() == [-0.5]
    assert kinds(squared) == ["AddScalar", "PowScalar", "MulScalar"]
    assert kinds(y) == ["AddScalar", "MulScalar"]


def test_all_consumers_of_a_fork_follow(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import insert_after

    x = nnabla.Variable.from_numpy_array(np.array([3.0]))
    h = x + 1
    outputs = {"sum": h + h * 10, "itself": h, "twice": f.mul2(h, h)}
    new = insert_after(outputs, kind("AddScalar"), lambda v: v * 0.5)
    assert {name: values(y).tolist() for name, y in new.items()} == {"sum": [22.0], "itself": [2.0], "twice": [4.0]}
    assert {name: values(y).tolist() for name, y in outputs.items()} == {
        "sum": [44.0],
        "itself": [4.0],
        "twice": [16.0],
    }


def test_behind_the_last_function_and_several_outputs(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import insert_after

    x = nnabla.Variable.from_numpy_array(np.arange(6.0).reshape(2, 3))
    parts = f.split(x, axis=1)
    new = insert_after(list(parts), kind("Split"), lambda v: v + 100)
    assert [values(v).tolist() for v in new] == [[100.0, 103.0], [101.0, 104.0], [102.0, 105.0]]
    last = insert_after(f.tanh(x), kind("Tanh"), f.relu)
    assert kinds(last) == ["Tanh", "ReLU"]


def test_parameters_are_shared_and_trained_through_both_graphs(nnabla) -> None:
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import insert_after

    x = nnabla.Variable((2, 3))
    x.d = np.ones((2, 3))
    with nnabla.parameter_scope("shared"):
        h = pf.affine(x, 3, name="a")
    with nnabla.parameter_scope("shared"):
        y = pf.affine(f.tanh(h), 3, name="a")
    new = insert_after(y, kind("Tanh"), lambda v: v * 2)
    assert len(nnabla.get_parameters()) == 2
    weight = nnabla.get_parameters()["shared/a/affine/W"]
    before = values(new)
    weight.d = weight.d * 2
    assert (values(new) != before).all()
    weight.grad.zero()
    f.sum(new).backward()
    assert (weight.g != 0).any()


def test_training_mode_and_random_functions_stay(nnabla) -> None:
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla import insert_after

    x = nnabla.Variable((8, 3))
    x.d = np.random.default_rng(0).normal(3, 2, (8, 3))
    y = f.dropout(f.relu(pf.batch_normalization(x, batch_stat=True)), 0.5)
    new = insert_after(y, kind("ReLU"), lambda v: v * 1)
    mean = nnabla.get_parameters(grad_only=False)["bn/mean"]
    assert (mean.d == 0).all()
    result = values(new)
    np.testing.assert_allclose(mean.d.reshape(-1), 0.1 * x.d.mean(axis=0), rtol=1e-4)
    assert {function.info.type_name: function.info.args for function in _functions(new)}["Dropout"]["p"] == 0.5
    assert 0 < (result == 0).mean() < 1


def _functions(root):
    from fpgaq.nnabla import functions

    return functions(root)


@pytest.mark.parametrize("name", NAMES)
def test_an_identity_behind_every_function_changes_nothing(nnabla, name) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import insert_after

    x, y = build(nnabla, name)
    before, old = values(y), kinds(y)
    new = insert_after(y, lambda function: True, f.identity)
    np.testing.assert_array_equal(values(new), before)
    assert [k for k in kinds(new) if k != "Identity"] == [k for k in old if k != "Identity"]
    assert len(kinds(new)) == 2 * len(old)
    assert kinds(y) == old


def test_saved_and_loaded_again(nnabla, tmp_path) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import Network, insert_after, load_network, save_network

    x, y = build(nnabla, "lenet")
    new = insert_after(y, kind("ReLU"), lambda v: f.leaky_relu(v - 0.25, 0.5))
    expected, data = values(new), x.d.copy()
    save_network(tmp_path / "a.nnp", Network("net", {"x": x}, {"y": new}))
    nnabla.clear_parameters()
    network = load_network(tmp_path / "a.nnp", batch_size=2)
    network.inputs["x"].d = data
    np.testing.assert_array_equal(values(network.outputs["y"]), expected)


def test_refusals_leave_the_graph_as_it_was(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla import insert_after

    x, y = build(nnabla, "lenet")
    before = kinds(y)
    with pytest.raises(UsageError, match="no function was selected; the graph has MulScalar, Convolution"):
        insert_after(y, kind("Tanh"), f.relu)
    with pytest.raises(UsageError, match="build returned NoneType"):
        insert_after(y, kind("ReLU"), lambda v: None)
    with pytest.raises(UsageError, match="does not depend on its input"):
        insert_after(y, kind("ReLU"), lambda v: nnabla.Variable(v.shape))
    with pytest.raises(UsageError, match="function Convolution does not take inputs of shapes"):
        insert_after(y, kind("MaxPooling"), lambda v: v[:, :1])
    assert kinds(y) == before


def test_functions_written_in_python_are_refused(nnabla) -> None:
    from nnabla.function import PythonFunction

    from fpgaq.nnabla import insert_after

    class Mine(PythonFunction):
        @property
        def name(self) -> str:
            return "Mine"

        def min_outputs(self) -> int:
            return 1

        def setup_impl(self, inputs, outputs) -> None:
            outputs[0].reset_shape(inputs[0].shape, True)

        def forward_impl(self, inputs, outputs) -> None:
            outputs[0].d = inputs[0].d + 1

    x = nnabla.Variable.from_numpy_array(np.zeros(2))
    y = Mine(nnabla.get_current_context())(x) * 2
    with pytest.raises(UnsupportedError, match="cannot be copied"):
        insert_after(y, kind("MulScalar"), lambda v: v + 1)


def test_automatic_forward_computes_nothing_on_the_way(nnabla) -> None:
    from fpgaq.nnabla import insert_after

    with nnabla.auto_forward():
        x = nnabla.Variable.from_numpy_array(np.zeros(1))
        y = (x + 0.5) * -2
        new = insert_after(y, kind("AddScalar"), lambda v: v * 3)
    assert values(new).tolist() == [-3.0]
