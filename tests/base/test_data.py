"""Data files: what is read, and what is refused."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from fpgaq.base.data import Dataset, fit_shape, load_data
from fpgaq.base.errors import ModelError

IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 1, 2, 2)
LABELS = np.array([0, 2, 1])


def test_npy_holds_the_only_input(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    data = load_data(tmp_path / "a.npy", ("image",))
    assert np.array_equal(data.inputs["image"], IMAGES) and data.labels is None and data.frames == 3


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize(("key", "label"), [("x", "y"), ("image", "y"), ("x", "logits")])
@pytest.mark.parametrize("output", ["logits", "y"])
def test_npz_with_either_name(tmp_path, key, label, compressed, output):
    label = output if label == "logits" else label
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "a.npz", **{key: IMAGES, label: LABELS.astype(np.uint8)[:, None]})
    data = load_data(tmp_path / "a.npz", ("image",), outputs=(output,), shapes={"image": (1, 2, 2)})
    assert np.array_equal(data.inputs["image"], IMAGES)
    assert data.labels is not None and data.labels.dtype == np.int64 and data.labels.tolist() == [0, 2, 1]


def test_two_inputs_go_by_their_names(tmp_path):
    np.savez(tmp_path / "a.npz", a=IMAGES, b=IMAGES + 1, y=LABELS)
    data = load_data(tmp_path / "a.npz", ("a", "b"))
    assert np.array_equal(data.inputs["b"], IMAGES + 1)
    np.savez(tmp_path / "b.npz", x=IMAGES, b=IMAGES)
    with pytest.raises(ModelError, match="no array 'a' for the input"):
        load_data(tmp_path / "b.npz", ("a", "b"))


def test_labels_are_left_aside_on_request(tmp_path):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=LABELS)
    assert load_data(tmp_path / "a.npz", ("x",), classes_ok=False).labels is None


def test_slice_keeps_labels_with_their_samples():
    part = Dataset({"x": IMAGES}, LABELS).slice(1, 3)
    assert part.frames == 2 and part.labels is not None and part.labels.tolist() == [2, 1]


def test_axes_of_one_may_be_missing(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES[:, 0])
    assert load_data(tmp_path / "a.npy", ("x",), shapes={"x": (1, 2, 2)}).inputs["x"].shape == (3, 1, 2, 2)


def test_fortran_order_and_big_endian_are_read(tmp_path):
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4)).astype(">f4")
    np.save(tmp_path / "a.npy", array)
    found = load_data(tmp_path / "a.npy", ("x",)).inputs["x"]
    assert np.array_equal(found, array) and found.dtype.isnative


NAN = np.full((3, 4), 1.0)
NAN[1, 2] = np.nan


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": NAN}, r"element \[1, 2\] is nan"),
        ({"x": np.full((3, 4), np.inf)}, "is inf"),
        ({"x": np.zeros((0, 4))}, "holds no samples"),
        ({"x": np.array(3.0)}, "holds no samples"),
        ({"x": np.zeros((3, 5))}, "does not fit the input's shape"),
        ({"x": np.zeros((3, 4), dtype=complex)}, "element type complex128 is refused"),
        ({"x": np.array(["a", "b"])}, "element type <U1 is refused"),
        ({"x": np.array([{}, {}])}, "element type object is refused"),
        ({"z": np.zeros((3, 5))}, "no array 'x'"),
        ({"x": np.zeros((3, 4)), "y": np.zeros(2, dtype=int)}, "different numbers of samples"),
        ({"x": np.zeros((3, 4)), "y": np.array([0, -1, 2])}, "are not labels"),
        ({"x": np.zeros((3, 4)), "y": np.array([0.5, 1, 2])}, "are not labels"),
        ({"x": np.zeros((3, 4)), "y": np.zeros((3, 2))}, "are not labels"),
        ({"x": np.zeros((3, 4)), "y": np.zeros(3), "out": np.zeros(3)}, "more than once"),
    ],
)
def test_arrays_that_do_not_serve_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ModelError, match=message) as caught:
        load_data(tmp_path / "a.npz", ("x",), outputs=("out",), shapes={"x": (4,)})
    assert "\n" not in str(caught.value) and "a.npz" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"", "not a sound .npy"),
        ("a.npy", b"\x93NUMPY\x01\x00\x10\x00__import__('os')", "not a sound .npy"),
        ("a.npy", b"\x93NUMPY\x09\x00", r"version \(9, 0\)|not a sound"),
        ("a.npz", b"junk", "not a sound zip"),
        ("a.mat", b"1,2", "unknown type '.mat'"),
    ],
)
def test_damaged_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        load_data(tmp_path / name, ("x",))


def test_pickled_npy_is_not_executed(tmp_path):
    class Touch:
        def __reduce__(self):
            return open, (str(tmp_path / "owned"), "w")

    np.save(tmp_path / "a.npy", np.array([Touch()], dtype=object), allow_pickle=True)
    with pytest.raises(ModelError, match="element type object is refused"):
        load_data(tmp_path / "a.npy", ("x",))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("target", ["missing.npy", "."])
def test_missing_files_and_folders(tmp_path, target):
    with pytest.raises(ModelError, match="No such file|holds 0 pictures"):
        load_data(tmp_path / target, ("x",))


def test_members_that_are_no_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.txt", b"1")
    with pytest.raises(ModelError, match="is not a .npy array"):
        load_data(tmp_path / "a.npz", ("x",))


def test_a_shape_beyond_the_file_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 3)))
    content = (tmp_path / "a.npy").read_bytes().replace(b"(2, 3)", b"(9, 9)")
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ModelError, match="declares 648 bytes"):
        load_data(tmp_path / "a.npy", ("x",))


@pytest.mark.parametrize(("shape", "wanted"), [((3, 4), (2, 2)), ((3, 2, 2), (4,)), ((3, 3), (2,))])
def test_fit_shape_never_reinterprets(shape, wanted):
    with pytest.raises(ModelError, match="does not fit"):
        fit_shape(np.zeros(shape), wanted, "here")


def test_real_values_of_an_outputs_shape_are_targets(tmp_path):
    targets = np.random.default_rng(0).random((4, 2, 3)).astype(np.float16)
    shapes = {"x": (1, 3, 2), "out": (2, 3), "more": (5,)}
    np.savez(tmp_path / "d.npz", x=np.ones((4, 1, 3, 2)), y=targets)
    data = load_data(tmp_path / "d.npz", ["x"], outputs=["out"], shapes=shapes)
    assert data.labels is None and list(data.targets) == ["out"]
    np.testing.assert_array_equal(data.targets["out"], targets)
    np.testing.assert_array_equal(data.slice(1, 3).targets["out"], targets[1:3])
    x = data.inputs["x"]
    np.savez(tmp_path / "two.npz", x=x, out=targets, more=np.ones((4, 5)))
    assert set(load_data(tmp_path / "two.npz", ["x"], outputs=["out", "more"], shapes=shapes).targets) == {
        "out",
        "more",
    }
    np.savez(tmp_path / "few.npz", x=x, y=targets[:3])
    with pytest.raises(ModelError, match="different numbers of samples"):
        load_data(tmp_path / "few.npz", ["x"], outputs=["out"], shapes=shapes)
    np.savez(tmp_path / "nan.npz", x=x, y=np.full((4, 2, 3), np.nan))
    with pytest.raises(ModelError, match="samples must be finite"):
        load_data(tmp_path / "nan.npz", ["x"], outputs=["out"], shapes=shapes)
