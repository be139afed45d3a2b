from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from fpgaq.base.errors import ModelError, UnsupportedError
from fpgaq.model.importers.nnp import load_nnp
from fpgaq.model.importers.nnp.hdf5 import decode_parameters as decode_h5
from fpgaq.model.importers.nnp.wire import decode_parameters as decode_wire
from tests.support.nnp_builder import (
    affine,
    build_nnp,
    chain_fields,
    encode_h5,
    encode_protobuf,
    executor_fields,
    message_text,
    pack_nnp,
    varint,
    wire_field,
    zip_bytes,
)

PARAMETERS = {"a/W": np.arange(6, dtype=np.float32).reshape(2, 3), "a/b": np.ones(3, np.float32), "s": np.float32(2)}


@pytest.mark.parametrize(("encode", "decode"), [(encode_h5, decode_h5), (encode_protobuf, decode_wire)])
def test_round_trip(encode: Callable[..., bytes], decode: Callable[..., list]) -> None:
    found = dict(decode(encode(PARAMETERS)))
    assert set(found) == set(PARAMETERS)
    for name, array in PARAMETERS.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)


def h5(build: Callable[[h5py.File], object]) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        build(file)
    return stream.getvalue()


def huge(file: h5py.File) -> None:
    space = h5py.h5s.create_simple((200_000, 200_000))
    h5py.h5d.create(file.id, b"W", h5py.h5t.IEEE_F32LE, space)


def external(file: h5py.File) -> None:
    file.create_dataset("W", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "W", (4,))
    file.create_virtual_dataset("W", layout)


def soft_link(file: h5py.File) -> None:
    file["W"] = h5py.SoftLink("/other")


def external_link(file: h5py.File) -> None:
    file["W"] = h5py.ExternalLink("other.h5", "/W")


def cycle(file: h5py.File) -> None:
    group = file.create_group("g")
    group["again"] = group


def named_type(file: h5py.File) -> None:
    file["t"] = np.dtype("f4")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (huge, "'W' declares 160000000000 bytes in a file of"),
        (external, "'W' keeps its data in another file"),
        (virtual, "'W' is chunked, compressed or virtual"),
        (soft_link, "'W' is a soft or external link"),
        (external_link, "'W' is a soft or external link"),
        (cycle, "is nested deeper than 32 levels"),
        (named_type, "'t' is a named type"),
        (lambda f: f.create_dataset("W", data=["a"], dtype=h5py.string_dtype()), "'W' is not an array of float32"),
        (
            lambda f: f.create_dataset("W", data=np.zeros(2, [("a", "f4"), ("b", "i4")])),
            "'W' is not an array of float32",
        ),
        (lambda f: f.create_dataset("W", data=np.zeros(2, np.float16)), "'W' is not an array of float32"),
        (lambda f: f.create_dataset("W", data=np.zeros(2, np.int16)), "'W' is not an array of float32"),
        (lambda f: f.create_dataset("W", data=np.array([1 << 25])), "'W' has integers beyond"),
        (lambda f: f.create_dataset("W", (2,), h5py.vlen_dtype(np.float32)), "'W' is not an array of float32"),
        (lambda f: f.create_dataset("W", (2, 3), "f4"), "'W' declares 24 bytes but stores 0; data is missing"),
        (lambda f: f.create_dataset("W", data=np.zeros(9), compression="gzip"), "is chunked, compressed or virtual"),
        (lambda f: f.create_dataset("W", data=h5py.Empty("f4")), "'W' has no value"),
    ],
)
def test_hostile_hdf5(build: Callable[[h5py.File], object], message: str) -> None:
    data, start = h5(build), time.process_time()
    with pytest.raises(ModelError, match=message) as caught:
        decode_h5(data)
    assert time.process_time() - start < 5 and "\n" not in str(caught.value)


def test_the_declaration_of_160_gb_is_small() -> None:
    assert len(h5(huge)) < 3000


def test_float64_is_rounded_and_overflow_is_seen() -> None:
    found = dict(decode_h5(h5(lambda f: f.create_dataset("W", data=np.array([1 / 3, 1e300])))))
    np.testing.assert_array_equal(found["W"], np.array([1 / 3, np.inf], np.float32))


@pytest.mark.parametrize("encode", [encode_h5, encode_protobuf])
def test_truncated_or_flipped_parameters(encode: Callable[..., bytes]) -> None:
    """Any damage is read as other numbers or refused in one line; nothing else escapes."""
    data, decode = encode(PARAMETERS), decode_h5 if encode is encode_h5 else decode_wire
    generator = np.random.default_rng(2)
    damaged = [data[:length] for length in generator.integers(0, len(data), 60)]
    for _ in range(120):
        flipped = bytearray(data)
        flipped[generator.integers(len(data))] ^= 1 << generator.integers(8)
        damaged.append(bytes(flipped))
    for content in damaged:
        try:
            decode(content)
        except ModelError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wire_field(100, b""), "holds a binary network"),
        (b"\xff" * 11, "a number of more than 10 bytes"),
        (b"\x80", "truncated in the middle of a number"),
        (varint(200 << 3 | 2) + varint(50), "declares 50 bytes, 0 are left"),
        (varint(200 << 3 | 3), "wire type 3 of field 200"),
        (b"\x02\x00", "field number 0"),
        (varint(200 << 3) + b"\x01", "field 200 has wire type 0"),
        (wire_field(200, wire_field(1, b"W") + wire_field(20, wire_field(1, varint(2**40)))), "but holds 0"),
        (
            wire_field(200, wire_field(1, b"W") + wire_field(20, wire_field(1, varint(-1)))),
            "dimensions are not negative",
        ),
        (wire_field(200, wire_field(1, b"W") + wire_field(20, wire_field(1, b"\x01" * 33))), "33 dimensions"),
        (wire_field(200, wire_field(1, b"\xff")), "is not valid UTF-8"),
        (wire_field(200, wire_field(1, b"W") + wire_field(7, b"")), "has field 7 of wire type 2, which is not known"),
        (wire_field(200, wire_field(1, b"W") + wire_field(100, b"123")), "3 bytes is damaged"),
        (wire_field(5, b"") * 600_000, "holds more than 500000 fields"),
    ],
)
def test_hostile_protobuf(data: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        decode_wire(data)


def test_unpacked_numbers_are_read() -> None:
    numbers = b"".join(varint(100 << 3 | 5) + np.float32(value).tobytes() for value in (1, 2))
    dims = varint(1 << 3) + b"\x02" + varint(1 << 3) + b"\x01"
    ((name, array),) = decode_wire(wire_field(200, wire_field(1, b"W") + wire_field(20, dims) + numbers))
    assert name == "W" and array.tolist() == [[1.0], [2.0]]


def text_and_parameters() -> tuple[str, dict[str, np.ndarray]]:
    fields, parameters = chain_fields([affine("a", np.ones((4, 2)), np.zeros(2))], (4,))
    return message_text({"network": fields, "executor": executor_fields()}), parameters


def test_missing_weights_are_never_made_up() -> None:
    text, parameters = text_and_parameters()
    with pytest.raises(ModelError, match=r"layer 'a' \(Affine\): weights missing: the file has no value for .* 'a/W'"):
        load_nnp(zip_bytes({"network.nntxt": text.encode()}))
    with pytest.raises(ModelError, match=r"no value for parameter 'a/b' \(unused in it: 'a/bias'\)"):
        load_nnp(pack_nnp(text, {"a/W": parameters["a/W"], "a/bias": parameters["a/b"]}))


def test_weights_lost_by_nnabla_are_missing() -> None:
    """After nn.clear_parameters() nnabla saves weights as inputs without values."""
    text, parameters = text_and_parameters()
    text = text.replace('name: "a/W"\n    type: "Parameter"', 'name: "a/W"\n    type: "Buffer"')
    with pytest.raises(ModelError, match=r"weights missing: input 'a/W' is no parameter"):
        load_nnp(pack_nnp(text, parameters))


def test_wrong_shape() -> None:
    text, parameters = text_and_parameters()
    with pytest.raises(ModelError, match=r"parameter 'a/W' is declared \(4, 2\), its value has shape \(2, 4\)"):
        load_nnp(pack_nnp(text, {**parameters, "a/W": parameters["a/W"].T}))


def test_doubly_named() -> None:
    text, parameters = text_and_parameters()
    twice = zip_bytes({"n.nntxt": text.encode(), "p.protobuf": encode_protobuf(parameters) * 2})
    with pytest.raises(ModelError, match="parameter 'a/W' is in the file twice"):
        load_nnp(twice)
    inline = text + message_text({"parameter": {"variable_name": "a/W", "shape": {"dim": [4, 2]}, "data": [1.0] * 8}})
    with pytest.raises(ModelError, match="parameter 'a/W' is in the file twice"):
        load_nnp(pack_nnp(inline, parameters))


def test_unused_parameters() -> None:
    text, parameters = text_and_parameters()
    # nnabla saves its whole scope: what no network mentions is not the network's business.
    assert load_nnp(pack_nnp(text, {**parameters, "other/W": np.ones(3)})).outputs == ("y",)
    declared = text.replace(
        "  function {", '  variable { name: "c" type: "Parameter" shape { dim: 3 } }\n  function {', 1
    )
    with pytest.raises(ModelError, match="declares parameter 'c', which no layer reads"):
        load_nnp(pack_nnp(declared, {**parameters, "c": np.ones(3)}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("parameter_format", ["h5", "protobuf"])
def test_not_finite(value: float, parameter_format: str) -> None:
    weight = np.zeros((4, 2))
    weight[2, 1] = value
    with pytest.raises(ModelError, match=r"layer 'a': weight\[1, 2\] is .*; parameters must be finite"):
        load_nnp(build_nnp([affine("a", weight)], (4,), parameter_format=parameter_format))


@pytest.mark.parametrize("value", [0.0, 1e30, 1e-42])
def test_odd_but_finite(value: float) -> None:
    graph = load_nnp(build_nnp([affine("a", np.full((4, 2), value))], (4,)))
    assert (graph.operators[0].weight == np.float32(value)).all()


def test_inline_parameters(tmp_path: Path) -> None:
    from fpgaq.model.importers import load

    text, parameters = text_and_parameters()
    path = tmp_path / "model.nntxt"
    path.write_text(text)
    with pytest.raises(ModelError, match="weights missing"):
        load(path)
    inline = [
        {"variable_name": name, "shape": {"dim": list(array.shape)}, "data": array.ravel().tolist(), "need_grad": True}
        for name, array in parameters.items()
    ]
    path.write_text(text + message_text({"parameter": inline}))
    assert load(path).operators[0].weight.shape == (2, 4)
    path.write_text(text + message_text({"parameter": [{**inline[0], "data": [1.0]}, inline[1]]}))
    with pytest.raises(ModelError, match=r"parameter 'a/W': declares shape \[4, 2\], 8 values, but holds 1"):
        load(path)


def test_all_functions_are_listed_at_once() -> None:
    from tests.support.nnp_builder import Layer

    layers = [Layer("Sort", "t"), affine("a", np.ones((4, 2))), Layer("Erf", "e")]
    with pytest.raises(UnsupportedError, match=r"Sort \(layer 't'\); Erf \(layer 'e'\); end the") as refused:
        load_nnp(build_nnp(layers, (4,)))
    assert str(refused.value.__cause__).startswith("supported: ATan, Abs, ")
