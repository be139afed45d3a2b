"""Builders of bad files, and of odd ones that must work: each writes into a folder and returns the path."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto

from tests.faults.place import sound_model, weight
from tests.support.nnp_builder import (
    Layer,
    affine,
    batch_normalization,
    build_nnp,
    chain_fields,
    convolution,
    encode_protobuf,
    executor_fields,
    max_pooling,
    message_text,
    pack_nnp,
    relu,
    reshape,
    zip_bytes,
)
from tests.support.onnx_models import model, node

Build = Callable[[Path], Path]


def file(name: str, content: Callable[[], bytes] | bytes) -> Build:
    """A file of a certain content."""

    def build(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content())
        return path

    return build


def nnp(content: Callable[[], bytes] | bytes) -> Build:
    """A model.nnp."""
    return file("model.nnp", content)


def chain(*layers: Layer, shape: tuple[int, ...] = (6,), **options: Any) -> Build:
    """An .nnp of layers in a row."""
    return nnp(lambda: build_nnp(list(layers), shape, **options))


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> Build:
    """An .nnp of these members."""
    return nnp(lambda: zip_bytes(members, compression))


def duplicate() -> bytes:
    """One member twice."""
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a.nntxt", b"")
        archive.writestr("a.nntxt", b"")
    return stream.getvalue()


def link() -> bytes:
    """A member that is a symbolic link."""
    info = zipfile.ZipInfo("a.nntxt")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    return stream.getvalue()


def encrypted() -> bytes:
    """The flag of encryption in the table of contents."""
    data = bytearray(zip_bytes({"a.nntxt": b"x"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def lying() -> bytes:
    """A declared size of 10 bytes for 50,000."""
    data = bytearray(zip_bytes({"network.nntxt": b"#" * 50_000}, zipfile.ZIP_DEFLATED))
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 10)
    return bytes(data)


def many_members() -> bytes:
    """100,000 empty members, as one of the older form of zip can hold only by lying about their number."""
    name = b"%05d"
    local = b"".join(
        struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 33, 0, 0, 0, 5, 0) + name % index
        for index in range(100_000)
    )
    size = 35
    entries = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 5, 0, 0, 0, 0, 0, index * size)
        + name % index
        for index in range(100_000)
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 100_000 & 0xFFFF, 100_000 & 0xFFFF, len(entries), len(local), 0)
    return local + entries + end


def text_of(change: Callable[[str], str] = str, **parameters: np.ndarray | None) -> Build:
    """The sound network with its text changed, and parameters put in place of the sound ones (None: left out)."""

    def build() -> bytes:
        layers = [affine("first", weight(6, 4)), relu("r"), affine("second", weight(4, 3))]
        fields, values = chain_fields(layers, (6,))
        text = message_text({"network": fields, "executor": executor_fields()})
        values = {name: parameters.get(name.replace("/", "_"), value) for name, value in values.items()}
        return pack_nnp(change(text), {name: value for name, value in values.items() if value is not None})

    return nnp(build)


def bytes_of_text(change: Callable[[bytes], bytes]) -> Build:
    """The sound network with the bytes of its text changed."""

    def build() -> bytes:
        with zipfile.ZipFile(io.BytesIO(sound_model())) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        return zip_bytes({**members, "network.nntxt": change(members["network.nntxt"])})

    return nnp(build)


def twice_named() -> bytes:
    """Each parameter twice in the file of parameters."""
    fields, values = chain_fields([affine("first", weight(6, 4))], (6,))
    text = message_text({"network": fields, "executor": executor_fields()})
    return zip_bytes({"n.nntxt": text.encode(), "p.protobuf": encode_protobuf(values) * 2})


def hdf5(fill: Callable[[h5py.File], object]) -> Build:
    """The sound network whose parameters are in an HDF5 file."""

    def build() -> bytes:
        stream = io.BytesIO()
        with h5py.File(stream, "w") as content:
            fill(content)
        fields, _ = chain_fields([affine("first", weight(6, 4))], (6,))
        text = message_text({"network": fields, "executor": executor_fields()})
        return zip_bytes({"network.nntxt": text.encode(), "parameter.h5": stream.getvalue()})

    return nnp(build)


def huge(content: h5py.File) -> None:
    """160 GB declared, nothing stored."""
    space = h5py.h5s.create_simple((200_000, 200_000))
    h5py.h5d.create(content.id, b"first", h5py.h5t.IEEE_F32LE, space)


def onnx_file(change: Callable[[Any], object] = lambda proto: None) -> Build:
    """A Gemm of 4 inputs and 3 outputs, changed."""

    def build() -> bytes:
        proto = model(node("Gemm", "x w", transB=1), {"x": (1, 4)}, constants={"w": weight(3, 4)})
        change(proto)
        return bytes(proto.SerializeToString())

    return file("model.onnx", build)


def initializer(**fields: Any) -> Build:
    """A Gemm whose weight has these fields."""
    return onnx_file(lambda proto: proto.graph.initializer[0].CopyFrom(TensorProto(name="w", **fields)))


def external(proto: Any) -> None:
    """Values in a file outside of the model's folder."""
    proto.graph.initializer[0].CopyFrom(
        TensorProto(name="w", dims=[3, 4], data_type=1, data_location=TensorProto.EXTERNAL)
    )
    proto.graph.initializer[0].external_data.add(key="location", value="../../etc/passwd")


def symbolic_batch(proto: Any) -> None:
    """A batch that has a name and no number."""
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"


def graph_of(nodes: Any, inputs: Mapping[str, tuple[int, ...]], outputs: list[str] | None = None) -> Build:
    """An .onnx of these nodes."""
    return file("model.onnx", lambda: model(nodes, inputs, outputs).SerializeToString())


def emptied(field: str) -> Build:
    """The Gemm without its nodes, inputs or outputs."""
    return onnx_file(lambda proto: proto.graph.ClearField(field))


def long_chain(suffix: str) -> Build:
    """5,000 rectifiers in a row."""
    if suffix == "nnp":
        return chain(*(relu(f"r{index}") for index in range(5000)), shape=(4,))
    nodes = [node("Relu", f"t{index}", f"t{index + 1}") for index in range(5000)]
    return graph_of(nodes, {"t0": (1, 4)})


def image(*layers: Layer, shape: tuple[int, ...] = (1, 8, 8)) -> Build:
    """Layers on an image, as .nnp."""
    return chain(*layers, shape=shape)


def window(kernel: tuple[int, int], channels: int = 1, **options: Any) -> Layer:
    """A convolution with 2 outputs."""
    return convolution("c", weight(2, channels, *kernel), **options)


def pooled(counted: int, shape: tuple[int, int] = (8, 8)) -> Build:
    """An average whose padding counts, or does not."""
    nodes = node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=counted)
    return graph_of(nodes, {"x": (1, 1, *shape)})


def same(kernel: tuple[int, int], pads: tuple[int, int, int, int]) -> Build:
    """A convolution that keeps the size, with unequal padding where its kernel is even."""

    def build() -> bytes:
        nodes = node("Conv", "x w", pads=list(pads))
        constants = {"w": weight(2, 1, *kernel)}
        return bytes(model(nodes, {"x": (1, 1, 8, 8)}, constants=constants).SerializeToString())

    return file("model.onnx", build)


def samples(array: np.ndarray) -> Build:
    """An .npy of calibration data."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return file("samples.npy", stream.getvalue())


def normalized(variance: float, eps: float = 1e-5) -> Build:
    """A convolution and its normalization."""
    scales = {"mean": np.zeros(2), "variance": np.full(2, variance), "scale": np.ones(2), "offset": np.zeros(2)}
    return image(window((3, 3)), batch_normalization("b", eps=eps, **scales))


def directory(folder: Path) -> Path:
    """A folder that is called as a model is."""
    (folder / "model.nnp").mkdir()
    return folder / "model.nnp"


def unequal_reshape(folder: Path) -> Path:
    """6 elements into 5."""
    return chain(affine("first", weight(6, 6)), reshape("s", -1, 5))(folder)


def largest_pool() -> Layer:
    """A pool that is larger than its image."""
    return max_pooling("p", (9, 9))


def described(text: bytes) -> Build:
    """A .fpgaq whose description is this text."""
    return file("network.fpgaq", lambda: zip_bytes({"network.json": text}, zipfile.ZIP_DEFLATED))


def packed_zeros(name: str, member: str, count: int, kind: str) -> Build:
    """An archive that is small for the zeros in it."""

    def build(folder: Path) -> Path:
        header, path = io.BytesIO(), folder / name
        np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": (count,)})
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(member, "w") as stream:
            stream.write(header.getvalue())
            for _ in range(count >> 20):
                stream.write(bytes(1 << 20))
        return path

    return build


def named(name: str) -> Build:
    """The sound model in a file of that name."""
    return file(name, sound_model)


def changed_type(folder: Path) -> Path:
    """A function that does not exist."""
    return text_of(lambda text: text.replace('type: "ReLU"', 'type: "Frobnicate"'))(folder)


def looped(folder: Path) -> Path:
    """Two rectifiers that read each other."""
    return graph_of([node("Relu", "b", "a"), node("Relu", "a", "b")], {"x": (1, 2)}, ["b"])(folder)


def parted(folder: Path) -> Path:
    """A part that no output needs."""
    return graph_of([node("Abs", "x", "unused"), node("Relu", "x", "y")], {"x": (1, 4)}, ["y"])(folder)


def opset(version: int) -> Build:
    """The Gemm under another version of the operators."""
    return onnx_file(lambda proto: proto.opset_import[0].__setattr__("version", version))


def unknown_attribute(proto: Any) -> None:
    """An attribute that no importer reads."""
    proto.graph.node[0].attribute.append(onnx.helper.make_attribute("extra", 3))
