"""The readers of files that others wrote, with small real files of each kind to damage."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fpgaq import pipeline
from fpgaq.base.data import load_data
from fpgaq.integer import file as integer_file
from fpgaq.model.importers import load as load_model
from tests.faults.place import sound_model, weight
from tests.support.integer_networks import convolution_network, small_network
from tests.support.nnp_builder import affine, build_nnp, convolution, max_pooling, relu
from tests.support.onnx_models import model, node
from tests.support.quantized_models import convolution as convolution_of_onnx
from tests.support.quantized_models import qoperators
from tests.support.tflite_operators import build, build_float

ROOT = Path(__file__).parents[2]
FLOAT = ("CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "ADD")
INTEGER = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "SOFTMAX")


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Parameters
    ----------
    name : str
        The file's name; its end tells the kind.
    read : callable
        Reads the file at a path, or raises an error that a user can understand.
    sound : callable
        Sound files to damage, by reading or building them.
    beside : callable, optional
        Writes sound files that the damaged one refers to into its folder.
    """

    name: str
    read: Callable[[Path], object]
    sound: Callable[[], list[bytes]]
    beside: Callable[[Path], None] | None = None


def _pictures(kind: str, *modes: str) -> list[bytes]:
    from PIL import Image

    found, values = [], np.random.default_rng(3).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    for mode in modes:
        stream = io.BytesIO()
        Image.fromarray(values).convert(mode).save(stream, kind)
        found.append(stream.getvalue())
    return found


def _nnp() -> list[bytes]:
    layers = [convolution("c", weight(2, 1, 3, 3)), relu("r"), max_pooling("p"), affine("a", weight(18, 3))]
    kinds = [build_nnp(layers, (1, 8, 8), parameter_format=kind) for kind in ("protobuf", "h5")]
    return [sound_model(), *kinds]


def _exported(end: str) -> list[bytes]:
    """Small files of the exporters that other frameworks have."""
    found = sorted((ROOT / "tests/model/exported/files").rglob(f"*{end}"))
    return [path.read_bytes() for path in found if path.stat().st_size < 30_000]


def _onnx() -> list[bytes]:
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("Flatten", "r", "f"), node("Gemm", "f v", transB=1)]
    constants = {"w": weight(2, 1, 3, 3), "v": weight(3, 72)}
    return [model(nodes, {"x": (1, 1, 8, 8)}, constants=constants).SerializeToString(), *_exported(".onnx")]


def _side_models() -> list[bytes]:
    """A model whose weight is in a second file."""
    proto = model(node("Gemm", "x w", transB=1), {"x": (1, 4)}, constants={"w": weight(3, 4)})
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    for key, value in (("location", "values.bin"), ("offset", "0"), ("length", "48")):
        tensor.external_data.add(key=key, value=value)
    return [proto.SerializeToString()]


def _beside(folder: Path) -> None:
    (folder / "values.bin").write_bytes(weight(3, 4).tobytes())


def _fpgaq() -> list[bytes]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.fpgaq"
        found = []
        for graph in (small_network(1), convolution_network(2, final=True)):
            integer_file.save(graph, path)
            found.append(path.read_bytes())
    return found


def _arrays(save: Callable[..., None], **arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays) if arrays else save(stream, np.arange(24.0).reshape(4, 6))
    return stream.getvalue()


def _npz() -> list[bytes]:
    arrays = {"x": np.random.default_rng(1).normal(size=(5, 6)), "y": np.arange(5) % 3}
    return [_arrays(np.savez, **arrays), _arrays(np.savez_compressed, **arrays)]


def _samples(path: Path) -> object:
    return load_data(path, ["x"], outputs=["y"], shapes={"x": (6,), "y": (3,)})


def _picture(path: Path) -> object:
    return load_data(path, ["x"], shapes={"x": (3, 6, 5)})


def _quantized(path: Path) -> object:
    return pipeline.quantize(path)


TABLE = "a,b,c,d,e,f,class\n" + "".join(f"{i},{i / 3:.3f},-2,1e-3,5,6.5,{i % 3}\n" for i in range(8))

READERS: dict[str, Reader] = {
    ".nnp": Reader("m.nnp", load_model, _nnp),
    ".onnx": Reader("m.onnx", load_model, _onnx),
    ".onnx with a second file": Reader("m.onnx", load_model, _side_models, _beside),
    ".onnx, quantized": Reader("m.onnx", _quantized, lambda: [convolution_of_onnx(0), qoperators(1)]),
    ".tflite": Reader("m.tflite", load_model, lambda: [build_float(name, 0) for name in FLOAT]),
    ".tflite, quantized": Reader("m.tflite", _quantized, lambda: [build(name, "int8", 0) for name in INTEGER]),
    ".fpgaq": Reader("m.fpgaq", integer_file.load, _fpgaq),
    ".npz": Reader("x.npz", _samples, _npz),
    ".npy": Reader("x.npy", _samples, lambda: [_arrays(np.save)]),
    ".csv": Reader("x.csv", _samples, lambda: [TABLE.encode()]),
    ".png": Reader("x.png", _picture, lambda: _pictures("PNG", "L", "RGB", "P")),
    ".jpg": Reader("x.jpg", _picture, lambda: _pictures("JPEG", "L", "RGB")),
}
