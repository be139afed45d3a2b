"""Every fault that the program has to meet with a clear error, and every fault of hardware that a bench has to find.

A row of `COMMANDS` is run by `tests/faults/test_faults.py`: a bad file, a command, the exit code and words of the one
line that it prints. A row of `HELD` names the tests that hold a fault which needs more than a command.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.faults import inputs as bad
from tests.faults.place import weight
from tests.support.nnp_builder import convolution

SECONDS, MEGABYTES = 5.0, 1024.0
"""What the process of one row may take: processor seconds, and memory that it held at once."""

QUANTIZE = "quantize {bad} --calibration {samples} -o {file}"
SAMPLED = "quantize {model} --calibration {bad} -o {file}"
OPTION = "quantize {model} --calibration {samples} -o {file}"
GENERATE = "generate {bad} -o {folder}"
SUMMARY = "summary {bad}"


@dataclass(frozen=True)
class Row:
    """One fault.

    Parameters
    ----------
    item : str
        The fault in words; unique in its section.
    build : callable, optional
        Writes the bad file into an empty folder and returns its path.
    command : str
        Words of the command line; {bad} and the names of `tests.faults.place.Place` stand for files.
    code : int
        The exit code; of 0, the command must work and print no error.
    words : str
        Of the error.
    more : tuple of str
        Words of the command line with spaces in them.
    alone : bool
        Only in a process of its own, since it takes much.
    """

    item: str
    build: bad.Build | None
    command: str
    code: int
    words: str = ""
    more: tuple[str, ...] = field(default=())
    alone: bool = False

    @property
    def passable(self) -> bool:
        """Whether a process can be given these words: no argument of one holds NUL."""
        return not any("\0" in word for word in self.more)


def members(*names: str) -> dict[str, bytes]:
    """Empty members of these names."""
    return dict.fromkeys(names, b"")


def nan_at(value: float) -> np.ndarray:
    """A weight with one value at [2, 1]."""
    found = weight(6, 4)
    found[2, 1] = value
    return found


SAMPLES = np.random.default_rng(1).normal(size=(12, 6))
NOT_A_NUMBER = SAMPLES.copy()
NOT_A_NUMBER[1, 2] = np.nan

CONTAINER = (
    Row("empty file", bad.nnp(b""), QUANTIZE, 3, "is empty; expected a model"),
    Row("random bytes", bad.nnp(bytes(range(256)) * 8), QUANTIZE, 3, "not a zip file, or a truncated one"),
    Row("truncated zip", bad.nnp(lambda: bad.sound_model()[:-40]), QUANTIZE, 3, "not a zip file, or a truncated one"),
    Row("zip without a network", bad.zipped({"readme.txt": b""}), QUANTIZE, 3, "holds no network"),
    Row("two networks", bad.zipped(members("a.nntxt", "b.prototxt")), QUANTIZE, 3, "holds 2 network members"),
    Row("member ../../x", bad.zipped(members("../../x", "a.nntxt")), QUANTIZE, 3, "'../../x' points outside"),
    Row("absolute member", bad.zipped(members("/etc/x.nntxt")), QUANTIZE, 3, "'/etc/x.nntxt' points outside"),
    Row("member that is a link", bad.nnp(bad.link), QUANTIZE, 3, "is a symbolic link"),
    Row("member twice", bad.nnp(bad.duplicate), QUANTIZE, 3, "is in the zip twice"),
    Row("encrypted member", bad.nnp(bad.encrypted), QUANTIZE, 3, "is encrypted"),
    Row("300 kB that expand to 300 MB", bad.zipped({"network.nntxt": b"a: 1", "parameter.h5": bytes(300 << 20)}, 8),
        QUANTIZE, 3, "declares 314572800 bytes; at most", alone=True),
    Row("member whose size lies", bad.nnp(bad.lying), QUANTIZE, 3, "model.nnp"),
    Row("100,000 members", bad.nnp(bad.many_members), QUANTIZE, 3, "model.nnp"),
    Row("folder in place of the model", bad.directory, QUANTIZE, 3, "is a folder, not a file"),
    Row("path with spaces", bad.named("a b.nnp"), SUMMARY, 0),
    Row("path with quotes", bad.named("it's \"q\".nnp"), SUMMARY, 0),
    Row("path with a newline", bad.named("new\nline.nnp"), SUMMARY, 0),
    Row("path with a leading dash", bad.named("-x.nnp"), "summary -- -x.nnp", 0),
    Row("path with a leading dash, taken for an option", bad.named("-x.nnp"), "summary -x.nnp", 2, "No such option"),
    Row("no file at all", None, "quantize {own}/none.nnp --calibration {samples} -o {file}", 3, "no such file"),
    Row("path with NUL", None, "summary", 3, "cannot be read", more=("a\0b.nnp",)),
)  # fmt: skip

CONTENTS = (
    Row("syntax error, with line and column", bad.text_of(lambda text: text.replace("type: \"ReLU\"", "type: : 3")),
        QUANTIZE, 3, "network.nntxt:52:11: found ':'"),
    Row("invalid UTF-8", bad.bytes_of_text(lambda text: text.replace(b"main", b"ma\xffn")), QUANTIZE, 3, "UTF-8"),
    Row("byte order mark works", bad.bytes_of_text(lambda text: b"\xef\xbb\xbf" + text), SUMMARY, 0),
    Row("CRLF works", bad.bytes_of_text(lambda text: text.replace(b"\n", b"\r\n")), SUMMARY, 0),
    Row("unknown field", bad.text_of(lambda text: "frobnicate { a: 1 }\n" + text), QUANTIZE, 3, "frobnicate"),
    Row("10,000 levels of nesting", bad.text_of(lambda text: "a { " * 10_000 + "}" * 10_000 + text),
        QUANTIZE, 3, "deep"),
    Row("unknown function", bad.changed_type, QUANTIZE, 4, "Frobnicate (layer 'r')"),
    Row("missing parameter", bad.text_of(first_W=None), QUANTIZE, 3, "weights missing"),
    Row("unused parameter", bad.text_of(lambda text: text.replace(
        "  function {", '  variable { name: "c" type: "Parameter" shape { dim: 3 } }\n  function {', 1)),
        QUANTIZE, 3, "declares parameter 'c', which no layer reads"),
    Row("parameter twice", bad.nnp(bad.twice_named), QUANTIZE, 3, "is in the file twice"),
    Row("parameter of another shape", bad.text_of(first_W=weight(4, 6)), QUANTIZE, 3,
        "is declared (6, 4), its value has shape (4, 6)"),
    Row("HDF5: data in another file", bad.hdf5(lambda f: f.create_dataset(
        "first/W", (4,), "f4", external=[("/etc/passwd", 0, 16)])), QUANTIZE, 3, "keeps its data in another file"),
    Row("HDF5: external link", bad.hdf5(lambda f: f.__setitem__("first", bad.h5py.ExternalLink("other.h5", "/W"))),
        QUANTIZE, 3, "is a soft or external link"),
    Row("HDF5: variable length", bad.hdf5(lambda f: f.create_dataset("W", (2,), bad.h5py.vlen_dtype(np.float32))),
        QUANTIZE, 3, "is not an array of float32"),
    Row("HDF5: compound type", bad.hdf5(lambda f: f.create_dataset("W", data=np.zeros(2, [("a", "f4"), ("b", "i4")]))),
        QUANTIZE, 3, "is not an array of float32"),
    Row("HDF5: 160 GB declared", bad.hdf5(bad.huge), QUANTIZE, 3, "declares 160000000000 bytes"),
    Row("ONNX: values outside of the folder", bad.onnx_file(bad.external), QUANTIZE, 3, "outside the model's folder"),
    Row("ONNX: dimension -1", bad.initializer(dims=[-1, 4], data_type=1, raw_data=b""), QUANTIZE, 3,
        "dimensions are 0"),
    Row("ONNX: dimension 0", bad.initializer(dims=[0, 4], data_type=1, raw_data=b""), QUANTIZE, 3, "model.onnx"),
    Row("ONNX: dimension 2^31", bad.initializer(dims=[2**31, 4], data_type=1, raw_data=b""), QUANTIZE, 3,
        "dimensions are 0"),
    Row("ONNX: dimensions whose product overflows",
        bad.initializer(dims=[2**30, 2**30, 2**30], data_type=1, raw_data=b""), QUANTIZE, 3, "elements; at most"),
    Row("ONNX: raw data of the wrong length", bad.initializer(dims=[3, 4], data_type=1, raw_data=b"\0" * 47),
        QUANTIZE, 3, "has 47 bytes of raw data"),
    Row("ONNX: float16 works", bad.initializer(dims=[3, 4], data_type=10,
        raw_data=weight(3, 4).astype(np.float16).tobytes()), SUMMARY, 0),
    Row("ONNX: double works", bad.initializer(dims=[3, 4], data_type=11,
        raw_data=weight(3, 4).astype(np.float64).tobytes()), SUMMARY, 0),
    Row("ONNX: int64", bad.initializer(dims=[3, 4], data_type=7, raw_data=b"\0" * 96), QUANTIZE, 4,
        "supported: real numbers"),
    Row("ONNX: string", bad.initializer(dims=[3, 4], data_type=8, raw_data=b"\0" * 12), QUANTIZE, 4, "of type string"),
    Row("ONNX: symbolic batch works", bad.onnx_file(bad.symbolic_batch), SUMMARY, 0),
    Row("ONNX: opset too new", bad.opset(1000), QUANTIZE, 4, "uses opset 1000; supported: 2 to"),
    Row("ONNX: opset too old", bad.opset(1), QUANTIZE, 4, "uses opset 1; supported: 2 to"),
    Row("ONNX: attribute that nobody reads", bad.onnx_file(bad.unknown_attribute), QUANTIZE, 4, "attribute 'extra'"),
)  # fmt: skip

WEIGHTS = (
    Row("NaN", bad.text_of(first_W=nan_at(np.nan)), QUANTIZE, 3, "layer 'first': weight[1, 2] is nan"),
    Row("infinity", bad.text_of(first_W=nan_at(np.inf)), QUANTIZE, 3, "layer 'first': weight[1, 2] is inf"),
    Row("all zeros work", bad.text_of(first_W=np.zeros((6, 4), np.float32)), QUANTIZE, 0),
    Row("one outlier of 1e30", bad.text_of(first_W=nan_at(1e30)), QUANTIZE, 0, "layer first: weight[1, 2] is 1e+30, "),
    Row("denormals work", bad.text_of(first_W=np.full((6, 4), 1e-42, np.float32)), QUANTIZE, 0),
    Row("batch normalization: negative variance", bad.normalized(-1.0), QUANTIZE, 3, "variance"),
    Row("batch normalization: no variance and eps 0", bad.normalized(0.0, 0.0), QUANTIZE, 3, "variance"),
    Row("batch normalization: no variance works with eps", bad.normalized(0.0), SUMMARY, 0),
)  # fmt: skip

GRAPH = (
    Row("cycle, printed", bad.looped, QUANTIZE, 3, "has a cycle: "),
    Row("a part that no output needs works", bad.parted, SUMMARY, 0),
    Row("no input", bad.emptied("input"), QUANTIZE, 3, "reads 'x', which no layer writes"),
    Row("no output", bad.emptied("output"), QUANTIZE, 3, "has no output"),
    Row("no layer", bad.emptied("node"), QUANTIZE, 3, "is empty: it has no layer"),
    Row("5,000 layers of .nnp work", bad.long_chain("nnp"), SUMMARY, 0, alone=True),
    Row("5,000 layers of .onnx work", bad.long_chain("onnx"), SUMMARY, 0, alone=True),
    Row("reshape whose product differs", bad.unequal_reshape, QUANTIZE, 3, "layer 's'"),
)  # fmt: skip

GEOMETRY = (
    Row("kernel larger than the padded input", bad.image(bad.window((11, 11))), QUANTIZE, 3, "layer 'c'"),
    Row("pool larger than the input", bad.image(bad.largest_pool()), QUANTIZE, 3, "layer 'p'"),
    Row("stride 0", bad.image(bad.window((3, 3), stride=(0, 1))), QUANTIZE, 3, "stride"),
    Row("output of height 0", bad.image(bad.window((9, 3))), QUANTIZE, 3, "layer 'c'"),
    Row("groups that do not divide", bad.image(convolution("c", weight(3, 1, 3, 3), group=2), shape=(3, 8, 8)),
        QUANTIZE, 3, "layer 'c'"),
    Row("dilation works", bad.image(bad.window((3, 3), dilation=(2, 2))), SUMMARY, 0),
    Row("stride over kernel works", bad.image(bad.window((2, 2), stride=(3, 3))), SUMMARY, 0),
    Row("unequal padding works", bad.same((3, 3), (0, 1, 2, 1)), SUMMARY, 0),
    Row("even kernel of the same size works", bad.same((2, 2), (0, 0, 1, 1)), SUMMARY, 0),
    Row("image of 1x1 works", bad.image(bad.window((1, 1)), shape=(1, 1, 1)), SUMMARY, 0),
    Row("rows of one pixel work", bad.image(bad.window((3, 1)), shape=(1, 8, 1)), SUMMARY, 0),
    Row("a group for each channel works", bad.image(convolution("c", weight(3, 1, 3, 3), group=3), shape=(3, 8, 8)),
        SUMMARY, 0),
    Row("average that counts its padding works", bad.pooled(1), SUMMARY, 0),
    Row("average that does not count its padding works", bad.pooled(0), SUMMARY, 0),
    Row("global average of 7x7 works", bad.graph_of(bad.node("GlobalAveragePool", "x"), {"x": (1, 2, 7, 7)}),
        SUMMARY, 0),
)  # fmt: skip

OPTIONS = (
    *(Row(f"{bits} bits", None, f"{OPTION} --weight-bits {bits}", 2,
          f"{bits}'" if bits == 8.5 else f"weight_bits is {bits};")
      for bits in (0, 1, -3, 33, 8.5)),
    *(Row(f"{bits} bits of activations", None, f"{OPTION} --activation-bits {bits}", 2,
          f"{bits}'" if bits == 8.5 else f"activation_bits is {bits};")
      for bits in (0, 1, -3, 33, 8.5)),
    Row("no samples", bad.samples(SAMPLES[:0]), SAMPLED, 3, "holds no samples"),
    Row("samples of another shape", bad.samples(SAMPLES[:, :5]), SAMPLED, 3, "does not fit the input's shape"),
    Row("constant samples", bad.samples(np.ones((4, 6))), SAMPLED, 3, "every value is 1.0; samples that differ"),
    Row("samples with NaN", bad.samples(NOT_A_NUMBER), SAMPLED, 3, "element [1, 2] is nan"),
    Row("pickled objects", bad.samples(np.array([{}, {}], dtype=object)), SAMPLED, 3, "element type object is refused"),
    Row("a target that cannot be met", None, "generate {network} -o {folder} --latency 1", 5, "cycles"),
    Row("a frame rate without a clock", None, "generate {network} -o {folder} --fps 100", 2, "--clock"),
    Row("a file of options that is damaged", bad.file("o.toml", b"weight_bits = = 3"), OPTION + " --config {bad}", 2,
        "o.toml"),
)  # fmt: skip

LARGE = (
    Row(".npz: 1 MB that expands to 1 GB", bad.packed_zeros("x.npz", "x.npy", 1 << 30, "|u1"), SAMPLED, 3,
        "bytes expanded; at most", alone=True),
    Row(".fpgaq: 270 kB that expand to 256 MB", bad.packed_zeros("x.fpgaq", "samples/0.npy", 1 << 28, "|i1"),
        GENERATE, 3, "bytes expanded; at most", alone=True),
    Row(".fpgaq: description of 60 MB", bad.described(b"[" + b"[]," * 20_000_000 + b"[]]"), GENERATE, 3,
        "network.fpgaq", alone=True),
    Row(".fpgaq: description of 16 MB of empty lists", bad.described(b"[" + b"[]," * 5_500_000 + b"[]]"), GENERATE, 3,
        "network.fpgaq", alone=True),
)  # fmt: skip

OUTPUT = (
    Row("output that is a folder", None, "quantize {model} --calibration {samples} -o {folder}", 2, "is a folder"),
    Row("output in a folder that is not there", None, OPTION.replace("{file}", "{own}/none/x.fpgaq"), 2,
        "is no folder that can be written"),
    Row("output folder that is a file", None, "generate {network} -o {file}", 2, "kept.fpgaq"),
)  # fmt: skip

COMMANDS: dict[str, tuple[Row, ...]] = {
    "container": CONTAINER,
    "contents": CONTENTS,
    "weights": WEIGHTS,
    "graph": GRAPH,
    "geometry": GEOMETRY,
    "options and data": OPTIONS,
    "large inputs": LARGE,
    "output": OUTPUT,
}
