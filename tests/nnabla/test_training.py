from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.errors import UsageError

pytestmark = pytest.mark.nnabla


def blobs(count: int = 400, seed: int = 0):
    """Samples of three classes that a small network tells apart."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    centers = np.array([[2.0, 0.0, 0.0, 1.0], [0.0, 2.0, 0.0, -1.0], [-2.0, -2.0, 1.0, 0.0]])
    return (centers[labels] + random.normal(0, 0.5, (count, 4))).astype(np.float32), labels


def make(nn, batch_stat: bool = True, batch: int = 20):
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    x = nn.Variable((batch, 4))
    h = pf.affine(x, 8, name="a")
    h = f.relu(pf.batch_normalization(h, batch_stat=batch_stat, name="n"))
    return x, pf.affine(h, 3, name="b")


def values(nn) -> dict[str, np.ndarray]:
    return {name: variable.d.copy() for name, variable in nn.get_parameters(grad_only=False).items()}


def test_training_learns_and_repeats(nnabla) -> None:
    from fpgaq.nnabla.training import TrainOptions, accuracy, train

    samples, labels = blobs()
    results = []
    for _ in range(2):
        nnabla.clear_parameters()
        np.random.seed(3)
        nnabla.seed(3)
        x, y = make(nnabla)
        _, test = make(nnabla, batch_stat=False)
        test_x = test.parent.inputs[0].parent.inputs[0].parent.inputs[0].parent.inputs[0]
        epochs = train(
            [x], y, [samples], labels, TrainOptions(epochs=6, rate=0.02),
            score=lambda a=test_x, b=test: accuracy([a], b, [samples], labels),
        )  # fmt: skip
        results.append((epochs, values(nnabla)))
    assert results[0][0] == results[1][0]
    assert len(results[0][0]) == 6
    assert results[0][0][-1].score > 0.97 > results[0][0][-1].loss
    for name, array in results[0][1].items():
        np.testing.assert_array_equal(array, results[1][1][name])


def test_another_seed_gives_other_weights(nnabla) -> None:
    from fpgaq.nnabla.training import TrainOptions, train

    samples, labels = blobs()
    found = []
    for seed in (1, 2):
        nnabla.clear_parameters()
        np.random.seed(3)
        x, y = make(nnabla)
        train([x], y, [samples], labels, TrainOptions(epochs=1, seed=seed))
        found.append(values(nnabla)["a/affine/W"])
    assert (found[0] != found[1]).any()


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_regression(nnabla, loss) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla.training import TrainOptions, predict, train

    samples, _ = blobs()
    targets = samples[:, :2] * 2 + 1
    x = nnabla.Variable((25, 4))
    y = pf.affine(x, 2)
    train([x], y, [samples], targets, TrainOptions(epochs=40, rate=0.05, schedule="step", loss=loss))
    assert np.abs(predict([x], y, [samples[:33]]) - targets[:33]).max() < 0.1


def test_masks_and_regularizer(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla.training import TrainOptions, train

    samples, labels = blobs()
    x, y = make(nnabla)
    weight = nnabla.get_parameters()["a/affine/W"]
    gamma = nnabla.get_parameters(grad_only=False)["n/bn/gamma"]
    mask = np.ones(weight.shape, np.float32)
    mask[:, :3] = 0

    def apply(step: int) -> None:
        weight.d = weight.d * mask

    before = np.abs(gamma.d).sum()
    train(
        [x], y, [samples], labels, TrainOptions(epochs=4, rate=0.02),
        regularizer=f.sum(f.abs(gamma)) * 0.3, after_step=apply,
    )  # fmt: skip
    assert (weight.d[:, :3] == 0).all()
    assert (weight.d[:, 3:] != 0).all()
    assert np.abs(gamma.d).sum() < 0.7 * before


def test_softmax_at_the_end_is_looked_through(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla.training import TrainOptions, accuracy, train

    samples, labels = blobs()
    x, y = make(nnabla)
    train([x], f.softmax(y), [samples], labels, TrainOptions(epochs=5, rate=0.02))
    assert accuracy([x], y, [samples], labels) > 0.95


def test_progress_is_reported(nnabla) -> None:
    from fpgaq.nnabla.training import TrainOptions, train

    samples, labels = blobs()
    x, y = make(nnabla)
    lines: list[str] = []
    train([x], y, [samples], labels, TrainOptions(epochs=0.5), progress=lines.append)
    assert lines[0].startswith("training: 1 of 10 steps, loss")


@pytest.mark.parametrize(
    ("samples", "targets", "words"),
    [
        (np.zeros((40, 5)), np.zeros(40, int), "input 0: samples of shape (40, 5)"),
        (np.zeros((40, 4)), np.zeros(39, int), "40 samples, but 39 targets"),
        (np.zeros((10, 4)), np.zeros(10, int), "10 samples do not fill one batch of 20"),
        (np.zeros((40, 4)), np.full(40, 3), "no class indices below 3"),
    ],
)
def test_unsound_data_are_refused(nnabla, samples, targets, words) -> None:
    from fpgaq.nnabla.training import TrainOptions, train

    x, y = make(nnabla)
    with pytest.raises(UsageError) as caught:
        train([x], y, [samples], targets, TrainOptions())
    assert words in str(caught.value)


def test_a_loss_that_is_not_finite_stops(nnabla) -> None:
    import nnabla.parametric_functions as pf

    from fpgaq.nnabla.training import TrainOptions, train

    x = nnabla.Variable((20, 4))
    with pytest.raises(UsageError, match="the loss is nan at step 1; train at a lower rate than 0.001"):
        train([x], pf.affine(x, 3), [np.full((40, 4), np.inf)], np.zeros(40, int), TrainOptions())


@pytest.mark.parametrize(
    "options", [{"epochs": 0}, {"rate": -1}, {"rate": float("nan")}, {"schedule": "x"}, {"loss": "l1"}]
)
def test_unsound_options_are_refused(nnabla, options) -> None:
    from fpgaq.nnabla.training import TrainOptions

    with pytest.raises(UsageError, match=next(iter(options))):
        TrainOptions(**options)


def test_nothing_to_train_is_refused(nnabla) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla.training import TrainOptions, train

    x = nnabla.Variable((20, 4))
    with pytest.raises(UsageError, match="no parameter"):
        train([x], f.relu(x), [np.zeros((40, 4))], np.zeros(40, int), TrainOptions())


def test_load_train_save(nnabla, tmp_path) -> None:
    from fpgaq.model.importers import load
    from fpgaq.nnabla.files import Network, load_network, save_network, with_batch_stat
    from fpgaq.nnabla.training import TrainOptions, accuracy, train

    samples, labels = blobs()
    x, y = make(nnabla, batch_stat=False)
    path = tmp_path / "a.nnp"
    save_network(path, Network("net", {"x": x}, {"y": y}))
    start = values(nnabla)
    nnabla.clear_parameters()
    network = load_network(path, batch_size=20, batch_stat=True)
    assert {name: array.tolist() for name, array in values(nnabla).items()} == {
        name: array.tolist() for name, array in start.items()
    }
    (x,), (y,) = network.inputs.values(), network.outputs.values()
    train([x], y, [samples], labels, TrainOptions(epochs=6, rate=0.02))
    assert (values(nnabla)["n/bn/mean"] != start["n/bn/mean"]).any()  # running statistics moved
    test = with_batch_stat(y, False)
    assert accuracy([x], test, [samples], labels) > 0.95
    save_network(path, Network("net", {"x": x}, {"y": test}))
    graph = load(path)
    weight = next(op.weight for op in graph.operators if hasattr(op, "weight"))
    np.testing.assert_array_equal(weight.T, values(nnabla)["a/affine/W"])


def test_files_that_are_refused(nnabla, tmp_path) -> None:
    import zipfile

    from fpgaq.base.errors import ModelError
    from fpgaq.nnabla.files import load_network

    with pytest.raises(ModelError, match="cannot be read"):
        load_network(tmp_path / "none.nnp")
    (tmp_path / "a.nnp").write_bytes(b"")
    with pytest.raises(ModelError, match="a.nnp"):
        load_network(tmp_path / "a.nnp")
    with zipfile.ZipFile(tmp_path / "b.nnp", "w") as archive:
        archive.writestr("network.nntxt", "garbage {")
    with pytest.raises(ModelError, match=r"b.nnp: network.nntxt:1"):
        load_network(tmp_path / "b.nnp")
