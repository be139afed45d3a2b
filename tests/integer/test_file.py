"""The .fpgaq file: round trip, same bytes, and refusal of everything that is damaged."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import ModelError, UsageError
from fpgaq.integer import file as integer_file
from fpgaq.integer.file import fields as file_fields
from fpgaq.integer.graph import OPERATORS, Requantize
from tests.support.integer_networks import convolution_network, small_network


def assert_same(left, right):
    for field in fields(left):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if field.name in ("operators",):
            for x, y in zip(a, b, strict=True):
                assert type(x) is type(y)
                assert_same(x, y)
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype and np.array_equal(a, b)
        elif field.name == "samples":
            assert list(a) == list(b)
            assert all(np.array_equal(a[name], b[name]) and b[name].dtype == np.int64 for name in a)
        else:
            assert a == b, field.name


@pytest.fixture
def saved(tmp_path) -> Path:
    path = tmp_path / "network.fpgaq"
    integer_file.save(small_network(5), path)
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, changes: dict[str, bytes | None]) -> None:
    content = members(path)
    for name, value in changes.items():
        if value is None:
            del content[name]
        else:
            content[name] = value
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            archive.writestr(name, value)


def edit(path: Path, change) -> None:
    description = json.loads(members(path)["network.json"])
    change(description)
    rewrite(path, {"network.json": json.dumps(description).encode()})


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


GRAPHS = [small_network(1), convolution_network(2, final=True), convolution_network(3, bits=16)]


@pytest.mark.parametrize("graph", GRAPHS)
def test_round_trip(graph, tmp_path):
    path = tmp_path / "network.fpgaq"
    integer_file.save(graph, path)
    loaded = integer_file.load(path)
    assert_same(graph, loaded)
    assert integer_file.digest(loaded) == integer_file.digest(graph)
    assert os.listdir(tmp_path) == ["network.fpgaq"]


def test_every_operator_has_a_kind():
    assert set(file_fields.KINDS.values()) == set(OPERATORS)
    for kind, cls in file_fields.KINDS.items():
        assert {"name", "inputs", "output", *file_fields.fields_of(kind, 2)} == {field.name for field in fields(cls)}


def test_strange_names_survive(tmp_path):
    graph = small_network()
    name = 'x; initial $system("touch owned")\n\0 \u202e {{7*7}} ../../x'
    graph = replace(graph, name=name, operators=(replace(graph.operators[0], name=name), *graph.operators[1:]))
    integer_file.save(graph, tmp_path / "a.fpgaq")
    assert_same(graph, integer_file.load(tmp_path / "a.fpgaq"))


def test_same_bytes_again_and_under_another_hash_seed(saved, tmp_path):
    first = saved.read_bytes()
    integer_file.save(integer_file.load(saved), saved)
    assert saved.read_bytes() == first
    script = "import sys; from fpgaq.integer import file as f; f.save(f.load(sys.argv[1]), sys.argv[2])"
    for seed in ("1", "2"):
        other = tmp_path / f"{seed}.fpgaq"
        subprocess.run(
            [sys.executable, "-c", script, str(saved), str(other)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
        )
        assert other.read_bytes() == first


def test_digest_sees_a_single_weight():
    graph = small_network()
    weight = graph.operators[0].weight.copy()
    weight[0, 0, 0, 0] += 1 if weight[0, 0, 0, 0] < 127 else -1
    changed = replace(graph, operators=(replace(graph.operators[0], weight=weight), *graph.operators[1:]))
    assert integer_file.digest(changed) != integer_file.digest(graph)


def test_a_failed_save_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UsageError, match="No space left"):
        integer_file.save(small_network(6), saved)
    assert saved.read_bytes() == before and os.listdir(saved.parent) == [saved.name]


def test_saving_into_nowhere_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no folder that can be written"):
        integer_file.save(small_network(), tmp_path / "missing" / "a.fpgaq")


def test_an_unsound_graph_is_not_saved(tmp_path):
    graph = small_network()
    broken = replace(graph, operators=(replace(graph.operators[0], accumulator_width=9), *graph.operators[1:]))
    with pytest.raises(ModelError, match="accumulator of 9 bits where"):
        integer_file.save(broken, tmp_path / "a.fpgaq")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"random bytes" * 50])
def test_files_that_are_no_zip(content, tmp_path):
    path = tmp_path / "a.fpgaq"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a sound zip"):
        integer_file.load(path)


def test_truncations_and_flips_never_escape(saved):
    """Any cut or flipped byte is a ModelError or harmless, never another exception."""
    content = saved.read_bytes()
    generator = np.random.default_rng(7)
    refused = 0
    for _ in range(150):
        position = int(generator.integers(len(content)))
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(generator.integers(8))
        for attempt in (bytes(damaged), content[:position]):
            saved.write_bytes(attempt)
            try:
                integer_file.load(saved)
            except ModelError as error:
                assert "\n" not in str(error)
                refused += 1
    assert refused > 200


@pytest.mark.parametrize("path", ["", "missing.fpgaq"])
def test_folders_and_missing_files(path, tmp_path):
    with pytest.raises(ModelError, match="not a file|No such file"):
        integer_file.load(tmp_path / path)


CHANGES = {
    "unknown field": (lambda d: d.update(more=1), "unknown fields"),
    "unknown version": (lambda d: d.update(version=0), "version 0 is unknown"),
    "newer version": (lambda d: d.update(version=9), "version 9 was written by a newer fpgaq; .*: upgrade fpgaq"),
    "newer version that tells who reads it": (
        lambda d: d.update(version=9, needs="1.4"),
        "version 9 was written by a newer fpgaq; .*: fpgaq 1.4 or later is",
    ),
    "newer version with any text": (lambda d: d.update(version=9, needs="1.4\n"), ": upgrade fpgaq"),
    "version as text": (lambda d: d.update(version="1"), "'version' as an integer"),
    "version as bool": (lambda d: d.update(version=True), "'version' as an integer"),
    "other generator": (lambda d: d.update(generator="x"), "'generator'"),
    "missing field": (lambda d: d.pop("classifier"), "field 'classifier'"),
    "classifier as number": (lambda d: d.update(classifier=1), "true or false"),
    "unknown kind": (lambda d: d["operators"][0].update(kind="eval"), "'kind' as one of"),
    "field of an operator": (lambda d: d["operators"][1].update(weight="layer_0_weight.npy"), "unknown fields"),
    "array used twice": (lambda d: d["operators"][0].update(bias="layer_0_weight.npy"), "missing or used twice"),
    "array elsewhere": (lambda d: d["operators"][0].update(bias="../../etc/passwd"), "missing or used twice"),
    "width 65": (lambda d: d["tensors"][0]["format"].update(width=65), "outside 1..64"),
    "huge frac": (lambda d: d["tensors"][0]["format"].update(frac=10**6), "'frac' between"),
    "negative size": (lambda d: d["tensors"][0].update(shape=[8, -7, 1]), "has shape"),
    "two sizes": (lambda d: d["tensors"][0].update(shape=[8, 7]), "list of 3 integers"),
    "duplicate tensor": (lambda d: d["tensors"].append(d["tensors"][0]), "given twice"),
    "extra tensor": (lambda d: d["tensors"].append({**d["tensors"][0], "name": "q"}), "not exactly those in use"),
    "narrow accumulator": (lambda d: d["operators"][0].update(accumulator_width=4), "where .* are needed"),
    "wide accumulator": (lambda d: d["operators"][0].update(accumulator_width=65), "1 to 64 are allowed"),
    "another rule": (lambda d: d["operators"][0]["requantize"].update(rule="multiply_shift"), "only 'shift'"),
    "another rounding": (lambda d: d["operators"][0]["requantize"].update(rounding="up"), "'rounding' as one of"),
    "negative shift": (lambda d: d["operators"][0]["requantize"].update(shift=[-1]), "0 to 63"),
    "no shift": (lambda d: d["operators"][0]["requantize"].update(shift=[]), "at least one shift"),
    "wrong shift": (lambda d: d["operators"][0]["requantize"].update(shift=[3]), "do not lead"),
    "stride 0": (lambda d: d["operators"][0].update(stride=[0, 1]), "below 1"),
    "groups 0": (lambda d: d["operators"][0].update(groups=0), "groups"),
    "padding value": (lambda d: d["operators"][0].update(padding_value=300), "pads with 300"),
    "padding fills a window": (lambda d: d["operators"][1].update(padding=[0, 0, 0, 2]), "declared|fills"),
    "cycle": (lambda d: d["operators"][0].update(inputs=["t4"]), "no earlier layer writes"),
    "two inputs": (lambda d: d["operators"][0].update(inputs=["t0", "t0"]), "reads 2 tensors"),
    "no operators": (lambda d: d.update(operators=[]), "at least one|belong to no layer"),
    "operators as an object": (lambda d: d.update(operators={}), "'operators' as a list"),
    "scale as text": (lambda d: d["inputs"][0].update(scale="1"), "finite number"),
    "model shape": (lambda d: d["inputs"][0].update(model_shape=[3]), "does not fit"),
    "output shape": (lambda d: d["outputs"][0].update(model_shape=[3]), "does not fit"),
    "negative model shape": (lambda d: d["inputs"][0].update(model_shape=[-8, -7]), "does not fit"),
    "unsigned weights": (lambda d: d["operators"][0]["weight_format"].update(signed=False), "signed, to 32 bits"),
    "output unknown": (lambda d: d["outputs"][0].update(tensor="zz"), "written by no layer|not exactly"),
    "weights frac": (lambda d: d["operators"][0].update(weight_frac=[7]), "do not fit 4 outputs"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_descriptions_are_refused(saved, name):
    change, message = CHANGES[name]
    edit(saved, change)
    with pytest.raises(ModelError, match=message) as caught:
        integer_file.load(saved)
    assert str(saved) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not sound JSON"),
        (b"[" * 100_000, "not sound JSON"),
        (b"\xff", "not sound JSON"),
        (b'{"version": NaN}', "not sound JSON"),
        (b'{"version": 1, "version": 1}', "a key is given twice"),
        (b"[]", "an object is needed"),
    ],
)
def test_descriptions_that_are_no_json_object(saved, content, message):
    rewrite(saved, {"network.json": content})
    with pytest.raises(ModelError, match=message):
        integer_file.load(saved)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(np.array([{}], dtype=object)), "element type object is refused"),
        (npy(np.zeros(4)), "element type float64 is refused"),
        (npy(np.zeros((4, 3, 3, 1), dtype=np.int8))[:-1], "cut short"),
        (npy(np.full((4, 3, 3, 1), 128, dtype=np.int16)), "beyond the range"),
        (npy(np.zeros((4, 3, 3), dtype=np.int8)), "4 axes"),
        (npy(np.zeros((0, 3, 3, 1), dtype=np.int8)), "4 axes"),
        (b"", "not a sound .npy"),
        (b"\x93NUMPY\x01\x00\xff\xff", "not a sound .npy"),
    ],
)
def test_damaged_arrays(saved, content, message):
    rewrite(saved, {"layer_0_weight.npy": content})
    with pytest.raises(ModelError, match=message):
        integer_file.load(saved)


def test_a_declared_size_is_refused_before_allocation(saved):
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (20000000000,), }"
    header += b" " * (117 - len(header)) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    rewrite(saved, {"layer_0_weight.npy": content})
    with pytest.raises(ModelError, match="declares 160000000000 bytes"):
        integer_file.load(saved)


def test_missing_and_surplus_members(saved):
    content = members(saved)
    rewrite(saved, {"layer_0_bias.npy": None})
    with pytest.raises(ModelError, match=r"'layer_0_bias.npy' is missing"):
        integer_file.load(saved)
    rewrite(saved, {"layer_0_bias.npy": content["layer_0_bias.npy"], "more.txt": b"x"})
    with pytest.raises(ModelError, match="belong to no layer"):
        integer_file.load(saved)
    rewrite(saved, {"network.json": None})
    with pytest.raises(ModelError, match=r"no member 'network.json'"):
        integer_file.load(saved)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_named_twice(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("network.json", b"{}")
    with pytest.raises(ModelError, match="named twice"):
        integer_file.load(saved)


def test_a_bomb_is_refused(saved, monkeypatch):
    monkeypatch.setattr(integer_file, "LIMITS", replace(integer_file.LIMITS, total_bytes=1 << 22))
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.npy", bytes((1 << 22) + 1))
    with pytest.raises(ModelError, match="bytes expanded"):
        integer_file.load(saved)


def test_an_output_given_twice_is_not_saved(tmp_path):
    """The file names outputs by their tensors, and would not be read again."""
    graph = small_network()
    with pytest.raises(ModelError, match="given twice among the outputs"):
        integer_file.save(replace(graph, outputs=(*graph.outputs, graph.outputs[0])), tmp_path / "a.fpgaq")
    assert not list(tmp_path.iterdir())


def test_other_rules_are_refused_between_powers_of_two(tmp_path):
    graph = small_network()
    rule = Requantize((40,), "half_up", True, "tflite_double", (1 << 30,))
    operator = replace(graph.operators[0], requantize=rule)
    with pytest.raises(ModelError, match="only 'shift'"):
        integer_file.save(replace(graph, operators=(operator, *graph.operators[1:])), tmp_path / "a.fpgaq")
