"""The committed examples are what their READMEs say, and the scripts that made them still work."""

import gzip
import importlib.util
import re
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SHAPES = {
    "fashion_mlp": (1, 28, 28),
    "fashion_cnn": (1, 28, 28),
    "fashion_residual": (1, 28, 28),
    "fashion_mobile": (1, 28, 28),
    "fashion_autoencoder": (1, 28, 28),
    "series_conv": (28, 28),
    "digits_cnn": (1, 8, 8),
    "digits_tabular": (64,),
}
"""The shape of a sample of each example."""
NAMES = tuple(SHAPES)
CLASSIFIERS = tuple(name for name in NAMES if name != "fashion_autoencoder")
FASHION_CLASSIFIERS = tuple(name for name in CLASSIFIERS if not name.startswith("digits_"))
COUNTS = {"fashion_autoencoder": 250, "digits_cnn": 500, "digits_tabular": 500}
"""Samples in test.npz where they are not 600."""
DATA_FOLDER = Path("/usr/share/datasets/fashion-mnist")

needs_data = pytest.mark.skipif(not DATA_FOLDER.is_dir(), reason="Debian's dataset-fashion-mnist is not installed")


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


def stated_figure(folder: Path, row: str) -> str:
    """The value in the README's table in the row that starts with `row`: a percentage or a mean squared error."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^\| {re.escape(row)}.*\| ([0-9.]+%?) \|$", text, flags=re.MULTILINE)
    assert found is not None, text
    return found[1]


def predict(model: Path, samples: np.ndarray) -> np.ndarray:
    """The outputs of nnabla for `samples` with the network `runtime` of a .nnp."""
    import nnabla as nn
    from nnabla.utils.nnp_graph import NnpLoader

    with nn.parameter_scope(str(model)):
        network = NnpLoader(str(model)).get_network("runtime", batch_size=len(samples))
        network.inputs["x"].d = samples
        network.outputs["y"].forward(clear_buffer=True)
        return network.outputs["y"].d.copy()


def measured_figure(folder: Path) -> str:
    """The figure of test.npz with the committed model, written as in the README."""
    with np.load(folder / "test.npz", allow_pickle=False) as data:
        found, targets = predict(folder / "model.nnp", data["x"]), data["y"]
    if found.shape == targets.shape:
        return f"{np.mean((found.astype(np.float64) - targets) ** 2):.6f}"
    return f"{np.mean(found.argmax(axis=1) == targets):.2%}"


@pytest.mark.parametrize("name", NAMES)
def test_files_are_small_and_in_the_documented_form(name: str) -> None:
    folder = EXAMPLES / name
    assert all(file.stat().st_size < 300_000 for file in folder.iterdir())
    for file, count in (("calibration.npz", 256), ("test.npz", COUNTS.get(name, 600))):
        with np.load(folder / file, allow_pickle=False) as data:
            assert data["x"].shape == (count, *SHAPES[name])
            assert data["x"].dtype == np.uint8
            if name in CLASSIFIERS:
                assert data["y"].shape == (count,)
                assert set(data["y"]) == set(range(10))
            else:
                assert data["y"].shape == data["x"].shape
                assert data["y"].min() == 0 and data["y"].max() == 1


@pytest.mark.nnabla
@pytest.mark.parametrize("name", NAMES)
def test_committed_models_reach_the_stated_accuracy(name: str) -> None:
    pytest.importorskip("nnabla")
    assert measured_figure(EXAMPLES / name) == stated_figure(EXAMPLES / name, "`test.npz`")


@needs_data
@pytest.mark.parametrize("name", FASHION_CLASSIFIERS)
def test_committed_images_are_those_of_the_data_set(name: str) -> None:
    data_module = load_script("fashion_data")
    images, labels = data_module.load_fashion("test")
    with np.load(EXAMPLES / name / "test.npz", allow_pickle=False) as data:
        np.testing.assert_array_equal(data["x"], images[:600].reshape(data["x"].shape))
        np.testing.assert_array_equal(data["y"], labels[:600])
    train_images = {image.tobytes() for image in data_module.load_fashion("train")[0]}
    with np.load(EXAMPLES / name / "calibration.npz", allow_pickle=False) as data:
        assert all(image.tobytes() in train_images for image in data["x"])


def test_augmented_images_are_mirrored_and_moved() -> None:
    data_module = load_script("fashion_data")
    images = np.random.default_rng(0).integers(1, 256, (40, 1, 5, 6), dtype=np.uint8)
    labels = np.arange(40)
    more, targets = data_module.augmented(images, labels)
    np.testing.assert_array_equal(targets, np.tile(labels, 4))
    np.testing.assert_array_equal(more[:40], images)
    np.testing.assert_array_equal(more[40:80], images[..., ::-1])
    ways = set()
    for image, moved in zip(np.concatenate([images, images[..., ::-1]])[:, 0], more[80:, 0], strict=True):
        padded = np.pad(image, 1)
        fitting = [
            (row, column)
            for row in range(3)
            for column in range(3)
            if np.array_equal(moved, padded[row : row + 5, column : column + 6])
        ]
        assert len(fitting) == 1
        ways.update(fitting)
    assert len(ways) == 9


@needs_data
def test_the_masked_images_lack_a_quarter_of_the_pixels() -> None:
    images = load_script("fashion_data").load_fashion("test")[0][:250]
    with np.load(EXAMPLES / "fashion_autoencoder" / "test.npz", allow_pickle=False) as data:
        masked, whole = data["x"], data["y"]
    np.testing.assert_array_equal(np.rint(whole.astype(np.float64) * 255), images)
    np.testing.assert_array_equal(masked[masked > 0], images[masked > 0])
    assert 0.24 < np.mean(masked[images > 0] == 0) < 0.26


def test_the_digits_for_training_and_testing_are_apart() -> None:
    with np.load(EXAMPLES / "digits.npz", allow_pickle=False) as data:
        everything = [*zip(map(bytes, data["x"]), data["y"], strict=True)]
        assert data["x"].shape == (1797, 64) and data["x"].max() == 16
    parts = {}
    for part in ("calibration", "test"):
        with np.load(EXAMPLES / "digits_tabular" / f"{part}.npz", allow_pickle=False) as data:
            parts[part] = set(zip(map(bytes, data["x"]), data["y"], strict=True))
    assert parts["calibration"] | parts["test"] <= set(everything)
    assert not parts["calibration"] & parts["test"]


@needs_data
@pytest.mark.nnabla
@pytest.mark.parametrize(
    ("name", "epochs", "least"),
    [("fashion_mlp", 0.3, 60.0), ("fashion_cnn", 0.04, 50.0), ("series_conv", 0.1, 60.0), ("digits_tabular", 3, 80.0)],
)
def test_training_a_few_batches_writes_a_folder_that_works(
    tmp_path: Path, name: str, epochs: float, least: float
) -> None:
    folder = train_a_little(tmp_path, name, epochs)
    assert float(stated_figure(folder, "all ").rstrip("%")) > least
    assert measured_figure(folder) == stated_figure(folder, "`test.npz`")


@needs_data
@pytest.mark.nnabla
def test_a_few_batches_restore_images_better_than_nothing(tmp_path: Path) -> None:
    folder = train_a_little(tmp_path, "fashion_autoencoder", 0.1)
    assert float(stated_figure(folder, "all ")) < float(stated_figure(folder, "the masked"))
    assert measured_figure(folder) == stated_figure(folder, "`test.npz`")


def train_a_little(output: Path, name: str, epochs: float) -> Path:
    pytest.importorskip("nnabla")
    finished = run_script("train", "--network", name, "--epochs", str(epochs), "-o", str(output))
    assert finished.returncode == 0, finished.stderr
    folder = output / name
    assert {path.name for path in folder.iterdir()} == {"model.nnp", "calibration.npz", "test.npz", "README.md"}
    return folder


@needs_data
def test_whole_sets_are_exported(tmp_path: Path) -> None:
    finished = run_script("fashion_data", "-o", str(tmp_path / "new folder"), "--train")
    assert finished.returncode == 0, finished.stderr
    for part, count in (("test", 10000), ("train", 60000)):
        with np.load(tmp_path / "new folder" / f"fashion_{part}.npz", allow_pickle=False) as data:
            assert data["x"].shape == (count, 1, 28, 28)
            assert np.bincount(data["y"]).tolist() == [count // 10] * 10


def test_missing_data_says_what_to_install(tmp_path: Path) -> None:
    finished = run_script("fashion_data", "-o", str(tmp_path), "--data-folder", str(tmp_path / "none"))
    assert finished.returncode == 3
    assert "apt-get install dataset-fashion-mnist" in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_idx_files_are_checked(tmp_path: Path) -> None:
    data_module = load_script("fashion_data")
    path = tmp_path / "some.gz"
    good = struct.pack(">HBBII", 0, 8, 2, 2, 3) + bytes(range(6))
    path.write_bytes(gzip.compress(good))
    np.testing.assert_array_equal(data_module.read_idx(path), np.arange(6).reshape(2, 3))
    for bad in (gzip.compress(good[:-1]), gzip.compress(b"\0\0"), b"no gzip", gzip.compress(good)[:20]):
        path.write_bytes(bad)
        with pytest.raises(data_module.DataError, match=r"some\.gz"):
            data_module.read_idx(path)
