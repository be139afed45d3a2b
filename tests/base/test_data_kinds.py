"""The kinds of data files that people have: arrays of any name, tables, pictures, other orders of axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from fpgaq.base.data import DataSource, load_data
from fpgaq.base.errors import ModelError, UsageError
from fpgaq.base.layouts import arranged
from fpgaq.base.preparation import Preparation, make_preparation
from fpgaq.base.remarks import FpgaqNote

IMAGES = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
SHAPES = {"x": (3, 4, 5), "out": (3,)}


def read(path, **more):
    source = DataSource(str(path), **more)
    return load_data(source, ("x",), outputs=("out",), shapes=SHAPES)


# At least twenty members of a kind: all sizes up to three, with ones among them, of images and of series.
SIZES = [*itertools.product((1, 2, 3), (1, 4), (1, 5)), *itertools.product((1, 2, 3), (1, 6))]


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_every_order_of_axes_gives_the_same_samples(shape):
    samples = np.random.default_rng(3).normal(size=(4, *shape))
    last = np.moveaxis(samples, 1, -1)
    assert np.array_equal(arranged(samples, shape, "nchw", "here"), samples)
    assert np.array_equal(arranged(last, shape, "nhwc", "here"), samples)
    assert np.array_equal(arranged(samples.reshape(4, -1), shape, "nchw", "here"), samples)
    assert np.array_equal(arranged(last.reshape(4, -1), shape, "nhwc", "here"), samples)
    assert np.array_equal(arranged(samples, shape, "auto", "here"), samples)
    if len({size for size in shape if size > 1}) == len([size for size in shape if size > 1]):
        # No two sizes are equal, so that each order is seen from the sizes.
        assert np.array_equal(arranged(last, shape, "auto", "here"), samples)
    if len([size for size in shape if size > 1]) > 1:
        assert np.array_equal(arranged(samples[0], shape, "nchw", "here"), samples[:1])


def test_rows_of_several_channels_are_not_guessed():
    with pytest.raises(ModelError, match="--layout nchw"):
        arranged(np.zeros((2, 60)), (3, 4, 5), "auto", "here")
    # The model's own order comes first where both fit.
    square = np.arange(54.0).reshape(2, 3, 3, 3)
    assert np.array_equal(arranged(square, (3, 3, 3), "auto", "here"), square)
    assert np.array_equal(arranged(square, (3, 3, 3), "nhwc", "here"), np.moveaxis(square, -1, 1))


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 3, 5), (2, 59), (59,), (2, 1, 3, 5)])
def test_shapes_that_fit_no_order(shape):
    with pytest.raises(ModelError, match="does not fit the input's shape"):
        arranged(np.zeros(shape), (3, 4, 5), "auto", "here")


def test_channels_last_are_noted(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.moveaxis(IMAGES, 1, -1))
    with pytest.warns(FpgaqNote, match="channels last"):
        assert np.array_equal(read(tmp_path / "a.npz").inputs["x"], IMAGES)


def test_arrays_of_other_names(tmp_path):
    np.savez(
        tmp_path / "a.npz", x_train=IMAGES, x_test=IMAGES[:1], y_train=np.array([2, 0]), names=np.array(["a", "b"])
    )
    with pytest.raises(ModelError, match="say which with --x NAME"):
        read(tmp_path / "a.npz")
    with pytest.warns(FpgaqNote, match="not used: 'x_test', 'names'"):
        data = read(tmp_path / "a.npz", x="x_train", y="y_train")
    assert np.array_equal(data.inputs["x"], IMAGES) and data.labels.tolist() == [2, 0]
    for more, words in (({"x": "none"}, "--x none"), ({"x": "x_train", "y": "none"}, "--y none")):
        with pytest.raises(ModelError, match=words):
            read(tmp_path / "a.npz", **more)


def test_the_only_array_that_fits(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, y=np.array([1, 1]), ids=np.array([7, 8]))
    with pytest.warns(FpgaqNote) as found:
        assert read(tmp_path / "a.npz").labels.tolist() == [1, 1]
    assert "array 'images' was taken" in str(found[0].message) and "not used: 'ids'" in str(found[1].message)


def test_an_array_that_cannot_be_read_harms_only_who_needs_it(tmp_path):
    np.savez(tmp_path / "a.npz", x=IMAGES, more=np.array([{}]))
    assert read(tmp_path / "a.npz").frames == 2
    np.savez(tmp_path / "b.npz", x=np.array([{}]))
    with pytest.raises(ModelError, match="element type object is refused"):
        read(tmp_path / "b.npz")


@pytest.mark.parametrize("kind", [float, int, bool, np.uint8, np.float32])
def test_one_hot_rows_are_labels(tmp_path, kind):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=np.eye(3)[[2, 1]].astype(kind))
    with pytest.warns(FpgaqNote, match="a single 1"):
        data = read(tmp_path / "a.npz")
    assert data.labels.tolist() == [2, 1] and not data.targets


def test_names_as_labels(tmp_path):
    images = np.repeat(IMAGES, 2, axis=0)
    np.savez(tmp_path / "a.npz", x=images, y=np.array(["dog", "ant", "cat", "dog"]))
    with pytest.warns(FpgaqNote, match="'ant' 0, 'cat' 1, 'dog' 2"):
        assert read(tmp_path / "a.npz").labels.tolist() == [2, 0, 1, 2]
    np.savez(tmp_path / "b.npz", x=images, y=np.array(["dog", "ant", "ant", "dog"]))
    with pytest.raises(ModelError, match="2 different names of classes; the network tells 3 apart"):
        read(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", x=images, y=np.array(["1", "0", "0", "2"]))
    assert read(tmp_path / "c.npz").labels.tolist() == [1, 0, 0, 2]


def table(path, text, shapes=None, **more):
    path.write_text(text, encoding="utf-8")
    return load_data(DataSource(str(path), **more), ("x",), outputs=("out",), shapes=shapes or {"x": (2,), "out": (3,)})


@pytest.mark.parametrize(
    ("name", "text", "more"),
    [
        ("a.csv", "1,2,0\n3,4,2\n", {}),
        ("a.csv", "a,b,class\n1,2,0\n3,4,2\n", {}),
        ("a.csv", "class,a,b\n0,1,2\n2,3,4\n", {"y": "class"}),
        ("a.csv", "id,a,b,class\nq,1,2,0\nr,3,4,2\n", {"x": "a,b", "y": "class"}),
        ("a.csv", "class,b,a\n0,2,1\n2,4,3\n", {"x": "a, b", "y": "class"}),
        ("a.csv", "0,1,2\n2,3,4\n", {"y": "0"}),
        ("a.csv", "a;b;class\n1;2;0\n3;4;2\n", {}),
        ("a.tsv", "a\tb\tclass\n1\t2\t0\n3\t4\t2\n", {}),
        ("a.csv", '\ufeff"a","b","class"\r\n1,2.0,0\r\n\r\n3,4e0,2\r\n', {}),
    ],
)  # fmt: skip
def test_tables(tmp_path, name, text, more):
    data = table(tmp_path / name, text, **more)
    assert data.inputs["x"].tolist() == [[1, 2], [3, 4]] and data.labels.tolist() == [0, 2]


def test_tables_without_labels_and_with_targets(tmp_path):
    assert table(tmp_path / "a.csv", "a,b\n1,2\n").labels is None
    data = table(tmp_path / "a.csv", "1,2,0.5\n3,4,1\n", {"x": (2,), "out": (1,)})
    assert data.labels is None and data.targets["out"].tolist() == [[0.5], [1.0]]


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        ("", {}, "holds no rows"),
        ("a,b\n", {}, "a header and no rows"),
        ("a,a\n1,2\n", {}, "two columns have the name 'a'"),
        ("a,b\n1,2\n1\n", {}, "row 3: 1 cells"),
        ("a,b\n1,2\n1,z\n", {}, "row 3, column 'b': 'z' is not a number"),
        ("a,b,c,d\n1,2,3,4\n", {}, "4 columns; the input has 2 elements: name the columns"),
        ("a,b\n1,2\n", {"x": "a,q"}, "--x: no column 'q'; there are 'a', 'b'"),
        ("a,b\n1,nan\n", {}, r"element \[0, 1\] is nan"),
        ('a,b\n1,"2\n', {}, "not a sound table"),
    ],
)
def test_tables_that_do_not_serve(tmp_path, text, more, words):
    with pytest.raises(ModelError, match=words):
        table(tmp_path / "a.csv", text, **more)


def pictures(folder, images, names=None):
    for index, image in enumerate(images):
        target = folder / (names[index] if names else "")
        target.mkdir(parents=True, exist_ok=True)
        array = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
        Image.fromarray(array).save(target / f"{index}.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_folders_of_pictures(tmp_path, channels):
    images = np.random.default_rng(0).integers(0, 256, (4, channels, 6, 5), dtype=np.uint8)
    shapes = {"x": (channels, 6, 5), "out": (2,)}
    pictures(tmp_path / "flat", images)
    data = load_data(tmp_path / "flat", ("x",), outputs=("out",), shapes=shapes)
    assert np.array_equal(data.inputs["x"], images) and data.labels is None
    pictures(tmp_path / "named", images, ["b", "a", "b", "a"])
    (tmp_path / "named" / "notes.txt").write_text("")
    with pytest.warns(FpgaqNote) as found:
        data = load_data(tmp_path / "named", ("x",), outputs=("out",), shapes=shapes)
    assert np.array_equal(data.inputs["x"], images[[1, 3, 0, 2]]) and data.labels.tolist() == [0, 0, 1, 1]
    assert "1 files that are no pictures" in str(found[0].message)
    one = load_data(tmp_path / "flat" / "2.png", ("x",), shapes=shapes)
    assert np.array_equal(one.inputs["x"], images[2:3])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layout", ["auto", "nchw", "nhwc"])
def test_pictures_have_their_order_whatever_the_layout(tmp_path, channels, layout):
    images = np.random.default_rng(1).integers(0, 256, (4, channels, 6, 5), dtype=np.uint8)
    pictures(tmp_path / "flat", images)
    for shape, expected in (((channels, 6, 5), images), ((6, 5, channels), np.moveaxis(images, 1, -1))):
        for place in (tmp_path / "flat", tmp_path / "flat" / "0.png"):
            source = DataSource(str(place), preparation=Preparation(layout=layout))
            found = load_data(source, ("x",), shapes={"x": shape}).inputs["x"]
            assert np.array_equal(found, expected[: len(found)])


@pytest.mark.parametrize("count", [2, 4])
def test_pictures_have_one_or_three_channels(tmp_path, count):
    pictures(tmp_path / "flat", np.zeros((1, 3, 6, 5), np.uint8))
    with pytest.raises(ModelError, match=f"1 or 3 channels, the input has {count}; give the samples as .npy"):
        load_data(tmp_path / "flat", ("x",), shapes={"x": (count, 6, 5)})


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_model_with_channels_last_takes_every_order(channels):
    own = np.random.default_rng(2).normal(size=(2, 17, 16, channels))
    first = np.moveaxis(own, -1, 1)
    for array, layout in (
        (own, "auto"), (own, "nhwc"), (own[0], "auto"), (own.reshape(2, -1), "nhwc"), (first, "nchw"),
        (first.reshape(2, -1), "nchw"),
    ):  # fmt: skip
        assert np.array_equal(arranged(array, own.shape[1:], layout, "a"), own[: 1 if array.ndim == 3 else 2])
    if channels > 1:
        with pytest.warns(FpgaqNote, match="was taken as channels first .--layout nchw says so"):
            assert np.array_equal(arranged(first, own.shape[1:], "auto", "a"), own)
        for layout, array in (("nchw", own), ("nhwc", first)):
            with pytest.raises(ModelError, match="does not fit the input's shape"):
                arranged(array, own.shape[1:], layout, "a")


@pytest.mark.parametrize("shape", [(9, 128, 1), (49, 10, 1), (28, 28, 1), (32, 20, 1)], ids=str)
def test_a_last_size_of_one_is_a_width_or_the_channels(shape):
    own = np.random.default_rng(3).normal(size=(2, *shape))
    for layout in ("auto", "nhwc", "nchw"):
        # (samples, height, width, 1) may be both: a grey image, or a series of many channels.
        assert np.array_equal(arranged(own, shape, layout, "a"), own)
    if shape[0] != shape[1]:
        for layout in ("auto", "nhwc"):
            assert np.array_equal(arranged(np.moveaxis(own, 1, -1), shape, layout, "a"), own)
    rows = own.reshape(2, -1)
    if shape in ((28, 28, 1), (32, 20, 1)):
        assert np.array_equal(arranged(rows, shape, "auto", "a"), own)
    else:
        with pytest.raises(ModelError, match="does not tell the order of"):
            arranged(rows, shape, "auto", "a")


@pytest.mark.parametrize(("shape", "axis"), [((8, 8, 3), 2), ((3, 8, 8), 0), ((3, 8), 0), ((3,), 0), ((8, 9, 4), 2)])
def test_numbers_for_each_channel_follow_the_channels(shape, axis):
    count = shape[axis]
    prepared = make_preparation(tuple(range(count)), tuple(range(1, count + 1)))
    prepared.check(shape, "x")
    samples = np.random.default_rng(0).integers(0, 9, (2, *shape))
    for channel in range(count):
        own = np.take(prepared.applied(samples), channel, 1 + axis)
        raw = np.take(samples, channel, 1 + axis)
        np.testing.assert_allclose(own, (raw - channel) / (channel + 1), rtol=1e-12, atol=1e-12)
    with pytest.raises(UsageError, match=f"has {count} channels or features"):
        make_preparation(tuple(range(count + 1))).check(shape, "x")


def test_pictures_of_other_modes(tmp_path):
    colour = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    whole = np.dstack([colour, np.full((6, 5), 255, np.uint8)])
    Image.fromarray(whole).save(tmp_path / "whole.png")
    Image.fromarray(colour).quantize(8).save(tmp_path / "palette.png")
    Image.fromarray(colour).save(tmp_path / "photo.jpg", quality=90)
    shapes = {"x": (3, 6, 5)}
    assert np.array_equal(
        load_data(tmp_path / "whole.png", ("x",), shapes=shapes).inputs["x"][0], colour.transpose(2, 0, 1)
    )
    for name in ("palette.png", "photo.jpg"):
        expected = np.asarray(Image.open(tmp_path / name).convert("RGB")).transpose(2, 0, 1)
        assert np.array_equal(load_data(tmp_path / name, ("x",), shapes=shapes).inputs["x"][0], expected)
    whole[0, 0, 3] = 7
    Image.fromarray(whole).save(tmp_path / "holes.png")
    Image.fromarray(colour).convert("CMYK").save(tmp_path / "print.jpg")
    (tmp_path / "junk.png").write_bytes(b"junk")
    for name, shape, words in (
        ("holes.png", (3, 6, 5), "transparent"),
        ("photo.jpg", (1, 6, 5), "in colour, the input has 1 channel;"),
        ("photo.jpg", (3, 5, 6), "5x6 pixels; the input has 6x5: resize"),
        ("print.jpg", (3, 6, 5), "pixels of mode CMYK"),
        ("junk.png", (3, 6, 5), "not a sound picture"),
    ):
        with pytest.raises(ModelError, match=words):
            load_data(tmp_path / name, ("x",), shapes={"x": shape})
    with pytest.raises(ModelError, match="all need the input's size"):
        (tmp_path / "two").mkdir()
        for size in (4, 5):
            Image.new("L", (size, 4)).save(tmp_path / "two" / f"{size}.png")
        load_data(tmp_path / "two", ("x",))


def test_preparation_is_what_training_scripts_compute():
    prepared = make_preparation((0.5, 0.4), (0.25, 0.2), (1 / 255,), "nhwc")
    samples = np.random.default_rng(0).integers(0, 256, (3, 2, 4)).astype(np.float64)
    expected = (samples / 255 - np.array([0.5, 0.4]).reshape(2, 1)) / np.array([0.25, 0.2]).reshape(2, 1)
    np.testing.assert_allclose(prepared.applied(samples), expected, rtol=1e-12, atol=1e-12)
    assert prepared.uniform is None and make_preparation(scale=(0.5,)).uniform == (0.5, 0.0)
    assert not Preparation(layout="nhwc").changes and Preparation().applied(samples) is samples
    rows = make_preparation(mean=(1.0, 2.0, 3.0)).applied(np.zeros((2, 3)))
    assert rows.tolist() == [[-1, -2, -3]] * 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"std": (0.0,)}, "--std 0: a finite number above 0"),
        ({"scale": (-1.0,)}, "--scale -1"),
        ({"mean": (float("nan"),)}, "--mean nan"),
        ({"mean": (1.0, 2.0), "std": (1.0, 2.0, 3.0)}, "--mean 2, --std 3, --scale 1 numbers"),
    ],
)
def test_preparations_that_make_no_sense(options, words):
    with pytest.raises(UsageError, match=words):
        make_preparation(**options)


def test_a_preparation_has_the_inputs_channels(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    with pytest.raises(UsageError, match="give 2 numbers; input 'x' of shape"):
        read(tmp_path / "a.npy", preparation=make_preparation(mean=(1.0, 2.0)))
    data = read(tmp_path / "a.npy", preparation=make_preparation(mean=(1.0, 2.0, 3.0)))
    assert np.array_equal(data.in_model_units().inputs["x"], IMAGES - np.array([1.0, 2, 3]).reshape(3, 1, 1))
    assert data.in_model_units().preparation == Preparation()
