"""Every shell and Python block of the README and of docs runs in an empty folder, or its page says why it does not."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.base.formats import Format
from fpgaq.cli import invoke
from tests.compat.interface import NETWORKS
from tests.docs.blocks import PAGES, REASONS, Block, blocks_of, run
from tests.support.network_builder import NetworkBuilder

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits_tabular"
SMALL = {"fashion_cnn": "digits_tabular"}
"""A network of 64 inputs in the place of one of images."""
SHORT: dict[str, dict[str, str]] = {
    "README.md": SMALL | {"simulate build/cnn\n": "simulate build/cnn --frames 1\n", "--seeds 1": "--seeds 0"},
    "docs/cost.md": SMALL | {
        "synth out": "synth out --seeds 0",
        "--bits 8,5,3": "--bits 8,5,3 --multipliers 1,4 --jobs 1",
    },
    "docs/pruning.md": {"--finetune 8": "--finetune 0.1 --trials 2 --trial-epochs 0.1", "140_000": "3_000"},
    "docs/walkthrough.md": {
        "build/walk/fashion_test.npz": "build/walk/digits_tabular/test.npz",
        "build/walk/fashion_train.npz": "build/walk/digits_tabular/test.npz",
        "--budget 55%": "--budget 55% --widths 3,8 --jobs 1",
        "fashion_cnn": "digits_tabular",
    },
    "docs/commands/start-here.md": SMALL,
    "docs/commands/step-by-step.md": {"--seeds 1": "--seeds 0"},
}  # fmt: skip
"""By page: small networks in the place of large ones, few trials in the place of many."""
NEEDS_NNABLA = frozenset(
    {
        "docs/loadable.md",
        "docs/nnabla.md",
        "docs/pruning.md",
        "docs/walkthrough.md",
        "docs/commands/training-in-fixed-point.md",
        "examples/digits_cnn/README.md",
        "examples/digits_tabular/README.md",
    }
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the current one, with what every page takes as given."""
    place = tmp_path / "place"
    ignored = shutil.ignore_patterns("__pycache__", "fashion_*")
    shutil.copytree(ROOT / "examples", place / "examples", ignore=ignored)
    shutil.copyfile(ROOT / "examples" / "fashion_data.py", place / "examples" / "fashion_data.py")
    shutil.copyfile(DIGITS / "model.nnp", place / "model.nnp")
    samples = np.load(DIGITS / "calibration.npz")
    for name in ("calibration", "train", "test"):
        np.savez(place / f"{name}.npz", x=samples["x"][:96], y=samples["y"][:96])
    for name in ("model", "network"):
        shutil.copyfile(NETWORKS / "perceptron.fpgaq", place / f"{name}.fpgaq")
    monkeypatch.chdir(place)
    return place


def give_samples() -> None:
    """A model of pictures of three channels, and pictures."""
    from PIL import Image

    save_onnx("net.onnx", (3, 8, 8))
    Path("photos").mkdir()
    for index in range(8):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(f"photos/{index}.png")


def give_formats() -> None:
    """Models of each format."""
    from tests.support.tflite_operators import build

    save_onnx("net.onnx", (64,))
    assert invoke(["export", "model.fpgaq", "-o", "quantized.onnx", "--quiet"]) == 0
    np.savez("quantized.npz", x=np.random.default_rng(0).integers(0, 100, (8, 6, 1, 1)))
    Path("integers.tflite").write_bytes(build("CONV_2D", "int8", 0))


def give_parts() -> None:
    """A model with a layer that is not carried, and samples."""
    save_onnx("net.onnx", (3, 8, 8), refused=True)
    np.savez("samples.npz", x=np.random.default_rng(0).normal(size=(8, 3, 8, 8)).astype(np.float32))
    np.savez("middle.npz", conv3_out=np.random.default_rng(1).normal(size=(8, 4, 8, 8)).astype(np.float32))


def give_chains() -> None:
    """Networks of affine layers: only chains of them can be unrolled."""
    for name in ("digits", "small"):
        shutil.copyfile(NETWORKS / "perceptron.fpgaq", f"{name}.fpgaq")
    np.savez("train.npz", x=np.random.default_rng(0).uniform(0, 1, (64, 6, 1, 1)))


def give_searches() -> None:
    """A chain of affine layers beside the model that the other commands read."""
    network = fpgaq.quantize(fpgaq.load_model("model.nnp"), "calibration.npz")
    fpgaq.save_integer(network, "digits.fpgaq")


def give_hardware() -> None:
    """An output folder."""
    fpgaq.generate(fpgaq.load_integer("model.fpgaq"), "build/cnn")


def give_steps() -> None:
    """An .onnx with a layer that is not carried."""
    save_onnx("model.onnx", (3, 8, 8), refused=True)


def give_core() -> None:
    """A core behind a bus that loads its weights, and a network to load."""
    options = ["--bus", "32", "--top", "eye", "--multipliers", "4", "--weights", "loadable", "--quiet"]
    assert invoke(["generate", "model.fpgaq", "-o", "out", *options]) == 0
    shutil.copyfile("model.fpgaq", "finetuned.fpgaq")


def give_more() -> None:
    """Samples of later."""
    shutil.copyfile("train.npz", "more.npz")


def give_measured() -> None:
    """An output folder of the model that the page names."""
    network = fpgaq.quantize(fpgaq.load_model("model.nnp"), "calibration.npz")
    fpgaq.generate(network, "out")


def give_pixels() -> None:
    """A network of convolutions, and a small one."""
    for name in ("model", "trigger"):
        builder = NetworkBuilder(5, (16, 4, 1), Format(8, 7, False))
        network = builder.convolution(3, kernel=(3, 1)).pool((2, 1), (2, 1)).affine(2).graph()
        fpgaq.save_integer(network, f"{name}.fpgaq")


def save_onnx(path: str, shape: tuple[int, ...], refused: bool = False) -> None:
    """A small model: an affine layer, or convolutions with a layer between them that is `refused`."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    weights = (
        [random.normal(size=(10, 64))] if len(shape) == 1 else [random.normal(size=(4, c, 3, 3)) for c in (3, 4, 4)]
    )
    values = [numpy_helper.from_array(w.astype(np.float32), f"w{i}") for i, w in enumerate(weights)]
    same = {"pads": [1, 1, 1, 1]}
    if len(shape) == 1:
        nodes = [helper.make_node("Gemm", ["x", "w0"], ["y"], transB=1)]
    else:
        end = ["LRN", "LeakyRelu"][not refused]
        nodes = [
            helper.make_node("Conv", ["x", "w0"], ["conv3_out"], **same),
            helper.make_node("Conv", ["conv3_out", "w1"], ["conv7_out"], **same),
            helper.make_node("Relu", ["conv7_out"], ["relu7_out"]),
            helper.make_node(end, ["relu7_out"], ["odd"], **({"size": 3} if refused else {})),
            helper.make_node("Conv", ["odd", "w2"], ["y"], **same),
        ]
    tensors = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10] if len(shape) == 1 else [1, 4, 8, 8]),
    ]
    graph = helper.make_graph(nodes, "net", tensors[:1], tensors[1:], values)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


GIVEN: dict[str, Callable[[], None]] = {
    "docs/commands/fewer-bits-smaller-networks.md": give_searches,
    "docs/commands/into-a-system-onto-a-board.md": give_core,
    "docs/commands/step-by-step.md": give_steps,
    "docs/data.md": give_samples,
    "docs/dev/debug-a-mismatch.md": give_hardware,
    "docs/howto/formats.md": give_formats,
    "docs/loadable.md": give_more,
    "docs/parts.md": give_parts,
    "docs/pixels.md": give_pixels,
    "docs/report.md": give_measured,
    "docs/unrolled.md": give_chains,
}
"""What a page takes as given besides `model.nnp` and the like."""


def shortened(block: Block) -> Block:
    text = block.text
    for long, short in SHORT.get(block.page, {}).items():
        text = text.replace(long, short)
    return Block(block.page, block.line, block.kind, text, block.reason)


def runnable(page: str) -> list[Block]:
    return [block for block in blocks_of(page) if block.kind != "text" and not block.reason]


def parameters() -> list[object]:
    marks = [pytest.mark.nnabla]
    return [pytest.param(page, marks=marks if page in NEEDS_NNABLA else []) for page in PAGES if runnable(page)]


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("page", parameters())
def test_every_block_of_the_page_runs(page: str, folder: Path, request: pytest.FixtureRequest) -> None:
    if page in NEEDS_NNABLA:
        request.getfixturevalue("nnabla")
    if page in GIVEN:
        GIVEN[page]()
    names: dict[str, object] = {}
    for block in runnable(page):
        run(shortened(block), names, folder.parent / "tools")


@pytest.mark.once
def test_every_block_is_run_or_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    found = [block for page in PAGES for block in blocks_of(page)]
    reasons = Counter(block.reason for block in found if block.reason)
    kinds = Counter(block.kind for block in found if not block.reason)
    assert set(reasons) == REASONS
    assert kinds["shell"] >= 70 and kinds["python"] >= 15, kinds
    assert reasons.total() <= 25, reasons
    with capsys.disabled():
        print(
            f"\nblocks of the documentation: {kinds['shell']} of shell and {kinds['python']} of Python are run,",
            end=" ",
        )
        print(
            f"{kinds['text']} are text; not run:", ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        )


@pytest.mark.once
def test_what_is_shortened_stands_on_its_page() -> None:
    for page, pairs in SHORT.items():
        text = "".join(block.text for block in blocks_of(page))
        for long in pairs:
            assert long in text, f"{page}: {long}"


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("    fpgaq nothing\n", "shell", ""),
        ("```python\n>>> 1 + 1\n3\n```\n", "python", ""),
        ("    import fpgaq.nothing\n", "python", ""),
        ("<!-- not run: needs a board -->\n```sh\nfalse\n```\n", "shell", "needs a board"),
    ],
)
def test_a_block_that_fails_is_noticed(text: str, kind: str, reason: str, tmp_path: Path) -> None:
    (block,) = blocks_of("page.md", text)
    assert (block.kind, block.reason) == (kind, reason)
    with pytest.raises((AssertionError, ImportError)):
        run(block, {}, tmp_path / "tools")


@pytest.mark.once
def test_a_fence_of_no_language_is_refused() -> None:
    with pytest.raises(AssertionError, match="a fence of ''"):
        blocks_of("page.md", "```\nfpgaq\n```\n")
